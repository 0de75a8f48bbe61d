//! What a crash left behind a cut tail must not come to life, even when the very batch that was cut off is committed
//! again and the next crash follows at once.

use super::check::dump;
use crate::open::{Opened, open};
use crate::options::Options;
use crate::shared::Request;
use crate::sim::{SimDisk, simulated_index};
use crate::syncer;
use bytes::Bytes;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use store_kv::{Batch, account_prefix};
use tokio::sync::oneshot;
use types::AccountId;

fn key(name: u8) -> Bytes {
    [&account_prefix(AccountId(1))[..], &[name]].concat().into()
}

/// A batch of many sectors, the same for the same name. The first is so large that no zeros are written after it, which
/// would rub out what is stale there.
fn request(name: u8) -> Request {
    let mut batch = Batch::new(AccountId(1));
    let len = if name == 1 { 33_000 } else { 3000 };
    batch.put(key(name), vec![name; len]);
    let (answer, _) = oneshot::channel();
    Request::Commit { batch, answer }
}

fn start(disk: &SimDisk) -> Opened {
    let make = |dir: &Path, _: &Options| Ok(simulated_index(disk, dir));
    let options = Options { segment_size: 1 << 20, reserve: 0, ..Options::default() };
    open(Arc::new(disk.clone()), &make, Path::new("/store"), options).unwrap()
}

#[test]
fn a_stale_record_never_follows_on_a_batch_that_is_committed_again() {
    let mut cut = 0;
    for seed in 0..400 {
        let mut disk = SimDisk::new(seed);
        // Twice the same life: a batch and one after it are written, and the power goes before the sync.
        for _ in 0..2 {
            let Opened { shared, mut appender } = start(&disk);
            if dump(&shared).is_empty() {
                for name in [1, 2] {
                    appender.step(VecDeque::from([request(name)]));
                }
            }
            drop((shared, appender));
            disk = disk.crash();
        }
        let Opened { shared, mut appender } = start(&disk);
        if !dump(&shared).is_empty() {
            continue;
        }
        cut += 1;
        appender.step(VecDeque::from([request(1)]));
        syncer::step(&shared);
        drop((shared, appender));
        let after = disk.crash();
        let Opened { shared, .. } = start(&after);
        let names: Vec<Bytes> = dump(&shared).into_keys().collect();
        assert_eq!(names, [key(1)], "seed {seed}");
    }
    assert!(cut > 50, "{cut} runs came to the point");
}
