//! Aliases: addresses that are others.

use super::admin::DomainInfo;
use super::cache::{address_key, damaged};
use super::rows::AddressRow;
use super::{ATTEMPTS, Directory, DirectoryError};
use crate::keys::{self, DIRECTORY};
use std::collections::HashSet;
use store_kv::{Batch, Scan};
use types::{Address, DomainName};

/// Most targets of one alias.
pub const ALIAS_TARGETS_MAX: usize = 100;

/// An alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasInfo {
    /// The address that is an alias.
    pub alias: Address,
    /// What it stands for.
    pub targets: Vec<Address>,
}

impl Directory {
    /// Makes an alias of addresses of ours, which must exist; in place of the one there is, if `replace`.
    pub async fn alias_add(&self, alias: &Address, targets: &[Address], replace: bool) -> Result<(), DirectoryError> {
        let unique: HashSet<_> = targets.iter().map(address_key).collect();
        if targets.is_empty() || targets.len() > ALIAS_TARGETS_MAX || unique.len() < targets.len() {
            return Err(DirectoryError::Targets);
        }
        for target in targets {
            if self.leads_to(target, alias).await? {
                return Err(DirectoryError::AliasLoop);
            }
        }
        let row = AddressRow::Alias(targets.to_vec());
        for _ in 0..ATTEMPTS {
            let mut batch = Batch::new(DIRECTORY);
            let stored = self.engine.get(&address_key(alias)).await?;
            match stored {
                Some(stored) if replace => {
                    if !matches!(AddressRow::decode(&stored), Some(AddressRow::Alias(_))) {
                        return Err(DirectoryError::AlreadyExists);
                    }
                    batch.expect(address_key(alias), Some(stored));
                    batch.put(address_key(alias), row.encode());
                }
                _ => {
                    self.claim(&mut batch, alias, &row).await?;
                }
            }
            if self.commit(batch).await? {
                return Ok(());
            }
        }
        Err(DirectoryError::Busy)
    }

    /// The aliases of a domain, by their local parts.
    pub async fn alias_list(&self, domain: &DomainName) -> Result<Vec<AliasInfo>, DirectoryError> {
        self.engine.get(&keys::domain(domain.as_str())).await?.ok_or(DirectoryError::NoSuchDomain)?;
        let prefix = keys::addresses(domain.as_str());
        let mut aliases = Vec::new();
        let mut scan = Some(Scan::prefix(&prefix));
        while let Some(page_scan) = scan {
            let page = self.engine.scan(&page_scan).await?;
            for (key, value) in &page.rows {
                if let AddressRow::Alias(targets) = AddressRow::decode(value).ok_or_else(damaged)? {
                    let local = key.get(prefix.len()..).and_then(|local| std::str::from_utf8(local).ok());
                    let alias = local.and_then(|local| Address::from_parts(local, domain.as_str()).ok());
                    aliases.push(AliasInfo { alias: alias.ok_or_else(damaged)?, targets });
                }
            }
            scan = page_scan.after(&page);
        }
        Ok(aliases)
    }

    /// All aliases of all domains.
    pub async fn alias_list_all(&self) -> Result<Vec<AliasInfo>, DirectoryError> {
        let mut all = Vec::new();
        for DomainInfo { domain, .. } in self.domain_list().await? {
            all.extend(self.alias_list(&domain).await?);
        }
        Ok(all)
    }

    /// Removes an alias.
    pub async fn alias_remove(&self, alias: &Address) -> Result<(), DirectoryError> {
        for _ in 0..ATTEMPTS {
            let key = address_key(alias);
            let stored = self.engine.get(&key).await?.ok_or(DirectoryError::NoSuchAddress)?;
            if !matches!(AddressRow::decode(&stored), Some(AddressRow::Alias(_))) {
                return Err(DirectoryError::NoSuchAddress);
            }
            let mut batch = Batch::new(DIRECTORY);
            batch.expect(key.clone(), Some(stored));
            batch.delete(key);
            if self.commit(batch).await? {
                return Ok(());
            }
        }
        Err(DirectoryError::Busy)
    }

    /// Whether following aliases from an address reaches another one. Fails if the address is nobody's at all. Two
    /// aliases that are made at the same time can still become a loop: resolving ends all the same.
    async fn leads_to(&self, from: &Address, goal: &Address) -> Result<bool, DirectoryError> {
        let goal = address_key(goal);
        let mut seen = HashSet::from([address_key(from)]);
        let mut open = vec![from.clone()];
        while let Some(address) = open.pop() {
            if address_key(&address) == goal {
                return Ok(true);
            }
            match self.address_row(&address).await? {
                None if address == *from => return Err(DirectoryError::NoSuchAddress),
                Some(AddressRow::Alias(targets)) => {
                    open.extend(targets.into_iter().filter(|target| seen.insert(address_key(target))));
                }
                _ => {}
            }
        }
        Ok(false)
    }
}
