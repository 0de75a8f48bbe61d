//! The account's own row.

use super::modseq;
use crate::mail::values::{QuotaLimits, Usage};
use crate::row::{RowReader, RowWriter};
use bytes::Bytes;
use types::{ModSeq, Octets};

/// With a limit of octets alone: what the first version of this program wrote.
const WITH_OCTETS: u8 = 1;
/// With limits of messages and mailboxes too.
const WITH_LIMITS: u8 = 2;

/// The account's own row; every change rewrites it and wants the old one unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccountRow {
    /// The change counter: the highest MODSEQ given out.
    pub(crate) counter: ModSeq,
    pub(crate) next_mailbox: u32,
    pub(crate) next_email: u64,
    pub(crate) next_subscription: u32,
    /// The highest UIDVALIDITY given out.
    pub(crate) uid_validity: u32,
    /// What lies in mailboxes; retention does not count.
    pub(crate) octets: u64,
    pub(crate) messages: u64,
    pub(crate) limits: QuotaLimits,
}

impl Default for AccountRow {
    /// An account in which nothing has happened. Ids begin at 1.
    fn default() -> Self {
        Self {
            counter: ModSeq::ZERO,
            next_mailbox: 1,
            next_email: 1,
            next_subscription: 1,
            uid_validity: 0,
            octets: 0,
            messages: 0,
            limits: QuotaLimits::default(),
        }
    }
}

impl AccountRow {
    /// What is held and what may be, with so many mailboxes.
    pub(crate) fn usage(&self, mailboxes: usize) -> Usage {
        Usage {
            octets: Octets(self.octets),
            messages: self.messages,
            mailboxes: u64::try_from(mailboxes).unwrap_or(u64::MAX),
            quota: self.limits.octets,
            messages_max: self.limits.messages,
            mailboxes_max: self.limits.mailboxes,
        }
    }

    /// In the first form if that is enough, so that an upgrade can be taken back.
    pub(crate) fn encode(&self) -> Bytes {
        let is_plain = self.limits.messages.is_none() && self.limits.mailboxes.is_none();
        let mut row = RowWriter::new(if is_plain { WITH_OCTETS } else { WITH_LIMITS }, 40);
        row.number(self.counter.0);
        row.number(self.next_mailbox.into());
        row.number(self.next_email);
        row.number(self.next_subscription.into());
        row.number(self.uid_validity.into());
        row.number(self.octets);
        row.number(self.messages);
        put_limit(&mut row, self.limits.octets.map(|octets| octets.0));
        if !is_plain {
            put_limit(&mut row, self.limits.messages);
            put_limit(&mut row, self.limits.mailboxes);
        }
        row.finish()
    }

    pub(crate) fn decode(row: &[u8]) -> Option<Self> {
        let is_plain = row.first() == Some(&WITH_OCTETS);
        let mut row = RowReader::new(row, if is_plain { WITH_OCTETS } else { WITH_LIMITS })?;
        let mut account = Self {
            counter: modseq(row.number()?)?,
            next_mailbox: row.number32()?,
            next_email: row.number()?,
            next_subscription: row.number32()?,
            uid_validity: row.number32()?,
            octets: row.number()?,
            messages: row.number()?,
            limits: QuotaLimits { octets: take_limit(&mut row)?.0.map(Octets), ..QuotaLimits::default() },
        };
        if !is_plain {
            account.limits.messages = take_limit(&mut row)?.0;
            account.limits.mailboxes = take_limit(&mut row)?.0;
        }
        row.end()?;
        Some(account)
    }
}

fn put_limit(row: &mut RowWriter, limit: Option<u64>) {
    row.byte(u8::from(limit.is_some()));
    if let Some(limit) = limit {
        row.number(limit);
    }
}

/// A limit, or that there is none.
struct Limit(Option<u64>);

fn take_limit(row: &mut RowReader<'_>) -> Option<Limit> {
    match row.byte()? {
        0 => Some(Limit(None)),
        1 => Some(Limit(Some(row.number()?))),
        _ => None,
    }
}
