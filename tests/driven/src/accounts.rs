//! What the exchanges' ledgers and the journal say, in plain numbers, without the engine's own arithmetic.

use std::collections::{BTreeMap, BTreeSet};

use equipoise_core::{OrderTag, Record, Role, Side};
use equipoise_sim::{Instrument, InstrumentKind, Ledger, Order, Trade};
use rust_decimal::Decimal;

use crate::places::Place;

/// Decimals to which contracts of a quote value are counted in base units (K7).
const BASE_DECIMALS: u32 = 12;

/// One exchange's own account, and its rules.
pub(crate) struct Book {
    pub(crate) place: &'static Place,
    pub(crate) ledger: Ledger,
    pub(crate) instruments: BTreeMap<&'static str, Instrument>,
}

/// All of them.
pub(crate) struct Books(pub(crate) Vec<Book>);

/// Reference prices a batch was admitted at, by underlying (K7).
pub(crate) type References = BTreeMap<(String, String), Decimal>;

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

impl Books {
    /// The number of the exchange a venue name stands for.
    pub(crate) fn exchange(&self, venue: &str) -> Option<usize> {
        self.0.iter().position(|book| book.place.adapter == venue)
    }

    pub(crate) fn instrument(&self, venue: &str, symbol: &str) -> Option<&Instrument> {
        self.0.get(self.exchange(venue)?)?.instruments.get(symbol)
    }

    fn instrument_of(&self, exchange: usize, order: &Order) -> &Instrument {
        self.0[exchange]
            .instruments
            .get(order.symbol.as_str())
            .expect("orders are for what the exchange lists")
    }

    /// Every intent of a batch by client id.
    pub(crate) fn intents(&self, records: &[Record]) -> BTreeMap<String, Intent> {
        let Some(Record::Admitted(spec)) = records.first() else {
            return BTreeMap::new();
        };
        let mut intents = BTreeMap::new();
        for record in records {
            let Record::Intent { tag, request, .. } = record else { continue };
            let leg = &spec.legs[usize::from(tag.leg)];
            let intent = Intent {
                tag: *tag,
                leg_name: leg.name.to_string(),
                exchange: self.exchange(leg.venue.as_str()).unwrap_or(usize::MAX),
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
        &'a self,
        intents: &'a BTreeMap<String, Intent>,
    ) -> impl Iterator<Item = (&'a Intent, &'a Order)> {
        self.0.iter().enumerate().flat_map(move |(exchange, book)| {
            book.ledger.orders.iter().filter_map(move |order| {
                let intent = intents.get(&order.client_order_id)?;
                (intent.exchange == exchange).then_some((intent, order))
            })
        })
    }

    /// Net delta by underlying as the ledgers show it: units are netted per instrument and then converted once (K7).
    /// Zeros are left out.
    pub(crate) fn deltas<'a>(
        &self,
        orders: impl Iterator<Item = (&'a Intent, &'a Order)>,
        references: &References,
    ) -> BTreeMap<String, Decimal> {
        let mut units: BTreeMap<(usize, &str), (&Instrument, Decimal)> = BTreeMap::new();
        for (intent, order) in orders {
            let instrument = self.instrument_of(intent.exchange, order);
            let held = units
                .entry((intent.exchange, instrument.symbol))
                .or_insert((instrument, Decimal::ZERO));
            held.1 += received(instrument, order);
        }
        let mut deltas: BTreeMap<String, Decimal> = BTreeMap::new();
        for (instrument, units) in units.into_values() {
            let reference = reference(references, instrument).unwrap_or_default();
            *deltas.entry(instrument.base.to_owned()).or_default() +=
                base_of(instrument, units, reference);
        }
        deltas.retain(|_, delta| !delta.is_zero());
        deltas
    }

    /// What each leg holds by the ledgers, in its venue's unit, by leg name.
    pub(crate) fn held<'a>(
        &self,
        orders: impl Iterator<Item = (&'a Intent, &'a Order)>,
    ) -> BTreeMap<String, Decimal> {
        let mut held: BTreeMap<String, Decimal> = BTreeMap::new();
        for (intent, order) in orders {
            let instrument = self.instrument_of(intent.exchange, order);
            *held.entry(intent.leg_name.clone()).or_default() += received(instrument, order);
        }
        held
    }
}

/// Executed units with their sign, less what a spot trade paid in the asset it is about (K2).
fn received(instrument: &Instrument, order: &Order) -> Decimal {
    let one = |trade: &Trade| {
        let paid = if is_paid_in_base(instrument, trade) { trade.fee } else { Decimal::ZERO };
        order.side.signed(trade.quantity) - paid
    };
    order.trades.iter().map(one).sum()
}

/// Whether a trade's fee came out of what is traded.
pub(crate) fn is_paid_in_base(instrument: &Instrument, trade: &Trade) -> bool {
    instrument.kind == InstrumentKind::Spot && trade.fee_asset == instrument.base
}

/// Base units of so many venue units at a reference price; only contracts of a quote value lose digits.
pub(crate) fn base_of(instrument: &Instrument, units: Decimal, reference: Decimal) -> Decimal {
    let value = units * instrument.contract_size;
    match instrument.kind {
        InstrumentKind::Spot | InstrumentKind::Linear => value,
        InstrumentKind::Inverse if reference.is_zero() => Decimal::ZERO,
        InstrumentKind::Inverse => (value / reference).round_dp(BASE_DECIMALS),
    }
}

/// The smallest order at a price, in base units.
pub(crate) fn smallest(instrument: &Instrument, price: Decimal) -> Decimal {
    let step = instrument.step;
    let one = instrument.notional(Decimal::ONE, price);
    let worth = (instrument.notional_min / one / step).ceil() * step;
    base_of(instrument, step.max(instrument.quantity_min).max(worth), price)
}

/// The references in a batch's first record.
pub(crate) fn references(records: &[Record]) -> References {
    let Some(Record::Admitted(spec)) = records.first() else {
        return References::new();
    };
    let pairs = spec.references.iter();
    pairs.map(|(base, quote, price)| ((base.to_string(), quote.to_string()), price.get())).collect()
}

/// The reference of an instrument's pair.
pub(crate) fn reference(references: &References, instrument: &Instrument) -> Option<Decimal> {
    references.get(&(instrument.base.to_owned(), instrument.quote.to_owned())).copied()
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

/// The number behind a trade id: shown as it is, behind the name of a coin, or as the last group of a UUID.
fn trade_number(shown: &str) -> u64 {
    let number = match shown.rsplit_once('-') {
        Some((first, last)) if first.contains('-') => u64::from_str_radix(last, 16),
        Some((_, last)) => last.parse(),
        None => shown.parse(),
    };
    number.unwrap_or(u64::MAX)
}
