//! What the fragments of an APPEND say.

use super::{all_bad, name, seq};
use crate::codec::{Cursor, ParseError, literal_announced};
use crate::command::append::{Fragment, Piece, Position, Reader, Room, open};
use crate::command::replace;
use crate::command::{Append, AppendLiteral, AppendMessage, FlagList, LiteralKind};
use crate::limits::CATENATE_PARTS_MAX;
use types::{Flags, Keyword, Octets, Timestamp};

const ROOM: Room = Room { messages: 3, parts: CATENATE_PARTS_MAX };

fn read(text: &str, from: Option<Position>) -> Result<Fragment, ParseError> {
    let announced = literal_announced(text.as_bytes());
    let mut cursor = Cursor::new(text.as_bytes());
    let reader = Reader::new(&mut cursor, announced, ROOM);
    match from {
        Some(position) => reader.read(position),
        None => reader.first(open, false),
    }
}

/// What is said, one piece a line.
fn said(text: &str, from: Option<Position>) -> (Vec<Piece>, Position) {
    match read(text, from) {
        Ok(Fragment::Said(said)) => (said.pieces, said.position),
        other => panic!("{text}: {other:?}"),
    }
}

fn start() -> Piece {
    Piece::Start(Append { mailbox: name("INBOX"), replaces: None })
}

fn message(flags: &FlagList, date: Option<Timestamp>, is_catenated: bool) -> Piece {
    Piece::Message(AppendMessage { flags: flags.clone(), date, is_catenated })
}

fn literal(size: u64, kind: LiteralKind) -> Piece {
    Piece::Literal(AppendLiteral { size: Octets(size), kind })
}

fn url(text: &str) -> Piece {
    Piece::Url(text.as_bytes().into())
}

#[test]
fn the_message_is_told_from_the_mailbox() {
    assert_eq!(read(" {5}\r\n", None), Ok(Fragment::Argument));
    let none = FlagList::default();
    let flags = FlagList { system: Flags::SEEN, keywords: vec![Keyword::parse("$a").unwrap()] };
    let plain = |flags: &FlagList, date| {
        (vec![start(), message(flags, date, false), literal(310, LiteralKind::Plain)], Position::Between)
    };
    let date = Some(Timestamp(0));
    assert_eq!(said(" INBOX {310}\r\n", None), plain(&none, None));
    assert_eq!(said(" {5}\r\ninbox {310+}\r\n", None), plain(&none, None));
    assert_eq!(said(" INBOX (\\Seen $a) \" 1-Jan-1970 00:00:00 +0000\" {310}\r\n", None), plain(&flags, date));
    assert_eq!(said(" INBOX () \" 1-Jan-1970 00:00:00 +0000\" {310}\r\n", None), plain(&none, date));
}

#[test]
fn a_literal_may_hold_any_bytes_or_a_header_in_utf_8() {
    let none = FlagList::default();
    let binary = vec![start(), message(&none, None, false), literal(7, LiteralKind::Binary)];
    assert_eq!(said(" INBOX ~{7}\r\n", None), (binary, Position::Between));
    let utf8 = vec![start(), message(&none, None, false), literal(7, LiteralKind::Utf8)];
    assert_eq!(said(" INBOX utf8 (~{7+}\r\n", None), (utf8, Position::InUtf8));
    assert_eq!(said(")", Some(Position::InUtf8)), (vec![Piece::End], Position::Between));
    for bad in [" INBOX UTF8 ({7}\r\n", " INBOX UTF8 ~{7}\r\n", " INBOX ~~{7}\r\n", " INBOX ~ {7}\r\n"] {
        assert!(read(bad, None).is_err(), "{bad}");
    }
    assert!(read("", Some(Position::InUtf8)).is_err());
}

#[test]
fn another_message_may_follow_and_then_the_end() {
    let none = FlagList::default();
    let next = vec![message(&none, None, false), literal(2, LiteralKind::Plain)];
    assert_eq!(said(" {2}\r\n", Some(Position::Between)), (next, Position::Between));
    assert_eq!(said("  ", Some(Position::Between)), (vec![Piece::End], Position::Between));
    assert!(read("x", Some(Position::Between)).is_err());
    assert!(read("{2}\r\n", Some(Position::Between)).is_err());
    assert!(read(" (\\Seen)", Some(Position::Between)).is_err());
}

#[test]
fn a_message_may_be_put_together() {
    let none = FlagList::default();
    let (pieces, position) = said(" INBOX () catenate (URL \"/a b\" url /c TEXT {3}\r\n", None);
    let head = [start(), message(&none, None, true), url("/a b"), url("/c"), literal(3, LiteralKind::Plain)];
    assert_eq!((pieces.as_slice(), position), (&head[..], Position::InCatenate));
    assert_eq!(read(" URL {3}\r\n", Some(Position::InCatenate)), Ok(Fragment::Argument));
    let (pieces, position) = said(" URL {3}\r\n/d; TEXT ~{1+}\r\n", Some(Position::InCatenate));
    assert_eq!((pieces, position), (vec![url("/d;"), literal(1, LiteralKind::Binary)], Position::InCatenate));
    let (pieces, position) = said(" UTF8 (~{1+}\r\n", Some(Position::InCatenate));
    assert_eq!((pieces, position), (vec![literal(1, LiteralKind::Utf8)], Position::InCatenateUtf8));
    let (pieces, _) = said(") URL x) CATENATE (URL y)", Some(Position::InCatenateUtf8));
    assert_eq!(pieces, [url("x"), message(&none, None, true), url("y"), Piece::End]);
    for bad in [" INBOX CATENATE ()", " INBOX CATENATE (URL)", " INBOX CATENATE (FROB x)", " INBOX CATENATE (URL x"] {
        assert!(read(bad, None).is_err(), "{bad}");
    }
    for bad in [" {3}\r\n", "TEXT {3}\r\n", " TEXT x)", "", " )"] {
        assert!(read(bad, Some(Position::InCatenate)).is_err(), "{bad}");
    }
}

#[test]
fn messages_have_a_limit() {
    let text = |count| format!(" INBOX{}", " CATENATE (URL x)".repeat(count));
    assert_eq!(said(&text(ROOM.messages), None).0.len(), 2 * ROOM.messages + 2);
    assert!(matches!(read(&text(ROOM.messages + 1), None), Err(ParseError::Refusal(..))));
}

#[test]
fn replace_names_one_message_first() {
    let first = |text: &str, uid| {
        let mut cursor = Cursor::new(text.as_bytes());
        Reader::new(&mut cursor, literal_announced(text.as_bytes()), ROOM).first(replace::open, uid)
    };
    for (text, uid, replaces) in [(" 4 x {3}\r\n", false, seq("4")), (" * x {3}\r\n", true, super::uid("*"))] {
        let Ok(Fragment::Said(said)) = first(text, uid) else { panic!("{text}") };
        assert_eq!(said.pieces[0], Piece::Start(Append { mailbox: name("x"), replaces: Some(replaces) }));
        assert_eq!(said.room.messages, 0, "there is no second message");
    }
    assert_eq!(first(" 4 {3}\r\n", false), Ok(Fragment::Argument));
    for bad in
        [" 4:5 x {3}\r\n", " 4,5 x {3}\r\n", " $ x {3}\r\n", " 0 x {3}\r\n", " x {3}\r\n", " 4 {3}\r\nabc", " 4 x"]
    {
        assert!(first(bad, false).is_err(), "{bad}");
    }
    assert!(first(" 1 x CATENATE (URL a) CATENATE (URL b)", false).is_err());
}

#[test]
fn what_is_no_append_is_refused() {
    for bad in [
        " INBOX(\\Seen) {1}\r\n",
        "{5}\r\n",
        " INBOX x {1}\r\n",
        " INBOX (\\Recent) {1}\r\n",
        " INBOX  {1}\r\n",
        " INBOX {0+X {1}\r\n",
        " INBOX",
        " INBOX text",
        "",
    ] {
        assert!(read(bad, None).is_err(), "{bad}");
    }
    all_bad(&["APPEND INBOX"]);
}
