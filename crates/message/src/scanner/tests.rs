use super::*;
use crate::{
    BOUNDARY_MAX, DEPTH_MAX, ImapRevision, PARTS_MAX, PREVIEW_MAX, REFERENCES_MAX, SEARCH_TEXT_MAX, SectionText,
};

fn structure(message: &[u8]) -> String {
    let mut out = Vec::new();
    Scanner::scan(message).write_body(ImapRevision::Rev1, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn a_nested_message_is_found_with_its_offsets() {
    let message = b"Content-Type: multipart/mixed; boundary=A\r\n\r\npreamble\r\n--A\r\n\r\none\r\n--A\r\n\
        Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ninner\r\n--A--\r\nepilogue";
    let summary = Scanner::scan(message);
    let at = |path: &[u32], text| {
        let range = summary.locate(path, text)?;
        let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
        Some(String::from_utf8_lossy(&message[range]).into_owned())
    };
    assert_eq!(at(&[1], SectionText::Body).as_deref(), Some("one"));
    assert_eq!(at(&[1], SectionText::Mime).as_deref(), Some("\r\n"));
    assert_eq!(at(&[2], SectionText::Body).as_deref(), Some("Subject: x\r\n\r\ninner"));
    assert_eq!(at(&[2], SectionText::Header).as_deref(), Some("Subject: x\r\n\r\n"));
    assert_eq!(at(&[2], SectionText::Text).as_deref(), Some("inner"));
    assert_eq!(at(&[2, 1], SectionText::Body).as_deref(), Some("inner"));
    assert_eq!(at(&[3], SectionText::Body), None);
    assert_eq!(
        structure(message),
        "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 0)(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 19 \
         (NIL \"x\" NIL NIL NIL NIL NIL NIL NIL NIL) (\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 5 0) 2) \
         \"mixed\")"
    );
}

#[test]
fn lines_with_two_dashes_cost_no_more_than_the_open_boundaries() {
    let mut scanner = Scanner::new(Limits::default());
    scanner.push(b"Content-Type: multipart/mixed; boundary=A\n\n");
    scanner.push(&b"--B\n".repeat(50_000));
    assert_eq!(scanner.work(), 50_000);
}

fn scan_with(limits: Limits, message: &[u8]) -> Summary {
    let mut scanner = Scanner::new(limits);
    scanner.push(message);
    scanner.finish()
}

fn deep_multiparts(depth: usize) -> Vec<u8> {
    let mut message = Vec::new();
    for level in 0..depth {
        let boundary = format!("Content-Type: multipart/mixed; boundary=L{level}\n\n--L{level}\n");
        message.extend_from_slice(boundary.as_bytes());
    }
    message.extend_from_slice(b"\nbottom\n");
    message
}

#[test]
fn parts_nest_as_deep_as_the_limit_and_no_deeper() {
    for depth in [50, DEPTH_MAX - 1, DEPTH_MAX] {
        let at_limit = Scanner::scan(&deep_multiparts(depth - 1));
        assert_eq!((at_limit.parts().count(), at_limit.is_limited()), (depth, false));
    }
    let past = Scanner::scan(&deep_multiparts(DEPTH_MAX));
    assert!(past.is_limited());
    let last = past.parts().last().unwrap();
    assert_eq!((last.depth + 1, last.kind, last.media_type), (DEPTH_MAX, PartKind::Leaf, "application/octet-stream"));
    let messages = |depth| b"Content-Type: message/rfc822\n\n".repeat(depth);
    assert!(!Scanner::scan(&messages(DEPTH_MAX - 1)).is_limited());
    let past = Scanner::scan(&messages(DEPTH_MAX));
    assert_eq!((past.parts().count(), past.is_limited()), (DEPTH_MAX, true));
}

#[test]
fn parts_are_counted_up_to_the_limit_and_the_rest_is_one_body() {
    let message = |parts: usize| {
        let mut message = b"Content-Type: multipart/mixed; boundary=A\n\n".to_vec();
        message.extend(b"--A\n\nx\n".repeat(parts));
        message
    };
    let at_limit = Scanner::scan(&message(PARTS_MAX - 1));
    assert_eq!((at_limit.parts().count(), at_limit.is_limited()), (PARTS_MAX, false));
    let past = Scanner::scan(&message(PARTS_MAX));
    assert_eq!((past.parts().count(), past.is_limited()), (PARTS_MAX, true));
}

#[test]
fn fields_past_the_limit_are_not_looked_at() {
    let limits = Limits { header_fields: 10, ..Limits::default() };
    let message = |before: usize| [b"X: y\n".repeat(before), b"Subject: seen\n\n".to_vec()].concat();
    let at_limit = scan_with(limits, &message(9));
    assert_eq!((at_limit.subject(), at_limit.is_limited()), ("seen", false));
    let past = scan_with(limits, &message(10));
    assert_eq!((past.subject(), past.is_limited(), past.header_size().0), ("", true, 65));
}

#[test]
fn bytes_of_fields_past_the_limit_are_not_kept() {
    let limits = Limits { header_bytes: types::Octets(20), ..Limits::default() };
    let at_limit = scan_with(limits, b"Subject: 1234567890\nTo: a@b.c\n\n");
    assert_eq!((at_limit.subject(), at_limit.to(), at_limit.is_limited()), ("1234567890", "a@b.c", false));
    let past = scan_with(limits, b"Subject: 1234567890\nTo: a@b.c, d@e.f\n\n");
    assert_eq!((past.to(), past.is_limited()), ("a@b.c", true));
}

#[test]
fn structure_past_the_limit_is_not_split_further() {
    let limits = Limits { structure_bytes: types::Octets(1_000), ..Limits::default() };
    let mut message = b"Content-Type: multipart/mixed; boundary=A\n\n".to_vec();
    message.extend(b"--A\nContent-Description: some words about this part\n\nx\n".repeat(100));
    let summary = scan_with(limits, &message);
    assert!(summary.is_limited() && (2..20).contains(&summary.parts().count()));
    assert!(!Scanner::scan(&message).is_limited());
}

#[test]
fn a_boundary_may_be_as_long_as_the_limit() {
    let message = |length: usize| {
        let boundary = "b".repeat(length);
        format!("Content-Type: multipart/mixed; boundary={boundary}\n\n--{boundary}\n\nx\n--{boundary}--\n")
    };
    let at_limit = Scanner::scan(message(BOUNDARY_MAX).as_bytes());
    assert_eq!((at_limit.parts().count(), at_limit.is_limited()), (2, false));
    let past = Scanner::scan(message(BOUNDARY_MAX + 1).as_bytes());
    assert_eq!((past.parts().count(), past.is_limited()), (1, true));
}

#[test]
fn work_grows_with_the_bytes_and_not_with_what_is_open() {
    let siblings = |count: usize| {
        let mut message = b"Content-Type: multipart/mixed; boundary=A\n\n".to_vec();
        for number in 0..count {
            message.extend_from_slice(
                format!("--A\nContent-Type: multipart/mixed; boundary=I{number}\n\n--I{number}\n\nx\n").as_bytes(),
            );
        }
        message
    };
    for count in [1_000, 4_000] {
        let mut scanner = Scanner::new(Limits::default());
        scanner.push(&siblings(count));
        assert!(scanner.work() <= 4 * u64::try_from(count).unwrap());
    }
    let mut scanner = Scanner::new(Limits::default());
    scanner.push(&deep_multiparts(DEPTH_MAX - 1));
    scanner.push(&b"--no\n".repeat(10_000));
    assert!(scanner.work() <= 110 * 10_000);
}

#[test]
fn little_is_held_of_a_line_that_does_not_end() {
    let mut scanner = Scanner::new(Limits::default());
    scanner.push(b"X");
    for _ in 0..1_000 {
        scanner.push(&[b'x'; 1_000]);
    }
    assert!(scanner.held.capacity() < 4 * LINE_HELD_MAX && scanner.fields.kept() == 0);
    scanner.push(b"\nContent-Type: multipart/mixed; boundary=A\n\n--");
    for _ in 0..1_000 {
        scanner.push(&[b'-'; 1_000]);
    }
    assert!(scanner.held.capacity() < 4 * LINE_HELD_MAX);
    scanner.push(b"\n--A\n\nx");
    assert_eq!(scanner.finish().parts().count(), 2);
}

#[test]
fn what_search_and_lists_need_is_kept() {
    let message = "From: =?utf-8?Q?J=C3=B6rg?= <j@example.org>\r\nTo: a@example.org\r\nTo: b@example.org\r\nCc: c@example.org\r\n\
        Reply-To: r@example.org\r\nBcc: x@example.org\r\nSender: s@example.org\r\n\
        Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\nDate: Tue, 24 Nov 2026 00:30:00 +0100\r\nMessage-ID: <m@example.org>\r\n\
        References: <1@example.org> <2@example.org>\r\nIn-Reply-To: <3@example.org>\r\n\r\n\
        > quoted\r\n  first   words\r\n\tof it\r\n";
    let summary = Scanner::scan(message.as_bytes());
    assert_eq!(summary.from(), "Jörg <j@example.org>");
    assert_eq!(summary.to(), "a@example.org, b@example.org");
    assert_eq!((summary.cc(), summary.bcc()), ("c@example.org", "x@example.org"));
    assert_eq!((summary.sender(), summary.reply_to()), ("s@example.org", "r@example.org"));
    assert_eq!((summary.subject(), summary.message_id()), ("Grüße", Some("m@example.org")));
    assert_eq!(summary.references().collect::<Vec<_>>(), ["1@example.org", "2@example.org"]);
    assert_eq!(summary.preview(), "first words of it");
    let sent = summary.sent().unwrap();
    assert_eq!((sent.at.unix_seconds(), sent.day()), (1_795_476_600, 20_781));
    assert!(!summary.has_attachment() && !summary.is_text_cut() && !summary.is_limited());
}

#[test]
fn texts_and_references_are_kept_up_to_their_limits() {
    let message = |length: usize| format!("Subject: {}\n\n", "s".repeat(length)).into_bytes();
    let at_limit = Scanner::scan(&message(SEARCH_TEXT_MAX));
    assert_eq!((at_limit.subject().len(), at_limit.is_text_cut()), (SEARCH_TEXT_MAX, false));
    let past = Scanner::scan(&message(SEARCH_TEXT_MAX + 1));
    assert_eq!((past.subject().len(), past.is_text_cut()), (SEARCH_TEXT_MAX, true));
    let ids: String = (0..=REFERENCES_MAX).map(|n| ["<", &n.to_string(), "@x>"].concat()).collect();
    let summary = Scanner::scan(format!("References: {ids}\n\n").as_bytes());
    let kept: Vec<_> = summary.references().collect();
    assert_eq!((kept.len(), kept[0], kept[1], kept[99]), (REFERENCES_MAX, "0@x", "2@x", "100@x"));
}

#[test]
fn a_preview_is_the_first_words_of_the_text_wherever_it_stands() {
    let html = b"Content-Type: text/html; charset=utf-8\n\n<head><title>no</title></head><p>Gr&uuml;&szlig;e</p>aus K\xc3\xb6ln";
    assert_eq!(Scanner::scan(html).preview(), "Grüße aus Köln");
    let both = b"Content-Type: multipart/alternative; boundary=A\n\nno\n--A\nContent-Type: text/html\n\n<p>html\n--A\n\nplain\n--A--\nno";
    assert_eq!(Scanner::scan(both).preview(), "plain");
    let attached = b"Content-Type: text/plain\nContent-Disposition: attachment\n\nno";
    assert_eq!(Scanner::scan(attached).preview(), "");
    let message = |length: usize| format!("\n{} {}", "a".repeat(length - 2), "b".repeat(9));
    assert_eq!(Scanner::scan(message(PREVIEW_MAX).as_bytes()).preview().len(), PREVIEW_MAX);
    assert_eq!(Scanner::scan(b"\n> all quoted\n").preview(), "> all quoted");
}

#[test]
fn message_global_is_a_message_for_imap4rev2_alone() {
    let message = b"Content-Type: message/global\r\n\r\nSubject: x\r\n\r\nabc\r\n";
    let summary = Scanner::scan(message);
    let written = |revision, is_body| {
        let mut out = Vec::new();
        if is_body {
            summary.write_body(revision, &mut out);
        } else {
            summary.write_bodystructure(revision, &mut out);
        }
        String::from_utf8(out).unwrap()
    };
    assert_eq!(written(ImapRevision::Rev1, true), "(\"message\" \"global\" NIL NIL NIL \"7bit\" 19)");
    assert_eq!(written(ImapRevision::Rev1, false), "(\"message\" \"global\" NIL NIL NIL \"7bit\" 19 NIL NIL NIL NIL)");
    let envelope = "(NIL \"x\" NIL NIL NIL NIL NIL NIL NIL NIL)";
    let inner = "\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 5 1";
    assert_eq!(
        written(ImapRevision::Rev2, true),
        format!("(\"message\" \"global\" NIL NIL NIL \"7bit\" 19 {envelope} ({inner}) 3)")
    );
    assert_eq!(
        written(ImapRevision::Rev2, false),
        format!(
            "(\"message\" \"global\" NIL NIL NIL \"7bit\" 19 {envelope} ({inner} NIL NIL NIL NIL) 3 NIL NIL NIL NIL)"
        )
    );
}

#[test]
fn what_is_attached_is_seen() {
    for (content, attached) in [
        ("text/plain", false),
        ("text/plain\nContent-Disposition: attachment", true),
        ("image/png", true),
        ("image/png\nContent-Disposition: inline", false),
        ("application/pgp-signature", false),
        ("message/rfc822", true),
    ] {
        let message = format!(
            "Content-Type: multipart/mixed; boundary=A\n\n--A\n\ntext\n--A\nContent-Type: {content}\n\nx\n--A--\n"
        );
        assert_eq!(Scanner::scan(message.as_bytes()).has_attachment(), attached, "{content}");
    }
}

#[test]
fn addresses_are_shown_up_to_a_limit_and_a_group_is_closed() {
    // What one address takes on the wire.
    let one = "(NIL NIL \"12345678\" \"b.c\")";
    let fitting = crate::describe::ADDRESSES_MAX.div_ceil(one.len());
    let shown = |count: usize, head: &str| {
        let message = format!("To: {head}{}\n\n", "12345678@b.c,".repeat(count));
        String::from_utf8(Scanner::scan(message.as_bytes()).envelope().to_vec()).unwrap()
    };
    for count in [fitting - 1, fitting] {
        assert_eq!(shown(count, "").matches(one).count(), count);
    }
    assert_eq!(shown(fitting + 1, "").matches(one).count(), fitting);
    assert!(shown(fitting + 1, "group:").ends_with("\"b.c\")(NIL NIL NIL NIL)) NIL NIL NIL NIL)"));
}
