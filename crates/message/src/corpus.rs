//! A corpus of messages for tests, ugly ones above all, the same bytes every time. This crate's tests compare what it
//! makes of them with another server's answers; end-to-end tests send them through mail programs and compare bytes.
//! Only there with the feature `corpus`; `examples/corpus.rs` writes it into a directory.

mod fields;
mod large;
mod random;
mod structures;

/// One message.
#[derive(Clone, Debug)]
pub struct Sample {
    /// What is special about it: letters, digits and dashes, unique in the corpus.
    pub name: String,
    /// The raw message.
    pub bytes: Vec<u8>,
}

impl Sample {
    /// Whether SMTP carries it as it is: every line ends with CR LF and has at most 998 bytes, and there is no NUL
    /// (RFC 5321 §2.3.8, RFC 5322 §2.1.1).
    pub fn fits_smtp(&self) -> bool {
        let is_line = |line: &[u8]| {
            line.strip_suffix(b"\r\n")
                .is_some_and(|text| text.len() <= 998 && !text.iter().any(|b| matches!(b, 0 | b'\r')))
        };
        !self.bytes.is_empty() && self.bytes.split_inclusive(|b| *b == b'\n').all(is_line)
    }
}

/// The whole corpus.
pub fn samples() -> Vec<Sample> {
    let mut all = Samples::default();
    plain(&mut all);
    fields::add(&mut all);
    structures::add(&mut all);
    random::add(&mut all);
    large::add(&mut all);
    all.0
}

#[derive(Default)]
pub(crate) struct Samples(Vec<Sample>);

impl Samples {
    fn add(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push(Sample { name: name.into(), bytes: bytes.into() });
    }
}

/// Joins lines with CR LF, with one at the end.
fn lines(lines: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in lines {
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// A short message with this field among its fields.
fn with_field(field: &[u8]) -> Vec<u8> {
    let mut out = b"From: Anna <anna@example.org>\r\n".to_vec();
    out.extend_from_slice(field);
    out.extend_from_slice(b"\r\nMessage-ID: <1@example.org>\r\n\r\nHello.\r\n");
    out
}

/// Line ends, bytes and shapes of messages without parts.
fn plain(all: &mut Samples) {
    let ordinary = lines(&[
        "Return-Path: <anna@example.org>",
        "Received: from a.example.org by b.example.org; Tue, 24 Nov 2026 12:00:01 +0000",
        "Date: Tue, 24 Nov 2026 13:00:00 +0100",
        "From: Anna Arndt <anna@example.org>",
        "To: Ben <ben@example.org>, carla@example.net",
        "Cc: \"Doe, John\" <john@example.com>",
        "Subject: An ordinary mail",
        "Message-ID: <ordinary.1@example.org>",
        "In-Reply-To: <before@example.net>",
        "References: <first@example.net> <before@example.net>",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        "Hello Ben,",
        "",
        "> quoted",
        "gr\u{fc}\u{df}e",
        "Anna",
    ]);
    let with_lf: Vec<u8> = ordinary.iter().copied().filter(|b| *b != b'\r').collect();
    let with_cr: Vec<u8> = ordinary.iter().map(|b| if *b == b'\n' { b'\r' } else { *b }).collect();
    let without_end = ordinary.strip_suffix(b"\r\n").unwrap_or(&ordinary).to_vec();
    all.add("ordinary", ordinary);
    all.add("lf-only", with_lf);
    all.add("cr-only", with_cr);
    all.add("no-final-newline", without_end);
    for (name, bytes) in RAW {
        all.add(*name, *bytes);
    }
    for length in [77, 998, 1000, 5_000, 100_000] {
        let long = format!("From: a@example.org\r\nSubject: {}\r\n\r\n{}\r\n", "s".repeat(length), "b".repeat(length));
        all.add(format!("line-of-{length}"), long);
    }
}

/// Messages that no lines can be made of.
const RAW: &[(&str, &[u8])] = &[
    ("empty", b""),
    ("one-lf", b"\n"),
    ("one-crlf", b"\r\n"),
    ("two-crlf", b"\r\n\r\n"),
    ("one-byte", b"x"),
    ("only-cr", b"\r"),
    ("no-header", b"\r\nJust a body.\r\n"),
    ("header-only", b"From: a@example.org\r\nSubject: no body\r\n"),
    ("header-only-with-end", b"From: a@example.org\r\nSubject: no body\r\n\r\n"),
    ("header-cut-in-name", b"From: a@example.org\r\nSubj"),
    ("header-cut-in-value", b"From: a@example.org\r\nSubject: cut"),
    ("header-cut-after-cr", b"From: a@example.org\r\nSubject: cut\r"),
    ("mixed-line-ends", b"From: a@example.org\nSubject: mixed\r\nTo: b@example.org\n\r\none\ntwo\r\nthree\rfour\n"),
    ("lf-empty-line", b"From: a@example.org\r\nSubject: x\r\n\nbody\r\n"),
    ("crcrlf", b"From: a@example.org\r\r\nSubject: x\r\r\n\r\r\nbody\r\r\n"),
    ("nul-in-body", b"From: a@example.org\r\nSubject: nul\r\n\r\na\0b\0\0c\r\n"),
    ("nul-in-subject", b"From: a@example.org\r\nSubject: a\0b\r\n\r\nx\r\n"),
    ("nul-in-address", b"From: \"a\0b\" <a\0b@example.org>\r\nTo: a\0@example.org\r\n\r\nx\r\n"),
    ("nul-in-name", b"From: a@example.org\r\nSub\0ject: x\r\n\r\nx\r\n"),
    (
        "eight-bit-latin1",
        b"From: J\xfcrgen <j\xfcrgen@example.org>\r\nTo: \"Gr\xfc\xdfe\" <x@example.org>\r\nSubject: \
            Gr\xfc\xdfe\r\n\r\nGr\xfc\xdfe\r\n",
    ),
    (
        "eight-bit-utf8",
        "From: Jürgen <jürgen@bücher.example>\r\nTo: \"Grüße\" <x@example.org>\r\nSubject: Grüße \
            😀\r\nMessage-ID: <ü@example.org>\r\n\r\nGrüße\r\n"
            .as_bytes(),
    ),
    ("control-bytes", b"From: a@example.org\r\nSubject: a\x01b\x7f\x0bc\x0c\r\n\r\n\x01\x02\x1b[31m\x7f\r\n"),
    ("all-bytes", b"From: a@example.org\r\nSubject: \x80\x81\xfe\xff\r\n\r\n\x80\x81\xfe\xff\r\n"),
    ("mbox-from-line", b"From a@example.org Tue Nov 24 13:00:00 2026\r\nFrom: a@example.org\r\n\r\nx\r\n"),
    ("dots", b"From: a@example.org\r\nSubject: dots\r\n\r\n.\r\n..\r\n.x\r\n\r\n.\r\n"),
];
