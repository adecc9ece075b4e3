//! Judges by the exchanges' ledgers and the raw records, with arithmetic of its own.

mod attempt;
mod ending;
mod ledger;
mod stream;

use std::collections::HashMap;

use equipoise_core::{BatchSpec, ClientOrderId, OrderRequest, OrderTag, Record, Saga};

use crate::env::Env;
use crate::exchange::{Exchange, VenueOrder};
use crate::mark::Mark;
use stream::Stream;

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// Each order takes effect at most once, and no leg fills beyond its plan.
    S1,
    /// The ending is what the ledger says.
    S2,
    /// Nothing leaves before exactly that is durable.
    S3,
    /// The ledger's trades are the journal's.
    S4,
    /// Nothing is sent while a leg is in doubt.
    K1,
    /// No compensating step raises the net delta.
    K3,
    /// Absence is only concluded when it is proven and true.
    R4,
    /// A further attempt only after the one before is closed.
    R5,
    /// A second effect is detected and alarmed.
    V15,
    /// Drift is only alarmed when someone else traded.
    FalseDrift,
    /// Limits on attempts, transmissions, unwinds, time and records hold.
    Bounds,
    /// The order of a batch's records makes sense.
    Order,
    /// Records lead to the live state.
    Shadow,
    /// Records fit the state they are applied to.
    Apply,
    /// Replaying what is durable leads to the same state.
    Replay,
    /// Recovering twice is recovering once.
    ResumeTwice,
    /// The saga comes to rest.
    Rest,
    /// The journal holds what its owner thinks.
    Sequence,
    /// Every batch ends in time once nothing goes wrong any more.
    Liveness,
}

/// A claim that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub claim: Claim,
    /// Why.
    pub text: String,
}

/// An order whose intent is durable.
#[derive(Debug)]
struct Known {
    batch: u8,
    request: OrderRequest,
    /// Deadlines of its durable transmissions, and whether each has left.
    deadlines: Vec<(u64, bool)>,
}

/// All checkers.
#[derive(Debug)]
pub(crate) struct Checker {
    violation: Option<Violation>,
    /// What the durable records of each batch lead to.
    durable: Vec<Option<Saga>>,
    specs: Vec<Option<BatchSpec>>,
    streams: Vec<Stream>,
    records: Vec<Vec<Record>>,
    known: HashMap<ClientOrderId, Known>,
    venues: usize,
    /// Known gaps count as violations too.
    pub(crate) strict: bool,
}

impl Checker {
    pub(crate) fn new(batches: usize, venues: usize) -> Self {
        Self {
            violation: None,
            durable: vec![None; batches],
            specs: vec![None; batches],
            streams: (0..batches).map(|_| Stream::default()).collect(),
            records: vec![Vec::new(); batches],
            known: HashMap::new(),
            venues,
            strict: false,
        }
    }

    pub(crate) fn fail(&mut self, claim: Claim, text: String) {
        self.violation.get_or_insert(Violation { claim, text });
    }

    pub(crate) const fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    pub(crate) fn is_admitted(&self, batch: u8) -> bool {
        self.specs[usize::from(batch)].is_some()
    }

    pub(crate) fn ended_at(&self, batch: u8) -> Option<u64> {
        self.streams[usize::from(batch)].ended_at()
    }

    /// These records are durable from now on.
    pub(crate) fn durable(
        &mut self,
        env: &mut Env,
        venues: &[Exchange],
        batch: u8,
        records: Vec<Record>,
    ) {
        let index = usize::from(batch);
        for record in &records {
            match (record, &mut self.durable[index]) {
                (Record::Admitted(spec), none @ None) => {
                    *none = Some(Saga::new((**spec).clone()));
                    self.specs[index] = Some((**spec).clone());
                }
                (record, Some(saga)) => {
                    if let Err(error) = saga.apply(record) {
                        self.fail(Claim::Replay, format!("batch {batch}: {error}"));
                        return;
                    }
                }
                _ => {
                    self.fail(Claim::Order, format!("batch {batch} begins with {record:?}"));
                    return;
                }
            }
            self.keep_request(batch, record);
        }
        let Some(spec) = &self.specs[index] else { return };
        self.streams[index].strict = self.strict;
        let followed = self.streams[index].follow(env, spec, &records);
        if let Err(violation) = followed {
            let text = format!("batch {batch}: {}", violation.text);
            self.fail(violation.claim, text);
        }
        self.judge_absences(batch, venues, &records);
        self.judge_wave(env, batch, venues, &records);
        self.records[index].extend(records);
    }

    fn keep_request(&mut self, batch: u8, record: &Record) {
        match record {
            Record::Intent { request, .. } => {
                let deadlines = vec![(request.deadline.0, false)];
                let known = Known { batch, request: request.clone(), deadlines };
                if self.known.insert(request.client_id.clone(), known).is_some() {
                    let text = format!("batch {batch}: id {} is used twice", request.client_id);
                    self.fail(Claim::R5, text);
                }
            }
            Record::Transmission { tag, deadline, .. } => {
                let id = self.streams[usize::from(batch)].client_id(*tag);
                if let Some(known) = id.and_then(|id| self.known.get_mut(&id)) {
                    known.deadlines.push((deadline.0, false));
                }
            }
            _ => {}
        }
    }

    /// S3 and the engine's half of S1, at the moment the first byte reaches the network.
    pub(crate) fn leaves(
        &mut self,
        env: &mut Env,
        by_owner: bool,
        request: &OrderRequest,
        departure: u64,
    ) {
        env.trace.number(departure ^ request.deadline.0);
        env.trace
            .line(env.now, || format!("leaves {} until {:?}", request.client_id, request.deadline));
        if !by_owner {
            env.tally.hit(Mark::StaleOwnerSent);
        }
        let Some(known) = self.known.get_mut(&request.client_id) else {
            self.fail(Claim::S3, format!("{} leaves without a durable intent", request.client_id));
            return;
        };
        let asked = OrderRequest { deadline: request.deadline, ..known.request.clone() };
        let deadline = known.deadlines.iter_mut().find(|(at, _)| *at == request.deadline.0);
        let problem = match deadline {
            None => Some((Claim::S3, "leaves with a deadline that is not durable")),
            Some(_) if asked != *request => Some((Claim::S3, "leaves with other content")),
            Some((_, true)) => Some((Claim::S1, "leaves twice")),
            Some((_, left)) => {
                *left = true;
                None
            }
        };
        if let Some((claim, what)) = problem {
            let text = format!("batch {}: {} {what}", known.batch, request.client_id);
            self.fail(claim, text);
        }
    }

    /// A start replayed a batch from the device.
    pub(crate) fn replayed(&mut self, batch: u8, saga: &Saga) {
        if self.durable[usize::from(batch)].as_ref() != Some(saga) {
            let text =
                format!("batch {batch}: replay differs from what its durable records led to");
            self.fail(Claim::Replay, text);
        }
    }

    /// Full replay of everything durable once more, at the end.
    pub(crate) fn replay_all(&mut self) {
        for batch in 0..self.records.len() {
            let Some(durable) = &self.durable[batch] else { continue };
            if Saga::replay(&self.records[batch]).as_ref() != Ok(durable) {
                self.fail(Claim::Replay, format!("batch {batch}: full replay leads elsewhere"));
            }
        }
    }

    /// Absent must be true: nothing of the attempt is at its venue, not even on its way to the matching engine.
    fn judge_absences(&mut self, batch: u8, venues: &[Exchange], records: &[Record]) {
        for record in records {
            let Record::Absent { tag, .. } = record else { continue };
            let mut orders = self.orders_of(batch, *tag, venues);
            let effect = orders.any(|(_, order)| order.executed > 0 || order.is_open());
            if effect {
                let text = format!("batch {batch}: {tag:?} is called absent and is at its venue");
                self.fail(Claim::R4, text);
            }
        }
    }

    /// What is at the venue under the id of one attempt.
    fn orders_of<'a>(
        &self,
        batch: u8,
        tag: OrderTag,
        venues: &'a [Exchange],
    ) -> impl Iterator<Item = (&'a Exchange, &'a VenueOrder)> + use<'a> {
        let spec = self.specs[usize::from(batch)].as_ref();
        let name = spec.and_then(|spec| spec.leg(tag.leg)).map(|leg| leg.venue.clone());
        let id = self.streams[usize::from(batch)].client_id(tag);
        let venue = venues.iter().find(|venue| Some(&venue.name) == name.as_ref());
        venue
            .zip(id)
            .into_iter()
            .flat_map(|(venue, id)| venue.orders_under(&id).map(move |order| (venue, order)))
    }
}
