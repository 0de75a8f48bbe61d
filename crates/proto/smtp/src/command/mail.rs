//! MAIL (RFC 5321 §4.1.1.2).

use super::{Request, parse_parameters};
use crate::path::{PathError, parse_reverse_path};
use crate::{Reply, ReversePath, extension};
use types::Octets;

/// How the body is coded (RFC 6152 §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Body {
    /// Not said, or said to be 7 bit. What really comes is taken as it is.
    #[default]
    SevenBit,
    /// `BODY=8BITMIME`
    EightBitMime,
}

/// A transaction begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Where a bounce would go.
    pub reverse_path: ReversePath,
    /// The size that SIZE announced (RFC 1870 §6): never above the limit.
    pub size: Option<Octets>,
    /// How the body is coded.
    pub body: Body,
    /// Whether SMTPUTF8 was asked for (RFC 6531 §3.4).
    pub utf8: bool,
}

/// `MAIL FROM:<reverse-path> [SP Mail-parameters]`
pub(crate) fn parse(arguments: &[u8]) -> Result<Request, Reply> {
    let path =
        strip_prefix(arguments, b"FROM:").ok_or_else(|| Reply::new(501, 5, 2, "MAIL FROM:<address> is needed"))?;
    let parsed = parse_reverse_path(path).map_err(|error| match error {
        PathError::TooLong => Reply::new(501, 1, 7, "The sender's address is too long"),
        PathError::Brackets | PathError::Address => Reply::new(501, 1, 7, "The sender's address is malformed"),
    })?;
    let mut mail = Mail { reverse_path: parsed.path, size: None, body: Body::SevenBit, utf8: false };
    for (keyword, value) in parse_parameters(parsed.rest)? {
        extension::read_mail_parameter(keyword, value, &mut mail)?;
    }
    if parsed.utf8 && !mail.utf8 {
        return Err(Reply::new(553, 6, 7, "Such an address needs SMTPUTF8"));
    }
    Ok(Request::Mail(mail))
}

/// Takes a word off, in any case.
pub(super) fn strip_prefix<'a>(arguments: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = arguments.split_at_checked(word.len())?;
    head.eq_ignore_ascii_case(word).then_some(rest)
}
