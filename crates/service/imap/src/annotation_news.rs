//! What others did to annotations, for a session that enabled METADATA or METADATA-SERVER (RFC 5464 §4.4) or asks for
//! them with NOTIFY (RFC 5465 §5.6, §5.7).
//!
//! A session looks at its own account, at those of others that share something with its user, and at the server. Of more
//! accounts than are watched changes are found by whoever asks.

use crate::accounts::{Accounts, Scope};
use crate::rights::{Action, allow};
use crate::session::Session;
use crate::status;
use domain::{Account, AccountWatch, AnnotationsChanged, MailError};
use proto_imap::Response;
use proto_imap::command::EventGroup;
use proto_imap::command::enable::Extension;
use service_session::Transport;
use std::collections::HashMap;
use std::future::ready;
use std::sync::Arc;
use types::{AccountId, EntryName, MailboxName, ModSeq, Rights};

/// Most own changes that are remembered between two times of telling; of more some come back as news.
const OWN_MAX: usize = 100;
/// Later than every change: nothing is told, but where things stand now.
const END: ModSeq = ModSeq(u64::MAX);

/// What was told so far.
#[derive(Debug)]
pub(crate) struct AnnotationNews {
    accounts: Accounts,
    server: Server,
    /// Up to which change of each account.
    told: HashMap<AccountId, ModSeq>,
    /// Changes that the session made itself since.
    own: Vec<(AccountId, ModSeq)>,
}

/// The account of what is said of the server as a whole.
#[derive(Debug)]
struct Server {
    account: Account,
    watch: AccountWatch,
    is_woken: bool,
}

impl AnnotationNews {
    /// Remembers a change of the session's own.
    pub(crate) fn own(&mut self, account: AccountId, change: ModSeq) {
        if self.own.len() < OWN_MAX {
            self.own.push((account, change));
        }
    }

    /// Waits until one of the accounts has changed.
    pub(crate) async fn changed(&mut self) {
        let Self { accounts, server, .. } = self;
        tokio::select! {
            () = accounts.changed() => {}
            () = server.watch.changed() => server.is_woken = true,
        }
    }

    /// Takes in what has changed; whether anything has.
    async fn has_changed(&mut self) -> bool {
        let Self { accounts, server, .. } = self;
        let of_accounts = accounts.has_changed().await;
        server.is_woken |= tokio::select! {
            biased;
            () = server.watch.changed() => true,
            () = ready(()) => false,
        };
        of_accounts || server.is_woken
    }

    /// The changes of an account that were not told yet, as `reader` sees them; of one that is new to the session there are
    /// none.
    async fn of(&mut self, account: &Account, reader: AccountId) -> Result<Vec<AnnotationsChanged>, MailError> {
        let since = self.told.get(&account.id()).copied();
        let (mut changed, now) = account.annotations_changed(since.unwrap_or(END), reader).await?;
        self.told.insert(account.id(), now);
        for change in &mut changed {
            change.names.retain(|(_, modseq)| !self.own.contains(&(account.id(), *modseq)));
        }
        changed.retain(|change| !change.names.is_empty());
        Ok(changed)
    }
}

impl<S: Transport> Session<S> {
    /// From now on changes are told: of mailboxes that these groups may name, or of everybody's.
    pub(crate) async fn follow_annotations(
        &mut self,
        groups: Arc<[EventGroup]>,
        everybody: bool,
    ) -> Result<(), MailError> {
        let shared = self.service.shared.clone();
        let everybody = everybody || self.machine.enabled().has(Extension::Metadata);
        let groups = match &self.notify {
            Some(notify) if groups.is_empty() => Arc::clone(notify.groups()),
            _ => groups,
        };
        let scope = Scope { groups, everybody };
        if let Some(news) = &mut self.annotation_news {
            news.accounts.widen(&shared, scope).await?;
        } else {
            let own = self.account().map_err(|_| MailError::NoSuchMailbox)?;
            let accounts = Accounts::begin(&shared, own, scope).await?;
            let account = shared.mail.server().await?;
            let server = Server { watch: account.watch(), account, is_woken: true };
            let news = AnnotationNews { accounts, server, told: HashMap::new(), own: Vec::new() };
            self.annotation_news = Some(Box::new(news));
        }
        // Of accounts that are new to the session it is found out where they stand.
        self.tell_annotations_now().await;
        Ok(())
    }

    /// Tells what others changed.
    pub(crate) async fn tell_annotations_now(&mut self) {
        let Some(mut news) = self.annotation_news.take() else { return };
        if news.has_changed().await
            && let Err(failure) = Box::pin(self.tell_annotations_of(&mut news)).await
        {
            // The log is told; the client is told the next time.
            drop(status::of_mail(&failure));
        }
        news.own.clear();
        self.annotation_news = Some(news);
    }

    async fn tell_annotations_of(&mut self, news: &mut AnnotationNews) -> Result<(), MailError> {
        let reader = self.reader()?;
        news.accounts.update(&self.service.shared).await?;
        let woken: Vec<Account> =
            news.accounts.iter().filter(|watched| watched.is_woken).map(|watched| watched.account.clone()).collect();
        for account in woken {
            for change in news.of(&account, reader).await? {
                let names: Vec<_> = change.names.into_iter().map(|(name, _)| name).collect();
                match change.mailbox {
                    None if account.id() == reader => self.tell_annotations(None, &names),
                    None => {}
                    Some((_, name)) => self.tell_annotations_in(news, account.id(), &name, &names),
                }
            }
            let watched = news.accounts.iter_mut().filter(|watched| watched.account.id() == account.id());
            watched.for_each(|watched| watched.is_woken = false);
        }
        if news.server.is_woken {
            let account = news.server.account.clone();
            for change in news.of(&account, reader).await? {
                let names: Vec<_> = change.names.into_iter().map(|(name, _)| name).collect();
                self.tell_annotations(None, &names);
            }
            news.server.is_woken = false;
        }
        let AnnotationNews { accounts, server, told, .. } = news;
        told.retain(|id, _| *id == server.account.id() || accounts.get(*id).is_some());
        Ok(())
    }

    /// Tells of a mailbox, if the user may know of it.
    fn tell_annotations_in(
        &mut self,
        news: &AnnotationNews,
        owner: AccountId,
        name: &MailboxName,
        names: &[EntryName],
    ) {
        let Ok(reader) = self.reader() else { return };
        let Some(watched) = news.accounts.get(owner) else { return };
        let Some(shown) = watched.shown(name) else { return };
        let rights = watched.list.get(name).map(|mailbox| mailbox.acl.rights(owner, reader)).unwrap_or_default();
        self.tell_annotations(Some((&shown, rights)), names);
    }

    /// Tells of a mailbox in which the user has these rights, or of the server, if the client wants to hear of it: it asks
    /// for the event (RFC 5465 §5.6, §5.7) or, where it asks for none with NOTIFY, has enabled that (RFC 5464 §4.4).
    fn tell_annotations(&mut self, mailbox: Option<(&MailboxName, Rights)>, names: &[EntryName]) {
        let enabled = self.machine.enabled();
        let is_told = match (&self.notify, mailbox) {
            // RFC 5465 §3.1, §5: what is left out of NOTIFY is not told.
            (Some(notify), mailbox) => notify.tells_annotations(mailbox),
            (None, Some((_, rights))) => {
                enabled.has(Extension::Metadata) && rights.contains(Rights::LOOKUP) && allow(rights, Action::Annotate)
            }
            (None, None) => enabled.has(Extension::Metadata) || enabled.has(Extension::MetadataServer),
        };
        if is_told {
            let mailbox = mailbox.map(|(name, _)| name.as_str());
            self.machine.send(&Response::MetadataChanged { mailbox, names });
        }
    }
}
