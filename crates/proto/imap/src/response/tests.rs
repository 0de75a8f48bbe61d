use super::*;
use types::{Flags, Keyword, SpecialUse, Uid, UidSet, UidValidity};

fn line(response: &Response<'_>) -> String {
    let mut out = BytesMut::new();
    response.encode(&mut out, Enabled::default());
    String::from_utf8(out.to_vec()).unwrap()
}

fn coded(code: Code) -> String {
    let mut out = BytesMut::new();
    Status::ok("x").with_code(code).encode(&mut out, "a1", Enabled::default());
    String::from_utf8(out.to_vec()).unwrap()
}

fn in_progress(tag: &str, progress: CommandProgress) -> Code {
    Code::InProgress { tag: tag.into(), progress }
}

#[test]
fn untagged_data_is_written_as_rfc_3501_has_it() {
    let inbox = MailboxName::inbox();
    assert_eq!(line(&Response::Exists(23)), "* 23 EXISTS\r\n");
    assert_eq!(line(&Response::Recent(0)), "* 0 RECENT\r\n");
    assert_eq!(line(&Response::Expunge(44)), "* 44 EXPUNGE\r\n");
    assert_eq!(line(&Response::Search(&[2, 3, 6], None)), "* SEARCH 2 3 6\r\n");
    assert_eq!(line(&Response::Search(&[], Some(ModSeq(9)))), "* SEARCH\r\n");
    assert_eq!(line(&Response::Search(&[2], Some(ModSeq(917_162_500)))), "* SEARCH 2 (MODSEQ 917162500)\r\n");
    assert_eq!(line(&Response::ListDelimiter), "* LIST (\\Noselect) \"/\" \"\"\r\n");
    assert_eq!(line(&Response::Language(&Language::ALL)), "* LANGUAGE (en de i-default)\r\n");
    assert_eq!(line(&Response::Comparator("i;unicode-casemap")), "* COMPARATOR i;unicode-casemap\r\n");
    assert_eq!(line(&Response::Id(&[])), "* ID NIL\r\n");
    assert_eq!(
        line(&Response::Id(&[("name", Some("Postamt")), ("os", None)])),
        "* ID (\"name\" \"Postamt\" \"os\" NIL)\r\n"
    );
    assert_eq!(line(&Response::Enabled(&[Extension::CondStore])), "* ENABLED CONDSTORE\r\n");
    assert_eq!(line(&Response::Enabled(&[])), "* ENABLED\r\n");
    let status = MailboxStatus {
        messages: Some(231),
        uid_next: Uid::new(44292),
        highest_modseq: Some(ModSeq(7)),
        size: Some(types::Octets(5_000_000_000)),
        deleted: Some(1),
        ..MailboxStatus::default()
    };
    let status = Response::MailboxStatus(&inbox, &status);
    assert_eq!(
        line(&status),
        "* STATUS INBOX (MESSAGES 231 UIDNEXT 44292 HIGHESTMODSEQ 7 SIZE 5000000000 DELETED 1)\r\n"
    );
    assert_eq!(
        line(&Response::Flags(&Keywords::default())),
        "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n"
    );
}

#[test]
fn list_lines_carry_attributes_and_encoded_names() {
    let entry = |name, existence, children, special_uses| ListEntry {
        existence,
        children,
        special_uses,
        ..ListEntry::new(name)
    };
    let sent = entry("Gelöscht", Existence::Mailbox, Child::HasNone, &[SpecialUse::Trash]);
    assert_eq!(line(&Response::List(&sent)), "* LIST (\\HasNoChildren \\Trash) \"/\" Gel&APY-scht\r\n");
    let level = entry("a b", Existence::Level, Child::Has, &[]);
    assert_eq!(line(&Response::List(&level)), "* LIST (\\Noselect \\HasChildren) \"/\" \"a b\"\r\n");
    assert_eq!(line(&Response::Lsub(&ListEntry::new("x"))), "* LSUB () \"/\" x\r\n");
    let inbox = ListEntry { special_uses: &[SpecialUse::Junk, SpecialUse::Sent], ..ListEntry::new("INBOX") };
    assert_eq!(line(&Response::Xlist(&inbox)), "* XLIST (\\Inbox \\Spam \\Sent) \"/\" INBOX\r\n");
    let peach = ListEntry { existence: Existence::None, subscribed: true, ..ListEntry::new("Fruit/Peach") };
    assert_eq!(line(&Response::List(&peach)), "* LIST (\\NonExistent \\Subscribed) \"/\" Fruit/Peach\r\n");
    let below = ListEntry { child_info: true, ..ListEntry::new("eps2") };
    assert_eq!(line(&Response::List(&below)), "* LIST () \"/\" eps2 (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n");
    let renamed = ListEntry { child_info: true, old_name: Some("a b"), ..ListEntry::new("new") };
    let expected = "* LIST () \"/\" new (\"CHILDINFO\" (\"SUBSCRIBED\") \"OLDNAME\" (\"a b\"))\r\n";
    assert_eq!(line(&Response::List(&renamed)), expected);
}

#[test]
fn codes_are_written_as_their_rfcs_have_them() {
    let uids = |ranges: &[std::ops::RangeInclusive<u32>]| UidSet::from_ranges(ranges.to_vec());
    let validity = UidValidity::new(38505).unwrap();
    let (keywords, _) = Keywords::default().with(&Keyword::parse("$a").unwrap()).unwrap();
    for (code, expected) in [
        (Code::Alert, "ALERT"),
        (Code::BadCharset, "BADCHARSET (US-ASCII UTF-8)"),
        (Code::UidNext(None), "UIDNEXT 4294967295"),
        (Code::UidNext(Uid::new(3)), "UIDNEXT 3"),
        (Code::UidValidity(validity), "UIDVALIDITY 38505"),
        (Code::Unseen(12), "UNSEEN 12"),
        (Code::AppendUid(validity, uids(&[3955..=3955])), "APPENDUID 38505 3955"),
        (
            Code::CopyUid(validity, uids(&[304..=304, 319..=320]), uids(&[3956..=3958])),
            "COPYUID 38505 304,319:320 3956:3958",
        ),
        (Code::HighestModSeq(ModSeq(715_194_045_007)), "HIGHESTMODSEQ 715194045007"),
        (in_progress("A\"1", CommandProgress::Of(454, 1000.try_into().unwrap())), "INPROGRESS (\"A\\\"1\" 454 1000)"),
        (in_progress("A1", CommandProgress::Counting(175)), "INPROGRESS (\"A1\" 175 NIL)"),
        (in_progress("A]1", CommandProgress::Unknown), "INPROGRESS (NIL NIL NIL)"),
        (Code::NoUpdate("B02".into()), "NOUPDATE \"B02\""),
        (Code::NotSaved, "NOTSAVED"),
        (Code::MessageLimit { limit: 1000.try_into().unwrap(), lowest: Uid::new(23_221) }, "MESSAGELIMIT 1000 23221"),
        (Code::MessageLimit { limit: 1000.try_into().unwrap(), lowest: None }, "MESSAGELIMIT 1000"),
        (Code::TooFew, "TOOFEW"),
        (Code::TooMany, "TOOMANY"),
        (Code::Modified(uids(&[7..=7, 9..=9])), "MODIFIED 7,9"),
        (
            Code::PermanentFlags {
                flags: Flags::SEEN.union(Flags(256)),
                keywords: keywords.clone(),
                new_keywords: true,
            },
            "PERMANENTFLAGS (\\Seen $a \\*)",
        ),
        (Code::PermanentFlags { flags: Flags::NONE, keywords, new_keywords: false }, "PERMANENTFLAGS ()"),
    ] {
        assert_eq!(coded(code), format!("a1 OK [{expected}] x\r\n"));
    }
    assert_eq!(line(&Response::Status(&Status::no(Code::Limit, "Too many"))), "* NO [LIMIT] Too many\r\n");
    assert_eq!(line(&Response::Status(&Status::bad("Eh"))), "* BAD Eh\r\n");
}

#[test]
fn codes_about_every_second_message_are_written_some_at_a_time() {
    // The worst there can be: the longest numbers, and no two in a row.
    let alternating = |count: u32| UidSet::from_ranges((1..=count).rev().map(|n| u32::MAX - 2 * n..=u32::MAX - 2 * n));
    let validity = UidValidity::new(1).unwrap();
    let codes = [
        Code::CopyUid(validity, alternating(100_000), alternating(100_000)),
        Code::AppendUid(validity, alternating(1000)),
        Code::Modified(alternating(100_000)),
        Code::Modified(alternating(1)),
        Code::Alert,
    ];
    for code in codes {
        let status = Status::ok("x").with_code(code);
        let mut whole = BytesMut::new();
        status.encode(&mut whole, "a1", Enabled::default());
        let (mut pieces, mut out, mut from) = (BytesMut::new(), BytesMut::new(), Some(StatusPlace::default()));
        while let Some(place) = from {
            from = status.encode_some(place, 1000, &mut out, ("a1", Enabled::default()));
            assert!(out.len() < 1000 + 64, "{}", out.len());
            pieces.extend_from_slice(&out.split());
        }
        assert!(pieces == whole);
    }
}
