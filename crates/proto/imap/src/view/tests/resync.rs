//! What a client that was away is told.

use super::*;
use crate::command::KnownRun;
use types::snapshot::CHUNK_UIDS;

#[test]
fn what_changed_is_found_without_looking_at_what_did_not() {
    let before = snapshot(1..=200 * CHUNK_UIDS);
    let mut view = SessionView::open(Arc::clone(&before), None);
    let changed = [5, 90 * CHUNK_UIDS, 150 * CHUNK_UIDS + 7];
    let entries: Vec<_> = changed.iter().map(|u| entry(*u, Flags::SEEN, 9)).collect();
    let after = advanced(&before, &entries, &[70, 100 * CHUNK_UIDS]);
    view.sync(&after, Expunges::Held);
    let all = view.all();
    let mut messages = view.messages_since(&all, ModSeq(8));
    let found: Vec<_> = messages.by_ref().map(|m| (m.seq, m.entry.uid.get())).collect();
    assert_eq!(found, changed.map(|u| (u, u)));
    let chunks = usize::try_from(CHUNK_UIDS).unwrap();
    assert!(messages.looked_at <= 3 * chunks + 210, "looked at {}", messages.looked_at);
    let mut none = view.messages_since(&all, ModSeq(9));
    assert!(none.next().is_none() && none.looked_at <= 210, "looked at {}", none.looked_at);
}

#[test]
fn what_changed_is_what_a_look_at_every_message_finds() {
    let before = snapshot((1..3 * CHUNK_UIDS).filter(|u| u % 3 != 0));
    let mut view = SessionView::open(Arc::clone(&before), None);
    let entries =
        [entry(1, Flags::SEEN, 4), entry(CHUNK_UIDS + 3, Flags::SEEN, 6), entry(2 * CHUNK_UIDS, Flags::SEEN, 5)];
    let after = advanced(&before, &entries, &[2, 4, CHUNK_UIDS, 2 * CHUNK_UIDS + 5]);
    view.sync(&after, Expunges::Held);
    assert!(view.expunges_held() > 2);
    for text in ["1:*", "2:3", "1,5:700,1400:*", "1500"] {
        let selection = view.resolve(&set(text, false)).unwrap();
        for since in 0..8 {
            let key = |m: Message<'_>| (m.seq, m.entry.uid, m.expunged);
            let found: Vec<_> = view.messages_since(&selection, ModSeq(since)).map(key).collect();
            let all = view.messages(&selection).filter(|m| m.entry.modseq > ModSeq(since));
            assert_eq!(found, all.map(key).collect::<Vec<_>>(), "{text} since {since}");
        }
    }
}

#[test]
fn what_the_session_knows_is_not_told_as_gone_earlier() {
    let before = snapshot([10, 20, 30, 40]);
    let mut view = SessionView::open(Arc::clone(&before), None);
    view.sync(&advanced(&before, &[], &[20]), Expunges::Held);
    let unknown = |ranges: &[std::ops::RangeInclusive<u32>]| {
        view.unknown_of(&UidSet::from_ranges(ranges.iter().cloned())).to_string()
    };
    assert_eq!(unknown(&[1..=50]), "1:9,11:19,21:29,31:39,41:50", "20 is held and told later");
    assert_eq!(unknown(&[10..=10, 20..=20]), "");
    assert_eq!(unknown(&[5..=10, 30..=31, 40..=u32::MAX]), "5:9,31,41:4294967295");
    assert_eq!(unknown(&[]), "");
}

#[test]
fn the_last_sample_that_matches_is_found() {
    // Sequence numbers 1 to 6.
    let view = SessionView::open(snapshot([2, 3, 4, 8, 9, 25]), None);
    let run = |seq, uid, more| KnownRun { seq, uid, more };
    let last = |runs: &[KnownRun]| view.last_match(runs).map(Uid::get);
    assert_eq!(last(&[run(4, 8, 0), run(12, 24, 0)]), Some(8));
    assert_eq!(last(&[run(4, 8, 0), run(6, 24, 0)]), Some(8), "the example of RFC 7162 §3.2.5.2");
    assert_eq!(last(&[run(1, 2, 5)]), Some(4));
    assert_eq!(last(&[run(1, 1, 4)]), None);
    assert_eq!(last(&[run(1, 5, 4)]), Some(9), "the first ones are below, the last ones match");
    assert_eq!(last(&[run(1, 2, u32::MAX - 2)]), Some(4));
    assert_eq!(last(&[]), None);
}

#[test]
fn with_qresync_uids_vanish_and_what_is_held_back_is_said_to_be() {
    let before = snapshot([10, 20, 30]);
    let mut view = SessionView::open(Arc::clone(&before), None);
    let mut enabled = Enabled::default();
    enabled.enable(Extension::QResync);
    view.set_enabled(enabled);
    let first = advanced(&before, &[], &[10]);
    let second = advanced(&first, &[entry(30, Flags::SEEN, 2)], &[20]);
    let told = |view: &mut SessionView, current, expunges| {
        let mut out = bytes::BytesMut::new();
        view.sync(current, expunges).encode(&mut out, &current.keywords, UpdateForm::Plain);
        String::from_utf8(out.to_vec()).unwrap()
    };
    assert_eq!(told(&mut view, &first, Expunges::Held), "* OK [HIGHESTMODSEQ 0] More is to be told\r\n");
    let fetch = "* 3 FETCH (UID 30 MODSEQ (2) FLAGS (\\Seen))\r\n* OK [HIGHESTMODSEQ 0] More is to be told\r\n";
    assert_eq!(told(&mut view, &second, Expunges::Held), fetch);
    assert_eq!(told(&mut view, &second, Expunges::Told), "* VANISHED 10,20\r\n");
    assert_eq!(told(&mut view, &second, Expunges::Told), "");
}
