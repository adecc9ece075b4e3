//! What a venue offers, as data the saga reads. No venue is known by name here.

use serde::{Deserialize, Serialize};

/// What an attempt whose outcome is unknown may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ResendClass {
    /// A client id is refused, or answered with the first order, after a fill too: the same id may be sent again.
    A,
    /// A request deadline is enforced and an id is unique among open orders at most: never resend, prove absence first.
    B,
    /// Neither: never resend, find by query or park.
    C,
}

/// The layer at which a venue enforces a request's deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DeadlineCheck {
    /// The matching engine itself refuses late requests.
    MatchingEngine,
    /// Only the gateway does; an admitted request may still execute later.
    Gateway,
    /// Nothing does.
    None,
}

/// Letters a venue takes in a client order id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum IdAlphabet {
    /// Letters and digits only.
    Alphanumeric,
    /// Letters, digits and hyphens, laid out as a UUID.
    Uuid,
}

/// What one venue offers and how far its promises reach.
/// All times in milliseconds. These are assumptions, declared in one place per adapter and configurable.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VenueTraits {
    /// What may follow an unknown outcome.
    pub class: ResendClass,
    /// Who enforces a request's deadline.
    pub deadline_check: DeadlineCheck,
    /// How long a request is valid after it was stamped.
    pub window_ms: u32,
    /// How long after its deadline a request may still show an effect.
    pub margin_ms: u32,
    /// For class A: how long after the first send the venue surely still knows the id.
    pub id_horizon_ms: u64,
    /// How long after its creation every order, also one without fills, can be looked up.
    pub lookup_window_ms: u64,
    /// Letters of a client order id.
    pub id_alphabet: IdAlphabet,
    /// Longest client order id: 31 characters at least, 36 where the alphabet is that of UUIDs.
    pub id_len_max: u8,
    /// The venue can cancel everything by itself when it no longer hears from us (declared, not used yet).
    pub native_dead_man_switch: bool,
    /// The venue trades spreads as one order (declared, not used yet).
    pub native_spreads: bool,
}

/// Longest span in which one leg's orders are sent again after doubt: the transmissions of a class A venue end with its
/// memory of the id, and the ten attempts a leg may have elsewhere take less.
const REPEATS_MS_MAX: u64 = 600_000;

impl VenueTraits {
    /// Longest time in milliseconds that a leg can be in doubt, without failing queries: further transmissions and
    /// attempts start inside the leg's timeout, and each may end in doubt again.
    #[must_use]
    pub fn leg_doubt_ms(&self, leg_timeout_ms: u64) -> u64 {
        leg_timeout_ms.min(REPEATS_MS_MAX) + self.doubt_ms()
    }

    /// Longest time in milliseconds from an intent until its absence can be proven, without failing queries:
    /// the window, the margin, and two rounds a second apart.
    #[must_use]
    pub fn doubt_ms(&self) -> u64 {
        u64::from(self.window_ms) + u64::from(self.margin_ms) + 1_000
    }
}

/// Whether anything else trades on the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Positions {
    /// Only this engine trades there, so a position that contradicts it is an alarm.
    #[default]
    Exclusive,
    /// Others trade there too; account positions prove nothing.
    Shared,
}

/// How the account books opposite trades in one instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PositionMode {
    /// One net position.
    OneWay,
    /// A long and a short position side by side.
    Hedge,
}
