//! The batch a configuration stands for, in whole lots, with times that fit a coarse clock.
//!
//! A tick is longer than a request window, two are longer than window and margin, three and four carry the two rounds
//! of a proof of absence, then the leg timeout and the bound on doubt follow. So each of the specification's intervals
//! is a tick of its own, and nothing in between can be told apart by the saga.

use equipoise_core::*;
use rust_decimal::Decimal;

use crate::config::Config;

/// Milliseconds of one tick.
pub(crate) const TICK_MS: u64 = 2_000;
/// Engine time at admission.
pub(crate) const START: UnixMillis = UnixMillis(1_000_000);
/// What every leg is to fill, lots.
pub(crate) const LOTS: u32 = 2;
/// Longest a request is valid.
pub(crate) const WINDOW_MS: u32 = 1_000;
/// Longest after its deadline that a request may still have an effect, or that its effect may stay hidden.
pub(crate) const MARGIN_MS: u32 = 2_000;

/// The batch of a configuration.
pub(crate) fn batch(config: &Config) -> BatchSpec {
    let legs: Vec<LegSpec> =
        (0_u8..).zip(&config.legs).map(|(index, _)| leg(config, index)).collect();
    let reference = Price::new(Decimal::from(100)).expect("a hundred is positive");
    let mut references = References::default();
    for leg in &legs {
        references.note(&leg.instrument.base, &leg.instrument.quote, reference);
    }
    BatchSpec {
        key: BatchKey([0x11; 16]),
        digest: PayloadDigest([7; 32]),
        strategy: StrategyName::new("exhaustive").expect("a plain name"),
        occasion: Occasion::new("1").expect("a plain name"),
        references,
        listing: (0_u8..).zip(&legs).map(|(index, _)| index).collect(),
        legs,
        policy: PolicySpec {
            on_residual: config.residual,
            leg_timeout_ms: 7_000,
            unwind_slippage_bps: 100,
            unwind_attempts: 2,
            unwind_ms_max: 7_000,
            unwind_loss_max: None,
        },
        doubt_grace_ms: 4_000,
        admitted_at: START,
    }
}

fn leg(config: &Config, index: u8) -> LegSpec {
    let shape = config.legs[usize::from(index)];
    let name = ["long", "short", "third", "fourth"][usize::from(index)];
    let kind = if shape.rests {
        let price = Price::new(Decimal::from(100)).expect("a hundred is positive");
        OrderKind::Limit { price, time_in_force: TimeInForce::Gtc }
    } else {
        OrderKind::Market
    };
    let quantity = match shape.after {
        Some(leg) if shape.follows => LegQuantity::Of { leg, ratio: quantity(1) },
        _ => LegQuantity::Fixed(quantity(LOTS)),
    };
    LegSpec {
        name: LegName::new(name).expect("a plain name"),
        venue: VenueName::new(name).expect("a plain name"),
        instrument: instrument(),
        side: if index.is_multiple_of(2) { Side::Buy } else { Side::Sell },
        kind,
        quantity,
        reduce_only: false,
        after: shape.after.into_iter().collect(),
        traits: traits(shape.class, shape.lookup_ms),
        positions: Positions::Exclusive,
        position_mode: PositionMode::OneWay,
        baseline: Some(Amount::ZERO),
        account: None,
    }
}

fn traits(class: ResendClass, lookup_window_ms: u64) -> VenueTraits {
    VenueTraits {
        class,
        deadline_check: match class {
            ResendClass::A => DeadlineCheck::Gateway,
            ResendClass::B => DeadlineCheck::MatchingEngine,
            ResendClass::C => DeadlineCheck::None,
        },
        window_ms: WINDOW_MS,
        margin_ms: MARGIN_MS,
        id_horizon_ms: 600_000,
        lookup_window_ms,
        id_alphabet: IdAlphabet::Alphanumeric,
        id_len_max: 36,
        native_dead_man_switch: false,
        native_spreads: false,
    }
}

/// One lot is one unit is one of base.
fn instrument() -> Instrument {
    let one = quantity(1);
    Instrument {
        symbol: Symbol::new("BTCUSDT").expect("a plain symbol"),
        kind: InstrumentKind::Linear,
        base: asset("BTC"),
        quote: asset("USDT"),
        settle: asset("USDT"),
        tick: Price::new(Decimal::ONE).expect("one is positive"),
        lot: one,
        quantity_min: one,
        quantity_max: Qty::ZERO,
        market_quantity_max: Qty::ZERO,
        notional_min: Qty::ZERO,
        contract_size: one,
        taker_fee: Amount::ZERO,
    }
}

pub(crate) fn asset(name: &str) -> Asset {
    Asset::new(name).expect("a plain asset")
}

/// A number of lots as a quantity.
pub(crate) fn quantity(lots: u32) -> Qty {
    Qty::new(Decimal::from(lots)).expect("small numbers are in range")
}

/// A quantity as a number of lots; `None` if it is not whole.
pub(crate) fn lots(quantity: Qty) -> Option<u32> {
    let value = quantity.get().normalize();
    if value.scale() != 0 {
        return None;
    }
    u32::try_from(value.mantissa()).ok()
}

/// A signed number of lots as an amount.
pub(crate) fn amount(lots: i64) -> Amount {
    Amount::from(Decimal::from(lots))
}
