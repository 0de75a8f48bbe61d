//! The commands without arguments: CAPABILITY, NOOP, LOGOUT, STARTTLS, UNAUTHENTICATE, NAMESPACE, IDLE, CHECK, CLOSE, UNSELECT.
//!
//! There is nothing to parse, so they share a room here; each has its own in the service.

use super::Command;
use crate::codec::{Cursor, ParseError};

/// A parser that takes nothing and gives its command.
type Parser = fn(&mut Cursor<'_>, bool) -> Result<Command, ParseError>;

/// `capability = "CAPABILITY"` (RFC 3501 §6.1.1)
pub(crate) const CAPABILITY: Parser = |_, _| Ok(Command::Capability);
/// `noop = "NOOP"` (RFC 3501 §6.1.2)
pub(crate) const NOOP: Parser = |_, _| Ok(Command::Noop);
/// `logout = "LOGOUT"` (RFC 3501 §6.1.3)
pub(crate) const LOGOUT: Parser = |_, _| Ok(Command::Logout);
/// `starttls = "STARTTLS"` (RFC 3501 §6.2.1)
pub(crate) const STARTTLS: Parser = |_, _| Ok(Command::StartTls);
/// `command-auth =/ "UNAUTHENTICATE"` (RFC 8437 §6)
pub(crate) const UNAUTHENTICATE: Parser = |_, _| Ok(Command::Unauthenticate);
/// `namespace = "NAMESPACE"` (RFC 2342 §5)
pub(crate) const NAMESPACE: Parser = |_, _| Ok(Command::Namespace);
/// `idle = "IDLE" CRLF "DONE"` (RFC 2177 §3); DONE is the machine's.
pub(crate) const IDLE: Parser = |_, _| Ok(Command::Idle);
/// `check = "CHECK"` (RFC 3501 §6.4.1)
pub(crate) const CHECK: Parser = |_, _| Ok(Command::Check);
/// `close = "CLOSE"` (RFC 3501 §6.4.2)
pub(crate) const CLOSE: Parser = |_, _| Ok(Command::Close);
/// `unselect = "UNSELECT"` (RFC 3691 §4)
pub(crate) const UNSELECT: Parser = |_, _| Ok(Command::Unselect);
