//! Funding arbitrage over two simulated exchanges: long where funding is cheap, short where it pays, once per funding time.
//!
//! `cargo run --example funding_arbitrage -- --help` explains the flags.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub,
    reason = "an example: it prints, and stops where a host would handle the error"
)]

mod account;
mod exchanges;
mod kill;
mod strategy;

use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use clap::builder::{PossibleValue, PossibleValuesParser};
use equipoise::journal::{self, JournalKind, JournalOptions};
use equipoise::port::Clock as _;
use equipoise::{
    BatchReport, BatchStatus, Engine, MarketView, StrategyRunner, SystemClock, UnixMillis,
};
use equipoise_sim::Fault;

use exchanges::{Addresses, Exchanges};
use strategy::FundingArbitrage;

/// Trades one funding arbitrage on simulated Binance and Bybit exchanges and prints what happened.
///
/// Exits with 0 when the batch ended as it should: done, or flat after compensation.
#[derive(Parser)]
#[command(name = "funding_arbitrage")]
struct Arguments {
    /// Keep the journal (and the exchanges' state) here; a second run shows the first result again and sends nothing.
    #[arg(long, value_name = "DIR")]
    journal: Option<PathBuf>,
    /// Play a failure, once, to the first order that may open a position at its exchange.
    #[arg(long, value_name = "NAME", value_parser = fault_names())]
    fault: Option<String>,
    /// Trade against these exchanges instead of starting any: the trading half of kill-mid-batch.
    #[arg(long, value_name = "BINANCE_URL,BYBIT_URL", hide = true)]
    trade_at: Option<Addresses>,
}

const KILL: &str = "kill-mid-batch";

fn fault_names() -> PossibleValuesParser {
    let fault = |name| (name, Fault::explained(name).unwrap_or_default());
    let kill = (KILL, "the trading half is killed with an order in flight, and started again");
    let values = Fault::names().map(fault).chain([kill]);
    PossibleValuesParser::new(values.map(|(name, text)| PossibleValue::new(name).help(text)))
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    if let (Some(addresses), Some(folder)) = (&arguments.trade_at, &arguments.journal) {
        return trade(addresses, Some(folder)).await;
    }
    let exchanges = Exchanges::start(arguments.journal.as_deref()).await?;
    match arguments.fault.as_deref() {
        Some(KILL) => kill::mid_batch(&exchanges, arguments.journal.as_deref()).await,
        fault => {
            fault.map(|fault| exchanges.play(fault)).transpose()?;
            trade(&exchanges.addresses(), arguments.journal.as_deref()).await
        }
    }
}

/// Runs the strategy once against exchanges at these addresses. True when its batch ended as it should.
async fn trade(addresses: &Addresses, folder: Option<&Path>) -> Result<bool, Box<dyn Error>> {
    let clock = Arc::new(SystemClock::start());
    let journal = match folder {
        Some(folder) => {
            journal::open(JournalKind::Sled, &folder.join("journal"), &JournalOptions::default())?
        }
        None => journal::open(JournalKind::Memory, Path::new(""), &JournalOptions::default())?,
    };
    let mut engine = Engine::builder(journal).clock(clock.clone());
    for (name, setup) in exchanges::venues(addresses, clock.clone())? {
        engine = engine.venue(name, setup);
    }
    let started_at = clock.now();
    let engine = engine.start().await?;
    let strategy = FundingArbitrage::new("BTCUSDT", "0.1")?;
    let watched = strategy.watched();
    let mut runner = StrategyRunner::start(engine.clone(), strategy, watched).await?;
    let view = runner.view().await?;

    let mut reports = Vec::new();
    for handle in runner.poll().await? {
        reports.push(runner.finish(&handle).await?);
    }
    if reports.is_empty() {
        reports = earlier(&engine, &view, started_at).await?;
    }
    for report in &reports {
        let records = engine.records(report.key).await?.unwrap_or_default();
        // A closed pipe is the reader's wish to stop reading.
        let _ = std::io::stdout().write_all(account::text(report, &records, &view).as_bytes());
    }
    engine.drain().await;
    engine.close().await?;
    Ok(!reports.is_empty() && reports.iter().all(ended_as_it_should))
}

fn ended_as_it_should(report: &BatchReport) -> bool {
    matches!(report.status, BatchStatus::Done | BatchStatus::Flat)
}

/// The strategy wanted nothing because earlier batches still hold: their results again.
async fn earlier(
    engine: &Engine,
    view: &MarketView,
    started_at: UnixMillis,
) -> Result<Vec<BatchReport>, Box<dyn Error>> {
    let mut reports = Vec::new();
    for holding in &view.holdings {
        let handle = engine.batch(holding.key).await?;
        reports.extend(handle.and_then(|handle| handle.report()));
    }
    for report in &mut reports {
        // What this start had to finish first is no earlier result.
        report.duplicate = report.ended_at.is_some_and(|ended_at| ended_at < started_at);
    }
    Ok(reports)
}
