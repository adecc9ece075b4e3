//! The fields of the exchange's answers that are used, and what they mean.
//!
//! Numbers and times come as texts, empty where there is none.
//! Source: Bybit v5 Get Open & Closed Orders, Get Order History, Get Trade History, Get Position Info,
//! Get Wallet Balance, Get Instruments Info, Get Tickers, Get API Key Information, read 2026-11-22.

use equipoise_core::{
    Amount, Asset, BookTop, ClientOrderId, Fill, Funding, Instrument, InstrumentKind, OrderEnd,
    OrderSnapshot, OrderState, PositionMode, Price, Qty, Symbol, TradeId, VenueMillis,
    VenueOrderId,
};
use equipoise_port::{Balance, Position};
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::answer::BadAnswer;
use crate::number;

/// What surrounds every result; the codes in it are read before.
#[derive(Deserialize)]
pub(crate) struct Envelope<T> {
    pub(crate) result: T,
}

/// A page of a listing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page<T> {
    pub(crate) list: Vec<T>,
    #[serde(default)]
    pub(crate) next_page_cursor: String,
}

/// The venue's clock.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServerTime {
    time_nano: String,
}

impl ServerTime {
    pub(crate) fn time(&self) -> Result<VenueMillis, BadAnswer> {
        let digits = self.time_nano.bytes().all(|byte| byte.is_ascii_digit());
        match self.time_nano.parse::<u64>() {
            Ok(nanos) if digits => number::time(nanos / 1_000_000, "timeNano"),
            _ => Err(BadAnswer::number("timeNano")),
        }
    }
}

/// The acknowledgement of an order: it exists, nothing more.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Acknowledged {
    #[serde(default)]
    order_id: String,
    #[serde(default)]
    order_link_id: String,
}

impl Acknowledged {
    /// The order as far as an acknowledgement proves it.
    pub(crate) fn snapshot(&self, client_id: &ClientOrderId) -> Result<OrderSnapshot, BadAnswer> {
        if self.order_link_id != client_id.as_str() {
            return Err(BadAnswer::new("answer names another order"));
        }
        Ok(OrderSnapshot {
            venue_order: VenueOrderId::new(&self.order_id)
                .map_err(|_| BadAnswer::text("orderId"))?,
            client_id: client_id.clone(),
            state: OrderState::Open,
            executed: Qty::ZERO,
            fills: Vec::new(),
            busted: Vec::new(),
        })
    }
}

/// An order, as both listings show it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Order {
    pub(crate) order_id: String,
    pub(crate) order_link_id: String,
    pub(crate) symbol: String,
    order_status: String,
    #[serde(default)]
    cancel_type: String,
    #[serde(default)]
    reject_reason: String,
    cum_exec_qty: String,
    created_time: String,
    updated_time: String,
}

impl Order {
    /// When it was created by the venue's clock.
    pub(crate) fn created(&self) -> Result<VenueMillis, BadAnswer> {
        number::time_text(&self.created_time, "createdTime")
    }

    /// Which of two answers about one order is the later one.
    pub(crate) fn age_key(&self) -> (u64, Qty) {
        let updated = number::time_text(&self.updated_time, "updatedTime");
        let executed = number::quantity(&self.cum_exec_qty, "cumExecQty");
        (updated.map_or(0, |at| at.0), executed.unwrap_or(Qty::ZERO))
    }

    /// The order in the engine's words.
    pub(crate) fn snapshot(&self, fills: Vec<Fill>) -> Result<OrderSnapshot, BadAnswer> {
        let executed = number::quantity(&self.cum_exec_qty, "cumExecQty")?;
        Ok(OrderSnapshot {
            venue_order: VenueOrderId::new(&self.order_id)
                .map_err(|_| BadAnswer::text("orderId"))?,
            client_id: ClientOrderId::new(&self.order_link_id)
                .map_err(|_| BadAnswer::text("orderLinkId"))?,
            state: self.state(executed),
            executed,
            fills,
            busted: Vec::new(),
        })
    }

    /// A status not documented today leaves the order open: that assumes the most about what it may still do (R7).
    fn state(&self, executed: Qty) -> OrderState {
        OrderState::Ended(match self.order_status.as_str() {
            "Filled" => OrderEnd::Filled,
            "Cancelled" | "PartiallyFilledCanceled" | "Deactivated" => {
                OrderEnd::Cancelled { reason: self.reason() }
            }
            // A rejected order holds nothing; one that executed was not rejected.
            "Rejected" if executed.is_zero() => OrderEnd::Rejected { reason: self.reason() },
            "Rejected" => OrderEnd::Cancelled { reason: self.reason() },
            _ => return OrderState::Open,
        })
    }

    /// The first of both words that says something.
    fn reason(&self) -> String {
        let words = [&self.reject_reason, &self.cancel_type];
        let telling =
            words.into_iter().find(|word| !matches!(word.as_str(), "" | "EC_NoError" | "UNKNOWN"));
        telling.map_or_else(String::new, |word| word.chars().take(64).collect())
    }
}

/// One execution of the account.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Execution {
    pub(crate) order_id: String,
    pub(crate) symbol: String,
    pub(crate) exec_id: String,
    pub(crate) exec_type: String,
    #[serde(default)]
    pub(crate) fee_currency: String,
    exec_price: String,
    exec_qty: String,
    exec_fee: String,
    exec_time: String,
}

impl Execution {
    /// Only trades count for a leg; funding, settlement and moves between accounts do not.
    pub(crate) fn is_trade(&self) -> bool {
        self.exec_type == "Trade"
    }

    /// The execution in the engine's words. An empty fee currency means the settlement asset.
    pub(crate) fn fill(&self, settle: Option<&Asset>) -> Result<Fill, BadAnswer> {
        let fee_asset = match (self.fee_currency.as_str(), settle) {
            ("", Some(settle)) => settle.clone(),
            (text, _) => Asset::new(text).map_err(|_| BadAnswer::text("feeCurrency"))?,
        };
        Ok(Fill {
            trade: TradeId::new(&self.exec_id).map_err(|_| BadAnswer::text("execId"))?,
            price: number::price(&self.exec_price, "execPrice")?,
            quantity: number::quantity(&self.exec_qty, "execQty")?,
            fee: number::amount(&self.exec_fee, "execFee")?,
            fee_asset,
            at: number::time_text(&self.exec_time, "execTime")?,
        })
    }
}

/// One instrument.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InstrumentInfo {
    pub(crate) symbol: String,
    pub(crate) status: String,
    base_coin: String,
    quote_coin: String,
    settle_coin: String,
    price_filter: PriceFilter,
    lot_size_filter: LotSizeFilter,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PriceFilter {
    tick_size: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LotSizeFilter {
    qty_step: String,
    min_order_qty: String,
    max_order_qty: String,
    max_mkt_order_qty: String,
    #[serde(default)]
    min_notional_value: String,
}

impl InstrumentInfo {
    /// Asset of margin, profit and fees.
    pub(crate) fn settle(&self) -> Result<Asset, BadAnswer> {
        Asset::new(&self.settle_coin).map_err(|_| BadAnswer::text("settleCoin"))
    }

    /// The rules, with a taker fee read elsewhere.
    pub(crate) fn instrument(
        &self,
        symbol: &Symbol,
        taker_fee: Amount,
    ) -> Result<Instrument, BadAnswer> {
        let asset = |text: &str, field| Asset::new(text).map_err(|_| BadAnswer::text(field));
        let lots = &self.lot_size_filter;
        let notional_min = number::amount_or_zero(&lots.min_notional_value, "minNotionalValue")?;
        Ok(Instrument {
            symbol: symbol.clone(),
            kind: InstrumentKind::Linear,
            base: asset(&self.base_coin, "baseCoin")?,
            quote: asset(&self.quote_coin, "quoteCoin")?,
            settle: self.settle()?,
            tick: number::price(&self.price_filter.tick_size, "tickSize")?,
            lot: number::quantity(&lots.qty_step, "qtyStep")?,
            quantity_min: number::quantity(&lots.min_order_qty, "minOrderQty")?,
            quantity_max: number::quantity(&lots.max_order_qty, "maxOrderQty")?,
            market_quantity_max: number::quantity(&lots.max_mkt_order_qty, "maxMktOrderQty")?,
            notional_min: Qty::new(notional_min.get())
                .map_err(|_| BadAnswer::number("minNotionalValue"))?,
            contract_size: Qty::new(Decimal::ONE)
                .map_err(|_| BadAnswer::number("contract size"))?,
            taker_fee,
        })
    }
}

/// The account's fee rates in one instrument.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FeeRate {
    pub(crate) symbol: String,
    pub(crate) taker_fee_rate: String,
}

/// Best prices, mark price and funding.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ticker {
    pub(crate) symbol: String,
    bid1_price: String,
    bid1_size: String,
    ask1_price: String,
    ask1_size: String,
    mark_price: String,
    #[serde(default)]
    funding_rate: String,
    #[serde(default)]
    next_funding_time: String,
}

impl Ticker {
    pub(crate) fn top(&self) -> Result<BookTop, BadAnswer> {
        Ok(BookTop {
            bid: number::book_side(&self.bid1_price, &self.bid1_size, "bid")?,
            ask: number::book_side(&self.ask1_price, &self.ask1_size, "ask")?,
        })
    }

    pub(crate) fn mark(&self) -> Result<Price, BadAnswer> {
        number::price(&self.mark_price, "markPrice")
    }

    /// Delivery contracts pay none: their rate is empty.
    pub(crate) fn funding(&self) -> Result<Option<Funding>, BadAnswer> {
        if self.funding_rate.is_empty() || matches!(self.next_funding_time.as_str(), "" | "0") {
            return Ok(None);
        }
        Ok(Some(Funding {
            rate: number::amount(&self.funding_rate, "fundingRate")?,
            next_at: number::time_text(&self.next_funding_time, "nextFundingTime")?,
        }))
    }
}

/// What the key may do.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiKey {
    read_only: i64,
    permissions: Permissions,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Permissions {
    #[serde(default)]
    contract_trade: Vec<String>,
    #[serde(default)]
    derivatives: Vec<String>,
}

impl ApiKey {
    pub(crate) fn can_trade(&self) -> bool {
        let permissions = &self.permissions;
        let orders = permissions.contract_trade.iter().any(|word| word == "Order");
        let derivatives = permissions.derivatives.iter().any(|word| word == "DerivativesTrade");
        self.read_only == 0 && (orders || derivatives)
    }
}

/// The kind of account.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountInfo {
    unified_margin_status: i64,
}

impl AccountInfo {
    /// Kinds below 3 are classic accounts, whose listings and balances follow other rules.
    /// Source: Bybit v5 Enum Definitions, unifiedMarginStatus, read 2026-11-22.
    pub(crate) fn is_unified(&self) -> bool {
        self.unified_margin_status >= 3
    }
}

/// One side of one position.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PositionRow {
    pub(crate) symbol: String,
    pub(crate) position_idx: u8,
    #[serde(default)]
    side: String,
    #[serde(default)]
    size: String,
}

/// Both sides of the position in one instrument.
pub(crate) fn position(rows: &[PositionRow], symbol: &Symbol) -> Result<Position, BadAnswer> {
    let mut position = Position { long: Qty::ZERO, short: Qty::ZERO };
    for row in rows.iter().filter(|row| row.symbol == symbol.as_str()) {
        let size = number::amount_or_zero(&row.size, "size")?;
        if size.is_zero() {
            continue;
        }
        // The size is never negative; the side says the direction in both modes.
        let size = Qty::new(size.get()).map_err(|_| BadAnswer::number("size"))?;
        match row.side.as_str() {
            "Buy" => position.long = position.long.plus(size),
            "Sell" => position.short = position.short.plus(size),
            _ => return Err(BadAnswer::text("side")),
        }
    }
    Ok(position)
}

/// The mode of one instrument. One that is not listed has no position, and one-way is what it starts in;
/// an order that does not fit the mode is refused with a documented code.
pub(crate) fn mode(rows: &[PositionRow], symbol: &Symbol) -> Result<PositionMode, BadAnswer> {
    let mut own = rows.iter().filter(|row| row.symbol == symbol.as_str());
    match own.next().map(|row| row.position_idx) {
        None | Some(0) => Ok(PositionMode::OneWay),
        Some(1 | 2) => Ok(PositionMode::Hedge),
        _ => Err(BadAnswer::new("position mode is not a documented one")),
    }
}

/// One kind of account with its coins.
#[derive(Deserialize)]
pub(crate) struct Wallet {
    pub(crate) coin: Vec<Coin>,
}

/// One asset of the account.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Coin {
    coin: String,
    wallet_balance: String,
    #[serde(default)]
    locked: String,
    #[serde(default, rename = "totalOrderIM")]
    total_order_im: String,
    #[serde(default, rename = "totalPositionIM")]
    total_position_im: String,
}

impl Coin {
    /// `None` for nothing, and for an asset whose name the engine could not write.
    ///
    /// The exchange states no available amount per coin any more: it is the balance less what orders and positions hold,
    /// which leaves out what other coins would lend it.
    pub(crate) fn balance(&self) -> Result<Option<Balance>, BadAnswer> {
        let total = number::amount_or_zero(&self.wallet_balance, "walletBalance")?;
        let Ok(asset) = Asset::new(&self.coin) else {
            tracing::warn!("a balance is left out: its asset's name is not plain ASCII");
            return Ok(None);
        };
        let held = number::amount_or_zero(&self.locked, "locked")?
            + number::amount_or_zero(&self.total_order_im, "totalOrderIM")?
            + number::amount_or_zero(&self.total_position_im, "totalPositionIM")?;
        let free = (total - held).get().max(Decimal::ZERO);
        Ok((!total.is_zero()).then_some(Balance { asset, total, available: Amount::from(free) }))
    }
}
