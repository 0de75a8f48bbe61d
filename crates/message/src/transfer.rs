//! Content-Transfer-Encodings (RFC 2045 §6) undone as bytes stream by. Nothing is refused: bytes that have no meaning
//! are left out of base64 and kept as they are in quoted-printable, as RFC 2045 §6.7 and §6.8 advise.

use crate::TransferEncoding;

/// Undoes a transfer encoding.
#[derive(Clone, Debug)]
pub enum TransferDecoder {
    /// 7bit, 8bit, binary; also an encoding nobody knows.
    Identity,
    /// base64
    Base64(Base64Decoder),
    /// quoted-printable
    QuotedPrintable(QuotedPrintableDecoder),
}

impl TransferDecoder {
    /// A decoder at the start of a body.
    pub fn new(encoding: TransferEncoding) -> Self {
        match encoding {
            TransferEncoding::Identity | TransferEncoding::Unknown => Self::Identity,
            TransferEncoding::Base64 => Self::Base64(Base64Decoder::default()),
            TransferEncoding::QuotedPrintable => Self::QuotedPrintable(QuotedPrintableDecoder::default()),
        }
    }

    /// Appends what the next bytes of the body decode to; never more bytes than came in (and were held back).
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Identity => out.extend_from_slice(input),
            Self::Base64(decoder) => decoder.push(input, out),
            Self::QuotedPrintable(decoder) => decoder.push(input, out),
        }
    }

    /// Appends what was held back at the end of the body.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::Identity => {}
            Self::Base64(decoder) => decoder.flush(out),
            Self::QuotedPrintable(decoder) => decoder.finish(out),
        }
    }
}

#[expect(clippy::indexing_slicing, reason = "evaluated when compiled: out of bounds is a compile error")]
const fn base64_values() -> [u8; 256] {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut table = [0xff; 256];
    let mut value = 0u8;
    while value < 64 {
        table[alphabet[value as usize] as usize] = value;
        value += 1;
    }
    table
}

/// The six bits a base64 digit stands for, 0xff for other bytes.
static BASE64: [u8; 256] = base64_values();

/// Undoes base64.
#[derive(Clone, Debug, Default)]
pub struct Base64Decoder {
    bits: u32,
    digits: u8,
}

impl Base64Decoder {
    /// Appends what these bytes decode to.
    pub fn push(&mut self, mut input: &[u8], out: &mut Vec<u8>) {
        out.reserve(input.len() / 4 * 3 + 3);
        while !input.is_empty() {
            if self.digits == 0 {
                input = decode_quads(input, out);
            }
            let Some((byte, rest)) = input.split_first() else { return };
            input = rest;
            self.digit(*byte, out);
        }
    }

    fn digit(&mut self, byte: u8, out: &mut Vec<u8>) {
        if byte == b'=' {
            self.flush(out);
            return;
        }
        let value = BASE64.get(usize::from(byte)).copied().unwrap_or(0xff);
        if value == 0xff {
            return;
        }
        self.bits = self.bits << 6 | u32::from(value);
        self.digits += 1;
        if self.digits == 4 {
            let [_, a, b, c] = self.bits.to_be_bytes();
            out.extend_from_slice(&[a, b, c]);
            (self.bits, self.digits) = (0, 0);
        }
    }

    /// Padding or the end: two digits hold one whole byte, three hold two.
    fn flush(&mut self, out: &mut Vec<u8>) {
        let [_, a, b, _] = (self.bits << (6 * u32::from(4 - self.digits.min(4)))).to_be_bytes();
        match self.digits {
            2 => out.push(a),
            3 => out.extend_from_slice(&[a, b]),
            _ => {}
        }
        (self.bits, self.digits) = (0, 0);
    }
}

/// Decodes whole groups of four digits from the front; returns what is left.
fn decode_quads<'a>(input: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let (quads, _) = input.as_chunks::<4>();
    let mut done = 0;
    for quad in quads {
        let values = quad.map(|byte| BASE64.get(usize::from(byte)).copied().unwrap_or(0xff));
        if values.iter().any(|value| value & 0xc0 != 0) {
            break;
        }
        let bits = values.iter().fold(0u32, |sum, value| sum << 6 | u32::from(*value));
        out.extend_from_slice(bits.to_be_bytes().get(1..).unwrap_or_default());
        done += 4;
    }
    input.get(done..).unwrap_or_default()
}

/// How much white space is held back that may turn out to stand at the end of a line.
const WHITE_SPACE_MAX: usize = 256;

/// Undoes quoted-printable.
#[derive(Clone, Debug, Default)]
pub struct QuotedPrintableDecoder {
    /// An escape that is not whole: `=`, `=A`, `= \t`, `=\r`.
    escape: Vec<u8>,
    /// White space, and perhaps a CR, whose line may end here (RFC 2045 §6.7 rule 3).
    white: Vec<u8>,
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

impl QuotedPrintableDecoder {
    /// Appends what these bytes decode to.
    pub fn push(&mut self, mut input: &[u8], out: &mut Vec<u8>) {
        while let Some((&byte, rest)) = input.split_first() {
            if self.escape.is_empty() && self.white.is_empty() {
                let plain = input.iter().position(|b| matches!(b, b'=' | b' ' | b'\t' | b'\r')).unwrap_or(input.len());
                let (run, after) = input.split_at_checked(plain).unwrap_or_default();
                if !run.is_empty() {
                    out.extend_from_slice(run);
                    input = after;
                    continue;
                }
            }
            input = rest;
            self.byte(byte, out);
        }
    }

    fn byte(&mut self, byte: u8, out: &mut Vec<u8>) {
        if !self.escape.is_empty() {
            self.escaped(byte, out);
            return;
        }
        match byte {
            b'=' => {
                out.append(&mut self.white);
                self.escape.push(byte);
            }
            b' ' | b'\t' | b'\r' => {
                if self.white.len() >= WHITE_SPACE_MAX || self.white.last() == Some(&b'\r') {
                    out.append(&mut self.white);
                }
                self.white.push(byte);
            }
            b'\n' => {
                if self.white.last() == Some(&b'\r') {
                    out.push(b'\r');
                }
                self.white.clear();
                out.push(byte);
            }
            _ => {
                out.append(&mut self.white);
                out.push(byte);
            }
        }
    }

    fn escaped(&mut self, byte: u8, out: &mut Vec<u8>) {
        match (self.escape.as_slice(), byte) {
            (_, b'\n') if self.escape.iter().skip(1).all(|b| matches!(b, b' ' | b'\t' | b'\r')) => {
                self.escape.clear();
            }
            ([_], b' ' | b'\t' | b'\r') => self.escape.push(byte),
            ([_], _) if hex(byte).is_some() => self.escape.push(byte),
            ([_, high], _) if hex(*high).is_some() && hex(byte).is_some() => {
                out.push(hex(*high).unwrap_or(0) << 4 | hex(byte).unwrap_or(0));
                self.escape.clear();
            }
            ([_, first, ..], b' ' | b'\t' | b'\r') if hex(*first).is_none() && self.escape.len() < WHITE_SPACE_MAX => {
                self.escape.push(byte);
            }
            _ => {
                // Not an escape: what stands there is meant.
                out.append(&mut self.escape);
                self.byte(byte, out);
            }
        }
    }

    /// Appends what was held back; white space before the end of the body is not content.
    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.escape.len() > 1 && self.escape.iter().skip(1).any(|b| hex(*b).is_some()) {
            out.append(&mut self.escape);
        }
        self.escape.clear();
        self.white.clear();
    }
}
