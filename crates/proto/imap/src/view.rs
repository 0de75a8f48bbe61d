//! The mailbox as a session was told it: which message has which sequence number, and what the session does not know
//! yet.
//!
//! A session knows the messages of the last snapshot it was told and, until it may hear of their EXPUNGE, those that
//! left since: they keep their sequence numbers and can still be fetched (RFC 3501 §7.4.1, RFC 9051 §7.5.1). So what a
//! session holds is one shared snapshot and the few rows that are gone from it.

mod resync;
mod saved;
mod selection;
mod updates;

pub use saved::{SAVED_RANGES_MAX, TooManyRanges};
pub use selection::{Messages, NoSuchMessage, Selection};
pub use updates::{FlagUpdate, UpdateForm, Updates};

use crate::enabled::Enabled;
use std::sync::Arc;
use types::snapshot::{Entry, Snapshot};
use types::{FlagChange, Flags, ModSeq, Uid, UidSet};

/// How many expunged messages a session may keep by never giving a command during which it could be told. A session
/// with more should be ended by the service; see [`SessionView::expunges_held`].
pub const EXPUNGES_HELD_MAX: usize = 100_000;

/// Whether EXPUNGE may be told now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expunges {
    /// In IDLE, NOOP, CHECK, EXPUNGE, any UID command …
    Told,
    /// During FETCH, STORE and SEARCH with sequence numbers, and while no command runs (RFC 3501 §7.4.1).
    Held,
}

/// What a session is told without having asked (RFC 5465 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// New messages. Otherwise those that come stay unknown to the session.
    pub messages: bool,
    /// Flags that others changed.
    pub flags: bool,
}

impl Wanted {
    /// What RFC 3501 tells.
    pub const ALL: Self = Self { messages: true, flags: true };
}

/// A message as the session knows it.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Its sequence number.
    pub seq: u32,
    /// Its row.
    pub entry: &'a Entry,
    /// It is gone, but the session was not told.
    pub expunged: bool,
    /// It has `\Recent` in this session.
    pub recent: bool,
}

/// A change of flags that the client reckons itself: STORE with `.SILENT`.
#[derive(Debug)]
struct Silence {
    uids: UidSet,
    change: FlagChange,
    flags: Flags,
}

/// What one session knows of its mailbox.
#[derive(Debug)]
pub struct SessionView {
    /// The state last told, but for `held` and what is `silenced`.
    told: Arc<Snapshot>,
    /// Messages that left `told` and were not told as expunged, by UID.
    held: Vec<Entry>,
    /// All changes up to this one were told, the expunges too, if any are held.
    told_before_held: ModSeq,
    /// Changes since the last sync of which the client knows the outcome.
    silenced: Vec<Silence>,
    /// Messages whose flags the next sync tells, changed or not.
    owed: UidSet,
    /// Messages from this UID on are recent in this session.
    recent_from: Option<Uid>,
    /// The number last told with RECENT.
    recent_told: u32,
    enabled: Enabled,
    /// `$`, in a compact form (`saved.rs`).
    saved: UidSet,
    wanted: Wanted,
    /// Messages from this UID on are in `told`, but the session does not know of them.
    hidden_from: Option<Uid>,
}

impl SessionView {
    /// A view as SELECT or EXAMINE opens it: everything in the snapshot counts as told, the messages from
    /// `recent_from` on are recent (RFC 3501 §2.3.2), and so are all that come later.
    pub fn open(snapshot: Arc<Snapshot>, recent_from: Option<Uid>) -> Self {
        let mut view = Self {
            told: snapshot,
            held: Vec::new(),
            told_before_held: ModSeq::ZERO,
            silenced: Vec::new(),
            owed: UidSet::default(),
            recent_from,
            recent_told: 0,
            enabled: Enabled::default(),
            saved: UidSet::default(),
            wanted: Wanted::ALL,
            hidden_from: None,
        };
        view.recent_told = view.recent();
        view
    }

    /// The snapshot last told. Messages that [`Self::expunges_held`] counts are not in it.
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.told
    }

    /// From now on the session is told what happens in the form for a client that has enabled this.
    pub fn set_enabled(&mut self, enabled: Enabled) {
        self.enabled = enabled;
        if enabled.rev2() {
            self.recent_told = 0;
        }
    }

    /// What the client has enabled.
    pub fn enabled(&self) -> Enabled {
        self.enabled
    }

    /// From now on the next [`Self::sync`] tells this only.
    pub fn set_wanted(&mut self, wanted: Wanted) {
        self.wanted = wanted;
    }

    /// EXISTS: how many messages the session knows.
    pub fn exists(&self) -> u32 {
        let known = self.hidden_from.map_or(self.told.len(), |from| self.told.count_below(from));
        known.saturating_add(count(self.held.len()))
    }

    /// RECENT: how many of them are recent.
    pub fn recent(&self) -> u32 {
        self.recent_from().map_or(0, |from| self.exists().saturating_sub(self.count_below(from)))
    }

    /// Whether the snapshot holds messages that the session does not know of.
    pub fn hides(&self) -> bool {
        self.hidden_from.is_some()
    }

    /// Whether the session does not know of a message that is there.
    fn is_hidden(&self, uid: Uid) -> bool {
        self.hidden_from.is_some_and(|from| from <= uid)
    }

    /// Messages from this UID on are recent in this session. `IMAP4rev2` knows no such thing (RFC 9051 appendix E).
    pub fn recent_from(&self) -> Option<Uid> {
        self.recent_from.filter(|_| !self.enabled.rev2())
    }

    /// Whether the message with this UID is recent in this session.
    pub fn is_recent(&self, uid: Uid) -> bool {
        self.recent_from().is_some_and(|from| from <= uid)
    }

    /// The sequence number of the first message without `\Seen`, for the UNSEEN code of SELECT.
    pub fn first_unseen(&self) -> Option<u32> {
        self.seq_of(self.told.first_unseen()?.uid)
    }

    /// Messages from this UID on are not known to the session; `None` if there can be none.
    pub fn end(&self) -> Option<Uid> {
        self.hidden_from.or(self.told.uid_next)
    }

    /// How many messages are gone without the session having been told.
    pub fn expunges_held(&self) -> usize {
        self.held.len()
    }

    /// Known messages with a UID below this one.
    fn count_below(&self, uid: Uid) -> u32 {
        let known = self.told.count_below(self.hidden_from.map_or(uid, |from| from.min(uid)));
        known.saturating_add(count(self.held.partition_point(|e| e.uid < uid)))
    }

    /// The sequence number of a held message by its place in `held`.
    fn held_seq(&self, place: usize) -> Option<u32> {
        let entry = self.held.get(place)?;
        Some(self.told.count_below(entry.uid).saturating_add(count(place)).saturating_add(1))
    }

    /// How many held messages have a sequence number below this one.
    fn held_below_seq(&self, seq: u32) -> usize {
        let (mut low, mut high) = (0, self.held.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.held_seq(middle).is_some_and(|s| s < seq) { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// The sequence number of a UID the session knows.
    pub fn seq_of(&self, uid: Uid) -> Option<u32> {
        self.get(uid).map(|message| message.seq)
    }

    /// The message with this UID, if the session knows it.
    pub fn get(&self, uid: Uid) -> Option<Message<'_>> {
        let seq = self.count_below(uid).saturating_add(1);
        let (entry, expunged) = match self.told.get(uid) {
            Some(_) if self.is_hidden(uid) => return None,
            Some(entry) => (entry, false),
            None => (self.held.get(self.held.binary_search_by_key(&uid, |e| e.uid).ok()?)?, true),
        };
        Some(Message { seq, entry, expunged, recent: self.is_recent(uid) })
    }

    /// The message with this sequence number.
    pub fn by_seq(&self, seq: u32) -> Option<Message<'_>> {
        if seq > self.exists() {
            return None;
        }
        let before = self.held_below_seq(seq);
        let (entry, expunged) = if self.held_seq(before) == Some(seq) {
            (self.held.get(before)?, true)
        } else {
            (self.told.by_seq(seq.checked_sub(count(before))?)?, false)
        };
        Some(Message { seq, entry, expunged, recent: self.is_recent(entry.uid) })
    }

    /// The highest UID the session knows.
    pub fn last_uid(&self) -> Option<Uid> {
        let last = match self.hidden_from {
            Some(from) => self.told.by_seq(self.told.count_below(from)).map(|e| e.uid),
            None => self.told.last().map(|e| e.uid),
        };
        last.max(self.held.last().map(|e| e.uid))
    }

    /// The client has reckoned the outcome of this change itself (STORE with `.SILENT`, RFC 3501 §6.4.6): the next
    /// [`Self::sync`] tells the flags of these messages only where they came out differently. With CONDSTORE their
    /// MODSEQ is told all the same (RFC 7162 §3.1.3). Name only messages that the STORE changed, and sync before the
    /// session reads flags again: until then the view shows those told before.
    pub fn silence(&mut self, uids: UidSet, change: FlagChange, flags: Flags) {
        self.silenced.push(Silence { uids, change, flags });
    }

    /// The client waits for the flags of these messages (STORE without `.SILENT`, RFC 3501 §6.4.6): the next
    /// [`Self::sync`] tells them even where they are as they were.
    pub fn owe(&mut self, uids: UidSet) {
        self.owed = uids;
    }

    /// The flags the client takes a message to have that was told with these.
    fn believed(&self, uid: Uid, told: Flags) -> Flags {
        let relevant = self.silenced.iter().filter(|s| s.uids.contains(uid));
        relevant.fold(told, |flags, silence| match silence.change {
            FlagChange::Replace => silence.flags,
            FlagChange::Add => flags.union(silence.flags),
            FlagChange::Remove => flags.without(silence.flags),
        })
    }

    /// Moves the session on to `current` and says what it has to be told for that, in the order it is to be told. A
    /// snapshot older than the one told changes nothing.
    ///
    /// # Panics
    /// When the snapshot is of another mailbox.
    pub fn sync(&mut self, current: &Arc<Snapshot>, expunges: Expunges) -> Updates {
        let same = (current.mailbox, current.uid_validity) == (self.told.mailbox, self.told.uid_validity);
        assert!(same, "a view is of one mailbox");
        let mut updates = Updates { enabled: self.enabled, ..Updates::default() };
        let before = self.exists();
        if current.highest_modseq >= self.told.highest_modseq && !Arc::ptr_eq(current, &self.told) {
            self.advance(current, &mut updates);
        }
        if self.wanted.messages {
            self.hidden_from = None;
        }
        self.silenced.clear();
        self.pay_owed(&mut updates);
        if expunges == Expunges::Told {
            updates.expunged = self.take_held();
        }
        // RFC 7162 §3.2: who hears of later changes than those held back would not ask for these again after the
        // connection is lost.
        updates.highest_modseq = (self.enabled.qresync() && !self.held.is_empty()).then_some(self.told_before_held);
        let known = before - count(updates.expunged.len());
        updates.exists = (self.exists() != known).then(|| self.exists());
        if self.recent() != self.recent_told {
            self.recent_told = self.recent();
            updates.recent = Some(self.recent_told);
        }
        // Numbered last: they are told after the EXPUNGEs.
        for update in &mut updates.flags {
            update.seq = self.count_below(update.uid).saturating_add(1);
        }
        updates
    }

    /// Puts `current` in the place of what was told.
    fn advance(&mut self, current: &Arc<Snapshot>, updates: &mut Updates) {
        if !self.wanted.messages && self.hidden_from.is_none() {
            self.hidden_from = self.last_uid().map_or(Some(Uid::MIN), |last| Uid::new(last.get().saturating_add(1)));
        }
        let told = std::mem::replace(&mut self.told, Arc::clone(current));
        let diff = current.diff(&told);
        if current.keywords != told.keywords {
            updates.keywords = Some(current.keywords.clone());
        }
        for entry in diff.changed {
            let Some(old) = told.get(entry.uid) else { continue };
            let own = self.wanted.flags || self.silenced.iter().any(|s| s.uids.contains(entry.uid));
            if !own || self.is_hidden(entry.uid) {
                continue;
            }
            let flags = (self.believed(entry.uid, old.flags) != entry.flags).then_some(entry.flags);
            let modseq = (self.enabled.condstore() && old.modseq != entry.modseq).then_some(entry.modseq);
            if flags.is_some() || modseq.is_some() {
                let recent = self.is_recent(entry.uid);
                updates.flags.push(FlagUpdate { seq: 0, uid: entry.uid, flags, modseq, recent });
            }
        }
        if !diff.gone.is_empty() {
            if self.held.is_empty() {
                self.told_before_held = told.highest_modseq;
            }
            let known = diff.gone.into_iter().filter(|e| self.hidden_from.is_none_or(|from| e.uid < from));
            self.held.extend(known.copied());
            self.held.sort_unstable_by_key(|e| e.uid);
        }
    }

    /// Adds the owed flags to those that changed.
    fn pay_owed(&mut self, updates: &mut Updates) {
        let owed = std::mem::take(&mut self.owed);
        let changed = updates.flags.len();
        for range in owed.ranges() {
            let Some(first) = Uid::new(*range.start()) else { continue };
            for entry in self.told.iter_from(first).take_while(|e| e.uid.get() <= *range.end()) {
                let known = updates.flags.get(..changed).unwrap_or_default();
                if known.binary_search_by_key(&entry.uid, |u| u.uid).is_err() {
                    let modseq = self.enabled.condstore().then_some(entry.modseq);
                    let recent = self.is_recent(entry.uid);
                    let flags = Some(entry.flags);
                    updates.flags.push(FlagUpdate { seq: 0, uid: entry.uid, flags, modseq, recent });
                }
            }
        }
        updates.flags.sort_unstable_by_key(|u| u.uid);
    }

    /// Forgets the held messages; their numbers from the highest down, so that none shifts another.
    fn take_held(&mut self) -> Vec<(u32, Uid)> {
        let numbered = self.held.iter().enumerate().rev();
        let expunged = numbered.filter_map(|(place, e)| Some((self.held_seq(place)?, e.uid))).collect();
        self.held = Vec::new();
        expunged
    }
}

/// Messages have 32-bit UIDs, so no count of them is larger.
fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
