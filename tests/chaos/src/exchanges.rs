//! Exchanges whose clocks are wrong or that do several things wrong, in a process of their own.
//!
//! `equipoise sim` plays one named fault on the host's clock; for the rest this program serves the same simulators.

use std::ffi::OsString;
use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use equipoise_sim::{
    Broken, Credentials, Effect, Exchange, Fault, LedgerFile, Loss, Matcher, Occurrence, Operation,
    ServeOptions, Settings, Stage, serve,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What the process is told.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Orders {
    pub(crate) ledger: PathBuf,
    pub(crate) clock_offset_ms: i64,
    pub(crate) adapters: Vec<String>,
    pub(crate) faults: Vec<String>,
}

/// Every kind of fault an adapter can have: the command line's own and more. `ExecuteTwice` is not among them: there S1
/// is broken outside the engine, and other checks look at how it is detected.
pub(crate) fn fault_kinds() -> Vec<&'static str> {
    let further = FURTHER.iter().map(|(kind, ..)| *kind);
    Fault::kinds().chain(further).collect()
}

/// Whether `equipoise sim` knows a fault by its name: an adapter, a hyphen and a kind.
pub(crate) fn is_named(name: &str) -> bool {
    Fault::named(name).is_ok()
}

type Further = (&'static str, Operation, Occurrence, Effect);

const ENTRY: Operation = Operation::PlaceEntry;
const ONCE: Occurrence = Occurrence::Nth(1);

static FURTHER: [Further; 14] = [
    ("request-lost", ENTRY, ONCE, Effect::LoseRequest(Loss::Close)),
    ("answer-lost", ENTRY, ONCE, Effect::LoseAnswer(Loss::Close)),
    ("503-instead", ENTRY, ONCE, Effect::BreakInstead(Broken::Unknown503)),
    ("html-502", ENTRY, ONCE, Effect::BreakAnswer(Broken::Html502)),
    ("truncated", ENTRY, ONCE, Effect::BreakAnswer(Broken::Truncated)),
    ("not-json", ENTRY, ONCE, Effect::BreakAnswer(Broken::NotJson)),
    // Admitted in time, at the engine after the deadline: refused by an engine that checks it, else executed inside the
    // margin.
    ("late-engine", ENTRY, ONCE, delayed(4_000, Stage::Engine)),
    ("slow", ENTRY, ONCE, delayed(900, Stage::Gateway)),
    ("hidden", ENTRY, ONCE, Effect::HideOrder { for_ms: 1_500 }),
    ("stale", ENTRY, ONCE, Effect::StaleOrder { for_ms: 1_500 }),
    ("arrives-twice", ENTRY, ONCE, Effect::ArriveTwice),
    ("429", ENTRY, ONCE, Effect::RateLimited { retry_after_s: 1 }),
    ("second-answer-lost", Operation::Place, Occurrence::Nth(2), Effect::LoseAnswer(Loss::Close)),
    (
        "queries-fail",
        Operation::QueryOrders,
        Occurrence::First(3),
        Effect::BreakInstead(Broken::Html502),
    ),
];

const fn delayed(delay_ms: u64, before: Stage) -> Effect {
    Effect::DelayRequest { delay_ms, before }
}

fn fault(adapter: &'static str, name: &str) -> Option<Fault> {
    let kind = name.strip_prefix(adapter)?.strip_prefix('-')?;
    let further = FURTHER.iter().find(|(known, ..)| *known == kind);
    let Some((_, operation, occurrence, effect)) = further else {
        return Fault::named(name).ok();
    };
    let matcher = Matcher { operation: *operation, symbol: None, occurrence: *occurrence };
    Some(Fault { adapter: Some(adapter), matcher, effect: effect.clone() })
}

/// Serves until its standard input is closed, so that it never outlives whoever started it.
#[must_use]
pub fn serve_exchanges(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    match serve_ordered(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            say_failure(&why);
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stderr, reason = "the only way to tell whoever started it")]
fn say_failure(why: &str) {
    eprintln!("exchanges: {why}");
}

#[allow(clippy::print_stdout, reason = "the addresses are what it is started for")]
fn serve_ordered(mut arguments: impl Iterator<Item = OsString>) -> Result<(), String> {
    let orders = arguments.nth(1).and_then(|text| text.into_string().ok());
    let orders = orders.ok_or("what to serve is not given")?;
    let orders: Orders = serde_json::from_str(&orders).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let ledger = LedgerFile::open(&orders.ledger).map_err(|error| error.to_string())?;
        let mut running = Vec::new();
        let mut venues = Vec::new();
        for adapter in &orders.adapters {
            let credentials = Credentials::demo(adapter);
            let mut exchange = Exchange::start(adapter, credentials, Settings::default())
                .map_err(|error| error.to_string())?;
            for name in &orders.faults {
                if let Some(fault) = fault(exchange.adapter(), name) {
                    exchange.inject(fault);
                }
            }
            let options = ServeOptions {
                clock_offset_ms: orders.clock_offset_ms,
                ledger: Some(ledger.clone()),
                ..ServeOptions::default()
            };
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let served =
                serve(exchange, address, options).await.map_err(|error| error.to_string())?;
            venues.push(json!({ "adapter": adapter, "url": served.base_url() }));
            running.push(served);
        }
        println!("{}", json!({ "venues": venues }));
        let closed = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        let _ = closed.await;
        Ok(())
    })
}
