//! The suite over the embedded engine on a simulated disk, which loses at a crash what was not synced: among the cases
//! are writers, readers and random batches that a power cut interrupts.

#![expect(clippy::unwrap_used, reason = "all of it is a test: a panic is its verdict")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use store_embedded::sim::SimDisk;
use store_embedded::{Embedded, Options};
use store_kv::Engine;
use store_kv::conformance::Harness;

/// Each harness has its own disk, and each disk its own luck.
static SEED: AtomicU64 = AtomicU64::new(1);

struct Simulated {
    disk: SimDisk,
    engine: Option<Arc<Embedded>>,
}

impl Simulated {
    fn new() -> Self {
        Self { disk: SimDisk::new(SEED.fetch_add(1, Ordering::Relaxed)), engine: None }
    }

    fn start(&mut self) -> Arc<dyn Engine> {
        // Small, so that segments end, bodies go to files of their own and the index is written in a short test.
        let options = Options {
            segment_size: 1 << 20,
            inline_body_max: 200 << 10,
            overlay_bytes: 256 << 10,
            index_interval: Duration::from_millis(5),
            compact_interval: Some(Duration::from_millis(10)),
            reserve: 0,
            ..Options::default()
        };
        let engine = Embedded::open_simulated(&self.disk, Path::new("/store"), options).unwrap();
        self.engine = Some(engine.clone());
        engine
    }
}

impl Harness for Simulated {
    async fn open(&mut self) -> Arc<dyn Engine> {
        self.start()
    }

    async fn reopen(&mut self) -> Arc<dyn Engine> {
        if let Some(engine) = self.engine.take() {
            engine.close().await.unwrap();
        }
        self.start()
    }

    async fn crash(&mut self) -> Option<Arc<dyn Engine>> {
        self.disk = self.disk.crash();
        self.engine = None;
        Some(self.start())
    }
}

store_kv::suite!(Simulated::new());
