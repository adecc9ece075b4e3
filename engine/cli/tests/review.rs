//! `recover` asks about parked batches again: their reports become exact and nothing is sent (R11).
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use equipoise::journal::{self, JournalKind, JournalOptions};
use equipoise::port::Append;
use equipoise::{BatchKey, Ending, Record};
use serde_json::json;
use support::Desk;

/// Replaces the journal of a batch that filled by one that was parked before it learned of that.
async fn forget_the_fill(desk: &Desk, key: BatchKey) {
    let options = JournalOptions::default();
    let open = || journal::open(JournalKind::Sled, &desk.path("journal"), &options).unwrap();
    let whole = open();
    let mut records = whole.read(key).await.unwrap().unwrap();
    whole.close().await.unwrap();
    drop(whole);
    std::fs::rename(desk.path("journal"), desk.path("whole")).unwrap();
    let sent = records.iter().position(|record| matches!(record, Record::Sent { .. })).unwrap();
    records.truncate(sent + 1);
    let (tag, at) = (records[sent].tag().unwrap(), records[sent].at());
    let why = || "the venue did not answer".to_owned();
    records.push(Record::Doubted { tag, why: why(), at });
    records.push(Record::Unresolved { tag, why: why(), at });
    records.push(Record::Ended { ending: Ending::Parked, why: why(), at });
    let parked = open();
    let epoch = parked.begin_epoch("test").await.unwrap();
    parked.append(Append { batch: key, expected: 0, epoch, records }).await.unwrap();
    parked.close().await.unwrap();
}

/// Parks the running batch of a journal by hand, as a start would that could not learn what became of its order.
async fn park(desk: &Desk, key: BatchKey) {
    let options = JournalOptions::default();
    let journal = journal::open(JournalKind::Sled, &desk.path("journal"), &options).unwrap();
    let records = journal.read(key).await.unwrap().unwrap();
    let (tag, at) = (records[1].tag().unwrap(), records.last().unwrap().at());
    let why = || "the venue did not confirm its final quantity in time".to_owned();
    let parked = vec![
        Record::Doubted { tag, why: why(), at },
        Record::Unresolved { tag, why: why(), at },
        Record::Ended { ending: Ending::Parked, why: why(), at },
    ];
    let expected = u32::try_from(records.len()).unwrap();
    let epoch = journal.begin_epoch("test").await.unwrap();
    journal.append(Append { batch: key, expected, epoch, records: parked }).await.unwrap();
    journal.close().await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn an_order_found_open_after_the_end_is_named_by_every_account_of_its_batch() {
    let desk = Desk::with_venues(None);
    let mut running = desk.start(&["run", "resting.toml"]);
    assert!(running.until("acknowledged"));
    running.child.kill().unwrap();
    running.finish();
    let key = desk.call(&["key", "resting.toml", "--json"]).ended(0)["key"].clone();
    let key = key.as_str().unwrap();
    park(&desk, key.parse().unwrap()).await;

    let recovered = desk.call(&["recover", "--json"]).ended(0);
    let open = &recovered["reviewed"][0]["in_doubt"][0];
    let id = open["open_orders"][0].as_str().unwrap();
    assert_eq!((&open["venue"], &open["found_open"]), (&json!("bybit"), &json!(true)));
    assert_eq!((&open["quantity"], &open["unit"]), (&json!("0.1"), &json!("BTC")));
    let text = |field: &str| open[field].as_str().unwrap().to_owned();
    let (order, seen_at) = (text("client_order_id"), text("last_seen_at"));
    let line = format!(
        "open      bid: buy order {order} was open at bybit as order {id} when last seen at {seen_at}, may fill up to \
         0.1 BTC: cancel it there unless it has ended\n"
    );
    for command in [&["recover"][..], &["show", key]] {
        let text = desk.call(command).stdout();
        assert!(text.contains(&line), "{text}");
        assert!(!text.contains("status    parked: the venue did not confirm"), "{text}");
    }
    assert_eq!(desk.order_count(), 1);
}

#[tokio::test]
async fn a_parked_batch_is_asked_about_until_its_report_is_exact() {
    let mut desk = Desk::with_venues(None);
    let done = desk.call(&["run", "quick.toml", "--json"]).ended(0);
    let key = done["key"].as_str().unwrap();
    forget_the_fill(&desk, key.parse().unwrap()).await;
    let shown = desk.call(&["show", key, "--json"]).ended(0);
    assert_eq!(shown["net_delta_range"], json!({ "BTC": { "min": "-0.1", "max": "0" } }));

    // Without a key nobody can be asked, and nothing was open: that is no failure.
    let secret = desk.unset_env("BYBIT_API_SECRET").unwrap();
    let unasked = desk.call(&["recover", "--json"]);
    let noted =
        "parked batches were not asked about: venue 'bybit': environment variable BYBIT_API_SECRET";
    assert!(unasked.stderr().contains(noted), "{unasked:?}");
    assert_eq!(unasked.ended(0), json!({ "recovered": [], "reviewed": [] }));
    desk.set_env("BYBIT_API_SECRET", &secret);

    let recovered = desk.call(&["recover", "--json"]).ended(0);
    assert_eq!(recovered["recovered"], json!([]));
    let reviewed = &recovered["reviewed"][0];
    assert_eq!((&reviewed["key"], &reviewed["status"]), (&json!(key), &json!("parked")));
    assert_eq!(reviewed["net_delta"], json!({ "BTC": "-0.1" }));
    assert_eq!(reviewed.get("net_delta_range"), None);
    assert_eq!(desk.order_count(), 1);
    let again = desk.call(&["run", "quick.toml", "--json"]).ended(4);
    assert_eq!(
        (&again["duplicate"], &again["net_delta"]),
        (&json!(true), &json!({ "BTC": "-0.1" }))
    );

    // Nothing is left to be asked, so nobody need be reached.
    desk.unset_env("BYBIT_API_SECRET");
    let nothing = desk.call(&["recover", "--json"]).ended(0);
    assert_eq!(nothing, json!({ "recovered": [], "reviewed": [] }));
}
