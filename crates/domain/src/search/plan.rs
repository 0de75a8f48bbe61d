//! A query made ready for one mailbox: keys by what they cost, evaluated in three values, so that what is known so far
//! decides as early as it can.

use super::Day;
use super::{AddressField, Query, QueryKey, Step};
use message::Summary;
use message::casefold::Needle;
use types::snapshot::{Entry, Snapshot};
use types::{Flags, ModSeq, Uid, UidSet};

/// Where in a summary a field's text stands.
type SummaryText = fn(&Summary) -> &str;

/// A key that a snapshot's columns answer.
enum Column<'q> {
    Always(bool),
    Uids(&'q UidSet),
    From(Uid, bool),
    New(Uid),
    All(Flags),
    None(Flags),
    /// The day of INTERNALDATE against this one, and whether it may be earlier, the same, later.
    Date(i64, [bool; 3]),
    Larger(u64),
    Smaller(u64),
    ModSeq(ModSeq),
}

/// A key about text in header fields of a name.
pub(super) struct FieldKey<'q> {
    /// Which key of the plan.
    pub(super) place: usize,
    pub(super) name: &'q str,
    /// Where in the summary its text stands, if it does.
    summary: Option<SummaryText>,
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
pub(super) struct Plan<'q> {
    parts: Vec<Part>,
    keys: usize,
    columns: Vec<(usize, Column<'q>)>,
    sent: Vec<(usize, i64, [bool; 3])>,
    pub(super) fields: Vec<FieldKey<'q>>,
    pub(super) texts: Vec<TextKey>,
    zone_minutes: i16,
}

const BEFORE: [bool; 3] = [true, false, false];
const ON: [bool; 3] = [false, true, false];
const SINCE: [bool; 3] = [false, true, true];

impl<'q> Plan<'q> {
    pub(super) fn new(query: &'q Query, snapshot: &Snapshot) -> Self {
        let mut plan = Self {
            parts: Vec::with_capacity(query.steps.len()),
            keys: 0,
            columns: Vec::new(),
            sent: Vec::new(),
            fields: Vec::new(),
            texts: Vec::new(),
            zone_minutes: query.zone_minutes,
        };
        for step in &query.steps {
            let part = match step {
                Step::And(count) => Part::And(*count),
                Step::Or(count) => Part::Or(*count),
                Step::Not => Part::Not,
                Step::Key(key) => {
                    let place = plan.keys;
                    plan.keys += 1;
                    plan.add(place, key, snapshot);
                    Part::Key(place)
                }
            };
            plan.parts.push(part);
        }
        plan
    }

    fn add(&mut self, place: usize, key: &'q QueryKey, snapshot: &Snapshot) {
        let field = |name: &'q str, text: &str, summary: Option<SummaryText>| {
            // Whether there is an empty field the summary does not tell.
            let summary = summary.filter(|_| !text.is_empty());
            FieldKey { place, name, summary, needle: Needle::new(text) }
        };
        match key {
            QueryKey::Address(which, text) => {
                let (name, summary): (_, SummaryText) = match which {
                    AddressField::From => ("From", Summary::from),
                    AddressField::To => ("To", Summary::to),
                    AddressField::Cc => ("Cc", Summary::cc),
                    AddressField::Bcc => ("Bcc", Summary::bcc),
                };
                self.fields.push(field(name, text, Some(summary)));
            }
            QueryKey::Subject(text) => self.fields.push(field("Subject", text, Some(Summary::subject))),
            QueryKey::Header(name, text) => self.fields.push(field(name, text, known_field(name))),
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
            other => self.columns.push((place, column(other, snapshot))),
        }
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
    }

    fn holds(&self, column: &Column<'_>, entry: &Entry) -> bool {
        match column {
            Column::Always(value) => *value,
            Column::Uids(uids) => uids.contains(entry.uid),
            Column::From(uid, value) => (entry.uid >= *uid) == *value,
            Column::New(uid) => entry.uid >= *uid && !entry.flags.contains(Flags::SEEN),
            Column::All(flags) => entry.flags.contains(*flags),
            Column::None(flags) => entry.flags.0 & flags.0 == 0,
            Column::Date(day, fits) => compare(Day::of(entry.internal_date, self.zone_minutes).number(), *day, *fits),
            Column::Larger(size) => u64::from(entry.size) > *size,
            Column::Smaller(size) => u64::from(entry.size) < *size,
            Column::ModSeq(modseq) => entry.modseq >= *modseq,
        }
    }

    /// Adds what the summary tells.
    pub(super) fn look_at_summary(&self, summary: &Summary, known: &mut Known) {
        let sent = summary.sent().map(|sent| Day::of(sent.at, sent.offset_minutes).number());
        for (place, day, fits) in &self.sent {
            set(known, *place, sent.is_some_and(|sent| compare(sent, *day, *fits)));
        }
        for key in &self.fields {
            let Some(text) = key.summary else { continue };
            let is_found = key.needle.is_in(text(summary));
            // What was cut off may hold it yet.
            if is_found || !summary.is_text_cut() {
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
        !(self.sent.is_empty() && self.fields.is_empty() && self.texts.is_empty())
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

fn column<'q>(key: &'q QueryKey, snapshot: &Snapshot) -> Column<'q> {
    match key {
        QueryKey::Uids(uids) => Column::Uids(uids),
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
        QueryKey::Larger(size) => Column::Larger(*size),
        QueryKey::Smaller(size) => Column::Smaller(*size),
        QueryKey::ModSeq(modseq) => Column::ModSeq(*modseq),
        _ => Column::Always(true),
    }
}

/// Fields whose text the summary has.
fn known_field(name: &str) -> Option<SummaryText> {
    let known: [(&str, SummaryText); 7] = [
        ("Subject", Summary::subject),
        ("From", Summary::from),
        ("Sender", Summary::sender),
        ("Reply-To", Summary::reply_to),
        ("To", Summary::to),
        ("Cc", Summary::cc),
        ("Bcc", Summary::bcc),
    ];
    known.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, text)| text)
}
