use super::*;
use crate::body_text::BodyText;
use crate::{ImapRevision, Scanner, SectionText, Summary};

fn text_of(message: &[u8], summary: &Summary, path: &[u32]) -> String {
    let part = summary.parts().find(|p| p.path.0 == path).unwrap();
    let range = summary.locate(path, SectionText::Body).unwrap();
    let raw = &message[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
    let mut text = String::new();
    let mut decoder = BodyText::new(&part).unwrap();
    decoder.push(raw, |t| text.push_str(t));
    decoder.finish(|t| text.push_str(t));
    text
}

fn keeps_the_rules(message: &[u8]) {
    let text = String::from_utf8(message.to_vec()).unwrap();
    assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "only CR LF");
    assert!(text.lines().all(|line| line.len() <= LINE_MAX));
}

#[test]
fn a_notice_reads_back_as_it_was_meant() {
    let anna = Address::parse("anna@example.org").unwrap();
    let body = "Grüße,\n\n  zwei Zeilen \nund eine sehr lange: ".to_owned() + &"ä".repeat(2_000) + "\r\nEnde";
    let message = Builder::new()
        .date(Timestamp::from_unix_seconds(1_795_524_292), 60)
        .address("From", Some("Jörg \"J.\" Groß"), &anna)
        .address("To", Some("Doe, John"), &anna)
        .subject("Ihr Passwort für Köln\r\nBcc: x@example.org")
        .message_id("1@example.org")
        .content(Builder::text(&body))
        .build();
    keeps_the_rules(&message);
    assert!(message.is_ascii());
    let summary = Scanner::scan(&message);
    assert_eq!(summary.subject(), "Ihr Passwort für Köln  Bcc: x@example.org");
    assert_eq!(summary.bcc(), "");
    assert_eq!(summary.from(), "Jörg \"J.\" Groß <anna@example.org>");
    assert_eq!(summary.to(), "Doe, John <anna@example.org>");
    assert_eq!(summary.message_id(), Some("1@example.org"));
    assert_eq!(summary.sent().unwrap().at, Timestamp::from_unix_seconds(1_795_524_292));
    assert_eq!(text_of(&message, &summary, &[1]), body.replace("\r\n", "\n").replace('\n', "\r\n"));
}

#[test]
fn parts_are_kept_apart_whatever_they_hold() {
    let content: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    let message = Builder::new()
        .subject("parts")
        .content(Builder::multipart(
            "mixed",
            &[
                Builder::text("--=_part_0\n--=_part_1--\n"),
                Builder::html("<p>x</p>"),
                Builder::attachment("application/octet-stream", "Größe \"1\".bin", &content),
                Builder::raw("message/rfc822", b"Subject: inner\n\nx\n"),
            ],
        ))
        .build();
    keeps_the_rules(&message);
    let summary = Scanner::scan(&message);
    let mut structure = Vec::new();
    summary.write_body(ImapRevision::Rev1, &mut structure);
    assert!(summary.has_attachment());
    assert_eq!(summary.parts().map(|p| p.path.to_string()).collect::<Vec<_>>(), ["", "1", "2", "3", "4", "4.1"]);
    assert_eq!(text_of(&message, &summary, &[1]), "--=_part_0\r\n--=_part_1--\r\n");
    let range = summary.locate(&[3], SectionText::Body).unwrap();
    let raw = &message[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
    let mut bytes = Vec::new();
    let mut decoder = crate::transfer::TransferDecoder::new(crate::TransferEncoding::Base64);
    decoder.push(raw, &mut bytes);
    decoder.finish(&mut bytes);
    assert_eq!(bytes, content);
}

#[test]
fn no_value_can_add_a_field() {
    let message = Builder::new().field("X", "a\r\nY: b\nZ: c\r\n d\0").text_field("W", "a\r\n b").build();
    assert_eq!(message, b"X: a Y: b Z: c\r\n d \r\nW: a   b\r\n\r\n");
}
