//! What the simulated exchanges are asked: addresses, names of parameters and sound orders.

use equipoise_sim::{
    BINANCE_COINM, BINANCE_SPOT, BINANCE_USDM, BYBIT_INVERSE, BYBIT_LINEAR, BYBIT_SPOT,
};

use super::json_faces::{COINBASE_FACE, DERIBIT_FACE, OKX_SPOT_FACE, OKX_SWAP_FACE};

/// How requests are written and signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Everything in the query, or for some in the body.
    Binance,
    /// Queries for questions, JSON for instructions, the signature in a header.
    Bybit,
    /// As Bybit's, with the address under the signature.
    Okx,
    /// Methods by name, JSON for all of them.
    Deribit,
    /// As Bybit's, with the terms of an order in an object of their own, and a token.
    Coinbase,
}

type Field = (&'static str, &'static str);

/// One simulated exchange.
pub(super) struct Face {
    pub(super) adapter: &'static str,
    pub(super) form: Form,
    pub(super) paths: &'static [&'static str],
    pub(super) names: &'static [&'static str],
    /// Orders it takes.
    pub(super) sound: &'static [&'static [Field]],
}

pub(super) const FACES: &[Face] = &[
    Face {
        adapter: BINANCE_USDM,
        form: Form::Binance,
        paths: USDM_PATHS,
        names: BINANCE_NAMES,
        sound: &[
            &[
                ("symbol", "BTCUSDT"),
                ("side", "BUY"),
                ("type", "LIMIT"),
                ("timeInForce", "GTC"),
                ("quantity", "0.1"),
                ("price", "64000"),
                ("newClientOrderId", "mine"),
            ],
            &[("symbol", "BTCUSDT"), ("side", "SELL"), ("type", "MARKET"), ("quantity", "0.1")],
        ],
    },
    Face {
        adapter: BINANCE_SPOT,
        form: Form::Binance,
        paths: SPOT_PATHS,
        names: BINANCE_NAMES,
        sound: &[
            &[
                ("symbol", "BTCUSDT"),
                ("side", "BUY"),
                ("type", "LIMIT"),
                ("timeInForce", "GTC"),
                ("quantity", "0.1"),
                ("price", "64000"),
                ("newClientOrderId", "mine"),
            ],
            &[("symbol", "BTCUSDT"), ("side", "SELL"), ("type", "MARKET"), ("quantity", "0.1")],
            &[("symbol", "BTCUSDT"), ("side", "BUY"), ("type", "MARKET"), ("quoteOrderQty", "500")],
        ],
    },
    Face {
        adapter: BINANCE_COINM,
        form: Form::Binance,
        paths: COINM_PATHS,
        names: BINANCE_NAMES,
        sound: &[
            &[
                ("symbol", "BTCUSD_PERP"),
                ("side", "BUY"),
                ("type", "LIMIT"),
                ("timeInForce", "GTC"),
                ("quantity", "10"),
                ("price", "64000"),
                ("newClientOrderId", "mine"),
            ],
            &[("symbol", "BTCUSD_PERP"), ("side", "SELL"), ("type", "MARKET"), ("quantity", "10")],
        ],
    },
    Face {
        adapter: BYBIT_LINEAR,
        form: Form::Bybit,
        paths: BYBIT_PATHS,
        names: BYBIT_NAMES,
        sound: &[
            &[
                ("category", "linear"),
                ("symbol", "BTCUSDT"),
                ("side", "Buy"),
                ("orderType", "Limit"),
                ("timeInForce", "GTC"),
                ("qty", "0.1"),
                ("price", "64000"),
                ("orderLinkId", "mine"),
            ],
            &[
                ("category", "linear"),
                ("symbol", "ETHUSDT"),
                ("side", "Sell"),
                ("orderType", "Market"),
                ("qty", "0.1"),
            ],
        ],
    },
    Face {
        adapter: BYBIT_INVERSE,
        form: Form::Bybit,
        paths: BYBIT_PATHS,
        names: BYBIT_NAMES,
        sound: &[
            &[
                ("category", "inverse"),
                ("symbol", "BTCUSD"),
                ("side", "Buy"),
                ("orderType", "Limit"),
                ("timeInForce", "GTC"),
                ("qty", "1000"),
                ("price", "64000"),
                ("orderLinkId", "mine"),
            ],
            &[
                ("category", "inverse"),
                ("symbol", "BTCUSD"),
                ("side", "Sell"),
                ("orderType", "Market"),
                ("qty", "1300"),
            ],
        ],
    },
    Face {
        adapter: BYBIT_SPOT,
        form: Form::Bybit,
        paths: BYBIT_PATHS,
        names: BYBIT_NAMES,
        sound: &[
            &[
                ("category", "spot"),
                ("symbol", "BTCUSDT"),
                ("side", "Buy"),
                ("orderType", "Limit"),
                ("timeInForce", "GTC"),
                ("qty", "0.1"),
                ("price", "64000"),
                ("orderLinkId", "mine"),
            ],
            &[
                ("category", "spot"),
                ("symbol", "BTCUSDT"),
                ("side", "Buy"),
                ("orderType", "Market"),
                ("marketUnit", "quoteCoin"),
                ("qty", "500"),
            ],
            &[
                ("category", "spot"),
                ("symbol", "BTCUSDT"),
                ("side", "Sell"),
                ("orderType", "Market"),
                ("qty", "0.1"),
            ],
        ],
    },
    OKX_SWAP_FACE,
    OKX_SPOT_FACE,
    DERIBIT_FACE,
    COINBASE_FACE,
];

const USDM_PATHS: &[&str] = &[
    "/fapi/v1/order",
    "/fapi/v1/order",
    "/fapi/v1/order",
    "/fapi/v1/batchOrders",
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
];

const COINM_PATHS: &[&str] = &[
    "/dapi/v1/order",
    "/dapi/v1/order",
    "/dapi/v1/order",
    "/dapi/v1/batchOrders",
    "/dapi/v1/openOrder",
    "/dapi/v1/openOrders",
    "/dapi/v1/allOrders",
    "/dapi/v1/userTrades",
    "/dapi/v1/allOpenOrders",
    "/dapi/v1/exchangeInfo",
    "/dapi/v1/depth",
    "/dapi/v1/ticker/bookTicker",
    "/dapi/v1/premiumIndex",
    "/dapi/v1/fundingRate",
    "/dapi/v1/leverage",
    "/dapi/v1/marginType",
    "/dapi/v1/positionSide/dual",
    "/dapi/v1/commissionRate",
    "/dapi/v2/leverageBracket",
    "/dapi/v1/account",
    "/dapi/v1/balance",
    "/dapi/v1/positionRisk",
    "/",
];

const SPOT_PATHS: &[&str] = &[
    "/api/v3/order",
    "/api/v3/order",
    "/api/v3/order",
    "/api/v3/order/test",
    "/api/v3/openOrders",
    "/api/v3/allOrders",
    "/api/v3/myTrades",
    "/api/v3/account",
    "/api/v3/account/commission",
    "/api/v3/rateLimit/order",
    "/api/v3/exchangeInfo",
    "/api/v3/depth",
    "/api/v3/avgPrice",
    "/api/v3/ticker/bookTicker",
    "/api/v3/ticker/24hr",
    "/api/v3/ticker/price",
    "/sapi/v1/account/apiRestrictions",
    "/",
];

const BYBIT_PATHS: &[&str] = &[
    "/v5/order/create",
    "/v5/order/create",
    "/v5/order/create",
    "/v5/order/cancel",
    "/v5/order/cancel-all",
    "/v5/order/amend",
    "/v5/order/pre-check",
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
    "/v5/market/price-limit",
    "/v5/market/risk-limit",
    "/v5/user/query-api",
    "/",
];

const BINANCE_NAMES: &[&str] = &[
    "symbol",
    "side",
    "type",
    "quantity",
    "quoteOrderQty",
    "price",
    "timeInForce",
    "reduceOnly",
    "newClientOrderId",
    "positionSide",
    "newOrderRespType",
    "selfTradePreventionMode",
    "orderId",
    "origClientOrderId",
    "pair",
    "marginAsset",
    "batchOrders",
    "startTime",
    "endTime",
    "fromId",
    "limit",
    "leverage",
    "dualSidePosition",
];

const BYBIT_NAMES: &[&str] = &[
    "category",
    "symbol",
    "side",
    "orderType",
    "marketUnit",
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
];
