//! The typed answers and their encoders (RFC 3501 §7). FETCH has its own room, [`crate::fetch`].

mod code;
mod esearch;
mod flags;
mod list;
mod sharing;
mod status;
mod thread;
mod uid_batches;

pub use code::{Capabilities, Code, CommandProgress};
pub use esearch::{ContextChange, EsearchResponse};
pub use flags::{write_flag_list, write_flags};
pub use list::{Child, Existence, ListEntry};
pub use sharing::{Namespaces, QuotaResource, QuotaUsage};
pub use status::{MailboxStatus, Status, StatusKind, StatusPlace};
pub use thread::{ThreadNode, ThreadResponse};
pub use uid_batches::UidBatchesResponse;

use crate::codec::write::{write_astring, write_nstring, write_number, write_spaced, write_string};
use crate::command::enable::Extension;
use crate::enabled::Enabled;
use crate::language::Language;
use bytes::{Bytes, BytesMut};
use std::fmt::Write as _;
use types::{EntryName, HIERARCHY_SEPARATOR, Keywords, MailboxName, ModSeq, Rights, UidSet};

/// An untagged answer.
#[derive(Debug)]
pub enum Response<'a> {
    /// `* OK`, `* NO`, `* BAD` with a text.
    Status(&'a Status),
    /// `* CAPABILITY`
    Capability(&'a Capabilities),
    /// `* LIST`
    List(&'a ListEntry<'a>),
    /// `* XLIST`: attributes by the names that they had before RFC 6154.
    Xlist(&'a ListEntry<'a>),
    /// `* LSUB`
    Lsub(&'a ListEntry<'a>),
    /// `* LIST (\Noselect) "/" ""`: the answer to LIST with an empty pattern (RFC 3501 §6.3.8).
    ListDelimiter,
    /// `* STATUS`
    MailboxStatus(&'a MailboxName, &'a MailboxStatus),
    /// `* SEARCH` with numbers, and the highest MODSEQ where MODSEQ was searched for (RFC 7162 §3.1.5). Without
    /// numbers the MODSEQ is left out.
    Search(&'a [u32], Option<ModSeq>),
    /// `* FLAGS`: the system flags and these keywords.
    Flags(&'a Keywords),
    /// `* n EXISTS`
    Exists(u32),
    /// `* n RECENT`
    Recent(u32),
    /// `* n EXPUNGE`
    Expunge(u32),
    /// `* VANISHED` (RFC 7162 §3.2.10): these UIDs are gone. An empty set is not said.
    Vanished {
        /// `(EARLIER)`: they were so before the mailbox was opened, and count in no number.
        earlier: bool,
        /// Which.
        uids: &'a UidSet,
    },
    /// `* ENABLED` (RFC 5161 §3.2)
    Enabled(&'a [Extension]),
    /// `* LANGUAGE` (RFC 5255 §3.3): the one that is spoken now, or all that can be.
    Language(&'a [Language]),
    /// `* COMPARATOR` (RFC 5255 §4.8) with the active one.
    Comparator(&'a str),
    /// `* NAMESPACE` (RFC 2342 §5)
    Namespace(&'a Namespaces<'a>),
    /// `* ACL` (RFC 4314 §3.6)
    Acl {
        /// Whose list.
        mailbox: &'a str,
        /// Identifiers, with a dash where rights are taken away, and their rights.
        entries: &'a [(String, Rights)],
    },
    /// `* LISTRIGHTS` (RFC 4314 §3.7)
    ListRights {
        /// Where.
        mailbox: &'a str,
        /// Whose.
        identifier: &'a str,
        /// Those that cannot be taken away; all others can be given and taken one by one.
        always: Rights,
    },
    /// `* MYRIGHTS` (RFC 4314 §3.8)
    MyRights {
        /// Where.
        mailbox: &'a str,
        /// Which.
        rights: Rights,
    },
    /// `* METADATA` with values (RFC 5464 §4.4.1)
    Metadata {
        /// The mailbox; `None` for the server.
        mailbox: Option<&'a str>,
        /// Entries and values; at least one.
        values: &'a [(EntryName, Option<Bytes>)],
    },
    /// `* METADATA` with names: these changed (RFC 5464 §4.4.2)
    MetadataChanged {
        /// The mailbox; `None` for the server.
        mailbox: Option<&'a str>,
        /// Which; at least one.
        names: &'a [EntryName],
    },
    /// `* QUOTA` (RFC 9208 §4.2.1)
    Quota {
        /// The quota root.
        root: &'a str,
        /// What is limited.
        usages: &'a [QuotaUsage],
    },
    /// `* QUOTAROOT` (RFC 9208 §4.2.2) with one root
    QuotaRoot {
        /// The mailbox.
        mailbox: &'a str,
        /// Its quota root.
        root: &'a str,
    },
    /// `* ID` (RFC 2971 §3.2); without fields `* ID NIL`.
    Id(&'a [(&'a str, Option<&'a str>)]),
}

impl Response<'_> {
    /// Writes the answer, its line end included, in the form for a client that has enabled this.
    pub fn encode(&self, out: &mut BytesMut, enabled: Enabled) {
        match self {
            Self::Status(status) => return status.encode_untagged(out, enabled),
            Self::Capability(capabilities) => {
                out.extend_from_slice(b"* CAPABILITY ");
                capabilities.write(out);
            }
            Self::List(entry) => entry.write(out, "LIST", enabled),
            Self::Xlist(entry) => entry.write(out, "XLIST", enabled),
            Self::Lsub(entry) => entry.write(out, "LSUB", enabled),
            Self::ListDelimiter => {
                out.extend_from_slice(b"* LIST (\\Noselect) ");
                write_separator(out);
                out.extend_from_slice(b" \"\"");
            }
            Self::MailboxStatus(name, status) => status.write(out, name, enabled),
            Self::Search(numbers, modseq) => {
                let mut answer = SearchResponse::begin(out);
                answer.numbers(out, numbers);
                return answer.end(out, *modseq);
            }
            Self::Flags(keywords) => {
                out.extend_from_slice(b"* FLAGS ");
                write_flag_list(out, keywords);
            }
            Self::Exists(count) => write_count(out, *count, b" EXISTS"),
            Self::Recent(count) => write_count(out, *count, b" RECENT"),
            Self::Expunge(number) => write_count(out, *number, b" EXPUNGE"),
            Self::Vanished { uids, .. } if uids.is_empty() => return,
            Self::Vanished { earlier, uids } => {
                let earlier = if *earlier { "(EARLIER) " } else { "" };
                // Writing to a BytesMut does not fail.
                let _ = write!(out, "* VANISHED {earlier}{uids}");
            }
            Self::Enabled(extensions) => {
                out.extend_from_slice(b"* ENABLED");
                for extension in *extensions {
                    out.extend_from_slice(b" ");
                    out.extend_from_slice(extension.name().as_bytes());
                }
            }
            Self::Namespace(namespaces) => namespaces.write(out),
            Self::Acl { mailbox, entries } => sharing::write_acl(out, mailbox, entries, enabled),
            Self::ListRights { mailbox, identifier, always } => {
                sharing::write_list_rights(out, mailbox, identifier, *always, enabled);
            }
            Self::Language(languages) => {
                out.extend_from_slice(b"* LANGUAGE (");
                write_spaced(out, *languages, |out, language| out.extend_from_slice(language.tag().as_bytes()));
                out.extend_from_slice(b")");
            }
            Self::Comparator(name) => {
                out.extend_from_slice(b"* COMPARATOR ");
                write_astring(out, name.as_bytes());
            }
            Self::MyRights { mailbox, rights } => sharing::write_my_rights(out, mailbox, *rights, enabled),
            Self::Metadata { mailbox, values } => sharing::write_metadata(out, *mailbox, values, enabled),
            Self::MetadataChanged { mailbox, names } => {
                sharing::write_metadata_changed(out, *mailbox, names, enabled);
            }
            Self::Quota { root, usages } => sharing::write_quota(out, root, usages),
            Self::QuotaRoot { mailbox, root } => sharing::write_quota_root(out, mailbox, root, enabled),
            Self::Id(fields) => write_id(out, fields),
        }
        out.extend_from_slice(b"\r\n");
    }
}

fn write_separator(out: &mut BytesMut) {
    write_string(out, HIERARCHY_SEPARATOR.encode_utf8(&mut [0; 4]).as_bytes());
}

fn write_count(out: &mut BytesMut, count: u32, what: &[u8]) {
    out.extend_from_slice(b"* ");
    write_number(out, u64::from(count));
    out.extend_from_slice(what);
}

/// `* SEARCH` in the making (RFC 3501 §7.2.5): the output can be sent on between the numbers, of which there may be as
/// many as messages in a mailbox.
#[derive(Debug)]
#[must_use = "an answer must be ended"]
pub struct SearchResponse {
    found: bool,
}

impl SearchResponse {
    /// Begins the answer.
    pub fn begin(out: &mut BytesMut) -> Self {
        out.extend_from_slice(b"* SEARCH");
        Self { found: false }
    }

    /// Begins `* SORT` (RFC 5256 §4), which has the same form.
    pub fn begin_sort(out: &mut BytesMut) -> Self {
        out.extend_from_slice(b"* SORT");
        Self { found: false }
    }

    /// Sequence numbers or UIDs.
    pub fn numbers(&mut self, out: &mut BytesMut, numbers: &[u32]) {
        self.found |= !numbers.is_empty();
        for number in numbers {
            out.extend_from_slice(b" ");
            write_number(out, u64::from(*number));
        }
    }

    /// Ends the answer; the MODSEQ is told if anything was found (RFC 7162 §3.1.5).
    pub fn end(self, out: &mut BytesMut, modseq: Option<ModSeq>) {
        if let (Some(modseq), true) = (modseq, self.found) {
            out.extend_from_slice(b" (MODSEQ ");
            write_number(out, modseq.0);
            out.extend_from_slice(b")");
        }
        out.extend_from_slice(b"\r\n");
    }
}

fn write_id(out: &mut BytesMut, fields: &[(&str, Option<&str>)]) {
    if fields.is_empty() {
        out.extend_from_slice(b"* ID NIL");
        return;
    }
    out.extend_from_slice(b"* ID (");
    write_spaced(out, fields, |out, (name, value)| {
        write_string(out, name.as_bytes());
        out.extend_from_slice(b" ");
        write_nstring(out, value.map(str::as_bytes));
    });
    out.extend_from_slice(b")");
}

#[cfg(test)]
mod tests;
