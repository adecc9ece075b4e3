//! JSON with exact numbers: this venue writes amounts and prices as numbers, which must not pass through floats.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::failure::Failure;
use crate::params::Params;

/// A JSON object under construction.
#[derive(Clone, Debug, Default)]
pub(super) struct Object(String);

impl Object {
    pub(super) fn raw(mut self, name: &str, json: &str) -> Self {
        let comma = if self.0.is_empty() { "" } else { "," };
        let _ = write!(self.0, "{comma}{}:{json}", quoted(name));
        self
    }

    pub(super) fn text(self, name: &str, value: &str) -> Self {
        self.raw(name, &quoted(value))
    }

    pub(super) fn number(self, name: &str, value: Decimal) -> Self {
        self.raw(name, &plain(value))
    }

    pub(super) fn count(self, name: &str, value: u64) -> Self {
        self.raw(name, &value.to_string())
    }

    pub(super) fn flag(self, name: &str, value: bool) -> Self {
        self.raw(name, if value { "true" } else { "false" })
    }

    /// Adds nothing when there is nothing.
    pub(super) fn text_if(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// So many numbers that are all zero.
    pub(super) fn zeros(self, names: &[&str]) -> Self {
        names.iter().fold(self, |object, name| object.count(name, 0))
    }

    pub(super) fn build(self) -> String {
        format!("{{{}}}", self.0)
    }
}

pub(super) fn array(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().collect();
    format!("[{}]", items.join(","))
}

pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Without trailing zeros or exponent.
pub(super) fn plain(value: Decimal) -> String {
    value.normalize().to_string()
}

/// A request as far as it could be read.
#[derive(Debug, Default)]
pub(super) struct Rpc {
    /// With its `public/` or `private/`.
    pub(super) method: String,
    pub(super) params: Params,
    /// As it was sent; none over GET.
    pub(super) id: Option<String>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: Option<String>,
    #[serde(borrow, default)]
    params: BTreeMap<String, &'a RawValue>,
}

impl Rpc {
    /// Reads a GET with a query, or a POST of a JSON-RPC body whose method may also stand in the path.
    pub(super) fn read(request: &Request<Bytes>) -> Result<Self, Failure> {
        let path = request.uri().path().strip_prefix("/api/v2").unwrap_or_default();
        let mut rpc = Self { method: path.trim_matches('/').to_owned(), ..Self::default() };
        rpc.params.extend(request.uri().query().unwrap_or_default());
        if request.body().is_empty() {
            return Ok(rpc);
        }
        let body: Body<'_> =
            serde_json::from_slice(request.body()).map_err(|_| Failure::unparsable())?;
        rpc.id = body.id.map(|id| id.get().to_owned());
        if let Some(method) = body.method {
            if !rpc.method.is_empty() && rpc.method != method {
                return Err(Failure::invalid("method"));
            }
            rpc.method = method;
        }
        for (name, value) in body.params {
            if let Some(text) = text_of(value) {
                rpc.params.insert(&name, text);
            }
        }
        Ok(rpc)
    }
}

/// A string's content, the text of anything else, nothing for null.
fn text_of(value: &RawValue) -> Option<String> {
    let json = value.get();
    match json.as_bytes().first()? {
        b'"' => serde_json::from_str(json).ok(),
        b'n' => None,
        _ => Some(json.to_owned()),
    }
}

/// An amount or price: plain or, in JSON, with an exponent.
pub(super) fn decimal(text: &str) -> Option<Decimal> {
    let text = text.strip_prefix('-').map_or(text, |_| "");
    text.parse().ok().or_else(|| Decimal::from_scientific(text).ok())
}

/// The envelope around a result.
pub(super) fn success(now_ms: u64, id: Option<&str>, result: &str) -> Response<Bytes> {
    respond(StatusCode::OK, &envelope(now_ms, id).raw("result", result).build())
}

/// The envelope around an error, which comes with HTTP 400.
pub(super) fn refusal(now_ms: u64, id: Option<&str>, failure: &Failure) -> Response<Bytes> {
    let mut error =
        Object::default().text("message", &failure.message).raw("code", &failure.code.to_string());
    if let Some((reason, param)) = &failure.data {
        let data = Object::default().text("reason", reason).text_if("param", param.as_deref());
        error = error.raw("data", &data.build());
    }
    let body = envelope(now_ms, id).raw("error", &error.build()).build();
    respond(failure.status, &body)
}

fn envelope(now_ms: u64, id: Option<&str>) -> Object {
    let object = Object::default().text("jsonrpc", "2.0");
    let object = match id {
        Some(id) => object.raw("id", id),
        None => object,
    };
    let us = now_ms * 1000;
    object.flag("testnet", false).count("usIn", us).count("usOut", us + 100).count("usDiff", 100)
}

fn respond(status: StatusCode, body: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::copy_from_slice(body.as_bytes()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use bytes::Bytes;
    use http::Request;
    use rust_decimal::Decimal;

    use super::{Object, Rpc, array, decimal};

    #[test]
    fn numbers_keep_every_digit_and_texts_are_escaped() {
        let exact: Decimal = "12345678901234567.123456789".parse().unwrap();
        let inner = array(["1".to_owned(), "2".to_owned()]);
        let object = Object::default()
            .text("label", "a\"b")
            .number("price", exact)
            .flag("api", true)
            .raw("list", &inner)
            .build();
        assert_eq!(
            object,
            r#"{"label":"a\"b","price":12345678901234567.123456789,"api":true,"list":[1,2]}"#
        );
    }

    #[test]
    fn a_body_and_a_query_say_the_same() {
        let body = r#"{"jsonrpc":"2.0","id":7,"method":"private/buy","params":{"amount":10,"price":64000.5,"label":"x\"y","post_only":false,"mmp":null}}"#;
        let post = Request::post("/api/v2/private/buy").body(Bytes::from(body)).unwrap();
        let get =
            Request::get("/api/v2/private/buy?amount=10&price=64000.5&label=x%22y&post_only=false");
        for request in [post, get.body(Bytes::new()).unwrap()] {
            let rpc = Rpc::read(&request).unwrap();
            assert_eq!(rpc.method, "private/buy");
            let seen =
                ["amount", "price", "label", "post_only", "mmp"].map(|name| rpc.params.get(name));
            assert_eq!(seen, [Some("10"), Some("64000.5"), Some("x\"y"), Some("false"), None]);
        }
    }

    #[test]
    fn amounts_may_have_an_exponent_but_no_sign() {
        assert_eq!(decimal("1e-3"), Some(Decimal::new(1, 3)));
        assert_eq!(decimal("0.5"), Some(Decimal::new(5, 1)));
        assert_eq!(decimal("-1"), None);
        assert_eq!(decimal("ten"), None);
    }
}
