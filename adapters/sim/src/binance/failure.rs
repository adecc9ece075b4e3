//! Binance's codes and texts.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use serde_json::{Value, json};

use super::json_response;
use crate::exchange::checks::Refusal;
use crate::exchange::instrument::fixed;

/// An error answer.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) status: u16,
    pub(super) code: i64,
    pub(super) message: String,
    pub(super) retry_after_s: Option<u64>,
}

impl Failure {
    pub(super) fn refused(code: i64, message: impl Into<String>) -> Self {
        Self { status: 400, code, message: message.into(), retry_after_s: None }
    }

    pub(super) fn unauthorised(code: i64, message: &str) -> Self {
        Self { status: 401, ..Self::refused(code, message) }
    }

    pub(super) fn missing(name: &str) -> Self {
        let text =
            format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed.");
        Self::refused(-1102, text)
    }

    pub(super) fn illegal(name: &str, legal: &str) -> Self {
        Self::refused(
            -1100,
            format!("Illegal characters found in parameter '{name}'; legal range is '{legal}'."),
        )
    }

    pub(super) fn unneeded(name: &str) -> Self {
        Self::refused(-1106, format!("Parameter '{name}' sent when not required."))
    }

    pub(super) fn invalid(name: &str) -> Self {
        Self::refused(-1130, format!("Data sent for parameter '{name}' is not valid."))
    }

    pub(super) fn unknown_path(request: &Request<Bytes>) -> Self {
        let text = format!("Path {}, Method {} is invalid", request.uri().path(), request.method());
        Self { status: 404, ..Self::refused(-5000, text) }
    }

    pub(super) fn too_many_requests(retry_after_s: u64) -> Self {
        let text = "Too many requests; current limit of IP is 2400 requests per minute. \
                    Please use the websocket for live updates to avoid polling the API.";
        Self { status: 429, retry_after_s: Some(retry_after_s), ..Self::refused(-1003, text) }
    }

    pub(super) fn too_many_orders(limit: u32, interval: &str) -> Self {
        let text = format!("Too many new orders; current limit is {limit} orders per {interval}.");
        Self { status: 429, ..Self::refused(-1015, text) }
    }

    pub(super) fn value(&self) -> Value {
        json!({ "code": self.code, "msg": self.message })
    }

    pub(super) fn response(&self) -> Response<Bytes> {
        let mut response = json_response(&self.value());
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

// Source: Binance USDⓈ-M Error Codes, read 2026-11-22.
impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let (code, message) = match refusal {
            Refusal::UnknownSymbol => (-1121, "Invalid symbol.".to_owned()),
            Refusal::QuantityZero => (-4003, "Quantity less than or equal to zero.".to_owned()),
            Refusal::QuantityPrecision | Refusal::PricePrecision => {
                (-1111, "Precision is over the maximum defined for this asset.".to_owned())
            }
            Refusal::QuantityStep => (-4023, "Quantity not increased by step size.".to_owned()),
            Refusal::QuantityTooSmall => (-4004, "Quantity less than min quantity.".to_owned()),
            Refusal::QuantityTooLarge => (-4005, "Quantity greater than max quantity.".to_owned()),
            Refusal::PriceZero => (-4001, "Price less than 0.".to_owned()),
            Refusal::PriceTick => (-4014, "Price not increased by tick size.".to_owned()),
            Refusal::PriceTooLow => (-4013, "Price less than min price.".to_owned()),
            Refusal::PriceTooHigh => (-4002, "Price greater than max price.".to_owned()),
            Refusal::PriceAboveBand(limit) => {
                (-4016, format!("Limit price can't be higher than {}.", fixed(limit, 2)))
            }
            Refusal::PriceBelowBand(limit) => {
                (-4024, format!("Limit price can't be lower than {}.", fixed(limit, 2)))
            }
            Refusal::NotionalTooSmall(min) => {
                let text = "Order's notional must be no smaller than";
                (-4164, format!("{text} {} (unless you choose reduce only).", min.normalize()))
            }
            Refusal::DuplicateId => (-4116, "ClientOrderId is duplicated.".to_owned()),
            Refusal::PositionSide => {
                (-4061, "Order's position side does not match user's setting.".to_owned())
            }
            Refusal::NothingToReduce | Refusal::SameSideAsPosition | Refusal::MoreThanPosition => {
                (-2022, "ReduceOnly Order is rejected.".to_owned())
            }
            Refusal::Margin | Refusal::Balance => (-2019, "Margin is insufficient.".to_owned()),
            Refusal::WouldTake => {
                let text = "Due to the order could not be executed as maker, the Post Only order will be rejected. \
                            The order will not be recorded in the order history";
                (-5022, text.to_owned())
            }
            Refusal::CannotFill => {
                let text = "Due to the order could not be filled immediately, the FOK order has been rejected. \
                            The order will not be recorded in the order history";
                (-5021, text.to_owned())
            }
            Refusal::TooManyOpenOrders => (-2025, "Reach max open order limit.".to_owned()),
        };
        Self::refused(code, message)
    }
}
