//! What spot fees that are not the expected ones may leave of a batch that is done (S2), in whole numbers.

use equipoise_core::{Asset, InstrumentKind, LegQuantity, OrderTag, Role, Side};

use super::Checker;
use super::ledger::{Account, base_of};
use crate::env::Env;
use crate::exchange::{Exchange, FeeIn, Trade};
use crate::mark::Mark;
use crate::units::{self, BASE_ONE};

impl Checker {
    /// S2: `done` is the plan within a lot of the coarsest instrument, but for exactly what fees other than the expected
    /// ones changed and no follower matched.
    pub(super) fn done_problem(
        &self,
        env: &mut Env,
        batch: u8,
        base: &Asset,
        delta: i128,
        venues: &[Exchange],
    ) -> Option<String> {
        let spec = self.specs[usize::from(batch)].as_ref()?;
        let account = Account { spec };
        let lot = account.lot(base);
        let is_near = |off: i128| off == 0 || off.abs() < lot;
        let off = delta - account.planned(base);
        let fees = self.moved_by_fees(&account, batch, base, venues);
        self.note_matched(env, &account, batch, base, venues);
        if is_near(off) {
            return None;
        }
        if is_near(off - fees) {
            env.tally.hit(Mark::DoneBesideFees);
            return None;
        }
        Some(format!("is {off} off its plan, {fees} by its fees"))
    }

    /// What all fees other than the expected ones moved of an underlying, trillionths of a base unit.
    fn moved_by_fees(
        &self,
        account: &Account<'_>,
        batch: u8,
        base: &Asset,
        venues: &[Exchange],
    ) -> i128 {
        let legs = (0_u8..).zip(&account.spec.legs);
        let legs = legs.filter(|(_, leg)| leg.instrument.base == *base);
        legs.map(|(index, _)| self.moved(account, batch, index, venues)).sum()
    }

    /// The same of one leg: by the fees of its own entries, and by what it matches of the leg it follows.
    fn moved(&self, account: &Account<'_>, batch: u8, index: u8, venues: &[Exchange]) -> i128 {
        let Some(leg) = account.spec.leg(index) else { return 0 };
        self.beyond_expected(batch, index, venues)
            + match &leg.quantity {
                LegQuantity::Fixed(_) => 0,
                LegQuantity::Of { leg: source, ratio } => {
                    let of_source = self.moved(account, batch, *source, venues);
                    let size = of_source * units::base(ratio.get()) / BASE_ONE;
                    let same =
                        account.spec.leg(*source).is_some_and(|other| other.side == leg.side);
                    if same { size } else { -size }
                }
            }
    }

    /// What the entries of a spot leg received more than their trades bring at the expected fee.
    fn beyond_expected(&self, batch: u8, index: u8, venues: &[Exchange]) -> i128 {
        let Some(spec) = &self.specs[usize::from(batch)] else { return 0 };
        let spot = |leg: &&equipoise_core::LegSpec| leg.instrument.kind == InstrumentKind::Spot;
        let Some(leg) = spec.leg(index).filter(spot) else { return 0 };
        let rate = i128::from(units::whole(leg.instrument.taker_fee.get()));
        let beyond = |trade: &Trade| {
            let expected = if trade.side == Side::Buy {
                i128::from(trade.quantity) * rate / 10_000
            } else {
                0
            };
            let paid = if trade.fee_in == FeeIn::Base { i128::from(trade.fee) * 10_000 } else { 0 };
            expected - paid
        };
        self.entry_trades(batch, index, venues).map(beyond).sum()
    }

    fn entry_trades<'a>(
        &'a self,
        batch: u8,
        index: u8,
        venues: &'a [Exchange],
    ) -> impl Iterator<Item = &'a Trade> {
        let entry = move |tag: &OrderTag| tag.leg == index && tag.role == Role::Entry;
        self.tags(batch).into_iter().filter(entry).flat_map(move |tag| {
            let orders = self.orders_of(batch, tag, venues);
            let counted = orders.filter(move |(_, order)| self.counts(batch, tag, order));
            counted.flat_map(|(venue, order)| venue.trades_of(order))
        })
    }

    fn note_matched(
        &self,
        env: &mut Env,
        account: &Account<'_>,
        batch: u8,
        base: &Asset,
        venues: &[Exchange],
    ) {
        let matched = (0_u8..).zip(&account.spec.legs).any(|(index, leg)| {
            let LegQuantity::Of { leg: source, .. } = &leg.quantity else { return false };
            let lot = units::whole(leg.instrument.lot.get());
            let lot = base_of(&leg.instrument, lot, account.reference(&leg.instrument));
            leg.instrument.base == *base
                && self.moved(account, batch, *source, venues).abs() >= lot
                && self.entry_trades(batch, index, venues).next().is_some()
        });
        if matched {
            env.tally.hit(Mark::FeeDifferenceMatched);
        }
    }
}
