//! Every code of Binance with its verdict, per product, written apart from the tables in `codes`.
//!
//! Source: Binance USDⓈ-M Error Codes; COIN-M Error Codes; Spot Error Codes, read 2026-11-22.

use Meaning as M;

use super::codes::{COINM, Codes, SPOT, USDM};
use crate::documented::{Documented, assert_same};
use crate::outcome::Meaning;

/// Not known whether anything was done, on both futures.
const FUTURES_OPEN: Documented<'_, i64> = &[
    // Unknown, disconnected, unexpected response, timeout.
    (M::Unknown, &[-1000, -1001, -1006, -1007]),
    // The engine's own words, or none.
    (M::Unknown, &[-1010, -2010, -2012, -4000, -4033, -4083]),
    (M::NoSuchOrder, &[-2011, -2013]),
    (M::DuplicateId, &[-4116]),
];

/// Nothing was done, on both futures.
const FUTURES: Documented<'_, i64> = &[
    // Throttled by the overload protection.
    (M::Transient, &[-1008]),
    (M::Clock, &[-1021]),
    (M::RateLimited, &[-1003, -1034]),
    (M::OrderRate, &[-1015]),
    (M::Credentials, &[-1002, -1011, -1022, -1099, -2014, -2015, -2017]),
    (M::Credentials, &[-4056, -4057, -4109, -4402]),
    (M::ReduceOnly, &[-2022, -4118]),
    (
        M::Final,
        &[
            // Margin and leverage.
            -2018, -2019, -2023, -2024, -2027, -2028, -4028, -4044, -4046, -4047, -4048, -4049,
            -4050, -4051, -4052, -4053, -4054, -4055, //
            // Position mode and accounts that may only reduce.
            -2026, -4059, -4060, -4061, -4062, -4067, -4068, -4087, -4138, -4400, -4401,
            -4531, //
            // Would or would not execute at once.
            -1112, -2020, -2021, -5021, -5022, -5037, -5038, -5039, -5040, -5041, //
            // Market closed, or the wrong endpoint.
            -1016, -1122, -2016, -4120, -4140, -4141, -4192, -1014, -1020, -1116, //
            // Parameters.
            -1004, -1005, -1013, -1023, -1100, -1101, -1102, -1103, -1104, -1105, -1106, -1108,
            -1109, -1110, -1111, -1113, -1114, -1115, -1117, -1118, -1119, -1120, -1121, -1125,
            -1126, -1127, -1128, -1130, -1136, //
            // Filters.
            -2025, -4001, -4002, -4003, -4004, -4005, -4006, -4007, -4008, -4009, -4010, -4011,
            -4012, -4013, -4014, -4015, -4016, -4017, -4018, -4019, -4020, -4021, -4022, -4023,
            -4024, -4025, -4026, -4027, -4029, -4030, -4031, -4032, -4045, -4058, -4082, -4084,
            -4086, -4104, -4131, -4135, -4137, -4139, -4142, -4164, -4183, -4184,
        ],
    ),
];

const USDM_ALONE: Documented<'_, i64> = &[
    // Late at the matching engine.
    (M::Clock, &[-5028]),
    (M::Credentials, &[-4088]),
    (M::Unknown, &[-4117]),
    (
        M::Final,
        &[
            -4085, -4114, -4115, -4144, -4161, -4165, -4167, -4168, -4169, -4170, -4171, -4172,
            -4202, -4203, -4205, -4206, -4208, -4209, -4210, -4211, -4403, -5024, -5025, -5026,
            -5027, -5029,
        ],
    ),
];

const COINM_ALONE: Documented<'_, i64> = &[
    (M::Clock, &[-4188, -5028]),
    (M::Credentials, &[-4090]),
    (M::ReduceOnly, &[-4112]),
    (
        M::Final,
        &[
            -4088, -4089, -4110, -4111, -4113, -4150, -4151, -4152, -4154, -4155, -4178, -4194,
            -4195, -4196, -4197, -4198, -4199, -4200, -4201, -4202, -5025,
        ],
    ),
];

const SPOT_CODES: Documented<'_, i64> = &[
    // -1008 says "overloaded" and not that nothing was done.
    (M::Unknown, &[-1000, -1001, -1006, -1007, -1008]),
    // About replacing; an archived order is there.
    (M::Unknown, &[-2021, -2022, -2026, -2038]),
    (M::NoSuchOrder, &[-2013]),
    (M::Clock, &[-1021]),
    (M::RateLimited, &[-1003, -1034]),
    (M::OrderRate, &[-1015]),
    (M::Credentials, &[-1002, -1022, -2014, -2015]),
    (
        M::Final,
        &[
            // A filter, whatever its name.
            -1013, //
            // Market closed or the wrong endpoint.
            -1016, -1122, -2016, -1014, -1020, -1116, //
            // Parameters; two ids that are not of one order prove no absence.
            -1100, -1101, -1102, -1103, -1104, -1105, -1106, -1108, -1111, -1112, -1114, -1115,
            -1117, -1118, -1119, -1120, -1121, -1125, -1127, -1128, -1130, -1134, -1135, -1139,
            -1145, -1151, -1182, -1194, -2039,
        ],
    ),
];

/// What the engine says of an order on spot, with -1010, -2010 and -2011.
const SPOT_WORDS: Documented<'_, &str> = &[
    (M::NoSuchOrder, &["Unknown order sent."]),
    (M::DuplicateId, &["Duplicate order sent."]),
    (
        M::Credentials,
        &[
            "This action is disabled on this account.",
            "This account may not place or cancel orders.",
            "This symbol is not permitted for this account.",
            "This symbol is restricted for this account.",
            "Rest API trading is not enabled.",
        ],
    ),
    (
        M::Final,
        &[
            "Account has insufficient balance for requested action.",
            "Market is closed.",
            "Order would immediately match and take.",
            "Order would trigger immediately.",
            "Price * QTY is zero or less.",
            "IcebergQty exceeds QTY.",
            "Unsupported order combination",
            "The relationship of the prices for the orders is not correct.",
            "Cancel order is invalid. Check origClOrdId and orderId.",
            "Order was not canceled due to cancel restrictions.",
            "Order book liquidity is less than `LOT_SIZE` filter minimum quantity.",
            "Order book liquidity is less than `MARKET_LOT_SIZE` filter minimum quantity.",
            "Order book liquidity is less than symbol minimum quantity.",
            "Market orders are not supported for this symbol.",
            "Quote order qty market orders are not support for this symbol.",
            "Iceberg orders are not supported for this symbol.",
            "Stop loss orders are not supported for this symbol.",
            "Stop loss limit orders are not supported for this symbol.",
            "Take profit orders are not supported for this symbol.",
            "Take profit limit orders are not supported for this symbol.",
            "OCO orders are not supported for this symbol",
            "Trailing stop orders are not supported for this symbol.",
            "Order cancel-replace is not supported for this symbol.",
        ],
    ),
];

fn listed(codes: &Codes) -> impl Iterator<Item = i64> {
    let groups = codes.tables.iter().flat_map(|table| table.iter());
    groups.flat_map(|(_, codes)| codes.iter().copied())
}

#[test]
fn every_code_means_what_is_documented_for_its_product() {
    let usdm = [FUTURES_OPEN, FUTURES, USDM_ALONE];
    assert_same(&usdm, listed(&USDM), |code| USDM.meaning(code, ""));
    let coinm = [FUTURES_OPEN, FUTURES, COINM_ALONE];
    assert_same(&coinm, listed(&COINM), |code| COINM.meaning(code, ""));
    assert_same(&[SPOT_CODES], listed(&SPOT), |code| SPOT.meaning(code, ""));
}

#[test]
fn every_word_of_the_spot_engine_means_what_is_documented() {
    assert_eq!(SPOT.worded, [-1010, -2010, -2011]);
    for code in [-1010, -2010, -2011] {
        let texts = SPOT.texts.iter().map(|(text, _)| *text);
        assert_same(&[SPOT_WORDS], texts, |text| SPOT.meaning(code, text));
    }
    assert!(USDM.worded.is_empty() && COINM.worded.is_empty());
}
