//! What must hold for every message: over the corpus, over random splits, over mutations of the corpus. One plain
//! function for each parser; `POSTAMT_FUZZ_ROUNDS` says how many mutations each is fed.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that stops at what it does not expect")]

#[path = "support/wire.rs"]
mod wire;

use bytes::Bytes;
use message::header::{self, Selection};
use message::transfer::TransferDecoder;
use message::{
    ImapRevision, Limits, Parameterised, PartKind, Scanner, SectionText, Summary, TransferEncoding, address, body_text,
    charset, corpus, date, encoded_word, html,
};

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % bound.max(1)
    }
}

/// Numbers for one test; `POSTAMT_SEED` gives other ones.
fn random(test: u64) -> Random {
    let seed: u64 = std::env::var("POSTAMT_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(0);
    Random((seed ^ test).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
}

fn rounds() -> usize {
    std::env::var("POSTAMT_FUZZ_ROUNDS").ok().and_then(|r| r.parse().ok()).unwrap_or(400)
}

fn scan_in_pieces(message: &[u8], limits: Limits, mut length: impl FnMut() -> usize) -> Summary {
    let mut scanner = Scanner::new(limits);
    let mut rest = message;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(length().clamp(1, rest.len()));
        scanner.push(piece);
        rest = after;
    }
    scanner.finish()
}

fn structure(summary: &Summary, is_body: bool, revision: ImapRevision) -> Vec<u8> {
    let mut out = Vec::new();
    if is_body {
        summary.write_body(revision, &mut out);
    } else {
        summary.write_bodystructure(revision, &mut out);
    }
    out
}

/// What every summary keeps to.
fn check(message: &[u8], summary: &Summary) {
    let size = u64::try_from(message.len()).unwrap();
    assert_eq!(summary.size().0, size);
    assert_eq!(Summary::decode(summary.encode()).as_ref(), Ok(summary));
    assert!(wire::is_one_list(summary.envelope()), "{}", summary.envelope().escape_ascii());
    for revision in [ImapRevision::Rev1, ImapRevision::Rev2] {
        for is_body in [true, false] {
            let written = structure(summary, is_body, revision);
            assert!(wire::is_one_list(&written), "{}", written.escape_ascii());
        }
    }
    assert!(summary.preview().chars().count() <= message::PREVIEW_MAX);
    assert!(summary.references().count() <= message::REFERENCES_MAX);
    let header = summary.locate(&[], SectionText::Header).unwrap();
    let text = summary.locate(&[], SectionText::Text).unwrap();
    assert_eq!((header.start, header.end, text.end), (0, text.start, size));
    let mut above: Vec<std::ops::Range<u64>> = Vec::new();
    let mut count = 0;
    for part in summary.parts() {
        count += 1;
        above.truncate(part.depth);
        let outer = above.last().cloned().unwrap_or(0..size);
        assert!(outer.start <= part.header.start && part.header.start <= part.header.end);
        assert!(part.header.end <= part.body.start && part.body.start <= part.body.end && part.body.end <= outer.end);
        let body = &message[usize::try_from(part.body.start).unwrap()..usize::try_from(part.body.end).unwrap()];
        assert_eq!(part.lines, u64::try_from(body.split(|b| *b == b'\n').count() - 1).unwrap());
        above.push(part.body.clone());
        let has_number = !(part.path.0.is_empty() || part.is_message_root && part.kind == PartKind::Multipart);
        if has_number && count < 30 {
            assert_eq!(summary.locate(&part.path.0, SectionText::Body), Some(part.body.clone()));
            assert_eq!(summary.locate(&part.path.0, SectionText::Mime), Some(part.header.clone()));
            let inner = summary.locate(&part.path.0, SectionText::Text);
            assert_eq!(inner.is_some(), part.kind == PartKind::Message);
        }
    }
    assert!(count >= 1);
}

#[test]
fn any_split_of_a_message_gives_the_same_summary() {
    let mut random = random(7);
    for sample in corpus::samples() {
        let whole = Scanner::scan(&sample.bytes);
        check(&sample.bytes, &whole);
        let longest = [1, 2, 7, 100, 4096];
        let least = if sample.bytes.len() > 50_000 { 4 } else { 0 };
        for longest in longest.into_iter().skip(least) {
            let pieces = scan_in_pieces(&sample.bytes, Limits::default(), || 1 + random.below(longest));
            assert_eq!(pieces, whole, "{} in pieces of up to {longest}", sample.name);
        }
    }
}

#[test]
fn line_ends_change_sizes_and_nothing_else() {
    let numbers_out = |wire: Vec<u8>| {
        let text = wire.escape_ascii().to_string().replace(r"\r\n", r"\n");
        text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>()
    };
    for sample in corpus::samples().into_iter().filter(|s| s.bytes.len() < 50_000) {
        // Bare CR is content; without one, CR LF and LF mean the same.
        if sample.bytes.windows(2).any(|w| w[0] == b'\r' && w[1] != b'\n') || sample.bytes.ends_with(b"\r") {
            continue;
        }
        let with_lf: Vec<u8> = sample.bytes.iter().copied().filter(|b| *b != b'\r').collect();
        let (crlf, lf) = (Scanner::scan(&sample.bytes), Scanner::scan(&with_lf));
        assert_eq!(crlf.envelope(), lf.envelope(), "{}", sample.name);
        let shown = |summary| numbers_out(structure(summary, false, ImapRevision::Rev1));
        assert_eq!(shown(&crlf), shown(&lf), "{}", sample.name);
        assert_eq!(crlf.lines(), lf.lines(), "{}", sample.name);
    }
}

fn mutate(random: &mut Random, seeds: &[Vec<u8>], words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(6) {
        let at = random.below(bytes.len() + 1);
        match random.below(6) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] = u8::try_from(random.below(256)).unwrap(),
            2 if at < bytes.len() => drop(bytes.remove(at)),
            3 => drop(bytes.splice(at..at, words[random.below(words.len())].iter().copied())),
            4 => {
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len() + 1);
                let end = (from + random.below(200)).min(other.len());
                drop(bytes.splice(at..at, other[from..end].iter().copied()));
            }
            _ => {
                let end = (at + random.below(100)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                bytes.extend(copy);
            }
        }
    }
    bytes
}

const WORDS: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"--A\r\n",
    b"--A--\r\n",
    b"\r\n\r\n",
    b"=?utf-8?Q?",
    b"?=",
    b"\"",
    b"\\",
    b"(",
    b")",
    b"<",
    b">",
    b";",
    b",",
    b":",
    b"@",
    b"=",
    b"*0*=",
    b"%",
    b"\xff",
    b"\xc3",
    b"Content-Type: ",
    b"multipart/mixed; boundary=A",
    b"message/rfc822",
    b"message/global",
    b"Content-Transfer-Encoding: base64\r\n",
    b"=\r\n",
    b"&#",
    b"<!--",
    b"<script>",
    b" ",
    b"\t",
];

fn seeds() -> Vec<Vec<u8>> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/corpus/message");
    let mut all: Vec<Vec<u8>> =
        std::fs::read_dir(directory).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
    assert!(!all.is_empty());
    all.extend(corpus::samples().into_iter().map(|s| s.bytes).filter(|bytes| bytes.len() < 4_000));
    all
}

fn fuzz_scanner(input: &[u8], random: &mut Random) {
    let whole = Scanner::scan(input);
    check(input, &whole);
    assert_eq!(scan_in_pieces(input, Limits::default(), || 1 + random.below(20)), whole);
    let tight = Limits {
        depth: 1 + random.below(4),
        parts: 1 + random.below(6),
        header_fields: random.below(10),
        header_bytes: types::Octets(u64::try_from(random.below(300)).unwrap()),
        structure_bytes: types::Octets(u64::try_from(random.below(2_000)).unwrap()),
        boundary: random.below(8),
    };
    let limited = scan_in_pieces(input, tight, || 1 + random.below(20));
    check(input, &limited);
    assert!(limited.parts().count() <= tight.parts);
    for part in whole.parts() {
        let Some(mut text) = body_text::BodyText::new(&part) else { continue };
        let raw = &input[usize::try_from(part.body.start).unwrap()..usize::try_from(part.body.end).unwrap()];
        let mut length = 0;
        text.push(raw, |t| length += t.len());
        text.finish(|t| length += t.len());
        assert!(length <= 3 * raw.len() + 64, "text stays in proportion");
    }
}

fn fuzz_header(input: &[u8]) {
    let mut whole = Vec::new();
    for field in header::fields(input) {
        whole.extend_from_slice(field.raw);
        let _ = field.text();
    }
    assert!(input.starts_with(&whole));
    let mut both = Vec::new();
    header::select(input, Selection::Only, &["subject", "to"], &mut both);
    header::select(input, Selection::Except, &["subject", "to"], &mut both);
    // Each ends with the empty line, if there is one.
    assert!((whole.len()..=whole.len() + 4).contains(&both.len()));
}

fn fuzz_values(input: &[u8]) {
    let mut addresses = 0;
    let mut is_in_group = false;
    address::parse_list(input, |entry| {
        addresses += 1;
        assert!(entry.domain.is_none() || entry.mailbox.is_some());
        if entry.domain.is_none() {
            // Groups begin and end in turn.
            assert_ne!(std::mem::replace(&mut is_in_group, entry.mailbox.is_some()), is_in_group);
            assert_eq!((&entry.name, &entry.route), (&None, &None));
        }
        let parts = [&entry.name, &entry.route, &entry.mailbox, &entry.domain];
        assert!(parts.iter().filter_map(|p| p.as_ref()).map(Vec::len).sum::<usize>() <= 3 * input.len());
    });
    assert!(!is_in_group);
    assert!(addresses <= 2 * input.len() + 2);
    for parsed in
        [Parameterised::parse_content_type(input), Parameterised::parse_disposition(input)].into_iter().flatten()
    {
        assert!(parsed.parameters.iter().map(|p| p.name.len() + p.value.len()).sum::<usize>() <= 3 * input.len());
        parsed.parameters.iter().for_each(|p| drop(p.decoded()));
    }
    if let Some(sent) = date::parse(input) {
        assert_eq!(date::parse(date::format(sent.at, sent.offset_minutes).as_bytes()), Some(sent));
    }
    let text = encoded_word::decode(input);
    assert_eq!(encoded_word::decode(encoded_word::encode(text.trim()).as_bytes()).replace('\u{fffd}', ""), {
        // What is plain stays as it is, and may then look like white space to fold.
        text.trim().replace('\u{fffd}', "")
    });
}

fn fuzz_decoders(input: &[u8], random: &mut Random) {
    for encoding in [TransferEncoding::Base64, TransferEncoding::QuotedPrintable, TransferEncoding::Identity] {
        let (mut whole, mut pieces) = (Vec::new(), Vec::new());
        let mut decoder = TransferDecoder::new(encoding);
        decoder.push(input, &mut whole);
        decoder.finish(&mut whole);
        let mut decoder = TransferDecoder::new(encoding);
        let mut rest = input;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at((1 + random.below(9)).min(rest.len()));
            decoder.push(piece, &mut pieces);
            rest = after;
        }
        decoder.finish(&mut pieces);
        assert_eq!(whole, pieces, "{encoding:?}");
        assert!(whole.len() <= input.len());
    }
    for name in ["utf-8", "iso-2022-jp", "gb18030", "utf-16", "none", ""] {
        let text = charset::decode(input, name);
        let mut out = String::new();
        let mut decoder = html::HtmlText::default();
        decoder.push(&text, &mut out);
        decoder.finish(&mut out);
        assert!(out.len() <= text.len() + 16);
    }
}

fn fuzz_row(input: &[u8]) {
    if let Ok(summary) = Summary::decode(Bytes::copy_from_slice(input)) {
        assert!(summary.parts().count() <= input.len());
        assert!(summary.references().count() <= input.len());
        let _ = structure(&summary, true, ImapRevision::Rev1);
        let _ = (summary.locate(&[1, 1], SectionText::Header), summary.preview(), summary.subject(), summary.sent());
    }
}

#[test]
fn mutated_messages_break_nothing() {
    let (mut random, seeds) = (random(11), seeds());
    for _ in 0..rounds() {
        let input = mutate(&mut random, &seeds, WORDS);
        fuzz_scanner(&input, &mut random);
        fuzz_header(&input);
        fuzz_decoders(&input, &mut random);
    }
}

#[test]
fn mutated_field_values_break_nothing() {
    let mut values: Vec<Vec<u8>> = Vec::new();
    for seed in seeds() {
        values.extend(header::fields(&seed).map(|field| field.value.to_vec()).filter(|value| value.len() < 1_000));
    }
    let mut random = random(13);
    for _ in 0..rounds() * 4 {
        fuzz_values(&mutate(&mut random, &values, WORDS));
    }
}

#[test]
fn damaged_rows_are_refused_or_read_but_never_trusted() {
    let rows: Vec<Vec<u8>> = seeds().iter().map(|seed| Scanner::scan(seed).encode().to_vec()).collect();
    let mut random = random(17);
    for _ in 0..rounds() * 4 {
        fuzz_row(&mutate(&mut random, &rows, &[b"\x80", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\0", b"\x01"]));
    }
}

#[test]
fn rows_stay_small() {
    let sample = corpus::samples().into_iter().find(|s| s.name == "ordinary").unwrap();
    assert!(Scanner::scan(&sample.bytes).encode().len() < 1_200);
}

#[test]
fn the_corpus_has_enough_messages_each_with_a_name_of_its_own() {
    let samples = corpus::samples();
    let names: std::collections::BTreeSet<_> = samples.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names.len(), samples.len());
    assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')));
    assert!(samples.iter().filter(|s| s.fits_smtp()).count() >= 300);
    assert!(samples.len() >= 500);
}
