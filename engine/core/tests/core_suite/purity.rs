//! The core stays pure: what it depends on is listed here, and what it may call is fenced by `clippy.toml`.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests; this one reads the manifest"
)]

use std::path::Path;

fn manifest() -> toml::Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_core_depends_on_these_crates_and_no_others() {
    let manifest = manifest();
    let names: Vec<_> = manifest["dependencies"].as_table().unwrap().keys().cloned().collect();
    assert_eq!(names, ["petgraph", "rust_decimal", "serde", "sha2", "thiserror"]);
    for section in ["build-dependencies", "target", "features"] {
        assert!(!manifest.contains_key(section), "{section}");
    }
}

#[test]
fn clock_tasks_files_sockets_and_the_environment_are_out_of_reach() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("clippy.toml");
    let fence = std::fs::read_to_string(path).unwrap();
    for what in [
        "std::time::SystemTime",
        "std::time::Instant",
        "std::thread::spawn",
        "std::thread::sleep",
        "std::fs::read",
        "std::fs::write",
        "std::fs::File",
        "std::net::TcpStream",
        "std::net::UdpSocket",
        "std::env::var",
        "std::process::Command",
    ] {
        assert!(fence.contains(&format!("\"{what}\"")), "{what}");
    }
}

#[test]
fn no_source_file_names_a_clock_a_task_or_a_socket() {
    fn visit(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(&path, found);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for word in
                ["std::time", "std::thread", "std::fs", "std::net", "std::env", "f64", "f32"]
            {
                if text.contains(word) {
                    found.push(format!("{} names {word}", path.display()));
                }
            }
        }
    }
    let mut found = Vec::new();
    visit(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert_eq!(found, [""; 0]);
}
