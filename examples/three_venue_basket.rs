//! Three-venue basket: bitcoin and ether bought at one exchange each and sold at the two others, six legs at once.
//! `cargo run --example three_venue_basket`
//!
//! The plan asks for sizes that no venue has lots for. All legs of an underlying are rounded together: each down to its
//! own lot, and then the heavier side gives up lots, the finest first, until long and short are as equal as the lots
//! allow. What that takes off each leg is its dust.
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

const BINANCE: &str = "binance-usdm";
const BYBIT: &str = "bybit-linear";
const OKX: &str = "okx-swap";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    Ok(desk::verdict(trade().await?))
}

/// Runs the batch and prints its account; whether it ended neutral.
pub async fn trade() -> Result<bool, Box<dyn Error>> {
    let desk = Desk::open(&[BINANCE, BYBIT, OKX]).await?;
    let account = desk.run(&basket()?).await?;
    Ok(account.is_neutral())
}

/// Long bitcoin at Binance and long ether at OKX, each hedged in halves at the other two.
fn basket() -> Result<Plan, Box<dyn Error>> {
    let (long, short) = (Side::Buy, Side::Sell);
    let legs = vec![
        leg("btc-long", (BINANCE, "BTCUSDT"), long, base("0.2505")?)?,
        leg("btc-short-1", (BYBIT, "BTCUSDT"), short, base("0.12525")?)?,
        leg("btc-short-2", (OKX, "BTC-USDT-SWAP"), short, base("0.12525")?)?,
        leg("eth-long", (OKX, "ETH-USDT-SWAP"), long, base("2.505")?)?,
        leg("eth-short-1", (BINANCE, "ETHUSDT"), short, base("1.2525")?)?,
        leg("eth-short-2", (BYBIT, "ETHUSDT"), short, base("1.2525")?)?,
    ];
    plan("three-venue-basket", legs)
}
