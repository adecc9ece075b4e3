//! A panic in any task ends the process; the journal resumes at the next start (P9).
//!
//! Built with unwinding, a panicking task would only end itself and leave its batch without a driver, so a hook exits.
//! It exits rather than aborts so that the caller sees the documented code 1 and not a signal.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// How many callers catch panics themselves at the moment.
static TOLERATED: AtomicUsize = AtomicUsize::new(0);

/// Makes every panic from now on print itself and end the process with code 1.
pub(crate) fn install(output: Output) {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        print(info);
        if TOLERATED.load(Ordering::SeqCst) > 0 {
            return;
        }
        let message = "a defect ended the process, the journal resumes at the next start";
        output.failure(&Failure::broken("defect", message.to_owned()));
        Exit::Failed.leave();
    }));
}

/// While it lives panics do not end the process: no batch may be under way.
pub(crate) struct Tolerated(());

impl Tolerated {
    pub(crate) fn begin() -> Self {
        TOLERATED.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Tolerated {
    fn drop(&mut self) {
        TOLERATED.fetch_sub(1, Ordering::SeqCst);
    }
}
