//! Who a mail address is: exact address, `+tag`, catch-all, aliases of aliases.

use super::cache::{address_key, get_parsed};
use super::rows::{AccountRow, AccountState, AddressRow, DomainRow};
use super::{Directory, DirectoryError};
use crate::keys;
use std::collections::HashSet;
use types::{AccountId, Address};

/// Most aliases on the way from an address to an account.
pub const ALIAS_DEPTH_MAX: usize = 10;
/// Most addresses that one address can expand to, those on the way included.
pub const ALIAS_EXPANSION_MAX: usize = 1000;
/// Separates a local part from its tag (RFC 5233 calls it detail).
const TAG_SEPARATOR: char = '+';

/// An account that a message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Whose mailbox.
    pub account: AccountId,
    /// The address that the message was sent to.
    pub address: Address,
}

/// Who an address is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// These accounts here, each once; at least one.
    Local(Vec<Recipient>),
    /// The domain is ours, the address is nobody's.
    NoSuchUser,
    /// Somebody else's domain.
    NotOurs,
}

impl Directory {
    /// Finds out who an address is.
    pub async fn resolve(&self, to: &Address) -> Result<Resolution, DirectoryError> {
        if self.domain_row(to).await?.is_none() {
            return Ok(Resolution::NotOurs);
        }
        let mut accounts = Vec::new();
        let mut seen = HashSet::from([address_key(to)]);
        let mut open = vec![(to.clone(), 0)];
        while let Some((address, depth)) = open.pop() {
            match self.look_up(&address).await? {
                Some(AddressRow::Account(account))
                    if !accounts.contains(&account) && self.is_usable(account).await? =>
                {
                    accounts.push(account);
                }
                // Loops end by `seen`, ladders by the depth, trees by the number.
                Some(AddressRow::Alias(targets)) if depth < ALIAS_DEPTH_MAX => {
                    for target in targets.into_iter().rev() {
                        if seen.len() < ALIAS_EXPANSION_MAX && seen.insert(address_key(&target)) {
                            open.push((target, depth + 1));
                        }
                    }
                }
                _ => {}
            }
        }
        if accounts.is_empty() {
            return Ok(Resolution::NoSuchUser);
        }
        Ok(Resolution::Local(accounts.into_iter().map(|account| Recipient { account, address: to.clone() }).collect()))
    }

    /// Whether an account may write this reverse-path: if mail to it would reach that account.
    pub async fn may_send_as(&self, account: AccountId, reverse_path: &Address) -> Result<bool, DirectoryError> {
        let resolution = self.resolve(reverse_path).await?;
        Ok(matches!(resolution, Resolution::Local(all) if all.iter().any(|recipient| recipient.account == account)))
    }

    /// Whether the domain is one of ours.
    pub async fn is_ours(&self, domain: &types::DomainName) -> Result<bool, DirectoryError> {
        Ok(self.cache.get(keys::domain(domain.as_str())).await?.is_some())
    }

    /// The row of an address, of what is left of it without its tag, or of the domain's catch-all.
    async fn look_up(&self, address: &Address) -> Result<Option<AddressRow>, DirectoryError> {
        let Some(domain) = self.domain_row(address).await? else { return Ok(None) };
        if let Some(row) = self.address_row(address).await? {
            return Ok(Some(row));
        }
        let local = address.canonical_local();
        if let Some((base, _)) = local.split_once(TAG_SEPARATOR).filter(|(base, _)| !base.is_empty()) {
            let key = keys::address(address.domain().as_str(), base);
            if let Some(row) = get_parsed(&self.cache, key, AddressRow::decode).await? {
                return Ok(Some(row));
            }
        }
        if local == "postmaster"
            && let Some(account) = domain.postmaster
        {
            return Ok(Some(AddressRow::Account(account)));
        }
        Ok(domain.catch_all.map(|target| AddressRow::Alias(vec![target])))
    }

    /// The row of an address as it stands there.
    pub(super) async fn address_row(&self, address: &Address) -> Result<Option<AddressRow>, DirectoryError> {
        Ok(get_parsed(&self.cache, address_key(address), AddressRow::decode).await?)
    }

    pub(super) async fn domain_row(&self, address: &Address) -> Result<Option<DomainRow>, DirectoryError> {
        Ok(get_parsed(&self.cache, keys::domain(address.domain().as_str()), DomainRow::decode).await?)
    }

    pub(super) async fn account_row(&self, account: AccountId) -> Result<Option<AccountRow>, DirectoryError> {
        Ok(get_parsed(&self.cache, keys::account_entry(account), AccountRow::decode).await?)
    }

    /// Whether an account is in use. A session asks before each command: its account may be removed under it.
    pub async fn is_active(&self, account: AccountId) -> Result<bool, DirectoryError> {
        Ok(self.state_of(account).await? == AccountState::Active)
    }

    /// Where an account stands, and its main address; `None` if there never was one.
    pub async fn account_of(&self, account: AccountId) -> Result<Option<(AccountState, Address)>, DirectoryError> {
        Ok(self.account_row(account).await?.map(|row| (row.state, row.address)))
    }

    /// Where an account stands.
    pub(crate) async fn state_of(&self, account: AccountId) -> Result<AccountState, DirectoryError> {
        Ok(self.account_row(account).await?.map_or(AccountState::Removed, |row| row.state))
    }

    /// Whether mail can be put there. One that is just being made is a reason to come back later, not to refuse.
    async fn is_usable(&self, account: AccountId) -> Result<bool, DirectoryError> {
        match self.account_row(account).await?.map(|row| row.state) {
            Some(AccountState::Active) => Ok(true),
            Some(AccountState::Making) => Err(DirectoryError::Busy),
            Some(AccountState::Removed) | None => Ok(false),
        }
    }
}
