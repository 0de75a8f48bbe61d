//! Sessions that are not told of everything (RFC 5465 §3.1).

use super::*;

const NOTHING: Wanted = Wanted { messages: false, flags: false };

#[test]
fn messages_that_nobody_wants_to_hear_of_are_not_there_until_somebody_does() {
    let start = snapshot([2, 4, 6]);
    let mut view = SessionView::open(Arc::clone(&start), Some(uid(7)));
    view.set_wanted(NOTHING);
    let next = advanced(&start, &[entry(8, Flags::NONE, 2), entry(9, Flags::NONE, 2)], &[4]);
    assert!(view.sync(&next, Expunges::Held).is_empty());
    assert!(view.hides());
    assert_eq!((view.exists(), view.recent(), view.last_uid()), (3, 0, Some(uid(6))));
    assert_eq!(seqs(&view, "1:*"), Ok(vec![1..=3]));
    assert_eq!(uids(&view, "1:*"), [2, 4, 6]);
    assert_eq!(uids(&view, "7:20"), [6; 0]);
    assert_eq!(view.messages(&view.all()).map(|m| m.entry.uid.get()).collect::<Vec<_>>(), [2, 4, 6]);
    assert!(view.get(uid(8)).is_none() && view.by_seq(4).is_none() && view.by_seq(3).is_some());
    // One of them goes again before anybody heard of it.
    let later = advanced(&next, &[entry(10, Flags::NONE, 3)], &[8]);
    assert!(view.sync(&later, Expunges::Held).is_empty());
    assert_eq!(view.expunges_held(), 1);
    view.set_wanted(Wanted::ALL);
    let news = view.sync(&later, Expunges::Told);
    assert_eq!((news.expunged, news.exists, news.recent), (vec![(2, uid(4))], Some(4), Some(2)));
    assert_eq!(uids(&view, "1:*"), [2, 6, 9, 10]);
}

#[test]
fn flags_that_nobody_wants_to_hear_of_are_told_only_where_they_are_the_clients_own() {
    let start = snapshot([2, 4, 6]);
    let mut view = SessionView::open(Arc::clone(&start), None);
    view.set_wanted(Wanted { messages: true, flags: false });
    let next = advanced(&start, &[entry(2, Flags::SEEN, 2), entry(4, Flags::SEEN, 2)], &[]);
    view.owe(UidSet::from_uids([uid(4)]));
    let told: Vec<_> = view.sync(&next, Expunges::Told).flags.iter().map(|f| (f.seq, f.flags)).collect();
    assert_eq!(told, [(2, Some(Flags::SEEN))]);
    assert_eq!(view.get(uid(2)).unwrap().entry.flags, Flags::SEEN, "who asks is told what stands");
}
