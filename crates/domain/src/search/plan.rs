//! A query made ready for one mailbox: keys by what they cost, evaluated in three values, so that what is known so far
//! decides as early as it can.

use super::Day;
use super::index::Candidates;
use super::{AddressField, Query, QueryKey, Step};
use crate::mail::Content;
use message::Summary;
use message::casefold::Needle;
use types::snapshot::{Entry, Snapshot};
use types::{EmailId, Flags, ModSeq, ThreadId, Timestamp, Uid, UidSet};

/// Where in a summary a field's text stands.
type SummaryText = fn(&Summary) -> &str;

/// A key that a snapshot's columns answer.
enum Column {
    Always(bool),
    Uids(UidSet),
    From(Uid, bool),
    New(Uid),
    All(Flags),
    None(Flags),
    /// The day of INTERNALDATE against this one, and whether it may be earlier, the same, later.
    Date(i64, [bool; 3]),
    /// The same for the save date.
    Saved(i64, [bool; 3]),
    /// INTERNALDATE in whole seconds is this or earlier.
    Until(i64),
    /// It is this or later.
    Since(i64),
    Larger(u64),
    Smaller(u64),
    ModSeq(ModSeq),
    Email(EmailId),
}

/// How the fields of a name are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Each of them, as text.
    Each,
    /// Each of them, as a list of addresses.
    Addresses,
    /// The last of them, as text.
    Last,
}

/// A key about text in header fields of a name.
pub(super) struct FieldKey {
    /// Which key of the plan.
    pub(super) place: usize,
    pub(super) name: Box<str>,
    /// Where in the summary its text stands, if it does.
    summary: Option<SummaryText>,
    pub(super) reading: Reading,
    pub(super) needle: Needle,
}

/// A key about text anywhere.
pub(super) struct TextKey {
    pub(super) place: usize,
    pub(super) needle: Needle,
    /// Whether the message's own header counts.
    pub(super) in_header: bool,
}

enum Part {
    Key(usize),
    And(usize),
    Or(usize),
    Not,
}

/// What is known of each key for one message.
pub(super) type Known = Vec<Option<bool>>;

/// A query made ready.
pub(super) struct Plan {
    parts: Vec<Part>,
    keys: usize,
    columns: Vec<(usize, Column)>,
    sent: Vec<(usize, i64, [bool; 3])>,
    threads: Vec<(usize, ThreadId)>,
    /// What an index says of the text keys.
    hints: Vec<(usize, Candidates)>,
    pub(super) fields: Vec<FieldKey>,
    pub(super) texts: Vec<TextKey>,
    zone_minutes: i16,
}

const BEFORE: [bool; 3] = [true, false, false];
const ON: [bool; 3] = [false, true, false];
const SINCE: [bool; 3] = [false, true, true];

impl Plan {
    /// A plan for looking at a snapshot at a moment, unless the query has a moment of its own.
    pub(super) fn new(query: &Query, snapshot: &Snapshot, now: Timestamp) -> Self {
        let mut plan = Self {
            parts: Vec::with_capacity(query.steps.len()),
            keys: 0,
            columns: Vec::new(),
            sent: Vec::new(),
            threads: Vec::new(),
            hints: Vec::new(),
            fields: Vec::new(),
            texts: Vec::new(),
            zone_minutes: query.zone_minutes,
        };
        let moment = query.moment.unwrap_or(now);
        for step in &query.steps {
            let part = match step {
                Step::And(count) => Part::And(*count),
                Step::Or(count) => Part::Or(*count),
                Step::Not => Part::Not,
                Step::Key(key) => {
                    let place = plan.keys;
                    plan.keys += 1;
                    plan.add(place, key, moment, snapshot);
                    Part::Key(place)
                }
            };
            plan.parts.push(part);
        }
        plan
    }

    fn add(&mut self, place: usize, key: &QueryKey, moment: Timestamp, snapshot: &Snapshot) {
        let field = |name: &str, text: &str, reading, summary: Option<SummaryText>| {
            // Whether there is an empty field the summary does not tell.
            let summary = summary.filter(|_| !text.is_empty());
            FieldKey { place, name: name.into(), summary, reading, needle: Needle::new(text) }
        };
        match key {
            QueryKey::Address(which, text) => {
                let (name, summary): (_, SummaryText) = match which {
                    AddressField::From => ("From", Summary::from),
                    AddressField::To => ("To", Summary::to),
                    AddressField::Cc => ("Cc", Summary::cc),
                    AddressField::Bcc => ("Bcc", Summary::bcc),
                };
                self.fields.push(field(name, text, Reading::Addresses, Some(summary)));
            }
            QueryKey::Subject(text) => {
                self.fields.push(field("Subject", text, Reading::Last, Some(Summary::subject)));
            }
            QueryKey::Header(name, text) => {
                let is_subject = name.eq_ignore_ascii_case("Subject");
                let summary: Option<SummaryText> = if is_subject { Some(Summary::subject) } else { None };
                self.fields.push(field(name, text, Reading::Each, summary));
            }
            QueryKey::Body(text) | QueryKey::Text(text) if text.is_empty() => {
                self.columns.push((place, Column::Always(true)));
            }
            QueryKey::Body(text) => {
                self.texts.push(TextKey { place, needle: Needle::new(text), in_header: false });
            }
            QueryKey::Text(text) => {
                self.texts.push(TextKey { place, needle: Needle::new(text), in_header: true });
            }
            QueryKey::SentBefore(day) => self.sent.push((place, day.number(), BEFORE)),
            QueryKey::SentOn(day) => self.sent.push((place, day.number(), ON)),
            QueryKey::SentSince(day) => self.sent.push((place, day.number(), SINCE)),
            QueryKey::ThreadId(thread) => self.threads.push((place, *thread)),
            other => self.columns.push((place, column(other, moment, snapshot))),
        }
    }

    /// Takes in what an index says of a text key.
    pub(super) fn hint(&mut self, place: usize, candidates: Candidates) {
        self.hints.push((place, candidates));
    }

    /// What the columns tell of a message.
    pub(super) fn look(&self, entry: &Entry, known: &mut Known) {
        known.clear();
        known.resize(self.keys, None);
        for (place, column) in &self.columns {
            if let Some(known) = known.get_mut(*place) {
                *known = Some(self.holds(column, entry));
            }
        }
        for (place, candidates) in &self.hints {
            if let (Some(known), Some(holds)) = (known.get_mut(*place), candidates.tell(entry.email)) {
                *known = Some(holds);
            }
        }
    }

    fn holds(&self, column: &Column, entry: &Entry) -> bool {
        match column {
            Column::Always(value) => *value,
            Column::Uids(uids) => uids.contains(entry.uid),
            Column::From(uid, value) => (entry.uid >= *uid) == *value,
            Column::New(uid) => entry.uid >= *uid && !entry.flags.contains(Flags::SEEN),
            Column::All(flags) => entry.flags.contains(*flags),
            Column::None(flags) => entry.flags.0 & flags.0 == 0,
            Column::Date(day, fits) => compare(Day::of(entry.internal_date, self.zone_minutes).number(), *day, *fits),
            Column::Saved(day, fits) => compare(Day::of(entry.save_date, self.zone_minutes).number(), *day, *fits),
            Column::Until(second) => entry.internal_date.unix_seconds() <= *second,
            Column::Since(second) => entry.internal_date.unix_seconds() >= *second,
            Column::Email(email) => entry.email == *email,
            Column::Larger(size) => u64::from(entry.size) > *size,
            Column::Smaller(size) => u64::from(entry.size) < *size,
            Column::ModSeq(modseq) => entry.modseq >= *modseq,
        }
    }

    /// Adds what the content's row tells.
    pub(super) fn look_at_content(&self, content: &Content, known: &mut Known) {
        for (place, thread) in &self.threads {
            set(known, *place, content.thread == *thread);
        }
        let summary = &content.summary;
        let sent = summary.sent().map(|sent| Day::of(sent.at, sent.offset_minutes).number());
        for (place, day, fits) in &self.sent {
            set(known, *place, sent.is_some_and(|sent| compare(sent, *day, *fits)));
        }
        for key in &self.fields {
            let Some(text) = key.summary else { continue };
            let is_found = key.needle.is_in(text(summary));
            // What was cut off may hold it yet, and a field that is not shown.
            let is_all = !(summary.is_text_cut() || key.reading == Reading::Each && summary.is_subject_repeated());
            if is_found || is_all {
                set(known, key.place, is_found);
            }
        }
    }

    /// Whether the message fits; `None` if that is still open.
    pub(super) fn decide(&self, known: &Known, stack: &mut Vec<Option<bool>>) -> Option<bool> {
        stack.clear();
        for part in &self.parts {
            let value = match part {
                Part::Key(place) => known.get(*place).copied().flatten(),
                Part::Not => stack.pop().flatten().map(|value| !value),
                Part::And(count) => combine(stack, *count, false),
                Part::Or(count) => combine(stack, *count, true),
            };
            stack.push(value);
        }
        stack.pop().flatten()
    }

    /// Whether summaries can tell anything.
    pub(super) fn needs_contents(&self) -> bool {
        !(self.sent.is_empty() && self.threads.is_empty() && self.fields.is_empty() && self.texts.is_empty())
    }
}

/// Sets what was not known.
pub(super) fn set(known: &mut Known, place: usize, value: bool) {
    if let Some(slot) = known.get_mut(place) {
        slot.get_or_insert(value);
    }
}

/// Takes operands off the stack; one of them that is `decisive` decides, else one that is open leaves all open.
fn combine(stack: &mut Vec<Option<bool>>, count: usize, decisive: bool) -> Option<bool> {
    let start = stack.len().saturating_sub(count);
    let operands = stack.get(start..).unwrap_or_default();
    let value = if operands.contains(&Some(decisive)) {
        Some(decisive)
    } else if operands.contains(&None) {
        None
    } else {
        Some(!decisive)
    };
    stack.truncate(start);
    value
}

fn compare(day: i64, with: i64, [earlier, same, later]: [bool; 3]) -> bool {
    match day.cmp(&with) {
        std::cmp::Ordering::Less => earlier,
        std::cmp::Ordering::Equal => same,
        std::cmp::Ordering::Greater => later,
    }
}

fn column(key: &QueryKey, moment: Timestamp, snapshot: &Snapshot) -> Column {
    match key {
        QueryKey::Uids(uids) => Column::Uids(uids.clone()),
        QueryKey::Flag(flags) => Column::All(flags.system()),
        QueryKey::NoFlag(flags) => Column::None(flags.system()),
        QueryKey::Keyword(keyword) => {
            snapshot.keywords.flag(keyword.as_str()).map_or(Column::Always(false), Column::All)
        }
        QueryKey::NoKeyword(keyword) => {
            snapshot.keywords.flag(keyword.as_str()).map_or(Column::Always(true), Column::None)
        }
        QueryKey::Recent(first) => first.map_or(Column::Always(false), |uid| Column::From(uid, true)),
        QueryKey::New(first) => first.map_or(Column::Always(false), Column::New),
        QueryKey::Old(first) => first.map_or(Column::Always(true), |uid| Column::From(uid, false)),
        QueryKey::Before(day) => Column::Date(day.number(), BEFORE),
        QueryKey::On(day) => Column::Date(day.number(), ON),
        QueryKey::Since(day) => Column::Date(day.number(), SINCE),
        QueryKey::Older(seconds) => Column::Until(moment.unix_seconds().saturating_sub(i64::from(*seconds))),
        QueryKey::Younger(seconds) => Column::Since(moment.unix_seconds().saturating_sub(i64::from(*seconds))),
        QueryKey::SavedBefore(day) => Column::Saved(day.number(), BEFORE),
        QueryKey::SavedOn(day) => Column::Saved(day.number(), ON),
        QueryKey::SavedSince(day) => Column::Saved(day.number(), SINCE),
        QueryKey::EmailId(email) => Column::Email(*email),
        QueryKey::Larger(size) => Column::Larger(*size),
        QueryKey::Smaller(size) => Column::Smaller(*size),
        QueryKey::ModSeq(modseq) => Column::ModSeq(*modseq),
        _ => Column::Always(true),
    }
}
