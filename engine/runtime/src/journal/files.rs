//! Files and folders whose names are durable, not only what is in them.

use std::fs::{self, File};
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use super::store::StoreError;

/// Where a file is until it is whole.
pub(super) fn unfinished(path: &Path) -> PathBuf {
    path.with_extension("unfinished")
}

/// Puts a file in place whole, of another name until then. When this returns it is durable under its name; when it
/// fails the file that was there is there still.
pub(super) fn replace(
    path: &Path,
    doing: &str,
    write: impl FnOnce(&File) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let failed = |error: Error| StoreError::from_io(doing, &error);
    let unfinished = unfinished(path);
    let make = || {
        let file = File::create(&unfinished).map_err(failed)?;
        write(&file)?;
        file.sync_all().map_err(failed)
    };
    make().inspect_err(|_| {
        // What it took may be what is missing on a full device.
        let _ = fs::remove_file(&unfinished);
    })?;
    fs::rename(&unfinished, path)
        .and_then(|()| sync_folder(path.parent().unwrap_or(path)))
        .map_err(failed)
}

/// Makes a folder and every missing one above it, each durable in its parent.
pub(super) fn make_folder(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return Ok(()),
    };
    make_folder(parent)?;
    match fs::create_dir(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    sync_folder(parent)
}

/// Makes the names in a folder durable. Where folders cannot be opened, names are durable with their files.
pub(super) fn sync_folder(path: &Path) -> std::io::Result<()> {
    if cfg!(unix) {
        File::open(path)?.sync_all()?;
    }
    Ok(())
}

/// Makes the names of the folders above durable: an attempt killed before this one may have made them. Some may belong
/// to others or to the system; those are not ours to have made.
pub(super) fn sync_folders_above(path: &Path) -> std::io::Result<()> {
    let absolute = std::path::absolute(path)?;
    let mut above = absolute.ancestors().skip(1);
    match above.next().map_or(Ok(()), sync_folder) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
        synced => synced?,
    }
    for folder in above {
        match sync_folder(folder) {
            Err(error) if is_not_ours(error.kind()) => {}
            synced => synced?,
        }
    }
    Ok(())
}

/// Whether a folder further up says so that no attempt of ours can have made a name in it, or that its file system
/// knows no such sync.
const fn is_not_ours(kind: ErrorKind) -> bool {
    use ErrorKind::{InvalidInput, PermissionDenied, ReadOnlyFilesystem, Unsupported};
    matches!(kind, PermissionDenied | ReadOnlyFilesystem | InvalidInput | Unsupported)
}

/// Removes a file or folder that may not be there.
pub(super) fn remove(path: &Path) -> std::io::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_file_that_could_not_be_made_leaves_the_one_before_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let write = |text: &'static [u8]| {
            move |mut file: &File| {
                file.write_all(text).map_err(|error| StoreError::from_io("test", &error))
            }
        };
        replace(&path, "test", write(b"one")).unwrap();
        let fault = StoreError::Io("test fault".into());
        let fails = |file: &File| write(b"two")(file).and(Err(fault.clone()));
        assert_eq!(replace(&path, "test", fails), Err(fault.clone()));
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert!(!unfinished(&path).exists());
        replace(&path, "test", write(b"three")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
    }

    /// Folders of the process table know no sync; the path through them leads to a folder that does.
    #[cfg(target_os = "linux")]
    #[test]
    fn folders_further_up_need_not_know_a_sync_and_the_one_a_journal_is_in_does() {
        let folder = tempfile::tempdir().unwrap();
        let below_root = folder.path().strip_prefix("/").unwrap();
        let path = Path::new("/proc/self/root").join(below_root).join("journal");
        assert_eq!(
            sync_folder(Path::new("/proc/self")).unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
        sync_folders_above(&path).unwrap();
        let refused = sync_folders_above(Path::new("/proc/self/journal")).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    }
}
