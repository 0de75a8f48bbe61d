//! Mailbox names in modified UTF-7 (RFC 3501 §5.1.3), both ways, with every rule checked.

use std::fmt::Write as _;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/// Why bytes are no modified UTF-7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotModifiedUtf7;

/// Whether a byte stands for itself: printable ASCII but `&`.
fn is_direct(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'&'
}

/// Reads modified UTF-7.
///
/// # Errors
/// Bytes that are not printable ASCII; a shift that is not closed, is empty or holds no whole UTF-16; unpaired
/// surrogates; bits left over that are not zero; printable ASCII in base64; a shift right after another.
/// So each text has exactly one form, and [`encode`] gives it back.
pub fn decode(wire: &[u8]) -> Result<String, NotModifiedUtf7> {
    let mut text = String::with_capacity(wire.len());
    let mut rest = wire;
    let mut after_shift = false;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte != b'&' {
            if !is_direct(byte) {
                return Err(NotModifiedUtf7);
            }
            text.push(char::from(byte));
            rest = tail;
            after_shift = false;
            continue;
        }
        let end = memchr::memchr(b'-', tail).ok_or(NotModifiedUtf7)?;
        let (shifted, tail) = tail.split_at_checked(end).ok_or(NotModifiedUtf7)?;
        rest = tail.get(1..).unwrap_or_default();
        if shifted.is_empty() {
            text.push('&');
            after_shift = false;
            continue;
        }
        if after_shift {
            return Err(NotModifiedUtf7);
        }
        decode_shifted(shifted, &mut text)?;
        after_shift = true;
    }
    Ok(text)
}

/// Reads what stands between `&` and `-`: UTF-16, big endian, in base64 with `,` for `/` and no padding.
fn decode_shifted(shifted: &[u8], text: &mut String) -> Result<(), NotModifiedUtf7> {
    let mut units = Vec::with_capacity(shifted.len() * 6 / 16);
    let (mut bits, mut count) = (0u32, 0u32);
    for byte in shifted {
        let value = ALPHABET.iter().position(|c| c == byte).ok_or(NotModifiedUtf7)?;
        bits = bits << 6 | u32::try_from(value).map_err(|_| NotModifiedUtf7)?;
        count += 6;
        if count >= 16 {
            count -= 16;
            units.push(u16::try_from(bits >> count & 0xffff).map_err(|_| NotModifiedUtf7)?);
            bits &= (1 << count) - 1;
        }
    }
    // Six bits or more left over would be a character that says nothing, and what is left must be zero.
    if count >= 6 || bits != 0 || units.is_empty() {
        return Err(NotModifiedUtf7);
    }
    for unit in char::decode_utf16(units) {
        let c = unit.map_err(|_| NotModifiedUtf7)?;
        if matches!(c, ' '..='~') {
            return Err(NotModifiedUtf7);
        }
        text.push(c);
    }
    Ok(())
}

/// Writes text as modified UTF-7.
pub fn encode(text: &str) -> String {
    let mut wire = String::with_capacity(text.len());
    let mut shift: Option<(u32, u32)> = None;
    for c in text.chars() {
        if matches!(c, ' '..='~') {
            if let Some(left) = shift.take() {
                close_shift(&mut wire, left);
            }
            wire.push(c);
            if c == '&' {
                wire.push('-');
            }
            continue;
        }
        let (mut bits, mut count) = shift.unwrap_or_else(|| {
            wire.push('&');
            (0, 0)
        });
        for unit in c.encode_utf16(&mut [0; 2]) {
            bits = bits << 16 | u32::from(*unit);
            count += 16;
            while count >= 6 {
                count -= 6;
                push_digit(&mut wire, bits >> count);
                bits &= (1 << count) - 1;
            }
        }
        shift = Some((bits, count));
    }
    if let Some(left) = shift {
        close_shift(&mut wire, left);
    }
    wire
}

fn close_shift(wire: &mut String, (bits, count): (u32, u32)) {
    if count > 0 {
        push_digit(wire, bits << (6 - count));
    }
    wire.push('-');
}

fn push_digit(wire: &mut String, value: u32) {
    let digit = usize::try_from(value & 63).ok().and_then(|place| ALPHABET.get(place));
    // Writing to a String does not fail.
    let _ = wire.write_char(digit.map_or('A', |b| char::from(*b)));
}

#[cfg(test)]
mod tests;
