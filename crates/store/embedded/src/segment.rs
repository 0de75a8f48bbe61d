//! Reading segments: their head, and record after record.

use crate::block::{Descriptor, is_intact};
use crate::codec::{Chain, Reader, chain, narrow, wide};
use crate::disk::DiskFile;
use crate::keys::Position;
use crate::record::{Entry, FOOTER, HEADER, Header, Kind, META_MAX, Table, next_entry};
use std::io;
use store_kv::StoreError;

/// Bytes before a segment's first record.
pub(crate) const HEAD: usize = 64;
/// Bytes that are read at once when going through a segment.
const WINDOW: usize = 256 << 10;
/// What a segment begins with; the last byte is its form.
const MAGIC: [u8; 8] = *b"PMLOG\0\0\x01";

/// The head of a segment: its number, the number of its first record, the checksum it goes on from.
pub(crate) fn encode_head(number: u32, sequence: u64, before: &Chain) -> [u8; HEAD] {
    let mut bytes = Vec::with_capacity(HEAD);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&sequence.to_le_bytes());
    bytes.extend_from_slice(before);
    let sum = chain(&Chain::default(), &[&bytes]);
    bytes.extend_from_slice(&sum);
    let mut head = [0; HEAD];
    for (to, from) in head.iter_mut().zip(bytes) {
        *to = from;
    }
    head
}

/// The place of a segment's first record; `None` if the head is not whole.
pub(crate) fn read_head(file: &dyn DiskFile, number: u32) -> io::Result<Option<Position>> {
    let mut head = [0; HEAD];
    match file.read_at(&mut head, 0) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut reader = Reader(&head);
    let fields = (|| {
        reader.take(MAGIC.len() + 8)?;
        Some((reader.u64()?, reader.array()?))
    })();
    let Some((sequence, before)) = fields else { return Ok(None) };
    if encode_head(number, sequence, &before) != head {
        return Ok(None);
    }
    Ok(Some(Position { segment: number, offset: wide(HEAD), chain: before, sequence }))
}

/// A record that was read and whose checksum fits.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) at: Position,
    pub(crate) header: Header,
    pub(crate) meta: Vec<u8>,
}

impl Record {
    /// The place after it.
    pub(crate) fn end(&self) -> Position {
        Position {
            segment: self.at.segment,
            offset: self.at.offset.saturating_add(self.header.record_len()),
            chain: self.header.chain,
            sequence: self.at.sequence.saturating_add(1),
        }
    }

    /// Where its blocks begin.
    pub(crate) fn blocks_offset(&self) -> u64 {
        self.at.offset + wide(HEADER) + u64::from(self.header.meta)
    }

    /// Shows its entries, if it is a batch's; an error if they are no entries though the checksum fits.
    pub(crate) fn entries<'a>(&'a self, mut visit: impl FnMut(Entry<'a>)) -> Result<(), StoreError> {
        if self.header.kind != Kind::Batch {
            return Ok(());
        }
        let mut reader = Reader(&self.meta);
        while !reader.is_empty() {
            let entry = next_entry(&mut reader).ok_or_else(|| self.damage("its entries cannot be read"))?;
            visit(entry);
        }
        Ok(())
    }

    /// Its inline bodies with the offsets of their blocks.
    pub(crate) fn bodies(&self) -> Result<Vec<(Descriptor, u64)>, StoreError> {
        let mut offset = self.blocks_offset();
        let mut bodies = Vec::new();
        self.entries(|entry| {
            if let Entry::Body(descriptor) = entry {
                let at = offset;
                offset = offset.saturating_add(descriptor.stored());
                bodies.push((descriptor, at));
            }
        })?;
        Ok(bodies)
    }

    pub(crate) fn damage(&self, what: &str) -> StoreError {
        damage(self.at, what)
    }
}

/// Says what is damaged where.
pub(crate) fn damage(at: Position, what: &str) -> StoreError {
    StoreError::Corrupt(
        format!("log segment {}, record {} at byte {}: {what}", at.segment, at.sequence, at.offset).into(),
    )
}

/// Goes through a segment, record after record, reading metadata and stepping over bodies.
#[derive(Debug)]
pub(crate) struct Walker<'a> {
    file: &'a dyn DiskFile,
    at: Position,
    /// No byte at or after this belongs to the segment.
    limit: u64,
    window: Vec<u8>,
    window_at: u64,
}

impl<'a> Walker<'a> {
    /// Begins at a place; `limit` is the file's length or the last place that is known to be whole.
    pub(crate) fn new(file: &'a dyn DiskFile, at: Position, limit: u64) -> Self {
        Self { file, at, limit, window: Vec::new(), window_at: 0 }
    }

    /// The place after the last record.
    pub(crate) fn position(&self) -> Position {
        self.at
    }

    /// The next record; `None` if what stands there is not one that follows on the last.
    pub(crate) fn next(&mut self) -> io::Result<Option<Record>> {
        let at = self.at;
        let Some(head) = self.bytes(at.offset, HEADER)? else { return Ok(None) };
        let Some(header) = Header::decode(head) else { return Ok(None) };
        let meta_len = narrow(u64::from(header.meta));
        let end = self.at.offset.checked_add(header.record_len());
        if header.sequence != self.at.sequence || meta_len > META_MAX || end.is_none_or(|end| end > self.limit) {
            return Ok(None);
        }
        let Some(meta) = self.bytes(at.offset + wide(HEADER), meta_len)? else { return Ok(None) };
        if !header.is_intact(meta, &at.chain) {
            return Ok(None);
        }
        let record = Record { at, header, meta: meta.to_vec() };
        self.at = record.end();
        Ok(Some(record))
    }

    /// Bytes of the file, through the window; `None` past the limit.
    fn bytes(&mut self, offset: u64, len: usize) -> io::Result<Option<&[u8]>> {
        let Some(end) = offset.checked_add(wide(len)).filter(|end| *end <= self.limit) else { return Ok(None) };
        let window_end = self.window_at + wide(self.window.len());
        if offset < self.window_at || end > window_end {
            let size = narrow(self.limit - offset).min(len.max(WINDOW));
            self.window.clear();
            self.window.resize(size, 0);
            self.window_at = offset;
            if let Err(error) = self.file.read_at(&mut self.window, offset) {
                self.window.clear();
                return if error.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(error) };
            }
        }
        let from = narrow(offset - self.window_at);
        Ok(self.window.get(from..from + len))
    }
}

/// Checks the blocks of one body in a file, reading block by block; also the hash of the whole if `hash` is given.
pub(crate) fn blocks_are_intact(
    file: &dyn DiskFile,
    descriptor: &Descriptor,
    offset: u64,
    whole: bool,
) -> io::Result<bool> {
    let mut at = offset;
    let mut hasher = whole.then(blake3::Hasher::new);
    let mut stored = Vec::new();
    let mut content = Vec::new();
    for (index, block) in descriptor.blocks.iter().enumerate() {
        stored.clear();
        stored.resize(narrow(u64::from(block.stored)), 0);
        match file.read_at(&mut stored, at) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(error),
        }
        if !is_intact(block, &stored) {
            return Ok(false);
        }
        if let Some(hasher) = &mut hasher {
            content.clear();
            let plain = crate::block::plain_len(descriptor.len, index);
            if crate::block::decode(block, &stored, plain, &mut content).is_err() {
                return Ok(false);
            }
            hasher.update(&content);
        }
        at = at.saturating_add(u64::from(block.stored));
    }
    Ok(hasher.is_none_or(|hasher| *hasher.finalize().as_bytes() == descriptor.hash))
}

/// What the end of a sealed segment says: where the seal begins. `None` if the file does not end in a seal.
pub(crate) fn find_seal(file: &dyn DiskFile) -> io::Result<Option<u64>> {
    let len = file.len()?;
    let mut footer = [0; FOOTER];
    let Some(at) = len.checked_sub(wide(FOOTER)) else { return Ok(None) };
    file.read_at(&mut footer, at)?;
    Ok(Table::parse_footer(&footer).filter(|offset| *offset < len))
}

/// Whether a record is the seal.
pub(crate) fn is_seal(record: &Record) -> bool {
    record.header.kind == Kind::Seal
}
