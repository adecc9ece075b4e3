//! The `equipoise` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    equipoise_cli::execute(std::env::args_os()).into()
}
