//! What an exchange counts together is counted together here, for adapters that were opened with one `Budgets`.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::sync::Arc;

use common::{Script, Standing, read_fixture};
use equipoise_core::VenueName;
use equipoise_port::{Purpose, QueryError, Venue};
use equipoise_venues::{Budgets, Credentials, Endpoint, Settings, open};

/// Adapters of one process; the clock stands, so that nothing comes back.
struct Process {
    script: Arc<Script>,
    clock: Arc<Standing>,
    budgets: Budgets,
}

impl Process {
    fn new() -> Self {
        let clock = Arc::new(Standing::now());
        Self { script: Arc::default(), clock, budgets: Budgets::default() }
    }

    fn open(&self, adapter: &str) -> Arc<dyn Venue> {
        self.open_as(adapter, "the-key", Endpoint::Production)
    }

    fn open_as(&self, adapter: &str, key: &str, endpoint: Endpoint) -> Arc<dyn Venue> {
        let credentials = Credentials::new(key, "the-secret").unwrap();
        let credentials = credentials.with_passphrase("the-passphrase").unwrap();
        let settings = Settings::builder(VenueName::new("desk").unwrap(), adapter, credentials)
            .endpoint(endpoint)
            .budgets(&self.budgets)
            .build();
        open(settings, self.script.clone(), self.clock.clone()).unwrap()
    }
}

/// How many orders get their tokens at once, asked for at these venues in turn.
async fn orders(venues: &[&Arc<dyn Venue>], purpose: Purpose) -> usize {
    let mut count = 0;
    while let Ok(()) = venues[count % venues.len()].reserve(purpose).await {
        count += 1;
        assert!(count < 5_000, "there is no end");
    }
    count
}

#[tokio::test]
async fn binances_futures_have_one_order_count_and_keep_one_reserve_for_unwinds() {
    let process = Process::new();
    let (usdm, coinm) = (process.open("binance-usdm"), process.open("binance-coinm"));
    let spot = process.open("binance-spot");
    assert_eq!(orders(&[&usdm, &coinm], Purpose::Entry).await, 225);
    for venue in [&usdm, &coinm] {
        assert!(matches!(venue.reserve(Purpose::Entry).await, Err(QueryError::Busy { .. })));
    }
    assert_eq!(orders(&[&coinm, &usdm], Purpose::Unwind).await, 75);
    // Spot counts its own.
    assert_eq!(orders(&[&spot], Purpose::Unwind).await, 50);
}

#[tokio::test]
async fn what_one_of_binances_futures_learns_of_weight_and_bans_holds_for_the_other() {
    let mut used = http::Response::new(read_fixture("binance/time_now").into());
    used.headers_mut().insert("x-mbx-used-weight-1m", "2400".parse().unwrap());
    let mut banned = http::Response::new("{}".into());
    *banned.status_mut() = http::StatusCode::IM_A_TEAPOT;
    for answer in [used, banned] {
        let process = Process::new();
        let (usdm, coinm) = (process.open("binance-usdm"), process.open("binance-coinm"));
        let spot = process.open("binance-spot");
        process.script.on("GET /fapi/v1/time", Ok(answer));
        process.script.fixture("GET /api/v3/time", 200, "binance_spot/time_now");
        let _ = usdm.server_time().await;
        let told = coinm.server_time().await;
        assert!(matches!(told, Err(QueryError::Busy { .. })), "{told:?}");
        assert_eq!(process.script.count("/dapi/v1/time"), 0);
        assert!(spot.server_time().await.is_ok());
    }
}

#[tokio::test]
async fn bybits_categories_share_the_address_and_count_orders_apart() {
    let process = Process::new();
    let venues = ["bybit-linear", "bybit-inverse", "bybit-spot"].map(|name| process.open(name));
    process.script.fixture("GET /v5/market/time", 200, "bybit/time_now");
    for venue in &venues {
        // Nine tenths of six hundred are for queries, a third of them for each here.
        for _ in 0..180 {
            venue.server_time().await.unwrap();
        }
    }
    for venue in &venues {
        assert!(matches!(venue.server_time().await, Err(QueryError::Busy { .. })));
    }
    assert_eq!(process.script.count("/v5/market/time"), 540);
    for (venue, most) in venues.iter().zip([10, 10, 20]) {
        for _ in 0..most {
            assert_eq!(venue.reserve(Purpose::Unwind).await, Ok(()));
        }
    }
}

#[tokio::test]
async fn okx_counts_account_reads_over_both_products() {
    let process = Process::new();
    let (swap, spot) = (process.open("okx-swap"), process.open("okx-spot"));
    process.script.fixture("GET /api/v5/public/time", 200, "okx/time_now");
    process.script.fixture("GET /api/v5/account/config", 200, "okx/config_futures_net");
    let before = process.clock.passed();
    for _ in 0..2 {
        swap.account(&[]).await.unwrap();
        spot.account(&[]).await.unwrap();
    }
    assert_eq!(process.clock.passed(), before);
    // Queries may use four of five, so the fifth is told to come back after two seconds.
    assert!(matches!(spot.account(&[]).await, Err(QueryError::Busy { .. })));
    assert_eq!(process.script.count("/api/v5/account/config"), 4);
}

#[tokio::test]
async fn other_keys_networks_hosts_and_budgets_count_orders_apart() {
    let process = Process::new();
    let host = |port| Endpoint::Url(format!("http://Venue.test:{port}/"));
    let apart = [
        process.open("binance-usdm"),
        process.open_as("binance-usdm", "another-key", Endpoint::Production),
        process.open_as("binance-usdm", "the-key", Endpoint::Test),
        process.open_as("binance-usdm", "the-key", host(1)),
        process.open_as("binance-usdm", "the-key", host(2)),
        Process::new().open("binance-usdm"),
    ];
    for venue in &apart {
        assert_eq!(orders(&[venue], Purpose::Unwind).await, 300);
    }
    let same = Endpoint::Url("http://venue.TEST:1".to_owned());
    let again = process.open_as("binance-coinm", "the-key", same);
    assert_eq!(orders(&[&again], Purpose::Unwind).await, 0);
}
