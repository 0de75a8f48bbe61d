use super::*;
use crate::fetch::SectionText;

fn parse_in(open: Option<&str>, url: &str) -> Option<MessageUrl> {
    let open = open.map(|name| MailboxName::parse(name).unwrap());
    let base = UrlBase { user: "anna@example.test", server: "mail.example.test", mailbox: open.as_ref() };
    MessageUrl::parse(url.as_bytes(), &base)
}

fn parse(url: &str) -> Option<MessageUrl> {
    parse_in(None, url)
}

fn mailbox(open: Option<&str>, url: &str) -> Option<String> {
    parse_in(open, url).map(|url| url.mailbox.as_str().to_owned())
}

#[test]
fn a_message_is_named_by_mailbox_and_uid() {
    let url = parse("/Drafts;UIDVALIDITY=385759045/;UID=20/;section=1.MIME/;Partial=5.10").unwrap();
    assert_eq!(url.mailbox.as_str(), "Drafts");
    assert_eq!(url.uid_validity, UidValidity::new(385_759_045));
    assert_eq!(url.uid, Uid::new(20).unwrap());
    let section = url.section.unwrap();
    assert_eq!((section.part.len(), section.text), (1, SectionText::Mime));
    assert_eq!(url.partial, Some(UrlPartial { offset: 5, length: NonZeroU64::new(10) }));
    let url = parse("/Drafts/;uid=30/;PARTIAL=7").unwrap();
    assert_eq!((url.uid_validity, url.section), (None, None));
    assert_eq!(url.partial, Some(UrlPartial { offset: 7, length: None }));
    let url = parse("/x/;UID=1/;SECTION=HEADER.FIELDS%20(Subject%20From)").unwrap();
    assert!(matches!(url.section.unwrap().text, SectionText::HeaderFields(names) if names.len() == 2));
}

#[test]
fn names_are_utf_8_under_percent_signs() {
    assert_eq!(mailbox(None, "/Entw%C3%BCrfe/;UID=1").as_deref(), Some("Entw\u{fc}rfe"));
    assert_eq!(mailbox(None, "/a%3Bb%20c/;UID=1").as_deref(), Some("a;b c"));
    for broken in ["/%FF/;UID=1", "/%4/;UID=1", "/%+1/;UID=1", "/a b/;UID=1", "/\u{fc}/;UID=1", "/a\"/;UID=1"] {
        assert_eq!(parse(broken), None, "{broken}");
    }
}

#[test]
fn relative_urls_are_relative_to_the_open_mailbox() {
    let open = Some("lists/rust");
    assert_eq!(mailbox(open, ";UID=1").as_deref(), Some("lists/rust"));
    assert_eq!(mailbox(open, "imap/;UID=1").as_deref(), Some("lists/imap"));
    assert_eq!(mailbox(open, "../Drafts/;UID=1").as_deref(), Some("Drafts"));
    assert_eq!(mailbox(open, "./a/../b/;UID=1").as_deref(), Some("lists/b"));
    assert_eq!(mailbox(open, "/imap/;UID=1").as_deref(), Some("imap"));
    assert_eq!(mailbox(None, "imap/;UID=1").as_deref(), Some("imap"));
    assert_eq!((mailbox(None, ";UID=1"), mailbox(open, "/;UID=1")), (None, None));
}

#[test]
fn absolute_urls_lead_to_this_server_and_user_only() {
    for own in [
        "imap://mail.example.test/x/;UID=1",
        "IMAP://anna%40example.test@Mail.example.test:143/x/;UID=1",
        "imap://anna%40example.test;AUTH=*@mail.example.test/x/;UID=1",
        "imap://;AUTH=PLAIN@mail.example.test/x/;UID=1",
        "//mail.example.test/x/;UID=1",
    ] {
        assert_eq!(mailbox(Some("y"), own).as_deref(), Some("x"), "{own}");
    }
    for foreign in [
        "imap://other.example.test/x/;UID=1",
        "imap://ben@mail.example.test/x/;UID=1",
        "imap://@mail.example.test/x/;UID=1",
        "imap://;AUTH=@mail.example.test/x/;UID=1",
        "imap://anna%40example.test;FROB@mail.example.test/x/;UID=1",
        "imap://;AUTH=*;AUTH=*@mail.example.test/x/;UID=1",
        "imap:///x/;UID=1",
        "imap:/x/;UID=1",
        "imap:x/;UID=1",
        "http://mail.example.test/x/;UID=1",
        "imap://mail.example.test",
    ] {
        assert_eq!(parse(foreign), None, "{foreign}");
    }
}

#[test]
fn what_leads_to_no_message_is_none() {
    for bad in [
        "",
        "/x",
        "/x/",
        "/x;UID=1",
        "/x;UIDVALIDITY=1;UID=1",
        "/x;UIDVALIDITY=0/;UID=1",
        "/x;UIDVALIDITY=1/y/;UID=1",
        "/x/;UID=",
        "/x/;UID=0",
        "/x/;UID=+1",
        "/x/;UID=4294967296",
        "/x/;UID=1/",
        "/x/;UID=1/;SECTION=",
        "/x/;UID=1/;SECTION=FROB",
        "/x/;UID=1/;SECTION=TEXT]",
        "/x/;UID=1/;SECTION=TEXT%5DX",
        "/x/;UID=1/;PARTIAL=",
        "/x/;UID=1/;PARTIAL=1.0",
        "/x/;UID=1/;PARTIAL=1/;SECTION=TEXT",
        "/x/;UID=1;EXPIRE=2030-01-01T00:00:00Z;URLAUTH=anonymous",
        "/x/;UID=1?SUBJECT%20a",
        "//",
        "/../;UID=1",
    ] {
        assert_eq!(parse(bad), None, "{bad}");
    }
}

#[test]
fn a_url_has_a_longest_length() {
    let url = |length: usize| format!("/a/;UID=1/;SECTION=HEADER.FIELDS%20({})", "x".repeat(length - 37));
    assert_eq!(url(URL_MAX).len(), URL_MAX);
    assert!(parse(&url(URL_MAX)).is_some() && parse(&url(URL_MAX + 1)).is_none());
}
