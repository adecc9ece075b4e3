//! What a venue last said about the account: position mode and permission, trusted for a bounded time.
//!
//! Only where the position is read anew for every plan does an earlier word count: that reading is signed, so it proves
//! the credentials once more. A refused order or refused credentials end the trust at once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use equipoise_core::{Symbol, UnixMillis};
use equipoise_port::Account;

/// Age beyond which the account is asked about again. A mode or permission changed meanwhile is noticed by then, and
/// earlier by the first order the venue refuses.
const AGE_MS_MAX: u64 = 60_000;
/// Instruments remembered; beyond them the oldest words are as good as none.
const SYMBOLS_MAX: usize = 1_024;

/// The standing of one account.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    known: Mutex<HashMap<Symbol, (Account, UnixMillis)>>,
}

impl Standing {
    /// What holds for all these instruments, if it was said recently and alike of each.
    pub(crate) fn recent(&self, symbols: &[Symbol], now: UnixMillis) -> Option<Account> {
        let known = self.known();
        let mut said = symbols.iter().map(|symbol| {
            let (account, at) = known.get(symbol)?;
            (now.since(*at) < AGE_MS_MAX).then_some(account)
        });
        let first = said.next()??;
        said.all(|other| other == Some(first)).then(|| first.clone())
    }

    /// Takes in what was said at a time.
    pub(crate) fn note(&self, symbols: &[Symbol], account: &Account, at: UnixMillis) {
        let mut known = self.known();
        if known.len() + symbols.len() > SYMBOLS_MAX {
            known.clear();
        }
        known.extend(symbols.iter().map(|symbol| (symbol.clone(), (account.clone(), at))));
    }

    /// Trusts nothing that was said before.
    pub(crate) fn forget(&self) {
        self.known().clear();
    }

    /// A poisoned map is still whole: each change is one call.
    fn known(&self) -> MutexGuard<'_, HashMap<Symbol, (Account, UnixMillis)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
