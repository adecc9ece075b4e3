//! The codes Bybit documents, and what each of them proves.
//!
//! A code that is not listed proves nothing (R6). Contracts have codes of six digits that begin with 11, spot those
//! that begin with 17; one table serves all products, since no code has two meanings.
//! Left out are the codes of interfaces that are never used, such as leveraged tokens, borrowing and transfers.

use crate::outcome::Meaning;

use Meaning as M;

/// Meanings with the codes that have them.
/// Source: Bybit v5 Error Codes, read 2026-11-22.
pub(crate) const CODES: &[(Meaning, &[i64])] = &[
    // The exchange does not know what became of the request.
    (
        M::Unknown,
        &[
            10000, 10014, 10016, 10019, 170001, 170007, 170032, 170035, 170146, 170147, 170234,
            3400214,
        ],
    ),
    // System-level protection. What had become of a request by then is not said.
    (M::Unknown, &[429, 10429]),
    // "Request expired", by a part behind the gateway: unlike 10002 its rules are documented nowhere, so whether
    // anything was done before is not known.
    (M::Unknown, &[-1]),
    // Passed on without saying what happened, or about amending, which is never asked for.
    (M::Unknown, &[110005, 110035, 170149, 170150, 170310, 170311, 170312, 170313]),
    // Limits. What exceeds one is documented to fail: of a batch the orders within the limit are placed and the rest
    // answer that they exceed it.
    // Source: Bybit v5 Rate Limit Rules, Instructions for batch endpoints, read 2026-11-22.
    (M::RateLimited, &[10006, 10018, 20003, 10403, 170005, 170222]),
    // Outside the request window, at the gateway.
    (M::Clock, &[10002]),
    // Key, signature, permission, region.
    (
        M::Credentials,
        &[
            10003, 10004, 10005, 10007, 10008, 10009, 10010, 10024, 10027, 10028, 100028, 33004,
            -2015, 110018, 110066, 110067, 110068, 110069, 110088, 110123, 110124, 110125, 110132,
            170219, 170224, 170241, 3100197,
        ],
    ),
    // Balance and margin.
    (
        M::Final,
        &[
            110004, 110006, 110007, 110012, 110014, 110044, 110045, 110047, 110051, 110052, 110053,
            110131, 30256, 170131, 170033, 170034, 170207, 176015,
        ],
    ),
    // Risk and position limits, and what lending sets.
    (
        M::Final,
        &[
            110011, 110013, 110016, 110021, 110031, 110039, 110040, 110041, 110046, 110048, 110080,
            110085, 110086, 110087, 110089, 110090, 110101, 110102, 110104, 110105, 110106, 110107,
            3400139, 30133, 30134, 30135, 30136, 170010, 170011, 170019, 170215, 170216, 170220,
            170223, 170226, 170228, 170229, 170230, 170346, 170709, 3200403,
        ],
    ),
    // Filters and parameters.
    (
        M::Final,
        &[
            10001, 10017, 110003, 110009, 110020, 110022, 110032, 110037, 110049, 110050, 110057,
            110060, 110061, 110071, 110092, 110093, 110094, 110120, 110121, 170036, 170037, 170105,
            170115, 170116, 170117, 170121, 170124, 170130, 170132, 170133, 170134, 170135, 170136,
            170137, 170140, 170145, 170148, 170192, 170193, 170194, 170195, 170196, 170197, 170198,
            170199, 170200, 170201, 170202, 170203, 170204, 170210, 170218, 170221, 170227, 170341,
            170344, 170355, 170371, 170372, 170381, 170382, 170810, 30208, 30209,
        ],
    ),
    // Settings of the account that are in the way or unchanged.
    (
        M::Final,
        &[
            110015, 110023, 110024, 110025, 110026, 110027, 110028, 110029, 110033, 110036, 110038,
            110042, 110043, 110054, 110055, 110056, 110058, 110059, 110062, 110064, 110065, 110073,
            110075, 110076, 110077, 110078, 110082, 110083,
        ],
    ),
    // A reduce-only order that does not fit the position.
    (M::ReduceOnly, &[110017, 110034]),
    // No such order, or already final.
    (M::NoSuchOrder, &[110001, 110008, 110010, 110019, 170213, 170143, 170139, 170142, 170190]),
    // The order is being worked on.
    (M::OrderBusy, &[110079, 40004, 170144, 170191, 170212]),
    // An order with this client id exists.
    (M::DuplicateId, &[110030, 110072, 170141]),
    // Instrument and market state.
    (
        M::Final,
        &[
            110063, 110070, 110074, 110095, 110096, 110097, 110098, 110099, 110100, 110103, 170031,
            170151, 170157, 170159, 170206, 170217, 10029, 30228,
        ],
    ),
];

/// What a code means; unlisted ones mean nothing.
pub(crate) fn meaning(code: i64) -> Meaning {
    let listed = CODES.iter().find(|(_, codes)| codes.contains(&code));
    listed.map_or(M::Unknown, |(meaning, _)| *meaning)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_code_is_listed_twice() {
        let all: Vec<i64> = CODES.iter().flat_map(|(_, codes)| codes.iter().copied()).collect();
        let once: BTreeSet<i64> = all.iter().copied().collect();
        assert_eq!(once.len(), all.len());
    }
}
