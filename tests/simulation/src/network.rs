//! The way between processes and exchanges, and everything a process can reach.

use equipoise_core::OrderTag;
use equipoise_port::{PlaceError, QueryError};

use crate::check::Checker;
use crate::disk::Disk;
use crate::env::{Env, Happening};
use crate::exchange::{Call, Exchange, Reply, Ticket};
use crate::fault::Fault;
use crate::workload::Workload;

/// How long a process waits for an answer, milliseconds.
const ANSWER_WITHIN_MS: u64 = 3_000;

/// Everything outside the processes.
#[derive(Debug)]
pub(crate) struct Outside {
    pub(crate) env: Env,
    pub(crate) venues: Vec<Exchange>,
    /// Until when everything to a venue is held back.
    pub(crate) held_until: Vec<u64>,
    pub(crate) disk: Disk,
    pub(crate) check: Checker,
    pub(crate) workload: Workload,
    /// The process that owns the journal, as far as anyone knows.
    pub(crate) owner: usize,
    calls: u64,
    departures: u64,
}

impl Outside {
    pub(crate) fn new(env: Env, venues: Vec<Exchange>, workload: Workload) -> Self {
        let batches = workload.plans.len();
        Self {
            env,
            held_until: vec![0; venues.len()],
            check: Checker::new(batches, venues.len()),
            venues,
            disk: Disk::new(batches),
            workload,
            owner: 0,
            calls: 0,
            departures: 0,
        }
    }

    /// Sends a request; the answer, or the end of waiting for it, comes as [`Happening::Answer`].
    pub(crate) fn call(&mut self, process: usize, venue: usize, call: Call) -> u64 {
        self.calls += 1;
        let ticket = Ticket { process, call: self.calls };
        let order = matches!(call, Call::Place(_));
        if self.env.faults.strikes(Fault::NotConnected) {
            let reply = if order {
                Reply::Placed(Err(PlaceError::NotSent("not connected".into())))
            } else {
                Reply::Failed(QueryError::Unavailable("not connected".into()))
            };
            self.answer_at(self.env.now + 1, ticket, Some(reply));
            return ticket.call;
        }
        if let Call::Place(request) = &call {
            self.departures += 1;
            self.check.leaves(&mut self.env, process == self.owner, request, self.departures);
        }
        self.answer_at(self.env.now + ANSWER_WITHIN_MS, ticket, None);
        self.carry(ticket, venue, call);
        ticket.call
    }

    fn answer_at(&mut self, at: u64, ticket: Ticket, reply: Option<Reply>) {
        self.env.queue.push(at, Happening::Answer { ticket, reply: Box::new(reply) });
    }

    fn carry(&mut self, ticket: Ticket, venue: usize, call: Call) {
        let env = &mut self.env;
        let order = matches!(call, Call::Place(_));
        let departure = self.departures;
        let lost = env.faults.strikes(Fault::LostRequest);
        let mut at = env.now + env.rng.u64(1..=12) + env.lag(Fault::Delay, 9_000);
        at = at.max(self.held_until[venue]);
        let mut copies = Vec::new();
        if order && env.faults.strikes(Fault::Duplicate) {
            copies.push(at + env.faults.size(Fault::Duplicate, 0..=12));
        }
        if order && env.faults.strikes(Fault::LateDuplicate) {
            copies.push(at + env.faults.size(Fault::LateDuplicate, 50..=3_000));
        }
        for at in copies {
            let call = Box::new(call.clone());
            env.queue.push(at, Happening::Arrive { venue, ticket, departure, call, copy: true });
        }
        if !lost {
            let call = Box::new(call);
            env.queue.push(at, Happening::Arrive { venue, ticket, departure, call, copy: false });
        }
    }

    /// A request reaches its venue.
    pub(crate) fn arrive(
        &mut self,
        venue: usize,
        ticket: Ticket,
        departure: u64,
        call: Call,
        copy: bool,
    ) {
        if let Call::Place(request) = &call {
            let name = &self.venues[venue].name;
            let copy = if copy { " (copy)" } else { "" };
            self.env
                .trace
                .line(self.env.now, || format!("{name} receives {}{copy}", request.client_id));
        }
        let reply = self.venues[venue].arrive(&mut self.env, call, ticket, departure);
        if let Some(reply) = reply {
            self.reply(ticket, reply);
        }
    }

    pub(crate) fn reply(&mut self, ticket: Ticket, reply: Reply) {
        let env = &mut self.env;
        if env.faults.strikes(Fault::LostReply) {
            return;
        }
        let at = env.now + env.rng.u64(1..=12) + env.lag(Fault::Delay, 4_000);
        self.answer_at(at, ticket, Some(reply));
    }

    /// Hands an order over a moment later: between the last check and the first byte a process may stand still.
    pub(crate) fn depart(
        &mut self,
        process: usize,
        batch: u8,
        tag: OrderTag,
        request: equipoise_core::OrderRequest,
    ) {
        let at = self.env.now + self.env.rng.u64(0..=1);
        let request = Box::new(request);
        self.env.queue.push(at, Happening::Depart { process, batch, tag, request });
    }
}
