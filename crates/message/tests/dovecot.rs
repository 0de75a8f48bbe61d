//! Compares what this crate makes of the corpus with what Dovecot answers, quoted strings and literals being the same.
//! Where the two differ on purpose, the difference stands in `DEVIATIONS` and in `docs/interop.md`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that stops at what it does not expect")]

#[path = "support/dovecot.rs"]
mod dovecot;

use message::corpus::{self, Sample};
use message::header::{self, Selection};
use message::{ImapRevision, PartKind, Scanner, SectionText, Summary};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Selections of header fields that every message is asked for.
const FIELDS: &[(&str, Selection, &[&str])] = &[
    ("HEADER.FIELDS (SUBJECT TO)", Selection::Only, &["SUBJECT", "TO"]),
    ("HEADER.FIELDS.NOT (SUBJECT X-OTHER)", Selection::Except, &["SUBJECT", "X-OTHER"]),
];

/// Dovecot hands out every line with CR LF, whatever was stored; we hand out what was stored.
fn with_crlf(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut before = 0;
    for byte in raw {
        if *byte == b'\n' && before != b'\r' {
            out.push(b'\r');
        }
        out.push(*byte);
        before = *byte;
    }
    out
}

/// Dovecot replaces NUL, which no literal may hold.
fn without_nul(raw: &[u8]) -> Vec<u8> {
    raw.iter().map(|b| if *b == 0 { 0x80 } else { *b }).collect()
}

/// Samples that Dovecot answers otherwise, and what we hold to.
const DEVIATIONS: &[(&str, &str, &[&str])] = &[
    (
        "RFC 2046 §5.1.1",
        "a line is a boundary only if nothing but white space follows; a boundary does not end with a space",
        &[
            "longer-line-is-no-boundary",
            "close-with-text-after",
            "boundary-with-text-after",
            "boundary-parameter-2",
            "boundary-of-100",
            "boundary-of-250",
        ],
    ),
    (
        "RFC 2045 §5.2",
        "a Content-Type that cannot be read is text/plain",
        &[
            "content-type-18",
            "content-type-19",
            "content-type-20",
            "content-type-21",
            "content-type-22",
            "content-type-23",
            "content-type-24",
            "content-type-25",
            "content-type-26",
            "content-type-27",
            "content-type-46",
            "content-type-47",
            "content-type-49",
            "part-type-broken",
        ],
    ),
    ("RFC 2045 §5.1", "an attribute has a name", &["content-type-15"]),
    (
        "RFC 2045 §5.1",
        "a value that should have been quoted is taken whole",
        &["content-type-33", "boundary-parameter-9"],
    ),
    ("RFC 2045 §5.1", "a media type is shown as written", &["content-type-2"]),
    ("RFC 5322 §4.4", "white space may stand around the dots of a local part", &["address-37"]),
    (
        "RFC 5322 §4.4",
        "empty members of an address list are none",
        &["address-11", "address-12", "address-14", "address-25", "address-26", "address-98"],
    ),
    ("RFC 5322 §4.4", "a route that cannot be read is ignored", &["address-31", "address-32"]),
    (
        "RFC 3501 §7.4.2",
        "a part of an address that is missing or cannot be read is empty, and not NIL, which says group",
        &[
            "nul-in-address",
            "address-28",
            "address-43",
            "address-44",
            "address-45",
            "address-46",
            "address-47",
            "address-48",
            "address-49",
            "address-50",
            "address-51",
            "address-52",
            "address-53",
            "address-54",
            "sender-3",
        ],
    ),
    (
        "RFC 5322 §3.4",
        "a broken address ends at the next comma; semicolons part addresses; a group within a group ends it",
        &["address-22", "address-27", "address-58", "address-59", "address-61", "address-62", "address-86"],
    ),
    (
        "RFC 5322 §3.4",
        "an address that can be made out is shown, brackets or dots missing or too many or names unquoted",
        &["address-55", "address-56", "address-60", "address-64", "address-84", "address-85"],
    ),
    (
        "RFC 5322 §3.2",
        "a quote, bracket or parenthesis that does not close is text",
        &[
            "address-68",
            "address-69",
            "address-70",
            "address-71",
            "address-72",
            "address-73",
            "address-74",
            "content-type-35",
        ],
    ),
    ("RFC 2231 §7", "a space is percent-escaped", &["parameter-11"]),
    ("RFC 2045 §5.1", "attribute names have no case, in continuations neither", &["parameter-14"]),
    ("RFC 2231 §7", "what is no continuation is shown as it came", &["parameter-20", "parameter-23"]),
    ("RFC 2183 §2", "of repeated fields the first counts", &["part-field-29"]),
    ("RFC 2183 §2", "an empty Content-Disposition is none", &["part-field-26"]),
    ("RFC 2046 §5.2.1", "a message that is encoded is not looked into", &["message-quoted-printable"]),
    ("RFC 9051 §6.4.5.1", "message/global holds a message", &["message-global"]),
];

struct Case {
    sample: Sample,
    bytes: Vec<u8>,
    summary: Summary,
}

impl Case {
    fn structure(&self, is_body: bool) -> Vec<u8> {
        let mut out = Vec::new();
        if is_body {
            self.summary.write_body(ImapRevision::Rev1, &mut out);
        } else {
            self.summary.write_bodystructure(ImapRevision::Rev1, &mut out);
        }
        out
    }

    /// Every section that our part table has, by the name it is fetched with.
    fn sections(&self) -> Vec<(String, Vec<u32>, SectionText)> {
        let mut all =
            vec![("HEADER".to_owned(), vec![], SectionText::Header), ("TEXT".to_owned(), vec![], SectionText::Text)];
        for part in self.summary.parts().take(40) {
            if part.path.0.is_empty() || (part.is_message_root && part.kind == PartKind::Multipart) {
                continue;
            }
            let path = &part.path;
            all.push((format!("{path}"), path.0.clone(), SectionText::Body));
            all.push((format!("{path}.MIME"), path.0.clone(), SectionText::Mime));
            if part.kind == PartKind::Message {
                all.push((format!("{path}.HEADER"), path.0.clone(), SectionText::Header));
                all.push((format!("{path}.TEXT"), path.0.clone(), SectionText::Text));
            }
        }
        all
    }
}

#[test]
fn the_corpus_is_answered_as_dovecot_answers_it() {
    assert!(dovecot::is_installed(), "Dovecot is needed: apt-get install dovecot-imapd");
    let cases: Vec<Case> = corpus::samples()
        .into_iter()
        .map(|sample| {
            let bytes = with_crlf(&sample.bytes);
            let summary = Scanner::scan(&bytes);
            Case { sample, bytes, summary }
        })
        .collect();
    assert!(cases.len() >= 300, "the corpus has {} messages", cases.len());
    let directory = dovecot::Directory::new("message-oracle");
    dovecot::prepare(directory.path(), cases.iter().map(|c| c.sample.bytes.as_slice()));
    let mut commands = vec!["FETCH 1:* (RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE)".to_owned()];
    for (number, case) in (1..).zip(&cases) {
        let mut items = String::new();
        for (name, ..) in case.sections() {
            write!(items, " BODY.PEEK[{name}]").unwrap();
        }
        for (name, ..) in FIELDS {
            write!(items, " BODY.PEEK[{name}]").unwrap();
        }
        commands.push(format!("FETCH {number} ({})", items.trim_start()));
    }
    let answers = dovecot::ask(directory.path(), &commands);
    let mut unexpected = String::new();
    let mut expected: BTreeSet<&str> = DEVIATIONS.iter().flat_map(|(.., samples)| *samples).copied().collect();
    for (number, case) in (1..).zip(&cases) {
        let name = case.sample.name.as_str();
        let differences = differences(case, &answers[&number]);
        let is_listed = DEVIATIONS.iter().any(|(.., samples)| samples.contains(&name));
        if is_listed && !differences.is_empty() {
            expected.remove(name);
        } else {
            unexpected.extend(differences);
        }
    }
    assert!(unexpected.is_empty(), "unexpected differences\n{unexpected}");
    assert!(expected.is_empty(), "these agree by now: {expected:?}");
}

/// What is answered otherwise, one text for each item.
fn differences(case: &Case, theirs: &dovecot::Answers) -> Vec<String> {
    let name = &case.sample.name;
    let mut all = Vec::new();
    let mut compare = |item: &str, ours: &[u8], theirs: &[u8]| {
        if ours != theirs {
            let show = |bytes: &[u8]| bytes[..bytes.len().min(1500)].escape_ascii().to_string();
            all.push(format!("{name} {item}\n  ours:   {}\n  theirs: {}\n", show(ours), show(theirs)));
        }
    };
    let none = Vec::new();
    let their = |item: &str| theirs.get(item).unwrap_or(&none);
    compare("RFC822.SIZE", case.summary.size().to_string().as_bytes(), their("RFC822.SIZE"));
    let envelopes = [case.summary.envelope(), their("ENVELOPE")].map(dovecot::with_literals);
    compare("ENVELOPE", &envelopes[0], &envelopes[1]);
    let mut swallowed = Vec::new();
    for (section, path, text) in case.sections() {
        let range = case.summary.locate(&path, text).unwrap();
        let start = usize::try_from(range.start).unwrap();
        let end = usize::try_from(range.end).unwrap();
        let ours = without_nul(&case.bytes[start..end]);
        let item = format!("BODY[{section}]");
        let theirs = dovecot::string_bytes(their(&item)).unwrap_or_else(|| b"NIL".to_vec());
        // RFC 2046 §5.1.1: the line break before a boundary belongs to the boundary. Dovecot counts it to the part when
        // it also ends the last line of something inside the part: an inner boundary or an inner header.
        if theirs.strip_suffix(b"\r\n").is_some_and(|t| t == ours) && case.bytes[end..].starts_with(b"\r\n--") {
            swallowed.push(ours.len());
        } else {
            compare(&item, &ours, &theirs);
        }
    }
    let header = &case.bytes[..usize::try_from(case.summary.header_size().0).unwrap()];
    for (section, selection, names) in FIELDS {
        let mut ours = Vec::new();
        header::select(header, *selection, names, &mut ours);
        let item = format!("BODY[{section}]");
        let mut theirs = dovecot::string_bytes(their(&item)).unwrap_or_default();
        // RFC 9051 §6.4.5.1: no empty line where the message has none. Dovecot adds one when it selects by name.
        if *selection == Selection::Only && !header.ends_with(b"\n\r\n") && header != b"\r\n" {
            let kept = theirs.len() - theirs.len().min(if ours.ends_with(b"\n") || ours.is_empty() { 2 } else { 4 });
            theirs.truncate(kept);
        }
        compare(&item, &without_nul(&ours), &theirs);
    }
    for (item, is_body) in [("BODY", true), ("BODYSTRUCTURE", false)] {
        let [ours, theirs] = [&case.structure(is_body), their(item)].map(|data| dovecot::with_literals(data));
        if !is_same_but_for_swallowed(&ours, &theirs, &swallowed) {
            compare(item, &ours, &theirs);
        }
    }
    all
}

/// Whether two structures differ only in the sizes and line counts of parts that have swallowed a line break.
fn is_same_but_for_swallowed(ours: &[u8], theirs: &[u8], swallowed: &[usize]) -> bool {
    let words = |bytes: &[u8]| bytes.split(|b| b" ()".contains(b)).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let number = |word: &[u8]| std::str::from_utf8(word).ok().and_then(|w| w.parse::<usize>().ok());
    let (ours, theirs) = (words(ours), words(theirs));
    let mut sizes = 0usize;
    let mut lines = 0usize;
    for (ours, theirs) in ours.iter().zip(&theirs).filter(|(a, b)| a != b) {
        match (number(ours), number(theirs)) {
            (Some(a), Some(b)) if b == a + 2 && swallowed.contains(&a) => sizes += 1,
            (Some(a), Some(b)) if b == a + 1 => lines += 1,
            _ => return false,
        }
    }
    ours.len() == theirs.len() && sizes == lines
}
