//! `doctor`: looks at the journal and at every configured venue as a batch would, and sends no order.

mod journal;

use equipoise::port::{Account, Clock, MarginMode, QueryError, Venue};
use equipoise::{PositionMode, Symbol, VenueName};
use futures::future::join_all;
use serde::Serialize;

use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Examination, Finding, Output, Verdict, examination_text};
use crate::venues::OpenVenues;

/// Round trips tried before a clock counts as not known well enough: as many as the engine tries.
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

/// The right to trade is told together with the right to withdraw, or neither is.
const TRADE_UNTOLD: &str =
    "accepted; whether it may trade is not told at this address: see to it at the exchange";

#[derive(Serialize)]
struct Document<'a> {
    could_run: bool,
    journal: &'a Finding,
    venues: &'a [Examination],
}

pub(super) async fn doctor(config: &Config, output: Output) -> Result<Exit, Failure> {
    let open = OpenVenues::open(config)?.logged();
    let adapter = |name| config.venues.get(name).map_or("", |venue| venue.adapter.as_str());
    let examined = open.each().map(|(name, venue)| examine(&open, name, adapter(name), &**venue));
    let (journal, venues) =
        futures::future::join(journal::examine(&config.journal), join_all(examined)).await;
    // A batch has legs, and each of them a venue.
    let could_run = !venues.is_empty()
        && journal.verdict < Verdict::Bad
        && venues.iter().all(|venue| venue.verdict() < Verdict::Bad);
    let document = Document { could_run, journal: &journal, venues: &venues };
    output.result(&document, || examination_text(&journal, &venues));
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
    if reach(&*open.clock, venue, &mut checks).await {
        account(venue, symbol.as_ref(), &mut checks).await;
        instruments(venue, symbol.as_ref(), &mut checks).await;
        orders(venue, symbol.as_ref(), &mut checks).await;
        balances(venue, &mut checks).await;
    }
    Examination { venue: name.to_string(), adapter: adapter.to_owned(), checks }
}

/// One reading of a venue's clock: how long it took, how far it is away, and how well that is known.
#[derive(Clone, Copy)]
struct Reading {
    round_trip_ms: u64,
    offset_ms: i64,
    uncertainty_ms: u64,
}

/// Reads it as the engine does before it stamps anything: the venue's time lies between sending and receiving.
async fn read_clock(clock: &dyn Clock, venue: &dyn Venue) -> Result<Reading, QueryError> {
    let before = clock.now();
    let theirs = venue.server_time().await?;
    let round_trip_ms = clock.now().since(before);
    let uncertainty_ms = round_trip_ms.div_ceil(2);
    let signed = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
    let middle = before.plus_ms(uncertainty_ms);
    let offset_ms = signed(theirs.0).saturating_sub(signed(middle.0));
    Ok(Reading { round_trip_ms, offset_ms, uncertainty_ms })
}

/// Whether it answers at all, and whether its clock is known well enough to stamp orders (R2).
async fn reach(clock: &dyn Clock, venue: &dyn Venue, checks: &mut Vec<Finding>) -> bool {
    let (mut quickest, mut failure) = (None::<Reading>, None);
    for _ in 0..ROUND_TRIPS {
        match read_clock(clock, venue).await {
            Ok(reading) => {
                let no_slower = |other: &Reading| other.round_trip_ms <= reading.round_trip_ms;
                quickest = Some(quickest.filter(no_slower).unwrap_or(reading));
            }
            Err(error) => {
                // What the engine asks again after, a reading may follow.
                let passing = matches!(error, QueryError::Unavailable(_));
                failure = Some(error);
                if !passing {
                    break;
                }
            }
        }
    }
    let Some(reading) = quickest else {
        checks.extend(failure.map(|error| bad("reachable", &error)));
        return false;
    };
    checks.push(good("reachable", format!("round trip {} ms", reading.round_trip_ms)));
    checks.push(clock_verdict(reading, u64::from(venue.traits().window_ms) / 4));
    true
}

/// `needed_ms` is a quarter of the request window: a clock known less well stamps nothing.
fn clock_verdict(reading: Reading, needed_ms: u64) -> Finding {
    let Reading { offset_ms, uncertainty_ms, .. } = reading;
    if uncertainty_ms >= needed_ms {
        let found =
            format!("its clock is known to {uncertainty_ms} ms only, needed are {needed_ms} ms");
        return Finding { check: "clock", verdict: Verdict::Bad, found };
    }
    let text = format!("{offset_ms:+} ms from this host's, known to {uncertainty_ms} ms");
    if offset_ms.abs() > OFFSET_MS_MAX {
        let advice = "requests follow the venue's, set the host's all the same";
        return warn("clock", format!("{text}; {advice}"));
    }
    good("clock", text)
}

async fn account(venue: &dyn Venue, symbol: Option<&Symbol>, checks: &mut Vec<Finding>) {
    let symbols = symbol.map(std::slice::from_ref).unwrap_or_default();
    let account = match venue.account(symbols).await {
        Ok(account) => account,
        Err(error) => return checks.push(bad("key", &error)),
    };
    let rights = venue.may_withdraw().await;
    checks.push(match (account.can_trade, &rights) {
        (false, _) => {
            Finding { check: "key", verdict: Verdict::Bad, found: "accepted, may not trade".into() }
        }
        (true, Ok(None)) => warn("key", TRADE_UNTOLD),
        (true, _) => good("key", "accepted, may trade"),
    });
    checks.push(match rights {
        Ok(Some(false)) => good("withdrawal", "the key may not move funds away"),
        Ok(Some(true)) => warn(
            "withdrawal",
            "the key may move funds away, which trading never needs: take it off",
        ),
        Ok(None) => warn("withdrawal", "not told at this address: see to it at the exchange"),
        Err(error) => warn("withdrawal", error.to_string()),
    });
    checks.extend(modes(&account));
}

/// Orders follow both; a mode that they could not follow was refused with the account.
fn modes(account: &Account) -> [Finding; 2] {
    let position = match account.position_mode {
        PositionMode::OneWay => "one-way",
        PositionMode::Hedge => "hedge",
    };
    let margin = match account.margin_mode {
        Some(MarginMode::Cross) => "cross",
        Some(MarginMode::Isolated) => "isolated",
        Some(MarginMode::Portfolio) => "portfolio",
        Some(MarginMode::Mixed) => "each instrument its own",
        None => "none, or not told",
    };
    [good("position mode", position), good("margin mode", margin)]
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

/// What an order in doubt is looked for in: an account whose orders are held back would leave every doubt open.
async fn orders(venue: &dyn Venue, symbol: Option<&Symbol>, checks: &mut Vec<Finding>) {
    let Some(symbol) = symbol else { return };
    let listed = async { venue.orders_since(symbol, venue.server_time().await?).await };
    checks.push(match listed.await {
        Ok(_) => good("orders", "can be listed"),
        Err(error) => bad("orders", &error),
    });
}

async fn balances(venue: &dyn Venue, checks: &mut Vec<Finding>) {
    checks.push(match venue.balances().await {
        Ok(balances) if balances.is_empty() => Finding {
            check: "balances",
            verdict: Verdict::Bad,
            found: "nothing to trade with".to_owned(),
        },
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

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(offset_ms: i64, uncertainty_ms: u64) -> (Verdict, String) {
        let reading = Reading { round_trip_ms: 2 * uncertainty_ms, offset_ms, uncertainty_ms };
        let finding = clock_verdict(reading, 500);
        (finding.verdict, finding.found)
    }

    #[test]
    fn a_clock_is_bad_where_the_engine_would_stamp_nothing_by_it() {
        let good = "+3 ms from this host's, known to 499 ms".to_owned();
        assert_eq!(judged(3, 499), (Verdict::Ok, good));
        let bad = |known| format!("its clock is known to {known} ms only, needed are 500 ms");
        assert_eq!(judged(3, 500), (Verdict::Bad, bad(500)));
        assert_eq!(judged(-9_000, 653), (Verdict::Bad, bad(653)));
    }

    #[test]
    fn a_clock_far_off_but_well_known_is_only_warned_of() {
        assert_eq!(judged(-1_000, 20).0, Verdict::Ok);
        let warned = "-1001 ms from this host's, known to 20 ms; \
                      requests follow the venue's, set the host's all the same";
        assert_eq!(judged(-1_001, 20), (Verdict::Warn, warned.to_owned()));
    }
}
