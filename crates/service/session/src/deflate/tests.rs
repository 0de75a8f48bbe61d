use super::*;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use proptest::prelude::*;

/// Decodes all of it, fed in these pieces; rests before each if told to.
fn inflate(pieces: &[&[u8]], resting: bool) -> Result<Vec<u8>, BrokenDeflate> {
    let mut inflater = Inflater::default();
    let mut plain = Vec::new();
    for piece in pieces {
        inflater.receive(piece);
        while let Piece::Bytes(bytes) = inflater.next()? {
            assert!(bytes.len() <= WINDOW);
            plain.extend_from_slice(bytes);
        }
        if resting {
            inflater.rest();
        }
    }
    Ok(plain)
}

/// Commands as clients send them, much alike.
fn commands(count: usize) -> Vec<u8> {
    let lines = (0..count).map(|n| format!("a{n} UID FETCH {}:* (FLAGS BODY.PEEK[HEADER])\r\n", n * 7919));
    lines.collect::<String>().into_bytes()
}

#[test]
fn what_is_written_in_answers_is_read_as_the_same_and_each_answer_can_be_read_when_it_is_flushed() {
    let (mut deflater, mut inflater) = (Deflater::default(), Inflater::default());
    for resting in [false, true] {
        for answer in [&b"* 1 EXISTS\r\n"[..], &vec![0; 200_000], b"", &commands(3000), b"a OK\r\n"] {
            let mut wire = BytesMut::new();
            for piece in answer.chunks(10_000) {
                deflater.compress(piece, &mut wire);
            }
            deflater.flush(&mut wire);
            inflater.receive(&wire);
            let mut plain = Vec::new();
            while let Piece::Bytes(bytes) = inflater.next().unwrap() {
                plain.extend_from_slice(bytes);
            }
            assert_eq!(plain, answer);
            if resting {
                deflater.rest();
                inflater.rest();
                assert!(inflater.is_resting() && deflater.compressor.is_none());
            }
            wire.clear();
            deflater.flush(&mut wire);
            assert!(wire.is_empty(), "nothing is flushed twice");
        }
    }
}

#[test]
fn a_stream_that_refers_to_what_was_said_before_a_rest_goes_on_after_it() {
    // One compressor for all, so that what comes late refers to what came early.
    let mut deflater = Deflater::default();
    let text = commands(20_000);
    let wires: Vec<BytesMut> = text
        .chunks(4001)
        .map(|piece| {
            let mut wire = BytesMut::new();
            deflater.compress(piece, &mut wire);
            deflater.flush(&mut wire);
            wire
        })
        .collect();
    let pieces: Vec<&[u8]> = wires.iter().map(|wire| &wire[..]).collect();
    assert!(wires.iter().map(BytesMut::len).sum::<usize>() < text.len() / 3);
    assert_eq!(inflate(&pieces, true).unwrap(), text);
}

#[test]
fn only_so_many_compressors_are_kept() {
    let mut all: Vec<Deflater> = (0..=COMPRESSORS_KEPT_MAX).map(|_| Deflater::default()).collect();
    let (mut out, mut plain) = (BytesMut::new(), Vec::new());
    for deflater in &mut all {
        deflater.compress(b"x", &mut out);
        deflater.flush(&mut out);
    }
    let kept = |all: &[Deflater]| all.iter().filter(|d| d.compressor.is_some()).count();
    // Other tests have some too.
    assert!((COMPRESSORS_KEPT_MAX / 2..=COMPRESSORS_KEPT_MAX).contains(&kept(&all)));
    all.iter_mut().for_each(Deflater::rest);
    let last = all.last_mut().unwrap();
    last.compress(b"y", &mut out);
    last.flush(&mut out);
    assert_eq!(kept(&all), 1, "there is room again");
    let mut inflater = Inflater::default();
    inflater.receive(&out);
    while let Piece::Bytes(bytes) = inflater.next().unwrap() {
        plain.extend_from_slice(bytes);
    }
    assert_eq!(plain, [&[b'x'; COMPRESSORS_KEPT_MAX + 1][..], b"y"].concat(), "all of it is one stream");
}

#[test]
fn a_bomb_comes_out_in_pieces_no_larger_than_the_window() {
    let bomb = compress_to_vec(&vec![0; 50 << 20], 9);
    assert!(bomb.len() < 60_000);
    let mut inflater = Inflater::default();
    inflater.receive(&bomb);
    let mut size = 0;
    while let Piece::Bytes(bytes) = inflater.next().unwrap() {
        assert!(bytes.len() <= WINDOW);
        size += bytes.len();
    }
    assert_eq!(size, 50 << 20);
    assert_eq!(inflater.next(), Ok(Piece::Ended));
    inflater.receive(b"more");
    assert_eq!(inflater.next(), Ok(Piece::Ended), "nothing is read behind the end");
}

#[test]
fn what_is_no_deflate_is_broken() {
    // Block type 3 is reserved (RFC 1951 §3.2.3); a stored block's length and its complement must fit (§3.2.4).
    assert_eq!(inflate(&[&[0b111]], false), Err(BrokenDeflate));
    assert_eq!(inflate(&[&[0, 1, 0, 1, 0]], false), Err(BrokenDeflate));
    let error = io::Error::from(BrokenDeflate);
    assert!(BrokenDeflate::is_cause_of(&error) && !BrokenDeflate::is_cause_of(&io::Error::other("else")));
}

proptest! {
    #[test]
    fn any_split_of_the_stream_gives_the_same_bytes(
        words in proptest::collection::vec(0usize..50, 0..3000),
        cuts in proptest::collection::vec(1usize..400, 1..60),
        level in 0u8..10,
        resting: bool,
    ) {
        let plain: Vec<u8> = words.iter().flat_map(|word| format!("word{word} ").into_bytes()).collect();
        let wire = compress_to_vec(&plain, level);
        let (mut rest, mut pieces) = (&wire[..], Vec::new());
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, more) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = more;
        }
        prop_assert_eq!(inflate(&pieces, resting).unwrap(), plain);
    }

    #[test]
    fn any_bytes_give_what_a_second_reader_gives_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let ours = inflate(&[&bytes], true);
        if let Ok(theirs) = decompress_to_vec_with_limit(&bytes, 1 << 20) {
            prop_assert_eq!(ours, Ok(theirs));
        }
    }
}
