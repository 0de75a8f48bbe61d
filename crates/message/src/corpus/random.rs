//! Random MIME trees, the same ones every time: what nobody thought of.

use super::Samples;
use std::fmt::Write;

/// How many.
const TREES: u64 = 60;
/// How many of them, cut and stirred.
const BROKEN: u64 = 40;

/// A small generator of numbers (xorshift): the corpus must not change with a library.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from.get(self.below(from.len())).copied().unwrap_or_default()
    }
}

/// What is still to be written: an explicit stack, for trees may be deep.
enum Task {
    Part { depth: usize, is_message: bool },
    Text(String),
}

/// One tree.
pub(super) fn tree(random: &mut Random) -> String {
    let mut out = String::new();
    let mut tasks = vec![Task::Part { depth: 0, is_message: true }];
    let mut boundaries = 0;
    while let Some(task) = tasks.pop() {
        let (depth, is_message) = match task {
            Task::Text(text) => {
                out.push_str(&text);
                continue;
            }
            Task::Part { depth, is_message } => (depth, is_message),
        };
        if is_message {
            message_fields(random, &mut out);
        }
        part_fields(random, &mut out);
        match random.below(if depth < 5 { 5 } else { 2 }) {
            0 | 1 => leaf(random, &mut out),
            2 => {
                out.push_str("Content-Type: message/rfc822\r\n\r\n");
                tasks.push(Task::Part { depth: depth + 1, is_message: true });
            }
            _ => {
                boundaries += 1;
                let boundary = format!("=_{boundaries}_{}", random.pick(&["x", "y", "zz", "x.y"]));
                let subtype = random.pick(&["mixed", "alternative", "related", "digest", "signed", "x-own"]);
                // Writing to a string does not fail.
                let _ = write!(out, "Content-Type: multipart/{subtype}; boundary=\"{boundary}\"\r\n\r\n");
                out.push_str(random.pick(&["", "", "preamble\r\n", "This is MIME.\r\n\r\n"]));
                if random.below(5) > 0 {
                    tasks.push(Task::Text(format!(
                        "\r\n--{boundary}--\r\n{}",
                        random.pick(&["", "\r\n", "epilogue\r\n"])
                    )));
                }
                for index in (0..=random.below(4)).rev() {
                    tasks.push(Task::Part { depth: depth + 1, is_message: false });
                    tasks.push(Task::Text(format!("{}--{boundary}\r\n", if index > 0 { "\r\n" } else { "" })));
                }
            }
        }
    }
    out
}

fn message_fields(random: &mut Random, out: &mut String) {
    let fields = [
        "From: Anna <anna@example.org>\r\n",
        "To: ben@example.org, \"C, D\" <c@example.org>\r\n",
        "Cc: friends: a@example.org, b@example.org;\r\n",
        "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= and more\r\n",
        "Subject: folded\r\n subject\r\n",
        "Date: Tue, 24 Nov 2026 13:44:52 +0100\r\n",
        "Message-ID: <random@example.org>\r\n",
        "In-Reply-To: <other@example.org>\r\n",
        "MIME-Version: 1.0\r\n",
        "X-Other: value\r\n",
    ];
    for _ in 0..random.below(8) {
        out.push_str(random.pick(&fields));
    }
}

/// None twice: of two that differ each server takes another one.
fn part_fields(random: &mut Random, out: &mut String) {
    let disposition = random.pick(&["inline; filename=\"a b.txt\"", "attachment"]);
    let fields = [
        "Content-ID: <part@example.org>\r\n",
        "Content-Description: a part\r\n",
        "Content-Language: en, de\r\n",
        "Content-Location: part.html\r\n",
        "X-Part: value\r\n",
    ];
    let first = random.below(fields.len());
    for field in fields.iter().cycle().skip(first).take(random.below(3)) {
        out.push_str(field);
    }
    if random.below(3) == 0 {
        out.push_str("Content-Disposition: ");
        out.push_str(disposition);
        out.push_str("\r\n");
    }
}

fn leaf(random: &mut Random, out: &mut String) {
    out.push_str(random.pick(&[
        "",
        "Content-Type: text/plain; charset=utf-8\r\n",
        "Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n",
        "Content-Type: image/png; name=x.png\r\nContent-Transfer-Encoding: base64\r\n",
        "Content-Type: application/octet-stream\r\n",
    ]));
    if random.below(20) == 0 {
        return;
    }
    out.push_str("\r\n");
    for _ in 0..random.below(4) {
        out.push_str(random.pick(&["a line\r\n", "\r\n", "--\r\n", "-- no boundary\r\n", "the last line"]));
    }
}

pub(super) fn add(all: &mut Samples) {
    for seed in 0..TREES {
        all.add(format!("random-{seed}"), tree(&mut Random::new(seed)));
    }
    for seed in 0..BROKEN {
        let mut random = Random::new(1_000 + seed);
        let text = tree(&mut random);
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        for _ in 0..=random.below(3) {
            let at = random.below(lines.len());
            match random.below(3) {
                0 => drop(lines.splice(at..at.saturating_add(1).min(lines.len()), [])),
                1 => {
                    let other = random.below(lines.len());
                    if !lines.is_empty() {
                        lines.swap(at, other);
                    }
                }
                _ => lines.truncate(at.saturating_add(1)),
            }
        }
        all.add(format!("broken-{seed}"), lines.concat());
    }
}
