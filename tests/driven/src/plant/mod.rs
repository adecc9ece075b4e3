//! The bank of planted bugs around the real engine: wrappers around its ports, each noticed by the checks.
//!
//! Only builds with `cfg(planted)` hold any of this; all others have the straight seams of `straight.rs`.

mod bank;
mod journal;
mod transport;
mod venue;

use std::sync::Arc;

use equipoise_port::{Journal, Transport, Venue};
use equipoise_sim::Fault;

use crate::fault::{self, Weather};
use crate::places::Place;
use crate::scenario::{START_MS, Scenario};

pub use bank::{Plant, Planted};

/// The adapter as the engine sees it.
pub(crate) fn venue(scenario: &Scenario, inner: Arc<dyn Venue>) -> Arc<dyn Venue> {
    match scenario.plant {
        Some(plant) => Arc::new(venue::Bent::new(plant, inner)),
        None => inner,
    }
}

/// The wire as an adapter sees it.
pub(crate) fn transport(scenario: &Scenario, inner: Arc<dyn Transport>) -> Arc<dyn Transport> {
    match scenario.plant {
        Some(plant) => Arc::new(transport::Bent { plant, inner }),
        None => inner,
    }
}

/// The journal as the engine sees it.
pub(crate) fn journal(scenario: &Scenario, inner: Arc<dyn Journal>) -> Arc<dyn Journal> {
    match scenario.plant {
        Some(plant) => Arc::new(journal::Bent { plant, inner }),
        None => inner,
    }
}

impl Scenario {
    /// The world of a seed with a bug planted, and with what lets it act.
    #[must_use]
    pub fn planted(seed: u64, planted: &Planted) -> Self {
        let mut scenario = Self { plant: Some(planted.plant), ..Self::draw(seed) };
        match planted.plant {
            Plant::AnswersBeforeSync | Plant::AdmissionNotSynced => {
                scenario.sync_ms = 50;
                scenario.heal_ms = START_MS + 60_000;
            }
            Plant::NoAnswerAsNotSent | Plant::UnknownAsRefused => {
                scenario.calm = false;
                scenario.weather.lose_answer = 300;
                scenario.heal_ms = START_MS + 60_000;
            }
            // The failed listing must be the one that would have shown the second order.
            Plant::ListingErrorAsEmpty => {
                scenario.calm = false;
                scenario.weather.double = 400;
                scenario.weather.lose_answer = 200;
                scenario.heal_ms = START_MS + 60_000;
            }
            Plant::SecondOrderDropped => {
                scenario.calm = false;
                scenario.weather.double = 300;
                scenario.heal_ms = START_MS + 60_000;
            }
            // Admitted at the gateway and executed only after the deadline, inside the margin, wherever a venue may do so.
            Plant::MarginIgnored => scenario.only(fault::late),
            // Executed, answered to nobody, and not listed until most of the margin has passed.
            Plant::SentAgainOnClassB => {
                scenario.only(fault::hidden);
                scenario.weather.lose_answer = 400;
            }
            // A connection that is closed at once leaves time for a second copy before the deadline.
            Plant::RepeatedByTransport => scenario.only(fault::cut_off),
            _ => {}
        }
        scenario
    }

    /// Nothing else goes wrong.
    fn only(&mut self, fault: impl Fn(&Place) -> Fault) {
        self.calm = false;
        self.kills = Vec::new();
        self.weather = Weather::default();
        self.faults = self.desks.iter().map(|desk| fault(desk.place)).collect();
        self.heal_ms = START_MS + 120_000;
    }
}
