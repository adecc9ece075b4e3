//! An append as bytes: all of it that needs no place in the journal, worked out by whoever asks, so that the thread
//! everyone waits for only gives out places.

use equipoise_core::{BatchKey, BatchSpec, Record};
use equipoise_port::{Append, JournalError};

use super::codec::{
    ADMITTED, ENDED, PART_LEN_MAX, RECORD_LEN_MAX, SEVERAL_HEADER_LEN, begin_several, end_several,
    kind_of, write_body,
};
use super::layout;

/// An append, ready to be given its place.
#[derive(Debug)]
pub(super) struct Encoded {
    pub(super) batch: BatchKey,
    /// Records the batch must hold before.
    pub(super) expected: u32,
    /// Who appends.
    pub(super) epoch: u64,
    /// The records, or why the journal takes none of them.
    pub(super) records: Result<Records, JournalError>,
}

/// Kinds and bodies of the records of one append.
#[derive(Debug)]
pub(super) struct Records {
    /// What finds the batch that begins with them.
    pub(super) admission: Option<Admission>,
    /// Whether the batch ends with them.
    pub(super) ends: bool,
    /// Kind of each record, and where its body begins and ends.
    places: Vec<(u8, usize, usize)>,
    /// The body of one value that holds them all: a header and a body for each.
    bytes: Vec<u8>,
}

/// What the index entries of a batch are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Admission {
    pub(super) batch: BatchKey,
    /// Common start of the keys of its strategy's occasion.
    pub(super) occasion: [u8; layout::OCCASION_PREFIX_LEN],
}

impl Admission {
    pub(super) fn of(spec: &BatchSpec) -> Self {
        let occasion = layout::occasion_prefix(&spec.strategy, &spec.occasion);
        Self { batch: spec.key, occasion }
    }
}

impl Encoded {
    pub(super) fn of(append: &Append) -> Self {
        let Append { batch, expected, epoch, records } = append;
        let records = check_shape(*batch, *expected, records)
            .and_then(|spec| Records::of(records, spec.map(Admission::of)));
        Self { batch: *batch, expected: *expected, epoch: epoch.0, records }
    }
}

impl Records {
    fn of(records: &[Record], admission: Option<Admission>) -> Result<Self, JournalError> {
        let (mut places, mut bytes) = (Vec::with_capacity(records.len()), Vec::new());
        for record in records {
            let kind = kind_of(record);
            let start = begin_several(&mut bytes, kind);
            write_body(&mut bytes, record)?;
            let len = bytes.len() - start;
            if len > RECORD_LEN_MAX {
                return Err(JournalError::Failed(format!(
                    "a record of {len} bytes is longer than {RECORD_LEN_MAX}"
                )));
            }
            end_several(&mut bytes, start);
            places.push((kind, start, bytes.len()));
        }
        let ends = places.iter().any(|(kind, ..)| *kind == ENDED);
        Ok(Self { admission, ends, places, bytes })
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The body of one value for all of them, if there are several and they fit.
    pub(super) fn as_one(&self) -> Option<&[u8]> {
        (self.places.len() > 1 && self.bytes.len() <= PART_LEN_MAX).then_some(&self.bytes[..])
    }

    /// Kind and body of each.
    pub(super) fn each(&self) -> impl Iterator<Item = (u8, &[u8])> {
        self.places.iter().map(|(kind, start, end)| (*kind, &self.bytes[*start..*end]))
    }
}

/// A batch begins with its own admission and has no other. Returns it if the append is a batch's first.
fn check_shape(
    batch: BatchKey,
    expected: u32,
    records: &[Record],
) -> Result<Option<&BatchSpec>, JournalError> {
    let (first, rest) = match records.split_first() {
        Some((Record::Admitted(spec), rest)) if expected == 0 && spec.key == batch => {
            (Some(&**spec), rest)
        }
        Some(_) if expected == 0 => {
            return Err(JournalError::Failed(format!(
                "batch {batch} must begin with its admission"
            )));
        }
        _ => (None, records),
    };
    if rest.iter().any(|record| kind_of(record) == ADMITTED) {
        return Err(JournalError::Failed(format!("batch {batch} is admitted already")));
    }
    Ok(first)
}

const _: () = assert!(
    SEVERAL_HEADER_LEN + RECORD_LEN_MAX <= u32::MAX as usize,
    "the length of the longest record must fit into its header"
);
