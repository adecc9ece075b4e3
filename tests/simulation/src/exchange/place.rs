//! What an exchange's gateway does with an order request.

use equipoise_core::{
    DeadlineCheck, OrderKind, OrderRequest, OrderSnapshot, Refusal, RefusalKind, ResendClass,
    VenueOrderId,
};
use equipoise_port::PlaceError;

use super::{Exchange, Fate, State, Ticket, VenueEvent, VenueOrder};
use crate::env::Env;
use crate::fault::Fault;
use crate::mark::Mark;
use crate::units;

/// How far ahead of the venue's clock a stamp may be.
const AHEAD_MS: u64 = 1_000;
/// Longest that an execution comes after the margin of its venue.
const BEYOND_MARGIN_MS: u64 = 20_000;

pub(super) fn refused(kind: RefusalKind, code: &str) -> PlaceError {
    PlaceError::Refused(Refusal { kind, code: code.to_owned(), message: String::new() })
}

pub(super) fn unknown(why: &str) -> PlaceError {
    PlaceError::Unknown(why.to_owned())
}

impl Exchange {
    /// The gateway takes a request in. `None` where the matching engine answers.
    pub(super) fn admit(
        &mut self,
        env: &mut Env,
        request: &OrderRequest,
        ticket: Ticket,
        departure: u64,
    ) -> Option<Result<OrderSnapshot, PlaceError>> {
        let known = self.fates.get(&departure).copied();
        // What class C takes may execute long after the last look: nobody could find out that a copy was refused.
        let unlooked = known == Some(Fate::Taken) && self.class() == ResendClass::C;
        let earlier = known.filter(|_| !self.splits_answers || unlooked);
        if earlier == Some(Fate::Refused) {
            // Refused once, refused for good: the way there may copy requests, the venue does not change its mind.
            return None;
        }
        let unanswered = match self.turn_away(env, request) {
            Some(Turned::Away(error)) => return self.answer_refusal(error, departure, earlier),
            Some(Turned::Echoed(order)) => return Some(Ok(self.acknowledgement(order))),
            Some(Turned::TakenInSilence) => true,
            None => env.faults.strikes(Fault::AcceptedThenUnknown),
        };
        let copied = self.fates.insert(departure, Fate::Taken).is_some();
        if known == Some(Fate::Refused) {
            self.split.insert(departure);
        }
        let latest = self.engine_time(request.deadline.0 + u64::from(self.traits.margin_ms));
        if copied && env.now > latest {
            // Class C again executes whenever it likes, but a second time only within what the engine can watch.
            return None;
        }
        let order = self.take_in(env, request, departure);
        let at = self.matching_at(env, request);
        let at = if copied { at.min(latest) } else { at };
        let at = if copied { at } else { self.or_beyond_margin(env, order, at, latest) };
        let at_gateway = self.class() == ResendClass::A;
        let reply_to = (!at_gateway && !unanswered).then_some(ticket);
        env.later(at, self.index, VenueEvent::Match { order, reply_to });
        if unanswered {
            return Some(Err(unknown("internal error, status unknown")));
        }
        at_gateway.then(|| Ok(self.acknowledgement(order)))
    }

    fn answer_refusal(
        &mut self,
        error: PlaceError,
        departure: u64,
        earlier: Option<Fate>,
    ) -> Option<Result<OrderSnapshot, PlaceError>> {
        if matches!(error, PlaceError::Refused(_)) {
            if earlier == Some(Fate::Taken) {
                return None;
            }
            self.refuse_copy(departure);
        }
        Some(Err(error))
    }

    pub(super) fn refuse_copy(&mut self, departure: u64) {
        if self.fates.insert(departure, Fate::Refused) == Some(Fate::Taken) {
            self.split.insert(departure);
        }
    }

    /// Whether the engine was rightly told that this handing over was refused, though a copy of it was taken.
    pub(crate) fn is_split(&self, departure: u64) -> bool {
        self.split.contains(&departure)
    }

    fn turn_away(&mut self, env: &mut Env, request: &OrderRequest) -> Option<Turned> {
        if self.out_until > env.now {
            let taken = env.rng.u8(0..4) == 0 && !self.is_late(env, request);
            return Some(if taken && self.known(env, request).is_none() {
                Turned::TakenInSilence
            } else {
                Turned::Away(unknown("service unavailable"))
            });
        }
        if let Some(error) = self.refusal(env, request) {
            return Some(Turned::Away(error));
        }
        let order = self.known(env, request)?;
        if self.echoes_ids {
            env.tally.hit(Mark::EchoedDuplicate);
            return Some(Turned::Echoed(order));
        }
        env.tally.hit(Mark::RefusedDuplicate);
        Some(Turned::Away(unknown("client id exists")))
    }

    fn refusal(&mut self, env: &mut Env, request: &OrderRequest) -> Option<PlaceError> {
        if self.revoked_until > env.now {
            return Some(refused(RefusalKind::Credentials, "key"));
        }
        if env.faults.strikes_with(Fault::Ban, 60) {
            let wait = env.faults.size(Fault::Ban, 1..=10_000);
            self.banned_until = self.banned_until.max(env.now + wait);
        }
        if self.banned_until > env.now {
            let announced = !env.faults.strikes_with(Fault::Ban, 200);
            let retry_after_ms = if announced { self.banned_until - env.now } else { 0 };
            return Some(refused(RefusalKind::RateLimited { retry_after_ms }, "too many"));
        }
        if env.faults.strikes(Fault::UnknownWithoutEffect) {
            return Some(unknown("bad gateway"));
        }
        if env.faults.strikes(Fault::TransientRefusal) {
            return Some(refused(RefusalKind::Transient, "overloaded"));
        }
        if env.faults.strikes(Fault::FinalRefusal) {
            return Some(refused(RefusalKind::Final, "margin"));
        }
        if self.is_late(env, request) {
            env.tally.hit(Mark::RefusedLate);
            return Some(refused(RefusalKind::Transient, "late"));
        }
        None
    }

    /// Outside the request's window by the gateway's clock.
    fn is_late(&self, env: &Env, request: &OrderRequest) -> bool {
        let venue_time = self.venue_time(env.now);
        let stamp = request.deadline.0.saturating_sub(request.window_ms.into());
        self.traits.deadline_check != DeadlineCheck::None
            && (venue_time > request.deadline.0 || stamp > venue_time + AHEAD_MS)
    }

    /// The order of an id that a class A venue remembers, whatever became of it: it takes no other one under that id.
    fn known(&self, env: &Env, request: &OrderRequest) -> Option<usize> {
        if self.class() != ResendClass::A {
            return None;
        }
        let since = self.venue_time(env.now).saturating_sub(self.traits.id_horizon_ms + AHEAD_MS);
        self.under(&request.client_id).find(|order| {
            self.orders[*order].created_at >= since && self.orders[*order].state != State::Void
        })
    }

    pub(super) fn under(
        &self,
        client: &equipoise_core::ClientOrderId,
    ) -> impl DoubleEndedIterator<Item = usize> + '_ {
        self.by_client.get(client).into_iter().flatten().copied()
    }

    fn take_in(&mut self, env: &mut Env, request: &OrderRequest, departure: u64) -> usize {
        let index = self.orders.len();
        let id = VenueOrderId::new(&format!("o{}-{index}", self.index));
        let limit = match request.kind {
            OrderKind::Market => None,
            OrderKind::Limit { price, time_in_force } => {
                Some((units::whole(price.get()), time_in_force))
            }
        };
        self.by_client.entry(request.client_id.clone()).or_default().push(index);
        self.orders.push(VenueOrder {
            id: id.expect("it is a short ASCII text"),
            client: request.client_id.clone(),
            market: self.market(&request.symbol),
            side: request.side,
            limit,
            quantity: units::whole(request.quantity.get()),
            executed: 0,
            reduce_only: request.reduce_only,
            position_side: request.position_side,
            deadline: request.deadline.0,
            created_at: self.venue_time(env.now),
            found_from: u64::MAX,
            listed_from: u64::MAX,
            state: State::Pending,
            history: Vec::new(),
            trades: Vec::new(),
            cancel_acknowledged: false,
            filled_after_cancel: false,
            departure,
            breaks_margin: false,
            beyond_margin: None,
        });
        index
    }

    /// When the matching engine takes it up: within what the venue's class and margin promise.
    fn matching_at(&self, env: &mut Env, request: &OrderRequest) -> u64 {
        let quick = env.now + env.rng.u64(0..=4);
        if !env.faults.strikes(Fault::SlowMatching) {
            return quick;
        }
        let slow = env.now + env.faults.size(Fault::SlowMatching, 10..=9_000);
        match self.traits.deadline_check {
            DeadlineCheck::Gateway => slow.min(self.shown_by(request.deadline.0)).max(env.now),
            DeadlineCheck::MatchingEngine | DeadlineCheck::None => slow,
        }
    }

    /// A gateway that checked the deadline in time may still hand the order on after all that its venue promises.
    /// Nobody can prove anything about such a venue; here it is the venue that is to blame, see the judges.
    fn or_beyond_margin(&mut self, env: &mut Env, order: usize, at: u64, latest: u64) -> u64 {
        let checks_early = self.traits.deadline_check == DeadlineCheck::Gateway;
        if !checks_early || !env.faults.strikes(Fault::ExecutedBeyondMargin) {
            return at;
        }
        self.orders[order].breaks_margin = true;
        latest.max(env.now) + env.faults.size(Fault::ExecutedBeyondMargin, 1..=BEYOND_MARGIN_MS)
    }

    /// Engine time by which whatever a request did must show, if the venue keeps its promise.
    pub(super) fn shown_by(&self, deadline: u64) -> u64 {
        match self.traits.deadline_check {
            DeadlineCheck::None => u64::MAX,
            _ => self.engine_time(deadline + u64::from(self.traits.margin_ms)),
        }
    }

    pub(super) fn acknowledgement(&self, order: usize) -> OrderSnapshot {
        let order = &self.orders[order];
        OrderSnapshot {
            venue_order: order.id.clone(),
            client_id: order.client.clone(),
            state: equipoise_core::OrderState::Open,
            executed: equipoise_core::Qty::ZERO,
            fills: Vec::new(),
            busted: Vec::new(),
        }
    }
}

enum Turned {
    Away(PlaceError),
    /// The first order of its id is acknowledged once more.
    Echoed(usize),
    /// Taken, with an answer that says nothing.
    TakenInSilence,
}
