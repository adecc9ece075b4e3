//! Query strings, percent-encoded once and never touched again: what is signed is what is sent.

use std::fmt::{Display, Write as _};

/// A query string under construction.
#[derive(Debug, Clone, Default)]
pub(crate) struct QueryString(String);

impl QueryString {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self(String::with_capacity(256))
    }

    /// Adds a parameter.
    pub(crate) fn with(mut self, key: &str, value: impl Display) -> Self {
        self.push(key, &value.to_string(), false);
        self
    }

    /// Adds a parameter if there is a value.
    pub(crate) fn with_some(self, key: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Adds a parameter whose value the exchange handed out already percent-encoded.
    pub(crate) fn with_encoded(mut self, key: &str, value: &str) -> Self {
        self.push(key, value, true);
        self
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    fn push(&mut self, key: &str, value: &str, encoded: bool) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(key);
        self.0.push('=');
        for byte in value.bytes() {
            let plain = byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
            if plain || (encoded && byte == b'%') {
                self.0.push(char::from(byte));
            } else {
                // Writing to a string cannot fail.
                let _ = write!(self.0, "%{byte:02X}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_percent_encoded_and_cursors_are_passed_back_as_they_came() {
        let query = QueryString::new()
            .with("symbol", "１a/b")
            .with_some("none", None::<u8>)
            .with_encoded("cursor", "page_token%3D39380%26 x");
        assert_eq!(query.as_str(), "symbol=%EF%BC%91a%2Fb&cursor=page_token%3D39380%26%20x");
    }
}
