//! What was deleted and can be had back: listed and restored a page at a time, so that neither side of the socket ever holds
//! a whole mailbox.

use super::super::protocol::{Deleted, Failure};
use super::failures::{of_directory, of_mail};
use super::{Answer, Handler, address};
use domain::{Account, Cause, Content, Retained, RetainedCursor, RetainedId};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use types::{MailboxName, Timestamp};

/// Messages that are read at once.
const PAGE: usize = 500;
/// How many characters of From and Subject are told.
const TEXT_SHOWN_MAX: usize = 300;
/// How many pages one request looks through before it hands back what it has and where it stands.
const PAGES_MAX: usize = 10;

const CAUSES: [(Cause, &str); 4] =
    [(Cause::Imap, "imap"), (Cause::Pop3, "pop3"), (Cause::Rule, "rule"), (Cause::Admin, "admin")];

fn cause_name(cause: Cause) -> &'static str {
    CAUSES.iter().find(|(c, _)| *c == cause).map_or("", |(_, name)| name)
}

/// Which messages are meant.
struct Wanted {
    since: Option<Timestamp>,
    /// In small letters.
    from: Option<String>,
    cause: Option<Cause>,
    mailbox: Option<MailboxName>,
    /// If there are any, only these.
    ids: HashSet<String>,
}

impl Wanted {
    fn parse(deleted: &Deleted) -> Result<Self, Failure> {
        let mailbox = deleted.mailbox.as_deref().map(MailboxName::parse).transpose().map_err(|error| {
            Failure::new("the mailbox name is not valid", error.to_string(), "postamt undelete list ADDRESS")
        })?;
        Ok(Self {
            since: deleted.since.map(Timestamp),
            from: deleted.from.as_deref().map(str::to_lowercase),
            cause: deleted.cause.as_deref().map(wanted_cause).transpose()?,
            mailbox,
            ids: deleted.ids.iter().cloned().collect(),
        })
    }

    /// Whether a message is meant, as far as that can be told without its content.
    fn fits(&self, message: &Retained) -> bool {
        self.since.is_none_or(|since| message.removed >= since)
            && self.cause.is_none_or(|cause| message.cause == cause)
            && self.mailbox.as_ref().is_none_or(|wanted| message.mailbox_name.as_ref() == Some(wanted))
            && (self.ids.is_empty() || self.ids.contains(&name(message.id)))
    }

    fn is_from(&self, content: Option<&Arc<Content>>) -> bool {
        let Some(from) = &self.from else { return true };
        content.is_some_and(|content| content.summary.from().to_lowercase().contains(from))
    }
}

/// What a message that can be had back is called: mailbox and UID, which no other ever has.
fn name(id: RetainedId) -> String {
    format!("{}.{}", id.mailbox, id.uid)
}

/// Those that are meant, with their contents where these are asked for.
type Found = Vec<(Retained, Option<Arc<Content>>)>;

impl Handler {
    async fn account(&self, text: &str) -> Result<Account, Failure> {
        let found = self.core.shared.directory.account_find(&address(text)?).await;
        let id = found.map_err(|e| of_directory(&format!("cannot find {text}"), &e))?;
        self.core.shared.mail.account(id).await.map_err(|e| of_mail(&format!("cannot open {text}"), &e))
    }

    /// Some of those that are meant, from a page that has any, and where to go on.
    pub(super) async fn undelete_list(&self, text: &str, deleted: &Deleted, cursor: Option<&str>) -> Answer {
        let (account, wanted) = (self.account(text).await?, Wanted::parse(deleted)?);
        let mut cursor = cursor.map(parse_cursor).transpose()?;
        for _ in 0..PAGES_MAX {
            let (found, next) = page(&account, text, &wanted, cursor.as_ref(), Contents::Always).await?;
            if !found.is_empty() || next.is_none() {
                let rows: Vec<_> = found.iter().map(|(message, content)| row(message, content.as_deref())).collect();
                return Ok(json!({"messages": rows, "next": next.map(|next| next.to_string())}));
            }
            cursor = next;
        }
        Ok(json!({"messages": [], "next": cursor.map(|next| next.to_string())}))
    }

    /// How many are meant.
    pub(super) async fn undelete_count(&self, text: &str, deleted: &Deleted, cursor: Option<&str>) -> Answer {
        let (account, wanted) = (self.account(text).await?, Wanted::parse(deleted)?);
        let (mut count, mut cursor) = (0, cursor.map(parse_cursor).transpose()?);
        for _ in 0..PAGES_MAX {
            let (found, next) = page(&account, text, &wanted, cursor.as_ref(), Contents::IfNeeded).await?;
            count += found.len();
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        Ok(json!({"messages": count, "next": cursor.map(|next| next.to_string())}))
    }

    /// Brings some of them back, a page in one step, and says where to go on. What is done is done: the same request from the
    /// beginning goes on where another was broken off.
    pub(super) async fn undelete_restore(&self, text: &str, deleted: &Deleted, cursor: Option<&str>) -> Answer {
        let (account, wanted) = (self.account(text).await?, Wanted::parse(deleted)?);
        let failed = |e| of_mail(&format!("cannot restore what {text} deleted"), &e);
        let mut cursor = cursor.map(parse_cursor).transpose()?;
        let mut restored = Vec::new();
        for _ in 0..PAGES_MAX {
            let (found, next) = page(&account, text, &wanted, cursor.as_ref(), Contents::IfNeeded).await?;
            let ids: Vec<_> = found.iter().map(|(message, _)| message.id).collect();
            restored.extend(account.restore(&ids).await.map_err(failed)?);
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        let names = account.mailboxes().await.map_err(failed)?;
        let mut mailboxes: BTreeMap<String, u64> = BTreeMap::new();
        for message in &restored {
            let name = names.by_id(message.mailbox).map_or_else(String::new, |info| info.name.to_string());
            *mailboxes.entry(name).or_default() += 1;
        }
        let ids: Vec<_> =
            restored.iter().map(|message| name(message.id)).filter(|id| wanted.ids.contains(id)).collect();
        Ok(json!({
            "restored": restored.len(),
            "mailboxes": mailboxes,
            "ids": ids,
            "next": cursor.map(|next| next.to_string()),
        }))
    }
}

/// Whether contents are read where the question can be answered without.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Contents {
    Always,
    IfNeeded,
}

async fn page(
    account: &Account,
    text: &str,
    wanted: &Wanted,
    from: Option<&RetainedCursor>,
    contents: Contents,
) -> Result<(Found, Option<RetainedCursor>), Failure> {
    let failed = |e| of_mail(&format!("cannot list what {text} deleted"), &e);
    let page = account.retained(from, PAGE).await.map_err(failed)?;
    let mut messages = page.messages;
    messages.retain(|message| wanted.fits(message));
    if contents == Contents::IfNeeded && wanted.from.is_none() {
        return Ok((messages.into_iter().map(|message| (message, None)).collect(), page.next));
    }
    let emails: Vec<_> = messages.iter().map(|message| message.email).collect();
    let contents = account.contents(&emails).await.map_err(failed)?;
    let found = messages.into_iter().zip(contents).filter(|(_, content)| wanted.is_from(content.as_ref()));
    Ok((found.collect(), page.next))
}

fn row(message: &Retained, content: Option<&Content>) -> Value {
    let (from, subject) = content.map(|c| (c.summary.from(), c.summary.subject())).unwrap_or_default();
    let shown = |text: &str| text.chars().take(TEXT_SHOWN_MAX).collect::<String>();
    json!({
        "id": name(message.id),
        "received": time(message.internal_date),
        "from": shown(from),
        "subject": shown(subject),
        "octets": message.size.0,
        "mailbox": message.mailbox_name.as_ref().map(ToString::to_string),
        "with mailbox": message.with_mailbox,
        "deleted": time(message.removed),
        "by": cause_name(message.cause),
        "gone for good": time(message.id.expiry),
    })
}

fn time(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map(|t| t.to_string()).unwrap_or_default()
}

fn parse_cursor(text: &str) -> Result<RetainedCursor, Failure> {
    RetainedCursor::parse(text).ok_or_else(|| {
        Failure::new("the list cannot go on from there", "this is no place in it", "postamt undelete list ADDRESS")
    })
}

fn wanted_cause(name: &str) -> Result<Cause, Failure> {
    CAUSES.iter().find(|(_, n)| *n == name).map(|(cause, _)| *cause).ok_or_else(|| {
        Failure::new(
            format!("`{name}` is no cause"),
            "a cause is imap, pop3, rule or admin",
            "postamt undelete list ADDRESS",
        )
    })
}
