mod append;
mod list;
mod sharing;

use super::*;
use crate::MessageSet;
use crate::codec::{Cursor, ParseError};
use crate::connection::State;
use crate::fetch::{BodySection, FetchItem, SectionText};
use crate::registry::{self, Stage};
use crate::response::Code;
use crate::search::ReturnOptions;
use types::{FlagChange, Flags, KEYWORDS_MAX, Keyword, MailboxName, ModSeq, Secret};

mod resync;

/// Parses a command without its tag, in the first state where it is legal.
fn parse(text: &str) -> Result<Command, ParseError> {
    let line = format!(" {text}");
    let name = text.trim_start_matches("UID ").split(' ').next().unwrap();
    let state = match registry::find(name).map(|row| row.stage) {
        Some(Stage::Authenticated) => State::Authenticated,
        Some(Stage::Selected) => State::Selected,
        _ => State::NotAuthenticated,
    };
    let mut head = registry::parse_head(&Cursor::new(line.as_bytes()), state)?;
    let command = (head.spec.parse)(&mut head.arguments, head.uid)?;
    head.arguments.end()?;
    Ok(command)
}

fn all_bad(texts: &[&str]) {
    for text in texts {
        assert!(matches!(parse(text), Err(ParseError::Syntax(_))), "{text}: {:?}", parse(text));
    }
}

#[test]
fn uidbatches_takes_a_size_and_a_range() {
    let all = parse("UIDBATCHES 2000").unwrap();
    assert!(matches!(all, Command::UidBatches(UidBatches { size, batches: None }) if size.get() == 2000));
    let some = parse("uidbatches 500 10:10").unwrap();
    assert!(matches!(some, Command::UidBatches(UidBatches { batches: Some(range), .. }) if range == (10..=10)));
    let turned = parse("UIDBATCHES 2000 4:1");
    assert!(matches!(turned, Err(ParseError::Misuse(Code::ClientBug, _))), "RFC 10022 §3.1.5: {turned:?}");
    all_bad(&[
        "UIDBATCHES",
        "UIDBATCHES 0",
        "UIDBATCHES x",
        "UIDBATCHES 4294967296",
        "UIDBATCHES 500 1",
        "UIDBATCHES 500 0:1",
        "UIDBATCHES 500 1:*",
        "UIDBATCHES 500 1:2,3:4",
        "UID UIDBATCHES 500",
    ]);
}

fn name(text: &str) -> MailboxName {
    MailboxName::parse(text).unwrap()
}

fn set(text: &str) -> crate::SequenceSet {
    crate::SequenceSet::parse(&mut Cursor::new(text.as_bytes())).unwrap()
}

fn seq(text: &str) -> crate::MessageSet {
    crate::MessageSet::Seq(set(text))
}

fn uid(text: &str) -> crate::MessageSet {
    crate::MessageSet::Uid(set(text))
}

#[test]
fn commands_without_arguments_take_none() {
    for (text, command) in [
        ("CAPABILITY", Command::Capability),
        ("nOOp", Command::Noop),
        ("LOGOUT", Command::Logout),
        ("STARTTLS", Command::StartTls),
        ("UNAUTHENTICATE", Command::Unauthenticate),
        ("NAMESPACE", Command::Namespace),
        ("IDLE", Command::Idle),
        ("CHECK", Command::Check),
        ("CLOSE", Command::Close),
        ("UNSELECT", Command::Unselect),
        ("EXPUNGE", Command::Expunge(Expunge { uids: None })),
    ] {
        assert_eq!(parse(text), Ok(command), "{text}");
        assert!(parse(&format!("{text} ")).is_ok(), "a space at the end of {text}");
        assert!(parse(&format!("{text} x")).is_err(), "an argument of {text}");
    }
    all_bad(&["", " NOOP", "FROB", "NOO", "UID NOOP", "UID", "UID EXPUNGE", "UID IDLE", "NOOP\r"]);
}

#[test]
fn login_takes_a_name_and_a_password_in_every_form() {
    let login = |user: &str, password: &str| {
        Ok(Command::Login(Login { user: user.into(), password: Secret::new(password.as_bytes().to_vec()) }))
    };
    assert_eq!(parse("LOGIN anna secret"), login("anna", "secret"));
    assert_eq!(parse("LOGIN \"anna@example.org\" \"a \\\" b\""), login("anna@example.org", "a \" b"));
    assert_eq!(parse("LOGIN {4}\r\nanna {6+}\r\nsec et"), login("anna", "sec et"));
    assert_eq!(parse("LOGIN anna \"grün\""), login("anna", "grün"));
    all_bad(&["LOGIN", "LOGIN anna", "LOGIN anna secret more", "LOGIN  anna secret", "LOGIN anna \"secret"]);
    let mut cursor = Cursor::new(b" {1}\r\n\xff x");
    assert!(matches!(login::parse(&mut cursor, false), Err(ParseError::Refusal(Code::AuthenticationFailed, _))));
    assert!(!format!("{:?}", parse("LOGIN anna tinte")).contains("tinte"), "a password is not printed");
}

#[test]
fn authenticate_takes_an_initial_response() {
    let expected = |mechanism: &str, initial: Option<&str>| {
        let initial_response = initial.map(|text| Secret::new(text.as_bytes().to_vec()));
        Ok(Command::Authenticate(Authenticate { mechanism: mechanism.into(), initial_response }))
    };
    assert_eq!(parse("AUTHENTICATE plain"), expected("PLAIN", None));
    assert_eq!(parse("AUTHENTICATE PLAIN "), expected("PLAIN", None));
    assert_eq!(parse("AUTHENTICATE PLAIN AGEAYg=="), expected("PLAIN", Some("\0a\0b")));
    assert_eq!(parse("AUTHENTICATE EXTERNAL ="), expected("EXTERNAL", Some("")));
    assert!(parse(&format!("AUTHENTICATE {}", "M".repeat(authenticate::MECHANISM_LENGTH_MAX))).is_ok());
    assert!(parse(&format!("AUTHENTICATE {}", "M".repeat(authenticate::MECHANISM_LENGTH_MAX + 1))).is_err());
    all_bad(&["AUTHENTICATE", "AUTHENTICATE PLAIN !!!!", "AUTHENTICATE PLAIN AGEAYg", "AUTHENTICATE PLAIN = ="]);
}

#[test]
fn id_takes_a_limited_list() {
    let Ok(Command::Id(id)) = parse("ID (\"name\" \"Thunderbird\" \"os\" NIL)") else { panic!("a list is fine") };
    assert_eq!(id.fields, [("name".into(), Some("Thunderbird".into())), ("os".into(), None)]);
    assert_eq!(parse("ID NIL"), Ok(Command::Id(Id::default())));
    assert_eq!(parse("ID ()"), Ok(Command::Id(Id::default())));
    let fields = |n: usize| format!("ID ({})", vec!["\"a\" NIL"; n].join(" "));
    assert!(parse(&fields(id::ID_FIELDS_MAX)).is_ok() && parse(&fields(id::ID_FIELDS_MAX + 1)).is_err());
    let sized = |a: usize, b: usize| format!("ID (\"{}\" \"{}\")", "n".repeat(a), "v".repeat(b));
    assert!(parse(&sized(id::ID_NAME_MAX, id::ID_VALUE_MAX)).is_ok());
    assert!(parse(&sized(id::ID_NAME_MAX + 1, 1)).is_err() && parse(&sized(1, id::ID_VALUE_MAX + 1)).is_err());
    all_bad(&["ID", "ID (\"a\")", "ID (\"a\" \"b\"", "ID (\"a\" \"b\" )", "ID (a b)", "ID (NIL \"b\")"]);
}

#[test]
fn enable_leaves_out_what_it_does_not_know() {
    let enable = |extensions| Ok(Command::Enable(Enable { extensions }));
    assert_eq!(parse("ENABLE condstore X-UNKNOWN CONDSTORE"), enable(vec![Extension::CondStore]));
    assert_eq!(parse("ENABLE X-UNKNOWN "), enable(vec![]));
    all_bad(&["ENABLE", "ENABLE ", "ENABLE (CONDSTORE)"]);
}

#[test]
fn select_and_examine_take_condstore() {
    let select = |mailbox: &str, condstore| Select { mailbox: name(mailbox), spelled: None, condstore, resync: None };
    assert!(parse("SELECT a (QRESYNC (1 1))").is_err(), "it is not enabled");
    assert_eq!(parse("SELECT inbox"), Ok(Command::Select(select("INBOX", false))));
    assert_eq!(parse("SELECT a (CONDSTORE)"), Ok(Command::Select(select("a", true))));
    assert_eq!(parse("EXAMINE \"a b\" (condstore CONDSTORE) "), Ok(Command::Examine(select("a b", true))));
    all_bad(&[
        "SELECT",
        "SELECT a (QRESYNC)",
        "SELECT a ()",
        "SELECT a CONDSTORE",
        "EXAMINE a (CONDSTORE",
        "SELECT a b",
    ]);
}

#[test]
fn commands_about_mailboxes_take_their_names() {
    assert_eq!(
        parse("CREATE a/b/"),
        Ok(Command::Create(Create { mailbox: name("a/b"), spelled: None, special_uses: vec![] }))
    );
    assert_eq!(parse("DELETE a/b"), Ok(Command::Delete(Delete { mailbox: name("a/b"), spelled: None })));
    assert_eq!(
        parse("RENAME a \"b c\""),
        Ok(Command::Rename(Rename { from: name("a"), to: name("b c"), spelled: None }))
    );
    assert_eq!(parse("SUBSCRIBE a"), Ok(Command::Subscribe(Subscribe { mailbox: name("a") })));
    assert_eq!(parse("UNSUBSCRIBE a"), Ok(Command::Unsubscribe(Unsubscribe { mailbox: name("a") })));
    all_bad(&["CREATE", "DELETE", "RENAME a", "SUBSCRIBE", "UNSUBSCRIBE a b", "DELETE (a)"]);
    assert!(matches!(parse("CREATE a//b"), Err(ParseError::Refusal(Code::Cannot, _))));
}

#[test]
fn create_takes_what_the_mailbox_is_for() {
    use types::SpecialUse::{Drafts, Sent};
    let create = |special_uses| Ok(Command::Create(Create { mailbox: name("a"), spelled: None, special_uses }));
    assert_eq!(parse("CREATE a (USE (\\Sent))"), create(vec![Sent]));
    assert_eq!(parse("CREATE a (use (\\sent \\Drafts \\SENT) USE ())"), create(vec![Sent, Drafts]));
    assert!(matches!(parse("CREATE a (USE (\\Sent \\Unheard))"), Err(ParseError::Refusal(Code::UseAttr, _))));
    all_bad(&[
        "CREATE a ()",
        "CREATE a (USE)",
        "CREATE a (USE \\Sent)",
        "CREATE a (USE (Sent))",
        "CREATE a (USE (\\))",
        "CREATE a (COLOUR (\\Sent))",
        "CREATE a (USE (\\Sent)",
        "CREATE a (USE (\\Sent)) b",
    ]);
}

#[test]
fn store_takes_flags_with_and_without_parentheses() {
    let Ok(Command::Store(store)) = parse("STORE 1:* +FLAGS.SILENT \\Deleted $Junk \\deleted $JUNK ") else {
        panic!("flags may stand bare")
    };
    assert_eq!((store.messages, store.change, store.silent), (seq("1:*"), FlagChange::Add, true));
    let flags = FlagList { system: Flags::DELETED, keywords: vec![Keyword::parse("$Junk").unwrap()] };
    assert_eq!((store.flags, store.unchanged_since), (flags, None));
    let Ok(Command::Store(store)) = parse("UID STORE 7,9 (UNCHANGEDSINCE 320162338) FLAGS ()") else {
        panic!("a store may be conditional")
    };
    assert_eq!((store.messages, store.change, store.silent), (uid("7,9"), FlagChange::Replace, false));
    assert_eq!((store.flags, store.unchanged_since), (FlagList::default(), Some(ModSeq(320_162_338))));
    let Ok(Command::Store(store)) = parse("store 1 -flags (\\Draft \\Answered)") else { panic!("case is free") };
    assert_eq!(store.change, FlagChange::Remove);
    all_bad(&[
        "STORE 1",
        "STORE 1 FLAGS",
        "STORE 1 FLAGS \\Recent",
        "STORE 1 FLAGS \\Foo",
        "STORE 1 FLAGS (\\Seen",
        "STORE 0 FLAGS ()",
        "STORE 1 FLAGS.LOUD ()",
        "STORE 1 (CHANGEDSINCE 1) FLAGS ()",
        "STORE FLAGS ()",
        "STORE 1 +FLAGS ( )",
        "STORE 1 * FLAGS ()",
    ]);
    let keywords = |n: usize| {
        let list: Vec<_> = (0..n).map(|i| format!("k{i}")).collect();
        parse(&format!("STORE 1 FLAGS ({})", list.join(" ")))
    };
    assert!(keywords(KEYWORDS_MAX).is_ok());
    assert!(matches!(keywords(KEYWORDS_MAX + 1), Err(ParseError::Refusal(Code::Limit, _))));
}

#[test]
fn copy_move_and_expunge_take_sets() {
    assert_eq!(parse("COPY 2:4 a"), Ok(Command::Copy(Copy { messages: seq("2:4"), mailbox: name("a") })));
    assert_eq!(parse("UID COPY 2:4 a"), Ok(Command::Copy(Copy { messages: uid("2:4"), mailbox: name("a") })));
    assert_eq!(parse("MOVE * a"), Ok(Command::Move(Move { messages: seq("*"), mailbox: name("a") })));
    assert_eq!(parse("uid move 1 a"), Ok(Command::Move(Move { messages: uid("1"), mailbox: name("a") })));
    assert_eq!(
        parse("UID EXPUNGE 3000:3002"),
        Ok(Command::Expunge(Expunge { uids: Some(MessageSet::Uid(set("3000:3002"))) }))
    );
    all_bad(&[
        "COPY 1",
        "COPY a a",
        "MOVE 1",
        "UID MOVE a",
        "UID EXPUNGE x",
        "EXPUNGE 1",
        "UID  COPY 1 a",
        "UID UID COPY 1 a",
    ]);
}

#[test]
fn fetch_implies_what_its_form_asks_for() {
    use FetchItem::{Body, BodyStructure, Envelope, Flags as F, InternalDate, ModSeq as M, Rfc822Size, Uid};
    let items = |text: &str| match parse(text) {
        Ok(Command::Fetch(fetch)) => fetch.items,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(items("FETCH 1 FAST"), [F, InternalDate, Rfc822Size]);
    assert_eq!(items("FETCH 1 all"), [F, InternalDate, Rfc822Size, Envelope]);
    assert_eq!(items("FETCH 1 FULL"), [F, InternalDate, Rfc822Size, Envelope, Body]);
    assert_eq!(items("UID FETCH 1 (FLAGS FLAGS BODYSTRUCTURE)"), [Uid, F, BodyStructure]);
    assert_eq!(items("UID FETCH 1 (FLAGS UID)"), [F, Uid]);
    assert_eq!(items("FETCH 1:* (FLAGS) (CHANGEDSINCE 5)"), [M, F]);
    assert_eq!(items("FETCH 1 (RFC822 RFC822.HEADER RFC822.TEXT)").len(), 3);
    let Ok(Command::Fetch(fetch)) = parse("UID FETCH 1:* FLAGS (CHANGEDSINCE 12345)") else {
        panic!("RFC 7162 §3.1.4")
    };
    assert_eq!((fetch.messages, fetch.changed_since), (uid("1:*"), Some(ModSeq(12345))));
    all_bad(&[
        "FETCH 1",
        "FETCH 1 ()",
        "FETCH 1 (ALL)",
        "FETCH 1 FLAGS UID",
        "FETCH 1 X",
        "FETCH 1 (FLAGS",
        "FETCH 1 FLAGS (VANISHED)",
        "FETCH 1 BODY.PEEK",
        "FETCH 1 FLAGS (CHANGEDSINCE -1)",
        "FETCH FLAGS",
        "FETCH 1 FLAGS)",
        "FETCH 1 BODY<0.1>",
    ]);
}

#[test]
fn fetch_takes_every_section() {
    let section = |text: &str| match parse(&format!("FETCH 1 {text}")) {
        Ok(Command::Fetch(fetch)) => match &fetch.items[..] {
            [FetchItem::Section(section)] => section.clone(),
            other => panic!("{text}: {other:?}"),
        },
        other => panic!("{text}: {other:?}"),
    };
    for text in [
        "BODY[]",
        "BODY[1]",
        "BODY[1.2.3]",
        "BODY[HEADER]",
        "BODY[TEXT]",
        "BODY[4.1.MIME]",
        "BODY[4.2.HEADER]",
        "BODY[3.TEXT]",
        "BODY[HEADER.FIELDS (DATE FROM)]",
        "BODY[2.HEADER.FIELDS.NOT (Subject \"a b\")]",
    ] {
        let BodySection { peek, section, partial } = section(text);
        let mut out = bytes::BytesMut::from("BODY");
        section.write(&mut out);
        assert_eq!((&out[..], peek, partial), (text.as_bytes(), false, None));
    }
    let partial = section("body.peek[header]<100.2000>");
    assert!(partial.peek && partial.section.text == SectionText::Header);
    assert_eq!(partial.partial.map(|p| (p.offset, p.length.get())), Some((100, 2000)));
    for bad in [
        "BODY[",
        "BODY[0]",
        "BODY[1.]",
        "BODY[.1]",
        "BODY[MIME]",
        "BODY[HEADER.FIELDS]",
        "BODY[HEADER.FIELDS ()]",
        "BODY[TEXT.1]",
        "BODY[]<0>",
        "BODY[]<0.0>",
        "BODY[]<1.2",
        "BODY[1.X]",
        "BODY[1 ]",
        "BODY[HEADER.FIELDS (a )]",
        "BODY[4294967296]",
    ] {
        assert!(parse(&format!("FETCH 1 {bad}")).is_err(), "{bad}");
    }
}

#[test]
fn fetch_has_limits() {
    use crate::fetch::{FETCH_ITEMS_MAX, HEADER_FIELDS_MAX, PART_DEPTH_MAX};
    let part = |n: usize| parse(&format!("FETCH 1 BODY[{}]", vec!["1"; n].join("."))).is_ok();
    assert!(part(PART_DEPTH_MAX) && !part(PART_DEPTH_MAX + 1));
    let fields = |n: usize| parse(&format!("FETCH 1 BODY[HEADER.FIELDS ({})]", vec!["a"; n].join(" "))).is_ok();
    assert!(fields(HEADER_FIELDS_MAX) && !fields(HEADER_FIELDS_MAX + 1));
    let items = |n: usize| {
        let list: Vec<_> = (1..=n).map(|i| format!("BODY[{i}]")).collect();
        parse(&format!("FETCH 1 ({})", list.join(" "))).is_ok()
    };
    assert!(items(FETCH_ITEMS_MAX) && !items(FETCH_ITEMS_MAX + 1));
}

#[test]
fn search_takes_the_charsets_that_are_known() {
    assert!(matches!(parse("SEARCH CHARSET utf-8 TEXT {2}\r\nü"), Ok(Command::Search(search)) if !search.uid));
    assert!(matches!(parse("UID SEARCH CHARSET \"US-ASCII\" ALL"), Ok(Command::Search(search)) if search.uid));
    for (charset, known) in [("KOI8-R", true), ("x-nobody", false)] {
        let Ok(Command::Search(search)) = parse(&format!("SEARCH RETURN (SAVE) CHARSET {charset} TEXT \"a b\" SEEN"))
        else {
            panic!("{charset}")
        };
        assert_eq!((search.program.charset_known(), search.program.keys().count()), (known, 2));
        assert!(search.returns.is_some_and(ReturnOptions::is_silent));
    }
    all_bad(&["SEARCH", "SEARCH ", "SEARCH CHARSET UTF-8", "SEARCH CHARSET", "SEARCH RETURN (MIN)"]);
}

#[test]
fn the_saved_result_stands_where_sets_do() {
    for (text, uid) in [
        ("FETCH $ FLAGS", false),
        ("UID FETCH $ FLAGS", true),
        ("STORE $ FLAGS ()", false),
        ("UID STORE $ FLAGS ()", true),
        ("COPY $ a", false),
        ("UID COPY $ a", true),
        ("MOVE $ a", false),
        ("UID MOVE $ a", true),
        ("UID EXPUNGE $", true),
    ] {
        let messages = match parse(text).unwrap() {
            Command::Fetch(fetch) => fetch.messages,
            Command::Store(store) => store.messages,
            Command::Copy(copy) => copy.messages,
            Command::Move(r#move) => r#move.messages,
            Command::Expunge(expunge) => expunge.uids.unwrap(),
            other => panic!("{other:?}"),
        };
        assert_eq!(messages, MessageSet::Saved { uid }, "{text}");
        assert_eq!(messages.is_uid(), uid);
    }
    all_bad(&["FETCH $,1 FLAGS", "FETCH $:5 FLAGS", "FETCH 1,$ FLAGS", "SEARCH $,1", "SEARCH UID $:*"]);
}

#[test]
fn expunges_are_held_only_while_numbers_are_in_use() {
    use crate::view::Expunges::{Held, Told};
    for (text, expected) in [
        ("FETCH 1 FLAGS", Held),
        ("UID FETCH 1 FLAGS", Told),
        ("STORE 1 FLAGS ()", Held),
        ("UID STORE 1 FLAGS ()", Told),
        ("SEARCH ALL", Held),
        ("UID SEARCH ALL", Told),
        ("COPY 1 a", Told),
        ("MOVE 1 a", Told),
        ("NOOP", Told),
    ] {
        assert_eq!(parse(text).unwrap().expunges(), expected, "{text}");
    }
}
