//! Random letters, written so that `plain.rs` can read them: encoded words, repeated fields, parts, messages within, odd
//! dates, ids that are quoted, missing, doubled or without sense.

use std::fmt::Write;
use store_kv::Seeded;

pub(crate) const WORDS: [&str; 10] =
    ["alpha", "BETA", "gämma", "Café", "σίδ", "ΣΕΔ", "straße", "STRASSE", "alphabeta", "zz"];

pub(crate) fn pick<'a>(random: &mut Seeded, from: &[&'a str]) -> &'a str {
    random.pick(from).copied().unwrap()
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let word = (0..3).fold(0_usize, |sum, at| sum << 8 | usize::from(*three.get(at).unwrap_or(&0)));
        for at in 0..4 {
            let is_there = at <= three.len();
            out.push(if is_there { char::from(ALPHABET[word >> (18 - 6 * at) & 63]) } else { '=' });
        }
    }
    out
}

fn quoted(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("={b:02X}") })
        .collect()
}

fn word(random: &mut Seeded) -> String {
    let word = pick(random, &WORDS);
    match random.below(4) {
        0 => format!("=?utf-8?q?{}?=", quoted(word)),
        1 => format!("=?utf-8?b?{}?=", base64(word.as_bytes())),
        _ => word.to_owned(),
    }
}

fn words(random: &mut Seeded, most: u64) -> String {
    let all: Vec<String> = (0..random.below(most + 1)).map(|_| word(random)).collect();
    all.join(if random.chance(1, 5) { "\r\n " } else { " " })
}

fn subject(random: &mut Seeded) -> String {
    let mut out = pick(random, &["alpha", "ALPHA", "beta", "Gämma", "", "[x]"]).to_owned();
    for _ in 0..random.below(4) {
        out = match random.below(9) {
            0 | 1 => format!("Re: {out}"),
            2 => format!("RE [2] :{out}"),
            3 => format!("[list] {out}"),
            4 => format!("[Fwd: {out}]"),
            5 => format!("{out} (fwd)"),
            6 => format!("Fw:\t{out}"),
            7 => format!("{out}  {}", word(random)),
            _ => format!("[a][b] {out}"),
        };
    }
    out
}

fn address(random: &mut Seeded) -> String {
    let place = format!("{}@{}.example", pick(random, &["ann", "Bob", "carl"]), pick(random, &["x", "y"]));
    match random.below(5) {
        0 => place,
        1 => format!("\"{}, {}\" <{place}>", pick(random, &["alpha", "Beta"]), pick(random, &["zz", "alpha"])),
        2 => format!("{place} ({})", pick(random, &["alpha", "Beta"])),
        _ => format!("{} <{place}>", word(random)),
    }
}

fn addresses(random: &mut Seeded) -> String {
    let some = |random: &mut Seeded| {
        let all: Vec<String> = (0..=random.below(2)).map(|_| address(random)).collect();
        all.join(", ")
    };
    if random.chance(1, 6) { format!("{}: {};", pick(random, &["team", "Zz"]), some(random)) } else { some(random) }
}

fn date(random: &mut Seeded) -> Option<String> {
    let day = format!("{} Sep 2001", 1 + random.below(25));
    let time = format!("{:02}:{:02}:00", random.below(24), random.below(4));
    Some(match random.below(9) {
        0 => return None,
        1 => "some day".to_owned(),
        2 => day,
        3 => format!("{day} 25:61:00 +0100"),
        4 => format!("{day} {time} nowhere"),
        5 => format!("Sun, {day} {time} -0800"),
        6 => format!("{day} {time} +0530"),
        _ => format!("{day} {time} +0000"),
    })
}

fn id(random: &mut Seeded, count: u64) -> String {
    let number = random.below(count);
    if random.chance(1, 6) { format!("<\"m{number}\"@x>") } else { format!("<m{number}@x>") }
}

/// One letter of a mailbox of so many.
pub(crate) fn letter(random: &mut Seeded, number: u64, count: u64) -> Vec<u8> {
    let mut out = String::new();
    let mut field = |name: &str, value: &str| write!(out, "{name}: {value}\r\n").unwrap();
    for name in ["From", "To", "Cc", "Bcc"] {
        for _ in 0..[0, 1, 1, 1, 2][random.index(5)] {
            field(name, &addresses(random));
        }
    }
    for _ in 0..[0, 1, 1, 1, 1, 2][random.index(6)] {
        field("Subject", &subject(random));
    }
    for _ in 0..random.below(3) {
        field("X-Tag", &words(random, 2));
    }
    if let Some(date) = date(random) {
        field("Date", &date);
    }
    match random.below(8) {
        0 => {}
        1 => field("Message-ID", "<no-at-sign>"),
        2 => field("Message-ID", &id(random, count)),
        _ => field("Message-ID", &format!("<m{number}@x>")),
    }
    let many: Vec<String> = (0..random.below(4)).map(|_| id(random, count + 4)).collect();
    match random.below(4) {
        0 => {}
        1 => field("In-Reply-To", &format!("your letter {}", many.join(" and "))),
        _ => field("References", &many.join(if random.chance(1, 2) { "\r\n " } else { " " })),
    }
    content(random, 3, &mut out);
    out.into_bytes()
}

/// The fields about the content, and the content.
fn content(random: &mut Seeded, depth: u32, out: &mut String) {
    let text: Vec<&str> = (0..random.below(4)).map(|_| pick(random, &WORDS)).collect();
    let text = text.join(" ");
    match random.below(if depth == 0 { 4 } else { 6 }) {
        0 => write!(out, "Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n").unwrap(),
        1 => write!(
            out,
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
            base64(text.as_bytes())
        )
        .unwrap(),
        2 => write!(
            out,
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{}=\r\n",
            quoted(&text)
        )
        .unwrap(),
        3 => write!(out, "Content-Type: image/png; name=beta.png\r\n\r\n{text}").unwrap(),
        4 => {
            write!(out, "Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n").unwrap();
            for _ in 0..=random.below(2) {
                write!(out, "--b{depth}\r\nX-Part: {}\r\n", word(random)).unwrap();
                content(random, depth - 1, out);
                out.push_str("\r\n");
            }
            write!(out, "--b{depth}--\r\n").unwrap();
        }
        _ => {
            write!(out, "Content-Type: message/rfc822\r\n\r\nSubject: {}\r\n", word(random)).unwrap();
            content(random, depth - 1, out);
        }
    }
}
