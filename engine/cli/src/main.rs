//! The `equipoise` command.

use std::process::ExitCode;

/// Batches move between the runtime's threads, and glibc's own takes a lock for what another thread gives back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    equipoise_cli::execute(std::env::args_os()).into()
}
