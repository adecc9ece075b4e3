//! The fields of the exchange's answers that are used, and what they mean.
//!
//! Quantities and prices come as decimal strings, ids and times as integers.
//! Source: Binance USDⓈ-M Query Order, All Orders, Account Trade List, Exchange Information, Symbol Order Book Ticker,
//! Mark Price, Position Information V3, Futures Account Balance V3, Futures Account Configuration, read 2026-11-22.

use equipoise_core::{
    Amount, Asset, BookTop, ClientOrderId, Fill, Funding, Instrument, InstrumentKind, OrderEnd,
    OrderSnapshot, OrderState, Price, Qty, Symbol, TradeId, VenueOrderId,
};
use equipoise_port::{Balance, Position};
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::answer::BadAnswer;
use crate::number;

/// The venue's clock.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServerTime {
    pub(crate) server_time: u64,
}

/// An order, as every endpoint shows it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Order {
    pub(crate) order_id: u64,
    pub(crate) client_order_id: String,
    pub(crate) symbol: String,
    status: String,
    executed_qty: String,
    #[serde(default)]
    update_time: u64,
    /// A text on orders the exchange ended itself; its form is not documented everywhere.
    #[serde(default)]
    expiry_reason: serde_json::Value,
}

impl Order {
    /// Which of two answers about one order is the later one.
    pub(crate) fn age_key(&self) -> (u64, Qty) {
        let executed = number::quantity(&self.executed_qty, "executedQty");
        (self.update_time, executed.unwrap_or(Qty::ZERO))
    }

    /// The order in the engine's words.
    pub(crate) fn snapshot(&self, fills: Vec<Fill>) -> Result<OrderSnapshot, BadAnswer> {
        let executed = number::quantity(&self.executed_qty, "executedQty")?;
        Ok(OrderSnapshot {
            venue_order: VenueOrderId::new(&self.order_id.to_string())
                .map_err(|_| BadAnswer::number("orderId"))?,
            client_id: ClientOrderId::new(&self.client_order_id)
                .map_err(|_| BadAnswer::text("clientOrderId"))?,
            state: self.state(executed),
            executed,
            fills,
            busted: Vec::new(),
        })
    }

    /// A status not documented today leaves the order open: that assumes the most about what it may still do (R7).
    fn state(&self, executed: Qty) -> OrderState {
        let reason = || {
            let text = self.expiry_reason.as_str().filter(|text| !text.is_empty());
            text.unwrap_or(&self.status).chars().take(64).collect()
        };
        OrderState::Ended(match self.status.as_str() {
            "FILLED" => OrderEnd::Filled,
            "CANCELED" | "EXPIRED" | "EXPIRED_IN_MATCH" => OrderEnd::Cancelled { reason: reason() },
            // A rejected order holds nothing; one that executed was not rejected.
            "REJECTED" if executed.is_zero() => OrderEnd::Rejected { reason: reason() },
            "REJECTED" => OrderEnd::Cancelled { reason: reason() },
            _ => return OrderState::Open,
        })
    }
}

/// A trade of the account.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Trade {
    pub(crate) id: u64,
    pub(crate) order_id: u64,
    pub(crate) symbol: String,
    price: String,
    qty: String,
    commission: String,
    commission_asset: String,
    time: u64,
}

impl Trade {
    /// The trade in the engine's words. A commission is positive when it was paid.
    pub(crate) fn fill(&self) -> Result<Fill, BadAnswer> {
        Ok(Fill {
            trade: TradeId::new(&self.id.to_string()).map_err(|_| BadAnswer::number("id"))?,
            price: number::price(&self.price, "price")?,
            quantity: number::quantity(&self.qty, "qty")?,
            fee: number::amount(&self.commission, "commission")?,
            fee_asset: Asset::new(&self.commission_asset)
                .map_err(|_| BadAnswer::text("commissionAsset"))?,
            at: number::time(self.time, "time")?,
        })
    }
}

/// All instruments and the account-wide limits.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExchangeInfo {
    #[serde(default)]
    pub(crate) rate_limits: Vec<RateLimit>,
    pub(crate) symbols: Vec<SymbolInfo>,
}

/// One limit as the exchange states it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RateLimit {
    pub(crate) rate_limit_type: String,
    pub(crate) interval: String,
    pub(crate) interval_num: u32,
    pub(crate) limit: u32,
}

/// One instrument.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SymbolInfo {
    pub(crate) symbol: String,
    pub(crate) status: String,
    base_asset: String,
    quote_asset: String,
    margin_asset: String,
    filters: Vec<Filter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    filter_type: String,
    tick_size: Option<String>,
    step_size: Option<String>,
    min_qty: Option<String>,
    max_qty: Option<String>,
    notional: Option<String>,
}

impl SymbolInfo {
    /// The rules, with a taker fee read elsewhere.
    pub(crate) fn instrument(
        &self,
        symbol: &Symbol,
        taker_fee: Amount,
    ) -> Result<Instrument, BadAnswer> {
        let lot = self.lot("LOT_SIZE")?;
        // Market orders have a filter of their own; the coarser of both holds for any order.
        let market = self.lot("MARKET_LOT_SIZE").unwrap_or(lot);
        let asset = |text: &str, field| Asset::new(text).map_err(|_| BadAnswer::text(field));
        Ok(Instrument {
            symbol: symbol.clone(),
            kind: InstrumentKind::Linear,
            base: asset(&self.base_asset, "baseAsset")?,
            quote: asset(&self.quote_asset, "quoteAsset")?,
            settle: asset(&self.margin_asset, "marginAsset")?,
            tick: self.tick()?,
            lot: lot.step.max(market.step),
            quantity_min: lot.min.max(market.min),
            quantity_max: lot.max,
            market_quantity_max: market.max,
            notional_min: self.notional_min()?,
            contract_size: Qty::new(Decimal::ONE)
                .map_err(|_| BadAnswer::number("contract size"))?,
            taker_fee,
        })
    }

    fn filter(&self, name: &str) -> Option<&Filter> {
        self.filters.iter().find(|filter| filter.filter_type == name)
    }

    fn tick(&self) -> Result<Price, BadAnswer> {
        let filter = self.filter("PRICE_FILTER");
        let text = filter.and_then(|filter| filter.tick_size.as_deref());
        number::price(text.unwrap_or_default(), "tickSize")
    }

    fn lot(&self, name: &str) -> Result<LotRules, BadAnswer> {
        let filter = self.filter(name);
        let read = |pick: fn(&Filter) -> Option<&String>, field| {
            let text = filter.and_then(pick).map_or("", String::as_str);
            number::quantity(text, field)
        };
        Ok(LotRules {
            step: read(|filter| filter.step_size.as_ref(), "stepSize")?,
            min: read(|filter| filter.min_qty.as_ref(), "minQty")?,
            max: read(|filter| filter.max_qty.as_ref(), "maxQty")?,
        })
    }

    /// Not every instrument has one.
    fn notional_min(&self) -> Result<Qty, BadAnswer> {
        let filter = self.filter("MIN_NOTIONAL");
        match filter.and_then(|filter| filter.notional.as_deref()) {
            Some(text) => number::quantity(text, "notional"),
            None => Ok(Qty::ZERO),
        }
    }
}

#[derive(Clone, Copy)]
struct LotRules {
    step: Qty,
    min: Qty,
    max: Qty,
}

/// The account's fee rates in one instrument.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CommissionRate {
    pub(crate) taker_commission_rate: String,
}

/// Best prices.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BookTicker {
    bid_price: String,
    bid_qty: String,
    ask_price: String,
    ask_qty: String,
}

impl BookTicker {
    pub(crate) fn top(&self) -> Result<BookTop, BadAnswer> {
        Ok(BookTop {
            bid: number::book_side(&self.bid_price, &self.bid_qty, "bid")?,
            ask: number::book_side(&self.ask_price, &self.ask_qty, "ask")?,
        })
    }
}

/// Mark price and funding.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PremiumIndex {
    mark_price: String,
    #[serde(default)]
    last_funding_rate: String,
    #[serde(default)]
    next_funding_time: u64,
}

impl PremiumIndex {
    pub(crate) fn mark(&self) -> Result<Price, BadAnswer> {
        number::price(&self.mark_price, "markPrice")
    }

    /// Delivery contracts pay none: their rate is empty and their next time zero.
    pub(crate) fn funding(&self) -> Result<Option<Funding>, BadAnswer> {
        if self.last_funding_rate.is_empty() || self.next_funding_time == 0 {
            return Ok(None);
        }
        Ok(Some(Funding {
            rate: number::amount(&self.last_funding_rate, "lastFundingRate")?,
            next_at: number::time(self.next_funding_time, "nextFundingTime")?,
        }))
    }
}

/// The account as it is set up.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountConfig {
    pub(crate) can_trade: bool,
    pub(crate) dual_side_position: bool,
}

/// The position mode alone.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PositionSideMode {
    pub(crate) dual_side_position: bool,
}

/// One side of one position.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PositionRisk {
    symbol: String,
    position_side: String,
    position_amt: String,
}

/// Both sides of the position in one instrument. An instrument without position and orders is not listed.
pub(crate) fn position(rows: &[PositionRisk], symbol: &Symbol) -> Result<Position, BadAnswer> {
    let mut position = Position { long: Qty::ZERO, short: Qty::ZERO };
    for row in rows.iter().filter(|row| row.symbol == symbol.as_str()) {
        let amount = number::amount(&row.position_amt, "positionAmt")?;
        let long = match row.position_side.as_str() {
            "LONG" => true,
            "SHORT" => false,
            "BOTH" => amount.get() >= Decimal::ZERO,
            _ => return Err(BadAnswer::text("positionSide")),
        };
        let side = if long { &mut position.long } else { &mut position.short };
        *side = side.plus(amount.magnitude());
    }
    Ok(position)
}

/// One asset of the account.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AssetBalance {
    asset: String,
    balance: String,
    available_balance: String,
}

impl AssetBalance {
    /// `None` for nothing, and for an asset whose name the engine could not write.
    pub(crate) fn balance(&self) -> Result<Option<Balance>, BadAnswer> {
        let total = number::amount(&self.balance, "balance")?;
        let Ok(asset) = Asset::new(&self.asset) else {
            tracing::warn!("a balance is left out: its asset's name is not plain ASCII");
            return Ok(None);
        };
        Ok((!total.is_zero()).then_some(Balance {
            asset,
            total,
            available: number::amount(&self.available_balance, "availableBalance")?,
        }))
    }
}
