//! Any bytes, in any pieces: the same events, never a panic, bounded memory.

use super::dictionary::words;
use super::harness::{in_clear, inside_tls};
use crate::command::Extension;
use crate::connection::{Connection, Event, Policy, Tag};
use crate::limits::Limits;
use crate::response::Status;
use std::time::Duration;

/// Rounds of each loop here; `POSTAMT_FUZZ_ROUNDS` says otherwise.
fn rounds(default: u32) -> u32 {
    std::env::var("POSTAMT_FUZZ_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

struct Random(u64);

impl Random {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below.max(1)
    }
}

/// In which state a conversation begins.
#[derive(Clone, Copy, Debug)]
enum Start {
    InClear,
    InsideTls,
    /// Signed in, with these enabled.
    LoggedIn(&'static [Extension]),
    /// With a mailbox besides.
    Selected(&'static [Extension]),
}

/// Every state: without extensions, with each of them, with all.
fn starts() -> Vec<Start> {
    let sets = [&[][..], Extension::ALL].into_iter().chain(Extension::ALL.chunks(1));
    let signed_in = sets.flat_map(|set| [Start::LoggedIn(set), Start::Selected(set)]);
    [Start::InClear, Start::InsideTls].into_iter().chain(signed_in).collect()
}

fn connection(start: Start) -> Connection {
    let policy = |p: fn() -> Policy| Connection::new(Limits::default(), p(), Duration::ZERO);
    match start {
        Start::InClear => policy(in_clear),
        Start::InsideTls => policy(inside_tls),
        Start::LoggedIn(extensions) | Start::Selected(extensions) => {
            let mut connection = policy(inside_tls);
            connection.authenticated();
            for extension in extensions {
                connection.enable(*extension);
            }
            if matches!(start, Start::Selected(_)) {
                connection.selected();
            }
            connection
        }
    }
}

/// A session that goes along with everything; what it saw, with the pieces of messages put together.
struct Session {
    connection: Connection,
    tag: Option<Tag>,
    seen: Vec<String>,
    message: Vec<u8>,
}

impl Session {
    fn new(start: Start) -> Self {
        Self { connection: connection(start), tag: None, seen: Vec::new(), message: Vec::new() }
    }

    fn finish(&mut self) {
        let tag = self.tag.take().unwrap_or_else(|| Tag::new("?"));
        self.connection.finish(&tag, &Status::ok("done"));
    }

    fn run(&mut self) {
        while let Some(event) = self.connection.poll_event(Duration::ZERO) {
            if let Event::AppendChunk(chunk) = &event {
                self.message.extend_from_slice(chunk);
                continue;
            }
            let message = std::mem::take(&mut self.message);
            self.seen.push(format!("{event:?} {:?}", String::from_utf8_lossy(&message)));
            self.answer(event);
        }
    }

    fn answer(&mut self, event: Event) {
        use crate::command::Command::{
            Authenticate, Close, Enable, Examine, Idle, Login, Logout, Select, StartTls, Unauthenticate, Unselect,
        };
        match event {
            Event::Command { tag, command } => {
                self.tag = Some(tag.clone());
                match command {
                    Idle => self.connection.idle(&tag),
                    Authenticate(_) => self.connection.challenge(&tag, b"?"),
                    Logout => self.connection.logout(&tag),
                    StartTls => {
                        if self.connection.begin_tls(&tag).is_ok() {
                            self.connection.tls_established(inside_tls(), Duration::ZERO).unwrap();
                        }
                    }
                    other => {
                        match other {
                            Login(_) => self.connection.authenticated(),
                            Select(_) | Examine(_) => self.connection.selected(),
                            Close | Unselect => self.connection.deselected(),
                            Enable(enable) => {
                                for extension in enable.extensions {
                                    self.connection.enable(extension);
                                }
                            }
                            Unauthenticate => self.connection.unauthenticated(),
                            _ => {}
                        }
                        self.finish();
                    }
                }
            }
            Event::RefusedLogin { tag, .. } | Event::RefusedAuthenticate { tag, .. } => {
                self.tag = Some(tag);
                self.finish();
            }
            Event::AppendStart { tag, .. } => {
                self.tag = Some(tag);
                self.connection.accept_append();
            }
            Event::AppendLiteral(literal) if literal.size.0 % 3 == 2 => self.finish(),
            Event::AppendUrl(url) if url.len() % 3 == 2 => self.finish(),
            Event::AppendMessage(_) | Event::AppendLiteral(_) | Event::AppendUrl(_) => self.connection.accept_append(),
            Event::SaslResponse(response) => {
                if response.expose().is_empty() {
                    let tag = self.tag.clone().unwrap();
                    self.connection.challenge(&tag, b"again");
                } else {
                    self.connection.authenticated();
                    self.finish();
                }
            }
            Event::IdleDone | Event::AppendEnd => self.finish(),
            Event::AppendChunk(_) | Event::Aborted | Event::Uninvited(_) | Event::Betrayed(_) => {}
        }
    }

    /// Everything in these pieces; what was seen and answered.
    fn converse<'a>(mut self, pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<String>, Vec<u8>) {
        let mut output = Vec::new();
        for piece in pieces {
            self.connection.receive(piece);
            self.run();
            assert!(self.connection.input.len() <= (64 << 10) + 64, "input is bounded");
            output.extend_from_slice(&self.connection.take_output());
        }
        (self.seen, output)
    }
}

const SEEDS: &[&str] = &[
    "a LOGIN anna \"tin\\\"te\"\r\nb SELECT {5}\r\nINBOX\r\nc FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (Subject \"x\")]<0.9>)\r\nd LOGOUT\r\n",
    "a AUTHENTICATE PLAIN\r\nAGEAYg==\r\nb NOOP\r\nc AUTHENTICATE PLAIN =\r\n",
    "a AUTHENTICATE SCRAM-SHA-256 biws\r\n\r\n\r\n*\r\nb CAPABILITY\r\n",
    "a APPEND INBOX (\\Seen $x) \" 1-Jan-2024 00:00:00 +0100\" {10+}\r\n0123456789\r\nb NOOP\r\n",
    "a APPEND {5+}\r\nINBOX {6}\r\n012345\r\nb APPEND x {2+}\r\nab {3+}\r\nabc\r\nc APPEND x {1+}\r\n. y {3+}\r\nb N\r\nd NOOP\r\n",
    "a APPEND x (\\Seen) {3+}\r\nabc \"17-Jul-1996 02:44:25 -0700\" ~{4}\r\na\0bc UTF8 (~{1+}\r\nx)\r\nb NOOP\r\n",
    "a APPEND {1}\r\nx CATENATE (URL \"/x;UIDVALIDITY=1/;UID=20\" TEXT {3+}\r\n\r\n. URL {4+}\r\n/y/; URL z TEXT ~{1}\r\nx UTF8 (~{1+}\r\ny))\r\nb NOOP\r\n",
    "a APPEND x CATENATE (URL y)\r\nb APPEND x CATENATE (URL y URL /z) {4+}\r\nabcd CATENATE (URL z)\r\nc APPEND x {1+}\r\ny x\r\n",
    "a SETACL x anyone +lr\r\nb GETMETADATA x (DEPTH 1) (/shared {9+}\r\n/private/)\r\nc SETMETADATA \"\" (/shared/a {1+}\r\nb /private/c ~{2}\r\n\0d)\r\nd SETQUOTA x (STORAGE 5)\r\n",
    "a COMPRESS DEFLATE\r\nb NOOP\r\n",
    "a IDLE\r\nDONE\r\nb IDLE\r\nc NOOP\r\nd NOOP\r\n",
    "a STARTTLS\r\nb NOOP\r\n",
    "a SEARCH CHARSET UTF-8 OR (FROM \"a\" NOT SEEN) {3+}\r\nb c\r\nb UID SEARCH MODSEQ \"/flags/\\\\seen\" all 7 UID 1:*,4\r\n",
    "a STORE 1,2:4 (UNCHANGEDSINCE 12) +FLAGS.SILENT (\\Deleted $a)\r\nb UID EXPUNGE 1:*\r\nc CLOSE\r\nd FETCH 1 ALL\r\n",
    "a LIST (SPECIAL-USE) \"\" \"%/&AOQ-*\" RETURN (SPECIAL-USE)\r\nb LSUB \"\" *\r\nc STATUS a (MESSAGES UIDNEXT)\r\n",
    "a ENABLE QRESYNC UIDONLY\r\nb SELECT a (QRESYNC (1 2 3:4,9 (1,3:4 5,7:8)))\r\nc UID FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)\r\nd UIDBATCHES 500 1:20\r\ne UIDBATCHES 500 2:1\r\n",
    "a ID (\"name\" \"x\" \"v\" NIL)\r\nb ENABLE CONDSTORE\r\nc CREATE a/b/\r\nd RENAME a \"b c\"\r\ne DELETE {1+}\r\nx\r\n",
    "a FROB {5+}\r\n{3+}\r\n{3+}\r\nabc\r\nb NOOP\n",
    "* \r\n+ \r\n\r\n{5}\r\n{5+}\r\nabcde\r\na \r\n",
    "a LOGIN {4096+}\r\nb LOGIN {99999999999999999999+}\r\nc UID MOVE 1 x\r\n",
    "a NOTIFY SET STATUS (selected-delayed (MessageNew (UID FLAGS BODY.PEEK[HEADER.FIELDS (From)]) MessageExpunge FlagChange)) (subtree (a {1+}\r\nb) (MailboxName SubscriptionChange)) (personal NONE)\r\nb NOTIFY NONE\r\n",
    "a ENABLE IMAP4rev2\r\nb SELECT \"\u{e4}/\u{65e5}\"\r\nc FETCH 1 (BINARY.SIZE[1] BINARY.PEEK[2]<0.5> BODYSTRUCTURE)\r\nd SEARCH RETURN (SAVE) FLAGGED\r\ne STORE $ +FLAGS.SILENT (\\Seen)\r\nf LIST \"\" (% \"\u{e4}*\") RETURN (CHILDREN STATUS (MESSAGES SIZE DELETED))\r\n",
    "a ENABLE UTF8=ACCEPT\r\nb CREATE \"\u{e4}\" (USE (\\Drafts))\r\nc SEARCH SUBJECT \"\u{df}\" CHARSET UTF-8\r\nd SORT (REVERSE DATE) UTF-8 BODY {2+}\r\n\u{e4}\r\ne APPEND \"\u{e4}\" UTF8 (~{2+}\r\n\u{e4})\r\n",
    "a ENABLE UIDONLY\r\nb UID FETCH 1:9 (FLAGS) (PARTIAL 1:-5 CHANGEDSINCE 3)\r\nc FETCH 1 FLAGS\r\nd UID SEARCH RETURN (PARTIAL -1:-100 MIN COUNT) UIDAFTER 5 UIDBEFORE 9\r\ne EXPUNGE\r\nf UID EXPUNGE $\r\n",
    "a UID REPLACE 4 Drafts (\\Seen) CATENATE (TEXT {3+}\r\nabc URL \"/x/;UID=1/;SECTION=1.MIME/;PARTIAL=1.5\")\r\nb REPLACE 1 {1+}\r\nx {2+}\r\nab\r\nc REPLACE 1:2 x {1+}\r\na\r\n",
    "a ESEARCH IN (selected mailboxes (a b) subtree-one c) RETURN (COUNT UPDATE (FLAGS)) OR OLDER 5 SAVEDSINCE 1-Feb-1994\r\nb CANCELUPDATE \"a\"\r\nc UID THREAD REFS UTF-8 EMAILID M1 THREADID T1\r\nd UID SORT RETURN (PARTIAL 1:5 CONTEXT) (DISPLAYFROM REVERSE SIZE) US-ASCII ALL\r\n",
    "a GETMETADATA (MAXSIZE 10 DEPTH infinity) \"\" /shared/admin\r\nb LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (a %) RETURN (METADATA (/private/comment) MYRIGHTS)\r\nc DELETEACL x -anyone\r\nd LISTRIGHTS x y\r\ne MYRIGHTS x\r\nf GETQUOTAROOT x\r\ng GETQUOTA \"\"\r\n",
    "a LANGUAGE de-CH en\r\nb FROB\r\nc COMPARATOR \"i;unicode-casemap\"\r\nd UNAUTHENTICATE\r\ne CAPABILITY\r\nf LOGIN a b\r\ng UNSELECT\r\n",
];

#[test]
fn any_split_of_the_input_gives_the_same_events_and_answers() {
    let mut random = Random(1);
    for seed in SEEDS {
        for start in starts() {
            let whole = Session::new(start).converse([seed.as_bytes()].into_iter());
            let bytes = Session::new(start).converse(seed.as_bytes().chunks(1));
            if !seed.contains("STARTTLS") {
                // Whether something lies behind STARTTLS when it is read is the one thing that the pieces decide.
                assert_eq!(bytes, whole, "{seed:?} {start:?}");
            }
            for _ in 0..10 {
                let size = 1 + random.below(20);
                let pieces = Session::new(start).converse(seed.as_bytes().chunks(size));
                if !seed.contains("STARTTLS") {
                    assert_eq!(pieces, whole, "{seed:?} {start:?} {size}");
                }
            }
        }
    }
}

/// Changes, removes, repeats and puts in.
fn mutate(random: &mut Random, words: &[String], bytes: &mut Vec<u8>) {
    const MARKS: [&str; 30] = [
        "\r\n",
        "{3+}\r\n",
        "{3}\r\n",
        "\"",
        "\\",
        "(",
        ")",
        "*",
        " ",
        "\0",
        "\u{e4}",
        "UID ",
        "NOT ",
        "OR ",
        "a APPEND x {4+}\r\n",
        "CATENATE (",
        "URL ",
        "TEXT {1+}\r\n",
        "UTF8 (",
        "~{2}\r\n",
        " {0+}\r\n",
        "DONE\r\n",
        "[",
        "]",
        "<0.1>",
        "4294967296",
        "&",
        "1:*,",
        "BODY[",
        "\n",
    ];
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        match random.below(6) {
            0 => {
                bytes.splice(at..at, words[random.below(words.len())].bytes());
            }
            5 => {
                bytes.splice(at..at, MARKS[random.below(MARKS.len())].bytes());
            }
            1 if at < bytes.len() => bytes[at] = u8::try_from(random.below(256)).unwrap(),
            2 => {
                let end = (at + random.below(12)).min(bytes.len());
                bytes.drain(at..end);
            }
            3 => {
                let end = (at + random.below(30)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            _ => {
                let other = SEEDS[random.below(SEEDS.len())].as_bytes();
                bytes.extend_from_slice(&other[random.below(other.len())..]);
                bytes.truncate(2_000);
            }
        }
    }
}

#[test]
fn mutated_conversations_never_panic_and_every_split_agrees() {
    let seed = 0x5eed;
    println!("seed {seed}");
    let mut random = Random(seed);
    let (words, starts) = (words(), starts());
    let mut corpus: Vec<Vec<u8>> = SEEDS.iter().map(|seed| seed.as_bytes().to_vec()).collect();
    for _ in 0..rounds(4_000) {
        let place = random.below(corpus.len());
        let mut bytes = corpus[place].clone();
        mutate(&mut random, &words, &mut bytes);
        let start = starts[random.below(starts.len())];
        let whole = Session::new(start).converse([&bytes[..]].into_iter());
        let starttls = bytes.windows(8).any(|w| w.eq_ignore_ascii_case(b"STARTTLS"));
        let size = 1 + random.below(40);
        let pieces = Session::new(start).converse(bytes.chunks(size));
        if !starttls {
            assert_eq!(pieces, whole, "{:?} {start:?} {size}", String::from_utf8_lossy(&bytes));
        }
        if random.below(3) == 0 {
            if corpus.len() < 400 {
                corpus.push(bytes);
            } else if place >= SEEDS.len() {
                corpus[place] = bytes;
            }
        }
    }
}

/// What the connection writes is lines that begin with a tag, `*` or `+`: nothing a peer sends breaks out of them.
#[test]
fn answers_are_whole_lines() {
    let mut random = Random(99);
    let (words, starts) = (words(), starts());
    for _ in 0..rounds(500) {
        let mut bytes = SEEDS[random.below(SEEDS.len())].as_bytes().to_vec();
        mutate(&mut random, &words, &mut bytes);
        let (_, output) = Session::new(starts[random.below(starts.len())]).converse([&bytes[..]].into_iter());
        let text = String::from_utf8(output).unwrap();
        for line in text.split_inclusive("\r\n") {
            assert!(line.ends_with("\r\n") && !line[..line.len() - 2].contains(['\r', '\n']), "{line:?}");
            let word = line.split(' ').nth(1).unwrap_or_default();
            assert!(line.starts_with("+ ") || matches!(word, "OK" | "NO" | "BAD" | "BYE"), "{line:?}");
        }
    }
}

/// Every parser that reads what a peer wrote, on mutated words.
#[test]
fn parsers_never_panic() {
    use crate::codec::{
        Cursor, Date, ListPattern, MessageUrl, SequenceSet, UrlBase, date, literal_announced, modified_utf7,
    };
    use crate::registry::COMMANDS;
    use crate::search::SearchProgram;
    let mut random = Random(7);
    let words = words();
    for _ in 0..rounds(20_000) {
        let mut bytes = SEEDS[random.below(SEEDS.len())].as_bytes().to_vec();
        mutate(&mut random, &words, &mut bytes);
        let from = random.below(bytes.len() + 1);
        let bytes = &bytes[from..];
        let _ = Cursor::new(bytes).astring();
        let _ = Cursor::new(bytes).mailbox();
        let _ = SequenceSet::parse(&mut Cursor::new(bytes));
        let _ = Date::parse(&mut Cursor::new(bytes));
        let _ = date::parse_date_time(&mut Cursor::new(bytes));
        let _ = SearchProgram::parse(&mut Cursor::new(bytes)).map(|program| program.evaluate(|_| false));
        let _ = crate::fetch::parse_items(&mut Cursor::new(bytes));
        let _ = literal_announced(bytes);
        let mut enabled = crate::Enabled::default();
        for extension in Extension::ALL.iter().filter(|_| random.below(3) == 0) {
            enabled.enable(*extension);
        }
        let row = &COMMANDS[random.below(COMMANDS.len())];
        let _ = (row.parse)(&mut Cursor::new(bytes).with(enabled), row.uid && random.below(2) == 0);
        let base = UrlBase { user: "anna", server: "mail.example.test", mailbox: None };
        let _ = MessageUrl::parse(bytes, &base);
        if let Ok(text) = modified_utf7::decode(bytes) {
            assert_eq!(modified_utf7::encode(&text).as_bytes(), bytes);
        }
        if let Ok(pattern) = ListPattern::parse(b"", bytes, enabled) {
            pattern.matches_text("INBOX/a");
        }
    }
}
