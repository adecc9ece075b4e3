//! Inverse hedge: an inverse perpetual sold against a linear one, each counted in units of its own.
//! `cargo run --example inverse_hedge`
//!
//! Deribit's BTC-PERPETUAL is ordered in US dollars, ten at a time, and settles in bitcoin; Bybit's BTCUSDT is ordered in
//! bitcoin and settles in USDT. The plan says 0.1 BTC on both sides. Dollars become bitcoin at one reference price that
//! is stored with the batch, the same before and after the trades: neither the fill price nor where the market went since
//! makes a delta where there is none (K7 in `engine/ARCHITECTURE.md`).
//!
//! What hedges the delta is not what the trade earns: the margin of the inverse leg is itself bitcoin, and is left to
//! the desk.
#![allow(
    clippy::print_stdout,
    unreachable_pub,
    reason = "an example: it prints, and shares a module with others"
)]

#[allow(dead_code, reason = "shared with other examples")]
mod desk;

use std::error::Error;
use std::process::ExitCode;

use desk::{Desk, base, leg, plan};
use equipoise::{Plan, Side};

const INVERSE: (&str, &str) = ("deribit", "BTC-PERPETUAL");
const LINEAR: (&str, &str) = ("bybit-linear", "BTCUSDT");

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    Ok(desk::verdict(trade().await?))
}

/// Runs the batch and prints its account; whether it ended neutral.
pub async fn trade() -> Result<bool, Box<dyn Error>> {
    let desk = Desk::open(&[INVERSE.0, LINEAR.0]).await?;
    let account = desk.run(&inverse_hedge()?).await?;
    for (leg, check) in account.report.legs.iter().zip(&account.check.legs) {
        println!(
            "leg {} holds {} {}, reference {}",
            leg.name, leg.holding, leg.unit, check.reference
        );
    }
    Ok(account.is_neutral())
}

/// Both sizes are known beforehand, so both legs go at once and the exposure between their fills is short.
fn inverse_hedge() -> Result<Plan, Box<dyn Error>> {
    let short = leg("inverse", INVERSE, Side::Sell, base("0.1")?)?;
    let long = leg("linear", LINEAR, Side::Buy, base("0.1")?)?;
    plan("inverse-hedge", vec![short, long])
}
