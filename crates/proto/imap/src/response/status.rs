//! Status answers, tagged and untagged, and the STATUS line.

use super::Code;
use crate::codec::ObjectId;
use crate::codec::write::{write_mailbox, write_number, write_text};
use crate::enabled::Enabled;
use bytes::BytesMut;
use std::borrow::Cow;
use std::ops::RangeInclusive;
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
        self.encode_some(StatusPlace::default(), usize::MAX, out, (tag, enabled));
    }

    /// Writes the status from a place on until `out` holds `high` bytes or a little more; yields the place to go on
    /// with, if there is one. A code that names every second message of a large mailbox has some ten bytes for each of
    /// them: so it can be sent on before all of it is written.
    pub fn encode_some(
        &self,
        from: StatusPlace,
        high: usize,
        out: &mut BytesMut,
        (tag, enabled): (&str, Enabled),
    ) -> Option<StatusPlace> {
        if from == StatusPlace::default() {
            self.write_head(out, tag);
        }
        let [first, second] = self.code.as_ref().map_or([&[][..], &[]], Code::sets);
        for place in from.0..first.len().saturating_add(second.len()) {
            if place > from.0 && out.len() >= high {
                return Some(StatusPlace(place));
            }
            let in_second = place.checked_sub(first.len());
            let range = in_second.map_or_else(|| first.get(place), |place| second.get(place));
            match (place, in_second) {
                (0, _) => {}
                (_, Some(0)) => out.extend_from_slice(b" "),
                _ => out.extend_from_slice(b","),
            }
            if let Some(range) = range {
                write_range(out, range);
            }
        }
        self.write_rest(out, enabled);
        None
    }

    fn write_head(&self, out: &mut BytesMut, tag: &str) {
        let kind = match self.kind {
            StatusKind::Ok => " OK ",
            StatusKind::No => " NO ",
            StatusKind::Bad => " BAD ",
        };
        out.extend_from_slice(tag.as_bytes());
        out.extend_from_slice(kind.as_bytes());
        self.write_code(out);
    }

    /// Writes `* BYE` with the code and the text.
    pub(crate) fn encode_bye(&self, out: &mut BytesMut, enabled: Enabled) {
        out.extend_from_slice(b"* BYE ");
        self.write_code(out);
        self.write_rest(out, enabled);
    }

    fn write_code(&self, out: &mut BytesMut) {
        if let Some(code) = &self.code {
            out.extend_from_slice(b"[");
            code.write(out);
        }
    }

    fn write_rest(&self, out: &mut BytesMut, enabled: Enabled) {
        if self.code.is_some() {
            out.extend_from_slice(b"] ");
        }
        write_text(out, &self.text, enabled.language());
        out.extend_from_slice(b"\r\n");
    }
}

/// How far a status is written. The default is its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatusPlace(usize);

fn write_range(out: &mut BytesMut, range: &RangeInclusive<u32>) {
    write_number(out, u64::from(*range.start()));
    if range.start() < range.end() {
        out.extend_from_slice(b":");
        write_number(out, u64::from(*range.end()));
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
