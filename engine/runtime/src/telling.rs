//! What of a batch goes to the log: its beginning and end, what is in doubt, and what a person must know.
//!
//! Only the batch's own words are told; requests, signatures and keys never are (A5).

use equipoise_core::{BatchSpec, Ending, LegName, Record};

/// Tells of one record that took effect.
pub(crate) fn tell(spec: &BatchSpec, record: &Record) {
    let leg = record.tag().and_then(|tag| spec.leg(tag.leg));
    let leg = leg.map_or("", |leg| LegName::as_str(&leg.name));
    match record {
        Record::Admitted(spec) => tell_admission(spec),
        Record::Ended { ending: Ending::Parked, why, .. } => {
            tracing::warn!(why, "batch parked: an exposure is left for a person");
        }
        Record::Ended { ending, why, .. } => tracing::info!(?ending, why, "batch ended"),
        Record::Stopped { .. } => tracing::info!("no new risk is wanted"),
        Record::UnwindStarted { .. } => tracing::warn!("taking back what was received"),
        Record::Doubted { why, .. } => tracing::warn!(leg, why, "outcome of an order is unknown"),
        Record::Unresolved { why, .. } => {
            tracing::warn!(leg, why, "outcome of an order cannot be learned");
        }
        Record::Refused { refusal, .. } => {
            tracing::warn!(leg, code = refusal.code, message = refusal.message, "order refused")
        }
        Record::Contradicted { position, .. } => {
            tracing::warn!(leg, %position, "the account's position contradicts the fills");
        }
        Record::Alarmed { alarm, .. } => tracing::warn!(leg, ?alarm, "a person must look at this"),
        _ => tracing::debug!(leg, ?record, "recorded"),
    }
}

/// Tells of the record that every batch begins with.
pub(crate) fn tell_admission(spec: &BatchSpec) {
    tracing::info!(
        strategy = %spec.strategy,
        occasion = %spec.occasion,
        legs = spec.legs.len(),
        "batch admitted"
    );
}
