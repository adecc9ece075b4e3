//! `check` tells what a plan would do: every leg sized and priced, also one that follows another.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use serde_json::json;
use support::{Desk, PLAN};

/// The arbitrage with its second leg sized by what the first one fills.
fn following(quantity: &str, ratio: &str) -> String {
    let of = format!("{{ of = \"long\", ratio = \"{ratio}\" }}\nafter = [\"long\"]\n\n[policy]");
    PLAN.replacen("\"0.1\"", &format!("\"{quantity}\""), 1).replace("\"0.1\"\n\n[policy]", &of)
}

#[test]
fn a_leg_that_follows_is_sized_and_priced_as_if_its_source_filled() {
    let desk = Desk::with_venues(None);
    desk.write("plan.toml", &following("0.1", "1"));
    let check = desk.call(&["check", "plan.toml", "--json"]).ended(0);
    assert_eq!(check["net_delta"], json!({ "BTC": "0" }));
    let short = &check["legs"][1];
    assert_eq!(short["follows"], json!({ "leg": "long", "ratio": "1" }));
    assert_eq!(short["quantity"], "0.1");
    assert_eq!(short["notional"], "6500.64");
    let text = desk.call(&["check", "plan.toml"]).stdout();
    assert!(
        text.contains(
            "  short: sell 1 x what 'long' fills (0.1 BTC as planned) of BTCUSDT at bybit\n    \
             rounding  asked 0.1 in base units, dust 0, lot 0.001 BTC\n    \
             price     65006.4 USDT, reference 65000 USDT, notional 6500.64 USDT, fee 3.575352 USDT\n"
        ),
        "{text}"
    );

    desk.write("plan.toml", &following("0.1009", "0.5"));
    let check = desk.call(&["check", "plan.toml", "--json"]).ended(0);
    assert_eq!(check["net_delta"], json!({ "BTC": "0.05" }));
    let short = &check["legs"][1];
    assert_eq!((&short["quantity"], &short["dust_base"]), (&json!("0.05"), &json!("0.00045")));
}

#[test]
fn a_margin_below_the_venues_is_warned_of() {
    let desk = Desk::with_venues(None);
    let config = desk.config("memory").replace("positions =", "margin_ms = 1999\npositions =");
    desk.write("equipoise.toml", &config);
    let answer = desk.call(&["check", "plan.toml", "--json"]);
    let binance = "venue 'binance': margin_ms = 1999 is below the 2000 ms of binance-usdm: an order that arrives \
                   late could be taken for absent and sent a second time";
    let check = answer.ended(0);
    assert_eq!(check["warnings"].as_array().unwrap().len(), 2);
    assert_eq!(check["warnings"][0], binance);
    assert!(!answer.stderr().contains("margin_ms"), "told once: {answer:?}");
    assert!(
        desk.call(&["check", "plan.toml"]).stdout().contains(&format!("WARNING   {binance}\n"))
    );
    // Where the answer does not tell it, the log does.
    let run = desk.call(&["run", "quick.toml"]);
    assert!(run.stderr().contains(binance), "{run:?}");
    // A plan that does not trade there is not concerned.
    let quick = desk.call(&["check", "quick.toml", "--json"]).ended(0);
    assert_eq!(quick["warnings"].as_array().unwrap().len(), 1);
    desk.write("equipoise.toml", &config.replace("1999", "10000"));
    assert_eq!(desk.call(&["check", "plan.toml", "--json"]).ended(0).get("warnings"), None);
}

#[test]
fn an_id_horizon_above_the_venues_is_warned_of_where_orders_are_sent_again() {
    let desk = Desk::with_venues(None);
    let longer = |ms: &str| {
        desk.config("memory").replace("positions =", &format!("id_horizon_ms = {ms}\npositions ="))
    };
    desk.write("equipoise.toml", &longer("600001"));
    // Binance futures refuse no repeated id, so nothing is sent again there.
    let bybit = "venue 'bybit': id_horizon_ms = 600001 is above the 600000 ms of bybit-linear: an order in doubt could \
                 be sent again under an id that the venue has forgotten, and happen twice";
    let check = desk.call(&["check", "plan.toml", "--json"]).ended(0);
    assert_eq!(check["warnings"], json!([bybit]));
    desk.write("equipoise.toml", &longer("600000"));
    assert_eq!(desk.call(&["check", "plan.toml", "--json"]).ended(0).get("warnings"), None);
}
