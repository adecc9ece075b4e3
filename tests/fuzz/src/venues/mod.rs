//! Answers of exchanges: any status, headers and body, most of them good ones spoiled.
//!
//! The adapters are driven through their port. Never a panic, never more certainty than the bytes hold: an order counts
//! as refused, placed or found only if a well-formed answer of this very call says so.

mod claims;
mod desks;
mod exchange;
mod routes;
mod verdicts;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use equipoise_core::{
    OrderKind, OrderRequest, PositionSide, Side, Symbol, TimeInForce, VenueMillis, VenueName,
};
use equipoise_port::{Clock, OrderRef, OrderTerms, Purpose, Venue};
use equipoise_venues::{Endpoint, Settings, open};

use crate::source::Source;
use crate::specs::{price, qty};
use desks::Desk;
use exchange::{Exchange, Standing};

const NOW: u64 = 1_795_334_400_000;
/// Requests one call may make; more is a loop without end.
const REQUESTS_MAX: usize = 600;
/// Longest one call may wait for rates, in milliseconds, all its requests together.
const WAITED_MS_MAX: u64 = 120_000;
/// Calls of one input.
const CALLS: usize = 5;

/// The adapters that [`venue`] drives; its first two bytes choose among them.
pub fn venue_adapters() -> impl Iterator<Item = &'static str> {
    Desk::ALL.iter().map(|desk| desk.adapter)
}

/// One adapter and a number of calls. True if an answer was believed.
pub fn venue(bytes: &[u8]) -> bool {
    let mut source = Source::new(bytes);
    let desk = &Desk::ALL[source.below(Desk::ALL.len())];
    let exchange = Arc::new(Exchange::new(desk, source.rest()));
    let name = VenueName::new("desk").expect("a name");
    let settings = Settings::builder(name, desk.adapter, desk.credentials())
        .endpoint(Endpoint::Url("http://venue.test".to_owned()))
        .build();
    let clock = Arc::new(Standing(AtomicU64::new(NOW)));
    let venue = open(settings, exchange.clone(), clock.clone()).expect("a known adapter");
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime without drivers").block_on(calls(&*venue, &exchange, &*clock));
    exchange.was_believed()
}

async fn calls(venue: &dyn Venue, exchange: &Exchange, clock: &dyn Clock) {
    for _ in 0..CALLS {
        exchange.forget();
        let began = clock.now();
        call(venue, exchange).await;
        let requests = exchange.exchanged().len();
        assert!(requests <= REQUESTS_MAX, "one call makes a bounded number of requests");
        let waited = clock.now().since(began);
        assert!(waited <= WAITED_MS_MAX, "one call waits {waited} ms");
    }
}

async fn call(venue: &dyn Venue, exchange: &Exchange) {
    let symbol: Symbol = exchange.desk.symbol.parse().expect("a symbol");
    match exchange.draw(|source| source.byte()) % 16 {
        0..6 => place(venue, exchange, &symbol).await,
        6..8 => {
            let asked = asked(exchange, &symbol);
            let found = venue.find(&asked).await;
            for order in found.iter().flatten() {
                assert_eq!(order.client_id, asked.client_id, "found is what was asked for");
            }
            exchange.check_snapshots(&found);
        }
        8 => {
            let since = asked(exchange, &symbol).since;
            exchange.check_snapshots(&venue.orders_since(&symbol, since).await);
        }
        9 | 10 => exchange.check_cancel(&venue.cancel(&asked(exchange, &symbol)).await),
        11 => exchange.check_query(&venue.position(&symbol).await),
        12 => exchange.check_lenient(&venue.instrument(&symbol).await),
        13 => exchange.check_lenient(&venue.quote(&symbol).await),
        14 => {
            exchange.check_lenient(&venue.account(std::slice::from_ref(&symbol)).await);
            exchange.forget();
            exchange.check_query(&venue.balances().await);
        }
        _ => {
            exchange.check_query(&venue.server_time().await);
            exchange.forget();
            let purpose = exchange.draw(|source| {
                source.pick(&[Purpose::Entry, Purpose::Unwind, Purpose::Cancel, Purpose::Query])
            });
            exchange.check_query(&venue.reserve(purpose).await);
        }
    }
}

/// The order most answers are about, known by its own id or the exchange's, sent just now or days ago.
fn asked(exchange: &Exchange, symbol: &Symbol) -> OrderRef {
    let desk = exchange.desk;
    exchange.draw(|source| OrderRef {
        client_id: desk.client_id.parse().expect("an id"),
        symbol: symbol.clone(),
        venue_order: source.odds(100).then(|| desk.venue_order.parse().expect("an id")),
        since: VenueMillis(NOW - source.pick(&[0, 60_000, 60_000, 2 * 86_400_000])),
        terms: source.odds(200).then(|| OrderTerms {
            side: desk.side,
            kind: OrderKind::Limit { price: price("65000"), time_in_force: desk.time_in_force },
            quantity: qty(desk.quantity),
        }),
    })
}

/// Reserves as the engine does, then sends the order of the fixtures or, now and then, another.
async fn place(venue: &dyn Venue, exchange: &Exchange, symbol: &Symbol) {
    exchange.check_query(&venue.reserve(Purpose::Entry).await);
    exchange.forget();
    let desk = exchange.desk;
    let order = exchange.draw(|source| {
        let times = [TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok, TimeInForce::PostOnly];
        let (usual, changed) = (desk.time_in_force, source.odds(48));
        let time_in_force = if changed { source.pick(&times) } else { usual };
        let kind = OrderKind::Limit { price: price("65000"), time_in_force };
        OrderRequest {
            client_id: desk.client_id.parse().expect("an id"),
            symbol: symbol.clone(),
            side: if changed { source.pick(&[Side::Buy, Side::Sell]) } else { desk.side },
            kind: if source.odds(24) { OrderKind::Market } else { kind },
            quantity: qty(desk.quantity),
            reduce_only: source.odds(16),
            position_side: source.pick(&[PositionSide::Net, PositionSide::Net, PositionSide::Long]),
            deadline: VenueMillis(NOW + 2_000),
            window_ms: 2_000,
        }
    });
    exchange.check_place(&order, &venue.place(&order).await);
}
