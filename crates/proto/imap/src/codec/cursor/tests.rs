use super::*;
use types::{MAILBOX_DEPTH_MAX, MAILBOX_NAME_MAX};

fn astring(text: &str) -> Result<Vec<u8>, ParseError> {
    let mut cursor = Cursor::new(text.as_bytes());
    let value = cursor.astring()?.into_owned();
    cursor.end()?;
    Ok(value)
}

fn mailbox(text: &str) -> Result<MailboxName, ParseError> {
    let mut cursor = Cursor::new(text.as_bytes());
    let name = cursor.mailbox()?;
    cursor.end()?;
    Ok(name)
}

#[test]
fn astrings_come_bare_quoted_or_as_literals() {
    for (wire, text) in [
        ("abc", "abc"),
        ("a]b+c", "a]b+c"),
        ("\"\"", ""),
        ("\"a b\"", "a b"),
        ("\"a\\\"b\\\\\"", "a\"b\\"),
        ("\"ü\"", "ü"),
        ("{0}\r\n", ""),
        ("{3}\r\na\"b", "a\"b"),
        ("{3+}\r\n\r\n ", "\r\n "),
        ("{1}\nx", "x"),
    ] {
        assert_eq!(astring(wire).as_deref(), Ok(text.as_bytes()), "{wire:?}");
    }
    for bad in [
        "",
        " ",
        "(",
        "\"",
        "\"a",
        "\"a\\",
        "\"a\\n\"",
        "\"a\rb\"",
        "\"\0\"",
        "a\"b\"",
        "{3}\r\nab",
        "{1}x",
        "{1\r\nx",
        "{a}\r\nx",
        "{1}\r\n\0",
        "{9223372036854775808}\r\nx",
        "{1}\r\nxy",
        "ä",
        "a%",
        "a*",
        "a\\",
    ] {
        assert!(astring(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn numbers_end_at_their_widths() {
    let number = |text: &str| Cursor::new(text.as_bytes()).number();
    assert_eq!(number("4294967295"), Ok(u32::MAX));
    assert_eq!(number("0004"), Ok(4));
    assert!(number("4294967296").is_err() && number("").is_err() && number("-1").is_err());
    let number64 = |text: &str| Cursor::new(text.as_bytes()).number64();
    assert_eq!(number64("9223372036854775807"), Ok(i64::MAX.unsigned_abs()));
    assert!(number64("9223372036854775808").is_err());
    assert!(Cursor::new(b"0").nz_number().is_err());
    assert_eq!(Cursor::new(b"0").modseq(), Ok(ModSeq::ZERO));
}

#[test]
fn mailbox_names_are_decoded_and_checked() {
    assert_eq!(mailbox("inbox").unwrap(), MailboxName::inbox());
    assert_eq!(mailbox("\"Entw&APw-rfe\"").unwrap().as_str(), "Entwürfe");
    let refused = |text: &str| matches!(mailbox(text), Err(ParseError::Refusal(Code::Cannot, _)));
    for bad in ["a//b", "/a", "a/", "\"\"", "a&b", "\"ü\"", "\"a\tb\""] {
        assert!(refused(bad), "{bad}");
    }
    assert!(mailbox(&"m".repeat(MAILBOX_NAME_MAX)).is_ok() && refused(&"m".repeat(MAILBOX_NAME_MAX + 1)));
    let deep = |n| vec!["d"; n].join("/");
    assert!(mailbox(&deep(MAILBOX_DEPTH_MAX)).is_ok() && refused(&deep(MAILBOX_DEPTH_MAX + 1)));
    assert_eq!(Cursor::new(b"a/b/").mailbox_to_create().unwrap().0.as_str(), "a/b");
    assert!(Cursor::new(b"a//").mailbox_to_create().is_err());
    assert!(Cursor::new(b"&,v8-a").mailbox_to_create().is_err(), "a byte order mark");
    assert!(Cursor::new(b"a&,v8-").mailbox_to_create().is_ok(), "not at the front it is a space of no width");
}

#[test]
fn spaces_at_the_end_are_forgiven_and_nothing_else() {
    assert_eq!(Cursor::new(b"  ").end(), Ok(()));
    assert!(Cursor::new(b" x").end().is_err());
    assert!(Cursor::new(b"\t").end().is_err());
}

#[test]
fn tags_hold_no_plus() {
    assert_eq!(Cursor::new(b"a.1]-x NOOP").tag(), Ok("a.1]-x"));
    assert!(Cursor::new(b"+ NOOP").tag().is_err());
    assert_eq!(Cursor::new(b"a+b").tag(), Ok("a"));
}

#[test]
fn who_enabled_utf8_writes_names_and_quoted_strings_in_it() {
    let mut utf8 = crate::Enabled::default();
    utf8.enable(crate::command::Extension::Utf8Accept);
    let name = |wire: &'static [u8]| Cursor::new(wire).with(utf8).mailbox_as_spelled();
    let (kept, spelled) = name("\"Entwu\u{308}rfe\"".as_bytes()).unwrap();
    assert_eq!((kept.as_str(), spelled.as_deref()), ("Entwürfe", Some("Entwu\u{308}rfe")));
    let (kept, spelled) = name(b"Entw&APw-rfe").unwrap();
    assert_eq!((kept.as_str(), spelled), ("Entw&APw-rfe", None), "this is no code any more");
    assert!(matches!(name(b"{1}\r\n\xff"), Err(ParseError::Refusal(Code::Cannot, _))));
    assert!(matches!(name(b"\"\xff\""), Err(ParseError::Syntax(_))));
    assert_eq!(&*Cursor::new(b"\"\xff\"").astring().unwrap(), b"\xff", "a password may be in any charset");
}
