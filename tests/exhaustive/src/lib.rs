//! Every reachable state of small batches: the real saga, one or two owners of one journal, small exchanges, and a
//! network that loses, delays and repeats.
//!
//! The saga is the engine's own and is only stepped and fed with records. Everything else is written here: the
//! journal, the exchanges, what the driver does between them, and the claims every state is judged by. The claims read
//! the exchanges' own books and the raw records, never what the saga believes.

mod claims;
mod config;
mod exchange;
mod fair;
mod fingerprint;
mod journal;
mod matrix;
mod owner;
mod product;
mod search;
mod spec;
mod story;
mod terms;
mod world;

pub use claims::Violation;
pub use config::{
    Budget, Config, LegShape, Size, configurations, quick_configurations, small_configurations,
};
pub use matrix::{Breadth, Cell, Impossible, Matrix, MatrixError, run_matrix};
pub use product::Product;
pub use search::{Explored, Limits, Outcome, explore};
