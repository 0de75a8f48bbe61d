//! The two alphabets of crypt(3).

/// Of all but bcrypt: six bits each, the lowest first.
const LOW_FIRST: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Of bcrypt: as Base64 orders bits.
const BCRYPT: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

fn place(alphabet: &[u8; 64], c: u8) -> Option<u8> {
    alphabet.iter().position(|of| *of == c).and_then(|place| u8::try_from(place).ok())
}

/// The value of one character.
pub(super) fn value(c: u8) -> Option<u8> {
    place(LOW_FIRST, c)
}

/// Text to bytes, six bits a character, the lowest first; bits that fill no byte are dropped.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    for group in text.as_bytes().chunks(4) {
        let mut bits = 0_u32;
        for (shift, c) in (0_u32..).step_by(6).zip(group) {
            bits |= u32::from(value(*c)?) << shift;
        }
        // Two characters hold one byte, three two, four three; one holds none.
        let [first, second, third, _] = bits.to_le_bytes();
        bytes.extend([first, second, third].into_iter().take(group.len().checked_sub(1).filter(|held| *held > 0)?));
    }
    Some(bytes)
}

/// Up to three bytes, the first one lowest, in so many characters.
pub(super) fn encode_group(out: &mut String, bytes: [u8; 3], chars: usize) {
    let [low, middle, high] = bytes;
    let mut bits = u32::from_le_bytes([low, middle, high, 0]);
    for _ in 0..chars {
        let place = usize::try_from(bits & 63).unwrap_or(0);
        out.extend(LOW_FIRST.get(place).map(|c| char::from(*c)));
        bits >>= 6;
    }
}

/// Bcrypt's text to bytes; bits that fill no byte are dropped, as it does itself.
pub(super) fn decode_bcrypt(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut held) = (Vec::with_capacity(text.len()), 0_u32, 0_u32);
    for c in text.bytes() {
        bits = ((bits << 6) | u32::from(place(BCRYPT, c)?)) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.extend(u8::try_from((bits >> held) & 0xff));
        }
    }
    Some(bytes)
}
