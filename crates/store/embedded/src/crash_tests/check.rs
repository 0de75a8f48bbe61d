//! Holding a store against the model.

use super::model::Model;
use crate::compact::usages;
use crate::files::read_body;
use crate::indexer;
use crate::keys::{
    SPACE_BODY, SPACE_ORPHAN, SPACE_REFERENCE, SPACE_SEGMENT, Usage, body_key, decode_row, orphan_key, parse_id,
    parse_reference, weight,
};
use crate::layout::{parse_body, parse_segment};
use crate::shared::{Shared, lock};
use crate::verify::verify;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::ops::{Bound, ControlFlow};
use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};
use store_kv::{BodyId, Direction, KEY_SPACE_ACCOUNT, Page, PageLimit, Scan, StoreError};
use types::AccountId;

/// Runs a future that never waits.
pub(super) fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("on a simulated disk nothing waits"),
    }
}

/// All rows of accounts.
pub(super) fn dump(shared: &Shared) -> BTreeMap<Bytes, Bytes> {
    let mut rows = BTreeMap::new();
    let mut scan = Some(Scan {
        limit: PageLimit { rows: 7, bytes: 1000 },
        ..Scan::range(vec![KEY_SPACE_ACCOUNT], vec![KEY_SPACE_ACCOUNT + 1])
    });
    while let Some(now) = scan {
        let page: Page = shared.scan_accounts(&now).unwrap();
        scan = now.after(&page);
        rows.extend(page.rows);
    }
    rows
}

/// The keys of a space.
fn keys(shared: &Shared, space: u8) -> Vec<Bytes> {
    let (first, past) = ([space], [space + 1]);
    let range = (Bound::Included(&first[..]), Bound::Excluded(&past[..]));
    let limit = PageLimit { rows: usize::MAX, bytes: usize::MAX };
    let page = shared.page(range, Direction::Forward, limit).unwrap();
    page.rows.into_iter().map(|(key, _)| key).collect()
}

/// The bodies that have a row of a space.
fn ids(shared: &Shared, space: u8) -> BTreeSet<BodyId> {
    keys(shared, space).iter().map(|key| parse_id(key).unwrap()).collect()
}

/// Who refers to which body.
pub(super) fn references(shared: &Shared) -> BTreeMap<BodyId, BTreeSet<AccountId>> {
    let mut all: BTreeMap<BodyId, BTreeSet<AccountId>> = BTreeMap::new();
    for key in keys(shared, SPACE_REFERENCE) {
        let (id, account) = parse_reference(&key).unwrap();
        all.entry(id).or_default().insert(account);
    }
    all
}

/// How the store differs from what the model says; empty if it does not.
pub(super) fn differences(shared: &Shared, model: &Model) -> Vec<String> {
    let mut all = Vec::new();
    let rows = dump(shared);
    for key in rows.keys().chain(model.rows.keys()).collect::<BTreeSet<_>>() {
        let (found, wanted) = (rows.get(key), model.rows.get(key));
        if found != wanted {
            all.push(format!("{key:?}: {found:?} instead of {wanted:?}"));
        }
    }
    let found = references(shared);
    for id in ids(shared, SPACE_BODY).into_iter().chain(model.bodies.keys().copied()).collect::<BTreeSet<_>>() {
        let row = shared.row(&body_key(id)).unwrap().map(|(segment, _)| segment);
        let referring = found.get(&id).cloned().unwrap_or_default();
        let wanted = model.bodies.get(&id).map(|body| body.references.clone());
        if row.is_some() != wanted.is_some() || referring != wanted.clone().unwrap_or_default() {
            let orphan = shared.row(&orphan_key(id)).unwrap().map(|(segment, _)| segment);
            all.push(format!(
                "body {id}: in segment {row:?}, orphan {orphan:?}, of {referring:?} instead of {wanted:?}"
            ));
        }
    }
    all
}

/// Reads a whole body.
pub(super) fn read(shared: &Arc<Shared>, id: BodyId) -> Result<Vec<u8>, StoreError> {
    let mut whole = Vec::new();
    loop {
        let at = whole.len() as u64;
        let piece = now(read_body(shared, id, at..at + 50_000))?;
        if piece.is_empty() {
            return Ok(whole);
        }
        whole.extend_from_slice(&piece);
    }
}

/// Everything that must hold of a store at rest that was just opened or brought to order, with the model's content.
pub(super) fn check(shared: &Arc<Shared>, model: &Model) {
    assert_eq!(differences(shared, model), Vec::<String>::new());
    assert!(ids(shared, SPACE_ORPHAN).is_empty());
    for (id, body) in &model.bodies {
        assert!(read(shared, *id).unwrap() == **body.content, "body {id}");
    }
    let verified = verify(shared).unwrap();
    assert_eq!(verified.listed, Vec::<String>::new());
    for name in shared.disk.list(&shared.layout.bodies).unwrap() {
        let id = parse_body(&name).unwrap();
        assert!(shared.row(&body_key(id)).unwrap().is_some(), "the file of body {id} is left over");
    }
    check_usage(shared);
}

/// What the index counts of each segment is what there is, and the segments that there are, are those that it counts.
fn check_usage(shared: &Arc<Shared>) {
    indexer::step(shared).unwrap();
    let index = shared.visible.read().unwrap_or_else(PoisonError::into_inner).index.clone().unwrap();
    let mut live: BTreeMap<u32, u64> = BTreeMap::new();
    let all = (Bound::Unbounded, Bound::Unbounded);
    let snapshot = index.read().unwrap();
    snapshot
        .scan(all, Direction::Forward, &mut |key, row| {
            if key[0] != SPACE_SEGMENT && key != crate::keys::MARK_KEY {
                let (segment, value) = decode_row(row).unwrap();
                *live.entry(segment).or_default() += weight(key, value);
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    let usages: BTreeMap<u32, Usage> = usages(shared).unwrap();
    for (segment, usage) in &usages {
        assert_eq!(usage.live, live.remove(segment).unwrap_or(0), "live bytes of segment {segment}");
    }
    assert!(live.is_empty(), "rows in segments that are not counted: {live:?}");
    let names = shared.disk.list(&shared.layout.log).unwrap();
    let there: BTreeSet<u32> = names.iter().filter_map(|name| parse_segment(name)).collect();
    let mark = *lock(&shared.mark);
    let before: BTreeSet<u32> =
        there.iter().copied().filter(|number| *number <= mark.segment && mark.offset > 0).collect();
    assert_eq!(before, usages.keys().copied().collect::<BTreeSet<_>>());
}
