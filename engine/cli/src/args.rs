//! The command line's vocabulary.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use equipoise_sim::{Credentials, Fault};

/// Multi-exchange batches with bounded exposure and a proven end.
///
/// Exit codes: 0 done; 3 flat; 4 parked; 2 refused before any order: plan, configuration, credentials, symbol or size are
/// wrong, or the key or occasion is already used; 1 anything else, such as a venue that is not ready.
#[derive(Debug, Parser)]
#[command(name = "equipoise", version, args_override_self = true, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// Configuration file [default: equipoise.toml]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON document to stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// Where the configuration is.
    pub(crate) fn config(&self) -> PathBuf {
        let default = || PathBuf::from("equipoise.toml");
        self.config.clone().unwrap_or_else(default)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Validate and price a plan; sends no order
    Check(PlanArguments),
    /// Run a plan to its end
    Run(RunArguments),
    /// Print a plan's batch key; needs no network, journal or secrets
    Key(PlanArguments),
    /// List the batches of the journal
    Batches,
    /// Show one batch with its time line
    Show {
        /// Batch key, or its first 8 digits or more where no other key begins with them
        key: String,
    },
    /// Finish every unfinished batch of the journal, and ask about parked ones again
    Recover(AccountArguments),
    /// Check every configured venue: reach, clock, key, position mode, instruments, balances; sends no order
    Doctor,
    /// Serve simulated exchanges until interrupted
    #[command(after_long_help = sim_help())]
    Sim(SimArguments),
}

#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    /// Plan file
    pub(crate) plan: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) plan: PlanArguments,
    #[command(flatten)]
    pub(crate) accounts: AccountArguments,
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct AccountArguments {
    /// Addresses or keys of venues changed; they lead to the same accounts as when unfinished batches began
    #[arg(long)]
    pub(crate) same_accounts: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SimArguments {
    /// An exchange and its address, such as binance-usdm=127.0.0.1:9101; port 0 picks a free one
    #[arg(long = "venue", value_name = "ADAPTER=ADDRESS", required = true, value_parser = sim_venue)]
    pub(crate) venues: Vec<SimVenue>,
    /// JSON with the API keys by adapter: {"binance-usdm": {"key": "…", "secret": "…"}, …}; demo keys without it
    #[arg(long, value_name = "FILE")]
    pub(crate) credentials: Option<PathBuf>,
    /// Play a failure by its name
    #[arg(long, value_name = "NAME")]
    pub(crate) fault: Option<String>,
    /// Carry on from this ledger of accepted orders, and write to it
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: Option<PathBuf>,
}

/// Everything that has a name, from where the names are: it must not be typed twice.
fn sim_help() -> String {
    let mut text = format!("Adapters:\n  {}\n\n", equipoise_sim::adapters().join("\n  "));
    text.push_str(
        "Faults, each once, to the first order that may open a position at its adapter:\n",
    );
    let explained = |name: &str| Fault::explained(name).unwrap_or_default();
    for name in Fault::names() {
        let adapter = Fault::named(name).ok().and_then(|fault| fault.adapter).unwrap_or_default();
        let _ = writeln!(text, "  {name:<30}{} [{adapter}]", explained(name));
    }
    for kind in Fault::kinds() {
        let _ = writeln!(text, "  {:<30}{}", format!("ADAPTER-{kind}"), explained(kind));
    }
    text.push_str("\nFields of each entry in the credentials file; others are ignored:\n");
    for (field, what) in Credentials::fields() {
        let _ = writeln!(text, "  {field:<30}{what}");
    }
    text
}

/// One exchange to simulate.
#[derive(Debug, Clone)]
pub(crate) struct SimVenue {
    pub(crate) adapter: String,
    pub(crate) address: String,
}

fn sim_venue(text: &str) -> Result<SimVenue, String> {
    match text.split_once('=') {
        Some((adapter, address)) if !adapter.is_empty() && !address.is_empty() => {
            Ok(SimVenue { adapter: adapter.to_owned(), address: address.to_owned() })
        }
        _ => Err("expected ADAPTER=ADDRESS, such as binance-usdm=127.0.0.1:9101".to_owned()),
    }
}
