//! What is durable in the log and not yet in the index.
//!
//! Two layers: `active` takes what was just synced, `frozen` is being written to the index. A reader holds the lock
//! while it opens its transaction of the index: a layer goes only after the index has it, and only under the lock, so
//! the transaction and the layers always join without a gap. (The transaction may already have the frozen layer; the
//! layer then says the same again.)

use crate::keys::{Position, Row, delete_weight};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes that a row costs in memory beside its key and value, about.
const ROW_COST: usize = 120;

/// Rows newer than the index.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) rows: BTreeMap<Bytes, Row>,
    /// About the memory it takes.
    pub(crate) bytes: usize,
    /// Bytes of delete records by segment.
    pub(crate) deletes: BTreeMap<u32, u64>,
    /// Where in the log it ends.
    pub(crate) end: Position,
}

/// The layers over the index.
#[derive(Debug)]
pub(crate) struct Overlay {
    pub(crate) active: Layer,
    pub(crate) frozen: Option<Arc<Layer>>,
}

impl Layer {
    pub(crate) fn new(end: Position) -> Self {
        Self { rows: BTreeMap::new(), bytes: 0, deletes: BTreeMap::new(), end }
    }

    /// Takes a change in.
    pub(crate) fn insert(&mut self, key: Bytes, row: Row) {
        if row.value.is_none() {
            *self.deletes.entry(row.segment).or_default() += delete_weight(&key);
        }
        let cost = |row: &Row| row.value.as_ref().map_or(0, Bytes::len);
        let key_len = key.len();
        self.bytes += cost(&row);
        match self.rows.insert(key, row) {
            Some(old) => self.bytes = self.bytes.saturating_sub(cost(&old)),
            None => self.bytes += key_len + ROW_COST,
        }
    }
}

impl Overlay {
    pub(crate) fn new(end: Position) -> Self {
        Self { active: Layer::new(end), frozen: None }
    }

    /// The newest state of a key, if a layer has one.
    pub(crate) fn get(&self, key: &[u8]) -> Option<&Row> {
        self.active.rows.get(key).or_else(|| self.frozen.as_ref()?.rows.get(key))
    }

    /// The memory that both layers take, about.
    pub(crate) fn bytes(&self) -> usize {
        self.active.bytes + self.frozen.as_ref().map_or(0, |layer| layer.bytes)
    }

    /// Makes the active layer the frozen one; `None` if one is frozen already or there is nothing new.
    pub(crate) fn freeze(&mut self, mark: Position) -> Option<Arc<Layer>> {
        if self.frozen.is_some() || self.active.end == mark {
            return None;
        }
        let fresh = Layer::new(self.active.end);
        let layer = Arc::new(std::mem::replace(&mut self.active, fresh));
        self.frozen = Some(layer.clone());
        Some(layer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: Option<&'static [u8]>) -> Row {
        Row { segment: 1, value: value.map(Bytes::from_static) }
    }

    #[test]
    fn the_active_layer_hides_the_frozen_one_and_bytes_are_counted() {
        let start = Position { segment: 1, offset: 64, chain: [0; 16], sequence: 1 };
        let mut overlay = Overlay::new(start);
        assert!(overlay.freeze(start).is_none());
        overlay.active.insert(Bytes::from_static(b"k"), row(Some(b"old")));
        overlay.active.end.sequence = 2;
        assert!(overlay.freeze(start).is_some());
        assert!(overlay.freeze(start).is_none());
        overlay.active.insert(Bytes::from_static(b"k"), row(Some(b"longer")));
        overlay.active.insert(Bytes::from_static(b"k"), row(None));
        assert_eq!(overlay.get(b"k"), Some(&row(None)));
        assert_eq!(overlay.active.bytes, 1 + ROW_COST);
        assert_eq!(overlay.bytes(), 2 * (1 + ROW_COST) + 3);
        assert_eq!(overlay.active.deletes.get(&1), Some(&delete_weight(b"k")));
    }
}
