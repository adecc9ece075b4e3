//! When the engine's process dies, and how.

use fastrand::Rng;

/// The moment of a death.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// At a world time.
    At(u64),
    /// When the nth order is handed to the wire: before its first byte left, or right after.
    Order { nth: u32, left: bool },
    /// When the nth append is made: before anything is written, or once it is written but perhaps not synced.
    Append { nth: u32, written: bool },
    /// The nth append fails with an error of the device; the process ends by itself.
    DiskError { nth: u32 },
}

/// One death and the start after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kill {
    pub(crate) when: When,
    /// The host lost power: what was not synced is gone.
    pub(crate) power: bool,
    /// How long nothing runs.
    pub(crate) down_ms: u64,
    /// Wall clock error of the next start.
    pub(crate) skew_ms: i64,
}

/// Deaths of one seed, none in half of them.
pub(crate) fn draw(rng: &mut Rng, start_ms: u64) -> Vec<Kill> {
    let count = if rng.bool() { 0 } else { rng.usize(1..=3) };
    (0..count).map(|_| kill(rng, start_ms)).collect()
}

fn kill(rng: &mut Rng, start_ms: u64) -> Kill {
    let when = match rng.u8(..100) {
        0..35 => When::At(start_ms + rng.u64(50..=15_000)),
        35..60 => When::Order { nth: rng.u32(1..=6), left: rng.bool() },
        60..90 => When::Append { nth: rng.u32(1..=12), written: rng.bool() },
        _ => When::DiskError { nth: rng.u32(1..=10) },
    };
    let down_ms = match rng.u8(..10) {
        0..4 => rng.u64(0..=200),
        4..8 => rng.u64(200..=5_000),
        _ => rng.u64(5_000..=40_000),
    };
    // Usually a little off; now and then the clock was set by minutes while nothing ran.
    let skew_ms_max = if rng.u8(..10) == 0 { 300_000 } else { 2_000 };
    let skew_ms = rng.i64(-skew_ms_max..=skew_ms_max);
    Kill { when, power: rng.bool(), down_ms, skew_ms }
}
