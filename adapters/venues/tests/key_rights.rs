//! Whether a key may withdraw, as far as each venue tells it.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Stage, binance_spot, bybit, coinbase, read_fixture, stage, stage_at};
use equipoise_port::QueryError;
use equipoise_venues::Endpoint;

const RESTRICTIONS: &str = "GET /sapi/v1/account/apiRestrictions";

async fn told(status: u16, body: &str) -> Result<Option<bool>, QueryError> {
    let stage = binance_spot();
    stage.script.body(RESTRICTIONS, status, body);
    stage.venue.may_withdraw().await
}

#[tokio::test]
async fn binance_tells_it_of_the_key_by_a_signed_read_of_the_spot_host() {
    for (fixture, may_withdraw) in
        [("api_restrictions_trading", false), ("api_restrictions_withdrawing", true)]
    {
        let stage = binance_spot();
        stage.script.fixture(RESTRICTIONS, 200, &format!("binance_spot/{fixture}"));
        assert_eq!(stage.venue.may_withdraw().await, Ok(Some(may_withdraw)));
        let sent = stage.script.sent();
        let (unsigned, signature) = sent.last().unwrap().split_once("&signature=").unwrap();
        assert_eq!(
            unsigned,
            "GET /sapi/v1/account/apiRestrictions?recvWindow=2000&timestamp=1795334400250"
        );
        assert_eq!(signature.len(), 64);
        let requests = stage.script.requests.lock().unwrap();
        assert_eq!(requests.last().unwrap().0.headers()["x-mbx-apikey"], "the-key");
    }
}

/// The account may trade and the key may not: no plan is admitted with it. What is not told keeps none back, and what
/// was told once is not asked again.
#[tokio::test]
async fn a_key_of_binance_spot_that_only_reads_may_not_trade() {
    let trading = read_fixture("binance_spot/api_restrictions_trading");
    let reading = trading
        .replace("\"enableSpotAndMarginTrading\": true", "\"enableSpotAndMarginTrading\": false");
    assert_ne!(reading, trading);
    for (status, body, can_trade) in
        [(200, &trading[..], true), (200, &reading, false), (404, "", true), (500, "", true)]
    {
        let stage = binance_spot();
        stage.script.body(RESTRICTIONS, status, body);
        for _ in 0..2 {
            stage.script.fixture("GET /api/v3/account", 200, "binance_spot/account_spot");
        }
        let account = stage.venue.account(&[]).await.unwrap();
        assert_eq!(account.can_trade, can_trade, "{status} {body}");
        if body == trading {
            stage.venue.account(&[]).await.unwrap();
            assert_eq!(stage.script.count("/sapi/v1/account/apiRestrictions"), 1);
        }
    }
}

#[tokio::test]
async fn the_test_network_of_binance_has_no_such_page_and_tells_nothing() {
    for body in ["", "<html>404 Not Found</html>", &read_fixture("binance_spot/path_invalid")] {
        assert_eq!(told(404, body).await, Ok(None), "{body}");
    }
}

#[tokio::test]
async fn any_other_answer_of_binance_is_an_error_and_no_right() {
    let refused = told(401, &read_fixture("binance_spot/account_bad_key")).await;
    assert!(matches!(refused, Err(QueryError::Credentials { .. })), "{refused:?}");
    let unsaid = read_fixture("binance_spot/api_restrictions_trading")
        .replace("enableWithdrawals", "enableWithdrawal");
    let unreadable = read_fixture("binance_spot/api_restrictions_trading").replace("false", "0");
    for (status, body) in
        [(200, &unsaid[..]), (200, &unreadable), (200, ""), (403, "<html>"), (500, "")]
    {
        let answer = told(status, body).await;
        assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{status} {body}: {answer:?}");
    }
}

#[tokio::test]
async fn the_question_waits_for_the_request_weight_like_any_other() {
    let stage = binance_spot();
    let mut spent = http::Response::new(read_fixture("binance_spot/time_now").into());
    spent.headers_mut().insert("x-mbx-used-weight-1m", "6000".parse().unwrap());
    stage.script.on("GET /api/v3/time", Ok(spent));
    // The first answer is the stage's own; use it up.
    stage.venue.server_time().await.unwrap();
    stage.venue.server_time().await.unwrap();
    let answer = stage.venue.may_withdraw().await;
    assert!(matches!(answer, Err(QueryError::Busy { .. })), "{answer:?}");
    assert_eq!(stage.script.count("/sapi/v1/account/apiRestrictions"), 0);
}

/// Both futures in production, their own pages and the spot host's clock scripted.
fn futures_in_production() -> [(Stage, &'static str); 2] {
    let usdm = stage_at("binance-usdm", Endpoint::Production);
    usdm.script.fixture("GET /fapi/v1/time", 200, "binance/time_now").fixture(
        "GET /fapi/v1/accountConfig",
        200,
        "binance/account_config_one_way",
    );
    let coinm = stage_at("binance-coinm", Endpoint::Production);
    coinm
        .script
        .fixture("GET /dapi/v1/time", 200, "binance_coinm/time_now")
        .fixture("GET /dapi/v1/positionSide/dual", 200, "binance_coinm/position_mode_one_way")
        .fixture("GET /dapi/v1/account", 200, "binance_coinm/account_trading");
    let stages = [(usdm, "fapi.binance.com"), (coinm, "dapi.binance.com")];
    for (stage, _) in &stages {
        stage.script.fixture("GET /api/v3/time", 200, "binance_spot/time_now");
    }
    stages
}

#[tokio::test]
async fn in_production_binances_futures_ask_the_host_of_spot_for_the_rights_of_their_key() {
    for (stage, own) in futures_in_production() {
        stage.script.fixture(RESTRICTIONS, 200, "binance_spot/api_restrictions_trading").fixture(
            RESTRICTIONS,
            200,
            "binance_spot/api_restrictions_withdrawing",
        );
        assert_eq!(stage.venue.may_withdraw().await, Ok(Some(false)), "{own}");
        assert_eq!(stage.venue.may_withdraw().await, Ok(Some(true)), "{own}");
        stage.venue.account(&[]).await.unwrap();
        let requests = stage.script.requests.lock().unwrap();
        for (request, _) in requests.iter() {
            let path = request.uri().path();
            let spot = path.starts_with("/api/") || path.starts_with("/sapi/");
            let host = if spot { "api.binance.com" } else { own };
            assert_eq!(request.uri().host(), Some(host), "{path}");
        }
    }
}

/// The account may trade and the key may not: no plan is admitted with it. What is not told keeps none back, and the
/// other host is not waited for a second time.
#[tokio::test]
async fn a_key_of_binances_futures_that_only_reads_may_not_trade_in_production() {
    let trading = read_fixture("binance_spot/api_restrictions_trading");
    let reading = trading.replace("\"enableFutures\": true", "\"enableFutures\": false");
    assert_ne!(reading, trading);
    let refused = read_fixture("binance_spot/account_bad_key");
    for (status, body, can_trade, asked) in [
        (200, &trading[..], true, 1),
        (200, &reading, false, 2),
        (404, "", true, 1),
        (401, &refused, true, 1),
        (500, "", true, 1),
    ] {
        for (stage, own) in futures_in_production() {
            stage.script.body(RESTRICTIONS, status, body);
            for _ in 0..2 {
                let account = stage.venue.account(&[]).await.unwrap();
                assert_eq!(account.can_trade, can_trade, "{own} {status} {body}");
            }
            let count = stage.script.count("/sapi/v1/account/apiRestrictions");
            assert_eq!(count, asked, "{own} {status} {body}");
        }
    }
}

#[tokio::test]
async fn elsewhere_binances_futures_tell_nothing_and_nobody_is_asked() {
    for adapter in ["binance-usdm", "binance-coinm"] {
        for endpoint in [Endpoint::Test, Endpoint::Url("http://venue.test/".to_owned())] {
            let stage = stage_at(adapter, endpoint);
            assert_eq!(stage.venue.may_withdraw().await, Ok(None));
            assert!(stage.script.sent().is_empty());
        }
    }
}

/// What is told where one answer stands for the key.
async fn with_answer(stage: Stage, route: &str, body: &str) -> Option<bool> {
    stage.script.body(route, 200, body);
    stage.venue.may_withdraw().await.unwrap()
}

#[tokio::test]
async fn bybit_tells_it_by_the_wallets_rights_of_a_key_that_may_write() {
    let route = "GET /v5/user/query-api";
    let plain = read_fixture("bybit/query_api_trading");
    let told = |body: String| async move { with_answer(bybit(), route, &body).await };
    let with = |rights: &str| plain.replace(r#""Wallet": []"#, &format!(r#""Wallet": [{rights}]"#));
    assert_eq!(told(plain.clone()).await, Some(false));
    assert_eq!(told(with(r#""AccountTransfer""#)).await, Some(false));
    let withdrawing = with(r#""AccountTransfer", "Withdraw""#);
    assert_eq!(told(withdrawing.clone()).await, Some(true));
    let reading = withdrawing.replace(r#""readOnly": 0"#, r#""readOnly": 1"#);
    assert_eq!(told(reading).await, Some(false));
}

#[tokio::test]
async fn okx_tells_it_by_the_permissions_of_the_account_page() {
    let plain = read_fixture("okx/config_futures_net");
    let withdrawing = plain.replace("read_only,trade", "read_only,trade,withdraw");
    for (body, may_withdraw) in [(plain, false), (withdrawing, true)] {
        let okx = stage("okx-swap");
        okx.script.fixture("GET /api/v5/public/time", 200, "okx/time_now");
        let told = with_answer(okx, "GET /api/v5/account/config", &body).await;
        assert_eq!(told, Some(may_withdraw));
    }
}

#[tokio::test]
async fn coinbase_tells_it_by_the_right_to_transfer() {
    let route = "GET /api/v3/brokerage/key_permissions";
    for (fixture, may_withdraw) in
        [("permissions_perpetuals", false), ("permissions_read_only", true)]
    {
        let body = read_fixture(&format!("coinbase/{fixture}"));
        assert_eq!(with_answer(coinbase(), route, &body).await, Some(may_withdraw), "{fixture}");
    }
}

#[tokio::test]
async fn deribit_tells_it_by_what_the_token_was_granted() {
    let plain = read_fixture("deribit/auth_granted");
    for (wallet, may_withdraw) in [("none", false), ("read", false), ("read_write", true)] {
        let deribit = stage("deribit");
        deribit.script.fixture("POST /api/v2/public/get_time", 200, "deribit/time_now");
        let granted = plain.replace("wallet:none", &format!("wallet:{wallet}"));
        let told = with_answer(deribit, "POST /api/v2/public/auth", &granted).await;
        assert_eq!(told, Some(may_withdraw), "{wallet}");
    }
}
