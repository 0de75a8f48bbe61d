//! What settings can be.

use std::time::Duration;

/// Most that a POP3 program can be asked to wait between two sign-ins.
pub const LOGIN_DELAY_MAX: Duration = Duration::from_hours(24);

/// A value that is written as a text.
pub(super) trait SettingValue: Copy {
    /// Reads it; `None` if it is none.
    fn parse(text: &str) -> Option<Self>;
    /// What [`SettingValue::parse`] reads.
    fn text(&self) -> String;
}

/// A value that is one of a few words.
trait Word: Copy + PartialEq + 'static {
    const WORDS: &'static [(Self, &'static str)];
}

impl<T: Word> SettingValue for T {
    fn parse(text: &str) -> Option<Self> {
        T::WORDS.iter().find(|(_, word)| *word == text).map(|(value, _)| *value)
    }

    fn text(&self) -> String {
        T::WORDS.iter().find(|(value, _)| value == self).map(|(_, word)| (*word).to_owned()).unwrap_or_default()
    }
}

/// What becomes of mail that a POP3 program deletes with DELE and QUIT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDelete {
    /// It goes, for every protocol and device, into the retention space (RFC 1939 §6).
    #[default]
    Delete,
    /// POP3 shows it no more; IMAP does.
    Keep,
    /// It moves to the mailbox for deleted mail.
    Trash,
    /// POP3 is not offered.
    Off,
}

impl Word for OnDelete {
    const WORDS: &'static [(Self, &'static str)] =
        &[(Self::Delete, "delete"), (Self::Keep, "keep"), (Self::Trash, "trash"), (Self::Off, "off")];
}

/// A language that the server writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// German.
    De,
}

impl Word for Language {
    const WORDS: &'static [(Self, &'static str)] = &[(Self::En, "en"), (Self::De, "de")];
}

/// What becomes of a password that came in clear and was right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnCleartext {
    /// It is locked at once.
    Burn,
    /// A main password is locked after the grace time, an app password at once.
    #[default]
    Grace,
    /// Its owner is told; nothing is locked.
    Warn,
}

impl Word for OnCleartext {
    const WORDS: &'static [(Self, &'static str)] =
        &[(Self::Burn, "burn"), (Self::Grace, "grace"), (Self::Warn, "warn")];
}

/// Where the main password of an account can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MainPassword {
    /// Everywhere.
    #[default]
    Everywhere,
    /// Not by mail programs: those need app passwords.
    NotForMail,
}

impl Word for MainPassword {
    const WORDS: &'static [(Self, &'static str)] =
        &[(Self::Everywhere, "everywhere"), (Self::NotForMail, "not-for-mail")];
}

/// Whether letters of advice are written to somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notices {
    /// They are.
    #[default]
    On,
    /// They are not.
    Off,
}

impl Word for Notices {
    const WORDS: &'static [(Self, &'static str)] = &[(Self::On, "on"), (Self::Off, "off")];
}

/// How long a POP3 program has to wait between two sign-ins, in whole seconds; at most [`LOGIN_DELAY_MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LoginDelay(Duration);

impl LoginDelay {
    /// No wait.
    pub const NONE: Self = Self(Duration::ZERO);

    /// A wait; part of a second counts as one. `None` above [`LOGIN_DELAY_MAX`].
    pub fn new(delay: Duration) -> Option<Self> {
        let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        (seconds <= LOGIN_DELAY_MAX.as_secs()).then(|| Self(Duration::from_secs(seconds)))
    }

    /// How long.
    pub fn get(self) -> Duration {
        self.0
    }
}

impl SettingValue for LoginDelay {
    fn parse(text: &str) -> Option<Self> {
        let unit = text.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = text.split_at_checked(unit)?;
        let factor = match unit.trim() {
            "s" => 1,
            "m" | "min" => 60,
            "h" => 3600,
            _ => return None,
        };
        Self::new(Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(factor)?))
    }

    fn text(&self) -> String {
        format!("{}s", self.0.as_secs())
    }
}
