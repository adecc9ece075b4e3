//! Request weight per minute and orders in two windows.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response};

use super::failure::Failure;
use crate::exchange::RateLimits;

/// What a product allows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rates {
    pub(super) weight_per_minute: u32,
    /// The header that tells the weight.
    pub(super) weight_header: &'static str,
    /// The short window, then the long one.
    pub(super) orders: [OrderRate; 2],
}

/// How many orders may be placed in a window.
#[derive(Clone, Copy, Debug)]
pub(super) struct OrderRate {
    pub(super) window_ms: u64,
    pub(super) max: u32,
    /// As a refusal names the window.
    pub(super) name: &'static str,
    /// The header that tells the count.
    pub(super) header: &'static str,
}

/// A count that starts again in every window.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    window: u64,
    used: u32,
}

impl Count {
    fn at(&self, now_ms: u64, window_ms: u64) -> u32 {
        if self.window == now_ms / window_ms { self.used } else { 0 }
    }

    fn add(&mut self, now_ms: u64, window_ms: u64, amount: u32) -> u32 {
        *self = Self { window: now_ms / window_ms, used: self.at(now_ms, window_ms) + amount };
        self.used
    }

    fn give_back(&mut self, now_ms: u64, window_ms: u64, amount: u32) {
        let used = self.at(now_ms, window_ms).saturating_sub(amount);
        *self = Self { window: now_ms / window_ms, used };
    }
}

const MINUTE_MS: u64 = 60_000;

#[derive(Clone, Debug)]
pub(super) struct Limits {
    mode: RateLimits,
    rates: Rates,
    weight: Count,
    orders: [Count; 2],
}

impl Limits {
    pub(super) fn new(mode: RateLimits, rates: Rates) -> Self {
        Self { mode, rates, weight: Count::default(), orders: [Count::default(); 2] }
    }

    pub(super) fn rates(&self) -> &Rates {
        &self.rates
    }

    pub(super) fn take_weight(&mut self, now_ms: u64, weight: u32) -> Result<(), Failure> {
        let used = self.weight.add(now_ms, MINUTE_MS, weight);
        let most = self.rates.weight_per_minute;
        if self.mode == RateLimits::Enforced && used > most {
            let wait_s = (MINUTE_MS - now_ms % MINUTE_MS).div_ceil(1000);
            return Err(Failure::too_many_requests(most, wait_s));
        }
        Ok(())
    }

    pub(super) fn give_back_weight(&mut self, now_ms: u64, weight: u32) {
        self.weight.give_back(now_ms, MINUTE_MS, weight);
    }

    pub(super) fn take_orders(&mut self, now_ms: u64, orders: u32) -> Result<(), Failure> {
        let mut exceeded = None;
        for (count, rate) in self.orders.iter_mut().zip(&self.rates.orders) {
            let used = count.add(now_ms, rate.window_ms, orders);
            exceeded = exceeded.or((used > rate.max).then_some(rate));
        }
        match exceeded {
            Some(rate) if self.mode == RateLimits::Enforced && orders > 0 => {
                Err(Failure::too_many_orders(rate.max, rate.name))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn give_back_orders(&mut self, now_ms: u64, orders: u32) {
        for (count, rate) in self.orders.iter_mut().zip(&self.rates.orders) {
            count.give_back(now_ms, rate.window_ms, orders);
        }
    }

    /// Orders counted in the running windows.
    pub(super) fn orders(&self, now_ms: u64) -> [u32; 2] {
        let [short, long] = &self.rates.orders;
        [self.orders[0].at(now_ms, short.window_ms), self.orders[1].at(now_ms, long.window_ms)]
    }

    /// Adds the usage headers; order counts only where orders are placed.
    pub(super) fn stamped(
        &self,
        now_ms: u64,
        with_orders: bool,
        mut response: Response<Bytes>,
    ) -> Response<Bytes> {
        let headers = response.headers_mut();
        let weight = self.weight.at(now_ms, MINUTE_MS);
        let name = HeaderName::from_static(self.rates.weight_header);
        headers.insert(name, HeaderValue::from(weight));
        if with_orders {
            for (rate, used) in self.rates.orders.iter().zip(self.orders(now_ms)) {
                headers.insert(HeaderName::from_static(rate.header), HeaderValue::from(used));
            }
        }
        response
    }
}
