//! Counting calls in a sliding window.

use std::collections::VecDeque;

/// Times of the calls within the last `span_ms`.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    span_ms: u64,
    calls: VecDeque<u64>,
}

impl Window {
    pub(crate) fn new(span_ms: u64) -> Self {
        Self { span_ms, calls: VecDeque::new() }
    }

    /// How many calls the window that ends now holds.
    pub(crate) fn used(&mut self, now_ms: u64) -> usize {
        while self.calls.front().is_some_and(|at| at + self.span_ms <= now_ms) {
            let _ = self.calls.pop_front();
        }
        self.calls.len()
    }

    /// Counts a call unless `max` are in the window already; `false` when it did not count.
    pub(crate) fn take(&mut self, now_ms: u64, max: usize) -> bool {
        let free = self.used(now_ms) < max;
        if free {
            self.calls.push_back(now_ms);
        }
        free
    }

    /// Counts a call whatever the limit.
    pub(crate) fn count(&mut self, now_ms: u64) {
        let _ = self.take(now_ms, usize::MAX);
    }

    /// When the oldest call leaves the window; now when there is none.
    pub(crate) fn freed_ms(&self, now_ms: u64) -> u64 {
        self.calls.front().map_or(now_ms, |at| at + self.span_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::Window;

    #[test]
    fn a_call_leaves_the_window_after_its_span_and_a_refused_one_never_enters() {
        let mut window = Window::new(1000);
        assert!(window.take(5, 2));
        assert!(window.take(6, 2));
        assert!(!window.take(1004, 2));
        assert_eq!(window.freed_ms(1004), 1005);
        assert!(window.take(1005, 2));
        assert!(!window.take(1005, 2));
        window.count(1005);
        assert_eq!(window.used(1005), 3);
    }
}
