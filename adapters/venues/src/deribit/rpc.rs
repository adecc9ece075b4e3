//! Requests in the exchange's JSON-RPC form.
//!
//! All methods are called with POST: some stacks repeat a GET by themselves, and a secret must never be part of an
//! address. A token stands in a header, which logs do not show.
//!
//! Source: Deribit JSON-RPC Overview; API Authentication Guide, read 2026-11-22.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method as Verb};
use serde::Serialize;

use super::product::Method;
use super::session::Token;
use crate::answer::BadAnswer;
use crate::wire::{Call, sensitive};

#[derive(Serialize)]
struct Request<'a, P> {
    jsonrpc: &'static str,
    /// Over HTTP an answer belongs to its request anyway, so every request has the same number.
    id: u8,
    method: &'a str,
    params: &'a P,
}

/// A call of a method, with a token where the method is private.
pub(crate) fn call<P: Serialize>(
    method: Method,
    params: &P,
    token: Option<&Token>,
) -> Result<Call<'static>, BadAnswer> {
    let request = Request { jsonrpc: "2.0", id: 1, method: method.name(), params };
    let body = serde_json::to_vec(&request)
        .map_err(|_| BadAnswer::new("request cannot be put into JSON"))?;
    let mut headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    if let Some(token) = token {
        headers.push((AUTHORIZATION, sensitive(&format!("Bearer {}", token.access()))?));
    }
    Ok(Call { method: Verb::POST, path: method.path, query: "", headers, body: Bytes::from(body) })
}

/// Parameters of a method that has none.
#[derive(Serialize)]
pub(crate) struct Nothing {}
