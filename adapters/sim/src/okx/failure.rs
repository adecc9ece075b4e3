//! OKX's codes and texts.
//!
//! Source: OKX v5 docs, Error Code, REST API, read 2026-11-22.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::respond;
use crate::exchange::checks::Refusal;

/// A refusal: of a whole request, or of one order in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) status: u16,
    pub(super) code: u32,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn refused(code: u32, message: impl Into<String>) -> Self {
        Self { status: 200, code, message: message.into() }
    }

    pub(super) fn unauthorised(code: u32, message: impl Into<String>) -> Self {
        Self { status: 401, code, message: message.into() }
    }

    pub(super) fn malformed() -> Self {
        Self { status: 400, code: 50002, message: "JSON syntax error".to_owned() }
    }

    pub(super) fn parameter(name: &str) -> Self {
        Self::refused(51000, format!("Parameter {name} error"))
    }

    pub(super) fn missing(name: &str) -> Self {
        Self { status: 400, code: 50014, message: format!("Parameter {name} can not be empty.") }
    }

    pub(super) fn unknown_instrument() -> Self {
        Self::refused(51001, "Instrument ID doesn't exist.")
    }

    pub(super) fn no_such_order() -> Self {
        Self::refused(51603, "Order does not exist")
    }

    pub(super) fn not_cancellable() -> Self {
        Self::refused(
            51400,
            "Order cancellation failed as the order has been filled, canceled or does not exist.",
        )
    }

    pub(super) fn not_amendable() -> Self {
        Self::refused(
            51503,
            "Order modification failed as the order has been filled, canceled or does not exist.",
        )
    }

    pub(super) fn too_many_requests() -> Self {
        Self { status: 429, code: 50011, message: "Too Many Requests".to_owned() }
    }

    /// `expTime` was in the past on arrival.
    pub(super) fn late_on_arrival() -> Self {
        Self::refused(
            50036,
            "The expTime can't be earlier than the current system time. Please adjust the expTime and try again.",
        )
    }

    /// `expTime` passed before the order was processed.
    pub(super) fn expired() -> Self {
        Self::refused(50037, "Order expired.")
    }

    /// The answer when the whole request is refused.
    pub(super) fn response(&self) -> Response<Bytes> {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let body = json!({ "code": self.code.to_string(), "data": [], "msg": self.message });
        respond(status, &body)
    }

    /// The entry of an order that was refused.
    pub(super) fn entry(&self, order_id: &str, client_id: &str, now_ms: u64) -> Value {
        json!({
            "ordId": order_id,
            "clOrdId": client_id,
            "tag": "",
            "ts": now_ms.to_string(),
            "sCode": self.code.to_string(),
            "sMsg": self.message,
        })
    }
}

/// The body of an unknown path. Source: as above, 404; the text is as users report it.
pub(super) fn unknown_path() -> Response<Bytes> {
    let body = json!({ "code": "404", "data": [], "msg": "Not Found" });
    respond(StatusCode::NOT_FOUND, &body)
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let (code, message) = match refusal {
            Refusal::UnknownSymbol => return Self::unknown_instrument(),
            Refusal::QuantityZero => return Self::parameter("sz"),
            Refusal::QuantityPrecision | Refusal::QuantityStep => {
                (51121, "Order quantity must be a multiple of the lot size.")
            }
            Refusal::QuantityTooSmall | Refusal::NotionalTooSmall(_) => {
                (51020, "Your order should meet or exceed the minimum order amount.")
            }
            Refusal::QuantityTooLarge => (51005, "Your order amount exceeds the max order amount."),
            // No code of its own is documented for a price off the tick.
            Refusal::PriceZero | Refusal::PricePrecision | Refusal::PriceTick => {
                return Self::parameter("px");
            }
            Refusal::PriceTooLow => (51122, "Order price must be higher than the minimum price."),
            Refusal::PriceTooHigh => (51116, "Order price exceeds the limit."),
            Refusal::PriceAboveBand(limit) | Refusal::PriceBelowBand(limit) => {
                let text = format!(
                    "The order price is not within the price limit ({})",
                    limit.normalize()
                );
                return Self::refused(51006, text);
            }
            Refusal::DuplicateId => (51016, "Client order ID already exists."),
            Refusal::PositionSide => return Self::parameter("posSide"),
            Refusal::NothingToReduce => (
                51169,
                "Order failed because you don't have any positions in this direction to reduce or close.",
            ),
            Refusal::SameSideAsPosition => (
                51170,
                "Failed to place order. A reduce-only order can't be the same trading direction as your existing positions.",
            ),
            Refusal::MoreThanPosition => {
                (51112, "Close order size exceeds available size for this position.")
            }
            Refusal::Margin => (51008, "Order failed. Insufficient USDT margin in account"),
            Refusal::Balance => (51008, "Order failed. Insufficient balance in account"),
            // Accepted and then cancelled at this venue; kept for a policy that says otherwise.
            Refusal::WouldTake | Refusal::CannotFill => return Self::parameter("ordType"),
            Refusal::TooManyOpenOrders => (51025, "Order count exceeds the limit."),
        };
        Self::refused(code, message)
    }
}
