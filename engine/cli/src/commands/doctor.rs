//! `doctor`: looks at every configured venue as a batch would, and sends no order.

use std::time::Instant;

use equipoise::port::{QueryError, Venue};
use equipoise::{PositionMode, Symbol, VenueName};
use futures::future::join_all;
use serde::Serialize;

use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Examination, Finding, Output, Verdict, examination_text};
use crate::venues::OpenVenues;

/// Round trips measured; the quickest says most about the clock.
const ROUND_TRIPS: usize = 3;

/// Offsets from which on a person should set the host's clock, although every request is stamped in the venue's time.
const OFFSET_MS_MAX: i64 = 1_000;

/// An instrument that every account of an adapter can see.
const KNOWN: [(&str, &str); 10] = [
    ("binance-usdm", "BTCUSDT"),
    ("binance-spot", "BTCUSDT"),
    ("binance-coinm", "BTCUSD_PERP"),
    ("bybit-linear", "BTCUSDT"),
    ("bybit-inverse", "BTCUSD"),
    ("bybit-spot", "BTCUSDT"),
    ("okx-swap", "BTC-USDT-SWAP"),
    ("okx-spot", "BTC-USDT"),
    ("deribit", "BTC-PERPETUAL"),
    ("coinbase", "BTC-USD"),
];

#[derive(Serialize)]
struct Document<'a> {
    could_run: bool,
    venues: &'a [Examination],
}

pub(super) async fn doctor(config: &Config, output: Output) -> Result<Exit, Failure> {
    let open = OpenVenues::open(config)?;
    let adapter = |name| config.venues.get(name).map_or("", |venue| venue.adapter.as_str());
    let examined = open.each().map(|(name, venue)| examine(&open, name, adapter(name), &**venue));
    let venues = join_all(examined).await;
    let could_run = venues.iter().all(|venue| venue.verdict() < Verdict::Bad);
    output.result(&Document { could_run, venues: &venues }, || examination_text(&venues));
    Ok(if could_run { Exit::Done } else { Exit::Failed })
}

async fn examine(
    open: &OpenVenues,
    name: &VenueName,
    adapter: &str,
    venue: &dyn Venue,
) -> Examination {
    let mut checks = Vec::new();
    let known = KNOWN.iter().find(|(of, _)| *of == adapter);
    let symbol = known.and_then(|(_, symbol)| Symbol::new(symbol).ok());
    if reach(open, venue, &mut checks).await {
        account(venue, adapter, symbol.as_ref(), &mut checks).await;
        instruments(venue, symbol.as_ref(), &mut checks).await;
        balances(venue, &mut checks).await;
    }
    Examination { venue: name.to_string(), adapter: adapter.to_owned(), checks }
}

/// Whether it answers at all, and how its clock stands to ours.
async fn reach(open: &OpenVenues, venue: &dyn Venue, checks: &mut Vec<Finding>) -> bool {
    let mut quickest: Option<(u128, i64)> = None;
    for _ in 0..ROUND_TRIPS {
        let (before, begun) = (open.clock.now(), Instant::now());
        let theirs = match venue.server_time().await {
            Ok(theirs) => theirs,
            Err(error) => {
                checks.push(bad("reachable", &error));
                return false;
            }
        };
        let round_trip = begun.elapsed().as_millis();
        let ours = before.0.saturating_add(u64::try_from(round_trip / 2).unwrap_or(u64::MAX));
        let offset = i128::from(theirs.0) - i128::from(ours);
        let offset = i64::try_from(offset).unwrap_or(i64::MAX);
        if quickest.is_none_or(|(other, _)| round_trip < other) {
            quickest = Some((round_trip, offset));
        }
    }
    let (round_trip, offset) = quickest.unwrap_or_default();
    checks.push(good("reachable", format!("round trip {round_trip} ms")));
    let text = format!("{offset:+} ms from this host's");
    checks.push(if offset.abs() > OFFSET_MS_MAX {
        warn("clock", format!("{text}; requests follow the venue's, set the host's all the same"))
    } else {
        good("clock", text)
    });
    true
}

async fn account(
    venue: &dyn Venue,
    adapter: &str,
    symbol: Option<&Symbol>,
    checks: &mut Vec<Finding>,
) {
    let symbols = symbol.map(std::slice::from_ref).unwrap_or_default();
    let account = match venue.account(symbols).await {
        Ok(account) => account,
        Err(error) => return checks.push(bad("key", &error)),
    };
    checks.push(if account.can_trade {
        good("key", "accepted, may trade")
    } else {
        Finding { check: "key", verdict: Verdict::Bad, found: "accepted, may not trade".into() }
    });
    checks.push(match venue.may_withdraw().await {
        Ok(Some(false)) => good("withdrawal", "the key may not move funds away"),
        Ok(Some(true)) => warn(
            "withdrawal",
            "the key may move funds away, which trading never needs: take it off",
        ),
        Ok(None) => good("withdrawal", not_told(adapter)),
        Err(error) => warn("withdrawal", error.to_string()),
    });
    checks.push(good(
        "position mode",
        match account.position_mode {
            PositionMode::OneWay => "one-way",
            PositionMode::Hedge => "hedge",
        },
    ));
}

/// Who else could tell. Binance's keys are for all its products, and only one interface tells what they may do.
/// Source: Binance Wallet, Get API Key Permission, read 2026-11-22.
fn not_told(adapter: &str) -> &'static str {
    match adapter {
        "binance-usdm" | "binance-coinm" => {
            "not told by the futures interface; as a venue of binance-spot the same key is told"
        }
        _ => "not told by this venue's trading interface",
    }
}

async fn instruments(venue: &dyn Venue, symbol: Option<&Symbol>, checks: &mut Vec<Finding>) {
    let Some(symbol) = symbol else {
        return checks.push(warn("instruments", "none is known for this adapter"));
    };
    checks.push(match venue.instrument(symbol).await {
        Ok(rules) => {
            good("instruments", format!("{symbol}: lot {}, tick {}", rules.lot, rules.tick))
        }
        Err(error) => bad("instruments", &error),
    });
}

async fn balances(venue: &dyn Venue, checks: &mut Vec<Finding>) {
    checks.push(match venue.balances().await {
        Ok(balances) if balances.is_empty() => warn("balances", "nothing to trade with"),
        Ok(balances) => {
            let each = balances.iter().map(|held| format!("{} {}", held.available, held.asset));
            good("balances", format!("available {}", each.collect::<Vec<_>>().join(", ")))
        }
        Err(error) => bad("balances", &error),
    });
}

fn good(check: &'static str, found: impl Into<String>) -> Finding {
    Finding { check, verdict: Verdict::Ok, found: found.into() }
}

fn warn(check: &'static str, found: impl Into<String>) -> Finding {
    Finding { check, verdict: Verdict::Warn, found: found.into() }
}

fn bad(check: &'static str, error: &QueryError) -> Finding {
    Finding { check, verdict: Verdict::Bad, found: error.to_string() }
}
