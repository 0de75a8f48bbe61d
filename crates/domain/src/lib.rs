//! Mail itself: accounts, mailboxes, messages, delivery, the queue. Services speak to this crate in mail verbs; only this
//! crate knows keys, and only `store_kv` beneath it knows where they lie.
//!
//! Start at [`Mail`] and [`Account`]; the key layout stands in `keys.rs`.

mod error;
mod keys;
mod mail;
mod row;

pub use error::MailError;
pub use mail::{
    Account, AccountWatch, Appended, Cause, Content, Copied, Expunge, FlagNames, Mail, MailOptions, MailboxInfo,
    MailboxStatus, Mailboxes, NewMessage, Restored, Retained, RetainedCursor, RetainedId, RetainedPage, Staged,
    Staging, StoredFlags, Swept, Usage, Vanished, View, uidl,
};
pub use store_kv::StagedBody;
