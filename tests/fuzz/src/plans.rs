//! Plan documents: whatever is accepted keeps its meaning and its key, everything else is an error.

use equipoise_core::{LEGS_MAX, Plan};

use crate::source::Source;
use crate::spoil::spoil;

const GOOD: &str = r#"strategy = "funding-arb"
occasion = "2026-11-22T08:00:00Z"

[[legs]]
name = "long"
venue = "binance"
instrument = "BTCUSDT"
side = "buy"
type = "market"
quantity = "0.1"

[[legs]]
name = "short"
venue = "bybit"
instrument = "BTCUSDT"
side = "sell"
type = "limit"
price = "65000.0"
time_in_force = "ioc"
quantity = { of = "long", ratio = "1" }
after = ["long"]

[[legs]]
name = "third"
venue = "bybit"
instrument = "ETHUSDT"
side = "sell"
type = "market"
quantity = { quote = "650" }
reduce_only = true

[policy]
on_residual = "unwind"
leg_timeout_ms = 10000
unwind_loss_max = "250"
"#;

/// One plan document: as it comes, or a good one spoiled; as TOML or as JSON. True if it is a sound plan.
pub fn plan(bytes: &[u8]) -> bool {
    let source = &mut Source::new(bytes);
    let as_json = source.odds(128);
    let text = match source.byte() % 16 {
        0 => source.rest().to_vec(),
        _ if as_json => spoil(&good_json(), source),
        _ => spoil(GOOD, source),
    };
    let parsed = if as_json {
        serde_json::from_slice::<Plan>(&text).ok()
    } else {
        std::str::from_utf8(&text).ok().and_then(|text| toml::from_str::<Plan>(text).ok())
    };
    parsed.is_some_and(|plan| check(&plan))
}

fn good_json() -> String {
    let plan: Plan = toml::from_str(GOOD).expect("the good plan is one");
    serde_json::to_string(&plan).expect("a plan can be written")
}

fn check(plan: &Plan) -> bool {
    let json = serde_json::to_string(plan).expect("a plan can be written as JSON");
    let toml = toml::to_string(plan).expect("a plan can be written as TOML");
    let from_json: Plan = serde_json::from_str(&json).expect("what was written can be read");
    let from_toml: Plan = toml::from_str(&toml).expect("what was written can be read");
    assert_eq!(from_json, *plan, "JSON keeps a plan");
    assert_eq!(from_toml, *plan, "TOML keeps a plan");
    let checked = match plan.check() {
        Ok(checked) => checked,
        Err(error) => {
            assert_eq!(from_json.check(), Err(error), "the same plan is refused alike");
            return false;
        }
    };
    assert!((1..=LEGS_MAX).contains(&checked.legs.len()), "{} legs", checked.legs.len());
    let mut turned = plan.clone();
    turned.legs.reverse();
    let turned = turned.check().expect("the order of legs decides nothing");
    assert_eq!(turned.key, checked.key, "the key does not depend on the order of legs");
    assert_eq!(turned.digest, checked.digest, "nor does the digest");
    assert_eq!(checked.key.to_string().parse(), Ok(checked.key), "a key reads as it is written");
    true
}
