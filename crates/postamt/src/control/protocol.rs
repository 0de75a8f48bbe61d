//! What the commands say to the running server over its control socket: one JSON object a line, one line back.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// Longest request line in bytes.
pub(crate) const REQUEST_MAX: usize = 64 << 10;

/// A verb with what it needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Request {
    Status,
    Reload,
    DomainList,
    DomainAdd { domain: String },
    DomainRemove { domain: String },
    DomainSet { domain: String, settings: Vec<String> },
    AccountList,
    AccountShow { address: String },
    AccountAdd { address: String, password: String },
    AccountAddHashed { address: String, hash: String },
    AccountRemove { address: String },
    AccountMark { address: String, operator: Option<bool>, shared: Option<bool> },
    CertificateList { address: String },
    CertificateAdd { address: String, certificate: String, name: String },
    CertificateRemove { address: String, certificate: String },
    AccountSet { address: String, settings: Vec<String> },
    QuotaSet { address: String, octets: Option<u64> },
    PasswordSet { address: String, password: String },
    PasswordAdd { address: String, name: String, scope: Option<String>, seconds: Option<u64> },
    PasswordList { address: String },
    PasswordRemove { address: String, password: String },
    PasswordSetHash { address: String, hash: String },
    AliasList,
    AliasAdd { alias: String, to: Vec<String> },
    AliasRemove { alias: String },
    QueueList,
    QueueShow { id: String },
    QueueHold { id: String },
    QueueRelease { id: String },
    QueueRetry { id: Option<String> },
    QueueDrop { id: String },
    BanList,
    BanAdd { address: String, seconds: Option<u64>, reason: String, force: bool },
    BanRemove { address: String },
    BanWhy { address: String },
    StoreVerify,
    StoreStats,
    StoreCompact,
    StoreBackup { target: PathBuf },
    Trace { id: String },
    UndeleteList { address: String, deleted: Deleted, cursor: Option<String> },
    UndeleteCount { address: String, deleted: Deleted, cursor: Option<String> },
    UndeleteRestore { address: String, deleted: Deleted, cursor: Option<String> },
}

/// Which deleted messages are meant: those that all of this fits.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Deleted {
    /// Deleted at this time or later, in milliseconds since 1970.
    pub(crate) since: Option<i64>,
    /// A part of From.
    pub(crate) from: Option<String>,
    /// By whom.
    pub(crate) cause: Option<String>,
    /// From where.
    pub(crate) mailbox: Option<String>,
    /// By name; all, if there is none.
    pub(crate) ids: Vec<String>,
}

/// The answer: data, or what went wrong.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reply {
    /// What was asked for.
    Ok(serde_json::Value),
    /// Why it was not done.
    Error(Failure),
}

/// An error for the operator: what, why, the next thing to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Failure {
    /// What did not work.
    pub(crate) what: String,
    /// The reason.
    pub(crate) why: String,
    /// The next command.
    pub(crate) hint: String,
}

impl Failure {
    /// The three parts.
    pub(crate) fn new(what: impl Into<String>, why: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into(), hint: hint.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}\n  why   {}\n  hint  {}", self.what, self.why, self.hint)
    }
}

impl std::error::Error for Failure {}
