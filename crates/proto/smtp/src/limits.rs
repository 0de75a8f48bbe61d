//! How much a peer may ask of one connection.

use std::time::Duration;
use types::Octets;

/// Longest command line in bytes with its CRLF (RFC 5321 §4.5.3.1.4); extensions add to it.
pub const COMMAND_LINE_MAX: usize = 512;
/// Longest AUTH line, and longest line of its exchange, in bytes with its CRLF (RFC 4954 §4).
pub const AUTH_LINE_MAX: usize = 12_288;
/// Longest path in bytes with its brackets (RFC 5321 §4.5.3.1.3), a source route not counted.
pub const PATH_MAX: usize = 256;
/// Longest line of a message in bytes without its CRLF. RFC 5321 §4.5.3.1.6 says 998; mail in the wild does not.
pub const TEXT_LINE_MAX: usize = 1024 * 1024;
/// Largest message.
pub const MESSAGE_MAX: Octets = Octets::mib(50);
/// Most bytes of a refused message that are read and thrown away before the connection is cut.
pub const DISCARD_MAX: Octets = Octets::mib(256);
/// Most recipients of one message (RFC 5321 §4.5.3.1.8: at least 100).
pub const RECIPIENTS_MAX: usize = 1000;
/// Most bytes of commands received and not yet understood.
pub const INPUT_MAX: usize = 16 * 1024;
/// Most bytes of a message received and not yet handed out.
pub const BODY_INPUT_MAX: usize = 64 * 1024;
/// Own answers pause when this many bytes of output wait.
pub const OUTPUT_MAX: usize = 32 * 1024;
/// Most faulty commands per connection.
pub const ERRORS_MAX: u32 = 20;
/// Most commands between two messages that bring no message nearer (NOOP, RSET, VRFY, HELP, EHLO).
pub const IDLE_COMMANDS_MAX: u32 = 100;
/// Most EHLO, MAIL and RCPT that the session refuses between two messages: who tries names ends here, a large mailing
/// list with many dead members does not.
pub const REFUSALS_MAX: u32 = 2000;
/// Most failed sign-ins per connection.
pub const LOGIN_FAILURES_MAX: u32 = 5;
/// How long the next command may take (RFC 5321 §4.5.3.2.7).
pub const COMMAND_TIMEOUT: Duration = Duration::from_mins(5);
/// How long the next bytes of a message may take.
pub const DATA_TIMEOUT: Duration = Duration::from_mins(5);
/// How long one message may take altogether.
pub const TRANSFER_TIMEOUT: Duration = Duration::from_hours(2);

/// The limits of one server connection; the defaults are the constants of this module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest command line in bytes with its CRLF, before what extensions add.
    pub command_line_max: usize,
    /// Longest line of AUTH and its exchange in bytes with its CRLF.
    pub auth_line_max: usize,
    /// Longest line of a message in bytes without its CRLF.
    pub text_line_max: usize,
    /// Largest message; announced by SIZE.
    pub message_max: Octets,
    /// Most bytes of a refused message that are thrown away before the connection is cut.
    pub discard_max: Octets,
    /// Most recipients of one message.
    pub recipients_max: usize,
    /// Most bytes of commands held; raised to the longest line where it is less.
    pub input_max: usize,
    /// Most bytes of a message held; no chunk is larger.
    pub body_input_max: usize,
    /// The machine's own answers pause when this many bytes of output wait.
    pub output_max: usize,
    /// Most faulty commands per connection.
    pub errors_max: u32,
    /// Most commands between two messages that bring no message nearer.
    pub idle_commands_max: u32,
    /// Most EHLO, MAIL and RCPT that the session refuses between two messages.
    pub refusals_max: u32,
    /// Most failed sign-ins per connection.
    pub login_failures_max: u32,
    /// How long the next command may take.
    pub command_timeout: Duration,
    /// How long the next bytes of a message may take.
    pub data_timeout: Duration,
    /// How long one message may take altogether.
    pub transfer_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            command_line_max: COMMAND_LINE_MAX,
            auth_line_max: AUTH_LINE_MAX,
            text_line_max: TEXT_LINE_MAX,
            message_max: MESSAGE_MAX,
            discard_max: DISCARD_MAX,
            recipients_max: RECIPIENTS_MAX,
            input_max: INPUT_MAX,
            body_input_max: BODY_INPUT_MAX,
            output_max: OUTPUT_MAX,
            errors_max: ERRORS_MAX,
            idle_commands_max: IDLE_COMMANDS_MAX,
            refusals_max: REFUSALS_MAX,
            login_failures_max: LOGIN_FAILURES_MAX,
            command_timeout: COMMAND_TIMEOUT,
            data_timeout: DATA_TIMEOUT,
            transfer_timeout: TRANSFER_TIMEOUT,
        }
    }
}
