//! The batch a configuration stands for, sized by the engine, with times that fit a coarse clock.
//!
//! A tick is longer than a request window, two are longer than window and margin, three and four carry the two rounds
//! of a proof of absence, then the leg timeout and the bound on doubt follow. So each of the specification's intervals
//! is a tick of its own, and nothing in between can be told apart by the saga.

use equipoise_core::*;

use crate::config::{Config, LegShape, Size};
use crate::terms::{decimal, price, whole};

/// Milliseconds of one tick.
pub(crate) const TICK_MS: u64 = 2_000;
/// Engine time at admission.
pub(crate) const START: UnixMillis = UnixMillis(1_000_000);
/// Longest a request is valid.
pub(crate) const WINDOW_MS: u32 = 1_000;
/// Longest after its deadline that a request may still have an effect, or that its effect may stay hidden.
pub(crate) const MARGIN_MS: u32 = 2_000;

/// The batch of a configuration, its sizes as the engine rounds them at admission.
pub(crate) fn batch(config: &Config) -> BatchSpec {
    let plan = plan(config);
    let instruments: Vec<Instrument> =
        config.legs.iter().map(|shape| shape.product.terms().instrument()).collect();
    let mut references = References::default();
    for (shape, instrument) in config.legs.iter().zip(&instruments) {
        let reference = price(shape.product.terms().reference);
        references.note(&instrument.base, &instrument.quote, reference);
    }
    let sizes = size_plan(&plan, &instruments, &references).expect("the sizes fit their rules");
    let legs = plan.legs.iter().zip(&config.legs).zip(instruments).zip(sizes);
    let legs = legs.map(|(((leg, shape), instrument), size)| leg_of(leg, shape, instrument, size));
    BatchSpec {
        key: plan.key,
        digest: plan.digest,
        strategy: plan.strategy.clone(),
        occasion: plan.occasion.clone(),
        references,
        listing: plan.listing.clone(),
        legs: legs.collect(),
        policy: plan.policy.clone(),
        doubt_grace_ms: 4_000,
        admitted_at: START,
    }
}

fn plan(config: &Config) -> CheckedPlan {
    CheckedPlan {
        key: BatchKey([0x11; 16]),
        digest: PayloadDigest([7; 32]),
        strategy: StrategyName::new("exhaustive").expect("a plain name"),
        occasion: Occasion::new("1").expect("a plain name"),
        listing: (0_u8..).zip(&config.legs).map(|(index, _)| index).collect(),
        legs: (0_u8..).zip(&config.legs).map(|(index, shape)| planned(index, shape)).collect(),
        policy: PolicySpec {
            on_residual: config.residual,
            leg_timeout_ms: 7_000,
            unwind_slippage_bps: 100,
            unwind_attempts: config.unwind_attempts,
            unwind_ms_max: config.unwind_ms,
            unwind_loss_max: None,
        },
    }
}

fn planned(index: u8, shape: &LegShape) -> CheckedLeg {
    let terms = shape.product.terms();
    let limit = OrderKind::Limit { price: price(terms.entry), time_in_force: TimeInForce::Gtc };
    let quantity = match (shape.after, shape.size) {
        (Some(leg), _) if shape.follows => CheckedQuantity::Of { leg, ratio: whole(1) },
        (_, Size::Lots(lots)) => CheckedQuantity::Contracts(terms.quantity(lots)),
        (_, Size::Base(parts)) => {
            CheckedQuantity::Base(Qty::new(decimal(parts)).expect("sizes are in range"))
        }
        (_, Size::Quote(quote)) => CheckedQuantity::Quote(whole(quote)),
    };
    CheckedLeg {
        name: LegName::new(leg_name(index)).expect("a plain name"),
        venue: VenueName::new(leg_name(shape.beside.unwrap_or(index))).expect("a plain name"),
        symbol: Symbol::new(terms.symbol).expect("a plain symbol"),
        side: side(index.into()),
        kind: if shape.rests { limit } else { OrderKind::Market },
        quantity,
        reduce_only: false,
        after: shape.after.into_iter().collect(),
    }
}

fn leg_of(leg: &CheckedLeg, shape: &LegShape, instrument: Instrument, size: SizedLeg) -> LegSpec {
    let terms = shape.product.terms();
    // Balances prove nothing, so a position is only read where there are positions.
    let derivative = terms.kind != InstrumentKind::Spot;
    let before = if terms.before < 0 { Side::Sell } else { Side::Buy };
    let lots = u32::try_from(terms.before.unsigned_abs()).expect("few lots");
    LegSpec {
        name: leg.name.clone(),
        venue: leg.venue.clone(),
        instrument,
        side: leg.side,
        kind: leg.kind,
        quantity: size.quantity,
        reduce_only: leg.reduce_only,
        after: leg.after.clone(),
        traits: traits(shape.class, shape.lookup_ms),
        positions: Positions::Exclusive,
        position_mode: terms.mode,
        baseline: derivative.then(|| before.signed(terms.quantity(lots))),
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

/// Legs buy and sell in turn.
pub(crate) const fn side(leg: usize) -> Side {
    if leg.is_multiple_of(2) { Side::Buy } else { Side::Sell }
}

/// What a leg is called, and its venue unless it trades beside another leg.
pub(crate) fn leg_name(leg: u8) -> &'static str {
    ["long", "short", "third", "fourth"].get(usize::from(leg)).copied().unwrap_or("leg")
}
