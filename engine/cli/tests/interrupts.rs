//! Ctrl-C: the first means no new risk and a normal end, the second leaves at once.
#![allow(clippy::unwrap_used, reason = "tests")]
#![cfg(unix)]

mod support;

use serde_json::json;
use support::Desk;

#[test]
fn the_first_cancels_what_rests_and_ends_flat() {
    let desk = Desk::with_venues(None);
    let mut running = desk.start(&["run", "resting.toml"]);
    assert!(running.until("acknowledged"));
    running.interrupt();
    let answer = running.finish();
    assert_eq!(answer.code(), 3, "{answer:?}");
    let why = "status    flat: nothing was executed: stopped on request\n";
    assert!(answer.stdout().contains(why), "{answer:?}");
    assert!(!desk.orders()["bybit-linear"][0].is_open());
    let again = desk.call(&["run", "resting.toml", "--json"]).ended(3);
    assert_eq!(again["duplicate"], true);
    assert_eq!(desk.order_count(), 1);
}

#[test]
fn before_there_is_a_batch_it_ends_at_once_and_nothing_was_sent() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let desk = Desk::with_venues(None);
    let config = std::fs::read_to_string(desk.path("equipoise.toml")).unwrap();
    let urls = config.lines().filter(|line| line.starts_with("rest_url"));
    let here = format!("rest_url = \"http://{}\"", silent.local_addr().unwrap());
    let config = urls.fold(config.clone(), |config, url| config.replace(url, &here));
    std::fs::write(desk.path("equipoise.toml"), config).unwrap();
    let running = desk.start(&["run", "plan.toml"]);
    let _asking = silent.accept().unwrap();
    running.interrupt();
    let answer = running.finish();
    assert_eq!(answer.code(), 1, "{answer:?}");
    let said = "interrupted before the plan was admitted, nothing was sent";
    assert!(answer.stderr().contains(said), "{answer:?}");
    assert!(!desk.path("journal").exists());
}

#[test]
fn the_first_lets_an_order_in_doubt_be_resolved() {
    let desk = Desk::with_venues(Some("bybit-timeout-after-accept"));
    let mut running = desk.start(&["run", "plan.toml"]);
    assert!(running.until("short  sent"));
    running.interrupt();
    let answer = running.finish();
    assert_eq!(answer.code(), 0, "{answer:?}");
    assert!(answer.stdout().contains("net delta 0 BTC"), "{answer:?}");
}

#[test]
fn the_second_leaves_at_once_and_the_journal_resumes() {
    let desk = Desk::with_venues(Some("bybit-timeout-after-accept"));
    let mut running = desk.start(&["run", "plan.toml"]);
    assert!(running.until("short  sent"));
    running.interrupt();
    assert!(running.until("stopping"));
    running.interrupt();
    let answer = running.finish();
    assert_eq!(answer.code(), 1, "{answer:?}");
    assert!(answer.stderr().contains("interrupted a second time"), "{answer:?}");

    let report = desk.call(&["run", "plan.toml", "--json"]).ended(0);
    assert_eq!(report["duplicate"], true);
    assert_eq!(report["net_delta"], json!({ "BTC": "0" }));
    assert_eq!(desk.order_count(), 2);
}

#[test]
fn simulators_end_well() {
    let desk = Desk::without_venues();
    let mut sim = desk.start(&["sim", "--venue", "bybit-linear=127.0.0.1:0"]);
    let mut line = String::new();
    let mut stdout = std::io::BufReader::new(sim.child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
    assert!(line.starts_with("bybit-linear at http://127.0.0.1:"), "{line}");
    sim.interrupt();
    assert_eq!(sim.finish().code(), 0);
}
