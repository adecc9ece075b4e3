//! A file system that may forget everything that was not synced.
//!
//! What a sync of a file makes durable is its content; what a sync of a folder makes durable are the names in it. Nothing
//! else is durable: not a file's name by the sync of the file, not the order of writes between two syncs. Real file
//! systems promise more, and nothing here relies on that.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::log::Op;

/// Files with their content, and folders, by path.
pub(crate) type Files = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// What a path stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Folder,
    File(usize),
}

/// A change of a file's content that is not durable yet.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    SetLength(usize),
}

/// One file, whatever its name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inode {
    /// Content that is durable.
    pub(crate) durable: Vec<u8>,
    /// What came after, with its place in the log.
    pub(crate) pending: Vec<(usize, Change)>,
}

/// A change of names that is not durable yet.
#[derive(Clone, Debug)]
pub(crate) struct Naming {
    /// Its place in the log.
    pub(crate) at: usize,
    folder: PathBuf,
    set: Option<(PathBuf, Node)>,
    removed: Option<PathBuf>,
}

/// The file system after a part of the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    inodes: Vec<Inode>,
    live: BTreeMap<PathBuf, Node>,
    durable: BTreeMap<PathBuf, Node>,
    namings: Vec<Naming>,
    /// Syncs under way: what, and where in the log they were asked for.
    syncs: BTreeMap<u64, (PathBuf, usize)>,
}

impl Disk {
    /// A folder as it is, all of it durable.
    pub(crate) fn of_folder(folder: &Path) -> io::Result<Self> {
        let mut disk = Self::default();
        for (path, content) in read_folder(folder)? {
            let node = match content {
                None => Node::Folder,
                Some(durable) => disk.add(Inode { durable, pending: Vec::new() }),
            };
            disk.live.insert(path, node);
        }
        disk.durable = disk.live.clone();
        Ok(disk)
    }

    fn add(&mut self, inode: Inode) -> Node {
        self.inodes.push(inode);
        Node::File(self.inodes.len() - 1)
    }

    /// Carries out one entry of the log.
    pub(crate) fn apply(&mut self, at: usize, op: &Op) {
        match op {
            Op::Create(path) => {
                self.file(at, path);
            }
            Op::Write { path, offset, bytes } => {
                let change = Change::Write { offset: place(*offset), bytes: bytes.clone() };
                self.change(at, path, change);
            }
            Op::SetLength { path, length } => {
                self.change(at, path, Change::SetLength(place(*length)));
            }
            Op::SyncBegun { path, ticket } => {
                self.syncs.insert(*ticket, (path.clone(), at));
            }
            Op::SyncEnded { ticket } => {
                if let Some((path, begun)) = self.syncs.remove(ticket) {
                    self.sync(&path, begun);
                }
            }
            Op::Rename { from, to } => {
                if let Some(node) = self.live.remove(from) {
                    self.live.insert(to.clone(), node);
                    self.move_below(from, to);
                    self.name(at, to, Some((to.clone(), node)), Some(from.clone()));
                }
            }
            Op::Remove(path) => {
                self.live.remove(path);
                self.name(at, path, None, Some(path.clone()));
            }
            Op::MakeFolder(path) => {
                self.live.insert(path.clone(), Node::Folder);
                self.name(at, path, Some((path.clone(), Node::Folder)), None);
            }
            Op::Acknowledged { .. } | Op::Owned(_) => {}
        }
    }

    /// What is in a folder goes with it, under whatever name it is known.
    fn move_below(&mut self, from: &Path, to: &Path) {
        move_names(&mut self.live, from, to);
        for naming in &mut self.namings {
            moved(&mut naming.folder, from, to);
            let set = naming.set.as_mut().map(|(path, _)| path);
            set.into_iter().chain(&mut naming.removed).for_each(|path| moved(path, from, to));
        }
        for (path, _) in self.syncs.values_mut() {
            moved(path, from, to);
        }
    }

    fn name(
        &mut self,
        at: usize,
        path: &Path,
        set: Option<(PathBuf, Node)>,
        removed: Option<PathBuf>,
    ) {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        self.namings.push(Naming { at, folder, set, removed });
    }

    /// The file of this name, made if need be.
    fn file(&mut self, at: usize, path: &Path) -> usize {
        if let Some(Node::File(inode)) = self.live.get(path) {
            return *inode;
        }
        let node = self.add(Inode::default());
        self.live.insert(path.to_owned(), node);
        self.name(at, path, Some((path.to_owned(), node)), None);
        self.inodes.len() - 1
    }

    fn change(&mut self, at: usize, path: &Path, change: Change) {
        let inode = self.file(at, path);
        self.inodes[inode].pending.push((at, change));
    }

    /// Makes durable what a file or folder had been given before `begun`.
    fn sync(&mut self, path: &Path, begun: usize) {
        match self.live.get(path) {
            Some(Node::File(inode)) => {
                let inode = &mut self.inodes[*inode];
                let later = inode.pending.partition_point(|(at, _)| *at < begun);
                for (_, change) in inode.pending.drain(..later) {
                    change.carry_out(&mut inode.durable);
                }
            }
            Some(Node::Folder) => self.sync_names(path, begun),
            None if path.as_os_str().is_empty() => self.sync_names(path, begun),
            None => {}
        }
    }

    fn sync_names(&mut self, folder: &Path, begun: usize) {
        let namings = std::mem::take(&mut self.namings);
        let (now, later): (Vec<_>, Vec<_>) =
            namings.into_iter().partition(|naming| naming.folder == folder && naming.at < begun);
        self.namings = later;
        for naming in &now {
            naming.carry_out(&mut self.durable);
        }
    }

    /// Places in the log of everything that is not durable, oldest first.
    pub(crate) fn pending(&self) -> Vec<usize> {
        let changes = self.inodes.iter().flat_map(|inode| inode.pending.iter().map(|(at, _)| *at));
        let mut pending: Vec<_> =
            changes.chain(self.namings.iter().map(|naming| naming.at)).collect();
        pending.sort_unstable();
        pending
    }

    /// What is left when the power goes: names up to a place in the log, and content as `keep` decides for each change.
    pub(crate) fn after_cut(
        &self,
        names_before: usize,
        mut keep: impl FnMut(usize, &Change) -> Vec<Change>,
    ) -> Files {
        let mut names = self.durable.clone();
        for naming in self.namings.iter().filter(|naming| naming.at < names_before) {
            naming.carry_out(&mut names);
        }
        let mut files = Files::new();
        for (path, node) in &names {
            // A name whose folder has none cannot be reached. Folders sort before what is in them.
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            if parent.is_some_and(|parent| files.get(parent) != Some(&None)) {
                continue;
            }
            let content = match node {
                Node::Folder => None,
                Node::File(inode) => {
                    let inode = &self.inodes[*inode];
                    let mut content = inode.durable.clone();
                    for (at, change) in &inode.pending {
                        for kept in keep(*at, change) {
                            kept.carry_out(&mut content);
                        }
                    }
                    Some(content)
                }
            };
            files.insert(path.clone(), content);
        }
        files
    }

    /// Everything, durable or not: what any process sees.
    pub(crate) fn live(&self) -> Files {
        self.after_cut(usize::MAX, |_, change| vec![change.clone()])
    }
}

impl Change {
    pub(crate) fn carry_out(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => {
                let end = offset + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*offset..end].copy_from_slice(bytes);
            }
            Self::SetLength(length) => content.resize(*length, 0),
        }
    }
}

impl Naming {
    fn carry_out(&self, names: &mut BTreeMap<PathBuf, Node>) {
        if let Some(removed) = &self.removed {
            names.remove(removed);
        }
        if let Some((path, node)) = &self.set {
            names.insert(path.clone(), *node);
        }
        if let (Some(from), Some((to, Node::Folder))) = (&self.removed, &self.set) {
            move_names(names, from, to);
        }
    }
}

fn move_names(names: &mut BTreeMap<PathBuf, Node>, from: &Path, to: &Path) {
    let below = names.keys().filter(|path| path.starts_with(from)).cloned().collect::<Vec<_>>();
    for mut path in below {
        if let Some(node) = names.remove(&path) {
            moved(&mut path, from, to);
            names.insert(path, node);
        }
    }
}

/// The path it has once a folder above it has another name.
fn moved(path: &mut PathBuf, from: &Path, to: &Path) {
    if let Ok(rest) = path.strip_prefix(from) {
        *path = if rest.as_os_str().is_empty() { to.to_owned() } else { to.join(rest) };
    }
}

/// Everything below a folder.
pub(crate) fn read_folder(folder: &Path) -> io::Result<Files> {
    fn read(folder: &Path, below: &Path, files: &mut Files) -> io::Result<()> {
        for entry in fs::read_dir(folder.join(below))? {
            let path = below.join(entry?.file_name());
            if folder.join(&path).is_dir() {
                files.insert(path.clone(), None);
                read(folder, &path, files)?;
            } else {
                let content = fs::read(folder.join(&path))?;
                files.insert(path, Some(content));
            }
        }
        Ok(())
    }
    let mut files = Files::new();
    read(folder, Path::new(""), &mut files)?;
    Ok(files)
}

/// Puts files where they can be opened.
pub(crate) fn write_folder(folder: &Path, files: &Files) -> io::Result<()> {
    for (path, content) in files {
        match content {
            None => fs::create_dir_all(folder.join(path))?,
            Some(content) => fs::write(folder.join(path), content)?,
        }
    }
    Ok(())
}

fn place(number: u64) -> usize {
    usize::try_from(number).expect("files of a test fit into memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &str, offset: u64, bytes: &[u8]) -> Op {
        Op::Write { path: path.into(), offset, bytes: bytes.to_vec() }
    }

    fn disk(ops: &[Op]) -> Disk {
        let mut disk = Disk::default();
        for (at, op) in ops.iter().enumerate() {
            disk.apply(at, op);
        }
        disk
    }

    fn synced_only(disk: &Disk) -> Files {
        disk.after_cut(0, |_, _| Vec::new())
    }

    fn sync(path: &str, ticket: u64) -> [Op; 2] {
        [Op::SyncBegun { path: path.into(), ticket }, Op::SyncEnded { ticket }]
    }

    #[test]
    fn content_is_durable_with_its_file_and_a_name_with_its_folder() {
        let mut ops = vec![Op::Create("a".into()), write("a", 0, b"one")];
        ops.extend(sync("a", 1));
        assert_eq!(synced_only(&disk(&ops)), Files::new(), "nobody synced its name");
        ops.extend(sync("", 2));
        ops.push(write("a", 3, b"two"));
        let expected = Files::from([("a".into(), Some(b"one".to_vec()))]);
        assert_eq!(synced_only(&disk(&ops)), expected);
        let expected = Files::from([("a".into(), Some(b"onetwo".to_vec()))]);
        assert_eq!(disk(&ops).live(), expected);
    }

    #[test]
    fn what_is_written_during_a_sync_is_not_covered_by_it() {
        let mut ops = vec![Op::Create("a".into())];
        ops.extend(sync("", 1));
        ops.push(Op::SyncBegun { path: "a".into(), ticket: 2 });
        ops.push(write("a", 0, b"late"));
        ops.push(Op::SyncEnded { ticket: 2 });
        let expected = Files::from([("a".into(), Some(Vec::new()))]);
        assert_eq!(synced_only(&disk(&ops)), expected);
        assert_eq!(disk(&ops).pending(), [4]);
    }

    #[test]
    fn a_file_in_a_folder_without_a_durable_name_is_lost() {
        let mut ops = vec![Op::MakeFolder("f".into()), Op::Create("f/a".into())];
        ops.extend(sync("f", 1));
        assert_eq!(synced_only(&disk(&ops)), Files::new());
        ops.extend(sync("", 2));
        assert_eq!(synced_only(&disk(&ops)).len(), 2);
    }

    #[test]
    fn a_folder_takes_what_is_in_it_along_once_its_new_name_is_durable() {
        let file = |folder: &str| {
            Files::from([(folder.into(), None), (Path::new(folder).join("f"), Some(b"1".to_vec()))])
        };
        let mut ops = vec![Op::MakeFolder("a".into()), write("a/f", 0, b"1")];
        let synced = |ops: &mut Vec<Op>, path: &str, ticket: u64| {
            ops.push(Op::SyncBegun { path: path.into(), ticket });
            ops.push(Op::SyncEnded { ticket });
        };
        synced(&mut ops, "a/f", 1);
        synced(&mut ops, "a", 2);
        synced(&mut ops, "", 3);
        ops.push(Op::Rename { from: "a".into(), to: "b".into() });
        assert_eq!(synced_only(&disk(&ops)), file("a"));
        assert_eq!(disk(&ops).live(), file("b"));
        synced(&mut ops, "", 4);
        assert_eq!(synced_only(&disk(&ops)), file("b"));
    }

    #[test]
    fn a_rename_that_is_not_durable_leaves_the_old_name() {
        let mut ops = vec![Op::Create("a".into())];
        ops.extend(sync("", 1));
        ops.push(Op::Rename { from: "a".into(), to: "b".into() });
        assert!(synced_only(&disk(&ops)).contains_key(Path::new("a")));
        assert!(disk(&ops).live().contains_key(Path::new("b")));
    }
}
