//! Moments at which several tests begin.

use equipoise_core::*;

use super::batch::*;
use super::harness::*;

/// Entries of a pair ended with these quantities executed.
pub(crate) fn after_entries(spec: BatchSpec, fills: &[(&str, &str)]) -> Harness {
    let mut run = Harness::new(spec);
    let names: Vec<_> = fills.iter().map(|(name, _)| *name).collect();
    run.send(&names);
    for (name, executed) in fills {
        run.fill_partly(name, executed);
    }
    run
}

pub(crate) fn one_sided() -> Harness {
    after_entries(pair(ResendClass::A), &[("long.e0", "0.1"), ("short.e0", "0")])
}

pub(crate) fn intents(run: &mut Harness, names: &[&str]) -> Vec<String> {
    let turn = run.run(run.prepared(names));
    turn.records
}

/// Both legs handed over; the short one, at a class A venue, filled, the long one without a verdict.
pub(crate) fn in_doubt(class: ResendClass) -> Harness {
    let mut spec = pair(ResendClass::A);
    spec.legs[0].traits = traits(class);
    let mut run = Harness::new(spec);
    run.send(&["long.e0", "short.e0"]);
    run.fill("short.e0");
    let turn = run.doubt("long.e0");
    assert_eq!(turn.records, ["doubted long.e0"]);
    assert_eq!(turn.commands, ["query long.e0 thorough urgent"]);
    run
}

pub(crate) const ASK: &[&str] = &["query long.e0 thorough urgent"];
