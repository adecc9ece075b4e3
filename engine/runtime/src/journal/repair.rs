//! Makes a store again that a power cut left unreadable, from the checkpoint, the log and the archive.
//!
//! sled can come back from an honest power cut refusing to open, or shorter than what it had confirmed. Everything it
//! held is in the checkpoint or the log, so nothing is lost with it. What is made must pass the same check as any
//! store, numbers, sums and anchor included, before it takes the other's place; the other is kept beside it.
//!
//! Only where an end was not clean, the last one or an earlier one in the life of this store: other damage is not
//! explained by a cut, and is refused (P5).

use std::sync::atomic::Ordering;

use equipoise_core::Record;

use super::checkpoint::Checkpoint;
use super::codec::unseal;
use super::continuity;
use super::encoded::Admission;
use super::folder::Folder;
use super::handing_over::hand_over;
use super::head::Head;
use super::index::{Entry, put_pages};
use super::layout;
use super::log::Log;
use super::overlay::{Overlay, Plain, add};
use super::reading::Assembly;
use super::store::{Store, StoreError, WriteBatch};
use super::writer::stage_index;

/// Opens an empty store at a path.
pub(super) type Create<'a> = &'a dyn Fn(&std::path::Path) -> Result<Box<dyn Store>, StoreError>;

/// Makes the store again and puts it in place.
///
/// # Errors
/// Why that cannot be done; the folder is as it was then, but for a store half made beside the other.
pub(super) fn repair(
    folder: &Folder,
    checkpoint: Checkpoint,
    anchor: Head,
    create: Create<'_>,
) -> Result<(), StoreError> {
    let log = Log::open(folder.path())?;
    let frames = log.frames()?;
    let mut writes = WriteBatch::default();
    for frame in frames.beyond(checkpoint.head()?)? {
        frame.add_to(&mut writes)?;
    }
    let Checkpoint { mut entries, .. } = checkpoint;
    add(&mut entries, &writes);
    // What finds batches is told by the records, wherever they are by now.
    let finds = [layout::PAGE, layout::BATCH, layout::OCCASION];
    entries.retain(|key, write| {
        write.is_some() && key.first().is_some_and(|first| !finds.contains(first))
    });

    let store = create(&folder.begin_repair()?)?;
    index_archive(&*store, folder, &entries)?;
    hand_over(&*store, &index_of(&entries)?)?;
    hand_over(&*store, &entries)?;
    let findings = continuity::check(&Plain(&*store), Some(anchor))?;
    findings.archive.check_files(&folder.archive())?;
    let lost = store.lost_at_close();
    drop(store);
    if lost.load(Ordering::Acquire) {
        return Err(StoreError::Io("the last writes to it may not be durable".into()));
    }
    folder.end_repair()
}

/// Makes the pages of the archive again, from its segments.
fn index_archive(store: &dyn Store, folder: &Folder, entries: &Overlay) -> Result<(), StoreError> {
    let segments = entries.iter().filter(|(key, _)| key.first() == Some(&layout::ARCHIVE));
    for ((key, value), number) in segments.zip(1..) {
        let value = value.as_deref().unwrap_or_default();
        let segment = continuity::segment_of(key, value)?;
        let mut records = Overlay::new();
        segment.read(&folder.archive(), number)?.visit_all(&mut |key, value| {
            records.insert(key.to_vec(), Some(value.to_vec()));
            Ok(())
        })?;
        let begun = begun_in(&records)?.into_iter().map(|begun| begun.entry);
        let mut pages = WriteBatch::default();
        put_pages(&mut pages, number, unseal(key, value)?.number, &begun.collect::<Vec<_>>());
        hand_over(store, &overlay_of(&pages))?;
    }
    Ok(())
}

/// The index entries of all batches that begin here.
fn index_of(entries: &Overlay) -> Result<Overlay, StoreError> {
    let mut index = WriteBatch::default();
    for Begun { entry, journal_number } in begun_in(entries)? {
        stage_index(entry.admission, entry.number, journal_number, &mut index);
    }
    let mut entries = overlay_of(&index);
    // Open markers are in the checkpoint and the log: not every batch is open.
    entries.retain(|key, _| key.first() != Some(&layout::OPEN));
    Ok(entries)
}

fn overlay_of(batch: &WriteBatch) -> Overlay {
    let mut overlay = Overlay::new();
    add(&mut overlay, batch);
    overlay
}

/// A batch by its first record.
struct Begun {
    entry: Entry,
    /// Journal number of that record.
    journal_number: u64,
}

/// All batches that begin here. Records added to a batch after it moved to the archive begin nothing.
fn begun_in(entries: &Overlay) -> Result<Vec<Begun>, StoreError> {
    let mut begun = Vec::new();
    let mut records = entries.range(vec![layout::RECORD]..vec![layout::RECORD + 1]).peekable();
    while let Some((first, value)) = records.next() {
        let Some(shared) = layout::records_of(first) else { continue };
        let mut values = vec![(first, value)];
        while let Some(next) = records.next_if(|(key, _)| key.starts_with(shared)) {
            values.push(next);
        }
        begun.extend(begun_by(&values)?);
    }
    Ok(begun)
}

fn begun_by(values: &[(&Vec<u8>, &Option<Vec<u8>>)]) -> Result<Option<Begun>, StoreError> {
    let Some((first, Some(value))) = values.first() else { return Ok(None) };
    let Some(place) = layout::place_of(first).filter(|place| place.sequence == 0) else {
        return Ok(None);
    };
    let journal_number = unseal(first, value)?.number;
    let mut assembly = Assembly::default();
    for (key, value) in values {
        assembly.take(key, value.as_deref().unwrap_or_default())?;
    }
    Ok(match assembly.finish(place.batch)?.first() {
        Some(Record::Admitted(spec)) => {
            let entry = Entry { number: place.batch, admission: Admission::of(spec) };
            Some(Begun { entry, journal_number })
        }
        _ => None,
    })
}
