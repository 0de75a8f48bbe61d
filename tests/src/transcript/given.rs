//! How things stand before the first line of a transcript: mail and connections. Everything is about Anna's account.
//!
//! ```text
//! given: INBOX with 3 messages ($uid1 $uid2 $uid3), selected by C and C2
//! given: message hello ($uid) in INBOX with flags \Seen $Forwarded dated 17-Jul-1996 02:44:25 -0700
//! given: mailbox Archive
//! given: quota 1000 octets
//! given: message limit 3
//! given: save limit 3
//! given: progress at every step
//! given: operator anna@example.test
//! given: shared account ben@example.test
//! given: anna@example.test pop3.on-delete=keep language=de
//! given: alias sales@example.test to anna@example.test ben@example.test
//! given: C in clear
//! given: C greeted
//! given: P signed in
//! given: C2 signed in as ben
//! given: C selected Archive
//! given: C examined Archive
//! ```

use super::Label;
use super::parse::label;
use crate::backend::{ANNA, BEN, MessageLimit, Protocol};
use anyhow::{Context, bail};

/// How far a connection is when the transcript begins. Whatever was said for that is not in the transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// Connected without TLS; the greeting is still to be read. (A connection that nothing is given about: with TLS.)
    InClear,
    /// The greeting is read; in SMTP and LMTP EHLO or LHLO is said.
    Greeted,
    /// Signed in as this user.
    SignedIn(&'static str),
    /// Signed in as Anna with a mailbox open.
    Opened {
        /// Its name as it is sent.
        mailbox: String,
        /// Whether by EXAMINE.
        read_only: bool,
    },
}

/// One thing that is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    Mailbox(String),
    /// How much Anna's account may hold, in octets.
    Quota(u64),
    /// How many messages an IMAP command may take.
    MessageLimit(MessageLimit),
    /// Each step of a command that takes long is told.
    EveryStep,
    /// Whose account is an operator's (`false`) or shared (`true`).
    Mark {
        address: String,
        shared: bool,
    },
    /// What is set for an account.
    Set {
        address: String,
        settings: Vec<String>,
    },
    Alias {
        alias: String,
        targets: Vec<String>,
    },
    /// So many numbered messages; their UIDs go into the captures.
    Messages {
        mailbox: String,
        count: u32,
        captures: Vec<String>,
    },
    /// A message of `tests/messages`.
    Message {
        file: String,
        capture: Option<String>,
        mailbox: String,
        flags: Vec<String>,
        date: Option<String>,
    },
    Connection(Label, Readiness),
}

impl Given {
    pub(super) fn parse(home: Protocol, text: &str) -> anyhow::Result<Vec<Self>> {
        let (first, opened) = match text.split_once(", ") {
            Some((first, opened)) => (first, Some(opened)),
            None => (text, None),
        };
        let mut found = vec![one(home, first).with_context(|| format!("given what? `{first}`"))?];
        if let Some(opened) = opened {
            let Some(Self::Messages { mailbox, .. }) = found.first().cloned() else { bail!("opened which mailbox?") };
            found.extend(openings(home, opened, &mailbox)?);
        }
        Ok(found)
    }
}

fn one(home: Protocol, text: &str) -> anyhow::Result<Given> {
    if let Some(name) = text.strip_prefix("mailbox ") {
        return Ok(Given::Mailbox(name.to_owned()));
    }
    if let Some(rest) = text.strip_prefix("quota ") {
        let octets = rest.strip_suffix(" octets").context("how many octets?")?;
        return Ok(Given::Quota(octets.parse().context("a number")?));
    }
    if let Some(limit) = text.strip_prefix("message limit ") {
        return Ok(Given::MessageLimit(MessageLimit::Every(limit.parse().context("a number")?)));
    }
    if let Some(limit) = text.strip_prefix("save limit ") {
        return Ok(Given::MessageLimit(MessageLimit::Saving(limit.parse().context("a number")?)));
    }
    if text == "progress at every step" {
        return Ok(Given::EveryStep);
    }
    for (word, shared) in [("operator ", false), ("shared account ", true)] {
        if let Some(address) = text.strip_prefix(word) {
            return Ok(Given::Mark { address: address.to_owned(), shared });
        }
    }
    if let Some(rest) = text.strip_prefix("alias ") {
        let (alias, targets) = rest.split_once(" to ").context("to whom?")?;
        return Ok(Given::Alias { alias: alias.to_owned(), targets: targets.split(' ').map(str::to_owned).collect() });
    }
    if let Some((address, settings)) = text.split_once(' ').filter(|(address, _)| address.contains('@')) {
        let settings = settings.split(' ').map(str::to_owned).collect();
        return Ok(Given::Set { address: address.to_owned(), settings });
    }
    if let Some(rest) = text.strip_prefix("message ") {
        return message(rest);
    }
    if let Some((mailbox, rest)) = text.split_once(" with ") {
        let (count, rest) = rest.split_once(" message").context("how many messages?")?;
        let captures = captures(rest.trim_start_matches('s').trim())?;
        return Ok(Given::Messages {
            mailbox: mailbox.to_owned(),
            count: count.parse().context("a number")?,
            captures,
        });
    }
    let (name, rest) = text.split_once(' ').context("a connection and how far it is")?;
    let label = label(home, name).with_context(|| format!("no connection is called `{name}`"))?;
    Ok(Given::Connection(label, readiness(rest)?))
}

fn readiness(text: &str) -> anyhow::Result<Readiness> {
    Ok(match text {
        "in clear" => Readiness::InClear,
        "greeted" => Readiness::Greeted,
        "signed in" => Readiness::SignedIn(ANNA),
        "signed in as ben" => Readiness::SignedIn(BEN),
        _ => match text.split_once(' ') {
            Some(("selected", mailbox)) => Readiness::Opened { mailbox: mailbox.to_owned(), read_only: false },
            Some(("examined", mailbox)) => Readiness::Opened { mailbox: mailbox.to_owned(), read_only: true },
            _ => bail!("`{text}` is nothing that a connection can be"),
        },
    })
}

/// `selected by C and C2`
fn openings(home: Protocol, text: &str, mailbox: &str) -> anyhow::Result<Vec<Given>> {
    let (how, names) = text.split_once(" by ").context("`selected by C and C2`")?;
    let read_only = match how {
        "selected" => false,
        "examined" => true,
        _ => bail!("`{how}` is neither selected nor examined"),
    };
    let open = |name: &str| {
        let label = label(home, name).with_context(|| format!("no connection is called `{name}`"))?;
        Ok(Given::Connection(label, Readiness::Opened { mailbox: mailbox.to_owned(), read_only }))
    };
    names.split(" and ").map(open).collect()
}

/// `hello ($uid) in INBOX with flags \Seen dated 17-Jul-1996 02:44:25 -0700`
fn message(text: &str) -> anyhow::Result<Given> {
    let (text, date) = match text.split_once(" dated ") {
        Some((text, date)) => (text, Some(date.to_owned())),
        None => (text, None),
    };
    let (text, flags) = match text.split_once(" with flags ") {
        Some((text, flags)) => (text, flags.split(' ').map(str::to_owned).collect()),
        None => (text, Vec::new()),
    };
    let (what, mailbox) = text.split_once(" in ").context("in which mailbox?")?;
    let (file, rest) = what.split_once(' ').unwrap_or((what, ""));
    let capture = captures(rest)?.into_iter().next();
    Ok(Given::Message { file: file.to_owned(), capture, mailbox: mailbox.to_owned(), flags, date })
}

/// `($uid1 $uid2)` or nothing.
fn captures(text: &str) -> anyhow::Result<Vec<String>> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let inside = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).context("`($uid1 $uid2)`")?;
    let name =
        |word: &str| word.strip_prefix('$').map(str::to_owned).with_context(|| format!("`{word}` is no capture"));
    inside.split(' ').map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const C: Label = Label { protocol: Protocol::Imap, number: 1 };
    const C2: Label = Label { protocol: Protocol::Imap, number: 2 };

    fn given(text: &str) -> Vec<Given> {
        Given::parse(Protocol::Imap, text).unwrap()
    }

    fn selected() -> Readiness {
        Readiness::Opened { mailbox: "INBOX".to_owned(), read_only: false }
    }

    #[test]
    fn messages_and_who_selected_their_mailbox() {
        assert_eq!(
            given("INBOX with 2 messages ($uid1 $uid2), selected by C and C2"),
            [
                Given::Messages {
                    mailbox: "INBOX".to_owned(),
                    count: 2,
                    captures: vec!["uid1".to_owned(), "uid2".to_owned()],
                },
                Given::Connection(C, selected()),
                Given::Connection(C2, selected()),
            ]
        );
        assert_eq!(given("INBOX with 1 message, examined by C").len(), 2);
    }

    #[test]
    fn a_message_of_a_file_with_flags_and_a_date() {
        assert_eq!(
            given("message hello ($uid) in INBOX with flags \\Seen $Forwarded dated 17-Jul-1996 02:44:25 -0700"),
            [Given::Message {
                file: "hello".to_owned(),
                capture: Some("uid".to_owned()),
                mailbox: "INBOX".to_owned(),
                flags: vec!["\\Seen".to_owned(), "$Forwarded".to_owned()],
                date: Some("17-Jul-1996 02:44:25 -0700".to_owned()),
            }]
        );
    }

    #[test]
    fn connections_and_how_far_they_are() {
        let one = |text: &str| given(text).pop();
        assert_eq!(one("C in clear"), Some(Given::Connection(C, Readiness::InClear)));
        assert_eq!(one("C2 signed in as ben"), Some(Given::Connection(C2, Readiness::SignedIn(BEN))));
        assert_eq!(one("C selected INBOX"), Some(Given::Connection(C, selected())));
        assert_eq!(one("mailbox Archive"), Some(Given::Mailbox("Archive".to_owned())));
        assert_eq!(one("quota 1000 octets"), Some(Given::Quota(1000)));
        let three = 3.try_into().unwrap();
        assert_eq!(one("message limit 3"), Some(Given::MessageLimit(MessageLimit::Every(three))));
        assert_eq!(one("progress at every step"), Some(Given::EveryStep));
        assert_eq!(one("save limit 3"), Some(Given::MessageLimit(MessageLimit::Saving(three))));
        let mark = |address: &str, shared| Some(Given::Mark { address: address.to_owned(), shared });
        assert_eq!(one("operator a@b"), mark("a@b", false));
        assert_eq!(one("shared account a@b"), mark("a@b", true));
        let (address, settings) = ("a@b".to_owned(), vec!["c=d".to_owned(), "e=".to_owned()]);
        assert_eq!(one("a@b c=d e="), Some(Given::Set { address, settings }));
        let [alias, anna, ben] = ["sales@x", "anna@x", "ben@x"].map(str::to_owned);
        assert_eq!(one("alias sales@x to anna@x ben@x"), Some(Given::Alias { alias, targets: vec![anna, ben] }));
    }

    #[test]
    fn what_is_no_given_is_refused() {
        for text in [
            "",
            "C asleep",
            "X greeted",
            "INBOX with many messages",
            "INBOX with 1 message (uid)",
            "message hello",
            "quota x",
            "message limit 0",
            "save limit x",
            "alias x",
        ] {
            assert!(Given::parse(Protocol::Imap, text).is_err(), "{text}");
        }
        assert!(Given::parse(Protocol::Imap, "C greeted, selected by C").is_err());
    }
}
