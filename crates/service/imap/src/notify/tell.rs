//! Telling: LIST, STATUS and NOTIFICATIONOVERFLOW of RFC 5465 §5.

use super::{Changes, Notify, Own, Told, TooMuch};
use crate::accounts::{MailboxKey, is_below, key_of};
use crate::notify::changes::Change;
use crate::place::spelled;
use crate::session::Session;
use crate::status;
use domain::{Account, Mailboxes};
use proto_imap::response::{Child, Existence, ListEntry};
use proto_imap::view::{Expunges, UpdateForm, Wanted};
use proto_imap::{Code, Response, Status};
use service_session::Transport;
use std::io;
use std::sync::Arc;
use tokio::time::Instant;
use types::{MailboxId, MailboxName, Uid};

impl<S: Transport> Session<S> {
    /// What is told without having been asked for.
    pub(crate) fn wanted(&self) -> Wanted {
        self.notify.as_ref().map_or(Wanted::ALL, |notify| notify.wanted())
    }

    /// Whether EXPUNGEs may be told where a command allows it: not to who does not want to hear of them.
    pub(crate) fn expunges(&self, allowed: Expunges) -> Expunges {
        if self.wanted().messages { allowed } else { Expunges::Held }
    }

    /// The session itself changes what has this name.
    pub(crate) fn did_name(&mut self, name: &MailboxName) {
        if let Some(notify) = &mut self.notify {
            notify.own.names.push(spelled(name));
            // A subscription keeps the name as it was given.
            notify.own.names.push(name.clone());
        }
    }

    /// The session itself has put messages into a mailbox.
    pub(crate) fn did_add(&mut self, account: &Account, id: MailboxId, uids: impl IntoIterator<Item = Uid>) {
        let open = self.selected.as_mut().filter(|s| s.id == id && s.account.id() == account.id());
        if let Some(open) = open {
            if self.notify.is_some() || !open.contexts.is_empty() {
                open.own.extend(uids);
            }
        } else if let Some(notify) = &mut self.notify {
            let count = u32::try_from(uids.into_iter().count()).unwrap_or(u32::MAX);
            notify.own.messages.push(((account.id(), id), count));
        }
    }

    /// Tells what happened while no command runs.
    pub(crate) async fn tell_unasked(&mut self) -> io::Result<()> {
        let is_idling = self.is_idling();
        let expunges = self.notify.as_ref().map_or(Expunges::Told, |notify| notify.expunges(is_idling));
        let before = self.machine.output().len();
        self.tell(expunges, UpdateForm::Plain).await?;
        self.tell_others().await?;
        let has_told = self.machine.output().len() != before;
        if let Some(notify) = &mut self.notify
            && has_told
        {
            notify.told_at = Some(Instant::now());
        }
        Ok(())
    }

    /// Tells what happened elsewhere, if anything did, with the answer of a command.
    pub(crate) async fn tell_others_now(&mut self) -> io::Result<()> {
        let Some(notify) = &mut self.notify else { return Ok(()) };
        if notify.is_woken().await {
            Box::pin(self.tell_others()).await?;
        }
        if let Some(notify) = &mut self.notify {
            notify.own = Own::default();
        }
        Ok(())
    }

    /// Tells what happened elsewhere.
    async fn tell_others(&mut self) -> io::Result<()> {
        if self.machine.is_closed() {
            return Ok(());
        }
        let Some(mut notify) = self.notify.take_if(|notify| !notify.groups.is_empty()) else { return Ok(()) };
        let told = self.tell_differences(&mut notify).await;
        self.notify = Some(notify);
        told
    }

    async fn tell_differences(&mut self, notify: &mut Notify) -> io::Result<()> {
        notify.is_woken = false;
        if let Err(failure) = notify.accounts.update(&self.service.shared).await {
            // The log is told; it is tried again with the next change.
            status::of_mail(&failure);
            return Ok(());
        }
        let list = Arc::clone(notify.accounts.list());
        if !Arc::ptr_eq(&list, &notify.list) || notify.accounts.is_cut {
            let reader = self.account()?.id();
            let denied = std::mem::take(&mut notify.denied);
            if notify.rewatch(&list, reader) == Err(TooMuch) {
                self.overflow(notify);
                return Ok(());
            }
            let mut changes = Changes::between(&notify.list, &list);
            notify.add_access(&mut changes, &denied, &list);
            for (name, change) in &changes.0 {
                if notify.tells(name, change, &list) {
                    self.send_change(notify, name, change, &list);
                    self.send_when_high().await?;
                }
            }
            notify.list = list;
        }
        self.tell_numbers(notify).await
    }

    /// STATUS of what differs from what was told.
    async fn tell_numbers(&mut self, notify: &mut Notify) -> io::Result<()> {
        let mut woken: Vec<_> = notify.accounts.iter().filter(|a| a.is_woken).map(|a| a.account.id()).collect();
        woken.sort_unstable();
        notify.accounts.iter_mut().for_each(|account| account.is_woken = false);
        let open = self.open_key();
        for watched in &mut notify.watched {
            let (owner, id) = watched.key;
            let is_new = watched.told.uid_validity.is_none();
            if !is_new && woken.binary_search(&owner).is_err() {
                continue;
            }
            let (Some(account), Some(mailbox)) = (notify.accounts.get(owner), notify.list.of(owner, id)) else {
                continue;
            };
            let Ok(found) = account.account.status(id).await else { continue };
            let now = Told::of(&found);
            let before = std::mem::replace(&mut watched.told, now);
            if now == before || open == Some(watched.key) || notify.own.explains(watched.key, before, now) {
                continue;
            }
            if let Some(answer) = before.difference(now, watched.events, self.machine.enabled().condstore()) {
                self.machine.send(&Response::MailboxStatus(&mailbox.name, &answer));
                self.send_when_high().await?;
            }
        }
        Ok(())
    }

    /// There is more to tell than can be (RFC 5465 §5.8): nothing is told any more.
    fn overflow(&mut self, notify: &mut Notify) {
        let overflow = Status::ok("There is too much to watch").with_code(Code::NotificationOverflow);
        self.machine.send(&Response::Status(&overflow));
        notify.end();
        self.apply_wanted(notify.wanted());
    }

    /// The open mailbox.
    fn open_key(&self) -> Option<MailboxKey> {
        self.selected.as_ref().map(|selected| (selected.account.id(), selected.id))
    }

    /// LIST with everything as it stands (RFC 5465 §5.4, §5.5). `\NoAccess`: what was asked for of the mailbox cannot be
    /// told (RFC 5465 §3.1, §5.9).
    fn send_change(&mut self, notify: &Notify, name: &MailboxName, change: &Change, list: &Mailboxes) {
        let mailbox = list.get(name);
        let has_children = match mailbox {
            Some(mailbox) => mailbox.has_children,
            None => list.iter().any(|mailbox| is_below(&mailbox.name, name)),
        };
        let is_denied = mailbox.is_some_and(|mailbox| notify.denied.binary_search(&key_of(mailbox)).is_ok());
        self.machine.send(&Response::List(&ListEntry {
            existence: if mailbox.is_some_and(|m| m.selectable) { Existence::Mailbox } else { Existence::None },
            no_access: change.lost || is_denied,
            children: if has_children { Child::Has } else { Child::HasNone },
            subscribed: list.subscriptions().binary_search(name).is_ok(),
            special_uses: mailbox.map_or(&[], |m| m.special_use.as_slice()),
            old_name: change.old_name.as_ref().map(MailboxName::as_str),
            ..ListEntry::new(name.as_str())
        }));
    }

    /// What NOTIFY SET tells of mailboxes that were asked for and may not be watched (RFC 5465 §3.1).
    pub(crate) async fn send_denied(&mut self) -> io::Result<()> {
        let Some(notify) = self.notify.take() else { return Ok(()) };
        let change = Change::default();
        let mut names: Vec<_> = notify.denied.iter().filter_map(|(owner, id)| notify.list.of(*owner, *id)).collect();
        names.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let mut sent = Ok(());
        for mailbox in names {
            self.send_change(&notify, &mailbox.name, &change, &notify.list);
            sent = self.send_when_high().await;
            if sent.is_err() {
                break;
            }
        }
        self.notify = Some(notify);
        sent
    }

    /// Where the watched mailboxes stand: the STATUS indicator of NOTIFY SET (RFC 5465 §3.1).
    pub(crate) async fn send_watched(&mut self) -> io::Result<()> {
        let Some(notify) = &self.notify else { return Ok(()) };
        let (watched, list) = (notify.watched.clone(), Arc::clone(&notify.list));
        let (open, condstore) = (self.open_key(), self.machine.enabled().condstore());
        for watched in watched.into_iter().filter(|watched| open != Some(watched.key)) {
            let (owner, id) = watched.key;
            let Some(mailbox) = list.of(owner, id) else { continue };
            let answer = watched.told.first(watched.events, condstore);
            self.machine.send(&Response::MailboxStatus(&mailbox.name, &answer));
            self.send_when_high().await?;
        }
        Ok(())
    }

    /// Lets the open mailbox tell this from now on.
    pub(crate) fn apply_wanted(&mut self, wanted: Wanted) {
        if let Some(selected) = &mut self.selected {
            selected.told.set_wanted(wanted);
        }
    }
}
