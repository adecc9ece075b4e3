//! What an admitted batch says of itself: whether it holds together, what it shares, and what it may open.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::common::*;
use equipoise_core::*;

#[test]
fn batches_share_an_instrument_only_at_the_same_venue() {
    let (one, same) = (pair(ResendClass::A), pair(ResendClass::B));
    assert!(one.shares_instrument_with(&same));
    let mut elsewhere = same.clone();
    for leg in &mut elsewhere.legs {
        leg.venue = VenueName::new("elsewhere").unwrap();
    }
    assert!(!one.shares_instrument_with(&elsewhere));
    let mut other = same;
    for leg in &mut other.legs {
        leg.instrument.symbol = Symbol::new("ETHUSDT").unwrap();
    }
    assert!(!one.shares_instrument_with(&other));
}

#[test]
fn a_batch_only_reduces_when_every_leg_does() {
    let mut spec = pair(ResendClass::A);
    assert!(!spec.only_reduces());
    spec.legs[0].reduce_only = true;
    assert!(!spec.only_reduces());
    spec.legs[1].reduce_only = true;
    assert!(spec.only_reduces());
}

#[test]
fn a_batch_is_sound_only_when_every_reference_in_it_holds() {
    type Spoil = fn(&mut BatchSpec);
    let spoilt: [Spoil; 7] = [
        |spec| spec.legs.clear(),
        |spec| spec.listing = vec![0, 0],
        |spec| spec.legs[0].after = vec![7],
        |spec| spec.legs[0].after = vec![1],
        |spec| spec.references = References::default(),
        |spec| spec.legs[0].instrument.lot = Qty::ZERO,
        |spec| spec.legs[1].quantity = LegQuantity::Of { leg: 0, ratio: qty("1") },
    ];
    let mut sound = chain(ResendClass::A);
    assert!(sound.is_sound());
    // The second leg waits for the first: each of these breaks one thing.
    for (index, spoil) in spoilt.into_iter().enumerate() {
        let mut spec = sound.clone();
        if index == 6 {
            spec.legs[1].after.clear();
        }
        spoil(&mut spec);
        assert!(!spec.is_sound(), "spoilt in way {index}");
    }
    sound.legs[1].quantity = LegQuantity::Of { leg: 0, ratio: qty("1") };
    assert!(sound.is_sound());
}

#[test]
fn a_leg_beyond_the_last_one_is_never_waited_for() {
    let legs = (0..64).map(|index| leg(&format!("leg-{index}"), Side::Buy, "0.1"));
    let mut spec = batch(legs.collect());
    assert!(spec.is_sound());
    spec.legs[63].after = vec![64];
    assert!(!spec.is_sound());
}

#[test]
fn a_view_finds_a_market_by_venue_and_symbol_together() {
    let market = |venue: &str, symbol: &str| Market {
        venue: VenueName::new(venue).unwrap(),
        instrument: Instrument { symbol: Symbol::new(symbol).unwrap(), ..linear("BTC", "0.001") },
        book: book("64999", "65001"),
        mark: price("65000"),
        funding: None,
    };
    let markets =
        vec![market("one", "BTCUSDT"), market("two", "BTCUSDT"), market("two", "ETHUSDT")];
    let view = MarketView { now: UnixMillis(START), markets, holdings: Vec::new() };
    let found = |venue: &str, symbol: &str| {
        let market = view.market(&VenueName::new(venue).unwrap(), &Symbol::new(symbol).unwrap())?;
        Some((market.venue.to_string(), market.instrument.symbol.to_string()))
    };
    assert_eq!(found("two", "ETHUSDT"), Some(("two".to_owned(), "ETHUSDT".to_owned())));
    assert_eq!(found("two", "BTCUSDT"), Some(("two".to_owned(), "BTCUSDT".to_owned())));
    assert_eq!(found("one", "ETHUSDT"), None);
}
