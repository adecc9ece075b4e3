//! From a checked plan to a durable batch: repeats are answered, conflicts refused, everything else is sized (D1-D5).

use std::sync::Arc;

use equipoise_core::{
    BatchKey, BatchSpec, CheckedLeg, CheckedPlan, ClientOrderId, OrderTag, Role, Saga, VenueMillis,
    client_order_id,
};
use equipoise_port::OrderRef;
use tracing::Instrument as _;

use crate::batch::{Admission, BatchCell, Phase};
use crate::driver::Driver;
use crate::engine::{Engine, Inner, Known, Left};
use crate::error::{CheckError, SubmitError};
use crate::guard::guarded_query;
use crate::handle::BatchHandle;
use crate::patience::patiently;

/// How far back a venue is asked for orders of a batch that a fresh journal does not know (D5), milliseconds.
const MISSING_JOURNAL_LOOKBACK_MS: u64 = 86_400_000;

/// What a submission met when it took its place.
enum Place {
    /// It is the first with this key.
    First(Arc<BatchCell>),
    /// A batch with this key is under way.
    Key(Arc<BatchCell>),
    /// Another plan for the same occasion and instrument is under way.
    Occasion(Arc<BatchCell>),
}

impl Engine {
    /// Answers a repeat, refuses a conflict, or admits the plan. Nothing is concluded from a submission that is still
    /// being checked: it is waited for, and if it is refused the place is free again.
    pub(crate) async fn admit(&self, plan: Arc<CheckedPlan>) -> Result<BatchHandle, SubmitError> {
        let mut settled = false;
        loop {
            // An old answer is given even while stopping, and before anything is asked of venues.
            if let Some(handle) = self.earlier(&plan).await? {
                return Ok(handle);
            }
            if !settled {
                self.inner.takes_batches()?;
                self.settled().await;
                settled = true;
            }
            let (cell, first) = match self.inner.take_place(&plan)? {
                Place::First(cell) => {
                    self.introduce(cell.clone());
                    (cell, true)
                }
                Place::Key(cell) => (cell, false),
                Place::Occasion(cell) => {
                    if matches!(cell.admission().await, Admission::Admitted) {
                        return Err(used(&plan, cell.key));
                    }
                    continue;
                }
            };
            let same = cell.digest() == Some(plan.digest);
            match cell.admission().await {
                Admission::Admitted if same => return Ok(self.handle(cell, !first)),
                Admission::Admitted => return Err(SubmitError::KeyUsed { key: plan.key }),
                Admission::Refused(error) if same => return Err(error),
                Admission::Refused(_) | Admission::Stored => {}
            }
        }
    }

    /// The batch of this key that was admitted before (D1), or the refusal of another plan with it (D2).
    async fn earlier(&self, plan: &CheckedPlan) -> Result<Option<BatchHandle>, SubmitError> {
        let (digest, handle) = match self.inner.known(plan.key).await? {
            None => return Ok(None),
            // Being checked, or just refused: taking the place waits for what becomes of it.
            Some(Known::Live(cell)) if !cell.is_admitted() => return Ok(None),
            Some(Known::Live(cell)) => (cell.digest(), self.handle(cell, true)),
            Some(Known::Stored(saga)) => {
                let digest = saga.spec().digest;
                (Some(digest), BatchHandle::stored(saga, self.inner.clock.clone()))
            }
        };
        if digest == Some(plan.digest) {
            return Ok(Some(handle));
        }
        Err(SubmitError::KeyUsed { key: plan.key })
    }

    /// Checks and runs a batch as a task of its own, whoever goes on waiting for it.
    fn introduce(&self, cell: Arc<BatchCell>) {
        let engine = self.clone();
        let span = tracing::info_span!("batch", key = %cell.key);
        let left = Left::new(self.inner.clone(), cell.clone());
        let task = async move { left.over(engine.run(cell).await) };
        tokio::spawn(task.instrument(span));
    }

    async fn run(&self, cell: Arc<BatchCell>) -> Phase {
        let Some(plan) = &cell.plan else {
            return Phase::Stored;
        };
        // It may have been admitted and ended between the first look and taking the place.
        match self.inner.stored(cell.key).await {
            Ok(None) => {}
            Ok(Some(_)) => return Phase::Stored,
            Err(error) => return Phase::Refused(error.into()),
        }
        match self.prepare(plan).await {
            Ok(spec) => {
                cell.set_saga(Saga::new(spec));
                Driver::admitted(self.inner.clone(), cell).run().await
            }
            Err(error) => {
                tracing::debug!(%error, "plan refused");
                Phase::Refused(error)
            }
        }
    }

    /// Everything that may refuse the plan without using up its key (D4).
    async fn prepare(&self, plan: &CheckedPlan) -> Result<BatchSpec, SubmitError> {
        self.inner.journal.ready_for_batch().await?;
        self.refuse_used_occasion(plan).await?;
        let size = async { self.inner.size(plan).await.map_err(SubmitError::from) };
        if !self.inner.journal.is_fresh() {
            return size.await;
        }
        let (spec, unknown) = futures::join!(size, self.refuse_known_orders(plan));
        // What is wrong with the plan is said first.
        let spec = spec?;
        unknown.map(|()| spec)
    }

    /// D3: one occasion of a strategy trades an instrument once, whatever the size.
    async fn refuse_used_occasion(&self, plan: &CheckedPlan) -> Result<(), SubmitError> {
        if only_reduces(plan) {
            return Ok(());
        }
        for key in self.inner.journal.occasion(&plan.strategy, &plan.occasion).await? {
            let Some(earlier) = self.inner.stored(key).await? else {
                continue;
            };
            let spec = earlier.spec();
            let touches = spec.legs.iter().any(|theirs| {
                plan.legs
                    .iter()
                    .any(|leg| leg.venue == theirs.venue && leg.symbol == theirs.instrument.symbol)
            });
            if touches && !spec.only_reduces() {
                return Err(used(plan, key));
            }
        }
        Ok(())
    }

    /// D5: a journal made in this start cannot know of orders that were placed before it.
    async fn refuse_known_orders(&self, plan: &CheckedPlan) -> Result<(), SubmitError> {
        let looks = (0_u8..).zip(&plan.legs).map(|(index, leg)| async move {
            let look = || self.known_order(plan.key, index, leg);
            match patiently(&*self.inner.clock, look).await? {
                None => Ok(()),
                Some(client_id) => Err(SubmitError::JournalMissing {
                    key: plan.key,
                    venue: leg.venue.clone(),
                    client_order_id: client_id.to_string(),
                }),
            }
        });
        futures::future::try_join_all(looks).await.map(drop)
    }

    /// The leg's first order, if its venue has it already.
    async fn known_order(
        &self,
        key: BatchKey,
        index: u8,
        leg: &CheckedLeg,
    ) -> Result<Option<ClientOrderId>, CheckError> {
        let entry = self.inner.entry(&leg.name, &leg.venue)?;
        let tag = OrderTag { leg: index, role: Role::Entry, attempt: 0 };
        let client_id = client_order_id(key, tag, entry.venue.traits());
        let clock = &*self.inner.clock;
        let reading = async { entry.clock.fresh(&*entry.venue, clock).await };
        let unready = |error| CheckError::from_query(&leg.venue, None, &error);
        let offset = guarded_query(clock, reading).await.map_err(unready)?;
        let venue_time = offset.venue_time(clock.now());
        let since = venue_time.0.saturating_sub(MISSING_JOURNAL_LOOKBACK_MS);
        let order = OrderRef {
            client_id: client_id.clone(),
            symbol: leg.symbol.clone(),
            venue_order: None,
            since: VenueMillis(since),
            // Whatever bears this id was sent for a plan of this key.
            terms: None,
        };
        let found = guarded_query(clock, async { entry.venue.find(&order).await }).await;
        let found = found.map_err(unready)?;
        Ok(found.iter().any(|order| order.client_id == client_id).then_some(client_id))
    }
}

impl Inner {
    /// Takes the place of a key, in one step with the look at whatever else is under way.
    fn take_place(&self, plan: &Arc<CheckedPlan>) -> Result<Place, SubmitError> {
        let mut live = self.live();
        if let Some(cell) = live.get(plan.key) {
            return Ok(Place::Key(cell.clone()));
        }
        self.takes_batches()?;
        let cell = BatchCell::admitting(plan.clone());
        for other in live.of_occasion(plan) {
            let both_add = other.plan.as_ref().is_some_and(|theirs| !only_reduces(theirs));
            if both_add && !only_reduces(plan) && !cell.traded.is_disjoint(&other.traded) {
                return Ok(Place::Occasion(other.clone()));
            }
        }
        self.enter(&mut live, &cell);
        Ok(Place::First(cell))
    }
}

/// D3: plans that only reduce may come again.
fn only_reduces(plan: &CheckedPlan) -> bool {
    plan.legs.iter().all(|leg| leg.reduce_only)
}

fn used(plan: &CheckedPlan, key: BatchKey) -> SubmitError {
    SubmitError::OccasionUsed {
        strategy: plan.strategy.to_string(),
        occasion: plan.occasion.to_string(),
        key,
    }
}
