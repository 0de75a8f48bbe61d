//! SELECT (RFC 3501 §6.3.1) with its parameters CONDSTORE (RFC 7162 §3.1.8) and QRESYNC (RFC 7162 §3.2.5).

use super::Command;
use crate::codec::{Cursor, ParseError, SequenceSet, UID_REQUIRED};
use types::{MailboxName, ModSeq, UidSet, UidValidity};

/// Which mailbox to open; SELECT and EXAMINE have the same arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    /// The mailbox.
    pub mailbox: MailboxName,
    /// The client's spelling, if it is not the one that is kept (RFC 9051 §6.3.9.7).
    pub spelled: Option<Box<str>>,
    /// Whether CONDSTORE is to be enabled with it.
    pub condstore: bool,
    /// What the client knows of the mailbox, to be told what changed since.
    pub resync: Option<Box<Resync>>,
}

/// What a client knows of a mailbox that it had open before (RFC 7162 §3.2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resync {
    /// The UIDVALIDITY of what it knows.
    pub uid_validity: UidValidity,
    /// It knows of all changes up to this one.
    pub since: ModSeq,
    /// The messages it is interested in; `None` for all.
    pub known: Option<UidSet>,
    /// Some sequence numbers and their UIDs, as it knows them, ascending.
    pub samples: Vec<KnownRun>,
}

/// Messages that stand in a row, in sequence numbers and in UIDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownRun {
    /// The first one's sequence number.
    pub seq: u32,
    /// The first one's UID.
    pub uid: u32,
    /// How many follow the first one, each number one higher.
    pub more: u32,
}

pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    parse_arguments(cursor).map(Command::Select)
}

/// ```text
/// select        = "SELECT" SP mailbox [select-params]
/// select-params = SP "(" select-param *(SP select-param) ")"
/// select-param  = "CONDSTORE" / "QRESYNC" SP "(" qresync ")"
/// ```
pub(super) fn parse_arguments(cursor: &mut Cursor<'_>) -> Result<Select, ParseError> {
    cursor.space()?;
    let (mailbox, spelled) = cursor.mailbox_as_spelled()?;
    let mut select = Select { mailbox, spelled, condstore: false, resync: None };
    if cursor.rest().starts_with(b" (") {
        cursor.space()?;
        cursor.expect(b'(', "A parameter list is missing")?;
        loop {
            let parameter = cursor.atom()?;
            if parameter.eq_ignore_ascii_case("CONDSTORE") {
                select.condstore = true;
            } else if parameter.eq_ignore_ascii_case("QRESYNC") && select.resync.is_none() {
                select.resync = Some(Box::new(parse_resync(cursor)?));
            } else {
                return Err(ParseError::Syntax("There is no such parameter"));
            }
            if cursor.take_if(b')') {
                break;
            }
            cursor.space()?;
        }
    }
    Ok(select)
}

/// ```text
/// qresync        = uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data]
/// uidvalidity    = nz-number
/// known-uids     = sequence-set                                       ; without "*"
/// seq-match-data = "(" known-sequence-set SP known-uid-set ")"        ; both ascend, without "*"
/// ```
fn parse_resync(cursor: &mut Cursor<'_>) -> Result<Resync, ParseError> {
    // RFC 7162 §3.2.5: BAD, and the mailbox is not opened.
    if !cursor.enabled().qresync() {
        return Err(ParseError::Syntax("QRESYNC must be enabled first"));
    }
    cursor.space()?;
    cursor.expect(b'(', "QRESYNC needs its arguments")?;
    let uid_validity = UidValidity::new(cursor.nz_number()?.get());
    let uid_validity = uid_validity.ok_or(ParseError::Syntax("A UIDVALIDITY is missing"))?;
    cursor.space()?;
    let mut resync = Resync { uid_validity, since: cursor.modseq()?, known: None, samples: Vec::new() };
    let mut is_more = cursor.take_if(b' ');
    if is_more && cursor.peek() != Some(b'(') {
        let known = SequenceSet::parse_numbers(cursor)?;
        resync.known = Some(UidSet::from_ranges(known.into_iter().map(|(a, b)| a.min(b)..=a.max(b))));
        is_more = cursor.take_if(b' ');
    }
    if is_more {
        resync.samples = parse_samples(cursor)?;
    }
    cursor.expect(b')', "The arguments of QRESYNC are not closed")?;
    Ok(resync)
}

fn parse_samples(cursor: &mut Cursor<'_>) -> Result<Vec<KnownRun>, ParseError> {
    cursor.expect(b'(', "The known numbers are missing")?;
    // RFC 9586 §3.7: no sequence numbers in any argument.
    if cursor.enabled().uid_only() {
        return Err(UID_REQUIRED);
    }
    let seqs = SequenceSet::parse_numbers(cursor)?;
    cursor.space()?;
    let uids = SequenceSet::parse_numbers(cursor)?;
    cursor.expect(b')', "The known numbers are not closed")?;
    let ascends = |set: &[(u32, u32)]| set.iter().all(|(a, b)| a <= b) && set.is_sorted_by(|a, b| a.1 < b.0);
    if !ascends(&seqs) || !ascends(&uids) {
        return Err(ParseError::Syntax("The known numbers must ascend"));
    }
    pair(&seqs, &uids).ok_or(ParseError::Syntax("There must be as many known numbers as UIDs"))
}

/// Pairs two lists of ranges, without writing them out; `None` if one has more numbers than the other.
fn pair(seqs: &[(u32, u32)], uids: &[(u32, u32)]) -> Option<Vec<KnownRun>> {
    let (mut seqs, mut uids) = (seqs.iter().copied(), uids.iter().copied());
    let (mut seq_range, mut uid_range) = (seqs.next(), uids.next());
    let mut runs = Vec::new();
    while let (Some((seq, seq_end)), Some((uid, uid_end))) = (seq_range, uid_range) {
        let more = (seq_end - seq).min(uid_end - uid);
        runs.push(KnownRun { seq, uid, more });
        let rest = |first: u32, end: u32| (first + more < end).then(|| (first + more + 1, end));
        seq_range = rest(seq, seq_end).or_else(|| seqs.next());
        uid_range = rest(uid, uid_end).or_else(|| uids.next());
    }
    (seq_range.is_none() && uid_range.is_none()).then_some(runs)
}
