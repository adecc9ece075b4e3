//! The plan document as strategies build it and files spell it.
//!
//! Unknown fields are errors. Numbers are plain decimals in quotes, so that no parser ever sees a float.

use std::borrow::Cow;
use std::fmt;

use rust_decimal::Decimal;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::decimal::{Price, Qty};
use crate::name::{LegName, Occasion, StrategyName, Symbol, VenueName};
use crate::order::{OrderKind, Side, TimeInForce};
use crate::plain::{optional_positive_plain, positive, whole};

use super::check::{LEG_TIMEOUT_MS_MAX, SLIPPAGE_BPS_MAX, UNWIND_ATTEMPTS_MAX, UNWIND_MS_MAX};

/// What a strategy wants done, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Who wants it.
    pub strategy: StrategyName,
    /// What it is for: the same strategy, occasion and legs are the same batch, whenever they are submitted.
    pub occasion: Occasion,
    /// 1 to 64 legs with unique names. A plan need not be neutral.
    pub legs: Vec<Leg>,
    /// What to do when it does not go as planned.
    pub policy: Policy,
}

/// One order intention at one venue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "LegDocument")]
pub struct Leg {
    /// Unique in the plan.
    pub name: LegName,
    /// A venue of the configuration.
    pub venue: VenueName,
    /// The venue's own symbol.
    pub instrument: Symbol,
    /// Buy or sell.
    pub side: Side,
    /// Market or limit.
    pub kind: OrderKind,
    /// How much.
    pub quantity: Quantity,
    /// May only reduce a position.
    pub reduce_only: bool,
    /// Legs that must be final before this one is released.
    pub after: Vec<LegName>,
}

/// How much a leg is to trade; always greater than zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Quantity {
    /// Base units.
    Base(Qty),
    /// Quote value, turned into base at the reference price of admission.
    Quote(Qty),
    /// The venue's own units.
    Contracts(Qty),
    /// What another leg filled, times a ratio.
    Of {
        /// That leg; it must also be named in `after`.
        leg: LegName,
        /// Factor on its base quantity.
        ratio: Qty,
    },
}

/// What to do when the fills do not match the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OnResidual {
    /// Take everything back.
    Unwind,
    /// Leave it to a person.
    Park,
    /// Take back only the excess; not yet supported.
    Trim,
    /// Complete the short leg; not yet supported.
    Complete,
}

/// The bounds a batch runs under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// What to do with a residual.
    pub on_residual: OnResidual,
    /// From a leg's first intent: then a working order is cancelled and no entry attempt starts. Milliseconds.
    #[serde(deserialize_with = "leg_timeout")]
    pub leg_timeout_ms: u64,
    /// Band beyond the far touch for unwind orders, basis points.
    #[serde(default = "default_slippage", deserialize_with = "slippage")]
    pub unwind_slippage_bps: u32,
    /// Unwind orders per leg.
    #[serde(default = "default_attempts", deserialize_with = "attempts")]
    pub unwind_attempts: u16,
    /// From the start of compensation: no unwind order starts after it. Milliseconds.
    #[serde(default = "default_unwind_ms", deserialize_with = "unwind_ms")]
    pub unwind_max_ms: u64,
    /// Largest loss compensation may realise, in quote; a quote asset that other legs price counts at that price, and a plan
    /// whose quotes do not come down to one kind of money is refused. None by default.
    #[serde(default, deserialize_with = "loss_max", skip_serializing_if = "Option::is_none")]
    pub unwind_loss_max: Option<Qty>,
}

impl Policy {
    /// The given residual policy and timeout, everything else at its default.
    #[must_use]
    pub fn new(on_residual: OnResidual, leg_timeout_ms: u64) -> Self {
        Self {
            on_residual,
            leg_timeout_ms,
            unwind_slippage_bps: default_slippage(),
            unwind_attempts: default_attempts(),
            unwind_max_ms: default_unwind_ms(),
            unwind_loss_max: None,
        }
    }
}

const fn default_slippage() -> u32 {
    100
}

const fn default_attempts() -> u16 {
    5
}

const fn default_unwind_ms() -> u64 {
    60_000
}

impl<'de> Deserialize<'de> for OnResidual {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Those that are not supported are known, so that the check can say so, and offered to nobody.
        const OFFERED: &[&str] = &["unwind", "park"];
        let word = <Cow<'de, str>>::deserialize(deserializer)?;
        match &*word {
            "unwind" => Ok(Self::Unwind),
            "park" => Ok(Self::Park),
            "trim" => Ok(Self::Trim),
            "complete" => Ok(Self::Complete),
            other => Err(D::Error::unknown_variant(other, OFFERED)),
        }
    }
}

fn leg_timeout<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    whole(deserializer, LEG_TIMEOUT_MS_MAX)
}

fn slippage<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    whole(deserializer, SLIPPAGE_BPS_MAX.into())
}

fn attempts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    whole(deserializer, UNWIND_ATTEMPTS_MAX.into())
}

fn unwind_ms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    whole(deserializer, UNWIND_MS_MAX)
}

fn loss_max<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Qty>, D::Error> {
    let value = optional_positive_plain(deserializer)?;
    value.map(|value| Qty::new(value).map_err(D::Error::custom)).transpose()
}

impl Leg {
    /// A market leg.
    #[must_use]
    pub fn market(
        name: LegName,
        venue: VenueName,
        instrument: Symbol,
        side: Side,
        quantity: Quantity,
    ) -> Self {
        Self {
            name,
            venue,
            instrument,
            side,
            kind: OrderKind::Market,
            quantity,
            reduce_only: false,
            after: Vec::new(),
        }
    }

    /// The same leg, released only when those legs are final.
    #[must_use]
    pub fn after(mut self, legs: impl IntoIterator<Item = LegName>) -> Self {
        self.after = legs.into_iter().collect();
        self
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LegDocument {
    name: LegName,
    venue: VenueName,
    instrument: Symbol,
    side: Side,
    r#type: TypeDocument,
    quantity: Quantity,
    #[serde(
        default,
        deserialize_with = "optional_positive_plain",
        serialize_with = "plain",
        skip_serializing_if = "Option::is_none"
    )]
    price: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time_in_force: Option<TimeInForce>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    reduce_only: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    after: Vec<LegName>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TypeDocument {
    Market,
    Limit,
}

#[allow(clippy::ref_option, reason = "the signature serde asks for")]
fn plain<S: Serializer>(value: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

impl TryFrom<LegDocument> for Leg {
    type Error = String;

    fn try_from(leg: LegDocument) -> Result<Self, String> {
        let name = &leg.name;
        let kind = match (leg.r#type, leg.price, leg.time_in_force) {
            (TypeDocument::Market, None, None) => OrderKind::Market,
            (TypeDocument::Market, _, _) => {
                return Err(format!(
                    "leg '{name}' is a market leg: price and time_in_force belong to limit legs"
                ));
            }
            (TypeDocument::Limit, None, _) => {
                return Err(format!("leg '{name}' is a limit leg without a price"));
            }
            (TypeDocument::Limit, Some(price), time_in_force) => OrderKind::Limit {
                price: Price::new(price).map_err(|error| error.to_string())?,
                time_in_force: time_in_force.unwrap_or(TimeInForce::Gtc),
            },
        };
        Ok(Self {
            name: leg.name,
            venue: leg.venue,
            instrument: leg.instrument,
            side: leg.side,
            kind,
            quantity: leg.quantity,
            reduce_only: leg.reduce_only,
            after: leg.after,
        })
    }
}

impl Serialize for Leg {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (kind, price, time_in_force) = match self.kind {
            OrderKind::Market => (TypeDocument::Market, None, None),
            OrderKind::Limit { price, time_in_force } => {
                (TypeDocument::Limit, Some(price.get()), Some(time_in_force))
            }
        };
        LegDocument {
            name: self.name.clone(),
            venue: self.venue.clone(),
            instrument: self.instrument.clone(),
            side: self.side,
            r#type: kind,
            quantity: self.quantity.clone(),
            price,
            time_in_force,
            reduce_only: self.reduce_only,
            after: self.after.clone(),
        }
        .serialize(serializer)
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let one = |key: &'static str, value: &Qty, serializer: S| {
            let mut map = serializer.serialize_map(Some(1))?;
            map.serialize_entry(key, value)?;
            map.end()
        };
        match self {
            Self::Base(base) => base.serialize(serializer),
            Self::Quote(quote) => one("quote", quote, serializer),
            Self::Contracts(contracts) => one("contracts", contracts, serializer),
            Self::Of { leg, ratio } => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("of", leg)?;
                map.serialize_entry("ratio", ratio)?;
                map.end()
            }
        }
    }
}

const QUANTITY_FORMS: &str = "a plain decimal in quotes (base units), or one of { quote = \"…\" }, \
     { contracts = \"…\" }, { of = \"LEG\", ratio = \"…\" }";

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QuantityVisitor)
    }
}

struct QuantityVisitor;

impl<'de> Visitor<'de> for QuantityVisitor {
    type Value = Quantity;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(QUANTITY_FORMS)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Quantity, E> {
        quantity(text).map(Quantity::Base)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Quantity, A::Error> {
        const KEYS: &[&str] = &["quote", "contracts", "of", "ratio"];
        let (mut quote, mut contracts, mut of, mut ratio) = (None, None, None, None);
        while let Some(key) = map.next_key::<String>()? {
            let slot = match key.as_str() {
                "quote" => &mut quote,
                "contracts" => &mut contracts,
                "of" => &mut of,
                "ratio" => &mut ratio,
                other => return Err(A::Error::unknown_field(other, KEYS)),
            };
            if slot.replace(map.next_value::<String>()?).is_some() {
                return Err(A::Error::custom(format_args!("duplicate field `{key}`")));
            }
        }
        match (quote, contracts, of, ratio) {
            (Some(quote), None, None, None) => quantity(&quote).map(Quantity::Quote),
            (None, Some(contracts), None, None) => quantity(&contracts).map(Quantity::Contracts),
            (None, None, Some(leg), Some(ratio)) => Ok(Quantity::Of {
                leg: LegName::new(&leg).map_err(A::Error::custom)?,
                ratio: quantity(&ratio)?,
            }),
            _ => Err(A::Error::custom(format_args!("a quantity is {QUANTITY_FORMS}"))),
        }
    }
}

fn quantity<E: serde::de::Error>(text: &str) -> Result<Qty, E> {
    let value = positive(text).map_err(E::custom)?;
    Qty::new(value).map_err(E::custom)
}
