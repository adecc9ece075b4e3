//! One attempt as the raw records show it.

use std::collections::BTreeMap;

use equipoise_core::{ClientOrderId, OrderTag, ResendClass, Role, TradeId, VenueOrderId};

use super::{Claim, Violation};
use crate::env::Env;
use crate::mark::Mark;

/// Two searches that prove absence lie this far apart.
const SEARCH_GAP_MS: u64 = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Intended, no verdict yet.
    Intended,
    Doubt,
    Known,
    Closed(Closed),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closed {
    Ended,
    Refused { costs: bool, transient: bool },
    Unsent,
    Absent,
    Unresolved,
}

#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) client_id: ClientOrderId,
    pub(super) quantity: i64,
    pub(super) standing: Standing,
    pub(super) intended_at: u64,
    pub(super) deadlines: Vec<u64>,
    pub(super) first_stamp: u64,
    pub(super) at_venue: BTreeMap<VenueOrderId, (i64, bool)>,
    pub(super) trades: BTreeMap<(VenueOrderId, TradeId), i64>,
    /// The documented refusal of its only transmission.
    pub(super) refused: Option<Closed>,
    /// Quantity of each order's trades that were taken back.
    pub(super) busted: BTreeMap<VenueOrderId, i64>,
    pub(super) audited: bool,
    /// Venue and engine time of fruitless searches beyond deadline and margin since the last transmission.
    pub(super) searches: Vec<(u64, u64)>,
    pub(super) doubted: bool,
    /// Intents of one append share a number.
    pub(super) wave: u32,
    /// Given up because too little of its window was left.
    pub(super) lapsed: bool,
    /// It executed after its absence had been proven.
    pub(super) late: bool,
}

pub(super) fn broken(claim: Claim, text: impl Into<String>) -> Violation {
    Violation { claim, text: text.into() }
}

impl Attempt {
    pub(super) const fn is_unresolved(&self) -> bool {
        !matches!(self.standing, Standing::Closed(_))
            || matches!(self.standing, Standing::Closed(Closed::Unresolved))
    }

    pub(super) const fn is_closed(&self) -> bool {
        matches!(self.standing, Standing::Closed(_))
    }

    pub(super) const fn is_absent(&self) -> bool {
        matches!(self.standing, Standing::Closed(Closed::Absent))
    }

    /// The venue shows it as ended, and nobody has looked for a second effect of its request since that would show.
    pub(super) const fn is_unaudited(&self) -> bool {
        !self.audited
    }

    pub(super) const fn is_doubtful(&self) -> bool {
        matches!(self.standing, Standing::Doubt | Standing::Closed(Closed::Unresolved))
    }

    pub(super) fn settle(&mut self) {
        let complete = self.at_venue.iter().all(|(id, (executed, ended))| {
            let listed = self.trades.iter().filter(|((order, _), _)| order == id);
            let busted = self.busted.get(id).copied().unwrap_or(0);
            *ended && listed.map(|(_, quantity)| quantity).sum::<i64>() + busted >= *executed
        });
        // Given up for its audit alone, it is no longer once that was made up for.
        let given_up = self.standing == Standing::Closed(Closed::Unresolved) && self.audited;
        let open = self.standing == Standing::Known || given_up;
        if open && complete && !self.at_venue.is_empty() {
            self.standing = Standing::Closed(Closed::Ended);
        }
    }
}

impl Attempt {
    pub(super) const fn costs(&self) -> bool {
        match self.standing {
            Standing::Closed(Closed::Unsent) => false,
            Standing::Closed(Closed::Refused { costs, .. }) => costs,
            _ => true,
        }
    }

    pub(super) fn doubt(&mut self, env: &mut Env, tag: OrderTag) {
        if tag.role == Role::Unwind {
            env.tally.hit(Mark::UnwindInDoubt);
        }
        self.doubted = true;
        if let Some(refused) = self.refused.filter(|_| self.at_venue.is_empty()) {
            // A refusal stands; whoever starts again only looks once more whether its request took effect all the same.
            self.standing = Standing::Closed(refused);
            return;
        }
        self.standing = if self.at_venue.is_empty() { Standing::Doubt } else { Standing::Known };
    }

    pub(super) fn note_found(&mut self, env: &mut Env, class: ResendClass) {
        if self.doubted && self.at_venue.is_empty() {
            env.tally.hit(Mark::FoundAfterDoubt);
            if class == ResendClass::C {
                env.tally.hit(Mark::ClassCFound);
            }
        }
    }

    /// R4: two searches beyond deadline and margin, a second apart by both clocks.
    pub(super) fn may_be_absent(
        &self,
        tag: OrderTag,
        class: ResendClass,
        id_horizon_ms: u64,
    ) -> Result<(), Violation> {
        let apart = self.searches.iter().any(|(venue, at)| {
            let later = |(other_venue, other_at): &(u64, u64)| {
                *other_venue >= venue + SEARCH_GAP_MS && *other_at >= at + SEARCH_GAP_MS
            };
            self.searches.iter().any(later)
        });
        let last = self.searches.last().map_or(0, |(venue, _)| *venue);
        let remembered = class != ResendClass::A || last < self.first_stamp + id_horizon_ms;
        if class == ResendClass::C || !apart || !remembered {
            return Err(broken(Claim::R4, format!("{tag:?} is called absent without proof")));
        }
        Ok(())
    }
}
