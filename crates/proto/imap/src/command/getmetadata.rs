//! GETMETADATA (RFC 5464 §4.2).

use super::Command;
use crate::codec::{Cursor, ParseError};
use types::{EntryName, MailboxName};

/// Most entries that one command names.
pub const ENTRIES_MAX: usize = 100;

/// How far below an entry to look (RFC 5464 §4.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// `0`: the entry itself.
    #[default]
    Zero,
    /// `1`: the entry and those right below it.
    One,
    /// `infinity`: the entry and all below it.
    Infinity,
}

impl Depth {
    /// Whether an entry so many levels below is meant.
    pub fn reaches(self, levels: usize) -> bool {
        match self {
            Self::Zero => levels == 0,
            Self::One => levels <= 1,
            Self::Infinity => true,
        }
    }
}

/// Which annotations to tell; the same for the METADATA return option of LIST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entries {
    /// Values above this size are not told (`MAXSIZE`).
    pub max_size: Option<u32>,
    /// `DEPTH`
    pub depth: Depth,
    /// The entries, each once.
    pub names: Vec<EntryName>,
}

/// Which annotations of what to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetMetadata {
    /// The mailbox; `None` for the server.
    pub mailbox: Option<MailboxName>,
    /// Which.
    pub entries: Entries,
}

/// ```text
/// getmetadata         = "GETMETADATA" [SP getmetadata-options] SP mailbox SP entries
/// getmetadata-options = "(" getmetadata-option *(SP getmetadata-option) ")"
/// ```
///
/// The options are taken behind the mailbox too: so they stand in the examples of RFC 5464 §4.2.1.
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let mut entries = Entries { max_size: None, depth: Depth::Zero, names: Vec::new() };
    if cursor.peek() == Some(b'(') {
        parse_options(cursor, &mut entries)?;
        cursor.space()?;
    }
    let mailbox = cursor.mailbox_or_server()?;
    cursor.space()?;
    if cursor.peek() == Some(b'(') && cursor.rest().get(1).is_some_and(u8::is_ascii_alphabetic) {
        parse_options(cursor, &mut entries)?;
        cursor.space()?;
    }
    parse_names(cursor, &mut entries.names)?;
    Ok(Command::GetMetadata(GetMetadata { mailbox, entries }))
}

/// ```text
/// maxsize-opt = "MAXSIZE" SP number
/// scope-opt   = "DEPTH" SP ("0" / "1" / "infinity")
/// ```
fn parse_options(cursor: &mut Cursor<'_>, entries: &mut Entries) -> Result<(), ParseError> {
    cursor.expect(b'(', "A list of options is missing")?;
    loop {
        match cursor.word()?.to_ascii_uppercase().as_str() {
            "MAXSIZE" => {
                cursor.space()?;
                entries.max_size = Some(cursor.number()?);
            }
            "DEPTH" => {
                cursor.space()?;
                entries.depth = match cursor.word()?.to_ascii_lowercase().as_str() {
                    "0" => Depth::Zero,
                    "1" => Depth::One,
                    "infinity" => Depth::Infinity,
                    _ => return Err(ParseError::Syntax("DEPTH is 0, 1 or infinity")),
                };
            }
            _ => return Err(ParseError::Syntax("There is no such option")),
        }
        if cursor.take_if(b')') {
            return Ok(());
        }
        cursor.space()?;
    }
}

/// `entries = entry / "(" entry *(SP entry) ")"`
pub(super) fn parse_names(cursor: &mut Cursor<'_>, names: &mut Vec<EntryName>) -> Result<(), ParseError> {
    if !cursor.take_if(b'(') {
        names.push(parse_name(cursor)?);
        return Ok(());
    }
    loop {
        let name = parse_name(cursor)?;
        if !names.contains(&name) {
            names.push(name);
        }
        if names.len() > ENTRIES_MAX {
            return Err(ParseError::Syntax("Too many entries"));
        }
        if cursor.take_if(b')') {
            return Ok(());
        }
        cursor.space()?;
    }
}

/// `entry = astring`; one that is not valid is a BAD (RFC 5464 §3.2).
pub(super) fn parse_name(cursor: &mut Cursor<'_>) -> Result<EntryName, ParseError> {
    EntryName::parse(&cursor.astring()?).map_err(|_| ParseError::Syntax("That is not the name of an entry"))
}
