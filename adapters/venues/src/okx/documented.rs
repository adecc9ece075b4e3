//! Every code of OKX that can answer what is sent from here, with its verdict, written apart from the table in `errors`.
//!
//! Source: OKX v5 Error Code, read 2026-11-22.

use Meaning as M;

use super::errors::{CODES, meaning};
use crate::documented::{Documented, assert_same};
use crate::outcome::Meaning;

/// Not known whether anything was done.
const OPEN: Documented<'_, u32> = &[
    // "Does not mean that the request was successful or failed", other timeouts, system errors.
    (M::Unknown, &[50001, 50004, 50013, 50026, 51054, 51149, 51412]),
    // Of timers and amendments, which an order does not ask for.
    (M::Unknown, &[51071, 51502]),
    // On a cancel also: filled, cancelled or unknown; on an amendment: canceled, completed.
    (M::NoSuchOrder, &[51063, 51400, 51401, 51402, 51405, 51503, 51603, 51509, 51510]),
    (M::OrderBusy, &[51410]),
    (M::DuplicateId, &[50042, 50071, 51011, 51016]),
];

/// Nothing was done, whatever the order was.
const TURNED_AWAY: Documented<'_, u32> = &[
    (M::Clock, &[50102, 50112]),
    (M::RateLimited, &[50011, 50040, 51113]),
    (M::OrderRate, &[50061]),
    (M::Credentials, &[50030, 50035, 50100, 50101, 50103, 50104, 50105, 50106, 50107, 50108]),
    (M::Credentials, &[50109, 50110, 50111, 50113, 50114, 50118, 50119, 50120, 50121]),
    // Past the deadline.
    (M::Transient, &[50036, 50037]),
    // Settlements, funding, freezes and maintenance that pass.
    (M::Transient, &[51029, 51030, 50017, 50019, 50020, 50022, 50023]),
    (M::Transient, &[50046, 50062, 50064, 52000, 54012]),
];

/// Nothing was done, and this order will never be taken.
const REFUSED: Documented<'_, u32> = &[
    (M::ReduceOnly, &[51023, 51112, 51133, 51134, 51139, 51148, 51165]),
    (M::ReduceOnly, &[51168, 51169, 51170, 51205, 51206]),
    (
        M::Final,
        &[
            // Funds and margin.
            51008, 51017, 51119, 51127, 51131, 51132, 51143, 51736, 54018, 54019, 54035,
            59200, //
            // Limits of positions, sizes and numbers.
            51004, 51005, 51025, 51033, 51034, 51038, 51101, 51102, 51103, 51104, 51105, 51106,
            51107, 51108, 51117, 51129, 51174, 51185, 51186, 51187, 51201, 51202, 51203, 54006,
            54030, 54031, //
            // Filters and parameters.
            51000, 51001, 51002, 51003, 51006, 51007, 51012, 51014, 51015, 51020, 51026, 51031,
            51110, 51111, 51115, 51116, 51120, 51121, 51122, 51123, 51124, 51135, 51136, 51137,
            51138, 51140, 51142, 51150, 51175, 51176, 51180, 51181, 51196, 51197, 51204, 51507,
            54009, 54029, 54036, 54084, 54085, //
            // An order of an all-or-none batch.
            54004, //
            // Requests that make no sense.
            50000, 50002, 50005, 50006, 50014, 50015, 50016, 50024, 50025, 50039, 50044, 50115,
            50122,
        ],
    ),
    (
        M::Final,
        &[
            // Mode of the account.
            50072, 51009, 51010, 51037, 51041, 51056, 51070, 51072, 51073, 51074, 51128, 51130,
            51144, 51156, 51159, 51166, 54000, 54001, 54005, 54008, 54011, 54024, 54025, 54026,
            54028, 54109, //
            // State of the account, region and compliance.
            50007, 50008, 50009, 50010, 50012, 50018, 50021, 50027, 50028, 50029, 50032, 50033,
            50038, 50041, 50051, 50052, 50053, 50059, 50060, 50067, 51024, 51155, 54072, //
            // State of the instrument.
            51021, 51022, 51027, 51028, 51032, 51087, 51109, 54007,
        ],
    ),
];

#[test]
fn every_code_means_what_is_documented() {
    let listed = CODES.iter().flat_map(|(_, codes)| codes.iter().copied());
    assert_same(&[OPEN, TURNED_AWAY, REFUSED], listed, |code| meaning(&code.to_string()));
}
