//! Notices: what somebody is to be told by a letter, kept until that is written. They are written by the batch of what
//! they tell of; whoever writes the letters asks [`Directory::notices_due`] and ends each with [`Directory::notice_done`].

use super::cache::damaged;
use super::credential::{put_exposed, read_exposed};
use super::{Directory, DirectoryError, Exposed};
use crate::keys::{self, DIRECTORY};
use crate::row::{RowReader, RowWriter};
use bytes::Bytes;
use store_kv::{Batch, Scan, Space};
use types::{AccountId, CredentialId, Timestamp, TraceId};

const FORMAT: u8 = 1;

/// Names a notice; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NoticeId {
    /// When it is due.
    pub due: Timestamp,
    /// For whom.
    pub account: AccountId,
    /// About which password; 0 also where it is about none.
    pub credential: CredentialId,
    /// What it is, as a number.
    pub(crate) kind: u8,
}

impl NoticeId {
    /// Bytes that no other notice has: what the letter's trace id is derived from.
    pub fn bytes(self) -> [u8; 17] {
        let mut bytes = [0; 17];
        let parts = keys::time_bytes(self.due).into_iter().chain(self.account.0.to_be_bytes());
        let parts = parts.chain(self.credential.0.to_be_bytes()).chain([self.kind]);
        for (to, from) in bytes.iter_mut().zip(parts) {
            *to = from;
        }
        bytes
    }

    /// The trace id of the notice's letter: always the same, and as old as the notice, so that what remembers deliveries
    /// remembers this one for as long as it is new.
    pub fn trace(self) -> TraceId {
        let hash = blake3::hash(&self.bytes());
        TraceId::new(self.due, hash.as_bytes().first_chunk().copied().unwrap_or_default())
    }
}

/// What somebody is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A password was sent in clear.
    Exposed {
        /// The app password's name; `None` for the main one.
        name: Option<Box<str>>,
        /// How.
        exposed: Exposed,
    },
    /// It will be locked soon.
    ExposedReminder {
        /// The app password's name; `None` for the main one.
        name: Option<Box<str>>,
        /// How it was sent.
        exposed: Exposed,
    },
    /// The account is read by POP3 and by IMAP.
    BothProtocols,
}

pub(super) const EXPOSED: u8 = 0;
pub(super) const REMINDER: u8 = 1;
const BOTH_PROTOCOLS: u8 = 2;

impl Notice {
    fn kind(&self) -> u8 {
        match self {
            Self::Exposed { .. } => EXPOSED,
            Self::ExposedReminder { .. } => REMINDER,
            Self::BothProtocols => BOTH_PROTOCOLS,
        }
    }

    fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(FORMAT, 64);
        match self {
            Self::Exposed { name, exposed } | Self::ExposedReminder { name, exposed } => {
                row.byte(u8::from(name.is_some()));
                row.bytes(name.as_deref().unwrap_or_default().as_bytes());
                put_exposed(&mut row, exposed);
            }
            Self::BothProtocols => {}
        }
        row.finish()
    }

    fn decode(kind: u8, row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row, FORMAT)?;
        let notice = match kind {
            EXPOSED | REMINDER => {
                let is_app = row.byte()? != 0;
                let name = Some(Box::from(row.text()?)).filter(|_| is_app);
                let exposed = read_exposed(&mut row)?;
                if kind == EXPOSED { Self::Exposed { name, exposed } } else { Self::ExposedReminder { name, exposed } }
            }
            BOTH_PROTOCOLS => Self::BothProtocols,
            _ => return None,
        };
        row.end().map(|()| notice)
    }
}

/// Puts a notice into a batch of the directory.
pub(super) fn put_notice(
    batch: &mut Batch,
    due: Timestamp,
    account: AccountId,
    credential: CredentialId,
    notice: &Notice,
) {
    let id = NoticeId { due, account, credential, kind: notice.kind() };
    batch.put(keys::notice(id), notice.encode());
}

impl Directory {
    /// Notices whose time has come, the oldest first.
    pub async fn notices_due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(NoticeId, AccountId, Notice)>, DirectoryError> {
        let mut scan = Scan::prefix(&keys::notices());
        scan.limit.rows = limit.max(1);
        let mut due = Vec::new();
        for (key, value) in self.engine.scan(&scan).await?.rows {
            let id = keys::notice_of(&key).ok_or_else(damaged)?;
            if id.due > now {
                break;
            }
            due.push((id, id.account, Notice::decode(id.kind, &value).ok_or_else(damaged)?));
        }
        Ok(due)
    }

    /// Ends a notice: its letter is written, or nobody is to have one.
    pub async fn notice_done(&self, id: NoticeId) -> Result<(), DirectoryError> {
        let mut batch = Batch::new(DIRECTORY);
        batch.space = Space::Frees;
        batch.delete(keys::notice(id));
        self.commit(batch).await.map(|_| ())
    }
}
