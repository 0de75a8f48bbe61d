//! SEARCH against plain reading.

use crate::world::{Store, World, all, flags, keyword, stage, uid};
use domain::{AddressField, Day, NewMessage, Query, QueryKey, QueryNode};
use std::time::Duration;
use store_kv::{BODY_READ_MAX, Seeded};
use types::{FlagChange, Flags, MailboxId, ModSeq, Timestamp, Uid, UidSet};

async fn search(world: &World, mailbox: MailboxId, nodes: Vec<QueryNode>) -> Vec<u32> {
    let snapshot = world.open(mailbox).await.current();
    let query = Query::new(nodes).unwrap();
    world.ann.search(&snapshot, &query).await.unwrap().iter().map(|u| u.get()).collect()
}

async fn find(world: &World, mailbox: MailboxId, key: QueryKey) -> Vec<u32> {
    search(world, mailbox, vec![QueryNode::Key(key)]).await
}

async fn put(world: &World, mailbox: MailboxId, raw: &[u8]) -> u32 {
    let staged = stage(&world.ann, raw).await;
    world.ann.append(mailbox, vec![NewMessage::new(staged)]).await.unwrap().uids[0].get()
}

const LETTER: &[u8] = b"From: =?utf-8?q?J=C3=B6rg_M=C3=BCller?= <joerg@example.org>\r\n\
    To: ann@example.net,\r\n Bob <bob@example.com>\r\n\
    Subject: =?iso-8859-1?b?R3L832U=?= from the\r\n hills\r\n\
    Date: Sat, 1 Jan 2000 00:30:00 +0200\r\n\
    X-Empty:\r\n\
    Message-ID: <one@example.org>\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=b\r\n\r\n\
    preamble secret\r\n--b\r\n\
    Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n\
    w5xiZXIgYWxsZW4gR2lwZmVsbg==\r\n--b\r\n\
    Content-Type: application/octet-stream; name=\"report.bin\"\r\n\r\n\
    needle in bytes\r\n--b\r\n\
    Content-Type: message/rfc822\r\n\r\n\
    Subject: inner words\r\n\r\ninner text =41\r\n--b--\r\n";

#[tokio::test]
async fn texts_are_found_decoded_and_case_aside() {
    for store in Store::all() {
        let world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        put(&world, inbox, LETTER).await;
        put(&world, inbox, b"Subject: other\r\nFrom: x@y.z\r\n\r\nplain\r\n").await;
        let text = |t: &str| Box::<str>::from(t);
        let address = |field, t: &str| QueryKey::Address(field, text(t));
        let header = |name: &str, t: &str| QueryKey::Header(text(name), text(t));
        for (key, fits) in [
            (address(AddressField::From, "jörg mÜLLER"), true),
            (address(AddressField::From, "JOERG@example"), true),
            (address(AddressField::To, "BOB@"), true),
            (address(AddressField::To, "joerg"), false),
            (address(AddressField::Cc, ""), false),
            (address(AddressField::Cc, "x"), false),
            (address(AddressField::Bcc, "x"), false),
            (QueryKey::Subject(text("GRÜßE FROM THE HILLS")), true),
            (header("message-id", "<ONE@"), true),
            (header("X-Empty", ""), true),
            (header("X-Empty", "x"), false),
            (header("X-Missing", ""), false),
            (header("subject", "hills"), true),
            (QueryKey::Body(text("über ALLEN gipfeln")), true),
            (QueryKey::Body(text("inner words")), true),
            (QueryKey::Body(text("inner text =41")), true),
            (QueryKey::Body(text("report.bin")), false),
            (QueryKey::Text(text("report.bin")), true),
            (QueryKey::Body(text("needle")), false),
            (QueryKey::Body(text("hills")), false),
            (QueryKey::Text(text("hills")), true),
            (QueryKey::Text(text("Gipfeln")), true),
            (QueryKey::Text(text("nowhere")), false),
        ] {
            let found = find(&world, inbox, key.clone()).await;
            assert_eq!(found.contains(&1), fits, "{key:?}");
            assert!(!found.contains(&2), "{key:?}");
        }
        assert_eq!(find(&world, inbox, QueryKey::Body(text(""))).await, [1, 2]);
        assert_eq!(find(&world, inbox, address(AddressField::From, "")).await, [1, 2]);
    }
}

#[tokio::test]
async fn days_are_looked_at_as_the_rfc_says() {
    for store in Store::all() {
        let world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        let mut letter = NewMessage::new(stage(&world.ann, LETTER).await);
        // 1999-12-31T22:30:00Z
        letter.internal_date = Some(Timestamp::from_unix_seconds(946_679_400));
        world.ann.append(inbox, vec![letter]).await.unwrap();
        put(&world, inbox, b"Subject: no date\r\n\r\n").await;
        let (before, day) = (Day::new(1999, 12, 31).unwrap(), Day::new(2000, 1, 1).unwrap());
        let is = |key| find(&world, inbox, key);
        assert_eq!(is(QueryKey::SentOn(day)).await, [1], "the day as the field has it");
        assert_eq!(is(QueryKey::SentOn(before)).await, [0; 0]);
        assert_eq!(is(QueryKey::SentBefore(day)).await, [0; 0]);
        assert_eq!(is(QueryKey::SentSince(before)).await, [1]);
        assert_eq!(is(QueryKey::On(before)).await, [1]);
        assert_eq!(is(QueryKey::Since(day)).await, [2]);
        assert_eq!(is(QueryKey::Before(day)).await, [1]);
        let zoned = Query::new(vec![QueryNode::Key(QueryKey::On(day))]).unwrap().in_zone(120);
        let snapshot = world.open(inbox).await.current();
        assert_eq!(world.ann.search(&snapshot, &zoned).await.unwrap(), [uid(1)]);
    }
}

#[tokio::test]
async fn a_text_is_found_across_pages_and_in_long_fields() {
    for store in Store::all() {
        let world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        let needle = "across the border";
        let mut raw = b"Subject: long\r\nX-Long: ".to_vec();
        raw.resize(BODY_READ_MAX - 8, b'x');
        raw.extend_from_slice(format!("{needle}\r\n folded\r\nX-Last: last field\r\n\r\n").as_bytes());
        raw.resize(2 * BODY_READ_MAX - 5, b'y');
        raw.extend_from_slice(b"Beyond All Pages\r\n");
        put(&world, inbox, &raw).await;
        for (key, fits) in [
            (QueryKey::Header("x-long".into(), needle.into()), true),
            (QueryKey::Header("x-long".into(), "border folded".into()), true),
            (QueryKey::Header("X-Last".into(), "LAST FIELD".into()), true),
            (QueryKey::Text(needle.into()), true),
            (QueryKey::Body(needle.into()), false),
            (QueryKey::Body("ybeyond all pages".into()), true),
        ] {
            assert_eq!(!find(&world, inbox, key.clone()).await.is_empty(), fits, "{key:?}");
        }
    }
}

/// What the oracle knows of a message.
struct Plain {
    uid: Uid,
    flags: Flags,
    has_work: bool,
    size: usize,
    date: Timestamp,
    modseq: ModSeq,
    subject: String,
    body: String,
}

fn holds(key: &QueryKey, message: &Plain) -> bool {
    let contains = |text: &str, needle: &str| text.to_lowercase().contains(&needle.to_lowercase());
    let days = |day: Day| (Day::of(message.date, 0), day);
    match key {
        QueryKey::All => true,
        QueryKey::Uids(uids) => uids.contains(message.uid),
        QueryKey::Flag(flags) => message.flags.contains(*flags),
        QueryKey::NoFlag(flags) => !message.flags.contains(*flags),
        QueryKey::Keyword(k) => message.has_work && k.matches("work"),
        QueryKey::NoKeyword(k) => !(message.has_work && k.matches("work")),
        QueryKey::Recent(first) => first.is_some_and(|first| message.uid >= first),
        QueryKey::New(first) => first.is_some_and(|f| message.uid >= f) && !message.flags.contains(Flags::SEEN),
        QueryKey::Old(first) => first.is_none_or(|first| message.uid < first),
        QueryKey::Before(day) => days(*day).0 < *day,
        QueryKey::On(day) => days(*day).0 == *day,
        QueryKey::Since(day) => days(*day).0 >= *day,
        QueryKey::Larger(size) => message.size as u64 > *size,
        QueryKey::Smaller(size) => (message.size as u64) < *size,
        QueryKey::ModSeq(modseq) => message.modseq >= *modseq,
        QueryKey::Subject(text) | QueryKey::Header(_, text) => contains(&message.subject, text),
        QueryKey::Body(text) => contains(&message.body, text),
        QueryKey::Text(text) => contains(&message.body, text) || contains(&message.subject, text),
        other => panic!("the oracle does not know {other:?}"),
    }
}

/// Evaluates nodes by recursion, as their definition reads.
fn fits(nodes: &[QueryNode], at: usize, message: &Plain) -> (bool, usize) {
    let operands = |end: usize| {
        let (mut values, mut next) = (Vec::new(), at + 1);
        while next < end {
            let (value, after) = fits(nodes, next, message);
            values.push(value);
            next = after;
        }
        values
    };
    match &nodes[at] {
        QueryNode::And { end } => (operands(*end).iter().all(|v| *v), *end),
        QueryNode::Or { end } => (operands(*end).iter().any(|v| *v), *end),
        QueryNode::Not { end } => (!operands(*end)[0], *end),
        QueryNode::Key(key) => (holds(key, message), at + 1),
    }
}

fn random_nodes(random: &mut Seeded, depth: usize, nodes: &mut Vec<QueryNode>) {
    let place = nodes.len();
    match random.below(if depth == 0 { 1 } else { 4 }) {
        0 => nodes.push(QueryNode::Key(random_key(random))),
        1 => {
            nodes.push(QueryNode::Not { end: 0 });
            random_nodes(random, depth - 1, nodes);
            nodes[place] = QueryNode::Not { end: nodes.len() };
        }
        operator => {
            nodes.push(QueryNode::And { end: 0 });
            for _ in 0..=random.below(3) {
                random_nodes(random, depth - 1, nodes);
            }
            let end = nodes.len();
            nodes[place] = if operator == 2 { QueryNode::And { end } } else { QueryNode::Or { end } };
        }
    }
}

const WORDS: [&str; 6] = ["alpha", "BETA", "gämma", "ΔELTA", "zz", "alphabeta"];

fn random_key(random: &mut Seeded) -> QueryKey {
    let word = |random: &mut Seeded| Box::<str>::from(*random.pick(&WORDS).unwrap());
    let flag = [Flags::SEEN, Flags::DELETED, Flags::DRAFT][random.index(3)];
    let first = Uid::new(u32::try_from(random.below(50)).unwrap());
    let day = Day::new(2001, 9, u8::try_from(1 + random.below(20)).unwrap()).unwrap();
    match random.below(19) {
        0 => QueryKey::All,
        1 => QueryKey::Uids(UidSet::from_ranges([5..=20, 30..=31])),
        2 => QueryKey::Flag(flag),
        3 => QueryKey::NoFlag(flag),
        4 => QueryKey::Keyword(keyword(["WORK", "play"][random.index(2)])),
        5 => QueryKey::NoKeyword(keyword(["work", "play"][random.index(2)])),
        6 => QueryKey::Recent(first),
        7 => QueryKey::New(first),
        8 => QueryKey::Old(first),
        9 => QueryKey::Before(day),
        10 => QueryKey::On(day),
        11 => QueryKey::Since(day),
        12 => QueryKey::Larger(random.below(300)),
        13 => QueryKey::Smaller(random.below(300)),
        14 => QueryKey::ModSeq(ModSeq(random.below(60))),
        15 => QueryKey::Subject(word(random)),
        16 => QueryKey::Header("Subject".into(), word(random)),
        17 => QueryKey::Body(word(random)),
        _ => QueryKey::Text(word(random)),
    }
}

#[tokio::test]
async fn random_queries_find_what_plain_reading_finds() {
    for store in Store::all() {
        let world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        let mut random = Seeded::new(11);
        let mut plain = Vec::new();
        for _ in 0..40 {
            let words = |random: &mut Seeded| {
                (0..random.below(4)).map(|_| *random.pick(&WORDS).unwrap()).collect::<Vec<_>>().join(" ")
            };
            let (subject, body) = (words(&mut random), words(&mut random));
            let raw = format!("Subject: {subject}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n");
            let mut message = NewMessage::new(stage(&world.ann, raw.as_bytes()).await);
            let has_work = random.chance(1, 2);
            let system = [Flags::SEEN, Flags::DELETED, Flags::NONE][random.index(3)];
            message.flags = flags(system, if has_work { &["work"] } else { &[] });
            let date = crate::world::START.after(Duration::from_secs(random.below(10 * 86_400)));
            message.internal_date = Some(date);
            let uid = world.ann.append(inbox, vec![message]).await.unwrap().uids[0];
            let modseq = world.ann.status(inbox).await.unwrap().highest_modseq;
            plain.push(Plain { uid, flags: system, has_work, size: raw.len(), date, modseq, subject, body });
        }
        for _ in 0..800 {
            let mut nodes = Vec::new();
            random_nodes(&mut random, 4, &mut nodes);
            let expected: Vec<u32> = plain.iter().filter(|m| fits(&nodes, 0, m).0).map(|m| m.uid.get()).collect();
            assert_eq!(search(&world, inbox, nodes.clone()).await, expected, "{nodes:?}");
        }
        // A swept message fits no text, and does no harm.
        world.ann.store_flags(inbox, &all(), FlagChange::Add, &flags(Flags::SEEN, &[]), None).await.unwrap();
        let snapshot = world.open(inbox).await.current();
        world.expunge(inbox, &[1, 2, 3]).await;
        world.clock.advance(world.options.retention);
        world.mail.sweep(types::Clock::now(&*world.clock)).await.unwrap();
        let query = Query::new(vec![QueryNode::Key(QueryKey::Body("a".into()))]).unwrap();
        assert!(world.ann.search(&snapshot, &query).await.unwrap().iter().all(|u| u.get() > 3));
    }
}
