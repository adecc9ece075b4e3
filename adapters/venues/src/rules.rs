//! Instrument rules, remembered for a while so that pricing a plan does not download them again and again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use equipoise_core::{Instrument, Symbol, UnixMillis};
use equipoise_port::Clock;

/// How long rules are believed.
const RULES_MS_MAX: u64 = 600_000;
/// How many instruments are remembered; the oldest goes first.
const RULES_COUNT_MAX: usize = 256;

/// Remembered rules of one venue.
pub(crate) struct RulesCache {
    clock: Arc<dyn Clock>,
    entries: Mutex<BTreeMap<Symbol, (UnixMillis, Instrument)>>,
}

impl RulesCache {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, entries: Mutex::default() }
    }

    /// Rules read less than ten minutes ago.
    pub(crate) fn fresh(&self, symbol: &Symbol) -> Option<Instrument> {
        let now = self.clock.now();
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, instrument) = entries.get(symbol)?;
        (now.since(*read_at) < RULES_MS_MAX).then(|| instrument.clone())
    }

    /// Remembers rules just read.
    pub(crate) fn keep(&self, instrument: &Instrument) {
        let now = self.clock.now();
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= RULES_COUNT_MAX && !entries.contains_key(&instrument.symbol) {
            let oldest = entries
                .iter()
                .min_by_key(|(_, (read_at, _))| *read_at)
                .map(|(symbol, _)| symbol.clone());
            if let Some(oldest) = oldest {
                entries.remove(&oldest);
            }
        }
        entries.insert(instrument.symbol.clone(), (now, instrument.clone()));
    }
}
