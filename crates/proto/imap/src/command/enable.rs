//! ENABLE (RFC 5161).

use super::Command;
use crate::codec::{Cursor, ParseError};

/// What can be enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// CONDSTORE (RFC 7162 §3.1)
    CondStore,
}

impl Extension {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::CondStore];

    /// The capability's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::CondStore => "CONDSTORE",
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
        let known = Extension::ALL.into_iter().find(|e| e.name().eq_ignore_ascii_case(name));
        extensions.extend(known.filter(|e| !extensions.contains(e)));
        if !cursor.take_if(b' ') || cursor.rest().is_empty() {
            return Ok(Command::Enable(Enable { extensions }));
        }
    }
}
