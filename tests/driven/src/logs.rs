//! Everything the engine and the adapters log, searched for secrets.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::Level;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use crate::secrets;

/// Longest log that is kept for showing, bytes; later text is searched and dropped.
const KEPT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What was logged on this thread since [`capture`].
#[derive(Clone, Default)]
pub(crate) struct Logs {
    leaked: Arc<AtomicBool>,
    kept: Option<Arc<Mutex<Vec<u8>>>>,
}

/// Captures the logs of this thread until the guard is dropped; keeps their text only if asked to.
pub(crate) fn capture(keep: bool) -> (Logs, DefaultGuard) {
    secrets::forget_tokens();
    let logs = Logs { leaked: Arc::default(), kept: keep.then(Arc::default) };
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_ansi(false)
        .without_time()
        .with_writer(logs.clone())
        .finish();
    (logs, tracing::subscriber::set_default(subscriber))
}

impl Logs {
    /// Whether a secret was logged.
    pub(crate) fn leaked(&self) -> bool {
        self.leaked.load(Ordering::SeqCst)
    }

    /// The text, if it was kept.
    pub(crate) fn text(&self) -> String {
        let kept = self.kept.as_ref().map(|kept| {
            let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            String::from_utf8_lossy(&kept).into_owned()
        });
        kept.unwrap_or_default()
    }
}

impl Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // One event is one write.
        if secrets::shows(&String::from_utf8_lossy(bytes)) {
            self.leaked.store(true, Ordering::SeqCst);
        }
        if let Some(kept) = &self.kept {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() < KEPT_BYTES_MAX {
                kept.extend_from_slice(bytes);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Logs {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
