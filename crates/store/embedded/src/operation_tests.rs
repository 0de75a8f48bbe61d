//! What an operator sees: locks, damage, full disks, faults, backups, rebuilds, space.

use crate::sim::{Fault, SimDisk};
use crate::test_dir::TestDir;
use crate::{Embedded, OpenError, Options};
use bytes::Bytes;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store_kv::{
    Batch, BodyChange, BodyId, CommitError, Committed, Engine, Seeded, Space, StagedBody, StoreError, account_prefix,
};
use types::AccountId;

const ANN: AccountId = AccountId(1);

fn options() -> Options {
    Options {
        segment_size: 64 << 10,
        inline_body_max: 20_000,
        reserve: 0,
        compact_interval: None,
        index_map: 1 << 28,
        ..Options::default()
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn key(name: u32) -> Bytes {
    [&account_prefix(ANN)[..], &name.to_be_bytes()].concat().into()
}

async fn stage(engine: &Embedded, content: &[u8]) -> StagedBody {
    let mut writer = engine.stage(None).await.unwrap();
    writer.write(content).await.unwrap();
    writer.finish().await.unwrap()
}

/// A message: a row and a body of noise.
async fn deliver(engine: &Embedded, name: u32, len: usize) -> Result<BodyId, CommitError> {
    let staged = stage(engine, &Seeded::new(u64::from(name)).bytes(len)).await;
    let id = staged.id();
    let mut batch = Batch::new(ANN);
    batch.put(key(name), id.0.to_be_bytes().to_vec());
    batch.bodies.push(BodyChange::Add(staged));
    engine.commit(batch).await.map(|_| id)
}

async fn remove(engine: &Embedded, name: u32, id: BodyId) -> Result<Committed, CommitError> {
    let mut batch = Batch::new(ANN);
    batch.delete(key(name));
    batch.bodies.push(BodyChange::Release(id));
    batch.space = Space::Frees;
    engine.commit(batch).await
}

async fn assert_has(engine: &Embedded, name: u32, id: BodyId, len: usize) {
    assert_eq!(engine.get(&key(name)).await.unwrap().unwrap(), id.0.to_be_bytes()[..]);
    let mut whole = Vec::new();
    while whole.len() < len {
        let piece = engine.read_body(id, whole.len() as u64..u64::MAX).await.unwrap();
        assert!(!piece.is_empty());
        whole.extend_from_slice(&piece);
    }
    assert!(whole == Seeded::new(u64::from(name)).bytes(len));
}

fn log_bytes(dir: &Path) -> u64 {
    let segments = std::fs::read_dir(dir.join("log")).unwrap().map(Result::unwrap);
    segments.filter(|entry| entry.file_name() != "spare").map(|entry| entry.metadata().unwrap().len()).sum()
}

#[test]
fn a_store_is_open_in_one_place_only() {
    let dir = TestDir::new();
    let engine = Embedded::open(dir.path(), options()).unwrap();
    assert!(matches!(Embedded::open(dir.path(), options()), Err(OpenError::Locked(_))));
    assert!(matches!(Embedded::rebuild(dir.path(), options()), Err(OpenError::Locked(_))));
    run(engine.close()).unwrap();
    let again = Embedded::open(dir.path(), options()).unwrap();
    assert!(matches!(run(engine.get(&key(1))), Err(StoreError::Unavailable(_))));
    drop(again);
}

#[test]
fn a_store_of_another_form_is_left_alone() {
    let dir = TestDir::new();
    drop(Embedded::open(dir.path(), options()).unwrap());
    run(async {
        let engine = Embedded::open(dir.path(), options()).unwrap();
        deliver(&engine, 1, 10).await.unwrap();
        engine.close().await.unwrap();
    });
    std::fs::write(dir.path().join("format"), "postamt store 2\n").unwrap();
    let refused = Embedded::open(dir.path(), options());
    assert!(matches!(refused, Err(OpenError::Format { found, .. }) if found == "postamt store 2\n"));
}

#[test]
fn compaction_gives_space_back_and_keeps_what_is_alive() {
    let dir = TestDir::new();
    run(async {
        let engine = Embedded::open(dir.path(), options()).unwrap();
        let mut bodies = Vec::new();
        for name in 0..120 {
            // One in ten is large enough for a file of its own.
            let len = if name % 10 == 0 { 30_000 } else { 3000 };
            bodies.push((name, deliver(&engine, name, len).await.unwrap(), len));
        }
        let before = log_bytes(dir.path());
        for (name, id, _) in bodies.iter().filter(|(name, ..)| name % 6 != 0) {
            remove(&engine, *name, *id).await.unwrap();
        }
        let done = engine.compact_now().await.unwrap();
        assert!(done.segments >= 4, "{done:?}");
        assert!(log_bytes(dir.path()) < before / 2, "{before} bytes became {}", log_bytes(dir.path()));
        assert_eq!(std::fs::read_dir(dir.path().join("body")).unwrap().count(), 4, "0, 30, 60 and 90 stay");
        for (name, id, len) in &bodies {
            if name % 6 == 0 {
                assert_has(&engine, *name, *id, *len).await;
            } else {
                assert!(matches!(engine.read_body(*id, 0..1).await, Err(StoreError::NoSuchBody(_))));
            }
        }
        assert_eq!(engine.verify().await.unwrap().listed, Vec::<String>::new());
        engine.close().await.unwrap();
    });
}

#[test]
fn a_backup_and_a_rebuilt_index_hold_everything() {
    let (dir, target) = (TestDir::new(), TestDir::new());
    run(async {
        let engine = Embedded::open(dir.path(), options()).unwrap();
        let small = deliver(&engine, 1, 5000).await.unwrap();
        let large = deliver(&engine, 2, 200_000).await.unwrap();
        let gone = deliver(&engine, 3, 100).await.unwrap();
        remove(&engine, 3, gone).await.unwrap();
        engine.backup(target.path()).await.unwrap();
        assert!(engine.backup(target.path()).await.is_err(), "a backup does not go into what is there");
        let later = deliver(&engine, 4, 100).await.unwrap();
        engine.close().await.unwrap();
        Embedded::rebuild(dir.path(), options()).unwrap();
        for (path, has_later) in [(dir.path(), true), (target.path(), false)] {
            let engine = Embedded::open(path, options()).unwrap();
            assert_has(&engine, 1, small, 5000).await;
            assert_has(&engine, 2, large, 200_000).await;
            assert_eq!(engine.get(&key(3)).await.unwrap(), None);
            assert_eq!(engine.get(&key(4)).await.unwrap().is_some(), has_later);
            assert_eq!(engine.read_body(later, 0..1).await.is_ok(), has_later);
            assert_eq!(engine.verify().await.unwrap().listed, Vec::<String>::new());
            engine.close().await.unwrap();
        }
    });
}

#[test]
fn rot_is_found_by_readers_and_by_verify_and_stops_a_rebuild() {
    let disk = SimDisk::new(1);
    let dir = Path::new("/store");
    run(async {
        let engine = Embedded::open_simulated(&disk, dir, options()).unwrap();
        let id = deliver(&engine, 1, 5000).await.unwrap();
        deliver(&engine, 2, 15_000).await.unwrap();
        // The body stands at the end of the first batch's record, which is far from the end of the second's.
        disk.rot(&dir.join("log/0000000001.seg"), 3000);
        assert!(matches!(engine.read_body(id, 0..1).await, Err(StoreError::Corrupt(_))));
        let verified = engine.verify().await.unwrap();
        assert_eq!(verified.problems, 1, "{verified:?}");
        assert!(verified.listed[0].contains(&id.to_string()));
        for name in 3..10 {
            deliver(&engine, name, 15_000).await.unwrap();
        }
        // Now a record of a sealed segment.
        disk.rot(&dir.join("log/0000000001.seg"), 70);
        assert_eq!(engine.verify().await.unwrap().problems, 1);
        engine.close().await.unwrap();
        // What the mark is past is not read at a start.
        Embedded::open_simulated(&disk, dir, options()).unwrap().close().await.unwrap();
        disk.wipe_index(&dir.join("index")).unwrap();
        let calls = disk.calls();
        let refused = Embedded::open_simulated(&disk, dir, options());
        assert!(matches!(refused, Err(OpenError::Damaged(_))), "{refused:?}");
        assert_eq!(disk.calls(), calls + 1, "nothing was changed: the only call synced a directory");
    });
}

#[test]
fn a_log_that_ends_before_what_the_index_has_of_it_is_damage() {
    let dir = TestDir::new();
    let engine = Embedded::open(dir.path(), options()).unwrap();
    run(async {
        for name in 0..3 {
            deliver(&engine, name, 2000).await.unwrap();
        }
        engine.close().await.unwrap();
    });
    let segment = dir.path().join("log/0000000001.seg");
    std::fs::OpenOptions::new().write(true).open(segment).unwrap().set_len(3000).unwrap();
    assert!(matches!(Embedded::open(dir.path(), options()), Err(OpenError::Damaged(_))));
}

#[test]
fn a_missing_segment_is_damage() {
    let disk = SimDisk::new(1);
    let dir = Path::new("/store");
    run(async {
        let engine = Embedded::open_simulated(&disk, dir, options()).unwrap();
        for name in 0..10 {
            deliver(&engine, name, 15_000).await.unwrap();
        }
        engine.close().await.unwrap();
        crate::disk::Disk::remove(&disk, &dir.join("log/0000000002.seg")).unwrap();
        let refused = Embedded::open_simulated(&disk, dir, options());
        assert!(matches!(&refused, Err(OpenError::Damaged(what)) if what.contains("segment 2")), "{refused:?}");
    });
}

#[test]
fn the_first_fault_ends_writing_and_not_reading() {
    let disk = SimDisk::new(3);
    let dir = Path::new("/store");
    run(async {
        let engine = Embedded::open_simulated(&disk, dir, options()).unwrap();
        let id = deliver(&engine, 1, 100).await.unwrap();
        disk.plan(0, Fault::Error);
        assert!(matches!(deliver(&engine, 2, 100).await, Err(CommitError::Store(StoreError::Poisoned(_)))));
        assert!(engine.stats().poisoned.is_some());
        assert!(matches!(remove(&engine, 1, id).await, Err(CommitError::Store(StoreError::Poisoned(_)))));
        assert!(matches!(engine.stage(None).await.map(drop), Err(StoreError::Poisoned(_))));
        assert_has(&engine, 1, id, 100).await;
        assert!(matches!(engine.close().await, Err(StoreError::Poisoned(_))));
        let engine = Embedded::open_simulated(&disk, dir, options()).unwrap();
        assert_has(&engine, 1, id, 100).await;
        deliver(&engine, 3, 100).await.unwrap();
        engine.close().await.unwrap();
    });
}

#[test]
fn a_full_disk_refuses_what_grows_and_lets_people_delete() {
    let disk = SimDisk::new(4);
    let dir = Path::new("/store");
    let options = Options { reserve: 200 << 10, index_interval: Duration::from_millis(1), ..options() };
    run(async {
        disk.set_capacity(600 << 10);
        let engine = Embedded::open_simulated(&disk, dir, options).unwrap();
        while crate::disk::Disk::open(&disk, &dir.join("log/spare"), crate::disk::OpenMode::Read).is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let mut bodies = Vec::new();
        let refused = loop {
            let name = u32::try_from(bodies.len()).unwrap();
            match deliver(&engine, name, 5000).await {
                Ok(id) => bodies.push(id),
                Err(error) => break error,
            }
        };
        assert!(matches!(refused, CommitError::Full), "{refused}");
        assert!(bodies.len() > 50, "{}", bodies.len());
        let free = crate::disk::Disk::free_space(&disk, dir).unwrap();
        assert!(free > 130 << 10, "{free} bytes of the reserve were left to those who free");
        // Not a byte is left, but for the spare segment.
        disk.set_capacity(0);
        for (name, id) in (0..).zip(&bodies) {
            remove(&engine, name, *id).await.unwrap();
        }
        disk.set_capacity(600 << 10);
        engine.compact_now().await.unwrap();
        deliver(&engine, 1000, 5000).await.unwrap();
        assert_eq!(engine.verify().await.unwrap().listed, Vec::<String>::new());
        engine.close().await.unwrap();
    });
}

#[test]
fn a_lone_writer_pays_one_sync_and_a_clean_end_leaves_nothing_to_replay() {
    let disk = SimDisk::new(5);
    let dir = Path::new("/store");
    run(async {
        let engine = Embedded::open_simulated(&disk, dir, options()).unwrap();
        for name in 0..10 {
            let mut batch = Batch::new(ANN);
            batch.put(key(name), "v");
            engine.commit(batch).await.unwrap();
        }
        let stats = engine.stats();
        assert_eq!((stats.commits, stats.syncs), (10, 10));
        engine.close().await.unwrap();
        let calls = disk.calls();
        let engine = Embedded::open_simulated(&disk, dir, options()).unwrap();
        assert_eq!(engine.shared.overlay_bytes(), 0);
        assert_eq!(disk.calls(), calls + 1, "nothing is written at a start after a clean end");
        drop(engine);
    });
}

#[test]
fn waiting_batches_share_a_sync() {
    let disk = SimDisk::new(6);
    run(async {
        let engine = Embedded::open_simulated(&disk, Path::new("/store"), options()).unwrap();
        let put = |name| {
            let mut batch = Batch::new(ANN);
            batch.put(key(name), "v");
            engine.commit(batch)
        };
        put(0).await.unwrap();
        // While somebody reads nothing becomes visible: nearly all of these are there when he has done.
        let held = engine.shared.visible.read().unwrap();
        let mut waiting: Vec<_> = Vec::new();
        for name in 1..=50 {
            let engine = engine.clone();
            let mut batch = Batch::new(ANN);
            batch.put(key(name), "v");
            waiting.push(Box::pin(async move { engine.commit(batch).await }));
        }
        for future in &mut waiting {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(future.as_mut().poll(&mut context).is_pending());
        }
        drop(held);
        for future in waiting {
            future.await.unwrap();
        }
        let syncs = engine.stats().syncs;
        assert!(syncs <= 4, "{syncs} syncs for 51 batches");
        engine.close().await.unwrap();
    });
}

#[test]
fn a_large_body_does_not_stand_in_memory() {
    let disk = SimDisk::new(7);
    run(async {
        let engine = Embedded::open_simulated(&disk, Path::new("/store"), options()).unwrap();
        let at_limit = stage(&engine, &Seeded::new(1).bytes(20_000)).await;
        let past_limit = stage(&engine, &Seeded::new(1).bytes(20_001)).await;
        let is_in_file = |body: &StagedBody| {
            let staged = crate::stage::Staged::of(body, &engine.shared).unwrap();
            matches!(staged.staging(), crate::stage::Staging::File)
        };
        assert!(!is_in_file(&at_limit));
        assert!(is_in_file(&past_limit));
        drop((at_limit, past_limit));
        assert!(crate::disk::Disk::list(&disk, Path::new("/store/body")).unwrap().is_empty());
        let _engine: Arc<Embedded> = engine;
    });
}

#[test]
fn readers_never_miss_a_body_that_the_compactor_moves() {
    let dir = TestDir::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let options = Options { open_files: 2, compact_percent: 20, ..options() };
        let engine = Embedded::open(dir.path(), options).unwrap();
        let mut kept = Vec::new();
        for name in 0..40 {
            kept.push((name, deliver(&engine, name, 2000).await.unwrap()));
        }
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let (reading, stopped, bodies) = (engine.clone(), stop.clone(), kept.clone());
        let reader = tokio::spawn(async move {
            let mut reads = 0_u64;
            while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
                for (name, id) in &bodies {
                    assert_has(&reading, *name, *id, 2000).await;
                    reads += 1;
                }
            }
            reads
        });
        let mut removed = 0;
        for round in 0..12_u32 {
            let names = 1000 + round * 100..1000 + round * 100 + 40;
            let mut mortal = Vec::new();
            for name in names {
                mortal.push((name, deliver(&engine, name, 2000).await.unwrap()));
            }
            for (name, id) in mortal {
                remove(&engine, name, id).await.unwrap();
            }
            removed += engine.compact_now().await.unwrap().segments;
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(reader.await.unwrap() > 0);
        assert!(removed > 10, "{removed} segments went");
        assert_eq!(engine.verify().await.unwrap().listed, Vec::<String>::new());
        engine.close().await.unwrap();
    });
}
