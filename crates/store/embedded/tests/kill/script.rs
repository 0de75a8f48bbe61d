//! What the child does and the parent expects: mail-like changes drawn from a seed and the state before, so that both
//! compute the same.

use std::collections::BTreeMap;
use store_kv::{Batch, BodyChange, BodyId, Engine, Scan, Seeded, Space, StagedBody, account_prefix};
use types::AccountId;

/// A worker has two accounts, this far apart; bodies of the first are shared with the second.
const TWIN: u32 = 1000;
/// From this many messages on a worker deletes more than it delivers.
const MESSAGES_WANTED: usize = 60;

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) account: AccountId,
    pub(crate) mailbox: u8,
    pub(crate) uid: u32,
}

/// What a message is: its body is a function of its seed and length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) seed: u64,
    pub(crate) len: u32,
    pub(crate) flags: u32,
}

/// Everything of one worker's accounts, but for the names of bodies, which the engine gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) counters: BTreeMap<AccountId, u32>,
    pub(crate) messages: BTreeMap<Place, Message>,
}

/// One batch's worth of change.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Deliver(Place, Message),
    Flag(Place, u32),
    Move(Place, Place),
    /// A second placement, in the twin account, of a body that has a reference.
    Share(Place, Place),
    /// All in one account.
    Delete(Vec<Place>),
}

/// The accounts of a worker.
pub(crate) fn accounts(worker: u32) -> [AccountId; 2] {
    [AccountId(worker), AccountId(worker + TWIN)]
}

impl Change {
    /// The next change of a worker.
    pub(crate) fn draw(state: &State, worker: u32, random: &mut Seeded) -> Self {
        let [own, twin] = accounts(worker);
        let places: Vec<Place> = state.messages.keys().copied().collect();
        let in_own: Vec<Place> = places.iter().copied().filter(|place| place.account == own).collect();
        let next = |account: AccountId, mailbox: u64| Place {
            account,
            mailbox: u8::try_from(mailbox).unwrap(),
            uid: state.counters.get(&account).copied().unwrap_or(0) + 1,
        };
        let Some(any) = random.pick(&places).copied() else { return Self::delivery(next(own, 0), random) };
        let deliveries = if places.len() < MESSAGES_WANTED { 55 } else { 25 };
        match random.below(100) {
            roll if roll < deliveries => Self::delivery(next(own, 0), random),
            0..65 => Self::Flag(any, u32::try_from(random.below(1 << 20)).unwrap()),
            65..75 => Self::Move(any, next(any.account, random.below(4))),
            75..85 => match random.pick(&in_own) {
                Some(place) => Self::Share(*place, next(twin, random.below(4))),
                None => Self::delivery(next(own, 0), random),
            },
            roll => {
                let most = if roll == 99 { 40 } else { 3 };
                let same = places.iter().copied().filter(|place| place.account == any.account && *place >= any);
                Self::Delete(same.take(1 + random.index(most)).collect())
            }
        }
    }

    fn delivery(place: Place, random: &mut Seeded) -> Self {
        let max = *random.pick(&[200, 8000, 8000, 8000, 60_000, 60_000, 300_000, 1_500_000]).unwrap();
        // Few of the largest: they are slow to make here.
        let max = if max > 1_000_000 && random.chance(3, 4) { 2000 } else { max };
        Self::Deliver(place, Message { seed: random.any(), len: u32::try_from(random.below(max)).unwrap(), flags: 0 })
    }

    /// The account that it is for.
    pub(crate) fn account(&self) -> AccountId {
        match self {
            Self::Deliver(place, _) | Self::Flag(place, _) | Self::Move(_, place) | Self::Share(_, place) => {
                place.account
            }
            Self::Delete(places) => places[0].account,
        }
    }

    /// What it makes of a state.
    pub(crate) fn apply(&self, state: &mut State) {
        *state.counters.entry(self.account()).or_default() += 1;
        match self {
            Self::Deliver(place, message) => {
                state.messages.insert(*place, *message);
            }
            Self::Flag(place, flags) => state.messages.get_mut(place).unwrap().flags = *flags,
            Self::Move(from, to) => {
                let message = state.messages.remove(from).unwrap();
                state.messages.insert(*to, message);
            }
            Self::Share(from, to) => {
                let message = state.messages[from];
                state.messages.insert(*to, message);
            }
            Self::Delete(places) => state.messages.retain(|place, _| !places.contains(place)),
        }
    }

    /// The batch that does it, guarded by the account's counter.
    pub(crate) fn batch(&self, state: &State, bodies: &BTreeMap<Place, BodyId>, staged: Option<StagedBody>) -> Batch {
        let account = self.account();
        let mut after = state.clone();
        self.apply(&mut after);
        let mut batch = Batch::new(account);
        let counter = [&account_prefix(account)[..], b"counter"].concat();
        let before = state.counters.get(&account).map(|counter| counter.to_be_bytes().to_vec().into());
        batch.expect(counter.clone(), before);
        batch.put(counter, after.counters[&account].to_be_bytes().to_vec());
        match self {
            Self::Deliver(place, message) => {
                let staged = staged.expect("a delivery has a body");
                batch.put(place.key(), message.encode(staged.id()));
                batch.bodies.push(BodyChange::Add(staged));
            }
            Self::Flag(place, _) => batch.put(place.key(), after.messages[place].encode(bodies[place])),
            Self::Move(from, to) => {
                batch.delete(from.key());
                batch.put(to.key(), after.messages[to].encode(bodies[from]));
            }
            Self::Share(from, to) => {
                batch.put(to.key(), after.messages[to].encode(bodies[from]));
                batch.bodies.push(BodyChange::Share(bodies[from]));
            }
            Self::Delete(places) => {
                batch.space = Space::Frees;
                for place in places {
                    batch.delete(place.key());
                    let seed = state.messages[place].seed;
                    let mut left = after.messages.iter().filter(|(place, _)| place.account == account);
                    if !left.any(|(_, message)| message.seed == seed) {
                        batch.bodies.push(BodyChange::Release(bodies[place]));
                    }
                }
            }
        }
        batch
    }
}

impl Place {
    fn key(self) -> Vec<u8> {
        [&account_prefix(self.account)[..], b"message", &[self.mailbox], &self.uid.to_be_bytes()].concat()
    }
}

impl Message {
    fn encode(self, body: BodyId) -> Vec<u8> {
        let (seed, len, flags) = (self.seed.to_be_bytes(), self.len.to_be_bytes(), self.flags.to_be_bytes());
        // Some padding, so that rows have the size of real ones.
        [&body.0.to_be_bytes()[..], &seed, &len, &flags, &[b'.'; 200]].concat()
    }

    fn decode(value: &[u8]) -> (BodyId, Self) {
        let body = BodyId(u128::from_be_bytes(value[..16].try_into().unwrap()));
        let number = |at: usize| u32::from_be_bytes(value[at..at + 4].try_into().unwrap());
        let seed = u64::from_be_bytes(value[16..24].try_into().unwrap());
        assert_eq!(&value[32..], [b'.'; 200]);
        (body, Self { seed, len: number(24), flags: number(28) })
    }

    /// The bytes of its body.
    pub(crate) fn body(self) -> Vec<u8> {
        store_kv::conformance::content(self.seed, usize::try_from(self.len).unwrap())
    }
}

/// Reads a worker's accounts.
pub(crate) async fn read_state(engine: &dyn Engine, worker: u32) -> (State, BTreeMap<Place, BodyId>) {
    let mut state = State::default();
    let mut bodies = BTreeMap::new();
    for account in accounts(worker) {
        let mut next = Some(Scan::prefix(&account_prefix(account)));
        while let Some(scan) = next {
            let page = engine.scan(&scan).await.unwrap();
            for (key, value) in &page.rows {
                match &key[5..] {
                    b"counter" => {
                        state.counters.insert(account, u32::from_be_bytes(value[..].try_into().unwrap()));
                    }
                    [b'm', b'e', b's', b's', b'a', b'g', b'e', mailbox, uid @ ..] => {
                        let uid = u32::from_be_bytes(uid.try_into().unwrap());
                        let place = Place { account, mailbox: *mailbox, uid };
                        let (body, message) = Message::decode(value);
                        state.messages.insert(place, message);
                        bodies.insert(place, body);
                    }
                    other => panic!("a key that nobody wrote: {other:?}"),
                }
            }
            next = scan.after(&page);
        }
    }
    (state, bodies)
}
