use super::*;
use crate::fetch::{BodySection, Partial, SectionText};
use std::num::{NonZeroU32, NonZeroU64};
use types::{AccountId, EmailId, Keyword, ThreadId};

fn text(out: &BytesMut) -> &str {
    std::str::from_utf8(out).unwrap()
}

#[test]
fn a_response_holds_its_items_in_the_order_they_were_written() {
    let (keywords, junk) = Keywords::default().with(&Keyword::parse("$Junk").unwrap()).unwrap();
    let mut out = BytesMut::new();
    let mut fetch = FetchResponse::begin(&mut out, 12);
    fetch.uid(&mut out, Uid::new(4_827_313).unwrap());
    fetch.flags(&mut out, Flags::SEEN.union(junk), &keywords, true);
    fetch.internal_date(&mut out, Timestamp(837_596_665_000));
    fetch.size(&mut out, 4286);
    fetch.modseq(&mut out, ModSeq(624_140_003));
    fetch.envelope(&mut out, b"(NIL)");
    fetch.body(&mut out, b"(\"TEXT\")");
    fetch.body_structure(&mut out, b"(\"TEXT\" NIL)");
    fetch.end(&mut out);
    assert_eq!(
        text(&out),
        "* 12 FETCH (UID 4827313 FLAGS (\\Seen \\Recent $Junk) INTERNALDATE \"17-Jul-1996 09:44:25 +0000\" RFC822.SIZE \
         4286 MODSEQ (624140003) ENVELOPE (NIL) BODY (\"TEXT\") BODYSTRUCTURE (\"TEXT\" NIL))\r\n"
    );
}

#[test]
fn extensions_have_items_of_their_own() {
    let mut out = BytesMut::new();
    let mut fetch = FetchResponse::begin(&mut out, 1);
    fetch.email_id(&mut out, ObjectId::email(AccountId(7), EmailId(31)));
    fetch.thread_id(&mut out, ObjectId::thread(AccountId(7), ThreadId(16)));
    fetch.save_date(&mut out, Timestamp(837_596_665_000));
    fetch.preview(&mut out, "");
    fetch.preview(&mut out, "a \"b\"");
    fetch.preview(&mut out, "ä");
    let part: Box<[NonZeroU32]> = [1, 2].map(|n| NonZeroU32::new(n).unwrap()).into();
    fetch.binary_size(&mut out, &part, 5_000_000_000);
    let whole = BinarySection { peek: true, part: [].into(), partial: None };
    fetch.binary(&mut out, &whole, 2, true);
    fetch.literal(&mut out, b"a\0");
    let partial = Some(Partial { offset: 9, length: NonZeroU64::MIN });
    let some = BinarySection { peek: false, part, partial };
    fetch.binary(&mut out, &some, 1, false);
    fetch.literal(&mut out, b"b");
    fetch.binary_nil(&mut out, &some);
    fetch.end(&mut out);
    assert_eq!(
        text(&out),
        "* 1 FETCH (EMAILID (M7-1f) THREADID (T7-10) SAVEDATE \"17-Jul-1996 09:44:25 +0000\" PREVIEW \"\" PREVIEW \
         \"a \\\"b\\\"\" PREVIEW {2}\r\nä BINARY.SIZE[1.2] 5000000000 BINARY[] ~{2}\r\na\0 BINARY[1.2]<9> {1}\r\nb \
         BINARY[1.2]<9> NIL)\r\n"
    );
}

#[test]
fn literals_are_streamed_into_outputs_that_follow_each_other() {
    let section = Section { part: [1, 2].map(|n| NonZeroU32::new(n).unwrap()).into(), text: SectionText::Text };
    let mut first = BytesMut::new();
    let mut fetch = FetchResponse::begin(&mut first, 1);
    fetch.section(&mut first, &section, Some(7), 5);
    fetch.literal(&mut first, b"ab");
    assert_eq!(fetch.literal_left(), 3);
    let mut second = BytesMut::new();
    fetch.literal(&mut second, b"c");
    fetch.count_literal(2);
    fetch.section_nil(&mut second, &section, None);
    fetch.end(&mut second);
    assert_eq!(text(&first), "* 1 FETCH (BODY[1.2.TEXT]<7> {5}\r\nab");
    assert_eq!(text(&second), "c BODY[1.2.TEXT] NIL)\r\n");
}

#[test]
fn literal_items_keep_the_name_they_were_asked_by() {
    let written = |item: &FetchItem| {
        let mut out = BytesMut::new();
        let mut fetch = FetchResponse::begin(&mut out, 1);
        fetch.literal_item(&mut out, item, 0);
        fetch.end(&mut out);
        text(&out).to_owned()
    };
    assert_eq!(written(&FetchItem::Rfc822), "* 1 FETCH (RFC822 {0}\r\n)\r\n");
    assert_eq!(written(&FetchItem::Rfc822Header), "* 1 FETCH (RFC822.HEADER {0}\r\n)\r\n");
    assert_eq!(written(&FetchItem::Rfc822Text), "* 1 FETCH (RFC822.TEXT {0}\r\n)\r\n");
    let fields = SectionText::HeaderFields([b"Subject"[..].into(), b"x y"[..].into()].into());
    let section = FetchItem::Section(BodySection {
        peek: true,
        section: Section { part: [].into(), text: fields },
        partial: Some(Partial { offset: 3, length: NonZeroU64::MIN }),
    });
    assert_eq!(written(&section), "* 1 FETCH (BODY[HEADER.FIELDS (Subject \"x y\")]<3> {0}\r\n)\r\n");
}

#[test]
#[should_panic(expected = "longer than announced")]
fn a_literal_never_grows_past_what_was_announced() {
    let mut out = BytesMut::new();
    let mut fetch = FetchResponse::begin(&mut out, 1);
    fetch.literal_item(&mut out, &FetchItem::Rfc822, 1);
    fetch.literal(&mut out, b"ab");
}

#[test]
#[should_panic(expected = "announced longer")]
fn a_literal_is_never_left_short() {
    let mut out = BytesMut::new();
    let mut fetch = FetchResponse::begin(&mut out, 1);
    fetch.literal_item(&mut out, &FetchItem::Rfc822, 1);
    fetch.end(&mut out);
}
