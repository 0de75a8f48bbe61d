//! Crash tests: seeded runs of random batches, bodies, index commits, seals and compaction on a simulated disk that
//! fails somewhere, then a checker: every acknowledged batch is there once, every other one whole or absent, bodies byte
//! for byte, references and space right.
//!
//! `POSTAMT_CRASH_RUNS` says how many runs, `POSTAMT_SEED` begins at one (a failing run prints its own).

mod check;
mod model;
mod stale;
mod world;

use store_kv::Seeded;
use world::World;

/// Runs without the variable.
const RUNS: u64 = 300;
/// Crashes and restarts in one run.
const LIVES: u64 = 4;

fn env(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn run(seed: u64) {
    let mut world = World::new(seed);
    let lives = 1 + Seeded::new(seed ^ 7).below(LIVES);
    for _ in 0..lives {
        world.live();
        world.die_and_rise();
    }
    world.end();
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_else_is_half_there() {
    let runs = env("POSTAMT_CRASH_RUNS").unwrap_or(RUNS);
    let first = env("POSTAMT_SEED").unwrap_or(1);
    let mut totals = world::Totals::default();
    for seed in first..first.saturating_add(runs) {
        let failed = std::panic::catch_unwind(|| run(seed)).is_err();
        assert!(!failed, "POSTAMT_SEED={seed} POSTAMT_CRASH_RUNS=1 fails");
        totals.add(&world::take_totals());
    }
    eprintln!("{runs} runs from seed {first}: {totals:?}");
    if runs >= 100 {
        assert!(
            totals.crashes > 0 && totals.faults > 0 && totals.removed_segments > 0 && totals.full > 0,
            "{totals:?}"
        );
        assert!(totals.conflicts > 0 && totals.dead > 0 && totals.rebuilds > 0 && totals.own_files > 0, "{totals:?}");
    }
}
