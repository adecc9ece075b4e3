//! What each exchange is asked and answers, as whole payloads.
//!
//! Answers are the fixtures of the adapters, which hold every documented field, with ids as long as real ones and
//! without white space, as exchanges send them.

use std::path::Path;

use bytes::Bytes;
use serde_json::Value;

use super::wire::Answers;

/// Orders on one page of a listing.
pub(crate) const ROWS: usize = 20;

/// How requests are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signing {
    Hmac,
    /// Not at all: a session's token is sent along.
    Bearer,
    P256,
    Ed25519,
}

/// One adapter, one order, and what is answered about it.
pub(crate) struct Exchange {
    /// What figures call it.
    pub(crate) name: &'static str,
    pub(crate) adapter: &'static str,
    pub(crate) signing: Signing,
    pub(crate) symbol: &'static str,
    pub(crate) quantity: &'static str,
    /// The exchange's id of the order.
    pub(crate) venue_order: &'static str,
    /// The client id in the fixtures; the derived one takes its place.
    client_id: &'static str,
    pub(crate) headers: &'static [(&'static str, &'static str)],
    placed: (&'static str, String),
    /// Shows the order alone.
    found: (&'static str, String),
    /// Lists orders.
    listed: &'static str,
    /// Where a row stands in the answer that shows the order alone.
    row: &'static str,
    /// What surrounds the rows of a page.
    around: [&'static str; 2],
    others: Vec<(&'static str, String)>,
}

impl Exchange {
    /// Every adapter; Coinbase once with each kind of key.
    pub(crate) fn all() -> Vec<Self> {
        vec![
            binance("binance-usdm", "BTCUSDT", "0.1", "8886774001"),
            binance("binance-spot", "BTCUSDT", "0.1", "28774001"),
            binance("binance-coinm", "BTCUSD_PERP", "65", "7788001"),
            bybit("bybit-linear", "BTCUSDT", "0.1"),
            bybit("bybit-inverse", "BTCUSD", "6500"),
            bybit("bybit-spot", "BTCUSDT", "0.1"),
            okx("okx-swap", "BTC-USDT-SWAP", "10", "okx/config_futures_net"),
            okx("okx-spot", "BTC-USDT", "0.1", "okx/config_spot"),
            deribit(),
            coinbase("coinbase with ES256", Signing::P256),
            coinbase("coinbase with Ed25519", Signing::Ed25519),
        ]
    }

    /// The route whose answer shows the order alone, and what is answered while it is asked for.
    pub(crate) fn finding(&self, client_id: &str) -> (&'static str, Answers) {
        let shown = [(self.placed.0, &self.placed.1), (self.found.0, &self.found.1)];
        let shown = shown.map(|(route, body)| (route, body.replace(self.client_id, client_id)));
        (self.found.0, self.answers(shown))
    }

    /// The route that lists orders, and what is answered while it is asked for.
    pub(crate) fn listing(&self, client_id: &str) -> (&'static str, Answers) {
        (self.listed, self.answers([(self.listed, self.page(client_id))]))
    }

    fn answers(&self, own: impl IntoIterator<Item = (&'static str, String)>) -> Answers {
        let others = self.others.iter().cloned();
        let all = others.chain(own).map(|(route, body)| (route.to_owned(), Bytes::from(body)));
        all.collect()
    }

    /// A page of orders like the one that is found, each with ids of its own.
    fn page(&self, client_id: &str) -> String {
        let found: Value = serde_json::from_str(&self.found.1).unwrap();
        let row = found.pointer(self.row).unwrap().to_string();
        let rows: Vec<_> = (0..ROWS)
            .map(|number| {
                row.replace(self.venue_order, &numbered(self.venue_order, number))
                    .replace(self.client_id, &numbered(client_id, number))
            })
            .collect();
        format!("{}{}{}", self.around[0], rows.join(","), self.around[1])
    }
}

/// An id with the number of its row at its end.
fn numbered(id: &str, number: usize) -> String {
    format!("{}{number:02}", &id[..id.len() - 2])
}

/// A body of the adapters' fixtures, as it comes over the wire.
fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("adapters/venues/fixtures");
    let text = std::fs::read_to_string(folder.join(name).with_extension("json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap().to_string()
}

fn binance(
    adapter: &'static str,
    symbol: &'static str,
    quantity: &'static str,
    venue_order: &'static str,
) -> Exchange {
    let fixtures = match adapter {
        "binance-usdm" => ["binance/order_place_market_filled", "binance/order_query_resting"],
        "binance-spot" => {
            ["binance_spot/order_place_market_filled", "binance_spot/order_query_resting"]
        }
        _ => ["binance_coinm/order_place_market_filled", "binance_coinm/order_place_resting"],
    };
    let [time, place, order, all, open, trades] = match adapter {
        "binance-usdm" => [
            "GET /fapi/v1/time",
            "POST /fapi/v1/order",
            "GET /fapi/v1/order",
            "GET /fapi/v1/allOrders",
            "GET /fapi/v1/openOrders",
            "GET /fapi/v1/userTrades",
        ],
        "binance-spot" => [
            "GET /api/v3/time",
            "POST /api/v3/order",
            "GET /api/v3/order",
            "GET /api/v3/allOrders",
            "GET /api/v3/openOrders",
            "GET /api/v3/myTrades",
        ],
        _ => [
            "GET /dapi/v1/time",
            "POST /dapi/v1/order",
            "GET /dapi/v1/order",
            "GET /dapi/v1/allOrders",
            "GET /dapi/v1/openOrders",
            "GET /dapi/v1/userTrades",
        ],
    };
    Exchange {
        name: adapter,
        adapter,
        signing: Signing::Hmac,
        symbol,
        quantity,
        venue_order,
        client_id: if adapter == "binance-coinm" { "leg1a1" } else { "leg0a1" },
        headers: &[
            ("x-mbx-used-weight-1m", "21"),
            ("x-mbx-order-count-10s", "1"),
            ("x-mbx-order-count-1m", "2"),
        ],
        placed: (place, fixture(fixtures[0])),
        found: (order, fixture(fixtures[1])),
        listed: all,
        row: "",
        around: ["[", "]"],
        others: vec![
            (time, fixture("binance/time_now")),
            (open, "[]".to_owned()),
            (trades, "[]".to_owned()),
        ],
    }
}

/// The products differ in the fields they leave empty; the fullest row stands for all.
fn bybit(adapter: &'static str, symbol: &'static str, quantity: &'static str) -> Exchange {
    let found = fixture("bybit/order_listing_resting").replace("BTCUSDT", symbol);
    Exchange {
        name: adapter,
        adapter,
        signing: Signing::Hmac,
        symbol,
        quantity,
        venue_order: "fd4300ae-7847-404e-b947-b46980a4d140",
        client_id: "leg1a1",
        headers: &[("x-bapi-limit", "50"), ("x-bapi-limit-status", "49")],
        placed: ("POST /v5/order/create", fixture("bybit/create_acknowledged")),
        found: ("GET /v5/order/realtime", found),
        listed: "GET /v5/order/history",
        row: "/result/list/0",
        around: [
            r#"{"retCode":0,"retMsg":"OK","result":{"category":"linear","list":["#,
            r#"],"nextPageCursor":""},"retExtInfo":{},"time":1795334400300}"#,
        ],
        others: vec![
            ("GET /v5/market/time", fixture("bybit/time_now")),
            ("GET /v5/order/realtime", fixture("bybit/order_listing_empty")),
            ("GET /v5/execution/list", fixture("bybit/executions_empty")),
        ],
    }
}

fn okx(
    adapter: &'static str,
    symbol: &'static str,
    quantity: &'static str,
    config: &str,
) -> Exchange {
    let found = fixture("okx/order_resting").replace("BTC-USDT-SWAP", symbol);
    Exchange {
        name: adapter,
        adapter,
        signing: Signing::Hmac,
        symbol,
        quantity,
        venue_order: "1969847235168714752",
        client_id: "leg2a1",
        headers: &[],
        placed: ("POST /api/v5/trade/order", fixture("okx/place_acknowledged")),
        found: ("GET /api/v5/trade/order", found),
        listed: "GET /api/v5/trade/orders-history",
        row: "/data/0",
        around: [r#"{"code":"0","msg":"","data":["#, "]}"],
        others: vec![
            ("GET /api/v5/public/time", fixture("okx/time_now")),
            ("GET /api/v5/account/config", fixture(config)),
            ("GET /api/v5/trade/orders-pending", fixture("okx/orders_none")),
            ("GET /api/v5/trade/fills", fixture("okx/fills_none")),
        ],
    }
}

fn deribit() -> Exchange {
    // Real tokens are much longer than the fixture's.
    let granted = fixture("deribit/auth_granted").replace("first-access", &"Token".repeat(40));
    Exchange {
        name: "deribit",
        adapter: "deribit",
        signing: Signing::Bearer,
        symbol: "BTC-PERPETUAL",
        quantity: "100",
        venue_order: "BTC-60131",
        client_id: "leg0a1",
        headers: &[],
        placed: ("POST /api/v2/private/buy", fixture("deribit/buy_filled")),
        found: ("POST /api/v2/private/get_order_state", fixture("deribit/order_resting")),
        listed: "POST /api/v2/private/get_order_history_by_instrument",
        row: "/result",
        around: [
            r#"{"jsonrpc":"2.0","id":1,"result":{"orders":["#,
            r#"],"continuation":null},"usIn":1795334400000000,"usOut":1795334400000311,"usDiff":311,"testnet":false}"#,
        ],
        others: vec![
            ("POST /api/v2/public/get_time", fixture("deribit/time_now")),
            ("POST /api/v2/public/auth", granted),
            (
                "POST /api/v2/private/get_open_orders_by_instrument",
                fixture("deribit/open_orders_none"),
            ),
            (
                "POST /api/v2/private/get_user_trades_by_instrument_and_time",
                fixture("deribit/trades_page_none"),
            ),
        ],
    }
}

fn coinbase(name: &'static str, signing: Signing) -> Exchange {
    Exchange {
        name,
        adapter: "coinbase",
        signing,
        symbol: "BTC-USD",
        quantity: "0.1",
        venue_order: "0f5a7c1e-3d94-4b61-8f0e-6f6d1c2b7a01",
        client_id: "7d1c6f8e-0b1a-4c55-9a3e-2f6a8d4b9c10",
        headers: &[("x-ratelimit-remaining", "29")],
        placed: ("POST /api/v3/brokerage/orders", fixture("coinbase/create_taken")),
        found: (
            "GET /api/v3/brokerage/orders/historical/0f5a7c1e-3d94-4b61-8f0e-6f6d1c2b7a01",
            fixture("coinbase/order_open"),
        ),
        listed: "GET /api/v3/brokerage/orders/historical/batch",
        row: "/order",
        around: [r#"{"orders":["#, r#"],"sequence":"0","has_next":false,"cursor":""}"#],
        others: vec![
            ("GET /api/v3/brokerage/time", fixture("coinbase/time_now")),
            ("GET /api/v3/brokerage/products/BTC-USD", fixture("coinbase/product_btc_usd")),
            (
                "GET /api/v3/brokerage/orders/historical/batch?order_status",
                fixture("coinbase/listing_none"),
            ),
            ("GET /api/v3/brokerage/orders/historical/fills", fixture("coinbase/fills_none")),
        ],
    }
}
