use super::*;
use crate::mail::values::QuotaLimits;
use store_kv::{BodyHash, BodyId, Seeded};
use types::{Octets, ThreadId, TraceId};

fn uid(n: u32) -> Uid {
    Uid::new(n).unwrap()
}

fn entry() -> Entry {
    Entry {
        uid: uid(5),
        flags: Flags(u64::MAX),
        modseq: ModSeq(i64::MAX.cast_unsigned()),
        email: EmailId(u64::MAX),
        size: u32::MAX,
        internal_date: Timestamp(-1),
        save_date: Timestamp(i64::MAX),
    }
}

fn keywords() -> Keywords {
    Keywords::new(vec![Keyword::parse("$Junk").unwrap(), Keyword::parse("work").unwrap()]).unwrap()
}

fn mailbox() -> MailboxRow {
    let mut row = MailboxRow::new(MailboxName::parse("Entwürfe").unwrap(), UidValidity::new(7).unwrap(), ModSeq(3));
    row.next_uid = UIDS_END;
    row.special_use = Some(SpecialUse::Drafts);
    row.keywords = keywords();
    row.count_in(Flags::DELETED, 9);
    row
}

/// Reads a row and writes it again.
type Again = fn(&Bytes) -> Option<Bytes>;

/// One row of each kind, with a function that reads it and writes it again.
fn samples() -> Vec<(Bytes, Again)> {
    let limits = QuotaLimits { octets: Some(Octets(5)), messages: None, mailboxes: None };
    let account = AccountRow { counter: ModSeq(9), limits, octets: 300, ..AccountRow::default() };
    let limits = QuotaLimits { octets: None, messages: Some(300), mailboxes: Some(0) };
    let limited = AccountRow { limits, ..account.clone() };
    let deleted = DeletedRow {
        name: MailboxName::inbox(),
        keywords: keywords(),
        messages: 3,
        removed: Timestamp(1),
        expiry: Timestamp(2),
    };
    let content = ContentRow {
        body: BodyId(77),
        hash: BodyHash([3; 32]),
        trace: Some(TraceId(9)),
        thread: Some(ThreadId(300)),
        links: vec![1, u64::MAX],
        summary: Bytes::from_static(b"summary"),
    };
    let old_content = ContentRow { thread: None, links: Vec::new(), ..content.clone() };
    let link = ThreadLinkRow { thread: ThreadId(300), contents: 2 };
    let delivered = DeliveredRow {
        mailbox: MailboxId(1),
        uid_validity: UidValidity::new(2).unwrap(),
        uid: uid(3),
        email: EmailId(4),
    };
    let tombstone = TombstoneRow::of(&[1, 2, 3, 9, u32::MAX].map(uid), Timestamp(6));
    assert_eq!(tombstone.ranges, [(1, 3), (9, 9), (u32::MAX, u32::MAX)]);
    vec![
        (account.encode(), |b| AccountRow::decode(b).map(|r| r.encode())),
        (limited.encode(), |b| AccountRow::decode(b).map(|r| r.encode())),
        (mailbox().encode(1), |b| MailboxRow::decode(b).map(|r| r.encode(r.first_recent))),
        (PlacementRow::encode(&entry(), Some("old-uidl")), |b| {
            PlacementRow::decode(uid(5), b).map(|r| PlacementRow::encode(&r.entry, r.uidl.as_deref()))
        }),
        (RetainedRow::encode(&entry(), None, Timestamp(8), Cause::Pop3), |b| {
            RetainedRow::decode(uid(5), b)
                .map(|r| RetainedRow::encode(&r.placement.entry, r.placement.uidl.as_deref(), r.removed, r.cause))
        }),
        (deleted.encode(), |b| DeletedRow::decode(b).map(|r| r.encode())),
        (content.encode(), |b| ContentRow::decode(b).map(|r| r.encode())),
        (old_content.encode(), |b| ContentRow::decode(b).map(|r| r.encode())),
        (link.encode(), |b| ThreadLinkRow::decode(b).map(ThreadLinkRow::encode)),
        (delivered.encode(), |b| DeliveredRow::decode(b).map(|r| r.encode())),
        (tombstone.encode(), |b| TombstoneRow::decode(b).map(|r| r.encode())),
    ]
}

#[test]
fn every_row_reads_back_as_it_was_written() {
    for (row, again) in samples() {
        assert_eq!(again(&row), Some(row));
    }
    assert_eq!(MailboxRow::decode(&mailbox().encode(1)), Some(mailbox()));
    let read = PlacementRow::decode(uid(5), &PlacementRow::encode(&entry(), None)).unwrap();
    assert_eq!(read, PlacementRow { entry: entry(), uidl: None });
}

#[test]
fn damaged_rows_never_panic_and_another_version_is_refused() {
    let mut random = Seeded::new(1);
    for (row, again) in samples() {
        let mut other = row.to_vec();
        other[0] = 99;
        assert_eq!(again(&other.into()), None);
        for length in 0..row.len() {
            let _ = again(&row.slice(..length));
        }
        for _ in 0..500 {
            let mut bytes = row.to_vec();
            for _ in 0..=random.index(3) {
                let place = random.index(bytes.len());
                bytes[place] = random.any().to_le_bytes()[0];
            }
            let _ = again(&bytes.into());
        }
    }
    for _ in 0..2000 {
        let length = random.index(60);
        let mut bytes = random.bytes(length);
        bytes.insert(0, 1);
        let bytes = Bytes::from(bytes);
        for (_, again) in samples() {
            let _ = again(&bytes);
        }
    }
}
