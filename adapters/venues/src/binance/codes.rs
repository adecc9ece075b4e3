//! The codes Binance documents, per product, and what each of them proves.
//!
//! A code that is not listed proves nothing (R6). Codes are shared between the products but their meanings are not, so
//! each product has a table of its own.
//! Left out are the codes of interfaces that are never used, FIX, SBE and options.

use crate::outcome::Meaning;

use Meaning as M;

/// Meanings with the codes that have them.
pub(crate) type Table = &'static [(Meaning, &'static [i64])];

/// How one product's errors are read.
#[derive(Debug)]
pub(crate) struct Codes {
    /// Meanings with their codes.
    pub(crate) tables: &'static [Table],
    /// Codes that pass on the engine's own words, whose text decides.
    pub(crate) worded: &'static [i64],
    /// Those texts.
    pub(crate) texts: &'static [(&'static str, Meaning)],
    /// Whether some 503 answers are documented as not executed.
    pub(crate) some_503_refuse: bool,
}

impl Codes {
    /// What a code means; unlisted codes and texts mean nothing.
    pub(crate) fn meaning(&self, code: i64, text: &str) -> Meaning {
        if self.worded.contains(&code) {
            let listed = self.texts.iter().find(|(listed, _)| *listed == text);
            return listed.map_or(M::Unknown, |(_, meaning)| *meaning);
        }
        let mut groups = self.tables.iter().flat_map(|table| table.iter());
        let listed = groups.find(|(_, codes)| codes.contains(&code));
        listed.map_or(M::Unknown, |(meaning, _)| *meaning)
    }
}

/// USDⓈ-M futures.
pub(crate) const USDM: Codes =
    Codes { tables: &[FUTURES, USDM_OWN], worded: &[], texts: &[], some_503_refuse: true };
/// COIN-M futures.
pub(crate) const COINM: Codes =
    Codes { tables: &[FUTURES, COINM_OWN], worded: &[], texts: &[], some_503_refuse: true };
/// Spot, where every answer with a status of 500 and above leaves the outcome unknown.
/// Source: Binance Spot REST API, HTTP Return Codes, read 2026-11-22.
pub(crate) const SPOT: Codes = Codes {
    tables: &[SPOT_OWN],
    worded: &[-1010, -2010, -2011],
    texts: SPOT_TEXTS,
    some_503_refuse: false,
};

/// Codes of both futures. Since both run on one system, codes of the one are taken on the other too where they do not
/// contradict its own page.
/// Source: Binance USDⓈ-M Error Codes; COIN-M Error Codes; Derivatives Change Log 2026-06-30, read 2026-11-22.
const FUTURES: Table = &[
    // The exchange does not know what became of the request; -1001 has one passing form, see `overloaded`.
    (M::Unknown, &[-1000, -1001, -1006, -1007]),
    // Passed on from the engine or a batch without saying what happened.
    (M::Unknown, &[-1010, -2010, -2012, -4000, -4033, -4083]),
    // Nothing was done and the cause passes.
    (M::Transient, &[-1008]),
    // Outside the request window, on receipt.
    (M::Clock, &[-1021]),
    // Limits.
    (M::RateLimited, &[-1003, -1034]),
    (M::OrderRate, &[-1015]),
    // Key, signature, permission.
    (
        M::Credentials,
        &[-1002, -1011, -1022, -1099, -2014, -2015, -2017, -4056, -4057, -4109, -4402],
    ),
    // Requests that make no sense.
    (
        M::Final,
        &[
            -1004, -1005, -1013, -1014, -1020, -1023, -1100, -1101, -1102, -1103, -1104, -1105,
            -1106, -1108, -1109, -1110, -1111, -1113, -1114, -1115, -1116, -1117, -1118, -1119,
            -1120, -1121, -1125, -1126, -1127, -1128, -1130, -1136,
        ],
    ),
    // Balance, margin and leverage.
    (
        M::Final,
        &[
            -2018, -2019, -2023, -2024, -2027, -2028, -4028, -4044, -4046, -4047, -4048, -4049,
            -4050, -4051, -4052, -4053, -4054, -4055,
        ],
    ),
    // Filters.
    (
        M::Final,
        &[
            -2025, -4001, -4002, -4003, -4004, -4005, -4006, -4007, -4008, -4009, -4010, -4011,
            -4012, -4013, -4014, -4015, -4016, -4017, -4018, -4019, -4020, -4021, -4022, -4023,
            -4024, -4025, -4026, -4027, -4029, -4030, -4031, -4032, -4045, -4058, -4082, -4084,
            -4086, -4104, -4131, -4135, -4137, -4139, -4142, -4164, -4183, -4184,
        ],
    ),
    // Position mode, and accounts that may only reduce.
    (
        M::Final,
        &[-2026, -4059, -4060, -4061, -4062, -4067, -4068, -4087, -4138, -4400, -4401, -4531],
    ),
    // A reduce-only order that does not fit the position.
    (M::ReduceOnly, &[-2022, -4118]),
    // Would or would not execute at once.
    (M::Final, &[-1112, -2020, -2021, -5021, -5022, -5037, -5038, -5039, -5040, -5041]),
    // Market closed, or the wrong place for the order.
    (M::Final, &[-1016, -1122, -2016, -4120, -4140, -4141, -4192]),
    // Orders.
    (M::NoSuchOrder, &[-2011, -2013]),
    (M::DuplicateId, &[-4116]),
];

/// Source: Binance USDⓈ-M Error Codes, read 2026-11-22.
const USDM_OWN: Table = &[
    // Outside the request window, at the matching engine.
    (M::Clock, &[-5028]),
    // Permission.
    (M::Credentials, &[-4088]),
    // A conditional order is being triggered.
    (M::Unknown, &[-4117]),
    // Requests, filters and modes.
    (
        M::Final,
        &[
            -4085, -4114, -4115, -4144, -4161, -4165, -4167, -4168, -4169, -4170, -4171, -4172,
            -4202, -4203, -4205, -4206, -4208, -4209, -4210, -4211, -4403, -5024, -5025, -5026,
            -5027, -5029,
        ],
    ),
];

/// Source: Binance COIN-M Error Codes, read 2026-11-22.
const COINM_OWN: Table = &[
    // Outside the request window, at the matching engine; the second since both futures run on one system.
    (M::Clock, &[-4188, -5028]),
    // Permission.
    (M::Credentials, &[-4090]),
    // A reduce-only order that does not fit the position.
    (M::ReduceOnly, &[-4112]),
    // Requests, filters and modes.
    (
        M::Final,
        &[
            -4088, -4089, -4110, -4111, -4113, -4150, -4151, -4152, -4154, -4155, -4178, -4194,
            -4195, -4196, -4197, -4198, -4199, -4200, -4201, -4202, -5025,
        ],
    ),
];

/// Source: Binance Spot Error Codes, read 2026-11-22.
const SPOT_OWN: Table = &[
    // The exchange does not know what became of the request, or is overloaded without saying that nothing was done.
    (M::Unknown, &[-1000, -1001, -1006, -1007, -1008]),
    // Outside the request window, on receipt or just before the engine.
    (M::Clock, &[-1021]),
    // Limits.
    (M::RateLimited, &[-1003, -1034]),
    (M::OrderRate, &[-1015]),
    // Key, signature, permission.
    (M::Credentials, &[-1002, -1022, -2014, -2015]),
    // Refused before the engine: filters and other checks.
    (M::Final, &[-1013]),
    // Requests that make no sense.
    (
        M::Final,
        &[
            -1014, -1016, -1020, -1100, -1101, -1102, -1103, -1104, -1105, -1106, -1108, -1111,
            -1112, -1114, -1115, -1116, -1117, -1118, -1119, -1120, -1121, -1122, -1125, -1127,
            -1128, -1130, -1134, -1135, -1139, -1145, -1151, -1182, -1194, -2016, -2039,
        ],
    ),
    // About replacing, amending and lists of orders, which are never asked for.
    (M::Unknown, &[-2021, -2022, -2038]),
    // The order is there and only archived, so this is no sign of absence.
    (M::Unknown, &[-2026]),
    // Orders.
    (M::NoSuchOrder, &[-2013]),
];

/// Source: Binance Spot Error Codes, Messages for -1010, -2010 and -2011, read 2026-11-22.
const SPOT_TEXTS: &[(&str, Meaning)] = &[
    ("Unknown order sent.", M::NoSuchOrder),
    ("Duplicate order sent.", M::DuplicateId),
    ("This action is disabled on this account.", M::Credentials),
    ("This account may not place or cancel orders.", M::Credentials),
    ("This symbol is not permitted for this account.", M::Credentials),
    ("This symbol is restricted for this account.", M::Credentials),
    ("Rest API trading is not enabled.", M::Credentials),
    ("Market is closed.", M::Final),
    ("Account has insufficient balance for requested action.", M::Final),
    ("Market orders are not supported for this symbol.", M::Final),
    ("Price * QTY is zero or less.", M::Final),
    ("Unsupported order combination", M::Final),
    ("Order would trigger immediately.", M::Final),
    ("Cancel order is invalid. Check origClOrdId and orderId.", M::Final),
    ("Order would immediately match and take.", M::Final),
    ("Quote order qty market orders are not support for this symbol.", M::Final),
    ("Order was not canceled due to cancel restrictions.", M::Final),
    ("Order book liquidity is less than `LOT_SIZE` filter minimum quantity.", M::Final),
    ("Order book liquidity is less than `MARKET_LOT_SIZE` filter minimum quantity.", M::Final),
    ("Order book liquidity is less than symbol minimum quantity.", M::Final),
    ("Iceberg orders are not supported for this symbol.", M::Final),
    ("Stop loss orders are not supported for this symbol.", M::Final),
    ("Stop loss limit orders are not supported for this symbol.", M::Final),
    ("Take profit orders are not supported for this symbol.", M::Final),
    ("Take profit limit orders are not supported for this symbol.", M::Final),
    ("IcebergQty exceeds QTY.", M::Final),
    ("The relationship of the prices for the orders is not correct.", M::Final),
    ("OCO orders are not supported for this symbol", M::Final),
    ("Trailing stop orders are not supported for this symbol.", M::Final),
    ("Order cancel-replace is not supported for this symbol.", M::Final),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_code_is_listed_twice_for_one_product() {
        for codes in [USDM, COINM, SPOT] {
            let groups = codes.tables.iter().flat_map(|table| table.iter());
            let all: Vec<i64> = groups.flat_map(|(_, codes)| codes.iter().copied()).collect();
            let once: BTreeSet<i64> = all.iter().copied().collect();
            assert_eq!(once.len(), all.len());
            assert!(codes.worded.iter().all(|code| !once.contains(code)));
        }
    }

    #[test]
    fn the_same_code_may_mean_another_thing_on_another_product() {
        assert_eq!(USDM.meaning(-2022, ""), M::ReduceOnly);
        assert_eq!(SPOT.meaning(-2022, ""), M::Unknown);
        assert_eq!(USDM.meaning(-4088, ""), M::Credentials);
        assert_eq!(COINM.meaning(-4088, ""), M::Final);
        assert_eq!(COINM.meaning(-4112, ""), M::ReduceOnly);
        assert_eq!(USDM.meaning(-4112, ""), M::Unknown);
        assert_eq!(USDM.meaning(-2026, ""), M::Final);
        assert_eq!(SPOT.meaning(-2026, ""), M::Unknown);
    }

    #[test]
    fn on_spot_the_text_of_a_refusal_decides_and_an_unlisted_one_proves_nothing() {
        for code in [-1010, -2010, -2011] {
            assert_eq!(SPOT.meaning(code, "Duplicate order sent."), M::DuplicateId);
            assert_eq!(SPOT.meaning(code, "Unknown order sent."), M::NoSuchOrder);
            let poor = "Account has insufficient balance for requested action.";
            assert_eq!(SPOT.meaning(code, poor), M::Final);
            for unlisted in ["", "Duplicate order sent", "Something else."] {
                assert_eq!(SPOT.meaning(code, unlisted), M::Unknown);
            }
        }
    }
}
