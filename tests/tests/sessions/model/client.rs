//! A client that knows its mailbox only by what untagged answers told it.

use super::line::{self, Fetched, Said};
use std::collections::BTreeSet;
use types::snapshot::Snapshot;

/// What a client has enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Plain,
    CondStore,
    QResync,
    UidOnly,
}

pub(super) type FlagSet = BTreeSet<String>;

/// A message as the client knows it; what is `None` it was not told.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    pub(super) uid: Option<u32>,
    pub(super) flags: Option<FlagSet>,
    pub(super) modseq: Option<u64>,
}

/// The open mailbox.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) mailbox: &'static str,
    pub(super) validity: u32,
    /// By sequence number.
    pub(super) slots: Vec<Slot>,
    /// All changes up to this one are known.
    pub(super) highest: u64,
}

/// A command on its way.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) text: String,
    /// EXPUNGE and VANISHED may be told with its answer.
    pub(super) expunges: bool,
    pub(super) kind: Kind,
}

/// What is to be done when it is answered.
#[derive(Debug)]
pub(super) enum Kind {
    Plain,
    /// With what was kept of the mailbox.
    Select {
        mailbox: &'static str,
        kept: Vec<Slot>,
    },
    Close,
    Idle,
    /// Each of these numbers is to be answered.
    Fetch(Vec<u32>),
    /// Numbers or UIDs whose outcome the client reckons.
    Silent {
        by_uid: bool,
        named: Vec<u32>,
        add: bool,
        flag: &'static str,
    },
}

/// What a client knows.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) mode: Mode,
    pub(super) open: Option<Known>,
    /// What was kept of mailboxes that were open before.
    pub(super) kept: Vec<Known>,
}

impl Model {
    pub(super) fn new(mode: Mode) -> Self {
        Self { mode, open: None, kept: Vec::new() }
    }

    pub(super) fn exists(&self) -> usize {
        self.open.as_ref().map_or(0, |open| open.slots.len())
    }

    /// Takes a whole answer: what was said, and the status at its end without the tag.
    pub(super) fn take(&mut self, command: &Command, said: Vec<Said>, status: &str) {
        assert!(!said.contains(&Said::Bye), "BYE: {command:?}");
        let code = line::code(status).unwrap_or_default();
        match &command.kind {
            Kind::Select { mailbox, kept } => return self.selected(mailbox, kept.clone(), said, status),
            Kind::Close => {
                assert!(said.is_empty() && status.starts_with("OK") && !code.contains("HIGHESTMODSEQ"), "{said:?}");
                self.open = None;
                return;
            }
            _ => {}
        }
        assert!(!status.starts_with("BAD"), "{command:?}: {status}");
        let mut told = BTreeSet::new();
        for said in said {
            if let Said::Fetch(fetched) | Said::UidFetch(fetched) = &said {
                told.insert(fetched.number);
            }
            self.hear(said, command.expunges);
        }
        if let (Kind::Fetch(numbers), true) = (&command.kind, status.starts_with("OK")) {
            assert!(numbers.iter().all(|number| told.contains(number)), "{command:?} was answered for {told:?}");
        }
        if let Kind::Silent { by_uid, named, add, flag } = &command.kind
            && (status.starts_with("OK") || code == "EXPUNGEISSUED")
        {
            let kept_back = code.strip_prefix("MODIFIED ").map(line::set).unwrap_or_default();
            let is_kept_back = |n: u32| kept_back.iter().any(|(first, last)| (*first..=*last).contains(&n));
            let changed: Vec<u32> = named.iter().copied().filter(|n| !is_kept_back(*n)).collect();
            self.reckon(*by_uid, &changed, *add, flag);
        }
        if let (Some(number), Some(open)) = (code.strip_prefix("HIGHESTMODSEQ "), &mut self.open) {
            open.highest = number.parse().unwrap();
        }
    }

    /// The outcome of a STORE with `.SILENT`: told flags are the outcome already, so to reckon once more is harmless.
    fn reckon(&mut self, by_uid: bool, named: &[u32], add: bool, flag: &str) {
        let Some(open) = &mut self.open else { return };
        for (place, slot) in open.slots.iter_mut().enumerate() {
            let number = if by_uid { slot.uid } else { u32::try_from(place + 1).ok() };
            let Some(flags) = slot.flags.as_mut().filter(|_| number.is_some_and(|n| named.contains(&n))) else {
                continue;
            };
            if add {
                flags.insert(flag.to_owned());
            } else {
                flags.remove(flag);
            }
        }
    }

    fn selected(&mut self, mailbox: &'static str, kept: Vec<Slot>, said: Vec<Said>, status: &str) {
        let was_open = self.open.take().is_some();
        assert!(status.starts_with("OK"), "SELECT: {status}");
        assert_eq!(was_open, said.contains(&Said::Closed), "CLOSED stands between two mailboxes");
        let mut open = Known { mailbox, validity: 0, slots: kept, highest: 0 };
        let mut is_filled = false;
        let mut later = Vec::new();
        for said in said {
            match said {
                Said::Vanished { earlier: true, uids } => {
                    let is_gone = |uid: u32| uids.iter().any(|(first, last)| (*first..=*last).contains(&uid));
                    open.slots.retain(|slot| !slot.uid.is_some_and(is_gone));
                }
                Said::UidValidity(validity) => open.validity = validity,
                Said::HighestModSeq(highest) if open.highest == 0 => open.highest = highest,
                Said::Exists(exists) if !is_filled => {
                    is_filled = true;
                    later.push(Said::Exists(exists));
                }
                Said::Closed | Said::Other => {}
                said => later.push(said),
            }
        }
        self.open = Some(open);
        for said in later {
            self.hear(said, true);
        }
    }

    /// One untagged answer.
    fn hear(&mut self, said: Said, expunges: bool) {
        let mode = self.mode;
        let Some(open) = &mut self.open else {
            assert!(matches!(said, Said::Other), "no mailbox is open: {said:?}");
            return;
        };
        match said {
            Said::Exists(exists) => {
                assert!(exists >= open.slots.len(), "EXISTS went from {} to {exists}", open.slots.len());
                open.slots.resize_with(exists, Slot::default);
            }
            Said::Expunge(number) => {
                assert!(expunges, "EXPUNGE during a command that must not tell it (RFC 9051 §7.5.1)");
                assert!(matches!(mode, Mode::Plain | Mode::CondStore), "EXPUNGE in {mode:?}");
                assert!((1..=open.slots.len()).contains(&number), "EXPUNGE {number} of {}", open.slots.len());
                open.slots.remove(number - 1);
            }
            Said::Vanished { earlier: false, uids } => {
                assert!(expunges, "VANISHED during a command that must not tell it (RFC 7162 §3.2.10.2)");
                assert!(matches!(mode, Mode::QResync | Mode::UidOnly), "VANISHED in {mode:?}");
                for uid in uids.into_iter().flat_map(|(first, last)| first..=last) {
                    open.vanish(uid, mode);
                }
            }
            Said::Fetch(fetched) => {
                assert_ne!(mode, Mode::UidOnly, "FETCH with UIDONLY");
                open.fetched(fetched, mode);
            }
            Said::UidFetch(fetched) => {
                assert_eq!(mode, Mode::UidOnly, "UIDFETCH without UIDONLY");
                let place = open.place_of_uid(fetched.number);
                open.fetched(Fetched { number: u32::try_from(place + 1).unwrap(), ..fetched }, mode);
            }
            Said::Search(numbers) => assert!(numbers.is_sorted(), "{numbers:?}"),
            Said::HighestModSeq(highest) => open.highest = highest,
            Said::Vanished { .. } | Said::UidValidity(_) | Said::Closed | Said::Bye | Said::Other => {}
        }
    }

    /// After everything was told and asked for, the client knows the truth.
    pub(super) fn compare(&self, truth: &Snapshot, context: &str) {
        let Some(open) = &self.open else { return };
        let uids: Vec<_> = open.slots.iter().map(|slot| slot.uid.unwrap_or(0)).collect();
        let true_uids: Vec<_> = truth.iter().map(|entry| entry.uid.get()).collect();
        assert_eq!(uids, true_uids, "{context}: what is in {}", open.mailbox);
        for (slot, entry) in open.slots.iter().zip(truth.iter()) {
            let names = domain::FlagNames::of(entry.flags, &truth.keywords);
            let mut flags: FlagSet = names.keywords.iter().map(|keyword| keyword.as_str().to_owned()).collect();
            for (flag, name) in super::SYSTEM_FLAGS {
                if entry.flags.contains(flag) {
                    flags.insert(name.to_owned());
                }
            }
            assert_eq!(slot.flags.as_ref(), Some(&flags), "{context}: flags of {} in {}", entry.uid, open.mailbox);
            if matches!(self.mode, Mode::CondStore | Mode::QResync) {
                let modseq = slot.modseq.unwrap_or(entry.modseq.0);
                assert_eq!(modseq, entry.modseq.0, "{context}: MODSEQ of {} in {}", entry.uid, open.mailbox);
            }
        }
        assert!(open.highest <= truth.highest_modseq.0, "{context}: HIGHESTMODSEQ of {}", open.mailbox);
    }

    /// Keeps what is known of the open mailbox for the next time, as far as it is known without a gap.
    pub(super) fn keep(&mut self) {
        let Some(open) = &self.open else { return };
        if self.mode != Mode::QResync || open.validity == 0 {
            return;
        }
        let is_known = |slot: &&Slot| slot.uid.is_some() && slot.flags.is_some();
        let slots = open.slots.iter().take_while(is_known).cloned().collect();
        self.kept.retain(|known| known.mailbox != open.mailbox);
        self.kept.push(Known { slots, ..open.clone() });
    }
}

impl Known {
    /// A UID is gone: its slot, or one that may be its.
    fn vanish(&mut self, uid: u32, mode: Mode) {
        let known = self.slots.iter().position(|slot| slot.uid == Some(uid));
        // With UIDONLY no place means anything: those of which nothing is known are at the end.
        let unknown = self.slots.iter().rposition(|slot| slot.uid.is_none()).filter(|_| mode == Mode::UidOnly);
        let place = known.or(unknown).unwrap_or_else(|| {
            let low = self.slots.iter().rposition(|s| s.uid.is_some_and(|u| u < uid)).map_or(0, |place| place + 1);
            let high = self.slots.iter().position(|s| s.uid.is_some_and(|u| u > uid)).unwrap_or(self.slots.len());
            assert!(low < high, "VANISHED {uid}, which was never told (RFC 7162 §3.2.10.2)");
            // Any of these may be the one, so nothing that was told by number holds for the others.
            self.slots[low..high].fill(Slot::default());
            low
        });
        self.slots.remove(place);
    }

    /// Where a UID is; a new one takes a place of which nothing is known.
    fn place_of_uid(&mut self, uid: u32) -> usize {
        if let Some(place) = self.slots.iter().position(|slot| slot.uid == Some(uid)) {
            return place;
        }
        let unknown = self.slots.iter().rposition(|slot| slot.uid.is_none());
        self.slots.remove(unknown.expect("UIDFETCH of a message that was told with EXISTS"));
        let place = self.slots.iter().position(|s| s.uid.is_some_and(|u| u > uid)).unwrap_or(self.slots.len());
        // Those of which nothing is known are kept at the end.
        let place = place.min(self.slots.iter().position(|slot| slot.uid.is_none()).unwrap_or(place));
        self.slots.insert(place, Slot { uid: Some(uid), ..Slot::default() });
        place
    }

    fn fetched(&mut self, fetched: Fetched, mode: Mode) {
        let place = fetched.number as usize;
        assert!((1..=self.slots.len()).contains(&place), "FETCH of {place} of {}", self.slots.len());
        let slot = &mut self.slots[place - 1];
        if let Some(uid) = fetched.uid {
            assert!(slot.uid.is_none_or(|known| known == uid), "{place} was {:?} and is {uid}", slot.uid);
            slot.uid = Some(uid);
        }
        if let Some(modseq) = fetched.modseq {
            assert_ne!(mode, Mode::Plain, "MODSEQ that nobody asked for");
            let before = slot.modseq.replace(modseq).unwrap_or(0);
            assert!(modseq >= before, "MODSEQ of {place} went back from {before} to {modseq}");
            self.highest = self.highest.max(modseq);
        }
        if fetched.flags.is_some() {
            slot.flags = fetched.flags;
        }
        let known: Vec<_> = self.slots.iter().filter_map(|slot| slot.uid).collect();
        assert!(known.is_sorted_by(|a, b| a < b), "UIDs ascend: {known:?}");
    }
}
