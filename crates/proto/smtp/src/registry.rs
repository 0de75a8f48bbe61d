//! One row per command: its name, who may say it, what has to come before it, how its arguments are read.

use crate::command::{self, Request};
use crate::server::Role;
use crate::{Limits, Reply, extension};

/// In which roles a command exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Roles {
    /// All.
    Any,
    /// MX and submission.
    Smtp,
    /// LMTP.
    Lmtp,
}

/// What has to come before a command (RFC 5321 §4.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// Nothing.
    Nothing,
    /// EHLO, HELO or LHLO.
    Hello,
    /// MAIL.
    Mail,
}

/// A row.
pub(crate) struct Spec {
    /// The verb in capitals.
    pub(crate) name: &'static str,
    pub(crate) roles: Roles,
    pub(crate) after: After,
    /// Reads what stands behind the verb and one space.
    pub(crate) parse: fn(&[u8]) -> Result<Request, Reply>,
}

const fn row(name: &'static str, roles: Roles, after: After, parse: fn(&[u8]) -> Result<Request, Reply>) -> Spec {
    Spec { name, roles, after, parse }
}

/// Every command. DATA and BDAT look at their sequence themselves: their refusals differ.
pub(crate) static COMMANDS: [Spec; 15] = [
    row("EHLO", Roles::Smtp, After::Nothing, command::hello::parse_ehlo),
    row("HELO", Roles::Smtp, After::Nothing, command::hello::parse_helo),
    row("LHLO", Roles::Lmtp, After::Nothing, command::hello::parse_lhlo),
    row("STARTTLS", Roles::Any, After::Hello, command::starttls::parse),
    row("AUTH", Roles::Any, After::Nothing, command::auth::parse),
    row("MAIL", Roles::Any, After::Hello, command::mail::parse),
    row("RCPT", Roles::Any, After::Mail, command::rcpt::parse),
    row("DATA", Roles::Any, After::Nothing, command::data::parse),
    row("BDAT", Roles::Any, After::Nothing, command::bdat::parse),
    row("RSET", Roles::Any, After::Nothing, command::rset::parse),
    row("NOOP", Roles::Any, After::Nothing, command::noop::parse),
    row("VRFY", Roles::Any, After::Nothing, command::vrfy::parse),
    row("EXPN", Roles::Any, After::Nothing, command::expn::parse),
    row("HELP", Roles::Any, After::Nothing, command::help::parse),
    row("QUIT", Roles::Any, After::Nothing, command::quit::parse),
];

impl Spec {
    fn exists_for(&self, role: Role) -> bool {
        match self.roles {
            Roles::Any => true,
            Roles::Smtp => role != Role::Lmtp,
            Roles::Lmtp => role == Role::Lmtp,
        }
    }
}

/// The row of a verb, in any case, if the role has it.
pub(crate) fn find(verb: &[u8], role: Role) -> Option<&'static Spec> {
    COMMANDS.iter().find(|spec| spec.exists_for(role) && spec.name.as_bytes().eq_ignore_ascii_case(verb))
}

/// The verbs that a role has.
pub(crate) fn names(role: Role) -> String {
    let names: Vec<&str> = COMMANDS.iter().filter(|spec| spec.exists_for(role)).map(|spec| spec.name).collect();
    names.join(" ")
}

/// How long a line that begins like this may be, its CRLF included (RFC 5321 §4.5.3.1.4 and what extensions add).
pub(crate) fn line_max(line: &[u8], limits: &Limits) -> usize {
    let is = |verb: &[u8]| line.get(..verb.len()).is_some_and(|head| head.eq_ignore_ascii_case(verb));
    if is(b"AUTH ") {
        limits.auth_line_max
    } else if is(b"MAIL ") {
        limits.command_line_max.saturating_add(extension::mail_line_extra())
    } else {
        limits.command_line_max
    }
}

/// Whether somebody speaks HTTP: a browser made to send mail in a form's body says so in its first line.
pub(crate) fn looks_like_http(line: &[u8]) -> bool {
    const METHODS: [&[u8]; 9] =
        [b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"CONNECT", b"DELETE", b"TRACE", b"PATCH"];
    let verb = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    METHODS.iter().any(|method| method.eq_ignore_ascii_case(verb)) || line.starts_with(b"PRI * HTTP/")
}
