//! What is done to one run, as a function of a seed and a number.

use std::fmt;
use std::time::Duration;

use fastrand::Rng;

use crate::exchanges;
use crate::failpoint::Failpoint;
use crate::venues::{VENUES, Venue};

/// One run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its number among the runs of a seed.
    pub number: u64,
    /// Back end of its journal.
    pub journal: &'static str,
    /// What is traded.
    pub plan: PlanKind,
    /// Where the first leg buys and the second one sells.
    pub(crate) venues: [&'static Venue; 2],
    /// What the exchanges do wrong, each once: an adapter's name, a hyphen and a kind.
    pub faults: Vec<String>,
    /// How far the exchanges' clocks are ahead of the host's.
    pub clock_offset_ms: i64,
    /// What happens to the process.
    pub story: Story,
    /// Whether `recover` comes before the last `run`.
    pub recover_first: bool,
}

/// What is traded. Every plan is neutral, so every ending must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanKind {
    /// Two market legs at once.
    Pair,
    /// The second leg follows what the first one filled.
    Follower,
    /// A leg that rests and is cancelled at its timeout, so that the other is taken back.
    Resting,
}

/// What happens to the process.
#[derive(Clone, Debug)]
pub enum Story {
    /// Killed, perhaps several times, also while it recovers.
    Kills(Vec<Kill>),
    /// Stopped for longer than a request is good for, then resumed.
    Pause {
        /// When.
        moment: Moment,
        /// For how long.
        time: Duration,
        /// Whether it is killed right after it was resumed.
        then_killed: bool,
    },
    /// A second process tries to use the journal of one that holds it.
    Second {
        /// When.
        moment: Moment,
        /// Whether it is `recover` instead of `run`.
        recover: bool,
    },
    /// No file may grow beyond a limit.
    WriteLimit {
        /// The limit.
        kib: u64,
        /// Whether the process also gets the signal, which kills it in the middle of its write.
        with_signal: bool,
    },
    /// The file system of the journal becomes full.
    FullDisk {
        /// When.
        moment: Moment,
    },
}

/// One kill.
#[derive(Clone, Copy, Debug)]
pub struct Kill {
    /// Whether `recover` is killed instead of `run`.
    pub recover: bool,
    /// When.
    pub at: At,
}

/// Who kills.
#[derive(Clone, Copy, Debug)]
pub enum At {
    /// Someone else, at a moment that can be recognised from outside.
    Moment(Moment),
    /// The process itself, at a system call.
    Failpoint(Failpoint),
}

/// A moment that can be recognised from outside.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    /// So long after the start.
    After(Duration),
    /// When so many lines of progress were told.
    Told(usize),
    /// When the exchanges have accepted so many orders in all.
    Orders(usize),
    /// When this file of the journal exists.
    File(&'static str),
}

impl Kill {
    /// Where the process is to kill itself, if it is.
    #[must_use]
    pub const fn failpoint(&self) -> Option<Failpoint> {
        match self.at {
            At::Moment(_) => None,
            At::Failpoint(point) => Some(point),
        }
    }
}

const OFFSETS_MS: [i64; 6] = [-45_000, -3_000, -700, 700, 3_000, 90_000];
const FILES: [&str; 4] = ["lock", "creating", "anchor", "ballast"];
const KILLS_MAX: usize = 3;

impl Scenario {
    /// The run of this seed and number.
    #[must_use]
    pub fn new(seed: u64, number: u64) -> Self {
        let mut rng = Rng::with_seed(seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let plan = match rng.u8(..10) {
            0..6 => PlanKind::Pair,
            6..8 => PlanKind::Follower,
            _ => PlanKind::Resting,
        };
        let venues = venues(&mut rng);
        Self {
            number,
            journal: if rng.bool() { "sled" } else { "redb" },
            plan,
            venues,
            faults: faults(&mut rng, venues),
            clock_offset_ms: if rng.u8(..4) == 0 { pick(&mut rng, &OFFSETS_MS) } else { 0 },
            // Every third run is killed at a failpoint, each kind in its turn, so that none is left out by chance.
            story: if number.is_multiple_of(3) {
                at_failpoints(number / 3, &mut rng)
            } else {
                story(&mut rng)
            },
            recover_first: rng.bool(),
        }
    }
}

/// None for a third of the runs, else one or two, rarely three.
fn faults(rng: &mut Rng, venues: [&Venue; 2]) -> Vec<String> {
    let count = match rng.u8(..12) {
        0..4 => 0,
        4..8 => 1,
        8..11 => 2,
        _ => 3,
    };
    let mut kinds = exchanges::fault_kinds();
    rng.shuffle(&mut kinds);
    kinds.truncate(count);
    let at = |kind| format!("{}-{kind}", venues[usize::from(rng.bool())].adapter);
    kinds.into_iter().map(at).collect()
}

/// Two adapters, whichever.
fn venues(rng: &mut Rng) -> [&'static Venue; 2] {
    let first = rng.usize(..VENUES.len());
    let second = (first + rng.usize(1..VENUES.len())) % VENUES.len();
    [&VENUES[first], &VENUES[second]]
}

/// Killed at a failpoint first, then perhaps again at any moment.
fn at_failpoints(turn: u64, rng: &mut Rng) -> Story {
    let first = Kill { recover: false, at: At::Failpoint(Failpoint::in_turn(turn, rng)) };
    let further = (1..rng.usize(1..=KILLS_MAX)).map(|_| further_kill(rng));
    Story::Kills(std::iter::once(first).chain(further).collect())
}

fn further_kill(rng: &mut Rng) -> Kill {
    let recover = rng.bool();
    let at = if rng.u8(..3) == 0 {
        At::Failpoint(Failpoint::of_recovery(rng))
    } else {
        At::Moment(moment(rng, false))
    };
    Kill { recover, at }
}

fn story(rng: &mut Rng) -> Story {
    match rng.u8(..100) {
        0..50 => {
            let first = Kill { recover: false, at: At::Moment(moment(rng, true)) };
            let further = (1..rng.usize(1..=KILLS_MAX)).map(|_| further_kill(rng));
            Story::Kills(std::iter::once(first).chain(further).collect())
        }
        50..68 => Story::Pause {
            moment: early(rng),
            time: Duration::from_millis(rng.u64(2_300..7_000)),
            then_killed: rng.u8(..4) == 0,
        },
        68..78 => Story::Second { moment: early(rng), recover: rng.bool() },
        78..93 => Story::WriteLimit {
            kib: pick(rng, &[0, 4, 64, 500, 520, 1_024, 1_600, 4_096]),
            with_signal: rng.bool(),
        },
        _ => Story::FullDisk { moment: early(rng) },
    }
}

/// From before the journal exists to after the end.
fn moment(rng: &mut Rng, first: bool) -> Moment {
    match rng.u8(..10) {
        0..2 => Moment::Told(rng.usize(1..4)),
        2..5 => Moment::Told(rng.usize(4..18)),
        5..7 => Moment::Orders(rng.usize(1..4)),
        7 if first => Moment::File(pick(rng, &FILES)),
        _ => Moment::After(Duration::from_millis(rng.u64(..700))),
    }
}

/// While orders are on their way.
fn early(rng: &mut Rng) -> Moment {
    if rng.bool() { Moment::Told(rng.usize(1..6)) } else { Moment::Orders(rng.usize(1..3)) }
}

fn pick<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.usize(..from.len())]
}

impl Story {
    /// Whether a process is to kill itself in it.
    pub(crate) fn has_failpoint(&self) -> bool {
        let Self::Kills(kills) = self else { return false };
        kills.iter().any(|kill| kill.failpoint().is_some())
    }

    /// One word for it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Kills(_) if self.has_failpoint() => "failpoints",
            Self::Kills(_) => "kills",
            Self::Pause { .. } => "pause",
            Self::Second { .. } => "second instance",
            Self::WriteLimit { .. } => "write limit",
            Self::FullDisk { .. } => "full disk",
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, journal, plan, venues, faults, clock_offset_ms, story, .. } = self;
        let [long, short] = venues.map(|venue| venue.adapter);
        write!(
            f,
            "run {number}, {journal}, {plan:?}, long at {long}, short at {short}, faults {faults:?}, exchanges {clock_offset_ms} ms ahead, {story:?}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_a_number_always_give_the_same_run() {
        for number in 0..50 {
            let (first, second) = (Scenario::new(7, number), Scenario::new(7, number));
            assert_eq!(format!("{first:?}"), format!("{second:?}"));
        }
    }

    #[test]
    fn two_hundred_runs_hold_every_story_every_fault_and_every_venue_on_both_sides() {
        let runs: Vec<_> = (0..200).map(|number| Scenario::new(1, number)).collect();
        let stories: std::collections::BTreeSet<_> =
            runs.iter().map(|run| run.story.name()).collect();
        assert_eq!(stories.len(), 6);
        for kind in exchanges::fault_kinds() {
            let met = |run: &Scenario| run.faults.iter().any(|fault| fault.ends_with(kind));
            assert!(runs.iter().any(met), "{kind}");
        }
        for venue in &VENUES {
            for side in 0..2 {
                assert!(runs.iter().any(|run| run.venues[side] == venue), "{}", venue.adapter);
            }
        }
    }
}
