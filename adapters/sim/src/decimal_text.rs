//! Exact decimals as JSON strings, never as JSON numbers.

use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serializer, de::Error};

pub(crate) fn serialize<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.normalize().to_string())
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    let text = String::deserialize(deserializer)?;
    Decimal::from_str(&text).map_err(|_| D::Error::custom("not a decimal"))
}

/// The same for a value that may be missing.
pub(crate) mod optional {
    use super::{Decimal, Deserialize, Deserializer, Error, FromStr, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        value: &Option<Decimal>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.serialize_some(&value.normalize().to_string()),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Decimal>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| Decimal::from_str(&text).map_err(|_| D::Error::custom("not a decimal")))
            .transpose()
    }
}

/// The same for values by name.
pub(crate) mod map {
    use std::collections::BTreeMap;

    use super::{Decimal, Deserialize, Deserializer, Error, FromStr, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        values: &BTreeMap<String, Decimal>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let texts = values.iter().map(|(name, value)| (name, value.normalize().to_string()));
        serializer.collect_map(texts)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<String, Decimal>, D::Error> {
        let texts = BTreeMap::<String, String>::deserialize(deserializer)?;
        let parse = |(name, text): (String, String)| {
            let value = Decimal::from_str(&text).map_err(|_| D::Error::custom("not a decimal"))?;
            Ok((name, value))
        };
        texts.into_iter().map(parse).collect()
    }
}
