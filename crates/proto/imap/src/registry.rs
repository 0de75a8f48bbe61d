//! One row per command: its name, where it is legal, what announces it and who parses it.

use crate::codec::{Cursor, ParseError, UID_REQUIRED};
use crate::command::append::Opening;
use crate::command::{self, Command, bare};
use crate::connection::State;

/// Where a command is legal (RFC 3501 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Everywhere.
    Any,
    /// Only before login.
    NotAuthenticated,
    /// After login, with or without a mailbox.
    Authenticated,
    /// Only with a mailbox.
    Selected,
}

/// What a literal in a command's arguments is.
#[derive(Clone, Copy, Debug)]
pub enum Literals {
    /// A string like any other, kept whole.
    Strings,
    /// Behind what this reads, messages or parts of them, streamed (APPEND).
    Messages(Opening),
}

/// A command's parser: the cursor stands behind its name; `true` if it had the `UID` prefix.
pub type Parser = fn(&mut Cursor<'_>, bool) -> Result<Command, ParseError>;

/// A command's row.
#[derive(Debug)]
pub struct Spec {
    /// Its name in capitals.
    pub name: &'static str,
    /// Whether there is a form with the `UID` prefix (RFC 3501 §6.4.8).
    pub uid: bool,
    /// Where it is legal.
    pub stage: Stage,
    /// The capability that announces it; `None` if `IMAP4rev1` does.
    pub capability: Option<&'static str>,
    /// What its literals are.
    pub literals: Literals,
    /// Reads its arguments.
    pub parse: Parser,
}

const fn row(name: &'static str, stage: Stage, parse: Parser) -> Spec {
    Spec { name, uid: false, stage, capability: None, literals: Literals::Strings, parse }
}

impl Spec {
    const fn and_uid(self) -> Self {
        Self { uid: true, ..self }
    }

    const fn announced(self, capability: &'static str) -> Self {
        Self { capability: Some(capability), ..self }
    }

    const fn streaming(self, open: Opening) -> Self {
        Self { literals: Literals::Messages(open), ..self }
    }

    /// Whether the command may be given in this state; else why not.
    pub fn allowed_in(&self, state: State) -> Result<(), &'static str> {
        match (self.stage, state) {
            (Stage::Any, _)
            | (Stage::NotAuthenticated, State::NotAuthenticated)
            | (Stage::Authenticated, State::Authenticated | State::Selected)
            | (Stage::Selected, State::Selected) => Ok(()),
            (Stage::NotAuthenticated, _) => Err("Already logged in"),
            (_, State::NotAuthenticated) => Err("Log in first"),
            (Stage::Selected, _) => Err("Select a mailbox first"),
            (_, State::Logout) => Err("Already logged out"),
        }
    }
}

/// Every command we understand.
pub static COMMANDS: &[Spec] = &[
    row("CAPABILITY", Stage::Any, bare::CAPABILITY),
    row("NOOP", Stage::Any, bare::NOOP),
    row("LOGOUT", Stage::Any, bare::LOGOUT),
    row("ID", Stage::Any, command::id::parse).announced("ID"),
    row("LANGUAGE", Stage::Any, command::language::parse).announced("LANGUAGE"),
    row("STARTTLS", Stage::NotAuthenticated, bare::STARTTLS),
    row("AUTHENTICATE", Stage::NotAuthenticated, command::authenticate::parse),
    row("LOGIN", Stage::NotAuthenticated, command::login::parse),
    row("UNAUTHENTICATE", Stage::Authenticated, bare::UNAUTHENTICATE).announced("UNAUTHENTICATE"),
    row("ENABLE", Stage::Authenticated, command::enable::parse).announced("ENABLE"),
    row("COMPARATOR", Stage::Authenticated, command::comparator::parse).announced("I18NLEVEL=2"),
    row("SELECT", Stage::Authenticated, command::select::parse),
    row("EXAMINE", Stage::Authenticated, command::examine::parse),
    row("CREATE", Stage::Authenticated, command::create::parse),
    row("DELETE", Stage::Authenticated, command::delete::parse),
    row("RENAME", Stage::Authenticated, command::rename::parse),
    row("SUBSCRIBE", Stage::Authenticated, command::subscribe::parse),
    row("UNSUBSCRIBE", Stage::Authenticated, command::unsubscribe::parse),
    row("LIST", Stage::Authenticated, command::list::parse),
    row("XLIST", Stage::Authenticated, command::list::parse_xlist),
    row("LSUB", Stage::Authenticated, command::lsub::parse),
    row("NAMESPACE", Stage::Authenticated, bare::NAMESPACE).announced("NAMESPACE"),
    row("STATUS", Stage::Authenticated, command::status::parse),
    row("APPEND", Stage::Authenticated, command::append::parse).streaming(command::append::open),
    row("GETACL", Stage::Authenticated, command::getacl::parse).announced("ACL"),
    row("SETACL", Stage::Authenticated, command::setacl::parse),
    row("DELETEACL", Stage::Authenticated, command::deleteacl::parse),
    row("LISTRIGHTS", Stage::Authenticated, command::listrights::parse),
    row("MYRIGHTS", Stage::Authenticated, command::myrights::parse),
    row("GETMETADATA", Stage::Authenticated, command::getmetadata::parse).announced("METADATA"),
    row("SETMETADATA", Stage::Authenticated, command::setmetadata::parse),
    row("GETQUOTA", Stage::Authenticated, command::getquota::parse).announced("QUOTA"),
    row("GETQUOTAROOT", Stage::Authenticated, command::getquotaroot::parse),
    row("SETQUOTA", Stage::Authenticated, command::setquota::parse).announced("QUOTASET"),
    row("IDLE", Stage::Authenticated, bare::IDLE).announced("IDLE"),
    row("COMPRESS", Stage::Authenticated, command::compress::parse).announced("COMPRESS=DEFLATE"),
    row("NOTIFY", Stage::Authenticated, command::notify::parse).announced("NOTIFY"),
    row("CHECK", Stage::Selected, bare::CHECK),
    row("CLOSE", Stage::Selected, bare::CLOSE),
    row("UNSELECT", Stage::Selected, bare::UNSELECT).announced("UNSELECT"),
    row("EXPUNGE", Stage::Selected, command::expunge::parse).and_uid(),
    row("SEARCH", Stage::Selected, command::search::parse).and_uid(),
    row("SORT", Stage::Selected, command::sort::parse).and_uid().announced("SORT"),
    row("THREAD", Stage::Selected, command::thread::parse).and_uid(),
    row("ESEARCH", Stage::Authenticated, command::esearch::parse).announced("MULTISEARCH"),
    row("CANCELUPDATE", Stage::Selected, command::cancel_update::parse).announced("CONTEXT=SEARCH"),
    row("FETCH", Stage::Selected, command::fetch::parse).and_uid(),
    row("STORE", Stage::Selected, command::store::parse).and_uid(),
    row("COPY", Stage::Selected, command::copy::parse).and_uid(),
    row("MOVE", Stage::Selected, command::r#move::parse).and_uid().announced("MOVE"),
    row("REPLACE", Stage::Selected, command::append::parse)
        .and_uid()
        .streaming(command::replace::open)
        .announced("REPLACE"),
    row("UIDBATCHES", Stage::Selected, command::uid_batches::parse).announced("UIDBATCHES"),
    // The prefix itself, so that the state is judged before what follows it.
    row("UID", Stage::Selected, uid_alone),
];

/// `UID` without a command that has such a form.
fn uid_alone(_: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    Err(ParseError::Syntax("UID takes COPY, EXPUNGE, FETCH, MOVE, REPLACE, SEARCH, SORT, STORE or THREAD"))
}

/// Capabilities that no single command stands for.
pub const CAPABILITIES: &[&str] = &[
    "LITERAL+",
    "SASL-IR",
    "CHILDREN",
    "UIDPLUS",
    "MULTIAPPEND",
    "BINARY",
    "CATENATE",
    "URL-PARTIAL",
    "SPECIAL-USE",
    "CREATE-SPECIAL-USE",
    "LIST-EXTENDED",
    "LIST-STATUS",
    "STATUS=SIZE",
    "UTF8=ACCEPT",
    "CONDSTORE",
    "QRESYNC",
    "UIDONLY",
    "PREVIEW",
    "OBJECTID",
    "SAVEDATE",
    "ESEARCH",
    "SEARCHRES",
    "WITHIN",
    "PARTIAL",
    "SORT=DISPLAY",
    "ESORT",
    "CONTEXT=SORT",
    "THREAD=ORDEREDSUBJECT",
    "THREAD=REFERENCES",
    "THREAD=REFS",
    "INPROGRESS",
    // RFC 4314 §5.1.1: the rights beside those of RFC 2086.
    "RIGHTS=kxte",
    "METADATA-SERVER",
    "LIST-METADATA",
    "LIST-MYRIGHTS",
    "QUOTA=RES-STORAGE",
    "QUOTA=RES-MESSAGE",
    "QUOTA=RES-MAILBOX",
];

/// The row of a command.
pub fn find(name: &str) -> Option<&'static Spec> {
    COMMANDS.iter().find(|row| row.name.eq_ignore_ascii_case(name))
}

/// Tag and name at the front of a command.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    pub(crate) spec: &'static Spec,
    pub(crate) uid: bool,
    /// Stands behind the name.
    pub(crate) arguments: Cursor<'a>,
}

/// Reads the name of a command behind its tag, and whether it may be given in this state.
///
/// ```text
/// command = tag SP (command-any / command-auth / command-nonauth / command-select) CRLF
/// uid     = "UID" SP (copy / fetch / search / store)
/// ```
pub(crate) fn parse_head<'a>(cursor: &Cursor<'a>, state: State) -> Result<Head<'a>, ParseError> {
    const UNKNOWN: ParseError = ParseError::Syntax("There is no such command");
    let mut arguments = cursor.clone();
    arguments.space()?;
    let mut uid = false;
    let mut spec = find(arguments.word()?).ok_or(UNKNOWN)?;
    if spec.name == "UID" && arguments.take_if(b' ') {
        uid = true;
        spec = find(arguments.word()?).filter(|s| s.uid).ok_or(UNKNOWN)?;
    }
    spec.allowed_in(state).map_err(ParseError::Syntax)?;
    // RFC 9586 §3.2, §3.8: EXPUNGE names no messages, all others do so by their sequence numbers where UID is missing.
    if spec.uid && !uid && spec.name != "EXPUNGE" && cursor.enabled().uid_only() {
        return Err(UID_REQUIRED);
    }
    Ok(Head { spec, uid, arguments })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_name_in_any_case_and_has_no_double() {
        for row in COMMANDS {
            assert_eq!(find(&row.name.to_ascii_lowercase()).unwrap().name, row.name);
            assert_eq!(COMMANDS.iter().filter(|other| other.name == row.name).count(), 1);
        }
        assert!(find("FROB").is_none());
    }

    #[test]
    fn a_command_is_legal_only_in_its_states() {
        let legal = |name: &str| {
            let states = [State::NotAuthenticated, State::Authenticated, State::Selected];
            states.map(|state| find(name).unwrap().allowed_in(state).is_ok())
        };
        assert_eq!(legal("NOOP"), [true, true, true]);
        assert_eq!(legal("LOGIN"), [true, false, false]);
        assert_eq!(legal("SELECT"), [false, true, true]);
        assert_eq!(legal("FETCH"), [false, false, true]);
    }
}
