//! What `doctor` found: one line for each check of each venue.

use std::fmt::Write as _;

use serde::Serialize;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// As it should be.
    Ok,
    /// A batch could run, and somebody should look.
    Warn,
    /// No batch could run.
    Bad,
}

/// One check.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    /// What was looked at.
    pub(crate) check: &'static str,
    /// How it came out.
    pub(crate) verdict: Verdict,
    /// What was found.
    pub(crate) found: String,
}

/// The checks of one venue.
#[derive(Debug, Serialize)]
pub(crate) struct Examination {
    /// Its configured name.
    pub(crate) venue: String,
    /// Its adapter.
    pub(crate) adapter: String,
    /// One after the other.
    pub(crate) checks: Vec<Finding>,
}

impl Examination {
    /// The worst of its verdicts.
    pub(crate) fn verdict(&self) -> Verdict {
        self.checks.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Bad)
    }
}

/// A table for people.
pub(crate) fn examination_text(venues: &[Examination]) -> String {
    let mut text = String::new();
    for venue in venues {
        let _ = writeln!(text, "{} ({})", venue.venue, venue.adapter);
        for Finding { check, verdict, found } in &venue.checks {
            let verdict = match verdict {
                Verdict::Ok => "ok",
                Verdict::Warn => "WARN",
                Verdict::Bad => "BAD",
            };
            let _ = writeln!(text, "  {verdict:<5} {check:<14} {found}");
        }
    }
    let bad = venues.iter().filter(|venue| venue.verdict() == Verdict::Bad).count();
    let _ = match bad {
        0 => writeln!(text, "a batch could run"),
        1 => writeln!(text, "no batch could run at one venue"),
        count => writeln!(text, "no batch could run at {count} venues"),
    };
    text
}
