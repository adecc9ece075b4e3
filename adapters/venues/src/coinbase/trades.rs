//! What an order traded, and what the exchange made of that afterwards (V12).
//!
//! Fills have the type FILL. Fills adjusted later are further rows with the types REVERSAL, CORRECTION and SYNTHETIC,
//! whose trade ids are not unique. What a row adjusts and what its size stands for is not documented.
//! - A reversal takes back the fill whose trade it names.
//! - Any other adjustment replaces the fill whose trade it names, or adds to the fills if it names none, provided that
//!   what then stands is the order's own filled size.
//! - Otherwise no quantity is proven: the fills it may concern count as taken back, and the order as having executed
//!   whatever it may stand for. That never settles, so it is asked about again, and parked with its range if nothing
//!   better comes.
//!
//! Source: Coinbase Advanced Trade API, List Fills, `trade_type`, `trade_id`, `entry_id`, read 2026-11-22.

use std::collections::{BTreeMap, BTreeSet};

use equipoise_core::{Asset, Fill, Qty, TradeId};
use serde::Deserialize;

use super::decode::time;
use crate::answer::BadAnswer;
use crate::number;

/// A page of fills; there is no other sign of the last one than a cursor that is empty.
#[derive(Deserialize)]
pub(crate) struct FillPage {
    pub(crate) fills: Vec<FillRow>,
    #[serde(default)]
    pub(crate) cursor: String,
    /// Held back, as a page of orders may be.
    #[serde(default)]
    pub(crate) proof_token_required: bool,
}

/// One fill of the account, or what became of one.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct FillRow {
    #[serde(default)]
    entry_id: String,
    trade_id: String,
    pub(crate) order_id: String,
    pub(crate) product_id: String,
    trade_type: String,
    price: String,
    size: String,
    commission: String,
    trade_time: String,
    #[serde(default)]
    pub(crate) size_in_quote: bool,
}

impl FillRow {
    /// The row in the engine's words, under one of its ids. The commission is paid in quote.
    fn fill(&self, id: &str, quote: &Asset) -> Result<Fill, BadAnswer> {
        if self.size_in_quote {
            // Orders here are sized in base, and so are their fills.
            return Err(BadAnswer::new("a fill is sized in quote"));
        }
        Ok(Fill {
            trade: TradeId::new(id).map_err(|_| BadAnswer::text("trade_id"))?,
            price: number::price(&self.price, "price")?,
            quantity: number::quantity(&self.size, "size")?,
            fee: number::amount_or_zero(&self.commission, "commission")?,
            fee_asset: quote.clone(),
            at: time(&self.trade_time, "trade_time")?,
        })
    }
}

/// The rows of one order, each once.
#[derive(Debug, Default)]
pub(crate) struct Trades {
    fills: BTreeMap<String, Fill>,
    /// Trades that reversals name.
    reversed: BTreeSet<String>,
    /// Other adjustments, by entry: the trade each names, and what it says of it.
    adjusted: BTreeMap<String, (String, Fill)>,
}

/// What an order comes to.
pub(crate) struct Outcome {
    pub(crate) fills: Vec<Fill>,
    pub(crate) busted: Vec<Fill>,
    /// The most it ever executed, or may have.
    pub(crate) executed: Qty,
}

impl Trades {
    /// Rows of one order, in any order and any number of times.
    pub(crate) fn of<'a>(
        rows: impl Iterator<Item = &'a FillRow>,
        quote: &Asset,
    ) -> Result<Self, BadAnswer> {
        let mut trades = Self::default();
        for row in rows {
            let named = row.trade_id.clone();
            match row.trade_type.as_str() {
                "FILL" => {
                    trades.fills.insert(named, row.fill(&row.trade_id, quote)?);
                }
                "REVERSAL" => {
                    trades.reversed.insert(named);
                }
                _ => {
                    tracing::warn!(order = row.order_id, "a fill of this order was adjusted");
                    let fill = row.fill(&row.entry_id, quote)?;
                    trades.adjusted.insert(row.entry_id.clone(), (named, fill));
                }
            }
        }
        Ok(trades)
    }

    /// What the rows come to beside the filled size that the order itself states.
    pub(crate) fn outcome(self, filled_size: Qty) -> Outcome {
        let is_listed = |trade: &&String| self.fills.contains_key(*trade);
        let replaced: BTreeSet<&String> = self.adjusted.values().map(|(trade, _)| trade).collect();
        let gone = |trade: &String| self.reversed.contains(trade) || replaced.contains(trade);
        let adjusted: Vec<Fill> = self.adjusted.values().map(|(_, fill)| fill.clone()).collect();
        let traded = sum(self.fills.values());
        let (busted, mut fills) = self.split(gone);
        // A reversed fill may not be listed yet; with all of them listed, nobody knows which one it is.
        let reversals_fit = self.reversed.iter().all(|trade| is_listed(&trade));
        if self.adjusted.is_empty() && (reversals_fit || traded < filled_size) {
            // Whether a reversal lowers the filled size is not documented; what ever executed includes it.
            let executed = if busted.is_empty() { filled_size } else { filled_size.max(traded) };
            return Outcome { fills, busted, executed };
        }
        let stands = sum(&fills).plus(sum(&adjusted));
        if !self.adjusted.is_empty() && reversals_fit && stands == filled_size {
            fills.extend(adjusted);
            return Outcome { fills, busted, executed: traded.max(stands) };
        }
        // What names no fill may concern any of them.
        let all_fit = reversals_fit && replaced.iter().all(is_listed);
        let (busted, fills) = if all_fit { (busted, fills) } else { self.split(|_| true) };
        let most = filled_size.max(traded.plus(sum(&adjusted)));
        Outcome { executed: sum(&busted).plus(most), fills, busted }
    }

    /// Fills that are gone, and the others.
    fn split(&self, gone: impl Fn(&String) -> bool) -> (Vec<Fill>, Vec<Fill>) {
        let (mut taken, mut left) = (Vec::new(), Vec::new());
        for (trade, fill) in &self.fills {
            let side = if gone(trade) { &mut taken } else { &mut left };
            side.push(fill.clone());
        }
        (taken, left)
    }
}

fn sum<'a>(fills: impl IntoIterator<Item = &'a Fill>) -> Qty {
    fills.into_iter().fold(Qty::ZERO, |sum, fill| sum.plus(fill.quantity))
}
