//! Compares a table of codes with a second list of them.
//!
//! Each exchange's `documented` lists every code once more with what its documentation says, grouped by verdict and
//! written from the documentation, not from the table. So a code that moves to another class, disappears or is added
//! in one place only fails.

use std::collections::BTreeSet;
use std::fmt::Debug;

use crate::outcome::Meaning;

/// Verdicts with the codes that must have them.
pub(crate) type Documented<'a, C> = &'a [(Meaning, &'a [C])];

/// Asserts that both lists hold the same codes with the same meanings.
pub(crate) fn assert_same<C: Copy + Ord + Debug>(
    documented: &[Documented<'_, C>],
    listed: impl IntoIterator<Item = C>,
    meaning: impl Fn(C) -> Meaning,
) {
    let groups = documented.iter().flat_map(|part| part.iter());
    let expected: Vec<(C, Meaning)> =
        groups.flat_map(|(verdict, codes)| codes.iter().map(|code| (*code, *verdict))).collect();
    let codes: BTreeSet<C> = expected.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes.len(), expected.len(), "a code stands in two groups");
    let moved: Vec<_> = expected
        .iter()
        .filter(|(code, verdict)| meaning(*code) != *verdict)
        .map(|(code, verdict)| (*code, *verdict, meaning(*code)))
        .collect();
    assert!(moved.is_empty(), "code, documented, in the table: {moved:?}");
    let listed: BTreeSet<C> = listed.into_iter().collect();
    let apart: Vec<_> = listed.symmetric_difference(&codes).collect();
    assert!(apart.is_empty(), "only in one of the lists: {apart:?}");
}
