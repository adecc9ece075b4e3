//! The names that the campaign hands to a process are the ones the library in that process knows.
#![allow(clippy::unwrap_used, reason = "tests")]
#![cfg(all(target_os = "linux", target_pointer_width = "64"))]

use equipoise_chaos::{Scenario, Story};
use equipoise_power_loss::Failpoint;

#[test]
fn every_failpoint_of_a_run_is_understood_by_the_process_that_is_to_die_at_it() {
    let mut read = 0;
    for number in 0..200 {
        let Story::Kills(kills) = Scenario::new(1, number).story else { continue };
        for point in kills.iter().filter_map(|kill| kill.failpoint()) {
            let text = point.to_string();
            assert_eq!(text.parse::<Failpoint>().unwrap().to_string(), text);
            read += 1;
        }
    }
    assert!(read >= 60, "{read}");
}
