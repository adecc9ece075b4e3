//! One exchange's address and the transport to it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use equipoise_core::{AccountId, OrderRequest};
use equipoise_port::{PlaceError, QueryError, Transport, TransportError};
use http::{HeaderName, HeaderValue, Method, Request, Response, Uri};

use crate::account_id;
use crate::answer::BadAnswer;
use crate::credentials::Credentials;

/// How long a query or a cancel may take.
const QUERY_TIMEOUT: Duration = Duration::from_secs(3);
/// How long after its window an order's answer is still waited for. Later than that the exchange has refused the request
/// or answered it, so waiting on would only delay the first query.
const ORDER_ANSWER_EXTRA_MS: u64 = 500;
/// Longest wait an exchange may announce: Binance bans for at most three days.
/// Source: Binance USDⓈ-M General Info, IP Limits, read 2026-11-22.
const RETRY_AFTER_MS_MAX: u64 = 3 * 86_400_000;

/// Where requests go.
pub(crate) struct Wire {
    transport: Arc<dyn Transport>,
    base: String,
}

/// A request before it has an address.
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
}

/// Path only: queries hold signatures, and bodies may hold a secret that is exchanged for a token.
impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Wire {
    pub(crate) fn new(transport: Arc<dyn Transport>, base: String) -> Self {
        Self { transport, base }
    }

    /// Where orders go that are sent here with a key.
    pub(crate) fn account_id(&self, credentials: &Credentials) -> AccountId {
        account_id::of(&self.base, credentials.key())
    }

    /// Sends a query or a cancel.
    pub(crate) async fn ask(&self, call: Call<'_>) -> Result<Response<Bytes>, QueryError> {
        let path = call.path;
        let request = self.request(call).map_err(|bad| QueryError::Unavailable(bad.to_string()))?;
        let answer = self.transport.send(request, QUERY_TIMEOUT).await;
        trace(path, &answer);
        answer.map_err(|error| QueryError::Unavailable(error.to_string()))
    }

    /// Sends an order.
    pub(crate) async fn place(
        &self,
        call: Call<'_>,
        order: &OrderRequest,
    ) -> Result<Response<Bytes>, PlaceError> {
        let path = call.path;
        let request = self.request(call).map_err(|bad| PlaceError::NotSent(bad.to_string()))?;
        let timeout = Duration::from_millis(u64::from(order.window_ms) + ORDER_ANSWER_EXTRA_MS);
        let answer = self.transport.send(request, timeout).await;
        trace(path, &answer);
        answer.map_err(|error| match error {
            TransportError::NotSent(why) => PlaceError::NotSent(why),
            TransportError::NoAnswer(why) => PlaceError::Unknown(why),
        })
    }

    fn request(&self, call: Call<'_>) -> Result<Request<Bytes>, BadAnswer> {
        let mut address =
            String::with_capacity(self.base.len() + call.path.len() + call.query.len() + 1);
        address.push_str(&self.base);
        address.push_str(call.path);
        if !call.query.is_empty() {
            address.push('?');
            address.push_str(call.query);
        }
        let unusable = |_| BadAnswer::new("request cannot be put into HTTP");
        let uri: Uri = address.parse().map_err(|_| BadAnswer::new("address is not a URI"))?;
        let mut request = Request::new(call.body);
        *request.method_mut() = call.method;
        *request.uri_mut() = uri;
        for (name, value) in call.headers {
            request.headers_mut().try_insert(name, value).map_err(unusable)?;
        }
        Ok(request)
    }
}

/// Milliseconds of a `Retry-After` in seconds; dates are not used by these exchanges and not read.
pub(crate) fn retry_after_ms(response: &Response<Bytes>) -> Option<u64> {
    let seconds: u64 = header(response, "retry-after")?;
    Some(seconds.saturating_mul(1_000).min(RETRY_AFTER_MS_MAX))
}

/// A header that holds a plain number.
pub(crate) fn header<N: std::str::FromStr>(response: &Response<Bytes>, name: &str) -> Option<N> {
    response.headers().get(name)?.to_str().ok()?.trim().parse().ok()
}

/// A text as a header value that logs do not show.
pub(crate) fn sensitive(text: &str) -> Result<HeaderValue, BadAnswer> {
    let mut value =
        HeaderValue::from_str(text).map_err(|_| BadAnswer::new("text cannot be a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Path and outcome only: queries and headers hold signatures and keys.
fn trace(path: &str, answer: &Result<Response<Bytes>, TransportError>) {
    match answer {
        Ok(response) => tracing::trace!(path, status = response.status().as_u16(), "answered"),
        Err(error) => tracing::debug!(path, %error, "not answered"),
    }
}
