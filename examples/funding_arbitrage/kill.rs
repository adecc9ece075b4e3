//! Kills the trading half in the middle of its batch and starts it again. The exchanges live on in this process.

use std::error::Error;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use equipoise_sim::{BYBIT_LINEAR, Effect, Fault, Matcher, Occurrence, Operation, Running};
use tokio::process::{Child, Command};

use crate::exchanges::Exchanges;

/// Bybit keeps its first answer back for this long, so that the kill meets an order in flight.
const ANSWER_DELAY_MS: u64 = 5_000;
const POLL: Duration = Duration::from_millis(5);
/// Bound on waiting for the first order to arrive.
const POLLS_MAX: usize = 6_000;

pub async fn mid_batch(
    exchanges: &Exchanges,
    folder: Option<&Path>,
) -> Result<bool, Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let folder = folder.unwrap_or(scratch.path());
    let orders_before = orders(&exchanges.bybit);
    exchanges.bybit.with(|exchange| {
        exchange.inject(Fault {
            adapter: Some(BYBIT_LINEAR),
            matcher: Matcher {
                operation: Operation::PlaceEntry,
                symbol: None,
                occurrence: Occurrence::Nth(1),
            },
            effect: Effect::DelayAnswer { delay_ms: ANSWER_DELAY_MS },
        });
    });
    let mut first = trading_half(exchanges, folder, Stdio::null())?;
    if !order_arrived(exchanges, orders_before, &mut first).await? {
        // It had nothing to trade: an earlier batch holds, or it failed. Let it say so.
        return Ok(trading_half(exchanges, folder, Stdio::inherit())?.wait().await?.success());
    }
    first.kill().await?;
    eprintln!("killed the trading process with an order in flight; starting it again");
    let status: ExitStatus = trading_half(exchanges, folder, Stdio::inherit())?.wait().await?;
    Ok(status.success())
}

fn trading_half(
    exchanges: &Exchanges,
    folder: &Path,
    stdout: Stdio,
) -> Result<Child, Box<dyn Error>> {
    let addresses = exchanges.addresses();
    let child = Command::new(std::env::current_exe()?)
        .arg("--trade-at")
        .arg(format!("{},{}", addresses.binance, addresses.bybit))
        .arg("--journal")
        .arg(folder)
        .stdout(stdout)
        .kill_on_drop(true)
        .spawn()?;
    Ok(child)
}

/// True once Bybit has a further order; false if the trading half ended without one.
async fn order_arrived(
    exchanges: &Exchanges,
    before: usize,
    child: &mut Child,
) -> Result<bool, Box<dyn Error>> {
    for _ in 0..POLLS_MAX {
        if orders(&exchanges.bybit) > before {
            return Ok(true);
        }
        if child.try_wait()?.is_some() {
            return Ok(false);
        }
        tokio::time::sleep(POLL).await;
    }
    Err("no order arrived within 30 s".into())
}

fn orders(running: &Running) -> usize {
    running.with(|exchange| exchange.ledger().orders.len())
}
