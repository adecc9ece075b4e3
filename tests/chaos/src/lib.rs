//! Real processes under real trouble, judged by the exchanges' ledgers.
//!
//! A run is one batch: the `equipoise` process trades over HTTP with simulated exchanges in their own process, with
//! its own journal and with production margins, while it is killed, stopped, doubled, or starved of disk. Afterwards it
//! is started again until it has a result, and that result is compared with what the exchanges say they executed.
//! A seed and a number repeat what is done to a run; what the processes do in between is theirs.

mod desk;
mod disk;
mod exchanges;
mod failpoint;
mod process;
mod run;
mod scenario;
mod tally;
mod venues;
mod verdict;

pub use desk::Programs;
pub use disk::{NAMESPACE_VARIABLE, can_mount_in_own_namespace};
pub use exchanges::serve_exchanges;
pub use failpoint::Failpoint;
pub use run::{Outcome, carry_out};
pub use scenario::{Scenario, Story};
pub use tally::Tally;
pub use verdict::{Kind, Violation};
