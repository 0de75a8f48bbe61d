//! Letters whose bytes follow from their name, and the dice that decide everything.

/// A sequence of numbers that a seed decides (xorshift64*).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 16) % end
    }

    pub(crate) fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

/// The field that names a letter.
pub(crate) const FIELD: &str = "X-Kill-Id: ";
/// A body above this size gets a segment of its own in the embedded engine.
const LARGE: u64 = 1_200_000;

/// The letter of this name: the same bytes every time, of any size up to more than a megabyte.
pub(crate) fn letter(name: &str) -> Vec<u8> {
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    let mut dice = Dice::new(seed);
    let bits = 8 + dice.below(7);
    let size = if dice.one_in(80) { LARGE + dice.below(200_000) } else { 200 + dice.below(1 << bits) };
    let mut out = format!("{FIELD}{name}\r\nFrom: a@example.org\r\nSubject: {name}\r\n\r\n").into_bytes();
    let end = out.len() + usize::try_from(size).unwrap_or(200);
    while out.len() < end {
        // Half of the lines compress well, half do not.
        let line = if dice.one_in(2) { format!("{:016x}{:016x}", dice.next(), dice.next()) } else { ".".repeat(60) };
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// The name in a letter's header.
pub(crate) fn name_in(message: &[u8]) -> Option<String> {
    let place = message.windows(FIELD.len()).position(|w| w == FIELD.as_bytes())? + FIELD.len();
    let rest = message.get(place..)?;
    let end = rest.iter().position(|b| *b == b'\r' || *b == b'\n').unwrap_or(rest.len());
    Some(String::from_utf8_lossy(rest.get(..end)?).into_owned())
}
