//! The adapter between an engine and an exchange in memory.
//!
//! Cutting it is what a kill looks like from there: nothing further arrives, and nobody hears an answer.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use equipoise_core::{
    AccountId, BookTop, Instrument, InstrumentKind, OrderEnd, OrderRequest, OrderSnapshot,
    OrderState, PositionMode, Qty, Refusal, RefusalKind, Symbol, VenueMillis, VenueTraits,
};
use equipoise_port::{
    Account, Balance, CancelAnswer, Clock, OrderRef, OrderTerms, PlaceError, Position, Purpose,
    QueryError, Quote, Venue,
};

use super::exchange::{Call, Exchange, OnPlace, Placed};
use super::setup::of;

/// How one engine reaches an exchange.
pub(crate) struct Wire {
    exchange: Arc<Exchange>,
    cut: Arc<AtomicBool>,
}

impl Wire {
    pub(crate) fn new(exchange: Arc<Exchange>, cut: Arc<AtomicBool>) -> Arc<Self> {
        Arc::new(Self { exchange, cut })
    }

    async fn heard(&self) {
        if self.cut.load(Ordering::SeqCst) {
            pending::<()>().await;
        }
    }

    async fn called(&self, kind: &'static str, call: Call) -> Result<(), QueryError> {
        self.heard().await;
        let (latency_ms, failure) = {
            let now = self.exchange.clock.now();
            let mut state = self.exchange.state();
            if state.panics.take_if(|panics| *panics == kind).is_some() {
                drop(state);
                panic!("scripted panic in {kind}");
            }
            state.calls.push((now, call.clone()));
            let extra = if call == Call::ServerTime { state.server_time_latency_ms } else { 0 };
            (state.latency_ms + extra, state.failures.get(kind).cloned())
        };
        if latency_ms > 0 {
            tokio::time::sleep(Duration::from_millis(latency_ms)).await;
        }
        self.heard().await;
        failure.map_or(Ok(()), Err)
    }

    async fn placed(&self, order: &OrderRequest) -> Result<OrderSnapshot, PlaceError> {
        let unknown = || PlaceError::Unknown("connection reset".into());
        self.called("place", Call::Place(order.clone())).await.map_err(|_| unknown())?;
        let exchange = &self.exchange;
        let what = {
            let mut state = exchange.state();
            if let Some(look) = &state.before_place {
                look(order);
            }
            if state.refused_side == Some(order.side) {
                OnPlace::Refuse(RefusalKind::Final)
            } else {
                state.script.pop_front().unwrap_or(OnPlace::Fill)
            }
        };
        let acknowledged = |snapshot: OrderSnapshot| OrderSnapshot {
            fills: Vec::new(),
            executed: Qty::ZERO,
            state: OrderState::Open,
            ..snapshot
        };
        let answer = match what {
            OnPlace::Fill => Ok(acknowledged(exchange.accept(order, "1000000"))),
            OnPlace::Partial(executed) => Ok(acknowledged(exchange.accept(order, executed))),
            OnPlace::Rest => Ok(exchange.accept(order, "0")),
            OnPlace::FillUnheard => {
                exchange.accept(order, "1000000");
                Err(unknown())
            }
            OnPlace::Lose => Err(unknown()),
            OnPlace::LoseAndBust => {
                exchange.bust(0);
                Err(unknown())
            }
            OnPlace::NotSent => Err(PlaceError::NotSent("connection refused".into())),
            OnPlace::Refuse(kind) => {
                let (code, message) = ("-2019".into(), "margin is insufficient".into());
                Err(PlaceError::Refused(Refusal { kind, code, message }))
            }
            OnPlace::Panic => panic!("scripted panic in place"),
            OnPlace::Hang => pending().await,
        };
        self.heard().await;
        answer
    }
}

#[async_trait]
impl Venue for Wire {
    fn traits(&self) -> &VenueTraits {
        &self.exchange.traits
    }

    fn account_id(&self) -> Option<AccountId> {
        self.exchange.state().account.map(of)
    }

    async fn server_time(&self) -> Result<VenueMillis, QueryError> {
        self.called("server_time", Call::ServerTime).await?;
        Ok(self.exchange.time())
    }

    async fn account(&self, _: &[Symbol]) -> Result<Account, QueryError> {
        self.called("account", Call::Account).await?;
        let state = self.exchange.state();
        let position_mode = state.position_mode.unwrap_or(PositionMode::OneWay);
        Ok(Account { position_mode, can_trade: !state.trading_disallowed, margin_mode: None })
    }

    async fn instrument(&self, symbol: &Symbol) -> Result<Instrument, QueryError> {
        self.called("instrument", Call::Instrument).await?;
        Ok(Instrument {
            symbol: symbol.clone(),
            kind: InstrumentKind::Linear,
            base: of(symbol.as_str().strip_suffix("USDT").unwrap_or("BTC")),
            quote: of("USDT"),
            settle: of("USDT"),
            tick: of("0.1"),
            lot: of("0.001"),
            quantity_min: of("0.001"),
            quantity_max: of("1000"),
            market_quantity_max: of("120"),
            notional_min: of("5"),
            contract_size: of("1"),
            taker_fee: of("0.0005"),
        })
    }

    async fn quote(&self, _: &Symbol) -> Result<Quote, QueryError> {
        self.called("quote", Call::Quote).await?;
        let book =
            BookTop { bid: Some((of("65000"), of("5"))), ask: Some((of("65000.1"), of("5"))) };
        Ok(Quote { book, mark: of("65000"), funding: None })
    }

    async fn position(&self, _: &Symbol) -> Result<Position, QueryError> {
        self.called("position", Call::Position).await?;
        let net = self.exchange.net();
        let units = net.magnitude();
        let (long, short) =
            if net.get().is_sign_negative() { (Qty::ZERO, units) } else { (units, Qty::ZERO) };
        Ok(Position { long, short })
    }

    async fn balances(&self) -> Result<Vec<Balance>, QueryError> {
        Ok(Vec::new())
    }

    async fn reserve(&self, purpose: Purpose) -> Result<(), QueryError> {
        self.called("reserve", Call::Reserve(purpose)).await
    }

    async fn place(&self, order: &OrderRequest) -> Result<OrderSnapshot, PlaceError> {
        self.placed(order).await
    }

    async fn find(&self, order: &OrderRef) -> Result<Vec<OrderSnapshot>, QueryError> {
        self.called("find", Call::Find).await?;
        let matches = |placed: &Placed| match &order.venue_order {
            Some(id) => placed.snapshot.venue_order == *id,
            None => placed.snapshot.client_id == order.client_id,
        };
        let found: Vec<_> = self.exchange.orders().into_iter().filter(matches).collect();
        let differs =
            |placed: &Placed| order.terms.is_some_and(|it| it != OrderTerms::of(&placed.request));
        if found.iter().any(differs) {
            return Err(QueryError::OtherOrder("of other content".into()));
        }
        Ok(found.into_iter().map(|placed| placed.snapshot).collect())
    }

    async fn orders_since(
        &self,
        symbol: &Symbol,
        since: VenueMillis,
    ) -> Result<Vec<OrderSnapshot>, QueryError> {
        self.called("list", Call::List).await?;
        let orders = self.exchange.orders().into_iter();
        let listed = orders.filter(|placed| placed.request.symbol == *symbol && placed.at >= since);
        let without_fills =
            listed.map(|placed| OrderSnapshot { fills: Vec::new(), ..placed.snapshot });
        Ok(without_fills.collect())
    }

    async fn cancel(&self, order: &OrderRef) -> Result<CancelAnswer, QueryError> {
        self.called("cancel", Call::Cancel).await?;
        let mut state = self.exchange.state();
        let open = state.orders.iter_mut().find(|placed| {
            placed.snapshot.client_id == order.client_id
                && placed.snapshot.state == OrderState::Open
        });
        let Some(open) = open else { return Ok(CancelAnswer::NotOpen) };
        let reason = "cancelled by request".to_owned();
        open.snapshot.state = OrderState::Ended(OrderEnd::Cancelled { reason });
        Ok(CancelAnswer::Acknowledged)
    }
}
