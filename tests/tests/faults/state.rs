//! What is stored, as a restart would find it.

use crate::client::Acknowledged;
use crate::server::{Node, Server};
use domain::FlagNames;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher as _};
use types::AccountId;

/// What each account holds and what waits in the queue: a line for each mailbox, subscription, message and item. Bodies
/// count from their subject on, for trace lines differ from run to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    accounts: BTreeMap<&'static str, Vec<String>>,
    queue: Vec<String>,
}

impl State {
    pub(crate) async fn of(server: &Server) -> Self {
        let node = server.restarted().await;
        let accounts = [("anna", account(&node, server.anna).await), ("ben", account(&node, server.ben).await)];
        Self { accounts: accounts.into(), queue: queue(&node).await }
    }

    /// What was acknowledged is there; what was not is not, unless it may be, and then whole.
    pub(crate) fn check(&self, old: &Self, new: &Self, said: &Acknowledged<'_>, may_be: bool, what: &str) {
        match said {
            Acknowledged::Read => assert!(self == old || self == new, "{what}: {self:?}"),
            Acknowledged::All => assert_eq!(self, new, "{what}: acknowledged, and not so"),
            Acknowledged::None if may_be => assert!(self == old || self == new, "{what}: half is there: {self:?}"),
            Acknowledged::None => assert_eq!(self, old, "{what}: refused, and done"),
            Acknowledged::These(accounts) => {
                for (name, acknowledged) in accounts {
                    let (now, old, new) = (&self.accounts[name], &old.accounts[name], &new.accounts[name]);
                    assert!(now == new || (!acknowledged && now == old), "{what}: {name} has {now:?}");
                    assert!(*acknowledged || may_be || now == old, "{what}: {name} was refused, and has {now:?}");
                }
            }
        }
    }
}

async fn account(node: &Node, id: AccountId) -> Vec<String> {
    let account = node.mail.account(id).await.unwrap();
    let mailboxes = account.mailboxes().await.unwrap();
    let mut lines: Vec<String> = mailboxes.subscriptions().iter().map(|name| format!("subscribed {name:?}")).collect();
    for mailbox in mailboxes.iter() {
        lines.push(format!("mailbox {:?}", mailbox.name));
        if !mailbox.selectable {
            continue;
        }
        let snapshot = account.open(mailbox.id).await.unwrap().current();
        lines.push(format!("hidden from POP3: {}", account.hidden_from_pop3(mailbox.id).await.unwrap()));
        for entry in snapshot.iter() {
            let content = account.contents(&[entry.email]).await.unwrap().remove(0).expect("every message has content");
            let mut body = Vec::new();
            while body.len() < usize::try_from(content.size().0).unwrap() {
                let piece = account.read_body(&content, body.len() as u64..u64::MAX).await.unwrap();
                assert!(!piece.is_empty(), "a body is shorter than its size");
                body.extend_from_slice(&piece);
            }
            let flags = FlagNames::of(entry.flags, &snapshot.keywords);
            lines.push(format!("{:?} {} {flags:?} {}", mailbox.name, entry.uid, digest(&body)));
        }
    }
    lines
}

async fn queue(node: &Node) -> Vec<String> {
    let mut lines = Vec::new();
    for item in node.queue.list(None, 100).await.unwrap() {
        let content = node.queue.content(item.trace).await.unwrap();
        let body = node.queue.read_body(&content, 0..u64::MAX).await.unwrap();
        let to: Vec<_> = item.recipients.iter().map(|r| (r.envelope.address.to_string(), r.state)).collect();
        lines.push(format!("{:?} to {to:?}: {}", item.reverse_path, digest(&body)));
    }
    // Trace ids are random within a moment.
    lines.sort();
    lines
}

/// From the subject on.
fn digest(body: &[u8]) -> String {
    let mark = b"Subject: ";
    let start = body.windows(mark.len()).position(|part| part == mark).expect("a subject");
    let mut hasher = DefaultHasher::new();
    hasher.write(&body[start..]);
    format!("{} octets {:x}", body.len() - start, hasher.finish())
}
