//! Bugs in what is decided: records and orders are altered together, as a saga with the bug would have written them.

use equipoise_core::{
    Alarm, BatchSpec, Command, Ending, Event, LegQuantity, OrderRequest, OrderSnapshot, OrderTag,
    Qty, Query, Record, ResendClass, Role, Saga, Send, Stage, Step, UnixMillis, client_order_id,
};

use super::Plant;

/// The admission with other promises of its venues.
pub(super) fn spec(plant: Option<Plant>, mut spec: BatchSpec) -> BatchSpec {
    for leg in &mut spec.legs {
        match plant {
            Some(Plant::BeyondLookupWindow) => leg.traits.lookup_window_ms = 86_400_000,
            Some(Plant::HorizonIgnored) => leg.traits.id_horizon_ms = 86_400_000,
            Some(Plant::SentAgainOnClassB) if leg.traits.class == ResendClass::B => {
                leg.traits.class = ResendClass::A;
            }
            _ => {}
        }
    }
    spec
}

/// What leaves instead of the durable order.
pub(super) fn handed(plant: Option<Plant>, request: OrderRequest) -> Vec<OrderRequest> {
    match plant {
        Some(Plant::DeadlineAtSend) => {
            vec![OrderRequest { deadline: request.deadline.plus_ms(1), ..request }]
        }
        Some(Plant::RoundedAgainAtSend) => {
            let less = request.quantity.minus("0.001".parse().unwrap_or(Qty::ZERO));
            vec![OrderRequest { quantity: less, ..request }]
        }
        Some(Plant::HandOverTwice) => vec![request.clone(), request],
        _ => vec![request],
    }
}

/// What is written instead of a record.
pub(super) fn written(plant: Option<Plant>, record: &Record) -> Option<Record> {
    let mut other = record.clone();
    match &mut other {
        Record::Filled { fill, .. } if plant == Some(Plant::JournalRounds) => {
            fill.quantity = fill.quantity.round_down("0.01".parse().unwrap_or(Qty::ZERO));
        }
        _ => return None,
    }
    Some(other)
}

/// What the saga with the bug would have decided.
pub(super) fn step(
    plant: Plant,
    saga: &Saga,
    now: UnixMillis,
    event: &Event,
    mut step: Step,
) -> Step {
    match plant {
        Plant::NotFoundAsRejected => nothing_found(saga, now, event, &mut step, false),
        Plant::OneSearchRound => nothing_found(saga, now, event, &mut step, true),
        Plant::TimeoutDecidesDoubt => timeout_decides(saga, now, event, &mut step),
        Plant::NewIdBeforeOldIsClosed => try_again_at_once(saga, now, &mut step),
        Plant::CompensatesTwice => compensate_again(saga, now, event, &mut step),
        Plant::UnwindsWhileInDoubt => unwind_in_doubt(saga, now, event, &mut step),
        Plant::AuditBeforeMargin => audit_at_once(saga, now, event, &mut step),
        Plant::DustTradable => call_it_dust(saga, now, event, &mut step),
        Plant::DoneThoughShort => call_it_done(saga, &mut step),
        Plant::ExecutedMayFall => believe_the_last(saga, now, event, &mut step),
        Plant::RecordsRepeated => record_again(saga, now, event, &mut step),
        Plant::DoubtRepeated => doubt_again(saga, now, event, &mut step),
        Plant::AlarmRepeated => alarm_again(saga, now, event, &mut step),
        Plant::WakesItself => wake_again(saga, now, event, &mut step),
        Plant::FoundAsMissing => miss_what_is_there(saga, now, event, &mut step),
        Plant::OrderAtEachStart => try_at_each_start(saga, now, event, &mut step),
        Plant::EntryAfterStop => try_after_stop(saga, now, event, &mut step),
        Plant::OverAskedAbout => ask_about_what_is_over(saga, event, &mut step),
        Plant::LateFillUnalarmed => {
            let silent =
                |record: &Record| matches!(record, Record::Alarmed { alarm: Alarm::LateFill, .. });
            step.records.retain(|record| !silent(record));
        }
        Plant::ReduceOnlyAlways
        | Plant::UnwindRaisesDelta
        | Plant::UnwindFromAccount
        | Plant::HedgesPlannedSize => alter_orders(plant, saga, event, &mut step),
        _ => {}
    }
    step
}

/// Not found means rejected: the very first time, or after one search beyond the margin.
fn nothing_found(saga: &Saga, now: UnixMillis, event: &Event, step: &mut Step, margin: bool) {
    let Event::Answered { tag, orders, .. } = event else { return };
    let doubtful = saga.order(*tag).is_some_and(|order| order.stage == Stage::InDoubt);
    let absent = step.records.iter().any(|record| matches!(record, Record::Absent { .. }));
    let searched = step.records.iter().any(|record| matches!(record, Record::NotFound { .. }));
    let class = saga.spec().leg(tag.leg).map(|leg| leg.traits.class);
    // On class A the first search may only allow the same id again.
    let counts = !margin || (searched && class == Some(ResendClass::B));
    if doubtful && orders.is_empty() && counts && !absent {
        step.records.push(Record::Absent { tag: *tag, at: now });
    }
}

fn timeout_decides(saga: &Saga, now: UnixMillis, event: &Event, step: &mut Step) {
    if *event != Event::Wake || !step.records.is_empty() {
        return;
    }
    let timeout_ms = saga.spec().policy.leg_timeout_ms;
    for (tag, order) in saga.open_orders() {
        if order.stage == Stage::InDoubt && now.since(order.intended_at) >= timeout_ms {
            step.records.push(Record::Absent { tag, at: now });
        }
    }
    if !step.records.is_empty() {
        step.wake_at = Some(now);
    }
}

/// The next attempt of an order, with the same content.
fn again(saga: &Saga, tag: OrderTag, now: UnixMillis) -> Option<(Record, Send)> {
    let (order, leg) = (saga.order(tag)?, saga.spec().leg(tag.leg)?);
    let attempt = u16::try_from(saga.attempts(tag.leg, tag.role).len()).ok()?;
    let tag = OrderTag { attempt, ..tag };
    let request = OrderRequest {
        client_id: client_order_id(saga.key(), tag, &leg.traits),
        deadline: order.clock.venue_time(now).plus_ms(u64::from(order.request.window_ms)),
        ..order.request.clone()
    };
    let send = Send { tag, request: request.clone() };
    Some((Record::Intent { tag, request, clock: order.clock, at: now }, send))
}

/// A new id right after the outcome of the old one became unknown.
fn try_again_at_once(saga: &Saga, now: UnixMillis, step: &mut Step) {
    let doubted = step.records.iter().find_map(|record| match record {
        Record::Doubted { tag, .. } if tag.role == Role::Entry => Some(*tag),
        _ => None,
    });
    let unseen = |tag: &OrderTag| {
        let order = saga.order(*tag);
        order.is_some_and(|order| order.stage == Stage::Intended && order.at_venue.is_empty())
    };
    let doubted = doubted.filter(unseen);
    let first = |tag: &OrderTag| saga.attempts(tag.leg, tag.role).len() == 1;
    let next = doubted.filter(first).and_then(|tag| again(saga, tag, now));
    if let Some((intent, send)) = next {
        step.records.push(intent);
        step.commands.push(Command::Send(vec![send]));
    }
}

/// After a restart what was taken back is taken back once more.
fn compensate_again(saga: &Saga, now: UnixMillis, event: &Event, step: &mut Step) {
    if *event != Event::Resumed || !saga.is_unwinding() || saga.open_orders().next().is_some() {
        return;
    }
    let taken_back = saga.orders().filter(|(tag, order)| {
        let last = usize::from(tag.attempt) + 1 == saga.attempts(tag.leg, tag.role).len();
        tag.role == Role::Unwind && last && !order.fills.is_empty()
    });
    let repeated: Vec<_> = taken_back.filter_map(|(tag, _)| again(saga, tag, now)).collect();
    if repeated.is_empty() {
        return;
    }
    let (intents, sends): (Vec<_>, Vec<_>) = repeated.into_iter().unzip();
    let mut records = std::mem::take(&mut step.records);
    records.extend(intents);
    *step = Step { records, commands: vec![Command::Send(sends)], wake_at: None };
}

/// Each waking raises the same alarm.
fn wake_again(saga: &Saga, now: UnixMillis, event: &Event, step: &mut Step) {
    if let Some((tag, _)) = saga.orders().next().filter(|_| *event == Event::Wake)
        && step.records.is_empty()
    {
        step.records.push(Record::Alarmed { alarm: Alarm::Overfill, tag, at: now });
    }
}

/// What a look shows counts as not found.
fn miss_what_is_there(saga: &Saga, now: UnixMillis, event: &Event, step: &mut Step) {
    let Event::Answered { tag, venue_time, orders, .. } = event else { return };
    let known = saga.order(*tag).is_some_and(|order| order.stage == Stage::Known);
    if known && !orders.is_empty() && step.records.is_empty() {
        step.records.push(Record::NotFound { tag: *tag, venue_time: *venue_time, at: now });
    }
}

/// The last attempt of a leg that came to nothing, once more, in place of everything else.
fn try_closed_again(saga: &Saga, now: UnixMillis, step: &mut Step) {
    let fruitless = saga.orders().find(|(tag, order)| {
        let last = usize::from(tag.attempt) + 1 == saga.attempts(tag.leg, tag.role).len();
        tag.role == Role::Entry && last && order.is_closed() && order.fills.is_empty()
    });
    if let Some((intent, send)) = fruitless.and_then(|(tag, _)| again(saga, tag, now)) {
        let commands = vec![Command::Send(vec![send])];
        *step = Step { records: vec![intent], commands, wake_at: None };
    }
}

fn try_at_each_start(saga: &Saga, now: UnixMillis, event: &Event, step: &mut Step) {
    if *event == Event::Resumed && saga.open_orders().next().is_none() {
        try_closed_again(saga, now, step);
    }
}

fn try_after_stop(saga: &Saga, now: UnixMillis, event: &Event, step: &mut Step) {
    let stopped = step.records.iter().any(|record| matches!(record, Record::Stopped { .. }));
    if *event != Event::Stop || !stopped || saga.is_unwinding() {
        return;
    }
    let mut records = std::mem::take(&mut step.records);
    try_closed_again(saga, now, step);
    records.append(&mut step.records);
    step.records = records;
}

/// What has filled is taken back while another leg is in doubt.
fn unwind_in_doubt(saga: &Saga, now: UnixMillis, event: &Event, step: &mut Step) {
    let doubtful = saga.open_orders().any(|(_, order)| order.stage == Stage::InDoubt);
    if *event != Event::Wake || !step.records.is_empty() || !doubtful || saga.is_unwinding() {
        return;
    }
    let filled = saga.orders().find(|(tag, order)| {
        tag.role == Role::Entry && order.is_closed() && !order.fills.is_empty()
    });
    let Some((tag, order)) = filled else { return };
    let Some(leg) = saga.spec().leg(tag.leg) else { return };
    let tag = OrderTag { leg: tag.leg, role: Role::Unwind, attempt: 0 };
    let request = OrderRequest {
        client_id: client_order_id(saga.key(), tag, &leg.traits),
        side: leg.side.opposite(),
        quantity: order.filled(),
        deadline: order.clock.venue_time(now).plus_ms(u64::from(order.request.window_ms)),
        ..order.request.clone()
    };
    let send = Send { tag, request: request.clone() };
    step.records = vec![
        Record::UnwindStarted { at: now },
        Record::Intent { tag, request, clock: order.clock, at: now },
    ];
    step.commands = vec![Command::Send(vec![send])];
    step.wake_at = None;
}

/// Audited as soon as it has ended.
fn audit_at_once(saga: &Saga, now: UnixMillis, event: &Event, step: &mut Step) {
    if *event != Event::Wake || !step.records.is_empty() {
        return;
    }
    for (tag, order) in saga.orders() {
        let leg = saga.spec().leg(tag.leg);
        if leg.is_some_and(|leg| order.needs_audit(&leg.traits)) {
            step.records.push(Record::Audited { tag, at: now });
        }
    }
    if !step.records.is_empty() {
        step.wake_at = Some(now);
    }
}

/// Whatever the first unwind order left is called dust.
fn call_it_dust(saga: &Saga, now: UnixMillis, event: &Event, step: &mut Step) {
    let unwinds =
        |tags: &Vec<OrderTag>| tags.iter().any(|tag| tag.role == Role::Unwind && tag.attempt > 0);
    let further = step
        .commands
        .iter()
        .any(|command| matches!(command, Command::Prepare(tags) if unwinds(tags)));
    if *event == Event::Wake && further && is_audited(saga) && step.records.is_empty() {
        let why = "everything was taken back but dust".to_owned();
        step.records.push(Record::Ended { ending: Ending::Flat, why, at: now });
        step.commands.clear();
    }
}

/// A batch whose legs fell short is called done.
fn call_it_done(saga: &Saga, step: &mut Step) {
    if !is_audited(saga) {
        return;
    }
    for record in &mut step.records {
        if let Record::UnwindStarted { at } = record {
            let (ending, why) = (Ending::Done, "every leg filled as planned".to_owned());
            *record = Record::Ended { ending, why, at: *at };
        }
    }
}

fn is_audited(saga: &Saga) -> bool {
    saga.orders().all(|(tag, order)| {
        let leg = saga.spec().leg(tag.leg);
        order.is_closed() && !leg.is_some_and(|leg| order.needs_audit(&leg.traits))
    })
}

/// The last answer counts, even where it shows less than an earlier one.
fn believe_the_last(saga: &Saga, now: UnixMillis, event: &Event, step: &mut Step) {
    let Event::Answered { tag, orders, .. } = event else { return };
    let Some(order) = saga.order(*tag) else { return };
    for snapshot in orders.iter().filter(|shown| shown.client_id == order.request.client_id) {
        let known = order.at_venue.get(&snapshot.venue_order);
        if known.is_some_and(|known| snapshot.executed < known.executed) {
            step.records.push(observed(*tag, snapshot, now));
        }
    }
}

/// Whatever a look shows is recorded, news or not.
fn record_again(saga: &Saga, now: UnixMillis, event: &Event, step: &mut Step) {
    let Event::Answered { tag, orders, .. } = event else { return };
    let own = saga.order(*tag).map(|order| &order.request.client_id);
    for snapshot in orders.iter().filter(|shown| Some(&shown.client_id) == own) {
        if step.records.is_empty() {
            step.records.push(observed(*tag, snapshot, now));
        }
    }
}

/// A look that finds nothing is one more doubt.
fn doubt_again(saga: &Saga, now: UnixMillis, event: &Event, step: &mut Step) {
    let Event::Answered { tag, orders, .. } = event else { return };
    let doubtful = saga.order(*tag).is_some_and(|order| order.stage == Stage::InDoubt);
    if doubtful && orders.is_empty() && step.records.is_empty() {
        let why = "it was not found".to_owned();
        step.records.push(Record::Doubted { tag: *tag, why, at: now });
    }
}

/// What was alarmed is alarmed at each look.
fn alarm_again(saga: &Saga, now: UnixMillis, event: &Event, step: &mut Step) {
    let Event::Answered { tag, .. } = event else { return };
    let raised = saga.alarms().iter().filter(|(_, about)| about == tag);
    let again = raised.map(|(alarm, tag)| Record::Alarmed { alarm: *alarm, tag: *tag, at: now });
    step.records.splice(0..0, again);
}

/// Nothing is ever done with.
fn ask_about_what_is_over(saga: &Saga, event: &Event, step: &mut Step) {
    if *event != Event::Wake || step.records.iter().any(Record::gates) {
        return;
    }
    for (tag, _) in saga.orders().filter(|(_, order)| order.is_closed()) {
        step.commands.push(Command::Query(Query { tag, thorough: true, urgent: false }));
    }
}

fn observed(tag: OrderTag, snapshot: &OrderSnapshot, at: UnixMillis) -> Record {
    Record::Observed {
        tag,
        venue_order: snapshot.venue_order.clone(),
        state: snapshot.state.clone(),
        executed: snapshot.executed,
        at,
    }
}

/// Alters each order in its intent and in its sending alike.
fn alter_orders(plant: Plant, saga: &Saga, event: &Event, step: &mut Step) {
    let alter = |tag: OrderTag, request: &mut OrderRequest| match (plant, tag.role) {
        (Plant::ReduceOnlyAlways, Role::Unwind) => request.reduce_only = true,
        (Plant::UnwindRaisesDelta, Role::Unwind) => request.side = request.side.opposite(),
        (Plant::UnwindFromAccount, Role::Unwind) => {
            let Event::Prepared(prepared) = event else { return };
            let position = prepared.iter().find(|ready| ready.tag == tag);
            let position = position.and_then(|ready| ready.position);
            if let Some(position) = position.filter(|position| !position.is_zero()) {
                request.quantity = position.magnitude();
            }
        }
        (Plant::HedgesPlannedSize, Role::Entry) => {
            let Some(leg) = saga.spec().leg(tag.leg) else { return };
            let LegQuantity::Of { leg: source, .. } = leg.quantity else { return };
            let source = saga.spec().leg(source);
            let same = source.is_some_and(|source| source.instrument.kind == leg.instrument.kind);
            if let Some(LegQuantity::Fixed(planned)) = source.map(|source| &source.quantity)
                && same
            {
                request.quantity = planned.round_down(leg.instrument.lot);
            }
        }
        _ => {}
    };
    for record in &mut step.records {
        if let Record::Intent { tag, request, .. } = record {
            alter(*tag, request);
        }
    }
    for command in &mut step.commands {
        if let Command::Send(wave) = command {
            wave.iter_mut().for_each(|send| alter(send.tag, &mut send.request));
        }
    }
}
