//! LIST and LSUB lines (RFC 3501 §7.2.2, RFC 3348, RFC 6154).

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

/// One line of LIST or LSUB.
#[derive(Clone, Copy, Debug)]
pub struct ListEntry<'a> {
    /// The mailbox's name or that of a level above mailboxes, in UTF-8.
    pub name: &'a str,
    /// `\Noselect`: there is no such mailbox, only some below it.
    pub no_select: bool,
    /// Whether there are mailboxes below it.
    pub children: Child,
    /// What it is for.
    pub special_uses: &'a [SpecialUse],
}

impl ListEntry<'_> {
    pub(super) fn write(&self, out: &mut BytesMut, name: &str, enabled: Enabled) {
        out.extend_from_slice(b"* ");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b" (");
        let mut gap = false;
        let children = match self.children {
            Child::Has => Some("\\HasChildren"),
            Child::HasNone => Some("\\HasNoChildren"),
            Child::Unsaid => None,
        };
        let attributes = self.no_select.then_some("\\Noselect").into_iter().chain(children);
        for attribute in attributes.chain(self.special_uses.iter().map(|u| u.as_str())) {
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
    }
}
