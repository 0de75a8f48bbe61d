//! What a transcript needs of a server: pipes into its services and a way to put mail into it beforehand.

use std::num::NonZeroU32;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// The domain of both accounts.
pub const DOMAIN: &str = "example.test";
/// The account that transcripts sign in with unless they say otherwise; `$anna`.
pub const ANNA: &str = "anna@example.test";
/// The other account; `$ben`.
pub const BEN: &str = "ben@example.test";
/// The password of both; `$password`.
pub const PASSWORD: &str = "moos-lampe-fjord-17";

/// A pipe, with or without TLS.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Which service a connection goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// IMAP; `I`
    Imap,
    /// POP3; `P`
    Pop3,
    /// SMTP as other servers speak it to us; `M`
    Smtp,
    /// SMTP as people's programs speak it to us; `U`
    Submission,
    /// LMTP; `L`
    Lmtp,
}

impl Protocol {
    /// The letter of its connections in a transcript.
    pub(crate) const ALL: [(char, Self); 5] =
        [('I', Self::Imap), ('P', Self::Pop3), ('M', Self::Smtp), ('U', Self::Submission), ('L', Self::Lmtp)];

    pub(crate) fn by_letter(letter: char) -> Option<Self> {
        Self::ALL.iter().find(|(other, _)| *other == letter).map(|(_, protocol)| *protocol)
    }

    /// The protocol that `C:` speaks in a folder of `tests/transcripts`.
    pub(crate) fn by_folder(folder: &str) -> Option<Self> {
        match folder {
            "imap" => Some(Self::Imap),
            "pop3" => Some(Self::Pop3),
            "smtp" => Some(Self::Smtp),
            "submission" => Some(Self::Submission),
            "lmtp" => Some(Self::Lmtp),
            _ => None,
        }
    }
}

/// How many messages one IMAP command may take (RFC 9738).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageLimit {
    /// MESSAGELIMIT
    Every(NonZeroU32),
    /// SAVELIMIT
    Saving(NonZeroU32),
}

/// A fresh server with the accounts [`ANNA`] and [`BEN`], their first mailboxes, and no mail. Each transcript gets its
/// own.
#[expect(async_fn_in_trait, reason = "used by one thread, never behind a pointer")]
pub trait Backend {
    /// The engine it runs on, for messages.
    fn engine(&self) -> &'static str;

    /// Makes a mailbox of [`ANNA`].
    async fn create_mailbox(&self, mailbox: &str) -> anyhow::Result<()>;

    /// Sets how much the account of [`ANNA`] may hold.
    async fn set_quota(&self, octets: u64) -> anyhow::Result<()>;

    /// Marks an account as shared, or as an operator's.
    async fn mark(&self, address: &str, shared: bool) -> anyhow::Result<()>;

    /// Sets how things are for an account, as `postamt account set` does.
    async fn set(&self, address: &str, settings: &[String]) -> anyhow::Result<()>;

    /// Makes an address that leads to others.
    async fn add_alias(&self, alias: &str, targets: &[String]) -> anyhow::Result<()>;

    /// Limits how many messages a command of the IMAP connections takes that are opened from now on.
    async fn limit_messages(&self, limit: MessageLimit) -> anyhow::Result<()>;

    /// Lets the IMAP connections that are opened from now on tell each step of a command that takes long (RFC 9585).
    async fn tell_every_step(&self) -> anyhow::Result<()>;

    /// Brings back all deleted mail of [`ANNA`] that can be had back, as the operator does.
    async fn undelete(&self) -> anyhow::Result<()>;

    /// Puts a message into a mailbox of [`ANNA`] and tells its UID. `date` is in the form of APPEND.
    async fn append(&self, mailbox: &str, message: &[u8], flags: &[String], date: Option<&str>) -> anyhow::Result<u32>;

    /// Opens a connection; `tls`: the service takes it as one that is inside TLS from the start.
    async fn connect(&self, protocol: Protocol, tls: bool) -> anyhow::Result<Box<dyn Stream>>;

    /// Does the client's TLS handshake, after STARTTLS.
    async fn upgrade(&self, stream: Box<dyn Stream>) -> anyhow::Result<Box<dyn Stream>>;

    /// Moves the server's clock on.
    async fn advance(&self, by: Duration) -> anyhow::Result<()>;
}
