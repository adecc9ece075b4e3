//! Every word with which Coinbase refuses, with its verdict, written apart from the tables in `codes`.
//!
//! Source: Coinbase Advanced Trade API, NewOrderFailureReason, PreviewFailureReason and CancelOrderFailureReason; Error
//! Messages, read 2026-11-22.

use Meaning as M;

use super::codes::{CANCELS, ERRORS, REASONS, meaning};
use crate::documented::{Documented, assert_same};
use crate::outcome::Meaning;

/// Not known whether an order was created, or known that one was.
const OPEN: Documented<'_, &str> = &[
    (M::Unknown, &["UNKNOWN_FAILURE_REASON", "UNKNOWN_PREVIEW_FAILURE_REASON"]),
    // About other things than a new order.
    (M::Unknown, &["ORDER_IS_PENDING_CANCEL", "MODIFY_POSITION_WORKFLOW_ALREADY_RUNNING"]),
    (M::Unknown, &["REPLACE_NOT_SUPPORTED", "TOO_MANY_PENDING_REPLACES"]),
    (M::DuplicateId, &["DUPLICATE_CLIENT_ORDER_ID"]),
];

/// Nothing was created, for a cause that passes, or that lies with the key.
const TURNED_AWAY: Documented<'_, &str> = &[
    (M::Transient, &["ORDER_ENTRY_DISABLED", "PRODUCT_TRADING_HALTED"]),
    (M::Transient, &["INVALID_NO_LIQUIDITY", "NBBO_NOT_PROVIDED", "RFQ_QUOTE_EXPIRED"]),
    (M::Transient, &["MISSING_COMMISSION_RATE", "MISSING_MARKET_TRADE_DATA"]),
    (M::Transient, &["MISSING_PRODUCT_PRICE_BOOK", "NOT_ALLOWED_BY_MARKET_STATE"]),
    (M::Transient, &["RISK_PROXY_FAILURE"]),
    (M::OrderRate, &["RFQ_RATE_LIMITED", "RFQ_TOO_MANY_OPEN_QUOTES"]),
    (M::Credentials, &["GEOFENCING_RESTRICTION", "INELIGIBLE_PAIR"]),
    (M::Credentials, &["UNTRADABLE_FCM_ACCOUNT_STATUS"]),
];

/// Nothing was created, and this order never will be.
const REFUSED: Documented<'_, &str> = &[
    (M::ReduceOnly, &["CANNOT_CLOSE_ZERO_POSITION", "REDUCE_ONLY_INCREASED_POSITION_SIZE"]),
    (M::ReduceOnly, &["REDUCE_ONLY_NOT_ALLOWED_ON_SPOT_PRODUCTS"]),
    (M::ReduceOnly, &["REDUCE_ONLY_NOT_ALLOWED_ON_VENUE"]),
    (M::Final, &["INSUFFICIENT_FUND", "INSUFFICIENT_FUNDS", "INSUFFICIENT_FUNDS_FOR_FUTURES"]),
    (M::Final, &["INSUFFICIENT_LEDGER_BALANCE", "INVALID_LEDGER_BALANCE"]),
    (M::Final, &["INVALID_MARGIN_HEALTH", "COMMANDER_REJECTED_NEW_ORDER"]),
    (
        M::Final,
        &[
            "INVALID_SIZE_PRECISION",
            "INVALID_PRICE_PRECISION",
            "INVALID_LIMIT_PRICE_PRECISION",
            "INVALID_QUOTE_SIZE_PRECISION",
            "INVALID_PRODUCT_ID",
            "INVALID_SIDE",
            "INVALID_REQUEST",
            "INVALID_ORDER_CONFIG",
            "UNSUPPORTED_ORDER_CONFIGURATION",
            "INVALID_UNSUPPORTED_INSTRUMENT",
            "NON_NUMERIC_ORDER_SIZE",
            "INVALID_LIMIT_PRICE",
            "INVALID_LIMIT_PRICE_POST_ONLY",
            "INVALID_PRICE_TOO_LARGE",
            "INVALID_BASE_SIZE_TOO_LARGE",
            "INVALID_BASE_SIZE_TOO_SMALL",
            "INVALID_QUOTE_SIZE_TOO_LARGE",
            "INVALID_QUOTE_SIZE_TOO_SMALL",
            "LIMIT_PRICE_TOO_FAR_FROM_MARKET",
            "LIMIT_ORDER_PRICE_EXCEEDS_PRICE_BAND_ON_BUY",
            "LIMIT_ORDER_PRICE_EXCEEDS_PRICE_BAND_ON_SELL",
            "BREACHED_PRICE_LIMIT",
            "PRICE_NOT_ALLOWED_FOR_MARKET_ORDERS",
            "INVALID_COMMISSION_CONFIGURATION",
            "INVALID_SETTLEMENT_CURRENCY",
            "FRACTIONAL_ORDERS_NOT_ALLOWED_FOR_PRODUCT",
            "QUOTE_ORDERS_NOT_ALLOWED_FOR_PRODUCT",
            "NOTIONAL_SIZE_BREACHES_FRACTIONAL_MINIMUM",
        ],
    ),
    (
        M::Final,
        &[
            "FOK_DISABLED",
            "FOK_ONLY_ALLOWED_ON_LIMIT_ORDERS",
            "INTX_FOK_ONLY_ALLOWED_ON_LIMIT_AND_MARKET_ORDERS",
            "POST_ONLY_NOT_ALLOWED_WITH_FOK",
            "POST_ONLY_NOT_ALLOWED_WITH_PEG",
            "INVALID_END_TIME",
            "END_TIME_TOO_FAR_IN_FUTURE",
            "END_TIME_IS_IN_THE_PAST",
            "END_TIME_AFTER_CONTRACT_EXPIRATION",
            "GTD_ORDERS_MUST_HAVE_END_TIME",
            "START_TIME_MUST_BE_SPECIFIED",
            "DURATION_TOO_SMALL",
            "DURATION_TOO_LARGE",
            "BELOW_MIN_SIZE_FOR_DURATION",
            "BUCKET_SIZE_SMALLER_THAN_QUOTE_MIN",
            "BUCKET_SIZE_SMALLER_THAN_BASE_MIN",
            "ICEBERG_ORDERS_NOT_SUPPORTED",
            "FUTURES_AFTER_HOUR_INVALID_ORDER_TYPE",
            "FUTURES_AFTER_HOUR_INVALID_TIME_IN_FORCE",
        ],
    ),
    (
        M::Final,
        &[
            "TRADING_DISABLED",
            "UNTRADABLE_PRODUCT",
            "CLOSE_ONLY_FAILURE",
            "IN_LIQUIDATION",
            "BREACHED_RISK_LIMIT",
            "BREACHED_ACCOUNT_POSITION_LIMIT",
            "BREACHED_COMPANY_POSITION_LIMIT",
            "BREACHED_OPEN_INTEREST_LIMIT",
            "COMPLIANCE_PURCHASE_LIMIT_EXCEEDED",
            "MAX_DAILY_VOLUME_NOTIONAL_BREACHED",
            "MAX_NOTIONAL_PER_ORDER_BREACHED_15C35_CHECK",
            "MAX_SHARES_PER_ORDER_BREACHED_15C35_CHECK",
            "POSITION_SIZE_INCREASE_REJECT",
            "ASSET_BALANCE_INCREASE_REJECT",
            "INVALID_MARGIN_TYPE",
            "OPPOSITE_MARGIN_TYPE_EXISTS",
            "INVALID_LEVERAGE",
            "UBO_HIGH_LEVERAGE_QUANTITY_BREACHED",
            "UBO_HIGH_LEVERAGE_NOTIONAL_BREACHED",
            "ECOSYSTEM_LEVERAGE_UTILIZATION_BREACHED",
            "INVALID_FCM_TRADING_SESSION",
            "INVALID_EQUITY_TRADING_SESSION",
            "MARKET_ORDERS_PROHIBITED_DURING_NON_CORE_SESSION",
            "NOTIONAL_ORDERS_PROHIBITED_DURING_NON_CORE_SESSION",
            "INVALID_NBBO_BID_PRICE",
            "INVALID_NBBO_ASK_PRICE",
            "INVALID_INTX_CLIENT_ORDER_ID",
            "PREDICTIONS_QUOTE_SIZE_BELOW_MIN_CONTRACT_PRICE",
            "PREDICTIONS_HIGH_PRICE_CONTRACTS_BLOCKED",
        ],
    ),
    // Brackets, stops, attached and scaled orders, pegs and requests for quotes: never sent from here.
    (
        M::Final,
        &[
            "BRACKET_LIMIT_PRICE_OUT_OF_BOUNDS",
            "BRACKET_ORDER_NOT_SUPPORTED",
            "BRACKET_ORDER_SIZE_EXCEEDS_POSITION",
            "INVALID_BRACKET_LIMIT_PRICE",
            "INVALID_BRACKET_LIMIT_PRICE_PRECISION",
            "INVALID_BRACKET_ORDER_SIDE",
            "INVALID_BRACKET_PRICES",
            "INVALID_BRACKET_STOP_TRIGGER_PRICE",
            "OPEN_BRACKET_ORDERS",
            "ORDER_SIZE_EXCEEDS_BRACKETED_POSITION",
            "QUOTE_SIZE_NOT_ALLOWED_FOR_BRACKET",
            "INVALID_STOP_PRICE",
            "INVALID_STOP_PRICE_PRECISION",
            "INVALID_STOP_TRIGGER_PRICE_PRECISION",
            "STOP_ALREADY_TRIGGERED",
            "STOP_LOSS_PRICE_TOO_HIGH",
            "STOP_LOSS_PRICE_TOO_LOW",
            "STOP_PRICE_ABOVE_LAST_TRADE_PRICE",
            "STOP_PRICE_ABOVE_LIMIT_PRICE",
            "STOP_PRICE_BELOW_LAST_TRADE_PRICE",
            "STOP_PRICE_BELOW_LIMIT_PRICE",
            "STOP_TRIGGERED",
            "STOP_TRIGGER_PRICE_OUT_OF_BOUNDS",
            "TAKE_PROFIT_PRICE_TOO_HIGH",
            "TAKE_PROFIT_PRICE_TOO_LOW",
            "ATTACHED_ORDERS_ONLY_ALLOWED_ON_MARKET_LIMIT",
            "ATTACHED_ORDER_MUST_HAVE_POSITIVE_PRICES",
            "ATTACHED_ORDER_SIZE_MUST_BE_NIL",
            "ATTACHED_STOP_LOSS_PRICE_TOO_HIGH",
            "ATTACHED_STOP_LOSS_PRICE_TOO_LOW",
            "ATTACHED_TAKE_PROFIT_PRICE_TOO_HIGH",
            "ATTACHED_TAKE_PROFIT_PRICE_TOO_LOW",
            "INVALID_ATTACHED_STOP_LOSS_PRICE",
            "INVALID_ATTACHED_STOP_LOSS_PRICE_OUT_OF_BOUNDS",
            "INVALID_ATTACHED_STOP_LOSS_PRICE_OUT_OF_BOUNDS_ON_AGGRESSIVE_ORDER",
            "INVALID_ATTACHED_STOP_LOSS_PRICE_PRECISION",
            "INVALID_ATTACHED_TAKE_PROFIT_PRICE",
            "INVALID_ATTACHED_TAKE_PROFIT_PRICE_EXCEEDS_MAX_DISTANCE_FROM_ORIGINATING_PRICE",
            "INVALID_ATTACHED_TAKE_PROFIT_PRICE_OUT_OF_BOUNDS",
            "INVALID_ATTACHED_TAKE_PROFIT_PRICE_OUT_OF_BOUNDS_ON_AGGRESSIVE_ORDER",
            "INVALID_ATTACHED_TAKE_PROFIT_PRICE_PRECISION",
            "INVALID_ATTACHED_TAKE_PROFIT_SIZE_BELOW_MIN",
            "INVALID_ORDER_SIDE_FOR_ATTACHED_TPSL",
            "INVALID_ORDER_TYPE_FOR_ATTACHED",
            "SINGLE_LEGGED_TPSL_NOT_ALLOWED",
            "SCALED_MAX_ORDER_VIOLATION",
            "SCALED_MIN_ORDER_VIOLATION",
            "SCALED_PARAM_DISCREPANCY",
            "SCALED_PARAM_INFEASIBLE",
            "INVALID_PEG_OFFSET",
            "INVALID_PEG_VENUE_OPTIONS",
            "INVALID_PEG_WIG_LEVEL",
            "PEG_INVALID_ORDER_TYPE",
            "INVALID_RFQ_BASE_SIZE_TOO_LARGE",
            "INVALID_RFQ_BASE_SIZE_TOO_SMALL",
            "INVALID_RFQ_QUOTE_SIZE_TOO_LARGE",
            "INVALID_RFQ_QUOTE_SIZE_TOO_SMALL",
            "RFQ_INVALID_COMBO_LEGS",
            "RFQ_VALIDATION_FAILURE",
            "RFQ_VENUE_REJECTED",
        ],
    ),
];

/// Errors of the gateway, whatever was asked.
const GATEWAY: Documented<'_, &str> = &[
    (M::Unknown, &["UNKNOWN", "INTERNAL", "INTERNAL_SERVER_ERROR", "UNAVAILABLE"]),
    (M::Unknown, &["DEADLINE_EXCEEDED", "ABORTED", "CANCELLED", "DATA_LOSS", "UNIMPLEMENTED"]),
    (M::NoSuchOrder, &["NOT_FOUND"]),
    (M::DuplicateId, &["ALREADY_EXISTS"]),
    (M::RateLimited, &["RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"]),
    (M::Credentials, &["PERMISSION_DENIED", "UNAUTHENTICATED", "UNAUTHORIZED"]),
    (M::Credentials, &["AUTHENTICATION_ERROR", "INVALID_TOKEN", "EXPIRED_TOKEN"]),
    (M::Credentials, &["REVOKED_TOKEN", "INVALID_SCOPE"]),
    (M::Final, &["INVALID_ARGUMENT", "FAILED_PRECONDITION", "OUT_OF_RANGE"]),
    (M::Final, &["VALIDATION_ERROR", "PARAM_REQUIRED", "INVALID_REQUEST"]),
];

/// Reasons why a cancel was not taken.
const OF_CANCELS: Documented<'_, &str> = &[
    (M::NoSuchOrder, &["UNKNOWN_CANCEL_ORDER", "ORDER_IS_FULLY_FILLED"]),
    (M::DuplicateId, &["DUPLICATE_CANCEL_REQUEST"]),
    (M::OrderBusy, &["UNKNOWN_CANCEL_FAILURE_REASON", "COMMANDER_REJECTED_CANCEL_ORDER"]),
    (M::OrderBusy, &["ORDER_IS_BEING_REPLACED", "INVALID_CANCEL_FCM_TRADING_SESSION"]),
    (M::Final, &["INVALID_CANCEL_REQUEST", "INVALID_CANCEL_PRODUCT_ID", "NOT_ALLOWED_TO_CANCEL"]),
];

#[test]
fn every_word_means_what_is_documented_where_it_stands() {
    let orders = [OPEN, TURNED_AWAY, REFUSED];
    for (documented, table) in
        [(&orders[..], REASONS), (&[GATEWAY][..], ERRORS), (&[OF_CANCELS][..], CANCELS)]
    {
        let listed = table.iter().flat_map(|(_, words)| words.iter().copied());
        assert_same(documented, listed, |word| meaning(table, word));
    }
}
