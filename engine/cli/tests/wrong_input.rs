//! Whatever is wrong with the input is found before any order: exit code 2, a stable word, nothing sent.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use equipoise_sim::Fault;
use support::{Desk, PLAN, Simulated};

/// The plan is refused by `key` and by `run` alike, the latter before it asks any venue.
fn refuse_plan(desk: &Desk, text: &str) -> String {
    desk.write("plan.toml", text);
    let message = desk.call(&["key", "plan.toml", "--json"]).failed(2, "plan_invalid");
    let at_run = desk.call(&["run", "plan.toml", "--json"]).failed(2, "plan_invalid");
    assert_eq!(message, at_run);
    assert!(!desk.path("journal").exists());
    message
}

#[test]
fn unknown_fields_of_a_plan_are_named_with_their_line() {
    let desk = Desk::without_venues();
    for (text, place) in [
        (PLAN.replace("occasion =", "ocasion ="), "line 2: unknown field `ocasion`"),
        (PLAN.replacen("side =", "sdie =", 1), "line 8: unknown field `sdie`"),
        (
            PLAN.replacen("\"0.1\"", "{ qoute = \"6500\" }", 1),
            "line 10, quantity: unknown field `qoute`",
        ),
        (PLAN.replace("leg_timeout_ms", "leg_timeout"), "line 22: unknown field `leg_timeout`"),
    ] {
        let message = refuse_plan(&desk, &text);
        assert!(message.starts_with(&format!("plan.toml: {place}")), "{message}");
    }
}

#[test]
fn only_plain_positive_decimals_are_numbers() {
    let desk = Desk::without_venues();
    for number in [
        "NaN",
        "inf",
        "-0.1",
        "+0.1",
        "0",
        "0.0",
        "1e3",
        "1E-3",
        "1_000",
        "0x10",
        ".1",
        "1.",
        "",
        " 1",
        "1,5",
        "١",
        "0.1 ",
        "99999999999999999999999999999999",
        "0.0000000000000000000001",
    ] {
        let text = PLAN.replacen("\"0.1\"", &format!("\"{number}\""), 1);
        let message = refuse_plan(&desk, &text);
        assert!(message.contains("line 10"), "{number}: {message}");
    }
    for bare in ["0.1", "1", "nan", "inf", "-inf", "true", "[]"] {
        let text = PLAN.replacen("\"0.1\"", bare, 1);
        refuse_plan(&desk, &text);
    }
}

#[test]
fn names_are_short_ascii() {
    let desk = Desk::without_venues();
    let long = "x".repeat(65);
    for name in ["", "lönng", "a b", "a/b", "a\\n", "\u{0430}", long.as_str()] {
        for field in ["\"funding-arb\"", "\"2026-11-22T08:00:00Z\"", "\"long\"", "\"binance\""] {
            let text = PLAN.replacen(field, &format!("\"{name}\""), 1);
            let message = refuse_plan(&desk, &text);
            assert!(message.contains("is not allowed"), "{message}");
        }
    }
}

#[test]
fn what_a_plan_lacks_or_misspells_is_told_in_the_words_of_its_writer() {
    let desk = Desk::without_venues();
    let policy = PLAN.find("[policy]").unwrap();
    let legs = PLAN.find("[[legs]]").unwrap();
    for (text, message) in [
        (
            PLAN.replace("\"2026-11-22T08:00:00Z\"", "2026-11-22T08:00:00Z"),
            "line 2, occasion: a date without quotes, expected a string in quotes",
        ),
        (PLAN[..policy].to_owned(), "missing field `policy`"),
        (format!("{}{}", &PLAN[..legs], &PLAN[policy..]), "missing field `legs`"),
        (
            PLAN.replace("10000", "\"10000\""),
            "line 22, leg_timeout_ms: invalid type: string \"10000\", expected a whole number from 1 to 86400000",
        ),
        (
            PLAN.replace("10000", "-1"),
            "line 22, leg_timeout_ms: invalid value: integer `-1`, expected a whole number from 1 to 86400000",
        ),
        (
            PLAN.replace("\"unwind\"", "\"hedge\""),
            "line 21, on_residual: unknown variant `hedge`, expected `unwind` or `park`",
        ),
    ] {
        assert_eq!(refuse_plan(&desk, &text), format!("plan.toml: {message}"));
    }
}

#[test]
fn a_cycle_is_named() {
    let desk = Desk::without_venues();
    let text = PLAN
        .replacen("quantity", "after = [\"short\"]\nquantity", 1)
        .replace("name = \"short\"", "name = \"short\"\nafter = [\"long\"]");
    assert_eq!(refuse_plan(&desk, &text), "legs wait for each other: long after short after long");
}

#[test]
fn a_dependency_on_no_leg_is_named() {
    let desk = Desk::without_venues();
    let text = PLAN.replacen("quantity", "after = [\"hedge\"]\nquantity", 1);
    assert_eq!(
        refuse_plan(&desk, &text),
        "leg 'long': after names 'hedge', which is no leg of this plan"
    );
}

#[test]
fn no_legs_and_a_thousand_legs_are_refused() {
    let desk = Desk::without_venues();
    let (head, rest) = PLAN.split_at(PLAN.find("[[legs]]").unwrap());
    let policy = &rest[rest.find("[policy]").unwrap()..];
    let empty = format!("{head}legs = []\n{policy}");
    assert_eq!(refuse_plan(&desk, &empty), "plan has 0 legs, allowed are 1 to 64");
    let mut many = head.to_owned();
    for index in 0..1_000 {
        let _ = write!(
            many,
            "[[legs]]\nname = \"l{index}\"\nvenue = \"binance\"\ninstrument = \"BTCUSDT\"\n\
             side = \"buy\"\ntype = \"market\"\nquantity = \"0.1\"\n"
        );
    }
    many.push_str(policy);
    assert_eq!(refuse_plan(&desk, &many), "plan has 1000 legs, allowed are 1 to 64");
}

#[test]
fn a_huge_file_and_one_that_is_no_text_are_not_read() {
    let desk = Desk::without_venues();
    let huge = format!("{PLAN}# {}", "x".repeat(2 * 1024 * 1024));
    assert_eq!(refuse_plan(&desk, &huge), "plan.toml: is larger than 1048576 bytes");
    std::fs::write(desk.path("plan.toml"), [0xff, 0xfe, 0x00]).unwrap();
    desk.call(&["key", "plan.toml", "--json"]).failed(2, "plan_invalid");
    desk.call(&["key", "missing.toml", "--json"]).failed(2, "plan_invalid");
}

#[test]
fn policies_that_are_not_supported_yet_say_so() {
    let desk = Desk::without_venues();
    for policy in ["trim", "complete"] {
        let text = PLAN.replace("\"unwind\"", &format!("\"{policy}\""));
        let message = refuse_plan(&desk, &text);
        assert!(message.contains("not yet supported"), "{message}");
    }
}

#[test]
fn wrong_configuration_is_named_by_field_and_line() {
    let desk = Desk::without_venues();
    let good = desk.config("sled");
    let cases = [
        (good.replace("ballast_bytes", "balast_bytes"), "line 4: unknown field `balast_bytes`"),
        (good.replacen("positions", "position", 1), "line 13: unknown field `position`"),
        (good.replace("\"sled\"", "\"postgres\""), "line 2, kind: unknown variant `postgres`"),
        (good.replacen("2000", "\"2000\"", 1), "line 12, request_window_ms: invalid type"),
        (good.replacen("exclusive", "mine", 1), "line 13, positions: unknown variant `mine`"),
    ];
    for (text, place) in cases {
        desk.write("equipoise.toml", &text);
        for command in ["run", "check"] {
            let message = desk.call(&[command, "plan.toml", "--json"]).failed(2, "config_invalid");
            let wanted = format!("equipoise.toml: {place}");
            assert!(message.starts_with(&wanted), "{message}");
        }
    }
    desk.call(&["batches", "--json", "--config", "missing.toml"]).failed(2, "config_invalid");
}

#[test]
fn an_unknown_adapter_a_wrong_url_and_a_wrong_window_are_refused() {
    let desk = Desk::without_venues();
    let good = desk.config("sled");
    for (text, word, field) in [
        (good.replace("binance-usdm", "kraken-spot"), "unknown_adapter", "adapter"),
        (good.replace("binance-usdm", "ftx-perp"), "unknown_adapter", "adapter"),
        (good.replacen("http://", "ftp://", 1), "config_invalid", "rest_url"),
        (good.replacen("2000", "60000", 1), "config_invalid", "request_window_ms"),
    ] {
        desk.write("equipoise.toml", &text);
        let message = desk.call(&["run", "plan.toml", "--json"]).failed(2, word);
        let place = format!("equipoise.toml: [venues.binance], {field}: ");
        assert!(message.starts_with(&place), "{message}");
        assert!(!desk.path("journal").exists());
    }
}

#[test]
fn an_exchange_that_closed_is_refused_by_name_and_others_with_the_list() {
    let mut desk = Desk::without_venues();
    // The name is looked at before the keys: nobody has any for it.
    desk.unset_env("BINANCE_API_KEY");
    let known = "known are binance-usdm, binance-coinm, binance-spot, bybit-linear, bybit-inverse, bybit-spot, \
                 okx-swap, okx-spot, deribit, coinbase";
    for (adapter, message) in [
        (
            "ftx",
            format!(
                "adapter 'ftx' of venue binance does not exist: the exchange closed in November 2022; {known}"
            ),
        ),
        ("kraken", format!("adapter 'kraken' of venue binance is not known: {known}")),
    ] {
        desk.write("equipoise.toml", &desk.config("sled").replace("binance-usdm", adapter));
        assert_eq!(
            desk.call(&["check", "plan.toml", "--json"]).failed(2, "unknown_adapter"),
            format!("equipoise.toml: [venues.binance], adapter: {message}")
        );
    }
}

#[test]
fn a_missing_variable_is_named() {
    let mut desk = Desk::without_venues();
    desk.unset_env("BYBIT_API_SECRET");
    let message = desk.call(&["run", "plan.toml", "--json"]).failed(2, "credentials");
    assert_eq!(
        message,
        "venue 'bybit': environment variable BYBIT_API_SECRET (api_secret_env) is not set"
    );
}

#[test]
fn a_wrong_key_or_secret_is_found_by_a_signed_read_and_nothing_is_sent() {
    for variable in ["BINANCE_API_KEY", "BINANCE_API_SECRET", "BYBIT_API_KEY", "BYBIT_API_SECRET"] {
        let mut desk = Desk::with_venues(None);
        desk.set_env(variable, "wrong-canary");
        for command in ["check", "run"] {
            let answer = desk.call(&[command, "plan.toml", "--json"]);
            let message = answer.failed(2, "credentials");
            assert!(!message.contains("canary"), "{message}");
        }
        assert_eq!(desk.order_count(), 0, "{variable}");
        assert!(!desk.path("journal").exists(), "{variable}");
    }
}

#[test]
fn a_leg_too_small_and_an_unknown_symbol_are_refused() {
    let desk = Desk::with_venues(None);
    for (text, word) in [
        (PLAN.replace("\"0.1\"", "\"0.0001\""), "size"),
        (PLAN.replace("\"0.1\"", "\"0.001\""), "size"),
        (PLAN.replacen("BTCUSDT", "DOGEUSDT", 1), "unknown_instrument"),
        (PLAN.replace("\"bybit\"", "\"okx\""), "unknown_venue"),
    ] {
        desk.write("plan.toml", &text);
        for command in ["check", "run"] {
            desk.call(&[command, "plan.toml", "--json"]).failed(2, word);
        }
    }
    assert_eq!(desk.order_count(), 0);
    assert!(!desk.path("journal").exists());
    // The key was not used up: the good plan still runs.
    desk.write("plan.toml", PLAN);
    desk.call(&["run", "plan.toml", "--json"]).ended(0);
}

#[test]
fn a_venue_that_does_not_answer_is_not_the_inputs_fault() {
    let desk = Desk::without_venues();
    let message = desk.call(&["run", "plan.toml", "--json"]).failed(1, "venue_unready");
    assert!(message.contains("not sent: 127.0.0.1:1: "), "{message}");
    assert!(!desk.path("journal").exists());
}

#[test]
fn wrong_usage_is_code_2_and_help_is_code_0() {
    let desk = Desk::without_venues();
    for arguments in [
        &["--json"][..],
        &["frobnicate", "--json"],
        &["run", "--json"],
        &["run", "plan.toml", "--frob", "--json"],
        &["sim", "--json"],
        &["sim", "--venue", "binance-usdm", "--json"],
        &["show", "xyz", "--json"],
    ] {
        desk.call(arguments).failed(2, "usage");
    }
    for arguments in [&["--help"][..], &["run", "--help"], &["sim", "--help"], &["--version"]] {
        assert_eq!(desk.call(arguments).code(), 0);
    }
    let answer = desk.call(&["run"]);
    assert_eq!((answer.code(), answer.stdout().as_str()), (2, ""));
    assert!(answer.stderr().starts_with("error: "), "{answer:?}");
    let bare = desk.call(&[]);
    assert_eq!((bare.code(), bare.stdout().as_str()), (2, ""));
    assert!(bare.stderr().starts_with("Multi-exchange batches"), "{bare:?}");
    assert!(bare.stderr().contains("Usage: equipoise"), "{bare:?}");
}

#[test]
fn the_help_of_sim_names_every_adapter_fault_and_field_of_credentials() {
    let desk = Desk::without_venues();
    let help = desk.call(&["sim", "--help"]).stdout();
    let names = equipoise_sim::adapters().iter().copied().chain(Fault::names()).map(str::to_owned);
    let kinds = Fault::kinds().map(|kind| format!("ADAPTER-{kind} "));
    let fields =
        ["key", "secret", "passphrase", "may_trade", "may_withdraw"].map(|it| format!("{it} "));
    for name in names.chain(kinds).chain(fields) {
        assert!(help.contains(&format!("\n  {name}")), "{name}: {help}");
    }
}

#[test]
fn wrong_simulator_arguments_are_refused() {
    let desk = Desk::without_venues();
    let venue = "binance-usdm=127.0.0.1:0";
    desk.write("partial.json", "{\"bybit-linear\": {\"key\": \"k\", \"secret\": \"canary\"}}");
    desk.write("broken.json", "\"canary\"");
    for (arguments, word) in [
        (&["sim", "--venue", "ftx=127.0.0.1:0", "--json"][..], "unknown_adapter"),
        (&["sim", "--venue", venue, "--fault", "meteor", "--json"], "unknown_fault"),
        (&["sim", "--venue", venue, "--fault", "bybit-reject", "--json"], "unknown_fault"),
        (&["sim", "--venue", venue, "--venue", venue, "--json"], "usage"),
        (&["sim", "--venue", "binance-usdm=nowhere", "--json"], "usage"),
        (&["sim", "--venue", venue, "--credentials", "partial.json", "--json"], "credentials"),
        (&["sim", "--venue", venue, "--credentials", "broken.json", "--json"], "credentials"),
    ] {
        let message = desk.call(arguments).failed(2, word);
        assert!(!message.contains("canary"), "{message}");
    }
}

#[test]
fn a_ledger_that_cannot_be_written_is_refused_before_anything_is_served() {
    let desk = Desk::without_venues();
    let venue = "binance-usdm=127.0.0.1:0";
    let arguments = ["sim", "--venue", venue, "--ledger", "nodir/ledger.json", "--json"];
    let message = desk.call(&arguments).failed(1, "ledger");
    assert!(
        message.starts_with("ledger \"nodir/ledger.json\" not accessible: No such file"),
        "{message}"
    );
}

#[cfg(unix)]
#[test]
fn a_ledger_stays_as_it_is_where_the_address_is_taken() {
    let desk = Desk::without_venues();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let venue = format!("bybit-linear={}", taken.local_addr().unwrap());
    desk.write("ledger.json", "{ }\n");
    let arguments = ["sim", "--venue", &venue, "--ledger", "ledger.json", "--json"];
    desk.call(&arguments).failed(1, "not_served");
    assert_eq!(std::fs::read_to_string(desk.path("ledger.json")).unwrap(), "{ }\n");
}

#[test]
fn a_ledger_that_stops_being_written_is_told_on_stderr() {
    use std::io::Read as _;
    let desk = Desk::without_venues();
    std::fs::create_dir(desk.path("folder")).unwrap();
    let mut sim = Simulated::start(&desk, &["bybit-linear"], &["--ledger", "folder/ledger.json"]);
    std::fs::rename(desk.path("folder"), desk.path("elsewhere")).unwrap();
    let (journal, url) = ("[journal]\nkind = \"memory\"\n", sim.url("bybit-linear"));
    let keys = "api_key_env = \"BYBIT_API_KEY\"\napi_secret_env = \"BYBIT_API_SECRET\"\n";
    let venue = format!("[venues.bybit]\nadapter = \"bybit-linear\"\nrest_url = \"{url}\"\n{keys}");
    desk.write("equipoise.toml", &format!("{journal}{venue}"));
    assert_eq!(desk.call(&["run", "quick.toml", "--json"]).ended(0)["status"], "done");
    let mut told = String::new();
    sim.end().read_to_string(&mut told).unwrap();
    assert!(told.contains("an order is in no ledger"), "{told}");
    assert!(told.contains("folder/ledger.json"), "{told}");
}

/// Programs go by them, so each stands in the README.
#[test]
fn the_readme_names_every_error_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let mut codes = BTreeSet::new();
    for folder in ["engine/cli/src", "engine/cli/src/commands"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let source = std::fs::read_to_string(path).unwrap();
            for before in ["refused(\"", "broken(\"", "=> \"journal_"] {
                let found = source.split(before).skip(1).filter_map(|rest| rest.split('"').next());
                let prefix = if before.ends_with('_') { "journal_" } else { "" };
                codes.extend(found.map(|code| format!("{prefix}{code}")));
            }
        }
    }
    assert!(codes.len() > 20, "{codes:?}");
    let missing: Vec<_> =
        codes.iter().filter(|code| !readme.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "not in the README: {missing:?}");
}
