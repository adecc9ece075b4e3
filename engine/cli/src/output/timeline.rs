//! A batch's records as a time line.

use equipoise::{BatchSpec, Moment, Record};
use serde::Serialize;

use super::time::rfc3339;

/// One line of a time line.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    /// Engine time.
    pub(crate) at: String,
    /// The leg, unless it is about the whole batch.
    pub(crate) leg: Option<String>,
    /// One word.
    pub(crate) event: &'static str,
    /// The rest in words, perhaps empty.
    pub(crate) details: String,
}

/// All records of a batch.
pub(crate) fn timeline(records: &[Record]) -> Vec<Entry> {
    equipoise::timeline(records).into_iter().map(Entry::from).collect()
}

/// One record of a batch.
pub(crate) fn entry(spec: &BatchSpec, record: &Record) -> Entry {
    Moment::of(spec, record).into()
}

impl From<Moment> for Entry {
    fn from(moment: Moment) -> Self {
        Self {
            at: rfc3339(moment.at.0),
            leg: moment.leg.map(|(leg, _)| leg.to_string()),
            event: moment.event,
            details: moment.details,
        }
    }
}

impl Entry {
    /// The line for people.
    pub(crate) fn text(&self, leg_width: usize) -> String {
        let leg = self.leg.as_deref().unwrap_or("-");
        let line = format!("{}  {leg:<leg_width$}  {:<14}  {}", self.at, self.event, self.details);
        line.trim_end().to_owned()
    }
}
