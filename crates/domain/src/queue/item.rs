//! What is in the queue.

use crate::EventKind;
use message::Summary;
use store_kv::{BodyHash, BodyId};
use types::{AccountId, Address, Octets, Timestamp, TraceId};

/// Most recipients of one item.
pub const RECIPIENTS_MAX: usize = 1000;
/// Most bytes that are kept of what another server said.
const REPLY_MAX: usize = 1000;
/// Longest ORCPT and ENVID in bytes (RFC 3461 §5.4 has 500 and 100).
const PARAMETER_MAX: usize = 500;

/// How the body was declared (RFC 6152).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyForm {
    /// 7BIT, or nothing was said.
    #[default]
    SevenBit,
    /// 8BITMIME.
    EightBitMime,
}

/// How much of the message a bounce returns (RFC 3461 §4.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Returns {
    /// RET=HDRS, or nothing was said.
    #[default]
    Header,
    /// RET=FULL.
    Full,
}

/// What the sender wants to be told about a recipient (RFC 3461 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notify {
    /// That it arrived.
    pub success: bool,
    /// That it will not.
    pub failure: bool,
    /// That it is late.
    pub delay: bool,
}

impl Default for Notify {
    /// What holds where nothing was said: failures, and delays as the server sees fit.
    fn default() -> Self {
        Self { success: false, failure: true, delay: true }
    }
}

/// An SMTP envelope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// The reverse-path; `None` is the null one, to which nothing is ever reported.
    pub reverse_path: Option<Address>,
    /// The recipients.
    pub recipients: Vec<EnvelopeRecipient>,
    /// Whether it needs SMTPUTF8 (RFC 6531).
    pub utf8: bool,
    /// How the body was declared.
    pub body: BodyForm,
    /// ENVID (RFC 3461 §4.4).
    pub envelope_id: Option<Box<str>>,
    /// How much a bounce returns.
    pub returns: Returns,
}

/// A recipient of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeRecipient {
    /// The address.
    pub address: Address,
    /// The account here that it is; `None` for somebody elsewhere.
    pub account: Option<AccountId>,
    /// ORCPT (RFC 3461 §4.2).
    pub original: Option<Box<str>>,
    /// What the sender wants to know.
    pub notify: Notify,
}

impl EnvelopeRecipient {
    /// A recipient elsewhere, with no wishes.
    pub fn foreign(address: Address) -> Self {
        Self { address, account: None, original: None, notify: Notify::default() }
    }

    /// An account here, with no wishes.
    pub fn local(address: Address, account: AccountId) -> Self {
        Self { account: Some(account), ..Self::foreign(address) }
    }
}

/// Where a recipient stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecipientState {
    /// To be tried.
    Waiting,
    /// It has the message.
    Delivered,
    /// It will not get it, and the sender has not been told.
    Failed,
    /// It will not get it, and whoever was to be told has been.
    Reported,
}

/// What the last attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When.
    pub at: Timestamp,
    /// The enhanced status code (RFC 3463), such as `4.4.1`.
    pub status: Box<str>,
    /// What the other server, or this one, said; a peer's words.
    pub text: Box<str>,
    /// Who said so, if it was another server.
    pub host: Option<Box<str>>,
}

/// A recipient in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedRecipient {
    /// As the envelope has it.
    pub envelope: EnvelopeRecipient,
    /// Where it stands.
    pub state: RecipientState,
    /// The last attempt.
    pub last: Option<Attempt>,
}

/// An item, without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueItem {
    /// Its trace id, which also names it in the queue.
    pub trace: TraceId,
    /// The reverse-path; `None` is the null one.
    pub reverse_path: Option<Address>,
    /// The recipients, in the order of the envelope.
    pub recipients: Vec<QueuedRecipient>,
    /// Whether it needs SMTPUTF8.
    pub utf8: bool,
    /// How the body was declared.
    pub body: BodyForm,
    /// ENVID.
    pub envelope_id: Option<Box<str>>,
    /// How much a bounce returns.
    pub returns: Returns,
    /// The message's size.
    pub size: Octets,
    /// When it was put in.
    pub created: Timestamp,
    /// How many attempts there were.
    pub attempts: u32,
    /// The next attempt, or the end of the lease; [`i64::MAX`] if it is held.
    pub due: Timestamp,
    /// Whether somebody works on it, and until when at most.
    pub leased_until: Option<Timestamp>,
    /// Whether the operator holds it.
    pub held: bool,
    /// Whether the sender was told that it is late.
    pub delay_reported: bool,
}

impl QueueItem {
    pub(super) fn new(trace: TraceId, envelope: Envelope, size: Octets, now: Timestamp) -> Self {
        let fitting = |text: Option<Box<str>>| text.filter(|text| text.len() <= PARAMETER_MAX);
        let queued = |recipient: EnvelopeRecipient| {
            let envelope = EnvelopeRecipient { original: fitting(recipient.original), ..recipient };
            QueuedRecipient { envelope, state: RecipientState::Waiting, last: None }
        };
        Self {
            trace,
            reverse_path: envelope.reverse_path,
            recipients: envelope.recipients.into_iter().map(queued).collect(),
            utf8: envelope.utf8,
            body: envelope.body,
            envelope_id: fitting(envelope.envelope_id),
            returns: envelope.returns,
            size,
            created: now,
            attempts: 0,
            due: now,
            leased_until: None,
            held: false,
            delay_reported: false,
        }
    }

    /// The recipients that are to be tried, with their places.
    pub fn waiting(&self) -> impl Iterator<Item = (usize, &EnvelopeRecipient)> {
        let all = self.recipients.iter().enumerate();
        all.filter(|(_, recipient)| recipient.state == RecipientState::Waiting).map(|(i, r)| (i, &r.envelope))
    }
}

/// What an item carries.
#[derive(Clone, Debug)]
pub struct QueueContent {
    /// Its body.
    pub body: BodyId,
    /// The body's hash.
    pub hash: BodyHash,
    /// The body's length.
    pub size: Octets,
    /// What is known of it.
    pub summary: Summary,
    /// How many bytes at its beginning are a Return-Path field, which does not go to other servers (RFC 5321 §4.4).
    pub return_path: u64,
}

/// Why a recipient was not reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The enhanced status code.
    pub status: Box<str>,
    /// What was said.
    pub text: Box<str>,
    /// By which other server, if by one.
    pub host: Option<Box<str>>,
}

/// What came of an attempt for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has the message. `host` is the other server, `None` for a mailbox here.
    Delivered {
        /// Who has it.
        host: Option<Box<str>>,
        /// What it said.
        text: Box<str>,
    },
    /// Not now.
    Deferred(Trouble),
    /// Never.
    Failed(Trouble),
    /// It was our own fault: tried again, and never a reason to give up (guarantee G8).
    Fault(Trouble),
    /// It was not tried: too much is on its way to the same place. It comes again soon, and this is no attempt.
    PutOff,
}

impl Trouble {
    pub(super) fn attempt(&self, at: Timestamp) -> Attempt {
        let cut = |text: &str, max| text.get(..text.floor_char_boundary(max)).unwrap_or_default().into();
        let host = self.host.as_deref().map(|host| cut(host, 255));
        Attempt { at, status: cut(&self.status, 16), text: cut(&self.text, REPLY_MAX), host }
    }
}

/// What the sender is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportKind {
    /// That the message did not reach some recipients.
    Failed,
    /// That it is late for some.
    Delayed,
}

impl ReportKind {
    pub(super) fn event(self) -> EventKind {
        match self {
            Self::Failed => EventKind::Bounced,
            Self::Delayed => EventKind::DelayReported,
        }
    }
}

/// A letter that has to be written to the sender (RFC 3464).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// About what.
    pub kind: ReportKind,
    /// About whom: places in the item's recipients.
    pub recipients: Vec<usize>,
}
