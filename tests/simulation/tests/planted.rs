//! The checks can fail: every planted bug is noticed within a stated number of seeds.

use equipoise_simulation::{Plant, Scenario, simulate};

/// Seeds within which each planted bug must be noticed.
const WITHIN: u64 = 100;

#[test]
fn every_planted_bug_is_noticed() {
    for plant in Plant::ALL {
        let noticed = (1..=WITHIN).find(|seed| {
            let scenario = Scenario { plant: Some(*plant), ..Scenario::from_seed(*seed) };
            simulate(&scenario, false).violation.is_some()
        });
        assert!(noticed.is_some(), "{plant:?} was not noticed");
    }
}
