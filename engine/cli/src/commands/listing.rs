//! `batches` and `show`: what the journal holds. They need no venue and no secret.

use std::sync::Arc;

use equipoise::port::{Clock as _, Journal};
use equipoise::{BatchKey, BatchReport, Record, Saga, SystemClock};

use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::journals;
use crate::output::{BatchLine, Output, ReportDocument, batch_line_text, report_text, timeline};

/// Digits of a whole key.
const KEY_DIGITS: usize = 32;
/// Digits that are taken for the beginning of one: as many as the log prints.
const PREFIX_DIGITS_MIN: usize = 8;

pub(super) async fn batches(config: &Config, output: Output) -> Result<Exit, Failure> {
    let mut reports = Vec::new();
    if let Some(journal) = journals::open_to_read(&config.journal).await? {
        for key in journal.batches().await? {
            if let Some((_, report)) = stored(&journal, key).await? {
                reports.push(report);
            }
        }
        journal.close().await?;
    }
    let document: Vec<_> = reports.iter().map(BatchLine::new).collect();
    output.result(&document, || match reports.as_slice() {
        [] => "no batches".to_owned(),
        reports => {
            let lines: Vec<_> = reports.iter().map(batch_line_text).collect();
            lines.join("\n")
        }
    });
    Ok(Exit::Done)
}

/// `wanted` is a key or the first digits of one.
pub(super) async fn show(config: &Config, wanted: &str, output: Output) -> Result<Exit, Failure> {
    refuse_no_key(wanted)?;
    let unknown = || Failure::broken("not_found", format!("the journal has no batch {wanted}"));
    let journal = journals::open_to_read(&config.journal).await?;
    let journal = journal.ok_or_else(unknown)?;
    let found = look_up(&journal, wanted).await;
    journal.close().await?;
    let (records, report) = found?.ok_or_else(unknown)?;
    let entries = timeline(&records);
    let text = || {
        let legs = entries.iter().filter_map(|entry| entry.leg.as_ref());
        let width = legs.map(String::len).max().unwrap_or(1);
        let lines = entries.iter().map(|entry| entry.text(width));
        let lines: Vec<_> = lines.collect();
        format!("{}\n{}", report_text(&report), lines.join("\n"))
    };
    let text = text();
    let document = ReportDocument::new(&report).with_timeline(entries);
    output.result(&document, || text);
    Ok(Exit::Done)
}

/// A key that is written out, or the only one of the journal that begins like this.
async fn look_up(
    journal: &Arc<dyn Journal>,
    wanted: &str,
) -> Result<Option<(Vec<Record>, BatchReport)>, Failure> {
    let key = match wanted.parse() {
        Ok(key) => Some(key),
        Err(_) => only_one(wanted, &journal.batches().await?)?,
    };
    match key {
        Some(key) => stored(journal, key).await,
        None => Ok(None),
    }
}

fn refuse_no_key(wanted: &str) -> Result<(), Failure> {
    let digits = wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digits && (PREFIX_DIGITS_MIN..=KEY_DIGITS).contains(&wanted.len()) {
        return Ok(());
    }
    let message = format!(
        "a batch key has {KEY_DIGITS} hexadecimal digits; its first {PREFIX_DIGITS_MIN} or more do where no other begins with them"
    );
    Err(Failure::refused("usage", message))
}

/// The key that begins with these digits.
///
/// # Errors
/// `usage` with all of them when there are several.
fn only_one(prefix: &str, keys: &[BatchKey]) -> Result<Option<BatchKey>, Failure> {
    let prefix = prefix.to_ascii_lowercase();
    let begin: Vec<_> = keys.iter().filter(|key| key.to_string().starts_with(&prefix)).collect();
    match begin[..] {
        [] => Ok(None),
        [key] => Ok(Some(*key)),
        _ => {
            let names: Vec<_> = begin.iter().map(ToString::to_string).collect();
            let message = format!("several batches begin with {prefix}: {}", names.join(", "));
            Err(Failure::refused("usage", message))
        }
    }
}

/// A batch's records and its account as of now.
async fn stored(
    journal: &Arc<dyn Journal>,
    key: BatchKey,
) -> Result<Option<(Vec<Record>, BatchReport)>, Failure> {
    let Some(records) = journal.read(key).await? else {
        return Ok(None);
    };
    let saga = Saga::replay(&records).map_err(|error| {
        let message = format!("batch {key} does not replay: {error}");
        Failure::broken("journal_damaged", message)
    })?;
    let report = saga.report(SystemClock::start().now());
    Ok(Some((records, report)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_stands_for_a_key_where_no_other_begins_like_it() {
        let key = |text: &str| -> BatchKey { text.parse().unwrap() };
        let (one, other) =
            (key("00112233445566778899aabbccddeeff"), key("0011223344ff66778899aabbccddeeff"));
        let keys = [one, other];
        assert_eq!(only_one("001122334455", &keys), Ok(Some(one)));
        assert_eq!(only_one("0011223344FF", &keys), Ok(Some(other)));
        assert_eq!(only_one("ffffffff", &keys), Ok(None));
        let ambiguous = only_one("00112233", &keys).unwrap_err();
        assert_eq!(ambiguous.exit, Exit::Refused);
        assert_eq!(
            ambiguous.message,
            format!("several batches begin with 00112233: {one}, {other}")
        );
    }
}
