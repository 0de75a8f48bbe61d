//! The suite that judges every engine, over the embedded one on a real directory with LMDB.

#![expect(clippy::unwrap_used, reason = "a harness of tests: a panic is its verdict")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use store_embedded::{Embedded, Options};
use store_kv::Engine;
use store_kv::conformance::Harness;

static NEXT: AtomicU64 = AtomicU64::new(0);

/// Small enough that in a short test segments end, bodies go to files of their own, the index is written and segments
/// are rewritten.
fn options() -> Options {
    Options {
        segment_size: 1 << 20,
        inline_body_max: 200 << 10,
        overlay_bytes: 256 << 10,
        reserve: 0,
        index_map: 1 << 32,
        index_interval: Duration::from_millis(50),
        compact_interval: Some(Duration::from_millis(70)),
        ..Options::default()
    }
}

/// A store in a directory of its own.
struct Directory {
    path: PathBuf,
    engine: Option<Arc<Embedded>>,
}

impl Directory {
    fn new() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("store-conformance-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self { path, engine: None }
    }

    fn start(&mut self) -> Arc<dyn Engine> {
        let engine = Embedded::open(&self.path, options()).unwrap();
        self.engine = Some(engine.clone());
        engine
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.engine = None;
        // The system's temporary directory is cleaned anyway.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

impl Harness for Directory {
    async fn open(&mut self) -> Arc<dyn Engine> {
        self.start()
    }

    async fn reopen(&mut self) -> Arc<dyn Engine> {
        if let Some(engine) = self.engine.take() {
            engine.close().await.unwrap();
        }
        self.start()
    }
}

store_kv::suite!(Directory::new());
