//! Calls per second and endpoint, and per address.
//!
//! Source: Bybit v5 Rate Limit, read 2026-11-22.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response};

use super::category::Category;
use super::failure::Failure;
use super::route::Route;
use crate::exchange::RateLimits;

const SECOND_MS: u64 = 1000;
const ADDRESS_WINDOW_MS: u64 = 5000;
const ADDRESS_CALLS_MAX: usize = 600;

#[derive(Clone, Debug)]
pub(super) struct Limits {
    mode: RateLimits,
    category: Category,
    calls: BTreeMap<Route, VecDeque<u64>>,
    address: VecDeque<u64>,
}

impl Limits {
    pub(super) fn new(mode: RateLimits, category: Category) -> Self {
        Self { mode, category, calls: BTreeMap::new(), address: VecDeque::new() }
    }

    /// Counts a call of any kind from the one address there is.
    pub(super) fn take_address(&mut self, now_ms: u64) -> Result<(), ()> {
        let used = count(&mut self.address, now_ms, ADDRESS_WINDOW_MS);
        if used > ADDRESS_CALLS_MAX && self.mode == RateLimits::Enforced { Err(()) } else { Ok(()) }
    }

    /// Counts a call of one endpoint in the second that ends now.
    pub(super) fn take(&mut self, now_ms: u64, route: Route) -> Result<(), Failure> {
        let calls = self.calls.entry(route).or_default();
        let used = count(calls, now_ms, SECOND_MS);
        if used > route.per_second(self.category) && self.mode == RateLimits::Enforced {
            // A refused call does not use up the allowance.
            let _ = calls.pop_back();
            return Err(Failure::too_many_visits());
        }
        Ok(())
    }

    pub(super) fn stamped(
        &self,
        now_ms: u64,
        route: Route,
        response: Response<Bytes>,
    ) -> Response<Bytes> {
        let calls = self.calls.get(&route);
        let left = route.per_second(self.category).saturating_sub(calls.map_or(0, VecDeque::len));
        let oldest = calls.and_then(|calls| calls.front().copied()).unwrap_or(now_ms);
        let reset_ms = if left == 0 { oldest + SECOND_MS } else { now_ms };
        with_headers(response, route.per_second(self.category), left, reset_ms)
    }
}

/// The answer of a limiter that frees up in `retry_after_s`.
pub(super) fn announced(
    now_ms: u64,
    retry_after_s: u64,
    response: Response<Bytes>,
) -> Response<Bytes> {
    with_headers(response, 10, 0, now_ms + retry_after_s * 1000)
}

fn with_headers(
    mut response: Response<Bytes>,
    limit: usize,
    left: usize,
    reset_ms: u64,
) -> Response<Bytes> {
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("x-bapi-limit"), HeaderValue::from(limit));
    headers.insert(HeaderName::from_static("x-bapi-limit-status"), HeaderValue::from(left));
    headers.insert(
        HeaderName::from_static("x-bapi-limit-reset-timestamp"),
        HeaderValue::from(reset_ms),
    );
    response
}

fn count(calls: &mut VecDeque<u64>, now_ms: u64, window_ms: u64) -> usize {
    while calls.front().is_some_and(|at| at + window_ms <= now_ms) {
        let _ = calls.pop_front();
    }
    calls.push_back(now_ms);
    calls.len()
}
