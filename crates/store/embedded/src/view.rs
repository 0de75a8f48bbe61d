//! Reads: the overlay over the index, as one snapshot.

use crate::index::{IndexRead, KeyRange};
use crate::keys::{Row, decode_row};
use crate::overlay::Overlay;
use crate::shared::{Shared, Visible};
use bytes::Bytes;
use std::iter::Peekable;
use std::ops::{Bound, ControlFlow};
use std::sync::{Arc, PoisonError, RwLockReadGuard};
use store_kv::{Direction, KEY_MAX, KEY_SPACE_ACCOUNT, Page, PageLimit, Scan, StoreError, account_of};

use crate::index::Index;

/// Whether a caller may have written this key; others are absent.
pub(crate) fn is_account_key(key: &[u8]) -> bool {
    key.len() <= KEY_MAX && account_of(key).is_some()
}

impl Shared {
    fn visible(&self) -> Result<(RwLockReadGuard<'_, Visible>, Arc<dyn Index>), StoreError> {
        let visible = self.visible.read().unwrap_or_else(PoisonError::into_inner);
        let index = visible.index.clone().ok_or_else(|| StoreError::Unavailable("the store is closed".into()))?;
        Ok((visible, index))
    }

    /// The visible row of a key of any space; `None` if there is none.
    pub(crate) fn row(&self, key: &[u8]) -> Result<Option<(u32, Bytes)>, StoreError> {
        let (visible, index) = self.visible()?;
        if let Some(row) = visible.overlay.get(key) {
            return Ok(row.value.clone().map(|value| (row.segment, value)));
        }
        // Opened under the lock: no layer can go between the look at the overlay and the snapshot.
        let snapshot = index.read()?;
        drop(visible);
        read_row(&*snapshot, key)
    }

    /// The visible values of keys, from one snapshot.
    pub(crate) fn values(&self, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, StoreError> {
        let (visible, index) = self.visible()?;
        let found: Vec<Option<Option<Bytes>>> =
            keys.iter()
                .map(|key| {
                    if is_account_key(key) { visible.overlay.get(key).map(|row| row.value.clone()) } else { Some(None) }
                })
                .collect();
        let snapshot = index.read()?;
        drop(visible);
        let look = |(key, found): (&Bytes, Option<Option<Bytes>>)| match found {
            Some(value) => Ok(value),
            None => read_row(&*snapshot, key).map(|row| row.map(|(_, value)| value)),
        };
        keys.iter().zip(found).map(look).collect()
    }

    /// One page of account keys.
    pub(crate) fn scan_accounts(&self, scan: &Scan) -> Result<Page, StoreError> {
        let first: &[u8] = &[KEY_SPACE_ACCOUNT];
        let past: &[u8] = &[KEY_SPACE_ACCOUNT + 1];
        let (start, end) = (first.max(&scan.start[..]), past.min(&scan.end[..]));
        if start >= end {
            return Ok(Page::default());
        }
        // LMDB knows no keys longer than KEY_MAX: a longer bound stands just after its beginning.
        let start =
            start.get(..KEY_MAX).filter(|_| start.len() > KEY_MAX).map_or(Bound::Included(start), Bound::Excluded);
        let end = end.get(..KEY_MAX).filter(|_| end.len() > KEY_MAX).map_or(Bound::Excluded(end), Bound::Included);
        if let (Bound::Excluded(start), Bound::Included(end) | Bound::Excluded(end)) = (start, end)
            && start >= end
        {
            return Ok(Page::default());
        }
        self.page((start, end), scan.direction, scan.limit)
    }

    /// One page of any range. The values are without the segment before them.
    pub(crate) fn page(&self, range: KeyRange<'_>, direction: Direction, limit: PageLimit) -> Result<Page, StoreError> {
        let (visible, index) = self.visible()?;
        let newer = newer_rows(&visible.overlay, range, direction, limit);
        let snapshot = index.read()?;
        drop(visible);
        merge(newer, &*snapshot, range, direction, limit)
    }
}

/// A row of a snapshot of the index.
pub(crate) fn read_row(snapshot: &dyn IndexRead, key: &[u8]) -> Result<Option<(u32, Bytes)>, StoreError> {
    let Some(row) = snapshot.get(key)? else { return Ok(None) };
    let (segment, value) = decode_row(row).ok_or_else(short_row)?;
    Ok(Some((segment, Bytes::copy_from_slice(value))))
}

fn short_row() -> StoreError {
    StoreError::Corrupt("a row of the index is too short; the index can be rebuilt from the log".into())
}

/// A row of the overlay: `None` hides the index's.
type Newer = (Bytes, Option<Bytes>);

/// Copies what the overlay has in a range: as much as one page can need. If that alone overfills a page, the rest is
/// left out: the page ends before it.
fn newer_rows(overlay: &Overlay, range: KeyRange<'_>, direction: Direction, limit: PageLimit) -> Vec<Newer> {
    let active = overlay.active.rows.range::<[u8], _>(range);
    let mut newer = Vec::new();
    let mut room = Room { rows: limit.rows.max(1), bytes: limit.bytes, used: false };
    let mut take = |(key, row): (&Bytes, &Row)| {
        newer.push((key.clone(), row.value.clone()));
        row.value.as_ref().is_none_or(|value| room.admits(key.len() + value.len()))
    };
    let Some(frozen) = &overlay.frozen else {
        match direction {
            Direction::Forward => active.map(&mut take).find(|go_on| !go_on),
            Direction::Backward => active.rev().map(&mut take).find(|go_on| !go_on),
        };
        return newer;
    };
    let frozen = frozen.rows.range::<[u8], _>(range);
    match direction {
        Direction::Forward => {
            Layers { upper: active.peekable(), lower: frozen.peekable(), direction }.map(&mut take).find(|go_on| !go_on)
        }
        Direction::Backward => Layers { upper: active.rev().peekable(), lower: frozen.rev().peekable(), direction }
            .map(&mut take)
            .find(|go_on| !go_on),
    };
    newer
}

/// Counts how much of a page is taken.
struct Room {
    rows: usize,
    bytes: usize,
    used: bool,
}

impl Room {
    /// Whether anything may follow a row of this size.
    fn admits(&mut self, size: usize) -> bool {
        let fits = self.rows > 0 && size <= self.bytes;
        self.rows = self.rows.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(size);
        let go_on = fits || !self.used;
        self.used = true;
        go_on
    }
}

/// Whether `a` comes before `b` in a direction.
fn before(a: &[u8], b: &[u8], direction: Direction) -> bool {
    match direction {
        Direction::Forward => a < b,
        Direction::Backward => a > b,
    }
}

/// Two ordered layers as one; the upper hides the lower.
struct Layers<U: Iterator, L: Iterator> {
    upper: Peekable<U>,
    lower: Peekable<L>,
    direction: Direction,
}

type LayerRow<'a> = (&'a Bytes, &'a Row);

impl<'a, U: Iterator<Item = LayerRow<'a>>, L: Iterator<Item = LayerRow<'a>>> Iterator for Layers<U, L> {
    type Item = LayerRow<'a>;

    fn next(&mut self) -> Option<LayerRow<'a>> {
        let (Some((upper, _)), Some((lower, _))) = (self.upper.peek(), self.lower.peek()) else {
            return self.upper.next().or_else(|| self.lower.next());
        };
        if upper == lower {
            self.lower.next();
        } else if before(lower, upper, self.direction) {
            return self.lower.next();
        }
        self.upper.next()
    }
}

/// A page that is being filled.
struct Filling {
    page: Page,
    bytes: usize,
    limit: PageLimit,
}

impl Filling {
    /// Takes a row unless the page is full.
    fn push(&mut self, size: usize, row: impl FnOnce() -> (Bytes, Bytes)) -> ControlFlow<()> {
        self.bytes = self.bytes.saturating_add(size);
        let full = self.page.rows.len() >= self.limit.rows || self.bytes > self.limit.bytes;
        if full && !self.page.rows.is_empty() {
            self.page.more = true;
            return ControlFlow::Break(());
        }
        self.page.rows.push(row());
        ControlFlow::Continue(())
    }

    /// Takes a row of the overlay, unless it says that there is none.
    fn push_newer(&mut self, (key, value): Newer) -> ControlFlow<()> {
        match value {
            Some(value) => self.push(key.len() + value.len(), || (key, value)),
            None => ControlFlow::Continue(()),
        }
    }
}

fn merge(
    newer: Vec<Newer>,
    snapshot: &dyn IndexRead,
    range: KeyRange<'_>,
    direction: Direction,
    limit: PageLimit,
) -> Result<Page, StoreError> {
    let mut filling = Filling { page: Page::default(), bytes: 0, limit };
    let mut newer = newer.into_iter().peekable();
    let mut failed = None;
    let mut full = false;
    snapshot.scan(range, direction, &mut |key, row| {
        let mut visit = || {
            while let Some(newer) = newer.next_if(|(newer, _)| before(newer, key, direction)) {
                filling.push_newer(newer)?;
            }
            if let Some(newer) = newer.next_if(|(newer, _)| newer == key) {
                return filling.push_newer(newer);
            }
            let Some((_, value)) = decode_row(row) else {
                failed = Some(short_row());
                return ControlFlow::Break(());
            };
            filling.push(key.len() + value.len(), || (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value)))
        };
        let flow = visit();
        full = flow.is_break();
        flow
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    if !full {
        // Full or not, this is the end of it.
        let _ = newer.try_for_each(|newer| filling.push_newer(newer));
    }
    Ok(filling.page)
}
