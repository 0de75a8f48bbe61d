//! What takes more than one batch and must not stay half done, as it is written down: with the first batch comes a row
//! that says how it ends, with the last one it goes. Who finds such a row of which nobody is in the middle ends what it
//! speaks of: when the account is loaded, at each sweep, and when the one who wrote it fails or is dropped.
//!
//! - COPY from another account puts all messages there or none (RFC 9051 §6.4.7): undone.
//! - MOVE from another account leaves each message in one of the two: taken out there.
//! - RENAME INBOX takes all messages to the new mailbox (RFC 9051 §6.3.6): gone on with.

use super::account::Account;
use super::live::Live;
use super::values::{Cause, Expunge};
use super::verb::transfer::{Mode, Transfer};
use super::verb::unfinished::{Finish, Rewrite};
use crate::row::{RowReader, RowWriter, corrupt};
use crate::{MailError, keys};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::OwnedRwLockReadGuard;
use types::{AccountId, MailboxId, Rights, Timestamp, Uid, UidSet};

const FORMAT: u8 = 1;
/// For how long the process that wrote such a row is left to end it, where several share the store.
const LEASE: Duration = Duration::from_mins(10);

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnfinishedRow {
    /// When the last step was made, or its end was begun.
    pub(crate) at: Timestamp,
    pub(crate) end: End,
}

/// How it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// These messages go again.
    Undo { mailbox: MailboxId, uids: UidSet },
    /// These messages of another account, which are here now, go there.
    Leave { account: AccountId, mailbox: MailboxId, uids: UidSet },
    /// What is left in `from` of the messages up to `last` comes to `to`.
    Follow { from: MailboxId, last: Uid, to: MailboxId },
}

impl UnfinishedRow {
    pub(crate) fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(FORMAT, 40);
        row.signed(self.at.0);
        match &self.end {
            End::Undo { mailbox, uids } => {
                row.byte(1);
                row.number(mailbox.0.into());
                write_set(&mut row, uids);
            }
            End::Leave { account, mailbox, uids } => {
                row.byte(2);
                row.number(account.0.into());
                row.number(mailbox.0.into());
                write_set(&mut row, uids);
            }
            End::Follow { from, last, to } => {
                row.byte(3);
                row.number(from.0.into());
                row.number(last.get().into());
                row.number(to.0.into());
            }
        }
        row.finish()
    }

    pub(crate) fn decode(row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row, FORMAT)?;
        let at = Timestamp(row.signed()?);
        let end = match row.byte()? {
            1 => End::Undo { mailbox: MailboxId(row.number32()?), uids: read_set(&mut row)? },
            2 => End::Leave {
                account: AccountId(row.number32()?),
                mailbox: MailboxId(row.number32()?),
                uids: read_set(&mut row)?,
            },
            3 => End::Follow {
                from: MailboxId(row.number32()?),
                last: Uid::new(row.number32()?)?,
                to: MailboxId(row.number32()?),
            },
            _ => return None,
        };
        Some(Self { at, end })
    }
}

fn write_set(row: &mut RowWriter, uids: &UidSet) {
    row.number(u64::try_from(uids.ranges().len()).unwrap_or(u64::MAX));
    for range in uids.ranges() {
        row.number((*range.start()).into());
        row.number((*range.end()).into());
    }
}

fn read_set(row: &mut RowReader<'_>) -> Option<UidSet> {
    let count = row.number()?;
    let mut ranges = Vec::new();
    for _ in 0..count {
        ranges.push(row.number32()?..=row.number32()?);
    }
    Some(UidSet::from_ranges(ranges))
}

/// Somebody is in the middle of something. Dropped before its end, as when a connection goes, it has the rest done.
struct Doing {
    live: Arc<Live>,
    lock: Option<OwnedRwLockReadGuard<()>>,
}

impl Drop for Doing {
    fn drop(&mut self) {
        if self.lock.take().is_some() {
            self.live.finish_soon();
        }
    }
}

impl Live {
    /// Does something that writes rows of this account for what it has not finished. If it fails, it is ended before the
    /// answer is known, if that is possible now.
    pub(super) async fn in_the_middle<T>(
        self: &Arc<Self>,
        work: impl Future<Output = Result<T, MailError>>,
    ) -> Result<T, MailError> {
        let lock = Arc::clone(&self.doing).read_owned().await;
        let mut doing = Doing { live: Arc::clone(self), lock: Some(lock) };
        let answer = work.await;
        doing.lock = None;
        if (answer.is_err() || self.owes_an_end.load(Ordering::Acquire))
            && let Err(error) = self.finish_all().await
        {
            self.warn(&error);
        }
        answer
    }

    /// Ends what nobody is in the middle of, in the background.
    pub(super) fn finish_soon(self: &Arc<Self>) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let live = Arc::clone(self);
        runtime.spawn(async move {
            if let Err(error) = live.finish_all().await {
                live.warn(&error);
            }
        });
    }

    fn warn(&self, error: &MailError) {
        let error: &dyn std::error::Error = error;
        tracing::warn!(account = %self.id, error, "what a command left half done is finished later");
    }

    /// Ends what nobody is in the middle of. If anybody is, it is done at his end.
    pub(super) async fn finish_all(self: &Arc<Self>) -> Result<(), MailError> {
        let _one = self.finishing.lock().await;
        self.owes_an_end.store(true, Ordering::Release);
        let Ok(_alone) = Arc::clone(&self.doing).try_write_owned() else { return Ok(()) };
        self.owes_an_end.store(false, Ordering::Release);
        // Behind the batches that wait, whose rows would not be seen yet.
        self.submit(Finish { number: None }).await?;
        let mut rows = Vec::new();
        self.scan_all(&keys::all_unfinished(self.id), |(key, row)| {
            let read = keys::unfinished_of(&key).zip(UnfinishedRow::decode(&row));
            rows.push(read.ok_or_else(|| corrupt("the row of something unfinished")));
            Ok(())
        })
        .await?;
        let mut answer = Ok(());
        for row in rows {
            // One that cannot be ended must not keep the others from it.
            if let Err(error) = self.end_row(row).await {
                self.warn(&error);
                answer = answer.and(Err(error));
            }
        }
        answer
    }

    /// Ends what a row speaks of, unless its writer may still do so himself.
    async fn end_row(self: &Arc<Self>, row: Result<(u64, UnfinishedRow), MailError>) -> Result<(), MailError> {
        let (mut number, row) = row?;
        if self.shared.options.shared_store {
            if self.shared.clock.now() < row.at.after(LEASE) {
                return Ok(());
            }
            // From here on its writer, who may be slow and not gone, can take no further step.
            number = match self.submit(Rewrite { number, end: row.end.clone() }).await {
                Err(MailError::Gone) => return Ok(()),
                rewritten => rewritten?,
            };
        }
        match self.end(row.end).await {
            // Where the mailbox is gone, so is what was to be done.
            Ok(()) | Err(MailError::NoSuchMailbox) => self.submit(Finish { number: Some(number) }).await,
            Err(error) => Err(error),
        }
    }

    async fn end(self: &Arc<Self>, end: End) -> Result<(), MailError> {
        match end {
            End::Undo { mailbox, uids } => {
                let account = Account::new(Arc::clone(self));
                account.expunge(mailbox, Expunge::These(uids), Cause::Rule).await?;
            }
            End::Leave { account, mailbox, uids } => {
                // Without it the process ends, and the next one will do it.
                let Some(mail) = self.shared.mail.upgrade() else { return Err(MailError::Busy) };
                mail.account(account).await?.expunge(mailbox, Expunge::These(uids), Cause::Imap).await?;
            }
            End::Follow { from, last, to } => self.follow_to(from, (Uid::MIN, last), to).await?,
        }
        Ok(())
    }

    /// Moves what is left of some messages.
    pub(super) async fn follow_to(
        self: &Arc<Self>,
        from: MailboxId,
        (first, last): (Uid, Uid),
        to: MailboxId,
    ) -> Result<(), MailError> {
        let uids = Arc::new(UidSet::from_ranges([first.get()..=last.get()]));
        let mut next = Some(first);
        while let Some(first) = next {
            let uids = Arc::clone(&uids);
            let step = Transfer { mode: Mode::Move, source: from, uids, from: first, target: to, rights: Rights::ALL };
            next = self.submit(step).await?.1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_read_back_and_other_formats_do_not() {
        let uids = UidSet::from_ranges([1..=3, 7..=7, u32::MAX..=u32::MAX]);
        let ends = [
            End::Undo { mailbox: MailboxId(4), uids: uids.clone() },
            End::Leave { account: AccountId(u32::MAX), mailbox: MailboxId(1), uids },
            End::Follow { from: MailboxId(1), last: Uid::MAX, to: MailboxId(9) },
        ];
        for end in ends {
            let row = UnfinishedRow { at: Timestamp(1_000_000_000_000), end };
            let bytes = row.encode();
            assert_eq!(UnfinishedRow::decode(&bytes), Some(row));
            for cut in 0..bytes.len() {
                assert_eq!(UnfinishedRow::decode(&bytes[..cut]), None);
            }
        }
        assert_eq!(UnfinishedRow::decode(b"\x02\x00\x01\x01\x00"), None);
        // As the first format has it on disk.
        let first = UnfinishedRow {
            at: Timestamp(1),
            end: End::Undo { mailbox: MailboxId(4), uids: UidSet::from_ranges([1..=3]) },
        };
        assert_eq!(UnfinishedRow::decode(b"\x01\x02\x01\x04\x01\x01\x03"), Some(first));
    }
}
