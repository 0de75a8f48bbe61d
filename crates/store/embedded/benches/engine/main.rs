//! The engine alone under mail-shaped work: durable deliveries, flags, scans, gets, bodies, a mix, deleting with
//! compaction, bulk load and opening.
//!
//! `cargo bench -p store-embedded --bench engine -- [--quick] [--seconds N] [--dir DIR] [--json] [--no-compression]`.
//! The directory should be on a real disk (by default it is in `target/tmp`). CPU time and bytes written are the steady
//! figures; rates and latencies depend on the disk and on what else the machine does. Memory is anonymous memory without
//! the generator's bodies.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    reason = "a bench: it ends where it cannot go on, and its figures need no last digit"
)]

mod mail;
mod measure;
mod workloads;

use mail::Pool;
use measure::{Report, memory_mb};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use store_embedded::{Compression, Embedded, Options, Stats};
use store_kv::Engine;
use workloads::{World, bulk_load};

/// How long, and how much.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The time for one figure.
    pub(crate) time: Duration,
    quick: bool,
    json: bool,
    dir: Option<PathBuf>,
    options: Options,
}

impl Plan {
    fn from_arguments() -> Self {
        let mut plan =
            Self { time: Duration::from_secs(4), quick: false, json: false, dir: None, options: Options::default() };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--quick" => {
                    plan.quick = true;
                    plan.time = Duration::from_millis(500);
                }
                "--seconds" => plan.time = Duration::from_secs_f64(arguments.next().unwrap().parse().unwrap()),
                "--dir" => plan.dir = Some(arguments.next().unwrap().into()),
                "--json" => plan.json = true,
                "--no-compression" => plan.options.compression = Compression::Off,
                // What cargo says to every bench.
                "--bench" => {}
                other => panic!("unknown argument {other}: --quick, --seconds N, --dir DIR, --json, --no-compression"),
            }
        }
        plan
    }

    /// So many rows, or a tenth in a quick run.
    pub(crate) fn rows(&self, rows: u32) -> u32 {
        if self.quick { rows / 10 } else { rows }
    }
}

/// The store under test.
#[derive(Debug)]
pub(crate) struct Store {
    dir: PathBuf,
    engine: Option<Arc<Embedded>>,
    opened_in: Duration,
    options: Options,
}

impl Store {
    fn open(dir: &Path, options: Options) -> Self {
        let mut store = Self { dir: dir.to_owned(), engine: None, opened_in: Duration::ZERO, options };
        store.start();
        store
    }

    fn start(&mut self) {
        let begun = Instant::now();
        self.engine = Some(Embedded::open(&self.dir, self.options.clone()).unwrap());
        self.opened_in = begun.elapsed();
    }

    fn embedded(&self) -> &Embedded {
        self.engine.as_ref().unwrap()
    }

    /// Its directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where its index is.
    pub(crate) fn index_dir(&self) -> PathBuf {
        self.dir.join("index")
    }

    /// The engine as the rest of the server sees it.
    pub(crate) fn engine(&self) -> Arc<dyn Engine> {
        self.engine.clone().unwrap()
    }

    /// How long the last opening took.
    pub(crate) fn opened_in(&self) -> Duration {
        self.opened_in
    }

    /// What the engine counts.
    pub(crate) fn stats(&self) -> Stats {
        self.embedded().stats()
    }

    /// Waits until the index has everything.
    pub(crate) async fn settle(&self) {
        while self.stats().overlay_bytes > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Has the space of dead bodies back.
    pub(crate) async fn compact(&self) {
        self.embedded().compact_now().await.unwrap();
    }

    /// Closes and opens.
    pub(crate) async fn reopen(&mut self) {
        let engine = self.engine.take().unwrap();
        engine.close().await.unwrap();
        drop(engine);
        self.start();
    }
}

/// Tells the figures as they come.
struct Printer {
    json: bool,
    reports: Vec<Report>,
}

impl Printer {
    fn tell(&mut self, reports: impl IntoIterator<Item = Report>) {
        for report in reports {
            if !self.json {
                println!("{}", report.line());
            }
            self.reports.push(report);
        }
    }

    fn end(self) {
        if self.json {
            let reports: Vec<String> = self.reports.iter().map(Report::json).collect();
            println!("[{}]", reports.join(",\n "));
        }
    }
}

async fn run(plan: &Plan, dir: &Path) {
    let mut printer = Printer { json: plan.json, reports: Vec::new() };
    let pool = Arc::new(Pool::new(if plan.quick { 300 } else { 3000 }));
    let mut store = Store::open(dir, plan.options.clone());
    let mut world = World::default();
    let mut start = Report::new("start");
    start.add("open_ms", store.opened_in().as_secs_f64() * 1000.0).add("pool_mb", pool.memory_mb());
    start.add("memory_mb", memory_mb() - pool.memory_mb());
    printer.tell([start]);
    for writers in [1, 16, 64] {
        printer.tell([world.deliveries(&store, &pool, plan, writers).await]);
    }
    printer.tell([world.flags(&store, plan).await]);
    printer.tell(world.reads(&store, plan).await);
    printer.tell([world.body_reads(&store, plan, "W5 bodies warm").await]);
    printer.tell(world.mixed(&store, &pool, plan).await);
    store.reopen().await;
    printer.tell([world.body_reads(&store, plan, "W5 bodies reopened").await]);
    printer.tell([world.delete_and_compact(&store).await]);
    printer.tell([world.body_reads(&store, plan, "W5 bodies compacted").await]);
    printer.tell(bulk_load(&mut store, plan, pool.memory_mb()).await);
    printer.end();
}

fn main() {
    let plan = Plan::from_arguments();
    let parent = plan.dir.clone().unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
    let dir = parent.join(format!("engine-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(run(&plan, &dir));
    std::fs::remove_dir_all(&dir).unwrap();
}
