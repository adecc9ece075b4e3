//! The faces of Binance: spot (`/api`), USDⓈ-M futures (`/fapi`) and COIN-M futures (`/dapi`).
//!
//! They share the gateway, the form of errors and the counting of requests; the two futures share nearly everything.
//! Source: Binance docs of each product, General Info, Error Codes and the REST pages of each endpoint,
//! read 2026-11-22.

mod failure;
mod futures;
mod gateway;
mod limits;
mod spot;

pub(crate) use self::futures::{coinm, usdm};
pub(crate) use self::spot::spot;
