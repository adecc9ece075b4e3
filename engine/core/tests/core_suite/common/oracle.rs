//! What must hold at every intent and at the end, judged by the exchanges' own books.

use equipoise_core::*;

use super::batch::*;
use super::world::World;

impl World {
    /// R5 and K1, at the moment an intent is written.
    pub(super) fn check_record(&mut self, record: &Record) {
        let Record::Intent { tag, request, .. } = record else {
            return;
        };
        assert!(self.ids.insert(request.client_id.clone()), "an id is used once");
        assert!(
            !self.saga.orders().any(|(_, order)| matches!(
                order.stage,
                Stage::InDoubt | Stage::Closed(Closing::Unresolved(_))
            )),
            "no intent while anything is in doubt"
        );
        let open = self.saga.attempts(tag.leg, tag.role).iter();
        assert!(!open.clone().any(Order::is_unresolved), "one attempt of a leg at a time (S1)");
    }

    /// Nothing is added by halves: what does not reduce the net delta goes with every leg that was refused and may be
    /// tried again, or not at all.
    pub(super) fn check_entries(&self, step: &Step) {
        let entries: Vec<_> = step
            .records
            .iter()
            .filter_map(|record| match record {
                Record::Intent { tag, request, .. } if tag.role == Role::Entry => {
                    Some((tag.leg, request))
                }
                _ => None,
            })
            .collect();
        let net = self.saga.net_delta(&asset("BTC"));
        let reduces =
            |side: Side| !net.is_zero() && net.get().is_sign_negative() == (side == Side::Buy);
        let after = entries.iter().fold(net, |sum, (leg, request)| {
            let instrument = &self.saga.spec().leg(*leg).expect("a leg").instrument;
            sum + instrument.base_of(request.side.signed(request.quantity), price("65000"))
        });
        if after.magnitude() <= net.magnitude()
            && entries.iter().all(|(_, request)| reduces(request.side))
        {
            return;
        }
        for (index, leg) in (0_u8..).zip(&self.saga.spec().legs) {
            let last = self.saga.attempts(index, Role::Entry).last();
            let refused = last.is_some_and(|order| {
                matches!(&order.stage, Stage::Closed(Closing::Refused(refusal))
                    if matches!(refusal.kind, RefusalKind::Transient | RefusalKind::RateLimited { .. }))
            });
            // What waits for other legs may be waiting for them again.
            let may_go = refused && self.saga.filled(index).is_zero() && leg.after.is_empty();
            let goes = entries.iter().any(|(leg, _)| *leg == index);
            assert!(!may_go || goes, "leg {} is left behind at a net delta of {net}", leg.name);
        }
    }

    /// K3: a compensating wave that fills completely leaves no larger net delta.
    pub(super) fn check_wave(&self, step: &Step) {
        let unwinds: Vec<_> = step
            .records
            .iter()
            .filter_map(|record| match record {
                Record::Intent { tag, request, .. } if tag.role == Role::Unwind => {
                    Some((tag, request))
                }
                _ => None,
            })
            .collect();
        if unwinds.is_empty() {
            return;
        }
        let before = self.saga.net_delta(&asset("BTC"));
        let after = unwinds.iter().fold(before, |sum, (tag, request)| {
            let leg = self.saga.spec().leg(tag.leg).expect("a leg");
            let units = request.side.signed(request.quantity);
            sum + leg.instrument.base_of(units, price("65000"))
        });
        let legs = self.saga.spec().legs.iter();
        let dust = legs.map(|leg| leg.instrument.dust_base(price("65000"))).max();
        assert!(
            after.magnitude() <= before.magnitude() || Some(after.magnitude()) < dust,
            "{before} became {after} (K3)"
        );
        for (tag, request) in unwinds {
            let held = self.saga.holding(tag.leg);
            assert!(request.quantity <= held.magnitude(), "never more than was received (K2)");
            assert!(
                matches!(request.kind, OrderKind::Limit { time_in_force: TimeInForce::Ioc, .. }),
                "never a bare market order (K4)"
            );
        }
    }

    /// What the exchanges know and what the batch says of itself, when it has ended (S1, S2, S4).
    pub(super) fn check_end(&self) {
        let spec = self.saga.spec();
        assert_eq!(
            Saga::replay(&self.records).as_ref(),
            Ok(&self.saga),
            "the state is a function of the records"
        );
        let range = self.saga.net_delta_range();
        let mut ledger = Amount::ZERO;
        for (index, exchange) in (0_u8..).zip(&self.exchanges) {
            ledger = ledger + exchange.position();
            if range.is_none() {
                assert_eq!(
                    self.saga.holding(index),
                    exchange.position(),
                    "every fill is in the journal, once (S4)"
                );
            }
            if self.faults.request_doubled == 0 {
                for (id, effects) in exchange.effects() {
                    assert_eq!(effects, 1, "{id} took effect more than once (S1)");
                }
            }
        }
        let net = self.saga.net_delta(&asset("BTC"));
        match self.saga.ended().map(|ended| ended.ending) {
            Some(Ending::Done) => {
                assert!(range.is_none());
                for (index, leg) in (0_u8..).zip(&spec.legs) {
                    if let LegQuantity::Fixed(quantity) = leg.quantity
                        && !spec.legs.iter().any(|other| {
                            matches!(other.quantity, LegQuantity::Of { leg, .. } if leg == index)
                        })
                    {
                        assert_eq!(self.saga.filled(index), quantity);
                    }
                }
            }
            Some(Ending::Flat) => {
                assert!(range.is_none());
                let dust =
                    spec.legs.iter().map(|leg| leg.instrument.dust_base(price("65000"))).max();
                assert!(net.magnitude() < dust.unwrap_or(Qty::ZERO), "flat at {net}");
            }
            Some(Ending::Parked) => match range {
                Some(range) => {
                    let range = range[&asset("BTC")];
                    // A duplicate beside an order in doubt is found by the queries that follow parking.
                    let exact = self.faults.request_doubled == 0;
                    assert!(
                        !exact || range.least <= ledger && ledger <= range.greatest,
                        "{ledger} is not within {range:?} (S2)"
                    );
                }
                None => assert_eq!(net, ledger, "parked with its exact exposure (S2)"),
            },
            None => panic!("not at its end"),
        }
    }
}
