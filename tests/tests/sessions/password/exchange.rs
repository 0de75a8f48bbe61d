//! Plays a way to sign in as a client does.

use super::ways::{Argument, Begin, Kind, Way};
use crate::client::Client;
use crate::server::{ANNA, Service};
use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::num::NonZeroU32;

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
        (Kind::PasswordCommand, Service::Imap) => login(client, way, password).await,
        (Kind::PasswordCommand, _) => user_and_pass(client, way, password).await,
        (Kind::Sasl | Kind::Unknown, _) => sasl(client, service, way, password).await,
    }
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
    let mut mechanism = Mechanism::new(way.mechanism, password);
    let verb = match service {
        Service::Imap => format!("l {}", (way.spell)("AUTHENTICATE")),
        _ => (way.spell)("AUTH"),
    };
    let mut line = format!("{verb} {}", (way.spell)(way.mechanism));
    if way.begin == Begin::Initial {
        line.extend([" ", &BASE64.encode(mechanism.next(b""))]);
    }
    line += "\r\n";
    let mut owed = 1;
    if way.begin == Begin::Together {
        for response in mechanism.all() {
            line.extend([&BASE64.encode(response), "\r\n"]);
            owed += 1;
        }
    }
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
        if way.begin != Begin::Together {
            let response = mechanism.next(&BASE64.decode(challenge).unwrap());
            client.send(&format!("{}\r\n", BASE64.encode(response))).await;
            owed = 1;
        }
    }
}

/// The client's side of a mechanism.
struct Mechanism {
    name: &'static str,
    password: String,
    said: usize,
}

const FIRST_BARE: &str = "n=anna@example.test,r=fyko+d2lbbFgONRv9qkxdawL";

impl Mechanism {
    fn new(name: &'static str, password: &str) -> Self {
        Self { name, password: password.to_owned(), said: 0 }
    }

    /// What PLAIN and LOGIN say whatever they hear.
    fn all(&self) -> Vec<Vec<u8>> {
        match self.name {
            "LOGIN" => vec![ANNA.into(), self.password.clone().into()],
            // PLAIN; and those that are not known, with a password all the same.
            _ => vec![format!("\0{ANNA}\0{}", self.password).into()],
        }
    }

    fn next(&mut self, challenge: &[u8]) -> Vec<u8> {
        let place = self.said;
        self.said += 1;
        if self.name != "SCRAM-SHA-256" {
            return self.all().into_iter().nth(place).unwrap_or_default();
        }
        match place {
            0 => format!("n,,{FIRST_BARE}").into(),
            1 => client_final(&self.password, std::str::from_utf8(challenge).unwrap()).into(),
            _ => Vec::new(),
        }
    }
}

/// RFC 5802 §3.
fn client_final(password: &str, server_first: &str) -> String {
    let field = |name: &str| server_first.split(',').find_map(|field| field.strip_prefix(name)).unwrap();
    let salt = BASE64.decode(field("s=")).unwrap();
    let rounds: NonZeroU32 = field("i=").parse().unwrap();
    let mut salted = [0; 32];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, &salt, password.as_bytes(), &mut salted);
    let client_key = sign(&salted, "Client Key");
    let stored = digest::digest(&digest::SHA256, client_key.as_ref());
    let without_proof = format!("c=biws,r={}", field("r="));
    let signature = sign(stored.as_ref(), &format!("{FIRST_BARE},{server_first},{without_proof}"));
    let proof: Vec<u8> = client_key.as_ref().iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
    format!("{without_proof},p={}", BASE64.encode(proof))
}

fn sign(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}
