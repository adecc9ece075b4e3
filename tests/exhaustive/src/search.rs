//! Breadth first over every state of one configuration, so that what is found first is found by the shortest path.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use equipoise_core::BatchStatus;

use crate::claims::{Violation, is_excused, is_quiet};
use crate::config::Config;
use crate::fair::fair;
use crate::fingerprint::fingerprint;
use crate::story::story;
use crate::world::{Action, World};

/// Bounds of one exploration.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// States after which it stops, incomplete.
    pub states_max: usize,
}

/// How an exploration went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Every reachable state was visited and every claim holds.
    Complete,
    /// Every claim holds in the states visited; there are more.
    Bounded,
    /// A claim does not hold; the shortest path to it as text.
    Violated {
        /// Which claim.
        claim: &'static str,
        /// How it comes about.
        story: String,
    },
}

/// What an exploration found.
#[derive(Debug, Clone)]
pub struct Explored {
    /// Different states visited.
    pub states: usize,
    /// Actions tried.
    pub transitions: u64,
    /// Longest of the shortest paths.
    pub depth: u32,
    /// States waiting at once at most.
    pub waiting_max: usize,
    /// Quiet ends by status.
    pub ends: BTreeMap<&'static str, u64>,
    /// Ends without a range to check, because an unresolved request had been repeated by the network.
    pub excused: u64,
    /// Longest fair path to an end, in actions.
    pub fair_max: u32,
    /// How it went.
    pub outcome: Outcome,
}

/// Where a state was first reached from, and where the fair schedule leads from it.
struct Node {
    from: u32,
    by: Action,
    fair: u32,
}

const NONE: u32 = u32::MAX;

/// Fingerprints are spread already.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }
    fn write_u128(&mut self, number: u128) {
        self.0 = (number & u128::from(u64::MAX)) as u64;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

struct Search<'a> {
    config: &'a Config,
    nodes: Vec<Node>,
    seen: HashMap<u128, u32, BuildHasherDefault<Spread>>,
    waiting: VecDeque<(u32, u32, World)>,
    found: Explored,
}

/// Visits every state of a configuration, or as many as the limits allow.
#[must_use]
pub fn explore(config: &Config, limits: Limits) -> Explored {
    let found = Explored {
        states: 0,
        transitions: 0,
        depth: 0,
        waiting_max: 0,
        ends: BTreeMap::new(),
        excused: 0,
        fair_max: 0,
        outcome: Outcome::Complete,
    };
    let mut search = Search {
        config,
        nodes: Vec::new(),
        seen: HashMap::default(),
        waiting: VecDeque::new(),
        found,
    };
    let first = World::new(config);
    search.reach(NONE, Action::Tick, 0, fingerprint(0, &first), first);
    search.run(limits);
    search.found.states = search.nodes.len();
    search.found
}

impl Search<'_> {
    fn run(&mut self, limits: Limits) {
        while let Some((index, depth, world)) = self.waiting.pop_front() {
            self.found.depth = self.found.depth.max(depth);
            if let Err((by, violation)) = self.expand(index, depth, &world) {
                self.violated(index, by, &violation);
                return;
            }
            if self.nodes.len() >= limits.states_max {
                self.found.outcome = Outcome::Bounded;
                break;
            }
            self.found.waiting_max = self.found.waiting_max.max(self.waiting.len());
        }
        self.follow_fair_paths();
    }

    /// Reaches everything one action away.
    fn expand(
        &mut self,
        index: u32,
        depth: u32,
        world: &World,
    ) -> Result<(), (Option<Action>, Violation)> {
        if is_quiet(world) {
            self.count_end(world);
        }
        let possible = world.possible(self.config);
        let own = fingerprint(0, world);
        let mut prints = Vec::with_capacity(possible.len());
        for action in &possible {
            self.found.transitions += 1;
            let next = world.after(*action).map_err(|violation| (Some(*action), violation))?;
            let print = fingerprint(0, &next);
            let reached = if print == own {
                index
            } else {
                self.reach(index, *action, depth + 1, print, next)
            };
            prints.push((*action, reached));
        }
        let fair = fair(world, &possible);
        let reached = |action: &Action| {
            let reached =
                prints.iter().find(|(other, _)| other == action).map(|(_, reached)| *reached);
            reached.filter(|reached| *reached != index)
        };
        let next = fair.iter().find_map(reached);
        if next.is_none() && !world.is_over() {
            let claim = "from every state the batch comes to its end";
            return Err((None, Violation { claim, what: "nothing fair is left to do".to_owned() }));
        }
        self.nodes[index as usize].fair = next.unwrap_or(NONE);
        Ok(())
    }

    fn reach(&mut self, from: u32, by: Action, depth: u32, print: u128, world: World) -> u32 {
        let next = u32::try_from(self.nodes.len()).unwrap_or(NONE);
        let index = *self.seen.entry(print).or_insert(next);
        if index == next {
            self.nodes.push(Node { from, by, fair: NONE });
            self.waiting.push_back((index, depth, world));
        }
        index
    }

    fn count_end(&mut self, world: &World) {
        let saga = world.journal.replayed();
        let status = saga.map_or("never admitted", |saga| match saga.status() {
            BatchStatus::Parked if saga.net_delta_range().is_some() => "parked in doubt",
            status => status.as_str(),
        });
        *self.found.ends.entry(status).or_default() += 1;
        if status == "parked in doubt" && is_excused(world) {
            self.found.excused += 1;
        }
    }

    fn path(&self, mut index: u32) -> Vec<Action> {
        let mut path = Vec::new();
        while self.nodes[index as usize].from != NONE {
            path.push(self.nodes[index as usize].by);
            index = self.nodes[index as usize].from;
        }
        path.reverse();
        path
    }

    fn violated(&mut self, index: u32, by: Option<Action>, violation: &Violation) {
        let mut path = self.path(index);
        path.extend(by);
        let story = story(self.config, &path, Some(violation));
        self.found.outcome = Outcome::Violated { claim: violation.claim, story };
    }

    /// From every state the fair schedule must come to an end: its next states form no ring.
    fn follow_fair_paths(&mut self) {
        const UNKNOWN: u32 = u32::MAX;
        const ON_THIS_PATH: u32 = u32::MAX - 1;
        let expanded = self.nodes.len() - self.waiting.len();
        let mut lengths = vec![UNKNOWN; self.nodes.len()];
        for start in 0..expanded {
            let mut path = Vec::new();
            let mut at = start as u32;
            let mut length = loop {
                if at == NONE {
                    break 0;
                }
                match lengths[at as usize] {
                    UNKNOWN => {}
                    ON_THIS_PATH => return self.ring(at),
                    known => break known,
                }
                lengths[at as usize] = ON_THIS_PATH;
                path.push(at);
                at = self.nodes[at as usize].fair;
            };
            for index in path.into_iter().rev() {
                length += 1;
                lengths[index as usize] = length;
            }
            self.found.fair_max = self.found.fair_max.max(length);
        }
    }

    fn ring(&mut self, at: u32) {
        let claim = "from every state the batch comes to its end";
        let violation =
            Violation { claim, what: "the fair schedule comes back to this state".to_owned() };
        self.violated(at, None, &violation);
    }
}
