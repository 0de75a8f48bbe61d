//! `* ESEARCH` (RFC 4731 §3.1, RFC 4466 §2.6.2, RFC 9051 §7.3.4; contexts: RFC 5267 §4.3; mailboxes: RFC 7377 §2.1).

use crate::codec::SetWriter;
use crate::codec::write::{write_mailbox, write_number, write_string};
use crate::enabled::Enabled;
use crate::search::PartialRange;
use bytes::BytesMut;
use std::fmt::Write as _;
use types::{MailboxName, ModSeq, UidValidity};

/// The answer in the making: the output can be sent on within its sets, which may hold all of a mailbox.
#[derive(Debug)]
#[must_use = "an answer must be ended"]
pub struct EsearchResponse {
    /// The next context position is the first of its list.
    opens_list: bool,
}

/// What a context gained or lost (RFC 5267 §4.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContextChange {
    /// ADDTO
    AddTo,
    /// REMOVEFROM
    RemoveFrom,
}

impl EsearchResponse {
    /// Begins the answer to the command of this tag. With `uid` the numbers are UIDs.
    pub fn begin(out: &mut BytesMut, tag: &str, uid: bool) -> Self {
        out.extend_from_slice(b"* ESEARCH (TAG ");
        write_string(out, tag.as_bytes());
        out.extend_from_slice(if uid { b") UID" } else { b")" });
        Self { opens_list: false }
    }

    /// Begins the answer about one of several mailboxes; the numbers are UIDs (RFC 7377 §2.1).
    pub fn begin_mailbox(
        out: &mut BytesMut,
        tag: &str,
        mailbox: &MailboxName,
        validity: UidValidity,
        enabled: Enabled,
    ) -> Self {
        out.extend_from_slice(b"* ESEARCH (TAG ");
        write_string(out, tag.as_bytes());
        out.extend_from_slice(b" MAILBOX ");
        write_mailbox(out, mailbox.as_str(), enabled);
        out.extend_from_slice(b" UIDVALIDITY ");
        write_number(out, u64::from(validity.get()));
        out.extend_from_slice(b") UID");
        Self { opens_list: false }
    }

    /// MIN
    pub fn min(&mut self, out: &mut BytesMut, number: u32) {
        write_item(out, b" MIN ", u64::from(number));
    }

    /// MAX
    pub fn max(&mut self, out: &mut BytesMut, number: u32) {
        write_item(out, b" MAX ", u64::from(number));
    }

    /// COUNT
    pub fn count(&mut self, out: &mut BytesMut, count: u32) {
        write_item(out, b" COUNT ", u64::from(count));
    }

    /// MODSEQ (RFC 4731 §3.2)
    pub fn modseq(&mut self, out: &mut BytesMut, modseq: ModSeq) {
        write_item(out, b" MODSEQ ", modseq.0);
    }

    /// ALL: the set that is put into the writer must not be empty.
    pub fn begin_all(&mut self, out: &mut BytesMut) -> SetWriter {
        out.extend_from_slice(b" ALL ");
        SetWriter::default()
    }

    /// PARTIAL: the range as it was asked for, then the set, which may be empty.
    pub fn begin_partial(&mut self, out: &mut BytesMut, range: PartialRange) -> SetWriter {
        // Writing to a BytesMut does not fail.
        let _ = write!(out, " PARTIAL ({range} ");
        SetWriter::default()
    }

    /// Ends PARTIAL.
    pub fn end_partial(&mut self, out: &mut BytesMut, set: SetWriter) {
        if !set.end(out) {
            out.extend_from_slice(b"NIL");
        }
        out.extend_from_slice(b")");
    }

    /// Begins ADDTO or REMOVEFROM; [`Self::at`] follows at least once, then [`Self::end_change`].
    pub fn begin_change(&mut self, out: &mut BytesMut, change: ContextChange) {
        self.opens_list = true;
        out.extend_from_slice(match change {
            ContextChange::AddTo => b" ADDTO (",
            ContextChange::RemoveFrom => b" REMOVEFROM (",
        });
    }

    /// A context position; the set that follows must not be empty.
    pub fn at(&mut self, out: &mut BytesMut, position: u32) -> SetWriter {
        if !std::mem::replace(&mut self.opens_list, false) {
            out.extend_from_slice(b" ");
        }
        write_number(out, u64::from(position));
        out.extend_from_slice(b" ");
        SetWriter::default()
    }

    /// Ends ADDTO or REMOVEFROM.
    pub fn end_change(&mut self, out: &mut BytesMut) {
        out.extend_from_slice(b")");
    }

    /// Ends the answer.
    pub fn end(self, out: &mut BytesMut) {
        out.extend_from_slice(b"\r\n");
    }
}

fn write_item(out: &mut BytesMut, name: &[u8], number: u64) {
    out.extend_from_slice(name);
    write_number(out, number);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Cursor;

    fn written(write: impl Fn(&mut BytesMut)) -> String {
        let mut out = BytesMut::new();
        write(&mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn answers_are_those_of_the_rfcs() {
        let all = written(|o| {
            let mut answer = EsearchResponse::begin(o, "A283", false);
            let mut set = answer.begin_all(o);
            for n in &[2, 10, 11] {
                set.push(o, *n);
            }
            set.end(o);
            answer.end(o);
        });
        assert_eq!(all, "* ESEARCH (TAG \"A283\") ALL 2,10:11\r\n");
        let ends = written(|o| {
            let mut answer = EsearchResponse::begin(o, "a\\4", true);
            answer.min(o, 2);
            answer.max(o, 23);
            answer.count(o, 10);
            answer.modseq(o, ModSeq(917_162_500));
            answer.end(o);
        });
        assert_eq!(ends, "* ESEARCH (TAG \"a\\\\4\") UID MIN 2 MAX 23 COUNT 10 MODSEQ 917162500\r\n");
        let range = PartialRange::parse(&mut Cursor::new(b"24000:24500")).unwrap();
        for (numbers, expected) in [(&[][..], "NIL"), (&[7, 8], "7:8")] {
            let partial = written(|o| {
                let mut answer = EsearchResponse::begin(o, "A04", true);
                let mut set = answer.begin_partial(o, range);
                for n in numbers {
                    set.push(o, *n);
                }
                answer.end_partial(o, set);
                answer.end(o);
            });
            assert_eq!(partial, format!("* ESEARCH (TAG \"A04\") UID PARTIAL (24000:24500 {expected})\r\n"));
        }
    }

    #[test]
    fn a_mailbox_and_what_a_context_gains_are_told() {
        let name = MailboxName::parse("folder2/banana").unwrap();
        let mailbox = written(|o| {
            let validity = UidValidity::new(503).unwrap();
            let answer = EsearchResponse::begin_mailbox(o, "tag1", &name, validity, Enabled::default());
            answer.end(o);
        });
        assert_eq!(mailbox, "* ESEARCH (TAG \"tag1\" MAILBOX folder2/banana UIDVALIDITY 503) UID\r\n");
        let change = written(|o| {
            let mut answer = EsearchResponse::begin(o, "C01", true);
            answer.begin_change(o, ContextChange::AddTo);
            for (position, numbers) in [(1, &[2733][..]), (1, &[2731, 2732])] {
                let mut set = answer.at(o, position);
                for n in numbers {
                    set.push(o, *n);
                }
                set.end(o);
            }
            answer.end_change(o);
            answer.end(o);
        });
        assert_eq!(change, "* ESEARCH (TAG \"C01\") UID ADDTO (1 2733 1 2731:2732)\r\n");
    }
}
