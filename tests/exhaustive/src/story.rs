//! Tells a path through the states in short lines.

use std::fmt::Write as _;

use equipoise_core::{OrderState, Record};

use crate::claims::{Violation, show_tag};
use crate::config::Config;
use crate::exchange::Verdict;
use crate::spec::{START, leg_name};
use crate::world::{Action, Durable, World};

/// The path as text: what happened, and what was recorded because of it.
pub(crate) fn story(config: &Config, path: &[Action], violation: Option<&Violation>) -> String {
    let mut world = World::new(config);
    let mut text = String::new();
    for action in path {
        let at = world.now.since(START);
        let line = tell(&world, *action);
        let before = told(&world);
        match world.after(*action) {
            Ok(next) => {
                let after = told(&next);
                let records: Vec<String> =
                    after.iter().skip(before.len().min(after.len())).cloned().collect();
                let records = if records.is_empty() {
                    String::new()
                } else {
                    format!("  [{}]", records.join(", "))
                };
                let _ = writeln!(text, "{at:>6} ms  {line}{records}");
                world = next;
            }
            Err(found) => {
                let _ = writeln!(text, "{at:>6} ms  {line}");
                let _ = writeln!(text, "  violates: {}: {}", found.claim, found.what);
                return text;
            }
        }
    }
    if let Some(violation) = violation {
        let _ = writeln!(text, "  violates: {}: {}", violation.claim, violation.what);
    }
    text
}

/// Everything recorded so far by the current owner, the append under way included.
fn told(world: &World) -> Vec<String> {
    let mut records: Vec<String> = world.journal.records().iter().map(short).collect();
    if let Some((_, owner)) = world.current() {
        records.extend(owner.unsaved.iter().map(short));
        let pending = owner.pending.iter().flat_map(|pending| &pending.records);
        records.extend(pending.map(short));
    }
    records
}

/// One action in words.
pub(crate) fn tell(world: &World, action: Action) -> String {
    let owner = |who: u8| format!("owner {}", world.owners[usize::from(who)].epoch);
    let at = |nth: u8| usize::from(nth);
    match action {
        Action::Wake { who } => format!("{} decides", owner(who)),
        Action::Append { who } => format!("{}: append is durable", owner(who)),
        Action::HandOver { who, nth } => {
            let (tag, _) = &world.owners[usize::from(who)].outbox[at(nth)];
            format!("{} sends {}", owner(who), show_tag(*tag))
        }
        Action::Unsent { who, nth } => {
            let (tag, _) = &world.owners[usize::from(who)].outbox[at(nth)];
            format!("{} could not send {}", owner(who), show_tag(*tag))
        }
        Action::Hear { who, .. } => format!("{} hears a late reading", owner(who)),
        Action::Reply { nth } => {
            let answer = &world.answers[at(nth)];
            format!(
                "owner {} hears {:?} of {}",
                answer.epoch,
                Brief(&answer.reply),
                show_tag(answer.tag)
            )
        }
        Action::Timeout { who, nth } => {
            let tag = world.owners[usize::from(who)].calls[at(nth)];
            format!("{} waits no longer for {}", owner(who), show_tag(tag))
        }
        Action::Ask { who, nth, bare } => {
            let (tag, thorough) = world.owners[usize::from(who)].wanted.query[at(nth)];
            let how = if thorough { " thoroughly" } else { "" };
            let what = if bare { ", trades not shown yet" } else { "" };
            format!("{} looks at {}{how}{what}", owner(who), show_tag(tag))
        }
        Action::AskLate { who, nth } => {
            let (tag, _) = world.owners[usize::from(who)].wanted.query[at(nth)];
            format!("{} looks at {}, the answer takes its time", owner(who), show_tag(tag))
        }
        Action::Unanswerable { who, nth } => {
            let (tag, _) = world.owners[usize::from(who)].wanted.query[at(nth)];
            format!("{}: venue answers no questions about {}", owner(who), show_tag(tag))
        }
        Action::Prepare { who, nth } | Action::PrepareLate { who, nth } => {
            let tags = &world.owners[usize::from(who)].wanted.prepare[at(nth)];
            let tags: Vec<String> = tags.iter().map(|tag| show_tag(*tag)).collect();
            let late = if matches!(action, Action::Prepare { .. }) {
                ""
            } else {
                ", which takes its time"
            };
            format!("{} prepares {}{late}", owner(who), tags.join(", "))
        }
        Action::Cancel { who, nth } => {
            let tag = world.owners[usize::from(who)].wanted.cancel[at(nth)];
            format!("{} cancels {}", owner(who), show_tag(tag))
        }
        Action::Stop => "user stops".to_owned(),
        Action::Crash { durable } => format!("kill -9 ({})", kept(durable)),
        Action::Start => "a new owner starts".to_owned(),
        Action::TakeOver { durable } => format!("a further owner takes over ({})", kept(durable)),
        Action::Arrive { nth, verdict } => {
            let parcel = &world.wire[at(nth)];
            let what = match verdict {
                _ if !world.may_act(parcel) => "is turned down".to_owned(),
                Verdict::Take(lots) => format!("is taken, {lots} lots at once"),
                Verdict::TakeHidden(lots) => format!("is taken unseen, {lots} lots at once"),
                Verdict::RefuseFinal => "is refused for good".to_owned(),
                Verdict::RefuseTransient => "is refused for now".to_owned(),
                Verdict::RefuseLimited => "is refused by a rate limit".to_owned(),
            };
            let copy = if parcel.copied { "repeated " } else { "" };
            format!("{copy}request {} (owner {}) {what}", show_tag(parcel.tag), parcel.epoch)
        }
        Action::Lose { nth } => format!("request {} is lost", show_tag(world.wire[at(nth)].tag)),
        Action::Copy { nth } => {
            format!("network repeats request {}", show_tag(world.wire[at(nth)].tag))
        }
        Action::Execute { leg: index, number, lots } => {
            format!("venue {} executes {lots} lots of order {number}", leg_name(index))
        }
        Action::Reject { leg: index, number } => {
            format!("venue {} rejects order {number} after all", leg_name(index))
        }
        Action::Show { leg: index, number } => {
            format!("venue {} shows order {number} from now on", leg_name(index))
        }
        Action::Trade { leg: index, number } => {
            format!("venue {} trades a lot of order {number}", leg_name(index))
        }
        Action::Tick => "time passes".to_owned(),
    }
}

fn kept(durable: Durable) -> String {
    match durable {
        Durable::Facts(facts) => format!("{facts} unsynced facts survive"),
        Durable::Append => "the append had just become durable".to_owned(),
    }
}

struct Brief<'a>(&'a crate::exchange::Reply);

impl std::fmt::Debug for Brief<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            crate::exchange::Reply::Placed(snapshot) => {
                write!(f, "acknowledgement ({})", executed(&snapshot.state, snapshot.executed))
            }
            other => write!(f, "{other:?}"),
        }
    }
}

fn executed(state: &OrderState, executed: equipoise_core::Qty) -> String {
    let state = match state {
        OrderState::Open => "open",
        OrderState::Ended(_) => "ended",
    };
    format!("{state}, executed {executed}")
}

/// One record in a few words.
pub(crate) fn short(record: &Record) -> String {
    let tag = record.tag().map(|tag| format!(" {}", show_tag(tag))).unwrap_or_default();
    match record {
        Record::Admitted(_) => "admitted".to_owned(),
        Record::Intent { request, .. } => {
            let side = request.side.as_str();
            let only = if request.reduce_only { " reduce-only" } else { "" };
            format!("intent{tag}: {side} {}{only}", request.quantity)
        }
        Record::Transmission { .. } => format!("transmission{tag}"),
        Record::Sent { .. } => format!("sent{tag}"),
        Record::Unsent { .. } => format!("unsent{tag}"),
        Record::Doubted { .. } => format!("doubted{tag}"),
        Record::Refused { .. } => format!("refused{tag}"),
        Record::Observed { state, executed: lots, .. } => {
            format!("observed{tag}: {}", executed(state, *lots))
        }
        Record::Filled { fill, .. } => format!("filled{tag}: {}", fill.quantity),
        Record::Busted { .. } => format!("busted{tag}"),
        Record::Audited { .. } => format!("audited{tag}"),
        Record::NotFound { .. } => format!("not found{tag}"),
        Record::Absent { .. } => format!("absent{tag}"),
        Record::Unresolved { why, .. } => format!("unresolved{tag}: {why}"),
        Record::Stopped { .. } => "stopped".to_owned(),
        Record::UnwindStarted { .. } => "unwind started".to_owned(),
        Record::Contradicted { leg, position, .. } => {
            format!("position {position} contradicts leg {leg}")
        }
        Record::Alarmed { alarm, .. } => format!("alarm {alarm:?}{tag}"),
        Record::Ended { ending, why, .. } => format!("ended {ending:?}: {why}"),
    }
}
