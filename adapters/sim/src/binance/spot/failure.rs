//! What spot calls the matching engine's refusals.

use crate::binance::failure::Failure;
use crate::exchange::checks::Refusal;

// Source: binance-spot-api-docs errors.md, Messages for -1010, -2010 and -2011; Filter failures; read 2026-11-22.
pub(super) fn refused(refusal: Refusal) -> Failure {
    let filter = |name: &str| Failure::refused(-1013, format!("Filter failure: {name}"));
    match refusal {
        Refusal::UnknownSymbol => Failure::refused(-1121, "Invalid symbol."),
        Refusal::QuantityZero => Failure::refused(-1013, "Invalid quantity."),
        Refusal::PriceZero => Failure::refused(-1013, "Invalid price."),
        Refusal::QuantityPrecision => precision("quantity"),
        Refusal::PricePrecision => precision("price"),
        Refusal::QuantityStep | Refusal::QuantityTooSmall | Refusal::QuantityTooLarge => {
            filter("LOT_SIZE")
        }
        Refusal::PriceTick | Refusal::PriceTooLow | Refusal::PriceTooHigh => filter("PRICE_FILTER"),
        Refusal::PriceAboveBand(_) | Refusal::PriceBelowBand(_) => filter("PERCENT_PRICE_BY_SIDE"),
        Refusal::NotionalTooSmall(_) => filter("NOTIONAL"),
        Refusal::TooManyOpenOrders => filter("MAX_NUM_ORDERS"),
        Refusal::DuplicateId => Failure::refused(-2010, "Duplicate order sent."),
        Refusal::Margin | Refusal::Balance => {
            Failure::refused(-2010, "Account has insufficient balance for requested action.")
        }
        Refusal::WouldTake => Failure::refused(-2010, "Order would immediately match and take."),
        // Accepted and then expired, or impossible without positions; kept so that nothing is unanswered.
        Refusal::CannotFill
        | Refusal::PositionSide
        | Refusal::NothingToReduce
        | Refusal::SameSideAsPosition
        | Refusal::MoreThanPosition => Failure::refused(-2010, "Unsupported order combination"),
    }
}

fn precision(name: &str) -> Failure {
    Failure::refused(-1111, format!("Parameter '{name}' has too much precision."))
}
