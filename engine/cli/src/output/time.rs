//! Times and spans as people read them.

use jiff::Timestamp;

/// RFC 3339 in UTC with milliseconds.
pub(crate) fn rfc3339(unix_ms: u64) -> String {
    let time = i64::try_from(unix_ms).ok();
    match time.and_then(|ms| Timestamp::from_millisecond(ms).ok()) {
        Some(time) => time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        // Beyond the calendar there is still the number.
        None => format!("{unix_ms} ms"),
    }
}

/// Seconds with milliseconds.
pub(crate) fn seconds(ms: u64) -> String {
    format!("{}.{:03} s", ms / 1_000, ms % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_with_milliseconds() {
        assert_eq!(rfc3339(1_795_334_400_000), "2026-11-22T08:00:00.000Z");
        assert_eq!(rfc3339(1_795_334_400_007), "2026-11-22T08:00:00.007Z");
        assert_eq!(rfc3339(u64::MAX), "18446744073709551615 ms");
        assert_eq!(seconds(5_012), "5.012 s");
    }
}
