//! What ends a message and what does not; splits; round trips.

use super::*;
use proptest::prelude::*;

const RULES: Rules = Rules { bare_newline: BareNewline::Refuse, message_max: Octets(1_000_000), line_max: 100_000 };

/// Feeds the input in the given pieces; gives content, failure, and what stands behind the end (`None`: no end).
fn decode(rules: Rules, pieces: &[&[u8]]) -> (Vec<u8>, Option<DataFailure>, Option<Vec<u8>>) {
    let (mut decoder, mut input, mut content) = (Decoder::new(rules), BytesMut::new(), Vec::new());
    let mut ended = false;
    for piece in pieces {
        input.extend_from_slice(piece);
        while !ended {
            match decoder.next_of_data(&mut input) {
                Step::Chunk(chunk) => content.extend_from_slice(&chunk),
                Step::End => ended = true,
                Step::More => break,
            }
        }
    }
    (content, decoder.failure(), ended.then(|| input.to_vec()))
}

fn pieces<'a>(input: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (input.len() + 1)).collect();
    cuts.sort_unstable();
    cuts.push(input.len());
    let mut start = 0;
    cuts.into_iter()
        .map(|cut| {
            let piece = &input[start..cut];
            start = cut;
            piece
        })
        .collect()
}

#[test]
fn data_is_unstuffed_and_ends_at_the_dot() {
    let cases: [(&[u8], &[u8]); 7] = [
        (b".\r\n", b""),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"...a\r\nb.\r\n.\r\n", b"..a\r\nb.\r\n"),
        (b".a\r\n.\r\n", b"a\r\n"),
        (b"\r\n\r\n..\r\n\r\n.\r\n", b"\r\n\r\n.\r\n\r\n"),
        (b"\0\xff\r\n.\r\n", b"\0\xff\r\n"),
    ];
    for (wire, content) in cases {
        let behind = [wire, b"QUIT\r\n"].concat();
        assert_eq!(decode(RULES, &[&behind]), (content.to_vec(), None, Some(b"QUIT\r\n".to_vec())), "{wire:?}");
        let single: Vec<&[u8]> = wire.chunks(1).collect();
        assert_eq!(decode(RULES, &single), (content.to_vec(), None, Some(Vec::new())), "{wire:?} byte by byte");
    }
}

#[test]
fn nothing_but_crlf_dot_crlf_ends_data() {
    let newlines: [&[u8]; 8] = [b"\n", b"\r", b"\r\r", b"\n\r", b"\r\0\n", b"\r\r\n", b"\0\n", b"\x0b"];
    let mut variants: Vec<Vec<u8>> = Vec::new();
    for before in newlines.iter().chain([&&b"\r\n"[..]]) {
        for after in newlines.iter().chain([&&b"\r\n"[..]]) {
            variants.push([b"x", *before, b".", *after, b"y"].concat());
        }
    }
    for variant in variants.iter().filter(|variant| *variant != b"x\r\n.\r\ny") {
        for bare_newline in [BareNewline::Refuse, BareNewline::Fix] {
            // "\r\r\n" ends a line, its first CR being bare; then a dot line behind it is a true end.
            let true_end = memchr::memmem::find(variant, b"\r\n.\r\n").is_some();
            let rules = Rules { bare_newline, ..RULES };
            let (content, failure, end) = decode(rules, &[variant]);
            assert_eq!(end.is_some(), true_end, "{variant:?}");
            if bare_newline == BareNewline::Refuse && failure.is_none() {
                assert!(!content.contains(&b'\n') || content.windows(2).any(|pair| pair == b"\r\n"), "{variant:?}");
            }
            if bare_newline == BareNewline::Fix {
                assert_eq!(failure, None);
                let text = String::from_utf8_lossy(&content).replace("\r\n", "");
                assert!(!text.contains(['\r', '\n']), "{variant:?} passed on as {content:?}");
            }
        }
    }
}

#[test]
fn a_bare_newline_refuses_the_message_but_not_the_connection() {
    for bad in [&b"a\nb\r\n.\r\n"[..], b"a\rb\r\n.\r\n", b"\n.\r\n\r\n.\r\n", b"a\r\n.\r\r\n.\r\n", b".\n\r\n.\r\n"] {
        let (_, failure, end) = decode(RULES, &[bad, b"NOOP\r\n"]);
        assert_eq!((failure, end), (Some(DataFailure::BareNewline), Some(b"NOOP\r\n".to_vec())), "{bad:?}");
    }
}

#[test]
fn fixing_makes_lines_of_bare_newlines_and_keeps_their_dots() {
    let rules = Rules { bare_newline: BareNewline::Fix, ..RULES };
    for (wire, content) in [
        (&b"a\nb\rc\r\n.\r\n"[..], &b"a\r\nb\r\nc\r\n"[..]),
        (b"a\n.\r\nb\r\n.\r\n", b"a\r\n.\r\nb\r\n"),
        (b"a\n..\nb\r\n.\r\n", b"a\r\n..\r\nb\r\n"),
        (b"\r\r\n.\r\n", b"\r\n\r\n"),
    ] {
        assert_eq!(decode(rules, &[wire]), (content.to_vec(), None, Some(Vec::new())), "{wire:?}");
    }
}

#[test]
fn size_and_line_length_hold_at_the_limit_and_not_past_it() {
    let rules = Rules { message_max: Octets(10), line_max: 6, ..RULES };
    assert_eq!(decode(rules, &[b"123456\r\n\r\n.\r\n"]).1, None);
    assert_eq!(decode(rules, &[b"..23456\r\n\r\n.\r\n"]).1, None, "the doubled dot does not count");
    assert_eq!(decode(rules, &[b"123456\r\na\r\n.\r\n"]).1, Some(DataFailure::TooLarge));
    assert_eq!(decode(rules, &[b"1234567\r\n.\r\n"]).1, Some(DataFailure::LineTooLong));
    assert_eq!(decode(rules, &[b"1234", b"567\r\n.\r\n"]).1, Some(DataFailure::LineTooLong));
}

/// Reads `content` as BDAT chunks cut at `cuts`, each of them arriving in single bytes.
fn decode_chunks(rules: Rules, content: &[u8], cuts: &[usize]) -> (Vec<u8>, Option<DataFailure>) {
    let (mut decoder, mut out) = (Decoder::new(rules), Vec::new());
    for piece in pieces(content, cuts) {
        let (mut input, mut remaining) = (BytesMut::new(), piece.len() as u64);
        let mut arriving = piece.chunks(2);
        loop {
            match decoder.next_of_chunk(&mut input, &mut remaining) {
                Step::Chunk(chunk) => out.extend_from_slice(&chunk),
                Step::End => break,
                Step::More => input.extend_from_slice(arriving.next().unwrap()),
            }
        }
        assert!(input.is_empty());
    }
    out.extend(decoder.finish_chunks().unwrap_or_default());
    (out, decoder.failure())
}

#[test]
fn chunks_may_be_cut_anywhere() {
    let content = b"a\r\n.\r\n..b\r\n\r\n";
    for cut in 0..=content.len() {
        for other in 0..=content.len() {
            assert_eq!(decode_chunks(RULES, content, &[cut, other]), (content.to_vec(), None));
        }
    }
    for cut in 0..3 {
        assert_eq!(decode_chunks(RULES, b"a\r", &[cut]).1, Some(DataFailure::BareNewline));
        assert_eq!(decode_chunks(RULES, b"a\nb", &[cut]).1, Some(DataFailure::BareNewline));
        let rules = Rules { bare_newline: BareNewline::Fix, ..RULES };
        assert_eq!(decode_chunks(rules, b"a\r", &[cut]), (b"a\r\n".to_vec(), None));
        assert_eq!(decode_chunks(rules, b"\n\rb", &[cut]), (b"\r\n\r\nb".to_vec(), None));
    }
}

fn encode(chunks: &[&[u8]]) -> Vec<u8> {
    let (mut encoder, mut out) = (DataEncoder::new(), BytesMut::new());
    for chunk in chunks {
        encoder.push(chunk, &mut out);
    }
    encoder.finish(&mut out);
    out.to_vec()
}

#[test]
fn the_encoder_doubles_dots_and_sends_no_bare_newline() {
    for (content, wire) in [
        (&b""[..], &b".\r\n"[..]),
        (b"a", b"a\r\n.\r\n"),
        (b".\r\n.a\r\n", b"..\r\n..a\r\n.\r\n"),
        (b"a\n.\n", b"a\r\n..\r\n.\r\n"),
        (b"a\r.\r", b"a\r\n..\r\n.\r\n"),
        (b"\r\n\r\n", b"\r\n\r\n.\r\n"),
        (b"\r\r\n", b"\r\n\r\n.\r\n"),
    ] {
        assert_eq!(encode(&[content]), wire, "{content:?}");
        let single: Vec<&[u8]> = content.chunks(1).collect();
        assert_eq!(encode(&single), wire, "{content:?} byte by byte");
    }
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec!["\r\n", "\n", "\r", ".", "..", "ab", "\0", "\r\n.", "\r\n.\r\n"]);
    prop::collection::vec(piece, 0..50).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn any_split_of_data_gives_the_same(wire in text(), cuts in prop::collection::vec(0usize..200, 0..6), fix: bool) {
        let bare_newline = if fix { BareNewline::Fix } else { BareNewline::Refuse };
        let rules = Rules { bare_newline, ..RULES };
        let (content, failure, end) = decode(rules, &[&wire]);
        let (content2, failure2, end2) = decode(rules, &pieces(&wire, &cuts));
        prop_assert_eq!((failure, &end), (failure2, &end2));
        if failure.is_none() && end.is_some() {
            prop_assert_eq!(content, content2);
        }
    }

    #[test]
    fn what_is_stuffed_is_unstuffed_to_the_same(content in text(), cuts in prop::collection::vec(0usize..200, 0..6)) {
        let wire = encode(&pieces(&content, &cuts));
        prop_assert_eq!(&wire, &encode(&[&content]));
        let (decoded, failure, end) = decode(RULES, &pieces(&wire, &cuts));
        prop_assert_eq!((failure, end), (None, Some(Vec::new())));
        let rules = Rules { bare_newline: BareNewline::Fix, ..RULES };
        let (mut lines, _) = decode_chunks(rules, &content, &[]);
        if !lines.is_empty() && !lines.ends_with(b"\r\n") {
            lines.extend_from_slice(b"\r\n");
        }
        prop_assert_eq!(decoded, lines);
    }
}
