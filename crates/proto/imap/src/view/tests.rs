use super::*;
use crate::codec::{Cursor, MessageSet};
use crate::command::enable::Extension;
use std::ops::RangeInclusive;
use types::{EmailId, MailboxId, ModSeq, Timestamp, UidValidity};

mod model;
mod notify;
mod resync;

/// A client that has enabled CONDSTORE.
fn condstore() -> Enabled {
    let mut enabled = Enabled::default();
    enabled.enable(Extension::CondStore);
    enabled
}

fn uid(number: u32) -> Uid {
    Uid::new(number).unwrap()
}

fn entry(number: u32, flags: Flags, modseq: u64) -> Entry {
    Entry {
        uid: uid(number),
        flags,
        modseq: ModSeq(modseq),
        email: EmailId(u64::from(number)),
        size: 1,
        internal_date: Timestamp(0),
        save_date: Timestamp(0),
    }
}

fn snapshot(uids: impl IntoIterator<Item = u32>) -> Arc<Snapshot> {
    let empty = Snapshot::empty(MailboxId(1), UidValidity::new(1).unwrap());
    Arc::new(empty.with_entries(uids.into_iter().map(|u| entry(u, Flags::NONE, 1))))
}

/// The next state.
fn advanced(snapshot: &Snapshot, changed: &[Entry], gone: &[u32]) -> Arc<Snapshot> {
    let gone: Vec<_> = gone.iter().map(|u| uid(*u)).collect();
    let mut next = snapshot.advanced(changed, &gone);
    next.highest_modseq = snapshot.highest_modseq.next();
    Arc::new(next)
}

fn set(text: &str, by_uid: bool) -> MessageSet {
    MessageSet::parse(&mut Cursor::new(text.as_bytes()), by_uid).unwrap()
}

fn seqs(view: &SessionView, text: &str) -> Result<Vec<RangeInclusive<u32>>, NoSuchMessage> {
    view.resolve(&set(text, false)).map(|s| s.ranges().to_vec())
}

fn uids(view: &SessionView, text: &str) -> Vec<u32> {
    let selection = view.resolve(&set(text, true)).unwrap();
    view.messages(&selection).map(|m| m.entry.uid.get()).collect()
}

#[test]
fn sequence_sets_are_merged_and_must_name_messages_that_are_there() {
    let view = SessionView::open(snapshot([10, 20, 30, 40]), None);
    assert_eq!(seqs(&view, "1:*"), Ok(vec![1..=4]));
    assert_eq!(seqs(&view, "4,1,2:1,*"), Ok(vec![1..=2, 4..=4]));
    assert_eq!(seqs(&view, "3:1,2:4"), Ok(vec![1..=4]));
    assert_eq!(seqs(&view, "5"), Err(NoSuchMessage));
    assert_eq!(seqs(&view, "1,5:*"), Err(NoSuchMessage));
    let empty = SessionView::open(snapshot([]), None);
    assert_eq!(seqs(&empty, "*"), Err(NoSuchMessage));
    assert_eq!(seqs(&empty, "1:*"), Err(NoSuchMessage));
    assert!(empty.all().is_empty());
}

#[test]
fn uid_sets_pass_over_what_is_not_there() {
    let view = SessionView::open(snapshot([10, 20, 30, 40]), None);
    assert_eq!(uids(&view, "1:*"), [10, 20, 30, 40]);
    assert_eq!(uids(&view, "11:19,20,25:35"), [20, 30]);
    assert_eq!(uids(&view, "100:*"), [40], "RFC 3501 §9: * counts even when the other end is above it");
    assert_eq!(uids(&view, "*"), [40]);
    assert_eq!(uids(&view, "4294967295"), [0; 0]);
    assert_eq!(uids(&view, "40:4294967295"), [40]);
    assert!(uids(&SessionView::open(snapshot([]), None), "1:*").is_empty());
    let all = view.all();
    assert_eq!((all.len(), view.uids(&all).to_string()), (4, "10,20,30,40".into()));
    assert!(all.contains(4) && !all.contains(5) && !all.contains(0));
}

#[test]
fn a_held_message_keeps_its_number_and_can_still_be_fetched() {
    let before = snapshot([10, 20, 30, 40]);
    let mut view = SessionView::open(Arc::clone(&before), None);
    let after = advanced(&before, &[entry(30, Flags::SEEN, 2), entry(50, Flags::NONE, 2)], &[10, 40]);
    let updates = view.sync(&after, Expunges::Held);
    assert_eq!((updates.exists, updates.expunged.len()), (Some(5), 0));
    assert_eq!(
        updates.flags.iter().map(|f| (f.seq, f.uid.get(), f.flags)).collect::<Vec<_>>(),
        [(3, 30, Some(Flags::SEEN))]
    );
    let known: Vec<_> = view.messages(&view.all()).map(|m| (m.seq, m.entry.uid.get(), m.expunged)).collect();
    assert_eq!(known, [(1, 10, true), (2, 20, false), (3, 30, false), (4, 40, true), (5, 50, false)]);
    for (seq, number, expunged) in known {
        let message = view.by_seq(seq).unwrap();
        assert_eq!((message.entry.uid.get(), message.expunged), (number, expunged));
        assert_eq!(view.seq_of(uid(number)), Some(seq));
    }
    assert!(view.by_seq(0).is_none() && view.by_seq(6).is_none() && view.get(uid(11)).is_none());
    assert_eq!(view.expunges_held(), 2);
    assert_eq!(uids(&view, "40:*"), [40, 50]);
    let updates = view.sync(&after, Expunges::Told);
    assert_eq!(updates.expunged, [(4, uid(40)), (1, uid(10))]);
    assert_eq!((updates.exists, updates.flags.len()), (None, 0));
    assert_eq!((view.exists(), view.seq_of(uid(50))), (3, Some(3)));
    assert!(view.sync(&after, Expunges::Told).is_empty());
}

#[test]
fn news_are_written_in_an_order_a_client_can_follow() {
    let before = snapshot([10, 20, 30]);
    let mut view = SessionView::open(Arc::clone(&before), Some(uid(31)));
    assert_eq!(view.recent(), 0);
    view.set_enabled(condstore());
    let mut next =
        Snapshot::clone(&advanced(&before, &[entry(30, Flags::SEEN, 9), entry(40, Flags::NONE, 9)], &[10, 20]));
    next.keywords = next.keywords.with(&types::Keyword::parse("$a").unwrap()).unwrap().0;
    let updates = view.sync(&Arc::new(next), Expunges::Told);
    let mut out = bytes::BytesMut::new();
    updates.encode(&mut out, &view.snapshot().keywords, UpdateForm::WithUid);
    let expected = "* 2 EXPUNGE\r\n* 1 EXPUNGE\r\n* 2 EXISTS\r\n* 1 RECENT\r\n\
                    * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $a)\r\n\
                    * 1 FETCH (UID 30 MODSEQ (9) FLAGS (\\Seen))\r\n";
    assert_eq!(std::str::from_utf8(&out).unwrap(), expected);
}

#[test]
fn a_silent_change_is_told_only_where_it_came_out_differently() {
    let before = snapshot([1, 2, 3]);
    let mut view = SessionView::open(Arc::clone(&before), None);
    let silence = |view: &mut SessionView| {
        view.silence(UidSet::from_ranges([1..=3]), FlagChange::Add, Flags::SEEN);
    };
    silence(&mut view);
    let both = Flags::SEEN.union(Flags::FLAGGED);
    let after = advanced(&before, &[entry(1, Flags::SEEN, 2), entry(2, both, 3), entry(3, Flags::NONE, 4)], &[]);
    let told: Vec<_> = view.sync(&after, Expunges::Held).flags.iter().map(|f| (f.seq, f.flags)).collect();
    assert_eq!(told, [(2, Some(both)), (3, Some(Flags::NONE))], "another session set one flag more, or took it back");
    // With CONDSTORE the MODSEQ is told even so (RFC 7162 §3.1.3).
    view.set_enabled(condstore());
    view.silence(UidSet::from_ranges([1..=1]), FlagChange::Replace, Flags::DRAFT);
    view.silence(UidSet::from_ranges([1..=2]), FlagChange::Remove, Flags::FLAGGED);
    let last = advanced(&after, &[entry(1, Flags::DRAFT, 5), entry(2, Flags::SEEN, 5)], &[]);
    let told: Vec<_> = view.sync(&last, Expunges::Held).flags.iter().map(|f| (f.seq, f.flags, f.modseq)).collect();
    assert_eq!(told, [(1, None, Some(ModSeq(5))), (2, None, Some(ModSeq(5)))]);
}

#[test]
fn a_store_is_answered_even_where_it_changed_nothing() {
    let before = snapshot([1, 2, 3, 4]);
    let mut view = SessionView::open(Arc::clone(&before), None);
    view.owe(UidSet::from_ranges([2..=9]));
    let after = advanced(&before, &[entry(1, Flags::SEEN, 2), entry(3, Flags::SEEN, 2)], &[4]);
    let told: Vec<_> = view.sync(&after, Expunges::Held).flags.iter().map(|f| (f.seq, f.flags)).collect();
    assert_eq!(
        told,
        [(1, Some(Flags::SEEN)), (2, Some(Flags::NONE)), (3, Some(Flags::SEEN))],
        "what is gone is left out"
    );
    assert!(view.sync(&after, Expunges::Held).is_empty(), "once");
    view.owe(UidSet::from_ranges([2..=2]));
    view.set_enabled(condstore());
    let told: Vec<_> = view.sync(&after, Expunges::Held).flags.iter().map(|f| (f.uid, f.modseq)).collect();
    assert_eq!(told, [(uid(2), Some(ModSeq(1)))]);
}

#[test]
fn messages_from_a_uid_on_are_recent() {
    let before = snapshot([1, 2, 3]);
    let mut view = SessionView::open(Arc::clone(&before), Some(uid(3)));
    assert_eq!((view.recent(), view.is_recent(uid(2)), view.is_recent(uid(3))), (1, false, true));
    let after = advanced(&before, &[entry(4, Flags::NONE, 2)], &[3]);
    assert_eq!(view.sync(&after, Expunges::Held).recent, Some(2));
    assert_eq!(view.sync(&after, Expunges::Told).recent, Some(1));
    assert_eq!(SessionView::open(before, None).recent(), 0);
}

#[test]
fn an_older_snapshot_changes_nothing() {
    let before = snapshot([1, 2, 3]);
    let after = advanced(&before, &[], &[2]);
    let mut view = SessionView::open(Arc::clone(&after), None);
    assert!(view.sync(&before, Expunges::Told).is_empty());
    assert_eq!(view.exists(), 2);
}

#[test]
fn the_first_unseen_message_is_found_by_number() {
    let base = snapshot([10, 20, 30]);
    let view = SessionView::open(advanced(&base, &[entry(10, Flags::SEEN, 2)], &[]), None);
    assert_eq!(view.first_unseen(), Some(2));
    assert_eq!(SessionView::open(snapshot([]), None).first_unseen(), None);
}
