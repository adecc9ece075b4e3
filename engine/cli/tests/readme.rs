//! The README's reference is complete: its files parse, and every field of files and documents stands in it.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use support::{Desk, PLAN};

fn readme() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join("README.md")).unwrap()
}

/// Its TOML files that begin with this comment.
fn files(readme: &str, name: &str) -> Vec<String> {
    let blocks = readme.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let comment = format!("# {name}");
    blocks.filter(|block| block.starts_with(&comment)).map(str::to_owned).collect()
}

#[test]
fn its_plans_and_configurations_are_accepted() {
    let desk = Desk::without_venues();
    let readme = readme();
    let (plans, configs) = (files(&readme, "plan.toml"), files(&readme, "equipoise.toml"));
    assert_eq!((plans.len(), configs.len()), (2, 2));
    for plan in plans {
        desk.write("plan.toml", &plan);
        desk.call(&["key", "plan.toml", "--json"]).ended(0);
    }
    for config in configs {
        desk.write("equipoise.toml", &config);
        desk.call(&["batches", "--json"]).ended(0);
    }
}

/// The fields a table may have, as the refusal of another one lists them.
fn allowed(message: &str) -> Vec<String> {
    let (_, list) = message.split_once("expected").unwrap();
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn its_complete_files_have_every_field() {
    let desk = Desk::without_venues();
    let readme = readme();
    let whole = |name: &str| {
        files(&readme, name).into_iter().find(|file| file.contains(", complete")).unwrap()
    };
    let (plan, config) = (whole("plan.toml"), whole("equipoise.toml"));
    let mut fields = 0;
    let mut compare = |file: &str, message: String| {
        for field in allowed(&message) {
            let given = [format!("\n{field} = "), format!("[{field}]"), format!("[{field}.")];
            assert!(given.iter().any(|text| file.contains(text)), "{field} is not in {file}");
            fields += 1;
        }
    };
    for place in ["strategy =", "name =", "on_residual ="] {
        desk.write("plan.toml", &PLAN.replacen(place, &format!("zzz = 1\n{place}"), 1));
        let refused = desk.call(&["key", "plan.toml", "--json"]).failed(2, "plan_invalid");
        compare(&plan, refused);
    }
    for place in ["[journal]\n", "[venues.binance]\n"] {
        let config_file = desk.config("sled").replacen(place, &format!("{place}zzz = 1\n"), 1);
        desk.write("equipoise.toml", &config_file);
        let refused = desk.call(&["batches", "--json"]).failed(2, "config_invalid");
        compare(&config, refused);
    }
    assert_eq!(fields, 4 + 10 + 6 + 4 + 11);
}

/// Names of all fields, but those of maps whose names are data.
fn names(document: &Value, found: &mut BTreeSet<String>) {
    match document {
        Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        Value::Object(fields) => {
            for (name, value) in fields {
                found.insert(name.clone());
                if !["net_delta", "fees"].contains(&name.as_str()) {
                    names(value, found);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn its_tables_have_every_field_of_the_documents() {
    let desk = Desk::with_venues(None);
    let following = "{ of = \"long\", ratio = \"1\" }\nafter = [\"long\"]\n\n[policy]";
    desk.write("plan.toml", &PLAN.replace("\"0.1\"\n\n[policy]", following));
    let key = desk.call(&["key", "plan.toml", "--json"]).ended(0);
    let mut found = BTreeSet::new();
    names(&key, &mut found);
    let key = key["key"].as_str().unwrap();
    for command in [
        &["check", "plan.toml", "--json"][..],
        &["run", "plan.toml", "--json"],
        &["show", key, "--json"],
        &["batches", "--json"],
        &["recover", "--json"],
        &["doctor", "--json"],
    ] {
        names(&desk.call(command).ended(0), &mut found);
    }
    assert!(found.len() > 50, "{found:?}");
    let readme = readme();
    let missing: Vec<_> =
        found.iter().filter(|name| !readme.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "not in the README: {missing:?}");
}
