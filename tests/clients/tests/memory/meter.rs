//! The server's memory, while something happens.

use anyhow::{Context as _, ensure};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tests_clients::Server;

/// What anything that peers do may add, in bytes, to what the server has before it: generous for what its limits allow
/// this many connections, and far below what they send.
pub(crate) const GROWTH_MAX: u64 = 96 << 20;
/// Between two looks.
const STEP: Duration = Duration::from_millis(10);
/// How long the server may take to give memory back.
const SETTLING: Duration = Duration::from_secs(10);

pub(crate) struct Meter {
    status: PathBuf,
    at_first: u64,
}

impl Meter {
    pub(crate) fn of(server: &Server) -> anyhow::Result<Self> {
        let pid = server.pid().context("the server does not run")?;
        let meter = Self { status: format!("/proc/{pid}/status").into(), at_first: 0 };
        let at_first = meter.now()?;
        Ok(Self { at_first, ..meter })
    }

    /// Resident memory that is no file's.
    fn now(&self) -> anyhow::Result<u64> {
        let text = std::fs::read_to_string(&self.status).context("the server has ended")?;
        let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("no RssAnon")?;
        let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib << 10)
    }

    /// When all is over the server is not much larger than it was.
    pub(crate) fn ensure_settled(&self) -> anyhow::Result<()> {
        let end = Instant::now() + SETTLING;
        while self.now()?.saturating_sub(self.at_first) > GROWTH_MAX {
            ensure!(Instant::now() < end, "{} bytes stay, of {} before", self.now()?, self.at_first);
            std::thread::sleep(STEP);
        }
        Ok(())
    }
}

/// Does something, and fails if the server grew by more than [`GROWTH_MAX`] meanwhile.
pub(crate) fn measured(meter: &Meter, what: &str, act: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let (before, begin, over) = (meter.now()?, Instant::now(), AtomicBool::new(false));
    let (done, peak) = std::thread::scope(|scope| {
        let watching = scope.spawn(|| -> anyhow::Result<u64> {
            let mut peak = 0;
            while !over.load(Ordering::Relaxed) {
                peak = meter.now()?.max(peak);
                std::thread::sleep(STEP);
            }
            Ok(peak)
        });
        let done = act();
        over.store(true, Ordering::Relaxed);
        (done, watching.join())
    });
    let peak = peak.ok().context("the meter broke")??;
    eprintln!("{what}: {} MiB, at most {} MiB, in {:?}", before >> 20, peak >> 20, begin.elapsed());
    done.with_context(|| what.to_owned())?;
    ensure!(peak.saturating_sub(before) <= GROWTH_MAX, "{what}: {before} bytes became {peak}");
    Ok(())
}
