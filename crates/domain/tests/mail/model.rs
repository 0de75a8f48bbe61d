//! Random verbs against a plain model of mailboxes: the same answers, and the same mailboxes after each.

use crate::world::{Store, World, all, keyword, mail_of, name, new_message, set, uid};
use domain::{Account, Cause, Expunge, FlagNames, MailError, MailOptions, NewMessage};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use store_kv::Seeded;
use types::{FlagChange, Flags, MailboxId, ModSeq, UidSet, UidValidity};

const NAMES: [&str; 7] = ["INBOX", "Trash", "a", "a/b", "a/b/c", "x", "x/y"];
const KEYWORDS: [&str; 4] = ["work", "play", "$Junk", "later"];

#[derive(Clone, Debug, PartialEq)]
struct Message {
    flags: BTreeSet<String>,
    text: String,
    modseq: u64,
}

#[derive(Clone, Debug)]
struct Mailbox {
    id: MailboxId,
    validity: UidValidity,
    selectable: bool,
    messages: BTreeMap<u32, Message>,
    next: u32,
    highest: u64,
}

#[derive(Debug, Default)]
struct Model {
    mailboxes: BTreeMap<String, Mailbox>,
    retained: BTreeMap<(MailboxId, u32), Message>,
    validity: u32,
}

fn words(names: &FlagNames) -> BTreeSet<String> {
    let system = Flags::SYSTEM_NAMES.iter().filter(|(f, _)| names.system.contains(*f)).map(|(_, n)| (*n).to_owned());
    system.chain(names.keywords.iter().map(|k| k.as_str().to_owned())).collect()
}

impl Model {
    fn below(&self, name: &str) -> Vec<String> {
        self.mailboxes.keys().filter(|n| n.starts_with(&format!("{name}/"))).cloned().collect()
    }

    fn selectable(&mut self, name: &str) -> Option<&mut Mailbox> {
        self.mailboxes.get_mut(name).filter(|m| m.selectable)
    }
}

/// The model, the real thing, and the dice.
struct Run {
    world: World,
    nodes: Vec<Account>,
    model: Model,
    random: Seeded,
    count: u32,
}

impl Run {
    async fn new(store: Store, seed: u64, nodes: usize) -> Self {
        let options = MailOptions { shared_store: nodes > 1, ..MailOptions::default() };
        let world = World::with(store, options).await;
        let mut run = Self { world, nodes: Vec::new(), model: Model::default(), random: Seeded::new(seed), count: 0 };
        run.connect(nodes).await;
        for info in run.nodes[0].mailboxes().await.unwrap().iter() {
            let status = run.nodes[0].status(info.id).await.unwrap();
            let mailbox = Mailbox {
                id: info.id,
                validity: status.uid_validity,
                selectable: true,
                messages: BTreeMap::new(),
                next: 1,
                highest: status.highest_modseq.0,
            };
            run.model.validity = run.model.validity.max(status.uid_validity.get());
            run.model.mailboxes.insert(info.name.to_string(), mailbox);
        }
        run
    }

    async fn connect(&mut self, nodes: usize) {
        self.nodes = vec![self.world.ann.clone()];
        for _ in 1..nodes {
            self.nodes.push(self.world.node().await);
        }
    }

    fn account(&mut self) -> Account {
        self.random.pick(&self.nodes).unwrap().clone()
    }

    fn any_name(&mut self) -> &'static str {
        self.random.pick(&NAMES).unwrap()
    }

    fn any_flags(&mut self) -> FlagNames {
        let system = [Flags::SEEN, Flags::DELETED, Flags::FLAGGED, Flags::NONE];
        let system = system[self.random.index(4)].union(system[self.random.index(4)]);
        let keywords = KEYWORDS.iter().filter(|_| self.random.chance(1, 4)).map(|k| keyword(k)).collect();
        FlagNames { system, keywords }
    }

    fn any_set(&mut self) -> UidSet {
        if self.random.chance(1, 4) {
            return all();
        }
        let ranges: Vec<_> = (0..=self.random.below(3))
            .map(|_| {
                let start = u32::try_from(1 + self.random.below(25)).unwrap();
                start..=start + u32::try_from(self.random.below(4)).unwrap()
            })
            .collect();
        UidSet::from_ranges(ranges)
    }

    async fn step(&mut self) {
        match self.random.below(22) {
            0..=5 => self.append().await,
            6..=9 => self.store().await,
            10 | 11 => self.expunge().await,
            12 | 13 => self.transfer(true).await,
            14 | 15 => self.transfer(false).await,
            16 => self.create().await,
            17 => self.delete().await,
            18 => self.rename().await,
            19 => self.restore().await,
            20 => self.world.clock.advance(Duration::from_secs(self.random.below(100_000))),
            _ => self.sweep_or_reopen().await,
        }
        self.check().await;
    }

    /// The id a client would use for a name: a real one if there is one.
    fn id(&mut self, name: &str) -> MailboxId {
        self.model.selectable(name).map_or(MailboxId(9999), |m| m.id)
    }

    async fn append(&mut self) {
        let (account, name) = (self.account(), self.any_name());
        let id = self.id(name);
        let mut messages: Vec<NewMessage> = Vec::new();
        let mut plain = Vec::new();
        for _ in 0..=self.random.below(2) {
            self.count += 1;
            let text = format!("message {}", self.count);
            let flags = self.any_flags();
            plain.push(Message { flags: words(&flags), text: text.clone(), modseq: 0 });
            messages.push(NewMessage { flags, ..new_message(&account, &text).await });
        }
        let answer = account.append(id, messages).await;
        let Some(mailbox) = self.model.selectable(name) else {
            assert!(matches!(answer, Err(MailError::NoSuchMailbox)));
            return;
        };
        let answer = answer.unwrap();
        assert_eq!(answer.uid_validity, mailbox.validity);
        let status = account.status(id).await.unwrap();
        for message in plain {
            mailbox.messages.insert(mailbox.next, Message { modseq: status.highest_modseq.0, ..message });
            mailbox.next += 1;
        }
        let uids: Vec<_> = answer.uids.iter().map(|u| u.get()).collect();
        assert!(
            uids.iter().eq(mailbox.messages.keys().rev().take(uids.len()).collect::<Vec<_>>().iter().rev().copied())
        );
        self.raise(name, status.highest_modseq);
    }

    /// Every change of a mailbox raises its HIGHESTMODSEQ.
    fn raise(&mut self, name: &str, highest: ModSeq) {
        let mailbox = self.model.mailboxes.get_mut(name).unwrap();
        assert!(highest.0 > mailbox.highest, "{name}");
        mailbox.highest = highest.0;
    }

    async fn store(&mut self) {
        let (account, name, uids, names) = (self.account(), self.any_name(), self.any_set(), self.any_flags());
        let change = [FlagChange::Add, FlagChange::Remove, FlagChange::Replace][self.random.index(3)];
        let id = self.id(name);
        let since = if self.random.chance(1, 3) {
            self.model.selectable(name).map(|m| ModSeq(m.highest.saturating_sub(3)))
        } else {
            None
        };
        let answer = account.store_flags(id, &uids, change, &names, since).await;
        let Some(mailbox) = self.model.selectable(name) else {
            assert!(matches!(answer, Err(MailError::NoSuchMailbox)));
            return;
        };
        let answer = answer.unwrap();
        let (mut modified, mut changed) = (Vec::new(), false);
        for (number, message) in mailbox.messages.iter_mut().filter(|(n, _)| uids.contains(uid(**n))) {
            if since.is_some_and(|since| message.modseq > since.0) {
                modified.push(*number);
                continue;
            }
            let before = message.flags.clone();
            match change {
                FlagChange::Add => message.flags.extend(words(&names)),
                FlagChange::Remove => message.flags.retain(|f| !words(&names).contains(f)),
                FlagChange::Replace => message.flags = words(&names),
            }
            if message.flags != before {
                message.modseq = answer.modseq.unwrap().0;
                changed = true;
            }
        }
        assert_eq!((answer.modified, answer.modseq.is_some()), (set(&modified), changed));
        if let Some(modseq) = answer.modseq {
            self.raise(name, modseq);
        }
    }

    async fn expunge(&mut self) {
        let (account, name, uids) = (self.account(), self.any_name(), self.any_set());
        let id = self.id(name);
        let kind = self.random.below(3);
        let which = match kind {
            0 => Expunge::AllDeleted,
            1 => Expunge::DeletedIn(uids.clone()),
            _ => Expunge::These(uids.clone()),
        };
        let answer = account.expunge(id, which, Cause::Imap).await;
        let Some(mailbox) = self.model.selectable(name) else {
            assert!(matches!(answer, Err(MailError::NoSuchMailbox)));
            return;
        };
        let goes =
            |n: u32, m: &Message| (kind == 0 || uids.contains(uid(n))) && (kind == 2 || m.flags.contains("\\Deleted"));
        let gone: Vec<_> = mailbox.messages.iter().filter(|(n, m)| goes(**n, m)).map(|(n, _)| *n).collect();
        let before = mailbox.highest;
        let mut moved = Vec::new();
        for number in &gone {
            moved.push(((mailbox.id, *number), mailbox.messages.remove(number).unwrap()));
        }
        self.model.retained.extend(moved);
        assert_eq!(answer.unwrap(), set(&gone));
        if !gone.is_empty() {
            let highest = account.status(id).await.unwrap().highest_modseq;
            self.raise(name, highest);
            let vanished = account.vanished_since(id, ModSeq(before), 1000).await.unwrap();
            assert_eq!((vanished.uids, vanished.is_exact), (set(&gone), true));
        }
    }

    async fn transfer(&mut self, is_move: bool) {
        let (account, from, to, uids) = (self.account(), self.any_name(), self.any_name(), self.any_set());
        let (source, target) = (self.id(from), self.id(to));
        let answer = if is_move {
            account.r#move(source, &uids, target).await
        } else {
            account.copy(source, &uids, target).await
        };
        if self.model.selectable(from).is_none() || self.model.selectable(to).is_none() {
            assert!(matches!(answer, Err(MailError::NoSuchMailbox)));
            return;
        }
        let mailbox = self.model.selectable(from).unwrap();
        let chosen: Vec<_> = mailbox.messages.keys().filter(|n| uids.contains(uid(**n))).copied().collect();
        let messages: Vec<_> = chosen.iter().map(|n| mailbox.messages[n].clone()).collect();
        if is_move {
            mailbox.messages.retain(|n, _| !chosen.contains(n));
        }
        let highest = account.status(target).await.unwrap().highest_modseq;
        let mailbox = self.model.selectable(to).unwrap();
        let mut pairs = Vec::new();
        for (number, message) in chosen.iter().zip(messages) {
            pairs.push((uid(*number), uid(mailbox.next)));
            mailbox.messages.insert(mailbox.next, Message { modseq: highest.0, ..message });
            mailbox.next += 1;
        }
        let answer = answer.unwrap();
        assert_eq!((answer.uid_validity, &answer.pairs), (mailbox.validity, &pairs));
        if !pairs.is_empty() {
            self.raise(to, highest);
            if is_move && from != to {
                let highest = account.status(source).await.unwrap().highest_modseq;
                self.raise(from, highest);
            }
        }
    }

    async fn learn(&mut self, account: &Account, text: &str) {
        let info = account.mailboxes().await.unwrap().get(&name(text)).unwrap().clone();
        let mailbox = if info.selectable {
            let status = account.status(info.id).await.unwrap();
            assert!(status.uid_validity.get() > self.model.validity, "UIDVALIDITY only grows");
            // One that came back with its messages has them already.
            let is_new = status.messages == 0;
            assert!(status.messages == status.uid_next.unwrap().get() - 1);
            self.model.validity = status.uid_validity.get();
            (status.uid_validity, if is_new { status.highest_modseq.0 } else { 0 })
        } else {
            // Nobody is told one; the next is greater all the same.
            (UidValidity::new(1).unwrap(), 0)
        };
        let (validity, highest) = mailbox;
        let (id, selectable) = (info.id, info.selectable);
        let mailbox = Mailbox { id, validity, selectable, messages: BTreeMap::new(), next: 1, highest };
        self.model.mailboxes.insert(text.to_owned(), mailbox);
    }

    async fn make_parents(&mut self, account: &Account, text: &str) {
        let levels: Vec<_> = text.match_indices('/').map(|(at, _)| text[..at].to_owned()).collect();
        for parent in levels {
            if !self.model.mailboxes.contains_key(&parent) {
                self.learn(account, &parent).await;
            }
        }
    }

    async fn create(&mut self) {
        let (account, text) = (self.account(), self.any_name());
        let answer = account.create(&name(text), None).await;
        if self.model.selectable(text).is_some() {
            assert!(matches!(answer, Err(MailError::AlreadyExists)));
            return;
        }
        answer.unwrap();
        self.make_parents(&account, text).await;
        self.learn(&account, text).await;
    }

    async fn delete(&mut self) {
        let (account, text) = (self.account(), self.any_name());
        let answer = account.delete(&name(text)).await;
        let has_children = !self.model.below(text).is_empty();
        match self.model.mailboxes.get(text).cloned() {
            _ if text == "INBOX" => assert!(matches!(answer, Err(MailError::CannotBeChanged))),
            None => assert!(matches!(answer, Err(MailError::NoSuchMailbox))),
            Some(m) if has_children && !m.selectable => assert!(matches!(answer, Err(MailError::HasChildren))),
            Some(mailbox) => {
                answer.unwrap();
                self.model.mailboxes.remove(text);
                let id = mailbox.id;
                self.model.retained.extend(mailbox.messages.into_iter().map(|(n, m)| ((id, n), m)));
                if has_children {
                    self.learn(&account, text).await;
                    assert!(!self.model.mailboxes[text].selectable);
                }
            }
        }
    }

    async fn rename(&mut self) {
        let (account, from, to) = (self.account(), self.any_name(), self.any_name());
        if from == "INBOX" {
            return;
        }
        let answer = account.rename(&name(from), &name(to)).await;
        let tree: Vec<String> = [from.to_owned()].into_iter().chain(self.model.below(from)).collect();
        if !self.model.mailboxes.contains_key(from) {
            assert!(matches!(answer, Err(MailError::NoSuchMailbox)));
        } else if self.model.mailboxes.contains_key(to) {
            assert!(matches!(answer, Err(MailError::AlreadyExists)));
        } else if to.starts_with(&format!("{from}/")) {
            assert!(matches!(answer, Err(MailError::CannotBeChanged)));
        } else {
            answer.unwrap();
            for old in tree {
                let mailbox = self.model.mailboxes.remove(&old).unwrap();
                self.model.mailboxes.insert(format!("{to}{}", &old[from.len()..]), mailbox);
            }
            self.make_parents(&account, to).await;
        }
    }

    async fn restore(&mut self) {
        let account = self.account();
        let page = account.retained(None, 10_000).await.unwrap();
        let found: BTreeSet<_> = page.messages.iter().map(|m| (m.id.mailbox, m.id.uid.get())).collect();
        assert_eq!(found, self.model.retained.keys().copied().collect());
        let chosen: Vec<_> = page.messages.into_iter().filter(|_| self.random.chance(1, 4)).collect();
        let ids: Vec<_> = chosen.iter().map(|message| message.id).collect();
        let restored = account.restore(&ids).await.unwrap();
        assert_eq!(restored.len(), chosen.len());
        // Deleted mailboxes come back by their names, in the order in which they were made.
        let homes: BTreeMap<_, _> = chosen.into_iter().map(|m| (m.id.mailbox, m.mailbox_name.unwrap())).collect();
        for (old, name) in &homes {
            let is_alive = self.model.mailboxes.values().any(|m| m.id == *old && m.selectable);
            if !is_alive && self.model.selectable(name.as_str()).is_none() {
                self.make_parents(&account, name.as_str()).await;
                self.learn(&account, name.as_str()).await;
            }
        }
        let mut raised = BTreeMap::new();
        for one in restored {
            let mut message = self.model.retained.remove(&(one.id.mailbox, one.id.uid.get())).unwrap();
            message.flags.remove("\\Deleted");
            let home = self.model.mailboxes.iter().find(|(_, m)| m.id == one.id.mailbox && m.selectable);
            let home = home.map_or(homes[&one.id.mailbox].to_string(), |(name, _)| name.clone());
            let mailbox = self.model.mailboxes.get_mut(&home).unwrap();
            assert_eq!(one.mailbox, mailbox.id);
            let status = account.status(mailbox.id).await.unwrap();
            assert_eq!(one.uid.get(), mailbox.next);
            mailbox.messages.insert(mailbox.next, Message { modseq: status.highest_modseq.0, ..message });
            mailbox.next += 1;
            raised.insert(home, status.highest_modseq);
        }
        for (home, highest) in raised {
            self.raise(&home, highest);
        }
    }

    async fn sweep_or_reopen(&mut self) {
        if self.random.chance(1, 2) {
            let nodes = self.nodes.len();
            self.nodes.clear();
            self.world.reopen().await;
            self.connect(nodes).await;
        } else if self.random.chance(1, 4) {
            self.world.clock.advance(self.world.options.retention);
            let swept = self.world.mail.sweep(types::Clock::now(&*self.world.clock)).await.unwrap();
            assert_eq!(swept.messages, self.model.retained.len() as u64);
            self.model.retained.clear();
        }
    }

    /// Compares everything.
    async fn check(&mut self) {
        let account = self.account();
        let list = account.mailboxes().await.unwrap();
        assert!(list.iter().map(|m| m.name.as_str()).eq(self.model.mailboxes.keys()));
        let mut total = 0;
        for (name, expected) in &self.model.mailboxes {
            let info = list.get(&crate::world::name(name)).unwrap();
            assert_eq!((info.id, info.selectable), (expected.id, expected.selectable), "{name}");
            assert_eq!(info.has_children, !self.model.below(name).is_empty(), "{name}");
            if !expected.selectable {
                continue;
            }
            let view = account.open(info.id).await.unwrap().current();
            let status = account.status(info.id).await.unwrap();
            let mut emails = Vec::new();
            let mut found = BTreeMap::new();
            for entry in view.iter() {
                let flags = words(&FlagNames::of(entry.flags, &view.keywords));
                emails.push((entry.uid.get(), entry.email));
                found.insert(entry.uid.get(), (flags, entry.modseq.0));
            }
            let wanted = expected.messages.iter().map(|(n, m)| (*n, (m.flags.clone(), m.modseq))).collect();
            assert_eq!(found, wanted, "{name}");
            assert_eq!((view.uid_validity, view.uid_next), (expected.validity, Some(uid(expected.next))), "{name}");
            assert_eq!(
                (view.highest_modseq.0, status.highest_modseq.0),
                (expected.highest, expected.highest),
                "{name}"
            );
            let count = |flag: &str| expected.messages.values().filter(|m| m.flags.contains(flag)).count();
            assert_eq!(status.messages as usize, expected.messages.len());
            assert_eq!(status.unseen as usize, expected.messages.len() - count("\\Seen"));
            assert_eq!(status.deleted as usize, count("\\Deleted"));
            total += expected.messages.len();
            if self.random.chance(1, 10) {
                for (number, email) in emails {
                    let content = account.contents(&[email]).await.unwrap().remove(0).unwrap();
                    let body = account.read_body(&content, 0..100_000).await.unwrap();
                    assert_eq!(body, mail_of(&expected.messages[&number].text));
                }
            }
        }
        assert_eq!(account.usage().await.unwrap().messages, total as u64);
    }
}

fn rounds() -> u64 {
    std::env::var("POSTAMT_MODEL_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(4)
}

#[tokio::test]
async fn random_verbs_do_what_the_model_does() {
    for seed in 0..rounds() {
        for store in Store::all() {
            let mut run = Run::new(store, seed, 1).await;
            for _ in 0..300 {
                run.step().await;
            }
        }
    }
}

#[tokio::test]
async fn random_verbs_in_two_processes_do_what_the_model_does() {
    for seed in 0..rounds() {
        for store in Store::all() {
            let mut run = Run::new(store, 1000 + seed, 2).await;
            for _ in 0..200 {
                run.step().await;
            }
        }
    }
}
