//! Plan documents: what is read, what is refused, and what the refusal names.
#![allow(clippy::unwrap_used, reason = "tests")]

use equipoise_core::*;

const WHOLE: &str = r#"
strategy = "funding-arb"
occasion = "2026-11-22T08:00:00Z"

[[legs]]
name = "long"
venue = "binance"
instrument = "BTCUSDT"
side = "buy"
type = "limit"
price = "65000.0"
time_in_force = "post_only"
quantity = "0.10"

[[legs]]
name = "short"
venue = "bybit"
instrument = "BTCUSDT"
side = "sell"
type = "market"
quantity = { of = "long", ratio = "1" }
reduce_only = true
after = ["long"]

[policy]
on_residual = "park"
leg_timeout_ms = 10000
unwind_slippage_bps = 50
unwind_attempts = 3
unwind_max_ms = 30000
unwind_loss_max = "250"
"#;

const SHORT: &str = r#"
strategy = "s"
occasion = "o"
legs = [{ name = "a", venue = "v", instrument = "X", side = "buy", type = "market", quantity = "1" }]
policy = { on_residual = "unwind", leg_timeout_ms = 1 }
"#;

fn read(text: &str) -> Result<Plan, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

/// The short plan with one text replaced.
fn changed(from: &str, to: &str) -> Result<Plan, String> {
    assert!(SHORT.contains(from), "{from}");
    read(&SHORT.replacen(from, to, 1))
}

fn name(text: &str) -> LegName {
    LegName::new(text).unwrap()
}

#[test]
fn every_field_is_read() {
    let plan = read(WHOLE).unwrap();
    assert_eq!(plan.strategy.as_str(), "funding-arb");
    assert_eq!(plan.occasion.as_str(), "2026-11-22T08:00:00Z");
    let [long, short] = &plan.legs[..] else { panic!("two legs") };
    assert_eq!((long.name.as_str(), long.venue.as_str()), ("long", "binance"));
    assert_eq!((long.instrument.as_str(), long.side), ("BTCUSDT", Side::Buy));
    let limit =
        OrderKind::Limit { price: "65000".parse().unwrap(), time_in_force: TimeInForce::PostOnly };
    assert_eq!(long.kind, limit);
    assert_eq!(long.quantity, Quantity::Base("0.1".parse().unwrap()));
    assert!(!long.reduce_only && long.after.is_empty());
    assert_eq!((short.kind, short.side), (OrderKind::Market, Side::Sell));
    let of = Quantity::Of { leg: name("long"), ratio: "1".parse().unwrap() };
    assert_eq!(short.quantity, of);
    assert!(short.reduce_only);
    assert_eq!(short.after, [name("long")]);
    let policy = Policy {
        on_residual: OnResidual::Park,
        leg_timeout_ms: 10_000,
        unwind_slippage_bps: 50,
        unwind_attempts: 3,
        unwind_max_ms: 30_000,
        unwind_loss_max: Some("250".parse().unwrap()),
    };
    assert_eq!(plan.policy, policy);
}

#[test]
fn what_is_left_out_has_its_documented_default() {
    let plan = read(SHORT).unwrap();
    assert_eq!(plan.policy, Policy::new(OnResidual::Unwind, 1));
    assert_eq!(plan.policy.unwind_slippage_bps, 100);
    assert_eq!(plan.policy.unwind_attempts, 5);
    assert_eq!(plan.policy.unwind_max_ms, 60_000);
    assert_eq!(plan.policy.unwind_loss_max, None);
    let plan = changed("\"market\"", "\"limit\", price = \"1\"").unwrap();
    let OrderKind::Limit { time_in_force, .. } = plan.legs[0].kind else { panic!("a limit leg") };
    assert_eq!(time_in_force, TimeInForce::Gtc);
}

#[test]
fn every_word_of_the_vocabulary_is_known() {
    for (word, time_in_force) in [
        ("gtc", TimeInForce::Gtc),
        ("ioc", TimeInForce::Ioc),
        ("fok", TimeInForce::Fok),
        ("post_only", TimeInForce::PostOnly),
    ] {
        let limit = format!("\"limit\", price = \"2\", time_in_force = \"{word}\"");
        let plan = changed("\"market\"", &limit).unwrap();
        let price = "2".parse().unwrap();
        assert_eq!(plan.legs[0].kind, OrderKind::Limit { price, time_in_force });
    }
    let quote = changed("\"1\" }", "{ quote = \"6500\" } }").unwrap();
    assert_eq!(quote.legs[0].quantity, Quantity::Quote("6500".parse().unwrap()));
    let contracts = changed("\"1\" }", "{ contracts = \"10\" } }").unwrap();
    assert_eq!(contracts.legs[0].quantity, Quantity::Contracts("10".parse().unwrap()));
}

#[test]
fn an_unknown_field_is_named_with_its_line() {
    for (text, field, line) in [
        (SHORT.replacen("occasion", "ocasion", 1), "ocasion", "line 3"),
        (format!("{SHORT}\nextra = 1"), "extra", "line 7"),
        (SHORT.replacen("side =", "sid =", 1), "sid", "line 4"),
        (SHORT.replacen("leg_timeout_ms", "leg_timeout", 1), "leg_timeout", "line 5"),
        (SHORT.replacen("\"1\" }", "{ lots = \"1\" } }", 1), "lots", "line 4"),
    ] {
        let error = read(&text).unwrap_err();
        assert!(error.contains(&format!("unknown field `{field}`")), "{error}");
        assert!(error.contains(line), "{error}");
    }
}

#[test]
fn a_missing_field_is_named() {
    for (from, field) in [
        ("strategy = \"s\"\n", "strategy"),
        ("occasion = \"o\"\n", "occasion"),
        ("name = \"a\", ", "name"),
        ("venue = \"v\", ", "venue"),
        ("side = \"buy\", ", "side"),
        ("type = \"market\", ", "type"),
        (", quantity = \"1\"", "quantity"),
        ("on_residual = \"unwind\", ", "on_residual"),
        (", leg_timeout_ms = 1", "leg_timeout_ms"),
    ] {
        let error = changed(from, "").unwrap_err();
        assert!(error.contains(&format!("missing field `{field}`")), "{error}");
    }
}

#[test]
fn only_plain_decimals_in_quotes_are_numbers() {
    for trick in [
        "\"NaN\"",
        "\"nan\"",
        "\"inf\"",
        "\"-1\"",
        "\"+1\"",
        "\"0\"",
        "\"0.000\"",
        "\"1e3\"",
        "\"1E3\"",
        "\"1_0\"",
        "\"1,5\"",
        "\".5\"",
        "\"5.\"",
        "\"\"",
        "\" 1\"",
        "\"0x10\"",
        "\"１\"",
        "\"١\"",
        "\"1234567890123\"",
        "\"0.1234567890123\"",
        "\"1e999999999\"",
        "1",
        "1.5",
        "nan",
        "inf",
        "true",
        "[\"1\"]",
        "{ quote = \"-1\" }",
        "{ quote = 1.5 }",
        "{ contracts = \"1e3\" }",
        "{ of = \"a\", ratio = \"0\" }",
        "{ of = \"a\" }",
        "{ ratio = \"1\" }",
        "{ quote = \"1\", contracts = \"1\" }",
        "{ }",
    ] {
        let result = changed("quantity = \"1\"", &format!("quantity = {trick}"));
        assert!(result.is_err(), "{trick} was taken");
    }
    for trick in ["\"0\"", "\"-1\"", "\"1e2\"", "65000.0", "\"NaN\""] {
        let limit = format!("\"limit\", price = {trick}");
        assert!(changed("\"market\"", &limit).is_err(), "price {trick} was taken");
        let loss = format!("leg_timeout_ms = 1, unwind_loss_max = {trick}");
        assert!(changed("leg_timeout_ms = 1", &loss).is_err(), "loss {trick} was taken");
    }
    assert!(changed("leg_timeout_ms = 1", "leg_timeout_ms = -1").is_err());
    assert!(changed("leg_timeout_ms = 1", "leg_timeout_ms = 1.5").is_err());
}

#[test]
fn names_are_short_ascii_words() {
    let longest = "x".repeat(64);
    assert!(changed("\"s\"", &format!("\"{longest}\"")).is_ok());
    let too_long = format!("{longest}x");
    for bad in ["", " ", "a b", "a/b", "../x", "a\\u0000", "\u{430}", "naïve", &too_long] {
        for field in ["strategy = \"s\"", "occasion = \"o\"", "name = \"a\"", "venue = \"v\""] {
            let (key, _) = field.split_once(" =").unwrap();
            let result = changed(field, &format!("{key} = \"{bad}\""));
            assert!(result.is_err(), "{key} {bad:?} was taken");
        }
    }
}

#[test]
fn a_price_belongs_to_a_limit_leg_and_only_there() {
    let error = changed("\"market\"", "\"market\", price = \"1\"").unwrap_err();
    assert!(error.contains("leg 'a' is a market leg"), "{error}");
    let error = changed("\"market\"", "\"market\", time_in_force = \"ioc\"").unwrap_err();
    assert!(error.contains("leg 'a' is a market leg"), "{error}");
    let error = changed("\"market\"", "\"limit\"").unwrap_err();
    assert!(error.contains("leg 'a' is a limit leg without a price"), "{error}");
}

#[test]
fn a_plan_survives_being_written_and_read_again() {
    for text in [WHOLE, SHORT] {
        let plan = read(text).unwrap();
        let json = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
        let toml = toml::to_string(&plan).unwrap();
        assert_eq!(read(&toml).unwrap(), plan);
    }
}

fn market(name: &str, side: Side, after: &[&str]) -> Leg {
    let leg = Leg::market(
        LegName::new(name).unwrap(),
        VenueName::new(&format!("at-{name}")).unwrap(),
        Symbol::new("BTCUSDT").unwrap(),
        side,
        Quantity::Base("0.1".parse().unwrap()),
    );
    leg.after(after.iter().map(|name| LegName::new(name).unwrap()))
}

fn plan(legs: Vec<Leg>) -> Plan {
    Plan { legs, ..read(SHORT).unwrap() }
}

fn refusal(legs: Vec<Leg>) -> String {
    plan(legs).check().unwrap_err().to_string()
}

#[test]
fn a_plan_has_one_to_sixty_four_legs() {
    let legs = |count: usize| {
        (0..count).map(|index| market(&format!("leg-{index}"), Side::Buy, &[])).collect::<Vec<_>>()
    };
    assert_eq!(refusal(legs(0)), "plan has 0 legs, allowed are 1 to 64");
    assert_eq!(refusal(legs(65)), "plan has 65 legs, allowed are 1 to 64");
    assert_eq!(refusal(legs(1_000)), "plan has 1000 legs, allowed are 1 to 64");
    assert_eq!(plan(legs(64)).check().unwrap().legs.len(), 64);
}

#[test]
fn leg_names_are_unique() {
    let error = refusal(vec![market("a", Side::Buy, &[]), market("a", Side::Sell, &[])]);
    assert_eq!(error, "leg name 'a' is used twice");
}

#[test]
fn references_must_lead_somewhere_once() {
    let error = refusal(vec![market("a", Side::Buy, &["b"])]);
    assert_eq!(error, "leg 'a': after names 'b', which is no leg of this plan");
    let error = refusal(vec![market("a", Side::Buy, &[]), market("b", Side::Buy, &["a", "a"])]);
    assert_eq!(error, "leg 'b': after names 'a' twice");
    let follows = |of: &str, after: &[&str]| Leg {
        quantity: Quantity::Of { leg: name(of), ratio: "1".parse().unwrap() },
        ..market("b", Side::Sell, after)
    };
    let error = refusal(vec![market("a", Side::Buy, &[]), follows("x", &["a"])]);
    assert_eq!(error, "leg 'b': quantity names 'x', which is no leg of this plan");
    let error = refusal(vec![market("a", Side::Buy, &[]), follows("a", &[])]);
    assert_eq!(error, "leg 'b': a quantity of 'a' needs 'a' in after");
}

#[test]
fn a_cycle_is_named_leg_by_leg() {
    assert_eq!(
        refusal(vec![market("a", Side::Buy, &["a"])]),
        "legs wait for each other: a after a"
    );
    let legs = vec![
        market("free", Side::Buy, &[]),
        market("tail", Side::Buy, &["a"]),
        market("a", Side::Buy, &["free", "c"]),
        market("b", Side::Buy, &["a"]),
        market("c", Side::Buy, &["b"]),
    ];
    assert_eq!(refusal(legs), "legs wait for each other: a after c after b after a");
}

#[test]
fn legs_that_could_trade_with_each_other_are_refused() {
    let at_one_venue = |change: fn(&mut [Leg])| {
        let mut legs = vec![market("a", Side::Buy, &[]), market("b", Side::Sell, &[])];
        legs[1].venue = legs[0].venue.clone();
        change(&mut legs);
        plan(legs).check()
    };
    fn limit(leg: &mut Leg, price: &str) {
        leg.kind =
            OrderKind::Limit { price: price.parse().unwrap(), time_in_force: TimeInForce::Gtc };
    }
    assert_eq!(
        at_one_venue(|_| {}).unwrap_err().to_string(),
        "legs 'a' and 'b' trade BTCUSDT at at-a in opposite directions at once and could trade \
         with each other: order them with after"
    );
    assert!(at_one_venue(|legs| limit(&mut legs[0], "100")).is_err());
    let prices = |buy: &str, sell: &str| {
        let (buy, sell) = (buy.to_owned(), sell.to_owned());
        let mut legs = vec![market("a", Side::Buy, &[]), market("b", Side::Sell, &[])];
        legs[1].venue = legs[0].venue.clone();
        limit(&mut legs[0], &buy);
        limit(&mut legs[1], &sell);
        plan(legs).check().is_ok()
    };
    assert!(!prices("100", "100") && !prices("101", "100"));
    assert!(prices("99.9", "100"), "they cannot meet");
    assert!(at_one_venue(|legs| legs[1].after = vec![name("a")]).is_ok(), "one after the other");
    assert!(at_one_venue(|legs| legs[1].side = Side::Buy).is_ok());
    assert!(at_one_venue(|legs| legs[1].instrument = Symbol::new("ETHUSDT").unwrap()).is_ok());
}

#[test]
fn legs_that_wait_for_each_other_by_any_way_cannot_trade_with_each_other() {
    let at_one_venue = |legs: [(Side, &[&str]); 4]| {
        let legs = ["a", "b", "c", "d"].into_iter().zip(legs).map(|(name, (side, after))| Leg {
            venue: VenueName::new("one").unwrap(),
            ..market(name, side, after)
        });
        let refused = plan(legs.collect()).check().err()?;
        let PlanError::Crossing { one, other, .. } = refused else { panic!("{refused}") };
        Some(format!("{one} {other}"))
    };
    use Side::{Buy, Sell};
    // Listed after or before those they wait for, directly or through others, along one way or two.
    assert_eq!(at_one_venue([(Buy, &[]), (Sell, &["a"]), (Buy, &["b"]), (Sell, &["c"])]), None);
    assert_eq!(at_one_venue([(Sell, &["b"]), (Buy, &["c"]), (Sell, &["d"]), (Buy, &[])]), None);
    for after in [["a", "b", "c"], ["c", "b", "a"], ["b", "a", "c"]] {
        let diamond = [(Buy, &[][..]), (Buy, &["a"]), (Buy, &["a"]), (Sell, &after)];
        assert_eq!(at_one_venue(diamond), None, "{after:?}");
    }
    let diamond = [(Buy, &[][..]), (Buy, &["a"]), (Buy, &["a"]), (Sell, &["b", "c"])];
    assert_eq!(at_one_venue(diamond), None);
    let apart = [(Buy, &[][..]), (Buy, &["a"]), (Sell, &["a"]), (Buy, &["c"])];
    assert_eq!(at_one_venue(apart).unwrap(), "b c");
}

#[test]
fn a_number_of_another_kind_is_answered_with_what_is_allowed() {
    let error = changed("quantity = \"1\"", "quantity = 1").unwrap_err();
    assert!(
        error.contains("expected a plain decimal in quotes (base units), or one of"),
        "{error}"
    );
    let error = changed("\"market\"", "\"limit\", price = 1").unwrap_err();
    assert!(error.contains("expected a plain decimal in quotes, such as"), "{error}");
}

#[test]
fn policy_values_have_bounds() {
    let refused = |change: fn(&mut Policy)| {
        let mut plan = plan(vec![market("a", Side::Buy, &[])]);
        change(&mut plan.policy);
        plan.check().unwrap_err().to_string()
    };
    assert_eq!(
        refused(|policy| policy.leg_timeout_ms = 0),
        "policy: leg_timeout_ms is 0, allowed are 1 to 86400000"
    );
    assert_eq!(
        refused(|policy| policy.leg_timeout_ms = u64::MAX),
        "policy: leg_timeout_ms is 18446744073709551615, allowed are 1 to 86400000"
    );
    assert_eq!(
        refused(|policy| policy.unwind_slippage_bps = 5_001),
        "policy: unwind_slippage_bps is 5001, allowed are 1 to 5000"
    );
    assert_eq!(
        refused(|policy| policy.unwind_attempts = 0),
        "policy: unwind_attempts is 0, allowed are 1 to 100"
    );
    assert_eq!(
        refused(|policy| policy.unwind_max_ms = 3_600_001),
        "policy: unwind_max_ms is 3600001, allowed are 1 to 3600000"
    );
    for (word, residual) in [("trim", OnResidual::Trim), ("complete", OnResidual::Complete)] {
        let plan = changed("\"unwind\"", &format!("\"{word}\"")).unwrap();
        assert_eq!(plan.policy.on_residual, residual, "parsed");
        assert_eq!(
            plan.check().unwrap_err().to_string(),
            format!(
                "policy: on_residual = \"{word}\" is not yet supported, allowed are \"unwind\" and \
                 \"park\""
            )
        );
    }
}
