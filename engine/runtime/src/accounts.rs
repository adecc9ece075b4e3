//! Before a start touches an unfinished batch: whether its venues still accept the keys in use (O5).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use equipoise_core::{Symbol, VenueName};
use equipoise_port::QueryError;
use futures::future::try_join_all;

use crate::batch::BatchCell;
use crate::engine::Inner;
use crate::error::StartError;
use crate::guard::guarded_query;

/// Longest wait for a venue's word about the key: batches whose venues answer must not wait longer for one that does
/// not.
const WORD_MS_MAX: u64 = 10_000;

impl Inner {
    /// Asks every venue of the unfinished batches for a signed answer, all at once. With a key that is refused the
    /// looks at their orders would be refused too, and the batches would be parked although nothing is wrong with them.
    ///
    /// # Errors
    /// The first venue that refuses the key, or says that it may not trade. One that does not answer proves nothing.
    pub(crate) async fn check_keys(&self, unfinished: &[Arc<BatchCell>]) -> Result<(), StartError> {
        let mut symbols: BTreeMap<&VenueName, BTreeSet<&Symbol>> = BTreeMap::new();
        for (venue, symbol) in unfinished.iter().flat_map(|cell| &cell.traded) {
            symbols.entry(venue).or_default().insert(symbol);
        }
        let checks = symbols.into_iter().map(|(venue, symbols)| {
            let symbols: Vec<_> = symbols.into_iter().cloned().collect();
            async move { self.check_key(venue, &symbols).await }
        });
        try_join_all(checks).await.map(drop)
    }

    async fn check_key(&self, name: &VenueName, symbols: &[Symbol]) -> Result<(), StartError> {
        let Some(entry) = self.venues.get(name) else { return Ok(()) };
        let asking = guarded_query(&*self.clock, async { entry.venue.account(symbols).await });
        let answer = tokio::select! {
            biased;
            answer = asking => answer,
            () = self.clock.sleep_until(self.clock.now().plus_ms(WORD_MS_MAX)) => {
                Err(QueryError::Unavailable("no answer in time".to_owned()))
            }
        };
        let error = match answer {
            Ok(account) if account.can_trade => return Ok(()),
            Ok(_) => "the key is not allowed to trade".to_owned(),
            Err(error @ QueryError::Credentials { .. }) => error.to_string(),
            Err(error) => {
                tracing::warn!(venue = %name, %error, "not known whether the key is accepted");
                return Ok(());
            }
        };
        Err(StartError::Credentials { venue: name.clone(), error })
    }
}
