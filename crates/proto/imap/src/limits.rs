//! What one connection may cost.

use std::num::NonZeroU32;
use std::time::Duration;
use types::Octets;

/// Longest command before login, literals included.
pub const COMMAND_BEFORE_LOGIN_MAX: Octets = Octets::kib(8);
/// Longest command after login, literals included (but for a message that APPEND streams).
pub const COMMAND_MAX: Octets = Octets::kib(64);
/// Largest literal before login.
pub const LITERAL_BEFORE_LOGIN_MAX: Octets = Octets::kib(4);
/// Longest line of a SASL exchange, in base64 (RFC 4954 §4 names 12,288 for SMTP; the same here).
pub const SASL_LINE_MAX: Octets = Octets(12_288);
/// How much of a refused command is read and thrown away before login; a longer one costs the connection.
pub const DISCARD_BEFORE_LOGIN_MAX: Octets = Octets::kib(64);
/// How much of a refused command is read and thrown away after login; a longer one costs the connection.
pub const DISCARD_MAX: Octets = Octets::mib(256);
/// How much unread input may wait while a command runs; see `Connection::wants_input`.
pub const PIPELINE_MAX: Octets = Octets::kib(64);
/// Refused commands before login, failed sign-ins among them, or BAD answers without a good command in between after it,
/// until the server says BYE.
pub const BAD_COMMANDS_MAX: u32 = 20;
/// Commands before login, whatever they are, until the server says BYE. POP3 and SMTP have the same.
pub const COMMANDS_BEFORE_LOGIN_MAX: u32 = 100;
/// How long a connection may stay without a whole command before login.
pub const LOGIN_TIMEOUT: Duration = Duration::from_mins(2);
/// How long a logged-in connection may stay silent (RFC 3501 §5.4 asks for at least 30 minutes).
pub const IDLE_TIMEOUT: Duration = Duration::from_mins(30);
/// How long a message literal may make no progress.
pub const LITERAL_TIMEOUT: Duration = Duration::from_mins(5);
/// Largest piece of a message literal handed out at once.
pub const APPEND_CHUNK_MAX: Octets = Octets::kib(64);

/// Most messages that one APPEND may bring (RFC 3502): they are one batch, and until it is made they are held.
pub const APPEND_MESSAGES_MAX: usize = 1000;

/// Most parts that CATENATE may put together to one message (RFC 4469, which knows no limit): each URL is looked up.
pub const CATENATE_PARTS_MAX: usize = 1000;

/// The largest message, where nothing else is said.
pub const MESSAGE_MAX: Octets = Octets::mib(50);

/// How many messages one command may take (RFC 9738 §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageLimit {
    /// As many as there are.
    #[default]
    None,
    /// MESSAGELIMIT: so many, whatever the command does with them.
    Every(NonZeroU32),
    /// SAVELIMIT: so many where messages are saved, in COPY and APPEND.
    Saving(NonZeroU32),
}

impl MessageLimit {
    /// How many a command may take that reads, changes or moves messages.
    pub fn of_every(self) -> Option<NonZeroU32> {
        if let Self::Every(limit) = self { Some(limit) } else { None }
    }

    /// How many COPY and APPEND may take.
    pub fn of_saving(self) -> Option<NonZeroU32> {
        if let Self::Every(limit) | Self::Saving(limit) = self { Some(limit) } else { None }
    }
}

/// The limits of a connection. `Default` gives the constants of this module.
#[derive(Clone, Debug)]
pub struct Limits {
    /// See [`COMMAND_BEFORE_LOGIN_MAX`].
    pub command_before_login_max: Octets,
    /// See [`COMMAND_MAX`].
    pub command_max: Octets,
    /// See [`LITERAL_BEFORE_LOGIN_MAX`].
    pub literal_before_login_max: Octets,
    /// See [`SASL_LINE_MAX`].
    pub sasl_line_max: Octets,
    /// See [`DISCARD_BEFORE_LOGIN_MAX`].
    pub discard_before_login_max: Octets,
    /// See [`DISCARD_MAX`].
    pub discard_max: Octets,
    /// See [`PIPELINE_MAX`].
    pub pipeline_max: Octets,
    /// See [`BAD_COMMANDS_MAX`].
    pub bad_commands_max: u32,
    /// See [`COMMANDS_BEFORE_LOGIN_MAX`].
    pub commands_before_login_max: u32,
    /// See [`LOGIN_TIMEOUT`].
    pub login_timeout: Duration,
    /// See [`IDLE_TIMEOUT`].
    pub idle_timeout: Duration,
    /// See [`LITERAL_TIMEOUT`].
    pub literal_timeout: Duration,
    /// See [`APPEND_CHUNK_MAX`].
    pub append_chunk_max: Octets,
    /// See [`APPEND_MESSAGES_MAX`].
    pub append_messages_max: usize,
    /// How many messages one command may take. The session keeps to it; it is announced.
    pub message_limit: MessageLimit,
    /// The largest message, as APPENDLIMIT tells it (RFC 7889 §2); the session keeps to it.
    pub message_max: Octets,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            command_before_login_max: COMMAND_BEFORE_LOGIN_MAX,
            command_max: COMMAND_MAX,
            literal_before_login_max: LITERAL_BEFORE_LOGIN_MAX,
            sasl_line_max: SASL_LINE_MAX,
            discard_before_login_max: DISCARD_BEFORE_LOGIN_MAX,
            discard_max: DISCARD_MAX,
            pipeline_max: PIPELINE_MAX,
            bad_commands_max: BAD_COMMANDS_MAX,
            commands_before_login_max: COMMANDS_BEFORE_LOGIN_MAX,
            login_timeout: LOGIN_TIMEOUT,
            idle_timeout: IDLE_TIMEOUT,
            literal_timeout: LITERAL_TIMEOUT,
            append_chunk_max: APPEND_CHUNK_MAX,
            append_messages_max: APPEND_MESSAGES_MAX,
            message_limit: MessageLimit::None,
            message_max: MESSAGE_MAX,
        }
    }
}

impl Limits {
    /// How many messages of one APPEND are handed out. Where a message limit is announced it holds instead, and the
    /// session refuses the first one too many with its code.
    pub(crate) fn append_room(&self) -> usize {
        let announced = self.message_limit.of_saving();
        announced.map_or(self.append_messages_max, |limit| {
            usize::try_from(limit.get()).unwrap_or(usize::MAX).saturating_add(1)
        })
    }
}
