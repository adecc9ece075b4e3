//! OKX swaps and spot: instruments, quotes, positions, balances and accounts.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::sync::Arc;

use common::{NOW, Script, Stage, okx, okx_spot, okx_swap};
use equipoise_core::{
    Instrument, InstrumentKind, PositionMode, Symbol, UnixMillis, VenueMillis, VenueName,
};
use equipoise_port::{Account, Clock, MarginMode, Purpose, QueryError};
use equipoise_venues::{Credentials, Settings, open};

const INSTRUMENTS: &str = "GET /api/v5/public/instruments";
const FEE: &str = "GET /api/v5/account/trade-fee";
const TICKER: &str = "GET /api/v5/market/ticker";
const MARK: &str = "GET /api/v5/public/mark-price";
const FUNDING: &str = "GET /api/v5/public/funding-rate";
const POSITIONS: &str = "GET /api/v5/account/positions";
const CONFIG: &str = "GET /api/v5/account/config";

fn symbol(text: &str) -> Symbol {
    text.parse().unwrap()
}

fn swap() -> Symbol {
    symbol("BTC-USDT-SWAP")
}

/// Kind, contract size, tick, lot, smallest and largest orders, fee.
fn rules(rules: &Instrument) -> String {
    format!(
        "{:?} {} {} {} {} {} {} {}",
        rules.kind,
        rules.contract_size,
        rules.tick,
        rules.lot,
        rules.quantity_min,
        rules.quantity_max,
        rules.market_quantity_max,
        rules.taker_fee
    )
}

/// An instrument by its fixture, at a stage of its own.
async fn fresh(stage: Stage, text: &str, fixture: &str, fee: &str) -> Instrument {
    instrument(&stage, text, fixture, fee).await.unwrap()
}

async fn instrument(
    stage: &Stage,
    text: &str,
    fixture: &str,
    fee: &str,
) -> Result<Instrument, QueryError> {
    stage.script.fixture(INSTRUMENTS, 200, &format!("okx/{fixture}"));
    stage.script.fixture(FEE, 200, &format!("okx/{fee}"));
    stage.venue.instrument(&symbol(text)).await
}

#[tokio::test]
async fn rules_come_in_contracts_on_swaps_and_in_base_units_on_spot() {
    let (by_settlement, grouped) = ("fee_swap_by_settlement", "fee_spot_grouped");
    let linear = ("BTC-USDT-SWAP", "instruments_swap_linear");
    let linear = fresh(okx_swap(), linear.0, linear.1, by_settlement).await;
    assert_eq!(rules(&linear), "Linear 0.01 0.1 0.01 0.01 100000000 12000 0.00045");
    let inverse = ("BTC-USD-SWAP", "instruments_swap_inverse");
    let inverse = fresh(okx_swap(), inverse.0, inverse.1, by_settlement).await;
    assert_eq!(rules(&inverse), "Inverse 100 0.1 1 1 100000000 30000 0.0005");
    let spot = fresh(okx_spot(), "BTC-USDT", "instruments_spot", grouped).await;
    assert_eq!(rules(&spot), "Spot 1 0.1 0.00000001 0.00001 9999999999 0 0.0008");
    assert_eq!(spot.kind, InstrumentKind::Spot);
    let assets = |rules: &Instrument| format!("{} {} {}", rules.base, rules.quote, rules.settle);
    assert_eq!(assets(&linear), "BTC USDT USDT");
    assert_eq!(assets(&inverse), "BTC USD BTC");
    assert_eq!(assets(&spot), "BTC USDT USDT");
    for rules in [linear, inverse, spot] {
        assert!(rules.check().is_ok() && rules.notional_min.is_zero());
    }
}

#[tokio::test]
async fn the_fee_of_the_instruments_group_counts() {
    let stage = okx_swap();
    let grouped =
        instrument(&stage, "BTC-USDT-SWAP", "instruments_swap_linear", "fee_swap_grouped").await;
    assert_eq!(grouped.unwrap().taker_fee.to_string(), "0.0003");
    let sent = stage.script.sent().join("\n");
    assert!(sent.contains("instruments?instType=SWAP&instId=BTC-USDT-SWAP"), "{sent}");
    assert!(sent.contains("trade-fee?instType=SWAP&instFamily=BTC-USDT"), "{sent}");
}

#[tokio::test]
async fn rules_are_remembered_for_ten_minutes() {
    let stage = okx_swap();
    stage.script.fixture(INSTRUMENTS, 200, "okx/instruments_swap_linear");
    stage.script.fixture(FEE, 200, "okx/fee_swap_grouped");
    for (advance, reads) in [(0, 1), (599_999, 1), (1, 2)] {
        stage.clock.advance(advance);
        stage.venue.instrument(&swap()).await.unwrap();
        assert_eq!(stage.script.count("/api/v5/public/instruments"), reads);
    }
}

#[tokio::test]
async fn an_instrument_that_is_not_traded_now_is_refused() {
    for (status, fixture, code) in [
        (200, "instruments_swap_suspended", "51022"),
        (200, "instruments_swap_preopen", "51021"),
        (200, "instruments_none", "51001"),
        (200, "instruments_swap_inverse", "51001"),
        (200, "place_unknown_instrument", "51001"),
    ] {
        let stage = okx_swap();
        stage.script.fixture(INSTRUMENTS, status, &format!("okx/{fixture}"));
        match stage.venue.instrument(&swap()).await {
            Err(QueryError::Refused { code: refused, .. }) => {
                assert_eq!(refused, code, "{fixture}")
            }
            other => panic!("{fixture}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_fee_that_cannot_be_read_stands_in_on_swaps_and_stops_spot() {
    let stage = okx_swap();
    stage.script.fixture(INSTRUMENTS, 200, "okx/instruments_swap_linear");
    stage.script.body(FEE, 500, "");
    stage.script.fixture(FEE, 200, "okx/fee_swap_grouped");
    let fee = |rules: Instrument| rules.taker_fee.to_string();
    assert_eq!(fee(stage.venue.instrument(&swap()).await.unwrap()), "0.0005");
    assert_eq!(fee(stage.venue.instrument(&swap()).await.unwrap()), "0.0003");
    let stage = okx_spot();
    stage.script.fixture(INSTRUMENTS, 200, "okx/instruments_spot");
    stage.script.body(FEE, 500, "");
    stage.script.body(FEE, 404, "");
    stage.script.fixture(FEE, 401, "okx/place_bad_signature");
    let spot = symbol("BTC-USDT");
    let unread = stage.venue.instrument(&spot).await;
    assert!(matches!(unread, Err(QueryError::Unavailable(_))), "{unread:?}");
    assert_eq!(fee(stage.venue.instrument(&spot).await.unwrap()), "0.001");
    let refused = stage.venue.instrument(&spot).await;
    assert!(matches!(refused, Err(QueryError::Credentials { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_swaps_quote_carries_book_mark_and_signed_funding() {
    let stage = okx_swap();
    stage.script.fixture(TICKER, 200, "okx/ticker_swap");
    stage.script.fixture(MARK, 200, "okx/mark_price_swap");
    stage.script.fixture(FUNDING, 200, "okx/funding_rate_swap");
    let quote = stage.venue.quote(&swap()).await.unwrap();
    let (bid, ask) = (quote.book.bid.unwrap(), quote.book.ask.unwrap());
    assert_eq!((bid.0.to_string(), bid.1.to_string()), ("65000".to_owned(), "97.1".to_owned()));
    assert_eq!((ask.0.to_string(), ask.1.to_string()), ("65000.1".to_owned(), "182.5".to_owned()));
    assert_eq!(quote.mark.to_string(), "65001.5");
    let funding = quote.funding.unwrap();
    assert_eq!(funding.rate.to_string(), "-0.00007");
    assert_eq!(funding.next_at, VenueMillis(NOW + 28_800_000));
    let mut sent = stage.script.sent();
    sent.sort();
    assert_eq!(
        sent,
        [
            "GET /api/v5/market/ticker?instId=BTC-USDT-SWAP",
            "GET /api/v5/public/funding-rate?instId=BTC-USDT-SWAP",
            "GET /api/v5/public/mark-price?instType=SWAP&instId=BTC-USDT-SWAP",
        ]
    );
}

#[tokio::test]
async fn an_empty_side_and_a_missing_rate_are_shown_as_they_are() {
    let stage = okx_swap();
    stage.script.fixture(TICKER, 200, "okx/ticker_swap_one_sided");
    stage.script.fixture(MARK, 200, "okx/mark_price_swap");
    stage.script.fixture(FUNDING, 200, "okx/funding_rate_none");
    let quote = stage.venue.quote(&swap()).await.unwrap();
    assert!(quote.book.bid.is_some() && quote.book.ask.is_none() && quote.funding.is_none());
}

#[tokio::test]
async fn spot_is_marked_at_the_middle_of_its_book_or_at_its_last_trade() {
    let stage = okx_spot();
    stage.script.fixture(TICKER, 200, "okx/ticker_spot");
    stage.script.fixture(TICKER, 200, "okx/ticker_spot_one_sided");
    let spot = symbol("BTC-USDT");
    let quote = stage.venue.quote(&spot).await.unwrap();
    assert_eq!((quote.mark.to_string(), quote.funding), ("65000.1".to_owned(), None));
    let quote = stage.venue.quote(&spot).await.unwrap();
    assert!(quote.book.bid.is_none());
    assert_eq!(quote.mark.to_string(), "64998");
    assert_eq!(stage.script.sent().len(), 2);
}

#[tokio::test]
async fn a_quote_of_another_instrument_is_none() {
    let stage = okx_spot();
    stage.script.fixture(TICKER, 200, "okx/ticker_swap");
    let answer = stage.venue.quote(&symbol("BTC-USDT")).await;
    assert!(matches!(answer, Err(QueryError::Refused { .. })), "{answer:?}");
}

#[tokio::test]
async fn positions_have_a_side_in_either_mode_and_spot_has_none() {
    for (fixture, expected) in [
        ("positions_net_short", "0 10 -10"),
        ("positions_long_short", "30 10 20"),
        ("positions_isolated", "2 0 2"),
        ("positions_none", "0 0 0"),
    ] {
        let stage = okx_swap();
        stage.script.fixture(POSITIONS, 200, &format!("okx/{fixture}"));
        let found = stage.venue.position(&swap()).await.unwrap();
        assert_eq!(
            format!("{} {} {}", found.long, found.short, found.net()),
            expected,
            "{fixture}"
        );
    }
    let stage = okx_spot();
    let refused = stage.venue.position(&symbol("BTC-USDT")).await.unwrap_err();
    assert!(matches!(refused, QueryError::Refused { .. }), "{refused:?}");
    assert!(stage.script.sent().is_empty());
}

#[tokio::test]
async fn balances_leave_out_zeros_and_contracts_draw_on_available_equity() {
    let shown = |balances: Vec<equipoise_port::Balance>| -> Vec<String> {
        let line = |balance: &equipoise_port::Balance| {
            format!("{} {} {}", balance.asset, balance.total, balance.available)
        };
        balances.iter().map(line).collect()
    };
    for (stage, dollars) in [(okx_swap(), "4800.5"), (okx_spot(), "4834.317093622894")] {
        stage.script.fixture("GET /api/v5/account/balance", 200, "okx/balance_three");
        assert_eq!(
            shown(stage.venue.balances().await.unwrap()),
            [format!("USDT 4850.435693622894 {dollars}"), "BTC 0.5 0.5".to_owned()]
        );
    }
}

#[tokio::test]
async fn an_account_shows_mode_and_right_to_trade() {
    let cross = Some(MarginMode::Cross);
    let account = |position_mode, can_trade, margin_mode| {
        Ok(Account { position_mode, can_trade, margin_mode })
    };
    let net = okx_swap();
    net.script.fixture(POSITIONS, 200, "okx/positions_net_short");
    assert_eq!(net.venue.account(&[swap()]).await, account(PositionMode::OneWay, true, cross));
    assert_eq!(net.venue.account(&[]).await, account(PositionMode::OneWay, true, cross));
    assert_eq!(net.script.count("/api/v5/account/positions"), 1);
    let config = "okx/config_futures_long_short_read_only";
    let hedge = okx("okx-swap", config);
    hedge.script.fixture(POSITIONS, 200, "okx/positions_none");
    assert_eq!(hedge.venue.account(&[swap()]).await, account(PositionMode::Hedge, false, cross));
    // Spot knows no position sides, whatever the account's mode for contracts.
    let spot = okx("okx-spot", config);
    let pair = symbol("BTC-USDT");
    assert_eq!(spot.venue.account(&[pair]).await, account(PositionMode::OneWay, false, None));
}

#[tokio::test]
async fn accounts_that_cannot_trade_the_product_safely_are_refused_by_name() {
    for (config, level) in [("config_spot", "spot mode"), ("config_portfolio", "portfolio margin")]
    {
        let stage = okx("okx-swap", &format!("okx/{config}"));
        assert_eq!(
            stage.venue.account(&[swap()]).await,
            Err(QueryError::Refused {
                code: "account-level".to_owned(),
                message: format!(
                    "swaps are not traded on an account in {level}, allowed are futures mode, \
                     multi-currency margin"
                )
            })
        );
    }
    for config in ["config_spot", "config_futures_net", "config_multi_currency", "config_portfolio"]
    {
        let stage = okx("okx-spot", &format!("okx/{config}"));
        assert!(stage.venue.account(&[symbol("BTC-USDT")]).await.is_ok(), "{config}");
    }
    let stage = okx("okx-swap", "okx/config_undocumented_level");
    let unknown = stage.venue.account(&[]).await;
    assert!(matches!(unknown, Err(QueryError::Unavailable(_))), "{unknown:?}");
}

#[tokio::test]
async fn a_spot_account_that_borrows_by_itself_is_refused_with_the_setting_to_change() {
    for (config, level, setting, called) in [
        ("config_multi_currency_auto_loan", "multi-currency margin", "autoLoan", "auto borrow"),
        ("config_portfolio_auto_loan", "portfolio margin", "autoLoan", "auto borrow"),
        ("config_spot_borrow", "spot mode", "enableSpotBorrow", "borrowing in spot mode"),
    ] {
        let stage = okx("okx-spot", &format!("okx/{config}"));
        assert_eq!(
            stage.venue.account(&[symbol("BTC-USDT")]).await,
            Err(QueryError::Refused {
                code: "borrowing".to_owned(),
                message: format!(
                    "the account, in {level}, borrows by itself what a spot order lacks ({setting} \
                     is true), allowed is one that does not: turn {called} off in its settings"
                )
            })
        );
    }
    // The setting is without effect in futures mode, and no matter of swaps.
    let stage = okx("okx-spot", "okx/config_futures_auto_loan");
    assert!(stage.venue.account(&[symbol("BTC-USDT")]).await.is_ok());
    let stage = okx("okx-swap", "okx/config_multi_currency_auto_loan");
    assert!(stage.venue.account(&[]).await.is_ok());
    let stage = okx("okx-spot", "okx/config_multi_currency_untold_loan");
    let untold = stage.venue.account(&[symbol("BTC-USDT")]).await;
    assert!(matches!(untold, Err(QueryError::Unavailable(_))), "{untold:?}");
}

#[tokio::test]
async fn an_instrument_with_an_isolated_position_is_refused_at_start() {
    let stage = okx_swap();
    stage.script.fixture(POSITIONS, 200, "okx/positions_isolated");
    assert_eq!(
        stage.venue.account(&[swap()]).await,
        Err(QueryError::Refused {
            code: "margin-mode".to_owned(),
            message: "BTC-USDT-SWAP has a position in isolated margin, allowed is cross margin, \
                      which orders are in"
                .to_owned()
        })
    );
    assert!(stage.venue.account(&[symbol("ETH-USDT-SWAP")]).await.is_ok());
}

#[tokio::test]
async fn a_bad_key_is_told_apart_from_a_venue_that_does_not_answer() {
    let stage = common::stage("okx-swap");
    stage.script.fixture("GET /api/v5/public/time", 200, "okx/time_now");
    stage.script.fixture(CONFIG, 401, "okx/place_bad_signature");
    stage.script.body(CONFIG, 503, r#"{"code":"50001","msg":"Service temporarily unavailable."}"#);
    let bad = stage.venue.account(&[]).await;
    assert!(matches!(bad, Err(QueryError::Credentials { .. })), "{bad:?}");
    let away = stage.venue.reserve(Purpose::Entry).await;
    assert!(matches!(away, Err(QueryError::Unavailable(_))), "{away:?}");
}

#[tokio::test]
async fn server_time_is_always_asked_for() {
    let stage = okx_swap();
    for _ in 0..2 {
        assert_eq!(stage.venue.server_time().await, Ok(VenueMillis(NOW + 250)));
    }
    assert_eq!(stage.script.count("/api/v5/public/time"), 2);
}

#[tokio::test]
async fn entries_leave_a_quarter_of_the_orders_for_what_takes_risk_back() {
    let stage = okx_swap();
    for _ in 0..45 {
        stage.venue.reserve(Purpose::Entry).await.unwrap();
    }
    let now = stage.clock.now();
    let full = stage.venue.reserve(Purpose::Entry).await;
    assert!(matches!(full, Err(QueryError::Busy { retry_after_ms: 2_100, .. })), "{full:?}");
    for _ in 0..15 {
        stage.venue.reserve(Purpose::Unwind).await.unwrap();
    }
    assert_eq!(stage.clock.now(), now);
}

struct Still;

#[async_trait::async_trait]
impl Clock for Still {
    fn now(&self) -> UnixMillis {
        UnixMillis(0)
    }
    async fn sleep_until(&self, _: UnixMillis) {}
}

#[test]
fn a_key_without_its_passphrase_is_refused_before_anything_is_sent() {
    for adapter in ["okx-swap", "okx-spot"] {
        let credentials = Credentials::new("the-key", "the-secret").unwrap();
        let settings =
            Settings::builder(VenueName::new("desk").unwrap(), adapter, credentials).build();
        let opened = open(settings, Arc::new(Script::default()), Arc::new(Still));
        let error = opened.err().unwrap().to_string();
        assert!(error.contains("desk") && error.contains("passphrase"), "{error}");
    }
}
