//! One module per command.

mod check;
mod doctor;
mod key;
mod listing;
mod progress;
mod recover;
mod run;
mod session;
mod sim;

use crate::args::{Arguments, Command};
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Carries out the command and prints its result; a failure is left to the caller to print.
pub(crate) async fn carry_out(arguments: &Arguments, output: Output) -> Result<Exit, Failure> {
    match &arguments.command {
        Command::Key(plan) => return key::key(&plan.plan, output),
        Command::Sim(sim) => return sim::sim(sim, output).await,
        _ => {}
    }
    let config = Config::read(&arguments.config())?;
    let ended = match &arguments.command {
        Command::Check(plan) => check::check(&config, &plan.plan, output).await,
        Command::Run(run) => run::run(&config, run, output).await,
        Command::Batches => listing::batches(&config, output).await,
        Command::Show { key } => listing::show(&config, key, output).await,
        Command::Recover(accounts) => recover::recover(&config, *accounts, output).await,
        Command::Doctor => doctor::doctor(&config, output).await,
        Command::Key(_) | Command::Sim(_) => unreachable!("carried out without a configuration"),
    };
    ended.map_err(|failure| failure.in_journal(&config.journal))
}
