//! ENABLE (RFC 5161).

use super::Command;
use crate::codec::{Cursor, ParseError};

/// What can be enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// CONDSTORE (RFC 7162 §3.1)
    CondStore,
    /// QRESYNC (RFC 7162 §3.2)
    QResync,
    /// `IMAP4rev2` (RFC 9051 §6.3.1)
    Imap4Rev2,
    /// UTF8=ACCEPT (RFC 9755 §3)
    Utf8Accept,
    /// UIDONLY (RFC 9586 §3)
    UidOnly,
    /// METADATA: what others change is told (RFC 5464 §4.1)
    Metadata,
    /// METADATA-SERVER: the same of the server's annotations alone (RFC 5464 §4.1)
    MetadataServer,
}

impl Extension {
    /// Those that ENABLE takes.
    pub const ALL: &[Self] = &[
        Self::CondStore,
        Self::QResync,
        Self::Imap4Rev2,
        Self::Utf8Accept,
        Self::UidOnly,
        Self::Metadata,
        Self::MetadataServer,
    ];

    /// The capability's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::CondStore => "CONDSTORE",
            Self::QResync => "QRESYNC",
            Self::Imap4Rev2 => "IMAP4rev2",
            Self::Utf8Accept => "UTF8=ACCEPT",
            Self::UidOnly => "UIDONLY",
            Self::Metadata => "METADATA",
            Self::MetadataServer => "METADATA-SERVER",
        }
    }

    pub(crate) const fn bit(self) -> u8 {
        match self {
            Self::CondStore => 1,
            Self::QResync => 2,
            Self::Imap4Rev2 => 4,
            Self::Utf8Accept => 8,
            Self::UidOnly => 16,
            Self::Metadata => 32,
            Self::MetadataServer => 64,
        }
    }
}

/// What a client wants enabled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enable {
    /// Each extension once; names that are not known are left out (RFC 5161 §3.1).
    pub extensions: Vec<Extension>,
}

/// ```text
/// enable = "ENABLE" 1*(SP capability)
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    let mut extensions = Vec::new();
    cursor.space()?;
    loop {
        let name = cursor.atom()?;
        let known = Extension::ALL.iter().copied().find(|e| e.name().eq_ignore_ascii_case(name));
        extensions.extend(known.filter(|e| !extensions.contains(e)));
        if !cursor.take_if(b' ') || cursor.rest().is_empty() {
            return Ok(Command::Enable(Enable { extensions }));
        }
    }
}
