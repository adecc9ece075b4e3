//! `check`: validates and prices a plan. Asks venues, sends no order, and leaves the journal alone.

use std::collections::BTreeSet;
use std::path::Path;

use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{CheckDocument, Output, check_text};
use crate::plan_file;
use crate::venues::OpenVenues;

use super::session;

pub(super) async fn check(config: &Config, plan: &Path, output: Output) -> Result<Exit, Failure> {
    let plan = plan_file::read(plan)?;
    plan.check()?;
    let venues = OpenVenues::open(config)?;
    let check = session::price(&venues, &plan).await?;
    let concerned: BTreeSet<_> = check.legs.iter().map(|leg| &leg.venue).collect();
    let warnings: Vec<_> = concerned.into_iter().flat_map(|name| venues.warnings(name)).collect();
    output.result(&CheckDocument::new(&check, &warnings), || check_text(&check, &warnings));
    Ok(Exit::Done)
}
