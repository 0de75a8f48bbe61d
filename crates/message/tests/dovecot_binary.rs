//! Compares decoded parts, partials, previews and save dates over the corpus with what Dovecot answers. Where the two
//! differ on purpose, the difference stands in `DEVIATIONS` and in `docs/interop.md`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that stops at what it does not expect")]
#![expect(dead_code, reason = "the other test of this kind uses more of what they share")]

#[path = "support/dovecot.rs"]
mod dovecot;

use message::corpus;
use message::{BinaryDecoder, PartKind, Scanner, SectionText, Summary, TransferEncoding};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::ops::Range;

/// Offsets and lengths that every section is cut by.
const CUTS: [(usize, usize); 4] = [(0, 7), (3, 40), (20, 1_000_000), (10_000_000, 5)];

/// Samples that Dovecot answers otherwise, and what we hold to.
const DEVIATIONS: &[(&str, &str, &[&str])] = &[
    (
        "RFC 2046 §5.1.1",
        "what is a boundary line, as in the other comparison",
        &["longer-line-is-no-boundary", "close-with-text-after", "boundary-with-text-after", "boundary-parameter-2"],
    ),
    (
        "RFC 2045 §6.1",
        "a Content-Transfer-Encoding that cannot be read is none, in BODYSTRUCTURE and here; of two, the first counts",
        &["part-field-8", "part-field-9", "part-field-10", "part-field-11", "part-field-12", "field-12"],
    ),
    ("RFC 2045 §4", "without MIME-Version there are no MIME fields", &["message-not-mime"]),
    (
        "RFC 2046 §5.2.1",
        "message/rfc822 in base64 or quoted-printable is a leaf, and is decoded",
        &["message-base64", "message-quoted-printable"],
    ),
    ("RFC 9051 §6.4.5.1", "message/global holds a message", &["message-global"]),
];

struct Case {
    name: String,
    bytes: Vec<u8>,
    summary: Summary,
}

impl Case {
    fn slice(&self, path: &[u32]) -> &[u8] {
        &self.bytes[range(&self.summary.locate(path, SectionText::Body).unwrap())]
    }

    /// The leaves that can be decoded, with what they decode to.
    fn leaves(&self) -> Vec<(String, Vec<u8>)> {
        let leaves: Vec<_> = self.summary.parts().take(40).filter(|part| part.kind == PartKind::Leaf).collect();
        // Where data is broken anywhere, Dovecot answers nothing or hangs up: we decode what can be decoded
        // (RFC 2045 §6.7, §6.8).
        if !self.summary.parts().all(|part| is_whole(part.encoding, &self.bytes[range(&part.body)])) {
            return Vec::new();
        }
        let decoded = leaves.into_iter().filter_map(|part| {
            let mut decoder = BinaryDecoder::new(&part).ok()?;
            let mut out = Vec::new();
            decoder.push(self.slice(&part.path.0), |bytes| out.extend_from_slice(bytes));
            decoder.finish(|bytes| out.extend_from_slice(bytes));
            Some((part.path.to_string(), out))
        });
        decoded.collect()
    }
}

fn range(bytes: &Range<u64>) -> Range<usize> {
    usize::try_from(bytes.start).unwrap()..usize::try_from(bytes.end).unwrap()
}

/// Whether encoded data is as RFC 2045 wants it.
fn is_whole(encoding: TransferEncoding, raw: &[u8]) -> bool {
    match encoding {
        TransferEncoding::Base64 => {
            let digits: Vec<u8> = raw.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
            let end = digits.iter().position(|b| *b == b'=').unwrap_or(digits.len());
            digits.len().is_multiple_of(4)
                && digits.len() - end <= 2
                && digits[end..].iter().all(|b| *b == b'=')
                && digits[..end].iter().all(|b| b.is_ascii_alphanumeric() || b"+/".contains(b))
        }
        TransferEncoding::QuotedPrintable => raw.iter().enumerate().filter(|(_, b)| **b == b'=').all(|(at, _)| {
            let next = raw.get(at + 1..at + 3).unwrap_or_default();
            next == b"\r\n" || next.len() == 2 && next.iter().all(u8::is_ascii_hexdigit)
        }),
        TransferEncoding::Identity | TransferEncoding::Unknown => true,
    }
}

/// As the other comparison has it: Dovecot makes every line end CR LF.
fn with_crlf(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    for byte in raw {
        if *byte == b'\n' && out.last() != Some(&b'\r') {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out
}

#[test]
fn what_is_decoded_and_cut_is_as_dovecot_has_it() {
    assert!(dovecot::is_installed(), "Dovecot is needed: apt-get install dovecot-imapd");
    let samples = corpus::samples();
    let directory = dovecot::Directory::new("binary-oracle");
    dovecot::prepare(directory.path(), samples.iter().map(|s| s.bytes.as_slice()));
    let cases: Vec<Case> = samples
        .into_iter()
        .map(|sample| {
            let bytes = with_crlf(&sample.bytes);
            Case { name: sample.name, summary: Scanner::scan(&bytes), bytes }
        })
        .collect();
    let mut commands = vec!["FETCH 1:* (PREVIEW SAVEDATE)".to_owned()];
    for (number, case) in (1..).zip(&cases) {
        let mut items = String::new();
        for (path, _) in case.leaves() {
            write!(items, " BINARY.SIZE[{path}] BINARY.PEEK[{path}]").unwrap();
        }
        commands.push(format!("FETCH {number} (UID{items})"));
        // Partials of one section differ in their origins alone, so that each has its own name in the answer.
        let cuts: Vec<_> = CUTS.iter().map(|(at, length)| format!("<{at}.{length}>")).collect();
        for (path, _) in case.leaves() {
            let all = cuts.iter().map(|cut| format!("BODY.PEEK[{path}]{cut} BINARY.PEEK[{path}]{cut}"));
            commands.push(format!("FETCH {number} ({})", all.collect::<Vec<_>>().join(" ")));
        }
    }
    let answers = dovecot::ask(directory.path(), &commands);
    let mut unexpected = String::new();
    let mut expected: BTreeSet<&str> = DEVIATIONS.iter().flat_map(|(.., samples)| *samples).copied().collect();
    for (number, case) in (1..).zip(&cases) {
        let is_listed = DEVIATIONS.iter().any(|(.., samples)| samples.contains(&case.name.as_str()));
        let theirs = &answers[&number];
        let text = |item: &str| theirs.get(item).and_then(|value| dovecot::string_bytes(value));
        let date = text("SAVEDATE").unwrap();
        assert_eq!((date.len(), date[2], date[11]), ("18-Jul-1996 02:44:25 -0700".len(), b'-', b' '));
        let mut compare = |item: &str, ours: &[u8], theirs: Option<Vec<u8>>| {
            if theirs.as_deref() != Some(ours) && is_listed {
                expected.remove(case.name.as_str());
            } else if theirs.as_deref() != Some(ours) {
                let show = |bytes: &[u8]| bytes[..bytes.len().min(300)].escape_ascii().to_string();
                let theirs = theirs.map_or("nothing".to_owned(), |t| show(&t));
                writeln!(unexpected, "{} {item}\n  ours:   {}\n  theirs: {theirs}", case.name, show(ours)).unwrap();
            }
        };
        // RFC 8970 §3.2: what words are chosen is the server's; both tell some, and no more than 200 characters.
        assert!(text("PREVIEW").is_some() && case.summary.preview().chars().count() <= 200);
        for (path, decoded) in case.leaves() {
            let whole = text(&format!("BINARY[{path}]"));
            // RFC 2046 §5.1.1: as in the other comparison, a line break that belongs to the next boundary.
            if whole.as_ref().and_then(|whole| whole.strip_suffix(b"\r\n")).is_some_and(|whole| whole == decoded) {
                continue;
            }
            compare(&format!("BINARY[{path}]"), &decoded, whole);
            let size = theirs.get(&format!("BINARY.SIZE[{path}]")).cloned();
            compare(&format!("BINARY.SIZE[{path}]"), decoded.len().to_string().as_bytes(), size);
            let numbers: Vec<u32> = path.split('.').map(|n| n.parse().unwrap()).collect();
            for (at, length) in CUTS {
                let cut = |bytes: &[u8]| bytes[at.min(bytes.len())..(at + length).min(bytes.len())].to_vec();
                let item = format!("BINARY[{path}]<{at}>");
                compare(&item, &cut(&decoded), text(&item));
                let item = format!("BODY[{path}]<{at}>");
                // RFC 3501 §4.3: no literal holds a NUL.
                let shown: Vec<u8> = case.slice(&numbers).iter().map(|b| if *b == 0 { 0x80 } else { *b }).collect();
                compare(&item, &cut(&shown), text(&item));
            }
        }
    }
    assert!(unexpected.is_empty(), "unexpected differences\n{unexpected}");
    assert!(expected.is_empty(), "these agree by now: {expected:?}");
}
