//! Bugs of an adapter.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use equipoise_core::{
    Amount, Asset, Fill, Instrument, InstrumentKind, OrderRequest, OrderSnapshot, Qty, Refusal,
    RefusalKind, ResendClass, Symbol, TradeId, VenueMillis, VenueTraits,
};
use equipoise_port::{
    Account, Balance, CancelAnswer, OrderRef, PlaceError, Position, Purpose, QueryError, Quote,
    Venue,
};
use rust_decimal::Decimal;

use super::Plant;

/// An adapter with a bug.
pub(super) struct Bent {
    plant: Plant,
    traits: VenueTraits,
    inner: Arc<dyn Venue>,
    /// How often an order was shown.
    shown: AtomicU32,
}

impl Bent {
    pub(super) fn new(plant: Plant, inner: Arc<dyn Venue>) -> Self {
        let mut traits = inner.traits().clone();
        match plant {
            Plant::SentAgainOnClassB => {
                traits.class = ResendClass::A;
                traits.id_horizon_ms = 86_400_000;
            }
            Plant::MarginIgnored => traits.margin_ms = 0,
            _ => {}
        }
        Self { plant, traits, inner, shown: AtomicU32::new(0) }
    }

    fn shown(&self, mut orders: Vec<OrderSnapshot>) -> Vec<OrderSnapshot> {
        if self.plant == Plant::SecondOrderDropped {
            let mut seen = std::collections::BTreeSet::new();
            orders.retain(|order| seen.insert(order.client_id.clone()));
        }
        orders.into_iter().map(|order| self.one(order)).collect()
    }

    fn one(&self, mut order: OrderSnapshot) -> OrderSnapshot {
        match self.plant {
            Plant::LastTradeDropped if order.fills.len() > 1 => {
                if let Some(last) = order.fills.pop() {
                    order.executed = order.executed.minus(last.quantity);
                }
            }
            Plant::TradesUnderOneId => {
                let id = TradeId::new(order.venue_order.as_str()).ok();
                for fill in &mut order.fills {
                    fill.trade = id.clone().unwrap_or_else(|| fill.trade.clone());
                }
            }
            Plant::FeeAssetMistaken => {
                let quote = Asset::new("USDT").ok();
                for fill in &mut order.fills {
                    fill.fee_asset = quote.clone().unwrap_or_else(|| fill.fee_asset.clone());
                }
            }
            Plant::ExecutedCreeps if !order.executed.is_zero() => {
                let shown = self.shown.fetch_add(1, Ordering::Relaxed) + 1;
                let creep = Qty::new(Decimal::new(shown.into(), 8)).unwrap_or(Qty::ZERO);
                order.executed = order.executed.plus(creep);
            }
            Plant::FeesLeftOut => {
                let free = |fill: Fill| Fill { fee: Amount::ZERO, ..fill };
                order.fills = order.fills.into_iter().map(free).collect();
            }
            _ => {}
        }
        order
    }

    fn sent(&self, order: &OrderRequest) -> OrderRequest {
        let mut order = order.clone();
        match self.plant {
            Plant::DeadlineAtSend => order.deadline = order.deadline.plus_ms(500),
            Plant::RoundedUpAtSend => order.quantity = order.quantity.plus(order.quantity),
            Plant::FlagAtSend => order.reduce_only = true,
            _ => {}
        }
        order
    }
}

#[async_trait]
impl Venue for Bent {
    fn traits(&self) -> &VenueTraits {
        &self.traits
    }

    async fn server_time(&self) -> Result<VenueMillis, QueryError> {
        self.inner.server_time().await
    }

    async fn account(&self, symbols: &[Symbol]) -> Result<Account, QueryError> {
        self.inner.account(symbols).await
    }

    async fn instrument(&self, symbol: &Symbol) -> Result<Instrument, QueryError> {
        let mut instrument = self.inner.instrument(symbol).await?;
        match (self.plant, instrument.kind) {
            (Plant::ContractSizeForgotten, InstrumentKind::Linear | InstrumentKind::Inverse) => {
                instrument.contract_size = "1".parse().unwrap_or(instrument.contract_size);
            }
            (Plant::InverseAsLinear, InstrumentKind::Inverse) => {
                instrument.kind = InstrumentKind::Linear;
            }
            _ => {}
        }
        Ok(instrument)
    }

    async fn quote(&self, symbol: &Symbol) -> Result<Quote, QueryError> {
        self.inner.quote(symbol).await
    }

    async fn position(&self, symbol: &Symbol) -> Result<Position, QueryError> {
        let position = self.inner.position(symbol).await?;
        if self.plant == Plant::PositionTurned {
            return Ok(Position { long: position.short, short: position.long });
        }
        Ok(position)
    }

    async fn balances(&self) -> Result<Vec<Balance>, QueryError> {
        self.inner.balances().await
    }

    async fn reserve(&self, purpose: Purpose) -> Result<(), QueryError> {
        self.inner.reserve(purpose).await
    }

    async fn place(&self, order: &OrderRequest) -> Result<OrderSnapshot, PlaceError> {
        let order = self.sent(order);
        let placed = self.inner.place(&order).await;
        if self.plant == Plant::PlacedTwice {
            let _ = self.inner.place(&order).await;
        }
        match placed {
            Err(PlaceError::Unknown(why)) if self.plant == Plant::UnknownAsRefused => {
                let (kind, code) = (RefusalKind::Final, "planted".to_owned());
                Err(PlaceError::Refused(Refusal { kind, code, message: why }))
            }
            placed => placed.map(|order| self.one(order)),
        }
    }

    async fn find(&self, order: &OrderRef) -> Result<Vec<OrderSnapshot>, QueryError> {
        self.inner.find(order).await.map(|orders| self.shown(orders))
    }

    async fn orders_since(
        &self,
        symbol: &Symbol,
        since: VenueMillis,
    ) -> Result<Vec<OrderSnapshot>, QueryError> {
        match self.inner.orders_since(symbol, since).await {
            Err(_) if self.plant == Plant::ListingErrorAsEmpty => Ok(Vec::new()),
            orders => orders.map(|orders| self.shown(orders)),
        }
    }

    async fn cancel(&self, order: &OrderRef) -> Result<CancelAnswer, QueryError> {
        if self.plant == Plant::CancelNotSent {
            return Ok(CancelAnswer::Acknowledged);
        }
        self.inner.cancel(order).await
    }
}
