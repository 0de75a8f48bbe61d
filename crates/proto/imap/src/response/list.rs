//! LIST and LSUB lines (RFC 3501 §7.2.2, RFC 3348, RFC 5258, RFC 6154).

use crate::codec::write::write_mailbox;
use crate::enabled::Enabled;
use bytes::BytesMut;
use types::SpecialUse;

/// What is known about mailboxes below one (RFC 3348).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Child {
    /// `\HasChildren`
    Has,
    /// `\HasNoChildren`
    HasNone,
    /// Nothing is said.
    Unsaid,
}

/// Whether there is a mailbox of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existence {
    /// There is.
    Mailbox,
    /// `\Noselect`: there are only some below it.
    Level,
    /// `\NonExistent`: there is none (RFC 5258 §3); who did not ask in the extended form, or enabled `IMAP4rev2`, does
    /// not know the attribute and must not be sent it.
    None,
}

/// One line of LIST or LSUB.
#[derive(Clone, Copy, Debug)]
pub struct ListEntry<'a> {
    /// The mailbox's name or that of a level above mailboxes, in UTF-8.
    pub name: &'a str,
    /// Whether there is such a mailbox.
    pub existence: Existence,
    /// `\NoAccess`: the client lacks a right that is needed to watch it (RFC 5465 §3.1, §5.9).
    pub no_access: bool,
    /// Whether there are mailboxes below it.
    pub children: Child,
    /// `\Subscribed`: false also if that is not told.
    pub subscribed: bool,
    /// What it is for.
    pub special_uses: &'a [SpecialUse],
    /// `CHILDINFO`: there are names below it that are subscribed (RFC 5258 §3.5).
    pub child_info: bool,
    /// `OLDNAME`: how it was called before, or by the client (RFC 9051 §6.3.9.7).
    pub old_name: Option<&'a str>,
}

impl<'a> ListEntry<'a> {
    /// A line that says nothing but that there is a mailbox of this name.
    pub fn new(name: &'a str) -> Self {
        Self {
            name,
            existence: Existence::Mailbox,
            no_access: false,
            children: Child::Unsaid,
            subscribed: false,
            special_uses: &[],
            child_info: false,
            old_name: None,
        }
    }

    pub(super) fn write(&self, out: &mut BytesMut, name: &str, enabled: Enabled) {
        out.extend_from_slice(b"* ");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b" (");
        let existence = match self.existence {
            Existence::Mailbox => None,
            Existence::Level => Some("\\Noselect"),
            Existence::None => Some("\\NonExistent"),
        };
        let children = match self.children {
            Child::Has => Some("\\HasChildren"),
            Child::HasNone => Some("\\HasNoChildren"),
            Child::Unsaid => None,
        };
        let subscribed = self.subscribed.then_some("\\Subscribed");
        let is_xlist = name == "XLIST";
        let inbox = (is_xlist && self.name == "INBOX").then_some("\\Inbox");
        let no_access = self.no_access.then_some("\\NoAccess");
        let attributes = existence.into_iter().chain(no_access).chain(children).chain(subscribed).chain(inbox);
        let uses = self.special_uses.iter().map(|special_use| match special_use {
            SpecialUse::All if is_xlist => "\\AllMail",
            SpecialUse::Junk if is_xlist => "\\Spam",
            SpecialUse::Flagged if is_xlist => "\\Starred",
            special_use => special_use.as_str(),
        });
        let mut gap = false;
        for attribute in attributes.chain(uses) {
            if gap {
                out.extend_from_slice(b" ");
            }
            gap = true;
            out.extend_from_slice(attribute.as_bytes());
        }
        out.extend_from_slice(b") ");
        super::write_separator(out);
        out.extend_from_slice(b" ");
        write_mailbox(out, self.name, enabled);
        self.write_extended(out, enabled);
    }

    /// ```text
    /// mbox-list-extended      = "(" [mbox-list-extended-item *(SP mbox-list-extended-item)] ")"
    /// childinfo-extended-item = "CHILDINFO" SP "(" list-select-base-opt-quoted *(SP list-select-base-opt-quoted) ")"
    /// oldname-extended-item   = "OLDNAME" SP "(" mailbox ")"
    /// ```
    fn write_extended(&self, out: &mut BytesMut, enabled: Enabled) {
        if !self.child_info && self.old_name.is_none() {
            return;
        }
        out.extend_from_slice(b" (");
        if self.child_info {
            out.extend_from_slice(b"\"CHILDINFO\" (\"SUBSCRIBED\")");
        }
        if let Some(old_name) = self.old_name {
            out.extend_from_slice(if self.child_info { b" " } else { b"" });
            out.extend_from_slice(b"\"OLDNAME\" (");
            write_mailbox(out, old_name, enabled);
            out.extend_from_slice(b")");
        }
        out.extend_from_slice(b")");
    }
}
