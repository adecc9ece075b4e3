//! Orders and fills as the exchange answers them.
//!
//! Numbers and times come as texts, empty where there is none.
//! Source: OKX v5 Place Order; Order Details; Order List; Order History; Transaction Details, read 2026-11-22.

use std::collections::BTreeMap;

use equipoise_core::{
    Asset, ClientOrderId, Fill, OrderEnd, OrderSnapshot, OrderState, Qty, TradeId, VenueMillis,
    VenueOrderId,
};
use serde::Deserialize;

use crate::answer::{BadAnswer, reason};
use crate::number;

/// What surrounds every result; the codes in it are read before.
#[derive(Deserialize)]
pub(crate) struct Envelope<T> {
    pub(crate) data: Vec<T>,
}

/// The venue's clock.
#[derive(Deserialize)]
pub(crate) struct ServerTime {
    ts: String,
}

impl ServerTime {
    pub(crate) fn time(&self) -> Result<VenueMillis, BadAnswer> {
        number::time_text(&self.ts, "ts")
    }
}

/// The acknowledgement of an order: it exists, nothing more.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Acknowledged {
    ord_id: String,
    cl_ord_id: String,
    s_code: String,
}

impl Acknowledged {
    /// The order as far as an acknowledgement proves it.
    pub(crate) fn snapshot(&self, client_id: &ClientOrderId) -> Result<OrderSnapshot, BadAnswer> {
        if self.s_code != "0" || self.cl_ord_id != client_id.as_str() {
            return Err(BadAnswer::new("answer names another order"));
        }
        Ok(OrderSnapshot {
            venue_order: VenueOrderId::new(&self.ord_id).map_err(|_| BadAnswer::text("ordId"))?,
            client_id: client_id.clone(),
            state: OrderState::Open,
            executed: Qty::ZERO,
            fills: Vec::new(),
            busted: Vec::new(),
        })
    }
}

/// A row that a listing can be continued after.
pub(crate) trait Listed {
    /// The id that pages are counted by.
    fn cursor(&self) -> &str;
}

/// An order, as details and all listings show it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Order {
    pub(crate) ord_id: String,
    pub(crate) cl_ord_id: String,
    pub(crate) inst_id: String,
    state: String,
    acc_fill_sz: String,
    #[serde(default)]
    cancel_source: String,
    #[serde(default)]
    cancel_source_reason: String,
    c_time: String,
    u_time: String,
}

impl Listed for Order {
    fn cursor(&self) -> &str {
        &self.ord_id
    }
}

impl Order {
    /// When it was created by the venue's clock.
    pub(crate) fn created(&self) -> Result<VenueMillis, BadAnswer> {
        number::time_text(&self.c_time, "cTime")
    }

    /// Executed so far: contracts of a swap, base units on spot, whatever the order was sized in.
    pub(crate) fn executed(&self) -> Result<Qty, BadAnswer> {
        number::quantity(&self.acc_fill_sz, "accFillSz")
    }

    /// Which of two answers about one order is the later one.
    fn age_key(&self) -> (u64, Qty) {
        let updated = number::time_text(&self.u_time, "uTime");
        (updated.map_or(0, |at| at.0), self.executed().unwrap_or(Qty::ZERO))
    }

    /// The order in the engine's words.
    pub(crate) fn snapshot(&self, fills: Vec<Fill>) -> Result<OrderSnapshot, BadAnswer> {
        Ok(OrderSnapshot {
            venue_order: VenueOrderId::new(&self.ord_id).map_err(|_| BadAnswer::text("ordId"))?,
            client_id: ClientOrderId::new(&self.cl_ord_id)
                .map_err(|_| BadAnswer::text("clOrdId"))?,
            state: self.state(),
            executed: self.executed()?,
            fills,
            busted: Vec::new(),
        })
    }

    /// A state not documented today leaves the order open: that assumes the most about what it may still do (R7).
    /// There is no rejection: an order refused after its acknowledgement is shown as cancelled.
    fn state(&self) -> OrderState {
        OrderState::Ended(match self.state.as_str() {
            "filled" => OrderEnd::Filled,
            "canceled" | "mmp_canceled" => OrderEnd::Cancelled { reason: self.reason() },
            _ => return OrderState::Open,
        })
    }

    /// Number and text of the source, where they are given.
    fn reason(&self) -> String {
        let words = [&self.cancel_source, &self.cancel_source_reason];
        let told: Vec<&str> =
            words.into_iter().map(|word| word.trim()).filter(|word| !word.is_empty()).collect();
        reason(&told.join(": "))
    }
}

/// Each order once, as the latest answer shows it.
pub(crate) fn merge(rows: impl IntoIterator<Item = Order>) -> BTreeMap<String, Order> {
    let mut orders = BTreeMap::<String, Order>::new();
    for row in rows {
        let later = orders.get(&row.ord_id).is_none_or(|known| known.age_key() < row.age_key());
        if later {
            orders.insert(row.ord_id.clone(), row);
        }
    }
    orders
}

/// One trade of the account.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FillRow {
    pub(crate) inst_id: String,
    pub(crate) ord_id: String,
    #[serde(default)]
    pub(crate) cl_ord_id: String,
    bill_id: String,
    trade_id: String,
    fill_px: String,
    fill_sz: String,
    #[serde(default)]
    fee: String,
    #[serde(default)]
    fee_ccy: String,
    #[serde(default)]
    fill_time: String,
    ts: String,
}

impl Listed for FillRow {
    fn cursor(&self) -> &str {
        &self.bill_id
    }
}

impl FillRow {
    /// The trade in the engine's words. The exchange writes what it charges as a negative number.
    pub(crate) fn fill(&self) -> Result<Fill, BadAnswer> {
        let fee = -number::amount_or_zero(&self.fee, "fee")?;
        let fee_asset = match self.fee_ccy.as_str() {
            // Nothing was charged, so any asset of the instrument will do.
            "" if fee.is_zero() => self.inst_id.split('-').next().unwrap_or_default(),
            named => named,
        };
        let (at, field) = match self.fill_time.as_str() {
            "" => (&self.ts, "ts"),
            _ => (&self.fill_time, "fillTime"),
        };
        Ok(Fill {
            trade: TradeId::new(&self.trade_id).map_err(|_| BadAnswer::text("tradeId"))?,
            price: number::price(&self.fill_px, "fillPx")?,
            quantity: number::quantity(&self.fill_sz, "fillSz")?,
            fee,
            fee_asset: Asset::new(fee_asset).map_err(|_| BadAnswer::text("feeCcy"))?,
            at: number::time_text(at, field)?,
        })
    }
}

/// The fills of one order, each once.
///
/// # Errors
/// When two rows share a trade id and are not the same, since one of them would be lost.
pub(crate) fn fills<'a>(
    rows: impl IntoIterator<Item = &'a FillRow>,
) -> Result<Vec<Fill>, BadAnswer> {
    let mut once = BTreeMap::<&str, &FillRow>::new();
    for row in rows {
        let known = once.entry(&row.trade_id).or_insert(row);
        if *known != row {
            return Err(BadAnswer::new("two trades of one order share an id"));
        }
    }
    once.values().map(|row| row.fill()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn row(fee: &str, fee_ccy: &str) -> FillRow {
        let text = |text: &str| text.to_owned();
        FillRow {
            inst_id: text("BTC-USDT"),
            ord_id: text("7"),
            cl_ord_id: text("a1"),
            bill_id: text("9"),
            trade_id: text("11"),
            fill_px: text("65000"),
            fill_sz: text("0.1"),
            fee: text(fee),
            fee_ccy: text(fee_ccy),
            fill_time: text(""),
            ts: text("1795334400500"),
        }
    }

    #[test]
    fn a_charge_is_negative_at_the_exchange_and_positive_here() {
        let fee = |text| row(text, "BTC").fill().unwrap().fee.to_string();
        assert_eq!(fee("-0.0001"), "0.0001");
        assert_eq!(fee("0.00002"), "-0.00002");
        assert_eq!(fee(""), "0");
    }

    #[test]
    fn a_fee_without_an_asset_is_only_taken_when_there_is_none() {
        assert_eq!(row("0", "").fill().unwrap().fee_asset.as_str(), "BTC");
        assert!(row("-0.0001", "").fill().is_err());
    }

    #[test]
    fn a_repeated_trade_counts_once_and_a_contradicting_one_is_an_error() {
        let (first, again) = (row("-0.0001", "BTC"), row("-0.0001", "BTC"));
        assert_eq!(fills([&first, &again]).unwrap().len(), 1);
        let other = FillRow { fill_sz: "0.2".to_owned(), ..again };
        assert!(fills([&first, &other]).is_err());
    }
}
