//! What others did to annotations, for a session that enabled METADATA or METADATA-SERVER (RFC 5464 §4.4).
//!
//! A session looks at its own account, at that of its open mailbox, and at the server: changes elsewhere are found by
//! whoever asks.

use crate::rights::{Action, allow};
use crate::session::Session;
use crate::status;
use domain::{Account, AccountWatch, MailError};
use proto_imap::Response;
use proto_imap::command::enable::Extension;
use service_session::Transport;
use std::collections::HashMap;
use types::{AccountId, EntryName, MailboxName, ModSeq, Rights};

/// Most own changes that are remembered between two times of telling; of more some come back as news.
const OWN_MAX: usize = 100;

/// What was told so far.
#[derive(Debug)]
pub(crate) struct AnnotationNews {
    /// Up to which change of each account.
    told: HashMap<AccountId, ModSeq>,
    /// Changes that the session made itself since.
    own: Vec<(AccountId, ModSeq)>,
    /// Wakes an idle session.
    watches: Vec<AccountWatch>,
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
        match self.watches.as_mut_slice() {
            [first, second] => tokio::select! {
                () = first.changed() => {}
                () = second.changed() => {}
            },
            [only] => only.changed().await,
            _ => std::future::pending().await,
        }
    }
}

impl<S: Transport> Session<S> {
    /// From now on changes are told.
    pub(crate) async fn follow_annotations(&mut self) -> Result<(), MailError> {
        if self.annotation_news.is_some() {
            return Ok(());
        }
        let mut news = AnnotationNews { told: HashMap::new(), own: Vec::new(), watches: Vec::new() };
        for account in self.followed().await? {
            // Watched first: what happens in between is told twice at most.
            news.watches.push(account.watch());
            let (_, now) = account.annotations_changed(END, account.id()).await?;
            news.told.insert(account.id(), now);
        }
        self.annotation_news = Some(Box::new(news));
        Ok(())
    }

    /// The user's own account and the server's.
    async fn followed(&self) -> Result<[Account; 2], MailError> {
        let own = self.account().map_err(|_| MailError::NoSuchMailbox)?.clone();
        Ok([own, self.service.shared.mail.server().await?])
    }

    /// Tells what others changed.
    pub(crate) async fn tell_annotations_now(&mut self) {
        let Some(mut news) = self.annotation_news.take() else { return };
        if let Err(failure) = Box::pin(self.tell_annotations_of(&mut news)).await {
            // The log is told; the client is told the next time.
            drop(status::of_mail(&failure));
        }
        news.own.clear();
        self.annotation_news = Some(news);
    }

    async fn tell_annotations_of(&mut self, news: &mut AnnotationNews) -> Result<(), MailError> {
        let reader = self.reader()?;
        let mut accounts = self.followed().await?.to_vec();
        let open = self.selected.as_ref().map(|selected| selected.account.clone());
        accounts.extend(open.filter(|open| open.id() != reader));
        news.told.retain(|id, _| accounts.iter().any(|account| account.id() == *id));
        for account in accounts {
            let since = news.told.get(&account.id()).copied();
            let (changed, now) = account.annotations_changed(since.unwrap_or(END), reader).await?;
            news.told.insert(account.id(), now);
            for change in changed {
                let is_others = |(_, modseq): &&(EntryName, ModSeq)| !news.own.contains(&(account.id(), *modseq));
                let names: Vec<_> = change.names.iter().filter(is_others).map(|(name, _)| name.clone()).collect();
                if names.is_empty() {
                    continue;
                }
                match change.mailbox {
                    None if self.hears_of_annotations(None) => {
                        self.machine.send(&Response::MetadataChanged { mailbox: None, names: &names });
                    }
                    None => {}
                    Some((_, name)) => self.tell_annotations_in(&account, &name, &names).await?,
                }
            }
        }
        Ok(())
    }

    /// Tells of a mailbox, if the client wants to hear of mailboxes and may know of this one.
    async fn tell_annotations_in(
        &mut self,
        account: &Account,
        name: &MailboxName,
        names: &[EntryName],
    ) -> Result<(), MailError> {
        let Some(shown) = self.name_of(account, name).await? else { return Ok(()) };
        if !self.hears_of_annotations(Some(&shown)) {
            return Ok(());
        }
        let reader = self.reader()?;
        let mailboxes = account.mailboxes().await?;
        let rights = mailboxes.get(name).map(|mailbox| mailbox.acl.rights(account.id(), reader)).unwrap_or_default();
        if !rights.contains(Rights::LOOKUP) || !allow(rights, Action::Annotate) {
            return Ok(());
        }
        self.machine.send(&Response::MetadataChanged { mailbox: Some(shown.as_str()), names });
        Ok(())
    }

    /// Whether the client wants to hear of a mailbox's annotations, or of the server's: it has enabled that
    /// (RFC 5464 §4.4) or asks for the event (RFC 5465 §5.6, §5.7).
    fn hears_of_annotations(&self, mailbox: Option<&MailboxName>) -> bool {
        let enabled = self.machine.enabled();
        enabled.has(Extension::Metadata)
            || mailbox.is_none() && enabled.has(Extension::MetadataServer)
            || self.notify.as_ref().is_some_and(|notify| notify.tells_annotations(mailbox))
    }
}

/// Later than every change: nothing is told, but where things stand now.
const END: ModSeq = ModSeq(u64::MAX);
