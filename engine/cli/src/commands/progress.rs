//! Tells a person on stderr what happens while it happens.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use equipoise::port::{BatchEvent, Journal, Observer};
use equipoise::{BatchKey, BatchSpec, Record};
use tokio::runtime::Handle;

use crate::output::{self, Output};

/// Events that may wait for a slow terminal; more are dropped, the report has them all.
const EVENTS_MAX: usize = 4_096;
/// How long the last lines may take.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// A thread that prints events; absent when nobody follows.
pub(super) struct Progress(Option<Following>);

struct Following {
    events: Arc<Events>,
    done: Receiver<()>,
}

/// Passes events on and never waits, whatever the terminal does.
struct Events(Mutex<Option<SyncSender<BatchEvent>>>);

/// Prints events with the names of their legs, which the journal knows.
struct Printer {
    journal: Arc<dyn Journal>,
    runtime: Handle,
    specs: BTreeMap<BatchKey, Box<BatchSpec>>,
}

impl Progress {
    /// Follows every batch of an engine on this journal, if somebody reads.
    pub(super) fn start(output: Output, journal: Arc<dyn Journal>) -> Self {
        if !output.is_followed() {
            return Self(None);
        }
        let (events, waiting) = sync_channel::<BatchEvent>(EVENTS_MAX);
        let (finished, done) = sync_channel(1);
        let mut printer = Printer { journal, runtime: Handle::current(), specs: BTreeMap::new() };
        // A thread of its own: a terminal that does not take its lines must not hold a batch back.
        std::thread::spawn(move || {
            for event in waiting {
                printer.print(&event);
            }
            drop(printer);
            let _ = finished.send(());
        });
        let events = Arc::new(Events(Mutex::new(Some(events))));
        Self(Some(Following { events, done }))
    }

    /// What the engine tells its events to.
    pub(super) fn observer(&self) -> Option<Arc<dyn Observer>> {
        let following = self.0.as_ref()?;
        Some(following.events.clone())
    }

    /// Prints what still waits, for a moment at most. The journal must still be open.
    pub(super) fn finish(self) {
        if let Some(following) = self.0 {
            let events = following.events.0.lock();
            events.unwrap_or_else(PoisonError::into_inner).take();
            let _ = following.done.recv_timeout(FLUSH_TIMEOUT);
        }
    }
}

impl Observer for Events {
    fn on_event(&self, event: &BatchEvent) {
        let events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(events) = &*events {
            let _ = events.try_send(event.clone());
        }
    }
}

impl Printer {
    fn print(&mut self, event: &BatchEvent) {
        if let Record::Admitted(spec) = &event.record {
            self.specs.insert(event.batch, spec.clone());
        } else if !self.specs.contains_key(&event.batch) {
            // A batch from before this start: its journal has what was admitted.
            let read = self.runtime.block_on(self.journal.read(event.batch));
            let records = read.ok().flatten().unwrap_or_default();
            let Some(Record::Admitted(spec)) = records.into_iter().next() else { return };
            self.specs.insert(event.batch, spec);
        }
        if let Some(spec) = self.specs.get(&event.batch) {
            line(spec, &event.record);
        }
    }
}

fn line(spec: &BatchSpec, record: &Record) {
    let width = spec.legs.iter().map(|leg| leg.name.as_str().len()).max();
    let entry = output::entry(spec, record).text(width.unwrap_or(1));
    let key = spec.key.to_string();
    output::to_stderr(&format!("{}  {entry}", key.get(..8).unwrap_or_default()));
}
