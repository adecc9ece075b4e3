//! Before a start touches an unfinished batch: whether its venues still lead to the accounts it traded on (P11, O3), and
//! accept the keys in use (O5).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use equipoise_core::{AccountId, BatchSpec, LegSpec, Symbol, VenueName};
use equipoise_port::QueryError;
use futures::future::try_join_all;
use sha2::{Digest, Sha256};

use crate::batch::BatchCell;
use crate::engine::Inner;
use crate::error::StartError;
use crate::guard::guarded_query;
use crate::venues::Venues;

/// Longest wait for a venue's word about the key: batches whose venues answer must not wait longer for one that does
/// not.
const WORD_MS_MAX: u64 = 10_000;

/// What an epoch record says of the engine that took it: its version, and a hash over the names of its venues and where
/// they lead (P11).
pub(crate) fn build(venues: &Venues) -> String {
    let mut hash = Sha256::new();
    for (name, entry) in venues {
        let account = entry.account.as_ref().map_or("", AccountId::as_str);
        for text in [name.as_str(), account] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
    }
    let config =
        hash.finalize().iter().take(8).fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
    format!("equipoise {} config {config:016x}", env!("CARGO_PKG_VERSION"))
}

impl Inner {
    /// Whether every venue of a batch is configured.
    ///
    /// # Errors
    /// The first that is not.
    pub(crate) fn check_venues(&self, spec: &BatchSpec) -> Result<(), StartError> {
        let missing = spec.legs.iter().find(|leg| !self.venues.contains_key(&leg.venue));
        missing.map_or(Ok(()), |leg| {
            Err(StartError::MissingVenue { batch: spec.key, venue: leg.venue.clone() })
        })
    }

    /// Whether every venue of a batch leads where its orders went. Elsewhere nobody knows of them, so that they would
    /// count as absent and be sent once more.
    ///
    /// # Errors
    /// The first venue that leads elsewhere, unless it was said that they are the same accounts.
    pub(crate) fn check_accounts(&self, spec: &BatchSpec) -> Result<(), StartError> {
        let elsewhere = |leg: &LegSpec| {
            let was = leg.account.clone()?;
            let is = self.venues.get(&leg.venue).and_then(|entry| entry.account.clone());
            let (batch, venue) = (spec.key, leg.venue.clone());
            let error = StartError::OtherAccount { batch, venue, was: was.clone(), is: is.clone() };
            (is != Some(was)).then_some(error)
        };
        match spec.legs.iter().find_map(elsewhere) {
            Some(error) if !self.same_accounts => Err(error),
            _ => Ok(()),
        }
    }

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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use equipoise_core::Positions;
    use equipoise_port::MockVenue;

    use super::*;
    use crate::venues::{VenueSetup, entries};

    fn told(venues: &[(&str, Option<&str>)]) -> String {
        let setup = |(name, account): &(&str, Option<&str>)| {
            let mut venue = MockVenue::new();
            let account = account.map(|account| account.parse().unwrap());
            venue.expect_account_id().return_const(account);
            let setup = VenueSetup { venue: Arc::new(venue), positions: Positions::Exclusive };
            (name.parse().unwrap(), setup)
        };
        build(&entries(venues.iter().map(setup).collect()))
    }

    #[test]
    fn an_epoch_tells_version_and_configuration() {
        let one = told(&[("binance", Some("https://one#1"))]);
        let prefix = format!("equipoise {} config ", env!("CARGO_PKG_VERSION"));
        let config = one.strip_prefix(&prefix).unwrap();
        assert!(config.len() == 16 && config.bytes().all(|byte| byte.is_ascii_hexdigit()), "{one}");
        assert_eq!(told(&[("binance", Some("https://one#1"))]), one);
        for other in [
            &[][..],
            &[("binance", None)],
            &[("binance", Some("https://one#2"))],
            &[("other", Some("https://one#1"))],
            &[("binance", Some("https://one#1")), ("bybit", None)],
        ] {
            assert_ne!(told(other), one, "{other:?}");
        }
    }
}
