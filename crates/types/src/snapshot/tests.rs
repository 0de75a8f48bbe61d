use super::*;
use std::collections::BTreeMap;

fn entry(uid: u32, modseq: u64) -> Entry {
    Entry {
        uid: Uid::new(uid).unwrap(),
        flags: Flags::NONE,
        modseq: ModSeq(modseq),
        email: EmailId(u64::from(uid)),
        size: 10,
        internal_date: Timestamp(0),
        save_date: Timestamp(0),
    }
}

fn snapshot(uids: impl IntoIterator<Item = u32>) -> Snapshot {
    Snapshot::empty(MailboxId(1), UidValidity::new(1).unwrap()).with_entries(uids.into_iter().map(|u| entry(u, 1)))
}

#[test]
fn sequence_numbers_and_uids_find_each_other() {
    let view = snapshot((1..=5000).filter(|u| u % 3 != 0));
    for (i, entry) in view.iter().enumerate() {
        let seq = u32::try_from(i).unwrap() + 1;
        assert_eq!(view.seq_of(entry.uid), Some(seq));
        assert_eq!(view.by_seq(seq), Some(entry));
        assert_eq!(view.count_below(entry.uid), seq - 1);
        assert_eq!(view.get(entry.uid), Some(entry));
        assert_eq!(view.run_from_seq(seq).first(), Some(entry));
    }
    assert_eq!(view.run_from_seq(1).len(), 682, "the first chunk has the UIDs 1 to 1023");
    assert!(view.run_from_seq(0).is_empty() && view.run_from_seq(view.len() + 1).is_empty());
    assert_eq!(view.seq_of(Uid::new(3).unwrap()), None);
    assert_eq!((view.by_seq(0), view.by_seq(view.len() + 1)), (None, None));
    assert_eq!(view.iter_from(Uid::new(4998).unwrap()).map(|e| e.uid.get()).collect::<Vec<_>>(), [4999, 5000]);
    assert_eq!(view.last().map(|e| e.uid.get()), Some(5000));
}

#[test]
fn pushed_chunks_make_the_same_snapshot() {
    let whole = snapshot((1..=5000).filter(|u| u % 7 != 0 && !(2048..3072).contains(u)));
    let mut pushed = snapshot([]);
    pushed.push(Vec::new());
    for (_, chunk) in whole.chunks() {
        pushed.push(chunk.entries().to_vec());
    }
    assert!(pushed.iter().eq(whole.iter()));
    assert!(pushed.diff(&whole).is_empty());
    assert!(pushed.chunks().map(|c| c.0).eq(whole.chunks().map(|c| c.0)));
}

#[test]
fn a_change_shares_every_chunk_it_does_not_touch() {
    let before = snapshot(1..=5000);
    let after = before.advanced(&[entry(2000, 2)], &[]);
    let shared = before.chunks().zip(after.chunks()).filter(|(a, b)| Arc::ptr_eq(a.1, b.1)).count();
    assert_eq!((before.chunks().count(), shared), (5, 4));
    let diff = after.diff(&before);
    assert_eq!(diff.changed, [&entry(2000, 2)]);
    assert!(diff.added.is_empty() && diff.gone.is_empty());
}

#[test]
fn unseen_messages_are_counted_and_the_first_is_found() {
    let seen = |uid| Entry { flags: Flags::SEEN, ..entry(uid, 2) };
    let all: Vec<_> = (1..=3000).map(seen).collect();
    let view = snapshot(1..=3000).advanced(&all, &[]);
    assert_eq!((view.unseen(), view.first_unseen()), (0, None));
    let view = view.advanced(&[entry(1500, 3), entry(2999, 3)], &[]);
    assert_eq!((view.unseen(), view.first_unseen()), (2, Some(&entry(1500, 3))));
}

/// Random changes, each checked against a plain map: contents, positions and the difference.
#[test]
fn snapshots_agree_with_a_plain_map_under_random_changes() {
    let mut seed = 0x1234_5678_9abc_def0_u64;
    let mut random = move |below: u32| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(seed >> 33).unwrap() % below
    };
    let mut view = snapshot([]);
    let mut truth: BTreeMap<u32, Entry> = BTreeMap::new();
    for step in 1..400u64 {
        let mut changed = BTreeMap::new();
        let mut gone = std::collections::BTreeSet::new();
        for _ in 0..random(40) {
            let uid = 1 + random(6000);
            if random(3) == 0 {
                gone.insert(uid);
            } else {
                changed.insert(uid, entry(uid, step));
            }
        }
        changed.retain(|uid, _| !gone.contains(uid));
        let before = truth.clone();
        truth.retain(|uid, _| !gone.contains(uid));
        truth.extend(changed.iter().map(|(k, v)| (*k, *v)));
        let changed: Vec<_> = changed.into_values().collect();
        let gone: Vec<_> = gone.into_iter().map(|u| Uid::new(u).unwrap()).collect();
        let next = view.advanced(&changed, &gone);
        assert!(next.iter().eq(truth.values()), "step {step}");
        assert_eq!(next.len() as usize, truth.len());
        for (_, chunk) in next.chunks() {
            assert_eq!(chunk.max_modseq(), chunk.entries().iter().map(|e| e.modseq).max().unwrap());
        }
        let diff = next.diff(&view);
        assert!(diff.gone.iter().map(|e| e.uid.get()).eq(before.keys().copied().filter(|u| !truth.contains_key(u))));
        assert!(diff.added.iter().map(|e| e.uid.get()).eq(truth.keys().copied().filter(|u| !before.contains_key(u))));
        let both = truth.values().filter(|e| before.get(&e.uid.get()).is_some_and(|b| b != *e));
        assert!(diff.changed.iter().copied().eq(both));
        view = next;
    }
}
