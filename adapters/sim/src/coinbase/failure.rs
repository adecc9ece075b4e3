//! Coinbase's ways to say no.
//!
//! Source: Coinbase Advanced Trade API, Create Order, response; Rate Limits; Errors, read 2026-11-22.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::respond;
use crate::exchange::checks::Refusal;

/// A request that is refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) error: &'static str,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn argument(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error: "INVALID_ARGUMENT", message: message.into() }
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, error: "NOT_FOUND", message: message.into() }
    }

    pub(super) fn unknown_product() -> Self {
        Self::not_found("valid product_id is required")
    }

    pub(super) fn rate_limited() -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            error: "rate_limit_exceeded",
            message: "Too many requests".to_owned(),
        }
    }

    // Source: Coinbase App API, Error Messages, permission_denied, read 2026-11-22.
    pub(super) fn not_permitted() -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            error: "PERMISSION_DENIED",
            message: "Missing required scopes".to_owned(),
        }
    }

    pub(super) fn response(&self) -> Response<Bytes> {
        let body = json!({
            "error": self.error, "error_details": self.message, "message": self.message,
        });
        respond(self.status, &body)
    }
}

/// A token that is missing, wrong or out of time gets no JSON.
pub(super) fn unauthorised() -> Response<Bytes> {
    text(StatusCode::UNAUTHORIZED, "Unauthorized\n")
}

pub(super) fn unknown_path() -> Response<Bytes> {
    text(StatusCode::NOT_FOUND, "404 page not found\n")
}

fn text(status: StatusCode, body: &'static str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(body.as_bytes()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

/// Why an order was refused: the reason with the text that goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reason {
    pub(super) name: String,
    pub(super) message: &'static str,
    /// Found when the order was looked over, before it reached the engine.
    pub(super) in_preview: bool,
}

impl Reason {
    pub(super) fn preview(name: &str, message: &'static str) -> Self {
        Self { name: name.to_owned(), message, in_preview: true }
    }

    pub(super) fn engine(name: &str) -> Self {
        Self { name: name.to_owned(), message: "", in_preview: false }
    }

    pub(super) fn configuration() -> Self {
        Self::preview("UNSUPPORTED_ORDER_CONFIGURATION", "The order configuration was invalid")
    }

    /// The answer to an order, which succeeds as a request.
    pub(super) fn answer(&self, configuration: &Value) -> Value {
        let (preview, new_order) = if self.in_preview {
            (format!("PREVIEW_{}", self.name), "UNKNOWN_FAILURE_REASON".to_owned())
        } else {
            ("UNKNOWN_PREVIEW_FAILURE_REASON".to_owned(), self.name.clone())
        };
        json!({
            "success": false,
            "failure_reason": "UNKNOWN_FAILURE_REASON",
            "order_id": "",
            "error_response": {
                "error": self.name,
                "message": self.message,
                "error_details": "",
                "preview_failure_reason": preview,
                "new_order_failure_reason": new_order,
            },
            "order_configuration": configuration,
        })
    }
}

impl From<Refusal> for Reason {
    fn from(refusal: Refusal) -> Self {
        let (name, message) = match refusal {
            Refusal::UnknownSymbol => ("INVALID_PRODUCT_ID", "Invalid product_id"),
            Refusal::QuantityZero | Refusal::QuantityTooSmall => {
                ("INVALID_BASE_SIZE_TOO_SMALL", "Order size is below the minimum")
            }
            Refusal::NotionalTooSmall(_) => {
                ("INVALID_QUOTE_SIZE_TOO_SMALL", "Order value is below the minimum")
            }
            Refusal::QuantityTooLarge => {
                ("INVALID_BASE_SIZE_TOO_LARGE", "Order size is above the maximum")
            }
            Refusal::QuantityPrecision | Refusal::QuantityStep => {
                ("INVALID_SIZE_PRECISION", "Too many decimals in order amount")
            }
            Refusal::PriceZero | Refusal::PriceTooLow | Refusal::PriceTooHigh => {
                ("INVALID_LIMIT_PRICE", "Invalid limit price")
            }
            Refusal::PricePrecision | Refusal::PriceTick => {
                ("INVALID_PRICE_PRECISION", "Too many decimals in order price")
            }
            Refusal::PriceAboveBand(_) | Refusal::PriceBelowBand(_) => {
                ("LIMIT_PRICE_TOO_FAR_FROM_MARKET", "Limit price is too far from the market")
            }
            Refusal::WouldTake => (
                "INVALID_LIMIT_PRICE_POST_ONLY",
                "Post only order would match with an existing order",
            ),
            Refusal::Balance | Refusal::Margin => {
                ("INSUFFICIENT_FUND", "Insufficient balance in source account")
            }
            // Answered with the earlier order; kept for a policy that says otherwise.
            Refusal::DuplicateId => return Self::engine("DUPLICATE_CLIENT_ORDER_ID"),
            Refusal::CannotFill => return Self::engine("INVALID_NO_LIQUIDITY"),
            // Of contracts only; none trade here.
            Refusal::PositionSide
            | Refusal::NothingToReduce
            | Refusal::SameSideAsPosition
            | Refusal::MoreThanPosition
            | Refusal::TooManyOpenOrders => return Self::engine("COMMANDER_REJECTED_NEW_ORDER"),
        };
        Self::preview(name, message)
    }
}
