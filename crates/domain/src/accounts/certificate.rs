//! Certificates of people's programs, bound to accounts: who shows one in TLS is signed in by it (RFC 4422 appendix A).
//!
//! What is kept is the SHA-256 of the certificate; that it is valid, and that the client has its key, TLS has found out.

use super::cache::damaged;
use super::credential::Credential;
use super::rows::{AccountState, AddressRow};
use super::{ATTEMPTS, Directory, DirectoryError, Origin, SignIn, SignInError};
use crate::keys::{self, DIRECTORY};
use crate::row::{RowReader, RowWriter};
use bytes::Bytes;
use store_kv::{Batch, Scan, Space};
use types::{AccountId, Address, CredentialId, CredentialRef, Timestamp};

const FORMAT: u8 = 1;

/// Most certificates of one account.
pub const CERTIFICATES_MAX: usize = 32;
/// Longest name of a certificate in bytes.
pub const CERTIFICATE_NAME_MAX: usize = 100;

/// The SHA-256 of a certificate in DER form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 32]);

/// A certificate that is bound to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateInfo {
    /// Its number among the account's passwords and certificates; never used again.
    pub credential: CredentialId,
    /// Which one it is.
    pub fingerprint: Fingerprint,
    /// The device, in its owner's words.
    pub name: Box<str>,
    /// When it was bound.
    pub bound: Timestamp,
}

/// The row beside an account and a number.
struct BoundRow {
    /// The version of the account's credential that it came with.
    since: u64,
    fingerprint: Fingerprint,
    bound: Timestamp,
    name: Box<str>,
}

impl BoundRow {
    fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(FORMAT, 48 + self.name.len());
        row.number(self.since);
        row.raw(&self.fingerprint.0);
        row.signed(self.bound.0);
        row.bytes(self.name.as_bytes());
        row.finish()
    }

    fn decode(row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row, FORMAT)?;
        let (since, fingerprint) = (row.number()?, Fingerprint(row.array()?));
        let (bound, name) = (Timestamp(row.signed()?), row.text()?.into());
        row.end().map(|()| Self { since, fingerprint, bound, name })
    }
}

/// The row beside a fingerprint: whose it is, by which number.
fn encode_holder(account: AccountId, credential: CredentialId) -> Bytes {
    let mut row = RowWriter::new(FORMAT, 10);
    row.number(account.0.into());
    row.number(credential.0.into());
    row.finish()
}

fn decode_holder(row: &[u8]) -> Option<(AccountId, CredentialId)> {
    let mut row = RowReader::new(row, FORMAT)?;
    let (account, credential) = (AccountId(row.number32()?), CredentialId(row.number32()?));
    row.end().map(|()| (account, credential))
}

impl Directory {
    /// Binds a certificate to an account. One certificate signs in to one account.
    pub async fn certificate_add(
        &self,
        address: &Address,
        fingerprint: Fingerprint,
        name: &str,
    ) -> Result<CredentialId, DirectoryError> {
        let name = name.trim();
        if name.len() > CERTIFICATE_NAME_MAX || name.chars().any(char::is_control) {
            return Err(DirectoryError::PasswordName);
        }
        let (account, _) = self.account_at(address).await?;
        let (holder, now) = (keys::certificate(&fingerprint.0), self.clock.now());
        for _ in 0..ATTEMPTS {
            let (stored, old) = self.credential_for_update(account).await?;
            if self.engine.get(&holder).await?.is_some() {
                return Err(DirectoryError::AlreadyExists);
            }
            if self.bound(account).await?.len() >= CERTIFICATES_MAX {
                return Err(DirectoryError::TooManyCertificates);
            }
            let (id, since) = (CredentialId(old.next), old.version + 1);
            let next = old.next.checked_add(1).ok_or(DirectoryError::TooManyCertificates)?;
            let row = BoundRow { since, fingerprint, bound: now, name: name.into() };
            let mut batch = Batch::new(DIRECTORY);
            batch.expect(holder.clone(), None);
            batch.put(holder.clone(), encode_holder(account, id));
            batch.put(keys::account_certificate(account, id), row.encode());
            if self.credential_put(account, stored, Credential { next, ..old }, batch).await? {
                return Ok(id);
            }
        }
        Err(DirectoryError::Busy)
    }

    /// Takes a certificate from an account; sessions that it opened end.
    pub async fn certificate_remove(&self, address: &Address, fingerprint: Fingerprint) -> Result<(), DirectoryError> {
        let (account, _) = self.account_at(address).await?;
        for _ in 0..ATTEMPTS {
            let (stored, old) = self.credential_for_update(account).await?;
            let bound = self.bound(account).await?.into_iter().find(|(_, row)| row.fingerprint == fingerprint);
            let (id, _) = bound.ok_or(DirectoryError::NoSuchCertificate)?;
            let mut batch = Batch::new(DIRECTORY);
            batch.space = Space::Frees;
            batch.delete(keys::certificate(&fingerprint.0));
            batch.delete(keys::account_certificate(account, id));
            if self.credential_put(account, stored, old, batch).await? {
                return Ok(());
            }
        }
        Err(DirectoryError::Busy)
    }

    /// An account's certificates, the oldest first.
    pub async fn certificate_list(&self, address: &Address) -> Result<Vec<CertificateInfo>, DirectoryError> {
        let (account, _) = self.account_at(address).await?;
        let info = |(credential, row): (CredentialId, BoundRow)| {
            let BoundRow { fingerprint, name, bound, .. } = row;
            CertificateInfo { credential, fingerprint, name, bound }
        };
        Ok(self.bound(account).await?.into_iter().map(info).collect())
    }

    /// Whether any certificate is bound, so that clients are worth asking for theirs.
    pub async fn has_certificates(&self) -> Result<bool, DirectoryError> {
        let mut scan = Scan::prefix(&keys::certificates());
        scan.limit.rows = 1;
        Ok(!self.engine.scan(&scan).await?.rows.is_empty())
    }

    /// Signs in whose certificate it is that the client has proved to have the key of. A name must be an address of that
    /// account (RFC 4422 appendix A).
    pub async fn sign_in_by_certificate(
        &self,
        fingerprint: Fingerprint,
        name: Option<&str>,
        origin: &Origin<'_>,
    ) -> Result<SignIn, SignInError> {
        let held = self.holder(fingerprint).await?.ok_or(SignInError::Denied)?;
        if let Some(name) = name
            && !self.is_address_of(name, held.account).await?
        {
            tracing::info!(account = %held.account, peer = ?origin.peer, "a certificate, and the name of another account");
            return Err(SignInError::Denied);
        }
        Ok(held)
    }

    /// Whose a certificate is, if the account is in use.
    async fn holder(&self, fingerprint: Fingerprint) -> Result<Option<SignIn>, DirectoryError> {
        let Some(holder) = self.cache.get(keys::certificate(&fingerprint.0)).await? else { return Ok(None) };
        let (account, id) = decode_holder(&holder).ok_or_else(damaged)?;
        let row = self.account_row(account).await?.filter(|row| row.state == AccountState::Active);
        let bound = self.cache.get(keys::account_certificate(account, id)).await?;
        let (Some(row), Some(bound)) = (row, bound) else { return Ok(None) };
        let version = BoundRow::decode(&bound).ok_or_else(damaged)?.since;
        Ok(Some(SignIn { account, address: row.address, credential: CredentialRef { id, version } }))
    }

    /// Whether this names the account: by any of its addresses, and without a domain where there is a default.
    async fn is_address_of(&self, name: &str, account: AccountId) -> Result<bool, DirectoryError> {
        let full = match &self.options.default_domain {
            Some(domain) if !name.contains('@') => format!("{name}@{domain}"),
            _ => name.to_owned(),
        };
        let Ok(address) = Address::parse(&full) else { return Ok(false) };
        Ok(matches!(self.address_row(&address).await?, Some(AddressRow::Account(of)) if of == account))
    }

    /// Whether a session was opened with a certificate that is still the account's.
    pub(super) async fn is_bound(&self, account: AccountId, used: CredentialRef) -> Result<bool, DirectoryError> {
        // From the store itself: a cache may be told late of what another process wrote.
        let row = self.engine.get(&keys::account_certificate(account, used.id)).await?;
        let Some(row) = row else { return Ok(false) };
        Ok(BoundRow::decode(&row).ok_or_else(damaged)?.since == used.version)
    }

    /// The numbers of an account's certificates.
    pub(super) async fn certificate_numbers(&self, account: AccountId) -> Result<Vec<CredentialId>, DirectoryError> {
        Ok(self.bound(account).await?.into_iter().map(|(id, _)| id).collect())
    }

    /// Puts the removal of an account's certificates into a batch that depends on its credential.
    pub(super) async fn release_certificates(
        &self,
        batch: &mut Batch,
        account: AccountId,
    ) -> Result<(), DirectoryError> {
        for (id, row) in self.bound(account).await? {
            batch.delete(keys::certificate(&row.fingerprint.0));
            batch.delete(keys::account_certificate(account, id));
        }
        Ok(())
    }

    /// All of an account's rows: no more than [`CERTIFICATES_MAX`].
    async fn bound(&self, account: AccountId) -> Result<Vec<(CredentialId, BoundRow)>, DirectoryError> {
        let page = self.engine.scan(&Scan::prefix(&keys::account_certificates(account))).await?;
        let read = |(key, row): &(Bytes, Bytes)| {
            Ok((keys::account_certificate_of(key).ok_or_else(damaged)?, BoundRow::decode(row).ok_or_else(damaged)?))
        };
        page.rows.iter().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Standing;
    use super::super::tests::{HERE, address, place};
    use super::*;

    const FIRST: Fingerprint = Fingerprint([1; 32]);
    const SECOND: Fingerprint = Fingerprint([2; 32]);

    #[tokio::test]
    async fn a_certificate_signs_in_to_the_account_that_it_is_bound_to_and_no_other() {
        let place = place().await;
        let (directory, ann, bob) = (&place.directory, address("ann@example.org"), address("bob@example.org"));
        assert!(!directory.has_certificates().await.unwrap());
        let id = directory.certificate_add(&ann, FIRST, " Laptop ").await.unwrap();
        assert!(directory.has_certificates().await.unwrap());
        directory.address_add(&ann, &address("a.n@example.org")).await.unwrap();
        let by = async |fingerprint, name| directory.sign_in_by_certificate(fingerprint, name, &HERE).await;
        for name in [None, Some("ann@example.org"), Some("ANN@example.org"), Some("ann"), Some("a.n@example.org")] {
            let signed_in = by(FIRST, name).await.unwrap();
            assert_eq!((&signed_in.address, signed_in.credential.id), (&ann, id), "{name:?}");
            let standing = directory.standing(signed_in.account, signed_in.credential).await.unwrap();
            assert_eq!(standing, Standing::Good);
        }
        for name in ["bob@example.org", "nobody@example.org", "bob", "no name at all@", ""] {
            assert!(matches!(by(FIRST, Some(name)).await, Err(SignInError::Denied)), "{name:?}");
        }
        assert!(matches!(by(SECOND, None).await, Err(SignInError::Denied)), "bound to nobody");
        let taken = directory.certificate_add(&bob, FIRST, "").await;
        assert!(matches!(taken, Err(DirectoryError::AlreadyExists)));
        let list = directory.certificate_list(&ann).await.unwrap();
        assert_eq!((list.len(), list[0].fingerprint, &*list[0].name), (1, FIRST, "Laptop"));
        assert_eq!(directory.certificate_list(&bob).await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_removed_one_signs_nobody_in_and_ends_what_it_opened_even_if_it_is_bound_again() {
        let place = place().await;
        let (directory, ann) = (&place.directory, address("ann@example.org"));
        directory.certificate_add(&ann, FIRST, "").await.unwrap();
        let session = directory.sign_in_by_certificate(FIRST, None, &HERE).await.unwrap();
        let mut told = directory.revocations(session.account);
        told.mark_unchanged();
        directory.certificate_remove(&ann, FIRST).await.unwrap();
        assert!(told.has_changed().unwrap());
        let standing = async || directory.standing(session.account, session.credential).await.unwrap();
        assert_eq!(standing().await, Standing::PasswordReplaced);
        let denied = directory.sign_in_by_certificate(FIRST, None, &HERE).await;
        assert!(matches!(denied, Err(SignInError::Denied)));
        let again = directory.certificate_remove(&ann, FIRST).await;
        assert!(matches!(again, Err(DirectoryError::NoSuchCertificate)));
        directory.certificate_add(&ann, FIRST, "").await.unwrap();
        assert_eq!(standing().await, Standing::PasswordReplaced);
    }

    #[tokio::test]
    async fn certificates_go_with_their_account() {
        let place = place().await;
        let (directory, ann, bob) = (&place.directory, address("ann@example.org"), address("bob@example.org"));
        directory.certificate_add(&ann, FIRST, "").await.unwrap();
        directory.account_remove(&ann).await.unwrap();
        assert!(!directory.has_certificates().await.unwrap());
        directory.certificate_add(&bob, FIRST, "").await.unwrap();
        assert_eq!(directory.sign_in_by_certificate(FIRST, None, &HERE).await.unwrap().address, bob);
    }

    #[tokio::test]
    async fn an_account_has_so_many_certificates_with_names_of_such_a_length() {
        let place = place().await;
        let (directory, ann) = (&place.directory, address("ann@example.org"));
        let limit = u8::try_from(CERTIFICATES_MAX).unwrap();
        let add =
            async |number: u8, name: String| directory.certificate_add(&ann, Fingerprint([number; 32]), &name).await;
        let long = add(0, "n".repeat(CERTIFICATE_NAME_MAX + 1)).await;
        assert!(matches!(long, Err(DirectoryError::PasswordName)));
        for number in 0..limit {
            add(number, "n".repeat(CERTIFICATE_NAME_MAX)).await.unwrap();
        }
        assert!(matches!(add(limit, String::new()).await, Err(DirectoryError::TooManyCertificates)));
        assert_eq!(directory.certificate_list(&ann).await.unwrap().len(), CERTIFICATES_MAX);
    }
}
