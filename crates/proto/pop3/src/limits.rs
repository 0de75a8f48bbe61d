//! How much a peer may ask of one connection.

use std::time::Duration;

/// Longest command line in bytes with its CRLF (RFC 2449 §4).
pub const COMMAND_LINE_MAX: usize = 255;
/// Longest AUTH line, and longest line of a SASL exchange, in bytes with its CRLF (the figure of RFC 4954 §4).
pub const AUTH_LINE_MAX: usize = 12_288;
/// Longest PASS line in bytes with its CRLF: the longest password fits.
///
/// Deviation: RFC 2449 §4 stops at 255, which would keep out who has a long passphrase, and hide that it came in clear.
pub const PASS_LINE_MAX: usize = "PASS ".len() + types::PASSWORD_MAX + "\r\n".len();
/// Most bytes received and not yet understood that are held.
pub const INPUT_MAX: usize = 16 * 1024;
/// Own answers pause when this many bytes of output wait.
pub const OUTPUT_MAX: usize = 32 * 1024;
/// Most faulty commands per connection.
pub const ERRORS_MAX: u32 = 20;
/// Most commands before the sign-in.
pub const COMMANDS_BEFORE_LOGIN_MAX: u32 = 100;
/// Most failed sign-ins per connection.
pub const LOGIN_FAILURES_MAX: u32 = 5;
/// Idle time before the sign-in.
///
/// Deviation: RFC 1939 §3 asks for ten minutes; before the sign-in a connection costs us and nobody needs it that long.
pub const IDLE_BEFORE_LOGIN: Duration = Duration::from_mins(3);
/// Idle time after the sign-in (RFC 1939 §3: at least ten minutes).
pub const IDLE: Duration = Duration::from_mins(10);

/// The limits of one connection; the defaults are the constants of this module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest command line in bytes with its CRLF.
    pub command_line_max: usize,
    /// Longest line of AUTH and its exchange in bytes with its CRLF.
    pub auth_line_max: usize,
    /// Longest PASS line in bytes with its CRLF.
    pub pass_line_max: usize,
    /// Most bytes of input held; raised to the longest line where it is less.
    pub input_max: usize,
    /// The machine's own answers pause when this many bytes of output wait.
    pub output_max: usize,
    /// Most faulty commands per connection.
    pub errors_max: u32,
    /// Most commands before the sign-in.
    pub commands_before_login_max: u32,
    /// Most failed sign-ins per connection.
    pub login_failures_max: u32,
    /// Idle time before the sign-in.
    pub idle_before_login: Duration,
    /// Idle time after the sign-in.
    pub idle: Duration,
}

impl Limits {
    /// How long a line that begins like this may be, its CRLF included.
    pub(crate) fn line_max(&self, line: &[u8]) -> usize {
        let is = |verb: &[u8]| line.get(..verb.len()).is_some_and(|head| head.eq_ignore_ascii_case(verb));
        if is(b"AUTH ") {
            self.auth_line_max
        } else if is(b"PASS ") {
            self.pass_line_max
        } else {
            self.command_line_max
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            command_line_max: COMMAND_LINE_MAX,
            auth_line_max: AUTH_LINE_MAX,
            pass_line_max: PASS_LINE_MAX,
            input_max: INPUT_MAX,
            output_max: OUTPUT_MAX,
            errors_max: ERRORS_MAX,
            commands_before_login_max: COMMANDS_BEFORE_LOGIN_MAX,
            login_failures_max: LOGIN_FAILURES_MAX,
            idle_before_login: IDLE_BEFORE_LOGIN,
            idle: IDLE,
        }
    }
}
