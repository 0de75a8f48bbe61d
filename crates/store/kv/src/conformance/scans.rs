//! Ranges: order, bounds, pages.

use super::{ANN, BOB, Harness, key, put};
use crate::{Batch, Direction, Engine, KEY_MAX, Page, PageLimit, Row, Scan, Seeded, account_prefix};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The names of a page's rows, for short assertions.
fn names(page: &Page) -> Vec<String> {
    let name = |(key, _): &Row| String::from_utf8_lossy(&key[account_prefix(ANN).len()..]).into_owned();
    page.rows.iter().map(name).collect()
}

async fn fill(engine: &dyn Engine, rows: &[(&str, &str)]) {
    for (name, value) in rows {
        put(engine, ANN, name, value).await;
    }
}

fn range(start: &str, end: &str) -> Scan {
    Scan::range(key(ANN, start), key(ANN, end))
}

fn limited(mut scan: Scan, rows: usize, bytes: usize) -> Scan {
    scan.limit = PageLimit { rows, bytes };
    scan
}

fn backward(mut scan: Scan) -> Scan {
    scan.direction = Direction::Backward;
    scan
}

/// All pages of a scan, each checked against the limit.
pub(crate) async fn all(engine: &dyn Engine, scan: &Scan) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut next = Some(scan.clone());
    while let Some(scan) = next {
        let page = engine.scan(&scan).await.unwrap();
        assert!(!page.more || !page.rows.is_empty(), "a page with nothing on it promises more");
        let inside = |(key, _): &Row| scan.start <= *key && *key < scan.end;
        assert!(page.rows.iter().all(inside), "rows outside the range: {scan:?}");
        let ordered = |pair: &[Row]| (pair[0].0 < pair[1].0) == (scan.direction == Direction::Forward);
        assert!(page.rows.windows(2).all(ordered), "rows out of order: {scan:?}");
        let bytes: usize = page.rows.iter().map(|(key, value)| key.len() + value.len()).sum();
        let within = page.rows.len() <= scan.limit.rows && bytes <= scan.limit.bytes;
        assert!(within || page.rows.len() <= 1, "a page of {} rows, {bytes} bytes: {:?}", page.rows.len(), scan.limit);
        next = scan.after(&page);
        rows.extend(page.rows);
    }
    rows
}

/// Inclusive start, exclusive end.
pub async fn a_range_holds_its_start_and_not_its_end(mut harness: impl Harness) {
    let engine = harness.open().await;
    fill(&*engine, &[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]).await;
    let page = engine.scan(&range("b", "d")).await.unwrap();
    assert_eq!(page.rows, [(key(ANN, "b"), "2".into()), (key(ANN, "c"), "3".into())]);
    assert_eq!(names(&engine.scan(&range("aa", "cc")).await.unwrap()), ["b", "c"]);
    assert_eq!(names(&engine.scan(&backward(range("b", "d"))).await.unwrap()), ["c", "b"]);
    assert_eq!(names(&engine.scan(&backward(range("aa", "cc"))).await.unwrap()), ["c", "b"]);
}

/// No rows, `start == end`, `start > end`, an empty store.
pub async fn an_empty_range_is_an_empty_page(mut harness: impl Harness) {
    let engine = harness.open().await;
    for filled in [false, true] {
        for scan in [range("b", "c"), range("b", "b"), range("c", "b"), range("", "")] {
            assert_eq!(engine.scan(&scan).await.unwrap(), Page::default(), "{scan:?}");
            assert_eq!(engine.scan(&backward(scan)).await.unwrap(), Page::default());
        }
        if !filled {
            fill(&*engine, &[("a", "1"), ("c", "3")]).await;
        }
    }
    assert_eq!(engine.scan(&range("c", "a")).await.unwrap(), Page::default(), "bounds the wrong way round");
}

/// The same rows the other way.
pub async fn backward_is_forward_reversed(mut harness: impl Harness) {
    let engine = harness.open().await;
    fill(&*engine, &[("a", "1"), ("ab", "2"), ("b", ""), ("\u{ff}", "4"), ("", "5")]).await;
    put(&*engine, BOB, "a", "his").await;
    let scan = Scan::prefix(&account_prefix(ANN));
    let forward = all(&*engine, &scan).await;
    let mut reversed = all(&*engine, &backward(scan.clone())).await;
    assert_eq!(forward.len(), 5);
    assert!(forward.is_sorted());
    reversed.reverse();
    assert_eq!(forward, reversed);
    let mut by_two = all(&*engine, &backward(limited(scan, 2, 1000))).await;
    by_two.reverse();
    assert_eq!(forward, by_two);
}

/// [`PageLimit::rows`].
pub async fn a_page_ends_at_the_row_limit(mut harness: impl Harness) {
    let engine = harness.open().await;
    fill(&*engine, &[("a", "1"), ("b", "2"), ("c", "3")]).await;
    let page = engine.scan(&limited(range("a", "z"), 2, 1000)).await.unwrap();
    assert_eq!((names(&page), page.more), (vec!["a".into(), "b".into()], true));
    let page = engine.scan(&backward(limited(range("a", "z"), 2, 1000))).await.unwrap();
    assert_eq!((names(&page), page.more), (vec!["c".into(), "b".into()], true));
    let page = engine.scan(&limited(range("a", "z"), 3, 1000)).await.unwrap();
    assert_eq!(names(&page), ["a", "b", "c"]);
    let page = engine.scan(&limited(range("a", "z"), 4, 1000)).await.unwrap();
    assert_eq!((names(&page).len(), page.more), (3, false));
}

/// [`PageLimit::bytes`]: keys and values count, the limit is not passed, and the page is not shorter than it need be.
pub async fn a_page_ends_at_the_byte_limit(mut harness: impl Harness) {
    let engine = harness.open().await;
    // Rows of 5 + 1 + 4 = 10 bytes each.
    fill(&*engine, &[("a", "1111"), ("b", "2222"), ("c", "3333")]).await;
    for (bytes, rows, more) in [(19, 1, true), (20, 2, true), (29, 2, true), (31, 3, false)] {
        for scan in [range("a", "z"), backward(range("a", "z"))] {
            let page = engine.scan(&limited(scan, 100, bytes)).await.unwrap();
            assert_eq!((page.rows.len(), page.more), (rows, more), "a limit of {bytes} bytes");
        }
    }
    assert_eq!(engine.scan(&limited(range("a", "z"), 100, 30)).await.unwrap().rows.len(), 3);
}

/// However small the limit.
pub async fn a_page_has_at_least_one_row(mut harness: impl Harness) {
    let engine = harness.open().await;
    fill(&*engine, &[("a", "a long value for a small page"), ("b", "2")]).await;
    for (rows, bytes) in [(1, 1), (0, 1000), (1000, 0), (0, 0)] {
        let page = engine.scan(&limited(range("a", "z"), rows, bytes)).await.unwrap();
        assert_eq!((names(&page), page.more), (vec!["a".into()], true), "{rows} rows, {bytes} bytes");
        let page = engine.scan(&backward(limited(range("a", "z"), rows, bytes))).await.unwrap();
        assert_eq!((names(&page), page.more), (vec!["b".into()], true), "{rows} rows, {bytes} bytes");
    }
}

/// [`Scan::after`] with every limit, both ways.
pub async fn pages_join_without_gap_or_overlap(mut harness: impl Harness) {
    let engine = harness.open().await;
    let mut rows = BTreeMap::new();
    let mut batch = Batch::new(ANN);
    for n in 0..40_u32 {
        // Keys of which some are others with a zero behind.
        let name = if n % 2 == 0 { format!("k{:02}", n / 2) } else { format!("k{:02}\0", n / 2) };
        let value = "v".repeat(n as usize % 7);
        rows.insert(key(ANN, &name), Bytes::from(value.clone()));
        batch.put(key(ANN, &name), value);
    }
    engine.commit(batch).await.unwrap();
    let rows: Vec<Row> = rows.into_iter().collect();
    for limit in (1..=45).flat_map(|n| [(n, 1 << 20), (1000, n * 9)]) {
        let scan = limited(Scan::prefix(&account_prefix(ANN)), limit.0, limit.1);
        assert_eq!(all(&*engine, &scan).await, rows, "{limit:?}");
        let reversed = all(&*engine, &backward(scan)).await;
        assert!(reversed.iter().eq(rows.iter().rev()), "{limit:?} backward");
    }
}

/// The next page's start is then longer than any key.
pub async fn a_page_can_end_at_the_longest_key(mut harness: impl Harness) {
    let engine = harness.open().await;
    let name = |last: u8| [vec![b'k'; KEY_MAX - 6], vec![last]].concat();
    let mut batch = Batch::new(ANN);
    for last in *b"abc" {
        batch.put(key(ANN, name(last)), [last].to_vec());
    }
    batch.put(key(ANN, "z"), "z");
    engine.commit(batch).await.unwrap();
    let scan = limited(range("k", "zz"), 1, 1000);
    let values = |rows: Vec<Row>| rows.into_iter().map(|(_, value)| value).collect::<Vec<_>>();
    assert_eq!(values(all(&*engine, &scan).await), ["a", "b", "c", "z"]);
    assert_eq!(values(all(&*engine, &backward(scan)).await), ["z", "c", "b", "a"]);
    // Bounds that no key can have.
    let long = |last: u8| [name(last), vec![b'x'; 600]].concat();
    let scan = Scan::range(key(ANN, long(b'a')), key(ANN, long(b'c')));
    assert_eq!(values(all(&*engine, &scan).await), ["b", "c"]);
    assert_eq!(values(all(&*engine, &backward(scan)).await), ["c", "b"]);
}

/// [`Scan::prefix`], also where the prefix ends in 0xff.
pub async fn a_prefix_scan_holds_just_the_prefix(mut harness: impl Harness) {
    let engine = harness.open().await;
    let mut batch = Batch::new(ANN);
    for name in [&b"a"[..], b"b", b"b\x00", b"b\xff", b"b\xff\xff", b"c", b"\xff", b"\xff\xff\xff"] {
        batch.put(key(ANN, name), "v");
    }
    engine.commit(batch).await.unwrap();
    put(&*engine, BOB, "b", "his").await;
    for (prefix, rows) in [(&b"b"[..], 4), (b"b\xff", 2), (b"\xff", 2), (b"", 8), (b"bb", 0)] {
        let scan = Scan::prefix(&key(ANN, prefix));
        assert_eq!(all(&*engine, &scan).await.len(), rows, "{prefix:?}");
        assert_eq!(all(&*engine, &backward(scan)).await.len(), rows, "{prefix:?} backward");
    }
    let everything = Scan::prefix(b"");
    assert_eq!(all(&*engine, &everything).await.len(), 9, "two accounts in one scan");
}

/// Also where an older row lies underneath.
pub async fn deleted_rows_are_not_scanned(mut harness: impl Harness) {
    let engine = harness.open().await;
    fill(&*engine, &[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]).await;
    drop(engine);
    let engine = harness.reopen().await;
    let mut batch = Batch::new(ANN);
    for name in ["a", "c"] {
        batch.delete(key(ANN, name));
    }
    engine.commit(batch).await.unwrap();
    assert_eq!(names(&engine.scan(&range("a", "z")).await.unwrap()), ["b", "d"]);
    // One-row pages must step over what is deleted.
    assert_eq!(all(&*engine, &limited(range("a", "z"), 1, 1000)).await.len(), 2);
    assert_eq!(all(&*engine, &backward(limited(range("a", "z"), 1, 1000))).await.len(), 2);
    let mut batch = Batch::new(ANN);
    for name in ["b", "d"] {
        batch.delete(key(ANN, name));
    }
    engine.commit(batch).await.unwrap();
    assert_eq!(all(&*engine, &range("a", "z")).await, []);
    assert_eq!(all(&*engine, &backward(range("a", "z"))).await, []);
}

/// Also where an older row lies underneath.
pub async fn an_overwritten_row_is_scanned_once(mut harness: impl Harness) {
    let engine = harness.open().await;
    fill(&*engine, &[("a", "1"), ("b", "2"), ("c", "3")]).await;
    drop(engine);
    let engine = harness.reopen().await;
    fill(&*engine, &[("b", "two"), ("bb", "new")]).await;
    let wanted: Vec<Row> =
        [("a", "1"), ("b", "two"), ("bb", "new"), ("c", "3")].map(|(k, v)| (key(ANN, k), v.into())).to_vec();
    assert_eq!(all(&*engine, &range("a", "z")).await, wanted);
    assert_eq!(all(&*engine, &limited(range("a", "z"), 1, 1000)).await, wanted);
}

/// A row that moves from key to key is on every page once.
pub async fn a_page_is_one_snapshot(mut harness: impl Harness) {
    const ROUNDS: usize = 150;
    let engine = harness.open().await;
    let place = |n: usize| key(ANN, format!("{:02}", n % 17));
    let mut batch = Batch::new(ANN);
    batch.put(place(0), "row");
    engine.commit(batch).await.unwrap();
    let writer = tokio::spawn({
        let engine = Arc::clone(&engine);
        async move {
            for n in 0..ROUNDS {
                let mut batch = Batch::new(ANN);
                batch.delete(place(n * 5));
                batch.put(place((n + 1) * 5), "row");
                engine.commit(batch).await.unwrap();
            }
        }
    });
    while !writer.is_finished() {
        for scan in [range("", "z"), backward(range("", "z"))] {
            let page = engine.scan(&scan).await.unwrap();
            assert_eq!(page.rows.len(), 1, "a page that is no snapshot: {:?}", names(&page));
        }
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
}

/// Thousands of rows, written in no order over several commits and a restart.
pub async fn many_rows_are_scanned_in_order(mut harness: impl Harness) {
    const ROWS: u64 = 6000;
    let mut engine = harness.open().await;
    let mut random = Seeded::new(3);
    let mut model = BTreeMap::new();
    for part in 0..6 {
        let mut batch = Batch::new(ANN);
        for _ in 0..ROWS / 6 {
            let name = key(ANN, random.any().to_be_bytes());
            let value = Bytes::from(format!("value {}", random.below(1000)));
            model.insert(name.clone(), value.clone());
            batch.put(name, value);
        }
        engine.commit(batch).await.unwrap();
        if part == 3 {
            drop(engine);
            engine = harness.reopen().await;
        }
    }
    let scan = Scan::prefix(&account_prefix(ANN));
    let rows: Vec<Row> = model.into_iter().collect();
    assert!(all(&*engine, &scan).await == rows, "the rows differ");
    assert!(all(&*engine, &limited(scan.clone(), 700, 1 << 20)).await == rows, "the rows differ in pages");
    assert!(all(&*engine, &backward(scan)).await.iter().eq(rows.iter().rev()), "the rows differ backward");
}
