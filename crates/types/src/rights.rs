//! The rights of RFC 4314 §2.1 that an access control list grants in a mailbox.

use crate::Flags;
use std::fmt;

/// A set of rights. The virtual `c` and `d` (RFC 4314 §2.1.1) are no members: they are read as what they stand for and
/// written beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rights(u16);

/// Why a string is no set of rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no right {0:?}")]
pub struct RightsError(pub char);

impl Rights {
    /// No right.
    pub const NONE: Self = Self(0);
    /// `l`: see the mailbox in LIST and subscribe it.
    pub const LOOKUP: Self = Self(1);
    /// `r`: open it, ask for its STATUS.
    pub const READ: Self = Self(1 << 1);
    /// `s`: change `\Seen`.
    pub const SEEN: Self = Self(1 << 2);
    /// `w`: change flags other than `\Seen` and `\Deleted`.
    pub const WRITE: Self = Self(1 << 3);
    /// `i`: put messages into it.
    pub const INSERT: Self = Self(1 << 4);
    /// `p`: send mail to its submission address; IMAP does not ask for it.
    pub const POST: Self = Self(1 << 5);
    /// `k`: make mailboxes below it.
    pub const CREATE: Self = Self(1 << 6);
    /// `x`: delete it, or give it another name.
    pub const DELETE_MAILBOX: Self = Self(1 << 7);
    /// `t`: change `\Deleted`.
    pub const DELETE_MESSAGES: Self = Self(1 << 8);
    /// `e`: EXPUNGE.
    pub const EXPUNGE: Self = Self(1 << 9);
    /// `a`: read and change its access control list.
    pub const ADMINISTER: Self = Self(1 << 10);
    /// All of them.
    pub const ALL: Self = Self((1 << 11) - 1);

    /// Each right with its letter, in the order in which they are written.
    pub const LETTERS: [(char, Self); 11] = [
        ('l', Self::LOOKUP),
        ('r', Self::READ),
        ('s', Self::SEEN),
        ('w', Self::WRITE),
        ('i', Self::INSERT),
        ('p', Self::POST),
        ('k', Self::CREATE),
        ('x', Self::DELETE_MAILBOX),
        ('t', Self::DELETE_MESSAGES),
        ('e', Self::EXPUNGE),
        ('a', Self::ADMINISTER),
    ];

    /// What `c` stands for here: `k` and `x`, as in the servers that used `c` for DELETE (RFC 4314 §2.1.1).
    pub const VIRTUAL_CREATE: Self = Self(Self::CREATE.0 | Self::DELETE_MAILBOX.0);
    /// What `d` stands for here: `e` and `t`.
    pub const VIRTUAL_DELETE: Self = Self(Self::EXPUNGE.0 | Self::DELETE_MESSAGES.0);

    /// Reads letters; capitals and letters without a meaning are errors (RFC 4314 §3.1).
    pub fn parse(text: &str) -> Result<Self, RightsError> {
        text.chars().try_fold(Self::NONE, |rights, letter| {
            let right = match letter {
                'c' => Some(Self::VIRTUAL_CREATE),
                'd' => Some(Self::VIRTUAL_DELETE),
                _ => Self::LETTERS.iter().find(|(l, _)| *l == letter).map(|(_, right)| *right),
            };
            right.map(|right| rights.union(right)).ok_or(RightsError(letter))
        })
    }

    /// The set as a number, to be stored.
    pub fn bits(self) -> u16 {
        self.0
    }

    /// Reads [`Rights::bits`]; `None` if it has a bit that no right has.
    pub fn from_bits(bits: u16) -> Option<Self> {
        (bits & !Self::ALL.0 == 0).then_some(Self(bits))
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether all of `other` are there.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether one of `other` is there.
    pub fn has_any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Both together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Without those of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The flags of `flags` that these rights allow to change (RFC 4314 §4).
    #[must_use]
    pub fn flags(self, flags: Flags) -> Flags {
        let mut allowed = Flags::NONE;
        if self.contains(Self::SEEN) {
            allowed = allowed.union(Flags::SEEN);
        }
        if self.contains(Self::DELETE_MESSAGES) {
            allowed = allowed.union(Flags::DELETED);
        }
        if self.contains(Self::WRITE) {
            allowed = allowed.union(Flags(u64::MAX).without(Flags::SEEN.union(Flags::DELETED)));
        }
        Flags(flags.0 & allowed.0)
    }
}

impl fmt::Display for Rights {
    /// As MYRIGHTS and ACL write them: with `c` and `d` where one of their members is there (RFC 4314 §2.1.1).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (letter, right) in Self::LETTERS {
            if letter == 'a' {
                if self.has_any(Self::VIRTUAL_CREATE) {
                    f.write_str("c")?;
                }
                if self.has_any(Self::VIRTUAL_DELETE) {
                    f.write_str("d")?;
                }
            }
            if self.contains(right) {
                write!(f, "{letter}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(text: &str) -> Rights {
        Rights::parse(text).unwrap()
    }

    #[test]
    fn virtual_rights_are_read_as_their_members_and_written_beside_them() {
        assert_eq!(rights("lrswida").to_string(), "lrswiteda");
        assert_eq!(rights("lrswikda").to_string(), "lrswiktecda");
        assert_eq!(rights("c"), rights("kx"));
        assert_eq!(Rights::ALL.to_string(), "lrswipkxtecda");
        assert_eq!((rights(""), Rights::NONE.to_string()), (Rights::NONE, String::new()));
    }

    #[test]
    fn unknown_letters_and_capitals_are_refused() {
        for (text, letter) in [("lrQ", 'Q'), ("lrq", 'q'), ("l r", ' '), ("0", '0'), ("L", 'L')] {
            assert_eq!(Rights::parse(text), Err(RightsError(letter)));
        }
    }

    #[test]
    fn each_flag_has_its_right() {
        let all = Flags(u64::MAX);
        assert_eq!(rights("s").flags(all), Flags::SEEN);
        assert_eq!(rights("t").flags(all), Flags::DELETED);
        assert_eq!(rights("w").flags(all), all.without(Flags::SEEN).without(Flags::DELETED));
        assert_eq!(Rights::ALL.flags(all), all);
        assert_eq!(rights("lriea").flags(all), Flags::NONE);
    }

    #[test]
    fn bits_read_back_and_strange_ones_do_not() {
        assert_eq!(Rights::from_bits(Rights::ALL.bits()), Some(Rights::ALL));
        assert_eq!(Rights::from_bits(1 << 11), None);
    }
}
