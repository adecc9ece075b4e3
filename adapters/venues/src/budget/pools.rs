//! The windows themselves, kept where every adapter that draws from one finds it.
//!
//! All of them stand behind one lock, so that a request takes its tokens of several windows at once or none.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use equipoise_core::UnixMillis;
use equipoise_port::Purpose;

use super::{Cost, Limit, Scope};

/// What was sent to the exchanges so far, for all venues that are opened with it.
///
/// Exchanges count requests by address and by account, over several of their products: venues of one process should
/// therefore be opened with one `Budgets`, by [`crate::SettingsBuilder::budgets`]. Clones are the same budgets. What is
/// kept back for unwinds and cancels is a share of what the venues have together.
#[derive(Clone, Default)]
pub struct Budgets(Arc<Mutex<Pools>>);

/// Shows nothing: it is keyed by API keys.
impl fmt::Debug for Budgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budgets").finish_non_exhaustive()
    }
}

impl Budgets {
    /// Poisoning is no reason to stop: every change is whole when the lock is given up.
    pub(super) fn pools(&self) -> MutexGuard<'_, Pools> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One venue's place among the budgets.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) budgets: Budgets,
    /// The exchange and its network, or the host that stands for it.
    pub(crate) site: String,
    /// The API key: two keys of one account are not known to be that.
    pub(crate) account: String,
}

impl Place {
    fn key(&self, scope: Scope, name: &'static str) -> Key {
        let (account, of) = match scope {
            Scope::Address(of) => ("", of),
            Scope::Account(of) => (self.account.as_str(), of),
        };
        Key { site: self.site.clone(), account: account.to_owned(), of, name }
    }
}

/// Which pool: whose, of which products, and which of their limits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    site: String,
    account: String,
    of: &'static str,
    name: &'static str,
}

/// Nothing is sent before `until`.
#[derive(Clone)]
pub(super) struct Shut {
    pub(super) until: UnixMillis,
    pub(super) code: String,
}

/// When it is worth trying again, and what is in the way.
pub(super) struct Wait {
    pub(super) until: UnixMillis,
    pub(super) why: String,
}

#[derive(Default)]
pub(super) struct Pools {
    found: BTreeMap<Key, usize>,
    windows: Vec<Window>,
    shuts: Vec<Option<Shut>>,
}

impl Pools {
    /// The window of a limit, made where nobody has drawn from it yet.
    pub(super) fn window_at(&mut self, place: &Place, limit: &Limit) -> usize {
        let next = self.windows.len();
        let at = *self.found.entry(place.key(limit.scope, limit.name)).or_insert(next);
        if at == next {
            self.windows.push(Window::new(*limit));
        }
        at
    }

    /// Where bans of that scope are noted.
    pub(super) fn shut_at(&mut self, place: &Place, scope: Scope) -> usize {
        let next = self.shuts.len();
        // No limit has this name.
        let at = *self.found.entry(place.key(scope, "")).or_insert(next);
        if at == next {
            self.shuts.push(None);
        }
        at
    }

    pub(super) fn window(&mut self, at: usize) -> Option<&mut Window> {
        self.windows.get_mut(at)
    }

    /// The ban that is in force.
    pub(super) fn shut(&self, at: usize, now: UnixMillis) -> Option<&Shut> {
        self.shuts.get(at)?.as_ref().filter(|shut| shut.until > now)
    }

    /// Notes a ban unless a longer one is noted; true if it did.
    pub(super) fn shut_until(&mut self, at: usize, until: UnixMillis, code: &str) -> bool {
        let Some(noted) = self.shuts.get_mut(at) else {
            return false;
        };
        let longer = noted.as_ref().is_none_or(|noted| noted.until < until);
        if longer {
            *noted = Some(Shut { until, code: code.to_owned() });
        }
        longer
    }

    /// Takes all tokens or none; costs name windows.
    pub(super) fn try_take(
        &mut self,
        now: UnixMillis,
        shut: usize,
        costs: &[Cost],
        purpose: Purpose,
        take: bool,
    ) -> Result<(), Wait> {
        if let Some(shut) = self.shut(shut, now) {
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

/// One sliding window.
pub(super) struct Window {
    limit: Limit,
    spent: VecDeque<(UnixMillis, u32)>,
    sum: u32,
    held_until: UnixMillis,
}

impl Window {
    fn new(limit: Limit) -> Self {
        Self { limit, spent: VecDeque::new(), sum: 0, held_until: UnixMillis(0) }
    }

    /// Used up until then at least.
    pub(super) fn hold(&mut self, until: UnixMillis) {
        self.held_until = self.held_until.max(until);
    }

    /// The exchange counts so many tokens as used; the higher count wins.
    pub(super) fn observe(&mut self, now: UnixMillis, used: u32) {
        self.forget(now);
        let unseen = used.saturating_sub(self.sum);
        self.spend(now, unseen);
    }

    pub(super) fn resize(&mut self, tokens: u32) {
        self.limit.tokens = tokens;
    }

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
