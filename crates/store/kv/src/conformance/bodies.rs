//! Bodies: what goes in comes out, by any pieces and any ranges.

use super::{ANN, Harness, assert_gone, content, octets, read, refer, stage};
use crate::{BODY_READ_MAX, Batch, BodyChange, BodyHash, BodyId, Engine, Seeded, StagedBody};
use std::collections::HashSet;
use types::Octets;

fn assert_describes(staged: &StagedBody, content: &[u8]) {
    assert_eq!(staged.len(), octets(content));
    assert_eq!(staged.is_empty(), content.is_empty());
    assert_eq!(staged.hash(), BodyHash(*blake3::hash(content).as_bytes()));
}

/// Staged, named, after a restart.
pub async fn a_body_is_read_back_as_written(mut harness: impl Harness) {
    let engine = harness.open().await;
    let letter = b"From: ann@example.org\r\n\r\nHello\r\n";
    let staged = stage(&*engine, letter).await;
    assert_describes(&staged, letter);
    let id = staged.id();
    assert_eq!(read(&*engine, id).await.unwrap(), letter);
    refer(&*engine, ANN, BodyChange::Add(staged)).await.unwrap();
    assert_eq!(read(&*engine, id).await.unwrap(), letter);
    drop(engine);
    let engine = harness.reopen().await;
    assert_eq!(read(&*engine, id).await.unwrap(), letter);
}

/// One byte at a time, a page and one, nothing now and then.
pub async fn pieces_of_any_size_make_the_same_body(mut harness: impl Harness) {
    let engine = harness.open().await;
    let mut random = Seeded::new(5);
    let whole = content(1, 300_000);
    for sizes in [&[1_u64][..], &[7], &[4095, 4097], &[65_536], &[0, 1, 100_000], &[299_999], &[13, 0, 9001, 2, 70_000]]
    {
        // One byte at a time only for a short body.
        let whole = if sizes == [1] { &whole[..5000] } else { &whole[..] };
        let mut writer = engine.stage(None).await.unwrap();
        let mut rest = whole;
        while !rest.is_empty() {
            let size = usize::try_from(*random.pick(sizes).unwrap()).unwrap().min(rest.len());
            let (piece, after) = rest.split_at(size);
            writer.write(piece).await.unwrap();
            rest = after;
        }
        let staged = writer.finish().await.unwrap();
        assert_describes(&staged, whole);
        assert!(read(&*engine, staged.id()).await.unwrap() == whole, "pieces of {sizes:?}");
    }
}

/// No write at all, or an empty one.
pub async fn an_empty_body_is_a_body(mut harness: impl Harness) {
    let engine = harness.open().await;
    let mut ids = Vec::new();
    for pieces in 0..3 {
        let mut writer = engine.stage(Some(Octets::ZERO)).await.unwrap();
        for _ in 0..pieces {
            writer.write(b"").await.unwrap();
        }
        let staged = writer.finish().await.unwrap();
        assert_describes(&staged, b"");
        ids.push(staged.id());
        refer(&*engine, ANN, BodyChange::Add(staged)).await.unwrap();
    }
    for id in &ids {
        assert_eq!(engine.read_body(*id, 0..10).await.unwrap(), b""[..]);
    }
    drop(engine);
    let engine = harness.reopen().await;
    for id in &ids {
        assert_eq!(engine.read_body(*id, 0..10).await.unwrap(), b""[..], "after a restart");
    }
    refer(&*engine, ANN, BodyChange::Release(ids[0])).await.unwrap();
    assert_gone(&*engine, ids[0]).await;
}

/// 0 bytes to 10 MB, around every power that an engine might care for; text and noise.
pub async fn bodies_of_every_size_come_back(mut harness: impl Harness) {
    const SIZES: [usize; 20] = [
        0, 1, 2, 100, 511, 512, 4095, 4096, 4097, 8000, 65_535, 65_537, 131_072, 262_143, 262_144, 262_145, 1_048_575,
        1_048_577, 2_500_000, 10_000_000,
    ];
    let engine = harness.open().await;
    let seeds = |size: usize| if size < 1_000_000 { vec![0, 1] } else { vec![size as u64] };
    let mut bodies: Vec<(BodyId, u64, usize)> = Vec::new();
    for size in SIZES {
        for seed in seeds(size) {
            let bytes = content(seed, size);
            let staged = stage(&*engine, &bytes).await;
            assert_describes(&staged, &bytes);
            assert!(read(&*engine, staged.id()).await.unwrap() == bytes, "{size} bytes, staged");
            bodies.push((staged.id(), seed, size));
            refer(&*engine, ANN, BodyChange::Add(staged)).await.unwrap();
            let (id, ..) = bodies[bodies.len() - 1];
            assert!(read(&*engine, id).await.unwrap() == bytes, "{size} bytes, named");
        }
    }
    drop(engine);
    let engine = harness.reopen().await;
    for (id, seed, size) in bodies {
        assert!(read(&*engine, id).await.unwrap() == content(seed, size), "{size} bytes, after a restart");
    }
}

/// Too small, too large, absurd.
pub async fn a_wrong_size_hint_does_no_harm(mut harness: impl Harness) {
    let engine = harness.open().await;
    let bytes = content(1, 100_000);
    for hint in [None, Some(0), Some(1), Some(99_999), Some(100_001), Some(50_000_000), Some(u64::MAX)] {
        let mut writer = engine.stage(hint.map(Octets)).await.unwrap();
        writer.write(&bytes).await.unwrap();
        let staged = writer.finish().await.unwrap();
        assert_describes(&staged, &bytes);
        let id = staged.id();
        refer(&*engine, ANN, BodyChange::Add(staged)).await.unwrap();
        assert!(read(&*engine, id).await.unwrap() == bytes, "a hint of {hint:?}");
    }
}

/// Every range against a slice, in each of the states a body can be in.
pub async fn a_range_is_cut_at_the_end(mut harness: impl Harness) {
    let engine = harness.open().await;
    let mut bodies = Vec::new();
    for (seed, size) in [(0, 700), (1, 700), (2, 700_000), (3, 700_000), (4, 3_000_000), (5, 3_000_000)] {
        let bytes = content(seed, size);
        let staged = stage(&*engine, &bytes).await;
        assert_ranges(&*engine, staged.id(), &bytes).await;
        bodies.push((staged.id(), seed, size));
        refer(&*engine, ANN, BodyChange::Add(staged)).await.unwrap();
        assert_ranges(&*engine, bodies[bodies.len() - 1].0, &bytes).await;
    }
    drop(engine);
    let engine = harness.reopen().await;
    for (id, seed, size) in bodies {
        assert_ranges(&*engine, id, &content(seed, size)).await;
    }
}

async fn assert_ranges(engine: &dyn Engine, id: BodyId, bytes: &[u8]) {
    let len = bytes.len() as u64;
    let mut ranges = vec![
        (0, 0),
        (0, 1),
        (0, len),
        (0, len + 1),
        (0, u64::MAX),
        (1, len),
        (len - 1, len),
        (len - 1, len + 100),
        (len, len),
        (len, len + 1),
        (len, u64::MAX),
        (len + 1, len + 2),
        (u64::MAX - 1, u64::MAX),
        (5, 5),
        (9, 5),
        (len, 0),
    ];
    let mut random = Seeded::new(len);
    for _ in 0..40 {
        let start = random.below(len);
        let span = random.pick(&[10, 5000, 300_000]).copied().unwrap_or(0);
        ranges.push((start, start + random.below(span)));
    }
    for (start, end) in ranges {
        let found = engine.read_body(id, start..end).await.unwrap();
        let from = usize::try_from(start.min(len)).unwrap();
        let to = usize::try_from(end.min(len)).unwrap().clamp(from, from + BODY_READ_MAX);
        assert!(found == bytes[from..to], "{start}..{end} of {len}: {} bytes", found.len());
    }
}

/// [`BODY_READ_MAX`] and one past it.
pub async fn one_read_returns_at_most_256_kib(mut harness: impl Harness) {
    let engine = harness.open().await;
    let max = BODY_READ_MAX as u64;
    assert_eq!(max, 256 * 1024);
    let bytes = content(0, 3 * BODY_READ_MAX + 5);
    let staged = stage(&*engine, &bytes).await;
    for named in [false, true] {
        if named {
            refer(&*engine, ANN, BodyChange::Add(staged.clone())).await.unwrap();
        }
        for (start, asked, given) in [(0, max, max), (0, max + 1, max), (7, u64::MAX - 7, max), (3 * max, max, 5)] {
            let found = engine.read_body(staged.id(), start..start + asked).await.unwrap();
            assert_eq!(found.len() as u64, given, "{asked} bytes from {start}");
        }
    }
}

/// An id that nobody made.
pub async fn a_body_that_never_was_is_no_such_body(mut harness: impl Harness) {
    let engine = harness.open().await;
    for id in [BodyId(0), BodyId(u128::MAX), BodyId(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef)] {
        assert_gone(&*engine, id).await;
    }
}

/// Not even for the same content.
pub async fn body_ids_are_never_the_same(mut harness: impl Harness) {
    let engine = harness.open().await;
    let mut ids = HashSet::new();
    for _ in 0..100 {
        let staged = stage(&*engine, b"the same").await;
        assert!(ids.insert(staged.id()), "{} twice", staged.id());
    }
}

/// Neither a body nor trouble.
pub async fn a_writer_that_is_dropped_leaves_nothing(mut harness: impl Harness) {
    let engine = harness.open().await;
    for size in [0, 10, 100_000, 3_000_000] {
        let mut writer = engine.stage(None).await.unwrap();
        writer.write(&content(0, size)).await.unwrap();
        drop(writer);
    }
    let staged = stage(&*engine, b"whole").await;
    let id = staged.id();
    refer(&*engine, ANN, BodyChange::Add(staged)).await.unwrap();
    assert_eq!(read(&*engine, id).await.unwrap(), b"whole");
}

/// Several at once, ended in another order than begun.
pub async fn writers_do_not_mix(mut harness: impl Harness) {
    const WRITERS: usize = 6;
    let engine = harness.open().await;
    let contents: Vec<Vec<u8>> = (0..WRITERS).map(|n| content(n as u64, 400_000 * n + 10)).collect();
    let mut writers = Vec::new();
    for _ in 0..WRITERS {
        writers.push(engine.stage(None).await.unwrap());
    }
    let longest = contents[WRITERS - 1].len();
    for start in (0..longest).step_by(50_000) {
        for (writer, content) in writers.iter_mut().zip(&contents) {
            let end = content.len().min(start + 50_000);
            writer.write(content.get(start..end).unwrap_or_default()).await.unwrap();
        }
    }
    let mut batch = Batch::new(ANN);
    let mut ids = Vec::new();
    for (writer, content) in writers.into_iter().zip(&contents).rev() {
        let staged = writer.finish().await.unwrap();
        assert_describes(&staged, content);
        ids.push(staged.id());
        batch.bodies.push(BodyChange::Add(staged));
    }
    engine.commit(batch).await.unwrap();
    for (id, content) in ids.iter().zip(contents.iter().rev()) {
        assert!(read(&*engine, *id).await.unwrap() == *content, "{} bytes", content.len());
    }
}
