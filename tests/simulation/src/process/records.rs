//! What a saga decides to record: durable where something waits for it, then applied, and only then carried out.

use equipoise_core::{BatchStatus, Command, Event, Record, UnixMillis};

use super::Process;
use crate::check::Claim;
use crate::disk::{self, AppendRefused};
use crate::mark::Mark;
use crate::network::Outside;
use crate::plant;

/// An append whose records must be durable before they take effect.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) append: u64,
    records: Vec<(Record, Vec<u8>)>,
    commands: Vec<Command>,
    wake_at: Option<UnixMillis>,
}

impl Process {
    /// One step: records durable where something waits for them, then applied, then commands.
    /// Whether it recorded and whether it wants to be woken at once; `None` while it waits for the journal, or is over.
    pub(super) fn step(
        &mut self,
        out: &mut Outside,
        batch: u8,
        event: &Event,
    ) -> Option<(bool, bool)> {
        let now = UnixMillis(out.env.now);
        let driver = self.drivers.get_mut(&batch)?;
        let event = &*plant::event(&out.env, &driver.saga, event);
        let step = driver.saga.step(now, event);
        let step = plant::step(&out.env, &driver.saga, event, step);
        out.check.asks_for(batch, &driver.saga, &step);
        let encoded = step.records.into_iter().map(|record| {
            let bytes = disk::encode(plant::written(&out.env, &record).as_ref().unwrap_or(&record));
            (record, bytes)
        });
        let records: Vec<(Record, Vec<u8>)> = encoded.collect();
        if records.iter().any(|(record, _)| record.gates()) {
            let ends = |(record, _): &(Record, Vec<u8>)| matches!(record, Record::Ended { .. });
            if driver.appended == 0 && records.iter().any(ends) {
                // It did nothing and was never durable: it keeps its key for another try (D4).
                self.leave(out, batch);
                out.workload.submit_again(&mut out.env, batch);
                return None;
            }
            let mut bytes = std::mem::take(&mut driver.unsaved);
            bytes.extend(records.iter().map(|(_, bytes)| bytes.clone()));
            driver.flush_at = None;
            let append = self.append(out, batch, &bytes)?;
            let (commands, wake_at) = (step.commands, step.wake_at);
            #[cfg(planted)]
            if plant::sends_early(&out.env) {
                self.hand_over_early(out, batch, &commands);
            }
            let driver = self.drivers.get_mut(&batch)?;
            driver.gate = Some(Gate { append, records, commands, wake_at });
            return None;
        }
        self.apply(out, batch, &records);
        let driver = self.drivers.get_mut(&batch)?;
        let recorded = !records.is_empty();
        driver.unsaved.extend(records.into_iter().map(|(_, bytes)| bytes));
        driver.wake_at = step.wake_at;
        self.carry_out(out, batch, step.commands);
        Some((recorded, step.wake_at.is_some_and(|at| at <= now)))
    }

    pub(super) fn pass_gate(&mut self, out: &mut Outside, batch: u8) {
        let Some(driver) = self.drivers.get_mut(&batch) else { return };
        let Some(gate) = driver.gate.take() else { return };
        self.apply(out, batch, &gate.records);
        let Some(driver) = self.drivers.get_mut(&batch) else { return };
        driver.wake_at = gate.wake_at;
        if driver.saga.status() != BatchStatus::Running {
            if out.disk.room.is_on_ballast(out.env.now) {
                out.env.tally.hit(Mark::EndedOnBallast);
            }
            self.leave(out, batch);
            return;
        }
        self.carry_out(out, batch, gate.commands);
    }

    /// Hands unsaved facts to the journal without waiting for it.
    pub(super) fn flush(&mut self, out: &mut Outside, batch: u8) {
        let Some(driver) = self.drivers.get_mut(&batch) else { return };
        driver.flush_at = None;
        if driver.unsaved.is_empty() || driver.appended == 0 {
            return;
        }
        let bytes = std::mem::take(&mut driver.unsaved);
        self.append(out, batch, &bytes);
    }

    fn append(&mut self, out: &mut Outside, batch: u8, records: &[Vec<u8>]) -> Option<u64> {
        let driver = self.drivers.get_mut(&batch)?;
        let expected = driver.appended;
        out.check.writes(batch, records);
        driver.appended += u32::try_from(records.len()).unwrap_or(u32::MAX);
        let appended =
            out.disk.append(&mut out.env, self.index, self.epoch, batch, expected, records);
        match appended {
            Ok(append) => Some(append),
            Err(AppendRefused::Failed) => {
                self.journal_failed(out, batch);
                None
            }
            Err(AppendRefused::Fenced) => {
                out.env.tally.hit(Mark::StaleOwnerRefused);
                let index = self.index;
                out.env.trace.line(out.env.now, || format!("process {index} is fenced and ends"));
                self.die();
                None
            }
            Err(AppendRefused::OutOfSequence { expected, actual }) => {
                let text =
                    format!("batch {batch} holds {actual} records, its owner says {expected}");
                out.check.fail(Claim::Sequence, text);
                None
            }
        }
    }

    fn apply(&mut self, out: &mut Outside, batch: u8, records: &[(Record, Vec<u8>)]) {
        let Some(driver) = self.drivers.get_mut(&batch) else { return };
        for (record, bytes) in records {
            let decoded = disk::decode(bytes);
            let live = driver.saga.apply(record);
            let shadow = driver.shadow.apply(&decoded);
            if let Err(error) = live.and(shadow) {
                out.check.fail(Claim::Apply, format!("batch {batch}: {error} ({record:?})"));
                return;
            }
            if decoded != *record {
                out.check
                    .fail(Claim::Shadow, format!("batch {batch}: {record:?} changes in bytes"));
            }
            driver.paces.note(record, &mut self.jitter);
            out.env.trace.line(out.env.now, || format!("batch {batch} {}", shown(record)));
        }
        if !records.is_empty() && driver.saga != driver.shadow {
            let text = format!("batch {batch}: the saga differs from what its records lead to");
            out.check.fail(Claim::Shadow, text);
        }
    }
}

/// One record in a line.
fn shown(record: &Record) -> String {
    match record {
        Record::Admitted(spec) => format!("admitted {} legs", spec.legs.len()),
        other => format!("{other:?}").replace("UnixMillis", ""),
    }
}
