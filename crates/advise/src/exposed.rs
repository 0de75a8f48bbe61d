//! A password that came in clear: what its owner is told at once, and once more before it is locked.

use crate::layout::Body;
use crate::texts::exposed as texts;
use crate::{Language, Moment, Text, program};
use std::net::IpAddr;

/// Which password it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Password<'a> {
    /// The mailbox's own.
    Main,
    /// An app password, by its name.
    App(&'a str),
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// It is good no more from this moment on, which may have been.
    From(Moment),
    /// It stays good: the operator wants people warned only.
    Never,
}

/// What is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exposed<'a> {
    /// Which password.
    pub password: Password<'a>,
    /// When it came.
    pub at: Moment,
    /// Where from; `None` for a program on the server's own machine.
    pub peer: Option<IpAddr>,
    /// How, as people know it: `IMAP`, `POP3`, `SMTP`.
    pub protocol: &'a str,
    /// What the program called itself, as it did.
    pub program: Option<&'a str>,
    /// What becomes of the password.
    pub lock: Lock,
}

/// How things stand when a letter is written.
enum Stands {
    Locked,
    Until(Moment),
    Unlocked,
}

impl Exposed<'_> {
    fn stands(&self, now: Moment) -> Stands {
        match self.lock {
            Lock::Never => Stands::Unlocked,
            Lock::From(lock) if lock.at <= now.at => Stands::Locked,
            Lock::From(lock) => Stands::Until(lock),
        }
    }

    fn is_main(&self) -> bool {
        self.password == Password::Main
    }

    pub(crate) fn subject(&self, language: Language, now: Moment) -> String {
        let (text, day) = match (self.stands(now), self.is_main()) {
            (Stands::Locked, true) => (texts::SUBJECT_LOCKED, None),
            (Stands::Locked, false) => (texts::SUBJECT_APP_LOCKED, None),
            (Stands::Until(lock), true) => (texts::SUBJECT_UNTIL, Some(lock)),
            (Stands::Until(lock), false) => (texts::SUBJECT_APP_UNTIL, Some(lock)),
            (Stands::Unlocked, true) => (texts::SUBJECT_UNLOCKED, None),
            (Stands::Unlocked, false) => (texts::SUBJECT_APP_UNLOCKED, None),
        };
        text.with(language, &[("day", &day.map(|day| day.day(language)).unwrap_or_default())])
    }

    pub(crate) fn reminder_subject(&self, language: Language, now: Moment) -> String {
        match self.stands(now) {
            Stands::Until(lock) => texts::SUBJECT_REMINDER.with(language, &[("day", &lock.day(language))]),
            Stands::Locked | Stands::Unlocked => self.subject(language, now),
        }
    }

    pub(crate) fn tell(&self, language: Language, body: &mut Body, address: &str, now: Moment) {
        let what = if self.is_main() { texts::WHAT } else { texts::WHAT_APP };
        body.say(what, &[("address", address), ("name", &self.app_name(language))]);
        self.rest(language, body, now);
    }

    pub(crate) fn remind(&self, language: Language, body: &mut Body, address: &str, now: Moment) {
        let what = if self.is_main() { texts::STILL } else { texts::STILL_APP };
        let day = self.at.day(language);
        body.say(what, &[("address", address), ("day", &day), ("name", &self.app_name(language))]);
        self.rest(language, body, now);
    }

    fn rest(&self, language: Language, body: &mut Body, now: Moment) {
        let unknown = || texts::UNKNOWN_PROGRAM.in_language(language).to_owned();
        let here = || texts::THIS_MACHINE.in_language(language).to_owned();
        body.facts(&[
            (texts::FACT_WHEN, self.at.full(language)),
            (texts::FACT_FROM, self.peer.map_or_else(here, |peer| peer.to_canonical().to_string())),
            (texts::FACT_PROTOCOL, self.protocol.to_owned()),
            (texts::FACT_PROGRAM, self.program.and_then(program).unwrap_or_else(unknown)),
        ]);
        let (text, time) = match (self.stands(now), self.is_main()) {
            (Stands::Locked, true) => (texts::LOCKED, None),
            (Stands::Locked, false) => (texts::LOCKED_APP, None),
            (Stands::Until(lock), true) => (texts::UNTIL, Some(lock)),
            (Stands::Until(lock), false) => (texts::UNTIL_APP, Some(lock)),
            (Stands::Unlocked, true) => (texts::UNLOCKED, None),
            (Stands::Unlocked, false) => (texts::UNLOCKED_APP, None),
        };
        body.say(text, &[("time", &time.map(|time| time.full(language)).unwrap_or_default())]);
        body.steps(texts::TO_DO, &self.steps(language));
        body.say(texts::STRANGER, &[]);
        body.say(texts::NEVER_ASKED, &[]);
    }

    fn steps(&self, language: Language) -> Vec<String> {
        let say = |text: Text| text.in_language(language).to_owned();
        let encrypt = say(texts::STEP_ENCRYPT);
        if self.is_main() {
            vec![encrypt, say(texts::STEP_CHANGE), say(texts::STEP_ELSEWHERE)]
        } else {
            vec![encrypt, say(texts::STEP_CHANGE_APP)]
        }
    }

    fn app_name(&self, language: Language) -> String {
        match self.password {
            Password::App(name) => program(name).unwrap_or_else(|| texts::NAMELESS.in_language(language).to_owned()),
            Password::Main => String::new(),
        }
    }
}
