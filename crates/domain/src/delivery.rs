//! Delivery: what an SMTP or LMTP session does with mail, from RCPT to the answer after DATA.
//!
//! One account here: its own batch, then 250. Several, or somebody elsewhere: one queue item, then 250, then a runner.
//! Every delivery leaves trace id and recipient in its account, so that repeating it after a crash changes nothing.
//! One body serves all recipients; Received and Return-Path are put before it as it is staged.

mod received;
mod staging;

pub use received::{Arrival, Protocol};
pub use staging::{DeliveryStaging, Incoming, RECEIVED_MAX};

use crate::{
    AccountState, Directory, DirectoryError, Envelope, EnvelopeRecipient, EventKind, Lease, Mail, MailError,
    NewMessage, Outcome, Queue, QueueError, Recipient, Resolution, Staged, Traces, Trouble,
};
use std::fmt;
use std::sync::Arc;
use store_kv::StoreError;
use tokio::task::JoinSet;
use types::{Address, MailboxName, Octets, TraceId};

/// How many recipients of one message are delivered to at once.
const FAN_OUT: usize = 16;
/// Room that is kept for what is put before a message, within the size that messages may have.
const PREFIX_ROOM: Octets = Octets::kib(4);

/// Settings.
#[derive(Clone, Debug)]
pub struct DeliveryOptions {
    /// The name that this server has in Received fields.
    pub hostname: Box<str>,
    /// The most Received fields that a message may have before it counts as going round in circles.
    pub received_max: usize,
}

/// Where a recipient is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Here: these accounts, at least one.
    Local(Vec<Recipient>),
    /// Elsewhere. Whether it may be relayed is the session's decision, and never MX's.
    Foreign,
}

/// Why mail is not taken.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refusal {
    /// The address is nobody's: 550 5.1.1.
    #[error("there is no such user here")]
    NoSuchUser,
    /// The mailbox is full: 452 4.2.2.
    #[error("the mailbox is full")]
    MailboxFull,
    /// Too large: 552 5.3.4.
    #[error("the message is larger than {max} octets")]
    TooLarge {
        /// The most there may be.
        max: Octets,
    },
    /// It has been through too many servers: 554 5.4.6.
    #[error("the message goes round in circles")]
    Loop,
    /// The disk, or the queue, is full: 452 4.3.1.
    #[error("there is no room for mail now")]
    NoRoom,
    /// A fault of ours, or others are faster: 451 4.3.0. Never permanent.
    #[error("mail cannot be taken now")]
    Fault(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

impl From<MailError> for Refusal {
    fn from(error: MailError) -> Self {
        match error {
            MailError::TooLarge { max } => Self::TooLarge { max },
            MailError::OverQuota => Self::MailboxFull,
            MailError::StoreFull => Self::NoRoom,
            other => Self::Fault(Arc::new(other)),
        }
    }
}

impl From<DirectoryError> for Refusal {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Mail(error) => error.into(),
            other => Self::Fault(Arc::new(other)),
        }
    }
}

impl From<QueueError> for Refusal {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::Mail(error) => error.into(),
            QueueError::Full => Self::NoRoom,
            other => Self::Fault(Arc::new(other)),
        }
    }
}

impl From<Recipient> for EnvelopeRecipient {
    fn from(recipient: Recipient) -> Self {
        Self::local(recipient.address, recipient.account)
    }
}

/// What happened to a message that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is in the mailbox.
    Delivered,
    /// It is in the queue.
    Queued,
}

/// Delivery.
pub struct Delivery {
    mail: Arc<Mail>,
    directory: Arc<Directory>,
    queue: Arc<Queue>,
    traces: Arc<Traces>,
    options: DeliveryOptions,
}

impl Delivery {
    /// Delivery into these.
    pub fn new(
        mail: Arc<Mail>,
        directory: Arc<Directory>,
        queue: Arc<Queue>,
        traces: Arc<Traces>,
        options: DeliveryOptions,
    ) -> Arc<Self> {
        Arc::new(Self { mail, directory, queue, traces, options })
    }

    /// The largest message that is taken in, without what is put before it: for SIZE.
    pub fn message_max(&self) -> Octets {
        Octets(self.mail.message_max().0.saturating_sub(PREFIX_ROOM.0))
    }

    /// Looks at a recipient at RCPT time. `size` is what the client says the message will have.
    pub async fn check(&self, to: &Address, size: Option<Octets>) -> Result<Target, Refusal> {
        match self.directory.resolve(to).await? {
            Resolution::NotOurs => Ok(Target::Foreign),
            Resolution::NoSuchUser => Err(Refusal::NoSuchUser),
            Resolution::Local(recipients) => {
                // An alias is full when all its accounts are.
                for recipient in &recipients {
                    let usage = self.mail.account(recipient.account).await?.usage().await?;
                    if !usage.refuses(size.unwrap_or(Octets(1)), 1) {
                        return Ok(Target::Local(recipients));
                    }
                }
                Err(Refusal::MailboxFull)
            }
        }
    }

    /// Begins to take a message in; `size_hint` is what the client says.
    pub async fn stage(&self, arrival: &Arrival, size_hint: Option<Octets>) -> Result<DeliveryStaging, Refusal> {
        if size_hint.is_some_and(|hint| hint > self.message_max()) {
            return Err(Refusal::TooLarge { max: self.message_max() });
        }
        let return_path = received::return_path(arrival.reverse_path.as_ref());
        let received = received::received(arrival, &self.options.hostname);
        let hint = size_hint.map(|hint| Octets(hint.0 + PREFIX_ROOM.0));
        let mut staging = self.mail.stage(hint).await?;
        staging.write(return_path.as_bytes()).await?;
        staging.write(received.as_bytes()).await?;
        let from = arrival.reverse_path.as_ref().map(ToString::to_string).unwrap_or_default();
        self.traces.record(arrival.trace, EventKind::Received, &from, &received::summary(arrival));
        let return_path = u64::try_from(return_path.len()).unwrap_or(0);
        let limits = staging::Limits { received_max: self.options.received_max, message_max: self.message_max() };
        Ok(DeliveryStaging::new(staging, arrival.trace, return_path, limits))
    }

    /// Begins a letter of this server itself, such as a report: its reverse-path is null (RFC 5321 §4.5.5), and it came
    /// from nowhere.
    pub async fn stage_letter(&self, trace: TraceId) -> Result<DeliveryStaging, MailError> {
        let return_path = received::return_path(None);
        let mut staging = self.mail.stage(None).await?;
        staging.write(return_path.as_bytes()).await?;
        let return_path = u64::try_from(return_path.len()).unwrap_or(0);
        let limits = staging::Limits { received_max: self.options.received_max, message_max: self.message_max() };
        Ok(DeliveryStaging::new(staging, trace, return_path, limits))
    }

    /// Takes a message for one recipient here into the mailbox: once this has returned, 250 may be said. Repeating it
    /// changes nothing.
    pub async fn deliver_local(&self, to: &Recipient, mail: &Incoming) -> Result<(), Refusal> {
        Ok(self.put(to, mail.trace(), mail.staged()).await?)
    }

    /// SMTP: takes a message for all recipients of an envelope, which has one answer. Once this has returned, 250 may
    /// be said.
    pub async fn accept(&self, envelope: Envelope, mail: &Incoming) -> Result<Accepted, Refusal> {
        if let [EnvelopeRecipient { address, account: Some(account), .. }] = envelope.recipients.as_slice() {
            let to = Recipient { account: *account, address: address.clone() };
            self.deliver_local(&to, mail).await?;
            return Ok(Accepted::Delivered);
        }
        self.queue.put(mail.trace(), envelope, mail.staged(), mail.return_path()).await?;
        Ok(Accepted::Queued)
    }

    /// LMTP: takes a message for each of its recipients, each of which has an answer of its own, in the same order. A
    /// recipient that is several accounts goes through the queue, together with the others of its kind.
    pub async fn accept_each(
        self: &Arc<Self>,
        envelope: &Envelope,
        recipients: &[Vec<Recipient>],
        mail: &Incoming,
    ) -> Vec<Result<Accepted, Refusal>> {
        let several: Vec<EnvelopeRecipient> =
            recipients.iter().filter(|all| all.len() != 1).flatten().cloned().map(Into::into).collect();
        let queued = if several.is_empty() {
            Ok(Accepted::Queued)
        } else {
            self.accept_queued(Envelope { recipients: several, ..envelope.clone() }, mail).await
        };
        let single = recipients.iter().filter_map(|all| <&[Recipient; 1]>::try_from(all.as_slice()).ok());
        let single = single.map(|[recipient]| recipient.clone()).collect();
        let mut delivered = self.put_all(single, mail.trace(), mail.staged()).await.into_iter();
        let answer = |all: &Vec<Recipient>| match all.len() {
            0 => Err(Refusal::NoSuchUser),
            1 => match delivered.next() {
                Some(result) => result.map(|()| Accepted::Delivered).map_err(Refusal::from),
                None => Err(Refusal::from(MailError::Busy)),
            },
            _ => queued.clone(),
        };
        recipients.iter().map(answer).collect()
    }

    async fn accept_queued(&self, envelope: Envelope, mail: &Incoming) -> Result<Accepted, Refusal> {
        self.queue.put(mail.trace(), envelope, mail.staged(), mail.return_path()).await?;
        Ok(Accepted::Queued)
    }

    /// The runner's part for recipients here: delivers a leased item to all that wait, and says what came of each.
    pub async fn deliver_leased(self: &Arc<Self>, lease: &Lease) -> Result<Vec<(usize, Outcome)>, QueueError> {
        let item = lease.item();
        let local = |(place, to): (usize, &EnvelopeRecipient)| {
            Some((place, Recipient { account: to.account?, address: to.address.clone() }))
        };
        let (places, recipients): (Vec<_>, Vec<_>) = item.waiting().filter_map(local).unzip();
        if recipients.is_empty() {
            return Ok(Vec::new());
        }
        let content = self.queue.content(item.trace).await?;
        let staged = Staged::stored(content.body, content.hash, content.summary);
        let results = self.put_all(recipients, item.trace, &staged).await;
        Ok(places.into_iter().zip(results.into_iter().map(outcome)).collect())
    }

    /// Delivers to several recipients, a bounded number at once; results in the order of the recipients.
    async fn put_all(
        self: &Arc<Self>,
        recipients: Vec<Recipient>,
        trace: TraceId,
        staged: &Staged,
    ) -> Vec<Result<(), MailError>> {
        let mut results: Vec<_> = recipients.iter().map(|_| Err(MailError::Busy)).collect();
        let mut waiting = recipients.into_iter().enumerate();
        let mut running = JoinSet::new();
        loop {
            while running.len() < FAN_OUT
                && let Some((place, to)) = waiting.next()
            {
                let (delivery, staged) = (Arc::clone(self), staged.clone());
                running.spawn(async move { (place, delivery.put(&to, trace, &staged).await) });
            }
            match running.join_next().await {
                None => return results,
                Some(Ok((place, result))) => {
                    if let Some(slot) = results.get_mut(place) {
                        *slot = result;
                    }
                }
                Some(Err(error)) => tracing::error!(error = &error as &dyn std::error::Error, "a delivery broke off"),
            }
        }
    }

    async fn put(&self, to: &Recipient, trace: TraceId, staged: &Staged) -> Result<(), MailError> {
        match self.directory.state_of(to.account).await {
            Ok(AccountState::Active) => {}
            Ok(AccountState::Removed) => return Err(MailError::NoSuchMailbox),
            Err(DirectoryError::Store(error)) => return Err(error.into()),
            Err(DirectoryError::Mail(error)) => return Err(error),
            Ok(AccountState::Making) | Err(_) => return Err(MailError::Busy),
        }
        let account = self.mail.account(to.account).await?;
        let mailboxes = account.mailboxes().await?;
        // Every account has one: if not, the fault is ours, and no reason to bounce.
        let damaged = || StoreError::Corrupt(format!("account {} has no INBOX", to.account).into());
        let inbox = mailboxes.get(&MailboxName::inbox()).ok_or_else(damaged)?.id;
        let (trace_id, recipient) = (Some(trace), Some(to.address.clone()));
        let message = NewMessage { trace: trace_id, recipient, ..NewMessage::new(staged.clone()) };
        account.append(inbox, vec![message]).await?;
        self.traces.record(trace, EventKind::Delivered, &to.address.to_string(), &format!("account {}", to.account));
        Ok(())
    }
}

fn outcome(result: Result<(), MailError>) -> Outcome {
    let trouble =
        |status: &str, error: &MailError| Trouble { status: status.into(), text: error.to_string().into(), host: None };
    match result {
        Ok(()) => Outcome::Delivered { host: None, text: "delivered to the mailbox".into() },
        // The account was removed after the message was accepted.
        Err(error @ MailError::NoSuchMailbox) => Outcome::Failed(trouble("5.1.1", &error)),
        Err(error) => Outcome::Fault(trouble("4.3.0", &error)),
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("options", &self.options).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
