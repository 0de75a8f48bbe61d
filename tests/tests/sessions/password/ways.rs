//! The ways to sign in, in every spelling.

use crate::server::Service;

/// What a way is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A mechanism that there is.
    Sasl,
    /// A mechanism that there is not.
    Unknown,
    /// IMAP LOGIN, POP3 USER and PASS.
    PasswordCommand,
}

/// How an argument is written in IMAP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Argument {
    Atom,
    Quoted,
    Literal,
    LiteralPlus,
}

/// How a SASL exchange begins and goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// The client waits for each challenge.
    Asked,
    /// With an initial response.
    Initial,
    /// Without waiting for any challenge: everything in one piece. (Not SCRAM, which answers to what it heard.)
    Together,
    /// IMAP: with an initial response in a literal, which the grammar does not have, and which has to be asked for.
    LiteralAsked,
    /// The same, without waiting to be asked.
    LiteralTogether,
    /// The same, in one that need not be asked for.
    LiteralPlus,
    /// With an initial response that wants to act for somebody else.
    InitialForAnother,
    /// The same, for one of a long name, and without waiting to be asked: longer than a command may be.
    TogetherForAnother,
}

impl Begin {
    /// Whether it is a literal where there is none.
    pub(super) fn is_literal(self) -> bool {
        matches!(self, Self::LiteralAsked | Self::LiteralTogether | Self::LiteralPlus)
    }

    /// Who the client wants to act for.
    pub(super) fn authorization(self) -> String {
        match self {
            Self::InitialForAnother => "bob@example.test".to_owned(),
            Self::TogetherForAnother => format!("{}@example.test", "b".repeat(250)),
            _ => String::new(),
        }
    }

    /// Whether nobody is signed in by it anywhere.
    pub(super) fn is_in_vain(self) -> bool {
        self.is_literal() || !self.authorization().is_empty()
    }

    /// Whether all responses go out with the command, in lines of their own.
    pub(super) fn is_together(self) -> bool {
        matches!(self, Self::Together | Self::TogetherForAnother)
    }
}

/// A way to sign in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) kind: Kind,
    /// The mechanism in capitals.
    pub(super) mechanism: &'static str,
    /// How words of the protocol are written.
    pub(super) spell: fn(&str) -> String,
    pub(super) begin: Begin,
    pub(super) arguments: [Argument; 2],
}

impl Way {
    /// Whether a client that goes this way, and is refused at once, has sent the password itself by then.
    pub(super) fn sends_password_unasked(&self) -> bool {
        match (self.kind, self.mechanism, self.begin) {
            (Kind::Sasl, "PLAIN", begin) => !matches!(begin, Begin::Asked | Begin::LiteralAsked),
            (Kind::Sasl, "LOGIN", Begin::Together) | (Kind::PasswordCommand, _, Begin::Together) => true,
            // A literal that has to be asked for is not asked for.
            (Kind::PasswordCommand, ..) => !self.arguments.contains(&Argument::Literal),
            (Kind::Sasl | Kind::Unknown, ..) => false,
        }
    }

    /// What it is called in docs/passwords.md, where ways that are answered alike share a line.
    pub(super) fn title(&self, service: Service) -> String {
        let name = self.mechanism;
        match (self.kind, self.begin, service) {
            (Kind::PasswordCommand, Begin::Together, Service::Imap) => {
                "`LOGIN` with a literal that has to be asked for, without waiting to be asked".to_owned()
            }
            (Kind::PasswordCommand, _, Service::Imap) if self.sends_password_unasked() => "`LOGIN`".to_owned(),
            (Kind::PasswordCommand, _, Service::Imap) => "`LOGIN` with a literal that has to be asked for".to_owned(),
            (Kind::PasswordCommand, Begin::Together, _) => "`USER` and `PASS` in one packet".to_owned(),
            (Kind::PasswordCommand, ..) => "`USER`, then `PASS`".to_owned(),
            (Kind::Unknown, ..) => "any other mechanism".to_owned(),
            (Kind::Sasl, ..) if name.starts_with("SCRAM") => format!("`{name}`"),
            (Kind::Sasl, Begin::Asked, _) => format!("`{name}`, waiting to be asked"),
            (Kind::Sasl, Begin::Initial, _) => format!("`{name}` with an initial response"),
            (Kind::Sasl, Begin::Together, _) => format!("`{name}` without waiting to be asked"),
            (Kind::Sasl, Begin::LiteralAsked, _) => format!("`{name}` with a literal that has to be asked for"),
            (Kind::Sasl, Begin::LiteralTogether, _) => {
                format!("`{name}` with a literal that has to be asked for, without waiting to be asked")
            }
            (Kind::Sasl, Begin::InitialForAnother, _) => format!("`{name}` that wants to act for somebody else"),
            (Kind::Sasl, Begin::TogetherForAnother, _) => {
                format!("`{name}` that wants to act for somebody of a long name, without waiting to be asked")
            }
            (Kind::Sasl, Begin::LiteralPlus, _) => format!("`{name}` with a literal that need not be asked for"),
        }
    }
}

/// The mechanisms that there are, in the order in which they are announced.
const KNOWN: [&str; 8] = [
    "SCRAM-SHA-512-PLUS",
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-512",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1",
    "PLAIN",
    "LOGIN",
];
const UNKNOWN: [&str; 8] =
    ["CRAM-MD5", "DIGEST-MD5", "XOAUTH2", "OAUTHBEARER", "EXTERNAL", "ANONYMOUS", "SCRAM-SHA-224", "X"];

fn upper(word: &str) -> String {
    word.to_ascii_uppercase()
}

fn lower(word: &str) -> String {
    word.to_ascii_lowercase()
}

fn mixed(word: &str) -> String {
    let swap = |(place, c): (usize, char)| if place % 2 == 0 { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
    word.chars().enumerate().map(swap).collect()
}

const SPELLINGS: [fn(&str) -> String; 3] = [upper, lower, mixed];

fn sasl(kind: Kind, mechanism: &'static str, spell: fn(&str) -> String, begin: Begin) -> Way {
    Way { kind, mechanism, spell, begin, arguments: [Argument::Atom; 2] }
}

fn password_command(spell: fn(&str) -> String, begin: Begin, arguments: [Argument; 2]) -> Way {
    Way { kind: Kind::PasswordCommand, mechanism: "", spell, begin, arguments }
}

/// Every way in every spelling.
pub(super) fn all(service: Service) -> Vec<Way> {
    SPELLINGS.into_iter().flat_map(|spell| spelt(service, spell)).collect()
}

fn spelt(service: Service, spell: fn(&str) -> String) -> Vec<Way> {
    let mut ways = Vec::new();
    for mechanism in KNOWN {
        ways.push(sasl(Kind::Sasl, mechanism, spell, Begin::Asked));
        ways.push(sasl(Kind::Sasl, mechanism, spell, Begin::Initial));
        if matches!(mechanism, "PLAIN" | "LOGIN") {
            ways.push(sasl(Kind::Sasl, mechanism, spell, Begin::Together));
        }
        if mechanism == "PLAIN" {
            let for_another = [Begin::InitialForAnother, Begin::TogetherForAnother];
            ways.extend(for_another.map(|begin| sasl(Kind::Sasl, mechanism, spell, begin)));
        }
        if service == Service::Imap && mechanism == "PLAIN" {
            let literals = [Begin::LiteralAsked, Begin::LiteralTogether, Begin::LiteralPlus];
            ways.extend(literals.map(|begin| sasl(Kind::Sasl, mechanism, spell, begin)));
        }
    }
    for mechanism in UNKNOWN {
        ways.push(sasl(Kind::Unknown, mechanism, spell, Begin::Asked));
        ways.push(sasl(Kind::Unknown, mechanism, spell, Begin::Initial));
    }
    ways.extend(password_commands(service, spell));
    ways
}

fn password_commands(service: Service, spell: fn(&str) -> String) -> Vec<Way> {
    use Argument::{Atom, Literal, LiteralPlus, Quoted};
    match service {
        Service::Imap => {
            let forms = [Atom, Quoted, Literal, LiteralPlus];
            let pairs = forms.iter().flat_map(|user| forms.map(|password| [*user, password]));
            let polite = pairs.map(|pair| password_command(spell, Begin::Asked, pair));
            let impatient = polite.clone().filter(|way| way.arguments.contains(&Literal));
            let impatient = impatient.map(|way| Way { begin: Begin::Together, ..way });
            polite.chain(impatient).collect()
        }
        Service::Pop3 => {
            [Begin::Asked, Begin::Together].map(|begin| password_command(spell, begin, [Atom; 2])).to_vec()
        }
        Service::Submission | Service::Mx | Service::Lmtp => Vec::new(),
    }
}

/// A mechanism, with an initial response.
pub(super) fn named(mechanism: &'static str) -> Way {
    sasl(Kind::Sasl, mechanism, upper, Begin::Initial)
}

/// Every way once, as a client of good manners does it.
pub(super) fn plainly_spelt(service: Service) -> Vec<Way> {
    let known = KNOWN.map(|mechanism| sasl(Kind::Sasl, mechanism, upper, Begin::Initial));
    let unknown = UNKNOWN.map(|mechanism| sasl(Kind::Unknown, mechanism, upper, Begin::Initial));
    let command = password_commands(service, upper).into_iter().take(1);
    known.into_iter().chain(unknown).chain(command).collect()
}
