//! Judges by the exchanges' ledgers and the raw records, with arithmetic of its own.

mod attempt;
mod ending;
mod fees;
mod ledger;
mod margin;
mod memory;
mod stream;

use std::collections::{BTreeMap, HashMap};

use equipoise_core::{
    BatchSpec, ClientOrderId, OrderRequest, OrderTag, Record, Saga, VenueOrderId,
};

use crate::env::Env;
use crate::exchange::{Exchange, VenueOrder};
use crate::mark::Mark;
use memory::Memory;
use stream::Stream;

/// Looks at one order by one start of the engine: some in a row, then so far apart on average.
const LOOKS_AT_ONCE: u64 = 30;
const LOOK_EVERY_MS: u64 = 250;
/// Bytes of one record in the journal: an admission of a few legs is the largest.
const RECORD_BYTES_MAX: usize = 4_096;

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
    /// What is taken back, or hedged, is what was received.
    K2,
    /// No compensating step raises the net delta.
    K3,
    /// Orders carry the reduce-only flag only where it can do no harm.
    K5,
    /// A wave leaves whole or not at all, and what is called unsent never left.
    R2,
    /// Refused is what the venue refused, in the way it did.
    R6,
    /// Absence is only concluded when it is proven and true.
    R4,
    /// A further attempt only after the one before is closed.
    R5,
    /// A second effect is detected and alarmed.
    V15,
    /// Drift is only alarmed when someone else traded.
    FalseDrift,
    /// Limits on attempts, transmissions, unwinds, times and looks hold.
    Bounds,
    /// What a batch keeps, asks for and lets wait has the bound that its plan and policy give it.
    Memory,
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
    /// A batch that filled as planned is left alone.
    Needless,
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
    memories: Vec<Memory>,
    known: HashMap<ClientOrderId, Known>,
    /// When the engine that runs was first told of an order that had executed, by batch.
    shown: BTreeMap<(u8, VenueOrderId), u64>,
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
            memories: (0..batches).map(|_| Memory::default()).collect(),
            known: HashMap::new(),
            shown: BTreeMap::new(),
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
        if let Some(Record::Admitted(spec)) = records.first()
            && self.specs[index].is_none()
        {
            self.specs[index] = Some(judged_by(spec, venues));
        }
        let Some(spec) = &self.specs[index] else {
            return self.fail(Claim::Order, format!("batch {batch} begins without an admission"));
        };
        self.streams[index].strict = self.strict;
        // The raw records are judged first, so that these judges do not lean on what the saga itself refuses.
        if let Err(violation) = self.streams[index].follow(env, spec, &records) {
            return self.fail(violation.claim, format!("batch {batch}: {}", violation.text));
        }
        self.judge_memory(batch, venues, &records);
        for record in &records {
            match (record, &mut self.durable[index]) {
                (Record::Admitted(spec), none @ None) => *none = Some(Saga::new((**spec).clone())),
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
        self.judge_conclusions(batch, venues, &records);
        self.judge_followers(batch, venues, &records);
        self.judge_wave(env, batch, venues, &records);
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
        // Two transmissions stamped by different readings of a clock may have the same deadline: each leaves once.
        let same = known.deadlines.iter_mut().filter(|(at, _)| *at == request.deadline.0);
        let deadline = same.max_by_key(|(_, left)| !*left);
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

    /// What the device holds at the end, read and decoded once more: of each batch everything that was ever durable, and
    /// of no other batch anything.
    pub(crate) fn replay_all(&mut self, stored: impl Iterator<Item = (u8, Vec<Record>)>) {
        let mut batches: BTreeMap<u8, Vec<Record>> = BTreeMap::new();
        for (batch, records) in stored {
            batches.entry(batch).or_default().extend(records);
        }
        for (batch, durable) in (0_u8..).zip(&self.durable) {
            let replayed = batches.remove(&batch).map(|records| Saga::replay(&records));
            let same = match (durable, &replayed) {
                (Some(durable), Some(Ok(replayed))) => durable == replayed,
                (None, None) => true,
                _ => false,
            };
            if !same {
                let text = format!("batch {batch}: what the device holds leads elsewhere");
                self.violation.get_or_insert(Violation { claim: Claim::Replay, text });
            }
        }
    }

    /// What closes an attempt must be true by the venue's own books.
    fn judge_conclusions(&mut self, batch: u8, venues: &[Exchange], records: &[Record]) {
        for record in records {
            let problem = match record {
                Record::Absent { tag, .. } => self.absent_problem(batch, *tag, venues),
                Record::Refused { tag, refusal, .. } => {
                    let place = self.at(batch, *tag, venues);
                    let said = place.is_some_and(|(venue, id)| venue.refused(&id, refusal.kind));
                    let text = || format!("{tag:?} is called refused ({:?})", refusal.kind);
                    (!said).then(|| (Claim::R6, text()))
                }
                Record::Unsent { tag, .. } => {
                    let left = self.has_left(batch, *tag);
                    left.then(|| (Claim::R2, format!("{tag:?} is called unsent and has left")))
                }
                _ => None,
            };
            if let Some((claim, text)) = problem {
                self.fail(claim, format!("batch {batch}: {text}"));
            }
        }
    }

    /// Absent: nothing of the attempt is at its venue, not even on its way to the matching engine.
    fn absent_problem(
        &self,
        batch: u8,
        tag: OrderTag,
        venues: &[Exchange],
    ) -> Option<(Claim, String)> {
        let mut orders = self.orders_of(batch, tag, venues);
        let effect = orders.any(|(_, order)| {
            let promised = order.beyond_margin.is_none();
            promised && (order.executed > 0 || order.is_open())
        });
        effect.then(|| (Claim::R4, format!("{tag:?} is called absent and is at its venue")))
    }

    /// Where an attempt is sent, and under which id.
    fn at<'a>(
        &self,
        batch: u8,
        tag: OrderTag,
        venues: &'a [Exchange],
    ) -> Option<(&'a Exchange, ClientOrderId)> {
        let name = &self.specs[usize::from(batch)].as_ref()?.leg(tag.leg)?.venue;
        let venue = venues.iter().find(|venue| venue.name == *name)?;
        Some((venue, self.streams[usize::from(batch)].client_id(tag)?))
    }

    /// What is at the venue under the id of one attempt.
    fn orders_of<'a>(
        &self,
        batch: u8,
        tag: OrderTag,
        venues: &'a [Exchange],
    ) -> impl Iterator<Item = (&'a Exchange, &'a VenueOrder)> + use<'a> {
        self.at(batch, tag, venues)
            .into_iter()
            .flat_map(|(venue, id)| venue.orders_under(&id).map(move |order| (venue, order)))
    }

    /// Whether any bytes of an attempt ever left.
    fn has_left(&self, batch: u8, tag: OrderTag) -> bool {
        let id = self.streams[usize::from(batch)].client_id(tag);
        let known = id.and_then(|id| self.known.get(&id));
        known.is_some_and(|known| known.deadlines.iter().any(|(_, left)| *left))
    }

    /// A process asks about an order once more, the given time after it began to.
    pub(crate) fn asks(&mut self, batch: u8, tag: OrderTag, looks: u64, for_ms: u64) {
        if looks > LOOKS_AT_ONCE + for_ms / LOOK_EVERY_MS {
            let text = format!("batch {batch}: {looks} looks at {tag:?} in {for_ms} ms");
            self.fail(Claim::Bounds, text);
        }
    }

    /// A process writes records: none is large.
    pub(crate) fn writes(&mut self, batch: u8, records: &[Vec<u8>]) {
        for record in records {
            if record.len() > RECORD_BYTES_MAX {
                let text = format!("batch {batch}: a record of {} bytes", record.len());
                self.fail(Claim::Bounds, text);
            }
        }
    }
}

/// The admission as the judges take it: what venues promise (their traits) is taken from the venues. Sizes, baselines
/// and reference prices are the admission's.
fn judged_by(spec: &BatchSpec, venues: &[Exchange]) -> BatchSpec {
    let mut spec = spec.clone();
    for leg in &mut spec.legs {
        if let Some(venue) = venues.iter().find(|venue| venue.name == leg.venue) {
            leg.traits = venue.traits.clone();
        }
    }
    spec
}
