//! Plays a way to sign in as a client does.

use super::scram;
use super::ways::{Argument, Begin, Kind, Way};
use crate::client::Client;
use crate::server::{ANNA, Service};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::fmt::Write as _;

/// What came of it.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The line that ended it.
    pub(super) answer: String,
    /// The server asked for something that is secret, or leads to it.
    pub(super) invited: bool,
}

/// Plays a way and takes the answers to all that it sent.
pub(super) async fn play(client: &mut Client, service: Service, way: &Way, password: &str) -> Outcome {
    match (way.kind, service) {
        (Kind::PasswordCommand, Service::Imap) if way.begin == Begin::Together => {
            login_together(client, way, password).await
        }
        (Kind::PasswordCommand, Service::Imap) => login(client, way, password).await,
        (Kind::PasswordCommand, _) => user_and_pass(client, way, password).await,
        (Kind::Sasl | Kind::Unknown, _) => sasl(client, service, way, password).await,
    }
}

/// All that a client says on a way before it waits for an answer, as one piece.
pub(super) fn opening(service: Service, way: &Way, password: &str) -> String {
    match (way.kind, service) {
        (Kind::PasswordCommand, Service::Imap) => {
            let mut line = format!("l {} ", (way.spell)("LOGIN"));
            for (argument, text, behind) in [(way.arguments[0], ANNA, " "), (way.arguments[1], password, "\r\n")] {
                let length = text.len().to_string();
                match argument {
                    Argument::Atom => line += text,
                    Argument::Quoted => line.extend(["\"", text, "\""]),
                    Argument::LiteralPlus => line.extend(["{", &length, "+}\r\n", text]),
                    Argument::Literal => {
                        line.extend(["{", &length, "}\r\n"]);
                        if way.begin != Begin::Together {
                            return line;
                        }
                        line += text;
                    }
                }
                line += behind;
            }
            line
        }
        (Kind::PasswordCommand, _) => {
            let (user, pass) = ((way.spell)("USER"), (way.spell)("PASS"));
            format!("{user} {ANNA}\r\n{pass} {password}\r\n")
        }
        (Kind::Sasl | Kind::Unknown, _) => sasl_opening(service, way, &mut Mechanism::new(way, password)).0,
    }
}

/// The same for SASL, and how many answers it has.
fn sasl_opening(service: Service, way: &Way, mechanism: &mut Mechanism) -> (String, usize) {
    let verb = match service {
        Service::Imap => format!("l {}", (way.spell)("AUTHENTICATE")),
        _ => (way.spell)("AUTH"),
    };
    let mut line = format!("{verb} {}", (way.spell)(way.mechanism));
    let mut owed = 1;
    if matches!(way.begin, Begin::Initial | Begin::InitialForAnother) {
        line.extend([" ", &BASE64.encode(mechanism.next(b""))]);
    } else if way.begin.is_literal() {
        let response = BASE64.encode(mechanism.next(b""));
        let plus = if way.begin == Begin::LiteralPlus { "+" } else { "" };
        let _ = write!(line, " {{{}{plus}}}", response.len());
        if way.begin != Begin::LiteralAsked {
            line.extend(["\r\n", &response]);
        }
        owed += usize::from(way.begin == Begin::LiteralTogether);
    }
    line += "\r\n";
    if way.begin.is_together() {
        for response in mechanism.all() {
            line.extend([&BASE64.encode(response), "\r\n"]);
            owed += 1;
        }
    }
    (line, owed)
}

/// LOGIN in one piece: each literal that has to be asked for has an answer of its own.
async fn login_together(client: &mut Client, way: &Way, password: &str) -> Outcome {
    client.send(&opening(Service::Imap, way, password)).await;
    let (mut answer, mut invited) = (String::new(), false);
    for _ in 0..=way.arguments.iter().filter(|argument| **argument == Argument::Literal).count() {
        let line = client.last().await;
        invited |= line.starts_with('+');
        if line.starts_with("l ") && answer.is_empty() {
            answer = line;
        }
    }
    Outcome { answer, invited }
}

async fn login(client: &mut Client, way: &Way, password: &str) -> Outcome {
    let mut line = format!("l {} ", (way.spell)("LOGIN"));
    let mut invited = false;
    for (argument, text, behind) in [(way.arguments[0], ANNA, " "), (way.arguments[1], password, "\r\n")] {
        let length = text.len().to_string();
        match argument {
            Argument::Atom => line += text,
            Argument::Quoted => line.extend(["\"", text, "\""]),
            Argument::LiteralPlus => line.extend(["{", &length, "+}\r\n", text]),
            Argument::Literal => {
                line.extend(["{", &length, "}\r\n"]);
                let answer = client.ask(&line).await;
                if !answer.starts_with('+') {
                    return Outcome { answer, invited };
                }
                invited = true;
                line = text.to_owned();
            }
        }
        line += behind;
    }
    Outcome { answer: client.ask(&line).await, invited }
}

async fn user_and_pass(client: &mut Client, way: &Way, password: &str) -> Outcome {
    let (user, pass) = ((way.spell)("USER"), (way.spell)("PASS"));
    let user = format!("{user} {ANNA}\r\n");
    let pass = format!("{pass} {password}\r\n");
    let first = if way.begin == Begin::Together {
        client.send(&(user + &pass)).await;
        client.last().await
    } else {
        let first = client.ask(&user).await;
        client.send(&pass).await;
        first
    };
    Outcome { answer: client.last().await, invited: first.starts_with("+OK") }
}

async fn sasl(client: &mut Client, service: Service, way: &Way, password: &str) -> Outcome {
    let mut mechanism = Mechanism::new(way, password);
    let (line, mut owed) = sasl_opening(service, way, &mut mechanism);
    client.send(&line).await;
    let mut invited = false;
    loop {
        let answer = client.last().await;
        owed -= 1;
        let challenge = answer.strip_prefix("+ ").or_else(|| answer.strip_prefix("334 "));
        let Some(challenge) = challenge.filter(|_| !answer.starts_with("+OK")) else {
            // Refused before the rest was read: that rest is then no command that anybody knows.
            for _ in 0..owed {
                let other = client.last().await;
                assert!(!super::is_accepted(service, &other), "{way:?}: {other}");
            }
            return Outcome { answer, invited };
        };
        invited = true;
        if !way.begin.is_together() {
            let response = mechanism.next(&BASE64.decode(challenge).unwrap());
            client.send(&format!("{}\r\n", BASE64.encode(response))).await;
            owed = 1;
        }
    }
}

/// The client's side of a mechanism.
struct Mechanism {
    name: &'static str,
    authorization: String,
    password: String,
    said: usize,
}

impl Mechanism {
    fn new(way: &Way, password: &str) -> Self {
        let authorization = way.begin.authorization();
        Self { name: way.mechanism, authorization, password: password.to_owned(), said: 0 }
    }

    /// What PLAIN and LOGIN say whatever they hear.
    fn all(&self) -> Vec<Vec<u8>> {
        match self.name {
            "LOGIN" => vec![ANNA.into(), self.password.clone().into()],
            // PLAIN; and those that are not known, with a password all the same.
            _ => vec![format!("{}\0{ANNA}\0{}", self.authorization, self.password).into()],
        }
    }

    fn next(&mut self, challenge: &[u8]) -> Vec<u8> {
        let place = self.said;
        self.said += 1;
        let Some(scram) = scram::Client::named(self.name) else {
            return self.all().into_iter().nth(place).unwrap_or_default();
        };
        match place {
            0 => scram.first().into(),
            1 => scram.last(&self.password, std::str::from_utf8(challenge).unwrap()).into(),
            _ => Vec::new(),
        }
    }
}
