//! What a program may say that sends a password, or gets itself asked for one: every way, in each protocol.

use super::Protocol;
use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;

/// A name and a password that nobody has.
#[derive(Clone, Debug)]
pub(crate) struct MadeUp {
    pub(crate) name: String,
    pub(crate) password: String,
}

impl MadeUp {
    /// New ones.
    pub(crate) fn new(hostname: &str) -> anyhow::Result<Self> {
        let mut chance = [0; 12];
        getrandom::fill(&mut chance).context("the system gives no random bytes")?;
        let mut hex = String::new();
        for byte in chance {
            let _ = write!(hex, "{byte:02x}");
        }
        let (name, password) = hex.split_at(8);
        Ok(Self { name: format!("nobody-{name}@{hostname}"), password: format!("made-up-{password}") })
    }

    /// PLAIN (RFC 4616), in base64.
    fn plain(&self) -> String {
        base64(format!("\0{}\0{}", self.name, self.password).as_bytes())
    }
}

/// Something to say, in pieces; each is answered before the next is said.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// In plain words.
    pub(crate) title: String,
    pub(crate) pieces: Vec<String>,
}

fn attempt(title: impl Into<String>, pieces: &[&str]) -> Attempt {
    Attempt { title: title.into(), pieces: pieces.iter().map(|piece| format!("{piece}\r\n")).collect() }
}

/// Mechanisms that somebody may know, whether we do or not.
pub(crate) const MECHANISMS: [&str; 14] = [
    "PLAIN",
    "LOGIN",
    "CRAM-MD5",
    "DIGEST-MD5",
    "NTLM",
    "XOAUTH2",
    "OAUTHBEARER",
    "EXTERNAL",
    "ANONYMOUS",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "SCRAM-SHA-512",
    "SCRAM-SHA-256-PLUS",
    "GSSAPI",
];

/// Every way of a protocol.
pub(crate) fn all(protocol: Protocol, made_up: &MadeUp) -> Vec<Attempt> {
    let MadeUp { name, password } = made_up;
    let (plain, user, secret) = (made_up.plain(), base64(name.as_bytes()), base64(password.as_bytes()));
    let verb = if protocol == Protocol::Imap { "a AUTHENTICATE" } else { "AUTH" };
    let mut all = match protocol {
        Protocol::Imap => vec![
            attempt("LOGIN", &[&format!("a LOGIN {name} {password}")]),
            attempt("LOGIN in quotes", &[&format!("a LOGIN \"{name}\" \"{password}\"")]),
            attempt("LOGIN, and wait to be asked for the name", &[&format!("a LOGIN {{{}}}", name.len())]),
            attempt(
                "LOGIN, and wait to be asked for the password",
                &[&format!("a LOGIN {name} {{{}}}", password.len())],
            ),
            attempt(
                "LOGIN with a password that waits for nothing",
                &[&format!("a LOGIN {name} {{{}+}}\r\n{password}", password.len())],
            ),
        ],
        Protocol::Pop3 => vec![
            attempt("USER, then PASS", &[&format!("USER {name}"), &format!("PASS {password}")]),
            attempt("PASS", &[&format!("PASS {password}")]),
            attempt("APOP", &[&format!("APOP {name} c4c9334bac560ecc979e58001b3e22fb")]),
        ],
        Protocol::Smtp => Vec::new(),
    };
    for mechanism in MECHANISMS {
        all.push(attempt(format!("{mechanism}, and wait to be asked"), &[&format!("{verb} {mechanism}")]));
    }
    all.push(attempt("PLAIN with the password", &[&format!("{verb} PLAIN {plain}")]));
    all.push(attempt(
        "plain, in small letters, with the password",
        &[&format!("{} plain {plain}", verb.to_lowercase())],
    ));
    all.push(attempt("LOGIN with the name", &[&format!("{verb} LOGIN {user}")]));
    all.push(attempt("PLAIN, then the password though nobody asked", &[&format!("{verb} PLAIN"), &plain]));
    all.push(attempt("LOGIN, then name and password though nobody asked", &[&format!("{verb} LOGIN"), &user, &secret]));
    all
}

fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_what_is_made_up_and_it_is_new_each_time() {
        let (one, other) = (MadeUp::new("mail.example.test").unwrap(), MadeUp::new("mail.example.test").unwrap());
        assert!(one.name.starts_with("nobody-") && one.name.ends_with("@mail.example.test"), "{}", one.name);
        assert!(one.name != other.name && one.password != other.password);
    }
}
