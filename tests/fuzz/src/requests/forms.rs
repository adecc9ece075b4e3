//! Requests in each venue's own form: where fields stand, and how they are signed.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use equipoise_sim::Credentials;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Method, Request, Uri};
use rust_decimal::Decimal;
use sha2::Sha256;

use super::faces::Form;
use super::tokens;
use crate::source::Source;

/// What a request is to say, before it has a form.
pub(super) struct Draft {
    pub(super) credentials: Credentials,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) fields: Vec<(String, String)>,
    /// The time it is signed with, milliseconds UTC.
    pub(super) stamp: u64,
}

impl Draft {
    pub(super) fn request(
        &self,
        form: Form,
        source: &mut Source<'_>,
    ) -> Result<Request<Bytes>, http::Error> {
        match form {
            Form::Binance => self.binance(source),
            Form::Bybit => self.bybit(source),
            Form::Okx => self.okx(source),
            Form::Deribit => self.deribit(source),
            Form::Coinbase => self.coinbase(source),
        }
    }

    fn binance(&self, source: &mut Source<'_>) -> Result<Request<Bytes>, http::Error> {
        let mut query: String = joined(&self.fields);
        let _ = write!(query, "&recvWindow=5000&timestamp={}", self.stamp);
        let signature = hex::encode(self.sign(&[&query], source));
        let _ = write!(query, "&signature={signature}");
        let in_body = self.method == Method::POST && source.odds(64);
        let (query, body) = if in_body { (String::new(), query) } else { (query, String::new()) };
        self.begun(&query)?.header("x-mbx-apikey", &self.credentials.key).body(Bytes::from(body))
    }

    fn bybit(&self, source: &mut Source<'_>) -> Result<Request<Bytes>, http::Error> {
        let (query, body) = self.parts(source);
        let (stamp, key) = (self.stamp.to_string(), &self.credentials.key);
        let signature = hex::encode(self.sign(&[&stamp, key, "5000", &query, &body], source));
        self.begun(&query)?
            .header("x-bapi-api-key", key)
            .header("x-bapi-timestamp", stamp)
            .header("x-bapi-recv-window", "5000")
            .header("x-bapi-sign", signature)
            .body(Bytes::from(body))
    }

    fn okx(&self, source: &mut Source<'_>) -> Result<Request<Bytes>, http::Error> {
        let (query, body) = self.parts(source);
        let at = tokens::rfc3339(self.stamp);
        let target = format!("{}?{query}", self.path);
        let signed = [at.as_str(), self.method.as_str(), &target, &body];
        let signature = STANDARD.encode(self.sign(&signed, source));
        self.begun(&query)?
            .header("OK-ACCESS-KEY", &self.credentials.key)
            .header("OK-ACCESS-PASSPHRASE", self.credentials.passphrase.as_deref().unwrap_or(""))
            .header("OK-ACCESS-TIMESTAMP", at)
            .header("OK-ACCESS-SIGN", signature)
            .body(Bytes::from(body))
    }

    /// A call of a method, which the address names as well; key and secret stand in a header.
    fn deribit(&self, source: &mut Source<'_>) -> Result<Request<Bytes>, http::Error> {
        let method = self.path.strip_prefix("/api/v2/").unwrap_or(&self.path);
        let params = object(&self.fields, source);
        let body =
            format!("{{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"{method}\",\"params\":{params}}}");
        let secret = if source.odds(10) { "another" } else { &self.credentials.secret };
        let pair = STANDARD.encode(format!("{}:{secret}", self.credentials.key));
        let (query, body) = match self.method {
            Method::GET => (joined(&self.fields), String::new()),
            _ => (String::new(), body),
        };
        self.begun(&query)?.header("Authorization", format!("Basic {pair}")).body(Bytes::from(body))
    }

    /// Sizes and prices stand in the configuration that `configuration` names.
    fn coinbase(&self, source: &mut Source<'_>) -> Result<Request<Bytes>, http::Error> {
        let inner = ["base_size", "quote_size", "limit_price", "post_only"];
        let (terms, mut fields): (Vec<_>, Vec<_>) =
            self.fields.iter().cloned().partition(|(name, _)| inner.contains(&name.as_str()));
        let named = fields.iter().position(|(name, _)| name == "configuration");
        let configuration = named.map(|index| fields.remove(index).1);
        let (query, body) = if self.method == Method::GET {
            (joined(&fields), String::new())
        } else {
            let (mut body, terms) = (object(&fields, source), object(&terms, source));
            if let Some(name) = configuration {
                body.pop();
                let _ = write!(body, ",\"order_configuration\":{{\"{name}\":{terms}}}}}");
            }
            (String::new(), body)
        };
        let seed = if source.odds(10) { 1 } else { 0 };
        let token = tokens::coinbase(seed, self.stamp, self.method.as_str(), &self.path);
        self.begun(&query)?
            .header("Authorization", format!("Bearer {token}"))
            .body(Bytes::from(body))
    }

    /// Query of a question, or JSON of an instruction.
    fn parts(&self, source: &mut Source<'_>) -> (String, String) {
        if self.method == Method::GET {
            (joined(&self.fields), String::new())
        } else if source.odds(16) {
            (String::new(), plain(source.take(24)))
        } else {
            (String::new(), object(&self.fields, source))
        }
    }

    fn begun(&self, query: &str) -> Result<http::request::Builder, http::Error> {
        let uri = format!("http://exchange.test{}?{query}", self.path).parse::<Uri>()?;
        Ok(Request::builder().method(&self.method).uri(uri))
    }

    /// The right signature, now and then another.
    fn sign(&self, parts: &[&str], source: &mut Source<'_>) -> Vec<u8> {
        if source.odds(10) {
            return source.take(16).to_vec();
        }
        let secret = self.credentials.secret.as_bytes();
        let mut signer =
            Hmac::<Sha256>::new_from_slice(secret).expect("a key of any length will do");
        parts.iter().for_each(|part| signer.update(part.as_bytes()));
        signer.finalize().into_bytes().to_vec()
    }
}

fn joined(fields: &[(String, String)]) -> String {
    let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// A JSON object, its values as text or as they are.
fn object(fields: &[(String, String)], source: &mut Source<'_>) -> String {
    let one = |(name, value): &(String, String)| {
        let bare = value.parse::<Decimal>().is_ok() && source.odds(64);
        if bare || source.odds(16) {
            format!("\"{name}\":{value}")
        } else {
            format!("\"{name}\":\"{value}\"")
        }
    };
    let fields: Vec<String> = fields.iter().map(one).collect();
    format!("{{{}}}", fields.join(","))
}

/// Bytes as characters that a request line may hold.
pub(super) fn plain(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(b'!' + byte % 94)).collect()
}
