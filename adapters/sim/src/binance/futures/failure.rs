//! What both futures call the matching engine's refusals.

use crate::binance::failure::Failure;
use crate::exchange::checks::Refusal;
use crate::exchange::instrument::fixed;

// Source: Binance USDⓈ-M Error Codes, read 2026-11-22.
pub(super) fn refused(refusal: Refusal) -> Failure {
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
    Failure::refused(code, message)
}
