//! What must hold of sizes at admission, and of every wave of intents when it becomes durable.

use std::collections::BTreeSet;

use equipoise_core::{
    InstrumentKind, OrderKind, OrderRequest, OrderTag, PositionMode, PositionSide, Record,
    RefusalKind, Role, Side, TimeInForce,
};

use super::holdings::{Holdings, sized_base, sized_lots};
use super::{Violation, names, require, show_tags};
use crate::config::Size;
use crate::owner::Pending;
use crate::spec::side;
use crate::terms::{PARTS, decimal, parts_of};
use crate::world::{World, is_entry};

/// V10 and the rounding of plans: never more than was asked for, less than one lot of the coarsest instrument below it,
/// and as neutral as within such a lot.
pub(crate) fn of_admission(world: &World) -> Result<(), Violation> {
    let sized = Holdings::as_planned(world);
    let asked: Vec<i128> = (0..world.venues.len()).map(|leg| asked_base(world, leg)).collect();
    for (leg, asked) in asked.iter().enumerate() {
        let base = sized_base(world, leg, sized_lots(world, leg)).abs();
        require(base <= *asked && base > 0, "sizes are rounded down (V10)", || {
            format!("leg {leg} is {} of {}", decimal(base), decimal(*asked))
        })?;
        // Rounded down to its own lot, then less of it for the sake of what the coarsest lot leaves of another leg; the
        // fee that a spot buy is sized to cover makes an even number of lots uneven once more.
        let terms = world.venues[leg].terms;
        let uneven = if terms.fee(side(leg), 1) == 0 { 0 } else { terms.lot_base() };
        let most = sized.coarsest_lot(terms.base) + uneven;
        // What follows another leg is as many lots as that one is sized to bring, by the judges' own count.
        let sized_itself = world.setting.source(leg).is_none();
        require(
            !sized_itself || asked - base < most,
            "sizes give up less than a lot (V10)",
            || format!("leg {leg} is {} of {}", decimal(base), decimal(*asked)),
        )?;
    }
    for underlying in sized.underlyings() {
        let members = || (0..asked.len()).filter(|leg| world.venues[*leg].terms.base == underlying);
        let net: i128 = members().map(|leg| signed(side(leg), asked[leg])).sum();
        let off = (sized.net(underlying) - net).abs();
        require(off < sized.coarsest_lot(underlying), "sizes are neutral to within a lot", || {
            format!("{underlying} is off by {}", decimal(off))
        })?;
    }
    Ok(())
}

/// What the plan asks of a leg, parts of a base unit.
fn asked_base(world: &World, leg: usize) -> i128 {
    if let Some(source) = world.setting.source(leg) {
        return asked_base(world, source);
    }
    match world.setting.legs[leg].size {
        Size::Lots(lots) => sized_base(world, leg, lots).abs(),
        Size::Base(parts) => parts,
        Size::Quote(quote) => {
            i128::from(quote) * PARTS / i128::from(world.venues[leg].terms.reference)
        }
    }
}

const fn signed(side: Side, parts: i128) -> i128 {
    match side {
        Side::Buy => parts,
        Side::Sell => -parts,
    }
}

/// What must hold when intents become durable.
pub(crate) fn of_append(world: &World, pending: &Pending) -> Result<(), Violation> {
    let intents: Vec<_> = pending
        .records
        .iter()
        .filter_map(|record| match record {
            Record::Intent { tag, request, .. } => Some((*tag, request)),
            _ => None,
        })
        .collect();
    if intents.is_empty() {
        return Ok(());
    }
    let doubts = in_doubt(world.journal.records());
    require(doubts.is_empty(), "nothing leaves while an order is in doubt (K1)", || {
        format!("{} goes while {} is in doubt", names(&intents), show_tags(&doubts))
    })?;
    for (tag, request) in &intents {
        no_earlier_one_open(world, *tag, &intents)?;
        obeys_its_venue(world, *tag, request)?;
    }
    adds_nothing_by_halves(world, &intents)?;
    let unwinds: Vec<_> = intents.iter().copied().filter(|(tag, _)| !is_entry(*tag)).collect();
    if !unwinds.is_empty() {
        let known = Holdings::of_records(world);
        takes_back_what_was_received(&known, &unwinds)?;
        raises_nothing(&known, &unwinds, "by the records")?;
        if !world.duplicated && !is_repeated(world) {
            raises_nothing(&Holdings::of_books(world), &unwinds, "at the exchanges")?;
        }
    }
    Ok(())
}

/// V10, K4 and K5: symbol, whole lots, kind, limit, position side and flag as the venue and the account want them.
fn obeys_its_venue(world: &World, tag: OrderTag, request: &OrderRequest) -> Result<(), Violation> {
    let leg = usize::from(tag.leg);
    let (terms, shape) = (world.venues[leg].terms, world.setting.legs[leg]);
    let holds = |holds, claim| {
        require(holds, claim, || format!("{} is {request:?}", names(&[(tag, request)])))
    };
    let lots = terms.lots(request.quantity);
    let sized = request.symbol.as_str() == terms.symbol
        && lots.is_some_and(|lots| lots >= terms.smallest());
    holds(sized, "an order is whole lots its venue takes (V10)")?;
    let entry_side = side(leg);
    let belongs = match (terms.mode, entry_side) {
        (PositionMode::OneWay, _) => PositionSide::Net,
        (PositionMode::Hedge, Side::Buy) => PositionSide::Long,
        (PositionMode::Hedge, Side::Sell) => PositionSide::Short,
    };
    let flagged =
        !is_entry(tag) && terms.mode == PositionMode::OneWay && terms.kind != InstrumentKind::Spot;
    // What an unwind order is for is judged by what is held (K2): what a venue executed twice goes the other way.
    let directed =
        request.position_side == belongs && (!is_entry(tag) || request.side == entry_side);
    let of_the_account = directed && (flagged || !request.reduce_only);
    holds(of_the_account, "an order is for its own position, with the flag it allows (K5)")?;
    let kind = match request.kind {
        OrderKind::Market => is_entry(tag) && !shape.rests,
        OrderKind::Limit { time_in_force: TimeInForce::Ioc, price } => {
            let limit = parts_of(price.get()).unwrap_or(0) / PARTS * 100;
            let (bid, ask) = (i128::from(terms.bid), i128::from(terms.ask));
            let band = match request.side {
                Side::Sell => bid * 99..=bid * 100,
                Side::Buy => ask * 100..=ask * 101,
            };
            !is_entry(tag) && band.contains(&limit)
        }
        OrderKind::Limit { .. } => is_entry(tag) && shape.rests,
    };
    holds(kind, "what is taken back goes at the touch and its band, nothing else (K4)")
}

/// R5 and K1 by what is true, not by what is known: an attempt starts only when no earlier one of its leg can still
/// take effect, and an unwind only when no entry of the batch can, nor an unwind in its underlying.
fn no_earlier_one_open(
    world: &World,
    tag: OrderTag,
    intents: &[(OrderTag, &OrderRequest)],
) -> Result<(), Violation> {
    let underlying = |leg: u8| world.venues[usize::from(leg)].terms.base;
    let concerns = |leg: u8, role: Role| {
        let together = role == Role::Entry || underlying(leg) == underlying(tag.leg);
        leg == tag.leg || (tag.role == Role::Unwind && together)
    };
    let on_the_way = world
        .wire
        .iter()
        .filter(|parcel| !world.is_repeated(&parcel.request.0.client_id))
        .find(|parcel| concerns(parcel.tag.leg, parcel.tag.role) && world.may_act(parcel));
    require(on_the_way.is_none(), "no attempt starts while another can act (R5, K1)", || {
        format!("{} goes while a request of another attempt is on its way", names(intents))
    })?;
    let held = world.owners.iter().flat_map(|owner| &owner.outbox).find(|(other, request)| {
        concerns(other.leg, other.role) && world.could_leave(*other, request)
    });
    require(held.is_none(), "no attempt starts while another can act (R5, K1)", || {
        format!("{} goes while an earlier owner still holds a request", names(intents))
    })?;
    let open = (0_u8..)
        .zip(&world.venues)
        .flat_map(|(leg, venue)| venue.orders.iter().map(move |order| (leg, order)))
        .filter(|(leg, order)| concerns(*leg, order.role))
        .find(|(_, order)| order.is_open() && !world.is_repeated(&order.client_id));
    require(open.is_none(), "no attempt starts while another can act (R5, K1)", || {
        format!("{} goes while an order is open at its venue", names(intents))
    })
}

/// What does not reduce the net delta goes with every leg that was refused and may be tried again, or not at all.
fn adds_nothing_by_halves(
    world: &World,
    intents: &[(OrderTag, &OrderRequest)],
) -> Result<(), Violation> {
    let known = Holdings::of_records(world);
    let adds = intents.iter().find(|(tag, request)| {
        let net = known.net(world.venue(*tag).terms.base);
        is_entry(*tag) && signed(request.side, 1) * net.signum() >= 0
    });
    let Some((adds, _)) = adds else { return Ok(()) };
    let records = world.journal.records();
    for leg in (0_u8..).zip(world.setting.legs.iter()).filter(|(_, shape)| shape.after.is_none()) {
        let of_entry = |tag: OrderTag| tag.leg == leg.0 && is_entry(tag);
        let last = records.iter().rev().find(|record| {
            record.tag().is_some_and(of_entry)
                && !matches!(record, Record::Audited { .. } | Record::Sent { .. })
        });
        let left_behind = matches!(last, Some(Record::Refused { refusal, .. })
            if matches!(refusal.kind, RefusalKind::Transient | RefusalKind::RateLimited { .. }));
        require(!left_behind, "nothing is added by halves", || {
            format!("{} goes without leg {}", show_tags(&[*adds]), leg.0)
        })?;
    }
    Ok(())
}

/// K2: against what the leg holds, and no more than that once the fee of a buy is taken off.
fn takes_back_what_was_received(
    known: &Holdings,
    unwinds: &[(OrderTag, &OrderRequest)],
) -> Result<(), Violation> {
    let after = known.after(unwinds);
    for (tag, request) in unwinds {
        let (before, rest) = (known.of(tag.leg.into()), after.of(tag.leg.into()));
        let less = rest.abs() < before.abs() && rest.signum() * before.signum() >= 0;
        require(less, "no more is taken back than was received (K2)", || {
            format!("{} {} of {}", names(&[(*tag, *request)]), request.quantity, decimal(before))
        })?;
    }
    Ok(())
}

/// K3; what lots that do not divide each other cannot avoid stays below dust (K6).
fn raises_nothing(
    held: &Holdings,
    unwinds: &[(OrderTag, &OrderRequest)],
    judged: &str,
) -> Result<(), Violation> {
    let after = held.after(unwinds);
    for underlying in held.underlyings() {
        let (before, net) = (held.net(underlying), after.net(underlying));
        let small = net.abs() < held.dust(underlying);
        require(
            net.abs() <= before.abs() || small,
            "no compensating step raises the net delta (K3)",
            || format!("{underlying} from {} to {} {judged}", decimal(before), decimal(net)),
        )?;
    }
    Ok(())
}

/// A repetition of a request is on its way or has been: what follows is V15, where records and books may differ.
fn is_repeated(world: &World) -> bool {
    world.wire.iter().any(|parcel| parcel.copied)
        || world.venues.iter().flat_map(|venue| &venue.orders).any(|order| order.copied)
}

/// Attempts whose outcome is unknown by the records alone.
fn in_doubt(records: &[Record]) -> Vec<OrderTag> {
    let mut doubts = BTreeSet::new();
    let mut settled = BTreeSet::new();
    for record in records {
        let Some(tag) = record.tag() else {
            continue;
        };
        match record {
            Record::Doubted { .. } => {
                // What was shown stays shown, and a refusal stands: both are only looked at once more.
                if settled.contains(&tag) {
                    doubts.remove(&tag);
                } else {
                    doubts.insert(tag);
                }
            }
            Record::Unresolved { .. } => {
                doubts.insert(tag);
            }
            Record::Observed { .. } | Record::Filled { .. } => {
                settled.insert(tag);
                doubts.remove(&tag);
            }
            Record::Refused { .. } => {
                settled.insert(tag);
                doubts.remove(&tag);
            }
            Record::Transmission { .. } | Record::Unsent { .. } | Record::Absent { .. } => {
                doubts.remove(&tag);
            }
            _ => {}
        }
    }
    doubts.into_iter().collect()
}
