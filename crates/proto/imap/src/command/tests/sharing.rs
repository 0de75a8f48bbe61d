//! Rights, annotations and quotas: what is read as which command, and what is refused.

use super::{all_bad, name, parse};
use crate::codec::ParseError;
use crate::command::getmetadata::{Depth, ENTRIES_MAX, Entries};
use crate::command::{
    Command, DeleteAcl, GetAcl, GetMetadata, GetQuota, GetQuotaRoot, Identifier, ListRights, MyRights, RightsChange,
    SetAcl, SetMetadata, SetQuota,
};
use crate::response::{Code, QuotaResource};
use bytes::Bytes;
use types::{EntryName, Rights};

fn entry(text: &str) -> EntryName {
    EntryName::parse(text.as_bytes()).unwrap()
}

fn who(text: &str) -> Identifier {
    Identifier { name: text.trim_start_matches('-').into(), is_negative: text.starts_with('-') }
}

#[test]
fn rights_are_set_added_and_removed() {
    let rights = |text: &str| Rights::parse(text).unwrap();
    for (text, identifier, change) in [
        (
            "SETACL INBOX/Drafts Byron lrswikda",
            "Byron",
            RightsChange::Replace(rights("lrswikeatx").without(rights("x"))),
        ),
        ("setacl INBOX/Drafts Chris +cda", "Chris", RightsChange::Add(rights("kxeta"))),
        ("SETACL INBOX/Drafts \"-a b\" \"-w\"", "-a b", RightsChange::Remove(rights("w"))),
        ("SETACL INBOX/Drafts anyone \"\"", "anyone", RightsChange::Replace(Rights::NONE)),
        ("SETACL INBOX/Drafts anyone {1}\r\n+", "anyone", RightsChange::Add(Rights::NONE)),
    ] {
        let command = SetAcl { mailbox: name("INBOX/Drafts"), identifier: who(identifier), change };
        assert_eq!(parse(text), Ok(Command::SetAcl(command)), "{text}");
    }
    // RFC 4314 §3.1: a right that is not known is not passed over.
    all_bad(&[
        "SETACL INBOX John lrQswicda",
        "SETACL INBOX John lrqswicda",
        "SETACL INBOX John ++l",
        "SETACL INBOX \"\" l",
        "SETACL INBOX - l",
        "SETACL INBOX {2}\r\na\u{1} l",
        "SETACL INBOX John",
        "SETACL INBOX",
        "SETACL INBOX John l r",
    ]);
    let long = |length| format!("SETACL INBOX {} l", "x".repeat(length));
    assert!(parse(&long(crate::command::setacl::IDENTIFIER_MAX)).is_ok());
    all_bad(&[&long(crate::command::setacl::IDENTIFIER_MAX + 1)]);
}

#[test]
fn the_other_commands_of_rights_name_a_mailbox_and_perhaps_somebody() {
    let mailbox = name("a b");
    assert_eq!(parse("GETACL \"a b\""), Ok(Command::GetAcl(GetAcl { mailbox: mailbox.clone() })));
    assert_eq!(parse("MYRIGHTS \"a b\""), Ok(Command::MyRights(MyRights { mailbox: mailbox.clone() })));
    let deleted = DeleteAcl { mailbox: mailbox.clone(), identifier: who("-fred") };
    assert_eq!(parse("DELETEACL \"a b\" -fred"), Ok(Command::DeleteAcl(deleted)));
    let listed = ListRights { mailbox, identifier: who("fred") };
    assert_eq!(parse("LISTRIGHTS \"a b\" fred"), Ok(Command::ListRights(listed)));
    all_bad(&["GETACL", "GETACL a b", "MYRIGHTS", "DELETEACL a", "LISTRIGHTS a", "LISTRIGHTS a b c"]);
}

#[test]
fn annotations_are_asked_for_with_options_before_or_behind_the_mailbox() {
    let get = |mailbox: &str, max_size, depth, names: &[&str]| {
        let names = names.iter().map(|text| entry(text)).collect();
        let mailbox = (!mailbox.is_empty()).then(|| name(mailbox));
        Ok(Command::GetMetadata(GetMetadata { mailbox, entries: Entries { max_size, depth, names } }))
    };
    let both = ["/shared/comment", "/private/comment"];
    assert_eq!(parse("GETMETADATA \"\" /shared/comment"), get("", None, Depth::Zero, &both[..1]));
    assert_eq!(parse("GETMETADATA INBOX (/shared/comment /private/comment)"), get("INBOX", None, Depth::Zero, &both));
    let limited = get("INBOX", Some(1024), Depth::Infinity, &both);
    assert_eq!(parse("GETMETADATA INBOX (MAXSIZE 1024 DEPTH infinity) (/shared/comment /private/comment)"), limited);
    assert_eq!(parse("GETMETADATA (depth Infinity maxsize 1024) INBOX (/shared/comment /PRIVATE/Comment)"), limited);
    assert_eq!(parse("GETMETADATA (DEPTH 1) \"\" (\"/shared\" /shared)"), get("", None, Depth::One, &["/shared"]));
    all_bad(&[
        "GETMETADATA INBOX",
        "GETMETADATA INBOX ()",
        "GETMETADATA INBOX comment",
        "GETMETADATA INBOX /shared/*",
        "GETMETADATA INBOX (DEPTH 2) /shared/x",
        "GETMETADATA INBOX (MAXSIZE) /shared/x",
        "GETMETADATA INBOX (FROB 1) /shared/x",
        "GETMETADATA INBOX (DEPTH 1)",
        "GETMETADATA INBOX (/shared/a/shared/b",
    ]);
    let many = |count| {
        let names: Vec<_> = (0..count).map(|n| format!("/shared/{n}")).collect();
        format!("GETMETADATA INBOX ({})", names.join(" "))
    };
    assert!(parse(&many(ENTRIES_MAX)).is_ok());
    all_bad(&[&many(ENTRIES_MAX + 1)]);
}

#[test]
fn annotations_are_set_from_strings_literals_and_nil() {
    let values = vec![
        (entry("/private/comment"), Some(Bytes::from_static(b"two\r\nlines"))),
        (entry("/shared/comment"), None),
        (entry("/shared/vendor/x/y"), Some(Bytes::from_static(b"\0b"))),
        (entry("/shared/empty"), Some(Bytes::new())),
        (entry("/shared/nil"), Some(Bytes::from_static(b"NIL"))),
    ];
    let text = "SETMETADATA INBOX (/private/comment {10}\r\ntwo\r\nlines /shared/comment NIL /shared/vendor/x/y ~{2}\r\n\0b \
                /shared/empty \"\" /shared/nil \"NIL\")";
    assert_eq!(parse(text), Ok(Command::SetMetadata(SetMetadata { mailbox: Some(name("INBOX")), values })));
    all_bad(&[
        "SETMETADATA INBOX /shared/comment x",
        "SETMETADATA INBOX (/shared/comment)",
        "SETMETADATA INBOX (/shared/comment x)",
        "SETMETADATA INBOX (/shared NIL)",
        "SETMETADATA INBOX (/shared/vendor/x \"y\")",
        "SETMETADATA INBOX (/shared/comment {1}\r\n\0)",
        "SETMETADATA INBOX ()",
    ]);
    let many = |count| {
        let values: Vec<_> = (0..count).map(|n| format!("/shared/{n} NIL")).collect();
        format!("SETMETADATA \"\" ({})", values.join(" "))
    };
    assert!(parse(&many(ENTRIES_MAX)).is_ok());
    all_bad(&[&many(ENTRIES_MAX + 1)]);
}

#[test]
fn quotas_are_asked_for_by_root_or_mailbox_and_set_by_resource() {
    assert_eq!(parse("GETQUOTA \"\""), Ok(Command::GetQuota(GetQuota { root: "".into() })));
    assert_eq!(parse("GETQUOTA \"#user/alice\""), Ok(Command::GetQuota(GetQuota { root: "#user/alice".into() })));
    assert_eq!(parse("GETQUOTAROOT inbox"), Ok(Command::GetQuotaRoot(GetQuotaRoot { mailbox: name("INBOX") })));
    let limits = vec![(QuotaResource::Storage, 510), (QuotaResource::Mailbox, 0)];
    let set = Command::SetQuota(SetQuota { root: "ann".into(), limits });
    assert_eq!(parse("SETQUOTA ann (STORAGE 510 mailbox 0)"), Ok(set));
    assert_eq!(parse("SETQUOTA ann ()"), Ok(Command::SetQuota(SetQuota { root: "ann".into(), limits: vec![] })));
    let unknown = parse("SETQUOTA ann (ANNOTATION-STORAGE 1)");
    assert!(matches!(unknown, Err(ParseError::Refusal(Code::Cannot, _))));
    all_bad(&[
        "SETQUOTA ann",
        "SETQUOTA ann STORAGE 1",
        "SETQUOTA ann (STORAGE)",
        "SETQUOTA ann (STORAGE -1)",
        "SETQUOTA ann (STORAGE 1 STORAGE 2)",
        "SETQUOTA ann (STORAGE 9223372036854775808)",
        "GETQUOTA",
        "GETQUOTAROOT",
    ]);
    let root = |length| format!("GETQUOTA {}", "x".repeat(length));
    assert!(parse(&root(crate::command::getquota::QUOTA_ROOT_MAX)).is_ok());
    all_bad(&[&root(crate::command::getquota::QUOTA_ROOT_MAX + 1)]);
}
