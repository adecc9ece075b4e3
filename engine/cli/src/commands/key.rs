//! `key`: what a plan's batch would be called.

use std::path::Path;

use serde_json::json;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::plan_file;

pub(super) fn key(plan: &Path, output: Output) -> Result<Exit, Failure> {
    let key = plan_file::read(plan)?.check()?.key.to_string();
    output.result(&json!({ "key": key }), || key.clone());
    Ok(Exit::Done)
}
