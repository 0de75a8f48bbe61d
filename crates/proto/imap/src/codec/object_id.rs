//! Object identifiers (RFC 8474 §7).

use bytes::BytesMut;
use std::fmt::{self, Write as _};
use types::{AccountId, EmailId, MailboxId, ThreadId};

/// Longest object identifier (RFC 8474 §7).
pub const OBJECT_ID_MAX: usize = 255;

/// What an object identifier names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// MAILBOXID
    Mailbox,
    /// EMAILID
    Email,
    /// THREADID
    Thread,
}

/// An identifier of ours, written as a letter for the kind, the account, a dash and the number, both in hexadecimal.
///
/// It has the account in it, because a client also sees other people's mailboxes, and no two objects may have the same
/// identifier. The letter keeps the kinds apart and the identifier from looking like a number (RFC 8474 §5.2, §8.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectId {
    /// Of which kind.
    pub kind: ObjectKind,
    /// In which account.
    pub account: AccountId,
    /// Which one there.
    pub number: u64,
}

impl ObjectId {
    /// A mailbox's.
    pub fn mailbox(account: AccountId, mailbox: MailboxId) -> Self {
        Self { kind: ObjectKind::Mailbox, account, number: mailbox.0.into() }
    }

    /// A content's.
    pub fn email(account: AccountId, email: EmailId) -> Self {
        Self { kind: ObjectKind::Email, account, number: email.0 }
    }

    /// A thread's.
    pub fn thread(account: AccountId, thread: ThreadId) -> Self {
        Self { kind: ObjectKind::Thread, account, number: thread.0 }
    }

    /// Reads an identifier as [`Self`] is written, case included; `None` for any other, which names nothing.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let kind = match text.as_bytes().first()? {
            b'F' => ObjectKind::Mailbox,
            b'M' => ObjectKind::Email,
            b'T' => ObjectKind::Thread,
            _ => return None,
        };
        let (account, number) = text.get(1..)?.split_once('-')?;
        let account = AccountId(u32::from_str_radix(account, 16).ok()?);
        let id = Self { kind, account, number: u64::from_str_radix(number, 16).ok()? };
        // There is one way to write it.
        (id.to_string() == text).then_some(id)
    }

    /// Writes it in parentheses, as all answers have it.
    pub(crate) fn write(self, out: &mut BytesMut) {
        out.extend_from_slice(b"(");
        let _ = write!(out, "{self}");
        out.extend_from_slice(b")");
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = match self.kind {
            ObjectKind::Mailbox => 'F',
            ObjectKind::Email => 'M',
            ObjectKind::Thread => 'T',
        };
        write!(f, "{letter}{:x}-{:x}", self.account.0, self.number)
    }
}

/// `objectid = 1*255(ALPHA / DIGIT / "_" / "-")`
pub fn is_object_id(text: &[u8]) -> bool {
    (1..=OBJECT_ID_MAX).contains(&text.len())
        && text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_read_as_they_are_written() {
        let account = AccountId(0x7f);
        let all = [
            (ObjectId::mailbox(account, MailboxId(u32::MAX)), "F7f-ffffffff"),
            (ObjectId::email(account, EmailId(0)), "M7f-0"),
            (ObjectId::thread(AccountId(u32::MAX), ThreadId(u64::MAX)), "Tffffffff-ffffffffffffffff"),
        ];
        for (id, text) in all {
            assert_eq!(id.to_string(), text);
            assert_eq!(ObjectId::parse(text.as_bytes()), Some(id));
            assert!(is_object_id(text.as_bytes()));
        }
        for other in ["", "F", "F1", "F1-", "F-1", "F1-G", "f1-1", "F1-01", "F01-1", "F1-A", "F+1-1", "F1-1 ", "X1-1"] {
            assert_eq!(ObjectId::parse(other.as_bytes()), None, "{other}");
        }
        assert_eq!(ObjectId::parse("Fä".as_bytes()), None);
    }

    #[test]
    fn an_object_identifier_has_a_length_and_few_characters() {
        assert!(is_object_id(&[b'a'; OBJECT_ID_MAX]) && !is_object_id(&[b'a'; OBJECT_ID_MAX + 1]));
        assert!(is_object_id(b"aZ09_-") && !is_object_id(b"") && !is_object_id(b"a.b"));
    }
}
