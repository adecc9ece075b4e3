//! What every part of the simulation shares: time, chance, the queue of what will happen, and the account of it.

use equipoise_core::OrderTag;
use fastrand::Rng;

use crate::exchange::{Call, Reply, Ticket, VenueEvent};
use crate::fault::{Fault, Faults};
use crate::mark::Tally;
#[cfg(planted)]
use crate::plant::Plant;
use crate::process::Input;
use crate::queue::Queue;
use crate::trace::Trace;

/// Something that will happen.
#[derive(Debug)]
pub(crate) enum Happening {
    /// A plan is submitted to whoever runs.
    Submit(u8),
    /// A driver asked to be woken.
    Timer { process: usize, batch: u8, generation: u32 },
    /// A process hands an order's bytes to the network.
    Depart { process: usize, batch: u8, tag: OrderTag, request: Box<equipoise_core::OrderRequest> },
    /// A request reaches its venue.
    Arrive { venue: usize, ticket: Ticket, departure: u64, call: Box<Call>, copy: bool },
    /// An answer, or the end of waiting for one, reaches its process.
    Answer { ticket: Ticket, reply: Box<Option<Reply>> },
    /// Something for one driver.
    Tell { process: usize, batch: u8, input: Box<Input> },
    /// The device finished a sync.
    Synced { sync: u64 },
    /// A venue goes on by itself.
    Venue { venue: usize, event: VenueEvent },
    /// Hosts and venues get into trouble, or not.
    Mischief,
    /// A process starts.
    Start,
    /// A process whose journal failed comes to its end.
    GivesUp { process: usize },
    /// A process that stood still goes on.
    Unpause { process: usize },
    /// From now on nothing goes wrong.
    Heal,
    /// Everything must have ended.
    End,
}

/// Shared surroundings.
#[derive(Debug)]
pub(crate) struct Env {
    /// Engine time.
    pub(crate) now: u64,
    pub(crate) queue: Queue<Happening>,
    pub(crate) faults: Faults,
    pub(crate) rng: Rng,
    pub(crate) tally: Tally,
    pub(crate) trace: Trace,
    /// A bug planted on purpose.
    #[cfg(planted)]
    pub(crate) plant: Option<Plant>,
}

impl Env {
    /// A lag of up to `most_ms` if the fault strikes, else none.
    pub(crate) fn lag(&mut self, fault: Fault, most_ms: u64) -> u64 {
        if self.faults.strikes(fault) { self.faults.size(fault, 1..=most_ms) } else { 0 }
    }

    pub(crate) fn later(&mut self, at: u64, venue: usize, event: VenueEvent) {
        self.queue.push(at.max(self.now), Happening::Venue { venue, event });
    }
}
