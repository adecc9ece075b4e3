//! Sample batches and records, shared by the journal's own tests and the suite over all back ends.
#![allow(dead_code, clippy::unwrap_used, reason = "tests, and each user needs another part of it")]

use std::fmt::Debug;
use std::str::FromStr;

use equipoise_core::{
    Alarm, BatchKey, BatchSpec, ClockOffset, DeadlineCheck, Ending, Fill, IdAlphabet, Instrument,
    InstrumentKind, LegQuantity, LegSpec, OrderEnd, OrderKind, OrderRequest, OrderState, OrderTag,
    PayloadDigest, PolicySpec, PositionMode, PositionSide, Positions, Record, References, Refusal,
    RefusalKind, ResendClass, Residual, Role, Side, TimeInForce, UnixMillis, VenueMillis,
    VenueTraits,
};
use equipoise_port::{Append, Epoch};

/// Anything that is made from text.
pub(crate) fn of<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// A key that differs for each index and does not sort by it.
pub(crate) fn key(index: u64) -> BatchKey {
    let spread = index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&spread.to_be_bytes());
    bytes[8..].copy_from_slice(&index.to_be_bytes());
    BatchKey(bytes)
}

/// A batch of one leg with its own occasion.
pub(crate) fn spec(index: u64) -> BatchSpec {
    spec_for(index, &format!("occasion-{index}"), 1)
}

/// A batch for an occasion.
pub(crate) fn spec_for(index: u64, occasion: &str, legs: u8) -> BatchSpec {
    BatchSpec {
        key: key(index),
        digest: PayloadDigest([7; 32]),
        strategy: of("funding-arb"),
        occasion: of(occasion),
        legs: (0..legs).map(|leg| leg_spec(&format!("leg-{leg}"))).collect(),
        listing: (0..legs).collect(),
        policy: PolicySpec {
            on_residual: Residual::Unwind,
            leg_timeout_ms: 10_000,
            unwind_slippage_bps: 100,
            unwind_attempts: 5,
            unwind_ms_max: 60_000,
            unwind_loss_max: Some(of("250")),
        },
        references: References::from_iter([(of("BTC"), of("USDT"), of("65000.5"))]),
        doubt_grace_ms: 30_000,
        admitted_at: UnixMillis(1_795_000_000_000 + index),
    }
}

/// The largest plan there can be: 64 legs and every name at its limit.
pub(crate) fn largest_spec(index: u64) -> BatchSpec {
    let mut spec = spec_for(index, &"o".repeat(64), 64);
    let asset = "A".repeat(128);
    for (leg, number) in spec.legs.iter_mut().zip(0..) {
        leg.name = of(&format!("{number:x>64}"));
        leg.venue = of(&"v".repeat(64));
        leg.instrument.symbol = of(&"S".repeat(64));
        leg.instrument.base = of(&asset);
        leg.instrument.quote = of(&asset);
        leg.instrument.settle = of(&asset);
        leg.instrument.tick = of("123456789012.123456789012");
        leg.instrument.lot = of("123456789012.123456789012");
        leg.after = (0..number).collect();
        leg.account = Some(of(&"a".repeat(128)));
    }
    spec
}

fn leg_spec(name: &str) -> LegSpec {
    LegSpec {
        name: of(name),
        venue: of("binance"),
        instrument: Instrument {
            symbol: of("BTCUSDT"),
            kind: InstrumentKind::Linear,
            base: of("BTC"),
            quote: of("USDT"),
            settle: of("USDT"),
            tick: of("0.1"),
            lot: of("0.001"),
            quantity_min: of("0.001"),
            quantity_max: of("1000"),
            market_quantity_max: of("120"),
            notional_min: of("100"),
            contract_size: of("1"),
            taker_fee: of("0.0005"),
        },
        side: Side::Buy,
        kind: OrderKind::Limit { price: of("65000.5"), time_in_force: TimeInForce::Ioc },
        quantity: LegQuantity::Fixed(of("0.1")),
        reduce_only: false,
        after: Vec::new(),
        traits: VenueTraits {
            class: ResendClass::B,
            deadline_check: DeadlineCheck::MatchingEngine,
            window_ms: 2_000,
            margin_ms: 2_000,
            id_horizon_ms: 600_000,
            lookup_window_ms: 604_800_000,
            id_alphabet: IdAlphabet::Alphanumeric,
            id_len_max: 36,
            native_dead_man_switch: true,
            native_spreads: false,
        },
        positions: Positions::Exclusive,
        position_mode: PositionMode::OneWay,
        baseline: Some(of("-0.5")),
        account: Some(of("https://fapi.binance.com#0123456789abcdef")),
    }
}

/// An attempt of the first leg.
pub(crate) fn tag(attempt: u16) -> OrderTag {
    OrderTag { leg: 0, role: Role::Entry, attempt }
}

/// A small record that differs for each number.
pub(crate) fn step(number: u64) -> Record {
    Record::Sent { tag: tag((number % 1000) as u16), at: UnixMillis(number) }
}

/// The record that ends a batch.
pub(crate) fn ended() -> Record {
    Record::Ended {
        ending: Ending::Done,
        why: "every leg filled".into(),
        at: UnixMillis(1_795_000_009_000),
    }
}

/// An append.
pub(crate) fn append(epoch: Epoch, index: u64, expected: u32, records: Vec<Record>) -> Append {
    Append { batch: key(index), expected, epoch, records }
}

/// The append that begins a batch.
pub(crate) fn admission(epoch: Epoch, index: u64) -> Append {
    let admitted = Record::Admitted(Box::new(spec(index)));
    append(epoch, index, 0, vec![admitted, step(index)])
}

/// One record of each kind, and of each shape inside them.
pub(crate) fn one_of_each() -> Vec<Record> {
    let at = UnixMillis(1_795_000_000_123);
    let unwind = OrderTag { leg: 63, role: Role::Unwind, attempt: 1023 };
    let tag = tag(1);
    let why = || "connection reset".to_owned();
    let mut records = vec![
        Record::Admitted(Box::new(spec_of_all_shapes())),
        Record::Intent {
            tag,
            request: request(OrderKind::Market, Side::Sell, PositionSide::Net),
            clock: ClockOffset { offset_ms: -17 },
            at,
        },
        Record::Transmission { tag, deadline: VenueMillis(1_795_000_004_000), at },
        Record::Sent { tag: unwind, at },
        Record::Unsent { tag, why: why(), at },
        Record::Doubted { tag, why: why(), at },
        Record::Refused { tag, refusal: refusal(RefusalKind::Final), at },
        observed(OrderState::Open),
        Record::Filled { tag, venue_order: of("8389765"), fill: fill(), at },
        Record::Audited { tag, at },
        Record::NotFound { tag, venue_time: VenueMillis(1_795_000_006_000), at },
        Record::Absent { tag, at },
        Record::Unresolved { tag, why: why(), at },
        Record::Stopped { at },
        Record::UnwindStarted { at },
        Record::Contradicted { leg: 2, position: of("-1.25"), at },
        Record::Alarmed { alarm: Alarm::Overfill, tag, at },
        ended(),
    ];
    records.extend(further_shapes(at));
    records
}

fn fill() -> Fill {
    Fill {
        trade: of("a1-b2"),
        price: of("65000.5"),
        quantity: of("0.04"),
        fee: of("-0.0013"),
        fee_asset: of("USDT"),
        at: VenueMillis(1_795_000_001_000),
    }
}

fn further_shapes(at: UnixMillis) -> Vec<Record> {
    let tag = tag(0);
    let limit = |time_in_force| OrderKind::Limit { price: of("0.00001"), time_in_force };
    let mut records = Vec::new();
    for (time_in_force, position_side) in [
        (TimeInForce::Gtc, PositionSide::Long),
        (TimeInForce::Ioc, PositionSide::Short),
        (TimeInForce::Fok, PositionSide::Net),
        (TimeInForce::PostOnly, PositionSide::Net),
    ] {
        records.push(Record::Intent {
            tag,
            request: request(limit(time_in_force), Side::Buy, position_side),
            clock: ClockOffset { offset_ms: 250 },
            at,
        });
    }
    for kind in [
        RefusalKind::Transient,
        RefusalKind::RateLimited { retry_after_ms: 1_500 },
        RefusalKind::ReduceOnly,
        RefusalKind::Credentials,
    ] {
        let refusal = refusal(kind);
        records.push(Record::Refused { tag, refusal, at });
    }
    let reason = || "EC_NoImmediateQtyToFill".to_owned();
    for end in [
        OrderEnd::Filled,
        OrderEnd::Cancelled { reason: reason() },
        OrderEnd::Rejected { reason: reason() },
    ] {
        records.push(observed(OrderState::Ended(end)));
    }
    for alarm in [Alarm::LateFill, Alarm::Drift] {
        records.push(Record::Alarmed { alarm, tag, at });
    }
    for ending in [Ending::Flat, Ending::Parked] {
        let why = "nothing is left".into();
        records.push(Record::Ended { ending, why, at });
    }
    records.push(Record::Alarmed { alarm: Alarm::Busted, tag, at });
    records.push(Record::Busted { tag, venue_order: of("8389765"), fill: fill(), at });
    records
}

fn spec_of_all_shapes() -> BatchSpec {
    let mut spec = spec_for(3, "2026-11-22T08:00:00Z", 3);
    spec.listing = vec![2, 0, 1];
    spec.policy.on_residual = Residual::Park;
    spec.policy.unwind_loss_max = None;
    let [_, second, third] = spec.legs.as_mut_slice() else {
        unreachable!("three legs were asked for");
    };
    second.side = Side::Sell;
    second.kind = OrderKind::Market;
    second.quantity = LegQuantity::Of { leg: 0, ratio: of("1") };
    second.after = vec![0];
    second.instrument.kind = InstrumentKind::Inverse;
    second.traits.class = ResendClass::A;
    second.traits.deadline_check = DeadlineCheck::Gateway;
    second.traits.id_alphabet = IdAlphabet::Uuid;
    second.positions = Positions::Shared;
    second.position_mode = PositionMode::Hedge;
    second.baseline = None;
    third.instrument.kind = InstrumentKind::Spot;
    third.reduce_only = true;
    third.traits.class = ResendClass::C;
    third.traits.deadline_check = DeadlineCheck::None;
    spec
}

fn request(kind: OrderKind, side: Side, position_side: PositionSide) -> OrderRequest {
    OrderRequest {
        client_id: of("0123456789abcdefghjkmnpqrs00e00"),
        symbol: of("BTCUSDT"),
        side,
        kind,
        quantity: of("0.1"),
        reduce_only: side == Side::Sell,
        position_side,
        deadline: VenueMillis(1_795_000_002_000),
        window_ms: 2_000,
    }
}

fn refusal(kind: RefusalKind) -> Refusal {
    Refusal { kind, code: "-2019".into(), message: "margin is insufficient".into() }
}

fn observed(state: OrderState) -> Record {
    Record::Observed {
        tag: tag(1),
        venue_order: of("8389765"),
        state,
        executed: of("0.04"),
        at: UnixMillis(1_795_000_001_500),
    }
}
