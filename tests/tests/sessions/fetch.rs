//! What FETCH hands out of bodies: over the whole corpus every partial of every section is the slice of the whole, and
//! what a store that cannot be written to still tells.

use crate::client::Client;
use crate::owed::imap::sign_in;
use crate::server::Server;
use message::{BinaryDecoder, PartKind, Scanner, SectionText, Summary, corpus};
use std::collections::BTreeSet;
use store_kv::{CommitFault, Faulty, Memory, Seeded};
use tokio::io::{AsyncBufReadExt, AsyncReadExt};

/// The literals of an answer by what stands before each, and everything that stands around them.
struct Told {
    literals: Vec<(String, Vec<u8>)>,
    text: String,
}

/// Says a command with the tag `a` and takes the answer, whatever bytes it has.
async fn fetch(client: &mut Client, command: &str) -> Told {
    client.send(&format!("a {command}\r\n")).await;
    let mut told = Told { literals: Vec::new(), text: String::new() };
    loop {
        let mut line = Vec::new();
        client.stream.read_until(b'\n', &mut line).await.unwrap();
        let line = String::from_utf8(line).unwrap();
        assert!(line.ends_with("\r\n"), "{command}: {line:?}");
        told.text.push_str(&line);
        let announced = line.trim_end().strip_suffix('}').and_then(|head| head.rsplit_once('{'));
        if let Some((before, size)) = announced {
            let mut data = vec![0; size.parse().unwrap()];
            client.stream.read_exact(&mut data).await.unwrap();
            let item = before.rsplit_once("FETCH (").map_or(before, |(_, item)| item);
            told.literals.push((item.trim().to_owned(), data));
        } else if line.starts_with("a ") {
            return told;
        }
    }
}

/// The sections of a message that can be fetched, with their bytes, and the parts with what they decode to.
fn sections(raw: &[u8], summary: &Summary) -> Vec<(String, Vec<u8>)> {
    let slice = |path: &[u32], text| {
        let range = summary.locate(path, text).unwrap();
        raw[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()].to_vec()
    };
    // RFC 3501 §4.3: a literal holds no NUL.
    let shown = |bytes: Vec<u8>| bytes.iter().map(|b| if *b == 0 { 0x80 } else { *b }).collect::<Vec<u8>>();
    let mut all = vec![
        ("BODY[]".to_owned(), shown(raw.to_vec())),
        ("BINARY[]".to_owned(), raw.to_vec()),
        ("BODY[HEADER]".to_owned(), shown(slice(&[], SectionText::Header))),
        ("BODY[TEXT]".to_owned(), shown(slice(&[], SectionText::Text))),
    ];
    for part in summary.parts().take(12).filter(|part| !part.path.0.is_empty()) {
        if part.is_message_root && part.kind == PartKind::Multipart {
            continue;
        }
        let (path, numbers) = (&part.path, part.path.0.as_slice());
        all.push((format!("BODY[{path}]"), shown(slice(numbers, SectionText::Body))));
        all.push((format!("BODY[{path}.MIME]"), shown(slice(numbers, SectionText::Mime))));
        if part.kind == PartKind::Message {
            all.push((format!("BODY[{path}.HEADER]"), shown(slice(numbers, SectionText::Header))));
            all.push((format!("BODY[{path}.TEXT]"), shown(slice(numbers, SectionText::Text))));
        }
        if let Ok(mut decoder) = BinaryDecoder::new(&summary.part(numbers).unwrap()) {
            let mut decoded = Vec::new();
            decoder.push(&slice(numbers, SectionText::Body), |bytes| decoded.extend_from_slice(bytes));
            decoder.finish(|bytes| decoded.extend_from_slice(bytes));
            all.push((format!("BINARY[{path}]"), decoded));
        }
    }
    all
}

/// Offsets and lengths around the ends of something of this size, and some in between.
fn partials(random: &mut Seeded, size: usize) -> BTreeSet<(usize, usize)> {
    let mut all: BTreeSet<_> =
        [(0, 1), (0, size.max(1)), (0, size + 9), (size, 1), (size + 7, 3), (size.saturating_sub(1), 5)].into();
    for _ in 0..3 {
        all.insert((random.index(size + 1), 1 + random.index(size + 1)));
    }
    all
}

#[tokio::test]
async fn every_partial_of_every_section_is_the_slice_of_the_whole() {
    let server = Server::start(Memory::new()).await;
    let samples = corpus::samples();
    for sample in &samples {
        server.put_into_inbox(&sample.bytes, 1).await;
    }
    let mut client = sign_in(&server).await;
    assert!(client.ask("s EXAMINE INBOX\r\n").await.starts_with("s OK"));
    let mut random = Seeded::new(8);
    for (number, sample) in (1..).zip(&samples) {
        for (section, whole) in sections(&sample.bytes, &Scanner::scan(&sample.bytes)) {
            let (item, rest) = section.split_once('[').unwrap();
            let told = fetch(&mut client, &format!("FETCH {number} {item}.PEEK[{rest}")).await;
            let nul = if item == "BINARY" && whole.contains(&0) { " ~" } else { "" };
            assert_eq!(told.literals, [(format!("{section}{nul}"), whole.clone())], "{} {section}", sample.name);
            let partials = partials(&mut random, whole.len());
            let items: Vec<_> =
                partials.iter().map(|(at, length)| format!("{item}.PEEK[{rest}<{at}.{length}>")).collect();
            let told = fetch(&mut client, &format!("FETCH {number} ({})", items.join(" "))).await;
            let expected: Vec<_> = partials
                .iter()
                .map(|(at, length)| {
                    let slice = &whole[(*at).min(whole.len())..(at + length).min(whole.len())];
                    let nul = if item == "BINARY" && slice.contains(&0) { " ~" } else { "" };
                    (format!("{section}<{at}>{nul}"), slice.to_vec())
                })
                .collect();
            assert!(told.literals == expected, "{} {section} {partials:?}", sample.name);
            if item == "BINARY" {
                let told = fetch(&mut client, &format!("FETCH {number} BINARY.SIZE[{rest}")).await;
                let size = format!("(BINARY.SIZE[{rest} {})\r\n", whole.len());
                assert!(told.text.contains(&size), "{} {}", sample.name, told.text);
            }
        }
    }
}

/// Larger than what is kept of a part that is decoded, so that it is decoded a second time as it is sent.
#[tokio::test]
async fn a_large_part_is_decoded_as_it_is_sent() {
    use base64::Engine as _;
    let server = Server::start(Memory::new()).await;
    let data = Seeded::new(9).bytes(900_000);
    let encoded = base64::engine::general_purpose::STANDARD.encode(&data);
    let lines: Vec<_> = encoded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let head = "MIME-Version: 1.0\r\nContent-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    server.put_into_inbox(format!("{head}{}\r\n", lines.join("\r\n")).as_bytes(), 1).await;
    let mut client = sign_in(&server).await;
    assert!(client.ask("s SELECT INBOX\r\n").await.starts_with("s OK"));
    let told =
        fetch(&mut client, "FETCH 1 (BINARY.SIZE[1] BINARY[1] BINARY[1]<300000.500000> BINARY[1]<5.262145>)").await;
    assert!(told.text.starts_with("* 1 FETCH (BINARY.SIZE[1] 900000 BINARY[1] ~{900000}\r\n"), "{}", told.text);
    assert!(told.text.contains("FLAGS (\\Seen \\Recent))\r\n"), "{}", told.text);
    let slices = [&data[..], &data[300_000..800_000], &data[5..262_150]];
    assert!(told.literals.iter().map(|(_, bytes)| bytes.as_slice()).eq(slices));
}

#[tokio::test]
async fn what_cannot_be_marked_as_seen_is_read_all_the_same() {
    let engine = Faulty::new(Memory::new());
    let server = Server::start(engine.clone()).await;
    server.fill_inbox(1).await;
    let mut client = sign_in(&server).await;
    assert!(client.ask("s SELECT INBOX\r\n").await.starts_with("s OK"));
    engine.fail_commit(1, CommitFault::PoisonedBefore);
    let told = fetch(&mut client, "FETCH 1 BODY[TEXT]").await;
    assert_eq!(told.literals, [("BODY[TEXT]".to_owned(), b"body\r\n".to_vec())]);
    // RFC 3501 §7.1.2: an untagged NO is a warning.
    assert!(told.text.starts_with("* NO [UNAVAILABLE] "), "{}", told.text);
    assert!(told.text.ends_with(")\r\na OK FETCH completed\r\n") && !told.text.contains("FLAGS"), "{}", told.text);
    engine.heal();
    let told = fetch(&mut client, "FETCH 1 BODY[TEXT]").await;
    assert!(told.text.contains(" FLAGS (\\Seen \\Recent))\r\na OK"), "{}", told.text);
}
