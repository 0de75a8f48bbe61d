//! BDAT (RFC 3030 §2).

use super::Request;
use crate::Reply;

/// A chunk of a message that follows the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) size: u64,
    pub(crate) last: bool,
}

/// `BDAT SP chunk-size [ SP end-marker ]`
pub(crate) fn parse(arguments: &[u8]) -> Result<Request, Reply> {
    let fault = || Reply::new(501, 5, 4, "BDAT needs a size and perhaps LAST");
    let mut words = arguments.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let digits = words.next().filter(|digits| digits.iter().all(u8::is_ascii_digit)).ok_or_else(fault)?;
    let size = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).ok_or_else(fault)?;
    let last = match words.next() {
        None => false,
        Some(word) if word.eq_ignore_ascii_case(b"LAST") => true,
        Some(_) => return Err(fault()),
    };
    if words.next().is_some() {
        return Err(fault());
    }
    Ok(Request::Bdat(Chunk { size, last }))
}
