//! Every documented word of refusal and what it says about the request it answers.
//!
//! The same cause may be given as the reason of a new order or, with a prefix, of a preview; the prefix is taken off.
//! A word that is not here proves nothing (R6).
//!
//! Source: Coinbase Advanced Trade API, Create Order, NewOrderFailureReason and PreviewFailureReason; Cancel Orders,
//! CancelOrderFailureReason; Error Messages, read 2026-11-22.

use crate::outcome::Meaning;

use Meaning as M;

/// Before the reasons of a preview.
const PREVIEW: &str = "PREVIEW_";

/// Reasons why a new order was not created.
pub(crate) const REASONS: &[(Meaning, &[&str])] = &[
    // The exchange does not say, or speaks about something else than a new order.
    (
        M::Unknown,
        &[
            "UNKNOWN_FAILURE_REASON",
            "UNKNOWN_PREVIEW_FAILURE_REASON",
            "ORDER_IS_PENDING_CANCEL",
            "REPLACE_NOT_SUPPORTED",
            "TOO_MANY_PENDING_REPLACES",
            "MODIFY_POSITION_WORKFLOW_ALREADY_RUNNING",
        ],
    ),
    // An order with this id exists.
    (M::DuplicateId, &["DUPLICATE_CLIENT_ORDER_ID"]),
    // Nothing was done and the cause passes.
    (
        M::Transient,
        &[
            "ORDER_ENTRY_DISABLED",
            "INVALID_NO_LIQUIDITY",
            "MISSING_MARKET_TRADE_DATA",
            "MISSING_PRODUCT_PRICE_BOOK",
            "MISSING_COMMISSION_RATE",
            "NOT_ALLOWED_BY_MARKET_STATE",
            "RISK_PROXY_FAILURE",
            "PRODUCT_TRADING_HALTED",
            "NBBO_NOT_PROVIDED",
            "RFQ_QUOTE_EXPIRED",
        ],
    ),
    (M::OrderRate, &["RFQ_RATE_LIMITED", "RFQ_TOO_MANY_OPEN_QUOTES"]),
    // Permission and region.
    (
        M::Credentials,
        &["GEOFENCING_RESTRICTION", "INELIGIBLE_PAIR", "UNTRADABLE_FCM_ACCOUNT_STATUS"],
    ),
    // Orders that may only reduce.
    (
        M::ReduceOnly,
        &[
            "REDUCE_ONLY_NOT_ALLOWED_ON_VENUE",
            "REDUCE_ONLY_NOT_ALLOWED_ON_SPOT_PRODUCTS",
            "REDUCE_ONLY_INCREASED_POSITION_SIZE",
            "CANNOT_CLOSE_ZERO_POSITION",
        ],
    ),
    // Funds.
    (
        M::Final,
        &[
            "INSUFFICIENT_FUND",
            "INSUFFICIENT_FUNDS",
            "INSUFFICIENT_FUNDS_FOR_FUTURES",
            "INSUFFICIENT_LEDGER_BALANCE",
            "INVALID_LEDGER_BALANCE",
            "INVALID_MARGIN_HEALTH",
        ],
    ),
    // Sizes, prices and parameters.
    (
        M::Final,
        &[
            "UNSUPPORTED_ORDER_CONFIGURATION",
            "INVALID_ORDER_CONFIG",
            "INVALID_REQUEST",
            "INVALID_SIDE",
            "INVALID_PRODUCT_ID",
            "INVALID_UNSUPPORTED_INSTRUMENT",
            "INVALID_SIZE_PRECISION",
            "INVALID_QUOTE_SIZE_PRECISION",
            "INVALID_PRICE_PRECISION",
            "INVALID_LIMIT_PRICE_PRECISION",
            "NON_NUMERIC_ORDER_SIZE",
            "INVALID_BASE_SIZE_TOO_LARGE",
            "INVALID_BASE_SIZE_TOO_SMALL",
            "INVALID_QUOTE_SIZE_TOO_LARGE",
            "INVALID_QUOTE_SIZE_TOO_SMALL",
            "INVALID_PRICE_TOO_LARGE",
            "INVALID_LIMIT_PRICE",
            "INVALID_LIMIT_PRICE_POST_ONLY",
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
    // Lifetimes.
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
    // Limits, and states of product, account and engine.
    (
        M::Final,
        &[
            "COMMANDER_REJECTED_NEW_ORDER",
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
    // Kinds of orders this adapter does not send.
    (
        M::Final,
        &[
            "QUOTE_SIZE_NOT_ALLOWED_FOR_BRACKET",
            "INVALID_BRACKET_PRICES",
            "INVALID_BRACKET_LIMIT_PRICE",
            "INVALID_BRACKET_LIMIT_PRICE_PRECISION",
            "INVALID_BRACKET_STOP_TRIGGER_PRICE",
            "INVALID_BRACKET_ORDER_SIDE",
            "BRACKET_LIMIT_PRICE_OUT_OF_BOUNDS",
            "BRACKET_ORDER_SIZE_EXCEEDS_POSITION",
            "ORDER_SIZE_EXCEEDS_BRACKETED_POSITION",
            "BRACKET_ORDER_NOT_SUPPORTED",
            "OPEN_BRACKET_ORDERS",
            "STOP_TRIGGER_PRICE_OUT_OF_BOUNDS",
            "INVALID_STOP_TRIGGER_PRICE_PRECISION",
            "INVALID_STOP_PRICE",
            "INVALID_STOP_PRICE_PRECISION",
            "STOP_PRICE_ABOVE_LIMIT_PRICE",
            "STOP_PRICE_BELOW_LIMIT_PRICE",
            "STOP_PRICE_ABOVE_LAST_TRADE_PRICE",
            "STOP_PRICE_BELOW_LAST_TRADE_PRICE",
            "STOP_ALREADY_TRIGGERED",
            "STOP_TRIGGERED",
            "STOP_LOSS_PRICE_TOO_LOW",
            "STOP_LOSS_PRICE_TOO_HIGH",
            "TAKE_PROFIT_PRICE_TOO_LOW",
            "TAKE_PROFIT_PRICE_TOO_HIGH",
            "ATTACHED_STOP_LOSS_PRICE_TOO_LOW",
            "ATTACHED_STOP_LOSS_PRICE_TOO_HIGH",
            "ATTACHED_TAKE_PROFIT_PRICE_TOO_LOW",
            "ATTACHED_TAKE_PROFIT_PRICE_TOO_HIGH",
            "INVALID_ATTACHED_TAKE_PROFIT_PRICE",
            "INVALID_ATTACHED_TAKE_PROFIT_PRICE_PRECISION",
            "INVALID_ATTACHED_TAKE_PROFIT_PRICE_OUT_OF_BOUNDS",
            "INVALID_ATTACHED_TAKE_PROFIT_PRICE_OUT_OF_BOUNDS_ON_AGGRESSIVE_ORDER",
            "INVALID_ATTACHED_TAKE_PROFIT_PRICE_EXCEEDS_MAX_DISTANCE_FROM_ORIGINATING_PRICE",
            "INVALID_ATTACHED_TAKE_PROFIT_SIZE_BELOW_MIN",
            "INVALID_ATTACHED_STOP_LOSS_PRICE",
            "INVALID_ATTACHED_STOP_LOSS_PRICE_PRECISION",
            "INVALID_ATTACHED_STOP_LOSS_PRICE_OUT_OF_BOUNDS",
            "INVALID_ATTACHED_STOP_LOSS_PRICE_OUT_OF_BOUNDS_ON_AGGRESSIVE_ORDER",
            "ATTACHED_ORDER_SIZE_MUST_BE_NIL",
            "ATTACHED_ORDER_MUST_HAVE_POSITIVE_PRICES",
            "ATTACHED_ORDERS_ONLY_ALLOWED_ON_MARKET_LIMIT",
            "INVALID_ORDER_SIDE_FOR_ATTACHED_TPSL",
            "INVALID_ORDER_TYPE_FOR_ATTACHED",
            "SINGLE_LEGGED_TPSL_NOT_ALLOWED",
            "SCALED_PARAM_INFEASIBLE",
            "SCALED_PARAM_DISCREPANCY",
            "SCALED_MIN_ORDER_VIOLATION",
            "SCALED_MAX_ORDER_VIOLATION",
            "INVALID_PEG_OFFSET",
            "INVALID_PEG_WIG_LEVEL",
            "INVALID_PEG_VENUE_OPTIONS",
            "PEG_INVALID_ORDER_TYPE",
            "INVALID_RFQ_BASE_SIZE_TOO_SMALL",
            "INVALID_RFQ_BASE_SIZE_TOO_LARGE",
            "INVALID_RFQ_QUOTE_SIZE_TOO_SMALL",
            "INVALID_RFQ_QUOTE_SIZE_TOO_LARGE",
            "RFQ_INVALID_COMBO_LEGS",
            "RFQ_VALIDATION_FAILURE",
            "RFQ_VENUE_REJECTED",
        ],
    ),
];

/// Words of answers with an error status, whatever was asked.
pub(crate) const ERRORS: &[(Meaning, &[&str])] = &[
    (
        M::Final,
        &[
            "INVALID_ARGUMENT",
            "FAILED_PRECONDITION",
            "OUT_OF_RANGE",
            "VALIDATION_ERROR",
            "PARAM_REQUIRED",
            "INVALID_REQUEST",
        ],
    ),
    (
        M::Credentials,
        &[
            "UNAUTHENTICATED",
            "UNAUTHORIZED",
            "PERMISSION_DENIED",
            "AUTHENTICATION_ERROR",
            "INVALID_TOKEN",
            "EXPIRED_TOKEN",
            "REVOKED_TOKEN",
            "INVALID_SCOPE",
        ],
    ),
    (M::RateLimited, &["RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"]),
    (M::NoSuchOrder, &["NOT_FOUND"]),
    (M::DuplicateId, &["ALREADY_EXISTS"]),
    (
        M::Unknown,
        &[
            "UNKNOWN",
            "INTERNAL",
            "INTERNAL_SERVER_ERROR",
            "UNAVAILABLE",
            "DEADLINE_EXCEEDED",
            "ABORTED",
            "CANCELLED",
            "DATA_LOSS",
            "UNIMPLEMENTED",
        ],
    ),
];

/// Reasons why a cancel was not taken.
pub(crate) const CANCELS: &[(Meaning, &[&str])] = &[
    (M::NoSuchOrder, &["UNKNOWN_CANCEL_ORDER", "ORDER_IS_FULLY_FILLED"]),
    (
        M::OrderBusy,
        &[
            "UNKNOWN_CANCEL_FAILURE_REASON",
            "COMMANDER_REJECTED_CANCEL_ORDER",
            "ORDER_IS_BEING_REPLACED",
            "INVALID_CANCEL_FCM_TRADING_SESSION",
        ],
    ),
    // The first cancel is under way.
    (M::DuplicateId, &["DUPLICATE_CANCEL_REQUEST"]),
    (M::Final, &["INVALID_CANCEL_REQUEST", "INVALID_CANCEL_PRODUCT_ID", "NOT_ALLOWED_TO_CANCEL"]),
];

/// What a word means in a table; unlisted ones mean nothing.
pub(crate) fn meaning(table: &[(Meaning, &[&str])], word: &str) -> Meaning {
    let word = word.strip_prefix(PREVIEW).unwrap_or(word);
    let listed = table.iter().find(|(_, words)| words.contains(&word));
    listed.map_or(M::Unknown, |(meaning, _)| *meaning)
}
