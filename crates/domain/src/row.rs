//! The small binary codec of rows: a version byte, then numbers of variable length and byte strings.
//!
//! Reading never panics and never reads past the row: whatever does not fit is `None`, which callers turn into
//! [`MailError::Store`] with what was being read.

use crate::MailError;
use bytes::Bytes;
use std::sync::Arc;
use store_kv::StoreError;

/// Builds a row.
#[derive(Debug)]
pub(crate) struct RowWriter(Vec<u8>);

impl RowWriter {
    /// A row of this format version, with room for about `capacity` bytes.
    pub(crate) fn new(version: u8, capacity: usize) -> Self {
        let mut out = Vec::with_capacity(capacity.saturating_add(1));
        out.push(version);
        Self(out)
    }

    /// Appends one byte.
    pub(crate) fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    /// Appends a number: seven bits a byte, lowest first.
    pub(crate) fn number(&mut self, mut value: u64) {
        loop {
            let low = value.to_le_bytes()[0] & 0x7f;
            value >>= 7;
            if value == 0 {
                self.0.push(low);
                return;
            }
            self.0.push(low | 0x80);
        }
    }

    /// Appends a number with a sign; small ones of either sign are short.
    pub(crate) fn signed(&mut self, value: i64) {
        let folded = (value << 1) ^ (value >> 63);
        self.number(u64::from_le_bytes(folded.to_le_bytes()));
    }

    /// Appends 16 bytes.
    pub(crate) fn wide(&mut self, value: u128) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    /// Appends a byte string with its length before it.
    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.number(u64::try_from(value.len()).unwrap_or(u64::MAX));
        self.raw(value);
    }

    /// Appends bytes as they are.
    pub(crate) fn raw(&mut self, value: &[u8]) {
        self.0.extend_from_slice(value);
    }

    /// The row.
    pub(crate) fn finish(self) -> Bytes {
        self.0.into()
    }
}

/// Reads a row from the front.
#[derive(Clone, Debug)]
pub(crate) struct RowReader<'a>(&'a [u8]);

impl<'a> RowReader<'a> {
    /// Reads a row of this format version; `None` for any other.
    pub(crate) fn new(row: &'a [u8], version: u8) -> Option<Self> {
        let (&first, rest) = row.split_first()?;
        (first == version).then_some(Self(rest))
    }

    /// One byte.
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    /// A number.
    pub(crate) fn number(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A number that fits 32 bits.
    pub(crate) fn number32(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }

    /// A number with a sign.
    pub(crate) fn signed(&mut self) -> Option<i64> {
        let folded = self.number()?;
        let value = i64::from_le_bytes((folded >> 1).to_le_bytes());
        Some(if folded & 1 == 0 { value } else { !value })
    }

    /// 16 bytes.
    pub(crate) fn wide(&mut self) -> Option<u128> {
        let (bytes, rest) = self.0.split_first_chunk::<16>()?;
        self.0 = rest;
        Some(u128::from_be_bytes(*bytes))
    }

    /// As many bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*bytes)
    }

    /// A byte string.
    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.raw(length)
    }

    /// So many bytes.
    pub(crate) fn raw(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    /// A byte string that is UTF-8.
    pub(crate) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// How many bytes are left.
    pub(crate) fn left(&self) -> usize {
        self.0.len()
    }

    /// Fails unless everything was read.
    pub(crate) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// The error of a row that cannot be read as what it should be.
pub(crate) fn corrupt(what: &str) -> MailError {
    MailError::Store(StoreError::Corrupt(Arc::from(what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_reads_back() {
        let mut row = RowWriter::new(3, 0);
        let numbers = [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX];
        let signed = [0, -1, 1, -64, 64, i64::MIN, i64::MAX];
        for n in numbers {
            row.number(n);
        }
        for n in signed {
            row.signed(n);
        }
        row.wide(u128::MAX - 7);
        row.bytes("ä".as_bytes());
        row.byte(9);
        row.raw(&[1, 2]);
        let row = row.finish();
        assert!(RowReader::new(&row, 2).is_none());
        let mut reader = RowReader::new(&row, 3).unwrap();
        assert!(numbers.into_iter().all(|n| reader.number() == Some(n)));
        assert!(signed.into_iter().all(|n| reader.signed() == Some(n)));
        assert_eq!((reader.wide(), reader.text(), reader.byte()), (Some(u128::MAX - 7), Some("ä"), Some(9)));
        assert_eq!(reader.clone().end(), None);
        assert_eq!(reader.array(), Some([1, 2]));
        assert_eq!(reader.end(), Some(()));
    }

    #[test]
    fn numbers_that_do_not_fit_or_do_not_end_are_refused() {
        assert_eq!(RowReader::new(&[1, 0x80, 0x80], 1).unwrap().number(), None);
        assert_eq!(RowReader::new(&[[1].as_slice(), &[0xff; 9], &[2]].concat(), 1).unwrap().number(), None);
        assert_eq!(RowReader::new(&[1, 200, 1], 1).unwrap().bytes(), None);
        assert!(RowReader::new(&[], 1).is_none());
    }
}
