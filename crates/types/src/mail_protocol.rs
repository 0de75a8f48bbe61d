//! The protocols that people sign in to, and sets of them.

use std::fmt;

/// A protocol that people sign in to: what an app password may be limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MailProtocol {
    /// IMAP.
    Imap,
    /// POP3.
    Pop3,
    /// SMTP submission.
    Smtp,
}

impl MailProtocol {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Imap, Self::Pop3, Self::Smtp];

    /// Its name as people write it, in small letters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Smtp => "smtp",
        }
    }

    /// Its number in rows, never changed; one bit each.
    fn bit(self) -> u8 {
        match self {
            Self::Imap => 1,
            Self::Pop3 => 2,
            Self::Smtp => 4,
        }
    }

    /// The number that rows have for it.
    pub fn number(self) -> u8 {
        self.bit()
    }

    /// Reads [`MailProtocol::number`].
    pub fn of_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.bit() == number)
    }
}

impl fmt::Display for MailProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Imap => "IMAP",
            Self::Pop3 => "POP3",
            Self::Smtp => "SMTP",
        })
    }
}

/// A set of protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Protocols(u8);

impl Protocols {
    /// None.
    pub const NONE: Self = Self(0);
    /// Every one there is.
    pub const ALL: Self = Self(7);

    /// With one more.
    #[must_use]
    pub fn with(self, protocol: MailProtocol) -> Self {
        Self(self.0 | protocol.bit())
    }

    /// Whether it is in.
    pub fn contains(self, protocol: MailProtocol) -> bool {
        self.0 & protocol.bit() != 0
    }

    /// Those in it.
    pub fn iter(self) -> impl Iterator<Item = MailProtocol> {
        MailProtocol::ALL.into_iter().filter(move |protocol| self.contains(*protocol))
    }

    /// The number that rows have for it.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Reads [`Protocols::bits`]; `None` if there is one that this version does not know.
    pub fn of_bits(bits: u8) -> Option<Self> {
        (bits & !Self::ALL.0 == 0).then_some(Self(bits))
    }

    /// Reads names with commas between them, such as `imap,smtp`; `None` if one is unknown or there is none.
    pub fn parse(text: &str) -> Option<Self> {
        text.split(',').try_fold(Self::NONE, |set, word| {
            let word = word.trim();
            let named = MailProtocol::ALL.into_iter().find(|protocol| protocol.name().eq_ignore_ascii_case(word));
            named.map(|protocol| set.with(protocol))
        })
    }
}

impl fmt::Display for Protocols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(MailProtocol::name).collect();
        f.write_str(&names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_reads_back_from_its_text_and_its_bits() {
        for bits in 1..=7 {
            let set = Protocols::of_bits(bits).unwrap();
            assert_eq!(Protocols::parse(&set.to_string()), Some(set));
            assert_eq!(set.iter().fold(Protocols::NONE, Protocols::with), set);
        }
        assert_eq!(Protocols::parse("SMTP, imap").unwrap().to_string(), "imap,smtp");
        assert_eq!((Protocols::of_bits(8), Protocols::parse(""), Protocols::parse("imap,nntp")), (None, None, None));
        for protocol in MailProtocol::ALL {
            assert_eq!(MailProtocol::of_number(protocol.number()), Some(protocol));
        }
    }
}
