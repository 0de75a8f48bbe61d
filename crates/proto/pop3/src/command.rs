//! The commands as values; each file parses the arguments of one.

pub mod auth;
pub mod capa;
pub mod dele;
pub mod lang;
pub mod list;
pub mod noop;
pub mod pass;
pub mod quit;
pub mod retr;
pub mod rset;
pub mod stat;
pub mod stls;
pub mod top;
pub mod uidl;
pub mod user;
pub mod utf8;

pub use auth::AuthStart;
pub use pass::PasswordAttempt;
pub use top::Top;

use std::num::NonZeroU32;
use types::Secret;

/// A message's number in this session (RFC 1939 §5), as the client wrote it: whether it exists the session knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageNumber(pub NonZeroU32);

/// A command that the session has to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// USER and PASS. Answer: `login_succeeded` or `login_failed`.
    Password(PasswordAttempt),
    /// AUTH. Answer: `challenge`, `login_succeeded` or `login_failed`.
    Auth(AuthStart),
    /// The client's next word in a SASL exchange, decoded. Answer as for [`Command::Auth`].
    AuthResponse(Secret<Vec<u8>>),
    /// STAT. Answer: `stat`.
    Stat,
    /// LIST of one message (answer: `list_one`) or of all (answer: `begin_list`, `list_line` …, `end_list`).
    List(Option<MessageNumber>),
    /// UIDL of one message (answer: `uidl_one`) or of all (answer: `begin_list`, `uidl_line` …, `end_list`).
    Uidl(Option<MessageNumber>),
    /// RETR. Answer: `begin_message`, `message_chunk` …, `end_message`.
    Retr(MessageNumber),
    /// TOP. Answer as for [`Command::Retr`]; `message_chunk` says when it has enough.
    Top(Top),
    /// DELE: mark it. Answer: `ok` or `err`.
    Dele(MessageNumber),
    /// RSET: take all marks back. Answer: `ok`.
    Rset,
    /// QUIT after the sign-in: remove what is marked. Answer: `ok` once it is durable, or `err`; the connection ends
    /// either way (RFC 1939 §6).
    Quit,
}

/// What a line says, before the machine decides who answers it.
#[derive(Debug)]
pub(crate) enum Request {
    User(String),
    Pass(Secret<Vec<u8>>),
    Auth(auth::Arguments),
    Capa,
    Lang(Option<String>),
    Utf8,
    Stls,
    Noop,
    Stat,
    List(Option<MessageNumber>),
    Uidl(Option<MessageNumber>),
    Retr(MessageNumber),
    Top(Top),
    Dele(MessageNumber),
    Rset,
    Quit,
}

/// Why the arguments of a known command were not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ArgumentError {
    /// An argument where there is none.
    #[error("This command takes no argument")]
    Superfluous,
    /// No number from 1 on.
    #[error("A message number is needed")]
    MessageNumber,
    /// TOP without a count of lines.
    #[error("TOP needs a message number and a number of lines")]
    LineCount,
    /// USER without a name, or with one that is no text.
    #[error("A name is needed")]
    Name,
    /// PASS without a password.
    #[error("A password is needed")]
    Password,
    /// AUTH without a mechanism's name.
    #[error("A mechanism is needed")]
    Mechanism,
    /// LANG with what is no language range.
    #[error("A language is needed")]
    Language,
    /// An initial response that is no base64 (RFC 5034 §4).
    #[error("The response is not valid base64")]
    Base64,
}

/// `no arguments`; spaces at the end are overlooked.
pub(crate) fn parse_nothing(arguments: &[u8]) -> Result<(), ArgumentError> {
    if arguments.trim_ascii().is_empty() { Ok(()) } else { Err(ArgumentError::Superfluous) }
}

/// `msg = 1*DIGIT`, not zero (RFC 1939 §5).
pub(crate) fn parse_message_number(argument: &[u8]) -> Result<MessageNumber, ArgumentError> {
    parse_number(argument).and_then(NonZeroU32::new).map(MessageNumber).ok_or(ArgumentError::MessageNumber)
}

/// `[msg]`
pub(crate) fn parse_optional_message_number(arguments: &[u8]) -> Result<Option<MessageNumber>, ArgumentError> {
    match arguments.trim_ascii() {
        b"" => Ok(None),
        argument => parse_message_number(argument).map(Some),
    }
}

/// Digits only, below 2^32.
pub(crate) fn parse_number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 10 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}
