//! Ids and counts that must never be swapped for one another.

use std::fmt;
use std::num::NonZeroU32;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

id! {
    /// Names an account (a person's mailboxes, or one of the system accounts) in this installation.
    AccountId(u32)
}
id! {
    /// Names one of an account's passwords: 0 is the main one, the others are app passwords; never used again.
    CredentialId(u32)
}
id! {
    /// Names a mailbox within its account; stable over RENAME, never used again.
    MailboxId(u32)
}
id! {
    /// Names a message's immutable content within its account (RFC 8474 EMAILID); COPY and MOVE keep it.
    EmailId(u64)
}
id! {
    /// Names a thread within its account (RFC 8474 THREADID): messages that belong together. It has the number of the
    /// content that began it, so it is never used again either.
    ThreadId(u64)
}
id! {
    /// A message's unique identifier in its mailbox (RFC 9051 §2.3.1.1): ascending, never used again.
    Uid(NonZeroU32)
}
id! {
    /// A mailbox's UIDVALIDITY (RFC 9051 §2.3.1.1).
    UidValidity(NonZeroU32)
}
id! {
    /// A modification sequence (RFC 7162): the account's change counter at a change. 63 bits on the wire.
    ModSeq(u64)
}
id! {
    /// A size or an offset in bytes.
    Octets(u64)
}

impl CredentialId {
    /// The main password.
    pub const MAIN: Self = Self(0);
}

/// One of an account's passwords as it was when it was looked at: a new password under the same id has another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CredentialRef {
    /// Which password.
    pub id: CredentialId,
    /// Which version of it.
    pub version: u64,
}

impl Uid {
    /// The lowest UID.
    pub const MIN: Self = Self(NonZeroU32::MIN);
    /// The highest UID the wire can carry.
    pub const MAX: Self = Self(NonZeroU32::MAX);

    /// Makes a UID of a number; `None` for zero.
    pub fn new(value: u32) -> Option<Self> {
        NonZeroU32::new(value).map(Self)
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0.get()
    }
}

impl UidValidity {
    /// Makes a UIDVALIDITY of a number; `None` for zero.
    pub fn new(value: u32) -> Option<Self> {
        NonZeroU32::new(value).map(Self)
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0.get()
    }
}

impl ModSeq {
    /// What RFC 7162 calls zero: before every change.
    pub const ZERO: Self = Self(0);

    /// The next value.
    ///
    /// # Panics
    /// When 2^63 changes have been made to one account, which no installation lives to see.
    #[must_use]
    pub fn next(self) -> Self {
        assert!(self.0 < i64::MAX as u64, "a change counter has 63 bits");
        Self(self.0 + 1)
    }
}

impl Octets {
    /// No bytes.
    pub const ZERO: Self = Self(0);

    /// `count` kibibytes, for the constants that name limits.
    pub const fn kib(count: u64) -> Self {
        Self(count << 10)
    }

    /// `count` mebibytes, for the constants that name limits.
    pub const fn mib(count: u64) -> Self {
        Self(count << 20)
    }
}
