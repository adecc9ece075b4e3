//! Room on the device as the stored journals meet it (P4): others fill it, no batch begins below a floor, and a start
//! that finds nothing left gives up a ballast. Nothing but a start does: an append without room ends its owner.

use crate::env::Env;
use crate::fault::Fault;
use crate::mark::Mark;

/// What a start may give up.
const BALLAST_BYTES: u64 = 16 * 1024;
/// Below this no batch is admitted: more than the ballast, so that giving that up does not open the door again.
const FLOOR_BYTES: u64 = 2 * BALLAST_BYTES;
/// A start that finds less gives the ballast up at once.
const NO_ROOM_BYTES: u64 = 2 * 1024;
/// What a start writes before it knows of any batch: its epoch, a checkpoint, the anchor.
const OPENING_BYTES: usize = 512;
/// What others leave when they fill the device: mostly enough for a few appends, sometimes for none.
const LEFT_BYTES_MAX: u64 = 4_000;
/// What they leave when they only come near that: from enough to go on with to enough for a few batches more.
const NEARLY_FULL_BYTES: std::ops::RangeInclusive<u64> =
    BALLAST_BYTES..=FLOOR_BYTES + 2 * BALLAST_BYTES;
/// How long it stays so.
const FULL_MS: std::ops::RangeInclusive<u64> = 200..=20_000;
/// What others take more at once meanwhile; the place of the ballast is as good as any to them.
const TAKEN_BYTES_MAX: u64 = BALLAST_BYTES;
/// Chance per thousand that they do when they could.
const TAKEN_PER_MILLE: u32 = 200;

const _: () = assert!(
    BALLAST_BYTES + NO_ROOM_BYTES <= FLOOR_BYTES && OPENING_BYTES < NO_ROOM_BYTES as usize,
    "the ballast is enough for a start and not for a further batch"
);

/// Room on the device.
#[derive(Debug)]
pub(crate) struct Room {
    /// Until when others leave so little that it counts; afterwards there is more than anyone here needs.
    counted_until: u64,
    /// What is left meanwhile.
    left: u64,
    /// The ballast is there.
    ballast: bool,
    /// It was given up, and there is no room but its place.
    on_ballast: bool,
}

impl Default for Room {
    fn default() -> Self {
        Self { counted_until: 0, left: 0, ballast: true, on_ballast: false }
    }
}

impl Room {
    /// Whether others leave so little that it counts.
    pub(crate) const fn is_counted(&self, now: u64) -> bool {
        self.counted_until > now
    }

    /// Others may fill the device now, or take more of what is left on it.
    pub(crate) fn trouble(&mut self, env: &mut Env, per_mille: u32) {
        let was_counted = self.is_counted(env.now);
        if env.faults.strikes_with(Fault::DiskFull, per_mille) {
            self.leave(env, Fault::DiskFull, 0..=LEFT_BYTES_MAX);
        } else if was_counted && env.faults.strikes_with(Fault::DiskFull, TAKEN_PER_MILLE) {
            let taken = env.faults.size(Fault::DiskFull, 0..=TAKEN_BYTES_MAX);
            self.left = self.left.saturating_sub(taken);
        }
        if env.faults.strikes_with(Fault::DiskNearlyFull, per_mille) {
            self.leave(env, Fault::DiskNearlyFull, NEARLY_FULL_BYTES);
        }
    }

    fn leave(&mut self, env: &mut Env, fault: Fault, bytes: std::ops::RangeInclusive<u64>) {
        let was_counted = self.is_counted(env.now);
        let left = env.faults.size(fault, bytes);
        self.left = if was_counted { self.left.min(left) } else { left };
        self.on_ballast &= was_counted;
        let until = env.now + env.faults.size(fault, FULL_MS);
        self.counted_until = self.counted_until.max(until);
    }

    /// Nobody fills it any more.
    pub(crate) const fn heal(&mut self) {
        self.counted_until = 0;
    }

    /// Whether a further batch may be admitted.
    pub(crate) const fn takes_batches(&self, now: u64) -> bool {
        !self.is_counted(now) || self.left >= FLOOR_BYTES
    }

    /// Whether what fits now fits into what is kept for the batches under way, beside the ballast's place.
    pub(crate) const fn is_below_floor(&self, now: u64) -> bool {
        !self.takes_batches(now) && !self.on_ballast
    }

    /// Takes room for some bytes; false, and none is taken, if there is too little.
    pub(crate) const fn take(&mut self, now: u64, bytes: usize) -> bool {
        if !self.is_counted(now) {
            return true;
        }
        let Some(left) = self.left.checked_sub(bytes as u64) else { return false };
        self.left = left;
        true
    }

    /// Takes room for a start. Where there is next to none the ballast goes; where there is plenty it is made again.
    pub(crate) fn open(&mut self, env: &mut Env) -> bool {
        if self.is_counted(env.now) && self.left < NO_ROOM_BYTES && self.ballast {
            (self.ballast, self.on_ballast) = (false, true);
            self.left += BALLAST_BYTES;
            env.tally.hit(Mark::BallastGivenUp);
            env.trace.line(env.now, || "the ballast is given up".to_owned());
        }
        let opens = self.take(env.now, OPENING_BYTES);
        if opens && !self.ballast {
            self.make_ballast(env);
        }
        opens
    }

    /// The ballast is made again where a batch could still be admitted beside it.
    fn make_ballast(&mut self, env: &mut Env) {
        if self.is_counted(env.now) {
            if self.left < FLOOR_BYTES + BALLAST_BYTES {
                return;
            }
            self.left -= BALLAST_BYTES;
        }
        (self.ballast, self.on_ballast) = (true, false);
    }

    /// Whether what is written now goes to the place of the ballast.
    pub(crate) const fn is_on_ballast(&self, now: u64) -> bool {
        self.is_counted(now) && self.on_ballast
    }
}
