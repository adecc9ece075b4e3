//! Scenarios of what makes venues different: inverse contracts, fees in the base asset, sizes in quote, contracts of
//! other sizes, hedge mode, and two underlyings of which one venue takes nothing back.

use equipoise_core::ResendClass;

use super::end::End::{self, Done, Flat, Parked};
use super::scenario::Fate::{self, Fills, Half, Refused};
use super::scenario::Scenario;
use crate::config::{LegShape, Size, letter};
use crate::product::Product;
use crate::terms::PARTS;

/// Kills strike every nth place of the recoveries of a pair of legs, and every nth of two pairs.
const STRIDES: [usize; 2] = [5, 31];

/// Runs of two pairs of legs are long: kills strike the first place of each kind of point, and every nth.
const PLACES: usize = 3;

/// Two for an excess of which half fills at first, two for the rest.
const UNWIND_ATTEMPTS: u16 = 4;

/// Longer than any one order can be in doubt, so that time lost to doubt excuses nothing that stays exposed.
const UNWIND_MS: u64 = 15_000;

/// The scenarios of one pair of classes.
pub(super) fn of_pair(one: ResendClass, other: ResendClass) -> Vec<Scenario> {
    let leg = |class, product, size| LegShape { size, ..LegShape::of(class, product) };
    let follows =
        |legs: &[LegShape; 2]| [legs[0], LegShape { after: Some(0), follows: true, ..legs[1] }];
    // 0.012 of bitcoin are 3 contracts of 100 dollars, and 10 thousandths beside them.
    let some = Size::Base(PARTS / 1_000 * 12);
    let inverse = [leg(one, Product::CoinM, some), leg(other, Product::Fine, some)];
    let shorted = [leg(one, Product::Fine, some), leg(other, Product::CoinM, some)];
    // 0.0125 are 125 hundredths of a contract, 120 of them beside 12 thousandths.
    let more = Size::Base(PARTS / 10_000 * 125);
    let contracts = [leg(one, Product::Swap, more), leg(other, Product::Fine, more)];
    let tenth = Size::Base(PARTS / 100);
    let carried = [leg(one, Product::Spot, tenth), leg(other, Product::Fine, tenth)];
    let quoted = [leg(one, Product::Spot, Size::Quote(250)), leg(other, Product::Fine, tenth)];
    let twentieth = Size::Base(PARTS / 20);
    let token = [leg(one, Product::SpotToken, twentieth), leg(other, Product::Finest, twentieth)];
    let two = Size::Lots(2);
    let hedged = [leg(one, Product::Hedged, two), leg(other, Product::Whole, two)];
    let hedged_short = [leg(one, Product::Whole, two), leg(other, Product::Hedged, two)];
    let pair = format!("{}{}", letter(one), letter(other));
    let mut all = Vec::new();
    let mut add = |what: &str, ends: End, legs: &[LegShape], fates: [Fate; 2]| {
        let scenario = Scenario::of(format!("{what} {pair}"), ends, legs, &fates);
        all.push(Scenario {
            stride: STRIDES[0],
            unwind_half: fates.contains(&Half),
            unwind_attempts: UNWIND_ATTEMPTS,
            ..scenario
        });
    };
    add("inverse and linear: both filled", Done, &inverse, [Fills, Fills]);
    add("inverse and linear: linear refused", Flat, &inverse, [Fills, Refused]);
    add("inverse and linear: partial", Flat, &inverse, [Fills, Half]);
    add("linear and inverse: partial", Flat, &shorted, [Half, Fills]);
    add("follower of an inverse partial fill", Done, &follows(&inverse), [Half, Fills]);
    add("inverse follower of a partial fill", Done, &follows(&shorted), [Half, Fills]);
    add("spot and short: both filled", Done, &carried, [Fills, Fills]);
    add("spot and short: short refused", Flat, &carried, [Fills, Refused]);
    add("spot and short: partial", Flat, &carried, [Fills, Half]);
    add("spot bought for quote, follower", Done, &follows(&quoted), [Fills, Fills]);
    add("spot bought for quote, follower of half", Done, &follows(&quoted), [Half, Fills]);
    add("spot bought for quote, follower refused", Flat, &follows(&quoted), [Fills, Refused]);
    add("fee out of a token: both filled", Done, &token, [Fills, Fills]);
    add("fee out of a token: short refused", Flat, &token, [Fills, Refused]);
    add("fee out of a token, follower", Done, &follows(&token), [Fills, Fills]);
    add("contracts of 0.01: both filled", Done, &contracts, [Fills, Fills]);
    add("contracts of 0.01: one refused", Flat, &contracts, [Fills, Refused]);
    add("contracts of 0.01: partial", Flat, &contracts, [Fills, Half]);
    add("hedge mode: one refused", Flat, &hedged, [Fills, Refused]);
    add("hedge mode: partial", Flat, &hedged_short, [Half, Fills]);
    all.extend(two_underlyings(one, other));
    all
}

/// Bitcoin and ether, each long at an inverse venue and short at a linear one.
fn two_underlyings(one: ResendClass, other: ResendClass) -> Vec<Scenario> {
    let leg = |class, product, parts, beside| LegShape {
        size: Size::Base(parts),
        beside,
        ..LegShape::of(class, product)
    };
    let (bitcoin, ether) = (PARTS / 1_000 * 12, PARTS / 100 * 3);
    let pairs = [
        leg(one, Product::CoinM, bitcoin, None),
        leg(other, Product::Fine, bitcoin, None),
        leg(one, Product::CoinMEther, ether, Some(0)),
        leg(other, Product::FineEther, ether, Some(1)),
    ];
    let blind = pairs.map(|leg| LegShape { blind: leg.product == Product::Fine, ..leg });
    let pair = format!("{}{}", letter(one), letter(other));
    let scenario = |what: &str, ends: End, legs: &[LegShape], fates: [Fate; 4]| {
        let name = format!("two underlyings: {what} {pair}");
        let scenario = Scenario::of(name, ends, legs, &fates);
        let (unwind_ms, unwind_attempts) = (UNWIND_MS, UNWIND_ATTEMPTS);
        Scenario { places: PLACES, stride: STRIDES[1], unwind_ms, unwind_attempts, ..scenario }
    };
    // Where one leg of ether is refused, the linear venue holds bitcoin only.
    let refused = [Fills, Fills, Fills, Refused];
    vec![
        scenario("one refused", Flat, &pairs, refused),
        scenario("partial in both", Flat, &pairs, [Fills, Half, Half, Fills]),
        Scenario {
            banned: vec![1, 3],
            troubled: vec![1, 3],
            ..scenario("a venue that refuses unwinds", Parked, &pairs, refused)
        },
        Scenario {
            troubled: vec![1],
            ..scenario("a venue that cannot be read", Parked, &blind, refused)
        },
    ]
}
