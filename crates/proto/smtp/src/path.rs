//! Reverse-paths and forward-paths (RFC 5321 §4.1.2).

use crate::limits::PATH_MAX;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use types::{Address, DomainName};

/// Who a message comes from: where a bounce would go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ReversePath {
    /// `<>`: nobody; the message is itself a notification, and none may be sent about it.
    Null,
    /// An address.
    Address(Address),
}

/// Whom a message is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ForwardPath {
    /// `<Postmaster>` without a domain, in any case (RFC 5321 §4.5.1).
    Postmaster,
    /// An address.
    Address(Address),
}

/// Why something is no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Not between `<` and `>`.
    #[error("a path stands between < and >")]
    Brackets,
    /// Longer than [`PATH_MAX`].
    #[error("the path is too long")]
    TooLong,
    /// What stands between is no address.
    #[error("this is not an address")]
    Address,
}

/// A path as read, with what was noticed.
pub(crate) struct Parsed<'a, Path> {
    pub(crate) path: Path,
    /// It holds bytes beyond ASCII (RFC 6531 §3.3).
    pub(crate) utf8: bool,
    /// What stands behind the path.
    pub(crate) rest: &'a [u8],
}

/// `Reverse-path = Path / "<>"`
pub(crate) fn parse_reverse_path(input: &[u8]) -> Result<Parsed<'_, ReversePath>, PathError> {
    let (inside, rest) = split(input)?;
    if inside.is_empty() {
        return Ok(Parsed { path: ReversePath::Null, utf8: false, rest });
    }
    let (address, utf8) = parse_address(inside)?;
    Ok(Parsed { path: ReversePath::Address(address), utf8, rest })
}

/// `Forward-path = Path`, and `"<Postmaster>"`
pub(crate) fn parse_forward_path(input: &[u8]) -> Result<Parsed<'_, ForwardPath>, PathError> {
    let (inside, rest) = split(input)?;
    if inside.eq_ignore_ascii_case(b"postmaster") {
        return Ok(Parsed { path: ForwardPath::Postmaster, utf8: false, rest });
    }
    let (address, utf8) = parse_address(inside)?;
    Ok(Parsed { path: ForwardPath::Address(address), utf8, rest })
}

/// Cuts at the `>` that stands outside quotes; spaces before `<` are overlooked, as everyone does.
fn split(input: &[u8]) -> Result<(&[u8], &[u8]), PathError> {
    let inside = input.trim_ascii_start().strip_prefix(b"<").ok_or(PathError::Brackets)?;
    let (mut quoted, mut escaped) = (false, false);
    for (place, byte) in inside.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => {
                let (path, rest) = inside.split_at_checked(place).ok_or(PathError::Brackets)?;
                return Ok((path, rest.get(1..).unwrap_or_default()));
            }
            _ => {}
        }
    }
    Err(PathError::Brackets)
}

/// `[ A-d-l ":" ] Mailbox`; the source route is checked and ignored (RFC 5321 §4.1.2, appendix C).
fn parse_address(inside: &[u8]) -> Result<(Address, bool), PathError> {
    let text = std::str::from_utf8(inside).map_err(|_| PathError::Address)?;
    let mailbox = match text.strip_prefix('@') {
        Some(route) => {
            let (route, mailbox) = route.split_once(':').ok_or(PathError::Address)?;
            let mut hosts = route.split(',').enumerate();
            let host = |(place, host): (usize, &str)| {
                if place == 0 { Some(host) } else { host.strip_prefix('@') }
                    .is_some_and(|host| DomainName::parse(host).is_ok())
            };
            if !hosts.all(host) {
                return Err(PathError::Address);
            }
            mailbox
        }
        None => text,
    };
    if mailbox.len() > PATH_MAX.saturating_sub(2) {
        return Err(PathError::TooLong);
    }
    let address = Address::parse(mailbox).map_err(|error| match error {
        types::AddressError::TooLong => PathError::TooLong,
        _ => PathError::Address,
    })?;
    if address.domain().is_literal() && !is_address_literal(address.domain().as_str()) {
        return Err(PathError::Address);
    }
    Ok((address, !mailbox.is_ascii()))
}

/// `"[" ( IPv4-address-literal / IPv6-address-literal ) "]"` (RFC 5321 §4.1.3); no other tag was ever registered.
pub(crate) fn is_address_literal(text: &str) -> bool {
    let Some(inside) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else { return false };
    match inside.split_at_checked(5) {
        Some((tag, address)) if tag.eq_ignore_ascii_case("ipv6:") => address.parse::<Ipv6Addr>().is_ok(),
        _ => inside.parse::<Ipv4Addr>().is_ok(),
    }
}

impl ReversePath {
    /// The address, if there is one.
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Null => None,
            Self::Address(address) => Some(address),
        }
    }

    /// Whether it takes SMTPUTF8 to write it.
    pub fn needs_utf8(&self) -> bool {
        self.address().is_some_and(Address::needs_utf8)
    }
}

impl ForwardPath {
    /// Whether it takes SMTPUTF8 to write it.
    pub fn needs_utf8(&self) -> bool {
        matches!(self, Self::Address(address) if address.needs_utf8())
    }
}

impl fmt::Display for ReversePath {
    /// With its brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("<>"),
            Self::Address(address) => write!(f, "<{address}>"),
        }
    }
}

impl fmt::Display for ForwardPath {
    /// With its brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postmaster => f.write_str("<Postmaster>"),
            Self::Address(address) => write!(f, "<{address}>"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forward(text: &str) -> Result<String, PathError> {
        parse_forward_path(text.as_bytes()).map(|parsed| parsed.path.to_string())
    }

    #[test]
    fn paths_are_read_as_the_rfc_writes_them() {
        for (text, path) in [
            ("<anna@example.org>", "<anna@example.org>"),
            (" <anna@EXAMPLE.org>", "<anna@example.org>"),
            ("<POSTmaster>", "<Postmaster>"),
            ("<@a.example,@b.example:anna@example.org>", "<anna@example.org>"),
            ("<\"a>b\\\"c\"@example.org>", "<\"a>b\\\"c\"@example.org>"),
            ("<anna@[192.0.2.1]>", "<anna@[192.0.2.1]>"),
            ("<anna@[IPv6:2001:db8::1]>", "<anna@[ipv6:2001:db8::1]>"),
            ("<jörg@bücher.example>", "<jörg@xn--bcher-kva.example>"),
        ] {
            assert_eq!(forward(text).as_deref(), Ok(path), "{text}");
        }
        assert_eq!(
            parse_reverse_path(b"<> SIZE=1").map(|parsed| (parsed.path, parsed.rest)),
            Ok((ReversePath::Null, &b" SIZE=1"[..]))
        );
        assert!(parse_forward_path("<a@bücher.example>".as_bytes()).is_ok_and(|parsed| parsed.utf8));
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for bad in ["", "anna@example.org", "<anna@example.org", "<\"a@example.org>", "anna@example.org>"] {
            assert_eq!(forward(bad), Err(PathError::Brackets), "{bad}");
        }
        for bad in [
            "<>",
            "<anna>",
            "<anna@>",
            "<@example.org>",
            "<@a.example,b.example:a@c.example>",
            "<@:a@c.example>",
            "<a b@c.example>",
            "<anna@[300.0.0.1]>",
            "<anna@[IPv6:xyz]>",
            "<anna@[x]>",
            "<a@b@c.example>",
            "<<a@b.example>>",
        ] {
            assert_eq!(forward(bad), Err(PathError::Address), "{bad}");
        }
        assert_eq!(parse_forward_path(b"<\xff@example.org>").err(), parse_forward_path(b"<>").err());
    }

    #[test]
    fn a_path_has_256_octets_and_no_more() {
        let domain = |length: usize| "d.".repeat(length / 2);
        let fits = format!("<{}@{}d>", "l".repeat(64), domain(188));
        assert_eq!(fits.len(), PATH_MAX);
        assert!(forward(&fits).is_ok());
        assert_eq!(forward(&format!("<{}@{}dd>", "l".repeat(64), domain(188))), Err(PathError::TooLong));
    }
}
