//! Message flags: the system flags of RFC 9051 §2.3.2 and a mailbox's keywords, together in one word.

use std::fmt;
use std::sync::Arc;

/// How many different keywords one mailbox can hold; one more is refused with `NO [LIMIT]`.
pub const KEYWORDS_MAX: usize = 56;

/// Longest keyword in bytes.
pub const KEYWORD_LENGTH_MAX: usize = 100;

/// The flags of one message: system flags in the low byte, the mailbox's keywords from bit 8 on
/// (bit 8 + i is entry i of the mailbox's [`Keywords`]). `\Recent` is a session's, never stored here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(pub u64);

impl Flags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// `\Seen`
    pub const SEEN: Self = Self(1);
    /// `\Answered`
    pub const ANSWERED: Self = Self(1 << 1);
    /// `\Flagged`
    pub const FLAGGED: Self = Self(1 << 2);
    /// `\Deleted`
    pub const DELETED: Self = Self(1 << 3);
    /// `\Draft`
    pub const DRAFT: Self = Self(1 << 4);
    /// All system flags.
    pub const SYSTEM: Self = Self(0x1f);

    /// The flags with the names as RFC 9051 spells them, in wire order.
    pub const SYSTEM_NAMES: [(Self, &'static str); 5] = [
        (Self::ANSWERED, "\\Answered"),
        (Self::FLAGGED, "\\Flagged"),
        (Self::DELETED, "\\Deleted"),
        (Self::SEEN, "\\Seen"),
        (Self::DRAFT, "\\Draft"),
    ];

    /// The flag of the keyword at `index` in the mailbox's table; `None` past [`KEYWORDS_MAX`].
    pub fn keyword(index: usize) -> Option<Self> {
        (index < KEYWORDS_MAX).then(|| Self(1 << (8 + index)))
    }

    /// Whether every flag of `other` is set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both together.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Without those of `other`.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The system flags alone.
    #[must_use]
    pub fn system(self) -> Self {
        Self(self.0 & Self::SYSTEM.0)
    }

    /// The places in the keyword table of the keywords that are set, ascending.
    pub fn keyword_indexes(self) -> impl Iterator<Item = usize> {
        let mut rest = self.0 >> 8;
        std::iter::from_fn(move || {
            if rest == 0 {
                return None;
            }
            let index = rest.trailing_zeros();
            rest &= rest - 1;
            usize::try_from(index).ok()
        })
    }
}

/// What STORE does with the flags it names (RFC 9051 §6.4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagChange {
    /// `FLAGS`: these and no others.
    Replace,
    /// `+FLAGS`
    Add,
    /// `-FLAGS`
    Remove,
}

/// A keyword: an atom without a leading backslash (RFC 9051 `flag-keyword`), compared without regard to ASCII case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Keyword(Box<str>);

/// Why a string is no keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeywordError {
    /// Empty, or a byte that no atom may hold.
    #[error("not an atom")]
    NotAnAtom,
    /// More than [`KEYWORD_LENGTH_MAX`] bytes.
    #[error("longer than {KEYWORD_LENGTH_MAX} bytes")]
    TooLong,
}

impl Keyword {
    /// Checks that `text` is an atom (RFC 9051 §9 `atom`).
    pub fn parse(text: &str) -> Result<Self, KeywordError> {
        if text.len() > KEYWORD_LENGTH_MAX {
            return Err(KeywordError::TooLong);
        }
        let atom_char = |b: u8| b.is_ascii_graphic() && !br#"(){%*"\]"#.contains(&b);
        if text.is_empty() || !text.bytes().all(atom_char) {
            return Err(KeywordError::NotAnAtom);
        }
        Ok(Self(text.into()))
    }

    /// As first written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both are the same keyword.
    pub fn matches(&self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other)
    }
}

impl fmt::Debug for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A mailbox's keyword table: a keyword keeps its place for ever, so that stored flag words stay true.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keywords(Arc<[Keyword]>);

impl Keywords {
    /// A table of these; `None` if there are more than [`KEYWORDS_MAX`].
    pub fn new(keywords: Vec<Keyword>) -> Option<Self> {
        (keywords.len() <= KEYWORDS_MAX).then(|| Self(keywords.into()))
    }

    /// All, in the order of their places.
    pub fn iter(&self) -> std::slice::Iter<'_, Keyword> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one more would not fit.
    pub fn is_full(&self) -> bool {
        self.0.len() >= KEYWORDS_MAX
    }

    /// The keyword at a place.
    pub fn get(&self, index: usize) -> Option<&Keyword> {
        self.0.get(index)
    }

    /// The flag of this keyword, if the table has it.
    pub fn flag(&self, keyword: &str) -> Option<Flags> {
        Flags::keyword(self.0.iter().position(|k| k.matches(keyword))?)
    }

    /// The table with `keyword` in it, and its flag; `None` when the table is full.
    pub fn with(&self, keyword: &Keyword) -> Option<(Self, Flags)> {
        if let Some(flag) = self.flag(keyword.as_str()) {
            return Some((self.clone(), flag));
        }
        let flag = Flags::keyword(self.0.len())?;
        Some((Self(self.0.iter().chain([keyword]).cloned().collect()), flag))
    }
}

impl<'a> IntoIterator for &'a Keywords {
    type Item = &'a Keyword;
    type IntoIter = std::slice::Iter<'a, Keyword>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_table_takes_no_further_keyword_but_finds_the_old_ones() {
        let mut table = Keywords::default();
        for i in 0..KEYWORDS_MAX {
            table = table.with(&Keyword::parse(&format!("k{i}")).unwrap()).unwrap().0;
        }
        assert!(table.is_full());
        assert!(table.with(&Keyword::parse("more").unwrap()).is_none());
        let (same, flag) = table.with(&Keyword::parse("K55").unwrap()).unwrap();
        assert_eq!((same.len(), flag), (KEYWORDS_MAX, Flags(1 << 63)));
        assert_eq!(flag.union(Flags(1 << 8)).keyword_indexes().collect::<Vec<_>>(), [0, 55]);
    }

    #[test]
    fn a_keyword_is_an_atom_of_limited_length() {
        for bad in ["", "\\Seen", "a b", "a]b", "(", "ä", "a\"b"] {
            assert_eq!(Keyword::parse(bad), Err(KeywordError::NotAnAtom), "{bad}");
        }
        assert!(Keyword::parse(&"k".repeat(KEYWORD_LENGTH_MAX)).is_ok());
        assert_eq!(Keyword::parse(&"k".repeat(KEYWORD_LENGTH_MAX + 1)), Err(KeywordError::TooLong));
        assert!(Keyword::parse("$MDNSent").unwrap().matches("$mdnsent"));
    }
}
