//! What was deleted and can be had back.

use super::super::protocol::Failure;
use super::failures::{of_directory, of_mail};
use super::{Answer, Handler, address};
use domain::{Account, Cause, Retained};
use serde_json::{Value, json};
use types::MailboxName;

/// Messages that are read at once.
const PAGE: usize = 500;
/// Most messages that one listing shows.
const SHOWN_MAX: usize = 5000;

const CAUSES: [(Cause, &str); 4] =
    [(Cause::Imap, "imap"), (Cause::Pop3, "pop3"), (Cause::Rule, "rule"), (Cause::Admin, "admin")];

fn cause_name(cause: Cause) -> &'static str {
    CAUSES.iter().find(|(c, _)| *c == cause).map_or("", |(_, name)| name)
}

impl Handler {
    async fn account(&self, text: &str) -> Result<Account, Failure> {
        let found = self.core.shared.directory.account_find(&address(text)?).await;
        let id = found.map_err(|e| of_directory(&format!("cannot find {text}"), &e))?;
        self.core.shared.mail.account(id).await.map_err(|e| of_mail(&format!("cannot open {text}"), &e))
    }

    pub(super) async fn undelete_list(&self, text: &str) -> Answer {
        let account = self.account(text).await?;
        let failed = |e| of_mail(&format!("cannot list what {text} deleted"), &e);
        let (mut rows, mut from) = (Vec::new(), None);
        while rows.len() < SHOWN_MAX {
            let page = account.retained(from.as_ref(), PAGE).await.map_err(failed)?;
            let emails: Vec<_> = page.messages.iter().map(|m| m.email).collect();
            let contents = account.contents(&emails).await.map_err(failed)?;
            for (message, content) in page.messages.iter().zip(contents) {
                let (from, subject) =
                    content.map(|c| (c.summary.from().to_owned(), c.summary.subject().to_owned())).unwrap_or_default();
                rows.push(row(message, &from, &subject));
            }
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        Ok(Value::Array(rows))
    }

    pub(super) async fn undelete_restore(&self, text: &str, mailbox: Option<&str>, cause: Option<&str>) -> Answer {
        let account = self.account(text).await?;
        let mailbox = mailbox.map(MailboxName::parse).transpose().map_err(|error| {
            Failure::new("the mailbox name is not valid", error.to_string(), "postamt undelete list ADDRESS")
        })?;
        let cause = cause.map(wanted_cause).transpose()?;
        let failed = |e| of_mail(&format!("cannot restore what {text} deleted"), &e);
        let (mut chosen, mut from) = (Vec::new(), None);
        loop {
            let page = account.retained(from.as_ref(), PAGE).await.map_err(failed)?;
            let fits = |m: &&Retained| {
                cause.is_none_or(|c| m.cause == c)
                    && mailbox.as_ref().is_none_or(|wanted| m.mailbox_name.as_ref() == Some(wanted))
            };
            chosen.extend(page.messages.iter().filter(fits).map(|m| m.id));
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        let restored = account.restore(&chosen).await.map_err(failed)?;
        Ok(json!({"restored": restored.len()}))
    }
}

fn row(message: &Retained, from: &str, subject: &str) -> Value {
    let time =
        |at: types::Timestamp| jiff::Timestamp::from_millisecond(at.0).map(|t| t.to_string()).unwrap_or_default();
    json!({
        "deleted": time(message.removed),
        "by": cause_name(message.cause),
        "mailbox": message.mailbox_name.as_ref().map(ToString::to_string),
        "from": from,
        "subject": subject,
        "gone for good": time(message.id.expiry),
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
