//! Instruments, venues and batches, two hedged legs unless a test says otherwise.

use equipoise_core::*;

/// Engine time at which every batch is admitted.
pub(crate) const START: u64 = 1_000_000;
/// Venue time minus engine time at every venue.
pub(crate) const OFFSET_MS: i64 = 250;

pub(crate) fn qty(text: &str) -> Qty {
    text.parse().unwrap()
}

pub(crate) fn price(text: &str) -> Price {
    text.parse().unwrap()
}

pub(crate) fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

pub(crate) fn asset(text: &str) -> Asset {
    Asset::new(text).unwrap()
}

pub(crate) fn linear(base: &str, lot: &str) -> Instrument {
    Instrument {
        symbol: Symbol::new(&format!("{base}USDT")).unwrap(),
        kind: InstrumentKind::Linear,
        base: asset(base),
        quote: asset("USDT"),
        settle: asset("USDT"),
        tick: price("0.1"),
        lot: qty(lot),
        quantity_min: qty(lot),
        quantity_max: qty("1000"),
        market_quantity_max: qty("120"),
        notional_min: qty("5"),
        contract_size: qty("1"),
        taker_fee: amount("0.0005"),
    }
}

pub(crate) fn inverse(base: &str, contract: &str) -> Instrument {
    Instrument {
        symbol: Symbol::new(&format!("{base}USD_PERP")).unwrap(),
        kind: InstrumentKind::Inverse,
        quote: asset("USD"),
        settle: asset(base),
        contract_size: qty(contract),
        notional_min: Qty::ZERO,
        quantity_max: qty("1000000"),
        market_quantity_max: qty("1000000"),
        ..linear(base, "1")
    }
}

pub(crate) fn spot(base: &str, lot: &str) -> Instrument {
    Instrument {
        symbol: Symbol::new(&format!("{base}/USDT")).unwrap(),
        kind: InstrumentKind::Spot,
        taker_fee: amount("0.001"),
        ..linear(base, lot)
    }
}

/// A two second window; margins as short as the class allows, so that times in tests stay readable.
pub(crate) fn traits(class: ResendClass) -> VenueTraits {
    VenueTraits {
        class,
        deadline_check: match class {
            ResendClass::A => DeadlineCheck::Gateway,
            ResendClass::B => DeadlineCheck::MatchingEngine,
            ResendClass::C => DeadlineCheck::None,
        },
        window_ms: 2_000,
        margin_ms: 1_000,
        id_horizon_ms: 600_000,
        lookup_window_ms: 86_400_000,
        id_alphabet: IdAlphabet::Alphanumeric,
        id_len_max: 36,
        native_dead_man_switch: false,
        native_spreads: false,
    }
}

pub(crate) fn leg(name: &str, side: Side, quantity: &str) -> LegSpec {
    LegSpec {
        name: LegName::new(name).unwrap(),
        venue: VenueName::new(&format!("at-{name}")).unwrap(),
        instrument: linear("BTC", "0.001"),
        side,
        kind: OrderKind::Market,
        quantity: LegQuantity::Fixed(qty(quantity)),
        reduce_only: false,
        after: Vec::new(),
        traits: traits(ResendClass::A),
        positions: Positions::Exclusive,
        position_mode: PositionMode::OneWay,
        baseline: Some(Amount::ZERO),
        account: None,
    }
}

pub(crate) fn class(mut leg: LegSpec, class: ResendClass) -> LegSpec {
    leg.traits = traits(class);
    leg
}

pub(crate) fn after(mut leg: LegSpec, legs: &[u8]) -> LegSpec {
    leg.after = legs.to_vec();
    leg
}

/// Follows what another leg fills.
pub(crate) fn of(mut leg: LegSpec, source: u8, ratio: &str) -> LegSpec {
    leg.quantity = LegQuantity::Of { leg: source, ratio: qty(ratio) };
    leg.after = vec![source];
    leg
}

pub(crate) fn limit(mut leg: LegSpec, at: &str, time_in_force: TimeInForce) -> LegSpec {
    leg.kind = OrderKind::Limit { price: price(at), time_in_force };
    leg
}

/// The same price for every pair the legs trade.
pub(crate) fn references(legs: &[LegSpec], at: &str) -> References {
    let mut references = References::default();
    for leg in legs {
        references.note(&leg.instrument.base, &leg.instrument.quote, price(at));
    }
    references
}

pub(crate) fn batch(legs: Vec<LegSpec>) -> BatchSpec {
    BatchSpec {
        key: "00112233445566778899aabbccddeeff".parse().unwrap(),
        digest: PayloadDigest([7; 32]),
        strategy: StrategyName::new("funding-arb").unwrap(),
        occasion: Occasion::new("2026-11-22T08:00:00Z").unwrap(),
        listing: (0..legs.len()).map(|index| index as u8).collect(),
        references: references(&legs, "65000"),
        legs,
        policy: PolicySpec {
            on_residual: Residual::Unwind,
            leg_timeout_ms: 10_000,
            unwind_slippage_bps: 100,
            unwind_attempts: 5,
            unwind_ms_max: 60_000,
            unwind_loss_max: None,
        },
        doubt_grace_ms: 5_000,
        admitted_at: UnixMillis(START),
    }
}

/// Long and short of a tenth, at venues of one class.
pub(crate) fn pair(of_class: ResendClass) -> BatchSpec {
    batch(vec![
        class(leg("long", Side::Buy, "0.1"), of_class),
        class(leg("short", Side::Sell, "0.1"), of_class),
    ])
}

/// The same, the short leg only once the long one is final.
pub(crate) fn chain(of_class: ResendClass) -> BatchSpec {
    let mut spec = pair(of_class);
    spec.legs[1].after = vec![0];
    spec
}

pub(crate) fn park(mut spec: BatchSpec) -> BatchSpec {
    spec.policy.on_residual = Residual::Park;
    spec
}
