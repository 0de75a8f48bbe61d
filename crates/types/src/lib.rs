//! The words every other crate speaks: newtypes for ids, counts and names, time as an argument,
//! and the immutable snapshot of a mailbox that storage and protocols share.
//!
//! Nothing here does I/O, reads a clock or draws randomness ([`Clock`] is a trait that others implement).

mod address;
mod address_prefix;
mod address_range;
mod entry_name;
mod flags;
mod ids;
mod mail_protocol;
mod mailbox_name;
mod password;
mod rights;
mod scram_keys;
mod secret;
pub mod snapshot;
mod sort;
mod time;
mod trace_id;
mod uid_set;

pub use address::{Address, AddressError, DomainName};
pub use address_prefix::AddressPrefix;
pub use address_range::{AddressRange, AddressRangeError};
pub use entry_name::{ENTRY_NAME_MAX, EntryName, EntryNameError};
pub use flags::{FlagChange, Flags, KEYWORD_LENGTH_MAX, KEYWORDS_MAX, Keyword, KeywordError, Keywords};
pub use ids::{AccountId, CredentialId, CredentialRef, EmailId, MailboxId, ModSeq, Octets, ThreadId, Uid, UidValidity};
pub use mail_protocol::{MailProtocol, Protocols};
pub use mailbox_name::{
    HIERARCHY_SEPARATOR, MAILBOX_DEPTH_MAX, MAILBOX_NAME_MAX, MailboxName, MailboxNameError, SpecialUse,
};
pub use password::{PASSWORD_MAX, PasswordError, prepare_password};
pub use rights::{Rights, RightsError};
pub use scram_keys::{SCRAM_CANDIDATES_MAX, ScramCandidate, ScramHash, ScramKeys};
pub use secret::Secret;
pub use sort::{SortCriterion, SortKey};
pub use time::{Clock, ManualClock, Timestamp};
pub use trace_id::{TraceId, TraceIdError};
pub use uid_set::UidSet;
