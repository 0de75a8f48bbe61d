//! Carries control requests out: from a verb to its room.

mod accounts;
mod bans;
mod certificates;
mod client_certificates;
mod failures;
mod imported;
mod passwords;
mod queue;
mod settings;
mod store;
mod undelete;
mod uses;

use super::protocol::{Failure, Request};
use crate::server::services::Core;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use types::{Address, DomainName};

/// The result of a verb.
type Answer = Result<Value, Failure>;

/// The server as the verbs see it.
pub(crate) struct Handler {
    core: Core,
    network: Arc<net::Server>,
}

impl Handler {
    /// For a running server.
    pub(crate) fn new(core: Core, network: Arc<net::Server>) -> Self {
        Self { core, network }
    }

    /// Carries a request out.
    pub(crate) async fn handle(&self, request: Request) -> Answer {
        match request {
            Request::Status => self.status().await,
            Request::Reload => self.reload().await,
            Request::DomainList => self.domain_list().await,
            Request::DomainAdd { domain } => self.domain_add(&domain).await,
            Request::DomainRemove { domain } => self.domain_remove(&domain).await,
            Request::DomainSet { domain, settings } => self.domain_set(&domain, &settings).await,
            Request::AccountList => self.account_list().await,
            Request::AccountShow { address } => self.account_show(&address).await,
            Request::AccountAdd { address, password } => self.account_add(&address, password).await,
            Request::AccountAddHashed { address, hash } => self.account_add_hashed(&address, &hash).await,
            Request::AccountRemove { address } => self.account_remove(&address).await,
            Request::AccountMark { address, operator, shared } => self.account_mark(&address, operator, shared).await,
            Request::CertificateList { address } => self.certificate_list(&address).await,
            Request::CertificateAdd { address, certificate, name } => {
                self.certificate_add(&address, &certificate, &name).await
            }
            Request::CertificateRemove { address, certificate } => {
                self.certificate_remove(&address, &certificate).await
            }
            Request::AccountSet { address, settings } => self.account_set(&address, &settings).await,
            Request::QuotaSet { address, octets } => self.quota_set(&address, octets).await,
            Request::PasswordSetHash { address, hash } => self.password_set_hash(&address, &hash).await,
            Request::PasswordSet { address, password } => self.password_set(&address, password).await,
            Request::PasswordAdd { address, name, scope, seconds } => {
                self.password_add(&address, name, scope.as_deref(), seconds).await
            }
            Request::PasswordList { address } => self.password_list(&address).await,
            Request::PasswordRemove { address, password } => self.password_remove(&address, &password).await,
            Request::AliasList => self.alias_list().await,
            Request::AliasAdd { alias, to } => self.alias_add(&alias, &to).await,
            Request::AliasRemove { alias } => self.alias_remove(&alias).await,
            Request::QueueList => self.queue_list().await,
            Request::QueueShow { id } => self.queue_show(&id).await,
            Request::QueueHold { id } => self.queue_hold(&id).await,
            Request::QueueRelease { id } => self.queue_release(&id).await,
            Request::QueueRetry { id } => self.queue_retry(id.as_deref()).await,
            Request::QueueDrop { id } => self.queue_drop(&id).await,
            Request::BanList => Ok(self.ban_list()),
            Request::BanAdd { address, seconds, reason, force } => {
                self.ban_add(&address, seconds, &reason, force).await
            }
            Request::BanRemove { address } => self.ban_remove(&address).await,
            Request::BanWhy { address } => self.ban_why(&address),
            Request::StoreVerify => self.store_verify().await,
            Request::StoreStats => Ok(self.store_stats()),
            Request::StoreCompact => self.store_compact().await,
            Request::StoreBackup { target } => self.store_backup(target).await,
            Request::Trace { id } => self.trace(&id).await,
            Request::UndeleteList { address, deleted, cursor } => {
                self.undelete_list(&address, &deleted, cursor.as_deref()).await
            }
            Request::UndeleteCount { address, deleted, cursor } => {
                self.undelete_count(&address, &deleted, cursor.as_deref()).await
            }
            Request::UndeleteRestore { address, deleted, cursor } => {
                self.undelete_restore(&address, &deleted, cursor.as_deref()).await
            }
        }
    }

    async fn status(&self) -> Answer {
        let counters = self.network.counters();
        let stats = self.core.engine.stats();
        Ok(json!({
            "version": env!("CARGO_PKG_VERSION"),
            "hostname": self.core.shared.hostname.as_str(),
            "store": stats.poisoned.map_or_else(|| "good".to_owned(), |why| format!("takes no more writes: {why}; restart")),
            "connections": self.network.admission().open(),
            "connections so far": counters.accepted.load(Ordering::Relaxed),
            "refused": counters.refused.load(Ordering::Relaxed),
            "banned": self.core.shared.directory.bans_count(),
            "turned away by bans": counters.banned.load(Ordering::Relaxed),
            "client addresses": self.client_addresses(),
            "defects": counters.panics.load(Ordering::Relaxed),
            "queue": self.core.queue.count(),
            "certificates": self.certificates(),
            "exposed passwords": self.exposed().await?,
            "read by POP3 and IMAP": self.both_protocols().await?,
        }))
    }
}

fn address(text: &str) -> Result<Address, Failure> {
    Address::parse(text).map_err(|error| {
        Failure::new(format!("`{text}` is no address"), error.to_string(), "write it as anna@example.org")
    })
}

fn domain(text: &str) -> Result<DomainName, Failure> {
    DomainName::parse(text)
        .map_err(|error| Failure::new(format!("`{text}` is no domain"), error.to_string(), "write it as example.org"))
}
