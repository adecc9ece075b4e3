//! The configured venues, each with its clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use equipoise_core::{AccountId, Positions, VenueName};
use equipoise_port::Venue;

use crate::standing::Standing;
use crate::venue_clock::VenueClock;

/// One venue as the engine uses it.
pub struct VenueSetup {
    /// The adapter.
    pub venue: Arc<dyn Venue>,
    /// Whether anything else trades on the account.
    pub positions: Positions,
}

pub(crate) struct VenueEntry {
    pub(crate) name: VenueName,
    pub(crate) venue: Arc<dyn Venue>,
    pub(crate) positions: Positions,
    /// Where its orders go, if it tells.
    pub(crate) account: Option<AccountId>,
    pub(crate) clock: VenueClock,
    pub(crate) standing: Standing,
}

pub(crate) type Venues = BTreeMap<VenueName, Arc<VenueEntry>>;

pub(crate) fn entries(setups: BTreeMap<VenueName, VenueSetup>) -> Venues {
    let entry = |(name, setup): (VenueName, VenueSetup)| {
        let entry = VenueEntry {
            name: name.clone(),
            account: setup.venue.account_id(),
            venue: setup.venue,
            positions: setup.positions,
            clock: VenueClock::default(),
            standing: Standing::default(),
        };
        (name, Arc::new(entry))
    };
    setups.into_iter().map(entry).collect()
}
