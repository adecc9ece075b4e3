//! Instruments, fee rates and market data as the exchange answers them.
//!
//! Source: OKX v5 Get Instruments; Get Fee Rates; Get Ticker; Get Mark Price; Get Funding Rate, read 2026-11-22.

use equipoise_core::{
    Amount, Asset, BookTop, Funding, Instrument, InstrumentKind, Price, Qty, Symbol,
};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::product::Product;
use crate::answer::BadAnswer;
use crate::number;

/// One instrument.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InstrumentRow {
    pub(crate) inst_id: String,
    pub(crate) state: String,
    /// Index of a contract such as `BTC-USD`, of which contracts with different settlement exist.
    #[serde(default)]
    uly: String,
    /// One index and one settlement asset together; fees are asked for by it.
    #[serde(default)]
    pub(crate) inst_family: String,
    #[serde(default)]
    group_id: String,
    #[serde(default)]
    base_ccy: String,
    #[serde(default)]
    quote_ccy: String,
    #[serde(default)]
    settle_ccy: String,
    #[serde(default)]
    ct_type: String,
    #[serde(default)]
    ct_val: String,
    #[serde(default)]
    ct_mult: String,
    #[serde(default)]
    ct_val_ccy: String,
    tick_sz: String,
    lot_sz: String,
    min_sz: String,
    #[serde(default)]
    max_lmt_sz: String,
    #[serde(default)]
    max_mkt_sz: String,
}

/// What tells the products' instruments apart.
struct Terms {
    kind: InstrumentKind,
    base: Asset,
    quote: Asset,
    settle: Asset,
    contract_size: Qty,
    market_quantity_max: Qty,
}

impl InstrumentRow {
    /// The rules, with a taker fee read elsewhere.
    pub(crate) fn instrument(
        &self,
        product: Product,
        symbol: &Symbol,
        taker_fee: Amount,
    ) -> Result<Instrument, BadAnswer> {
        let terms = match product {
            Product::Swap => self.contract()?,
            Product::Spot => self.pair()?,
        };
        Ok(Instrument {
            symbol: symbol.clone(),
            kind: terms.kind,
            base: terms.base,
            quote: terms.quote,
            settle: terms.settle,
            tick: number::price(&self.tick_sz, "tickSz")?,
            lot: number::quantity(&self.lot_sz, "lotSz")?,
            quantity_min: number::quantity(&self.min_sz, "minSz")?,
            quantity_max: quantity_or_zero(&self.max_lmt_sz, "maxLmtSz")?,
            market_quantity_max: terms.market_quantity_max,
            // The exchange states a smallest quantity only.
            notional_min: Qty::ZERO,
            contract_size: terms.contract_size,
            taker_fee,
        })
    }

    fn pair(&self) -> Result<Terms, BadAnswer> {
        let quote = asset(&self.quote_ccy, "quoteCcy")?;
        Ok(Terms {
            kind: InstrumentKind::Spot,
            base: asset(&self.base_ccy, "baseCcy")?,
            settle: quote.clone(),
            quote,
            contract_size: Qty::new(Decimal::ONE)
                .map_err(|_| BadAnswer::number("contract size"))?,
            // The largest market order is stated in another unit than orders are sized in; the exchange refuses beyond it.
            market_quantity_max: Qty::ZERO,
        })
    }

    /// A contract is worth `ctVal` times `ctMult` of `ctValCcy`: base of a linear one, quote of an inverse one.
    fn contract(&self) -> Result<Terms, BadAnswer> {
        let index = if self.uly.is_empty() { &self.inst_family } else { &self.uly };
        let (base, quote) = index.split_once('-').ok_or_else(|| BadAnswer::text("uly"))?;
        let (kind, counted) = match self.ct_type.as_str() {
            "linear" => (InstrumentKind::Linear, base),
            "inverse" => (InstrumentKind::Inverse, quote),
            _ => return Err(BadAnswer::text("ctType")),
        };
        if self.ct_val_ccy != counted {
            return Err(BadAnswer::new("contract is counted in another asset than its kind says"));
        }
        let value = number::quantity(&self.ct_val, "ctVal")?.get();
        let size = value.checked_mul(number::quantity(&self.ct_mult, "ctMult")?.get());
        let size = size.and_then(|size| Qty::new(size).ok());
        Ok(Terms {
            kind,
            base: asset(base, "uly")?,
            quote: asset(quote, "uly")?,
            settle: asset(&self.settle_ccy, "settleCcy")?,
            contract_size: size.ok_or_else(|| BadAnswer::number("ctMult"))?,
            market_quantity_max: quantity_or_zero(&self.max_mkt_sz, "maxMktSz")?,
        })
    }
}

fn asset(text: &str, field: &'static str) -> Result<Asset, BadAnswer> {
    Asset::new(text).map_err(|_| BadAnswer::text(field))
}

fn quantity_or_zero(text: &str, field: &'static str) -> Result<Qty, BadAnswer> {
    if text.is_empty() { Ok(Qty::ZERO) } else { number::quantity(text, field) }
}

/// The account's fee rates for one kind of instrument.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FeeRates {
    #[serde(default)]
    taker: String,
    #[serde(default)]
    taker_u: String,
    #[serde(default, rename = "takerUSDC")]
    taker_usdc: String,
    #[serde(default)]
    fee_group: Vec<GroupRate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GroupRate {
    group_id: String,
    #[serde(default)]
    taker: String,
}

impl FeeRates {
    /// The taker rate of one instrument; the exchange writes what it charges as a negative number.
    ///
    /// Where instruments belong to fee groups the group's rate holds; before, there was one rate for each settlement.
    pub(crate) fn taker(&self, row: &InstrumentRow) -> Result<Amount, BadAnswer> {
        let group = self.fee_group.iter().find(|group| group.group_id == row.group_id);
        let paid_in = if row.settle_ccy.is_empty() { &row.quote_ccy } else { &row.settle_ccy };
        let is_spot = row.settle_ccy.is_empty();
        let by_asset = match paid_in.as_str() {
            "USDT" if is_spot => &self.taker,
            "USDT" => &self.taker_u,
            _ if is_spot || row.ct_type == "linear" => &self.taker_usdc,
            _ => &self.taker,
        };
        let grouped = group.map(|group| &group.taker);
        let stated = grouped.into_iter().chain([by_asset, &self.taker]);
        let rate = stated.into_iter().find(|rate| !rate.is_empty());
        Ok(-number::amount(rate.map_or("", String::as_str), "taker")?)
    }
}

/// Best prices and the last trade.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ticker {
    pub(crate) inst_id: String,
    #[serde(default)]
    last: String,
    #[serde(default)]
    bid_px: String,
    #[serde(default)]
    bid_sz: String,
    #[serde(default)]
    ask_px: String,
    #[serde(default)]
    ask_sz: String,
}

impl Ticker {
    pub(crate) fn top(&self) -> Result<BookTop, BadAnswer> {
        Ok(BookTop {
            bid: number::book_side(&self.bid_px, &self.bid_sz, "bid")?,
            ask: number::book_side(&self.ask_px, &self.ask_sz, "ask")?,
        })
    }

    /// What stands for a mark price on spot, which has none: the middle of a sound book, else the last trade.
    pub(crate) fn middle(&self) -> Result<Price, BadAnswer> {
        let Some((bid, ask)) = self.top()?.sound() else {
            return number::price(&self.last, "last");
        };
        let middle = (bid.get() + ask.get()) / Decimal::TWO;
        Price::new(middle).map_err(|_| BadAnswer::number("bid"))
    }
}

/// The mark price of one contract.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Mark {
    pub(crate) inst_id: String,
    mark_px: String,
}

impl Mark {
    pub(crate) fn price(&self) -> Result<Price, BadAnswer> {
        number::price(&self.mark_px, "markPx")
    }
}

/// The funding of one contract for the period that runs.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FundingRate {
    pub(crate) inst_id: String,
    #[serde(default)]
    funding_rate: String,
    #[serde(default)]
    funding_time: String,
}

impl FundingRate {
    pub(crate) fn funding(&self) -> Result<Option<Funding>, BadAnswer> {
        if self.funding_rate.is_empty() || matches!(self.funding_time.as_str(), "" | "0") {
            return Ok(None);
        }
        Ok(Some(Funding {
            rate: number::amount(&self.funding_rate, "fundingRate")?,
            next_at: number::time_text(&self.funding_time, "fundingTime")?,
        }))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn row(text: &str) -> InstrumentRow {
        let common = r#","instId":"x","state":"live","tickSz":"0.1","lotSz":"1","minSz":"1""#;
        serde_json::from_str(&format!("{{{text}{common}}}")).unwrap()
    }

    fn swap(text: &str) -> Result<Instrument, BadAnswer> {
        row(text).instrument(Product::Swap, &"X-SWAP".parse().unwrap(), Amount::ZERO)
    }

    #[test]
    fn a_contract_is_worth_its_value_times_its_multiplier() {
        let linear = swap(
            r#""uly":"ETH-USDT","settleCcy":"USDT","ctType":"linear","ctVal":"0.1","ctMult":"10","ctValCcy":"ETH""#,
        );
        let linear = linear.unwrap();
        assert_eq!(
            (linear.kind, linear.contract_size.to_string()),
            (InstrumentKind::Linear, "1".to_owned())
        );
        let margined_in_dollars = swap(
            r#""uly":"BTC-USD","instFamily":"BTC-USD_UM","settleCcy":"USD","ctType":"linear","ctVal":"0.01","ctMult":"1","ctValCcy":"BTC""#,
        );
        assert_eq!(margined_in_dollars.unwrap().quote.as_str(), "USD");
        let inverse = swap(
            r#""uly":"BTC-USD","settleCcy":"BTC","ctType":"inverse","ctVal":"100","ctMult":"1","ctValCcy":"USD""#,
        );
        let inverse = inverse.unwrap();
        assert_eq!(inverse.contract_size.to_string(), "100");
        assert_eq!((inverse.base.as_str(), inverse.settle.as_str()), ("BTC", "BTC"));
    }

    #[test]
    fn a_contract_whose_terms_do_not_fit_together_is_not_traded() {
        for terms in [
            r#""uly":"BTC-USD","settleCcy":"BTC","ctType":"inverse","ctVal":"100","ctMult":"1","ctValCcy":"BTC""#,
            r#""uly":"BTC-USDT","settleCcy":"USDT","ctType":"linear","ctVal":"0.01","ctMult":"1","ctValCcy":"USDT""#,
            r#""uly":"BTC-USDT","settleCcy":"USDT","ctType":"quanto","ctVal":"0.01","ctMult":"1","ctValCcy":"BTC""#,
            r#""uly":"BTC","settleCcy":"USDT","ctType":"linear","ctVal":"0.01","ctMult":"1","ctValCcy":"BTC""#,
            r#""uly":"BTC-USDT","settleCcy":"USDT","ctType":"linear","ctVal":"0.01","ctMult":"","ctValCcy":"BTC""#,
        ] {
            assert!(swap(terms).is_err(), "{terms}");
        }
    }

    #[test]
    fn the_rate_of_the_group_counts_before_that_of_the_settlement() {
        let rates: FeeRates = serde_json::from_str(
            r#"{"taker":"-0.0005","takerU":"-0.0006","takerUSDC":"-0.0007","feeGroup":[{"groupId":"4","taker":"-0.0002"}]}"#,
        )
        .unwrap();
        let rate = |text: &str| rates.taker(&row(text)).unwrap().to_string();
        assert_eq!(rate(r#""settleCcy":"USDT","groupId":"4""#), "0.0002");
        assert_eq!(rate(r#""settleCcy":"USDT","ctType":"linear","groupId":"5""#), "0.0006");
        assert_eq!(rate(r#""settleCcy":"USDC","ctType":"linear""#), "0.0007");
        assert_eq!(rate(r#""settleCcy":"BTC","ctType":"inverse""#), "0.0005");
        assert_eq!(rate(r#""quoteCcy":"USDT""#), "0.0005");
        assert_eq!(rate(r#""quoteCcy":"USDC""#), "0.0007");
        let none: FeeRates = serde_json::from_str("{}").unwrap();
        assert!(none.taker(&row(r#""quoteCcy":"USDT""#)).is_err());
    }
}
