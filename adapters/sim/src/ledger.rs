//! The exchange's own account of what it accepted, in memory and in a file.
//!
//! One JSON document holds the ledgers of several exchanges, keyed by adapter name.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Arc, Mutex, PoisonError};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::decimal_text;
use crate::exchange::account::{MarginMode, PositionSide};
use crate::exchange::orders::Order;

/// Everything an exchange must know to carry on: orders with their trades, positions and balances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Settled funds by asset, what open orders hold included.
    #[serde(with = "decimal_text::map")]
    pub balances: BTreeMap<String, Decimal>,
    /// Whether long and short positions are kept apart.
    pub hedge_mode: bool,
    /// Leverage set per symbol, where it is not the default.
    #[serde(default)]
    pub leverage: BTreeMap<String, u32>,
    /// What the margin of positions is drawn from.
    #[serde(default)]
    pub margin_mode: MarginMode,
    /// The same per symbol, where that was set.
    #[serde(default)]
    pub margin_modes: BTreeMap<String, MarginMode>,
    /// Positions that are or were held.
    pub positions: Vec<LedgerPosition>,
    /// Every accepted order, oldest first.
    pub orders: Vec<Order>,
}

/// A position as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerPosition {
    /// Instrument.
    pub symbol: String,
    /// Which of its positions.
    pub position_side: PositionSide,
    /// In the instrument's unit, negative when short.
    #[serde(with = "decimal_text")]
    pub quantity: Decimal,
    /// What it cost in the settlement asset, negative when it brought in: a short linear or a long inverse contract.
    #[serde(with = "decimal_text")]
    pub cost: Decimal,
    /// Profit realised so far, before fees.
    #[serde(with = "decimal_text")]
    pub realised: Decimal,
    /// Milliseconds UTC of the last change.
    pub updated_ms: u64,
}

/// Why a ledger file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file system refused.
    #[error("ledger {path:?} not accessible")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("ledger {path:?} not readable")]
    Format {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
}

impl Ledger {
    /// The ledgers in a file by adapter name; none when the file is missing or empty.
    ///
    /// # Errors
    /// The file cannot be read or holds something else.
    pub fn read(path: &Path) -> Result<BTreeMap<String, Self>, LedgerError> {
        let parse = |value| serde_json::from_value(value);
        read_document(path)?
            .into_iter()
            .map(|(adapter, value)| {
                Ok((adapter, parse(value).map_err(|error| format_error(path, error))?))
            })
            .collect()
    }
}

/// A ledger file that several exchanges of one process write through.
///
/// Cloning gives another handle to the same file.
#[derive(Clone, Debug)]
pub struct LedgerFile {
    path: PathBuf,
    document: Arc<Mutex<BTreeMap<String, Value>>>,
}

impl LedgerFile {
    /// Opens a file, which need not exist yet, and writes as much beside it: what cannot be written is found before an
    /// order depends on it. The file itself stays as it is, since another process may be writing to it.
    ///
    /// # Errors
    /// It exists and cannot be read as a ledger document, or it cannot be written.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let document = read_document(path)?;
        try_writing(path, &document)?;
        Ok(Self { path: path.to_owned(), document: Arc::new(Mutex::new(document)) })
    }

    /// The ledger kept for an adapter, if there is one.
    ///
    /// # Errors
    /// What is kept under that name is not a ledger.
    pub fn get(&self, adapter: &str) -> Result<Option<Ledger>, LedgerError> {
        let document = self.document.lock().unwrap_or_else(PoisonError::into_inner);
        let parsed = document.get(adapter).cloned().map(serde_json::from_value).transpose();
        parsed.map_err(|error| format_error(&self.path, error))
    }

    /// Replaces the ledger of an adapter and the file as a whole: readers see the old or the new document.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put(&self, adapter: &str, ledger: &Ledger) -> Result<(), LedgerError> {
        let value =
            serde_json::to_value(ledger).map_err(|error| format_error(&self.path, error))?;
        // Held while writing, so that two exchanges cannot overwrite each other's entries.
        let mut document = self.document.lock().unwrap_or_else(PoisonError::into_inner);
        document.insert(adapter.to_owned(), value);
        write_document(&self.path, &document)
    }
}

/// Replaces the file as a whole.
fn write_document(path: &Path, document: &BTreeMap<String, Value>) -> Result<(), LedgerError> {
    write_beside(path, ".part", document, |beside| fs::rename(beside, path))
}

/// Writes as much as a replacement would, and takes it away again. Under a name of this process: the name that
/// replacements are written under may be in use by another one.
fn try_writing(path: &Path, document: &BTreeMap<String, Value>) -> Result<(), LedgerError> {
    let suffix = format!(".{}.part", process::id());
    write_beside(path, &suffix, document, |beside| fs::remove_file(beside))
}

fn write_beside(
    path: &Path,
    suffix: &str,
    document: &BTreeMap<String, Value>,
    then: impl FnOnce(&Path) -> io::Result<()>,
) -> Result<(), LedgerError> {
    let bytes = serde_json::to_vec(document).map_err(|error| format_error(path, error))?;
    let mut beside = path.to_owned().into_os_string();
    beside.push(suffix);
    let beside = PathBuf::from(beside);
    let written = fs::write(&beside, bytes).and_then(|()| then(&beside));
    written.map_err(|source| {
        let _ = fs::remove_file(&beside);
        LedgerError::Io { path: path.to_owned(), source }
    })
}

fn read_document(path: &Path) -> Result<BTreeMap<String, Value>, LedgerError> {
    match fs::read(path) {
        Ok(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => Ok(BTreeMap::new()),
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| format_error(path, error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(source) => Err(LedgerError::Io { path: path.to_owned(), source }),
    }
}

fn format_error(path: &Path, source: serde_json::Error) -> LedgerError {
    LedgerError::Format { path: path.to_owned(), source }
}
