//! Deribit: instruments, quotes, positions, balances and the account.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{NOW, Stage, deribit, read_fixture, stage};
use equipoise_core::{Instrument, InstrumentKind, PositionMode, Symbol, VenueMillis};
use equipoise_port::{Account, MarginMode, Position, QueryError};

const INSTRUMENT: &str = "POST /api/v2/public/get_instrument";
const TICKER: &str = "POST /api/v2/public/ticker";

async fn rules(fixture: &str, symbol: &str) -> Result<Instrument, QueryError> {
    let stage = stage("deribit");
    stage.script.fixture(INSTRUMENT, 200, &format!("deribit/instrument_{fixture}"));
    stage.venue.instrument(&symbol.parse().unwrap()).await
}

fn perpetual() -> Symbol {
    "BTC-PERPETUAL".parse().unwrap()
}

fn steps(rules: &Instrument) -> (String, String, String) {
    (rules.tick.to_string(), rules.lot.to_string(), rules.quantity_min.to_string())
}

fn three(tick: &str, lot: &str, smallest: &str) -> (String, String, String) {
    (tick.to_owned(), lot.to_owned(), smallest.to_owned())
}

#[tokio::test]
async fn an_inverse_contract_is_counted_in_dollars_by_whole_contracts() {
    let rules = rules("btc_perpetual", "BTC-PERPETUAL").await.unwrap();
    assert_eq!(rules.kind, InstrumentKind::Inverse);
    assert_eq!(steps(&rules), three("0.5", "10", "10"));
    assert_eq!(rules.contract_size.to_string(), "1");
    assert_eq!(
        (rules.base.as_str(), rules.quote.as_str(), rules.settle.as_str()),
        ("BTC", "USD", "BTC")
    );
    assert_eq!(rules.taker_fee.to_string(), "0.0005");
    assert!(rules.check().is_ok());
}

#[tokio::test]
async fn a_linear_contract_is_counted_in_base_by_whole_contracts() {
    let rules = rules("btc_usdc_perpetual", "BTC_USDC-PERPETUAL").await.unwrap();
    assert_eq!(rules.kind, InstrumentKind::Linear);
    assert_eq!(steps(&rules), three("0.5", "0.0001", "0.001"));
    assert_eq!((rules.quote.as_str(), rules.settle.as_str()), ("USDC", "USDC"));
}

#[tokio::test]
async fn an_option_has_the_coarsest_of_its_ticks_and_its_smallest_order_as_step() {
    let rules = rules("option", "BTC-25DEC26-70000-C").await.unwrap();
    assert_eq!(rules.kind, InstrumentKind::Linear);
    assert_eq!(steps(&rules), three("0.0005", "0.1", "0.1"));
    assert_eq!((rules.quote.as_str(), rules.settle.as_str()), ("BTC", "BTC"));
}

#[tokio::test]
async fn an_option_is_an_underlying_of_its_own_and_never_counts_as_coins() {
    let rules = rules("option", "BTC-25DEC26-70000-C").await.unwrap();
    assert_eq!(
        (rules.base.as_str(), rules.contract_size.to_string()),
        ("BTC-25DEC26-70000-C", "1".into())
    );
}

#[tokio::test]
async fn spot_is_spot() {
    let rules = rules("spot", "BTC_USDC").await.unwrap();
    assert_eq!(rules.kind, InstrumentKind::Spot);
    assert_eq!(steps(&rules), three("1", "0.0001", "0.0001"));
}

#[tokio::test]
async fn what_is_not_traded_now_or_not_supported_is_refused() {
    for (fixture, symbol, why) in [
        ("closed", "BTC-PERPETUAL", "BTC-PERPETUAL is halted, not open"),
        ("inactive", "BTC-PERPETUAL", "BTC-PERPETUAL is delivered, not open"),
        (
            "combo",
            "BTC-FS-25DEC26_PERP",
            "BTC-FS-25DEC26_PERP is a future_combo, which is not supported",
        ),
    ] {
        let Err(QueryError::Refused { message, .. }) = rules(fixture, symbol).await else {
            panic!("{fixture}");
        };
        assert_eq!(message, why);
    }
    let stage = stage("deribit");
    stage.script.fixture(INSTRUMENT, 400, "deribit/instrument_not_found");
    let answer = stage.venue.instrument(&perpetual()).await;
    assert!(matches!(answer, Err(QueryError::Refused { .. })), "{answer:?}");
}

#[tokio::test]
async fn rules_that_do_not_fit_together_are_not_believed() {
    for fixture in ["odd_steps", "odd_minimum", "spot"] {
        let answer = rules(fixture, "BTC-PERPETUAL").await;
        assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{fixture}: {answer:?}");
    }
}

#[tokio::test]
async fn rules_are_remembered_for_ten_minutes() {
    let stage = deribit();
    stage.venue.instrument(&perpetual()).await.unwrap();
    stage.clock.advance(599_999);
    stage.venue.instrument(&perpetual()).await.unwrap();
    assert_eq!(stage.script.count("/api/v2/public/get_instrument"), 1);
    stage.clock.advance(1);
    stage.venue.instrument(&perpetual()).await.unwrap();
    assert_eq!(stage.script.count("/api/v2/public/get_instrument"), 2);
}

#[tokio::test]
async fn a_quote_carries_book_mark_and_signed_funding_for_eight_hours() {
    let stage = deribit();
    stage.script.fixture(TICKER, 200, "deribit/ticker_btc_perpetual");
    stage.script.fixture(TICKER, 200, "deribit/ticker_one_sided_future");
    let quote = stage.venue.quote(&perpetual()).await.unwrap();
    let (bid, ask) = quote.book.sound().unwrap();
    assert_eq!((bid.to_string(), ask.to_string()), ("65000".to_owned(), "65000.5".to_owned()));
    assert_eq!(quote.book.bid.unwrap().1.to_string(), "125000");
    assert_eq!(quote.mark.to_string(), "65000.32");
    let funding = quote.funding.unwrap();
    assert_eq!(funding.rate.to_string(), "-0.000021");
    assert_eq!(funding.next_at, VenueMillis(NOW + 100 + 8 * 3_600_000));
    let one_sided = stage.venue.quote(&perpetual()).await.unwrap();
    assert!(one_sided.book.ask.is_none() && one_sided.funding.is_none());
}

fn net(position: Position) -> (String, String) {
    (position.long.to_string(), position.short.to_string())
}

#[tokio::test]
async fn a_position_has_one_side() {
    let stage = deribit();
    let route = "POST /api/v2/private/get_position";
    for fixture in ["short", "long", "flat", "contradicting"] {
        stage.script.fixture(route, 200, &format!("deribit/position_{fixture}"));
    }
    let position = async || stage.venue.position(&perpetual()).await;
    assert_eq!(net(position().await.unwrap()), ("0".to_owned(), "300".to_owned()));
    assert_eq!(net(position().await.unwrap()), ("300".to_owned(), "0".to_owned()));
    assert_eq!(net(position().await.unwrap()), ("0".to_owned(), "0".to_owned()));
    assert!(matches!(position().await, Err(QueryError::Unavailable(_))));
}

#[tokio::test]
async fn spot_has_no_position() {
    let stage = stage("deribit");
    stage.script.fixture(INSTRUMENT, 200, "deribit/instrument_spot");
    let position = stage.venue.position(&"BTC_USDC".parse().unwrap()).await;
    assert!(matches!(position, Err(QueryError::Refused { .. })), "{position:?}");
    assert_eq!(stage.script.sent(), [INSTRUMENT]);
}

#[tokio::test]
async fn balances_leave_out_zeros_and_negative_rests() {
    let stage = deribit();
    let route = "POST /api/v2/private/get_account_summaries";
    stage.script.fixture(route, 200, "deribit/summaries_three");
    let balances = stage.venue.balances().await.unwrap();
    let shown: Vec<_> = balances
        .iter()
        .map(|balance| format!("{} {} {}", balance.asset, balance.total, balance.available))
        .collect();
    assert_eq!(shown, ["BTC 1.25 1.2001", "USDC 50000.5 0"]);
}

async fn account(stage: &Stage) -> Result<Account, QueryError> {
    stage.venue.account(&[perpetual()]).await
}

#[tokio::test]
async fn the_right_to_trade_is_the_tokens_and_the_margin_mode_the_accounts() {
    let summary = "POST /api/v2/private/get_account_summary";
    for (granted, setup, can_trade, margin) in [
        ("auth_granted", "summary_reject_taker", true, MarginMode::Cross),
        ("auth_read_only", "summary_cancel_maker", false, MarginMode::Cross),
        ("auth_granted", "summary_portfolio", true, MarginMode::Portfolio),
    ] {
        let stage = stage("deribit");
        stage.script.fixture("POST /api/v2/public/auth", 200, &format!("deribit/{granted}"));
        stage.script.fixture(summary, 200, &format!("deribit/{setup}"));
        let (position_mode, margin_mode) = (PositionMode::OneWay, Some(margin));
        let expected = Account { position_mode, can_trade, margin_mode };
        assert_eq!(account(&stage).await, Ok(expected));
    }
    let stage = deribit();
    let word = read_fixture("deribit/summary_portfolio").replace("cross_pm", "cross_xm");
    stage.script.body(summary, 200, &word);
    stage.script.fixture(summary, 403, "deribit/forbidden");
    let unread = account(&stage).await;
    assert!(matches!(unread, Err(QueryError::Unavailable(_))), "{unread:?}");
    assert!(matches!(account(&stage).await, Err(QueryError::Credentials { .. })));
}

#[tokio::test]
async fn server_time_is_always_asked_for() {
    let stage = deribit();
    for _ in 0..2 {
        assert_eq!(stage.venue.server_time().await, Ok(VenueMillis(NOW + 250)));
    }
    assert_eq!(stage.script.count("/api/v2/public/get_time"), 2);
}
