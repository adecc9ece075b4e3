//! Calls in two seconds, per endpoint and for orders per instrument.

use std::collections::BTreeMap;

use super::failure::Failure;
use super::route::Route;
use crate::exchange::RateLimits;
use crate::rate::Window;

const SPAN_MS: u64 = 2000;

#[derive(Clone, Debug)]
pub(super) struct Limits {
    mode: RateLimits,
    calls: BTreeMap<(Route, String), Window>,
}

impl Limits {
    pub(super) fn new(mode: RateLimits) -> Self {
        Self { mode, calls: BTreeMap::new() }
    }

    /// Counts a call, of a batch each order in it. `instrument` matters where limits are per instrument.
    pub(super) fn take(
        &mut self,
        now_ms: u64,
        route: Route,
        instrument: &str,
        orders: usize,
    ) -> Result<(), Failure> {
        let about = if route.counts_by_instrument() { instrument } else { "" };
        let key = (route, about.to_owned());
        let window = self.calls.entry(key).or_insert_with(|| Window::new(SPAN_MS));
        let free = window.used(now_ms) + orders <= route.per_two_seconds();
        if !free && self.mode == RateLimits::Enforced {
            return Err(Failure::too_many_requests());
        }
        for _ in 0..orders {
            window.count(now_ms);
        }
        Ok(())
    }
}
