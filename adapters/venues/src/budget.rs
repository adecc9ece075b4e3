//! What may still be sent: request weights and order counts as the exchange counts them (V5).
//!
//! Each limit is a sliding window, which never allows more than the exchange's own window of the same length,
//! wherever that one starts. Answers correct it upwards: other programs may share the address or the account.
//! Part of every window is out of reach for entries and a little for queries, so that cancels and unwinds always go.
//! Adapters whose requests an exchange counts together draw from the same windows.

mod pools;

use std::sync::Arc;

use equipoise_core::{Refusal, RefusalKind};
use equipoise_port::{Clock, Purpose, QueryError};

pub use pools::Budgets;
pub(crate) use pools::Place;

/// Longest wait for tokens before the caller is told to come back: long enough to see a limit per second pass.
const WAIT_MS_MAX: u64 = 1_500;

/// Whose requests a limit counts together, and over which products of the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Everything from this address.
    Address(&'static str),
    /// Everything of one account.
    Account(&'static str),
}

/// One documented limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    /// What messages call it.
    pub(crate) name: &'static str,
    /// Length of the window in milliseconds.
    pub(crate) length_ms: u64,
    /// Tokens in it.
    pub(crate) tokens: u32,
    /// What counts into it.
    pub(crate) scope: Scope,
}

/// Which limit of the venue's list, and how many tokens of it one request takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) limit: usize,
    pub(crate) tokens: u32,
}

/// The limits that one adapter's requests count into, and whether the exchange has shut it out for a while.
pub(crate) struct Budget {
    clock: Arc<dyn Clock>,
    budgets: Budgets,
    /// Where the windows of the adapter's own list are.
    windows: Vec<usize>,
    shut: usize,
}

impl Budget {
    /// Joins the pools of these limits; `banned` is what a ban of the exchange is about.
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        place: &Place,
        limits: &[Limit],
        banned: Scope,
    ) -> Self {
        let budgets = place.budgets.clone();
        let (windows, shut) = {
            let mut pools = budgets.pools();
            let windows = limits.iter().map(|limit| pools.window_at(place, limit)).collect();
            (windows, pools.shut_at(place, banned))
        };
        Self { clock, budgets, windows, shut }
    }

    /// The costs by window instead of by the adapter's own list.
    fn located(&self, costs: &[Cost]) -> Vec<Cost> {
        let located = |cost: &Cost| Cost { limit: self.windows[cost.limit], ..*cost };
        costs.iter().map(located).collect()
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
        let costs = self.located(costs);
        loop {
            let now = self.clock.now();
            let taken = self.budgets.pools().try_take(now, self.shut, &costs, purpose, take);
            let Err(wait) = taken else {
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
        let pools = self.budgets.pools();
        let shut = pools.shut(self.shut, now)?;
        Some(Refusal {
            kind: RefusalKind::RateLimited { retry_after_ms: shut.until.since(now) },
            code: shut.code.clone(),
            message: "not sent: the venue takes no requests for now".to_owned(),
        })
    }

    /// The exchange takes nothing for so long.
    pub(crate) fn shut_for(&self, wait_ms: u64, code: &str) {
        let until = self.clock.now().plus_ms(wait_ms);
        if self.budgets.pools().shut_until(self.shut, until, code) {
            tracing::warn!(wait_ms, code, "venue takes no requests for a while");
        }
    }

    /// One limit is exhausted for so long.
    pub(crate) fn hold(&self, limit: usize, wait_ms: u64) {
        let until = self.clock.now().plus_ms(wait_ms);
        self.with(limit, |window| window.hold(until));
    }

    /// The exchange counts so many tokens as used; the higher count wins.
    pub(crate) fn observe(&self, limit: usize, used: u32) {
        let now = self.clock.now();
        self.with(limit, |window| window.observe(now, used));
    }

    /// The exchange states another size for a limit; zero is not believed.
    pub(crate) fn resize(&self, limit: usize, tokens: u32) {
        if tokens > 0 {
            self.with(limit, |window| window.resize(tokens));
        }
    }

    fn with(&self, limit: usize, change: impl FnOnce(&mut pools::Window)) {
        let mut pools = self.budgets.pools();
        if let Some(window) = self.windows.get(limit).and_then(|at| pools.window(*at)) {
            change(window);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use async_trait::async_trait;

    use equipoise_core::UnixMillis;

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
        let limits = [limit(tokens, length_ms)];
        let place = place(&Budgets::default(), "exchange", "key");
        (clock.clone(), Budget::new(clock, &place, &limits, Scope::Address("")))
    }

    fn limit(tokens: u32, length_ms: u64) -> Limit {
        Limit { name: "orders", length_ms, tokens, scope: Scope::Account("") }
    }

    fn place(budgets: &Budgets, site: &str, account: &str) -> Place {
        Place { budgets: budgets.clone(), site: site.to_owned(), account: account.to_owned() }
    }

    /// Budgets of several adapters with a limit of the account and one of the address each, ten tokens in both.
    fn joined(places: &[Place]) -> Vec<Budget> {
        let clock = Arc::new(Stepped(AtomicU64::new(1_000_000)));
        let address = Limit { scope: Scope::Address("all"), ..limit(10, 60_000) };
        let open = |place: &Place| {
            Budget::new(clock.clone(), place, &[limit(10, 60_000), address], address.scope)
        };
        places.iter().map(open).collect()
    }

    const REQUEST: Cost = Cost { limit: 1, tokens: 1 };

    #[tokio::test]
    async fn adapters_of_one_account_share_what_is_counted_together_and_its_reserve() {
        let budgets = Budgets::default();
        let both = joined(&[place(&budgets, "x", "key"), place(&budgets, "x", "key")]);
        for turn in 0..7 {
            both[turn % 2].take(&[ORDER], Purpose::Entry).await.unwrap();
        }
        for budget in &both {
            assert!(budget.take(&[ORDER], Purpose::Entry).await.is_err());
        }
        for turn in 0..3 {
            both[turn % 2].take(&[ORDER], Purpose::Unwind).await.unwrap();
        }
        assert!(both[0].take(&[ORDER], Purpose::Unwind).await.is_err());
        both[1].resize(0, 11);
        both[0].take(&[ORDER], Purpose::Unwind).await.unwrap();
        both[0].shut_for(1_000, "418");
        assert_eq!(both[1].shut(), both[0].shut());
    }

    #[tokio::test]
    async fn accounts_share_the_address_and_nothing_else_and_exchanges_share_nothing() {
        let budgets = Budgets::default();
        let [one, other, elsewhere] = &joined(&[
            place(&budgets, "x", "a"),
            place(&budgets, "x", "b"),
            place(&budgets, "y", "a"),
        ])[..] else {
            panic!("three places");
        };
        let alone = &joined(&[place(&Budgets::default(), "x", "a")])[0];
        for _ in 0..10 {
            one.take(&[ORDER, REQUEST], Purpose::Cancel).await.unwrap();
        }
        other.take(&[ORDER], Purpose::Cancel).await.unwrap();
        assert!(other.take(&[ORDER, REQUEST], Purpose::Cancel).await.is_err());
        for budget in [elsewhere, alone] {
            budget.take(&[ORDER, REQUEST], Purpose::Cancel).await.unwrap();
        }
        one.shut_for(1_000, "403");
        assert!(other.shut().is_some() && elsewhere.shut().is_none() && alone.shut().is_none());
    }

    #[test]
    fn budgets_do_not_show_whose_they_are() {
        let budgets = Budgets::default();
        let _ = joined(&[place(&budgets, "x", "the-key")]);
        assert_eq!(format!("{budgets:?}"), "Budgets { .. }");
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
