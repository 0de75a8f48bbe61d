//! One row per command: its name, where it is legal, what CAPA says of it, how its arguments are read.

use crate::command::{self, ArgumentError, Request};

/// In which states a command is legal (RFC 1939 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum States {
    /// Before the sign-in.
    Authorization,
    /// After it.
    Transaction,
    /// Both.
    Any,
}

/// What CAPA says of a command (RFC 2449 §6); the rest of the list is no command and stands in `connection/capa.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Capability {
    /// Nothing.
    None,
    /// A line with this tag.
    Always(&'static str),
    /// `USER`, where the policy offers it.
    User,
    /// `SASL` and the mechanisms that the policy offers.
    Sasl,
    /// `STLS`, where it is offered.
    Stls,
}

/// A row.
pub(crate) struct Spec {
    /// The keyword in capitals.
    pub(crate) name: &'static str,
    pub(crate) states: States,
    pub(crate) capability: Capability,
    /// Reads what stands behind the keyword and one space.
    pub(crate) parse: fn(&[u8]) -> Result<Request, ArgumentError>,
}

const fn row(
    name: &'static str,
    states: States,
    capability: Capability,
    parse: fn(&[u8]) -> Result<Request, ArgumentError>,
) -> Spec {
    Spec { name, states, capability, parse }
}

/// Every command, in the order of their capabilities.
pub(crate) static COMMANDS: [Spec; 16] = [
    row("CAPA", States::Any, Capability::None, command::capa::parse),
    row("TOP", States::Transaction, Capability::Always("TOP"), command::top::parse),
    row("UIDL", States::Transaction, Capability::Always("UIDL"), command::uidl::parse),
    row("USER", States::Authorization, Capability::User, command::user::parse),
    row("PASS", States::Authorization, Capability::None, command::pass::parse),
    row("AUTH", States::Authorization, Capability::Sasl, command::auth::parse),
    row("STLS", States::Authorization, Capability::Stls, command::stls::parse),
    row("UTF8", States::Authorization, Capability::Always("UTF8 USER"), command::utf8::parse),
    row("LANG", States::Any, Capability::Always("LANG"), command::lang::parse),
    row("STAT", States::Transaction, Capability::None, command::stat::parse),
    row("LIST", States::Transaction, Capability::None, command::list::parse),
    row("RETR", States::Transaction, Capability::None, command::retr::parse),
    row("DELE", States::Transaction, Capability::None, command::dele::parse),
    row("NOOP", States::Transaction, Capability::None, command::noop::parse),
    row("RSET", States::Transaction, Capability::None, command::rset::parse),
    row("QUIT", States::Any, Capability::None, command::quit::parse),
];

/// The row of a keyword, in any case.
pub(crate) fn find(keyword: &[u8]) -> Option<&'static Spec> {
    COMMANDS.iter().find(|spec| spec.name.as_bytes().eq_ignore_ascii_case(keyword))
}
