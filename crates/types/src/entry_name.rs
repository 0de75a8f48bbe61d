//! Names of annotations (RFC 5464 §3.2).

use std::fmt;

/// Longest entry name in bytes.
pub const ENTRY_NAME_MAX: usize = 255;

/// The name of an annotation, in small letters: `/private/…` or `/shared/…`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryName(Box<str>);

/// Why a string is no entry name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryNameError {
    /// It begins with neither `/private` nor `/shared`.
    #[error("an entry name begins with /private or /shared")]
    Scope,
    /// A part is empty.
    #[error("no part of an entry name is empty")]
    Empty,
    /// A wildcard, a control character or one outside of ASCII.
    #[error("an entry name has no wildcards, control characters or other than ASCII")]
    Character,
    /// Longer than [`ENTRY_NAME_MAX`].
    #[error("an entry name has at most {ENTRY_NAME_MAX} bytes")]
    TooLong,
}

impl EntryName {
    /// Checks a name. `/private`, `/shared` and what has too few parts can be asked for what lies below them, but hold
    /// no value: see [`EntryName::can_hold_value`].
    pub fn parse(text: &[u8]) -> Result<Self, EntryNameError> {
        if text.len() > ENTRY_NAME_MAX {
            return Err(EntryNameError::TooLong);
        }
        if text.iter().any(|b| !(0x20..0x7f).contains(b) || matches!(b, b'*' | b'%')) {
            return Err(EntryNameError::Character);
        }
        let name = String::from_utf8_lossy(text).to_ascii_lowercase();
        let mut parts = name.split('/');
        if parts.next() != Some("") || !matches!(parts.next(), Some("private" | "shared")) {
            return Err(EntryNameError::Scope);
        }
        if parts.any(str::is_empty) {
            return Err(EntryNameError::Empty);
        }
        Ok(Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether each reader has a value of his own.
    pub fn is_private(&self) -> bool {
        self.parts().next() == Some("private")
    }

    /// Whether a value can have this name: at least two parts, four for a vendor's (RFC 5464 §3.2).
    pub fn can_hold_value(&self) -> bool {
        let least = if self.parts().nth(1) == Some("vendor") { 4 } else { 2 };
        self.parts().count() >= least
    }

    /// How many levels this lies below `ancestor`, 0 for itself; `None` if it does not.
    pub fn depth_below(&self, ancestor: &Self) -> Option<usize> {
        let rest = self.0.strip_prefix(&*ancestor.0)?;
        (rest.is_empty() || rest.starts_with('/')).then(|| rest.matches('/').count())
    }

    fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').skip(1)
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> EntryName {
        EntryName::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn names_have_a_scope_whole_parts_and_plain_characters() {
        assert_eq!(name("/Shared/Comment"), name("/shared/comment"));
        let cases = [
            ("shared/comment", EntryNameError::Scope),
            ("/comment", EntryNameError::Scope),
            ("", EntryNameError::Scope),
            ("/sharedx/comment", EntryNameError::Scope),
            ("/shared//comment", EntryNameError::Empty),
            ("/shared/comment/", EntryNameError::Empty),
            ("/shared/", EntryNameError::Empty),
            ("/shared/a*", EntryNameError::Character),
            ("/shared/a%", EntryNameError::Character),
            ("/shared/ä", EntryNameError::Character),
            ("/shared/a\r", EntryNameError::Character),
        ];
        for (text, error) in cases {
            assert_eq!(EntryName::parse(text.as_bytes()), Err(error), "{text:?}");
        }
    }

    #[test]
    fn the_longest_name_is_one_and_a_longer_one_is_not() {
        let longest = format!("/shared/{}", "n".repeat(ENTRY_NAME_MAX - 8));
        assert!(EntryName::parse(longest.as_bytes()).is_ok());
        assert_eq!(EntryName::parse(format!("{longest}n").as_bytes()), Err(EntryNameError::TooLong));
    }

    #[test]
    fn values_have_two_parts_and_four_below_a_vendor() {
        for (text, can) in [
            ("/shared", false),
            ("/private/comment", true),
            ("/shared/vendor", false),
            ("/shared/vendor/x", false),
            ("/shared/vendor/x/y", true),
        ] {
            assert_eq!(name(text).can_hold_value(), can, "{text}");
        }
    }

    #[test]
    fn depth_counts_levels() {
        let depth = |text: &str, above: &str| name(text).depth_below(&name(above));
        assert_eq!(depth("/shared/a/b", "/shared"), Some(2));
        assert_eq!(depth("/shared/a", "/shared/a"), Some(0));
        assert_eq!((depth("/shared/ab", "/shared/a"), depth("/shared/a", "/private")), (None, None));
    }
}
