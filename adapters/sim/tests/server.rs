//! The HTTP face on loopback, and the ledger file behind it.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::net::SocketAddr;
use std::path::Path;

use bytes::Bytes;
use common::{Bybit, sign};
use equipoise_sim::{
    BINANCE_USDM, BYBIT_LINEAR, Credentials, Effect, Exchange, Fault, Ledger, LedgerFile, Loss,
    Occurrence, Operation, Running, ServeOptions, Settings, Stage, adapters, serve,
};
use http::Request;
use rust_decimal::Decimal;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ANY_PORT: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

async fn start(adapter: &str, options: ServeOptions) -> Running {
    let exchange =
        Exchange::start(adapter, Credentials::demo(adapter), Settings::default()).unwrap();
    serve(exchange, SocketAddr::from(ANY_PORT), options).await.unwrap()
}

fn order(running: &Running, client_id: &str) -> String {
    let params = format!(
        "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.1&newClientOrderId={client_id}&timestamp={}",
        running.now_ms()
    );
    let signature = sign(&Credentials::demo(BINANCE_USDM).secret, &params);
    format!("POST /fapi/v1/order?{params}&signature={signature}")
}

/// Sends the head of a request and returns everything that comes back until the connection closes.
async fn exchange_text(address: SocketAddr, head: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    send(&mut stream, head).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

async fn send(stream: &mut TcpStream, head: &str) {
    let text = format!(
        "{head} HTTP/1.1\r\nHost: sim\r\nX-MBX-APIKEY: demo-key-binance-usdm\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
}

#[tokio::test]
async fn an_order_over_http_reaches_the_exchange_and_the_answer_the_client() {
    let running = start(BINANCE_USDM, ServeOptions::default()).await;
    let answer = exchange_text(running.address(), &order(&running, "leg")).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("x-mbx-order-count-10s: 1\r\n"), "{answer}");
    assert_eq!(running.with(|exchange| exchange.ledger().orders[0].client_order_id.clone()), "leg");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_closed_connection_brings_not_one_byte() {
    let running = start(BINANCE_USDM, ServeOptions::default()).await;
    let lose = Effect::LoseAnswer(Loss::Close);
    running.with(|exchange| exchange.inject(Fault::on(Operation::Place, Occurrence::Every, lose)));
    assert_eq!(exchange_text(running.address(), &order(&running, "leg")).await, "");
    assert_eq!(running.with(|exchange| exchange.ledger().orders.len()), 1);
}

#[tokio::test]
async fn killing_the_server_ends_silent_connections_and_frees_the_address() {
    let running = start(BINANCE_USDM, ServeOptions::default()).await;
    let hold = Effect::LoseRequest(Loss::Silence);
    running.with(|exchange| exchange.inject(Fault::on(Operation::Place, Occurrence::Every, hold)));
    let address = running.address();
    let mut stream = TcpStream::connect(address).await.unwrap();
    send(&mut stream, &order(&running, "leg")).await;
    let reader = tokio::spawn(async move {
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        answer
    });
    running.kill().await.unwrap();
    assert_eq!(reader.await.unwrap(), b"");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_late_request_arrives_although_its_client_has_left() {
    let running = start(BINANCE_USDM, ServeOptions::default()).await;
    let late = Effect::DelayRequest { delay_ms: 50, before: Stage::Gateway };
    running.with(|exchange| exchange.inject(Fault::on(Operation::Place, Occurrence::Every, late)));
    let mut stream = TcpStream::connect(running.address()).await.unwrap();
    send(&mut stream, &order(&running, "leg")).await;
    // The time answer on another connection proves nothing about this one, so wait for the request to be taken up.
    while running.with(|exchange| exchange.faults_mut().is_unmet()) {
        tokio::task::yield_now().await;
    }
    drop(stream);
    while running.with(|exchange| exchange.ledger().orders.is_empty()) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_clock_is_the_hosts_plus_the_offset() {
    let running = start(
        BINANCE_USDM,
        ServeOptions { clock_offset_ms: -3_600_000, ..ServeOptions::default() },
    )
    .await;
    let before = running.now_ms();
    let answer = exchange_text(running.address(), "GET /fapi/v1/time").await;
    let body = answer.split("\r\n\r\n").nth(1).unwrap();
    let served: serde_json::Value = serde_json::from_str(body).unwrap();
    let served = served["serverTime"].as_u64().unwrap();
    assert!((before..=running.now_ms()).contains(&served));
}

#[tokio::test]
async fn an_exchange_carries_on_from_its_ledger_file_beside_another_adapters_entry() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.json");
    let options = |path: &Path| ServeOptions {
        ledger: Some(LedgerFile::open(path).unwrap()),
        ..ServeOptions::default()
    };
    let shared = options(&path);
    let binance = start(BINANCE_USDM, shared.clone()).await;
    let bybit = start(BYBIT_LINEAR, shared).await;
    let _ = bybit.with(|exchange| {
        exchange.trade_by_hand(1, "ETHUSDT", equipoise_sim::Side::Sell, Decimal::ONE)
    });
    let answer = exchange_text(binance.address(), &order(&binance, "first")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let kept = binance.with(|exchange| exchange.ledger());
    binance.kill().await.unwrap();
    assert_eq!(Ledger::read(&path).unwrap()[BINANCE_USDM], kept);

    let again = start(BINANCE_USDM, options(&path)).await;
    assert_eq!(again.with(|exchange| exchange.ledger()), kept);
    let answer = exchange_text(again.address(), &order(&again, "second")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let orders = Ledger::read(&path).unwrap()[BINANCE_USDM].orders.clone();
    assert_eq!(orders.iter().map(|order| order.number).collect::<Vec<_>>(), [1, 2]);
    assert!(orders[1].trades[0].id > orders[0].trades[0].id);
}

#[test]
fn opening_a_ledger_file_leaves_it_and_what_another_process_writes_beside_it_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.json");
    let beside = folder.path().join("ledger.json.part");
    std::fs::write(&path, "{ }\n").unwrap();
    std::fs::write(&beside, "{").unwrap();
    LedgerFile::open(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{ }\n");
    assert_eq!(std::fs::read_to_string(&beside).unwrap(), "{");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    let missing = folder.path().join("missing.json");
    LedgerFile::open(&missing).unwrap();
    assert!(!missing.exists());
}

#[test]
fn a_missing_or_empty_ledger_file_holds_nothing_and_a_damaged_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.json");
    assert!(Ledger::read(&path).unwrap().is_empty());
    std::fs::write(&path, "\n").unwrap();
    assert!(Ledger::read(&path).unwrap().is_empty());
    std::fs::write(&path, "{\"binance-usdm\": {\"balances\": 1}}").unwrap();
    assert!(Ledger::read(&path).is_err());
    std::fs::write(&path, "{").unwrap();
    assert!(LedgerFile::open(&path).is_err());
}

#[test]
fn an_unknown_adapter_is_answered_with_the_known_ones() {
    let error =
        Exchange::start("kraken", Credentials::demo("kraken"), Settings::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("unknown adapter \"kraken\"; known are {}", adapters().join(", "))
    );
    assert!(adapters().contains(&"binance-usdm") && adapters().contains(&"binance-spot"));
}

#[test]
fn credentials_do_not_show_in_debug_output() {
    let exchange = Bybit::start(Settings::default()).exchange;
    let shown = format!("{exchange:?} {:?}", Credentials::demo(BYBIT_LINEAR));
    assert!(!shown.contains("demo-secret") && !shown.contains("demo-key"), "{shown}");
}

#[test]
fn an_exchange_can_be_cloned_and_sent_to_another_thread() {
    let mut original = Bybit::start(Settings::default());
    let mut copy = original.exchange.clone();
    assert_eq!(original.code("leg", json!({})), 0);
    let orders = std::thread::spawn(move || {
        let time = Request::get("/v5/market/time").body(Bytes::new()).unwrap();
        let _ = copy.handle(common::NOW_MS, &time);
        copy.ledger().orders.len()
    });
    assert_eq!(orders.join().unwrap(), 0);
}
