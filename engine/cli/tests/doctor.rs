//! `doctor` says of the journal and of every configured venue whether a batch could run there, and sends no order.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeMap;

use equipoise_sim::{
    Broken, Credentials, Effect, Exchange, Fault, MarginMode, Occurrence, Operation, Running,
    ServeOptions, Settings, adapters, serve,
};
use serde_json::{Value, json};
use support::{Desk, Simulated};

/// Every check of a venue in order, with what is printed where all is well and no number in it moves.
const CHECKS: [(&str, &str); 9] = [
    ("reachable", ""),
    ("clock", ""),
    ("key", "accepted, may trade"),
    ("withdrawal", ""),
    ("position mode", "one-way"),
    ("margin mode", ""),
    ("instruments", ""),
    ("orders", "can be listed"),
    ("balances", ""),
];

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Check, verdict and what was found at one venue.
fn findings(document: &Value, venue: &str) -> Vec<[String; 3]> {
    let venues = document["venues"].as_array().unwrap();
    let venue = venues.iter().find(|one| one["venue"] == venue).unwrap();
    let checks = venue["checks"].as_array().unwrap().iter();
    checks.map(|check| ["check", "verdict", "found"].map(|field| text(&check[field]))).collect()
}

fn finding(document: &Value, venue: &str, check: &str) -> [String; 2] {
    let found = findings(document, venue).into_iter().find(|found| found[0] == check);
    let [_, verdict, found] = found.unwrap();
    [verdict, found]
}

fn journal(document: &Value) -> [String; 2] {
    ["verdict", "found"].map(|field| text(&document["journal"][field]))
}

/// A line for people.
fn line(verdict: &str, check: &str, found: &str) -> String {
    format!("  {verdict:<5} {check:<14} {found}")
}

/// Exchanges in this process, set up as a test wants them, and a desk that is configured for them.
struct Hosts {
    desk: Desk,
    hosts: Vec<Running>,
    config: String,
    runtime: tokio::runtime::Runtime,
}

impl Hosts {
    fn new() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let config = "[journal]\nkind = \"memory\"\n".to_owned();
        Self { desk: Desk::without_venues(), hosts: Vec::new(), config, runtime }
    }

    /// One with the demo key; its name is the adapter's.
    fn add(self, adapter: &str, settings: Settings) -> Self {
        let exchange = Exchange::start(adapter, Credentials::demo(adapter), settings).unwrap();
        self.add_exchange(exchange, "")
    }

    fn add_exchange(mut self, exchange: Exchange, further: &str) -> Self {
        let adapter = exchange.adapter();
        let any = ([127, 0, 0, 1], 0).into();
        let served = serve(exchange, any, ServeOptions::default());
        let host = self.runtime.block_on(served).unwrap();
        let demo = Credentials::demo(adapter);
        self.config.push_str(&venue(&mut self.desk, adapter, &demo, &host.base_url(), further));
        self.hosts.push(host);
        self.desk.write("equipoise.toml", &self.config);
        self
    }

    /// The same answer as a document and as lines.
    fn doctor(&self, code: i32) -> (Value, String) {
        let document = self.desk.call(&["doctor", "--json"]).ended(code);
        let printed = self.desk.call(&["doctor"]);
        assert_eq!(printed.code(), code, "{printed:?}");
        (document, printed.stdout())
    }
}

/// The configuration of one venue, whose key is put into the desk's variables.
fn venue(
    desk: &mut Desk,
    adapter: &str,
    credentials: &Credentials,
    url: &str,
    further: &str,
) -> String {
    let Credentials { key, secret, passphrase, .. } = credentials;
    let prefix = adapter.to_uppercase().replace('-', "_");
    let mut config = format!(
        "[venues.{adapter}]\nadapter = \"{adapter}\"\nrest_url = \"{url}\"\n\
         api_key_env = \"{prefix}_KEY\"\napi_secret_env = \"{prefix}_SECRET\"\n{further}"
    );
    desk.set_env(&format!("{prefix}_KEY"), key);
    desk.set_env(&format!("{prefix}_SECRET"), secret);
    if let Some(passphrase) = passphrase {
        config.push_str(&format!("api_passphrase_env = \"{prefix}_PHRASE\"\n"));
        desk.set_env(&format!("{prefix}_PHRASE"), passphrase);
    }
    config
}

#[test]
fn every_adapter_is_well_in_every_check_and_every_finding_is_a_printed_line() {
    let all = adapters().iter();
    let hosts = all.fold(Hosts::new(), |hosts, adapter| hosts.add(adapter, Settings::default()));
    let (document, printed) = hosts.doctor(0);
    assert_eq!(document["could_run"], true);
    assert_eq!(document["venues"].as_array().unwrap().len(), 10);
    assert_eq!(journal(&document), ["ok", "in memory: gone with the process"]);
    for adapter in adapters() {
        let findings = findings(&document, adapter);
        assert_eq!(findings.len(), CHECKS.len(), "{adapter}");
        let untold = ["binance-usdm", "binance-coinm"].contains(adapter);
        for ([check, verdict, found], (wanted, told)) in findings.iter().zip(CHECKS) {
            // The right to withdraw is told by another host, whose address is fixed in production only.
            let well = if untold && wanted == "withdrawal" { "warn" } else { "ok" };
            assert_eq!([check.as_str(), verdict], [wanted, well], "{adapter}: {found}");
            assert!(found.starts_with(told), "{adapter}: {found}");
            // Times differ from one call to the next.
            let shown = match wanted {
                "reachable" => line("ok", wanted, "round trip "),
                "clock" => line("ok", wanted, ""),
                _ if well == "ok" => line(well, wanted, found) + "\n",
                _ => line("WARN", wanted, found) + "\n",
            };
            assert!(printed.contains(&shown), "{adapter}: {shown}{printed}");
        }
        let spot = adapter.ends_with("spot") || *adapter == "coinbase";
        let margin = if spot { "none, or not told" } else { "cross" };
        assert_eq!(finding(&document, adapter, "margin mode"), ["ok", margin], "{adapter}");
        assert!(printed.contains(&format!("{adapter} ({adapter})\n")));
    }
    assert!(printed.starts_with(&format!("journal\n{}", line("ok", "journal", "in memory"))));
    assert!(printed.ends_with("a batch could run\n"), "{printed}");
    for host in &hosts.hosts {
        assert_eq!(host.with(|exchange| exchange.ledger()).orders, []);
    }
}

#[test]
fn a_key_that_only_reads_is_bad_where_the_venue_tells_it() {
    let telling = ["binance-spot", "bybit-linear", "okx-swap", "deribit", "coinbase"];
    let hosts = telling.iter().fold(Hosts::new(), |hosts, adapter| {
        let key = Credentials { may_trade: false, ..Credentials::demo(adapter) };
        let exchange = Exchange::start(adapter, key, Settings::default()).unwrap();
        hosts.add_exchange(exchange, "")
    });
    let (document, printed) = hosts.doctor(1);
    assert_eq!(document["could_run"], false);
    for adapter in telling {
        assert_eq!(finding(&document, adapter, "key"), ["bad", "accepted, may not trade"]);
    }
    assert_eq!(printed.matches(&line("BAD", "key", "accepted, may not trade\n")).count(), 5);
    let names = "binance-spot, bybit-linear, coinbase, deribit, okx-swap";
    let last = format!("no batch could run, in the way: {names}\n");
    assert!(printed.ends_with(&last), "{printed}");
}

#[test]
fn hedge_mode_and_isolated_margin_are_told_and_no_hindrance() {
    let (hedge_mode, margin_mode) = (true, MarginMode::Isolated);
    let hosts = ["binance-usdm", "binance-coinm", "bybit-linear"].iter().fold(
        Hosts::new().add("okx-swap", Settings { hedge_mode, ..Settings::default() }),
        |hosts, adapter| {
            hosts.add(adapter, Settings { hedge_mode, margin_mode, ..Settings::default() })
        },
    );
    let (document, printed) = hosts.doctor(0);
    for adapter in ["binance-usdm", "binance-coinm", "bybit-linear", "okx-swap"] {
        assert_eq!(finding(&document, adapter, "position mode"), ["ok", "hedge"], "{adapter}");
        let margin = if adapter == "okx-swap" { "cross" } else { "isolated" };
        assert_eq!(finding(&document, adapter, "margin mode"), ["ok", margin], "{adapter}");
    }
    assert_eq!(printed.matches(&line("ok", "position mode", "hedge\n")).count(), 4);
    assert_eq!(printed.matches(&line("ok", "margin mode", "isolated\n")).count(), 3);
}

#[test]
fn an_account_that_its_adapter_refuses_is_bad_and_says_what_is_allowed() {
    let margin_mode = MarginMode::Portfolio;
    let settings = Settings { margin_mode, ..Settings::default() };
    let (document, printed) = Hosts::new().add("okx-swap", settings).doctor(1);
    let why = "refused with code account-level: swaps are not traded on an account in portfolio \
               margin, allowed are futures mode, multi-currency margin";
    assert_eq!(finding(&document, "okx-swap", "key"), ["bad", why]);
    assert!(printed.contains(&line("BAD", "key", why)), "{printed}");
}

#[test]
fn a_clock_that_run_would_not_stamp_by_is_bad_in_the_same_words() {
    let adapter = "bybit-linear";
    let demo = Credentials::demo(adapter);
    let mut exchange = Exchange::start(adapter, demo, Settings::default()).unwrap();
    let late = Effect::DelayAnswer { delay_ms: 300 };
    exchange.inject(Fault::on(Operation::Time, Occurrence::Every, late));
    // A quarter of the window is 125 ms, and half of 300 ms are more.
    let hosts = Hosts::new().add_exchange(exchange, "request_window_ms = 500\n");
    let (document, printed) = hosts.doctor(1);
    let [verdict, found] = finding(&document, adapter, "clock");
    let in_words = |text: &str| {
        let (_, rest) = text.split_once("its clock is known to ").unwrap();
        rest.split_once(' ').unwrap().1.to_owned()
    };
    assert_eq!(verdict, "bad");
    assert_eq!(in_words(&found), "ms only, needed are 125 ms");
    assert!(printed.contains(&line("BAD", "clock", "its clock is known to ")), "{printed}");
    hosts.desk.write("plan.toml", &support::QUICK_PLAN.replace("\"bybit\"", "\"bybit-linear\""));
    let checked = hosts.desk.call(&["check", "plan.toml", "--json"]).failed(1, "venue_unready");
    assert_eq!(in_words(&checked), in_words(&found));
}

#[test]
fn an_account_whose_orders_cannot_be_listed_is_bad() {
    let demo = Credentials::demo("coinbase");
    let mut exchange = Exchange::start("coinbase", demo, Settings::default()).unwrap();
    let unreadable = Effect::BreakAnswer(Broken::Truncated);
    exchange.inject(Fault::on(Operation::QueryOrders, Occurrence::Every, unreadable));
    let (document, printed) = Hosts::new().add_exchange(exchange, "").doctor(1);
    let [verdict, found] = finding(&document, "coinbase", "orders");
    assert_eq!(verdict, "bad");
    assert!(found.starts_with("no usable answer: "), "{found}");
    assert!(printed.contains(&line("BAD", "orders", "no usable answer: ")), "{printed}");
}

#[test]
fn an_account_without_funds_is_bad() {
    let funds = [("USDT".to_owned(), 0.into())].into();
    let settings = Settings { funds, ..Settings::default() };
    let (document, printed) = Hosts::new().add("binance-usdm", settings).doctor(1);
    let found = ["bad", "nothing to trade with"];
    assert_eq!(finding(&document, "binance-usdm", "balances"), found);
    assert!(printed.contains(&line("BAD", "balances", "nothing to trade with\n")), "{printed}");
}

#[test]
fn without_a_venue_no_batch_could_run() {
    let desk = Desk::without_venues();
    desk.write("equipoise.toml", "[journal]\nkind = \"memory\"\n");
    assert_eq!(desk.call(&["doctor", "--json"]).ended(1)["could_run"], false);
    let printed = desk.call(&["doctor"]).stdout();
    assert!(printed.ends_with("no batch could run: no venue is configured\n"), "{printed}");
}

#[test]
fn a_journal_that_is_not_there_is_not_made() {
    let desk = Desk::with_venues(None);
    let document = desk.call(&["doctor", "--json"]).ended(0);
    assert_eq!(journal(&document), ["ok", "there is none yet, the first batch makes it"]);
    assert!(!desk.path("journal").exists());
    assert_eq!(desk.order_count(), 0);
    desk.write("journal", "a file where the folder should be");
    let document = desk.call(&["doctor", "--json"]).ended(1);
    assert_eq!(journal(&document)[0], "bad");
}

#[cfg(unix)]
#[test]
fn a_journal_in_use_is_bad_and_one_that_was_looked_at_is_given_up_again() {
    let desk = Desk::with_venues(None);
    let mut running = desk.start(&["run", "resting.toml"]);
    assert!(running.until("acknowledged"));
    let document = desk.call(&["doctor", "--json"]).ended(1);
    let [verdict, found] = journal(&document);
    assert_eq!(verdict, "bad");
    assert!(found.ends_with("is in use by another process"), "{found}");
    let printed = desk.call(&["doctor"]).stdout();
    assert!(printed.contains(&line("BAD", "journal", &found)), "{printed}");
    assert!(printed.ends_with("no batch could run, in the way: the journal\n"), "{printed}");
    running.interrupt();
    assert_eq!(running.finish().code(), 3);
    for _ in 0..2 {
        let document = desk.call(&["doctor", "--json"]).ended(0);
        assert_eq!(journal(&document), ["ok", "opens, no batch is unfinished"]);
    }
    assert_eq!(desk.call(&["run", "quick.toml"]).code(), 0);
}

#[test]
fn a_journal_that_is_damaged_or_full_is_bad() {
    for (kind, store) in [("sled", "journal/sled/db"), ("redb", "journal/journal.redb")] {
        let desk = Desk::with_journal(kind, None);
        desk.call(&["run", "quick.toml", "--json"]).ended(0);
        let config = std::fs::read_to_string(desk.path("equipoise.toml")).unwrap();
        let never =
            config.replace("free_floor_bytes = 0", "free_floor_bytes = 9000000000000000000");
        desk.write("equipoise.toml", &never);
        let [verdict, found] = journal(&desk.call(&["doctor", "--json"]).ended(1));
        assert_eq!(verdict, "bad");
        assert!(found.ends_with("keeps 9000000000000000000: no further batch"), "{found}");
        desk.write("equipoise.toml", &config);
        desk.call(&["doctor", "--json"]).ended(0);
        let len = std::fs::metadata(desk.path(store)).unwrap().len();
        let garbage = vec![0x5a; usize::try_from(len).unwrap()];
        std::fs::write(desk.path(store), &garbage).unwrap();
        let [verdict, found] = journal(&desk.call(&["doctor", "--json"]).ended(1));
        assert_eq!(verdict, "bad");
        assert!(found.starts_with("journal is damaged: "), "{found}");
        assert_eq!(std::fs::read(desk.path(store)).unwrap(), garbage);
    }
}

#[cfg(unix)]
#[test]
fn a_full_device_is_bad_before_there_is_a_journal_too() {
    let desk = Desk::with_venues(None);
    let config = desk.config("sled");
    let never = config.replace("free_floor_bytes = 0", "free_floor_bytes = 9000000000000000000");
    desk.write("equipoise.toml", &never);
    let [verdict, found] = journal(&desk.call(&["doctor", "--json"]).ended(1));
    assert_eq!(verdict, "bad");
    assert!(found.ends_with("keeps 9000000000000000000: no further batch"), "{found}");
    assert!(!desk.path("journal").exists());
}

#[test]
fn a_venue_nobody_serves_is_said_to_be_out_of_reach() {
    let desk = Desk::without_venues();
    let document = desk.call(&["doctor", "--json"]).ended(1);
    assert_eq!(document["could_run"], false);
    let findings = findings(&document, "binance");
    assert_eq!((findings.len(), &*findings[0][0], &*findings[0][1]), (1, "reachable", "bad"));
    assert!(desk.call(&["doctor"]).stdout().contains(&line("BAD", "reachable", "")));
}

#[test]
fn a_key_that_is_refused_is_named_and_no_secret_is() {
    let mut desk = Desk::with_venues(None);
    desk.set_env("BYBIT_API_SECRET", "another-secret-7391");
    let document = desk.call(&["doctor", "--json"]).ended(1);
    assert_eq!(finding(&document, "bybit", "key")[0], "bad");
    let printed = desk.call(&["doctor"]).stdout();
    assert!(printed.contains(&line("BAD", "key", "credentials refused with code 10004")));
    assert!(!document.to_string().contains("7391") && !printed.contains("7391"));
}

/// One venue of each exchange, named as its adapter.
const EXCHANGES: [&str; 6] =
    ["binance-spot", "binance-usdm", "bybit-linear", "coinbase", "deribit", "okx-swap"];

/// What `doctor` says about withdrawal at each exchange, all of them keeping or not keeping that right for their key.
fn withdrawal(may_withdraw: bool) -> BTreeMap<String, (String, String)> {
    let mut desk = Desk::without_venues();
    let keys = EXCHANGES.map(|adapter| {
        let Credentials { key, secret, passphrase, public, .. } = Credentials::demo(adapter);
        let entry = json!({
            "key": key, "secret": secret, "passphrase": passphrase, "public": public,
            "may_withdraw": may_withdraw,
        });
        (adapter.to_owned(), entry)
    });
    desk.write("keys.json", &Value::from_iter(keys).to_string());
    let exchanges = Simulated::start(&desk, &EXCHANGES, &["--credentials", "keys.json"]);
    let mut config = "[journal]\nkind = \"memory\"\n".to_owned();
    for adapter in EXCHANGES {
        let (demo, url) = (Credentials::demo(adapter), exchanges.url(adapter));
        config.push_str(&venue(&mut desk, adapter, &demo, url, ""));
    }
    desk.write("equipoise.toml", &config);
    let document = desk.call(&["doctor", "--json"]).ended(0);
    let venues = document["venues"].as_array().unwrap().iter();
    let told = venues.map(|venue| {
        let checks = venue["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["check"] == "withdrawal").unwrap();
        (text(&venue["adapter"]), (text(&check["verdict"]), text(&check["found"])))
    });
    told.collect()
}

fn at_each_exchange(verdict: &str, found: &str) -> BTreeMap<String, (String, String)> {
    // Their rights are told by another host, whose address is fixed in production only.
    let futures = ("warn", "not told at this address: see to it at the exchange");
    let told = EXCHANGES.map(|adapter| {
        let (verdict, found) = if adapter == "binance-usdm" { futures } else { (verdict, found) };
        (adapter.to_owned(), (verdict.to_owned(), found.to_owned()))
    });
    told.into()
}

#[test]
fn a_key_that_may_withdraw_is_warned_of_where_the_venue_tells_and_nowhere_else() {
    let warning = "the key may move funds away, which trading never needs: take it off";
    assert_eq!(withdrawal(true), at_each_exchange("warn", warning));
    let all_well = "the key may not move funds away";
    assert_eq!(withdrawal(false), at_each_exchange("ok", all_well));
}
