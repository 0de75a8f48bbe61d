//! APPEND and delivery: new messages, all of them or none.

use super::{flags_of, next_uids};
use crate::mail::rows::{ContentRow, DeliveredRow, MailboxRow, PlacementRow};
use crate::mail::tx::{Stop, Tx};
use crate::mail::values::{Appended, NewMessage};
use crate::mail::writer::Verb;
use crate::row::corrupt;
use crate::{MailError, keys};
use bytes::Bytes;
use std::collections::HashMap;
use store_kv::{BodyId, Scan};
use types::snapshot::Entry;
use types::{EmailId, Keywords, MailboxId, Octets, TraceId, Uid};

/// Longest UIDL (RFC 1939 §7).
const UIDL_MAX: usize = 70;

/// Puts messages into a mailbox.
#[derive(Debug)]
pub(crate) struct Append {
    pub(crate) mailbox: MailboxId,
    pub(crate) messages: Vec<NewMessage>,
}

/// What becomes of one message.
enum Plan {
    /// It was delivered before.
    Before(DeliveredRow),
    /// It is put there: with a content of its own, or one that the account has already.
    Now { flags: types::Flags, email: Option<EmailId> },
}

impl Verb for Append {
    type Answer = Appended;

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Appended, Stop> {
        self.put(tx, None)
    }
}

impl Append {
    /// Puts the messages there; with `freed`, one, while another of this size goes in the same change.
    pub(super) fn put(&self, tx: &mut Tx<'_>, freed: Option<Octets>) -> Result<Appended, Stop> {
        let row = tx.mailbox(self.mailbox)?.clone();
        let (plans, keywords) = self.plan(tx, &row.keywords)?;
        let count = plans.iter().filter(|plan| matches!(plan, Plan::Now { .. })).count();
        let mut free = next_uids(&row, count)?;
        if count == 0 {
            return Ok(Self::answer(&row, plans.iter().map(|plan| plan.uid(None))));
        }
        self.check_quota(tx, &plans, freed)?;
        let mut next = MailboxRow { keywords, ..row };
        next.next_uid += u64::try_from(count).unwrap_or(u64::MAX);
        next.highest_modseq = tx.next_modseq();
        let mut uids = Vec::with_capacity(plans.len());
        let mut entries = Vec::with_capacity(count);
        let mut own_names: Vec<(Uid, Box<str>)> = Vec::new();
        let mut became: HashMap<BodyId, EmailId> = HashMap::new();
        for (message, plan) in self.messages.iter().zip(&plans) {
            let uid = match plan {
                Plan::Before(_) => None,
                Plan::Now { .. } => free.next(),
            };
            uids.push(plan.uid(uid));
            if let (Some(uid), Plan::Now { flags, email }) = (uid, plan) {
                let again = email.or_else(|| became.get(&message.staged.body()).copied());
                let email = again.unwrap_or_else(|| put_content(tx, message));
                became.insert(message.staged.body(), email);
                let entry = Entry {
                    uid,
                    flags: *flags,
                    modseq: next.highest_modseq,
                    email,
                    size: u32::try_from(message.staged.size().0).unwrap_or(u32::MAX),
                    internal_date: message.internal_date.unwrap_or(tx.now()),
                    save_date: tx.now(),
                };
                next.count_in(entry.flags, entry.size);
                let own = self.own_uidl(message, again.is_some() && next.name.is_inbox(), &entry);
                self.put_placement(tx, (message, own.as_deref()), &entry, &next);
                own_names.extend(own.map(|own| (uid, own)));
                entries.push(entry);
            }
        }
        tx.account().messages += u64::try_from(count).unwrap_or(u64::MAX);
        tx.account().octets += entries.iter().map(|e| u64::from(e.size)).sum::<u64>();
        let answer = Self::answer(&next, uids.into_iter());
        tx.record(self.mailbox, entries, Vec::new());
        for (uid, own) in own_names {
            tx.record_uidl(self.mailbox, uid, &own);
        }
        tx.set_mailbox(self.mailbox, Some(next));
        Ok(answer)
    }
}

impl Plan {
    fn is_now(&self) -> bool {
        matches!(self, Self::Now { .. })
    }

    fn uid(&self, new: Option<Uid>) -> Option<Uid> {
        match self {
            Self::Before(delivered) => Some(delivered.uid),
            Self::Now { .. } => new,
        }
    }
}

impl Append {
    fn answer(row: &MailboxRow, uids: impl Iterator<Item = Option<Uid>>) -> Appended {
        Appended { uid_validity: row.uid_validity, uids: uids.flatten().collect() }
    }

    /// Decides about each message, and which keywords the mailbox will have.
    fn plan(&self, tx: &mut Tx<'_>, table: &Keywords) -> Result<(Vec<Plan>, Keywords), Stop> {
        let mut table = table.clone();
        let mut plans = Vec::with_capacity(self.messages.len());
        for message in &self.messages {
            let mut email = None;
            if let Some((trace, recipient)) = delivery_of(message) {
                match look_up(tx, trace, &recipient)? {
                    Found::This(delivered) => {
                        plans.push(Plan::Before(delivered));
                        continue;
                    }
                    Found::Others(emails) => email = same_content(tx, &emails, message.staged.body())?,
                }
            }
            if email.is_none() {
                let hint = message.staged.placed_in(tx.id);
                email = same_content(tx, hint.as_slice(), message.staged.body())?;
            }
            let (flags, next) = flags_of(&message.flags, &table)?;
            table = next;
            plans.push(Plan::Now { flags, email });
        }
        let new = self.messages.iter().zip(&plans).filter(|(_, plan)| matches!(plan, Plan::Now { email: None, .. }));
        tx.need_links(new.flat_map(|(message, _)| message.staged.links()))?;
        Ok((plans, table))
    }

    fn check_quota(&self, tx: &mut Tx<'_>, plans: &[Plan], freed: Option<Octets>) -> Result<(), Stop> {
        let new = self.messages.iter().zip(plans).filter(|(m, plan)| plan.is_now() && m.recipient.is_none());
        let (mut size, mut count) = (0_u64, 0_u64);
        for (message, _) in new {
            size = size.saturating_add(message.staged.size().0);
            count += 1;
        }
        let usage = usage(tx);
        let is_refused = match freed {
            Some(freed) => usage.refuses_instead(Octets(size), freed),
            None => count > 0 && usage.refuses(Octets(size), count),
        };
        if is_refused {
            return Err(MailError::OverQuota.into());
        }
        Ok(())
    }

    /// The UIDL that is stored: the imported one, or one of its own, if the UIDL that follows from the content is taken.
    fn own_uidl(&self, message: &NewMessage, is_twin: bool, entry: &Entry) -> Option<Box<str>> {
        let imported = uidl_of(message).map(Box::from);
        imported.or_else(|| is_twin.then(|| super::uidl_of_twin(entry.email, self.mailbox, entry.uid)))
    }

    fn put_placement(
        &self,
        tx: &mut Tx<'_>,
        (message, uidl): (&NewMessage, Option<&str>),
        entry: &Entry,
        row: &MailboxRow,
    ) {
        let placement = PlacementRow::encode(entry, uidl);
        tx.put(keys::placement(tx.id, self.mailbox, entry.uid), placement);
        tx.put(keys::reverse(tx.id, entry.email, self.mailbox, entry.uid), Bytes::new());
        if let Some((trace, recipient)) = delivery_of(message) {
            let (mailbox, uid_validity) = (self.mailbox, row.uid_validity);
            tx.deliver(trace, &recipient, DeliveredRow { mailbox, uid_validity, uid: entry.uid, email: entry.email });
        }
    }
}

/// How much the account holds.
pub(super) fn usage(tx: &mut Tx<'_>) -> crate::mail::values::Usage {
    let mailboxes = tx.names().len();
    tx.account().usage(mailboxes)
}

fn put_content(tx: &mut Tx<'_>, message: &NewMessage) -> EmailId {
    let email = EmailId(tx.account().next_email);
    tx.account().next_email += 1;
    let staged = &message.staged;
    let thread = tx.join_thread(email, staged.links());
    let row = ContentRow {
        body: staged.body(),
        hash: staged.hash(),
        trace: message.trace,
        thread: Some(thread),
        links: staged.links().to_vec(),
        summary: staged.summary().encode(),
    };
    tx.put_and_keep(keys::content(tx.id, email), row.encode());
    tx.body(staged.reference());
    staged.remember(tx.id, email);
    email
}

/// The imported UIDL, if it is one.
fn uidl_of(message: &NewMessage) -> Option<&str> {
    let fits = |text: &&str| (1..=UIDL_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    message.uidl.as_deref().filter(fits)
}

/// What makes a delivery happen once.
fn delivery_of(message: &NewMessage) -> Option<(TraceId, String)> {
    message.trace.zip(message.recipient.as_ref().map(ToString::to_string))
}

enum Found {
    This(DeliveredRow),
    /// Contents that came with the same message to others of this account.
    Others(Vec<EmailId>),
}

fn look_up(tx: &mut Tx<'_>, trace: TraceId, recipient: &str) -> Result<Found, Stop> {
    let mut others = Vec::new();
    for (to, delivered) in tx.deliveries(trace) {
        if to == recipient {
            return Ok(Found::This(delivered.clone()));
        }
        others.push(delivered.email);
    }
    let this = keys::delivered(tx.id, trace, recipient);
    for (key, row) in tx.scan(&Scan::prefix(&keys::deliveries(tx.id, trace)))? {
        let delivered = DeliveredRow::decode(row).ok_or_else(|| corrupt("the row of a delivery"))?;
        if *key == this {
            return Ok(Found::This(delivered));
        }
        others.push(delivered.email);
    }
    others.sort_unstable();
    others.dedup();
    Ok(Found::Others(others))
}

/// The one of these contents that has this body. References to bodies are per account, not per content, so a body must
/// not belong to two contents of one account: the first to go would take it from the other.
fn same_content(tx: &mut Tx<'_>, emails: &[EmailId], body: BodyId) -> Result<Option<EmailId>, Stop> {
    tx.need_keys(keys::contents(tx.id, emails))?;
    for email in emails {
        if let Some(row) = tx.get(keys::content(tx.id, *email))? {
            let content = ContentRow::decode(&row).ok_or_else(|| corrupt("the row of a content"))?;
            if content.body == body {
                return Ok(Some(*email));
            }
        }
    }
    Ok(None)
}
