//! S2: deltas as the ledgers show them, against the report and against the plan (K2, K6, K7).

use std::collections::{BTreeMap, BTreeSet};

use equipoise_core::{Asset, BatchStatus, Leg, Quantity, Role, Side};
use equipoise_sim::{Instrument, InstrumentKind};
use rust_decimal::Decimal;

use super::Batch;
use crate::accounts;
use crate::places;

/// How far below its usual price a seed may see an instrument, in hundredths of it.
const LOW_PERCENT: i64 = 97;

/// What the simulated spot exchanges that charge buys in the base asset take of takers: 0.1 %.
const SPOT_TAKER_FEE: Decimal = Decimal::from_parts(1, 0, 0, false, 3);

/// The exchange whose accounts may pay spot fees in a token.
const PAYS_IN_TOKEN: &str = "binance-spot";

impl Batch<'_> {
    /// S2: what the report says is what the ledgers say, to the digit, or a range that holds it.
    pub(super) fn check_delta(&self) {
        let ledger = self.books.deltas(self.orders(), &self.references);
        let of = |asset: &str| ledger.get(asset).copied().unwrap_or_default();
        let assets: BTreeSet<&str> = self.legs().map(|(_, instrument)| instrument.base).collect();
        self.check_references();
        for asset in assets {
            let name = Asset::new(asset).expect("an asset of the exchanges");
            let stated =
                self.report.net_delta.get(&name).map_or(Decimal::ZERO, |delta| delta.get());
            let range = self.report.net_delta_range.as_ref().and_then(|range| range.get(&name));
            let (least, greatest) =
                range.map_or((stated, stated), |(least, greatest)| (least.get(), greatest.get()));
            if of(asset) < least || of(asset) > greatest {
                let seen = format!("{asset}: ledgers {}, reported {least}..{greatest}", of(asset));
                self.violated("S2 the report is exact or a range that holds", seen);
            }
            self.check_quiescent(asset, of(asset));
        }
        if self.is_doubtful() && self.report.status != BatchStatus::Parked {
            self.violated("S2 only a parked batch may hold doubt", format!("{:?}", self.report));
        }
    }

    /// K7: the reference is a price that an exchange of the plan may have shown.
    fn check_references(&self) {
        let near = |leg: &Leg| {
            let markets = places::find(leg.venue.as_str())?.markets;
            markets.iter().find(|market| market.symbol == leg.instrument.as_str())
        };
        for (_, instrument) in self.legs() {
            let pair = (instrument.base, instrument.quote);
            let legs = self.legs().filter(|(_, other)| (other.base, other.quote) == pair);
            let low = legs.filter_map(|(leg, _)| near(leg)).map(|market| market.near).min();
            let low = Decimal::from(low.unwrap_or_default() * LOW_PERCENT) / Decimal::ONE_HUNDRED;
            let high = low * Decimal::new(107, 2);
            let stated = accounts::reference(&self.references, instrument).unwrap_or_default();
            if stated < low || stated > high {
                self.violated("K7 the reference is a price", format!("{pair:?}: {stated}"));
            }
        }
    }

    fn check_quiescent(&self, asset: &str, delta: Decimal) {
        match self.report.status {
            BatchStatus::Done => {
                if let Some((planned, slack)) = self.planned(asset) {
                    let least = planned - slack - self.unforeseen_fees(asset);
                    let most = planned + slack + self.spared_fees(asset);
                    if delta < least || delta > most {
                        let seen = format!("{asset}: {delta} instead of {planned} within {slack}");
                        self.violated("S2 done is the plan within a lot", seen);
                    }
                }
            }
            BatchStatus::Flat => {
                let dust = self.dust(asset);
                if delta.abs() >= dust {
                    let seen = format!("{asset}: {delta} is left, dust is below {dust}");
                    self.violated("S2 flat is zero within dust", seen);
                }
            }
            BatchStatus::Parked if self.report.why.is_empty() => {
                self.violated("a parked batch says why", "it does not");
            }
            BatchStatus::Parked => {}
            BatchStatus::Running => self.violated("batches end", "it is still running"),
        }
    }

    /// Net delta the plan asks for and how far from it `done` may be, where the plan alone says so: a lot of the
    /// coarsest instrument, and what was rounded down before on whichever side lost more.
    fn planned(&self, asset: &str) -> Option<(Decimal, Decimal)> {
        let lot = |instrument: &Instrument| {
            accounts::base_of(instrument, instrument.step, self.reference(instrument))
        };
        let mut sizes: BTreeMap<&str, Decimal> = BTreeMap::new();
        let mut planned = Decimal::ZERO;
        let (mut bought_less, mut sold_less, mut coarsest) =
            (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
        for (leg, instrument) in self.legs() {
            let size = match &leg.quantity {
                Quantity::Base(base) => base.get(),
                // The venue's own units are what is ordered, not what is received.
                Quantity::Contracts(units) => {
                    let fees = self.taken_in_base(leg.name.as_str());
                    accounts::base_of(instrument, units.get() - fees, self.reference(instrument))
                }
                Quantity::Quote(quote) => quote.get() / self.reference(instrument),
                Quantity::Of { leg: source, ratio } => sizes.get(source.as_str())? * ratio.get(),
            };
            sizes.insert(leg.name.as_str(), size);
            if instrument.base != asset {
                continue;
            }
            coarsest = coarsest.max(lot(instrument));
            let (sign, less) = match leg.side {
                Side::Buy => (Decimal::ONE, &mut bought_less),
                Side::Sell => (-Decimal::ONE, &mut sold_less),
            };
            planned += sign * size;
            let rounded =
                instrument.kind != InstrumentKind::Linear || !(size % lot(instrument)).is_zero();
            // A follower rounds what its source has already lost something of.
            let followed = matches!(leg.quantity, Quantity::Of { .. });
            *less += if rounded { lot(instrument) } else { Decimal::ZERO };
            *less += if followed { coarsest } else { Decimal::ZERO };
        }
        Some((planned, coarsest + bought_less.max(sold_less)))
    }

    /// What fees took out of buys although the account pays them in a token: it ran out, which no plan foresees.
    fn unforeseen_fees(&self, asset: &str) -> Decimal {
        let legs = self.legs().filter(|(leg, instrument)| {
            leg.venue.as_str() == PAYS_IN_TOKEN && instrument.base == asset
        });
        legs.map(|(leg, _)| self.taken_in_base(leg.name.as_str())).sum()
    }

    /// What fees left in buys because their orders rested: plans foresee the rate of takers.
    fn spared_fees(&self, asset: &str) -> Decimal {
        let bought = |(leg, instrument): &(&Leg, &Instrument)| {
            leg.side == Side::Buy
                && instrument.base == asset
                && instrument.kind == InstrumentKind::Spot
        };
        let spared = self.legs().filter(bought).map(|(leg, _)| {
            let taken = self.taken_in_base(leg.name.as_str());
            let entries = self.orders().filter(|(intent, _)| {
                intent.leg_name == leg.name.as_str() && intent.tag.role == Role::Entry
            });
            let trades = entries.flat_map(|(_, order)| &order.trades);
            let foreseen = trades.map(|trade| trade.quantity).sum::<Decimal>() * SPOT_TAKER_FEE;
            // Who pays nothing in the base asset pays in another one, and plans foresee that.
            if taken.is_zero() { Decimal::ZERO } else { (foreseen - taken).max(Decimal::ZERO) }
        });
        spared.sum()
    }

    /// What the fees of a leg's entries took out of what they bought.
    fn taken_in_base(&self, leg: &str) -> Decimal {
        let entries = self
            .orders()
            .filter(|(intent, _)| intent.leg_name == leg && intent.tag.role == Role::Entry);
        let fees = entries.flat_map(|(intent, order)| {
            let place = self.books.0.get(intent.exchange).map(|book| book.place.adapter);
            let rules = place.and_then(|place| self.books.instrument(place, &order.symbol));
            let taken = order.trades.iter().filter(move |trade| {
                rules.is_some_and(|rules| accounts::is_paid_in_base(rules, trade))
            });
            taken.map(|trade| trade.fee)
        });
        fees.sum()
    }

    /// Smallest order of the coarsest instrument, at the lowest price this seed may have seen.
    fn dust(&self, asset: &str) -> Decimal {
        let smallest = |(_, instrument)| {
            let low = self.reference(instrument) * Decimal::new(LOW_PERCENT, 2);
            accounts::smallest(instrument, low)
        };
        let legs = self.legs().filter(|(_, instrument)| instrument.base == asset);
        legs.map(smallest).max().unwrap_or_default()
    }

    fn reference(&self, instrument: &Instrument) -> Decimal {
        accounts::reference(&self.references, instrument).unwrap_or(Decimal::ONE)
    }

    /// The plan's legs with the rules of what they trade.
    fn legs(&self) -> impl Iterator<Item = (&Leg, &Instrument)> {
        self.plan.legs.iter().filter_map(|leg| {
            let instrument = self.books.instrument(leg.venue.as_str(), leg.instrument.as_str())?;
            Some((leg, instrument))
        })
    }
}
