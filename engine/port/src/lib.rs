//! What Equipoise asks of the outside: venues, journals, clocks, transports and observers.
//!
//! A venue adapter needs this crate and `equipoise-core`, nothing else.
//! Every error type is split by what its reader may do next, not by where it happened.

mod clock;
mod journal;
mod observer;
mod transport;
mod venue;

pub use clock::Clock;
pub use journal::{Append, Epoch, Journal, JournalError};
pub use observer::{BatchEvent, Observer};
pub use transport::{Transport, TransportError};
pub use venue::{
    Account, Balance, CancelAnswer, MarginMode, OrderRef, OrderTerms, PlaceError, Position,
    Purpose, QueryError, Quote, Venue,
};

#[cfg(feature = "mock")]
pub use {
    clock::MockClock, journal::MockJournal, observer::MockObserver, transport::MockTransport,
    venue::MockVenue,
};
