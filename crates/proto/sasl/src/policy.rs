//! What may carry a password, or prove one, where: the one table for IMAP, POP3 and SMTP (design.md, security rule 1).
//!
//! What is announced and what is accepted are both read from the same cell, so they cannot differ. Nothing is offered
//! in clear, not even SCRAM, which hides the password but not the mail that follows. There is no switch but
//! [`TlsState::clear_for_tests`], which holds on the loopback only.

use crate::registry::{self, Mechanism};
use std::net::IpAddr;

/// A protocol, or a role of one, that people sign in to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// IMAP: AUTHENTICATE and LOGIN.
    Imap,
    /// POP3: AUTH, and USER with PASS.
    Pop3,
    /// SMTP on 465 and 587: AUTH.
    Submission,
    /// SMTP on 25, and LMTP: nobody signs in there.
    Mx,
}

/// What protects the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsState {
    /// Nothing.
    Clear,
    /// TLS.
    Active,
    /// Nothing, but it is a test on the loopback. Only [`TlsState::clear_for_tests`] makes it.
    #[non_exhaustive]
    ClearForTests,
}

impl TlsState {
    /// The state of a connection in clear on a listener that was opened for tests: only a peer on the loopback gets
    /// what TLS would give; every other one is [`TlsState::Clear`].
    pub fn clear_for_tests(peer: IpAddr) -> Self {
        if peer.to_canonical().is_loopback() { Self::ClearForTests } else { Self::Clear }
    }
}

/// A way to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// A SASL mechanism, by its name.
    Sasl(&'static str),
    /// IMAP LOGIN, POP3 USER and PASS: the protocol's own command that carries a password.
    PasswordCommand,
}

/// What a mechanism needs besides TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Something of this connection to bind to.
    ChannelBinding,
    /// A certificate that the client has shown on this connection.
    Certificate,
    /// An issuer of tokens that the operator trusts.
    Oauth,
    /// An account whose password the operator lets us keep so that it can be had back.
    Digest,
}

impl Need {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ChannelBinding, Self::Certificate, Self::Oauth, Self::Digest];

    fn bit(self) -> u8 {
        match self {
            Self::ChannelBinding => 1,
            Self::Certificate => 2,
            Self::Oauth => 4,
            Self::Digest => 8,
        }
    }
}

/// Which needs are met on one connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Circumstances(u8);

impl Circumstances {
    /// With this one too, if it is.
    #[must_use]
    pub fn with(self, need: Need, is_met: bool) -> Self {
        if is_met { Self(self.0 | need.bit()) } else { self }
    }

    /// Whether it is met.
    pub fn meet(self, need: Need) -> bool {
        self.0 & need.bit() != 0
    }
}

/// A cell of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    /// Inside TLS.
    Tls,
    /// Nowhere.
    Never,
}

/// A row of the table.
struct Row {
    way: Way,
    needs: Option<Need>,
    imap: Cell,
    pop3: Cell,
    submission: Cell,
    mx: Cell,
}

const fn row(way: Way, needs: Option<Need>, [imap, pop3, submission, mx]: [Cell; 4]) -> Row {
    Row { way, needs, imap, pop3, submission, mx }
}

/// The table. What it says holds for a connection; whether a person may use it, the directory says afterwards, in the same
/// words for all.
static TABLE: [Row; 13] = {
    use Cell::{Never, Tls};
    use Need::{Certificate, ChannelBinding, Digest, Oauth};
    use Way::{PasswordCommand, Sasl};
    [
        //                                                       IMAP POP3 submission MX
        row(Sasl("SCRAM-SHA-512-PLUS"), Some(ChannelBinding), [Tls, Tls, Tls, Never]),
        row(Sasl("SCRAM-SHA-256-PLUS"), Some(ChannelBinding), [Tls, Tls, Tls, Never]),
        row(Sasl("SCRAM-SHA-1-PLUS"), Some(ChannelBinding), [Tls, Tls, Tls, Never]),
        row(Sasl("EXTERNAL"), Some(Certificate), [Tls, Tls, Tls, Never]),
        row(Sasl("OAUTHBEARER"), Some(Oauth), [Tls, Tls, Tls, Never]),
        row(Sasl("XOAUTH2"), Some(Oauth), [Tls, Tls, Tls, Never]),
        row(Sasl("SCRAM-SHA-512"), None, [Tls, Tls, Tls, Never]),
        row(Sasl("SCRAM-SHA-256"), None, [Tls, Tls, Tls, Never]),
        row(Sasl("SCRAM-SHA-1"), None, [Tls, Tls, Tls, Never]),
        row(Sasl("CRAM-MD5"), Some(Digest), [Tls, Tls, Tls, Never]),
        row(Sasl("PLAIN"), None, [Tls, Tls, Tls, Never]),
        row(Sasl("LOGIN"), None, [Tls, Tls, Tls, Never]),
        row(PasswordCommand, None, [Tls, Tls, Never, Never]),
    ]
};

/// What holds for one way to sign in, now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Announced and accepted.
    Offered,
    /// Neither announced nor accepted before TLS: `NO [PRIVACYREQUIRED]` (RFC 5530 §3), `538 5.7.11`. A secret that came
    /// along all the same counts as known to everybody.
    PrivacyRequired,
    /// Not there, with or without TLS.
    Off,
}

impl Row {
    fn verdict(&self, Policy { protocol, tls, circumstances }: Policy) -> Verdict {
        let cell = match protocol {
            Protocol::Imap => self.imap,
            Protocol::Pop3 => self.pop3,
            Protocol::Submission => self.submission,
            Protocol::Mx => self.mx,
        };
        // In clear nobody knows yet what there will be to bind to.
        let is_met = match self.needs {
            None => true,
            Some(Need::ChannelBinding) if tls == TlsState::Clear => true,
            Some(need) => circumstances.meet(need),
        };
        match (cell, tls) {
            (Cell::Never, _) => Verdict::Off,
            _ if !is_met => Verdict::Off,
            (Cell::Tls, TlsState::Active | TlsState::ClearForTests) => Verdict::Offered,
            (Cell::Tls, TlsState::Clear) => Verdict::PrivacyRequired,
        }
    }
}

/// What came of looking a mechanism up by its name.
#[derive(Clone, Copy, Debug)]
pub enum Lookup {
    /// Begin an [`Exchange`](crate::Exchange) with it.
    Accept(&'static Mechanism),
    /// Not before TLS.
    PrivacyRequired,
    /// There is no such mechanism here.
    Unknown,
}

/// What may be announced and accepted on one connection in its present state. Ask again after STARTTLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    protocol: Protocol,
    tls: TlsState,
    circumstances: Circumstances,
}

impl Policy {
    /// The policy of a state.
    pub fn of(protocol: Protocol, tls: TlsState, circumstances: Circumstances) -> Self {
        Self { protocol, tls, circumstances }
    }

    /// What the mechanism of this name needs besides TLS.
    pub fn need_of(name: &str) -> Option<Need> {
        TABLE.iter().find(|row| matches!(row.way, Way::Sasl(known) if known == name)).and_then(|row| row.needs)
    }

    /// Whether mechanisms that bind to the connection are offered.
    pub fn offers_binding(self) -> bool {
        self.tls != TlsState::Clear && self.circumstances.meet(Need::ChannelBinding)
    }

    /// Every mechanism of the table with what holds for it, in the order of announcement.
    pub fn mechanisms(self) -> impl Iterator<Item = (&'static str, Verdict)> {
        TABLE.iter().filter_map(move |row| match row.way {
            Way::Sasl(name) => Some((name, row.verdict(self))),
            Way::PasswordCommand => None,
        })
    }

    /// The names to announce (`AUTH=`, `SASL`, `AUTH`); none: do not announce AUTH at all.
    pub fn announced(self) -> impl Iterator<Item = &'static str> {
        self.mechanisms().filter(|(_, verdict)| *verdict == Verdict::Offered).map(|(name, _)| name)
    }

    /// Whether nobody signs in here, with or without TLS.
    pub fn is_off(self) -> bool {
        self.mechanisms().all(|(_, verdict)| verdict == Verdict::Off)
    }

    /// What holds for IMAP LOGIN (LOGINDISABLED unless offered) and for POP3 USER and PASS.
    pub fn password_command(self) -> Verdict {
        let row = TABLE.iter().find(|row| row.way == Way::PasswordCommand);
        row.map_or(Verdict::Off, |row| row.verdict(self))
    }

    /// Whether the protocol's own command may carry a password.
    pub fn login_allowed(self) -> bool {
        self.password_command() == Verdict::Offered
    }

    /// What to do about a client that names this mechanism, in any case.
    pub fn mechanism(self, name: &str) -> Lookup {
        let verdict = self.mechanisms().find(|(row, _)| row.eq_ignore_ascii_case(name)).map(|(_, verdict)| verdict);
        match (verdict, registry::find(name)) {
            (Some(Verdict::Offered), Some(mechanism)) => Lookup::Accept(mechanism),
            (Some(Verdict::PrivacyRequired), _) => Lookup::PrivacyRequired,
            _ => Lookup::Unknown,
        }
    }
}

#[cfg(test)]
#[path = "policy/tests.rs"]
mod tests;
