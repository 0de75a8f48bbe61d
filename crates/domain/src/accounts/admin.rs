//! What the operator does with domains and accounts.

use super::cache::{address_key, damaged};
use super::rows::{AccountMarks, AccountRow, AddressRow, DomainRow};
use super::{ATTEMPTS, AccountState, Directory, DirectoryError};
use crate::Usage;
use crate::keys::{self, DIRECTORY};
use bytes::Bytes;
use store_kv::{Batch, Row, Scan};
use types::{AccountId, Address, DomainName, Octets, Timestamp};

/// Most addresses of an account beside its main one that are shown.
const ADDRESSES_SHOWN_MAX: usize = 1000;

/// A domain of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainInfo {
    /// Its name.
    pub domain: DomainName,
    /// Since when.
    pub created: Timestamp,
    /// Who gets what is for nobody.
    pub catch_all: Option<Address>,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountInfo {
    /// Its number, for ever.
    pub account: AccountId,
    /// Its main address.
    pub address: Address,
    /// All its addresses, the main one included.
    pub addresses: Vec<Address>,
    /// Where it stands.
    pub state: AccountState,
    /// Since when.
    pub created: Timestamp,
    /// Whether its password is locked.
    pub locked: bool,
    /// What it holds, and its quota.
    pub usage: Usage,
    /// What it is besides.
    pub marks: AccountMarks,
}

impl Directory {
    /// Takes a domain in.
    pub async fn domain_add(&self, domain: &DomainName) -> Result<(), DirectoryError> {
        let key = keys::domain(domain.as_str());
        let row = DomainRow { changes: 0, created: self.clock.now(), catch_all: None, postmaster: None };
        let mut batch = Batch::new(DIRECTORY);
        batch.expect(key.clone(), None);
        batch.put(key, row.encode());
        if self.commit(batch).await? { Ok(()) } else { Err(DirectoryError::AlreadyExists) }
    }

    /// All domains, by name.
    pub async fn domain_list(&self) -> Result<Vec<DomainInfo>, DirectoryError> {
        let mut domains = Vec::new();
        let mut scan = Some(Scan::prefix(&keys::domains()));
        while let Some(page_scan) = scan {
            let page = self.engine.scan(&page_scan).await?;
            for (key, value) in &page.rows {
                let name = std::str::from_utf8(keys::rest(key)).ok().and_then(|name| DomainName::parse(name).ok());
                let (domain, row) = name.zip(DomainRow::decode(value)).ok_or_else(damaged)?;
                domains.push(DomainInfo { domain, created: row.created, catch_all: row.catch_all });
            }
            scan = page_scan.after(&page);
        }
        Ok(domains)
    }

    /// Lets a domain go that has no address any more.
    pub async fn domain_remove(&self, domain: &DomainName) -> Result<(), DirectoryError> {
        for _ in 0..ATTEMPTS {
            let key = keys::domain(domain.as_str());
            let row = self.engine.get(&key).await?.ok_or(DirectoryError::NoSuchDomain)?;
            let mut scan = Scan::prefix(&keys::addresses(domain.as_str()));
            scan.limit.rows = 1;
            if !self.engine.scan(&scan).await?.rows.is_empty() {
                return Err(DirectoryError::InUse);
            }
            // Whoever adds an address counts it in the domain's row, so that this cannot happen at the same time.
            let mut batch = Batch::new(DIRECTORY);
            batch.expect(key.clone(), Some(row));
            batch.delete(key);
            batch.delete(keys::domain_settings(domain.as_str()));
            if self.commit(batch).await? {
                return Ok(());
            }
        }
        Err(DirectoryError::Busy)
    }

    /// Says who gets what is for nobody in a domain. The target must be an address of ours.
    pub async fn catch_all_set(&self, domain: &DomainName, target: Option<&Address>) -> Result<(), DirectoryError> {
        if let Some(target) = target {
            self.address_row(target).await?.ok_or(DirectoryError::NoSuchAddress)?;
        }
        for _ in 0..ATTEMPTS {
            let mut batch = Batch::new(DIRECTORY);
            let row = self.domain_for_update(&mut batch, domain).await?;
            batch.put(keys::domain(domain.as_str()), DomainRow { catch_all: target.cloned(), ..row }.encode());
            if self.commit(batch).await? {
                return Ok(());
            }
        }
        Err(DirectoryError::Busy)
    }

    /// The account of an address, and its row.
    pub(super) async fn account_at(&self, address: &Address) -> Result<(AccountId, AccountRow), DirectoryError> {
        let Some(AddressRow::Account(account)) = self.address_row(address).await? else {
            return Err(DirectoryError::NoSuchAccount);
        };
        let row = self.account_row(account).await?.ok_or_else(damaged)?;
        Ok((account, row))
    }

    /// Which account has this address; aliases and tags are not looked at.
    pub async fn account_find(&self, address: &Address) -> Result<AccountId, DirectoryError> {
        Ok(self.account_at(address).await?.0)
    }

    /// An account, by one of its addresses.
    pub async fn account_show(&self, address: &Address) -> Result<AccountInfo, DirectoryError> {
        let (account, row) = self.account_at(address).await?;
        self.info(account, row).await
    }

    /// Accounts by number, those above `after` first; removed ones too.
    pub async fn account_list(
        &self,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountInfo>, DirectoryError> {
        let mut scan = Scan::prefix(&keys::account_entries());
        if let Some(after) = after {
            scan.start = keys::account_entry(AccountId(after.0.saturating_add(1)));
        }
        scan.limit.rows = limit.max(1);
        let mut all = Vec::new();
        for (key, value) in self.engine.scan(&scan).await?.rows {
            let (account, row) = keys::account_entry_of(&key).zip(AccountRow::decode(&value)).ok_or_else(damaged)?;
            all.push(self.info(account, row).await?);
        }
        Ok(all)
    }

    async fn info(&self, account: AccountId, row: AccountRow) -> Result<AccountInfo, DirectoryError> {
        let mut scan = Scan::prefix(&keys::all_owned(account));
        scan.limit.rows = ADDRESSES_SHOWN_MAX;
        let owned = self.engine.scan(&scan).await?.rows;
        let addresses = owned.iter().map(address_of).collect::<Option<Vec<_>>>().ok_or_else(damaged)?;
        let locked = self.credential(account).await?.is_some_and(|credential| credential.locked);
        let usage = self.mail.account(account).await?.usage().await?;
        let AccountRow { state, created, address, marks, .. } = row;
        Ok(AccountInfo { account, address, addresses, state, created, locked, usage, marks })
    }

    /// Limits what an account may hold; `None` takes the limit away.
    pub async fn quota_set(&self, address: &Address, quota: Option<Octets>) -> Result<(), DirectoryError> {
        let (account, _) = self.account_at(address).await?;
        Ok(self.mail.account(account).await?.set_quota(quota).await?)
    }

    /// Gives an account a further address.
    pub async fn address_add(&self, account: &Address, address: &Address) -> Result<(), DirectoryError> {
        for _ in 0..ATTEMPTS {
            let (account, _) = self.account_at(account).await?;
            let key = keys::account_entry(account);
            let entry = self.engine.get(&key).await?.ok_or_else(damaged)?;
            let row = AccountRow::decode(&entry).ok_or_else(damaged)?;
            if row.state != AccountState::Active {
                return Err(DirectoryError::NoSuchAccount);
            }
            let mut batch = Batch::new(DIRECTORY);
            // Counted, so that the account cannot be removed at the same time without this address.
            batch.put(key.clone(), AccountRow { changes: row.changes + 1, ..row }.encode());
            batch.expect(key, Some(entry));
            self.claim(&mut batch, address, &AddressRow::Account(account)).await?;
            put_owned(&mut batch, account, address);
            if self.commit(batch).await? {
                return Ok(());
            }
        }
        Err(DirectoryError::Busy)
    }

    /// Takes an address from an account; not its main one.
    pub async fn address_remove(&self, address: &Address) -> Result<(), DirectoryError> {
        for _ in 0..ATTEMPTS {
            let key = address_key(address);
            let stored = self.engine.get(&key).await?.ok_or(DirectoryError::NoSuchAddress)?;
            let Some(AddressRow::Account(account)) = AddressRow::decode(&stored) else {
                return Err(DirectoryError::NoSuchAddress);
            };
            let entry = self.engine.get(&keys::account_entry(account)).await?.ok_or_else(damaged)?;
            let row = AccountRow::decode(&entry).ok_or_else(damaged)?;
            if address_key(&row.address) == key {
                return Err(DirectoryError::InUse);
            }
            let mut batch = Batch::new(DIRECTORY);
            batch.expect(key.clone(), Some(stored));
            batch.delete(key);
            batch.delete(keys::owned(account, address.domain().as_str(), &address.canonical_local()));
            if self.commit(batch).await? {
                return Ok(());
            }
        }
        Err(DirectoryError::Busy)
    }

    /// Reads a domain's row and makes the batch depend on it.
    pub(super) async fn domain_for_update(
        &self,
        batch: &mut Batch,
        domain: &DomainName,
    ) -> Result<DomainRow, DirectoryError> {
        let key = keys::domain(domain.as_str());
        let stored = self.engine.get(&key).await?.ok_or(DirectoryError::NoSuchDomain)?;
        let row = DomainRow::decode(&stored).ok_or_else(damaged)?;
        batch.expect(key, Some(stored));
        Ok(row)
    }

    /// Puts a new address into a batch; fails if there is one, or no such domain. Counts it in the domain's row, so
    /// that the domain cannot be removed meanwhile; returns that row as it will be.
    pub(super) async fn claim(
        &self,
        batch: &mut Batch,
        address: &Address,
        row: &AddressRow,
    ) -> Result<DomainRow, DirectoryError> {
        let key = address_key(address);
        let row_before = self.domain_for_update(batch, address.domain()).await?;
        let domain = DomainRow { changes: row_before.changes + 1, ..row_before };
        if self.engine.get(&key).await?.is_some() {
            return Err(DirectoryError::AlreadyExists);
        }
        batch.expect(key.clone(), None);
        batch.put(key, row.encode());
        batch.put(keys::domain(address.domain().as_str()), domain.encode());
        Ok(domain)
    }
}

pub(super) fn put_owned(batch: &mut Batch, account: AccountId, address: &Address) {
    batch.put(keys::owned(account, address.domain().as_str(), &address.canonical_local()), Bytes::new());
}

fn address_of((key, _): &Row) -> Option<Address> {
    let (domain, local) = keys::owned_of(key)?;
    Address::from_parts(local, domain).ok()
}
