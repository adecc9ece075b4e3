//! Requests over the network with reqwest.
//!
//! One request goes out at most once: no retries, no redirects, no proxy settings from the environment (R9).
//! Certificate authorities are compiled in, so the same binary trusts the same ones everywhere.
//! (When a kept connection turns out closed before the request was begun, the client underneath opens another one;
//! it does so only while it still holds the whole request unwritten.)

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use equipoise_port::{Transport, TransportError};
use http::{Request, Response};
use rustls::{ClientConfig, RootCertStore};

/// Largest answer that is read; the instrument list of a whole exchange is about a quarter of it.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long making a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(1_500);
/// How long an unused connection is kept; the exchanges close theirs later than this.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// The network. Cheap to clone; clones share connections. Works on any tokio runtime, current-thread ones included.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    client: reqwest::Client,
}

/// Why there is no transport.
#[derive(Debug, thiserror::Error)]
#[error("HTTP client cannot be set up: {0}")]
pub struct TransportSetupError(String);

impl HttpTransport {
    /// A transport without connections; they are made when needed.
    ///
    /// # Errors
    /// When TLS or the client cannot be set up.
    pub fn new() -> Result<Self, TransportSetupError> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls()?)
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .tcp_nodelay(true)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .user_agent(concat!("equipoise/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| TransportSetupError(reason(&error)))?;
        Ok(Self { client })
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(
        &self,
        request: Request<Bytes>,
        timeout: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        let mut request = reqwest::Request::try_from(request)
            .map_err(|error| TransportError::NotSent(reason(&error.without_url())))?;
        *request.timeout_mut() = Some(timeout);
        let answer = self.client.execute(request).await;
        let mut answer = answer.map_err(|error| failure(error, &host))?;
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = answer.status();
        std::mem::swap(response.headers_mut(), answer.headers_mut());
        *response.body_mut() = body(answer, &host).await?;
        Ok(response)
    }
}

/// Reads the body piece by piece and gives up at the bound, so that a huge one is never held.
async fn body(mut answer: reqwest::Response, host: &str) -> Result<Bytes, TransportError> {
    let mut whole = BytesMut::new();
    while let Some(piece) = answer.chunk().await.map_err(|error| failure(error, host))? {
        if whole.len() + piece.len() > BODY_BYTES_MAX {
            return Err(TransportError::NoAnswer(format!(
                "answer is larger than {BODY_BYTES_MAX} bytes"
            )));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// Only a connection that was never made proves that nothing left.
fn failure(error: reqwest::Error, host: &str) -> TransportError {
    // Of the address only the host is told: the rest holds the signature.
    let error = error.without_url();
    let reason = format!("{host}: {}", reason(&error));
    if error.is_connect() || error.is_builder() {
        TransportError::NotSent(reason)
    } else {
        TransportError::NoAnswer(reason)
    }
}

/// The error with its causes on one line.
fn reason(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.ends_with(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

fn tls() -> Result<ClientConfig, TransportSetupError> {
    let roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TransportSetupError(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
