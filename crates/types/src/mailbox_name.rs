//! Mailbox names: UTF-8 in normal form C, levels separated by `/`, INBOX in one spelling.

use std::fmt;
use std::sync::Arc;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Separates the levels of a mailbox name.
pub const HIERARCHY_SEPARATOR: char = '/';
/// Longest mailbox name in bytes of UTF-8.
pub const MAILBOX_NAME_MAX: usize = 1000;
/// Most levels of a mailbox name.
pub const MAILBOX_DEPTH_MAX: usize = 32;

/// A mailbox's full name. INBOX, in any case and also as the first level of a longer name, is held as `INBOX`
/// (RFC 9051 §5.1); everything else is compared byte by byte after normalisation.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailboxName(Arc<str>);

/// Why a string is no mailbox name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailboxNameError {
    /// The name or one of its levels is empty.
    #[error("a mailbox name has no empty level")]
    Empty,
    /// Longer than [`MAILBOX_NAME_MAX`].
    #[error("a mailbox name has at most {MAILBOX_NAME_MAX} bytes")]
    TooLong,
    /// More levels than [`MAILBOX_DEPTH_MAX`].
    #[error("a mailbox name has at most {MAILBOX_DEPTH_MAX} levels")]
    TooDeep,
    /// A control character, or a line or paragraph separator (RFC 5198 §2).
    #[error("a mailbox name has no control characters")]
    Control,
}

impl MailboxName {
    /// The mailbox that every account has.
    pub fn inbox() -> Self {
        Self("INBOX".into())
    }

    /// Checks and normalises a name, to NFC (RFC 5198 §2).
    ///
    /// Deviation: RFC 5198 §2 has no code points that the known Unicode does not assign. A newer program may know more of
    /// them, and what one device named the others should show.
    pub fn parse(text: &str) -> Result<Self, MailboxNameError> {
        if text.len() > MAILBOX_NAME_MAX {
            return Err(MailboxNameError::TooLong);
        }
        if text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
            return Err(MailboxNameError::Control);
        }
        let mut name = if is_nfc(text) { text.to_owned() } else { text.nfc().collect() };
        if name.len() > MAILBOX_NAME_MAX {
            return Err(MailboxNameError::TooLong);
        }
        let mut depth = 0;
        for level in name.split(HIERARCHY_SEPARATOR) {
            depth += 1;
            if level.is_empty() {
                return Err(MailboxNameError::Empty);
            }
        }
        if depth > MAILBOX_DEPTH_MAX {
            return Err(MailboxNameError::TooDeep);
        }
        let first = name.find(HIERARCHY_SEPARATOR).unwrap_or(name.len());
        if name.get(..first).is_some_and(|level| level.eq_ignore_ascii_case("INBOX")) {
            name.replace_range(..first, "INBOX");
        }
        Ok(Self(name.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is INBOX itself.
    pub fn is_inbox(&self) -> bool {
        &*self.0 == "INBOX"
    }

    /// The name one level up; `None` at the top.
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once(HIERARCHY_SEPARATOR).map(|(parent, _)| Self(parent.into()))
    }

    /// Whether this lies somewhere below `ancestor`.
    pub fn is_below(&self, ancestor: &Self) -> bool {
        self.0.strip_prefix(&*ancestor.0).is_some_and(|rest| rest.starts_with(HIERARCHY_SEPARATOR))
    }

    /// This name with the part `from` (itself or an ancestor of it) put in `to`'s place, as RENAME of a tree needs it;
    /// `None` if `from` is no such part, an error if the new name breaks a rule.
    pub fn moved(&self, from: &Self, to: &Self) -> Option<Result<Self, MailboxNameError>> {
        let rest = self.0.strip_prefix(&*from.0)?;
        (rest.is_empty() || rest.starts_with(HIERARCHY_SEPARATOR)).then(|| Self::parse(&format!("{to}{rest}")))
    }
}

impl fmt::Display for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// What a mailbox is for (RFC 6154 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpecialUse {
    /// `\All`
    All,
    /// `\Archive`
    Archive,
    /// `\Drafts`
    Drafts,
    /// `\Flagged`
    Flagged,
    /// `\Junk`
    Junk,
    /// `\Sent`
    Sent,
    /// `\Trash`
    Trash,
}

impl SpecialUse {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::All, Self::Archive, Self::Drafts, Self::Flagged, Self::Junk, Self::Sent, Self::Trash];

    /// As the attribute is written, with its backslash.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "\\All",
            Self::Archive => "\\Archive",
            Self::Drafts => "\\Drafts",
            Self::Flagged => "\\Flagged",
            Self::Junk => "\\Junk",
            Self::Sent => "\\Sent",
            Self::Trash => "\\Trash",
        }
    }

    /// Reads an attribute, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|u| u.as_str().eq_ignore_ascii_case(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inbox_has_one_spelling_and_names_are_composed() {
        assert_eq!(MailboxName::parse("iNbOx").unwrap(), MailboxName::inbox());
        assert_eq!(MailboxName::parse("inbox/a").unwrap().as_str(), "INBOX/a");
        assert_eq!(MailboxName::parse("inboxes").unwrap().as_str(), "inboxes");
        assert_eq!(MailboxName::parse("Entwu\u{308}rfe").unwrap(), MailboxName::parse("Entwürfe").unwrap());
    }

    #[test]
    fn limits_hold_at_the_limit_and_not_past_it() {
        assert!(MailboxName::parse(&"m".repeat(MAILBOX_NAME_MAX)).is_ok());
        assert_eq!(MailboxName::parse(&"m".repeat(MAILBOX_NAME_MAX + 1)), Err(MailboxNameError::TooLong));
        let deep = |n| vec!["d"; n].join("/");
        assert!(MailboxName::parse(&deep(MAILBOX_DEPTH_MAX)).is_ok());
        assert_eq!(MailboxName::parse(&deep(MAILBOX_DEPTH_MAX + 1)), Err(MailboxNameError::TooDeep));
        for bad in ["", "/", "a/", "/a", "a//b"] {
            assert_eq!(MailboxName::parse(bad), Err(MailboxNameError::Empty), "{bad:?}");
        }
        assert_eq!(MailboxName::parse("a\u{7}"), Err(MailboxNameError::Control));
    }

    #[test]
    fn a_tree_moves_whole() {
        let name = |s| MailboxName::parse(s).unwrap();
        assert!(name("a/b").is_below(&name("a")) && !name("ab").is_below(&name("a")));
        assert_eq!(name("a/b/c").moved(&name("a/b"), &name("x")), Some(Ok(name("x/c"))));
        assert_eq!(name("a/bc").moved(&name("a/b"), &name("x")), None);
        assert_eq!(name("a/b").parent(), Some(name("a")));
    }
}
