//! The form of Binance's errors and those that all products share.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use serde_json::{Value, json};

use super::gateway::json_response;

/// An error answer.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) status: u16,
    pub(super) code: i64,
    pub(super) message: String,
    pub(super) retry_after_s: Option<u64>,
}

impl Failure {
    pub(super) fn refused(code: i64, message: impl Into<String>) -> Self {
        Self { status: 400, code, message: message.into(), retry_after_s: None }
    }

    pub(super) fn unauthorised(code: i64, message: &str) -> Self {
        Self { status: 401, ..Self::refused(code, message) }
    }

    pub(super) fn missing(name: &str) -> Self {
        let text =
            format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed.");
        Self::refused(-1102, text)
    }

    pub(super) fn illegal(name: &str, legal: &str) -> Self {
        Self::refused(
            -1100,
            format!("Illegal characters found in parameter '{name}'; legal range is '{legal}'."),
        )
    }

    pub(super) fn unneeded(name: &str) -> Self {
        Self::refused(-1106, format!("Parameter '{name}' sent when not required."))
    }

    pub(super) fn invalid(name: &str) -> Self {
        Self::refused(-1130, format!("Data sent for parameter '{name}' is not valid."))
    }

    pub(super) fn unknown_path(request: &Request<Bytes>) -> Self {
        let text = format!("Path {}, Method {} is invalid", request.uri().path(), request.method());
        Self { status: 404, ..Self::refused(-5000, text) }
    }

    pub(super) fn too_many_requests(most: u32, retry_after_s: u64) -> Self {
        let text = format!(
            "Too many requests; current limit of IP is {most} requests per minute. \
             Please use the websocket for live updates to avoid polling the API."
        );
        Self { status: 429, retry_after_s: Some(retry_after_s), ..Self::refused(-1003, text) }
    }

    pub(super) fn too_many_orders(limit: u32, interval: &str) -> Self {
        let text = format!("Too many new orders; current limit is {limit} orders per {interval}.");
        Self { status: 429, ..Self::refused(-1015, text) }
    }

    pub(super) fn value(&self) -> Value {
        json!({ "code": self.code, "msg": self.message })
    }

    pub(super) fn response(&self) -> Response<Bytes> {
        let mut response = json_response(&self.value());
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
