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
    imap: Cell,
    pop3: Cell,
    submission: Cell,
    mx: Cell,
}

const fn row(way: Way, [imap, pop3, submission, mx]: [Cell; 4]) -> Row {
    Row { way, imap, pop3, submission, mx }
}

/// The table.
static TABLE: [Row; 4] = {
    use Cell::{Never, Tls};
    [
        //                            IMAP POP3 submission MX
        row(Way::Sasl("SCRAM-SHA-256"), [Tls, Tls, Tls, Never]),
        row(Way::Sasl("PLAIN"), [Tls, Tls, Tls, Never]),
        row(Way::Sasl("LOGIN"), [Tls, Tls, Tls, Never]),
        row(Way::PasswordCommand, [Tls, Tls, Never, Never]),
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
    fn verdict(&self, protocol: Protocol, tls: TlsState) -> Verdict {
        let cell = match protocol {
            Protocol::Imap => self.imap,
            Protocol::Pop3 => self.pop3,
            Protocol::Submission => self.submission,
            Protocol::Mx => self.mx,
        };
        match (cell, tls) {
            (Cell::Never, _) => Verdict::Off,
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
}

impl Policy {
    /// The policy of a state.
    pub fn of(protocol: Protocol, tls: TlsState) -> Self {
        Self { protocol, tls }
    }

    /// Every mechanism of the table with what holds for it, in the order of announcement.
    pub fn mechanisms(self) -> impl Iterator<Item = (&'static str, Verdict)> {
        TABLE.iter().filter_map(move |row| match row.way {
            Way::Sasl(name) => Some((name, row.verdict(self.protocol, self.tls))),
            Way::PasswordCommand => None,
        })
    }

    /// The names to announce (`AUTH=`, `SASL`, `AUTH`); none: do not announce AUTH at all.
    pub fn announced(self) -> impl Iterator<Item = &'static str> {
        self.mechanisms().filter(|(_, verdict)| *verdict == Verdict::Offered).map(|(name, _)| name)
    }

    /// What holds for IMAP LOGIN (LOGINDISABLED unless offered) and for POP3 USER and PASS.
    pub fn password_command(self) -> Verdict {
        let row = TABLE.iter().find(|row| row.way == Way::PasswordCommand);
        row.map_or(Verdict::Off, |row| row.verdict(self.protocol, self.tls))
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
mod tests {
    use super::*;
    use crate::registry::MECHANISMS;

    const PROTOCOLS: [Protocol; 4] = [Protocol::Imap, Protocol::Pop3, Protocol::Submission, Protocol::Mx];
    const STATES: [TlsState; 3] = [TlsState::Clear, TlsState::Active, TlsState::ClearForTests];

    #[test]
    fn no_cell_of_the_table_takes_anything_in_clear() {
        for protocol in PROTOCOLS {
            let policy = Policy::of(protocol, TlsState::Clear);
            assert_eq!(policy.announced().count(), 0, "{protocol:?}");
            assert!(!policy.login_allowed(), "{protocol:?}");
            for mechanism in &MECHANISMS {
                let lookup = policy.mechanism(mechanism.name);
                assert!(!matches!(lookup, Lookup::Accept(_)), "{protocol:?} {mechanism:?}");
            }
        }
    }

    #[test]
    fn what_is_announced_is_what_is_accepted() {
        for protocol in PROTOCOLS {
            for tls in STATES {
                let policy = Policy::of(protocol, tls);
                for mechanism in &MECHANISMS {
                    let announced = policy.announced().any(|name| name == mechanism.name);
                    let small = mechanism.name.to_ascii_lowercase();
                    for name in [mechanism.name, &small] {
                        let accepted = matches!(policy.mechanism(name), Lookup::Accept(m) if m.name == mechanism.name);
                        assert_eq!(announced, accepted, "{protocol:?} {tls:?} {mechanism:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_table_and_the_registry_have_the_same_mechanisms() {
        let table: Vec<_> = Policy::of(Protocol::Imap, TlsState::Active).mechanisms().map(|(name, _)| name).collect();
        assert_eq!(table, MECHANISMS.iter().map(|m| m.name).collect::<Vec<_>>());
    }

    #[test]
    fn inside_tls_people_can_sign_in_where_they_should() {
        let announced = |protocol| Policy::of(protocol, TlsState::Active).announced().collect::<Vec<_>>();
        for protocol in [Protocol::Imap, Protocol::Pop3, Protocol::Submission] {
            assert_eq!(announced(protocol), ["SCRAM-SHA-256", "PLAIN", "LOGIN"]);
        }
        assert!(announced(Protocol::Mx).is_empty());
        let login = |protocol| Policy::of(protocol, TlsState::Active).login_allowed();
        assert!(login(Protocol::Imap) && login(Protocol::Pop3));
        assert!(!login(Protocol::Submission) && !login(Protocol::Mx));
    }

    #[test]
    fn before_tls_the_refusal_says_why() {
        for name in ["PLAIN", "login", "SCRAM-SHA-256"] {
            let lookup = |protocol| Policy::of(protocol, TlsState::Clear).mechanism(name);
            assert!(matches!(lookup(Protocol::Imap), Lookup::PrivacyRequired));
            assert!(matches!(lookup(Protocol::Mx), Lookup::Unknown));
        }
        assert!(matches!(Policy::of(Protocol::Imap, TlsState::Active).mechanism("CRAM-MD5"), Lookup::Unknown));
        let imap = Policy::of(Protocol::Imap, TlsState::Clear);
        assert_eq!(imap.password_command(), Verdict::PrivacyRequired);
        assert_eq!(Policy::of(Protocol::Submission, TlsState::Clear).password_command(), Verdict::Off);
    }

    #[test]
    fn the_switch_for_tests_works_on_the_loopback_only() {
        for peer in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(TlsState::clear_for_tests(peer.parse().unwrap()), TlsState::ClearForTests);
        }
        for peer in ["192.0.2.1", "2001:db8::1", "0.0.0.0", "::", "::ffff:192.0.2.1"] {
            assert_eq!(TlsState::clear_for_tests(peer.parse().unwrap()), TlsState::Clear);
        }
    }
}
