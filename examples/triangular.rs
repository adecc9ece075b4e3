//! Triangle: dollars to bitcoin, bitcoin to ether and ether back to dollars, three legs in sequence on one spot venue.
//! `cargo run --example triangular`
//!
//! Each leg trades what the one before *received*, fees taken off, by `Quantity::Of`. A ratio counts base units of one
//! leg per base unit of the other, so the middle leg's is the price of ether in bitcoin turned round, as the book shows
//! it when the plan is made. The lots of the three pairs leave dust of bitcoin and ether.
//!
//! What the engine calls net delta is about base assets: the bitcoin that the middle leg *pays* is its quote asset and
//! is not counted, so the batch reports the first leg's bitcoin although it is spent. The account is therefore settled
//! here by what the exchange says of its balances, before and after. For the same reason an unwind would sell ether and
//! bitcoin back each by its own leg.
#![allow(
    clippy::print_stdout,
    unreachable_pub,
    reason = "an example: it prints, and shares a module with others"
)]

#[allow(dead_code, reason = "shared with other examples")]
mod desk;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::process::ExitCode;

use desk::{Desk, base, leg, of, plan};
use equipoise::port::Venue;
use equipoise::{Amount, Asset, LegName, Plan, Price, Qty, Side, Symbol};

const VENUE: &str = "binance-spot";
const QUOTE: &str = "USDT";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    Ok(desk::verdict(trade().await?))
}

/// Runs the batch and prints its account; whether it ended neutral.
pub async fn trade() -> Result<bool, Box<dyn Error>> {
    let desk = Desk::open(&[VENUE]).await?;
    let venue = desk.venue(VENUE)?;
    let before = balances(&**venue).await?;
    let pair = Symbol::new("ETHBTC")?;
    let fee = venue.instrument(&pair).await?.taker_fee;
    let (_, ask) = venue.quote(&pair).await?.book.sound().ok_or("ETHBTC has no sound book")?;

    let account = desk.run(&triangle(ask, fee)?).await?;
    for (asset, delta) in &account.report.net_delta {
        println!("net delta {delta} {asset} of base assets, what was paid not counted");
    }
    let mut neutral = account.is_done();
    let after = balances(&**venue).await?;
    for asset in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let [old, new] = [&before, &after].map(|balances| balances.get(asset).copied());
        let change = new.unwrap_or(Amount::ZERO) - old.unwrap_or(Amount::ZERO);
        if asset.as_str() == QUOTE {
            println!("earned {change} {asset}");
        } else if !change.is_zero() {
            println!("balance of {asset} changed by {change}");
            neutral &= account.is_dust(asset, change);
        }
    }
    Ok(neutral)
}

async fn balances(venue: &dyn Venue) -> Result<BTreeMap<Asset, Amount>, Box<dyn Error>> {
    let balances = venue.balances().await?;
    Ok(balances.into_iter().map(|balance| (balance.asset, balance.total)).collect())
}

/// A leg that follows a buy is grossed up for its own fee, which the bitcoin at hand has to pay for as well: so many
/// ether per bitcoin are received, not ordered.
fn triangle(ask: Price, fee: Amount) -> Result<Plan, Box<dyn Error>> {
    let kept = Qty::new(rust_decimal::Decimal::ONE - fee.get())?;
    let per_bitcoin = kept.get().checked_div(ask.get()).ok_or("no price")?;
    let ratio = Qty::truncated(per_bitcoin)?.round_down("0.0001".parse()?);
    let to_bitcoin = leg("to-bitcoin", (VENUE, "BTCUSDT"), Side::Buy, base("0.1")?)?;
    let to_ether = leg("to-ether", (VENUE, "ETHBTC"), Side::Buy, of("to-bitcoin", ratio)?)?;
    let to_dollars =
        leg("to-dollars", (VENUE, "ETHUSDT"), Side::Sell, of("to-ether", "1".parse()?)?)?;
    let legs = vec![
        to_bitcoin,
        to_ether.after([LegName::new("to-bitcoin")?]),
        to_dollars.after([LegName::new("to-ether")?]),
    ];
    plan("triangle", legs)
}
