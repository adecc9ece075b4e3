//! Milliseconds UTC as the date and time of RFC 3339, and back.

const DAY_MS: u64 = 86_400_000;

/// `2026-11-22T07:00:00.000Z`.
pub(crate) fn rfc3339(at_ms: u64) -> String {
    let (year, month, day) = date_of(at_ms / DAY_MS);
    let ms = at_ms % DAY_MS;
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1000)
}

/// Reads `YYYY-MM-DDTHH:MM:SS`, an optional fraction of a second cut to milliseconds, and `Z` or `+00:00`.
pub(crate) fn from_rfc3339(text: &str) -> Option<u64> {
    let text = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00"))?;
    let (date, time) = text.split_once('T')?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) || !(1..=9).contains(&fraction.len()) {
        return None;
    }
    let ms: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let days = day_of(year, month, day)?;
    let in_range = hour < 24 && minute < 60 && second < 60;
    in_range.then(|| days * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000 + ms)
}

/// Three numbers of these widths between two separators.
fn numbers(text: &str, separator: char, widths: [usize; 3]) -> Option<[u64; 3]> {
    let mut parts = text.split(separator);
    let mut found = [0; 3];
    for (number, width) in found.iter_mut().zip(widths) {
        let part = parts.next().filter(|part| part.len() == width)?;
        *number = part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())??;
    }
    parts.next().is_none().then_some(found)
}

/// Days before a year since the year 0 of the Gregorian calendar carried backwards.
fn days_before(year: u64) -> u64 {
    let past = year.saturating_sub(1);
    year * 365 + past / 4 - past / 100 + past / 400 + u64::from(year > 0)
}

/// Days before 1970.
const EPOCH_DAYS: u64 = 719_528;

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn month_days(year: u64, month: u64) -> u64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u64::from(is_leap(year)),
        _ => 31,
    }
}

fn day_of(year: u64, month: u64, day: u64) -> Option<u64> {
    if year < 1970 || !(1..=12).contains(&month) || !(1..=month_days(year, month)).contains(&day) {
        return None;
    }
    let in_year: u64 = (1..month).map(|month| month_days(year, month)).sum();
    Some(days_before(year) - EPOCH_DAYS + in_year + day - 1)
}

fn date_of(day: u64) -> (u64, u64, u64) {
    let day = day + EPOCH_DAYS;
    let mut year = day / 366;
    while days_before(year + 1) <= day {
        year += 1;
    }
    let mut left = day - days_before(year);
    let mut month = 1;
    while left >= month_days(year, month) {
        left -= month_days(year, month);
        month += 1;
    }
    (year, month, left + 1)
}

#[cfg(test)]
mod tests {
    use super::{from_rfc3339, rfc3339};

    #[test]
    fn instants_and_texts_turn_into_each_other() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_607_418_537_715, "2020-12-08T09:08:57.715Z"),
            (1_795_330_800_000, "2026-11-22T07:00:00.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ];
        for (ms, text) in cases {
            assert_eq!(rfc3339(ms), text);
            assert_eq!(from_rfc3339(text), Some(ms), "{text}");
        }
    }

    #[test]
    fn fractions_of_any_length_are_cut_to_milliseconds() {
        assert_eq!(from_rfc3339("1970-01-01T00:00:01Z"), Some(1000));
        assert_eq!(from_rfc3339("1970-01-01T00:00:01.5Z"), Some(1500));
        assert_eq!(from_rfc3339("1970-01-01T00:00:01.123456789+00:00"), Some(1123));
    }

    #[test]
    fn texts_of_no_instant_are_not_read() {
        for bad in [
            "",
            "2026-11-22",
            "2026-11-22T07:00:00",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T07:60:00Z",
            "26-11-22T07:00:00Z",
            "2026-11-22T07:00:00.Z",
            "2026-11-22T07:00:00.xZ",
            "2026-11-22 07:00:00Z",
            "1795330800",
            "2026-11-22T+7:00:00Z",
        ] {
            assert_eq!(from_rfc3339(bad), None, "{bad}");
        }
    }
}
