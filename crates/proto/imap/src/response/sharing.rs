//! What is told of rights (RFC 4314 §3.6 to §3.8), annotations (RFC 5464 §4.4), quotas (RFC 9208 §4.2) and namespaces
//! (RFC 2342 §5).

use crate::codec::write::{
    write_astring, write_literal_header, write_mailbox, write_number, write_spaced, write_string,
};
use crate::enabled::Enabled;
use bytes::{Bytes, BytesMut};
use std::fmt::Write as _;
use types::{EntryName, Rights};

/// What a quota limits (RFC 9208 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaResource {
    /// Octets of all messages, in units of 1,024.
    Storage,
    /// Messages.
    Message,
    /// Mailboxes.
    Mailbox,
}

impl QuotaResource {
    const ALL: [Self; 3] = [Self::Storage, Self::Message, Self::Mailbox];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Storage => "STORAGE",
            Self::Message => "MESSAGE",
            Self::Mailbox => "MAILBOX",
        }
    }

    /// Reads a name in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resource| resource.name().eq_ignore_ascii_case(name))
    }
}

/// A resource of a quota root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaUsage {
    /// What.
    pub resource: QuotaResource,
    /// How much there is.
    pub used: u64,
    /// How much there may be.
    pub limit: u64,
}

/// The prefixes of the three kinds of namespaces; empty where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Namespaces<'a> {
    /// Of the user's own mailboxes.
    pub personal: &'a [&'a str],
    /// Of those of other users.
    pub other_users: &'a [&'a str],
    /// Of those that are nobody's in particular.
    pub shared: &'a [&'a str],
}

impl Namespaces<'_> {
    /// ```text
    /// Namespace_Response = "*" SP "NAMESPACE" SP Namespace SP Namespace SP Namespace
    /// Namespace          = nil / "(" 1*( "(" string SP (<"> QUOTED_CHAR <"> / nil) … ")" ) ")"
    /// ```
    pub(super) fn write(&self, out: &mut BytesMut) {
        out.extend_from_slice(b"* NAMESPACE");
        for prefixes in [self.personal, self.other_users, self.shared] {
            if prefixes.is_empty() {
                out.extend_from_slice(b" NIL");
                continue;
            }
            out.extend_from_slice(b" (");
            for prefix in prefixes {
                out.extend_from_slice(b"(");
                write_string(out, prefix.as_bytes());
                out.extend_from_slice(b" ");
                super::write_separator(out);
                out.extend_from_slice(b")");
            }
            out.extend_from_slice(b")");
        }
    }
}

fn begin(out: &mut BytesMut, word: &str, mailbox: &str, enabled: Enabled) {
    out.extend_from_slice(b"* ");
    out.extend_from_slice(word.as_bytes());
    out.extend_from_slice(b" ");
    write_mailbox(out, mailbox, enabled);
}

/// Rights as an `astring`: no right is `""`.
fn write_rights(out: &mut BytesMut, rights: Rights) {
    if rights.is_empty() {
        out.extend_from_slice(b" \"\"");
    } else {
        // Writing to a BytesMut does not fail.
        let _ = write!(out, " {rights}");
    }
}

/// `acl-data = "ACL" SP mailbox *(SP identifier SP rights)`
pub(super) fn write_acl(out: &mut BytesMut, mailbox: &str, entries: &[(String, Rights)], enabled: Enabled) {
    begin(out, "ACL", mailbox, enabled);
    for (identifier, rights) in entries {
        out.extend_from_slice(b" ");
        write_astring(out, identifier.as_bytes());
        write_rights(out, *rights);
    }
}

/// `myrights-data = "MYRIGHTS" SP mailbox SP rights`
pub(super) fn write_my_rights(out: &mut BytesMut, mailbox: &str, rights: Rights, enabled: Enabled) {
    begin(out, "MYRIGHTS", mailbox, enabled);
    write_rights(out, rights);
}

/// `listrights-data = "LISTRIGHTS" SP mailbox SP identifier SP rights *(SP rights)`: first those that are always there,
/// then each other one alone, for none is tied to another.
pub(super) fn write_list_rights(out: &mut BytesMut, mailbox: &str, identifier: &str, always: Rights, enabled: Enabled) {
    begin(out, "LISTRIGHTS", mailbox, enabled);
    out.extend_from_slice(b" ");
    write_astring(out, identifier.as_bytes());
    if always.is_empty() {
        out.extend_from_slice(b" \"\"");
    } else {
        out.extend_from_slice(b" ");
        for (letter, _) in Rights::LETTERS.iter().filter(|(_, right)| always.contains(*right)) {
            let _ = write!(out, "{letter}");
        }
    }
    for (letter, _) in Rights::LETTERS.iter().filter(|(_, right)| !always.contains(*right)) {
        let _ = write!(out, " {letter}");
    }
    // RFC 4314 §2.1.1: their members are tied to nothing, so they stand alone.
    out.extend_from_slice(b" c d");
}

/// `metadata-resp = "METADATA" SP mailbox SP entry-values`
pub(super) fn write_metadata(
    out: &mut BytesMut,
    mailbox: Option<&str>,
    values: &[(EntryName, Option<Bytes>)],
    enabled: Enabled,
) {
    begin_metadata(out, mailbox, enabled);
    out.extend_from_slice(b" (");
    write_spaced(out, values, |out, (name, value)| {
        write_astring(out, name.as_str().as_bytes());
        out.extend_from_slice(b" ");
        match value {
            None => out.extend_from_slice(b"NIL"),
            Some(value) if value.contains(&0) => {
                out.extend_from_slice(b"~");
                write_literal_header(out, u64::try_from(value.len()).unwrap_or(u64::MAX));
                out.extend_from_slice(value);
            }
            Some(value) => write_string(out, value),
        }
    });
    out.extend_from_slice(b")");
}

/// `metadata-resp = "METADATA" SP mailbox SP entry-list`
pub(super) fn write_metadata_changed(out: &mut BytesMut, mailbox: Option<&str>, names: &[EntryName], enabled: Enabled) {
    begin_metadata(out, mailbox, enabled);
    out.extend_from_slice(b" ");
    write_spaced(out, names, |out, name| write_astring(out, name.as_str().as_bytes()));
}

fn begin_metadata(out: &mut BytesMut, mailbox: Option<&str>, enabled: Enabled) {
    match mailbox {
        Some(mailbox) => begin(out, "METADATA", mailbox, enabled),
        None => out.extend_from_slice(b"* METADATA \"\""),
    }
}

/// `quota-response = "QUOTA" SP quota-root-name SP quota-list`
pub(super) fn write_quota(out: &mut BytesMut, root: &str, usages: &[QuotaUsage]) {
    out.extend_from_slice(b"* QUOTA ");
    write_astring(out, root.as_bytes());
    out.extend_from_slice(b" (");
    write_spaced(out, usages, |out, usage| {
        out.extend_from_slice(usage.resource.name().as_bytes());
        for number in [usage.used, usage.limit] {
            out.extend_from_slice(b" ");
            write_number(out, number);
        }
    });
    out.extend_from_slice(b")");
}

/// `quotaroot-response = "QUOTAROOT" SP mailbox *(SP quota-root-name)`
pub(super) fn write_quota_root(out: &mut BytesMut, mailbox: &str, root: &str, enabled: Enabled) {
    begin(out, "QUOTAROOT", mailbox, enabled);
    out.extend_from_slice(b" ");
    write_astring(out, root.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::response::Response;

    fn line(response: &Response<'_>) -> String {
        let mut out = BytesMut::new();
        response.encode(&mut out, Enabled::default());
        String::from_utf8(out.to_vec()).unwrap()
    }

    fn rights(text: &str) -> Rights {
        Rights::parse(text).unwrap()
    }

    #[test]
    fn rights_are_told_with_the_virtual_ones() {
        let entries = [("ann@example.org".to_owned(), Rights::ALL), ("-a b".to_owned(), rights("wet"))];
        let acl = line(&Response::Acl { mailbox: "Entwürfe", entries: &entries });
        assert_eq!(acl, "* ACL Entw&APw-rfe ann@example.org lrswipkxtecda \"-a b\" wted\r\n");
        let mine = line(&Response::MyRights { mailbox: "a", rights: Rights::NONE });
        assert_eq!(mine, "* MYRIGHTS a \"\"\r\n");
        let list = Response::ListRights { mailbox: "a", identifier: "ben", always: Rights::NONE };
        assert_eq!(line(&list), "* LISTRIGHTS a ben \"\" l r s w i p k x t e a c d\r\n");
        let list = Response::ListRights { mailbox: "a", identifier: "ann", always: rights("la") };
        assert_eq!(line(&list), "* LISTRIGHTS a ann la r s w i p k x t e c d\r\n");
    }

    #[test]
    fn annotations_are_told_with_their_values_or_by_name() {
        let name = |text: &str| EntryName::parse(text.as_bytes()).unwrap();
        let values = [
            (name("/shared/comment"), Some(Bytes::from_static(b"a \"b\""))),
            (name("/private/comment"), None),
            (name("/private/a b"), Some(Bytes::from_static(b"x\0"))),
            (name("/private/lines"), Some(Bytes::from_static(b"x\r\n"))),
        ];
        let told = line(&Response::Metadata { mailbox: None, values: &values });
        assert_eq!(
            told,
            "* METADATA \"\" (/shared/comment \"a \\\"b\\\"\" /private/comment NIL \"/private/a b\" ~{2}\r\nx\0 \
             /private/lines {3}\r\nx\r\n)\r\n"
        );
        let names = [name("/shared/comment"), name("/private/x")];
        let changed = line(&Response::MetadataChanged { mailbox: Some("INBOX"), names: &names });
        assert_eq!(changed, "* METADATA INBOX /shared/comment /private/x\r\n");
    }

    #[test]
    fn quotas_and_namespaces_are_told() {
        let usages = [
            QuotaUsage { resource: QuotaResource::Storage, used: 10, limit: 512 },
            QuotaUsage { resource: QuotaResource::Message, used: 1, limit: 2 },
        ];
        assert_eq!(
            line(&Response::Quota { root: "ann@x", usages: &usages }),
            "* QUOTA ann@x (STORAGE 10 512 MESSAGE 1 2)\r\n"
        );
        assert_eq!(line(&Response::Quota { root: "", usages: &[] }), "* QUOTA \"\" ()\r\n");
        assert_eq!(line(&Response::QuotaRoot { mailbox: "a b", root: "x" }), "* QUOTAROOT \"a b\" x\r\n");
        let all = Namespaces { personal: &[""], other_users: &["Other Users/"], shared: &["Shared/"] };
        let told = line(&Response::Namespace(&all));
        assert_eq!(told, "* NAMESPACE ((\"\" \"/\")) ((\"Other Users/\" \"/\")) ((\"Shared/\" \"/\"))\r\n");
        assert_eq!(line(&Response::Namespace(&Namespaces::default())), "* NAMESPACE NIL NIL NIL\r\n");
    }
}
