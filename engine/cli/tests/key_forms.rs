//! Keys come in three forms: key and secret, the same with a passphrase, and private keys. A configuration that does
//! not fit is refused with the field, the venue and what belongs there.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use equipoise_sim::Credentials;
use support::{Desk, Simulated};

const CANARY: &str = "canary7391";

/// A configuration of one venue with these lines about its key.
fn config(adapter: &str, url: &str, keys: &str) -> String {
    format!(
        "[journal]\nkind = \"memory\"\n[venues.desk]\nadapter = \"{adapter}\"\nrest_url = \"{url}\"\n{keys}\n"
    )
}

fn plan(instrument: &str) -> String {
    format!(
        "strategy = \"one\"\noccasion = \"1\"\n[[legs]]\nname = \"a\"\nvenue = \"desk\"\n\
         instrument = \"{instrument}\"\nside = \"sell\"\ntype = \"market\"\nquantity = \"0.1\"\n\
         [policy]\non_residual = \"unwind\"\nleg_timeout_ms = 10000\n"
    )
}

/// What `check` says of a configuration, nobody being there to answer.
fn refused(desk: &Desk, adapter: &str, keys: &str, word: &str) -> String {
    desk.write("equipoise.toml", &config(adapter, "http://127.0.0.1:1", keys));
    let message = desk.call(&["check", "plan.toml", "--json"]).failed(2, word);
    assert!(!message.contains(CANARY), "{message}");
    message
}

const KEY: &str = "api_key_env = \"KEY\"";
const SECRET: &str = "api_secret_env = \"SECRET\"";
const PASSPHRASE: &str = "api_passphrase_env = \"PHRASE\"";
const FILE: &str = "api_key_file = \"key.pem\"";

#[test]
fn what_does_not_belong_to_a_form_of_key_is_refused_with_what_does() {
    let desk = Desk::without_venues();
    let secret = "api_key_env and api_secret_env";
    let passphrase = "api_key_env, api_secret_env and api_passphrase_env";
    let private = "api_key_env and one of api_secret_env and api_key_file";
    for (adapter, fields, what, allowed) in [
        ("okx-swap", vec![KEY, SECRET], "api_passphrase_env is missing", passphrase),
        ("okx-spot", vec![KEY, PASSPHRASE], "api_secret_env is missing", passphrase),
        (
            "okx-spot",
            vec![KEY, SECRET, PASSPHRASE, FILE],
            "api_key_file has no use here",
            passphrase,
        ),
        (
            "binance-spot",
            vec![KEY, SECRET, PASSPHRASE],
            "api_passphrase_env has no use here",
            secret,
        ),
        ("bybit-inverse", vec![KEY, FILE], "api_key_file has no use here", secret),
        ("deribit", vec![KEY], "api_secret_env is missing", secret),
        ("coinbase", vec![KEY], "api_secret_env is missing", private),
        (
            "coinbase",
            vec![KEY, SECRET, FILE],
            "api_secret_env and api_key_file exclude each other",
            private,
        ),
        ("coinbase", vec![KEY, FILE, PASSPHRASE], "api_passphrase_env has no use here", private),
    ] {
        let message = refused(&desk, adapter, &fields.join("\n"), "config_invalid");
        let wanted =
            format!("venue 'desk': {what}: keys of adapter '{adapter}' are given by {allowed}");
        assert_eq!(message, wanted);
    }
}

#[test]
fn a_key_that_is_missing_or_unusable_is_named_by_its_field_and_not_shown() {
    let mut desk = Desk::without_venues();
    desk.set_env("KEY", "k");
    desk.set_env("SECRET", "s");
    let fields = [KEY, SECRET, PASSPHRASE].join("\n");
    assert_eq!(
        refused(&desk, "okx-swap", &fields, "credentials"),
        "venue 'desk': the environment variable that api_passphrase_env names is not set"
    );
    desk.set_env("PHRASE", &format!("{CANARY} with spaces"));
    assert_eq!(
        refused(&desk, "okx-swap", &fields, "credentials"),
        "venue 'desk': API passphrase must be 1 to 512 printable ASCII characters without spaces (api_passphrase_env)"
    );
    let fields = [KEY, FILE].join("\n");
    assert_eq!(
        refused(&desk, "coinbase", &fields, "credentials"),
        "venue 'desk': the file named by api_key_file cannot be read: No such file or directory (os error 2)"
    );
    desk.write("key.pem", CANARY);
    assert_eq!(
        refused(&desk, "coinbase", &fields, "credentials"),
        "venue 'desk': API secret must be a private key in PEM form of at most 8192 bytes (api_key_file)"
    );
    // A key pasted in place of its path, or of a variable's name, is not shown either.
    let pasted = format!("{KEY}\napi_key_file = \"-----BEGIN PRIVATE KEY-----\\n{CANARY}\"");
    refused(&desk, "coinbase", &pasted, "credentials");
    let pasted = format!("{KEY}\n{SECRET}\napi_passphrase_env = \"{CANARY}+\"");
    refused(&desk, "okx-spot", &pasted, "config_invalid");
    desk.set_env(
        "SECRET",
        &format!("-----BEGIN EC PRIVATE KEY-----\n{CANARY}\n-----END EC PRIVATE KEY-----"),
    );
    refused(&desk, "coinbase", &[KEY, SECRET].join("\n"), "config_invalid");
}

#[test]
fn a_passphrase_reaches_its_exchange() {
    let mut desk = Desk::without_venues();
    let okx = Simulated::start(&desk, &["okx-swap"], &[]);
    let demo = Credentials::demo("okx-swap");
    desk.set_env("KEY", &demo.key);
    desk.set_env("SECRET", &demo.secret);
    desk.set_env("PHRASE", &demo.passphrase.unwrap());
    desk.write("plan.toml", &plan("BTC-USDT-SWAP"));
    desk.write(
        "equipoise.toml",
        &config("okx-swap", okx.url("okx-swap"), &[KEY, SECRET, PASSPHRASE].join("\n")),
    );
    assert_eq!(desk.call(&["run", "plan.toml", "--json"]).ended(0)["status"], "done");
    desk.set_env("PHRASE", &format!("{CANARY}-wrong"));
    let message = desk.call(&["check", "plan.toml", "--json"]).failed(2, "credentials");
    assert!(!message.contains(CANARY), "{message}");
}

#[test]
fn a_private_key_may_be_text_a_file_or_a_seed() {
    let mut desk = Desk::without_venues();
    let coinbase = Simulated::start(&desk, &["coinbase"], &[]);
    let url = coinbase.url("coinbase");
    let demo = Credentials::demo("coinbase");
    desk.write("plan.toml", &plan("BTC-USD"));
    let mut accepts = |key: &str, secret: &str, fields: &[&str]| {
        desk.set_env("KEY", key);
        desk.set_env("SECRET", secret);
        desk.write("key.pem", &demo.secret);
        desk.write("equipoise.toml", &config("coinbase", url, &fields.join("\n")));
        let answer = desk.call(&["check", "plan.toml", "--json"]);
        assert_eq!(answer.code(), 0, "{answer:?}");
    };
    accepts(&demo.key, &demo.secret, &[KEY, SECRET]);
    accepts(&demo.key, &demo.secret.replace('\n', "\\n"), &[KEY, SECRET]);
    accepts(&demo.key, "unused", &[KEY, FILE]);
    let seed = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    accepts(&demo.ed_key.clone().unwrap(), seed, &[KEY, SECRET]);
}
