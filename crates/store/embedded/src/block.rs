//! Bodies as the store keeps them: blocks of 64 KiB, each with a checksum, each compressed if that pays, so that any
//! range can be read without the rest.

use crate::codec::{Reader, len64, narrow, put_varint, sum64, wide};
use crate::options::Zstd;
use store_kv::{BodyId, StoreError};
use zstd::bulk::{Compressor, Decompressor};

/// Bytes of content in every block but the last.
pub(crate) const BLOCK: usize = 64 << 10;
/// A block shorter than this is never compressed.
const COMPRESS_MIN: usize = 512;
/// Bytes of a block that are tried first.
const SAMPLE: usize = 4 << 10;

/// One block as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// Bytes it takes.
    pub(crate) stored: u32,
    /// Whether these are compressed.
    pub(crate) compressed: bool,
    /// The checksum of the stored bytes.
    pub(crate) sum: u64,
}

/// What there is to know of a body but its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Descriptor {
    pub(crate) id: BodyId,
    pub(crate) len: u64,
    pub(crate) hash: [u8; 32],
    pub(crate) blocks: Vec<Block>,
}

impl Descriptor {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.0.to_be_bytes());
        out.extend_from_slice(&self.hash);
        encode_blocks(out, self.len, &self.blocks);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let id = BodyId(u128::from_be_bytes(reader.array()?));
        let hash = reader.array()?;
        let (len, blocks) = decode_blocks(reader)?;
        Some(Self { id, len, hash, blocks })
    }

    /// Bytes that its blocks take.
    pub(crate) fn stored(&self) -> u64 {
        stored(&self.blocks)
    }
}

/// Bytes that blocks take.
pub(crate) fn stored(blocks: &[Block]) -> u64 {
    blocks.iter().map(|block| u64::from(block.stored)).sum()
}

/// Appends a body's length and the table of its blocks.
pub(crate) fn encode_blocks(out: &mut Vec<u8>, len: u64, blocks: &[Block]) {
    put_varint(out, len);
    for block in blocks {
        put_varint(out, u64::from(block.stored) << 1 | u64::from(block.compressed));
        out.extend_from_slice(&block.sum.to_le_bytes());
    }
}

/// Reads what [`encode_blocks`] wrote.
pub(crate) fn decode_blocks(reader: &mut Reader<'_>) -> Option<(u64, Vec<Block>)> {
    let len = reader.varint()?;
    let count = narrow(len.div_ceil(wide(BLOCK)));
    // A block's row takes at least nine bytes: no count makes us set aside more than there can be.
    let mut blocks = Vec::with_capacity(count.min(reader.0.len() / 9));
    for index in 0..count {
        let word = reader.varint()?;
        let stored = u32::try_from(word >> 1).ok()?;
        let compressed = word & 1 == 1;
        let plain = plain_len(len, index);
        let fits = if compressed { narrow(u64::from(stored)) < plain } else { narrow(u64::from(stored)) == plain };
        if !fits {
            return None;
        }
        blocks.push(Block { stored, compressed, sum: reader.u64()? });
    }
    Some((len, blocks))
}

/// Bytes of content in a block of a body of `len` bytes.
pub(crate) fn plain_len(len: u64, index: usize) -> usize {
    let before = wide(index).saturating_mul(wide(BLOCK));
    narrow(len.saturating_sub(before)).min(BLOCK)
}

thread_local! {
    /// Setting up a compressor costs more than compressing a letter: one per thread, with its level.
    static COMPRESSOR: std::cell::RefCell<Option<(i32, Compressor<'static>)>> = const { std::cell::RefCell::new(None) };
    static DECOMPRESSOR: std::cell::RefCell<Option<Decompressor<'static>>> = const { std::cell::RefCell::new(None) };
}

/// Makes a block of the content that stands in `stored` from `from` on: compressed if that pays. `sum` is the content's
/// checksum, if somebody has it already.
pub(crate) fn seal(zstd: Option<Zstd>, stored: &mut Vec<u8>, from: usize, sum: Option<u64>) -> Block {
    let content = stored.get(from..).unwrap_or_default();
    if let Some(zstd) = zstd
        && content.len() >= COMPRESS_MIN
        && let Some(compressed) = compress_if_worth(content, zstd)
    {
        let block = Block { stored: short(compressed.len()), compressed: true, sum: sum64(&compressed) };
        stored.truncate(from);
        stored.extend_from_slice(&compressed);
        return block;
    }
    Block { stored: short(content.len()), compressed: false, sum: sum.unwrap_or_else(|| sum64(content)) }
}

/// A body's blocks, compressed where they were not and it pays; `None` if it pays nowhere. `data` was checked.
pub(crate) fn recompress(zstd: Zstd, body: &Descriptor, data: &[u8]) -> Option<(Descriptor, Vec<u8>)> {
    let mut blocks = Vec::with_capacity(body.blocks.len());
    let mut stored = Vec::with_capacity(data.len());
    let mut rest = data;
    for block in &body.blocks {
        let (piece, after) = rest.split_at_checked(narrow(u64::from(block.stored)))?;
        rest = after;
        let from = stored.len();
        stored.extend_from_slice(piece);
        let zstd = (!block.compressed).then_some(zstd);
        blocks.push(if block.compressed { *block } else { seal(zstd, &mut stored, from, Some(block.sum)) });
    }
    let pays = blocks != body.blocks;
    pays.then(|| (Descriptor { blocks, ..body.clone() }, stored))
}

/// A block's length; none is longer than [`BLOCK`].
fn short(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// The compressed block, unless that saves too little or fails (then it is stored as it is).
fn compress_if_worth(content: &[u8], zstd: Zstd) -> Option<Vec<u8>> {
    let Zstd { level, percent } = zstd;
    let worth = |plain: usize, small: usize| small.saturating_mul(100) <= plain.saturating_mul(usize::from(percent));
    COMPRESSOR.with_borrow_mut(|slot| {
        if slot.as_ref().is_none_or(|(has, _)| *has != level) {
            *slot = Some((level, Compressor::new(level).ok()?));
        }
        let (_, compressor) = slot.as_mut()?;
        if content.len() > SAMPLE * 2 {
            let from = (content.len() - SAMPLE) / 2;
            let sample = content.get(from..from + SAMPLE)?;
            if !worth(sample.len(), compressor.compress(sample).ok()?.len()) {
                return None;
            }
        }
        let compressed = compressor.compress(content).ok()?;
        (worth(content.len(), compressed.len()) && compressed.len() < content.len()).then_some(compressed)
    })
}

/// Checks stored bytes against their block.
pub(crate) fn is_intact(block: &Block, stored: &[u8]) -> bool {
    len64(stored) == u64::from(block.stored) && sum64(stored) == block.sum
}

/// Checks the stored bytes of several blocks, one after another.
pub(crate) fn are_intact(blocks: &[Block], stored: &[u8]) -> bool {
    let mut rest = stored;
    for block in blocks {
        let Some((piece, after)) = rest.split_at_checked(narrow(u64::from(block.stored))) else { return false };
        if !is_intact(block, piece) {
            return false;
        }
        rest = after;
    }
    rest.is_empty()
}

/// Appends the content of a block, whose checksum was checked, to `out`.
pub(crate) fn decode(block: &Block, stored: &[u8], plain: usize, out: &mut Vec<u8>) -> Result<(), StoreError> {
    if !block.compressed {
        out.extend_from_slice(stored);
        return Ok(());
    }
    let content = DECOMPRESSOR.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = Some(Decompressor::new()?);
        }
        let decompressor = slot.as_mut().ok_or_else(|| std::io::Error::other("no decompressor"))?;
        decompressor.decompress(stored, plain)
    });
    match content {
        Ok(content) if content.len() == plain => {
            out.extend_from_slice(&content);
            Ok(())
        }
        _ => Err(StoreError::Corrupt("a body's block does not decompress".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(content: &[u8], zstd: Option<Zstd>) -> (Vec<Block>, Vec<u8>) {
        let mut stored = Vec::new();
        let mut blocks = Vec::new();
        for chunk in content.chunks(BLOCK) {
            let from = stored.len();
            stored.extend_from_slice(chunk);
            blocks.push(seal(zstd, &mut stored, from, None));
        }
        let mut table = Vec::new();
        encode_blocks(&mut table, len64(content), &blocks);
        assert_eq!(decode_blocks(&mut Reader(&table)), Some((len64(content), blocks.clone())));
        let mut back = Vec::new();
        let mut rest = &stored[..];
        for (index, block) in blocks.iter().enumerate() {
            let (piece, after) = rest.split_at(narrow(u64::from(block.stored)));
            assert!(is_intact(block, piece));
            decode(block, piece, plain_len(len64(content), index), &mut back).unwrap();
            rest = after;
        }
        assert_eq!(back, content);
        (blocks, stored)
    }

    #[test]
    fn text_shrinks_and_noise_is_stored_as_it_is() {
        let text = b"Dear Ann, the quick brown fox sends its regards.\r\n".repeat(4000);
        let (blocks, stored) = round_trip(&text, Some(Zstd::default()));
        assert!(blocks.iter().all(|block| block.compressed));
        assert!(stored.len() < text.len() / 4);
        let noise: Vec<u8> = (0_u32..50_000).flat_map(|i| sum64(&i.to_le_bytes()).to_le_bytes()).collect();
        let (blocks, _) = round_trip(&noise, Some(Zstd::default()));
        assert!(blocks.iter().all(|block| !block.compressed));
        round_trip(&text, None);
        round_trip(b"", Some(Zstd::default()));
    }

    #[test]
    fn blocks_are_compressed_later_where_it_pays() {
        let text = b"Dear Ann, the quick brown fox sends its regards.\r\n".repeat(4000);
        let (blocks, stored) = round_trip(&text, None);
        let (len, hash) = (len64(&text), *blake3::hash(&text).as_bytes());
        let plain = Descriptor { id: BodyId(1), len, hash, blocks };
        let (body, small) = recompress(Zstd::default(), &plain, &stored).unwrap();
        assert_eq!((&body.blocks, &small), (&round_trip(&text, Some(Zstd::default())).0, &small));
        assert!(are_intact(&body.blocks, &small));
        assert!(small.len() < stored.len() / 4);
        assert_eq!(recompress(Zstd::default(), &body, &small), None);
    }

    #[test]
    fn a_table_whose_blocks_do_not_fit_is_refused() {
        let mut table = Vec::new();
        encode_blocks(&mut table, 10, &[Block { stored: 11, compressed: false, sum: 0 }]);
        assert_eq!(decode_blocks(&mut Reader(&table)), None);
        let mut huge = Vec::new();
        put_varint(&mut huge, u64::MAX);
        assert_eq!(decode_blocks(&mut Reader(&huge)), None);
    }

    #[test]
    fn a_flipped_bit_is_seen() {
        let (blocks, mut stored) = round_trip(b"hello", None);
        stored[2] ^= 1;
        assert!(!is_intact(&blocks[0], &stored));
    }
}
