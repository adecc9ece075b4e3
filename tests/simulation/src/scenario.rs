//! What one simulation runs: everything follows from these few numbers.

use std::collections::BTreeSet;

use fastrand::Rng;
use serde::{Deserialize, Serialize};

use crate::fault::{Fault, chosen_by};
#[cfg(planted)]
use crate::plant::Plant;

/// Most legs a generated plan has.
pub(crate) const LEGS_MAX: u8 = 8;

/// One simulation. A failing one is kept as a file and replayed as a regression test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Where all random numbers come from.
    pub seed: u64,
    /// Faults that may strike.
    pub faults: BTreeSet<Fault>,
    /// Batches left out, by number.
    #[serde(default)]
    pub batches_off: BTreeSet<u8>,
    /// Most legs of a plan.
    pub legs_max: u8,
    /// Known gaps of the engine count as violations too.
    #[serde(default)]
    pub strict: bool,
    /// A bug planted to see that it is noticed.
    #[cfg(planted)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plant: Option<Plant>,
}

impl Scenario {
    /// The simulation of a seed.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        Self {
            seed,
            faults: chosen_by(seed),
            batches_off: BTreeSet::new(),
            legs_max: LEGS_MAX,
            strict: false,
            #[cfg(planted)]
            plant: None,
        }
    }

    /// The simulation of a seed with a bug planted, and with the faults switched on that let it act.
    #[cfg(planted)]
    #[must_use]
    pub fn planted(seed: u64, planted: &crate::Planted) -> Self {
        let mut scenario = Self { plant: Some(planted.plant), ..Self::from_seed(seed) };
        scenario.faults.extend(planted.with);
        scenario
    }

    /// Random numbers for one purpose, independent of every other purpose.
    pub(crate) fn stream(&self, purpose: u64) -> Rng {
        Rng::with_seed(self.seed ^ purpose.wrapping_mul(0xd6e8_feb8_6659_fd93))
    }
}
