//! Every kind of fault at every adapter, over HTTP, beside a leg at another one: the batch ends done or flat, and what it
//! says it holds is what the exchanges' own ledgers say, unit by unit.
#![allow(clippy::unwrap_used, reason = "tests")]

mod harness;

use std::sync::Arc;

use equipoise::{
    BatchReport, BatchStatus, DeadlineCheck, Engine, Leg, LegName, LegReport, LegStatus, Occasion,
    OnResidual, Plan, Policy, Positions, Quantity, Side, StrategyName, Symbol, SystemClock,
    VenueName, VenueSetup,
};
use equipoise_sim::{Effect, Fault, Occurrence, Operation, Running, Settings, Stage};
use futures::future::join_all;
use harness::{MARGIN_MS, adapter_with_margin, memory, start};
use rust_decimal::Decimal;

/// An instrument of an adapter: whether it is inverse or spot, what one unit is worth in base units (inverse: in
/// dollars), and what is too small to be traded there, in units.
struct Place {
    adapter: &'static str,
    symbol: &'static str,
    kind: Kind,
    unit: &'static str,
    dust: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Linear,
    Inverse,
    Spot,
}

const fn place(
    adapter: &'static str,
    symbol: &'static str,
    kind: Kind,
    unit: &'static str,
    dust: &'static str,
) -> Place {
    Place { adapter, symbol, kind, unit, dust }
}

/// Each place stands beside the one five further on, so that products meet in every combination.
const PLACES: [Place; 12] = [
    place("binance-usdm", "BTCUSDT", Kind::Linear, "1", "0.002"),
    place("binance-coinm", "BTCUSD_PERP", Kind::Inverse, "100", "1"),
    place("binance-spot", "BTCUSDT", Kind::Spot, "1", "0.0001"),
    place("bybit-linear", "BTCUSDT", Kind::Linear, "1", "0.001"),
    place("bybit-inverse", "BTCUSD", Kind::Inverse, "1", "1"),
    place("bybit-spot", "BTCUSDT", Kind::Spot, "1", "0.0001"),
    place("okx-swap", "BTC-USDT-SWAP", Kind::Linear, "0.01", "0.01"),
    place("okx-swap", "BTC-USD-SWAP", Kind::Inverse, "100", "1"),
    place("okx-spot", "BTC-USDT", Kind::Spot, "1", "0.00001"),
    place("deribit", "BTC-PERPETUAL", Kind::Inverse, "1", "10"),
    place("deribit", "BTC_USDC-PERPETUAL", Kind::Linear, "1", "0.001"),
    place("coinbase", "BTC-USD", Kind::Spot, "1", "0.00002"),
];
const BESIDE: usize = 5;

/// About what a bitcoin costs at every exchange here, to tell what a dollar contract stands for.
const PRICE: i64 = 65_000;
/// How far apart their prices make a tenth of a bitcoin.
const SPREAD: Decimal = Decimal::from_parts(1, 0, 0, false, 4);

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

impl Place {
    /// Base units of a quantity, near enough to tell a lot.
    fn base(&self, units: Decimal) -> Decimal {
        match self.kind {
            Kind::Inverse => units * decimal(self.unit) / Decimal::from(PRICE),
            Kind::Linear | Kind::Spot => units * decimal(self.unit),
        }
    }

    fn dust(&self) -> Decimal {
        self.base(decimal(self.dust))
    }

    /// What the account has come to hold by the exchange's own trades, in its units: of spot, what was received.
    fn held(&self, exchange: &Running) -> Decimal {
        let ledger = exchange.with(|exchange| exchange.ledger());
        let trades = ledger.orders.iter().flat_map(|order| {
            order.trades.iter().map(move |trade| {
                let taken = self.kind == Kind::Spot && trade.fee_asset == "BTC";
                let fee = if taken { trade.fee } else { Decimal::ZERO };
                order.side.signed(trade.quantity) - fee
            })
        });
        trades.sum()
    }
}

/// What two exchanges and the engine made of one fault.
struct Story {
    what: String,
    places: [&'static Place; 2],
    /// Which part of the first venue refuses an order past its deadline.
    checked_by: DeadlineCheck,
    report: BatchReport,
    held: [Decimal; 2],
    orders: [usize; 2],
}

/// When an order that was admitted in time is executed, unless the matching engine itself looks at its deadline: after
/// that, and early enough before the end of the margin that clients are to allow it.
const LATE_MS: u64 = 2_600;
const LATE_MARGIN_MS: u32 = 3_000;

/// A fault by the kind it is named by, and the margin its venue is given.
fn fault_of(adapter: &str, kind: &str) -> (Fault, u32) {
    if kind == "late" {
        let effect = Effect::DelayRequest { delay_ms: LATE_MS, before: Stage::Execution };
        return (Fault::on(Operation::PlaceEntry, Occurrence::Nth(1), effect), LATE_MARGIN_MS);
    }
    if kind == "twice" {
        let fault = Fault::on(Operation::PlaceEntry, Occurrence::Nth(1), Effect::ArriveTwice);
        return (fault, MARGIN_MS);
    }
    (Fault::named(&format!("{adapter}-{kind}")).unwrap(), MARGIN_MS)
}

/// Plays a fault at the first place; the second works. `buys` says which way the first leg goes.
async fn play(index: usize, kind: &str, buys: bool) -> Story {
    let places = [&PLACES[index], &PLACES[(index + BESIDE) % PLACES.len()]];
    let settings = Settings::default();
    let exchanges = [
        start(places[0].adapter, settings.clone()).await,
        start(places[1].adapter, settings).await,
    ];
    let (fault, margin_ms) = fault_of(places[0].adapter, kind);
    exchanges[0].with(|exchange| exchange.inject(fault));
    let clock = Arc::new(SystemClock::start());
    let mut engine = Engine::builder(memory()).clock(clock.clone());
    let side = |first: bool| if first == buys { Side::Buy } else { Side::Sell };
    let (mut legs, mut checked_by) = (Vec::new(), DeadlineCheck::Gateway);
    for (first, (place, exchange)) in [true, false].into_iter().zip(places.iter().zip(&exchanges)) {
        let name = VenueName::new(if first { "faulty" } else { "sound" }).unwrap();
        let url = exchange.base_url();
        let margin_ms = if first { margin_ms } else { MARGIN_MS };
        let venue =
            adapter_with_margin(name.as_str(), place.adapter, &url, clock.clone(), margin_ms);
        if first {
            checked_by = venue.traits().deadline_check;
        }
        engine = engine.venue(name.clone(), VenueSetup { venue, positions: Positions::Exclusive });
        legs.push(Leg::market(
            LegName::new(name.as_str()).unwrap(),
            name,
            Symbol::new(place.symbol).unwrap(),
            side(first),
            Quantity::Base("0.1".parse().unwrap()),
        ));
    }
    let plan = Plan {
        strategy: StrategyName::new("faults").unwrap(),
        occasion: Occasion::new("1").unwrap(),
        legs,
        policy: Policy::new(OnResidual::Unwind, 20_000),
    };
    let engine = engine.start().await.unwrap();
    let report = engine.submit(&plan).await.unwrap().wait().await.unwrap();
    let held = [0, 1].map(|leg: usize| places[leg].held(&exchanges[leg]));
    let orders = exchanges.map(|exchange| {
        let ledger = exchange.with(|exchange| exchange.ledger());
        ledger.orders.iter().filter(|order| !order.executed.is_zero()).count()
    });
    let what = format!("{kind} at {} {} ({:?})", places[0].symbol, places[0].adapter, side(true));
    Story { what, places, checked_by, report, held, orders }
}

impl Story {
    /// The engine's account of what it holds, against the exchanges' own: exact, in their units.
    fn check_ledgers(&self) -> Result<(), String> {
        for (leg, held) in self.report.legs.iter().zip(self.held) {
            if leg.holding.get() != held {
                return Err(format!("holds {held} at {}, reported is {}", leg.venue, leg.holding));
            }
        }
        let net: Decimal = self.report.net_delta.values().map(|delta| delta.get()).sum();
        let within = self.places[0].dust().max(self.places[1].dust());
        if net.abs() > within {
            return Err(format!("net delta {net} is more than {within}"));
        }
        if self.report.alarms.is_empty() { Ok(()) } else { Err("an alarm".to_owned()) }
    }

    fn check_done(&self) -> Result<(), String> {
        if self.report.status != BatchStatus::Done {
            return Err(format!("{:?}: {}", self.report.status, self.report.why));
        }
        if self.orders != [1, 1] {
            return Err(format!("{:?} orders took effect", self.orders));
        }
        for (place, held) in self.places.iter().zip(self.held) {
            let off = (place.base(held).abs() - decimal("0.1")).abs();
            if off > self.places[0].dust().max(self.places[1].dust()) + SPREAD {
                return Err(format!("{held} at {} is not a tenth", place.adapter));
            }
        }
        Ok(())
    }

    fn check_flat(&self) -> Result<(), String> {
        if self.report.status != BatchStatus::Flat {
            return Err(format!("{:?}: {}", self.report.status, self.report.why));
        }
        for (place, held) in self.places.iter().zip(self.held) {
            if place.base(held).abs() >= place.dust() {
                return Err(format!("{held} is left at {}", place.adapter));
            }
        }
        Ok(())
    }

    fn faulty(&self) -> &LegReport {
        &self.report.legs[0]
    }
}

/// Plays each kind at each place, all at once and in both directions, and tells of all that went wrong.
async fn at_every_place(kinds: &[&str], check: impl Fn(&Story) -> Result<(), String>) {
    let everywhere = |kind| {
        (0..PLACES.len()).flat_map(move |index| [true, false].map(|buys| play(index, kind, buys)))
    };
    let stories = join_all(kinds.iter().copied().flat_map(everywhere)).await;
    let wrong: Vec<_> = stories
        .iter()
        .filter_map(|story| {
            let why = check(story).and_then(|()| story.check_ledgers()).err()?;
            Some(format!("{}: {why}\n{:#?}", story.what, story.report))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), stories.len(), wrong.join("\n"));
}

#[tokio::test]
async fn an_order_whose_answer_was_lost_or_proves_nothing_is_found_and_not_repeated() {
    at_every_place(&["timeout-after-accept", "5xx-unknown"], |story| {
        if story.faulty().client_order_ids.len() != 1 {
            return Err("a further attempt was made".to_owned());
        }
        story.check_done()
    })
    .await;
}

#[tokio::test]
async fn an_order_whose_request_was_lost_is_sent_again_once_that_is_safe() {
    at_every_place(&["timeout-lost"], Story::check_done).await;
}

#[tokio::test]
async fn a_leg_that_is_refused_takes_the_other_one_back() {
    at_every_place(&["reject", "insufficient-funds"], |story| {
        // Coinbase's rejection is one that passes, so the leg is tried again.
        if story.what.contains("reject at BTC-USD coinbase") {
            return story.check_done();
        }
        if story.faulty().status != LegStatus::Rejected {
            return Err(format!("the leg is {:?}", story.faulty().status));
        }
        story.check_flat()
    })
    .await;
}

#[tokio::test]
async fn after_a_partial_fill_exactly_what_was_received_is_taken_back() {
    at_every_place(&["partial-fill"], |story| {
        if story.faulty().filled.is_zero() || story.faulty().filled >= story.faulty().planned {
            return Err("nothing was filled in part".to_owned());
        }
        story.check_flat()
    })
    .await;
}

/// Where the matching engine is documented to check the deadline, the late order is refused there and another one
/// follows; everywhere else it is executed late, found, and not repeated.
#[tokio::test]
async fn an_order_that_executes_after_its_deadline_takes_effect_once() {
    at_every_place(&["late"], |story| {
        let attempts = story.faulty().client_order_ids.len();
        let expected = if story.checked_by == DeadlineCheck::MatchingEngine { 2 } else { 1 };
        if attempts != expected {
            return Err(format!("{attempts} attempts were made, not {expected}"));
        }
        story.check_done()
    })
    .await;
}

/// Where the exchange notices a taken client id only after it acknowledged the second arrival (Bybit), that rejection
/// is not one of the order itself.
#[tokio::test]
async fn an_order_that_arrives_twice_takes_effect_once_and_is_not_taken_for_a_rejected_one() {
    at_every_place(&["twice"], |story| {
        if story.faulty().client_order_ids.len() != 1 {
            return Err("a further attempt was made".to_owned());
        }
        story.check_done()
    })
    .await;
}
