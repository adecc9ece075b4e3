//! What trades cost, and in which asset.

use equipoise_core::Side;

use super::Market;
use crate::env::Env;
use crate::fault::{Fault, Faults};
use crate::units;

/// Chance per thousand that an account pays another fee than the expected one, where accounts may.
const UNEXPECTED_PER_MILLE: u32 = 800;
/// Thousandths of the expected rate: what makers pay, and what is more.
const LOWER: std::ops::RangeInclusive<u64> = 1..=900;
const HIGHER: std::ops::RangeInclusive<u64> = 1_050..=9_000;

/// Asset of a fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FeeIn {
    Quote,
    Base,
    Third,
}

/// What an account pays for spot buys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SpotFee {
    /// Buys pay so many thousandths of the expected rate, in the base asset.
    OfRate(i64),
    /// Buys pay the expected rate, in an asset that no leg trades.
    Third,
}

impl SpotFee {
    /// What everyone expects.
    pub(crate) const EXPECTED: Self = Self::OfRate(1_000);

    /// For one account, drawn from the fault's own numbers, so that nothing else changes with it.
    pub(crate) fn draw(faults: &mut Faults) -> Self {
        if !faults.strikes_with(Fault::UnexpectedFee, UNEXPECTED_PER_MILLE) {
            return Self::EXPECTED;
        }
        let mut within = |range| faults.size(Fault::UnexpectedFee, range).cast_signed();
        match within(0..=3) {
            0 => Self::OfRate(within(LOWER)),
            1 => Self::OfRate(within(HIGHER)),
            2 => Self::OfRate(0),
            _ => Self::Third,
        }
    }
}

impl Market {
    /// Fee of a trade at the taker's rate, spot trades at what the account pays for them; rounded towards zero, and what
    /// it is paid in.
    pub(super) fn fee(
        &self,
        env: &mut Env,
        spot: SpotFee,
        side: Side,
        quantity: i64,
        price: i64,
    ) -> (i64, FeeIn) {
        use equipoise_core::InstrumentKind::{Inverse, Linear, Spot};
        let rate = units::whole(self.instrument.taker_fee.get());
        let part = |value: i128| {
            i64::try_from(value * i128::from(rate) / i128::from(units::ONE)).unwrap_or(0)
        };
        let (quantity, price, one) = (quantity.into(), i128::from(price), i128::from(units::ONE));
        match (self.instrument.kind, side) {
            (Spot, Side::Buy) => match spot {
                SpotFee::OfRate(thousandths) => {
                    (part(quantity * i128::from(thousandths) / 1_000), FeeIn::Base)
                }
                SpotFee::Third => (part(quantity), FeeIn::Third),
            },
            (Spot, Side::Sell) => (part(quantity * price / one), FeeIn::Quote),
            (Linear, _) if env.rng.u8(0..8) == 0 => (part(quantity), FeeIn::Third),
            (Linear, _) => (part(quantity * price / one), FeeIn::Quote),
            (Inverse, _) => {
                let size = i128::from(units::whole(self.instrument.contract_size.get()));
                (part(quantity * size / price), FeeIn::Base)
            }
        }
    }
}
