//! Requests as they leave, counted against what each venue documents (V5).
//!
//! Written from the documents, not from the adapters. Windows slide, so whatever minute or second a venue counts in, it
//! never counts more. A start knows nothing of what the one before it sent, so every life begins anew; what the way
//! doubles is nobody's request.
//!
//! Sources, read 2026-11-22: Binance USDⓈ-M, COIN-M and Spot, General Info, LIMITS, and Request Weight of each page; Bybit
//! v5, Rate Limit Rules; OKX v5, Rate Limits, and each endpoint's own; Deribit, Rate Limits; Coinbase Advanced Trade API,
//! REST API Rate Limits.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Method, Request};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60_000;

/// How a venue counts.
#[derive(Debug, Clone, Copy)]
enum Limit {
    /// So many in so many milliseconds.
    Window { ms: u64, most: u64 },
    /// A pool of so many, refilled with so many a second.
    Pool { most: u64, per_second: u64 },
}

/// One limit, by the name of what it counts, and how much of it a request takes.
type Cost = (&'static str, Limit, u64);

const fn window(ms: u64, most: u64) -> Limit {
    Limit::Window { ms, most }
}

/// What has left for one exchange in this life.
#[derive(Debug, Default)]
pub(crate) struct Meter(BTreeMap<&'static str, Count>);

#[derive(Debug, Default)]
struct Count {
    /// World time and size of what a window holds.
    left: VecDeque<(u64, u64)>,
    sum: u64,
    /// What a pool lacks, in thousandths, and since when.
    spent_milli: u64,
    at_ms: u64,
}

impl Meter {
    /// Counts a request; says which limit it breaks.
    pub(crate) fn count(
        &mut self,
        now_ms: u64,
        adapter: &str,
        request: &Request<Bytes>,
    ) -> Result<(), String> {
        for (name, limit, size) in costs(adapter, request) {
            let used = self.0.entry(name).or_default().add(now_ms, limit, size);
            let (Limit::Window { most, .. } | Limit::Pool { most, .. }) = limit;
            if used > most {
                return Err(format!("{adapter}: {used} {name}, at most {most}"));
            }
        }
        Ok(())
    }
}

impl Count {
    fn add(&mut self, now_ms: u64, limit: Limit, size: u64) -> u64 {
        match limit {
            Limit::Window { ms, .. } => {
                while let Some((_, old)) = self.left.front().filter(|(at, _)| at + ms <= now_ms) {
                    self.sum -= old;
                    self.left.pop_front();
                }
                self.left.push_back((now_ms, size));
                self.sum += size;
                self.sum
            }
            Limit::Pool { per_second, .. } => {
                let refilled = (now_ms - self.at_ms) * per_second;
                self.spent_milli = self.spent_milli.saturating_sub(refilled) + size * 1_000;
                self.at_ms = now_ms;
                self.spent_milli.div_ceil(1_000)
            }
        }
    }
}

/// What a request takes of which limit.
fn costs(adapter: &str, request: &Request<Bytes>) -> Vec<Cost> {
    let path = request.uri().path();
    match adapter {
        "binance-usdm" | "binance-coinm" => binance_futures(request, path),
        "binance-spot" => vec![("weight of a minute", window(MINUTE, 6_000), spot_weight(request))],
        "bybit-linear" | "bybit-inverse" => bybit(path, 10),
        "bybit-spot" => bybit(path, 20),
        "okx-swap" | "okx-spot" => okx(request.method(), path).into_iter().collect(),
        "deribit" => vec![deribit(path)],
        "coinbase" if request.headers().contains_key(AUTHORIZATION) => {
            vec![("signed requests of a second", window(SECOND, 30), 1)]
        }
        "coinbase" => vec![("public requests of a second", window(SECOND, 10), 1)],
        _ => Vec::new(),
    }
}

/// Orders weigh nothing and are counted as orders.
fn binance_futures(request: &Request<Bytes>, path: &str) -> Vec<Cost> {
    let page = path.rsplit('/').next().unwrap_or_default();
    if request.method() == Method::POST && page == "order" {
        return vec![
            ("orders of ten seconds", window(10 * SECOND, 300), 1),
            ("orders of a minute", window(MINUTE, 1_200), 1),
        ];
    }
    let coin = path.starts_with("/dapi/");
    let weight = match page {
        "commissionRate" => 20,
        "dual" => 30,
        "bookTicker" => 2,
        "allOrders" | "userTrades" if coin => 20,
        "premiumIndex" if coin => 10,
        "allOrders" | "userTrades" => 5,
        "balance" | "positionRisk" if !coin => 5,
        "account" | "accountConfig" => 5,
        _ => 1,
    };
    vec![("weight of a minute", window(MINUTE, 2_400), weight)]
}

/// Orders and cancels weigh nothing when they succeed, which nobody knows as they leave.
fn spot_weight(request: &Request<Bytes>) -> u64 {
    let path = request.uri().path();
    let of_order = request.uri().query().is_some_and(|query| query.contains("orderId="));
    match path.rsplit('/').next().unwrap_or_default() {
        "order" if request.method() == Method::GET => 4,
        "order" => 0,
        "openOrders" => 6,
        "myTrades" if of_order => 5,
        "exchangeInfo" | "commission" | "account" | "allOrders" | "myTrades" => 20,
        "bookTicker" => 2,
        _ => 1,
    }
}

fn bybit(path: &str, orders: u64) -> Vec<Cost> {
    let address = ("requests of five seconds", window(5 * SECOND, 600), 1);
    let (name, most) = match path {
        "/v5/order/create" => ("new orders of a second", orders),
        "/v5/order/cancel" => ("cancels of a second", orders),
        "/v5/order/realtime" => ("live order queries of a second", 50),
        "/v5/order/history" => ("order history queries of a second", 50),
        "/v5/execution/list" => ("execution queries of a second", 50),
        "/v5/position/list" => ("position queries of a second", 50),
        "/v5/account/wallet-balance" => ("balance queries of a second", 50),
        "/v5/account/info" => ("account queries of a second", 50),
        "/v5/account/fee-rate" => ("fee queries of a second", 5),
        _ => return vec![address],
    };
    vec![address, (name, window(SECOND, most), 1)]
}

/// Orders and cancels are counted for each instrument there; all of them together here.
fn okx(method: &Method, path: &str) -> Option<Cost> {
    let (name, most) = match path.strip_prefix("/api/v5/")? {
        "trade/order" if method == Method::POST => ("new orders of two seconds", 60),
        "trade/order" => ("order queries of two seconds", 60),
        "trade/cancel-order" => ("cancels of two seconds", 60),
        "trade/orders-pending" => ("open order listings of two seconds", 60),
        "trade/orders-history" => ("order history listings of two seconds", 40),
        "trade/orders-history-archive" => ("order archive listings of two seconds", 20),
        "trade/fills" => ("fill listings of two seconds", 60),
        "trade/fills-history" => ("fill archive listings of two seconds", 10),
        "account/positions" => ("position queries of two seconds", 10),
        "account/balance" => ("balance queries of two seconds", 10),
        "account/config" => ("account queries of two seconds", 5),
        "account/trade-fee" => ("fee queries of two seconds", 5),
        "public/time" => ("time queries of two seconds", 10),
        "public/instruments" | "market/ticker" => return okx_public(path),
        "public/mark-price" => ("mark price queries of two seconds", 10),
        _ => return None,
    };
    Some((name, window(2 * SECOND, most), 1))
}

fn okx_public(path: &str) -> Option<Cost> {
    let name = if path.ends_with("ticker") {
        "ticker queries of two seconds"
    } else {
        "instrument queries of two seconds"
    };
    Some((name, window(2 * SECOND, 20), 1))
}

fn deribit(path: &str) -> Cost {
    match path.rsplit('/').next().unwrap_or_default() {
        "buy" | "sell" | "cancel" | "cancel_by_label" => {
            ("matching engine requests", Limit::Pool { most: 20, per_second: 5 }, 1)
        }
        _ => ("other requests", Limit::Pool { most: 100, per_second: 20 }, 1),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn request(method: Method, uri: &str) -> Request<Bytes> {
        Request::builder().method(method).uri(uri).body(Bytes::new()).unwrap()
    }

    #[test]
    fn a_window_holds_what_left_within_it_and_nothing_older() {
        let mut meter = Meter::default();
        let order = request(Method::POST, "https://api.bybit.com/v5/order/create");
        for _ in 0..10 {
            meter.count(5_000, "bybit-linear", &order).unwrap();
        }
        assert!(meter.count(5_999, "bybit-linear", &order).is_err());
        // The one that was too many counts as well.
        for _ in 0..9 {
            meter.count(6_000, "bybit-linear", &order).unwrap();
        }
        assert!(meter.count(6_000, "bybit-linear", &order).is_err());
    }

    #[test]
    fn a_pool_refills_and_holds_no_more_than_it_is() {
        let mut meter = Meter::default();
        let order = request(Method::POST, "https://www.deribit.com/api/v2/private/buy");
        for _ in 0..20 {
            meter.count(1_000, "deribit", &order).unwrap();
        }
        assert!(meter.count(1_100, "deribit", &order).is_err());
        for _ in 0..20 {
            meter.count(60_000, "deribit", &order).unwrap();
        }
        assert!(meter.count(60_100, "deribit", &order).is_err());
    }

    #[test]
    fn an_order_counts_as_an_order_and_a_look_by_its_weight() {
        let order = request(Method::POST, "https://fapi.binance.com/fapi/v1/order");
        let look = request(Method::GET, "https://fapi.binance.com/fapi/v1/order");
        let names = |request| costs("binance-usdm", request).into_iter().map(|cost| cost.0);
        assert!(names(&order).eq(["orders of ten seconds", "orders of a minute"]));
        assert!(names(&look).eq(["weight of a minute"]));
    }
}
