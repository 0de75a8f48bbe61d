//! Mail itself: accounts, mailboxes, messages, delivery, the queue. Services speak to this crate in mail verbs; only this
//! crate knows keys, and only `store_kv` beneath it knows where they lie.
//!
//! Start at [`Mail`] and [`Account`]; the key layout stands in `keys.rs`.

mod accounts;
mod delivery;
mod error;
mod keys;
mod mail;
mod meter;
mod queue;
mod row;
mod search;
mod sort;
mod thread;
mod trace;
mod turns;

pub use accounts::{
    ALIAS_DEPTH_MAX, ALIAS_EXPANSION_MAX, ALIAS_TARGETS_MAX, APP_PASSWORD_NAME_MAX, APP_PASSWORDS_MAX,
    ARGON2_MEMORY_KIB, ARGON2_PASSES, AccountInfo, AccountMark, AccountMarks, AccountState, AliasInfo, Allowance,
    Argon2Cost, BAN_HISTORY_MAX, BAN_REASON_MAX, BAN_REMEMBERED, BANS_MAX, Ban, BanError, BanInfo, BanOptions,
    BannedBy, CERTIFICATE_NAME_MAX, CERTIFICATES_MAX, CertificateInfo, Directory, DirectoryError, DirectoryWatch,
    DomainInfo, Exposed, ExposedInfo, FAMILIAR_FOR, FAMILIAR_MAX, FIRST_ACCOUNT, Fingerprint, IMPORTED_BCRYPT_MAX,
    IMPORTED_FILL_MAX_KIB, IMPORTED_LANES_MAX, IMPORTED_MAX, IMPORTED_MEMORY_MAX_KIB, IMPORTED_PASSWORD_MAX,
    IMPORTED_ROUNDS_MAX, IMPORTED_SALT_MAX, ImportError, Imported, ImportedHash, InUse, LOGIN_DELAY_MAX, Language,
    LastUse, LoginDelay, MadeAppPassword, MainPassword, NewAppPassword, Notice, NoticeId, Notices, OnCleartext,
    OnDelete, Origin, PROGRAM_MAX, PasswordChecks, PasswordInfo, PasswordOptions, Proof, REMIND_BEFORE, Recipient,
    Resolution, SCRAM_ITERATIONS, SHARERS_MAX, SIDE_BY_SIDE, SettingChange, SettingError, SettingInfo, SettingSource,
    Settings, SignIn, SignInError, Standing, ThrottleOptions, USES_WAITING_MAX, UseInfo, Why,
};
pub use delivery::{
    Accepted, Arrival, Delivery, DeliveryOptions, DeliveryStaging, Incoming, Protocol, RECEIVED_MAX, Refusal, Target,
};
pub use error::MailError;
pub use mail::{
    ACL_ENTRIES_MAX, ACROSS_STEP, ANNOTATION_VALUE_MAX, ANNOTATIONS_ACCOUNT_MAX, ANNOTATIONS_ALL_READERS_MAX,
    ANNOTATIONS_MAX, Account, AccountWatch, Acl, AclChange, AclKey, AnnotationInfo, AnnotationsChanged, Appended,
    Cause, Content, Copied, Expunge, FlagNames, Grantee, Mail, MailOptions, MailboxInfo, MailboxStatus, Mailboxes,
    NewMessage, QuotaLimits, Restored, Retained, RetainedCursor, RetainedId, RetainedPage, Staged, Staging,
    StoredFlags, Swept, Usage, Vanished, View, uidl,
};
pub use meter::{Meter, MeterStep};
pub use queue::{
    After, Attempt, BodyForm, Envelope, EnvelopeRecipient, Lease, Notify, Outcome, Queue, QueueContent, QueueError,
    QueueItem, QueueOptions, QueuedRecipient, RECIPIENTS_MAX, RecipientState, Report, ReportKind, Returns, Schedule,
    Trouble,
};
pub use search::{
    AddressField, Candidates, Day, Progress, QUERY_DEPTH_MAX, QUERY_NODES_MAX, QUERY_TEXT_MAX, Query, QueryError,
    QueryKey, QueryNode, STEP_BYTES_MAX, STEP_CONTENTS_MAX, STEP_MESSAGES_MAX, Search, TextIndex, TextQuestion,
};
pub use sort::{SORT_CRITERIA_MAX, SORT_TEXT_MAX};
pub use store_kv::StagedBody;
pub use thread::{ThreadAlgorithm, ThreadNode};
pub use trace::{AMBIGUOUS_MAX, Event, EventKind, Found, TRACE_PART_MIN, Traces};
pub use turns::{ORDER_SMALL_MAX, ORDERS_LARGE_AT_ONCE, ORDERS_SMALL_AT_ONCE, SORT_KEYS_MAX, THREAD_NODES_MAX};
