//! Calls in one second: of the key on signed endpoints, of the address on the others.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response};

use super::failure::Failure;
use crate::exchange::RateLimits;
use crate::rate::Window;

const SECOND_MS: u64 = 1000;

/// Source: Coinbase Advanced Trade API, Rate Limits, as client libraries state them, read 2026-11-22; the page
/// itself gave no figures for REST.
const SIGNED_MAX: usize = 30;
const PUBLIC_MAX: usize = 10;

#[derive(Clone, Debug)]
pub(super) struct Limits {
    mode: RateLimits,
    signed: Window,
    public: Window,
}

impl Limits {
    pub(super) fn new(mode: RateLimits) -> Self {
        Self { mode, signed: Window::new(SECOND_MS), public: Window::new(SECOND_MS) }
    }

    pub(super) fn take(&mut self, now_ms: u64, signed: bool) -> Result<(), Failure> {
        let (window, max) = self.window(signed);
        let taken = window.take(now_ms, max);
        if taken || self.mode == RateLimits::Counted {
            Ok(())
        } else {
            Err(Failure::rate_limited())
        }
    }

    /// Adds what is left of the allowance.
    pub(super) fn stamped(
        &mut self,
        now_ms: u64,
        signed: bool,
        response: Response<Bytes>,
    ) -> Response<Bytes> {
        let (window, max) = self.window(signed);
        let left = max.saturating_sub(window.used(now_ms));
        let reset_s = window.freed_ms(now_ms).saturating_sub(now_ms).div_ceil(1000);
        with_headers(response, max, left, reset_s)
    }

    fn window(&mut self, signed: bool) -> (&mut Window, usize) {
        if signed { (&mut self.signed, SIGNED_MAX) } else { (&mut self.public, PUBLIC_MAX) }
    }
}

/// The answer of a limiter that frees up in `retry_after_s`.
pub(super) fn announced(retry_after_s: u64, response: Response<Bytes>) -> Response<Bytes> {
    with_headers(response, SIGNED_MAX, 0, retry_after_s)
}

fn with_headers(
    mut response: Response<Bytes>,
    limit: usize,
    left: usize,
    reset_s: u64,
) -> Response<Bytes> {
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("x-ratelimit-limit"), HeaderValue::from(limit));
    headers.insert(HeaderName::from_static("x-ratelimit-remaining"), HeaderValue::from(left));
    headers.insert(HeaderName::from_static("x-ratelimit-reset"), HeaderValue::from(reset_s));
    response
}
