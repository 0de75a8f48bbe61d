//! Mail addresses: what stands in a path of RFC 5321 §4.1.2, checked and normalised once.

use std::fmt;
use unicode_normalization::UnicodeNormalization;

/// Longest local part in bytes (RFC 5321 §4.5.3.1.1).
const LOCAL_PART_MAX: usize = 64;
/// Longest domain in bytes (RFC 5321 §4.5.3.1.2).
const DOMAIN_MAX: usize = 255;

/// A domain in its canonical form: A-labels, small letters, no dot at the end; or an address literal in brackets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(Box<str>);

/// A mail address: local part and domain. Equality is that of the canonical form with the local part as written;
/// the directory compares [`Address::canonical_local`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    local: Box<str>,
    domain: DomainName,
}

/// Why a string is no address or domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// There is no `@`, or nothing before it.
    #[error("an address has a local part, an @ and a domain")]
    NoLocalPart,
    /// A character that the local part may not hold outside quotes, or unbalanced quotes.
    #[error("the local part is not a dot-string or a quoted string")]
    LocalPart,
    /// The domain is not one.
    #[error("the domain is not valid")]
    Domain,
    /// Too long.
    #[error("the address is too long")]
    TooLong,
}

impl DomainName {
    /// Checks and normalises a domain: U-labels become A-labels (IDNA, UTS 46), letters small, a dot at the end goes.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if let Some(literal) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            let fits = !literal.is_empty()
                && literal.len() <= DOMAIN_MAX
                && literal.bytes().all(|b| b.is_ascii_alphanumeric() || b":.-".contains(&b));
            return if fits { Ok(Self(text.to_ascii_lowercase().into())) } else { Err(AddressError::Domain) };
        }
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.len() > 4 * DOMAIN_MAX {
            return Err(AddressError::TooLong);
        }
        let ascii =
            idna::domain_to_ascii_cow(text.as_bytes(), idna::AsciiDenyList::EMPTY).map_err(|_| AddressError::Domain)?;
        let label_fits = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if ascii.len() > DOMAIN_MAX {
            return Err(AddressError::TooLong);
        }
        if !ascii.split('.').all(label_fits) {
            return Err(AddressError::Domain);
        }
        Ok(Self(ascii.to_ascii_lowercase().into()))
    }

    /// The canonical form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is an address literal such as `[127.0.0.1]`.
    pub fn is_literal(&self) -> bool {
        self.0.starts_with('[')
    }
}

impl Address {
    /// Reads `local@domain`; the local part is a dot-string (UTF-8 as RFC 6531 permits) or a quoted string, whose
    /// quotes are taken off.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::NoLocalPart)?;
        let local: String = match local.strip_prefix('"') {
            Some(rest) => unquote(rest.strip_suffix('"').ok_or(AddressError::LocalPart)?)?,
            None if local.is_empty() => return Err(AddressError::NoLocalPart),
            None if local.split('.').all(is_atom) => local.nfc().collect(),
            None => return Err(AddressError::LocalPart),
        };
        if local.len() > LOCAL_PART_MAX {
            return Err(AddressError::TooLong);
        }
        Ok(Self { local: local.into(), domain: DomainName::parse(domain)? })
    }

    /// An address of a local part without quotes, as [`Address::local`] or [`Address::canonical_local`] gave it, and a
    /// domain.
    pub fn from_parts(local: &str, domain: &str) -> Result<Self, AddressError> {
        // Small letters can take more bytes than the capitals that were written, composing fewer.
        if local.len() > 3 * LOCAL_PART_MAX {
            return Err(AddressError::TooLong);
        }
        if local.chars().any(char::is_control) {
            return Err(AddressError::LocalPart);
        }
        Ok(Self { local: local.into(), domain: DomainName::parse(domain)? })
    }

    /// The local part, unquoted, in the case it was written in.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The local part as the directory compares it: lower case, normal form C.
    pub fn canonical_local(&self) -> String {
        self.local.to_lowercase().nfc().collect()
    }

    /// The domain.
    pub fn domain(&self) -> &DomainName {
        &self.domain
    }

    /// Whether it takes SMTPUTF8 to write this address (RFC 6531).
    pub fn needs_utf8(&self) -> bool {
        !self.local.is_ascii()
    }
}

fn is_atom(text: &str) -> bool {
    let fits =
        |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || (!c.is_ascii() && !c.is_control());
    !text.is_empty() && text.chars().all(fits)
}

fn unquote(text: &str) -> Result<String, AddressError> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(c) if !c.is_control() => out.push(c),
                _ => return Err(AddressError::LocalPart),
            },
            '"' => return Err(AddressError::LocalPart),
            c if c.is_control() => return Err(AddressError::LocalPart),
            c => out.push(c),
        }
    }
    Ok(out.nfc().collect())
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Address {
    /// The form that a path has between `<` and `>`, quoted where it must be.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.local.split('.').all(is_atom) {
            return write!(f, "{}@{}", self.local, self.domain);
        }
        f.write_str("\"")?;
        for c in self.local.chars() {
            if matches!(c, '"' | '\\') {
                f.write_str("\\")?;
            }
            fmt::Write::write_char(f, c)?;
        }
        write!(f, "\"@{}", self.domain)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_normalised_once() {
        assert_eq!(DomainName::parse("Bücher.Example.").unwrap().as_str(), "xn--bcher-kva.example");
        assert_eq!(DomainName::parse("EXAMPLE.org").unwrap().as_str(), "example.org");
        assert!(DomainName::parse("[127.0.0.1]").unwrap().is_literal());
        for bad in ["", ".", "a..b", "-a.b", "a b", "[", "[]", "[a b]", &"a.".repeat(200), &"a".repeat(64)] {
            assert!(DomainName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_address_is_put_together_of_its_parts() {
        for text in ["Ann@example.org", "\"a b\"@example.org", "Ünal@example.org"] {
            let address = Address::parse(text).unwrap();
            assert_eq!(Address::from_parts(address.local(), address.domain().as_str()), Ok(address));
        }
        assert_eq!(Address::from_parts("a\nb", "example.org"), Err(AddressError::LocalPart));
        assert_eq!(Address::from_parts(&"a".repeat(193), "example.org"), Err(AddressError::TooLong));
    }

    #[test]
    fn addresses_print_as_they_can_be_read_again() {
        for text in ["anna@example.org", "\"a b\"@example.org", "\"a\\\"\\\\b\"@x.example", "jörg+x@example.org"] {
            let address = Address::parse(text).unwrap();
            assert_eq!(address.to_string(), text);
            assert_eq!(Address::parse(&address.to_string()), Ok(address));
        }
        assert_eq!(Address::parse("\"anna\"@example.org").unwrap().to_string(), "anna@example.org");
        assert_eq!(Address::parse("JÖRG@example.org").unwrap().canonical_local(), "jörg");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in
            ["", "anna", "@example.org", "a b@example.org", ".a@b.c", "a.@b.c", "\"a@b.c", "a\r\n@b.c", "<a@b.c>"]
        {
            assert!(Address::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Address::parse(&format!("{}@b.c", "l".repeat(64))).is_ok());
        assert_eq!(Address::parse(&format!("{}@b.c", "l".repeat(65))), Err(AddressError::TooLong));
    }
}
