//! Bugs planted on purpose, between saga and world, to see that the checkers notice them.

use equipoise_core::{OrderEnd, OrderSnapshot, OrderState, Qty};
use serde::{Deserialize, Serialize};

/// One planted bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Plant {
    /// Orders leave before their intent is durable.
    SendBeforeSync,
    /// Appends are reported durable as soon as they are written.
    AcknowledgeBeforeSync,
    /// The deadline is computed again when an order is sent.
    DeadlineAtSend,
    /// An order is handed over twice.
    HandOverTwice,
    /// An answer that says nothing is taken for a refusal.
    UnknownAsRefused,
    /// The venue's time is taken from a clock that runs ahead.
    AbsenceByLocalClock,
    /// A cancel acknowledgement is taken for an end without fills.
    CancelAsNothingFilled,
    /// Only the first order under an id is looked at.
    SecondOrderDropped,
    /// Trades without the last one are passed on, with a quantity to match.
    LastTradeDropped,
    /// The owner epoch of an append is not checked.
    EpochNotChecked,
    /// A start acts without having asked first.
    ActBeforeAsking,
    /// The position is passed on with its sign turned.
    PositionTurned,
    /// A refusal is reported although the order was only lost on its way back.
    LostReplyAsRefused,
}

impl Plant {
    /// Every planted bug.
    pub const ALL: &[Self] = &[
        Self::SendBeforeSync,
        Self::AcknowledgeBeforeSync,
        Self::DeadlineAtSend,
        Self::HandOverTwice,
        Self::UnknownAsRefused,
        Self::AbsenceByLocalClock,
        Self::CancelAsNothingFilled,
        Self::SecondOrderDropped,
        Self::LastTradeDropped,
        Self::EpochNotChecked,
        Self::ActBeforeAsking,
        Self::PositionTurned,
        Self::LostReplyAsRefused,
    ];
}

/// The snapshot without its last trade.
pub(crate) fn without_last_trade(mut snapshot: OrderSnapshot) -> OrderSnapshot {
    if snapshot.fills.len() > 1
        && let Some(last) = snapshot.fills.pop()
    {
        snapshot.executed = snapshot.executed.minus(last.quantity);
    }
    snapshot
}

/// What a cancel acknowledgement is wrongly taken for.
pub(crate) fn ended_with_nothing(order: &equipoise_core::Order) -> Option<OrderSnapshot> {
    let venue_order = order.at_venue.keys().next()?.clone();
    let state = OrderState::Ended(OrderEnd::Cancelled { reason: String::new() });
    let client_id = order.request.client_id.clone();
    let executed = Qty::ZERO;
    Some(OrderSnapshot {
        venue_order,
        client_id,
        state,
        executed,
        fills: Vec::new(),
        busted: Vec::new(),
    })
}
