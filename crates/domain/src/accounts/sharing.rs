//! Who shares mailboxes with whom: the marks of accounts, and hints from a grantee to those who gave him rights.
//!
//! The mailbox's access control list, in its owner's account, decides; a hint only finds it. A batch never spans two
//! accounts, so a hint is written before the list and looked at again after it, and taken away only after the list no
//! longer needs it, with another look: a crash or a race can leave a hint too many, which costs a look; one too few
//! would take a crash in the middle of a race, and the next change of that list mends it.

use super::cache::damaged;
use super::rows::{AccountMarks, AccountRow};
use super::{ATTEMPTS, AccountState, Directory, DirectoryError};
use crate::keys::{self, DIRECTORY};
use crate::mail::ANYONE;
use crate::{Account, AclChange, AclKey, Grantee};
use bytes::Bytes;
use store_kv::{Batch, Scan, Space, Watch, account_prefix};
use types::{AccountId, Address, MailboxId};

/// Most accounts that one account is shown mailboxes of; those of more can still be named.
pub const SHARERS_MAX: usize = 1000;

/// A mark that an account can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountMark {
    /// See [`AccountMarks::admin`].
    Admin,
    /// See [`AccountMarks::shared`].
    Shared,
}

/// Wakes when anything in the directory has changed.
#[derive(Clone, Debug)]
pub struct DirectoryWatch(Watch);

impl DirectoryWatch {
    /// Waits for a change since the watch was made or this was last called. Can be dropped while it waits without losing
    /// one.
    pub async fn changed(&mut self) {
        self.0.changed().await;
    }
}

impl Directory {
    /// Gives an account a mark, or takes it away.
    pub async fn mark_set(&self, address: &Address, mark: AccountMark, on: bool) -> Result<(), DirectoryError> {
        for _ in 0..ATTEMPTS {
            let (account, _) = self.account_at(address).await?;
            let key = keys::account_entry(account);
            let stored = self.engine.get(&key).await?.ok_or_else(damaged)?;
            let row = AccountRow::decode(&stored).ok_or_else(damaged)?;
            let mut marks = row.marks;
            match mark {
                AccountMark::Admin => marks.admin = on,
                AccountMark::Shared => marks.shared = on,
            }
            let mut batch = Batch::new(DIRECTORY);
            batch.put(key.clone(), AccountRow { marks, ..row }.encode());
            batch.expect(key, Some(stored));
            if self.commit(batch).await? {
                return Ok(());
            }
        }
        Err(DirectoryError::Busy)
    }

    /// An account that is in use: its main address and its marks.
    pub async fn account_named(&self, account: AccountId) -> Result<Option<(Address, AccountMarks)>, DirectoryError> {
        let row = self.account_row(account).await?.filter(|row| row.state == AccountState::Active);
        Ok(row.map(|row| (row.address, row.marks)))
    }

    /// Whether an account's owner is an operator.
    pub async fn is_admin(&self, account: AccountId) -> Result<bool, DirectoryError> {
        Ok(self.account_named(account).await?.is_some_and(|(_, marks)| marks.admin))
    }

    /// Changes one entry of a mailbox's access control list, and lets the grantee find the mailbox.
    pub async fn acl_set(
        &self,
        owner: &Account,
        mailbox: MailboxId,
        key: AclKey,
        change: AclChange,
    ) -> Result<(), DirectoryError> {
        let grantee = key.grantee;
        let may_grant = !key.is_negative && grantee.id() != owner.id();
        if may_grant && matches!(change, AclChange::Add(_) | AclChange::Replace(_)) {
            self.hint(owner.id(), grantee.id()).await?;
        }
        owner.change_acl(mailbox, key, change).await?;
        if may_grant {
            self.settle_hint(owner, grantee).await?;
        }
        Ok(())
    }

    /// Wakes when the directory has changed: [`Directory::sharers`] and [`Directory::account_named`] may say something else
    /// from then on.
    pub fn watch(&self) -> DirectoryWatch {
        DirectoryWatch(self.engine.watch(&account_prefix(DIRECTORY)))
    }

    /// Other accounts that may have given this one, or everybody, rights; at most [`SHARERS_MAX`].
    pub async fn sharers(&self, reader: AccountId) -> Result<Vec<AccountId>, DirectoryError> {
        let mut all = Vec::new();
        for grantee in [reader, ANYONE] {
            let mut scan = Scan::prefix(&keys::grant_hints(grantee));
            scan.limit.rows = SHARERS_MAX;
            for (key, _) in self.engine.scan(&scan).await?.rows {
                all.push(keys::hint_of(&key).ok_or_else(damaged)?);
            }
        }
        all.sort_unstable();
        all.dedup();
        all.retain(|owner| *owner != reader);
        all.truncate(SHARERS_MAX);
        Ok(all)
    }

    /// Makes the hint what the lists need, when they may have changed.
    async fn settle_hint(&self, owner: &Account, grantee: Grantee) -> Result<(), DirectoryError> {
        if !owner.grants(grantee).await? {
            let mut batch = Batch::new(DIRECTORY);
            batch.space = Space::Frees;
            batch.delete(keys::grant_hint(grantee.id(), owner.id()));
            batch.delete(keys::owner_hint(owner.id(), grantee.id()));
            self.commit(batch).await?;
        }
        // Somebody may have given rights just now, and taken the hint that went for his own.
        if owner.grants(grantee).await? {
            self.hint(owner.id(), grantee.id()).await?;
        }
        Ok(())
    }

    async fn hint(&self, owner: AccountId, grantee: AccountId) -> Result<(), DirectoryError> {
        let key = keys::grant_hint(grantee, owner);
        for _ in 0..ATTEMPTS {
            if self.engine.get(&key).await?.is_some() {
                return Ok(());
            }
            let mut batch = Batch::new(DIRECTORY);
            batch.put(key.clone(), Bytes::new());
            batch.put(keys::owner_hint(owner, grantee), Bytes::new());
            self.commit(batch).await?;
        }
        Err(DirectoryError::Busy)
    }

    /// Puts into a batch that all hints for and of an account go.
    pub(super) async fn release_hints(&self, batch: &mut Batch, account: AccountId) -> Result<(), DirectoryError> {
        let mut scan = Some(Scan::prefix(&keys::grant_hints(account)));
        while let Some(page_scan) = scan {
            let page = self.engine.scan(&page_scan).await?;
            for (key, _) in &page.rows {
                let owner = keys::hint_of(key).ok_or_else(damaged)?;
                batch.delete(key.clone());
                batch.delete(keys::owner_hint(owner, account));
            }
            scan = page_scan.after(&page);
        }
        let mut scan = Some(Scan::prefix(&keys::owner_hints(account)));
        while let Some(page_scan) = scan {
            let page = self.engine.scan(&page_scan).await?;
            for (key, _) in &page.rows {
                let grantee = keys::hint_of(key).ok_or_else(damaged)?;
                batch.delete(key.clone());
                batch.delete(keys::grant_hint(grantee, account));
            }
            scan = page_scan.after(&page);
        }
        Ok(())
    }
}
