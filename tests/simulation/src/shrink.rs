//! Makes a failing simulation smaller: faults, batches and legs are left out one by one while it still fails.

use crate::check::Claim;
use crate::scenario::Scenario;
use crate::simulate;

/// The smallest simulation found that still breaks the same claim.
#[must_use]
pub fn shrink(failing: &Scenario, claim: Claim) -> Scenario {
    let mut smallest = failing.clone();
    loop {
        let next = candidates(&smallest).into_iter().find(|candidate| fails(candidate, claim));
        match next {
            Some(smaller) => smallest = smaller,
            None => return smallest,
        }
    }
}

fn fails(scenario: &Scenario, claim: Claim) -> bool {
    simulate(scenario, false).violation.is_some_and(|violation| violation.claim == claim)
}

/// Everything one step smaller, largest steps first.
fn candidates(scenario: &Scenario) -> Vec<Scenario> {
    let mut smaller = Vec::new();
    let on: Vec<u8> = (0..20).filter(|batch| !scenario.batches_off.contains(batch)).collect();
    for chunk in [on.len() / 2, on.len() / 4, 1] {
        if chunk == 0 {
            continue;
        }
        for off in on.chunks(chunk) {
            let mut candidate = scenario.clone();
            candidate.batches_off.extend(off);
            smaller.push(candidate);
        }
    }
    for fault in &scenario.faults {
        let mut candidate = scenario.clone();
        candidate.faults.remove(fault);
        smaller.push(candidate);
    }
    for legs_max in 1..scenario.legs_max {
        smaller.push(Scenario { legs_max, ..scenario.clone() });
    }
    smaller
}
