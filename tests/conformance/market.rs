//! Clock, rules, prices.

use equipoise::port::QueryError;
use equipoise::{Amount, InstrumentKind, Price, Symbol};
use equipoise_sim::{ServeOptions, Settings};

use crate::desk::Desk;
use crate::harness::demo_credentials;
use crate::table::Place;

pub(crate) async fn the_clock_is_the_exchanges_own(place: &'static Place) {
    let ahead = ServeOptions { clock_offset_ms: 3_600_000, ..ServeOptions::default() };
    let credentials = demo_credentials(place.adapter);
    let desk = Desk::start(place, Settings::default(), ahead, credentials).await;
    let before = desk.now();
    let read = desk.venue.server_time().await.unwrap();
    assert!((before..=desk.now()).contains(&read), "{read:?}");
    // Requests are signed by that clock, whatever the host's says.
    desk.venue.account(&[desk.symbol()]).await.unwrap();
}

pub(crate) async fn the_rules_are_the_exchanges_own(place: &'static Place) {
    let desk = Desk::open(place).await;
    assert_eq!(desk.venue.instrument(&desk.symbol()).await.unwrap(), place.instrument());
}

/// Everything that trades at the exchange, by what the exchange itself counts with.
pub(crate) async fn every_listed_instrument_keeps_its_rules(place: &'static Place) {
    let desk = Desk::open(place).await;
    let listed: Vec<_> = desk.exchange.with(|exchange| exchange.instruments().cloned().collect());
    assert!(listed.len() > 1);
    for theirs in listed {
        let ours = desk.venue.instrument(&Symbol::new(theirs.symbol).unwrap()).await.unwrap();
        let kind = match theirs.kind {
            equipoise_sim::InstrumentKind::Linear => InstrumentKind::Linear,
            equipoise_sim::InstrumentKind::Inverse => InstrumentKind::Inverse,
            equipoise_sim::InstrumentKind::Spot => InstrumentKind::Spot,
        };
        let assets = [ours.base.as_str(), ours.quote.as_str(), ours.settle.as_str()];
        // An option's contracts are no coins: it is an underlying of its own.
        let option = theirs.symbol.ends_with("-C") || theirs.symbol.ends_with("-P");
        let base = if option { theirs.symbol } else { theirs.base };
        assert_eq!((ours.kind, assets), (kind, [base, theirs.quote, theirs.settle]));
        // Where larger prices have larger ticks, a multiple of the largest is allowed at all of them.
        let tick = theirs.tick_steps.iter().map(|(_, tick)| *tick).fold(theirs.tick, Ord::max);
        let numbers = [
            ours.tick.get(),
            ours.lot.get(),
            ours.quantity_min.get(),
            ours.notional_min.get(),
            ours.contract_size.get(),
        ];
        let wanted =
            [tick, theirs.step, theirs.quantity_min, theirs.notional_min, theirs.contract_size];
        assert_eq!(numbers, wanted, "{}", theirs.symbol);
        assert!(ours.check().is_ok(), "{}", theirs.symbol);
    }
}

pub(crate) async fn the_quote_shows_book_mark_and_funding(place: &'static Place) {
    let desk = Desk::open(place).await;
    let quote = desk.venue.quote(&desk.symbol()).await.unwrap();
    let price = |text: &str| text.parse::<Price>().unwrap();
    let touch = place.touch.parse().unwrap();
    assert_eq!(quote.book.bid, Some((price(place.bid), touch)));
    assert_eq!(quote.book.ask, Some((price(place.ask), touch)));
    assert_eq!(quote.mark, price(place.mark));
    let rate = quote.funding.map(|funding| funding.rate);
    assert_eq!(rate, place.funding.map(|rate| rate.parse::<Amount>().unwrap()));
    assert!(quote.funding.is_none_or(|funding| funding.next_at > desk.now()));
}

pub(crate) async fn an_unknown_symbol_is_refused(place: &'static Place) {
    let desk = Desk::open(place).await;
    let unknown = Symbol::new(&place.symbol.replace("BTC", "NOPE")).unwrap();
    let refused = desk.venue.instrument(&unknown).await.unwrap_err();
    assert!(matches!(refused, QueryError::Refused { .. }), "{refused:?}");
    let refused = desk.venue.quote(&unknown).await.unwrap_err();
    assert!(matches!(refused, QueryError::Refused { .. }), "{refused:?}");
}
