//! The command line of Equipoise: plans and configuration from TOML, results as text or JSON.
//!
//! It owns what a library must not: files, environment variables, signals and exit codes.
//! It decides nothing about batches; the engine does.

mod args;
mod commands;
mod config;
mod credentials;
mod document;
mod exit;
mod failure;
mod journals;
mod output;
mod panics;
mod plan_file;
mod signals;
mod venues;

use std::ffi::OsString;

use clap::Parser as _;
use clap::error::ErrorKind;

use args::Arguments;
use output::Output;

pub use exit::Exit;
pub use failure::Failure;

/// Carries out one command line, the program's name included, and says how the process should end.
///
/// Everything is printed by then. Installs a panic hook and a log subscriber, so it is meant to be called once.
pub fn execute(args: impl IntoIterator<Item = OsString>) -> Exit {
    let args: Vec<OsString> = args.into_iter().collect();
    let arguments = match Arguments::try_parse_from(&args) {
        Ok(arguments) => arguments,
        Err(error) => return answer_usage(&args, &error),
    };
    let output = Output::new(arguments.json);
    start_logs();
    panics::install(output);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let failure = Failure::broken("runtime", format!("no runtime could be made: {error}"));
            return output.failure(&failure);
        }
    };
    let ended = runtime.block_on(commands::carry_out(&arguments, output));
    // Nothing of value is left in it: batches have ended and the journal is closed.
    runtime.shutdown_background();
    ended.unwrap_or_else(|failure| output.failure(&failure))
}

/// Help goes to stdout with success; everything else the parser has to say is wrong usage.
fn answer_usage(args: &[OsString], error: &clap::Error) -> Exit {
    let text = error.render().to_string();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        output::to_stdout(text.trim_end());
        return Exit::Done;
    }
    // The parser gave up, so the flag is looked for by hand.
    let json = args.iter().take_while(|arg| *arg != "--").any(|arg| arg == "--json");
    let text = text.trim_end();
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand && !json {
        output::to_stderr(text);
        return Exit::Refused;
    }
    let text = text.strip_prefix("error: ").unwrap_or(text);
    Output::new(json).failure(&Failure::refused("usage", text.to_owned()))
}

/// Logs go to stderr, warnings and errors unless `RUST_LOG` says otherwise.
fn start_logs() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // A closed stderr must not end a run.
        .log_internal_errors(false)
        .finish();
    // Already set only when embedded in a process that has its own subscriber, which then stays.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
