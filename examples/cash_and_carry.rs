//! Cash and carry: bitcoin bought on spot and sold as a perpetual, to earn the funding that longs pay.
//! `cargo run --example cash_and_carry`
//!
//! Binance takes the fee of a spot buy out of the bitcoin it delivers. So the engine sizes the buy with that fee in mind,
//! and the short follows it with `Quantity::Of`: it sells what was *received*, in OKX's contracts of a hundredth of a
//! bitcoin and their lots of a hundredth. What is less than such a lot stays, as dust with a long delta.
#![allow(
    clippy::print_stdout,
    unreachable_pub,
    reason = "an example: it prints, and shares a module with others"
)]

#[allow(dead_code, reason = "shared with other examples")]
mod desk;

use std::error::Error;
use std::process::ExitCode;

use desk::{Desk, base, leg, of, plan};
use equipoise::{LegName, Plan, Side};

const SPOT: (&str, &str) = ("binance-spot", "BTCUSDT");
const PERPETUAL: (&str, &str) = ("okx-swap", "BTC-USDT-SWAP");

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    Ok(desk::verdict(trade().await?))
}

/// Runs the batch and prints its account; whether it ended neutral.
pub async fn trade() -> Result<bool, Box<dyn Error>> {
    let desk = Desk::open(&[SPOT.0, PERPETUAL.0]).await?;
    let account = desk.run(&cash_and_carry()?).await?;
    for leg in &account.report.legs {
        println!("leg {} holds {} {}", leg.name, leg.holding, leg.unit);
    }
    Ok(account.is_neutral())
}

/// The spot leg goes first: it has the finer lots, and only its fill says how much there is to hedge.
fn cash_and_carry() -> Result<Plan, Box<dyn Error>> {
    let cash = leg("cash", SPOT, Side::Buy, base("0.0537")?)?;
    let carry = leg("carry", PERPETUAL, Side::Sell, of("cash", "1".parse()?)?)?;
    plan("cash-and-carry", vec![cash, carry.after([LegName::new("cash")?])])
}
