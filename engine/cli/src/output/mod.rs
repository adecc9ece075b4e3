//! What a command prints: text for people or one JSON document for programs, on stdout; everything else on stderr.
//!
//! Writing never fails a command: a reader that went away must not end a batch half way.

mod checked;
mod examined;
mod report;
mod resumed;
mod time;
mod timeline;

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;

pub(crate) use checked::{CheckDocument, check_text};
pub(crate) use examined::{Examination, Finding, Verdict, examination_text};
pub(crate) use report::{BatchLine, ReportDocument, batch_line_text, report_text};
pub(crate) use resumed::{ResumedDocument, resumed_text};
pub(crate) use timeline::{entry, timeline};

/// With `--json` stdout holds one document, whoever prints first: command, panic or second Ctrl-C.
static PRINTED: AtomicBool = AtomicBool::new(false);

/// Where and how a command prints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints a result.
    pub(crate) fn result(self, document: &impl Serialize, text: impl FnOnce() -> String) {
        if !self.json {
            to_stdout(text().trim_end());
        } else if !PRINTED.swap(true, Ordering::SeqCst) {
            to_stdout(&json(document));
        }
    }

    /// Prints why a command failed and gives its exit code back.
    pub(crate) fn failure(self, failure: &Failure) -> Exit {
        self.failure_with(failure, None::<()>)
    }

    /// As [`failure`](Self::failure), with what did succeed beside it.
    pub(crate) fn failure_with(self, failure: &Failure, beside: Option<impl Serialize>) -> Exit {
        if !self.json {
            to_stderr(&format!("error: {failure}"));
        } else if !PRINTED.swap(true, Ordering::SeqCst) {
            to_stdout(&json(&ErrorDocument {
                error: ErrorBody { code: failure.code, message: &failure.message },
                beside,
            }));
        }
        failure.exit
    }

    /// Whether a person follows what happens.
    pub(crate) fn is_followed(self) -> bool {
        !self.json || std::io::stderr().is_terminal()
    }

    /// Tells a person who follows something.
    pub(crate) fn note(self, text: &str) {
        if self.is_followed() {
            to_stderr(text);
        }
    }
}

#[derive(Serialize)]
struct ErrorDocument<'a, T> {
    error: ErrorBody<'a>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    beside: Option<T>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    code: &'static str,
    message: &'a str,
}

fn json(document: &impl Serialize) -> String {
    serde_json::to_string(document).expect("documents have text keys and no failing parts")
}

/// A line, or several, to stdout, flushed.
pub(crate) fn to_stdout(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
}

/// A line to stderr.
pub(crate) fn to_stderr(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
