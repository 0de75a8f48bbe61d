use super::*;
use crate::{ImapRevision, SectionText};

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
