//! Stands between this program and the system calls that change files.
//!
//! The program defines the C library's functions itself, so that every caller in it, the standard library and both
//! stores included, ends up here; each makes the same system call and notes what it did. Nothing is noted unless a
//! capture is under way and the file lies in the captured folder. `sync_file_range` is left alone on purpose: it makes
//! nothing durable.
//!
//! A call that goes another way than through these functions is not noticed here; the comparison of the rebuilt files
//! with the real ones, made for every capture, is what notices it.
//!
//! The same functions are also built into a library that can be loaded before any program of this system. There nothing
//! is captured; instead the process kills itself at the failpoint its environment names.
#![allow(
    unsafe_code,
    reason = "system calls are captured by defining the C library's functions; only this file does it"
)]

use std::ffi::{CStr, OsStr, c_char, c_int, c_long, c_uint, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{ptr, slice};

use libc::{AT_FDCWD, iovec, mode_t, msghdr, off_t, size_t, sockaddr, socklen_t, ssize_t};

use crate::armed;
use crate::failpoint::Call;
use crate::log::Op;

/// Whether a capture is under way; spares every other call the lock.
static ACTIVE: AtomicBool = AtomicBool::new(false);
static RECORDING: Mutex<Option<Recording>> = Mutex::new(None);

struct Recording {
    folder: PathBuf,
    ops: Vec<Op>,
    tickets: u64,
}

/// Begins; false when a capture is under way.
pub(crate) fn start(folder: PathBuf) -> bool {
    let mut recording = lock();
    if recording.is_some() {
        return false;
    }
    *recording = Some(Recording { folder, ops: Vec::new(), tickets: 0 });
    ACTIVE.store(true, Ordering::SeqCst);
    true
}

/// Adds to the log.
pub(crate) fn push(op: Op) {
    if let Some(recording) = &mut *lock() {
        recording.ops.push(op);
    }
}

/// Ends and gives the log, which is empty when there was no capture.
pub(crate) fn finish() -> Vec<Op> {
    let recording = lock().take();
    ACTIVE.store(false, Ordering::SeqCst);
    recording.map(|recording| recording.ops).unwrap_or_default()
}

fn lock() -> MutexGuard<'static, Option<Recording>> {
    RECORDING.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recording {
    fn inside(&self, path: &Path) -> Option<PathBuf> {
        path.strip_prefix(&self.folder).ok().map(Path::to_owned)
    }

    /// The file of a descriptor, if it is one of ours and still has a name.
    fn file(&self, fd: c_int) -> Option<PathBuf> {
        let path = self.inside(&link_of(fd)?)?;
        (!path.as_os_str().as_bytes().ends_with(b" (deleted)")).then_some(path)
    }

    /// The file a path names.
    fn named(&self, folder: c_int, path: *const c_char) -> Option<PathBuf> {
        // SAFETY: callers of the C library's functions pass terminated strings.
        let path = unsafe { CStr::from_ptr(path) };
        let path = Path::new(OsStr::from_bytes(path.to_bytes()));
        if path.is_absolute() {
            return self.inside(path);
        }
        let folder = match folder {
            AT_FDCWD => std::env::current_dir().ok()?,
            fd => link_of(fd)?,
        };
        self.inside(&folder.join(path))
    }
}

fn link_of(fd: c_int) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/self/fd/{fd}")).ok()
}

/// Makes a call at which the process may have been told to die.
fn deadly(kind: impl FnOnce() -> Option<Call>, call: impl FnOnce() -> c_long) -> c_long {
    armed::deadly(kind, call, die)
}

/// Nothing of this thread runs after this; other threads may still make a call or two, as with any kill.
fn die() {
    // SAFETY: touches no memory.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
}

fn call_of_write(fd: c_int) -> Option<Call> {
    if fd == libc::STDOUT_FILENO || fd == libc::STDERR_FILENO {
        return Some(Call::Output);
    }
    let link = link_of(fd)?;
    if link.as_os_str().as_bytes().starts_with(b"socket:") {
        return is_to_the_network(fd).then_some(Call::Send);
    }
    Call::of_write(&link)
}

/// A runtime wakes itself up through sockets too; those have no address of the network.
fn is_to_the_network(fd: c_int) -> bool {
    let mut family: c_int = 0;
    let mut length = size_of::<c_int>() as socklen_t;
    // SAFETY: the kernel writes no more than the length it is given.
    let asked = unsafe {
        let family = (&raw mut family).cast();
        libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_DOMAIN, family, &raw mut length)
    };
    asked == 0 && (family == libc::AF_INET || family == libc::AF_INET6)
}

/// Makes a call and notes it if it succeeded. The lock is held meanwhile: the log's order is the order of the calls.
fn noted(
    call: impl FnOnce() -> c_long,
    note: impl FnOnce(&Recording, c_long) -> Option<Op>,
) -> c_long {
    if !ACTIVE.load(Ordering::SeqCst) {
        return call();
    }
    let mut recording = lock();
    let result = call();
    if result >= 0
        && let Some(recording) = &mut *recording
    {
        let op = note(recording, result);
        recording.ops.extend(op);
    }
    result
}

/// What was written, as it is in the caller's memory.
unsafe fn bytes_at(buffer: *const c_void, written: c_long) -> Vec<u8> {
    let length = usize::try_from(written).unwrap_or_default();
    // SAFETY: the system call has just read that many bytes from there.
    unsafe { slice::from_raw_parts(buffer.cast::<u8>(), length) }.to_vec()
}

unsafe fn bytes_of(parts: *const iovec, count: c_int, written: c_long) -> Vec<u8> {
    let count = usize::try_from(count).unwrap_or_default();
    let mut left = usize::try_from(written).unwrap_or_default();
    let mut bytes = Vec::with_capacity(left);
    // SAFETY: the system call has just read these parts.
    for part in unsafe { slice::from_raw_parts(parts, count) } {
        let length = left.min(part.iov_len);
        // SAFETY: as above; no more than was written.
        bytes.extend_from_slice(unsafe { slice::from_raw_parts(part.iov_base.cast(), length) });
        left -= length;
    }
    bytes
}

/// A write at the descriptor's own position, which has moved past it by now; so appending is covered too.
fn written_here(recording: &Recording, fd: c_int, bytes: Vec<u8>) -> Option<Op> {
    let path = recording.file(fd)?;
    // SAFETY: moves nothing and touches no memory.
    let end = unsafe { libc::lseek(fd, 0, libc::SEEK_CUR) };
    let offset = u64::try_from(end).ok()?.checked_sub(bytes.len() as u64)?;
    Some(Op::Write { path, offset, bytes })
}

fn written_at(recording: &Recording, fd: c_int, offset: off_t, bytes: Vec<u8>) -> Option<Op> {
    let path = recording.file(fd)?;
    Some(Op::Write { path, offset: u64::try_from(offset).ok()?, bytes })
}

/// Without the lock: others may write meanwhile, and what they write is not covered by this sync.
fn synced(fd: c_int, call: impl FnOnce() -> c_long) -> c_int {
    let call = || deadly(|| Call::of_sync(&link_of(fd)?), call);
    let begun = ACTIVE.load(Ordering::SeqCst).then(|| begin_sync(fd)).flatten();
    let result = call();
    if let Some(ticket) = begun.filter(|_| result == 0) {
        push(Op::SyncEnded { ticket });
    }
    result as c_int
}

fn begin_sync(fd: c_int) -> Option<u64> {
    let mut recording = lock();
    let recording = recording.as_mut()?;
    let path = recording.file(fd)?;
    recording.tickets += 1;
    let ticket = recording.tickets;
    recording.ops.push(Op::SyncBegun { path, ticket });
    Some(ticket)
}

unsafe fn open_in(folder: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the caller's arguments, handed on.
    let call = || unsafe { libc::syscall(libc::SYS_openat, folder, path, flags, mode) };
    if flags & (libc::O_CREAT | libc::O_TRUNC) == 0 {
        return call() as c_int;
    }
    let opened = noted(call, |recording, _| {
        let path = recording.named(folder, path)?;
        Some(if flags & libc::O_TRUNC != 0 {
            Op::SetLength { path, length: 0 }
        } else {
            Op::Create(path)
        })
    });
    opened as c_int
}

/// The mode is passed like any other argument, whether it was given or not: both platforms' conventions allow it.
#[unsafe(no_mangle)]
unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the caller's arguments, handed on.
    unsafe { open_in(AT_FDCWD, path, flags, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the caller's arguments, handed on.
    unsafe { open_in(AT_FDCWD, path, flags, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn openat(fd: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the caller's arguments, handed on.
    unsafe { open_in(fd, path, flags, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn openat64(fd: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: the caller's arguments, handed on.
    unsafe { open_in(fd, path, flags, mode) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn write(fd: c_int, buffer: *const c_void, count: size_t) -> ssize_t {
    // SAFETY: the caller's arguments, handed on.
    let call = || unsafe { libc::syscall(libc::SYS_write, fd, buffer, count) };
    let call = || deadly(|| call_of_write(fd), call);
    let written = noted(call, |recording, written| {
        // SAFETY: `written` bytes were just read from there.
        written_here(recording, fd, unsafe { bytes_at(buffer, written) })
    });
    written as ssize_t
}

#[unsafe(no_mangle)]
unsafe extern "C" fn writev(fd: c_int, parts: *const iovec, count: c_int) -> ssize_t {
    // SAFETY: the caller's arguments, handed on.
    let call = || unsafe { libc::syscall(libc::SYS_writev, fd, parts, count) };
    let call = || deadly(|| call_of_write(fd), call);
    let written = noted(call, |recording, written| {
        // SAFETY: `written` bytes were just read from these parts.
        written_here(recording, fd, unsafe { bytes_of(parts, count, written) })
    });
    written as ssize_t
}

unsafe fn write_at(fd: c_int, buffer: *const c_void, count: size_t, offset: off_t) -> ssize_t {
    // SAFETY: the caller's arguments, handed on.
    let call = || unsafe { libc::syscall(libc::SYS_pwrite64, fd, buffer, count, offset) };
    let call = || deadly(|| call_of_write(fd), call);
    let written = noted(call, |recording, written| {
        // SAFETY: `written` bytes were just read from there.
        written_at(recording, fd, offset, unsafe { bytes_at(buffer, written) })
    });
    written as ssize_t
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite(fd: c_int, buf: *const c_void, count: size_t, at: off_t) -> ssize_t {
    // SAFETY: the caller's arguments, handed on.
    unsafe { write_at(fd, buf, count, at) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite64(fd: c_int, buf: *const c_void, count: size_t, at: off_t) -> ssize_t {
    // SAFETY: the caller's arguments, handed on.
    unsafe { write_at(fd, buf, count, at) }
}

unsafe fn set_length(fd: c_int, length: off_t) -> c_int {
    // SAFETY: the caller's arguments, handed on.
    let call = || unsafe { libc::syscall(libc::SYS_ftruncate, fd, length) };
    let result = noted(call, |recording, _| {
        let path = recording.file(fd)?;
        Some(Op::SetLength { path, length: u64::try_from(length).ok()? })
    });
    result as c_int
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ftruncate(fd: c_int, length: off_t) -> c_int {
    // SAFETY: the caller's arguments, handed on.
    unsafe { set_length(fd, length) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ftruncate64(fd: c_int, length: off_t) -> c_int {
    // SAFETY: the caller's arguments, handed on.
    unsafe { set_length(fd, length) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fsync(fd: c_int) -> c_int {
    // SAFETY: touches no memory.
    synced(fd, || unsafe { libc::syscall(libc::SYS_fsync, fd) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fdatasync(fd: c_int) -> c_int {
    // SAFETY: touches no memory.
    synced(fd, || unsafe { libc::syscall(libc::SYS_fdatasync, fd) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    let (cwd, none) = (AT_FDCWD, c_uint::MIN);
    // SAFETY: the caller's arguments, handed on.
    let call = || unsafe { libc::syscall(libc::SYS_renameat2, cwd, from, cwd, to, none) };
    let call = || deadly(|| Some(Call::Rename), call);
    let result = noted(call, |recording, _| {
        let (from, to) = (recording.named(cwd, from)?, recording.named(cwd, to)?);
        Some(Op::Rename { from, to })
    });
    result as c_int
}

unsafe fn remove_in(folder: c_int, path: *const c_char, flags: c_int) -> c_int {
    // SAFETY: the caller's arguments, handed on.
    let call = || unsafe { libc::syscall(libc::SYS_unlinkat, folder, path, flags) };
    let note = |recording: &Recording, _| recording.named(folder, path).map(Op::Remove);
    noted(call, note) as c_int
}

#[unsafe(no_mangle)]
unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    // SAFETY: the caller's arguments, handed on.
    unsafe { remove_in(AT_FDCWD, path, 0) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn unlinkat(folder: c_int, path: *const c_char, flags: c_int) -> c_int {
    // SAFETY: the caller's arguments, handed on.
    unsafe { remove_in(folder, path, flags) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rmdir(path: *const c_char) -> c_int {
    // SAFETY: the caller's arguments, handed on.
    unsafe { remove_in(AT_FDCWD, path, libc::AT_REMOVEDIR) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn mkdir(path: *const c_char, mode: mode_t) -> c_int {
    // SAFETY: the caller's arguments, handed on.
    let call = || unsafe { libc::syscall(libc::SYS_mkdirat, AT_FDCWD, path, mode) };
    let note = |recording: &Recording, _| recording.named(AT_FDCWD, path).map(Op::MakeFolder);
    noted(call, note) as c_int
}

#[unsafe(no_mangle)]
unsafe extern "C" fn connect(fd: c_int, address: *const sockaddr, length: socklen_t) -> c_int {
    // SAFETY: the caller's arguments, handed on.
    let call = || unsafe { libc::syscall(libc::SYS_connect, fd, address, length) };
    deadly(|| is_to_the_network(fd).then_some(Call::Connect), call) as c_int
}

#[unsafe(no_mangle)]
unsafe extern "C" fn send(fd: c_int, buf: *const c_void, count: size_t, flags: c_int) -> ssize_t {
    let nobody = ptr::null::<sockaddr>();
    // SAFETY: the caller's arguments, handed on; to nobody in particular is what `send` means.
    let call = || unsafe { libc::syscall(libc::SYS_sendto, fd, buf, count, flags, nobody, 0) };
    deadly(|| call_of_write(fd), call) as ssize_t
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sendmsg(fd: c_int, message: *const msghdr, flags: c_int) -> ssize_t {
    // SAFETY: the caller's arguments, handed on.
    let call = || unsafe { libc::syscall(libc::SYS_sendmsg, fd, message, flags) };
    deadly(|| call_of_write(fd), call) as ssize_t
}
