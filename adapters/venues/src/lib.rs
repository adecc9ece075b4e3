//! Exchange adapters of Equipoise over their real wire formats.
//!
//! An adapter translates between [`equipoise_port::Venue`] and one exchange's REST interface: it signs, encodes,
//! decodes and classifies answers. It keeps no order state, repeats no request and adds nothing to a deadline.
//! What an exchange documents and the engine relies on stands beside the code that relies on it, with its source.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use equipoise_core::VenueName;
//! use equipoise_port::{Clock, Venue};
//! use equipoise_venues::{Credentials, Endpoint, HttpTransport, Settings, open};
//!
//! fn binance(clock: Arc<dyn Clock>) -> Result<Arc<dyn Venue>, Box<dyn std::error::Error>> {
//!     let settings = Settings::builder(
//!         VenueName::new("binance")?,
//!         "binance-usdm",
//!         Credentials::new(&std::env::var("BINANCE_API_KEY")?, &std::env::var("BINANCE_API_SECRET")?)?,
//!     )
//!     .endpoint(Endpoint::Test)
//!     .build();
//!     Ok(open(settings, Arc::new(HttpTransport::new()?), clock)?)
//! }
//! # fn main() {}
//! ```

mod account_id;
mod answer;
mod binance;
mod budget;
mod bybit;
mod coinbase;
mod credentials;
mod deribit;
#[cfg(test)]
mod documented;
mod number;
mod okx;
mod outcome;
mod query;
mod registry;
mod rules;
mod settings;
mod transport;
mod venue_clock;
mod windows;
mod wire;

pub use budget::Budgets;
pub use credentials::{Credentials, CredentialsError};
pub use registry::{KeyForm, OpenError, adapters, declared_traits, key_form, open};
pub use settings::{Endpoint, REQUEST_WINDOW_MS_DEFAULT, Settings, SettingsBuilder};
pub use transport::{BODY_BYTES_MAX, HttpTransport, TransportSetupError};
