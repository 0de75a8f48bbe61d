//! Mail that is read by POP3 and by IMAP: explained once, in a friendly way.

use crate::layout::Body;
use crate::moment::{messages, span};
use crate::texts::{both_protocols as texts, exposed};
use crate::{Language, Moment, program};
use std::net::IpAddr;
use std::time::Duration;

/// When and how a protocol was last used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastSeen<'a> {
    /// When.
    pub at: Moment,
    /// Where from; `None` for a program on the server's own machine.
    pub peer: Option<IpAddr>,
    /// What the program called itself, as it did.
    pub program: Option<&'a str>,
}

/// What becomes of mail that a POP3 program deletes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PopDeletes {
    /// It leaves the mailbox and can be had back.
    ForGood {
        /// For so long.
        retention: Duration,
        /// How many messages can be had back now that POP3 deleted.
        deleted: u64,
    },
    /// It moves to the mailbox for deleted mail.
    ToTrash,
}

/// What is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BothProtocols<'a> {
    /// The last use of IMAP.
    pub imap: LastSeen<'a>,
    /// The last use of POP3.
    pub pop3: LastSeen<'a>,
    /// What POP3 does to mail here.
    pub deletes: PopDeletes,
}

impl BothProtocols<'_> {
    pub(crate) fn subject(language: Language) -> String {
        texts::SUBJECT.in_language(language).to_owned()
    }

    pub(crate) fn tell(&self, language: Language, body: &mut Body, address: &str) {
        body.say(texts::WHAT, &[("address", address)]);
        body.say(texts::IMAP, &[]);
        body.say(texts::POP3, &[]);
        body.facts(&[(texts::FACT_IMAP, seen(language, &self.imap)), (texts::FACT_POP3, seen(language, &self.pop3))]);
        match self.deletes {
            PopDeletes::ForGood { retention, deleted: 0 } => {
                body.say(texts::NOTHING_DELETED, &[("time", &span(language, retention))]);
            }
            PopDeletes::ForGood { retention, deleted } => {
                let values = [("time", span(language, retention)), ("messages", messages(language, deleted))];
                body.say(texts::BACK, &values.each_ref().map(|(name, value)| (*name, value.as_str())));
            }
            PopDeletes::ToTrash => body.say(texts::TRASH, &[]),
        }
        let say = |text: crate::Text| text.in_language(language).to_owned();
        body.steps(texts::ADVICE, &[say(texts::SEVERAL_DEVICES), say(texts::KEEP_POP3), say(texts::ALL_FINE)]);
        body.say(texts::ONCE, &[]);
    }
}

fn seen(language: Language, last: &LastSeen<'_>) -> String {
    let mut text = last.at.full(language);
    let here = || exposed::THIS_MACHINE.in_language(language).to_owned();
    let peer = last.peer.map_or_else(here, |peer| peer.to_canonical().to_string());
    text.push_str(", ");
    text.push_str(&peer);
    if let Some(name) = last.program.and_then(program) {
        text.push_str(", ");
        text.push_str(&name);
    }
    text
}
