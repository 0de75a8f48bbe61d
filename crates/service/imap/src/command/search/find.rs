//! Looks for messages in steps: no more of them than the answer needs, and with word of how far it is (RFC 9585).

use crate::session::Session;
use domain::{Account, MailError, MeterStep, Query};
use proto_imap::SessionView;
use proto_imap::search::{ReturnOption, ReturnOptions};
use proto_imap::view::Selection;
use service_session::Transport;
use std::io;
use std::sync::Arc;
use types::Uid;
use types::snapshot::Snapshot;

/// How many messages are looked at first when the last that fit are looked for.
const TAIL_FIRST: usize = 64;
/// How many are looked at at once.
const TAIL_MAX: usize = 1024;

/// A search to be carried out in one mailbox.
pub(crate) struct Work<'a> {
    account: &'a Account,
    snapshot: &'a Arc<Snapshot>,
    query: &'a Query,
}

impl<'a> Work<'a> {
    /// A search in this state of a mailbox.
    pub(crate) fn new(account: &'a Account, snapshot: &'a Arc<Snapshot>, query: &'a Query) -> Self {
        Self { account, snapshot, query }
    }
}

/// How much must be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Everything.
    All,
    /// So many from the front and so many from the back.
    Ends(u32, u32),
}

impl Extent {
    /// What these options need.
    pub(crate) fn of(returns: Option<ReturnOptions>) -> Self {
        let Some(returns) = returns.filter(|returns| !returns.wants_all()) else { return Self::All };
        let (mut front, mut back) =
            (u32::from(returns.has(ReturnOption::Min)), u32::from(returns.has(ReturnOption::Max)));
        if let Some(range) = returns.partial {
            let end = if range.is_from_end() { &mut back } else { &mut front };
            *end = range.farthest().max(*end);
        }
        Self::Ends(front, back)
    }
}

/// What was found, by sequence number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Everything.
    All(Selection),
    /// The first of them, and the last of them.
    Ends(Selection, Selection),
}

impl Found {
    /// Whether nothing was found.
    pub(crate) fn is_empty(&self) -> bool {
        self.head().is_empty() && self.tail().is_empty()
    }

    /// As much as was looked for, from the front.
    pub(crate) fn head(&self) -> &Selection {
        let (Self::All(head) | Self::Ends(head, _)) = self;
        head
    }

    /// As much as was looked for, from the back.
    pub(crate) fn tail(&self) -> &Selection {
        let (Self::All(tail) | Self::Ends(_, tail)) = self;
        tail
    }

    /// The part that PARTIAL asks for.
    pub(crate) fn partial(&self, range: proto_imap::search::PartialRange) -> Selection {
        let from = if range.is_from_end() { self.tail() } else { self.head() };
        from.places(&range.places(from.len()))
    }

    /// What MIN, MAX and PARTIAL tell, together.
    pub(crate) fn named(&self, returns: ReturnOptions) -> Selection {
        let mut named = returns.partial.map(|range| self.partial(range)).unwrap_or_default();
        let min = returns.has(ReturnOption::Min).then(|| self.head().first());
        let max = returns.has(ReturnOption::Max).then(|| self.tail().last());
        for seq in [min, max].into_iter().flatten().flatten() {
            let mut one = Selection::default();
            one.push(seq);
            named = named.union(one);
        }
        named
    }

    /// The same with the numbers that a session knows the messages by, which may hold some that are gone already.
    pub(crate) fn told_by(self, told: &SessionView) -> Self {
        if told.expunges_held() == 0 && !told.hides() {
            return self;
        }
        let plain = SessionView::open(Arc::clone(told.snapshot()), None);
        let renumber = |selection: &Selection| told.select(plain.messages(selection).map(|m| m.entry.uid));
        match &self {
            Self::All(all) => Self::All(renumber(all)),
            Self::Ends(head, tail) => Self::Ends(renumber(head), renumber(tail)),
        }
    }
}

/// Looks for what is needed; the numbers are those of the snapshot.
pub(crate) async fn find<S: Transport>(
    session: &mut Session<S>,
    work: &Work<'_>,
    extent: Extent,
) -> io::Result<Result<Found, MailError>> {
    let (front, back) = match extent {
        Extent::All => return Ok(from_the_front(session, work, u32::MAX).await?.map(Found::All)),
        Extent::Ends(front, back) => (front, back),
    };
    let head = match from_the_front(session, work, front).await? {
        Ok(head) => head,
        Err(failure) => return Ok(Err(failure)),
    };
    Ok(from_the_back(session, work, back).await?.map(|tail| Found::Ends(head, tail)))
}

/// The first messages that fit: at least so many, if there are.
async fn from_the_front<S: Transport>(
    session: &mut Session<S>,
    work: &Work<'_>,
    enough: u32,
) -> io::Result<Result<Selection, MailError>> {
    let plain = SessionView::open(Arc::clone(work.snapshot), None);
    let mut found = Selection::default();
    if enough == 0 {
        return Ok(Ok(found));
    }
    let mut search = work.account.begin_search(work.snapshot, work.query);
    loop {
        let progress = match search.step().await {
            Ok(progress) => progress,
            Err(failure) => return Ok(Err(failure)),
        };
        for seq in progress.found.iter().filter_map(|uid| plain.seq_of(*uid)) {
            found.push(seq);
        }
        if progress.is_finished() || found.len() >= enough {
            return Ok(Ok(found));
        }
        session.tell_progress(MeterStep { done: progress.done, total: progress.total }).await?;
        tokio::task::yield_now().await;
    }
}

/// The last messages that fit: at least so many, if there are. The mailbox is looked through in blocks from its end.
async fn from_the_back<S: Transport>(
    session: &mut Session<S>,
    work: &Work<'_>,
    enough: u32,
) -> io::Result<Result<Selection, MailError>> {
    let plain = SessionView::open(Arc::clone(work.snapshot), None);
    let (mut found, mut left, mut size) = (Selection::default(), plain.exists(), TAIL_FIRST);
    while left > 0 && found.len() < enough {
        let block: Vec<Uid> =
            (1..=left).rev().take(size).filter_map(|seq| Some(plain.by_seq(seq)?.entry.uid)).collect();
        left = left.saturating_sub(u32::try_from(size).unwrap_or(u32::MAX));
        size = (2 * size).min(TAIL_MAX);
        match work.account.search_among(work.snapshot, work.query, &block).await {
            Ok(uids) => found = plain.select(uids).union(found),
            Err(failure) => return Ok(Err(failure)),
        }
        session.tell_progress(MeterStep { done: plain.exists() - left, total: plain.exists() }).await?;
        tokio::task::yield_now().await;
    }
    Ok(Ok(found))
}

/// The UIDs of a result, ascending.
pub(crate) fn uids(snapshot: &Arc<Snapshot>, selection: &Selection) -> Vec<Uid> {
    SessionView::open(Arc::clone(snapshot), None).messages(selection).map(|message| message.entry.uid).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto_imap::codec::Cursor;
    use proto_imap::search::PartialRange;

    fn selection(seqs: impl IntoIterator<Item = u32>) -> Selection {
        let mut selection = Selection::default();
        seqs.into_iter().for_each(|seq| selection.push(seq));
        selection
    }

    fn partial(text: &str) -> PartialRange {
        PartialRange::parse(&mut Cursor::new(text.as_bytes())).unwrap()
    }

    #[test]
    fn no_more_is_looked_for_than_is_asked_for() {
        use ReturnOption::{All, Count, Max, Min, Save, Update};
        let of = |options: &[ReturnOption], range: Option<&str>| {
            let mut returns = ReturnOptions::of(options);
            returns.partial = range.map(partial);
            Extent::of(Some(returns))
        };
        assert_eq!(Extent::of(None), Extent::All);
        for all in [&[All][..], &[Count], &[Min, Count], &[Save], &[Min, All, Save], &[Min, Update]] {
            assert_eq!(of(all, None), Extent::All, "{all:?}");
        }
        assert_eq!(of(&[Min, Save], None), Extent::Ends(1, 0));
        assert_eq!(of(&[Min, Max], None), Extent::Ends(1, 1));
        assert_eq!(of(&[], Some("30:1")), Extent::Ends(30, 0));
        assert_eq!(of(&[Min], Some("-4:-9")), Extent::Ends(1, 9));
        assert_eq!(of(&[Count], Some("-4:-9")), Extent::All);
    }

    #[test]
    fn the_ends_of_a_result_are_named_from_their_side() {
        let found = Found::Ends(selection([2, 3, 5]), selection([20, 22, 23]));
        let mut returns = ReturnOptions::of(&[ReturnOption::Min, ReturnOption::Max]);
        assert_eq!(found.named(returns), selection([2, 23]));
        returns.partial = Some(partial("-2:-3"));
        assert_eq!(found.named(returns), selection([2, 20, 22, 23]));
        assert_eq!(found.partial(partial("2:9")), selection([3, 5]));
        assert_eq!(Found::All(selection(1..=9)).partial(partial("-2:-3")), selection([7, 8]));
    }
}
