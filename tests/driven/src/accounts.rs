//! What the exchanges' ledgers and the journal say, in plain numbers, without the engine's own arithmetic.

use std::collections::{BTreeMap, BTreeSet};

use equipoise_core::{OrderTag, Record, Role, Side};
use equipoise_sim::{Ledger, Order};
use rust_decimal::Decimal;

use crate::plans::VENUES;

/// One intent of a batch.
#[derive(Debug, Clone)]
pub(crate) struct Intent {
    pub(crate) tag: OrderTag,
    pub(crate) leg_name: String,
    pub(crate) exchange: usize,
    pub(crate) symbol: String,
    pub(crate) side: Side,
    pub(crate) quantity: Decimal,
    pub(crate) reduce_only: bool,
}

/// A trade as both books must have it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TradeRow {
    pub(crate) client_id: String,
    order_id: String,
    trade: u64,
    price: Decimal,
    quantity: Decimal,
    fee: Decimal,
    fee_asset: String,
}

/// Every intent of a batch by client id.
pub(crate) fn intents(records: &[Record]) -> BTreeMap<String, Intent> {
    let Some(Record::Admitted(spec)) = records.first() else {
        return BTreeMap::new();
    };
    let mut intents = BTreeMap::new();
    for record in records {
        let Record::Intent { tag, request, .. } = record else { continue };
        let leg = &spec.legs[usize::from(tag.leg)];
        let venue = VENUES.iter().position(|name| *name == leg.venue.as_str());
        let intent = Intent {
            tag: *tag,
            leg_name: leg.name.to_string(),
            exchange: venue.unwrap_or(usize::MAX),
            symbol: request.symbol.to_string(),
            side: request.side,
            quantity: request.quantity.get(),
            reduce_only: request.reduce_only,
        };
        intents.insert(request.client_id.to_string(), intent);
    }
    intents
}

/// The ledgers' orders of one batch.
pub(crate) fn orders<'a>(
    ledgers: &'a [Ledger; 2],
    intents: &'a BTreeMap<String, Intent>,
) -> impl Iterator<Item = (&'a Intent, &'a Order)> {
    (0..2).flat_map(move |exchange| {
        ledgers[exchange].orders.iter().filter_map(move |order| {
            let intent = intents.get(&order.client_order_id)?;
            (intent.exchange == exchange).then_some((intent, order))
        })
    })
}

/// Executed base units with their sign.
pub(crate) fn signed(order: &Order) -> Decimal {
    match order.side {
        equipoise_sim::Side::Buy => order.executed,
        equipoise_sim::Side::Sell => -order.executed,
    }
}

/// `BTC` of `BTCUSDT`.
pub(crate) fn underlying(symbol: &str) -> &str {
    symbol.strip_suffix("USDT").unwrap_or(symbol)
}

/// Net delta by underlying as the ledgers show it; zeros are left out.
pub(crate) fn deltas<'a>(
    orders: impl Iterator<Item = (&'a Intent, &'a Order)>,
) -> BTreeMap<String, Decimal> {
    let mut deltas: BTreeMap<String, Decimal> = BTreeMap::new();
    for (_, order) in orders {
        *deltas.entry(underlying(&order.symbol).to_owned()).or_default() += signed(order);
    }
    deltas.retain(|_, delta| !delta.is_zero());
    deltas
}

/// What each leg's entries executed, by leg name.
pub(crate) fn entered<'a>(
    orders: impl Iterator<Item = (&'a Intent, &'a Order)>,
) -> BTreeMap<String, Decimal> {
    let mut entered: BTreeMap<String, Decimal> = BTreeMap::new();
    for (intent, order) in orders {
        if intent.tag.role == Role::Entry {
            *entered.entry(intent.leg_name.clone()).or_default() += order.executed;
        }
    }
    entered
}

/// The ledgers' trades of one batch.
pub(crate) fn ledger_trades<'a>(
    orders: impl Iterator<Item = (&'a Intent, &'a Order)>,
) -> BTreeSet<TradeRow> {
    let rows = |order: &'a Order| {
        order.trades.iter().map(move |trade| TradeRow {
            client_id: order.client_order_id.clone(),
            order_id: order.order_id.clone(),
            trade: trade.id,
            price: trade.price,
            quantity: trade.quantity,
            fee: trade.fee,
            fee_asset: trade.fee_asset.clone(),
        })
    };
    orders.flat_map(|(_, order)| rows(order)).collect()
}

/// The journal's trades of one batch, and whether one of them is there twice.
pub(crate) fn journal_trades(records: &[Record]) -> (BTreeSet<TradeRow>, bool) {
    let mut clients = BTreeMap::new();
    let (mut rows, mut repeated) = (BTreeSet::new(), false);
    for record in records {
        match record {
            Record::Intent { tag, request, .. } => {
                clients.insert(*tag, request.client_id.to_string());
            }
            Record::Filled { tag, venue_order, fill, .. } => {
                let row = TradeRow {
                    client_id: clients.get(tag).cloned().unwrap_or_default(),
                    order_id: venue_order.to_string(),
                    trade: trade_number(fill.trade.as_str()),
                    price: fill.price.get(),
                    quantity: fill.quantity.get(),
                    fee: fill.fee.get(),
                    fee_asset: fill.fee_asset.to_string(),
                };
                repeated |= !rows.insert(row);
            }
            _ => {}
        }
    }
    (rows, repeated)
}

/// The number behind a trade id: one exchange shows it as it is, the other as the last group of a UUID.
fn trade_number(shown: &str) -> u64 {
    let number = match shown.rsplit_once('-') {
        Some((_, last)) => u64::from_str_radix(last, 16),
        None => shown.parse(),
    };
    number.unwrap_or(u64::MAX)
}
