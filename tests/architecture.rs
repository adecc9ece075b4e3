//! Which crate may know which: the arrows of the design, proven by the manifests.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What each crate of the product may depend on, in every kind of dependency, its tests' included.
const ARROWS: [(&str, &str, &[&str]); 7] = [
    ("engine/core", "equipoise-core", &[]),
    ("engine/port", "equipoise-port", &["equipoise-core"]),
    ("engine/runtime", "equipoise-runtime", &["equipoise-core", "equipoise-port"]),
    ("adapters/venues", "equipoise-venues", &["equipoise-core", "equipoise-port"]),
    ("adapters/sim", "equipoise-sim", &[]),
    ("engine/cli", "equipoise-cli", &["equipoise", "equipoise-sim"]),
    (
        ".",
        "equipoise",
        &[
            "equipoise-core",
            "equipoise-port",
            "equipoise-runtime",
            "equipoise-venues",
            "equipoise-sim",
        ],
    ),
];

/// One manifest, as far as arrows go.
struct Manifest {
    package: String,
    /// Names in dependency tables by the kind of table: `dependencies`, `dev-dependencies`, …
    dependencies: BTreeMap<String, BTreeSet<String>>,
}

/// Reads the tables of a manifest: a name counts wherever in a dependency table it stands, as key, header or
/// `package`, so that neither a rename nor another way to spell a table hides it.
fn manifest(folder: &str) -> Manifest {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join("Cargo.toml");
    let text = std::fs::read_to_string(path).unwrap();
    let mut package = String::new();
    let mut dependencies: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut table = String::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        if let Some(header) = line.trim().strip_prefix('[') {
            table = header.trim_end_matches(']').to_owned();
        }
        if table == "package" && line.starts_with("name") {
            package = line.split('"').nth(1).unwrap().to_owned();
        }
        if let Some(kind) = kind_of(&table) {
            dependencies.entry(kind).or_default().extend(names(line));
        }
    }
    Manifest { package, dependencies }
}

/// The kind of a dependency table of this crate; the workspace's own list only gives versions.
fn kind_of(table: &str) -> Option<String> {
    let of_crate = !table.starts_with("workspace");
    let kind = table.split('.').find(|part| part.ends_with("dependencies"));
    kind.filter(|_| of_crate).map(str::to_owned)
}

fn names(line: &str) -> impl Iterator<Item = String> {
    let words =
        line.split(|letter: char| !(letter.is_ascii_alphanumeric() || "-_".contains(letter)));
    words.filter(|word| !word.is_empty()).map(str::to_owned)
}

fn ours(names: impl IntoIterator<Item = String>) -> BTreeSet<String> {
    names.into_iter().filter(|name| name.starts_with("equipoise")).collect()
}

#[test]
fn no_crate_knows_another_one_that_it_must_not_know() {
    for (folder, name, allowed) in ARROWS {
        let manifest = manifest(folder);
        assert_eq!(manifest.package, name);
        let known = ours(manifest.dependencies.into_values().flatten());
        let allowed: BTreeSet<_> = allowed.iter().map(|name| (*name).to_owned()).collect();
        let forbidden: Vec<_> = known.difference(&allowed).filter(|known| *known != name).collect();
        assert_eq!(forbidden, Vec::<&String>::new(), "{name} must not know these");
    }
}

#[test]
fn users_of_the_facade_do_not_build_the_simulator() {
    let manifest = manifest(".");
    assert!(!ours(manifest.dependencies["dependencies"].clone()).contains("equipoise-sim"));
    assert!(ours(manifest.dependencies["dev-dependencies"].clone()).contains("equipoise-sim"));
}

#[test]
fn the_core_can_neither_wait_nor_send_nor_read_a_clock() {
    let manifest = manifest("engine/core");
    let doing =
        ["tokio", "futures", "async-trait", "http", "reqwest", "fastrand", "tracing", "jiff"];
    for name in doing {
        assert!(!manifest.dependencies["dependencies"].contains(name), "the core needs no {name}");
    }
}

#[test]
fn every_member_of_the_product_is_listed_here() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let text = std::fs::read_to_string(root).unwrap();
    let (_, members) = text.split_once("members = [").unwrap();
    let (members, _) = members.split_once(']').unwrap();
    let members = members.split('"').skip(1).step_by(2);
    // Members under `tests` prove things about all of them and are known by none.
    for member in members.filter(|member| !member.starts_with("tests/")) {
        assert!(ARROWS.iter().any(|(folder, _, _)| *folder == member), "{member}");
    }
}

/// Rule numbers in a text: one of these letters, then one or two digits, and no further letter or digit around them.
fn rules(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let rule = |word: &&str| {
        let (letter, number) = word.split_at_checked(1).unwrap_or_default();
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        "SRKDNVPOAJ".contains(letter)
            && !letter.is_empty()
            && digits
            && (1..=2).contains(&number.len())
    };
    words.filter(rule).map(str::to_owned).collect()
}

fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn every_rule_that_is_cited_is_defined_once() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let architecture = std::fs::read_to_string(root.join("engine/ARCHITECTURE.md")).unwrap();
    let defined: Vec<&str> = architecture
        .lines()
        .filter(|line| line.starts_with("| **"))
        .flat_map(|line| line.split('|').nth(1).unwrap().split("**").skip(1).step_by(2))
        .collect();
    let mut paths = vec![root.join("README.md")];
    for folder in ["engine", "adapters", "examples", "benches", "tests"] {
        files(&root.join(folder), &mut paths);
    }
    let mut cited = BTreeSet::new();
    for path in paths {
        let text = match path.extension().and_then(|extension| extension.to_str()) {
            Some("md") => std::fs::read_to_string(&path).unwrap(),
            // Of code only comments: keys of the journal look alike.
            Some("rs") => {
                let text = std::fs::read_to_string(&path).unwrap();
                let comments = text.lines().filter_map(|line| line.split_once("//"));
                comments.map(|(_, comment)| format!("{comment}\n")).collect()
            }
            _ => continue,
        };
        cited.extend(rules(&text));
    }
    let unique: BTreeSet<String> = defined.iter().map(|rule| (*rule).to_owned()).collect();
    assert_eq!(unique.len(), defined.len(), "defined twice: {defined:?}");
    assert!(cited.len() > 50, "{cited:?}");
    let undefined: Vec<_> = cited.difference(&unique).collect();
    assert!(undefined.is_empty(), "cited and nowhere defined: {undefined:?}");
}
