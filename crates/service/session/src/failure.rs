//! The line in the log for each sign-in that failed. Programs such as fail2ban read it, so its form never changes:
//!
//! ```text
//! auth failure proto=imap rip=192.0.2.9 user=anna@example.org reason=password trace=17
//! ```
//!
//! `trace` is the connection's number. All that a client wrote is escaped: no name makes a second field or a second
//! line. `packaging/fail2ban` has the filter.

use domain::{Origin, SignInError};
use std::fmt::{self, Write as _};
use tracing::warn;
use types::MailProtocol;

/// The `tracing` target of these lines.
pub const AUTH_TARGET: &str = "postamt::auth";
/// How many bytes of a name are shown.
const NAME_MAX: usize = 200;

/// Tells of a sign-in that failed. One that failed by our own trouble is not the client's, and has lines of its own.
pub(crate) fn auth_failure(origin: &Origin<'_>, name: &str, error: &SignInError) {
    if let Some(reason) = reason(error) {
        warn!(target: AUTH_TARGET, "{}", Line { origin, name, reason });
    }
}

fn reason(error: &SignInError) -> Option<&'static str> {
    match error {
        SignInError::Denied => Some("password"),
        SignInError::Throttled { .. } => Some("throttled"),
        SignInError::Locked => Some("locked"),
        SignInError::Expired => Some("expired"),
        SignInError::NotPermitted => Some("protocol"),
        SignInError::Busy | SignInError::Fault(_) => None,
    }
}

struct Line<'a> {
    origin: &'a Origin<'a>,
    name: &'a str,
    reason: &'static str,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, name, reason } = self;
        let proto = match origin.protocol {
            MailProtocol::Imap => "imap",
            MailProtocol::Pop3 => "pop3",
            MailProtocol::Smtp => "smtp",
        };
        write!(f, "auth failure proto={proto} rip=")?;
        match origin.peer {
            Some(peer) => write!(f, "{}", peer.to_canonical())?,
            None => f.write_str("-")?,
        }
        write!(f, " user={} reason={reason} trace={}", Escaped(name), origin.connection)
    }
}

/// A name as one word: what is no letter, digit or one of `@._+-` is written as `%` and two hexadecimal digits a byte.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_char('-');
        }
        let end = self.0.floor_char_boundary(NAME_MAX.min(self.0.len()));
        for character in self.0.get(..end).unwrap_or_default().chars() {
            if character.is_alphanumeric() || "@._+-".contains(character) {
                f.write_char(character)?;
                continue;
            }
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                write!(f, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn line(name: &str, error: &SignInError) -> Option<String> {
        let origin = Origin {
            peer: "192.0.2.9".parse().ok(),
            protocol: MailProtocol::Imap,
            program: None,
            mechanism: "PLAIN",
            connection: 17,
        };
        Some(Line { origin: &origin, name, reason: reason(error)? }.to_string())
    }

    #[test]
    fn the_line_is_always_the_same() {
        let of = |error| line("anna@example.org", &error).unwrap();
        assert_eq!(
            of(SignInError::Denied),
            "auth failure proto=imap rip=192.0.2.9 user=anna@example.org reason=password trace=17"
        );
        assert!(of(SignInError::Throttled { retry: Duration::ZERO }).contains(" reason=throttled "));
        assert_eq!(line("anna", &SignInError::Busy), None, "that is our trouble");
    }

    #[test]
    fn a_name_cannot_make_fields_or_lines() {
        let with = |name: &str| line(name, &SignInError::Denied).unwrap();
        let evil = with("x rip=198.51.100.1\r\nauth failure \u{1b}[2J%41\u{2028}");
        assert!(evil.contains(" user=x%20rip%3D198.51.100.1%0D%0Aauth%20failure%20%1B%5B2J%2541%E2%80%A8 reason="));
        assert!(with("").contains(" user=- reason="));
        assert!(with("jürgen@example.org").contains(" user=jürgen@example.org "));
        let long = with(&format!("{}ü", "a".repeat(NAME_MAX - 1)));
        assert!(long.contains(&format!(" user={} reason=", "a".repeat(NAME_MAX - 1))), "{long}");
    }
}
