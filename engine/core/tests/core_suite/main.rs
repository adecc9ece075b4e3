//! The core's specification, one file per subject, in one binary: building and linking it takes longer than running it.

mod common;

mod instrument;
mod key;
mod plan;
mod purity;
mod references;
mod report;
mod rounding;
mod saga_audit;
mod saga_bounds;
mod saga_doubt;
mod saga_entry;
mod saga_evidence;
mod saga_fees;
mod saga_followers;
mod saga_random;
mod saga_records;
mod saga_residual;
mod saga_stop;
mod saga_unwind;
mod saga_waves;
mod sizing;
mod spec;
mod timeline;
mod unwind_limits;
mod unwind_products;
mod unwind_sizes;
mod venue;
