//! From a checked plan to a durable batch: repeats are answered, conflicts refused, everything else is sized (D1-D5).

use std::collections::BTreeSet;
use std::sync::Arc;

use equipoise_core::{
    BatchKey, BatchSpec, CheckedPlan, OrderTag, PayloadDigest, Role, Saga, Symbol, VenueName,
    client_order_id,
};
use equipoise_port::OrderRef;

use crate::batch::{BatchCell, BatchHandle, Phase};
use crate::driver::Driver;
use crate::engine::{Engine, Inner};
use crate::error::{BatchError, CheckError, SubmitError};

/// How far back a venue is asked for orders of a batch that a fresh journal does not know (D5), milliseconds.
const MISSING_JOURNAL_LOOKBACK_MS: u64 = 86_400_000;

/// What a submission met when it took its place.
enum Place {
    /// It is the first with this key.
    First(Arc<BatchCell>),
    /// The same batch is under way.
    Taken(Arc<BatchCell>),
}

impl Engine {
    pub(crate) async fn admit(&self, plan: CheckedPlan) -> Result<BatchHandle, SubmitError> {
        // An old answer is given even while stopping, and before anything is asked of venues.
        if let Some(handle) = self.earlier(&plan).await? {
            return Ok(handle);
        }
        if self.inner.is_stopping() {
            return Err(SubmitError::Stopping);
        }
        self.settled().await;
        let cell = match self.inner.take_place(&plan)? {
            Place::Taken(cell) => return self.join(&plan, cell).await,
            Place::First(cell) => cell,
        };
        let guard = Unplaced {
            inner: self.inner.clone(),
            cell: cell.clone(),
            armed: true,
        };
        // The batch may have ended between the first look and taking the place.
        if let Some(handle) = self.earlier(&plan).await? {
            return Ok(handle);
        }
        match self.prepare(&plan).await {
            Ok(spec) => {
                guard.disarm();
                cell.set_saga(Saga::new(spec));
                Driver::admitted(self.inner.clone(), cell.clone()).spawn();
                self.admitted(cell, false).await
            }
            Err(error) => {
                cell.phase.send_replace(Phase::Refused(error.clone()));
                Err(error)
            }
        }
    }

    /// The batch of this key in the journal (D1), or the refusal of another plan with it (D2).
    async fn earlier(&self, plan: &CheckedPlan) -> Result<Option<BatchHandle>, SubmitError> {
        if let Some(cell) = self.inner.live_cell(plan.key) {
            return match &*cell.phase.borrow() {
                // Being admitted by someone else: joined when taking the place.
                Phase::Admitting | Phase::Refused(_) => Ok(None),
                _ => {
                    let digest = cell.with_saga(|saga| saga.spec().digest);
                    same_payload(plan, digest)?;
                    Ok(Some(BatchHandle::live(
                        cell.clone(),
                        true,
                        self.inner.clock.clone(),
                    )))
                }
            };
        }
        let Some(saga) = self.inner.stored(plan.key).await? else {
            return Ok(None);
        };
        same_payload(plan, Some(saga.spec().digest))?;
        Ok(Some(BatchHandle::stored(saga, self.inner.clock.clone())))
    }

    /// Waits for a concurrent submission of the same plan and shares its outcome (O1).
    async fn join(
        &self,
        plan: &CheckedPlan,
        cell: Arc<BatchCell>,
    ) -> Result<BatchHandle, SubmitError> {
        let digest = cell.plan.as_ref().map(|plan| plan.digest);
        same_payload(
            plan,
            digest.or_else(|| cell.with_saga(|saga| saga.spec().digest)),
        )?;
        self.admitted(cell, true).await
    }

    async fn admitted(
        &self,
        cell: Arc<BatchCell>,
        duplicate: bool,
    ) -> Result<BatchHandle, SubmitError> {
        let mut phase = cell.phase.subscribe();
        let phase = phase
            .wait_for(|phase| !matches!(phase, Phase::Admitting))
            .await;
        let outcome = match phase.as_deref() {
            Ok(Phase::Refused(error)) => Err(error.clone()),
            Ok(Phase::Failed(BatchError::Journal(error))) => {
                Err(SubmitError::Journal(error.clone()))
            }
            Ok(_) | Err(_) => Ok(()),
        };
        drop(phase);
        outcome?;
        Ok(BatchHandle::live(cell, duplicate, self.inner.clock.clone()))
    }

    /// Everything that may refuse the plan without using up its key (D4).
    async fn prepare(&self, plan: &CheckedPlan) -> Result<BatchSpec, SubmitError> {
        self.inner.journal.ready_for_batch().await?;
        self.refuse_used_occasion(plan).await?;
        let spec = self.inner.size(plan).await?;
        if self.inner.journal.is_fresh() {
            self.refuse_known_orders(&spec).await?;
        }
        Ok(spec)
    }

    /// D3: one occasion of a strategy trades an instrument once, whatever the size.
    async fn refuse_used_occasion(&self, plan: &CheckedPlan) -> Result<(), SubmitError> {
        if plan.legs.iter().all(|leg| leg.reduce_only) {
            return Ok(());
        }
        let own = instruments(plan);
        for key in self
            .inner
            .journal
            .occasion(&plan.strategy, &plan.occasion)
            .await?
        {
            let Some(earlier) = self.inner.stored(key).await? else {
                continue;
            };
            let spec = earlier.spec();
            let touches = spec
                .legs
                .iter()
                .any(|leg| own.contains(&(leg.venue.clone(), leg.instrument.symbol.clone())));
            if touches && !spec.only_reduces() {
                return Err(used(plan, key));
            }
        }
        Ok(())
    }

    /// D5: a journal made in this start cannot know of orders that were placed before it.
    async fn refuse_known_orders(&self, spec: &BatchSpec) -> Result<(), SubmitError> {
        let looks = (0_u8..).zip(&spec.legs).map(|(leg, leg_spec)| async move {
            let entry = self.inner.entry(&leg_spec.name, &leg_spec.venue)?;
            let tag = OrderTag {
                leg,
                role: Role::Entry,
                attempt: 0,
            };
            let client_id = client_order_id(spec.key, tag, &leg_spec.traits);
            let now = self.inner.clock.now();
            let venue_time = entry.clock.estimate(now).await.unwrap_or_default();
            let order = OrderRef {
                client_id: client_id.clone(),
                symbol: leg_spec.instrument.symbol.clone(),
                venue_order: None,
                since: equipoise_core::VenueMillis(
                    venue_time.0.saturating_sub(MISSING_JOURNAL_LOOKBACK_MS),
                ),
            };
            let found = entry.venue.find(&order).await;
            let found =
                found.map_err(|error| CheckError::from_query(&leg_spec.venue, None, &error))?;
            if found.iter().any(|order| order.client_id == client_id) {
                return Err(SubmitError::JournalMissing {
                    key: spec.key,
                    venue: leg_spec.venue.clone(),
                    client_order_id: client_id.to_string(),
                });
            }
            Ok(())
        });
        futures::future::try_join_all(looks).await.map(drop)
    }
}

impl Inner {
    /// Takes the place of a key, in one step with the look at concurrent admissions of the same occasion.
    fn take_place(&self, plan: &CheckedPlan) -> Result<Place, SubmitError> {
        let mut live = self.live();
        if let Some(cell) = live.get(&plan.key) {
            return Ok(Place::Taken(cell.clone()));
        }
        let exempt = plan.legs.iter().all(|leg| leg.reduce_only);
        let own = instruments(plan);
        for cell in live.values() {
            let Some(other) = &cell.plan else { continue };
            let same = other.strategy == plan.strategy && other.occasion == plan.occasion;
            let theirs_reduce = other.legs.iter().all(|leg| leg.reduce_only);
            if same && !exempt && !theirs_reduce && !own.is_disjoint(&instruments(other)) {
                return Err(used(plan, cell.key));
            }
        }
        let cell = BatchCell::new(plan.key, Some(plan.clone()), None);
        self.enter(&mut live, &cell);
        Ok(Place::First(cell))
    }
}

fn instruments(plan: &CheckedPlan) -> BTreeSet<(VenueName, Symbol)> {
    plan.legs
        .iter()
        .map(|leg| (leg.venue.clone(), leg.symbol.clone()))
        .collect()
}

fn used(plan: &CheckedPlan, key: BatchKey) -> SubmitError {
    SubmitError::OccasionUsed {
        strategy: plan.strategy.to_string(),
        occasion: plan.occasion.to_string(),
        key,
    }
}

fn same_payload(plan: &CheckedPlan, stored: Option<PayloadDigest>) -> Result<(), SubmitError> {
    if stored == Some(plan.digest) {
        return Ok(());
    }
    Err(SubmitError::KeyUsed { key: plan.key })
}

/// Gives the place up again unless the batch was handed to its driver, also when the submission is dropped half way.
struct Unplaced {
    inner: Arc<Inner>,
    cell: Arc<BatchCell>,
    armed: bool,
}

impl Unplaced {
    fn disarm(mut self) {
        self.armed = false;
    }
}

impl Drop for Unplaced {
    fn drop(&mut self) {
        if self.armed {
            if !self.cell.is_over() {
                self.cell
                    .phase
                    .send_replace(Phase::Refused(SubmitError::Stopping));
            }
            self.inner.leave(self.cell.key);
        }
    }
}
