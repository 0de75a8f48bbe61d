//! Records: what the log is made of.
//!
//! A record is a header of [`HEADER`] bytes, its metadata, and the blocks of the bodies it brings. The header's checksum
//! covers the header, the metadata (in which every block's checksum stands) and the record before it, so that nothing
//! stale behind a cut tail ever fits.

use crate::block::Descriptor;
use crate::codec::{Chain, Reader, VARINT_MAX, chain, len64, put_bytes, put_varint, wide};

/// Bytes of a record's header.
pub(crate) const HEADER: usize = 40;
/// Most bytes of a record's metadata.
pub(crate) const META_MAX: usize = 1 << 30;
/// Bytes of the header that its checksum covers.
const COVERED: usize = 24;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A batch.
    Batch,
    /// The first record of each run of the engine. Its metadata never comes twice, so what an earlier run left behind
    /// a cut tail cannot follow on it, even if the very same batch is committed again.
    Open,
    /// The last record of a segment: the table of the others.
    Seal,
}

/// A record's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) meta: u32,
    pub(crate) blocks: u64,
    pub(crate) sequence: u64,
    pub(crate) chain: Chain,
}

impl Header {
    /// Makes the header of a record after the one with checksum `before`.
    pub(crate) fn new(kind: Kind, meta: &[u8], blocks: u64, sequence: u64, before: &Chain) -> Self {
        let len = u32::try_from(meta.len()).unwrap_or(u32::MAX);
        let mut header = Self { kind, meta: len, blocks, sequence, chain: Chain::default() };
        header.chain = header.checksum(meta, before);
        header
    }

    /// Whether header and metadata are what was written after the record with checksum `before`.
    pub(crate) fn is_intact(&self, meta: &[u8], before: &Chain) -> bool {
        self.checksum(meta, before) == self.chain
    }

    /// Bytes of the whole record.
    pub(crate) fn record_len(&self) -> u64 {
        (wide(HEADER) + u64::from(self.meta)).saturating_add(self.blocks)
    }

    fn checksum(&self, meta: &[u8], before: &Chain) -> Chain {
        chain(before, &[&self.covered(), meta])
    }

    fn covered(&self) -> [u8; COVERED] {
        let kind = match self.kind {
            Kind::Batch => 1_u32,
            Kind::Open => 2,
            Kind::Seal => 3,
        };
        let mut out = [0; COVERED];
        let fields = [
            &kind.to_le_bytes()[..],
            &self.meta.to_le_bytes(),
            &self.blocks.to_le_bytes(),
            &self.sequence.to_le_bytes(),
        ];
        for (to, from) in out.iter_mut().zip(fields.concat()) {
            *to = from;
        }
        out
    }

    pub(crate) fn encode(&self) -> [u8; HEADER] {
        let mut out = [0; HEADER];
        for (to, from) in out.iter_mut().zip(self.covered().into_iter().chain(self.chain)) {
            *to = from;
        }
        out
    }

    /// Reads a header; `None` if these bytes cannot be one (zeros above all).
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let kind = match reader.u32()? {
            1 => Kind::Batch,
            2 => Kind::Open,
            3 => Kind::Seal,
            _ => return None,
        };
        let (meta, blocks, sequence) = (reader.u32()?, reader.u64()?, reader.u64()?);
        Some(Self { kind, meta, blocks, sequence, chain: reader.array()? })
    }
}

/// One change in a batch's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry<'a> {
    /// A key gets a value.
    Put {
        /// The key.
        key: &'a [u8],
        /// The value.
        value: &'a [u8],
    },
    /// A key goes.
    Delete {
        /// The key.
        key: &'a [u8],
    },
    /// A body comes; its blocks follow the metadata, in the order of these entries.
    Body(Descriptor),
    /// A body comes that stands in a file of its own.
    BodyFile(Descriptor),
}

pub(crate) fn put_entry_put(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    out.push(1);
    put_bytes(out, key);
    put_bytes(out, value);
}

pub(crate) fn put_entry_delete(out: &mut Vec<u8>, key: &[u8]) {
    out.push(2);
    put_bytes(out, key);
}

pub(crate) fn put_entry_body(out: &mut Vec<u8>, descriptor: &Descriptor, own_file: bool) {
    out.push(if own_file { 4 } else { 3 });
    descriptor.encode(out);
}

/// Reads the next entry of a batch's metadata; `None` if it is no entry.
pub(crate) fn next_entry<'a>(reader: &mut Reader<'a>) -> Option<Entry<'a>> {
    match reader.byte()? {
        1 => Some(Entry::Put { key: reader.bytes()?, value: reader.bytes()? }),
        2 => Some(Entry::Delete { key: reader.bytes()? }),
        3 => Descriptor::decode(reader).map(Entry::Body),
        4 => Descriptor::decode(reader).map(Entry::BodyFile),
        _ => None,
    }
}

/// One row of a sealed segment's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TableRow {
    /// Bytes of metadata.
    pub(crate) meta: u32,
    /// Bytes of blocks.
    pub(crate) blocks: u64,
}

/// The table of a segment's records as it grows. Records follow one another without a gap, so lengths say it all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    rows: Vec<u8>,
    count: u64,
}

/// What the last bytes of a sealed segment are.
const SEALED: [u8; 8] = *b"PMSEALED";
/// Bytes at the end of a sealed segment that lead to its table.
pub(crate) const FOOTER: usize = 16;
/// Most bytes of a seal's record without its rows: header, checksum, count, footer.
const SEAL_MAX: usize = HEADER + 16 + VARINT_MAX + FOOTER;
/// Most bytes of a row of a seal's table.
const TABLE_ROW_MAX: usize = 2 * VARINT_MAX;

impl Table {
    pub(crate) fn push(&mut self, header: &Header) {
        put_varint(&mut self.rows, u64::from(header.meta));
        put_varint(&mut self.rows, header.blocks);
        self.count += 1;
    }

    /// Most bytes that the seal's record will have when `more` records have come.
    pub(crate) fn seal_max(&self, more: usize) -> u64 {
        wide(SEAL_MAX + self.rows.len() + more * TABLE_ROW_MAX)
    }

    /// The metadata of the seal that begins at `offset` and follows the record with checksum `before`.
    pub(crate) fn seal(&self, offset: u64, before: &Chain) -> Vec<u8> {
        let mut meta = Vec::with_capacity(self.rows.len() + 48);
        meta.extend_from_slice(before);
        put_varint(&mut meta, self.count);
        meta.extend_from_slice(&self.rows);
        meta.extend_from_slice(&offset.to_le_bytes());
        meta.extend_from_slice(&SEALED);
        meta
    }

    /// The checksum before the seal and the rows of a seal's metadata.
    pub(crate) fn parse(meta: &[u8]) -> Option<(Chain, Vec<TableRow>)> {
        let mut reader = Reader(meta);
        let before = reader.array()?;
        let count = reader.varint()?;
        if count > len64(reader.0) {
            return None;
        }
        let mut rows = Vec::with_capacity(usize::try_from(count).ok()?);
        for _ in 0..count {
            rows.push(TableRow { meta: u32::try_from(reader.varint()?).ok()?, blocks: reader.varint()? });
        }
        (reader.0.len() == FOOTER).then_some((before, rows))
    }

    /// Where the seal begins, from the last bytes of a segment's file.
    pub(crate) fn parse_footer(footer: &[u8; FOOTER]) -> Option<u64> {
        let mut reader = Reader(footer);
        let offset = reader.u64()?;
        (reader.0 == SEALED).then_some(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::Block;
    use store_kv::BodyId;

    #[test]
    fn a_header_comes_back_and_covers_everything() {
        let before = [7; 16];
        let header = Header::new(Kind::Batch, b"meta", 99, 5, &before);
        let bytes = header.encode();
        assert_eq!(Header::decode(&bytes), Some(header));
        assert!(header.is_intact(b"meta", &before));
        assert!(!header.is_intact(b"metb", &before));
        assert!(!header.is_intact(b"meta", &[8; 16]));
        for index in 0..COVERED {
            let mut bad = bytes;
            bad[index] ^= 1;
            assert!(Header::decode(&bad).is_none_or(|header| !header.is_intact(b"meta", &before)), "{index}");
        }
        assert_eq!(Header::decode(&[0; HEADER]), None);
    }

    #[test]
    fn entries_come_back_in_order() {
        let blocks = vec![Block { stored: 3, compressed: false, sum: 1 }];
        let descriptor = Descriptor { id: BodyId(4), len: 3, hash: [9; 32], blocks };
        let mut meta = Vec::new();
        put_entry_put(&mut meta, b"k", b"v");
        put_entry_delete(&mut meta, b"gone");
        put_entry_body(&mut meta, &descriptor, false);
        put_entry_body(&mut meta, &descriptor, true);
        let mut reader = Reader(&meta);
        assert_eq!(next_entry(&mut reader), Some(Entry::Put { key: b"k", value: b"v" }));
        assert_eq!(next_entry(&mut reader), Some(Entry::Delete { key: b"gone" }));
        assert_eq!(next_entry(&mut reader), Some(Entry::Body(descriptor.clone())));
        assert_eq!(next_entry(&mut reader), Some(Entry::BodyFile(descriptor)));
        assert!(reader.is_empty());
        assert_eq!(next_entry(&mut Reader(&[9])), None);
    }

    #[test]
    fn a_seal_is_found_from_its_end() {
        let mut table = Table::default();
        table.push(&Header::new(Kind::Open, &[0; 16], 0, 1, &[0; 16]));
        table.push(&Header::new(Kind::Batch, &[0; 300], 70_000, 2, &[0; 16]));
        let meta = table.seal(1234, &[3; 16]);
        assert!(wide(HEADER + meta.len()) <= table.seal_max(0) && Table::default().seal_max(2) >= table.seal_max(0));
        let (before, rows) = Table::parse(&meta).unwrap();
        assert_eq!(before, [3; 16]);
        assert_eq!(rows, [TableRow { meta: 16, blocks: 0 }, TableRow { meta: 300, blocks: 70_000 }]);
        let footer: [u8; FOOTER] = meta[meta.len() - FOOTER..].try_into().unwrap();
        assert_eq!(Table::parse_footer(&footer), Some(1234));
        assert_eq!(Table::parse(&[0xff; 30]), None);
    }
}
