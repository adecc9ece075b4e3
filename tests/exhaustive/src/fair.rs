//! The fair schedule: nothing more goes wrong, everything on its way arrives, every wanted look is made, and time
//! passes only when nothing else is left to do. Every state must come to its end along it.

use crate::exchange::Verdict;
use crate::owner::Made;
use crate::world::{Action, World};

/// Place of an action in the fair schedule, the lowest is taken; `None` for what goes wrong or need not happen.
pub(crate) fn rank(world: &World, action: Action) -> Option<u8> {
    let current = world.current().map(|(who, _)| who);
    let own = |who: u8, rank| (current == Some(usize::from(who))).then_some(rank);
    match action {
        Action::Append { who } => own(who, 0),
        Action::Wake { who } => own(who, 1),
        // What an earlier owner still holds when all is over leaves it too.
        Action::HandOver { .. } if world.is_over() => Some(2),
        Action::HandOver { who, .. } => own(who, 2),
        Action::Execute { .. } => Some(3),
        Action::Show { .. } => Some(4),
        Action::Arrive { verdict: Verdict::Take(_), .. } => Some(5),
        Action::Reply { nth } => {
            let epoch = world.answers[usize::from(nth)].epoch;
            (epoch == world.journal.epoch).then_some(6)
        }
        Action::Timeout { who, nth } => {
            let owner = &world.owners[usize::from(who)];
            let answerable = world.is_answerable(owner.epoch, owner.calls[usize::from(nth)]);
            if answerable { None } else { own(who, 7) }
        }
        Action::Hear { who, .. } => own(who, 8),
        Action::Prepare { who, .. } => own(who, 9),
        Action::Ask { who, nth, bare: false } => {
            let owner = &world.owners[usize::from(who)];
            let (tag, _) = owner.wanted.query[usize::from(nth)];
            if owner.has_made(Made::Look, tag) { None } else { own(who, 10) }
        }
        Action::Cancel { who, nth } => {
            let owner = &world.owners[usize::from(who)];
            let tag = owner.wanted.cancel[usize::from(nth)];
            if owner.has_made(Made::Cancel, tag) { None } else { own(who, 11) }
        }
        Action::Start => Some(12),
        Action::Tick => Some(13),
        _ => None,
    }
}

/// The fair actions of a state, the first to be tried first; one that changes nothing is to be passed over.
pub(crate) fn fair(world: &World, possible: &[Action]) -> Vec<Action> {
    let mut ranked: Vec<(u8, usize, Action)> = possible
        .iter()
        .enumerate()
        .filter_map(|(place, action)| Some((rank(world, *action)?, place, *action)))
        .collect();
    ranked.sort_unstable_by_key(|(rank, place, _)| (*rank, *place));
    ranked.into_iter().map(|(_, _, action)| action).collect()
}
