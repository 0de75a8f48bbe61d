//! What goes onto the wire, whole and in pieces.

use super::*;
use proptest::prelude::*;

fn encode(encoder: &MessageEncoder, chunks: &[&[u8]]) -> Vec<u8> {
    let (mut encoder, mut out) = (encoder.clone(), BytesMut::new());
    for chunk in chunks {
        let _ = encoder.push(chunk, &mut out);
    }
    encoder.finish(&mut out);
    out.to_vec()
}

/// What a program does that splits at LF: lines up to the one that is a dot, one dot taken off.
fn decode(wire: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    for line in wire.split_inclusive(|byte| *byte == b'\n') {
        if line == b".\r\n" {
            return content;
        }
        content.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
    }
    panic!("no end mark in {wire:?}");
}

#[test]
fn dots_are_doubled_and_a_missing_crlf_is_added() {
    let cases: [(&[u8], &[u8]); 9] = [
        (b"", b".\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b"a\n", b"a\n\r\n.\r\n"),
        (b".", b"..\r\n.\r\n"),
        (b".\r\n.\r\n", b"..\r\n..\r\n.\r\n"),
        (b"a\r\n..b\r\n", b"a\r\n...b\r\n.\r\n"),
        (b"a\n.\r\nb\r\n", b"a\n..\r\nb\r\n.\r\n"),
        (b"a.b\r.\r\n", b"a.b\r.\r\n.\r\n"),
    ];
    for (content, wire) in cases {
        assert_eq!(encode(&MessageEncoder::whole(), &[content]), wire, "{content:?}");
        let single: Vec<&[u8]> = content.chunks(1).collect();
        assert_eq!(encode(&MessageEncoder::whole(), &single), wire, "{content:?} byte by byte");
    }
}

#[test]
fn top_gives_the_header_the_empty_line_and_so_many_lines() {
    let message = b"A: 1\r\nB: 2\r\n\r\none\r\n.two\r\nthree";
    for (lines, wire) in [
        (0, &b"A: 1\r\nB: 2\r\n\r\n.\r\n"[..]),
        (1, b"A: 1\r\nB: 2\r\n\r\none\r\n.\r\n"),
        (2, b"A: 1\r\nB: 2\r\n\r\none\r\n..two\r\n.\r\n"),
        (3, b"A: 1\r\nB: 2\r\n\r\none\r\n..two\r\nthree\r\n.\r\n"),
        (u32::MAX, b"A: 1\r\nB: 2\r\n\r\none\r\n..two\r\nthree\r\n.\r\n"),
    ] {
        assert_eq!(encode(&MessageEncoder::top(lines), &[message]), wire, "{lines}");
        let single: Vec<&[u8]> = message.chunks(1).collect();
        assert_eq!(encode(&MessageEncoder::top(lines), &single), wire, "{lines} byte by byte");
    }
    assert_eq!(encode(&MessageEncoder::top(0), &[b"A: 1\n\nbody\n"]), b"A: 1\n\n\r\n.\r\n", "bare LF ends lines too");
    assert_eq!(encode(&MessageEncoder::top(1), &[b"\r\nx\r\ny\r\n"]), b"\r\nx\r\n.\r\n", "no header at all");
    assert_eq!(encode(&MessageEncoder::top(0), &[b"A: 1\r\nB: 2"]), b"A: 1\r\nB: 2\r\n.\r\n", "no body at all");
}

#[test]
fn top_says_when_it_has_enough() {
    let (mut encoder, mut out) = (MessageEncoder::top(1), BytesMut::new());
    assert_eq!(encoder.push(b"A: 1\r\n\r\none", &mut out), Progress::More);
    assert_eq!(encoder.push(b"\r\ntwo\r\n", &mut out), Progress::Enough);
    assert_eq!(encoder.push(b"three\r\n", &mut out), Progress::Enough);
    encoder.finish(&mut out);
    assert_eq!(&out[..], b"A: 1\r\n\r\none\r\n.\r\n");
}

proptest! {
    #[test]
    fn any_split_gives_the_same_bytes_and_they_decode_to_the_content(
        pieces in prop::collection::vec(prop::sample::select(vec!["\r\n", "\n", "\r", ".", "..", "ab", "\0", "\r\n."]), 0..60),
        cuts in prop::collection::vec(0usize..80, 0..6),
        lines in prop::option::of(0u32..5),
    ) {
        let content = pieces.concat().into_bytes();
        let encoder = lines.map_or_else(MessageEncoder::whole, MessageEncoder::top);
        let whole = encode(&encoder, &[&content]);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(content.len())).collect();
        cuts.sort_unstable();
        cuts.push(content.len());
        let (mut start, mut chunks) = (0, Vec::new());
        for cut in cuts {
            chunks.push(&content[start..cut]);
            start = cut;
        }
        prop_assert_eq!(&encode(&encoder, &chunks), &whole);
        let decoded = decode(&whole);
        prop_assert!(whole.ends_with(b".\r\n"));
        if lines.is_none() {
            let added: &[u8] = if content.is_empty() || content.ends_with(b"\r\n") { b"" } else { b"\r\n" };
            prop_assert_eq!(decoded, [&content[..], added].concat());
        }
    }
}
