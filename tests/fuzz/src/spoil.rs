//! Makes a good text bad: cuts, repeats, swaps and inserts pieces, with tokens that parsers trip over.

use crate::source::Source;

/// Pieces that stand where others belong.
const TOKENS: &[&str] = &[
    "null",
    "true",
    "{}",
    "[]",
    "\"\"",
    "0",
    "-1",
    "1e5",
    "1e999",
    "NaN",
    "Infinity",
    "0.0",
    "-0",
    "00",
    "+1",
    "1_000",
    "99999999999999999999999999999",
    "0.0000000000000000000000000001",
    "79228162514264337593543950335",
    "18446744073709551615",
    "-9223372036854775808",
    "\"9999999999999\"",
    "\"-0.1\"",
    "\"\\u0000\"",
    "\"\u{202e}\"",
    "\"é\"",
    ",",
    ":",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\",
    "\n",
    "=",
    "#",
    "''",
    "\"\"\"",
    "2026-11-22T08:00:00Z",
    "BTCUSDT",
    "ETHUSDT",
    "leg0a1",
    "FILLED",
    "Filled",
    "CANCELED",
    "code",
    "retCode",
    "-2013",
    "-2019",
    "110001",
    "110007",
    "10006",
    "canary-secret-5b1e",
];

/// The text after a few changes, or none.
pub(crate) fn spoil(good: &str, source: &mut Source<'_>) -> Vec<u8> {
    let mut text = good.as_bytes().to_vec();
    for _ in 0..source.below(6) {
        change(&mut text, source);
    }
    text
}

fn change(text: &mut Vec<u8>, source: &mut Source<'_>) {
    let at = source.below(text.len() + 1);
    let until = (at + 1 + source.below(24)).min(text.len());
    let at = at.min(until);
    match source.byte() % 8 {
        0 => drop(text.drain(at..until)),
        1 => drop(text.splice(at..until, source.pick(TOKENS).bytes())),
        2 => drop(text.splice(at..at, source.pick(TOKENS).bytes())),
        3 => {
            let piece = text[at..until].to_vec();
            let there = source.below(text.len() + 1);
            text.splice(there..there, piece);
        }
        4 => {
            let count = source.below(8);
            let junk = source.take(count).to_vec();
            text.splice(at..at, junk);
        }
        5 => {
            if let Some(byte) = text.get_mut(at) {
                *byte ^= 1 << (source.byte() % 8);
            }
        }
        6 => replace_value(text, at, source),
        _ => text.truncate(at.max(1)),
    }
}

/// Replaces the next quoted text or number, so that the frame around it stays sound.
fn replace_value(text: &mut Vec<u8>, from: usize, source: &mut Source<'_>) {
    let Some(colon) = text[from..].iter().position(|byte| matches!(byte, b':' | b'=')) else {
        return;
    };
    let begin = from + colon + 1;
    let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b'\n');
    let end = text[begin..].iter().position(ends).map_or(text.len(), |length| begin + length);
    text.splice(begin..end, source.pick(TOKENS).bytes());
}
