//! Switches the capture of one folder on and off. One capture at a time in a process.

use std::fmt;
use std::path::Path;

use crate::log::Op;

/// Why nothing could be captured here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable(pub(crate) String);

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not run: {}", self.0)
    }
}

/// A capture under way; dropping it ends it.
pub(crate) struct Capture(());

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod linux {
    use super::{Capture, Op, Path, Unavailable};
    use crate::interpose;

    impl Capture {
        /// Captures what happens below a folder from now on.
        ///
        /// # Errors
        /// Another capture is under way, or system calls do not pass through this program's own definitions.
        pub(crate) fn start(folder: &Path) -> Result<Self, Unavailable> {
            let folder =
                folder.canonicalize().map_err(|error| Unavailable(format!("folder: {error}")))?;
            if !interpose::start(folder) {
                return Err(Unavailable("another capture is under way".to_owned()));
            }
            Ok(Self(()))
        }

        /// Adds to the log what only the caller knows.
        pub(crate) fn mark(&self, op: Op) {
            interpose::push(op);
        }

        /// Ends the capture.
        pub(crate) fn finish(self) -> Vec<Op> {
            interpose::finish()
        }
    }

    impl Drop for Capture {
        fn drop(&mut self) {
            // Nothing is left to take after `finish`.
            interpose::finish();
        }
    }
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
impl Capture {
    /// There is no capture for this system.
    ///
    /// # Errors
    /// Always.
    pub(crate) fn start(_folder: &Path) -> Result<Self, Unavailable> {
        Err(Unavailable("system calls are captured on 64-bit Linux only".to_owned()))
    }

    /// Never reached.
    pub(crate) fn mark(&self, _op: Op) {}

    /// Never reached.
    pub(crate) fn finish(self) -> Vec<Op> {
        Vec::new()
    }
}
