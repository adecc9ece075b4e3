//! After a start: every unfinished batch is replayed, its open questions are asked, and only then does it act (R11).

use equipoise_core::Saga;

use crate::batch::BatchCell;
use crate::driver::Driver;
use crate::engine::Engine;
use crate::error::StartError;

impl Engine {
    pub(crate) async fn resume_open_batches(&self) -> Result<(), StartError> {
        let mut cells = Vec::new();
        for key in self.inner.journal.open_batches().await? {
            let records = self.inner.journal.read(key).await?.unwrap_or_default();
            let saga =
                Saga::replay(&records).map_err(|error| StartError::Replay { batch: key, error })?;
            for leg in &saga.spec().legs {
                if !self.inner.venues.contains_key(&leg.venue) {
                    return Err(StartError::MissingVenue {
                        batch: key,
                        venue: leg.venue.clone(),
                    });
                }
            }
            cells.push(BatchCell::new(key, None, Some(saga)));
        }
        // All are entered before the first acts, so that each knows which instruments others hold.
        {
            let mut live = self.inner.live();
            for cell in &cells {
                self.inner.enter(&mut live, cell);
            }
        }
        self.inner.unsettled.send_replace(cells.len());
        for cell in cells {
            Driver::resumed(self.inner.clone(), cell).spawn();
        }
        Ok(())
    }

    /// Waits until the orders in doubt of every resumed batch are resolved, so that nothing new is risked before.
    pub(crate) async fn settled(&self) {
        let mut unsettled = self.inner.unsettled.subscribe();
        // The sender lives as long as the engine, so waiting cannot fail.
        let _ = unsettled.wait_for(|unsettled| *unsettled == 0).await;
    }
}
