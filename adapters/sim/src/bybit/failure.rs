//! Bybit's codes and texts.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::category::Category;
use super::envelope;
use crate::exchange::checks::Refusal;

/// An error answer; most come with HTTP 200.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) status: u16,
    pub(super) code: i64,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn refused(code: i64, message: impl Into<String>) -> Self {
        Self { status: 200, code, message: message.into() }
    }

    pub(super) fn parameter() -> Self {
        Self::refused(10001, "Request parameter error.")
    }

    pub(super) fn unknown_symbol() -> Self {
        Self::refused(10001, "params error: symbol invalid")
    }

    pub(super) fn too_many_visits() -> Self {
        Self::refused(10006, "Too many visits. Exceeded the API Rate Limit.")
    }

    pub(super) fn response(&self, now_ms: u64) -> Response<Bytes> {
        let mut response =
            envelope(now_ms, self.code, &self.message, &Value::Object(serde_json::Map::new()));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        response
    }
}

/// The body of an unknown path is not documented; the status is.
pub(super) fn unknown_path() -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(b"404 page not found"));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

/// The address limit answers before the API does.
pub(super) fn too_frequent(now_ms: u64) -> Response<Bytes> {
    let body = json!({ "retCode": 10018, "retMsg": "access too frequent", "result": {}, "retExtInfo": {}, "time": now_ms });
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}

// Source: Bybit v5 Error Codes, read 2026-11-22; the texts under 10001 and 110017 are as users report them.
pub(super) fn refused(category: Category, refusal: Refusal) -> Failure {
    if category == Category::Spot {
        return refused_on_spot(refusal);
    }
    let (code, message) = match refusal {
        Refusal::UnknownSymbol => return Failure::unknown_symbol(),
        Refusal::QuantityZero | Refusal::QuantityPrecision | Refusal::QuantityStep => {
            (10001, "Qty invalid")
        }
        Refusal::QuantityTooSmall => {
            (10001, "The number of contracts exceeds minimum limit allowed")
        }
        Refusal::QuantityTooLarge => {
            (10001, "The number of contracts exceeds maximum limit allowed")
        }
        Refusal::PriceZero | Refusal::PricePrecision | Refusal::PriceTick => {
            (10001, "params error: price invalid")
        }
        Refusal::PriceTooLow | Refusal::PriceTooHigh => {
            (110_003, "Order price exceeds the allowable range.")
        }
        Refusal::PriceAboveBand(_) => {
            (110_120, "The buy order price exceeds the highest allowed price.")
        }
        Refusal::PriceBelowBand(_) => {
            (110_121, "The sell order price is below the lowest allowed price.")
        }
        Refusal::NotionalTooSmall(min) => {
            let text = format!("Order does not meet minimum order value {}USDT", min.normalize());
            return Failure::refused(110_094, text);
        }
        Refusal::DuplicateId => (110_072, "OrderLinkedID is duplicate"),
        Refusal::PositionSide => (10001, "position idx not match position mode"),
        Refusal::NothingToReduce => {
            (110_017, "current position is zero, cannot fix reduce-only order qty")
        }
        Refusal::SameSideAsPosition => {
            (110_017, "reduce-only order has same side with current position")
        }
        Refusal::MoreThanPosition => (110_017, "Reduce-only rule not satisfied"),
        Refusal::Margin | Refusal::Balance => (110_007, "ab not enough for new order"),
        // Accepted and then cancelled at this venue; kept for a policy that says otherwise.
        Refusal::WouldTake | Refusal::CannotFill => (10001, "Request parameter error."),
        Refusal::TooManyOpenOrders => (110_020, "Not allowed to have more than 500 active orders"),
    };
    Failure::refused(code, message)
}

// Source: Bybit v5 Error Codes, Spot Trade, read 2026-11-22.
fn refused_on_spot(refusal: Refusal) -> Failure {
    let (code, message) = match refusal {
        Refusal::UnknownSymbol => (170_121, "Invalid symbol.".to_owned()),
        Refusal::QuantityZero => {
            (170_130, "Data sent for parameter 'qty' is not valid.".to_owned())
        }
        Refusal::QuantityPrecision | Refusal::QuantityStep => {
            (170_137, "Order volume decimal too long".to_owned())
        }
        Refusal::QuantityTooSmall => (170_136, "Order quantity lower than the minimum.".to_owned()),
        Refusal::QuantityTooLarge => (170_124, "Order amount too large.".to_owned()),
        Refusal::PriceZero | Refusal::PriceTooLow => {
            (170_133, "Order price lower than the minimum.".to_owned())
        }
        Refusal::PriceTooHigh => (170_132, "Order price too high.".to_owned()),
        Refusal::PricePrecision | Refusal::PriceTick => {
            (170_134, "Order price decimal too long.".to_owned())
        }
        Refusal::PriceAboveBand(limit) => {
            (170_193, format!("Buy order price cannot be higher than {}.", limit.normalize()))
        }
        Refusal::PriceBelowBand(limit) => {
            (170_194, format!("Sell order price cannot be lower than {}.", limit.normalize()))
        }
        Refusal::NotionalTooSmall(_) => (170_140, "Order value exceeded lower limit.".to_owned()),
        Refusal::DuplicateId => (170_141, "Duplicate clientOrderId.".to_owned()),
        Refusal::Margin | Refusal::Balance => (170_131, "Insufficient balance.".to_owned()),
        Refusal::TooManyOpenOrders => (
            170_810,
            "Cannot exceed maximum of 500 conditional, TP/SL and active orders.".to_owned(),
        ),
        // Accepted and then cancelled, or impossible without positions; kept so that nothing is unanswered.
        Refusal::WouldTake
        | Refusal::CannotFill
        | Refusal::PositionSide
        | Refusal::NothingToReduce
        | Refusal::SameSideAsPosition
        | Refusal::MoreThanPosition => (170_210, "New order rejected.".to_owned()),
    };
    Failure::refused(code, message)
}
