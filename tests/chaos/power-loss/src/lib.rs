//! Cuts the power of a journal at every moment and opens what is left.
//!
//! A journal is used for a while and everything it does to its files is captured, in order, together with every
//! acknowledgement it gave. From that log the states are rebuilt that a device may hold after a power cut: all that was
//! synced, and of the rest nothing, everything, a beginning, or any part, torn at sectors. Each is opened by the real
//! journal, which must hold every acknowledged record and go on working. States that only a lying device could leave
//! must be refused unless nothing the anchor vouches for is missing.
//!
//! What is captured is proven complete: the files as the log tells them must equal the files there are.
//! Where capturing is not possible the result is [`Unavailable`], never a pass; where the journal fails meanwhile, it is
//! a broken promise.
//!
//! The same library, loaded before a program (`LD_PRELOAD`), kills that program at a named call: see `failpoint.rs`.

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod armed;
mod campaign;
mod capture;
mod cut;
mod disk;
mod failpoint;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod interpose;
mod judge;
mod log;
#[path = "../../../../engine/runtime/tests/journal_suite/samples.rs"]
mod samples;
mod workload;

pub use campaign::{Failure, Part, Plan, Tally, run};
pub use capture::Unavailable;
pub use equipoise_runtime::journal::JournalKind;
pub use failpoint::{Call, Failpoint, NoFailpoint, VARIABLE, When};
pub use workload::NotCaptured;
