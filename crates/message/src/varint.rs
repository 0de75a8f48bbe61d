//! Numbers of variable length (LEB128, at most ten bytes) and byte strings with their length before them.

/// Appends `value` in seven-bit groups, lowest first.
pub(crate) fn put(out: &mut Vec<u8>, mut value: u64) {
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

/// Appends `bytes` with their length before them.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, size(bytes.len()));
    out.extend_from_slice(bytes);
}

/// Takes a number off the front; `None` if there is no whole one.
pub(crate) fn take(input: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = input.split_first()?;
        *input = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Takes a byte string off the front; `None` if it is not all there.
pub(crate) fn take_bytes<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take(input)?).ok()?;
    let (bytes, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(bytes)
}

/// A length in memory as a number.
pub(crate) fn size(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_strings_read_back_and_short_ones_do_not() {
        let mut out = Vec::new();
        let numbers = [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX];
        for number in numbers {
            put(&mut out, number);
        }
        put_bytes(&mut out, b"abc");
        let mut rest = out.as_slice();
        for number in numbers {
            assert_eq!(take(&mut rest), Some(number));
        }
        assert_eq!(take_bytes(&mut rest), Some(&b"abc"[..]));
        assert_eq!(take(&mut rest), None);
        assert_eq!(take(&mut &[0x80; 20][..]), None);
        assert_eq!(take_bytes(&mut &[200, 1][..]), None);
    }
}
