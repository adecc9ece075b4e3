//! The prices a batch converts and judges by, fixed when it is admitted (K7).

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::decimal::Price;
use crate::instrument::Instrument;
use crate::name::Asset;

/// One reference price for each pair of base and quote asset a batch trades.
///
/// Ether in dollars and ether in bitcoin have one each, so neither stands for the other; dollars of two issuers are two
/// quote assets. Every leg of a pair converts at the same price, whatever its venue.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use equipoise_core::{Asset, References};
///
/// let mut references = References::default();
/// references.note(&Asset::new("ETH")?, &Asset::new("BTC")?, "0.05".parse()?);
/// references.note(&Asset::new("BTC")?, &Asset::new("USDT")?, "65000".parse()?);
/// let bitcoin = Asset::new("BTC")?;
/// let (money, rate) = references.money(&bitcoin).ok_or("beyond exact numbers")?;
/// assert_eq!((money.as_str(), rate.to_string().as_str()), ("USDT", "65000"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct References(BTreeMap<Asset, BTreeMap<Asset, Price>>);

impl References {
    /// Keeps the price of a pair, in quote per base. The first one that is noted stays.
    pub fn note(&mut self, base: &Asset, quote: &Asset, price: Price) {
        self.0.entry(base.clone()).or_default().entry(quote.clone()).or_insert(price);
    }

    /// The price of a pair, in quote per base.
    #[must_use]
    pub fn price(&self, base: &Asset, quote: &Asset) -> Option<Price> {
        self.0.get(base)?.get(quote).copied()
    }

    /// The price of an instrument's pair, in quote per base.
    #[must_use]
    pub fn of(&self, instrument: &Instrument) -> Option<Price> {
        self.price(&instrument.base, &instrument.quote)
    }

    /// What a quote asset is counted in at last, and how much of that one unit of it is worth: bitcoin that ether is
    /// quoted in counts in the dollars that bitcoin itself is quoted in. An asset that the batch does not price counts
    /// as itself, and so does everything in a circle of pairs. `None` beyond exact numbers.
    #[must_use]
    pub fn money<'a>(&'a self, quote: &'a Asset) -> Option<(&'a Asset, Decimal)> {
        let (mut asset, mut rate) = (quote, Decimal::ONE);
        for _ in 0..self.0.len() {
            let Some((next, price)) = self.0.get(asset).and_then(BTreeMap::first_key_value) else {
                return Some((asset, rate));
            };
            (asset, rate) = (next, rate.checked_mul(price.get())?);
        }
        let circular = self.0.contains_key(asset);
        Some(if circular { (quote, Decimal::ONE) } else { (asset, rate) })
    }

    /// Every pair and its price, in quote per base.
    pub fn iter(&self) -> impl Iterator<Item = (&Asset, &Asset, Price)> {
        self.0.iter().flat_map(|(base, quotes)| {
            quotes.iter().map(move |(quote, price)| (base, quote, *price))
        })
    }
}

impl FromIterator<(Asset, Asset, Price)> for References {
    /// From base, quote and price; the first price of a pair stays.
    fn from_iter<I: IntoIterator<Item = (Asset, Asset, Price)>>(pairs: I) -> Self {
        let mut references = Self::default();
        for (base, quote, price) in pairs {
            references.note(&base, &quote, price);
        }
        references
    }
}
