//! Reads a TOML file of bounded size, and says where it is wrong.
//!
//! The parser's own report shows the offending line, which in a configuration may hold a secret somebody pasted. Here only
//! the reason is given: of what stands there it quotes at most a word that is none of the allowed ones.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::de::DeserializeOwned;

/// Largest plan or configuration file that is read.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Reads and parses a file. The error is a message that begins with the file's name.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    let text = read_bounded(path).map_err(|why| format!("{}: {why}", path.display()))?;
    toml::from_str(&text).map_err(|error| format!("{}: {}", path.display(), place(&text, &error)))
}

/// The text of a file of at most a megabyte.
pub(crate) fn read_bounded(path: &Path) -> Result<String, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("is larger than {FILE_BYTES_MAX} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())
}

/// Types of the language in the words of somebody who writes a file.
const WORDS: [(&str, &str); 3] = [
    ("expected u64", "expected a whole number, zero or more"),
    ("expected u32", "expected a whole number up to 4294967295"),
    ("expected a borrowed string", "expected a string in quotes"),
];

/// Line, field and reason.
fn place(text: &str, error: &toml::de::Error) -> String {
    // Some reasons end in a list on lines of its own.
    let reason = error.message().lines().collect::<Vec<_>>().join(", ");
    let mut reason =
        WORDS.iter().fold(reason, |reason, (theirs, ours)| reason.replace(theirs, ours));
    let Some(span) = error.span() else {
        return reason;
    };
    let digit = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    if let Some(expected) = reason.strip_prefix("invalid type: map").filter(|_| digit(span.start)) {
        reason = format!("a date without quotes{expected}");
    }
    let in_a_table = text.get(span.clone()).is_some_and(|part| part.starts_with(['[', '{']));
    if reason.starts_with("missing field") && !in_a_table {
        // The file itself lacks it, which is true of no line.
        return reason;
    }
    let before = text.get(..span.start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    match field(text.lines().nth(line - 1).unwrap_or_default()) {
        Some(field) if !reason.contains(&format!("`{field}`")) => {
            format!("line {line}, {field}: {reason}")
        }
        _ => format!("line {line}: {reason}"),
    }
}

/// The bare key a line assigns to.
fn field(line: &str) -> Option<&str> {
    let key = line.split_once('=')?.0.trim();
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    (!key.is_empty() && key.len() <= 64 && key.bytes().all(bare)).then_some(key)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[allow(dead_code, reason = "only parsed")]
        count: u32,
    }

    #[derive(Debug, Deserialize)]
    struct Outer {
        #[allow(dead_code, reason = "only parsed")]
        sample: Sample,
        #[allow(dead_code, reason = "only parsed")]
        other: Option<Sample>,
    }

    #[test]
    fn what_a_table_lacks_is_told_with_its_line_and_what_the_file_lacks_without_one() {
        let refuse = |text: &str| place(text, &toml::from_str::<Outer>(text).unwrap_err());
        assert_eq!(refuse("[other]\ncount = 1\n"), "missing field `sample`");
        assert_eq!(refuse("[other]\ncount = 1\n[sample]\n"), "line 3: missing field `count`");
        assert_eq!(refuse("[sample]\n[other]\ncount = 1\n"), "line 1: missing field `count`");
    }

    fn refuse(text: &str) -> String {
        let error = toml::from_str::<Sample>(text).unwrap_err();
        place(text, &error)
    }

    #[test]
    fn an_unknown_field_is_named_with_its_line_and_its_value_is_not_shown() {
        assert_eq!(
            refuse("count = 1\n\napi_secret = \"canary\"\n"),
            "line 3: unknown field `api_secret`, expected `count`"
        );
    }

    #[test]
    fn a_wrong_value_is_named_by_field_and_line() {
        assert_eq!(
            refuse("\ncount = true"),
            "line 2, count: invalid type: boolean `true`, expected a whole number up to 4294967295"
        );
    }
}
