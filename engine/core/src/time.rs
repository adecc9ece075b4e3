//! Two clocks that must never be mixed up: the engine's and the venue's.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! millis_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        pub struct $name(pub u64);

        impl $name {
            /// Later by that many milliseconds.
            #[must_use]
            pub const fn plus_ms(self, ms: u64) -> Self {
                Self(self.0.saturating_add(ms))
            }

            /// Milliseconds since the other, zero if the other is later.
            #[must_use]
            pub const fn since(self, earlier: Self) -> u64 {
                self.0.saturating_sub(earlier.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}ms", self.0)
            }
        }
    };
}

millis_type!(
    /// Engine time: milliseconds since 1970 UTC at start plus monotonic time since, so it never jumps while running.
    UnixMillis
);
millis_type!(
    /// Venue time: milliseconds since 1970 UTC on the venue's clock. Deadlines are in this time.
    VenueMillis
);

/// How far a venue's clock is from the engine's, as last measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ClockOffset {
    /// Venue time minus engine time, in milliseconds.
    pub offset_ms: i64,
}

impl ClockOffset {
    /// The venue's time at an engine time.
    #[must_use]
    pub const fn venue_time(self, at: UnixMillis) -> VenueMillis {
        VenueMillis(at.0.saturating_add_signed(self.offset_ms))
    }

    /// The engine's time at a venue time.
    #[must_use]
    pub const fn engine_time(self, at: VenueMillis) -> UnixMillis {
        UnixMillis(at.0.saturating_add_signed(self.offset_ms.saturating_neg()))
    }
}
