//! Makes a sound JSON text say something else: fields dropped, renamed, retyped and swapped, rows repeated and lost.
//!
//! What comes out is still JSON, so that it leads past the parser to what reads the fields.

use serde_json::{Map, Value};

use crate::source::Source;

/// Values that stand where others belong, as JSON.
const VALUES: &[&str] = &[
    "null",
    "true",
    "false",
    "\"\"",
    "[]",
    "{}",
    "[[]]",
    "[null]",
    "0",
    "\"0\"",
    "-1",
    "\"-1\"",
    "0.1",
    "1e999",
    "1e-999",
    "\"1e5\"",
    "\"NaN\"",
    "\"Infinity\"",
    "18446744073709551615",
    "-9223372036854775808",
    "99999999999999999999999999999999999999999",
    "\"99999999999999999999999999999999999999999\"",
    "\"79228162514264337593543950335\"",
    "\"0.0000000000000000000000000001\"",
    "\"\\u0000\"",
    "\"\\u202e\"",
    "\" 1\"",
    "\"\u{0661}\"",
    "1795334400041",
    "\"1795334400041\"",
    "\"2026-11-22T08:00:00.120000Z\"",
    "\"BTC\"",
    "\"filled\"",
    "\"canceled\"",
];
/// Most copies of one row.
const COPIES_MAX: usize = 64;
/// Parsers of JSON give up somewhere below this depth.
const DEPTHS: &[usize] = &[60, 126, 129, 4_000, 60_000];

/// The text after up to three changes; as it is if it is not JSON. `words` are further values.
pub(crate) fn reshape(good: &str, words: &[String], source: &mut Source<'_>) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_str::<Value>(good) else {
        return good.as_bytes().to_vec();
    };
    for _ in 0..=source.below(3) {
        let mut left = source.below(count(&value));
        change(&mut value, &mut left, words, source);
    }
    let text = value.to_string();
    // Beside the rest, since a value that is read first cannot be that deep.
    if source.odds(12) { deepened(&text, source) } else { text.into_bytes() }
}

/// One answer with what only the other holds: two that contradict each other in one body.
pub(crate) fn graft(good: &str, other: &str) -> Vec<u8> {
    let fields = |text: &str| serde_json::from_str::<Map<String, Value>>(text);
    let (Ok(mut grown), Ok(other)) = (fields(good), fields(other)) else {
        return good.as_bytes().to_vec();
    };
    for (name, value) in other {
        grown.entry(name).or_insert(value);
    }
    Value::Object(grown).to_string().into_bytes()
}

/// Changes the nth container that is come to.
fn change(value: &mut Value, left: &mut usize, words: &[String], source: &mut Source<'_>) {
    let here = *left == 0;
    *left = left.wrapping_sub(1);
    match value {
        Value::Object(fields) if here && !fields.is_empty() => field(fields, words, source),
        Value::Array(rows) if here && !rows.is_empty() => row(rows, source),
        _ if here => *value = other(words, source),
        Value::Object(fields) => {
            for value in fields.values_mut().filter(|value| is_container(value)) {
                change(value, left, words, source);
            }
        }
        Value::Array(rows) => {
            for value in rows.iter_mut().filter(|value| is_container(value)) {
                change(value, left, words, source);
            }
        }
        _ => {}
    }
}

fn is_container(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

/// Containers in a value, itself included.
fn count(value: &Value) -> usize {
    let below: usize = match value {
        Value::Object(fields) => {
            fields.values().filter(|value| is_container(value)).map(count).sum()
        }
        Value::Array(rows) => rows.iter().filter(|value| is_container(value)).map(count).sum(),
        _ => 0,
    };
    below + 1
}

fn field(fields: &mut Map<String, Value>, words: &[String], source: &mut Source<'_>) {
    let names: Vec<String> = fields.keys().cloned().collect();
    let name = source.pick(&names);
    match source.byte() % 8 {
        0 => drop(fields.remove(&name)),
        1 => {
            let value = fields.remove(&name).unwrap_or_default();
            fields.insert(name.to_uppercase(), value);
        }
        2 => {
            let there = source.pick(&names);
            let value = fields[&there].clone();
            fields.insert(name, value);
        }
        3 => {
            let value = retyped(&fields[&name]);
            fields.insert(name, value);
        }
        _ => {
            fields.insert(name, other(words, source));
        }
    }
}

/// Numbers become text and the other way round; anything else is wrapped.
fn retyped(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::String(number.to_string()),
        Value::String(text) => serde_json::from_str(text).unwrap_or(Value::Bool(false)),
        other => Value::Array(vec![other.clone()]),
    }
}

fn row(rows: &mut Vec<Value>, source: &mut Source<'_>) {
    let at = source.below(rows.len());
    match source.byte() % 4 {
        0 => drop(rows.remove(at)),
        1 => rows.clear(),
        2 => rows.push(rows[at].clone()),
        _ => {
            let copies = std::iter::repeat_n(rows[at].clone(), source.below(COPIES_MAX));
            rows.extend(copies);
        }
    }
}

fn other(words: &[String], source: &mut Source<'_>) -> Value {
    let text = if !words.is_empty() && source.odds(96) {
        source.pick(words)
    } else {
        source.pick(VALUES).to_owned()
    };
    // What is no number to this parser stays a text.
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

/// One more field, nested deeper than anything documented.
fn deepened(text: &str, source: &mut Source<'_>) -> Vec<u8> {
    let depth = source.pick(DEPTHS);
    let (open, close) = source.pick(&[("[", "]"), ("{\"a\":", "}")]);
    let inner = if open == "[" { "" } else { "0" };
    let closed = if source.odds(128) { close.repeat(depth) } else { String::new() };
    let nest = format!("{}{inner}{closed}", open.repeat(depth));
    match text.strip_prefix('{') {
        Some(rest) if rest.len() > 1 => format!("{{\"deep\":{nest},{rest}").into_bytes(),
        _ => nest.into_bytes(),
    }
}
