//! Deribit's codes and texts.
//!
//! Source: Deribit docs, RPC Error Codes and JSON-RPC, read 2026-11-22.

use http::StatusCode;

use super::wire::plain;
use crate::exchange::checks::Refusal;

/// An error answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) code: i64,
    pub(super) message: String,
    /// Reason and parameter, where the venue tells.
    pub(super) data: Option<(String, Option<String>)>,
}

impl Failure {
    pub(super) fn refused(code: i64, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.into(), data: None }
    }

    fn because(self, reason: &str, param: Option<&str>) -> Self {
        Self { data: Some((reason.to_owned(), param.map(str::to_owned))), ..self }
    }

    pub(super) fn unparsable() -> Self {
        Self::refused(-32700, "Parse error")
    }

    pub(super) fn unknown_method() -> Self {
        Self::refused(-32601, "Method not found")
    }

    pub(super) fn invalid(param: &str) -> Self {
        Self::refused(-32602, "Invalid params").because("wrong format", Some(param))
    }

    pub(super) fn missing(param: &str) -> Self {
        Self::refused(-32602, "Invalid params").because("value required", Some(param))
    }

    pub(super) fn authorization_required() -> Self {
        Self::refused(10000, "authorization_required")
    }

    pub(super) fn invalid_credentials() -> Self {
        Self::refused(13004, "invalid_credentials")
    }

    /// Of a token or a signature.
    pub(super) fn unauthorized(reason: &str) -> Self {
        Self::refused(13009, "unauthorized").because(reason, None)
    }

    pub(super) fn forbidden() -> Self {
        Self::refused(13021, "forbidden").because("insufficient scope", None)
    }

    pub(super) fn too_many_requests() -> Self {
        Self::refused(10028, "too_many_requests")
    }

    pub(super) fn unknown_instrument() -> Self {
        Self::refused(13020, "not_found").because("instrument not found", Some("instrument_name"))
    }

    pub(super) fn order_not_found() -> Self {
        Self::refused(10004, "order_not_found")
    }

    pub(super) fn not_open_order() -> Self {
        Self::refused(11044, "not_open_order")
    }

    /// `valid_until` had passed when the engine came to the request.
    pub(super) fn timed_out() -> Self {
        Self::refused(13888, "timed_out")
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let (code, message) = match refusal {
            Refusal::UnknownSymbol => return Self::unknown_instrument(),
            Refusal::QuantityZero => (10021, "invalid_amount"),
            Refusal::QuantityPrecision | Refusal::QuantityStep => {
                return Self::refused(-32602, "Invalid params")
                    .because("must be a multiple of contract size", Some("amount"));
            }
            Refusal::QuantityTooSmall => (10002, "qty_too_low"),
            Refusal::QuantityTooLarge => (10021, "invalid_amount"),
            Refusal::NotionalTooSmall(_) => (10032, "whole_cost_too_low"),
            Refusal::PriceZero => (10023, "invalid_price"),
            Refusal::PricePrecision | Refusal::PriceTick => (10043, "price_wrong_tick"),
            Refusal::PriceTooLow => (10011, "price_not_allowed"),
            Refusal::PriceTooHigh => (10011, "price_not_allowed"),
            Refusal::PriceAboveBand(limit) => {
                return Self::refused(10007, format!("price_too_high {}", plain(limit)));
            }
            Refusal::PriceBelowBand(limit) => {
                return Self::refused(10005, format!("price_too_low {}", plain(limit)));
            }
            // No code of its own is documented for an order that would not reduce.
            Refusal::NothingToReduce | Refusal::SameSideAsPosition | Refusal::MoreThanPosition => {
                (11030, "other_reject reduce_only")
            }
            Refusal::Margin | Refusal::Balance => (10009, "not_enough_funds"),
            Refusal::WouldTake => (11054, "post_only_reject"),
            Refusal::TooManyOpenOrders => (11013, "max_open_orders"),
            // There are no unique ids, no hedge mode, and a fill-or-kill order is accepted and cancelled.
            Refusal::DuplicateId | Refusal::PositionSide | Refusal::CannotFill => {
                (11030, "other_reject")
            }
        };
        Self::refused(code, message)
    }
}
