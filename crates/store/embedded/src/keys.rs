//! The engine's own key spaces and the form of a row in the index.
//!
//! Every row says in which segment the record stands that wrote it: four bytes, then the row's value. Spaces other than
//! [`KEY_SPACE_ACCOUNT`] are ours: `b` where a body is, `r` who refers to it, `o` bodies that live only by an open
//! handle, `s` the live bytes of a segment, `m` the mark. The last two are never in the log: the index counts them.

use crate::block::{Block, decode_blocks, encode_blocks, stored};
use crate::codec::{Chain, Reader, len64, put_varint};
use bytes::Bytes;
use store_kv::{BodyId, KEY_SPACE_ACCOUNT};
use types::AccountId;

/// Where a body is.
pub(crate) const SPACE_BODY: u8 = b'b';
/// That an account refers to a body.
pub(crate) const SPACE_REFERENCE: u8 = b'r';
/// That a body has no reference but had an open handle.
pub(crate) const SPACE_ORPHAN: u8 = b'o';
/// A segment's live bytes.
pub(crate) const SPACE_SEGMENT: u8 = b's';
/// How far the index has got.
pub(crate) const MARK_KEY: &[u8] = b"mark";
/// Bytes of framing that a row costs in the log, about.
const ROW_COST: u64 = 6;

/// A row's newest state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The segment of the record that says so.
    pub(crate) segment: u32,
    /// The value; `None` if deleted.
    pub(crate) value: Option<Bytes>,
}

/// Whether the log may carry a row of this key.
pub(crate) fn is_logged(key: &[u8]) -> bool {
    matches!(key.first(), Some(&(KEY_SPACE_ACCOUNT | SPACE_BODY | SPACE_REFERENCE | SPACE_ORPHAN)))
}

pub(crate) fn body_key(id: BodyId) -> Bytes {
    with_id(SPACE_BODY, id).into()
}

pub(crate) fn orphan_key(id: BodyId) -> Bytes {
    with_id(SPACE_ORPHAN, id).into()
}

pub(crate) fn references_prefix(id: BodyId) -> Vec<u8> {
    with_id(SPACE_REFERENCE, id)
}

pub(crate) fn reference_key(id: BodyId, account: AccountId) -> Bytes {
    let mut key = with_id(SPACE_REFERENCE, id);
    key.extend_from_slice(&account.0.to_be_bytes());
    key.into()
}

/// The body and the account of a reference's key.
pub(crate) fn parse_reference(key: &[u8]) -> Option<(BodyId, AccountId)> {
    let mut reader = Reader(key.strip_prefix(&[SPACE_REFERENCE])?);
    let id = BodyId(u128::from_be_bytes(reader.array()?));
    let account = AccountId(u32::from_be_bytes(reader.array()?));
    reader.is_empty().then_some((id, account))
}

/// The body of a key in the space of bodies or orphans.
pub(crate) fn parse_id(key: &[u8]) -> Option<BodyId> {
    let (_, id) = key.split_first()?;
    Some(BodyId(u128::from_be_bytes(id.try_into().ok()?)))
}

fn with_id(space: u8, id: BodyId) -> Vec<u8> {
    let mut key = Vec::with_capacity(21);
    key.push(space);
    key.extend_from_slice(&id.0.to_be_bytes());
    key
}

pub(crate) fn segment_key(segment: u32) -> [u8; 5] {
    let [a, b, c, d] = segment.to_be_bytes();
    [SPACE_SEGMENT, a, b, c, d]
}

pub(crate) fn parse_segment_key(key: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(key.strip_prefix(&[SPACE_SEGMENT])?.try_into().ok()?))
}

/// The form of a row in the index.
pub(crate) fn encode_row(segment: u32, value: &[u8]) -> Vec<u8> {
    let mut row = Vec::with_capacity(4 + value.len());
    row.extend_from_slice(&segment.to_le_bytes());
    row.extend_from_slice(value);
    row
}

/// The segment and the value of a row in the index.
pub(crate) fn decode_row(row: &[u8]) -> Option<(u32, &[u8])> {
    let mut reader = Reader(row);
    let segment = reader.u32()?;
    Some((segment, reader.0))
}

/// Bytes of the log that a living row keeps from being dead: its own and its body's.
pub(crate) fn weight(key: &[u8], value: &[u8]) -> u64 {
    let own = len64(key) + len64(value) + ROW_COST;
    let body = if key.first() == Some(&SPACE_BODY) {
        Location::decode(value).filter(|location| location.place != Place::File).map_or(0, |at| stored(&at.blocks))
    } else {
        0
    };
    own + body
}

/// Bytes of the log that a delete record takes.
pub(crate) fn delete_weight(key: &[u8]) -> u64 {
    len64(key) + ROW_COST
}

/// Where a body's blocks stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the row's segment from this offset on.
    Segment(u64),
    /// In a file of its own, from its beginning.
    File,
}

/// A body's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) place: Place,
    pub(crate) len: u64,
    pub(crate) blocks: Vec<Block>,
}

impl Location {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(24 + self.blocks.len() * 12);
        match self.place {
            Place::Segment(offset) => {
                out.push(0);
                put_varint(&mut out, offset);
            }
            Place::File => out.push(1),
        }
        encode_blocks(&mut out, self.len, &self.blocks);
        out
    }

    pub(crate) fn decode(value: &[u8]) -> Option<Self> {
        let mut reader = Reader(value);
        let place = match reader.byte()? {
            0 => Place::Segment(reader.varint()?),
            1 => Place::File,
            _ => return None,
        };
        let (len, blocks) = decode_blocks(&mut reader)?;
        reader.is_empty().then_some(Self { place, len, blocks })
    }
}

/// What the index knows of a segment's bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Bytes of rows that stand, and of their bodies.
    pub(crate) live: u64,
    /// Bytes of delete records, which must be kept while an older segment may hold what they deleted.
    pub(crate) deletes: u64,
}

impl Usage {
    pub(crate) fn encode(self) -> [u8; 16] {
        let mut out = [0; 16];
        let (live, deletes) = out.split_at_mut(8);
        live.copy_from_slice(&self.live.to_le_bytes());
        deletes.copy_from_slice(&self.deletes.to_le_bytes());
        out
    }

    pub(crate) fn decode(value: &[u8]) -> Option<Self> {
        let mut reader = Reader(value);
        Some(Self { live: reader.u64()?, deletes: reader.u64()? })
    }
}

/// A place between two records of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) segment: u32,
    pub(crate) offset: u64,
    /// The checksum of the record before it.
    pub(crate) chain: Chain,
    /// The number of the record after it.
    pub(crate) sequence: u64,
}

impl Position {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(36);
        out.extend_from_slice(&self.segment.to_le_bytes());
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(&self.sequence.to_le_bytes());
        out.extend_from_slice(&self.chain);
        out
    }

    pub(crate) fn decode(value: &[u8]) -> Option<Self> {
        let mut reader = Reader(value);
        let (segment, offset, sequence) = (reader.u32()?, reader.u64()?, reader.u64()?);
        Some(Self { segment, offset, chain: reader.array()?, sequence })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_went_in() {
        let at = Location {
            place: Place::Segment(77),
            len: 5,
            blocks: vec![Block { stored: 5, compressed: false, sum: 9 }],
        };
        assert_eq!(Location::decode(&at.encode()), Some(at));
        let at = Location { place: Place::File, len: 0, blocks: Vec::new() };
        assert_eq!(Location::decode(&at.encode()), Some(at));
        let usage = Usage { live: 1, deletes: 2 };
        assert_eq!(Usage::decode(&usage.encode()), Some(usage));
        let position = Position { segment: 3, offset: 4, chain: [5; 16], sequence: 6 };
        assert_eq!(Position::decode(&position.encode()), Some(position));
        assert_eq!(decode_row(&encode_row(8, b"v")), Some((8, &b"v"[..])));
        let key = reference_key(BodyId(1 << 90), AccountId(4));
        assert_eq!(parse_reference(&key), Some((BodyId(1 << 90), AccountId(4))));
        assert_eq!(parse_id(&body_key(BodyId(9))), Some(BodyId(9)));
        assert_eq!(parse_segment_key(&segment_key(70_000)), Some(70_000));
    }
}
