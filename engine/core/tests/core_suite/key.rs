//! Batch keys, payload digests and client order ids: what they depend on, and what not.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use equipoise_core::*;

/// Makes another plan of one.
type Change = Box<dyn Fn(&mut Plan)>;

fn leg(name: &str, venue: &str, side: Side, quantity: Quantity) -> Leg {
    Leg::market(
        LegName::new(name).unwrap(),
        VenueName::new(venue).unwrap(),
        Symbol::new("BTCUSDT").unwrap(),
        side,
        quantity,
    )
}

fn base(text: &str) -> Quantity {
    Quantity::Base(text.parse().unwrap())
}

fn of(leg: &str, ratio: &str) -> Quantity {
    Quantity::Of { leg: LegName::new(leg).unwrap(), ratio: ratio.parse().unwrap() }
}

fn plan() -> Plan {
    Plan {
        strategy: StrategyName::new("funding-arb").unwrap(),
        occasion: Occasion::new("2026-11-22T08:00:00Z").unwrap(),
        legs: vec![
            leg("long", "binance", Side::Buy, base("0.1")),
            leg("short", "bybit", Side::Sell, base("0.1")),
        ],
        policy: Policy::new(OnResidual::Unwind, 10_000),
    }
}

fn limit(price: &str, time_in_force: TimeInForce) -> OrderKind {
    OrderKind::Limit { price: price.parse().unwrap(), time_in_force }
}

/// Key and digest of the plan after a change.
fn after(change: impl Fn(&mut Plan)) -> (BatchKey, PayloadDigest) {
    let mut plan = plan();
    change(&mut plan);
    let checked = plan.check().unwrap();
    (checked.key, checked.digest)
}

#[test]
fn the_key_of_one_plan_never_changes() {
    let (key, digest) = after(|_| {});
    assert_eq!(key.to_string(), "aaee68f3a03036e716bcd6a4d4bb2f72");
    assert_eq!(
        format!("{digest:?}"),
        "f946ebb79fa8aab550c88fa15a71b524d914de83915e403e7c8c12cd1a1e3a28"
    );
}

#[test]
fn the_listing_order_of_legs_does_not_matter() {
    assert_eq!(after(|plan| plan.legs.reverse()), after(|_| {}));
    let checked = {
        let mut plan = plan();
        plan.legs.reverse();
        plan.check().unwrap()
    };
    let listed: Vec<_> = checked
        .listing
        .iter()
        .map(|index| checked.legs[usize::from(*index)].name.as_str())
        .collect();
    assert_eq!(listed, ["short", "long"], "reports keep the plan's own order");
}

#[test]
fn the_spelling_of_numbers_does_not_matter() {
    assert_eq!(after(|plan| plan.legs[0].quantity = base("0.100")), after(|_| {}));
}

#[test]
fn everything_that_is_ordered_is_in_the_key() {
    let changes: Vec<Change> = vec![
        Box::new(|_| {}),
        Box::new(|plan| plan.strategy = StrategyName::new("other").unwrap()),
        Box::new(|plan| plan.occasion = Occasion::new("2026-11-22T16:00:00Z").unwrap()),
        Box::new(|plan| plan.legs[0].venue = VenueName::new("binance-2").unwrap()),
        Box::new(|plan| plan.legs[0].instrument = Symbol::new("ETHUSDT").unwrap()),
        Box::new(|plan| plan.legs[0].side = Side::Sell),
        Box::new(|plan| plan.legs[0].quantity = base("0.2")),
        Box::new(|plan| plan.legs[0].quantity = Quantity::Quote("0.1".parse().unwrap())),
        Box::new(|plan| plan.legs[0].quantity = Quantity::Contracts("0.1".parse().unwrap())),
        Box::new(|plan| plan.legs[0].reduce_only = true),
        Box::new(|plan| plan.legs[0].kind = limit("65000", TimeInForce::Gtc)),
        Box::new(|plan| plan.legs[0].kind = limit("65001", TimeInForce::Gtc)),
        Box::new(|plan| plan.legs[0].kind = limit("65000", TimeInForce::Ioc)),
        Box::new(|plan| plan.legs.truncate(1)),
        Box::new(|plan| {
            let again = Leg { name: LegName::new("again").unwrap(), ..plan.legs[0].clone() };
            plan.legs.push(again);
        }),
        Box::new(|plan| {
            plan.legs[1].quantity = of("long", "1");
            plan.legs[1].after = vec![LegName::new("long").unwrap()];
        }),
        Box::new(|plan| {
            plan.legs[1].quantity = of("long", "0.5");
            plan.legs[1].after = vec![LegName::new("long").unwrap()];
        }),
        // What the followed leg is counts, not only that one is followed.
        Box::new(|plan| {
            plan.legs[0].kind = limit("65000", TimeInForce::Gtc);
            plan.legs[1].quantity = of("long", "1");
            plan.legs[1].after = vec![LegName::new("long").unwrap()];
        }),
    ];
    let keys: BTreeSet<_> = changes.iter().map(|change| after(change).0).collect();
    assert_eq!(keys.len(), changes.len());
}

#[test]
fn names_dependencies_and_policy_change_the_digest_and_not_the_key() {
    let changes: Vec<Change> = vec![
        Box::new(|plan| plan.legs[0].name = LegName::new("renamed").unwrap()),
        Box::new(|plan| plan.legs[1].after = vec![LegName::new("long").unwrap()]),
        Box::new(|plan| plan.legs[0].after = vec![LegName::new("short").unwrap()]),
        Box::new(|plan| plan.policy.on_residual = OnResidual::Park),
        Box::new(|plan| plan.policy.leg_timeout_ms = 9_999),
        Box::new(|plan| plan.policy.unwind_slippage_bps = 99),
        Box::new(|plan| plan.policy.unwind_attempts = 4),
        Box::new(|plan| plan.policy.unwind_max_ms = 59_999),
        Box::new(|plan| plan.policy.unwind_loss_max = Some("1".parse().unwrap())),
        Box::new(|plan| plan.policy.unwind_loss_max = Some("2".parse().unwrap())),
    ];
    let (key, digest) = after(|_| {});
    let mut digests = vec![digest];
    for change in &changes {
        let (changed, digest) = after(change);
        assert_eq!(changed, key);
        assert!(!digests.contains(&digest));
        digests.push(digest);
    }
}

#[test]
fn fields_that_run_into_each_other_are_told_apart() {
    let named = |strategy: &str, occasion: &str| {
        after(|plan| {
            plan.strategy = StrategyName::new(strategy).unwrap();
            plan.occasion = Occasion::new(occasion).unwrap();
        })
        .0
    };
    assert_ne!(named("ab", "c"), named("a", "bc"));
}

#[test]
fn keys_are_read_back_from_their_own_text_only() {
    let (key, _) = after(|_| {});
    assert_eq!(key.to_string().parse::<BatchKey>().unwrap(), key);
    assert_eq!(format!("{key:?}"), key.to_string());
    let text = key.to_string();
    for bad in ["", "0", &text[1..], &format!("{text}0"), &format!("+{}", &text[1..])] {
        assert!(bad.parse::<BatchKey>().is_err(), "{bad}");
    }
    assert!("0x112233445566778899aabbccddeeff".parse::<BatchKey>().is_err());
    assert!("ü0112233445566778899aabbccddee".parse::<BatchKey>().is_err());
}

fn traits(id_alphabet: IdAlphabet, id_len_max: u8) -> VenueTraits {
    VenueTraits {
        class: ResendClass::A,
        deadline_check: DeadlineCheck::Gateway,
        window_ms: 2_000,
        margin_ms: 1_000,
        id_horizon_ms: 1,
        lookup_window_ms: 1,
        id_alphabet,
        id_len_max,
        native_dead_man_switch: false,
        native_spreads: false,
    }
}

fn every_tag() -> impl Iterator<Item = OrderTag> {
    let legs = 0_u8..64;
    let attempts = [0_u16, 1, 2, 9, 31, 32, 33, 99, 100, 499, 500, 1_023];
    legs.flat_map(move |leg| {
        [Role::Entry, Role::Unwind]
            .into_iter()
            .flat_map(move |role| attempts.map(|attempt| OrderTag { leg, role, attempt }))
    })
}

#[test]
fn client_order_ids_are_unique_and_fit_their_venue() {
    let keys = [BatchKey([0; 16]), BatchKey([255; 16]), after(|_| {}).0];
    for traits in [
        traits(IdAlphabet::Alphanumeric, 32),
        traits(IdAlphabet::Alphanumeric, 36),
        traits(IdAlphabet::Uuid, 36),
    ] {
        let mut ids = BTreeSet::new();
        for key in keys {
            for tag in every_tag() {
                let id = client_order_id(key, tag, &traits);
                let text = id.as_str().to_owned();
                assert!(text.len() <= usize::from(traits.id_len_max), "{text}");
                match traits.id_alphabet {
                    IdAlphabet::Alphanumeric => {
                        assert!(
                            text.bytes().all(|byte| byte.is_ascii_digit()
                                || byte.is_ascii_lowercase() && !b"ilou".contains(&byte)),
                            "{text}"
                        );
                    }
                    IdAlphabet::Uuid => assert_is_uuid(&text),
                }
                assert!(ids.insert(text), "{tag:?} shares its id");
            }
        }
    }
}

fn assert_is_uuid(text: &str) {
    let lengths: Vec<_> = text.split('-').map(str::len).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12], "{text}");
    assert!(text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit()), "{text}");
    assert_eq!(text.as_bytes()[14], b'8', "{text}");
    assert!(b"89ab".contains(&text.as_bytes()[19]), "{text}");
}

#[test]
fn the_id_of_one_attempt_never_changes() {
    let tag = OrderTag { leg: 1, role: Role::Unwind, attempt: 33 };
    let key = "00112233445566778899aabbccddeeff".parse().unwrap();
    let id = |alphabet| client_order_id(key, tag, &traits(alphabet, 36)).to_string();
    assert_eq!(id(IdAlphabet::Alphanumeric), "0024h36h2ncsvrh6daqf6dvvqz01v11");
    assert_eq!(id(IdAlphabet::Uuid), "cb5120ea-2643-81cc-9944-99845dfc82af");
}
