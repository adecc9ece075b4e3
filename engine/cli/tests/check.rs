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
