//! A bundle: values of one batch that reach the store together are one value there, for a store pays for every key.
//!
//! It stands at the key of the first of them and is sealed like any other value, without a number of its own. Its body
//! is for each value: length of the rest of its key u8, length of the value u32 big-endian, that rest, value. What is
//! in it keeps its own seal, and nobody but the store's front ever sees the bundle itself.

use equipoise_port::JournalError;

use super::codec::{BUNDLE, damaged, is_kind, seal, shown, unseal};
use super::layout::{self, RECORDS_LEN};
use super::store::Visit;

/// Longest body of a bundle of several: sled moves pages that grow too long out of its log, and longer values make
/// longer pages.
pub(super) const BUNDLE_LEN_MAX: usize = 4 * 1024;

const VALUE_HEADER_LEN: usize = 5;

/// A key and what stands there.
pub(super) type Entry<'a> = (&'a [u8], &'a [u8]);

/// Puts values of one batch, in order of their keys, into as few bundles as their lengths allow.
///
/// # Errors
/// The first of `put_one`, with the rest not put.
pub(super) fn put<E>(
    values: &[Entry<'_>],
    mut put_one: impl FnMut(Entry<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let (mut body, mut sealed) = (Vec::new(), Vec::new());
    let mut rest = values;
    while let Some((&(key, value), after)) = rest.split_first() {
        let count = fitting(rest);
        if count == 1 {
            put_one((key, value))?;
            rest = after;
            continue;
        }
        let (together, after) = rest.split_at(count);
        body.clear();
        together.iter().for_each(|entry| add(&mut body, *entry));
        sealed.clear();
        seal(&mut sealed, key, BUNDLE, false, 0, &body);
        put_one((key, &sealed))?;
        rest = after;
    }
    Ok(())
}

/// How many of these fit into one bundle, at least one.
fn fitting(values: &[Entry<'_>]) -> usize {
    let mut len = 0;
    let fit = values.iter().take_while(|(key, value)| {
        len += VALUE_HEADER_LEN + key.len() - RECORDS_LEN + value.len();
        len <= BUNDLE_LEN_MAX
    });
    fit.count().max(1)
}

fn add(body: &mut Vec<u8>, (key, value): Entry<'_>) {
    let rest = &key[RECORDS_LEN..];
    // Keys have 5 bytes more than what all of a batch share, values 33 KiB at most.
    body.push(rest.len() as u8);
    body.extend_from_slice(&(value.len() as u32).to_be_bytes());
    body.extend_from_slice(rest);
    body.extend_from_slice(value);
}

/// Visits what is in a value of the store: itself, or everything in the bundle it is.
pub(super) fn each(key: &[u8], value: &[u8], visit: Visit<'_>) -> Result<(), JournalError> {
    let Some(shared) = layout::records_of(key).filter(|_| is_kind(value, BUNDLE)) else {
        return visit(key, value);
    };
    let unreadable = || damaged(format_args!("bundle {} is unreadable", shown(key)));
    let mut rest = unseal(key, value)?.body;
    let mut whole = Vec::with_capacity(RECORDS_LEN + VALUE_HEADER_LEN);
    while !rest.is_empty() {
        let ((key_rest, value), after) = split(rest).ok_or_else(unreadable)?;
        whole.clear();
        whole.extend_from_slice(shared);
        whole.extend_from_slice(key_rest);
        visit(&whole, value)?;
        rest = after;
    }
    Ok(())
}

fn split(bytes: &[u8]) -> Option<(Entry<'_>, &[u8])> {
    let (&[key_len, v3, v2, v1, v0], rest) = bytes.split_first_chunk::<VALUE_HEADER_LEN>()?;
    let value_len = usize::try_from(u32::from_be_bytes([v3, v2, v1, v0])).ok()?;
    let (key, rest) = rest.split_at_checked(usize::from(key_len))?;
    let (value, rest) = rest.split_at_checked(value_len)?;
    Some(((key, value), rest))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const GOLDEN: &str = "0141 0000000000000000 CRC \
                          04 00000002 00000003 6161 05 00000000 0000000301 04 00000001 00000004 62";

    fn seen(key: &[u8], value: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut seen = Vec::new();
        each(key, value, &mut |key, value| {
            seen.push((key.to_vec(), value.to_vec()));
            Ok(())
        })
        .unwrap();
        seen
    }

    fn bundled(values: &[Entry<'_>]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut puts = Vec::new();
        put(values, |(key, value)| {
            puts.push((key.to_vec(), value.to_vec()));
            Ok::<_, std::convert::Infallible>(())
        })
        .unwrap();
        puts
    }

    #[test]
    fn values_become_one_and_come_back_in_order() {
        let keys =
            [&layout::record_key(1, 3)[..], &layout::part_key(1, 3, 1), &layout::record_key(1, 4)];
        let values = [(keys[0], &b"aa"[..]), (keys[1], b""), (keys[2], b"b")];
        let [(key, value)] = &bundled(&values)[..] else { panic!("not one") };
        assert_eq!(key, keys[0]);
        let crc = hex::encode(&value[10..14]);
        assert_eq!(hex::encode(value), GOLDEN.replace("CRC", &crc).replace(' ', ""));
        let owned = values.map(|(key, value)| (key.to_vec(), value.to_vec()));
        assert_eq!(seen(key, value), owned);
    }

    #[test]
    fn a_bundle_has_a_longest_length_and_one_value_stays_itself() {
        let half = vec![7; BUNDLE_LEN_MAX / 2];
        let keys = [0, 1, 2].map(|sequence| layout::record_key(1, sequence));
        let values = keys.each_ref().map(|key| (&key[..], &half[..]));
        assert_eq!(bundled(&values).len(), 3);
        let values = [(&keys[0][..], &half[..]), (&keys[1], b"b"), (&keys[2], &half)];
        let puts = bundled(&values);
        assert_eq!(
            puts.iter().map(|(key, _)| &key[..]).collect::<Vec<_>>(),
            [&keys[0][..], &keys[2]]
        );
        assert_eq!(puts[1].1, half);
    }

    #[test]
    fn a_bundle_that_changed_is_damage_and_other_values_are_left_alone() {
        let keys = [0, 1].map(|sequence| layout::record_key(1, sequence));
        let puts = bundled(&[(&keys[0], b"a"), (&keys[1], b"b")]);
        let (key, mut value) = puts[0].clone();
        *value.last_mut().unwrap() ^= 1;
        let error = each(&key, &value, &mut |_, _| Ok(())).unwrap_err();
        assert!(matches!(error, JournalError::Damaged(_)), "{error}");
        assert_eq!(seen(b"K", &value), [(b"K".to_vec(), value.clone())]);
    }
}
