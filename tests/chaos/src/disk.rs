//! Small file systems that can become full, and files that may not grow.
//!
//! Mounting needs a right that not every machine gives. Where it does not, the runs that need it are not run, and are
//! reported so.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Set in the environment of a program that may mount because it has a mount namespace of its own.
pub const NAMESPACE_VARIABLE: &str = "EQUIPOISE_CHAOS_NAMESPACE";

/// Tries whether a program can be given a mount namespace of its own and mount in it; leaves nothing behind.
#[must_use]
pub fn can_mount_in_own_namespace(scratch: &Path) -> bool {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "--"]).args(mount_arguments(scratch, 1));
    succeeds(command)
}

/// Whether this process may mount without leaving mounts behind when it is killed.
pub(crate) fn may_mount() -> bool {
    std::env::var_os(NAMESPACE_VARIABLE).is_some()
}

fn mount_arguments(folder: &Path, mib: u64) -> Vec<std::ffi::OsString> {
    let mut arguments: Vec<std::ffi::OsString> =
        ["mount", "-t", "tmpfs", "-o"].map(Into::into).into();
    arguments.push(format!("size={mib}m").into());
    arguments.push("tmpfs".into());
    arguments.push(folder.into());
    arguments
}

fn succeeds(mut command: Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// A mounted file system; unmounted when dropped.
pub(crate) struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts one of this size on a folder.
    pub(crate) fn mount(folder: &Path, mib: u64) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let arguments = mount_arguments(folder, mib);
        let mut command = Command::new(&arguments[0]);
        command.args(&arguments[1..]);
        if succeeds(command) {
            Ok(Self { folder: folder.to_owned() })
        } else {
            Err(io::Error::other("tmpfs cannot be mounted"))
        }
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    /// Writes until nothing fits any more.
    pub(crate) fn fill(&self) -> io::Result<()> {
        let mut file = File::create(self.filler())?;
        for length in [1 << 20, 4096, 1] {
            let zeros = vec![0; length];
            while file.write_all(&zeros).is_ok() {}
        }
        Ok(())
    }

    /// Gives the space back.
    pub(crate) fn empty(&self) -> io::Result<()> {
        std::fs::remove_file(self.filler())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let mut command = Command::new("umount");
        command.arg(&self.folder);
        let _ = succeeds(command);
    }
}

/// The command, with no file allowed to grow beyond a limit. Without the signal a write fails instead.
pub(crate) fn limited(command: &Command, kib: u64, with_signal: bool) -> Command {
    let ignore = if with_signal { "" } else { "trap '' XFSZ; " };
    let mut limited = Command::new("sh");
    // The unit of the shell's limit is 512 bytes.
    limited.args(["-c", &format!("ulimit -f \"$0\"; {ignore}exec \"$@\"")]);
    limited.arg((kib * 2).to_string()).arg(command.get_program()).args(command.get_args());
    limited.env_clear();
    limited.env("PATH", "/usr/bin:/bin");
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            limited.env(name, value);
        }
    }
    if let Some(folder) = command.get_current_dir() {
        limited.current_dir(folder);
    }
    limited
}
