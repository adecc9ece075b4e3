//! The kinds of fault a seed may switch on, each with its own stream of random numbers.
//!
//! Switching one kind off changes nothing about when the others strike, which is what makes shrinking work.

use std::collections::BTreeSet;

use fastrand::Rng;
use serde::{Deserialize, Serialize};

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// One kind of fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Fault {
            $($(#[$doc])* $name,)+
        }

        impl Fault {
            /// Every kind, in order of declaration.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The name in output.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }
        }
    };
}

faults! {
    /// A request never arrives (N1).
    LostRequest,
    /// An answer never arrives (N2).
    LostReply,
    /// A request is under way for long, perhaps past its deadline (N3, N4).
    Delay,
    /// A request arrives twice within moments (N5).
    Duplicate,
    /// The copy of a request arrives much later, perhaps after the first was answered and audited (N5).
    LateDuplicate,
    /// Everything to one venue is held back for a time and then delivered at once (N6).
    Hold,
    /// A connection cannot be opened: provably nothing left (N8).
    NotConnected,
    /// Accepted, and then an answer that says nothing (V1).
    AcceptedThenUnknown,
    /// An answer that says nothing for an order that was not taken.
    UnknownWithoutEffect,
    /// Orders are found by no query for a while after they took effect (V2).
    QueryLag,
    /// Trades are listed later than the quantity they belong to.
    FillLag,
    /// Answers show an earlier moment (V4).
    StaleStatus,
    /// The venue takes a trade back soon after (V12).
    TradeBusted,
    /// The book holds less than is wanted (V3).
    ThinBook,
    /// A documented, final refusal.
    FinalRefusal,
    /// A documented, passing refusal.
    TransientRefusal,
    /// Rate limits and bans with an announced wait (V5).
    Ban,
    /// Acknowledged and then rejected by the matching engine.
    AsyncRejection,
    /// The gateway admits an order and the matching engine takes long over it.
    SlowMatching,
    /// A cancel is acknowledged long before it takes effect, and fills happen in between (V8).
    SlowCancel,
    /// A venue answers nothing useful for a time (V6).
    Outage,
    /// A reduce-only order is cut to the position or refused (V9).
    ReduceOnlyTrouble,
    /// An order is cancelled to prevent a self-trade (V11).
    SelfTradePrevention,
    /// The venue's clock is far from the engine's.
    ClockOffset,
    /// The venue's clock jumps (V7).
    ClockJump,
    /// The book is one-sided or crossed.
    UnsoundBook,
    /// Prices move a lot.
    WildPrices,
    /// The key stops working (O5).
    CredentialsRevoked,
    /// Queries come to nothing.
    QueryFailure,
    /// Others trade on the account (V13, O6).
    ForeignTrade,
    /// A position is read as it was earlier.
    StalePosition,
    /// Syncs take long, sometimes longer than a request window (P3).
    SlowSync,
    /// A write or sync fails and ends the process (P4).
    DiskFailure,
    /// Others fill the device: no room for further batches, nor, before long, for an append (P4).
    DiskFull,
    /// The process is killed (P1).
    Kill,
    /// The machine loses power: what was not synced is lost (P6).
    PowerLoss,
    /// The process is killed again soon after its start (P2).
    KillInRecovery,
    /// The process stands still for a time (P10).
    Pause,
    /// A second process takes over while the first stands still (R3, P10).
    TakeOver,
    /// A person wants no new risk.
    UserStop,
    /// Of two copies of one request one is refused by a documented code and the other is executed.
    SplitAnswer,
    /// A class A venue forgets ids after a short time.
    ShortMemory,
    /// A venue soon stops listing orders.
    ShortLookup,
    /// A gateway admits an order in time, and it is executed after the margin that its venue promises.
    ExecutedBeyondMargin,
    /// Spot buys pay another fee than the expected one: at a lower or a higher rate, none, or in another asset.
    UnexpectedFee,
    /// The book holds no more than a few lots (V3): what fills is too little for those who follow it.
    BareBook,
    /// Others leave little on the device: at first or before long no room for further batches, but for appends (P4).
    DiskNearlyFull,
}

/// Chances per thousand that an enabled kind strikes when it could; one is picked per kind and seed.
const INTENSITIES: &[u32] = &[10, 40, 150, 400];

/// Which kinds a seed switches on: for some seeds few, for some nearly all.
pub(crate) fn chosen_by(seed: u64) -> BTreeSet<Fault> {
    let mut rng = Rng::with_seed(seed ^ 0x5eed_fa01);
    let percent = *rng.choice(&[0_u32, 8, 20, 40, 70][..]).unwrap_or(&20);
    Fault::ALL.iter().copied().filter(|_| rng.u32(0..100) < percent).collect()
}

/// Decides when faults strike.
#[derive(Debug)]
pub(crate) struct Faults {
    enabled: Vec<bool>,
    healed: bool,
    streams: Vec<(Rng, u32)>,
    struck: Vec<u64>,
}

impl Faults {
    pub(crate) fn new(seed: u64, enabled: &BTreeSet<Fault>) -> Self {
        let stream = |fault: &Fault| {
            let number = (*fault as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mut rng = Rng::with_seed(seed.rotate_left(17) ^ number);
            let intensity = *rng.choice(INTENSITIES).unwrap_or(&10);
            (rng, intensity)
        };
        Self {
            enabled: Fault::ALL.iter().map(|fault| enabled.contains(fault)).collect(),
            healed: false,
            streams: Fault::ALL.iter().map(stream).collect(),
            struck: vec![0; Fault::ALL.len()],
        }
    }

    /// Whether the kind is on at all; for what is fixed when the simulation begins.
    pub(crate) fn is_on(&self, fault: Fault) -> bool {
        self.enabled[fault as usize]
    }

    /// From now on nothing strikes any more.
    pub(crate) fn heal(&mut self) {
        self.healed = true;
    }

    pub(crate) fn is_healed(&self) -> bool {
        self.healed
    }

    /// Whether the fault strikes now, with its own intensity.
    pub(crate) fn strikes(&mut self, fault: Fault) -> bool {
        let intensity = self.streams[fault as usize].1;
        self.strikes_with(fault, intensity)
    }

    /// Whether the fault strikes now, with a given chance per thousand.
    pub(crate) fn strikes_with(&mut self, fault: Fault, per_mille: u32) -> bool {
        let index = fault as usize;
        if !self.enabled[index] || self.healed {
            return false;
        }
        let hit = self.streams[index].0.u32(0..1000) < per_mille;
        self.struck[index] += u64::from(hit);
        hit
    }

    /// A number from the fault's own stream.
    pub(crate) fn size(&mut self, fault: Fault, range: std::ops::RangeInclusive<u64>) -> u64 {
        self.streams[fault as usize].0.u64(range)
    }

    /// How often each kind struck, in order of declaration.
    pub(crate) fn struck(&self) -> &[u64] {
        &self.struck
    }
}
