//! What an exchange does with one request.

use bytes::Bytes;
use http::{Request, Response};

use crate::fault::Stage;

/// The exchange's reaction to one request; carrying it out is the caller's part.
#[derive(Debug)]
#[must_use]
pub enum Answer {
    /// Send this at once.
    Respond(Response<Bytes>),
    /// Send this after `delay_ms`; the exchange has already acted.
    RespondAfter {
        /// Milliseconds between the exchange's act and its answer.
        delay_ms: u64,
        /// The answer.
        response: Response<Bytes>,
    },
    /// Nothing is ever sent; the connection stays open until the client gives up.
    Silence,
    /// The connection is closed without one byte of an answer.
    Close,
    /// The request is under way and arrives in `delay_ms`, whether or not the client still waits:
    /// call [`Exchange::resume`](crate::Exchange::resume) then.
    Late {
        /// Milliseconds until the request reaches the stage it is held before.
        delay_ms: u64,
        /// The request on its way.
        held: Held,
    },
}

/// A request held up on its way into the exchange.
#[derive(Clone, Debug)]
pub struct Held {
    pub(crate) request: Request<Bytes>,
    pub(crate) stage: Stage,
}
