//! A plan from its file.

use std::path::Path;

use equipoise::Plan;

use crate::document;
use crate::failure::Failure;

/// Reads a plan file. What it says is checked by the engine.
///
/// # Errors
/// `plan_invalid`, with the field and its line.
pub(crate) fn read(path: &Path) -> Result<Plan, Failure> {
    document::read(path).map_err(|message| Failure::refused("plan_invalid", message))
}
