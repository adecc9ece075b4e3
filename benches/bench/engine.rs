//! The engine over instant venues: everything measured is its own work and the journal's.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use equipoise::journal::{self, JournalKind, JournalOptions};
use equipoise::{BatchStatus, Engine, Positions, VenueName, VenueSetup};

use super::{occasion, plan};

/// Batches that run at once.
pub(crate) const LANES: u64 = 64;

/// An engine over two instant venues, and those.
#[derive(Clone)]
pub(crate) struct Instantly {
    engine: Engine,
    venues: [Arc<super::Instant>; 2],
}

impl Instantly {
    pub(crate) async fn start(kind: JournalKind, folder: &Path) -> Self {
        let options = JournalOptions { ballast_bytes: 0, ..JournalOptions::default() };
        let journal = journal::open(kind, &folder.join(kind.to_string()), &options).unwrap();
        let venues = [super::Instant::new(), super::Instant::new()];
        let mut builder = Engine::builder(journal);
        for (name, venue) in ["binance", "bybit"].into_iter().zip(&venues) {
            let setup = VenueSetup { venue: venue.clone(), positions: Positions::Shared };
            builder = builder.venue(VenueName::new(name).unwrap(), setup);
        }
        Self { engine: builder.start().await.unwrap(), venues }
    }

    /// From submit until the second of both orders was handed over, once; then the batch is left to end.
    pub(crate) async fn handed_over(&self) -> Duration {
        let (sender, mut placed) = tokio::sync::mpsc::unbounded_channel();
        for venue in &self.venues {
            *venue.placed.lock().unwrap() = Some(sender.clone());
        }
        let plan = plan(&occasion(), false);
        let start = Instant::now();
        let submitting = self.engine.submit(&plan);
        submitting.await.unwrap().wait().await.unwrap();
        placed.recv().await.unwrap();
        let last = placed.recv().await.unwrap();
        let spent = last - start;
        for venue in &self.venues {
            *venue.placed.lock().unwrap() = None;
        }
        spent
    }

    /// Batches of two legs in sequence, 64 at once; how long each lane's share took.
    pub(crate) async fn at_once(&self, each: u64) -> Duration {
        let start = Instant::now();
        let lanes = (0..LANES).map(|_| {
            let engine = self.engine.clone();
            tokio::spawn(async move {
                for _ in 0..each {
                    let handle = engine.submit(&plan(&occasion(), true)).await.unwrap();
                    assert_eq!(handle.wait().await.unwrap().status, BatchStatus::Done);
                }
            })
        });
        futures::future::try_join_all(lanes).await.unwrap();
        start.elapsed()
    }
}

/// A plain file: what the device itself takes.
#[derive(Clone)]
pub(crate) struct Raw(Arc<File>);

impl Raw {
    pub(crate) fn create(folder: &Path) -> Self {
        Self(Arc::new(File::create(folder.join("raw")).unwrap()))
    }

    /// One append of 200 bytes and a data sync.
    pub(crate) fn append(&self) {
        (&*self.0).write_all(&[7; 200]).unwrap();
        self.0.sync_data().unwrap();
    }
}
