//! EHLO, HELO (RFC 5321 §4.1.1.1) and LHLO (RFC 2033 §4.1).

use super::Request;
use crate::Reply;

/// Longest name in bytes (RFC 5321 §4.5.3.1.2).
const NAME_MAX: usize = 255;

/// Which greeting it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HelloVerb {
    /// SMTP with extensions.
    Ehlo,
    /// SMTP without.
    Helo,
    /// LMTP.
    Lhlo,
}

/// The client's greeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Which one.
    pub verb: HelloVerb,
    /// Who it says it is: printable ASCII without a space, 1 to 255 bytes. Whether it is a domain or an address
    /// literal, and whether it is true, the session judges: half the Internet gets it wrong.
    pub name: String,
}

/// `( Domain / address-literal )`
fn parse(verb: HelloVerb, arguments: &[u8]) -> Result<Request, Reply> {
    let name = arguments.trim_ascii();
    if name.is_empty() || name.len() > NAME_MAX || !name.iter().all(u8::is_ascii_graphic) {
        return Err(Reply::new(501, 5, 4, "A domain or an address literal is needed"));
    }
    Ok(Request::Hello(Hello { verb, name: String::from_utf8_lossy(name).into_owned() }))
}

/// `EHLO`
pub(crate) fn parse_ehlo(arguments: &[u8]) -> Result<Request, Reply> {
    parse(HelloVerb::Ehlo, arguments)
}

/// `HELO`
pub(crate) fn parse_helo(arguments: &[u8]) -> Result<Request, Reply> {
    parse(HelloVerb::Helo, arguments)
}

/// `LHLO`
pub(crate) fn parse_lhlo(arguments: &[u8]) -> Result<Request, Reply> {
    parse(HelloVerb::Lhlo, arguments)
}
