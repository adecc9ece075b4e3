//! What venues promise and show, as far as it is data: times, books, and the spelling of names.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::common::*;
use equipoise_core::*;

#[test]
fn a_doubt_lasts_for_window_margin_and_two_rounds_a_second_apart() {
    let traits = VenueTraits { window_ms: 2_000, margin_ms: 700, ..traits(ResendClass::B) };
    assert_eq!(traits.doubt_ms(), 3_700);
}

#[test]
fn a_book_is_sound_while_its_bid_is_below_its_ask() {
    assert_eq!(book("64999", "65001").sound(), Some((price("64999"), price("65001"))));
    assert_eq!(book("65000", "65000").sound(), None);
    assert_eq!(book("65001", "65000").sound(), None);
    let whole = book("1", "2");
    assert_eq!(BookTop { bid: None, ..whole }.sound(), None);
    assert_eq!(BookTop { ask: None, ..whole }.sound(), None);
}

#[test]
fn names_hold_the_characters_of_their_kind_and_no_others() {
    let cases = [("BTCUSDT", true, true), ("BTC/USDT", true, true), ("BTC#1", false, true)];
    for (text, symbol, id) in cases {
        assert_eq!(Symbol::new(text).is_ok(), symbol, "{text}");
        assert_eq!(TradeId::new(text).is_ok(), id, "{text}");
    }
    for bad in ["", "BTC USDT", "BTC\n", "BTC\u{7f}", "bitcoïn"] {
        assert!(Symbol::new(bad).is_err(), "{bad:?}");
        assert!(VenueOrderId::new(bad).is_err(), "{bad:?}");
    }
}
