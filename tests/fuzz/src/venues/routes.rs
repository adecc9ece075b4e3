//! The addresses that the adapters ask, each with its documented answers by the begin of their names.

use super::desks::Route;

pub(super) const BINANCE_USDM: &[Route] = &[
    ("GET", "/fapi/v1/time", "time_", "time_now"),
    ("GET", "/fapi/v1/exchangeInfo", "exchange_info", "exchange_info_three"),
    ("GET", "/fapi/v1/ticker/bookTicker", "book_ticker", "book_ticker_btcusdt"),
    ("GET", "/fapi/v1/premiumIndex", "premium_index", "premium_index_btcusdt"),
    ("GET", "/fapi/v1/commissionRate", "commission_rate", "commission_rate_btcusdt"),
    ("GET", "/fapi/v1/accountConfig", "account_config", "account_config_one_way"),
    ("GET", "/fapi/v3/balance", "balance", ""),
    ("GET", "/fapi/v3/positionRisk", "position_risk", ""),
    ("POST", "/fapi/v1/order", "order_place", ""),
    ("GET", "/fapi/v1/order", "order_query", "order_query_filled"),
    ("DELETE", "/fapi/v1/order", "order_cancel", ""),
    ("GET", "/fapi/v1/allOrders", "all_orders", "all_orders_mixed"),
    ("GET", "/fapi/v1/openOrders", "open_orders", ""),
    ("GET", "/fapi/v1/userTrades", "user_trades", "user_trades_two"),
];

pub(super) const BINANCE_SPOT: &[Route] = &[
    ("GET", "/api/v3/time", "time_", "time_now"),
    ("GET", "/api/v3/exchangeInfo", "exchange_info", "exchange_info_btcusdt"),
    ("GET", "/api/v3/ticker/bookTicker", "book_ticker", "book_ticker_btcusdt"),
    ("GET", "/api/v3/account/commission", "commission", "commission_btcusdt"),
    ("GET", "/api/v3/account", "account", "account_spot"),
    ("POST", "/api/v3/order", "order_place", ""),
    ("GET", "/api/v3/order", "order_query", "order_query_filled"),
    ("DELETE", "/api/v3/order", "order_cancel", ""),
    ("GET", "/api/v3/allOrders", "all_orders", "all_orders_mixed"),
    ("GET", "/api/v3/openOrders", "open_orders", ""),
    ("GET", "/api/v3/myTrades", "my_trades", "my_trades_base_and_bnb"),
];

pub(super) const BINANCE_COINM: &[Route] = &[
    ("GET", "/dapi/v1/time", "time_", "time_now"),
    ("GET", "/dapi/v1/exchangeInfo", "exchange_info", "exchange_info_three"),
    ("GET", "/dapi/v1/ticker/bookTicker", "book_ticker", "book_ticker_btcusd_perp"),
    ("GET", "/dapi/v1/premiumIndex", "premium_index", "premium_index_btcusd_perp"),
    ("GET", "/dapi/v1/commissionRate", "commission_rate", "commission_rate_btcusd_perp"),
    ("GET", "/dapi/v1/account", "account", "account_trading"),
    ("GET", "/dapi/v1/positionSide/dual", "position_mode", "position_mode_one_way"),
    ("GET", "/dapi/v1/balance", "balance", ""),
    ("GET", "/dapi/v1/positionRisk", "position_risk", ""),
    ("POST", "/dapi/v1/order", "order_place", ""),
    ("GET", "/dapi/v1/order", "order_query", "order_query_filled"),
    ("DELETE", "/dapi/v1/order", "order_cancel", ""),
    ("GET", "/dapi/v1/allOrders", "all_orders", "all_orders_two"),
    ("GET", "/dapi/v1/openOrders", "open_orders", ""),
    ("GET", "/dapi/v1/userTrades", "user_trades", "user_trades_two"),
];

/// The same for every category; the fixtures of each stand in a folder of its own.
pub(super) const BYBIT: &[Route] = &[
    ("GET", "/v5/market/time", "time_", "time_now"),
    ("GET", "/v5/market/instruments-info", "instruments", "instruments_btcusdt"),
    ("GET", "/v5/market/tickers", "tickers", "tickers_btcusdt"),
    ("GET", "/v5/account/fee-rate", "fee_rate", "fee_rate_btcusdt"),
    ("GET", "/v5/account/info", "account_info", "account_info_unified"),
    ("GET", "/v5/account/wallet-balance", "wallet", ""),
    ("GET", "/v5/user/query-api", "query_api", ""),
    ("GET", "/v5/position/list", "position", ""),
    ("POST", "/v5/order/create", "create", ""),
    ("POST", "/v5/order/cancel", "cancel", ""),
    ("GET", "/v5/order/realtime", "order_listing", "order_listing_filled"),
    ("GET", "/v5/order/history", "order_listing", "order_listing_empty"),
    ("GET", "/v5/execution/list", "executions", "executions_empty"),
];

/// Both products answer in one form, so that each is shown the other's rows too.
const fn okx(config: &'static str, instruments: &'static str, order: &'static str) -> [Route; 17] {
    [
        ("GET", "/api/v5/public/time", "time_", "time_now"),
        ("GET", "/api/v5/public/instruments", "instruments", instruments),
        ("GET", "/api/v5/market/ticker", "ticker", ""),
        ("GET", "/api/v5/public/mark-price", "mark_price", "mark_price_swap"),
        ("GET", "/api/v5/public/funding-rate", "funding_rate", "funding_rate_swap"),
        ("GET", "/api/v5/account/trade-fee", "fee", ""),
        ("GET", "/api/v5/account/config", "config", config),
        ("GET", "/api/v5/account/balance", "balance", ""),
        ("GET", "/api/v5/account/positions", "positions", "positions_net_short"),
        ("POST", "/api/v5/trade/order", "place", ""),
        ("GET", "/api/v5/trade/order", "order_", order),
        ("POST", "/api/v5/trade/cancel-order", "cancel", ""),
        ("GET", "/api/v5/trade/orders-pending", "orders_", "orders_none"),
        ("GET", "/api/v5/trade/orders-history", "orders_", "orders_history_mixed"),
        ("GET", "/api/v5/trade/orders-history-archive", "orders_", "orders_none"),
        ("GET", "/api/v5/trade/fills", "fills_", "fills_two"),
        ("GET", "/api/v5/trade/fills-history", "fills_", "fills_none"),
    ]
}

pub(super) const OKX_SWAP: &[Route] =
    &okx("config_futures_net", "instruments_swap_linear", "order_filled");
pub(super) const OKX_SPOT: &[Route] = &okx("config_spot", "instruments_spot", "order_spot_filled");

pub(super) const DERIBIT: &[Route] = &[
    ("POST", "/api/v2/public/auth", "auth", "auth_granted"),
    ("POST", "/api/v2/public/get_time", "time_", "time_now"),
    ("POST", "/api/v2/public/get_instrument", "instrument_", "instrument_btc_perpetual"),
    ("POST", "/api/v2/public/ticker", "ticker", "ticker_btc_perpetual"),
    ("POST", "/api/v2/private/buy", "buy", ""),
    ("POST", "/api/v2/private/sell", "buy", ""),
    ("POST", "/api/v2/private/cancel", "cancel", "cancel_taken"),
    ("POST", "/api/v2/private/cancel_by_label", "cancel_by_label", ""),
    ("POST", "/api/v2/private/get_order_state", "order_", "order_filled"),
    ("POST", "/api/v2/private/get_order_state_by_label", "by_label", "by_label_filled"),
    ("POST", "/api/v2/private/get_open_orders_by_instrument", "open_orders", "open_orders_none"),
    ("POST", "/api/v2/private/get_order_history_by_instrument", "history", "history_none"),
    ("POST", "/api/v2/private/get_user_trades_by_order", "trades_of", "trades_of_order_two"),
    (
        "POST",
        "/api/v2/private/get_user_trades_by_instrument_and_time",
        "trades_page",
        "trades_page_none",
    ),
    ("POST", "/api/v2/private/get_position", "position", ""),
    ("POST", "/api/v2/private/get_account_summary", "summary", ""),
    ("POST", "/api/v2/private/get_account_summaries", "summaries", ""),
];

pub(super) const COINBASE: &[Route] = &[
    ("GET", "/api/v3/brokerage/time", "time_", "time_now"),
    ("GET", "/api/v3/brokerage/products/*", "product_", "product_btc_usd"),
    ("GET", "/api/v3/brokerage/best_bid_ask", "best", ""),
    ("GET", "/api/v3/brokerage/key_permissions", "permissions", ""),
    ("GET", "/api/v3/brokerage/accounts", "accounts", "accounts_last_page"),
    ("POST", "/api/v3/brokerage/orders", "create", ""),
    ("POST", "/api/v3/brokerage/orders/batch_cancel", "cancel", ""),
    ("GET", "/api/v3/brokerage/orders/historical/batch", "listing", "listing_filled"),
    ("GET", "/api/v3/brokerage/orders/historical/fills", "fills", "fills_two"),
    ("GET", "/api/v3/brokerage/orders/historical/*", "order_", "order_filled"),
];
