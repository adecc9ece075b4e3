//! What the program says by its exit code.
#![allow(clippy::unwrap_used, reason = "tests")]
#![cfg(all(target_os = "linux", target_pointer_width = "64"))]

use std::process::{Command, Output};

/// Runs it with files that may grow to so many blocks of 512 bytes: beyond that a write fails, as it would on a quota.
fn limited(journal: &str, blocks: u32) -> Output {
    let program = env!("CARGO_BIN_EXE_equipoise-power-loss");
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec {program} \"$@\"");
    let arguments = ["--without-prefixes", "--states", "1", "--lies", "0", "--second-cuts", "0"];
    let mut command = Command::new("sh");
    command.args(["-c", &script, "sh", "--json", "--journal", journal]);
    command.args(arguments).output().unwrap()
}

#[test]
fn a_journal_that_fails_while_it_is_captured_breaks_a_promise() {
    for journal in ["sled", "redb"] {
        let output = limited(journal, 128);
        let shown = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{shown}");
        assert!(shown.contains("\"broken\":\"the journal does not work"), "{shown}");
    }
}
