//! Request weight per minute and orders per ten seconds and minute.
//!
//! Source: Binance USDⓈ-M General Info, Limits; Exchange Information, rateLimits, read 2026-11-22.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response};

use super::failure::Failure;
use crate::exchange::RateLimits;

pub(super) const WEIGHT_PER_MINUTE: u32 = 2400;
pub(super) const ORDERS_PER_TEN_SECONDS: u32 = 300;
pub(super) const ORDERS_PER_MINUTE: u32 = 1200;

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
}

const TEN_SECONDS_MS: u64 = 10_000;
const MINUTE_MS: u64 = 60_000;

#[derive(Clone, Debug)]
pub(super) struct Limits {
    mode: RateLimits,
    weight: Count,
    ten_seconds: Count,
    minute: Count,
}

impl Limits {
    pub(super) fn new(mode: RateLimits) -> Self {
        Self {
            mode,
            weight: Count::default(),
            ten_seconds: Count::default(),
            minute: Count::default(),
        }
    }

    pub(super) fn take_weight(&mut self, now_ms: u64, weight: u32) -> Result<(), Failure> {
        let used = self.weight.add(now_ms, MINUTE_MS, weight);
        if self.mode == RateLimits::Enforced && used > WEIGHT_PER_MINUTE {
            return Err(Failure::too_many_requests(
                (MINUTE_MS - now_ms % MINUTE_MS).div_ceil(1000),
            ));
        }
        Ok(())
    }

    pub(super) fn take_orders(&mut self, now_ms: u64, orders: u32) -> Result<(), Failure> {
        let in_ten_seconds = self.ten_seconds.add(now_ms, TEN_SECONDS_MS, orders);
        let in_minute = self.minute.add(now_ms, MINUTE_MS, orders);
        if self.mode != RateLimits::Enforced || orders == 0 {
            Ok(())
        } else if in_ten_seconds > ORDERS_PER_TEN_SECONDS {
            Err(Failure::too_many_orders(ORDERS_PER_TEN_SECONDS, "TEN_SECONDS"))
        } else if in_minute > ORDERS_PER_MINUTE {
            Err(Failure::too_many_orders(ORDERS_PER_MINUTE, "MINUTE"))
        } else {
            Ok(())
        }
    }

    /// Orders counted in the running ten seconds and minute.
    pub(super) fn orders(&self, now_ms: u64) -> (u32, u32) {
        (self.ten_seconds.at(now_ms, TEN_SECONDS_MS), self.minute.at(now_ms, MINUTE_MS))
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
        headers.insert(HeaderName::from_static("x-mbx-used-weight-1m"), HeaderValue::from(weight));
        if with_orders {
            let (ten_seconds, minute) = self.orders(now_ms);
            headers.insert(
                HeaderName::from_static("x-mbx-order-count-10s"),
                HeaderValue::from(ten_seconds),
            );
            headers
                .insert(HeaderName::from_static("x-mbx-order-count-1m"), HeaderValue::from(minute));
        }
        response
    }
}
