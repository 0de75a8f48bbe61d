//! The queue's rows.

use super::item::{
    Attempt, BodyForm, EnvelopeRecipient, Notify, QueueContent, QueueItem, QueuedRecipient, RecipientState, Returns,
};
use crate::keys;
use crate::row::{RowReader, RowWriter};
use bytes::Bytes;
use message::Summary;
use store_kv::{Batch, BodyHash, BodyId};
use types::{AccountId, Address, Octets, Timestamp, TraceId};

const FORMAT: u8 = 1;

/// Flags of an item.
const UTF8: u8 = 1;
const EIGHT_BIT: u8 = 2;
const FULL_RETURN: u8 = 4;
const HELD: u8 = 8;
const DELAY_REPORTED: u8 = 16;

/// Flags of a recipient; its state stands above them.
const SUCCESS: u8 = 1;
const FAILURE: u8 = 2;
const DELAY: u8 = 4;
const STATES: [RecipientState; 4] =
    [RecipientState::Waiting, RecipientState::Delivered, RecipientState::Failed, RecipientState::Reported];

/// Who works on an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LeaseRow {
    /// Names the lease.
    pub(super) token: u64,
    /// Names the process.
    pub(super) owner: u64,
    pub(super) until: Timestamp,
}

/// An item with the row that it was read from.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) item: QueueItem,
    pub(super) lease: Option<LeaseRow>,
    pub(super) row: Bytes,
}

impl Stored {
    /// Puts a new state of the item into a batch, in place of this one.
    pub(super) fn replace(&self, batch: &mut Batch, item: &QueueItem, lease: Option<LeaseRow>) {
        let trace = item.trace;
        batch.expect(keys::queue_item(trace), Some(self.row.clone()));
        batch.put(keys::queue_item(trace), encode_item(item, lease));
        if item.due != self.item.due {
            batch.delete(keys::queue_due(self.item.due, trace));
            batch.put(keys::queue_due(item.due, trace), Bytes::new());
        }
    }
}

fn flag(set: bool, bit: u8) -> u8 {
    if set { bit } else { 0 }
}

/// A text that may be missing is empty then.
fn put_text(row: &mut RowWriter, text: Option<&str>) {
    row.bytes(text.unwrap_or_default().as_bytes());
}

/// Reads what [`put_text`] wrote.
fn optional(text: &str) -> Option<Box<str>> {
    (!text.is_empty()).then(|| text.into())
}

pub(super) fn encode_item(item: &QueueItem, lease: Option<LeaseRow>) -> Bytes {
    let mut row = RowWriter::new(FORMAT, 128 + 64 * item.recipients.len());
    row.byte(
        flag(item.utf8, UTF8)
            | flag(item.body == BodyForm::EightBitMime, EIGHT_BIT)
            | flag(item.returns == Returns::Full, FULL_RETURN)
            | flag(item.held, HELD)
            | flag(item.delay_reported, DELAY_REPORTED),
    );
    row.number(item.size.0);
    row.signed(item.created.0);
    row.signed(item.due.0);
    row.number(u64::from(item.attempts));
    row.byte(u8::from(lease.is_some()));
    if let Some(lease) = lease {
        row.number(lease.token);
        row.number(lease.owner);
        row.signed(lease.until.0);
    }
    put_text(&mut row, item.reverse_path.as_ref().map(ToString::to_string).as_deref());
    put_text(&mut row, item.envelope_id.as_deref());
    row.number(u64::try_from(item.recipients.len()).unwrap_or(u64::MAX));
    for recipient in &item.recipients {
        put_recipient(&mut row, recipient);
    }
    row.finish()
}

fn put_recipient(row: &mut RowWriter, recipient: &QueuedRecipient) {
    let EnvelopeRecipient { address, account, original, notify } = &recipient.envelope;
    let state = STATES.iter().position(|state| *state == recipient.state).and_then(|place| u8::try_from(place).ok());
    let flags = flag(notify.success, SUCCESS) | flag(notify.failure, FAILURE) | flag(notify.delay, DELAY);
    row.byte(flags | state.unwrap_or(0) << 4);
    row.bytes(address.to_string().as_bytes());
    // No person has account 0.
    row.number(account.map_or(0, |account| u64::from(account.0)));
    put_text(row, original.as_deref());
    row.byte(u8::from(recipient.last.is_some()));
    if let Some(Attempt { at, status, text, host }) = &recipient.last {
        row.signed(at.0);
        row.bytes(status.as_bytes());
        row.bytes(text.as_bytes());
        put_text(row, host.as_deref());
    }
}

fn read_recipient(row: &mut RowReader<'_>) -> Option<QueuedRecipient> {
    let flags = row.byte()?;
    let state = *STATES.get(usize::from(flags >> 4))?;
    let has = |bit| flags & bit != 0;
    let notify = Notify { success: has(SUCCESS), failure: has(FAILURE), delay: has(DELAY) };
    let address = Address::parse(row.text()?).ok()?;
    let account = Some(AccountId(row.number32()?)).filter(|account| account.0 != 0);
    let original = optional(row.text()?);
    let mut last = None;
    if row.byte()? != 0 {
        let (at, status, text) = (Timestamp(row.signed()?), row.text()?.into(), row.text()?.into());
        last = Some(Attempt { at, status, text, host: optional(row.text()?) });
    }
    Some(QueuedRecipient { envelope: EnvelopeRecipient { address, account, original, notify }, state, last })
}

pub(super) fn decode_item(trace: TraceId, stored: Bytes) -> Option<Stored> {
    let mut row = RowReader::new(&stored, FORMAT)?;
    let flags = row.byte()?;
    let has = |bit| flags & bit != 0;
    let (size, created) = (Octets(row.number()?), Timestamp(row.signed()?));
    let (due, attempts) = (Timestamp(row.signed()?), row.number32()?);
    let lease = match row.byte()? {
        0 => None,
        _ => Some(LeaseRow { token: row.number()?, owner: row.number()?, until: Timestamp(row.signed()?) }),
    };
    let reverse_path = match row.text()? {
        "" => None,
        text => Some(Address::parse(text).ok()?),
    };
    let envelope_id = optional(row.text()?);
    let count = row.number()?;
    let mut recipients = Vec::new();
    for _ in 0..count {
        recipients.push(read_recipient(&mut row)?);
    }
    row.end()?;
    let item = QueueItem {
        trace,
        reverse_path,
        recipients,
        utf8: has(UTF8),
        body: if has(EIGHT_BIT) { BodyForm::EightBitMime } else { BodyForm::SevenBit },
        envelope_id,
        returns: if has(FULL_RETURN) { Returns::Full } else { Returns::Header },
        size,
        created,
        attempts,
        due,
        leased_until: lease.map(|lease| lease.until),
        held: has(HELD),
        delay_reported: has(DELAY_REPORTED),
    };
    Some(Stored { item, lease, row: stored })
}

pub(super) fn encode_content(content: &QueueContent) -> Bytes {
    let summary = content.summary.encode();
    let mut row = RowWriter::new(FORMAT, 64 + summary.len());
    row.wide(content.body.0);
    row.raw(&content.hash.0);
    row.number(content.size.0);
    row.number(content.return_path);
    row.raw(&summary);
    row.finish()
}

pub(super) fn decode_content(row: &Bytes) -> Option<QueueContent> {
    let mut reader = RowReader::new(row, FORMAT)?;
    let (body, hash) = (BodyId(reader.wide()?), BodyHash(reader.array()?));
    let (size, return_path) = (Octets(reader.number()?), reader.number()?);
    let summary = Summary::decode(row.slice(row.len().checked_sub(reader.left())?..)).ok()?;
    Some(QueueContent { body, hash, size, summary, return_path })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Envelope;

    #[test]
    fn items_read_back() {
        let address = |text| Address::parse(text).unwrap();
        let recipients = vec![
            EnvelopeRecipient::foreign(address("x@example.com")),
            EnvelopeRecipient {
                original: Some("rfc822;bob@example.org".into()),
                notify: Notify { success: true, failure: false, delay: false },
                ..EnvelopeRecipient::local(address("bob@example.org"), AccountId(17))
            },
        ];
        let envelope = Envelope { recipients, reverse_path: Some(address("\"a b\"@x.example")), ..Envelope::default() };
        let mut item = QueueItem::new(TraceId(5), envelope, Octets(7), Timestamp(-9));
        let lease = LeaseRow { token: u64::MAX, owner: 3, until: Timestamp(8) };
        let read = |item: &QueueItem, lease| decode_item(item.trace, encode_item(item, lease)).unwrap();
        assert_eq!(read(&item, None).item, item);
        item.leased_until = Some(Timestamp(8));
        item.recipients[0].state = RecipientState::Reported;
        let (status, text) = ("5.1.1".into(), "gone".into());
        item.recipients[0].last = Some(Attempt { at: Timestamp(4), status, text, host: Some("mx.example.com".into()) });
        (item.held, item.utf8, item.delay_reported, item.returns) = (true, true, true, Returns::Full);
        (item.body, item.envelope_id, item.reverse_path) = (BodyForm::EightBitMime, Some("id".into()), None);
        let stored = read(&item, Some(lease));
        assert_eq!((stored.item, stored.lease), (item, Some(lease)));
    }

    #[test]
    fn rows_of_another_shape_are_none() {
        for bad in [&b""[..], &[2], &[1], &[1, 0, 0, 0, 0, 0, 0, 0, 0, 9], &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]] {
            assert!(decode_item(TraceId(1), Bytes::copy_from_slice(bad)).is_none());
            assert!(decode_content(&Bytes::copy_from_slice(bad)).is_none());
        }
    }
}
