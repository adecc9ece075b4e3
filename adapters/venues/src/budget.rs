//! What may still be sent: request weights and order counts as the exchange counts them (V5).
//!
//! Each limit is a sliding window, which never allows more than the exchange's own window of the same length,
//! wherever that one starts. Answers correct it upwards: other programs may share the address or the account.
//! Part of every window is out of reach for entries and a little for queries, so that cancels and unwinds always go.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use equipoise_core::{Refusal, RefusalKind, UnixMillis};
use equipoise_port::{Clock, Purpose, QueryError};

/// Longest wait for tokens before the caller is told to come back: long enough to see a limit per second pass.
const WAIT_MS_MAX: u64 = 1_500;

/// One documented limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    /// What messages call it.
    pub(crate) name: &'static str,
    /// Length of the window in milliseconds.
    pub(crate) length_ms: u64,
    /// Tokens in it.
    pub(crate) tokens: u32,
}

/// Which limit of the venue's list, and how many tokens of it one request takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) limit: usize,
    pub(crate) tokens: u32,
}

/// All limits of one account, and whether the exchange has shut us out for a while.
pub(crate) struct Budget {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    windows: Vec<Window>,
    shut: Option<Shut>,
}

/// Nothing is sent before `until`.
#[derive(Clone)]
struct Shut {
    until: UnixMillis,
    code: String,
}

struct Window {
    limit: Limit,
    spent: VecDeque<(UnixMillis, u32)>,
    sum: u32,
    held_until: UnixMillis,
}

/// When it is worth trying again, and what is in the way.
struct Wait {
    until: UnixMillis,
    why: String,
}

impl Budget {
    pub(crate) fn new(clock: Arc<dyn Clock>, limits: &[Limit]) -> Self {
        let window = |limit: &Limit| Window {
            limit: *limit,
            spent: VecDeque::new(),
            sum: 0,
            held_until: UnixMillis(0),
        };
        let windows = limits.iter().map(window).collect();
        Self { clock, state: Mutex::new(State { windows, shut: None }) }
    }

    /// Takes the tokens of one request, waiting a bounded time for them.
    ///
    /// # Errors
    /// [`QueryError::Busy`] with the rest of the wait when that is longer. Nothing is taken then.
    pub(crate) async fn take(&self, costs: &[Cost], purpose: Purpose) -> Result<(), QueryError> {
        self.wait_for(costs, purpose, true).await
    }

    /// Waits as [`Self::take`] does until the tokens are there, but leaves them to the request itself.
    pub(crate) async fn room(&self, costs: &[Cost], purpose: Purpose) -> Result<(), QueryError> {
        self.wait_for(costs, purpose, false).await
    }

    async fn wait_for(
        &self,
        costs: &[Cost],
        purpose: Purpose,
        take: bool,
    ) -> Result<(), QueryError> {
        let give_up = self.clock.now().plus_ms(WAIT_MS_MAX);
        loop {
            let now = self.clock.now();
            let Err(wait) = self.state().try_take(now, costs, purpose, take) else {
                return Ok(());
            };
            if wait.until > give_up {
                return Err(QueryError::Busy {
                    retry_after_ms: wait.until.since(now).max(1),
                    why: wait.why,
                });
            }
            self.clock.sleep_until(wait.until).await;
        }
    }

    /// Whether a request may leave at all now. For orders, whose tokens were taken before their stamp.
    pub(crate) fn shut(&self) -> Option<Refusal> {
        let now = self.clock.now();
        let state = self.state();
        let shut = state.shut.as_ref().filter(|shut| shut.until > now)?;
        Some(Refusal {
            kind: RefusalKind::RateLimited { retry_after_ms: shut.until.since(now) },
            code: shut.code.clone(),
            message: "not sent: the venue takes no requests for now".to_owned(),
        })
    }

    /// The exchange takes nothing for so long.
    pub(crate) fn shut_for(&self, wait_ms: u64, code: &str) {
        let until = self.clock.now().plus_ms(wait_ms);
        let mut state = self.state();
        if state.shut.as_ref().is_none_or(|shut| shut.until < until) {
            tracing::warn!(wait_ms, code, "venue takes no requests for a while");
            state.shut = Some(Shut { until, code: code.to_owned() });
        }
    }

    /// One limit is exhausted for so long.
    pub(crate) fn hold(&self, limit: usize, wait_ms: u64) {
        let until = self.clock.now().plus_ms(wait_ms);
        if let Some(window) = self.state().windows.get_mut(limit) {
            window.held_until = window.held_until.max(until);
        }
    }

    /// The exchange counts so many tokens as used; the higher count wins.
    pub(crate) fn observe(&self, limit: usize, used: u32) {
        let now = self.clock.now();
        if let Some(window) = self.state().windows.get_mut(limit) {
            window.forget(now);
            let unseen = used.saturating_sub(window.sum);
            window.spend(now, unseen);
        }
    }

    /// The exchange states another size for a limit; zero is not believed.
    pub(crate) fn resize(&self, limit: usize, tokens: u32) {
        if let Some(window) = self.state().windows.get_mut(limit)
            && tokens > 0
        {
            window.limit.tokens = tokens;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes all tokens or none.
    fn try_take(
        &mut self,
        now: UnixMillis,
        costs: &[Cost],
        purpose: Purpose,
        take: bool,
    ) -> Result<(), Wait> {
        if let Some(shut) = self.shut.as_ref().filter(|shut| shut.until > now) {
            return Err(Wait {
                until: shut.until,
                why: format!("code {}: the venue takes no requests for now", shut.code),
            });
        }
        for cost in costs {
            let window = &mut self.windows[cost.limit];
            window.forget(now);
            if let Some(until) = window.wait(now, cost.tokens, purpose) {
                return Err(Wait { until, why: format!("{} used up", window.limit.name) });
            }
        }
        if take {
            for cost in costs {
                self.windows[cost.limit].spend(now, cost.tokens);
            }
        }
        Ok(())
    }
}

impl Window {
    fn forget(&mut self, now: UnixMillis) {
        while let Some((at, tokens)) = self.spent.front().copied() {
            if now.since(at) < self.limit.length_ms {
                break;
            }
            self.spent.pop_front();
            self.sum -= tokens;
        }
    }

    fn spend(&mut self, now: UnixMillis, tokens: u32) {
        if tokens == 0 {
            return;
        }
        let Some(sum) = self.sum.checked_add(tokens) else {
            return;
        };
        self.sum = sum;
        match self.spent.back_mut() {
            // One entry per millisecond keeps the list short however busy it gets.
            Some((at, held)) if *at == now => *held += tokens,
            _ => self.spent.push_back((now, tokens)),
        }
    }

    /// When the tokens will be there, `None` if they are.
    fn wait(&self, now: UnixMillis, tokens: u32, purpose: Purpose) -> Option<UnixMillis> {
        if self.held_until > now {
            return Some(self.held_until);
        }
        let allowed = share(self.limit.tokens, purpose).max(tokens);
        let mut left = self.sum;
        if left.saturating_add(tokens) <= allowed {
            return None;
        }
        for (at, held) in &self.spent {
            left -= held;
            if left.saturating_add(tokens) <= allowed {
                return Some(at.plus_ms(self.limit.length_ms));
            }
        }
        Some(now.plus_ms(self.limit.length_ms))
    }
}

/// How much of a window a purpose may use up.
fn share(tokens: u32, purpose: Purpose) -> u32 {
    let percent = match purpose {
        Purpose::Entry => 75,
        Purpose::Query => 90,
        Purpose::Unwind | Purpose::Cancel => 100,
    };
    u32::try_from(u64::from(tokens) * percent / 100).unwrap_or(tokens)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use async_trait::async_trait;

    use super::*;

    /// Time moves only when somebody waits.
    struct Stepped(AtomicU64);

    #[async_trait]
    impl Clock for Stepped {
        fn now(&self) -> UnixMillis {
            UnixMillis(self.0.load(Ordering::SeqCst))
        }
        async fn sleep_until(&self, at: UnixMillis) {
            self.0.fetch_max(at.0, Ordering::SeqCst);
        }
    }

    const ORDER: Cost = Cost { limit: 0, tokens: 1 };

    fn budget(tokens: u32, length_ms: u64) -> (Arc<Stepped>, Budget) {
        let clock = Arc::new(Stepped(AtomicU64::new(1_000_000)));
        let limit = Limit { name: "orders", length_ms, tokens };
        (clock.clone(), Budget::new(clock, &[limit]))
    }

    #[tokio::test]
    async fn entries_leave_a_quarter_for_everything_that_takes_risk_back() {
        let (_, budget) = budget(8, 60_000);
        for _ in 0..6 {
            budget.take(&[ORDER], Purpose::Entry).await.unwrap();
        }
        assert_eq!(
            budget.take(&[ORDER], Purpose::Entry).await,
            Err(QueryError::Busy { retry_after_ms: 60_000, why: "orders used up".to_owned() })
        );
        budget.take(&[ORDER], Purpose::Query).await.unwrap();
        assert!(budget.take(&[ORDER], Purpose::Query).await.is_err());
        budget.take(&[ORDER], Purpose::Unwind).await.unwrap();
        assert!(budget.take(&[ORDER], Purpose::Cancel).await.is_err());
    }

    #[tokio::test]
    async fn a_short_wait_is_waited_out_and_no_window_ever_holds_more_than_its_limit() {
        let (clock, budget) = budget(10, 1_000);
        let mut sent = Vec::new();
        for _ in 0..50 {
            budget.take(&[ORDER], Purpose::Unwind).await.unwrap();
            sent.push(clock.now().0);
        }
        for (index, at) in sent.iter().enumerate() {
            let within = sent[index..].iter().filter(|later| **later < at + 1_000);
            assert!(within.count() <= 10);
        }
    }

    #[tokio::test]
    async fn what_the_exchange_counts_is_believed_when_it_is_more() {
        let (_, budget) = budget(100, 60_000);
        budget.observe(0, 99);
        budget.observe(0, 3);
        budget.take(&[ORDER], Purpose::Cancel).await.unwrap();
        assert!(budget.take(&[ORDER], Purpose::Cancel).await.is_err());
        budget.resize(0, 200);
        budget.take(&[ORDER], Purpose::Cancel).await.unwrap();
    }

    #[tokio::test]
    async fn a_ban_stops_every_purpose_until_it_ends() {
        let (clock, budget) = budget(100, 60_000);
        budget.shut_for(120_000, "418");
        budget.shut_for(1_000, "429");
        for purpose in [Purpose::Entry, Purpose::Query, Purpose::Cancel, Purpose::Unwind] {
            let error = budget.take(&[ORDER], purpose).await.unwrap_err();
            let busy = QueryError::Busy {
                retry_after_ms: 120_000,
                why: "code 418: the venue takes no requests for now".to_owned(),
            };
            assert_eq!(error, busy);
        }
        assert_eq!(
            budget.shut().unwrap().kind,
            RefusalKind::RateLimited { retry_after_ms: 120_000 }
        );
        clock.0.fetch_add(120_000, Ordering::SeqCst);
        budget.take(&[ORDER], Purpose::Entry).await.unwrap();
        assert_eq!(budget.shut(), None);
    }

    #[tokio::test]
    async fn room_is_waited_for_without_taking_it() {
        let (_, budget) = budget(1, 60_000);
        for _ in 0..5 {
            budget.room(&[ORDER], Purpose::Cancel).await.unwrap();
        }
        budget.take(&[ORDER], Purpose::Cancel).await.unwrap();
        assert!(budget.room(&[ORDER], Purpose::Cancel).await.is_err());
    }

    #[tokio::test]
    async fn an_absurd_count_neither_overflows_nor_lasts() {
        let (clock, budget) = budget(10, 60_000);
        budget.observe(0, u32::MAX);
        assert!(budget.take(&[ORDER], Purpose::Cancel).await.is_err());
        clock.0.fetch_add(60_000, Ordering::SeqCst);
        budget.take(&[ORDER], Purpose::Cancel).await.unwrap();
    }
}
