//! The state of everything: owners, journal, requests and replies on their way, exchanges, and a coarse clock.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use equipoise_core::{
    BatchSpec, ClientOrderId, LegQuantity, OrderRequest, OrderTag, Refusal, RefusalKind,
    ResendClass, Role, Saga, Side, UnixMillis,
};

use crate::config::{Budget, Config, LegShape};
use crate::exchange::{Exchange, Reply, Verdict};
use crate::journal::Journal;
use crate::owner::Owner;
use crate::spec::{MARGIN_MS, START, TICK_MS, batch};

mod apply;
mod possible;

/// A request on its way to its venue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Parcel {
    pub(crate) tag: OrderTag,
    pub(crate) epoch: u8,
    /// Deadline, for the order in which parcels are kept; the request holds it too.
    pub(crate) deadline: u64,
    pub(crate) request: ById,
    /// Someone waits for the answer.
    pub(crate) awaited: bool,
    /// The network's own repetition.
    pub(crate) copied: bool,
    /// On a venue that checks no deadline: repeated by the network, so that it arrives before its deadline or not at
    /// all; later is outside the failure model.
    pub(crate) dated: bool,
}

/// A request, ordered by nothing but its client id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ById(pub(crate) Arc<OrderRequest>);

impl PartialOrd for ById {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ById {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.client_id.cmp(&other.0.client_id)
    }
}

/// A reply on its way back.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Answer {
    pub(crate) tag: OrderTag,
    pub(crate) epoch: u8,
    pub(crate) reply: Reply,
}

/// One state.
#[derive(Debug, Clone, Hash)]
pub(crate) struct World {
    pub(crate) now: UnixMillis,
    pub(crate) journal: Journal,
    /// By epoch; the last one alone may still append.
    pub(crate) owners: Vec<Owner>,
    pub(crate) venues: Vec<Exchange>,
    pub(crate) wire: Vec<Parcel>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) left: Budget,
    /// A repetition by the network took effect on a venue that does not notice (V15).
    pub(crate) duplicated: bool,
    pub(crate) setting: Setting,
}

/// What never changes in a world.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) legs: Arc<[LegShape]>,
    /// What each leg was sized to at admission, lots; nothing for one that follows another.
    pub(crate) planned: Arc<[Option<u32>]>,
    /// See [`Config::prefixes`].
    prefixes: bool,
}

impl Hash for Setting {
    /// The same in every state of a world, so it tells none apart.
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// What of an owner's memory has reached the journal when it is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Durable {
    /// So many of the facts that nothing waited for.
    Facts(u8),
    /// All facts, and the append under way, whose answer never came.
    Append,
}

/// One thing that can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// An owner decides.
    Wake { who: u8 },
    /// An owner's append becomes durable and is answered.
    Append { who: u8 },
    /// The next order of a wave goes to the transport.
    HandOver { who: u8, nth: u8 },
    /// It provably never went there.
    Unsent { who: u8, nth: u8 },
    /// A late reading arrives.
    Hear { who: u8, nth: u8 },
    /// A reply arrives.
    Reply { nth: u8 },
    /// A call gives up waiting.
    Timeout { who: u8, nth: u8 },
    /// A wanted look is made and answered at once; `bare` shows no trades yet.
    Ask { who: u8, nth: u8, bare: bool },
    /// A wanted look is made, its answer takes its time.
    AskLate { who: u8, nth: u8 },
    /// The venue will not answer questions about it.
    Unanswerable { who: u8, nth: u8 },
    /// A wanted preparation is made and ready at once.
    Prepare { who: u8, nth: u8 },
    /// A wanted preparation reads now and is ready later.
    PrepareLate { who: u8, nth: u8 },
    /// A wanted cancel reaches its venue.
    Cancel { who: u8, nth: u8 },
    /// The user asks the current owner for no new risk.
    Stop,
    /// The current owner is killed.
    Crash { durable: Durable },
    /// A new owner starts where none runs.
    Start,
    /// A new owner starts while one still runs.
    TakeOver { durable: Durable },
    /// A request reaches its venue.
    Arrive { nth: u8, verdict: Verdict },
    /// A request is lost.
    Lose { nth: u8 },
    /// The network repeats a request.
    Copy { nth: u8 },
    /// A queued order executes.
    Execute { leg: u8, number: u8, lots: u32 },
    /// A queued order is rejected after all.
    Reject { leg: u8, number: u8 },
    /// Queries show an order from now on.
    Show { leg: u8, number: u8 },
    /// A resting order trades one lot.
    Trade { leg: u8, number: u8 },
    /// Time passes.
    Tick,
}

impl Action {
    /// The same for all that can come of one request or order.
    fn without_outcome(self) -> Self {
        match self {
            Self::Arrive { nth, .. } => Self::Arrive { nth, verdict: Verdict::Take(0) },
            Self::Execute { leg, number, .. } | Self::Reject { leg, number } => {
                Self::Execute { leg, number, lots: 0 }
            }
            other => other,
        }
    }
}

impl World {
    pub(crate) fn new(config: &Config) -> Self {
        let spec = batch(config);
        Self {
            now: START,
            setting: Setting::of(config, &spec),
            journal: Journal::empty(),
            owners: vec![Owner::first(Saga::new(spec))],
            venues: config.legs.iter().map(Exchange::new).collect(),
            wire: Vec::new(),
            answers: Vec::new(),
            left: config.budget,
            duplicated: false,
        }
    }

    /// The owner that may append, with its place.
    pub(crate) fn current(&self) -> Option<(usize, &Owner)> {
        let last = self.owners.len().checked_sub(1)?;
        let owner = &self.owners[last];
        (owner.epoch == self.journal.epoch).then_some((last, owner))
    }

    /// Nothing of the batch will happen any more, but for late effects that no engine could prevent.
    pub(crate) fn is_over(&self) -> bool {
        self.journal.is_ended() || (self.journal.len() == 0 && self.current().is_none())
    }

    /// Whether a request on its way could still take effect at its venue.
    pub(crate) fn may_act(&self, parcel: &Parcel) -> bool {
        self.venue(parcel.tag).turns_down(&parcel.request.0, self.now).is_none()
    }

    /// Whether a further request could take effect right now or later.
    pub(crate) fn could_leave(&self, tag: OrderTag, request: &OrderRequest) -> bool {
        self.venue(tag).turns_down(request, self.now).is_none()
    }

    pub(crate) fn venue(&self, tag: OrderTag) -> &Exchange {
        &self.venues[usize::from(tag.leg)]
    }

    /// Whether book and position for one of these orders cannot be read.
    pub(crate) fn is_unread(&self, tags: &[OrderTag]) -> bool {
        let blind = |tag: &OrderTag| self.setting.legs[usize::from(tag.leg)].blind;
        tags.iter().any(|tag| tag.role == Role::Unwind && blind(tag))
    }

    /// Whether a tick would leave something undone that its venue promised to have done by then.
    fn overdue_by(&self, then: UnixMillis) -> bool {
        let orders = self.venues.iter().flat_map(|venue| &venue.orders);
        orders.filter(|order| !order.shown || order.life == crate::exchange::Life::Queued).any(
            |order| {
                // A venue without deadlines still shows what it took in within the margin after that.
                let from = order.deadline.0.max(order.arrived.0);
                then.0 > from + u64::from(MARGIN_MS)
            },
        )
    }

    fn next_tick(&self) -> UnixMillis {
        self.now.plus_ms(TICK_MS)
    }

    /// Whether an attempt's request was repeated by the network.
    pub(crate) fn is_repeated(&self, id: &ClientOrderId) -> bool {
        self.wire.iter().any(|parcel| parcel.copied && parcel.request.0.client_id == *id)
            || self
                .venues
                .iter()
                .flat_map(|venue| &venue.orders)
                .any(|order| order.copied && order.client_id == *id)
    }

    /// Keeps what is on its way in one order, so that states that differ only there are one.
    fn settle(&mut self) {
        let (now, over) = (self.now, self.is_over());
        let venues = &self.venues;
        // A request nobody waits for that its venue will turn down whatever comes is as good as lost.
        self.wire.retain(|parcel| {
            let venue = &venues[usize::from(parcel.tag.leg)];
            let late = now.0 > parcel.request.0.deadline.0;
            let known = venue.class == ResendClass::A
                && venue.orders.iter().any(|order| order.client_id == parcel.request.0.client_id);
            let turned_down = (late && venue.class != ResendClass::C) || known;
            let gone = late && parcel.dated;
            !gone && (parcel.awaited || !turned_down)
        });
        self.wire.sort_unstable();
        if over {
            self.left = Budget::default();
        }
        let prefixes = self.setting.prefixes;
        let cut = self.left.crashes + self.left.takeovers > 0;
        for owner in &mut self.owners {
            owner.ordered = cut && prefixes && owner.epoch == self.journal.epoch;
        }
    }
}

impl Setting {
    fn of(config: &Config, spec: &BatchSpec) -> Self {
        let planned = spec.legs.iter().zip(&config.legs).map(|(leg, shape)| match leg.quantity {
            LegQuantity::Fixed(quantity) => shape.product.terms().lots(quantity),
            LegQuantity::Of { .. } => None,
        });
        Self {
            legs: config.legs.clone().into(),
            planned: planned.collect(),
            prefixes: config.prefixes,
        }
    }

    /// The leg whose fills another one follows.
    pub(crate) fn source(&self, leg: usize) -> Option<usize> {
        let shape = self.legs[leg];
        shape.after.filter(|_| shape.follows).map(usize::from)
    }
}

/// The refusal of a reply, as an adapter would classify it.
pub(crate) fn refusal(kind: RefusalKind) -> Refusal {
    Refusal { kind, code: "-1".to_owned(), message: String::new() }
}

pub(crate) fn is_entry(tag: OrderTag) -> bool {
    tag.role == Role::Entry
}

pub(crate) fn signed(side: Side, lots: u32) -> i64 {
    match side {
        Side::Buy => i64::from(lots),
        Side::Sell => -i64::from(lots),
    }
}

/// Only what is left is spent: an action that is not possible must not be taken.
fn spend(left: &mut u8) {
    *left = left.checked_sub(1).expect("only possible actions are taken");
}
