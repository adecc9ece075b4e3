//! Coinbase: products, quotes, balances, the key, and what its limits lead to.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::sync::Arc;

use common::{NOW, Script, Stage, coinbase, read_fixture};
use equipoise_core::{InstrumentKind, PositionMode, Symbol, VenueMillis, VenueName};
use equipoise_port::{Account, Clock, Purpose, QueryError};
use equipoise_venues::{Credentials, Endpoint, Settings, open};

const PRODUCT: &str = "GET /api/v3/brokerage/products/BTC-USD";
const BEST: &str = "GET /api/v3/brokerage/best_bid_ask";
const PERMISSIONS: &str = "GET /api/v3/brokerage/key_permissions";
const ACCOUNTS: &str = "GET /api/v3/brokerage/accounts";

fn btc() -> Symbol {
    "BTC-USD".parse().unwrap()
}

/// A venue whose second look at the product shows something else.
async fn with_product(fixture: &str) -> Stage {
    let stage = coinbase();
    stage.venue.instrument(&btc()).await.unwrap();
    stage.clock.advance(600_000);
    stage.script.fixture(PRODUCT, 200, &format!("coinbase/{fixture}"));
    // The stage's own answer comes once more.
    stage.venue.instrument(&btc()).await.unwrap();
    stage.clock.advance(600_000);
    stage
}

#[tokio::test]
async fn rules_come_from_the_product_and_no_fee_sizes_an_order() {
    let stage = coinbase();
    let rules = stage.venue.instrument(&btc()).await.unwrap();
    assert_eq!(rules.kind, InstrumentKind::Spot);
    assert_eq!(
        (rules.base.as_str(), rules.quote.as_str(), rules.settle.as_str()),
        ("BTC", "USD", "USD")
    );
    let shown = [rules.tick.to_string(), rules.lot.to_string(), rules.quantity_min.to_string()];
    assert_eq!(shown, ["0.01", "0.00000001", "0.00000001"]);
    assert_eq!(
        (rules.quantity_max.to_string(), rules.notional_min.to_string()),
        ("3400".to_owned(), "1".to_owned())
    );
    assert_eq!(rules.taker_fee.to_string(), "0", "fees are paid in quote");
    assert!(rules.check().is_ok());
    stage.clock.advance(599_999);
    stage.venue.instrument(&btc()).await.unwrap();
    assert_eq!(stage.script.count("/api/v3/brokerage/products/BTC-USD"), 1);
}

#[tokio::test]
async fn a_price_moves_in_the_products_own_steps() {
    let stage = with_product("product_coarse_price").await;
    let rules = stage.venue.instrument(&btc()).await.unwrap();
    assert_eq!(rules.tick.to_string(), "5");
}

#[tokio::test]
async fn what_is_not_traded_now_or_not_spot_is_refused() {
    for (fixture, why) in [
        ("product_delisted", "BTC-USD is delisted, not online"),
        ("product_cancel_only", "BTC-USD only takes cancels now"),
        ("product_post_only", "BTC-USD only takes resting orders now"),
        ("product_view_only", "BTC-USD may only be viewed by this account"),
        ("product_future", "BTC-USD is a FUTURE product, not SPOT"),
    ] {
        let stage = with_product(fixture).await;
        let Err(QueryError::Refused { message, .. }) = stage.venue.instrument(&btc()).await else {
            panic!("{fixture}");
        };
        assert_eq!(message, why);
    }
    let stage = coinbase();
    stage.script.fixture("GET /api/v3/brokerage/products/NOPE-USD", 404, "coinbase/not_found");
    let answer = stage.venue.instrument(&"NOPE-USD".parse().unwrap()).await;
    assert!(matches!(answer, Err(QueryError::Refused { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_name_that_would_change_an_address_never_becomes_a_part_of_it() {
    let stage = coinbase();
    for symbol in ["../accounts", "BTC/USD", "a:b"] {
        let answer = stage.venue.instrument(&symbol.parse().unwrap()).await;
        assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{answer:?}");
    }
    assert!(stage.script.sent().is_empty());
}

#[tokio::test]
async fn the_middle_of_the_book_stands_in_for_a_mark_price() {
    let stage = coinbase();
    for fixture in ["best_btc_usd", "best_one_sided", "best_alias", "best_empty", "best_foreign"] {
        stage.script.fixture(BEST, 200, &format!("coinbase/{fixture}"));
    }
    let quote = stage.venue.quote(&btc()).await.unwrap();
    assert_eq!(quote.mark.to_string(), "65000.005");
    assert_eq!(quote.book.ask.unwrap().1.to_string(), "1.2");
    assert!(quote.funding.is_none());
    let one_sided = stage.venue.quote(&btc()).await.unwrap();
    assert!(one_sided.book.ask.is_none());
    assert_eq!(one_sided.mark.to_string(), "65000");
    assert!(stage.venue.quote(&btc()).await.is_ok());
    assert!(matches!(stage.venue.quote(&btc()).await, Err(QueryError::Unavailable(_))));
    assert!(matches!(stage.venue.quote(&btc()).await, Err(QueryError::Refused { .. })));
}

#[tokio::test]
async fn balances_are_what_is_free_and_what_is_held_on_all_pages() {
    let stage = coinbase();
    stage.script.fixture(ACCOUNTS, 200, "coinbase/accounts_first_page");
    stage.script.fixture(ACCOUNTS, 200, "coinbase/accounts_last_page");
    let balances = stage.venue.balances().await.unwrap();
    let shown: Vec<_> = balances
        .iter()
        .map(|balance| format!("{} {} {}", balance.asset, balance.total, balance.available))
        .collect();
    assert_eq!(shown, ["BTC 1.33 1.23", "USD 50000.25 50000.25"]);
    let position = stage.venue.position(&btc()).await;
    assert!(matches!(position, Err(QueryError::Refused { .. })), "{position:?}");
}

#[tokio::test]
async fn the_right_to_trade_is_the_keys() {
    let stage = coinbase();
    for fixture in ["permissions_trading", "permissions_read_only", "permissions_perpetuals"] {
        stage.script.fixture(PERMISSIONS, 200, &format!("coinbase/{fixture}"));
    }
    let account = |can_trade| {
        let position_mode = PositionMode::OneWay;
        Ok(Account { position_mode, can_trade, margin_mode: None })
    };
    assert_eq!(stage.venue.account(&[btc()]).await, account(true));
    assert_eq!(stage.venue.account(&[btc()]).await, account(false));
    assert!(matches!(stage.venue.account(&[btc()]).await, Err(QueryError::Refused { .. })));
}

#[tokio::test]
async fn a_refused_token_is_the_keys_fault_only_while_it_should_be_good() {
    let stage = coinbase();
    stage.script.body(PERMISSIONS, 401, "Unauthorized\n");
    let answer = stage.venue.account(&[]).await;
    assert!(matches!(answer, Err(QueryError::Credentials { .. })), "{answer:?}");
    // The venue's clock has moved on by half an hour, which the last measurement does not know.
    let late = read_fixture("coinbase/time_now").replace("1795334400250", "1795336200250");
    stage.script.body("GET /api/v3/brokerage/time", 200, &late);
    stage.venue.server_time().await.unwrap();
    let answer = stage.venue.account(&[]).await;
    assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{answer:?}");
}

#[tokio::test]
async fn a_limit_stops_requests_until_it_ends() {
    let stage = coinbase();
    let body = bytes::Bytes::from(read_fixture("coinbase/rate_limit_exceeded"));
    let mut limited = http::Response::builder().status(429).body(body).unwrap();
    limited.headers_mut().insert("retry-after", "7".parse().unwrap());
    stage.script.on(ACCOUNTS, Ok(limited));
    stage.script.fixture(ACCOUNTS, 200, "coinbase/accounts_last_page");
    let why = "code rate_limit_exceeded: Too many requests".to_owned();
    let busy = Err(QueryError::Busy { retry_after_ms: 7_000, why });
    assert_eq!(stage.venue.balances().await, busy);
    assert!(matches!(stage.venue.reserve(Purpose::Unwind).await, Err(QueryError::Busy { .. })));
    stage.clock.advance(7_000);
    assert!(stage.venue.balances().await.is_ok());
}

/// An answer of the accounts page with rate headers.
fn counted(headers: &[(&'static str, &str)]) -> http::Response<bytes::Bytes> {
    counted_of("coinbase/accounts_last_page", headers)
}

fn counted_of(fixture: &str, headers: &[(&'static str, &str)]) -> http::Response<bytes::Bytes> {
    let mut response = http::Response::new(bytes::Bytes::from(read_fixture(fixture)));
    for (name, value) in headers {
        let name = http::HeaderName::try_from(format!("x-ratelimit-{name}")).unwrap();
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

/// How long an order of that purpose waits after an answer with these headers; `None` where it is told to come back.
async fn waited(purpose: Purpose, headers: &[(&'static str, &str)]) -> Option<u64> {
    let stage = coinbase();
    stage.script.on(ACCOUNTS, Ok(counted(headers)));
    stage.venue.balances().await.unwrap();
    let before = stage.clock.now();
    stage.venue.reserve(purpose).await.ok()?;
    Some(stage.clock.now().since(before))
}

#[tokio::test]
async fn what_is_left_of_the_accounts_allowance_is_believed_when_it_is_less() {
    let stated = |left| [("limit", "30"), ("remaining", left), ("reset", "1")];
    for (left, entry, unwind) in [("29", 0, 0), ("9", 0, 0), ("8", 1_100, 0), ("1", 1_100, 0)] {
        assert_eq!(waited(Purpose::Entry, &stated(left)).await, Some(entry), "{left}");
        assert_eq!(waited(Purpose::Unwind, &stated(left)).await, Some(unwind), "{left}");
    }
    // A smaller allowance is believed; one of another window only as far as it is nearly used up.
    let small = [("limit", "4"), ("remaining", "1")];
    assert_eq!(waited(Purpose::Entry, &small).await, Some(1_100));
    let hourly = |left| [("limit", "10000"), ("remaining", left)];
    assert_eq!(waited(Purpose::Entry, &hourly("5000")).await, Some(0));
    assert_eq!(waited(Purpose::Entry, &hourly("5")).await, Some(1_100));
    // Neither a number nor believable.
    for odd in [[("limit", "0"), ("remaining", "29")], [("limit", "x"), ("remaining", "-1")]] {
        assert_eq!(waited(Purpose::Entry, &odd).await, Some(0));
    }
}

#[tokio::test]
async fn an_allowance_that_is_used_up_is_waited_for_until_it_is_announced_to_come_back() {
    let spent = |reset| [("limit", "30"), ("remaining", "0"), ("reset", reset)];
    let since_1970 = ((NOW + 1_000) / 1_000).to_string();
    for reset in ["0", "1", "soon", &since_1970] {
        // A second, counted a little longer.
        assert_eq!(waited(Purpose::Unwind, &spent(reset)).await, Some(1_100), "{reset}");
    }
    for (reset, wait_ms) in [("3", 3_000), ("99999999999999999", 3_600_000)] {
        let stage = coinbase();
        stage.script.on(ACCOUNTS, Ok(counted(&spent(reset))));
        stage.venue.balances().await.unwrap();
        let busy = stage.venue.reserve(Purpose::Unwind).await;
        let why = "requests of a second used up".to_owned();
        assert_eq!(busy, Err(QueryError::Busy { retry_after_ms: wait_ms, why }));
    }
}

#[tokio::test]
async fn the_public_pages_allowance_never_holds_back_the_accounts() {
    let time = "GET /api/v3/brokerage/time";
    let spent = [("limit", "10"), ("remaining", "0"), ("reset", "60")];
    let mut limited = counted_of("coinbase/rate_limit_exceeded", &spent);
    *limited.status_mut() = http::StatusCode::TOO_MANY_REQUESTS;
    for answer in [counted_of("coinbase/time_now", &spent), limited] {
        let stage = coinbase();
        stage.script.on(time, Ok(answer));
        stage.venue.server_time().await.unwrap();
        let _ = stage.venue.server_time().await;
        assert!(matches!(stage.venue.server_time().await, Err(QueryError::Busy { .. })));
        let before = stage.clock.now();
        for purpose in [Purpose::Entry, Purpose::Unwind, Purpose::Cancel] {
            assert_eq!(stage.venue.reserve(purpose).await, Ok(()));
        }
        assert_eq!(stage.clock.now(), before);
    }
}

#[tokio::test]
async fn server_time_is_always_asked_for_and_needs_no_token() {
    let stage = coinbase();
    for _ in 0..2 {
        assert_eq!(stage.venue.server_time().await, Ok(VenueMillis(NOW + 250)));
    }
    let requests = stage.script.requests.lock().unwrap();
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|(request, _)| request.headers().is_empty()));
}

#[test]
fn a_key_of_another_kind_and_a_missing_test_network_are_refused_at_once() {
    let opened = |secret: &str, endpoint: Endpoint| {
        let credentials = Credentials::new("organizations/o/apiKeys/k", secret).unwrap();
        let settings = Settings::builder(VenueName::new("desk").unwrap(), "coinbase", credentials)
            .endpoint(endpoint)
            .build();
        let stage = coinbase();
        open(settings, Arc::new(Script::default()), stage.clock)
            .err()
            .map(|error| error.to_string())
    };
    let seed = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    assert_eq!(opened(seed, Endpoint::Production), None);
    assert_eq!(
        opened("hmac-like-secret", Endpoint::Production).unwrap(),
        "settings of venue desk are not usable: its secret is neither PEM nor base64 of an Ed25519 seed of 32 bytes"
    );
    assert_eq!(
        opened(seed, Endpoint::Test).unwrap(),
        "settings of venue desk are not usable: the exchange has no test network that matches orders"
    );
}
