//! Mail-shaped data: a pool of bodies, and the batches that deliver, flag and delete messages.

use bytes::Bytes;
use store_kv::conformance::content;
use store_kv::{Batch, BodyChange, BodyId, Engine, Seeded, Space, StagedBody, account_prefix};
use types::{AccountId, Octets};

/// Median size of a body in bytes; with [`SIGMA`] the mean is 41 KB.
const MEDIAN: f64 = 8192.0;
/// The spread of the logarithm.
const SIGMA: f64 = 1.8;
/// Largest body.
const LARGEST: f64 = 5e6;
/// Bytes of a message's row: what a summary takes.
const ROW: usize = 412;
/// Bytes of a placement's row.
const PLACEMENT: usize = 40;
/// Bytes in which a writer passes a body on.
const PIECE: usize = 64 << 10;

/// Bodies to deliver.
#[derive(Debug)]
pub(crate) struct Pool(Vec<Vec<u8>>);

impl Pool {
    /// A pool of so many bodies: short ones are text, of the longer most are noise, as encoded attachments are.
    pub(crate) fn new(bodies: usize) -> Self {
        let mut random = Seeded::new(1);
        let body = |_| {
            let size = (MEDIAN * (SIGMA * normal(&mut random)).exp()).clamp(300.0, LARGEST);
            let text = size < 16_000.0 || random.chance(1, 4);
            content(random.any() & !1 | u64::from(text), size as usize)
        };
        Self((0..bodies).map(body).collect())
    }

    /// A body.
    pub(crate) fn pick(&self, random: &mut Seeded) -> &[u8] {
        &self.0[random.index(self.0.len())]
    }

    /// Its memory, in MB.
    pub(crate) fn memory_mb(&self) -> f64 {
        self.0.iter().map(Vec::len).sum::<usize>() as f64 / 1024.0 / 1024.0
    }
}

/// A normally distributed number, as the sum of twelve even ones.
fn normal(random: &mut Seeded) -> f64 {
    (0..12).map(|_| random.below(1 << 24) as f64 / f64::from(1 << 24)).sum::<f64>() - 6.0
}

/// A message that was delivered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivered {
    pub(crate) account: AccountId,
    pub(crate) uid: u32,
    pub(crate) body: BodyId,
    pub(crate) len: u64,
}

/// The writing end of one account: its counters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub(crate) id: AccountId,
    pub(crate) counter: u64,
    pub(crate) uid: u32,
}

fn key(account: AccountId, room: u8, tail: &[u8]) -> Bytes {
    [&account_prefix(account)[..], &[room], tail].concat().into()
}

/// The key of a message's row.
pub(crate) fn message_key(account: AccountId, uid: u32) -> Bytes {
    key(account, b'm', &uid.to_be_bytes())
}

/// Where the rows of an account's messages begin.
pub(crate) fn messages_prefix(account: AccountId) -> Bytes {
    key(account, b'm', b"")
}

/// The key of a placement's row.
pub(crate) fn placement_key(account: AccountId, uid: u32) -> Bytes {
    key(account, b'p', &uid.to_be_bytes())
}

fn change_key(account: AccountId, counter: u64) -> Bytes {
    key(account, b'z', &counter.to_be_bytes())
}

fn row(seed: u64, len: usize) -> Vec<u8> {
    let mut row = vec![0x20; len];
    row[..8].copy_from_slice(&seed.to_be_bytes());
    row
}

impl Account {
    /// An account in which nothing was written.
    pub(crate) fn new(id: u32) -> Self {
        Self { id: AccountId(id), counter: 0, uid: 0 }
    }

    /// A batch guarded by the counter, which goes up.
    fn guarded(&mut self) -> Batch {
        let mut batch = Batch::new(self.id);
        let name = key(self.id, b'c', b"");
        batch.expect(name.clone(), (self.counter > 0).then(|| self.counter.to_be_bytes().to_vec().into()));
        self.counter += 1;
        batch.put(name, self.counter.to_be_bytes().to_vec());
        batch
    }

    fn add_rows(&mut self, batch: &mut Batch) -> u32 {
        self.uid += 1;
        batch.put(message_key(self.id, self.uid), row(u64::from(self.uid), ROW));
        batch.put(placement_key(self.id, self.uid), row(u64::from(self.uid), PLACEMENT));
        batch.put(change_key(self.id, self.counter), self.uid.to_be_bytes().to_vec());
        self.uid
    }

    /// Stages a body and commits its message.
    pub(crate) async fn deliver(&mut self, engine: &dyn Engine, body: &[u8]) -> Delivered {
        let staged = stage(engine, body).await;
        let (id, len) = (staged.id(), staged.len().0);
        let mut batch = self.guarded();
        let uid = self.add_rows(&mut batch);
        batch.bodies.push(BodyChange::Add(staged));
        engine.commit(batch).await.unwrap();
        Delivered { account: self.id, uid, body: id, len }
    }

    /// Writes the rows of many messages without bodies in one batch; returns their bytes.
    pub(crate) async fn load(&mut self, engine: &dyn Engine, messages: u32) -> u64 {
        let mut batch = self.guarded();
        for _ in 0..messages {
            self.uid += 1;
            batch.put(message_key(self.id, self.uid), row(u64::from(self.uid), ROW));
            let change = (self.counter << 20) + u64::from(self.uid);
            batch.put(change_key(self.id, change), self.uid.to_be_bytes().to_vec());
        }
        engine.commit(batch).await.unwrap();
        // A message: two keys of 10 and 14 bytes, a row, a UID.
        u64::from(messages) * (10 + 14 + ROW as u64 + 4)
    }

    /// Changes one message's flags.
    pub(crate) async fn flag(&mut self, engine: &dyn Engine, uid: u32) {
        let mut batch = self.guarded();
        batch.put(placement_key(self.id, uid), row(self.counter, PLACEMENT));
        batch.put(change_key(self.id, self.counter), uid.to_be_bytes().to_vec());
        engine.commit(batch).await.unwrap();
    }

    /// Deletes messages with their bodies.
    pub(crate) async fn delete(&mut self, engine: &dyn Engine, messages: &[Delivered]) {
        let mut batch = self.guarded();
        batch.space = Space::Frees;
        for message in messages {
            batch.delete(message_key(self.id, message.uid));
            batch.delete(placement_key(self.id, message.uid));
            batch.bodies.push(BodyChange::Release(message.body));
        }
        engine.commit(batch).await.unwrap();
    }
}

async fn stage(engine: &dyn Engine, body: &[u8]) -> StagedBody {
    let mut writer = engine.stage(Some(Octets(body.len() as u64))).await.unwrap();
    for piece in body.chunks(PIECE) {
        writer.write(piece).await.unwrap();
    }
    writer.finish().await.unwrap()
}
