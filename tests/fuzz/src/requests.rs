//! Requests to the simulated exchanges, properly signed or not: an answer to each, and books that stay sound.

use std::fmt::Write as _;

use bytes::Bytes;
use equipoise_sim::{
    Answer, BINANCE_USDM, BYBIT_LINEAR, Credentials, Exchange, RateLimits, Settings,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Method, Request, Uri};
use rust_decimal::Decimal;
use sha2::Sha256;

use crate::source::Source;

const NOW: u64 = 1_795_334_400_000;
const SECRET: &str = "the-secret";
/// Largest answer; only a fault that is not set up here would send more.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

const PATHS: [&[&str]; 2] = [
    &[
        "/fapi/v1/order",
        "/fapi/v1/order",
        "/fapi/v1/order",
        "/fapi/v1/openOrders",
        "/fapi/v1/allOrders",
        "/fapi/v1/userTrades",
        "/fapi/v1/allOpenOrders",
        "/fapi/v1/time",
        "/fapi/v1/exchangeInfo",
        "/fapi/v1/depth",
        "/fapi/v1/ticker/bookTicker",
        "/fapi/v1/ticker/24hr",
        "/fapi/v1/premiumIndex",
        "/fapi/v1/fundingRate",
        "/fapi/v1/leverage",
        "/fapi/v1/positionSide/dual",
        "/fapi/v1/accountConfig",
        "/fapi/v1/commissionRate",
        "/fapi/v1/leverageBracket",
        "/fapi/v2/account",
        "/fapi/v3/account",
        "/fapi/v3/balance",
        "/fapi/v3/positionRisk",
        "/",
    ],
    &[
        "/v5/order/create",
        "/v5/order/create",
        "/v5/order/create",
        "/v5/order/cancel",
        "/v5/order/cancel-all",
        "/v5/order/realtime",
        "/v5/order/history",
        "/v5/execution/list",
        "/v5/position/list",
        "/v5/position/set-leverage",
        "/v5/position/switch-mode",
        "/v5/account/wallet-balance",
        "/v5/account/info",
        "/v5/account/fee-rate",
        "/v5/market/time",
        "/v5/market/tickers",
        "/v5/market/orderbook",
        "/v5/market/instruments-info",
        "/v5/market/funding/history",
        "/v5/user/query-api",
        "/",
    ],
];

const NAMES: [&[&str]; 2] = [
    &[
        "symbol",
        "side",
        "type",
        "quantity",
        "price",
        "timeInForce",
        "reduceOnly",
        "newClientOrderId",
        "positionSide",
        "newOrderRespType",
        "selfTradePreventionMode",
        "orderId",
        "origClientOrderId",
        "startTime",
        "endTime",
        "fromId",
        "limit",
        "leverage",
        "dualSidePosition",
    ],
    &[
        "category",
        "symbol",
        "side",
        "orderType",
        "qty",
        "price",
        "timeInForce",
        "reduceOnly",
        "orderLinkId",
        "positionIdx",
        "smpType",
        "orderId",
        "openOnly",
        "limit",
        "cursor",
        "startTime",
        "endTime",
        "settleCoin",
        "buyLeverage",
        "sellLeverage",
        "mode",
        "accountType",
    ],
];

const VALUES: &[&str] = &[
    "BTCUSDT",
    "ETHUSDT",
    "BUY",
    "SELL",
    "Buy",
    "Sell",
    "MARKET",
    "LIMIT",
    "Market",
    "Limit",
    "GTC",
    "IOC",
    "FOK",
    "GTX",
    "PostOnly",
    "0.1",
    "0.001",
    "65000",
    "3200.5",
    "1",
    "0",
    "-1",
    "true",
    "false",
    "linear",
    "UNIFIED",
    "RESULT",
    "1e5",
    "NaN",
    "",
    "0.00000000000000000001",
    "99999999999999999999999999999",
    "79228162514264337593543950335",
    "18446744073709551615",
    "-9223372036854775808",
    "1795334400000",
    "BOTH",
    "LONG",
    "EXPIRE_TAKER",
    "CancelTaker",
    "USDT",
    "mine",
    "%00",
    "%E2%80%AE",
];

/// One exchange and a few requests to it. True if it accepted an order.
pub fn request(bytes: &[u8]) -> bool {
    let source = &mut Source::new(bytes);
    let venue = source.below(2);
    let adapter = [BINANCE_USDM, BYBIT_LINEAR][venue];
    let credentials = Credentials {
        key: "the-key".to_owned(),
        secret: SECRET.to_owned(),
        ..Credentials::demo(adapter)
    };
    let settings = Settings {
        hedge_mode: source.odds(64),
        rate_limits: source.pick(&[RateLimits::Counted, RateLimits::Enforced]),
        ..Settings::default()
    };
    let exchange = Exchange::start(adapter, credentials, settings);
    let mut exchange = exchange.expect("the adapter is one of the two");
    let mut now_ms = NOW;
    for _ in 0..40 {
        if source.is_empty() {
            break;
        }
        now_ms += u64::from(source.byte());
        if let Some(request) = make(venue, now_ms, source) {
            check_answer(exchange.handle(now_ms, &request));
        }
    }
    check_books(&exchange)
}

fn check_answer(answer: Answer) {
    match answer {
        Answer::Respond(response) | Answer::RespondAfter { response, .. } => {
            assert!(response.body().len() <= ANSWER_BYTES_MAX, "{} bytes", response.body().len());
        }
        Answer::Silence | Answer::Close | Answer::Late { .. } => panic!("no fault is set up"),
    }
}

fn check_books(exchange: &Exchange) -> bool {
    let orders = exchange.ledger().orders;
    for order in &orders {
        let traded: Decimal = order.trades.iter().map(|trade| trade.quantity).sum();
        assert_eq!(traded, order.executed, "an order executes what it trades: {order:?}");
        assert!(order.executed <= order.quantity, "and no more than it holds: {order:?}");
        assert!(order.quantity > Decimal::ZERO, "an order is for something: {order:?}");
    }
    !orders.is_empty()
}

fn make(venue: usize, now_ms: u64, source: &mut Source<'_>) -> Option<Request<Bytes>> {
    let path = if source.odds(16) {
        format!("/{}", plain(source.take(12)))
    } else {
        source.pick(PATHS[venue]).to_owned()
    };
    let methods = [Method::POST, Method::GET, Method::DELETE, Method::PUT];
    let places = path.ends_with("/create") || path.ends_with("/cancel") || path.ends_with("/order");
    let method = match source.byte() {
        0..200 if places => Method::POST,
        0..200 if venue == 1 => Method::GET,
        _ => source.pick(&methods),
    };
    let fields = fields(venue, source);
    let stamp =
        now_ms.saturating_add_signed(source.pick(&[0, 0, 0, 0, 0, 0, -500, -900, -9_000, 9_000]));
    let request = if venue == 0 {
        binance(&method, &path, &fields, stamp, source)
    } else {
        bybit(&method, &path, &fields, stamp, source)
    };
    request.ok()
}

/// A sound order half of the time, with a few of its fields changed.
fn fields(venue: usize, source: &mut Source<'_>) -> Vec<(String, String)> {
    let sound: &[(&str, &str)] = match (venue, source.byte() % 4) {
        (0, 0 | 1) => &[
            ("symbol", "BTCUSDT"),
            ("side", "BUY"),
            ("type", "LIMIT"),
            ("timeInForce", "GTC"),
            ("quantity", "0.1"),
            ("price", "64000"),
            ("newClientOrderId", "mine"),
        ],
        (0, _) => {
            &[("symbol", "BTCUSDT"), ("side", "SELL"), ("type", "MARKET"), ("quantity", "0.1")]
        }
        (_, 0 | 1) => &[
            ("category", "linear"),
            ("symbol", "BTCUSDT"),
            ("side", "Buy"),
            ("orderType", "Limit"),
            ("timeInForce", "GTC"),
            ("qty", "0.1"),
            ("price", "64000"),
            ("orderLinkId", "mine"),
        ],
        _ => &[
            ("category", "linear"),
            ("symbol", "ETHUSDT"),
            ("side", "Sell"),
            ("orderType", "Market"),
            ("qty", "0.1"),
        ],
    };
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let mut fields: Vec<(String, String)> = sound.iter().map(owned).collect();
    for _ in 0..source.below(8).saturating_sub(3) {
        let value =
            if source.odds(40) { plain(source.take(10)) } else { source.pick(VALUES).into() };
        let name: String = source.pick(NAMES[venue]).into();
        match fields.iter_mut().find(|(held, _)| *held == name) {
            Some(held) if source.odds(200) => held.1 = value,
            _ => fields.push((name, value)),
        }
    }
    fields
}

fn binance(
    method: &Method,
    path: &str,
    fields: &[(String, String)],
    stamp: u64,
    source: &mut Source<'_>,
) -> Result<Request<Bytes>, http::Error> {
    let mut query: String = joined(fields);
    let _ = write!(query, "&recvWindow=5000&timestamp={stamp}");
    let signature = sign(&[&query], source);
    let _ = write!(query, "&signature={signature}");
    let in_body = *method == Method::POST && source.odds(64);
    let (query, body) = if in_body { (String::new(), query) } else { (query, String::new()) };
    Request::builder()
        .method(method)
        .uri(uri(path, &query)?)
        .header("x-mbx-apikey", "the-key")
        .body(Bytes::from(body))
}

fn bybit(
    method: &Method,
    path: &str,
    fields: &[(String, String)],
    stamp: u64,
    source: &mut Source<'_>,
) -> Result<Request<Bytes>, http::Error> {
    let (query, body) = if *method == Method::GET {
        (joined(fields), String::new())
    } else if source.odds(16) {
        (String::new(), plain(source.take(24)))
    } else {
        (String::new(), object(fields, source))
    };
    let stamp = stamp.to_string();
    let signature = sign(&[&stamp, "the-key", "5000", &query, &body], source);
    Request::builder()
        .method(method)
        .uri(uri(path, &query)?)
        .header("x-bapi-api-key", "the-key")
        .header("x-bapi-timestamp", stamp)
        .header("x-bapi-recv-window", "5000")
        .header("x-bapi-sign", signature)
        .body(Bytes::from(body))
}

fn uri(path: &str, query: &str) -> Result<Uri, http::Error> {
    Ok(format!("http://exchange.test{path}?{query}").parse::<Uri>()?)
}

fn joined(fields: &[(String, String)]) -> String {
    let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// A JSON object, its values as text or as they are.
fn object(fields: &[(String, String)], source: &mut Source<'_>) -> String {
    let one = |(name, value): &(String, String)| {
        if source.odds(16) {
            format!("\"{name}\":{value}")
        } else {
            format!("\"{name}\":\"{value}\"")
        }
    };
    let fields: Vec<String> = fields.iter().map(one).collect();
    format!("{{{}}}", fields.join(","))
}

/// The right signature, now and then another.
fn sign(parts: &[&str], source: &mut Source<'_>) -> String {
    if source.odds(10) {
        return plain(source.take(16));
    }
    let mut signer =
        Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key of any length will do");
    parts.iter().for_each(|part| signer.update(part.as_bytes()));
    hex::encode(signer.finalize().into_bytes())
}

/// Bytes as characters that a request line may hold.
fn plain(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(b'!' + byte % 94)).collect()
}
