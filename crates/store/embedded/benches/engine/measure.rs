//! What a workload cost: time, CPU, bytes written, latencies, memory.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// Clock ticks in a second, in which Linux tells CPU times to programs.
const TICKS: f64 = 100.0;

/// What the process has used up so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    at: Instant,
    cpu: f64,
    written: u64,
}

/// What was used between two looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    /// Wall clock, s.
    pub(crate) seconds: f64,
    /// User and system CPU, s.
    pub(crate) cpu: f64,
    /// Bytes given to write calls.
    pub(crate) written: u64,
}

impl Usage {
    /// A look at the process.
    pub(crate) fn now() -> Self {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        // The name, in parentheses, may hold spaces; user and system time are the 12th and 13th field after it.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks = |field: usize| fields[field].parse::<f64>().unwrap();
        Self {
            at: Instant::now(),
            cpu: (ticks(11) + ticks(12)) / TICKS,
            written: proc_number("/proc/self/io", "wchar:"),
        }
    }

    /// What was used since.
    pub(crate) fn used(&self) -> Used {
        let now = Self::now();
        let seconds = now.at.duration_since(self.at).as_secs_f64();
        Used { seconds, cpu: now.cpu - self.cpu, written: now.written - self.written }
    }
}

fn proc_number(file: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(file).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Anonymous memory of the process, in MB.
pub(crate) fn memory_mb() -> f64 {
    proc_number("/proc/self/status", "RssAnon:") as f64 / 1024.0
}

/// What a directory takes on the disk, in MB (10^6 bytes): blocks, not lengths, since files are preallocated and sparse.
pub(crate) fn disk_mb(dir: &Path) -> f64 {
    use std::os::unix::fs::MetadataExt;
    let mut bytes = 0.0;
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            // What is removed meanwhile takes nothing.
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_dir() {
                dirs.push(entry.path());
            } else {
                bytes += meta.blocks() as f64 * 512.0;
            }
        }
    }
    bytes / 1e6
}

/// How long things took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies(Vec<u32>);

impl Latencies {
    /// Notes one (in ns, at most 4.2 s).
    pub(crate) fn note(&mut self, time: Duration) {
        self.0.push(u32::try_from(time.as_nanos()).unwrap_or(u32::MAX));
    }

    /// Takes in another's.
    pub(crate) fn join(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The time that `percent` of all did not pass, in microseconds.
    pub(crate) fn percentile(&mut self, percent: usize) -> f64 {
        if self.0.is_empty() {
            return 0.0;
        }
        let at = (self.0.len() * percent / 100).min(self.0.len() - 1);
        f64::from(*self.0.select_nth_unstable(at).1) / 1000.0
    }
}

/// One workload's figures, in the order they were taken.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    name: String,
    figures: Vec<(&'static str, f64)>,
}

impl Report {
    /// An empty report.
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), figures: Vec::new() }
    }

    /// Adds a figure; its name ends in its unit.
    pub(crate) fn add(&mut self, name: &'static str, value: f64) -> &mut Self {
        self.figures.push((name, value));
        self
    }

    /// Rate and CPU of so many operations.
    pub(crate) fn rate(&mut self, operations: u64, used: Used) -> &mut Self {
        let operations = operations as f64;
        self.add("per_s", operations / used.seconds).add("cpu_s_per_1000", used.cpu * 1000.0 / operations.max(1.0))
    }

    /// Median and 99th percentile.
    pub(crate) fn latencies(&mut self, latencies: &mut Latencies) -> &mut Self {
        self.add("p50_us", latencies.percentile(50)).add("p99_us", latencies.percentile(99))
    }

    /// One line for people.
    pub(crate) fn line(&self) -> String {
        let mut line = format!("{:<20}", self.name);
        for (name, value) in &self.figures {
            let _ = write!(line, "  {name} {}", short(*value));
        }
        line
    }

    /// One JSON object.
    pub(crate) fn json(&self) -> String {
        let figures: Vec<String> = self.figures.iter().map(|(name, value)| format!("\"{name}\":{value:.6}")).collect();
        format!("{{\"workload\":\"{}\",{}}}", self.name, figures.join(","))
    }
}

fn short(value: f64) -> String {
    match value.abs() {
        0.0..10.0 => format!("{value:.3}"),
        10.0..1000.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}
