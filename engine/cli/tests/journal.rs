//! What the commands do with the journal: read it, share it with nobody, refuse a damaged one.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use serde_json::json;
use support::{Desk, PLAN, QUICK_PLAN, RESTING_PLAN};

#[test]
fn check_prices_a_plan_and_leaves_no_trace() {
    let desk = Desk::with_venues(None);
    let check = desk.call(&["check", "plan.toml", "--json"]).ended(0);
    assert_eq!(check["net_delta"], json!({ "BTC": "0" }));
    // One order at most 13 s at Bybit, and the last transmission starts within the ten seconds of the leg.
    assert_eq!(check["doubt_ms"], 23_000);
    let long = &check["legs"][0];
    assert_eq!(long["quantity"], "0.1");
    assert_eq!(long["dust_base"], "0");
    assert_eq!(long["class"], "B");
    assert_eq!(long["margin_ms"], 2_000);
    assert_eq!(long["doubt_ms"], 5_000);
    assert_eq!(check["legs"][1]["class"], "A");
    let text = desk.call(&["check", "plan.toml"]).stdout();
    assert!(text.contains("an order in doubt at most 5.000 s"), "{text}");
    assert_eq!(desk.order_count(), 0);
    assert!(!desk.path("journal").exists());
}

#[cfg(unix)]
#[test]
fn check_works_beside_a_running_batch() {
    let desk = Desk::with_venues(None);
    let mut running = desk.start(&["run", "resting.toml"]);
    assert!(running.until("acknowledged"));
    assert_eq!(desk.call(&["check", "plan.toml"]).code(), 0);
    running.interrupt();
    assert_eq!(running.finish().code(), 3);
}

#[test]
fn rounding_dust_is_named() {
    let desk = Desk::with_venues(None);
    desk.write("plan.toml", &PLAN.replace("\"0.1\"", "\"0.1004\""));
    let check = desk.call(&["check", "plan.toml", "--json"]).ended(0);
    assert_eq!(check["legs"][0]["quantity"], "0.1");
    assert_eq!(check["legs"][0]["dust_base"], "0.0004");
    assert_eq!(check["legs"][0]["lot"], "0.001");
}

#[test]
fn the_key_needs_no_configuration_and_no_secrets() {
    let mut desk = Desk::without_venues();
    for name in ["BINANCE_API_KEY", "BINANCE_API_SECRET", "BYBIT_API_KEY", "BYBIT_API_SECRET"] {
        desk.unset_env(name);
    }
    std::fs::remove_file(desk.path("equipoise.toml")).unwrap();
    let document = desk.call(&["key", "plan.toml", "--json"]).ended(0);
    let key = document["key"].as_str().unwrap();
    assert_eq!(document, json!({ "key": key }));
    assert_eq!(key.len(), 32);
    assert_eq!(desk.call(&["key", "plan.toml"]).stdout(), format!("{key}\n"));
    desk.write("moved.toml", &PLAN.replace("10000", "9000"));
    assert_eq!(desk.call(&["key", "moved.toml"]).stdout(), format!("{key}\n"));
    desk.write("other.toml", &PLAN.replace("08:00", "16:00"));
    assert_ne!(desk.call(&["key", "other.toml"]).stdout(), format!("{key}\n"));
}

#[test]
fn batches_and_show_need_only_the_journal() {
    let mut desk = Desk::with_venues(None);
    assert_eq!(desk.call(&["batches", "--json"]).ended(0), json!([]));
    let report = desk.call(&["run", "quick.toml", "--json"]).ended(0);
    let key = report["key"].as_str().unwrap();
    desk.unset_env("BINANCE_API_KEY");
    desk.unset_env("BYBIT_API_SECRET");

    let list = desk.call(&["batches", "--json"]).ended(0);
    let wanted = json!([{
        "key": key, "strategy": "quick", "occasion": "1", "status": "done",
        "legs": 1, "net_delta": { "BTC": "-0.1" }, "admitted_at": report["admitted_at"],
    }]);
    assert_eq!(list, wanted);

    let mut shown = desk.call(&["show", key, "--json"]).ended(0);
    let timeline = shown.as_object_mut().unwrap().remove("timeline").unwrap();
    assert_eq!(shown, report);
    let events: Vec<_> =
        timeline.as_array().unwrap().iter().map(|entry| entry["event"].clone()).collect();
    assert_eq!(events.first(), Some(&json!("admitted")));
    assert_eq!(events.last(), Some(&json!("done")));
    for event in ["intent", "sent", "filled"] {
        assert_eq!(events.iter().filter(|found| **found == json!(event)).count(), 1, "{event}");
    }
    assert!(timeline[0]["at"].as_str().unwrap().ends_with('Z'));
    assert!(desk.call(&["show", key]).stdout().contains("  filled  "));

    let unknown = "0123456789abcdef0123456789abcdef";
    desk.call(&["show", unknown, "--json"]).failed(1, "not_found");
}

#[test]
fn recover_without_a_journal_creates_nothing_and_needs_nothing() {
    let mut desk = Desk::without_venues();
    desk.unset_env("BINANCE_API_KEY");
    assert_eq!(
        desk.call(&["recover", "--json"]).ended(0),
        json!({ "recovered": [], "reviewed": [] })
    );
    assert_eq!(desk.call(&["recover"]).stdout(), "nothing to recover\n");
    let key = "0123456789abcdef0123456789abcdef";
    desk.call(&["show", key, "--json"]).failed(1, "not_found");
    assert!(!desk.path("journal").exists());
}

#[test]
fn recover_with_nothing_open_needs_no_secrets() {
    let mut desk = Desk::with_venues(None);
    desk.call(&["run", "quick.toml", "--json"]).ended(0);
    desk.unset_env("BINANCE_API_KEY");
    assert_eq!(
        desk.call(&["recover", "--json"]).ended(0),
        json!({ "recovered": [], "reviewed": [] })
    );
}

#[test]
fn recover_finishes_what_a_killed_run_left() {
    let desk = Desk::with_venues(None);
    desk.write("resting.toml", RESTING_PLAN.replace("600000", "3000").as_str());
    let mut running = desk.start(&["run", "resting.toml"]);
    assert!(running.until("acknowledged"));
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    let list = desk.call(&["batches", "--json"]).ended(0);
    assert_eq!(list[0]["status"], "running");
    let key = list[0]["key"].as_str().unwrap();
    let shown = desk.call(&["show", key, "--json"]).ended(0);
    assert_eq!(shown["status"], "running");
    assert_eq!(shown["net_delta_range"], json!({ "BTC": { "min": "0", "max": "0.1" } }));
    assert_eq!(shown["in_doubt"][0]["quantity"], "0.1");

    let recovered = desk.call(&["recover", "--json"]).ended(3);
    assert_eq!(recovered["recovered"][0]["key"], key);
    assert_eq!(recovered["recovered"][0]["status"], "flat");
    assert_eq!(recovered["recovered"][0]["duplicate"], false);
    let orders = desk.orders();
    assert_eq!(orders["bybit-linear"].len(), 1);
    assert!(!orders["bybit-linear"][0].is_open());
    let again = desk.call(&["run", "resting.toml", "--json"]).ended(3);
    assert_eq!(again["duplicate"], true);
}

#[test]
fn an_unfinished_batch_needs_its_venue_configured() {
    let desk = Desk::with_venues(None);
    let mut running = desk.start(&["run", "resting.toml"]);
    assert!(running.until("acknowledged"));
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    let config = desk.config("sled").replace("[venues.bybit]", "[venues.elsewhere]");
    desk.write("other.toml", &config);
    let message =
        desk.call(&["recover", "--json", "--config", "other.toml"]).failed(2, "unknown_venue");
    assert!(message.contains("'bybit'"), "{message}");
}

#[test]
fn a_wrong_secret_is_refused_and_leaves_unfinished_batches_as_they_are() {
    let mut desk = Desk::with_venues(None);
    desk.write("resting.toml", RESTING_PLAN.replace("600000", "3000").as_str());
    let mut running = desk.start(&["run", "resting.toml"]);
    assert!(running.until("acknowledged"));
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    let right = desk.env("BYBIT_API_SECRET");
    desk.set_env("BYBIT_API_SECRET", "wrong");
    for arguments in [&["run", "quick.toml", "--json"][..], &["recover", "--json"]] {
        let message = desk.call(arguments).failed(2, "credentials");
        assert!(message.contains("'bybit'"), "{message}");
    }
    assert_eq!(desk.call(&["batches", "--json"]).ended(0)[0]["status"], "running");
    desk.set_env("BYBIT_API_SECRET", &right);
    let recovered = desk.call(&["recover", "--json"]).ended(3);
    assert_eq!(recovered["recovered"][0]["status"], "flat");
}

#[test]
fn a_run_names_the_batches_it_finished_on_its_way_also_when_its_own_plan_is_refused() {
    let desk = Desk::with_venues(None);
    desk.write("resting.toml", RESTING_PLAN.replace("600000", "3000").as_str());
    let large = QUICK_PLAN.replace("\"0.1\"", "\"100000\"").replace("quick", "large");
    desk.write("large.toml", &large);
    let left = || {
        let mut running = desk.start(&["run", "resting.toml"]);
        assert!(running.until("acknowledged"));
        running.child.kill().unwrap();
        running.child.wait().unwrap();
        let list = desk.call(&["batches", "--json"]).ended(0);
        list.as_array().unwrap().last().unwrap()["key"].clone()
    };
    let key = left();
    let report = desk.call(&["run", "quick.toml", "--json"]).ended(0);
    assert_eq!(report["resumed"], json!([{ "key": key, "status": "flat" }]));
    let again = desk.call(&["run", "quick.toml", "--json"]).ended(0);
    assert_eq!(again.get("resumed"), None);

    desk.write(
        "resting.toml",
        RESTING_PLAN.replace("600000", "3000").replace("\"1\"", "\"2\"").as_str(),
    );
    let key = left();
    let refused = desk.call(&["run", "large.toml", "--json"]).ended(2);
    assert_eq!(refused["error"]["code"], "size");
    assert_eq!(refused["resumed"], json!([{ "key": key, "status": "flat" }]));

    desk.write(
        "resting.toml",
        RESTING_PLAN.replace("600000", "3000").replace("\"1\"", "\"3\"").as_str(),
    );
    let key = left();
    let text = desk.call(&["run", "quick.toml"]).stdout();
    assert!(text.ends_with(&format!("resumed   {}: flat\n", key.as_str().unwrap())), "{text}");
}

#[test]
fn an_unfinished_batch_does_not_go_on_at_another_address_unless_told_to() {
    let desk = Desk::with_venues(None);
    desk.write("resting.toml", RESTING_PLAN.replace("600000", "3000").as_str());
    let mut running = desk.start(&["run", "resting.toml"]);
    assert!(running.until("acknowledged"));
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    desk.write("other.toml", &desk.config("sled").replace("127.0.0.1", "localhost"));
    let other = ["--json", "--config", "other.toml"];
    for command in [&["run", "quick.toml"][..], &["recover"]] {
        let message = desk.call(&[command, &other].concat()).failed(2, "other_account");
        assert!(message.contains("--same-accounts"), "{message}");
    }
    assert_eq!(desk.order_count(), 1);
    let told = [&["recover", "--same-accounts"], &other[..]].concat();
    assert_eq!(desk.call(&told).ended(3)["recovered"][0]["status"], "flat");
    assert_eq!(desk.order_count(), 1);
}

#[cfg(unix)]
#[test]
fn a_second_process_on_the_same_journal_is_refused() {
    for kind in ["sled", "redb"] {
        let desk = Desk::with_journal(kind, None);
        let mut running = desk.start(&["run", "resting.toml"]);
        assert!(running.until("acknowledged"));
        for arguments in
            [&["run", "quick.toml", "--json"][..], &["recover", "--json"], &["batches", "--json"]]
        {
            desk.call(arguments).failed(1, "journal_locked");
        }
        assert_eq!(desk.order_count(), 1);
        running.interrupt();
        assert_eq!(running.finish().code(), 3);
        desk.call(&["run", "quick.toml", "--json"]).ended(0);
    }
}

#[test]
fn a_damaged_journal_is_refused_again_and_again() {
    for (kind, store) in [("sled", "journal/sled/db"), ("redb", "journal/journal.redb")] {
        let desk = Desk::with_journal(kind, None);
        desk.call(&["run", "quick.toml", "--json"]).ended(0);
        let len = std::fs::metadata(desk.path(store)).unwrap().len();
        let garbage = vec![0x5a; usize::try_from(len).unwrap()];
        std::fs::write(desk.path(store), garbage).unwrap();
        for arguments in
            [&["run", "quick.toml", "--json"][..], &["recover", "--json"], &["batches", "--json"]]
        {
            desk.call(arguments).failed(1, "journal_damaged");
        }
        assert_eq!(desk.order_count(), 1);
    }
}

#[test]
fn shared_options_stand_before_and_after_the_arguments() {
    let desk = Desk::with_venues(None);
    std::fs::rename(desk.path("equipoise.toml"), desk.path("desk.toml")).unwrap();
    for arguments in [
        &["--config", "desk.toml", "--json", "run", "quick.toml"][..],
        &["run", "--config", "desk.toml", "--json", "quick.toml"],
        &["run", "quick.toml", "--json", "--config", "desk.toml"],
        &["--json", "run", "quick.toml", "--config=desk.toml"],
        &[
            "--json",
            "--config",
            "none.toml",
            "run",
            "quick.toml",
            "--config",
            "desk.toml",
            "--json",
        ],
    ] {
        assert_eq!(desk.call(arguments).ended(0)["status"], "done");
    }
    assert_eq!(desk.order_count(), 1);
}

#[test]
fn relative_paths_count_from_the_configuration() {
    let desk = Desk::with_venues(None);
    std::fs::create_dir(desk.path("etc")).unwrap();
    std::fs::rename(desk.path("equipoise.toml"), desk.path("etc/equipoise.toml")).unwrap();
    desk.call(&["run", "quick.toml", "--json", "--config", "etc/equipoise.toml"]).ended(0);
    assert!(desk.path("etc/journal").exists());
    assert!(!desk.path("journal").exists());
}

#[test]
fn a_damaged_journal_is_named_with_its_folder() {
    let desk = Desk::with_venues(None);
    desk.call(&["run", "quick.toml", "--json"]).ended(0);
    let store = desk.path("journal/sled/db");
    let len = usize::try_from(std::fs::metadata(&store).unwrap().len()).unwrap();
    std::fs::write(&store, vec![0x5a; len]).unwrap();
    for command in
        [&["batches", "--json"][..], &["recover", "--json"], &["run", "quick.toml", "--json"]]
    {
        let message = desk.call(command).failed(1, "journal_damaged");
        assert!(message.ends_with("/journal)"), "{message}");
    }
}

#[test]
fn a_batch_is_shown_by_the_first_digits_of_its_key_as_the_log_prints_them() {
    let desk = Desk::with_venues(None);
    let key =
        desk.call(&["run", "quick.toml", "--json"]).ended(0)["key"].as_str().unwrap().to_owned();
    let whole = desk.call(&["show", &key, "--json"]).ended(0);
    for digits in [8, 31] {
        assert_eq!(desk.call(&["show", &key[..digits], "--json"]).ended(0), whole);
    }
    let message = desk.call(&["show", &key[..7], "--json"]).failed(2, "usage");
    assert!(message.contains("first 8 or more"), "{message}");
    desk.call(&["show", "0123456789", "--json"]).failed(1, "not_found");
    let batches = desk.call(&["batches"]).stdout();
    assert!(batches.contains(", 1 leg, net delta"), "{batches}");
    let text = desk.call(&["show", &key]).stdout();
    assert!(text.contains("at bybit, filled 0.1 of 0.1 BTC at"), "{text}");
}
