//! Every code of Deribit with its verdict, written apart from the table in `codes`.
//!
//! Source: Deribit RPC Error Codes, read 2026-11-22.

use Meaning as M;

use super::codes::{CODES, meaning};
use crate::documented::{Documented, assert_same};
use crate::outcome::Meaning;

/// Not known whether anything was done.
const OPEN: Documented<'_, i64> = &[
    // General, other, internal, failed, "processing the response takes too long".
    (M::Unknown, &[10001, 11031, 11094, 13008, 13028]),
    // Cancelled or replaced by another request.
    (M::Unknown, &[13666, 13777]),
    (M::NoSuchOrder, &[10004, 10010, 10025, 10029, 11008, 11044]),
    // Liquidation orders, and a label that several orders carry.
    (M::OrderBusy, &[10045, 10046, 13032]),
];

/// About subscriptions, addresses, subaccounts, identity papers, quotes and blocks: no answer to an order.
const ELSEWHERE: Documented<'_, i64> = &[
    (M::Unknown, &[10049, 11045, 11052, 13042, 13778]),
    (M::Unknown, &[11053, 11090, 11091, 11092, 11093, 11095, 11096, 11097, 12100]),
    (M::Unknown, &[12001, 12002, 12004, 13013, 13014, 13015, 13034]),
    (M::Unknown, &[13037, 13781, 13791, 13792, 13793]),
    (M::Unknown, &[13043, 13780, 13902, 13905, 13906, 13907, 13910, 13911, 13912]),
    (M::Unknown, &[13913, 13914, 13915, 13916, 13917, 13918, 13919]),
];

/// Nothing was done, whatever the order was.
const TURNED_AWAY: Documented<'_, i64> = &[
    // Past `valid_until`.
    (M::Clock, &[13888]),
    // "Retry", settlement, another server, maintenance, switched off, not available.
    (M::Transient, &[10040, 10041, 10048, 11051, 13025, 13036, 13503]),
    (M::RateLimited, &[10028, 10066]),
    // Full queue of the matching engine; quotes.
    (M::OrderRate, &[10047, 13903]),
    (M::Credentials, &[10000, 11042, 11056, 12003, 12005, 12998, 13004, 13005, 13006]),
    (M::Credentials, &[13007, 13009, 13021, 13031, 13403, 13668, 13904]),
];

/// Nothing was done, and this order will never be taken.
const REFUSED: Documented<'_, i64> = &[(
    M::Final,
    &[
        // Funds.
        10009, 10039, //
        // Limits of orders and positions.
        10013, 10014, 10015, 10016, 10017, 10018, 10037, 10038, 11013, 11022, 11035, 13901, //
        // Sizes, prices and arguments.
        10002, 10005, 10006, 10007, 10011, 10020, 10021, 10022, 10023, 10024, 10026, 10027, 10030,
        10031, 10032, 10033, 10034, 10035, 10036, 10043, 10044, 11029, 11036, 11038, 11041, 11043,
        11047, 11048, 11049, 11050, 13010, 13011, 13016, 13018, //
        // Post-only and self-trade.
        10003, 11021, 11039, 11054, 11055, //
        // Locks: by the administrator, reduce-only accounts, subaccounts, market maker protection.
        10019, 10072, 11098, 13012, 13030, 13040, //
        // Book or instrument.
        10012, 11037, 11046, 13019, 13020, 13035, //
        // Other rejects.
        11030, //
        // JSON-RPC.
        -32000, -32600, -32601, -32602, -32700,
    ],
)];

#[test]
fn every_code_means_what_is_documented() {
    let listed = CODES.iter().map(|(code, _)| *code);
    assert_same(&[OPEN, ELSEWHERE, TURNED_AWAY, REFUSED], listed, meaning);
}
