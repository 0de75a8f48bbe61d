//! Placements in columns: what a mailbox is quickly loaded from.
//!
//! A chunk is a copy of the placements of [`CHUNK_UIDS`] consecutive UIDs as they stood at some change; the placement
//! rows remain the truth. A mailbox's row says up to which UID there are chunks and which changes they hold for
//! certain; whoever loads them reads again what was touched by later ones (`mail/load.rs`), and the writer's `Fold`
//! renews them now and then (`mail/verb/fold.rs`).

use super::rows::PlacementRow;
use crate::row::{RowReader, RowWriter};
use bytes::Bytes;
use std::collections::BTreeMap;
use types::snapshot::{CHUNK_UIDS, Entry};
use types::{EmailId, Flags, ModSeq, Timestamp, Uid};

const VERSION: u8 = 1;
const SIGN: u64 = 1 << 63;

/// Signed numbers as unsigned ones in the same order.
fn unsigned(value: i64) -> u64 {
    value.cast_unsigned() ^ SIGN
}

fn signed(value: u64) -> i64 {
    (value ^ SIGN).cast_signed()
}

/// Writes numbers as their lowest and what each is above it, in as few bytes as the largest needs.
fn put_column(row: &mut RowWriter, values: impl Iterator<Item = u64> + Clone) {
    let base = values.clone().min().unwrap_or(0);
    let most = values.clone().map(|value| value - base).max().unwrap_or(0);
    let width: usize = match most {
        0 => 0,
        1..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    };
    row.byte(width.to_le_bytes()[0]);
    row.number(base);
    for value in values {
        let bytes = (value - base).to_le_bytes();
        row.raw(bytes.get(..width).unwrap_or_default());
    }
}

/// Reads what [`put_column`] wrote.
fn take_column(row: &mut RowReader<'_>, count: usize, out: &mut Vec<u64>) -> Option<()> {
    let width = usize::from(row.byte()?);
    let base = row.number()?;
    let bytes = row.raw(count.checked_mul(width)?)?;
    out.clear();
    match width {
        0 => out.resize(count, base),
        1 => out.extend(bytes.iter().map(|b| base.wrapping_add(u64::from(*b)))),
        2 => out.extend(bytes.as_chunks().0.iter().map(|b| base.wrapping_add(u64::from(u16::from_le_bytes(*b))))),
        4 => out.extend(bytes.as_chunks().0.iter().map(|b| base.wrapping_add(u64::from(u32::from_le_bytes(*b))))),
        8 => out.extend(bytes.as_chunks().0.iter().map(|b| base.wrapping_add(u64::from_le_bytes(*b)))),
        _ => return None,
    }
    Some(())
}

/// For columns in which each number tends to be one more than the one before: evens that out, without passing zero.
fn from_place(place: usize, value: u64) -> u64 {
    value.wrapping_add(still_to_come(place))
}

fn to_place(place: usize, value: u64) -> u64 {
    value.wrapping_sub(still_to_come(place))
}

fn still_to_come(place: usize) -> u64 {
    u64::from(CHUNK_UIDS).saturating_sub(u64::try_from(place).unwrap_or(0))
}

/// The row of a chunk, of placements by UID.
pub(super) fn encode(placements: &[PlacementRow]) -> Bytes {
    let mut row = RowWriter::new(VERSION, 24 * placements.len() + 64);
    row.number(u64::try_from(placements.len()).unwrap_or(u64::MAX));
    let entries = placements.iter().map(|placement| &placement.entry);
    let numbered = entries.clone().enumerate();
    put_column(&mut row, numbered.clone().map(|(i, e)| from_place(i, e.uid.get().into())));
    put_column(&mut row, numbered.clone().map(|(i, e)| from_place(i, e.email.0)));
    put_column(&mut row, entries.clone().map(|e| e.flags.0));
    put_column(&mut row, numbered.map(|(i, e)| from_place(i, e.modseq.0)));
    put_column(&mut row, entries.clone().map(|e| u64::from(e.size)));
    put_column(&mut row, entries.clone().map(|e| unsigned(e.internal_date.0)));
    put_column(&mut row, entries.map(|e| unsigned(e.save_date.0.wrapping_sub(e.internal_date.0))));
    let uidls = placements.iter().filter_map(|p| p.uidl.as_ref().map(|uidl| (p.entry.uid, uidl)));
    row.number(u64::try_from(uidls.clone().count()).unwrap_or(u64::MAX));
    for (uid, uidl) in uidls {
        row.number(uid.get().into());
        row.bytes(uidl.as_bytes());
    }
    row.finish()
}

/// Reads chunks one after the other, with the same buffers.
#[derive(Debug, Default)]
pub(super) struct ChunkReader {
    columns: [Vec<u64>; 7],
    pub(super) uidls: BTreeMap<Uid, Box<str>>,
}

impl ChunkReader {
    /// The messages of the chunk at a place, ascending; `None` if it is damaged.
    pub(super) fn read(&mut self, index: u32, row: &[u8]) -> Option<Vec<Entry>> {
        let mut row = RowReader::new(row, VERSION)?;
        let count = usize::try_from(row.number()?).ok()?;
        if count > usize::try_from(CHUNK_UIDS).ok()? {
            return None;
        }
        for column in &mut self.columns {
            take_column(&mut row, count, column)?;
        }
        let [uids, emails, flags, modseqs, sizes, internal, saved] = &self.columns;
        let mut entries = Vec::with_capacity(count);
        let mut last = 0;
        let columns = uids.iter().zip(emails).zip(flags).zip(modseqs).zip(sizes).zip(internal).zip(saved);
        for (place, ((((((uid, email), flags), modseq), size), internal), saved)) in columns.enumerate() {
            let uid = Uid::new(u32::try_from(to_place(place, *uid)).ok()?)?;
            if uid.get() <= last || uid.get() / CHUNK_UIDS != index {
                return None;
            }
            last = uid.get();
            let internal_date = Timestamp(signed(*internal));
            entries.push(Entry {
                uid,
                flags: Flags(*flags),
                modseq: ModSeq(to_place(place, *modseq)),
                email: EmailId(to_place(place, *email)),
                size: u32::try_from(*size).ok()?,
                internal_date,
                save_date: Timestamp(internal_date.0.wrapping_add(signed(*saved))),
            });
        }
        for _ in 0..row.number()? {
            let uid = Uid::new(row.number32()?)?;
            self.uidls.insert(uid, row.text()?.into());
        }
        row.end()?;
        Some(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store_kv::Seeded;

    fn placements(random: &mut Seeded, count: u32, wild: bool) -> Vec<PlacementRow> {
        let mut uid = 1024;
        (0..count)
            .map(|n| {
                uid += if wild { u32::try_from(random.below(3)).unwrap() } else { 0 };
                let any = |random: &mut Seeded| if wild { random.any() >> random.below(64) } else { 7 };
                let entry = Entry {
                    uid: Uid::new(uid + n).unwrap(),
                    flags: Flags(any(random)),
                    modseq: ModSeq(any(random) >> 1),
                    email: EmailId(any(random)),
                    size: u32::try_from(any(random) >> 32).unwrap(),
                    internal_date: Timestamp(any(random).cast_signed()),
                    save_date: Timestamp(any(random).cast_signed()),
                };
                let uidl = (wild && random.chance(1, 10)).then(|| format!("u{n}").into());
                PlacementRow { entry, uidl }
            })
            .collect()
    }

    #[test]
    fn chunks_read_back_as_they_were_written() {
        let mut random = Seeded::new(5);
        for round in 0..40 {
            let count = [1, 5, 300, 340][round % 4];
            let placements = placements(&mut random, count, round > 4);
            let mut reader = ChunkReader::default();
            let entries = reader.read(1, &encode(&placements)).unwrap();
            let back = entries.into_iter().map(|entry| {
                let uidl = reader.uidls.remove(&entry.uid);
                PlacementRow { entry, uidl }
            });
            assert!(back.eq(placements));
        }
    }

    #[test]
    fn a_quiet_chunk_is_small_and_a_damaged_one_is_none() {
        let mut random = Seeded::new(6);
        let row = encode(&placements(&mut random, CHUNK_UIDS, false));
        assert!(row.len() < 5 * usize::try_from(CHUNK_UIDS).unwrap());
        let row = encode(&placements(&mut random, 100, true));
        for _ in 0..2000 {
            let mut bytes = row.to_vec();
            let place = random.index(bytes.len());
            bytes[place] ^= 1 << random.below(8);
            bytes.truncate(bytes.len() - random.index(30));
            let _ = ChunkReader::default().read(1, &bytes);
        }
        let mut reader = ChunkReader::default();
        assert!(reader.read(1, &row).is_some() && reader.read(2, &row).is_none(), "it is in its place");
    }
}
