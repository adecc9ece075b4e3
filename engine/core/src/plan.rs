//! What a strategy wants, as data: the plan document and its checked form.

mod check;
mod document;
mod fingerprint;
mod graph;

pub(crate) use check::UNWIND_ATTEMPTS_MAX;
pub use check::{CheckedLeg, CheckedPlan, CheckedQuantity, LEGS_MAX, PlanError};
pub use document::{Leg, OnResidual, Plan, Policy, Quantity};
