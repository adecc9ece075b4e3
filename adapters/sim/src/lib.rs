//! Simulated exchanges speaking the real wire formats of Binance, Bybit, OKX, Deribit and Coinbase, with faults on
//! request.
//!
//! An [`Exchange`] is a state machine without clock, socket or randomness: a request and the time go in,
//! an [`Answer`] comes out. [`serve`] puts it on a loopback address for anything that speaks HTTP.
//!
//! ```
//! use bytes::Bytes;
//! use equipoise_sim::{Answer, BINANCE_USDM, Credentials, Exchange, Settings};
//!
//! let mut exchange = Exchange::start(BINANCE_USDM, Credentials::demo(BINANCE_USDM), Settings::default())?;
//! let request = http::Request::get("/fapi/v1/time").body(Bytes::new())?;
//! let Answer::Respond(response) = exchange.handle(1_795_334_400_000, &request) else { unreachable!() };
//! assert_eq!(response.body(), r#"{"serverTime":1795334400000}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The same start state and the same requests at the same times give the same answers, ids included.
//! The crate shares no code with the engine it is used to test, so that its [`Ledger`] can serve as the oracle.
//!
//! Each adapter name is a product of its own with its own account and [`Ledger`]: spot keeps balances, contracts are
//! margined and settled in one asset each ([`Instrument::settle`]), and quantities are in the venue's unit.
//!
//! What it does not do: funding payments, liquidation, margin across assets, borrowing, other people's orders beyond
//! the synthetic book, streams.

// The longest venue objects have more fields than the default limit of `json!` allows.
#![recursion_limit = "256"]

mod answer;
mod binance;
mod bybit;
mod civil;
mod coinbase;
mod credentials;
mod decimal_text;
mod deribit;
mod exchange;
mod faces;
mod fault;
mod ledger;
mod named_fault;
mod okx;
mod params;
mod rate;
mod server;
mod signature;

pub use answer::{Answer, Held};
pub use credentials::Credentials;
pub use exchange::account::{MarginMode, PositionSide};
pub use exchange::adjusting::NotAdjusted;
pub use exchange::book::{Depth, Level};
pub use exchange::instrument::{Instrument, InstrumentKind};
pub use exchange::orders::{
    AdjustedTrade, Adjustment, EndReason, Order, OrderKind, OrderOrigin, OrderStatus, SelfTrade,
    Side, TimeInForce, Trade,
};
pub use exchange::{Exchange, RateLimits, Settings, UnknownAdapter, UnknownSymbol};
pub use faces::{
    BINANCE_COINM, BINANCE_SPOT, BINANCE_USDM, BYBIT_INVERSE, BYBIT_LINEAR, BYBIT_SPOT, COINBASE,
    DERIBIT, OKX_SPOT, OKX_SWAP, adapters,
};
pub use fault::{Broken, Effect, Fault, FaultPlan, Loss, Matcher, Occurrence, Operation, Stage};
pub use ledger::{Ledger, LedgerError, LedgerFile, LedgerPosition};
pub use named_fault::UnknownFault;
pub use server::{Running, ServeOptions, serve};
