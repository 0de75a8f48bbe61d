//! Small encodings that every file of the store is made of: variable-length numbers and checksums.

/// The checksum of a record, which also covers the record before it.
pub(crate) type Chain = [u8; 16];

/// Most bytes of a variable-length number.
pub(crate) const VARINT_MAX: usize = 10;

/// Appends a number, seven bits a byte, low ones first.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Appends bytes after their length.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, len64(bytes));
    out.extend_from_slice(bytes);
}

/// The checksum of one block: the first eight bytes of its BLAKE3 hash.
pub(crate) fn sum64(data: &[u8]) -> u64 {
    let mut sum = [0; 8];
    blake3::Hasher::new().update(data).finalize_xof().fill(&mut sum);
    u64::from_le_bytes(sum)
}

/// The checksum of `parts` and of what came before.
pub(crate) fn chain(before: &Chain, parts: &[&[u8]]) -> Chain {
    let mut hasher = blake3::Hasher::new();
    hasher.update(before);
    for part in parts {
        hasher.update(part);
    }
    let mut chain = Chain::default();
    hasher.finalize_xof().fill(&mut chain);
    chain
}

/// A length as a 64-bit number.
pub(crate) fn len64(bytes: &[u8]) -> u64 {
    wide(bytes.len())
}

/// A size as a 64-bit number (no machine we run on has larger ones).
pub(crate) fn wide(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

/// A 64-bit number as a size, as large as the machine can say.
pub(crate) fn narrow(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

/// Reads what the functions above wrote; `None` at whatever does not fit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for index in 0..VARINT_MAX {
            let byte = self.byte()?;
            let low = u64::from(byte & 0x7f);
            let shift = u32::try_from(index).ok()? * 7;
            let shifted = low.checked_shl(shift)?;
            if shifted >> shift != low {
                return None;
            }
            value |= shifted;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.varint()?).ok()?;
        self.take(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_they_went_in() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            let mut reader = Reader(&out);
            assert_eq!(reader.varint(), Some(value));
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn a_number_that_is_too_large_or_cut_is_refused() {
        assert_eq!(Reader(&[0xff; 9]).varint(), None);
        assert_eq!(Reader(&[0xff; 11]).varint(), None);
        let mut past = vec![0xff; 9];
        past.push(2);
        assert_eq!(Reader(&past).varint(), None);
        past.pop();
        past.push(1);
        assert_eq!(Reader(&past).varint(), Some(u64::MAX));
    }

    #[test]
    fn a_chain_depends_on_what_came_before() {
        assert_ne!(chain(&[0; 16], &[b"x"]), chain(&[1; 16], &[b"x"]));
        assert_eq!(chain(&[0; 16], &[b"x", b"y"]), chain(&[0; 16], &[b"xy"]));
    }
}
