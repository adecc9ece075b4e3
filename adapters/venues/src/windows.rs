//! Listing a span of time completely, page by page, without knowing which end of it a full page comes from.
//!
//! An exchange that answers "the first thousand" and one that answers "the last thousand" look the same from outside.
//! A full page is therefore not continued but halved in time, until every page has room left.

use std::future::Future;

use equipoise_core::VenueMillis;
use equipoise_port::QueryError;

/// Seven days less a millisecond, because both bounds are included: the longest span most listings take.
/// Source: Binance USDⓈ-M All Orders and Account Trade List; Bybit v5 Get Order History, read 2026-11-22.
pub(crate) const WEEK_MS: u64 = 7 * 86_400_000 - 1;
/// Most pages one listing may take before it is given up as incomplete.
pub(crate) const PAGES_MAX: usize = 64;
/// How much earlier than its stamp an order may have been created by the clock of Binance or Bybit: they accept requests
/// while their stamp is less than a second ahead. The other exchanges have no such rule.
/// Source: Binance USDⓈ-M General Info, Timing security; Bybit v5 Guide, Parameters, read 2026-11-22.
const STAMP_AHEAD_MS: u64 = 1_000;

/// Both bounds included; the last span has no end, so that nothing slips behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u64,
    pub(crate) end: Option<u64>,
}

/// The earliest creation, by the clock of Binance or Bybit, of an order that was stamped then.
pub(crate) const fn first_since(stamp: VenueMillis) -> VenueMillis {
    VenueMillis(stamp.0.saturating_sub(STAMP_AHEAD_MS))
}

/// Spans of at most `span_ms_max` that together cover everything from `first` on.
pub(crate) fn spans(first: VenueMillis, now: VenueMillis, span_ms_max: u64) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut start = first.0;
    while now.0.saturating_sub(start) > span_ms_max && spans.len() < PAGES_MAX {
        let end = start + span_ms_max;
        spans.push(Span { start, end: Some(end) });
        start = end + 1;
    }
    spans.push(Span { start, end: None });
    spans
}

/// Everything in the spans, complete or an error.
pub(crate) async fn list<T, R>(
    mut open: Vec<Span>,
    now: VenueMillis,
    page_rows: usize,
    fetch: impl Fn(Span) -> R,
) -> Result<Vec<T>, QueryError>
where
    R: Future<Output = Result<Vec<T>, QueryError>>,
{
    let mut rows = Vec::new();
    for _ in 0..PAGES_MAX {
        let Some(span) = open.pop() else {
            return Ok(rows);
        };
        let page = fetch(span).await?;
        if page.len() < page_rows {
            rows.extend(page);
            continue;
        }
        let end = span.end.unwrap_or_else(|| now.0.max(span.start + 1));
        if end <= span.start {
            return Err(QueryError::Unavailable(format!(
                "listing holds {page_rows} rows in one millisecond"
            )));
        }
        let middle = span.start + (end - span.start) / 2;
        open.push(Span { start: span.start, end: Some(middle) });
        open.push(Span { start: middle + 1, end: span.end });
    }
    Err(QueryError::Unavailable(format!("listing is longer than {PAGES_MAX} pages")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const NOW: VenueMillis = VenueMillis(1_795_334_400_000);

    fn within(span: Span, at: u64) -> bool {
        at >= span.start && span.end.is_none_or(|end| at <= end)
    }

    #[tokio::test]
    async fn a_busy_span_is_halved_until_every_row_is_seen_once() {
        let since = VenueMillis(NOW.0 - 86_400_000);
        let all: Vec<u64> = (0..5_000).map(|i| since.0 + i * 17_000).collect();
        for newest_first in [false, true] {
            let mut found = list(spans(since, NOW, WEEK_MS), NOW, 100, |span| {
                let mut page: Vec<u64> =
                    all.iter().copied().filter(|at| within(span, *at)).collect();
                if newest_first {
                    page.reverse();
                }
                page.truncate(100);
                async move { Ok(page) }
            })
            .await;
            // 5000 rows in pages of 100 need more than the 64 pages allowed: an error rather than a part.
            assert!(found.is_err());
            found = list(spans(since, NOW, WEEK_MS), NOW, 1_000, |span| {
                let mut page: Vec<u64> =
                    all.iter().copied().filter(|at| within(span, *at)).collect();
                if newest_first {
                    page.reverse();
                }
                page.truncate(1_000);
                async move { Ok(page) }
            })
            .await;
            let mut found = found.unwrap();
            found.sort_unstable();
            assert_eq!(found, all);
        }
    }

    #[test]
    fn spans_join_without_a_gap_and_the_last_one_is_open() {
        let spans = spans(VenueMillis(NOW.0 - 20 * 86_400_000), NOW, WEEK_MS);
        assert_eq!(spans.len(), 3);
        for pair in spans.windows(2) {
            assert_eq!(pair[0].end.unwrap() + 1, pair[1].start);
        }
        assert_eq!(spans.last().unwrap().end, None);
    }

    #[tokio::test]
    async fn a_millisecond_that_fills_a_page_is_an_error_rather_than_a_part() {
        let answer = list(spans(NOW, NOW, WEEK_MS), NOW, 2, |_| async { Ok(vec![1, 2]) }).await;
        assert!(matches!(answer, Err(QueryError::Unavailable(_))));
    }
}
