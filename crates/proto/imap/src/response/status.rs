//! Status answers, tagged and untagged, and the STATUS line.

use super::Code;
use crate::codec::ObjectId;
use crate::codec::write::{write_mailbox, write_number, write_text};
use crate::enabled::Enabled;
use bytes::BytesMut;
use std::borrow::Cow;
use types::{MailboxName, ModSeq, Octets, Uid, UidValidity};

/// Which of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusKind {
    /// It was done.
    Ok,
    /// It was understood and not done.
    No,
    /// It was not understood, or not allowed here.
    Bad,
}

/// How a command ended, or news about the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// OK, NO or BAD.
    pub kind: StatusKind,
    /// What programs read.
    pub code: Option<Code>,
    /// What people read: one line of printable ASCII, not beginning with `[`.
    pub text: Cow<'static, str>,
}

impl Status {
    /// An OK without a code.
    pub fn ok(text: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: StatusKind::Ok, code: None, text: text.into() }
    }

    /// A NO with a code.
    pub fn no(code: Code, text: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: StatusKind::No, code: Some(code), text: text.into() }
    }

    /// A BAD without a code.
    pub fn bad(text: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: StatusKind::Bad, code: None, text: text.into() }
    }

    /// The same with this code.
    #[must_use]
    pub fn with_code(mut self, code: Code) -> Self {
        self.code = Some(code);
        self
    }

    /// Writes `* OK …`.
    pub fn encode_untagged(&self, out: &mut BytesMut, enabled: Enabled) {
        self.encode(out, "*", enabled);
    }

    /// Writes the status behind a tag, its text in the client's language.
    pub fn encode(&self, out: &mut BytesMut, tag: &str, enabled: Enabled) {
        let kind = match self.kind {
            StatusKind::Ok => " OK ",
            StatusKind::No => " NO ",
            StatusKind::Bad => " BAD ",
        };
        out.extend_from_slice(tag.as_bytes());
        out.extend_from_slice(kind.as_bytes());
        self.write_rest(out, enabled);
    }

    /// Writes `* BYE` with the code and the text.
    pub(crate) fn encode_bye(&self, out: &mut BytesMut, enabled: Enabled) {
        out.extend_from_slice(b"* BYE ");
        self.write_rest(out, enabled);
    }

    fn write_rest(&self, out: &mut BytesMut, enabled: Enabled) {
        if let Some(code) = &self.code {
            out.extend_from_slice(b"[");
            code.write(out);
            out.extend_from_slice(b"] ");
        }
        write_text(out, &self.text, enabled.language());
        out.extend_from_slice(b"\r\n");
    }
}

/// The values of a STATUS answer; what is `None` was not asked for (RFC 3501 §7.2.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MailboxStatus {
    /// MESSAGES
    pub messages: Option<u32>,
    /// RECENT
    pub recent: Option<u32>,
    /// UIDNEXT
    pub uid_next: Option<Uid>,
    /// UIDVALIDITY
    pub uid_validity: Option<UidValidity>,
    /// UNSEEN: how many, not the first.
    pub unseen: Option<u32>,
    /// APPENDLIMIT (RFC 7889 §3.1)
    pub append_limit: Option<Octets>,
    /// HIGHESTMODSEQ (RFC 7162 §3.1.7)
    pub highest_modseq: Option<ModSeq>,
    /// MAILBOXID (RFC 8474 §4.3)
    pub mailbox_id: Option<ObjectId>,
    /// SIZE in octets (RFC 8438 §2)
    pub size: Option<Octets>,
    /// DELETED (RFC 9051 §6.3.11)
    pub deleted: Option<u32>,
    /// DELETED-STORAGE in octets (RFC 9208 §4.1.4)
    pub deleted_storage: Option<Octets>,
}

impl MailboxStatus {
    pub(super) fn write(&self, out: &mut BytesMut, name: &MailboxName, enabled: Enabled) {
        out.extend_from_slice(b"* STATUS ");
        write_mailbox(out, name.as_str(), enabled);
        out.extend_from_slice(b" (");
        let values = [
            ("MESSAGES ", self.messages.map(u64::from)),
            ("RECENT ", self.recent.map(u64::from)),
            ("UIDNEXT ", self.uid_next.map(|u| u64::from(u.get()))),
            ("UIDVALIDITY ", self.uid_validity.map(|v| u64::from(v.get()))),
            ("UNSEEN ", self.unseen.map(u64::from)),
            ("APPENDLIMIT ", self.append_limit.map(|o| o.0)),
            ("HIGHESTMODSEQ ", self.highest_modseq.map(|m| m.0)),
            ("SIZE ", self.size.map(|s| s.0)),
            ("DELETED ", self.deleted.map(u64::from)),
            ("DELETED-STORAGE ", self.deleted_storage.map(|s| s.0)),
        ];
        let mut gap = false;
        for (name, value) in values {
            let Some(value) = value else { continue };
            if gap {
                out.extend_from_slice(b" ");
            }
            gap = true;
            out.extend_from_slice(name.as_bytes());
            write_number(out, value);
        }
        if let Some(id) = self.mailbox_id {
            out.extend_from_slice(if gap { b" MAILBOXID " } else { b"MAILBOXID " });
            id.write(out);
        }
        out.extend_from_slice(b")");
    }
}
