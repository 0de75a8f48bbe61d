//! Commands made at random.

/// A small generator; the same seed gives the same commands.
pub(super) struct Random(pub(super) u64);

impl Random {
    /// Below `below`.
    pub(super) fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below.max(1)
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }

    /// One to five of what `make` makes.
    fn list(&mut self, separator: &str, mut make: impl FnMut(&mut Self) -> String) -> String {
        let count = 1 + self.below(5);
        (0..count).map(|_| make(self)).collect::<Vec<_>>().join(separator)
    }
}

fn number(random: &mut Random) -> String {
    random.pick(&["1", "2", "17", "100", "4294967295", "5"]).to_owned()
}

fn sequence(random: &mut Random) -> String {
    random.list(",", |r| match r.below(4) {
        0 => format!("{}:{}", number(r), number(r)),
        1 => r.pick(&["*", "1:*", "*:4"]).to_owned(),
        _ => number(r),
    })
}

fn mailbox(random: &mut Random) -> String {
    random
        .pick(&[
            "INBOX",
            "inbox",
            "a",
            "a/b",
            "\"a b\"",
            "{3}\r\nx y",
            "\"Entw&APw-rfe\"",
            "&AOQ-",
            "\"q\\\"uote\"",
            "x]",
        ])
        .to_owned()
}

fn text(random: &mut Random) -> String {
    random
        .pick(&["x", "\"\"", "\"a b\"", "{4}\r\na\r\nb", "\"\\\\\"", "{0}\r\n", "NIL", "x]y", "{2+}\r\n()"])
        .to_owned()
}

fn date(random: &mut Random) -> String {
    random.pick(&["1-Feb-1994", "\"01-feb-2024\"", "29-Feb-2024", "31-DEC-1999", "\"7-Mar-2000\""]).to_owned()
}

fn flag(random: &mut Random) -> String {
    random.pick(&["\\Seen", "\\answered", "\\Deleted", "\\Draft", "\\FLAGGED", "$Junk", "work", "NonJunk"]).to_owned()
}

fn fetch_item(random: &mut Random) -> String {
    match random.below(4) {
        0 => {
            let part = random.pick(&["", "1.", "2.3.", "1.2.3."]);
            let section =
                random.pick(&["HEADER", "TEXT", "HEADER.FIELDS (From \"a b\")", "HEADER.FIELDS.NOT (x)", "header"]);
            let partial = random.pick(&["", "", "<0.1>", "<100.2048>"]);
            format!("{}[{part}{section}]{partial}", random.pick(&["BODY", "BODY.PEEK", "body.peek"]))
        }
        1 => random
            .pick(&[
                "BODY[]",
                "BODY[1]",
                "BODY.PEEK[4.1.MIME]",
                "BODY.PEEK[2.1]<5.6>",
                "MODSEQ",
                "BINARY[]",
                "BINARY[1.2]",
                "binary.peek[3]<0.7>",
                "BINARY.SIZE[4.1]",
            ])
            .to_owned(),
        _ => random
            .pick(&[
                "FLAGS",
                "UID",
                "internaldate",
                "RFC822",
                "RFC822.SIZE",
                "RFC822.HEADER",
                "RFC822.TEXT",
                "ENVELOPE",
                "BODY",
                "BODYSTRUCTURE",
            ])
            .to_owned(),
    }
}

fn search_key(random: &mut Random, depth: usize) -> String {
    match random.below(if depth == 0 { 5 } else { 9 }) {
        0 | 1 => random
            .pick(&[
                "ALL",
                "ANSWERED",
                "DELETED",
                "DRAFT",
                "FLAGGED",
                "NEW",
                "OLD",
                "RECENT",
                "SEEN",
                "UNANSWERED",
                "UNDELETED",
                "UNDRAFT",
                "UNFLAGGED",
                "unseen",
            ])
            .to_owned(),
        2 => format!(
            "{} {}",
            random.pick(&["BCC", "BODY", "CC", "FROM", "SUBJECT", "TEXT", "TO", "HEADER Message-ID"]),
            text(random)
        ),
        3 => {
            let key = random.pick(&["BEFORE", "ON", "SINCE", "SENTBEFORE", "SENTON", "SENTSINCE"]);
            format!("{key} {}", date(random))
        }
        4 => match random.below(5) {
            0 => format!("UID {}", sequence(random)),
            1 => sequence(random),
            2 => format!("{} {}", random.pick(&["LARGER", "SMALLER"]), number(random)),
            3 => format!("{} {}", random.pick(&["KEYWORD", "UNKEYWORD"]), random.pick(&["$a", "work"])),
            _ => random
                .pick(&["MODSEQ 0", "MODSEQ 720", "MODSEQ \"/flags/\\\\draft\" all 62", "MODSEQ \"/flags/x\" shared 1"])
                .to_owned(),
        },
        5 => format!("NOT {}", search_key(random, depth - 1)),
        6 => format!("OR {} {}", search_key(random, depth - 1), search_key(random, depth - 1)),
        _ => format!("({})", random.list(" ", |r| search_key(r, depth - 1))),
    }
}

/// A command that both parsers should take, its line end included. The tag is `t`.
pub(super) fn command(random: &mut Random) -> String {
    let uid = random.pick(&["", "UID ", "uid "]);
    let command = match random.below(20) {
        0 => random
            .pick(&["NOOP", "capability", "LOGOUT", "CHECK", "CLOSE", "EXPUNGE", "UNSELECT", "IDLE", "NAMESPACE"])
            .to_owned(),
        1 => {
            format!("{} {}{}", random.pick(&["SELECT", "examine"]), mailbox(random), random.pick(&["", " (CONDSTORE)"]))
        }
        2 => format!("{} {}", random.pick(&["CREATE", "DELETE", "SUBSCRIBE", "UNSUBSCRIBE"]), mailbox(random)),
        3 => format!("RENAME {} {}", mailbox(random), mailbox(random)),
        4 => {
            let pattern = random.pick(&["*", "%", "\"a/%\"", "\"\"", "INBOX*", "{2}\r\na%", "x]%"]);
            format!("{} {} {pattern}", random.pick(&["LIST", "LSUB"]), random.pick(&["\"\"", "a/", "\"b c/\""]))
        }
        5 => {
            let items = ["MESSAGES", "RECENT", "uidnext", "UIDVALIDITY", "UNSEEN", "HIGHESTMODSEQ"];
            format!("STATUS {} ({})", mailbox(random), random.list(" ", |r| r.pick(&items).to_owned()))
        }
        6 | 7 => format!("{uid}COPY {} {}", sequence(random), mailbox(random)),
        8 => format!("{uid}MOVE {} {}", sequence(random), mailbox(random)),
        9 => format!("UID EXPUNGE {}", sequence(random)),
        10 | 11 => {
            let flags =
                if random.below(2) == 0 { random.list(" ", flag) } else { format!("({})", random.list(" ", flag)) };
            let modifier = random.pick(&["", "", " (UNCHANGEDSINCE 0)", " (UNCHANGEDSINCE 320162338)"]);
            let item = random.pick(&["FLAGS", "+FLAGS", "-flags", "FLAGS.SILENT", "+FLAGS.SILENT", "-FLAGS.silent"]);
            format!("{uid}STORE {}{modifier} {item} {flags}", sequence(random))
        }
        15 | 16 => {
            let flags = random.pick(&["", " ()", " (\\Seen)", " (\\draft $Junk)"]);
            let date = random.pick(&["", " \"17-Jul-1996 02:44:25 -0700\"", " \" 1-feb-2024 23:59:59 +0130\""]);
            format!(
                "APPEND {}{flags}{date} {}",
                mailbox(random),
                random.pick(&["{3}\r\nabc", "{0+}\r\n", "{6}\r\na\r\nb {"])
            )
        }
        12..=14 => {
            let items = match random.below(3) {
                0 => random.pick(&["ALL", "fast", "FULL"]).to_owned(),
                1 => fetch_item(random),
                _ => format!("({})", random.list(" ", fetch_item)),
            };
            format!("{uid}FETCH {} {items}{}", sequence(random), random.pick(&["", "", " (CHANGEDSINCE 12345)"]))
        }
        _ => {
            let charset = random.pick(&["", "", "CHARSET UTF-8 ", "charset us-ascii "]);
            format!("{uid}SEARCH {charset}{}", random.list(" ", |r| search_key(r, 4)))
        }
    };
    format!("t {command}\r\n")
}

/// Takes away, puts in and repeats, but keeps the line end.
pub(super) fn mutate(random: &mut Random, line: &mut String) {
    const WORDS: [&str; 26] = [
        " ",
        "(",
        ")",
        "\"",
        "\\",
        "*",
        ":",
        ",",
        "0",
        "1",
        "NIL",
        "[",
        "]",
        "<",
        ">",
        ".",
        "{1}\r\nx",
        "%",
        "&",
        "ü",
        "NOT ",
        "OR ",
        "+",
        "-",
        "\\Recent",
        "4294967296",
    ];
    line.truncate(line.len() - 2);
    for _ in 0..=random.below(3) {
        let places: Vec<_> = line.char_indices().map(|(at, _)| at).skip(2).collect();
        let Some(&at) = places.get(random.below(places.len())) else { break };
        match random.below(3) {
            0 => line.insert_str(at, WORDS[random.below(WORDS.len())]),
            1 => drop(line.remove(at)),
            _ => {
                let other = command(random);
                line.insert_str(at, other.get(4..4 + random.below(12)).unwrap_or_default());
            }
        }
    }
    line.push_str("\r\n");
}
