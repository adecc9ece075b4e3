//! Every code of Bybit's error page with its verdict, written apart from the table in `codes`.
//!
//! Source: Bybit v5 Error Codes; Rate Limit Rules; Connect, read 2026-11-22.

use Meaning as M;

use super::codes::{CODES, meaning};
use crate::documented::{Documented, assert_same};
use crate::outcome::Meaning;

/// Not known whether anything was done.
const OPEN: Documented<'_, i64> = &[
    (
        M::Unknown,
        &[
            // Timeouts, restarts, high load, "submitted for processing", repeated requests.
            10000, 10016, 10019, 170001, 170007, 170032, 170035, 170146, 170147, 170234, 3400214,
            429, 10429, 10014, //
            // "request expired", by a part behind the gateway whose rules are not documented.
            -1, //
            // Without a word on what became of the order, or about amending.
            110005, 110035, 170149, 170150, 170310, 170311, 170312, 170313,
        ],
    ),
    (M::NoSuchOrder, &[110001, 110008, 110010, 110019]),
    (M::NoSuchOrder, &[170139, 170142, 170143, 170190, 170213]),
    (M::OrderBusy, &[40004, 110079, 170144, 170191, 170212]),
    (M::DuplicateId, &[110030, 110072, 170141]),
];

/// Nothing was done, whatever the order was.
const TURNED_AWAY: Documented<'_, i64> = &[
    (M::Clock, &[10002]),
    (M::RateLimited, &[10006, 10018, 10403, 20003, 170005, 170222]),
    (M::Credentials, &[10003, 10004, 10005, 10007, 10008, 10009, 10010, 10024, 10027]),
    (M::Credentials, &[10028, 100028, 33004, -2015, 3100197, 170219, 170224, 170241]),
    (M::Credentials, &[110018, 110066, 110067, 110068, 110069, 110088]),
    (M::Credentials, &[110123, 110124, 110125, 110132]),
];

/// Nothing was done, and this order will never be taken.
const REFUSED: Documented<'_, i64> = &[
    (M::ReduceOnly, &[110017, 110034]),
    (
        M::Final,
        &[
            // Balance and margin.
            110004, 110006, 110007, 110012, 110014, 110044, 110045, 110047, 110051, 110052, 110053,
            110131, 30256, 170033, 170034, 170131, 170207, 176015, //
            // Risk and position limits.
            110011, 110013, 110016, 110021, 110031, 110039, 110040, 110041, 110046, 110048, 110080,
            110085, 110086, 110087, 110089, 110090, 110101, 110102, 110104, 110105, 110106, 110107,
            3400139, 3200403, 30133, 30134, 30135, 30136, //
            // Contract filters and parameters.
            10001, 10017, 110003, 110009, 110020, 110022, 110032, 110037, 110049, 110050, 110057,
            110060, 110061, 110071, 110092, 110093, 110094, 110120, 110121, 30208, 30209, //
            // Settings of position and margin; some only let positions shrink.
            110015, 110023, 110024, 110025, 110026, 110027, 110028, 110029, 110033, 110036, 110038,
            110042, 110043, 110054, 110055, 110056, 110058, 110059, 110062, 110064, 110065, 110073,
            110075, 110076, 110077, 110078, 110082, 110083, //
            // Contract and market state.
            110063, 110070, 110074, 110095, 110096, 110097, 110098, 110099, 110100, 110103, 10029,
            30228,
        ],
    ),
    (
        M::Final,
        &[
            // Spot: parameters, filters and price limits.
            170036, 170037, 170105, 170115, 170116, 170117, 170121, 170124, 170130, 170132, 170133,
            170134, 170135, 170136, 170137, 170140, 170145, 170148, 170192, 170193, 170194, 170195,
            170196, 170197, 170198, 170199, 170200, 170201, 170202, 170203, 170204, 170210, 170218,
            170221, 170227, 170341, 170344, 170355, 170371, 170372, 170381, 170382, 170810, //
            // Spot: limits of the account and of lending.
            170010, 170011, 170019, 170215, 170216, 170220, 170223, 170226, 170228, 170229, 170230,
            170346, 170709, //
            // Spot: market state.
            170031, 170151, 170157, 170159, 170206, 170217,
        ],
    ),
];

#[test]
fn every_code_means_what_is_documented() {
    let listed = CODES.iter().flat_map(|(_, codes)| codes.iter().copied());
    assert_same(&[OPEN, TURNED_AWAY, REFUSED], listed, meaning);
}
