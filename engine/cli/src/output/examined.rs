//! What `doctor` found: one line for the journal and for each check of each venue.

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
pub(crate) fn examination_text(journal: &Finding, venues: &[Examination]) -> String {
    let mut text = String::from("journal\n");
    line(&mut text, journal);
    for venue in venues {
        let _ = writeln!(text, "{} ({})", venue.venue, venue.adapter);
        for finding in &venue.checks {
            line(&mut text, finding);
        }
    }
    let bad = |verdict| verdict == Verdict::Bad;
    let journal = bad(journal.verdict).then_some("the journal");
    let in_the_way: Vec<&str> = journal
        .into_iter()
        .chain(venues.iter().filter(|venue| bad(venue.verdict())).map(|venue| &*venue.venue))
        .collect();
    let _ = match in_the_way[..] {
        [] if venues.is_empty() => writeln!(text, "no batch could run: no venue is configured"),
        [] => writeln!(text, "a batch could run{}", condition(venues)),
        _ => writeln!(text, "no batch could run, in the way: {}", in_the_way.join(", ")),
    };
    text
}

/// What the venues do not tell, and would have to be so.
fn condition(venues: &[Examination]) -> String {
    let untold = |check: &Finding| check.check == "key" && check.verdict == Verdict::Warn;
    let untold = venues.iter().filter(|venue| venue.checks.iter().any(untold));
    let names: Vec<&str> = untold.map(|venue| &*venue.venue).collect();
    match names[..] {
        [] => String::new(),
        _ => format!(" if the key may trade, which is not told: {}", names.join(", ")),
    }
}

fn line(text: &mut String, Finding { check, verdict, found }: &Finding) {
    let verdict = match verdict {
        Verdict::Ok => "ok",
        Verdict::Warn => "WARN",
        Verdict::Bad => "BAD",
    };
    let _ = writeln!(text, "  {verdict:<5} {check:<14} {found}");
}
