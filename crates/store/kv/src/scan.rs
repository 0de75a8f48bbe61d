//! Reading keys in order, a page at a time.

use bytes::Bytes;

/// Which way a scan goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Ascending keys.
    #[default]
    Forward,
    /// Descending keys.
    Backward,
}

/// How much one page may hold. A page holds as many rows as both limits allow, and always one if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit {
    /// Rows.
    pub rows: usize,
    /// Bytes of keys and values together.
    pub bytes: usize,
}

impl Default for PageLimit {
    fn default() -> Self {
        Self { rows: 4096, bytes: 1 << 20 }
    }
}

/// A range of keys to read.
#[derive(Clone, Debug)]
pub struct Scan {
    /// First key that belongs to the range.
    pub start: Bytes,
    /// First key past it.
    pub end: Bytes,
    /// Which way.
    pub direction: Direction,
    /// How much at once.
    pub limit: PageLimit,
}

/// A key with its value.
pub type Row = (Bytes, Bytes);

/// One page of a scan: a snapshot. Several pages of a scan are not one snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The rows, in the scan's direction.
    pub rows: Vec<Row>,
    /// Whether the range may hold more after the last row.
    pub more: bool,
}

impl Scan {
    /// The keys from `start` to before `end`, ascending.
    pub fn range(start: impl Into<Bytes>, end: impl Into<Bytes>) -> Self {
        let (start, end) = (start.into(), end.into());
        Self { start, end, direction: Direction::Forward, limit: PageLimit::default() }
    }

    /// All keys that begin with `prefix`, ascending.
    pub fn prefix(prefix: &[u8]) -> Self {
        let mut end = prefix.to_vec();
        while let Some(last) = end.pop() {
            if let Some(next) = last.checked_add(1) {
                end.push(next);
                return Self::range(prefix.to_vec(), end);
            }
        }
        Self::range(prefix.to_vec(), vec![0xff; crate::KEY_MAX + 1])
    }

    /// The scan that goes on after `page`; `None` when there is no more.
    pub fn after(&self, page: &Page) -> Option<Self> {
        let (last, _) = page.rows.last()?;
        if !page.more {
            return None;
        }
        let mut next = self.clone();
        match self.direction {
            Direction::Forward => next.start = [last, &[0][..]].concat().into(),
            Direction::Backward => next.end = last.clone(),
        }
        Some(next)
    }
}
