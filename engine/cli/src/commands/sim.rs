//! `sim`: simulated exchanges on the addresses asked for, until interrupted.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as _;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::Path;

use equipoise_sim::{
    Credentials, Exchange, Fault, LedgerError, LedgerFile, Running, ServeOptions, Settings, serve,
};
use serde::Serialize;
use serde_json::Value;

use crate::args::{SimArguments, SimVenue};
use crate::document::read_bounded;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::signals::Signals;

/// What is printed once everything listens.
#[derive(Serialize)]
struct SimDocument {
    venues: Vec<VenueDocument>,
}

#[derive(Serialize)]
struct VenueDocument {
    adapter: String,
    url: String,
    /// Only the documented demo key: a key from a file is the caller's secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    demo: Option<DemoDocument>,
}

#[derive(Serialize)]
struct DemoDocument {
    key: String,
    secret: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    passphrase: Option<String>,
}

pub(super) async fn sim(arguments: &SimArguments, output: Output) -> Result<Exit, Failure> {
    let mut signals = Signals::listen()?;
    refuse_repeats(&arguments.venues)?;
    let fault = arguments.fault.as_deref().map(|name| fault(name, arguments));
    let fault = fault.transpose()?;
    let keys = arguments.credentials.as_deref().map(read_credentials);
    let keys = keys.transpose()?;
    let options = ServeOptions {
        ledger: arguments.ledger.as_deref().map(open_ledger).transpose()?,
        ..ServeOptions::default()
    };
    let mut document = SimDocument { venues: Vec::new() };
    let mut running = Vec::new();
    for venue in &arguments.venues {
        let credentials = credentials(&venue.adapter, keys.as_ref())?;
        let exchange = Exchange::start(&venue.adapter, credentials.clone(), Settings::default());
        let mut exchange =
            exchange.map_err(|error| Failure::refused("unknown_adapter", error.to_string()))?;
        if let Some(fault) = &fault {
            exchange.inject(fault.clone());
        }
        let served = start(exchange, venue, options.clone()).await?;
        document.venues.push(VenueDocument {
            adapter: venue.adapter.clone(),
            url: served.base_url(),
            demo: keys.is_none().then(|| DemoDocument {
                key: credentials.key.clone(),
                secret: credentials.secret.clone(),
                passphrase: credentials.passphrase.clone(),
            }),
        });
        running.push(served);
    }
    output.result(&document, || text(&document));
    signals.next().await;
    Ok(Exit::Done)
}

/// The ledger file has one place per adapter.
fn refuse_repeats(venues: &[SimVenue]) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    match venues.iter().find(|venue| !seen.insert(&venue.adapter)) {
        None => Ok(()),
        Some(repeated) => {
            Err(Failure::refused("usage", format!("adapter {} is given twice", repeated.adapter)))
        }
    }
}

fn fault(name: &str, arguments: &SimArguments) -> Result<Fault, Failure> {
    let fault =
        Fault::named(name).map_err(|error| Failure::refused("unknown_fault", error.to_string()))?;
    let runs = |adapter: &str| arguments.venues.iter().any(|venue| venue.adapter == adapter);
    match fault.adapter {
        Some(adapter) if !runs(adapter) => Err(Failure::refused(
            "unknown_fault",
            format!("fault {name} happens at {adapter}, which is not started"),
        )),
        _ => Ok(fault),
    }
}

/// Entries by adapter, not looked at yet: those of adapters that are not started may be anything.
fn read_credentials(path: &Path) -> Result<BTreeMap<String, Value>, Failure> {
    // The parser's own words may quote what it found, so only the place is told.
    let refuse =
        |why: String| Failure::refused("credentials", format!("{}: {why}", path.display()));
    let text = read_bounded(path).map_err(refuse)?;
    serde_json::from_str(&text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        refuse(format!("line {line}, column {column}: no JSON object with an entry per adapter"))
    })
}

fn credentials(
    adapter: &str,
    keys: Option<&BTreeMap<String, Value>>,
) -> Result<Credentials, Failure> {
    let Some(keys) = keys else {
        return Ok(Credentials::demo(adapter));
    };
    let entry = keys.get(adapter).cloned();
    let entry = entry.and_then(|entry| serde_json::from_value(entry).ok());
    entry.ok_or_else(|| {
        let message = format!("the credentials file has no key and secret for {adapter}");
        Failure::refused("credentials", message)
    })
}

fn open_ledger(path: &Path) -> Result<LedgerFile, Failure> {
    LedgerFile::open(path).map_err(|error| ledger_failure(&error))
}

fn ledger_failure(error: &LedgerError) -> Failure {
    let cause = error.source().map(ToString::to_string);
    let message = format!("{error}: {}", cause.unwrap_or_default());
    Failure::broken("ledger", message)
}

async fn start(
    exchange: Exchange,
    venue: &SimVenue,
    options: ServeOptions,
) -> Result<Running, Failure> {
    let address = resolve(&venue.address).map_err(|why| {
        Failure::refused("usage", format!("address {} of {}: {why}", venue.address, venue.adapter))
    })?;
    serve(exchange, address, options).await.map_err(|error| {
        let message = format!("{} at {address} cannot be served: {error}", venue.adapter);
        Failure::broken("not_served", message)
    })
}

fn resolve(address: &str) -> Result<SocketAddr, String> {
    let mut found = address.to_socket_addrs().map_err(|error| error.to_string())?;
    found.next().ok_or_else(|| "names nothing".to_owned())
}

fn text(document: &SimDocument) -> String {
    let line = |venue: &VenueDocument| match &venue.demo {
        Some(demo) => {
            let passphrase = demo.passphrase.as_ref().map(|it| format!(", passphrase {it}"));
            format!(
                "{} at {}, key {}, secret {}{}",
                venue.adapter,
                venue.url,
                demo.key,
                demo.secret,
                passphrase.unwrap_or_default()
            )
        }
        None => format!("{} at {}, key from the credentials file", venue.adapter, venue.url),
    };
    let lines: Vec<_> = document.venues.iter().map(line).collect();
    lines.join("\n")
}
