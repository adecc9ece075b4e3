//! Keys and secrets come from the environment and never appear anywhere (A5).
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use support::{Answer, Desk};

const CANARY: &str = "canary7391";

fn assert_hidden(desk: &Desk, arguments: &[&str]) -> Answer {
    let answer = Answer(desk.command(arguments).env("RUST_LOG", "trace").output().unwrap());
    assert!(!answer.stdout().contains(CANARY), "{arguments:?}");
    assert!(!answer.stderr().contains(CANARY), "{arguments:?}");
    answer
}

#[test]
fn no_output_log_or_file_holds_a_key_or_secret() {
    let mut desk = Desk::with_credentials(&format!(
        "{{\"binance-usdm\": {{\"key\": \"{CANARY}-bk\", \"secret\": \"{CANARY}-bs\"}}, \"bybit-linear\": {{\"key\": \"{CANARY}-yk\", \"secret\": \"{CANARY}-ys\", \"note\": 1}}, \"okx-swap\": 7}}"
    ));
    for (name, value) in [
        ("BINANCE_API_KEY", "bk"),
        ("BINANCE_API_SECRET", "bs"),
        ("BYBIT_API_KEY", "yk"),
        ("BYBIT_API_SECRET", "ys"),
    ] {
        desk.set_env(name, &format!("{CANARY}-{value}"));
    }
    let key = assert_hidden(&desk, &["key", "plan.toml"]).stdout();
    assert_eq!(assert_hidden(&desk, &["check", "plan.toml"]).code(), 0);
    let run = assert_hidden(&desk, &["run", "plan.toml"]);
    assert_eq!(run.code(), 0);
    // The logs were on, or this would prove nothing.
    assert!(run.stderr().contains("TRACE"), "{run:?}");
    assert_eq!(assert_hidden(&desk, &["show", key.trim()]).code(), 0);
    assert_eq!(assert_hidden(&desk, &["recover"]).code(), 0);
    // Wrong ones are not shown either.
    desk.set_env("BINANCE_API_SECRET", &format!("{CANARY}-wrong"));
    assert_eq!(assert_hidden(&desk, &["check", "plan.toml"]).code(), 2);
    desk.set_env("BYBIT_API_KEY", &format!("{CANARY} with spaces"));
    assert_eq!(assert_hidden(&desk, &["check", "plan.toml"]).code(), 2);
    let config = std::fs::read_to_string(desk.path("equipoise.toml")).unwrap();
    desk.write(
        "pasted.toml",
        &config.replace(
            "api_secret_env = \"BYBIT_API_SECRET\"",
            &format!("api_secret = \"{CANARY}\""),
        ),
    );
    let answer = assert_hidden(&desk, &["check", "plan.toml", "--config", "pasted.toml"]);
    assert!(answer.stderr().contains("unknown field `api_secret`"), "{answer:?}");
    // In the forms that exchanges give them they could be names of variables as well.
    for secret in [
        format!("{CANARY}Zq4vTnB8xKd2hYw6LmRp9sGfJc3uEa5tQoWi1bVzXy"),
        "CANARY7391D0CFF14C41EDBF1AB98506".to_owned(),
    ] {
        let pasted = config.replace("\"BYBIT_API_SECRET\"", &format!("\"{secret}\""));
        desk.write("pasted.toml", &pasted);
        let answer = desk.call(&["check", "plan.toml", "--config", "pasted.toml"]);
        assert_eq!(answer.code(), 2);
        let named = "the environment variable that api_secret_env names is not set";
        assert!(answer.stderr().contains(named), "{answer:?}");
        assert!(!answer.stderr().contains(&secret), "{answer:?}");
    }

    for file in files(&desk.path("journal")) {
        let bytes = std::fs::read(&file).unwrap();
        let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
        assert!(!found, "{}", file.display());
    }
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
