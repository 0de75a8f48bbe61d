//! Several sessions on one mailbox under random changes: each client, knowing only the untagged answers it read, ends
//! with the truth and never meets a number that means something else to it.

use super::{entry, snapshot, uid};
use crate::codec::{Cursor, MessageSet, SequenceSet};
use crate::view::{Expunges, SessionView, UpdateForm, Updates};
use std::collections::BTreeMap;
use std::sync::Arc;
use types::snapshot::Snapshot;
use types::{FlagChange, Flags, Keyword, UidSet};

struct Random(u64);

impl Random {
    fn below(&mut self, below: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 33).unwrap() % below.max(1)
    }
}

/// What a client knows: for each sequence number the UID and the flags, as far as it was told.
#[derive(Default)]
struct Client {
    messages: Vec<Option<(u32, Vec<String>)>>,
    recent: u32,
}

impl Client {
    /// Reads untagged answers as a mail program does.
    fn read(&mut self, text: &str) {
        for line in text.lines() {
            let words: Vec<_> = line.split(' ').collect();
            let number = |word: &str| word.parse::<usize>().unwrap();
            match words[..] {
                ["*", n, "EXPUNGE"] => {
                    self.messages.remove(number(n) - 1);
                }
                ["*", n, "EXISTS"] => {
                    assert!(number(n) >= self.messages.len(), "EXISTS never takes a message away");
                    self.messages.resize(number(n), None);
                }
                ["*", n, "RECENT"] => self.recent = u32::try_from(number(n)).unwrap(),
                ["*", "FLAGS", ..] => {}
                ["*", n, "FETCH", ..] => self.read_fetch(number(n), line),
                _ => panic!("{line}"),
            }
        }
    }

    fn read_fetch(&mut self, seq: usize, line: &str) {
        let told_uid: u32 = line.split_once("UID ").unwrap().1.split([' ', ')']).next().unwrap().parse().unwrap();
        let slot = self.messages.get_mut(seq - 1).expect("FETCH is about a message that is known");
        if let Some((known_uid, _)) = slot {
            assert_eq!(*known_uid, told_uid, "the number means the same message to both");
        }
        if let Some((_, rest)) = line.split_once("FLAGS (") {
            let flags = rest.split(')').next().unwrap();
            *slot = Some((told_uid, flags.split(' ').filter(|f| !f.is_empty()).map(str::to_owned).collect()));
        }
    }
}

struct Session {
    view: SessionView,
    client: Client,
}

impl Session {
    fn open(snapshot: &Arc<Snapshot>, recent_from: u32, condstore: bool) -> Self {
        let mut view = SessionView::open(Arc::clone(snapshot), Some(uid(recent_from)));
        if condstore {
            view.set_enabled(super::condstore());
        }
        let mut session = Self { client: Client::default(), view };
        let (exists, recent) = (session.view.exists(), session.view.recent());
        session.client.read(&format!("* {exists} EXISTS\n* {recent} RECENT"));
        session.fetch("1:*", Expunges::Held);
        session
    }

    fn flags_of(view: &SessionView, seq: u32) -> String {
        let message = view.by_seq(seq).unwrap();
        let mut out = bytes::BytesMut::new();
        crate::response::write_flags(&mut out, message.entry.flags, &view.snapshot().keywords, message.recent);
        format!("* {seq} FETCH (UID {} FLAGS ({}))", message.entry.uid, std::str::from_utf8(&out).unwrap())
    }

    /// FETCH FLAGS for a set of sequence numbers, or of UIDs where EXPUNGE may be told.
    fn fetch(&mut self, text: &str, expunges: Expunges) {
        let set = SequenceSet::parse(&mut Cursor::new(text.as_bytes())).unwrap();
        let set = if expunges == Expunges::Told { MessageSet::Uid(set) } else { MessageSet::Seq(set) };
        let Ok(selection) = self.view.resolve(&set) else { return };
        let mut count = 0;
        for message in self.view.messages(&selection) {
            count += 1;
            let same = self.view.by_seq(message.seq).unwrap();
            assert_eq!((same.entry, same.expunged), (message.entry, message.expunged));
            assert_eq!(self.view.seq_of(message.entry.uid), Some(message.seq));
            self.client.read(&Self::flags_of(&self.view, message.seq));
        }
        assert_eq!(count, selection.len());
    }

    fn sync(&mut self, current: &Arc<Snapshot>, expunges: Expunges) -> Updates {
        let updates = self.view.sync(current, expunges);
        assert!(expunges == Expunges::Told || updates.expunged.is_empty(), "no EXPUNGE where none may be told");
        let mut out = bytes::BytesMut::new();
        updates.encode(&mut out, &self.view.snapshot().keywords, UpdateForm::WithUid);
        self.client.read(std::str::from_utf8(&out).unwrap());
        updates
    }

    /// After everything was told, the client knows the truth.
    fn check(&mut self, truth: &Snapshot, context: &str) {
        assert_eq!(self.client.messages.len(), truth.len() as usize, "{context}");
        assert_eq!(self.client.recent, self.view.recent(), "{context}");
        for (slot, entry) in self.client.messages.iter().zip(truth.iter()) {
            // New messages were counted but not fetched yet.
            let Some((known_uid, flags)) = slot else { continue };
            let mut out = bytes::BytesMut::new();
            crate::response::write_flags(&mut out, entry.flags, &truth.keywords, self.view.is_recent(entry.uid));
            assert_eq!(*known_uid, entry.uid.get(), "{context}");
            assert_eq!(flags.join(" ").as_bytes(), &out[..], "{context}");
        }
    }
}

/// The mailbox and what happens to it.
struct World {
    random: Random,
    current: Arc<Snapshot>,
    next_uid: u32,
}

impl World {
    fn commit(&mut self, changed: BTreeMap<u32, Flags>, gone: &[u32]) {
        let modseq = self.current.highest_modseq.next();
        let entries: Vec<_> = changed.into_iter().map(|(u, flags)| entry(u, flags, modseq.0)).collect();
        let gone: Vec<_> = gone.iter().map(|u| uid(*u)).collect();
        let mut next = self.current.advanced(&entries, &gone);
        next.highest_modseq = modseq;
        if self.random.below(30) == 0 && next.keywords.len() < 20 {
            let keyword = Keyword::parse(&format!("$k{}", next.keywords.len())).unwrap();
            next.keywords = next.keywords.with(&keyword).unwrap().0;
        }
        self.current = Arc::new(next);
    }

    fn any_flags(&mut self) -> Flags {
        let keywords = u32::try_from(self.current.keywords.len()).unwrap();
        Flags(u64::from(self.random.below(32)) | u64::from(self.random.below(1 << keywords)) << 8)
    }

    fn some_uids(&mut self, share: u32) -> Vec<u32> {
        let all: Vec<_> = self.current.iter().map(|e| e.uid.get()).collect();
        all.into_iter().filter(|_| self.random.below(share) == 0).collect()
    }

    /// Something another program does.
    fn change(&mut self) {
        match self.random.below(4) {
            0 | 1 => {
                let mut new = BTreeMap::new();
                for _ in 0..=self.random.below(3) {
                    self.next_uid += 1 + self.random.below(300);
                    let flags = self.any_flags();
                    new.insert(self.next_uid, flags);
                }
                self.commit(new, &[]);
            }
            2 => {
                let share = 2 + self.random.below(20);
                let gone = self.some_uids(share);
                self.commit(BTreeMap::new(), &gone);
            }
            _ => {
                let uids = self.some_uids(5);
                let changed = uids.into_iter().map(|u| (u, self.any_flags())).collect();
                self.commit(changed, &[]);
            }
        }
    }

    /// STORE of a session, silent or not, on what it knows and is still there.
    fn store(&mut self, session: &mut Session) {
        let flags = self.any_flags();
        let change = [FlagChange::Add, FlagChange::Remove, FlagChange::Replace][self.random.below(3) as usize];
        let known: Vec<_> = self.some_uids(4).into_iter().filter(|u| session.view.get(uid(*u)).is_some()).collect();
        let outcome = |old: Flags| match change {
            FlagChange::Add => old.union(flags),
            FlagChange::Remove => old.without(flags),
            FlagChange::Replace => flags,
        };
        let mut changed = BTreeMap::new();
        for number in &known {
            changed.insert(*number, outcome(self.current.get(uid(*number)).unwrap().flags));
        }
        let set = UidSet::from_uids(known.iter().map(|u| uid(*u)));
        self.commit(changed, &[]);
        if self.random.below(2) == 0 {
            // The client reckons the outcome from what it was told.
            for (seq, number) in known.iter().map(|u| (session.view.seq_of(uid(*u)).unwrap(), *u)) {
                let slot = &mut session.client.messages[seq as usize - 1];
                let Some((_, list)) = slot else { continue };
                let told = session.view.get(uid(number)).unwrap();
                let believed = session.view.believed(uid(number), told.entry.flags);
                let mut out = bytes::BytesMut::new();
                let keywords = &self.current.keywords;
                crate::response::write_flags(&mut out, outcome(believed), keywords, told.recent);
                *list = std::str::from_utf8(&out)
                    .unwrap()
                    .split(' ')
                    .filter(|f| !f.is_empty())
                    .map(str::to_owned)
                    .collect();
            }
            session.view.silence(set, change, flags);
        }
    }
}

#[test]
fn clients_that_read_only_untagged_answers_know_the_truth() {
    let rounds = std::env::var("POSTAMT_MODEL_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3_000u32);
    let seed = std::env::var("POSTAMT_MODEL_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(2026u64);
    println!("seed {seed}");
    let mut world = World { random: Random(seed), current: snapshot(1..=20), next_uid: 20 };
    let mut sessions: Vec<_> = (0..4).map(|i| Session::open(&world.current, 15 + i, i % 2 == 0)).collect();
    for round in 0..rounds {
        let context = format!("seed {seed} round {round}");
        let place = world.random.below(4) as usize;
        match world.random.below(8) {
            0..=2 => world.change(),
            3 => {
                // One STORE after the other, others' changes in between, then the news: as a session does it.
                for _ in 0..=world.random.below(2) {
                    world.store(&mut sessions[place]);
                }
                if world.random.below(2) == 0 {
                    world.change();
                }
                sessions[place].sync(&world.current, Expunges::Held);
            }
            4 => {
                let (a, b) = (1 + world.random.below(40), 1 + world.random.below(40));
                sessions[place].fetch(&format!("{a}:{b},{a},*"), Expunges::Held);
                sessions[place].sync(&world.current, Expunges::Held);
            }
            5 => {
                let (a, b) = (1 + world.random.below(world.next_uid), 1 + world.random.below(world.next_uid));
                sessions[place].fetch(&format!("{a}:{b},{b}:*"), Expunges::Told);
                sessions[place].sync(&world.current, Expunges::Told);
                sessions[place].check(&world.current, &context);
            }
            6 => drop(sessions[place].sync(&world.current, Expunges::Held)),
            _ => {
                sessions[place].sync(&world.current, Expunges::Told);
                sessions[place].check(&world.current, &context);
            }
        }
        if world.current.len() > 400 {
            let gone = world.some_uids(2);
            world.commit(BTreeMap::new(), &gone);
        }
        if world.random.below(200) == 0 {
            let recent_from = 1 + world.random.below(world.next_uid);
            sessions[place] = Session::open(&world.current, recent_from, round % 2 == 0);
        }
    }
    for session in &mut sessions {
        session.sync(&world.current, Expunges::Told);
        session.check(&world.current, "at the end");
    }
}
