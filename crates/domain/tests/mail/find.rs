//! SEARCH, SORT and THREAD over random mailboxes, compared with what plain reading finds (`plain.rs`, `plain_threads.rs`).
//! `ORACLE_ROUNDS` says how many mailboxes; a seed that fails is told.

use crate::letters::{WORDS, letter, pick};
use crate::plain::{PlainMessage, base, fold};
use crate::plain_threads::{Told, threads};
use crate::world::{START, Store, World, stage, uid};
use domain::{AddressField, Day, NewMessage, Query, QueryKey, QueryNode, ThreadAlgorithm, ThreadNode};
use std::cmp::Ordering;
use std::time::Duration;
use store_kv::Seeded;
use types::snapshot::Snapshot;
use types::{SortCriterion, SortKey, Timestamp, Uid};

const LETTERS: u64 = 30;

fn rounds() -> u64 {
    std::env::var("ORACLE_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(6)
}

/// A letter in a mailbox.
struct Letter {
    uid: Uid,
    read: PlainMessage,
    size: u64,
    arrived: i64,
    saved: i64,
}

async fn fill(world: &World, random: &mut Seeded) -> Vec<Letter> {
    let inbox = world.id("INBOX").await;
    let mut letters = Vec::new();
    for number in 0..LETTERS {
        let raw = letter(random, number, LETTERS);
        let mut message = NewMessage::new(stage(&world.ann, &raw).await);
        let date = START.after(Duration::from_millis(random.below(20) * 86_400_000 + random.below(3000)));
        message.internal_date = Some(date);
        world.clock.advance(Duration::from_secs(random.below(100_000)));
        let saved = types::Clock::now(&*world.clock).unix_seconds();
        let uid = world.ann.append(inbox, vec![message]).await.unwrap().uids[0];
        let size = u64::try_from(raw.len()).unwrap();
        letters.push(Letter { uid, read: PlainMessage::read(&raw), size, arrived: date.unix_seconds(), saved });
    }
    letters
}

fn day(random: &mut Seeded) -> Day {
    Day::new(2001, 9, u8::try_from(1 + random.below(28)).unwrap()).unwrap()
}

fn needle(random: &mut Seeded) -> Box<str> {
    match random.below(12) {
        0 => "".into(),
        1 => "alp".into(),
        2 => "ETA".into(),
        3 => "ga".into(),
        4 => "@X.EX".into(),
        5 => "alpha, zz".into(),
        6 => "re:".into(),
        7 => "beta.png".into(),
        8 => format!("{} {}", pick(random, &WORDS), pick(random, &WORDS)).into(),
        9 => fold(pick(random, &WORDS)).into(),
        _ => pick(random, &WORDS).into(),
    }
}

fn random_key(random: &mut Seeded) -> QueryKey {
    let field = [AddressField::From, AddressField::To, AddressField::Cc, AddressField::Bcc][random.index(4)];
    let name = pick(random, &["X-Tag", "subject", "From", "x-none", "References", "Content-Type"]);
    let seconds = u32::try_from(random.below(40 * 86_400)).unwrap();
    match random.below(18) {
        0 => QueryKey::Older(seconds),
        1 => QueryKey::Younger(seconds),
        2 => QueryKey::SavedBefore(day(random)),
        3 => QueryKey::SavedOn(day(random)),
        4 => QueryKey::SavedSince(day(random)),
        5 => QueryKey::Before(day(random)),
        6 => QueryKey::Since(day(random)),
        7 => QueryKey::SentBefore(day(random)),
        8 => QueryKey::SentOn(day(random)),
        9 => QueryKey::SentSince(day(random)),
        10 => QueryKey::Larger(random.below(900)),
        11 => QueryKey::SaveDateSupported,
        12 | 13 => QueryKey::Address(field, needle(random)),
        14 => QueryKey::Subject(needle(random)),
        15 => QueryKey::Header(name.into(), needle(random)),
        16 => QueryKey::Body(needle(random)),
        _ => QueryKey::Text(needle(random)),
    }
}

/// When queries are evaluated.
const MOMENT: Timestamp = Timestamp(START.0 + 30 * 86_400_000);

fn holds(key: &QueryKey, letter: &Letter) -> bool {
    let of = |seconds: i64| Day::of(Timestamp::from_unix_seconds(seconds), 0);
    let has = |text: &str, needle: &str| fold(text).contains(&fold(needle));
    let read = &letter.read;
    let sent = read.sent().map(|(days, _)| of(days * 86_400));
    let field = |name: &str, needle: &str| read.all(name).iter().any(|value| has(value, needle));
    let now = MOMENT.unix_seconds();
    match key {
        QueryKey::Older(seconds) => letter.arrived <= now - i64::from(*seconds),
        QueryKey::Younger(seconds) => letter.arrived >= now - i64::from(*seconds),
        QueryKey::SavedBefore(day) => of(letter.saved) < *day,
        QueryKey::SavedOn(day) => of(letter.saved) == *day,
        QueryKey::SavedSince(day) => of(letter.saved) >= *day,
        QueryKey::Before(day) => of(letter.arrived) < *day,
        QueryKey::Since(day) => of(letter.arrived) >= *day,
        QueryKey::SentBefore(day) => sent.is_some_and(|sent| sent < *day),
        QueryKey::SentOn(day) => sent == Some(*day),
        QueryKey::SentSince(day) => sent.is_some_and(|sent| sent >= *day),
        QueryKey::Larger(size) => letter.size > *size,
        QueryKey::SaveDateSupported => true,
        QueryKey::Address(field, needle) => {
            let name = format!("{field:?}");
            if needle.is_empty() { !read.all(&name).is_empty() } else { has(&read.addresses(&name).0, needle) }
        }
        QueryKey::Subject(needle) if needle.is_empty() => !read.all("subject").is_empty(),
        QueryKey::Subject(needle) => has(&read.subject(), needle),
        QueryKey::Header(name, needle) => field(name, needle),
        QueryKey::Body(needle) => needle.is_empty() || read.body.iter().any(|text| has(text, needle)),
        QueryKey::Text(needle) => {
            let own = read.fields.iter().map(|(name, _)| name);
            let own = own.flat_map(|name| read.all(name).into_iter().map(move |value| format!("{name}: {value}")));
            let all: Vec<String> = own.chain(read.body.clone()).chain(read.mime.clone()).collect();
            needle.is_empty() || all.iter().any(|text| has(text, needle))
        }
        other => panic!("the oracle does not know {other:?}"),
    }
}

/// One key, or two joined, perhaps turned round; and what plain reading says.
fn random_query(random: &mut Seeded) -> (Vec<QueryNode>, impl Fn(&Letter) -> bool + use<>) {
    let (a, b, shape) = (random_key(random), random_key(random), random.below(4));
    let (first, second) = (QueryNode::Key(a.clone()), QueryNode::Key(b.clone()));
    let nodes = match shape {
        0 => vec![first],
        1 => vec![QueryNode::Not { end: 2 }, first],
        2 => vec![QueryNode::Or { end: 3 }, first, second],
        _ => vec![first, QueryNode::Not { end: 3 }, second],
    };
    let fits = move |letter: &Letter| match shape {
        0 => holds(&a, letter),
        1 => !holds(&a, letter),
        2 => holds(&a, letter) || holds(&b, letter),
        _ => holds(&a, letter) && !holds(&b, letter),
    };
    (nodes, fits)
}

const KEYS: [SortKey; 9] = [
    SortKey::Arrival,
    SortKey::Cc,
    SortKey::Date,
    SortKey::DisplayFrom,
    SortKey::DisplayTo,
    SortKey::From,
    SortKey::Size,
    SortKey::Subject,
    SortKey::To,
];

fn order(key: SortKey, a: &Letter, b: &Letter) -> Ordering {
    let sent = |letter: &Letter| letter.read.sent().map_or(letter.arrived, |(_, at)| at);
    let text = |letter: &Letter| {
        fold(&match key {
            SortKey::Cc => letter.read.addresses("cc").1,
            SortKey::DisplayFrom => letter.read.addresses("from").2,
            SortKey::DisplayTo => letter.read.addresses("to").2,
            SortKey::From => letter.read.addresses("from").1,
            SortKey::To => letter.read.addresses("to").1,
            _ => base(&letter.read.subject()).0,
        })
    };
    match key {
        SortKey::Arrival => a.arrived.cmp(&b.arrived),
        SortKey::Date => sent(a).cmp(&sent(b)),
        SortKey::Size => a.size.cmp(&b.size),
        _ => text(a).cmp(&text(b)),
    }
}

fn told(letters: &[&Letter]) -> Vec<Told> {
    let tell = |letter: &&Letter| {
        let (id, references) = letter.read.ids();
        let (subject, is_reply) = base(&letter.read.subject());
        let sent = letter.read.sent().map_or(letter.arrived, |(_, at)| at);
        let (uid, arrived) = (letter.uid.get(), letter.arrived);
        Told { uid, id, references, sent, arrived, subject: fold(&subject), is_reply }
    };
    letters.iter().map(tell).collect()
}

async fn check(world: &World, letters: &[Letter], snapshot: &Snapshot, random: &mut Seeded, seed: u64) {
    for _ in 0..60 {
        let (nodes, fits) = random_query(random);
        let query = Query::new(nodes.clone()).unwrap().at(MOMENT);
        let fitting: Vec<&Letter> = letters.iter().filter(|letter| fits(letter)).collect();
        let expected: Vec<Uid> = fitting.iter().map(|letter| letter.uid).collect();
        let found = world.ann.search(snapshot, &query).await.unwrap();
        assert_eq!(found, expected, "seed {seed}: {nodes:?}");
        let some: Vec<Uid> = letters.iter().map(|l| l.uid).filter(|_| random.chance(1, 3)).chain([uid(999)]).collect();
        let among = world.ann.search_among(snapshot, &query, &some).await.unwrap();
        let both: Vec<Uid> = expected.iter().filter(|uid| some.contains(uid)).copied().collect();
        assert_eq!(among, both, "seed {seed}: {nodes:?}");

        let mut criterion = || SortCriterion { key: KEYS[random.index(KEYS.len())], is_reverse: random.chance(1, 2) };
        let criteria = [criterion(), criterion()];
        let mut sorted = fitting.clone();
        sorted.sort_by(|a, b| {
            let orders = criteria.iter().map(|criterion| {
                let order = order(criterion.key, a, b);
                if criterion.is_reverse { order.reverse() } else { order }
            });
            orders.fold(Ordering::Equal, Ordering::then)
        });
        let expected: Vec<Uid> = sorted.iter().map(|letter| letter.uid).collect();
        let found = world.ann.sort(snapshot, &query, &criteria).await.unwrap();
        assert_eq!(found, expected, "seed {seed}: {criteria:?} {nodes:?}");

        let algorithm =
            [ThreadAlgorithm::OrderedSubject, ThreadAlgorithm::References, ThreadAlgorithm::Refs][random.index(3)];
        let found = world.ann.thread(snapshot, &query, algorithm).await.unwrap();
        let expected = threads(&told(&fitting), algorithm);
        assert_eq!(shown(&found), expected, "seed {seed}: {algorithm:?} {nodes:?}");
        check_children(&found);
    }
}

fn shown(nodes: &[ThreadNode]) -> Vec<(Option<u32>, u32)> {
    nodes.iter().map(|node| (node.uid.map(Uid::get), node.depth)).collect()
}

/// The number of children is that of the nodes that follow one deeper; a dummy has two at least.
fn check_children(nodes: &[ThreadNode]) {
    for (place, node) in nodes.iter().enumerate() {
        let below = nodes[place + 1..].iter().take_while(|other| other.depth > node.depth);
        let children = below.filter(|other| other.depth == node.depth + 1).count();
        assert_eq!(usize::try_from(node.children).unwrap(), children);
        assert!(node.uid.is_some() || node.depth == 0 && children > 1);
    }
}

#[tokio::test]
async fn random_mailboxes_are_searched_sorted_and_threaded_as_plain_reading_does() {
    for seed in 0..rounds() {
        for store in Store::all() {
            let world = World::new(store).await;
            let mut random = Seeded::new(seed);
            let letters = fill(&world, &mut random).await;
            let snapshot = world.open(world.id("INBOX").await).await.current();
            check(&world, &letters, &snapshot, &mut random, seed).await;
        }
    }
}
