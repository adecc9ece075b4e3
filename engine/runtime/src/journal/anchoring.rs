//! Writes the anchor in a thread of its own, so that groups go on being committed while one before them is vouched for.
//!
//! Orders that came in meanwhile are served by one write, of the newest head: it vouches for everything before it too.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, JoinHandle};

use equipoise_port::{Epoch, JournalError};

use super::anchor::Anchor;
use super::head::Head;
use super::shared::{Answer, Shared};

/// Orders that may be unanswered; beyond them commits wait for the anchor.
const ORDERS_MAX: usize = 64;
/// Orders that one write serves; as many more may wait for it.
const SERVED_MAX: usize = ORDERS_MAX / 2;

/// An answer that says more than durable: it waits until the anchor vouches for it.
pub(super) enum Held {
    /// The end of a batch.
    Ended(Answer<()>),
    /// An epoch.
    Epoch(Answer<Epoch>, Epoch),
}

/// A head that is durable, to be vouched for.
struct Order {
    head: Head,
    held: Vec<Held>,
    /// Somebody waits for the write itself.
    done: Option<SyncSender<()>>,
}

/// The thread and the way to it. Dropping it waits for what was ordered.
pub(super) struct Anchoring {
    orders: Option<SyncSender<Order>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
    /// Number the anchor vouches for, 0 before there is one.
    number: Arc<AtomicU64>,
}

impl Anchoring {
    pub(super) fn start(anchor: Anchor, shared: Arc<Shared>) -> Result<Self, JournalError> {
        let number = Arc::new(AtomicU64::new(anchor.number()));
        let (orders, ordered) = mpsc::sync_channel(ORDERS_MAX - SERVED_MAX);
        let (vouched, seen) = (Arc::clone(&number), Arc::clone(&shared));
        let thread = thread::Builder::new()
            .name("journal-anchor".into())
            .spawn(move || write_until_the_end(anchor, &seen, &ordered, &vouched))
            .map_err(|error| JournalError::Unopened(format!("journal thread: {error}")))?;
        Ok(Self { orders: Some(orders), thread: Some(thread), shared, number })
    }

    /// Everything up to this number is vouched for.
    pub(super) fn number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    /// Orders the anchor for a head that is durable, and answers for it.
    pub(super) fn order(&self, head: Head, held: Vec<Held>) {
        self.send(Order { head, held, done: None });
    }

    /// The same, and waits until it is written or has failed.
    pub(super) fn write(&self, head: Head) {
        let (done, written) = mpsc::sync_channel(1);
        self.send(Order { head, held: Vec::new(), done: Some(done) });
        if written.recv().is_err() {
            self.shared.fail(panicked());
        }
    }

    fn send(&self, order: Order) {
        let sent = self.orders.as_ref().is_some_and(|orders| orders.send(order).is_ok());
        if !sent {
            self.shared.fail(panicked());
        }
    }
}

impl Drop for Anchoring {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn panicked() -> JournalError {
    JournalError::Failed("the journal's anchor thread panicked".into())
}

fn write_until_the_end(
    mut anchor: Anchor,
    shared: &Shared,
    ordered: &Receiver<Order>,
    vouched: &AtomicU64,
) {
    while let Ok(first) = ordered.recv() {
        let mut orders = vec![first];
        orders.extend(ordered.try_iter().take(SERVED_MAX - 1));
        let newest = orders.iter().map(|order| order.head).max_by_key(|head| head.number);
        if let Some(head) = newest.filter(|_| shared.check().is_ok()) {
            match anchor.write(head) {
                Ok(()) => vouched.store(head.number, Ordering::Release),
                Err(error) => shared.fail(error.while_running()),
            }
        }
        let state = shared.check();
        for held in orders.iter_mut().flat_map(|order| order.held.drain(..)) {
            held.answer(&state);
        }
        for done in orders.into_iter().filter_map(|order| order.done) {
            let _ = done.send(());
        }
    }
}

impl Held {
    fn answer(self, state: &Result<(), JournalError>) {
        match self {
            Self::Ended(answer) => drop(answer.send(state.clone())),
            Self::Epoch(answer, epoch) => drop(answer.send(state.clone().map(|()| epoch))),
        }
    }
}
