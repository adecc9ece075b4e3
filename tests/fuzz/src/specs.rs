//! Admitted batches of many shapes, all of them valid.

use equipoise_core::{
    Amount, Asset, BatchSpec, DeadlineCheck, IdAlphabet, Instrument, InstrumentKind, LegName,
    LegQuantity, LegSpec, Occasion, OrderKind, PayloadDigest, PolicySpec, PositionMode, Positions,
    Price, Qty, References, ResendClass, Residual, Side, StrategyName, Symbol, TimeInForce,
    UnixMillis, VenueName, VenueTraits,
};

use crate::source::Source;

/// Engine time of admission.
pub(crate) const START: u64 = 1_795_334_400_000;

pub(crate) fn qty(text: &str) -> Qty {
    text.parse().expect("a plain number")
}

pub(crate) fn price(text: &str) -> Price {
    text.parse().expect("a plain number above zero")
}

/// One to four legs.
pub(crate) fn spec(source: &mut Source<'_>) -> BatchSpec {
    let count = 1 + source.below(4);
    let legs: Vec<LegSpec> = (0..count).map(|index| leg(index, source)).collect();
    let mut references = References::default();
    for leg in &legs {
        references.note(&leg.instrument.base, &leg.instrument.quote, price("65000"));
    }
    BatchSpec {
        key: "00112233445566778899aabbccddeeff".parse().expect("a key"),
        digest: PayloadDigest([7; 32]),
        strategy: StrategyName::new("fuzz").expect("a name"),
        occasion: Occasion::new("2026-11-22T08:00:00Z").expect("a name"),
        listing: (0_u8..).take(count).collect(),
        references,
        legs,
        policy: PolicySpec {
            on_residual: source.pick(&[Residual::Unwind, Residual::Unwind, Residual::Park]),
            leg_timeout_ms: source.pick(&[2_000, 10_000]),
            unwind_slippage_bps: 100,
            unwind_attempts: source.pick(&[1, 3, 5]),
            unwind_ms_max: source.pick(&[1_000, 60_000]),
            unwind_loss_max: source.pick(&[None, Some(qty("250"))]),
        },
        doubt_grace_ms: 5_000,
        admitted_at: UnixMillis(START),
    }
}

fn leg(index: usize, source: &mut Source<'_>) -> LegSpec {
    let class = source.pick(&[ResendClass::A, ResendClass::B, ResendClass::C]);
    let (earlier, follows) = (u8::try_from(index).unwrap_or(0).saturating_sub(1), index > 0);
    let quantity = if follows && source.odds(64) {
        LegQuantity::Of { leg: earlier, ratio: qty("1") }
    } else {
        LegQuantity::Fixed(qty(source.pick(&["0.1", "0.05", "0.003"])))
    };
    let after = match quantity {
        LegQuantity::Of { leg, .. } => vec![leg],
        LegQuantity::Fixed(_) if follows && source.odds(64) => vec![earlier],
        LegQuantity::Fixed(_) => Vec::new(),
    };
    LegSpec {
        name: LegName::new(&format!("leg-{index}")).expect("a name"),
        venue: VenueName::new(source.pick(&["one", "two"])).expect("a name"),
        instrument: instrument(source),
        side: source.pick(&[Side::Buy, Side::Sell]),
        kind: kind(source),
        quantity,
        reduce_only: false,
        after,
        traits: traits(class),
        positions: source.pick(&[Positions::Exclusive, Positions::Shared]),
        position_mode: source.pick(&[PositionMode::OneWay, PositionMode::Hedge]),
        baseline: source.pick(&[None, Some(Amount::ZERO)]),
        account: None,
    }
}

fn kind(source: &mut Source<'_>) -> OrderKind {
    let limit = |time_in_force| OrderKind::Limit { price: price("65000"), time_in_force };
    source.pick(&[
        OrderKind::Market,
        limit(TimeInForce::Gtc),
        limit(TimeInForce::Ioc),
        limit(TimeInForce::PostOnly),
    ])
}

fn instrument(source: &mut Source<'_>) -> Instrument {
    let asset = |text| Asset::new(text).expect("an asset");
    let spot = source.odds(48);
    Instrument {
        symbol: Symbol::new(if spot { "BTC/USDT" } else { "BTCUSDT" }).expect("a symbol"),
        kind: if spot { InstrumentKind::Spot } else { InstrumentKind::Linear },
        base: asset("BTC"),
        quote: asset("USDT"),
        settle: asset("USDT"),
        tick: price("0.1"),
        lot: qty(source.pick(&["0.001", "0.01"])),
        quantity_min: qty("0.001"),
        quantity_max: qty("1000"),
        market_quantity_max: qty("120"),
        notional_min: qty("5"),
        contract_size: qty("1"),
        taker_fee: "0.0005".parse().expect("a plain number"),
    }
}

fn traits(class: ResendClass) -> VenueTraits {
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
