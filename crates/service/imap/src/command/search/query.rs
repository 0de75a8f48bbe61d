//! From the keys of a SEARCH to the domain's query.

use domain::{AddressField, Day, Query, QueryKey, QueryNode};
use proto_imap::codec::{Date, ObjectId, ObjectKind};
use proto_imap::search::{SearchKey, SearchNode, SearchProgram};
use proto_imap::view::Selection;
use proto_imap::{Code, SequenceSet, SessionView, Status};
use types::{AccountId, EmailId, ThreadId, Timestamp, Uid, UidSet};

/// The query of a program, its sequence numbers and `$` taken as they stand now in a mailbox of this account; else what
/// the command is refused with. With `from` only messages from this UID on fit.
pub(crate) fn of(
    program: &SearchProgram,
    told: &SessionView,
    account: AccountId,
    from: Option<Uid>,
) -> Result<Query, Status> {
    if !program.charset_known() {
        return Err(unknown_charset());
    }
    if repeats_too_much(program, told) {
        return Err(too_large());
    }
    // Stands before the program, and so moves its places.
    let from = from.map(|uid| QueryNode::Key(QueryKey::Uids(UidSet::from_ranges([uid.get()..=u32::MAX]))));
    let moved = |end: usize| end.saturating_add(usize::from(from.is_some()));
    let nodes = program.nodes().iter().map(|node| match node {
        SearchNode::And { end } => QueryNode::And { end: moved(*end) },
        SearchNode::Or { end } => QueryNode::Or { end: moved(*end) },
        SearchNode::Not { end } => QueryNode::Not { end: moved(*end) },
        SearchNode::Key(key) => QueryNode::Key(query_key(key, told, account)),
    });
    let nodes: Vec<QueryNode> = nodes.collect();
    Query::new(from.into_iter().chain(nodes).collect()).map_err(|_| too_large())
}

fn too_large() -> Status {
    Status::no(Code::Limit, "The search is too large")
}

/// Most ranges of UIDs that `$` may bring into one search, all its places together: three mebibytes.
const SAVED_RANGES_TOGETHER_MAX: usize = 1 << 18;

/// Whether a search says `$` more often than a scattered result can be held.
fn repeats_too_much(program: &SearchProgram, told: &SessionView) -> bool {
    let places = program.nodes().iter().filter(|node| matches!(node, SearchNode::Key(SearchKey::Saved))).count();
    // The first is admitted by what may be saved.
    places > 1 && places.saturating_mul(told.saved().ranges().len()) > SAVED_RANGES_TOGETHER_MAX
}

/// The messages that a program looks at: those in all of the sets that it names outside of OR and NOT.
pub(crate) fn looked_at(program: &SearchProgram, told: &SessionView) -> Selection {
    let mut among = told.all();
    let mut at = 0;
    while let Some(node) = program.nodes().get(at) {
        at += 1;
        match node {
            SearchNode::And { .. } => {}
            SearchNode::Or { end } | SearchNode::Not { end } => at = *end,
            SearchNode::Key(key) => {
                if let Some(set) = set_of(key, told) {
                    among = among.intersection(&set);
                }
            }
        }
    }
    among
}

/// The messages of a key that names a set of them.
fn set_of(key: &SearchKey, told: &SessionView) -> Option<Selection> {
    Some(match key {
        SearchKey::Sequence(set) => told.resolve_known(set),
        SearchKey::Uid(set) => told.resolve_uids(set),
        SearchKey::Saved => told.saved(),
        SearchKey::UidAfter(uid) => {
            told.selection_of(&UidSet::from_ranges(uid.checked_add(1).map(|next| next.get()..=u32::MAX)))
        }
        SearchKey::UidBefore(uid) => told.selection_of(&UidSet::from_ranges([0..=uid.get() - 1])),
        _ => return None,
    })
}

/// The refusal of a charset that nobody knows.
pub(crate) fn unknown_charset() -> Status {
    Status::no(Code::BadCharset, "The charset is not known")
}

fn query_key(key: &SearchKey, told: &SessionView, account: AccountId) -> QueryKey {
    let recent_from = told.recent_from();
    match key {
        SearchKey::All => QueryKey::All,
        SearchKey::Flag(flags) => QueryKey::Flag(*flags),
        SearchKey::NoFlag(flags) => QueryKey::NoFlag(*flags),
        SearchKey::Keyword(keyword) => QueryKey::Keyword(keyword.clone()),
        SearchKey::NoKeyword(keyword) => QueryKey::NoKeyword(keyword.clone()),
        SearchKey::Recent => QueryKey::Recent(recent_from),
        SearchKey::New => QueryKey::New(recent_from),
        SearchKey::Old => QueryKey::Old(recent_from),
        SearchKey::Bcc(text) => QueryKey::Address(AddressField::Bcc, text.clone()),
        SearchKey::Cc(text) => QueryKey::Address(AddressField::Cc, text.clone()),
        SearchKey::From(text) => QueryKey::Address(AddressField::From, text.clone()),
        SearchKey::To(text) => QueryKey::Address(AddressField::To, text.clone()),
        SearchKey::Subject(text) => QueryKey::Subject(text.clone()),
        SearchKey::Body(text) => QueryKey::Body(text.clone()),
        SearchKey::Text(text) => QueryKey::Text(text.clone()),
        SearchKey::Header(name, text) => QueryKey::Header(name.clone(), text.clone()),
        SearchKey::Before(date) => QueryKey::Before(day(*date)),
        SearchKey::On(date) => QueryKey::On(day(*date)),
        SearchKey::Since(date) => QueryKey::Since(day(*date)),
        SearchKey::SentBefore(date) => QueryKey::SentBefore(day(*date)),
        SearchKey::SentOn(date) => QueryKey::SentOn(day(*date)),
        SearchKey::SentSince(date) => QueryKey::SentSince(day(*date)),
        SearchKey::Older(seconds) => QueryKey::Older(seconds.get()),
        SearchKey::Younger(seconds) => QueryKey::Younger(seconds.get()),
        SearchKey::SavedBefore(date) => QueryKey::SavedBefore(day(*date)),
        SearchKey::SavedOn(date) => QueryKey::SavedOn(day(*date)),
        SearchKey::SavedSince(date) => QueryKey::SavedSince(day(*date)),
        SearchKey::SaveDateSupported => QueryKey::SaveDateSupported,
        SearchKey::EmailId(id) => {
            named(id, ObjectKind::Email, account).map_or_else(none, |number| QueryKey::EmailId(EmailId(number)))
        }
        SearchKey::ThreadId(id) => {
            named(id, ObjectKind::Thread, account).map_or_else(none, |number| QueryKey::ThreadId(ThreadId(number)))
        }
        SearchKey::Larger(size) => QueryKey::Larger(u64::from(*size)),
        SearchKey::Smaller(size) => QueryKey::Smaller(u64::from(*size)),
        SearchKey::ModSeq(modseq) => QueryKey::ModSeq(*modseq),
        SearchKey::Uid(set) => QueryKey::Uids(uids(set, told)),
        SearchKey::UidAfter(uid) => QueryKey::Uids(UidSet::from_ranges(uid.checked_add(1).map(|n| n.get()..=u32::MAX))),
        SearchKey::UidBefore(uid) => QueryKey::Uids(UidSet::from_ranges([0..=uid.get() - 1])),
        SearchKey::Saved => these(told, &told.saved()),
        SearchKey::Sequence(set) => these(told, &told.resolve_known(set)),
    }
}

/// Nothing fits.
fn none() -> QueryKey {
    QueryKey::Uids(UidSet::default())
}

fn these(told: &SessionView, selection: &Selection) -> QueryKey {
    QueryKey::Uids(told.spanned(selection))
}

/// The UIDs of a set, also those that are still to come: a context may gain them (RFC 5267 §4.3).
fn uids(set: &SequenceSet, told: &SessionView) -> UidSet {
    let last = told.by_seq(told.exists()).map_or(0, |message| message.entry.uid.get());
    let ranges = set.ranges().iter().map(|range| range.resolve(last));
    UidSet::from_ranges(ranges.map(|(low, high)| low..=high).collect::<Vec<_>>())
}

/// The number of an object id of this kind in this account; no other names anything here.
fn named(id: &str, kind: ObjectKind, account: AccountId) -> Option<u64> {
    let id = ObjectId::parse(id.as_bytes()).filter(|id| id.kind == kind && id.account == account);
    id.map(|id| id.number)
}

fn day(date: Date) -> Day {
    Day::of(Timestamp::from_unix_seconds(date.days_since_1970().saturating_mul(86_400)), 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto_imap::codec::Cursor;
    use std::sync::Arc;
    use types::snapshot::{Entry, Snapshot};
    use types::{Flags, MailboxId, ModSeq, UidValidity};

    /// A mailbox in which every second UID is gone.
    fn scattered(messages: u32) -> SessionView {
        let entries = (1..=messages).map(|n| Entry {
            uid: Uid::new(2 * n).unwrap(),
            flags: Flags::NONE,
            modseq: ModSeq(1),
            email: EmailId(u64::from(n)),
            size: 1,
            internal_date: Timestamp(0),
            save_date: Timestamp(0),
        });
        let snapshot = Snapshot::empty(MailboxId(1), UidValidity::new(1).unwrap()).with_entries(entries);
        SessionView::open(Arc::new(snapshot), None)
    }

    fn query(text: &str, told: &SessionView) -> Result<Query, Status> {
        let program = SearchProgram::parse(&mut Cursor::new(text.as_bytes())).unwrap();
        of(&program, told, AccountId(1), None)
    }

    #[test]
    fn a_set_takes_no_more_room_than_its_ranges_whatever_uids_are_missing() {
        let told = scattered(1000);
        for key in ["UID 3:*", "2:*", "2:1000"] {
            let program = SearchProgram::parse(&mut Cursor::new(key.as_bytes())).unwrap();
            let Some(SearchNode::Key(key)) = program.nodes().last() else { panic!("{program:?}") };
            let QueryKey::Uids(uids) = query_key(key, &told, AccountId(1)) else { panic!("{key:?}") };
            assert_eq!((uids.ranges().len(), uids.ranges()[0].end()), (1, &2000), "{key:?}");
        }
    }

    #[test]
    fn a_scattered_result_may_be_repeated_only_so_often() {
        let mut told = scattered(2048);
        let mut every_second = Selection::default();
        (1..=1024).for_each(|n| every_second.push(2 * n));
        told.save(&every_second).unwrap();
        for (places, fits) in [(1, true), (256, true), (257, false)] {
            let text = vec!["$"; places].join(" ");
            assert_eq!(query(&text, &told).is_ok(), fits, "{places}");
        }
    }
}
