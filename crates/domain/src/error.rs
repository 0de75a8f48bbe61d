//! What a mail verb can answer instead of success, by what the caller can do about it.

use std::io::ErrorKind;
use store_kv::StoreError;
use types::{MailboxNameError, Octets};

/// Why a mail verb did not do what it was asked. Unless it says otherwise, nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum MailError {
    /// There is no mailbox of that name or id, or it cannot be selected.
    #[error("there is no such mailbox")]
    NoSuchMailbox,
    /// A mailbox of that name exists.
    #[error("the mailbox exists already")]
    AlreadyExists,
    /// The mailbox has others below it and nothing of its own that could be deleted (RFC 9051 §6.3.5).
    #[error("the mailbox has mailboxes below it")]
    HasChildren,
    /// INBOX can be neither deleted nor created, and no mailbox can be moved below itself.
    #[error("this mailbox cannot be changed so")]
    CannotBeChanged,
    /// The new name breaks a rule.
    #[error("the mailbox name is not valid: {0}")]
    NameInvalid(#[source] MailboxNameError),
    /// Another mailbox has the special use already.
    #[error("another mailbox has that special use")]
    UseTaken,
    /// The account has as many mailboxes or subscriptions as it may.
    #[error("the account has too many mailboxes")]
    TooManyMailboxes,
    /// The mailbox has as many keywords as it may.
    #[error("the mailbox has too many keywords")]
    KeywordsFull,
    /// The account's quota is used up.
    #[error("the quota is used up")]
    OverQuota,
    /// The mailbox's access control list has as many entries as it may.
    #[error("the access control list has too many entries")]
    AclFull,
    /// The value of an annotation is larger than values may be.
    #[error("the value is larger than {max} octets")]
    AnnotationTooLarge {
        /// The most there may be.
        max: Octets,
    },
    /// The mailbox or the account has as many annotations as it may.
    #[error("there are too many annotations")]
    TooManyAnnotations,
    /// Whoever asks has not the rights for it. No verb says so: those who look at rights do.
    #[error("the rights do not allow that")]
    NotPermitted,
    /// A message is larger than messages may be.
    #[error("the message is larger than {max} octets")]
    TooLarge {
        /// The most there may be.
        max: Octets,
    },
    /// One command names more messages than can be done at once.
    #[error("more than {max} messages at once")]
    TooMany {
        /// The most there may be.
        max: usize,
    },
    /// The mailbox has used up its UIDs.
    #[error("the mailbox has no UIDs left")]
    UidsExhausted,
    /// The content, or the body that was to be put into a mailbox, is no more.
    #[error("the message is gone")]
    Gone,
    /// The store is too full for anything that grows it; deleting works.
    #[error("the store is full")]
    StoreFull,
    /// Others kept changing the account, or too much waits for it. Trying again later can help.
    #[error("the account is busy")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for MailError {
    /// A disk that is full, where a large body meets it before any commit does, is no fault of the store.
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Io(cause) if matches!(cause.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
                Self::StoreFull
            }
            _ => Self::Store(error),
        }
    }
}
