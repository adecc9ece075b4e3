//! The wire between an adapter and its exchange.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

/// Sends one HTTP request once. It never retries, redirects or reads proxy settings (R9).
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends the request with an absolute URI and returns the whole answer, of any status.
    /// Connecting, writing and reading together take at most `timeout`; the implementation bounds the body's size.
    ///
    /// # Errors
    /// [`TransportError::NotSent`] only when not one byte of the request can have left.
    async fn send(
        &self,
        request: Request<Bytes>,
        timeout: Duration,
    ) -> Result<Response<Bytes>, TransportError>;
}

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// Not one byte left: the connection was never made.
    #[error("not sent: {0}")]
    NotSent(String),
    /// Bytes may have left and no whole answer came; the request may have taken effect.
    #[error("no answer: {0}")]
    NoAnswer(String),
}
