//! The one API key a simulated exchange knows.

use std::fmt;

use serde::Deserialize;

/// API key and secret of the one account of a simulated exchange.
///
/// `Debug` shows neither.
#[derive(Clone, Deserialize, PartialEq, Eq)]
pub struct Credentials {
    /// Sent with every signed request.
    pub key: String,
    /// Signs requests and is never sent.
    pub secret: String,
}

impl Credentials {
    /// The documented key of an exchange that was given none: `demo-key-<adapter>` and
    /// `demo-secret-not-confidential-<adapter>`.
    #[must_use]
    pub fn demo(adapter: &str) -> Self {
        Self {
            key: format!("demo-key-{adapter}"),
            secret: format!("demo-secret-not-confidential-{adapter}"),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}
