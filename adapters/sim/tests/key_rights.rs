//! Whether a key may withdraw, as each venue tells it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "common/coinbase.rs"]
mod coinbase;
mod common;
#[path = "common/deribit.rs"]
mod deribit;
#[path = "common/okx.rs"]
mod okx;

use coinbase::Coinbase;
use common::{BYBIT_SPOT_PAIR, Binance, Bybit, INVERSE, LINEAR, NOW_MS, SPOT, body_of, responded};
use deribit::Deribit;
use equipoise_sim::{COINBASE, Credentials, DERIBIT, Exchange, Settings};
use okx::Okx;
use serde_json::{Value, json};

const RESTRICTIONS: &str = "/sapi/v1/account/apiRestrictions";

/// An exchange whose demo key may withdraw or not.
fn exchange(adapter: &str, may_withdraw: bool) -> Exchange {
    let credentials = Credentials { may_withdraw, ..Credentials::demo(adapter) };
    Exchange::start(adapter, credentials, Settings::default()).unwrap()
}

fn binance_spot(may_withdraw: bool) -> Binance {
    let exchange = exchange(SPOT.adapter, may_withdraw);
    Binance { exchange, ..Binance::at(SPOT, Settings::default()) }
}

#[test]
fn binance_tells_the_rights_of_a_key_on_a_page_of_its_wallet_interface() {
    let (status, told) = binance_spot(true).call("GET", RESTRICTIONS, "");
    let expected = json!({
        "ipRestrict": true,
        "createTime": 1_790_000_000_000_u64,
        "enableReading": true,
        "enableWithdrawals": true,
        "enableInternalTransfer": false,
        "enableMargin": false,
        "enableFutures": false,
        "permitsUniversalTransfer": false,
        "enableVanillaOptions": false,
        "enableFixApiTrade": false,
        "enableFixReadOnly": false,
        "enableSpotAndMarginTrading": true,
        "enablePortfolioMarginTrading": false,
    });
    assert_eq!((status, told), (200, expected));
    let (_, told) = binance_spot(false).call("GET", RESTRICTIONS, "");
    assert_eq!((&told["enableWithdrawals"], &told["ipRestrict"]), (&json!(false), &json!(false)));
}

#[test]
fn binances_page_of_rights_is_signed_like_the_account() {
    let mut binance = binance_spot(true);
    let at = |binance: &mut Binance, params: &str| {
        let request = binance.request_signed("GET", RESTRICTIONS, params);
        let response = responded(binance.exchange.handle(NOW_MS, &request));
        (response.status().as_u16(), body_of(&response)["code"].as_i64())
    };
    assert_eq!(at(&mut binance, &format!("timestamp={}", NOW_MS - 5000)), (200, None));
    assert_eq!(at(&mut binance, &format!("timestamp={}", NOW_MS - 5001)), (400, Some(-1021)));
    assert_eq!(at(&mut binance, &format!("timestamp={}", NOW_MS + 1000)), (400, Some(-1021)));
    assert_eq!(at(&mut binance, "recvWindow=5000"), (400, Some(-1102)));
    binance.secret = "other".to_owned();
    assert_eq!(at(&mut binance, &format!("timestamp={NOW_MS}")), (400, Some(-1022)));
    binance.key = "unknown".to_owned();
    assert_eq!(at(&mut binance, &format!("timestamp={NOW_MS}")), (401, Some(-2015)));
}

#[test]
fn binances_page_of_rights_counts_apart_from_the_trading_interface() {
    let mut binance = binance_spot(false);
    let mut used = |path: &str| {
        let response = responded(binance.ask("GET", path, ""));
        let header = |name: &str| response.headers().get(name)?.to_str().ok()?.parse().ok();
        ["x-mbx-used-weight-1m", "x-sapi-used-ip-weight-1m"].map(header)
    };
    assert_eq!(used("/api/v3/account"), [Some(20_u32), None]);
    assert_eq!(used(RESTRICTIONS), [None, Some(1)]);
    assert_eq!(used(RESTRICTIONS), [None, Some(2)]);
    assert_eq!(used("/api/v3/account"), [Some(40), None]);
}

#[test]
fn binances_futures_have_no_page_of_rights() {
    for product in [common::USDM, common::COINM] {
        let mut binance = Binance::at(product, Settings::default());
        let (status, body) = binance.call("GET", RESTRICTIONS, "");
        assert_eq!((status, &body["code"]), (404, &json!(-5000)));
    }
}

#[test]
fn bybit_lists_withdrawal_among_the_rights_of_the_wallet() {
    for category in [LINEAR, INVERSE, BYBIT_SPOT_PAIR] {
        for (may_withdraw, rights) in
            [(false, json!(["AccountTransfer"])), (true, json!(["AccountTransfer", "Withdraw"]))]
        {
            let exchange = exchange(category.adapter, may_withdraw);
            let mut bybit = Bybit { exchange, ..Bybit::at(category, Settings::default()) };
            let told = bybit.get("/v5/user/query-api", "");
            assert_eq!(told["result"]["permissions"]["Wallet"], rights);
        }
    }
}

#[test]
fn okx_names_withdrawal_among_the_permissions_of_the_account() {
    for client in [Okx::swap, Okx::spot] {
        for (may_withdraw, rights) in
            [(false, "read_only,trade"), (true, "read_only,trade,withdraw")]
        {
            let mut okx = client(Settings::default());
            okx.exchange = exchange(okx.exchange.adapter(), may_withdraw);
            assert_eq!(okx.get("/api/v5/account/config")["data"][0]["perm"], rights);
        }
    }
}

#[test]
fn coinbase_says_whether_a_key_can_transfer() {
    for may_withdraw in [false, true] {
        let exchange = exchange(COINBASE, may_withdraw);
        let mut coinbase = Coinbase { exchange, ..Coinbase::start(Settings::default()) };
        assert_eq!(coinbase.get("/key_permissions")["can_transfer"], may_withdraw);
    }
}

#[test]
fn deribit_grants_a_token_the_wallet_only_where_the_key_has_it() {
    let wallet = |result: &Value| {
        let scope = result["scope"].as_str().unwrap().to_owned();
        scope.split(' ').find(|right| right.starts_with("wallet")).map(str::to_owned)
    };
    for (may_withdraw, unasked, asked_for_a_session) in [
        (false, Some("wallet:read"), None),
        (true, Some("wallet:read_write"), Some("wallet:read_write")),
    ] {
        let mut deribit = Deribit::start(Settings::default());
        deribit.exchange = exchange(DERIBIT, may_withdraw);
        assert_eq!(wallet(&deribit.login()).as_deref(), unasked);
        let credentials = deribit.credentials.clone();
        let params = json!({
            "grant_type": "client_credentials", "scope": "session:desk",
            "client_id": credentials.key, "client_secret": credentials.secret,
        });
        assert_eq!(wallet(&deribit.result("public/auth", params)).as_deref(), asked_for_a_session);
    }
}
