//! Making and removing accounts: steps that can be repeated, and what finishes them after a crash.

use super::admin::put_owned;
use super::cache::{address_key, damaged};
use super::credential::{Credential, MainHash, PerHash};
use super::rows::{AccountMarks, AccountRow, AddressRow, DomainRow, IntentRow};
use super::{ATTEMPTS, AccountState, Directory, DirectoryError, FIRST_ACCOUNT, ImportedHash};
use crate::keys::{self, DIRECTORY};
use crate::row::{RowReader, RowWriter};
use store_kv::{Batch, Scan, Space};
use types::{AccountId, Address, Octets, Secret, prepare_password};

const FORMAT: u8 = 1;

impl Directory {
    /// Makes an account with this main address and password, its first mailboxes and a quota. A crash in between is
    /// finished by [`Directory::recover`]; once this has returned, the account is there.
    pub async fn account_add(
        &self,
        address: &Address,
        password: &Secret<String>,
        quota: Option<Octets>,
    ) -> Result<AccountId, DirectoryError> {
        let password = prepare_password(password.expose().as_bytes())?;
        // Asked before the costly hash; decided below.
        if self.address_row(address).await?.is_some() {
            return Err(DirectoryError::AlreadyExists);
        }
        let salts = self.complete_salts(&PerHash::of(|_| None), address).await?;
        let (hash, keys) = self.hasher.make(password, salts.clone()).await?;
        let credential = Credential::new(MainHash::Own(hash), keys, salts);
        self.account_make(address, &credential, quota).await
    }

    /// Makes an account as [`Directory::account_add`] does, with the hash of its password that another server made.
    pub async fn account_add_hashed(
        &self,
        address: &Address,
        hash: ImportedHash,
        quota: Option<Octets>,
    ) -> Result<AccountId, DirectoryError> {
        let salts = self.complete_salts(&PerHash::of(|_| None), address).await?;
        let credential = Credential::new(MainHash::Imported(hash), PerHash::of(|_| None), salts);
        self.account_make(address, &credential, quota).await
    }

    async fn account_make(
        &self,
        address: &Address,
        credential: &Credential,
        quota: Option<Octets>,
    ) -> Result<AccountId, DirectoryError> {
        let account = self.begin_account(address, credential, IntentRow::Make { quota }).await?;
        self.make_mailboxes(account, quota).await?;
        self.open_account(account).await?;
        Ok(account)
    }

    /// Removes an account: its addresses are nobody's from now on, it cannot be signed in to, whoever is signed in is
    /// to be shown out ([`Directory::is_active`]), and its mail is erased for good, the retained included. Once this
    /// has returned that will happen, even if a crash or a fault comes in between.
    pub async fn account_remove(&self, address: &Address) -> Result<AccountId, DirectoryError> {
        let account = self.begin_removal(address).await?;
        // The intent stays: a command that was under way may put something into the account even now, and
        // `recover`, which is called now and then, takes that along.
        if let Err(error) = self.mail.erase_account_mail(account).await {
            tracing::warn!(%account, error = &error as &dyn std::error::Error, "mail of a removed account goes later");
        }
        Ok(account)
    }

    /// First step of a removal: everything in the directory, and the intent.
    pub(super) async fn begin_removal(&self, address: &Address) -> Result<AccountId, DirectoryError> {
        for _ in 0..ATTEMPTS {
            let (account, _) = self.account_at(address).await?;
            let key = keys::account_entry(account);
            let stored = self.engine.get(&key).await?.ok_or(DirectoryError::NoSuchAccount)?;
            let row = AccountRow::decode(&stored).ok_or_else(damaged)?;
            if row.state == AccountState::Making {
                // Whoever makes it may be about to give it mailboxes.
                return Err(DirectoryError::Busy);
            }
            let mut batch = Batch::new(DIRECTORY);
            batch.space = Space::Frees;
            batch.put(key.clone(), AccountRow { state: AccountState::Removed, ..row }.encode());
            batch.expect(key, Some(stored));
            self.release_credential(&mut batch, account).await?;
            self.release_certificates(&mut batch, account).await?;
            batch.delete(keys::account_settings(account));
            batch.delete(keys::guard::familiar(account));
            batch.put(keys::intent(account), IntentRow::Erase.encode());
            self.release_addresses(&mut batch, account).await?;
            self.release_hints(&mut batch, account).await?;
            self.release_uses(&mut batch, account).await?;
            if self.commit(batch).await? {
                self.revocations.tell(account);
                return Ok(account);
            }
        }
        Err(DirectoryError::Busy)
    }

    /// Puts the removal of an account's passwords into a batch, as they are now.
    async fn release_credential(&self, batch: &mut Batch, account: AccountId) -> Result<(), DirectoryError> {
        let key = keys::credential(account);
        let Some(stored) = self.engine.get(&key).await? else { return Ok(()) };
        for (id, exposed) in Credential::decode(&stored).ok_or_else(damaged)?.all_exposed() {
            super::exposure::forget(batch, account, id, Some(exposed));
        }
        batch.expect(key.clone(), Some(stored));
        batch.delete(key);
        Ok(())
    }

    /// Finishes what a crash or a fault interrupted. To be called at the start, before anybody is let in, and now and
    /// then; harmless at any time.
    pub async fn recover(&self) -> Result<usize, DirectoryError> {
        let mut finished = 0;
        let mut scan = Some(Scan::prefix(&keys::intents()));
        while let Some(page_scan) = scan {
            let page = self.engine.scan(&page_scan).await?;
            for (key, value) in &page.rows {
                let intent = keys::account_entry_of(key).zip(IntentRow::decode(value));
                match intent.ok_or_else(damaged)? {
                    (account, IntentRow::Make { quota }) => {
                        self.make_mailboxes(account, quota).await?;
                        self.open_account(account).await?;
                    }
                    (account, IntentRow::Erase) => {
                        self.mail.erase_account_mail(account).await?;
                        self.end_removal(account).await?;
                    }
                }
                finished += 1;
            }
            scan = page_scan.after(&page);
        }
        Ok(finished)
    }

    /// First step: everything in the directory, and the intent. The account cannot be used yet.
    pub(super) async fn begin_account(
        &self,
        address: &Address,
        credential: &Credential,
        intent: IntentRow,
    ) -> Result<AccountId, DirectoryError> {
        for _ in 0..ATTEMPTS {
            let mut batch = Batch::new(DIRECTORY);
            let account = self.take_account_id(&mut batch).await?;
            let domain = self.claim(&mut batch, address, &AddressRow::Account(account)).await?;
            if domain.postmaster.is_none() {
                let domain = DomainRow { postmaster: Some(account), ..domain };
                batch.put(keys::domain(address.domain().as_str()), domain.encode());
            }
            let (state, created) = (AccountState::Making, self.clock.now());
            let row =
                AccountRow { changes: 0, state, created, address: address.clone(), marks: AccountMarks::default() };
            batch.put(keys::account_entry(account), row.encode());
            batch.put(keys::credential(account), credential.encode());
            batch.put(keys::intent(account), intent.encode());
            put_owned(&mut batch, account, address);
            if self.commit(batch).await? {
                return Ok(account);
            }
        }
        Err(DirectoryError::Busy)
    }

    /// Second step: the account's own batches. Can be repeated.
    pub(super) async fn make_mailboxes(&self, account: AccountId, quota: Option<Octets>) -> Result<(), DirectoryError> {
        self.mail.create_account_mail(account).await?;
        if quota.is_some() {
            self.mail.account(account).await?.set_quota(quota).await?;
        }
        Ok(())
    }

    /// Last step of a removal: the intent goes.
    async fn end_removal(&self, account: AccountId) -> Result<(), DirectoryError> {
        let mut batch = Batch::new(DIRECTORY);
        batch.space = Space::Frees;
        // Once more: somebody may have shared something with it at the moment of its removal.
        self.release_hints(&mut batch, account).await?;
        batch.expect(keys::intent(account), Some(IntentRow::Erase.encode()));
        batch.delete(keys::intent(account));
        // If it is gone already, another process was faster.
        self.commit(batch).await.map(|_| ())
    }

    /// Last step: the account can be used, the intent goes. Does nothing to one that is open already.
    pub(super) async fn open_account(&self, account: AccountId) -> Result<(), DirectoryError> {
        for _ in 0..ATTEMPTS {
            let key = keys::account_entry(account);
            let stored = self.engine.get(&key).await?.ok_or_else(damaged)?;
            let row = AccountRow::decode(&stored).ok_or_else(damaged)?;
            if row.state != AccountState::Making {
                // `recover` was faster, and perhaps even a removal after it, whose intent this must not take.
                return Ok(());
            }
            let mut batch = Batch::new(DIRECTORY);
            batch.delete(keys::intent(account));
            batch.put(key.clone(), AccountRow { state: AccountState::Active, ..row }.encode());
            batch.expect(key, Some(stored));
            if self.commit(batch).await? {
                return Ok(());
            }
        }
        Err(DirectoryError::Busy)
    }

    /// Takes the next number; no number is ever given twice.
    async fn take_account_id(&self, batch: &mut Batch) -> Result<AccountId, DirectoryError> {
        let key = keys::next_account();
        let stored = self.engine.get(&key).await?;
        let next = match &stored {
            None => FIRST_ACCOUNT.0,
            Some(row) => RowReader::new(row, FORMAT).and_then(|mut row| row.number32()).ok_or_else(damaged)?,
        };
        let after = next.checked_add(1).ok_or(DirectoryError::Full)?;
        let mut row = RowWriter::new(FORMAT, 5);
        row.number(u64::from(after));
        batch.expect(key.clone(), stored);
        batch.put(key, row.finish());
        Ok(AccountId(next))
    }

    async fn release_addresses(&self, batch: &mut Batch, account: AccountId) -> Result<(), DirectoryError> {
        let mut scan = Some(Scan::prefix(&keys::all_owned(account)));
        while let Some(page_scan) = scan {
            let page = self.engine.scan(&page_scan).await?;
            for (key, _) in &page.rows {
                let (domain, local) = keys::owned_of(key).ok_or_else(damaged)?;
                batch.delete(keys::address(domain, local));
                batch.delete(key.clone());
                self.release_postmaster(batch, domain, account).await?;
            }
            scan = page_scan.after(&page);
        }
        Ok(())
    }

    async fn release_postmaster(
        &self,
        batch: &mut Batch,
        domain: &str,
        account: AccountId,
    ) -> Result<(), DirectoryError> {
        let key = keys::domain(domain);
        let Some(stored) = self.engine.get(&key).await? else { return Ok(()) };
        let row = DomainRow::decode(&stored).ok_or_else(damaged)?;
        let catch_all_goes = match &row.catch_all {
            Some(target) => self.address_row(target).await? == Some(AddressRow::Account(account)),
            None => false,
        };
        if row.postmaster == Some(account) || catch_all_goes {
            let postmaster = row.postmaster.filter(|postmaster| *postmaster != account);
            let catch_all = row.catch_all.clone().filter(|_| !catch_all_goes);
            batch.expect(key.clone(), Some(stored));
            batch.put(key, DomainRow { catch_all, postmaster, ..row }.encode());
        }
        Ok(())
    }

    /// Whether an address is free in a domain of ours, for a look before something costly.
    pub async fn is_free(&self, address: &Address) -> Result<bool, DirectoryError> {
        self.domain_row(address).await?.ok_or(DirectoryError::NoSuchDomain)?;
        Ok(self.cache.get(address_key(address)).await?.is_none())
    }
}
