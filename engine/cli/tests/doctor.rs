//! `doctor` says of every configured venue whether a batch could run there, and sends no order.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeMap;

use equipoise_sim::Credentials;
use serde_json::{Value, json};
use support::{Desk, Simulated};

fn verdicts(document: &Value, venue: usize) -> Vec<(String, String)> {
    let checks = document["venues"][venue]["checks"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    checks.iter().map(|check| (text(&check["check"]), text(&check["verdict"]))).collect()
}

fn all(verdicts: [(&str, &str); 7]) -> Vec<(String, String)> {
    verdicts.map(|(check, verdict)| (check.to_owned(), verdict.to_owned())).into()
}

#[test]
fn venues_that_answer_are_well_in_every_check() {
    let desk = Desk::with_venues(None);
    let document = desk.call(&["doctor", "--json"]).ended(0);
    assert_eq!(document["could_run"], true);
    let well = all([
        ("reachable", "ok"),
        ("clock", "ok"),
        ("key", "ok"),
        ("withdrawal", "ok"),
        ("position mode", "ok"),
        ("instruments", "ok"),
        ("balances", "ok"),
    ]);
    assert_eq!([verdicts(&document, 0), verdicts(&document, 1)], [well.clone(), well]);
    assert_eq!(desk.order_count(), 0);
}

#[test]
fn a_venue_nobody_serves_is_said_to_be_out_of_reach() {
    let desk = Desk::without_venues();
    let document = desk.call(&["doctor", "--json"]).ended(1);
    assert_eq!(document["could_run"], false);
    assert_eq!(verdicts(&document, 0), [("reachable".to_owned(), "bad".to_owned())]);
}

#[test]
fn a_key_that_is_refused_is_named_and_no_secret_is() {
    let mut desk = Desk::with_venues(None);
    desk.set_env("BYBIT_API_SECRET", "another-secret-7391");
    let document = desk.call(&["doctor", "--json"]).ended(1);
    let bybit = document["venues"].as_array().unwrap();
    let bybit = bybit.iter().position(|venue| venue["adapter"] == "bybit-linear").unwrap();
    assert_eq!(verdicts(&document, bybit)[2], ("key".to_owned(), "bad".to_owned()));
    assert!(!document.to_string().contains("7391"));
}

/// One venue of each exchange, named as its adapter.
const EXCHANGES: [&str; 6] =
    ["binance-spot", "binance-usdm", "bybit-linear", "coinbase", "deribit", "okx-swap"];

/// What `doctor` says about withdrawal at each exchange, all of them keeping or not keeping that right for their key.
fn withdrawal(may_withdraw: bool) -> BTreeMap<String, (String, String)> {
    let mut desk = Desk::without_venues();
    let keys = EXCHANGES.map(|adapter| {
        let Credentials { key, secret, passphrase, public, .. } = Credentials::demo(adapter);
        let entry = json!({
            "key": key, "secret": secret, "passphrase": passphrase, "public": public,
            "may_withdraw": may_withdraw,
        });
        (adapter.to_owned(), entry)
    });
    desk.write("keys.json", &Value::from_iter(keys).to_string());
    let exchanges = Simulated::start(&desk, &EXCHANGES, &["--credentials", "keys.json"]);
    let mut config = "[journal]\nkind = \"memory\"\n".to_owned();
    for adapter in EXCHANGES {
        let Credentials { key, secret, passphrase, .. } = Credentials::demo(adapter);
        let (url, prefix) = (exchanges.url(adapter), adapter.to_uppercase().replace('-', "_"));
        config.push_str(&format!(
            "[venues.{adapter}]\nadapter = \"{adapter}\"\nrest_url = \"{url}\"\n\
             api_key_env = \"{prefix}_KEY\"\napi_secret_env = \"{prefix}_SECRET\"\n"
        ));
        desk.set_env(&format!("{prefix}_KEY"), &key);
        desk.set_env(&format!("{prefix}_SECRET"), &secret);
        if let Some(passphrase) = passphrase {
            config.push_str(&format!("api_passphrase_env = \"{prefix}_PHRASE\"\n"));
            desk.set_env(&format!("{prefix}_PHRASE"), &passphrase);
        }
    }
    desk.write("equipoise.toml", &config);
    let document = desk.call(&["doctor", "--json"]).ended(0);
    let venues = document["venues"].as_array().unwrap().iter();
    let told = venues.map(|venue| {
        let checks = venue["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["check"] == "withdrawal").unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&venue["adapter"]), (text(&check["verdict"]), text(&check["found"])))
    });
    told.collect()
}

fn at_each_exchange(verdict: &str, found: &str) -> BTreeMap<String, (String, String)> {
    let futures =
        "not told by the futures interface; as a venue of binance-spot the same key is told";
    let told = EXCHANGES.map(|adapter| {
        let (verdict, found) =
            if adapter == "binance-usdm" { ("ok", futures) } else { (verdict, found) };
        (adapter.to_owned(), (verdict.to_owned(), found.to_owned()))
    });
    told.into()
}

#[test]
fn a_key_that_may_withdraw_is_warned_of_where_the_venue_tells_and_nowhere_else() {
    let warning = "the key may move funds away, which trading never needs: take it off";
    assert_eq!(withdrawal(true), at_each_exchange("warn", warning));
    let all_well = "the key may not move funds away";
    assert_eq!(withdrawal(false), at_each_exchange("ok", all_well));
}
