//! What is set for one account, one domain or the whole server: how POP3 deletes, in which language letters are written …
//!
//! An account's settings stand over its domain's, those over the server's ([`super::PasswordOptions::settings`]). A new
//! setting is a field of [`Settings`], a type with [`SettingValue`] and a row of [`KEYS`], with a tag that was never used
//! before; rows on disk keep the settings that this version does not know.

mod row;
mod values;

pub use values::{LOGIN_DELAY_MAX, Language, LoginDelay, MainPassword, Notices, OnCleartext, OnDelete};

use super::cache::{address_key, damaged, get_parsed};
use super::{ATTEMPTS, AccountState, Directory, DirectoryError};
use crate::keys::{self, DIRECTORY};
use bytes::Bytes;
pub(super) use row::SettingsRow;
use store_kv::Batch;
use types::{AccountId, Address, DomainName};
use values::SettingValue;

/// What holds for somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// What becomes of mail that a POP3 program deletes.
    pub on_delete: OnDelete,
    /// How long a POP3 program has to wait between two sign-ins (RFC 2449 §6.5).
    pub login_delay: LoginDelay,
    /// In which language letters are written, and what `LANG *` chooses.
    pub language: Language,
    /// What becomes of a password that came in clear.
    pub on_cleartext: OnCleartext,
    /// Where the main password can be used.
    pub main_password: MainPassword,
    /// Whether letters of advice are written.
    pub notices: Notices,
}

/// One setting: its name, its number on disk, and how it is read and shown.
#[derive(Clone, Copy, Debug)]
struct Key {
    /// Its number on disk: never used again for another.
    tag: u64,
    name: &'static str,
    /// What can be set, in words.
    values: &'static str,
    /// Takes a value over; false if it is none.
    apply: fn(&mut Settings, &str) -> bool,
    /// The value as it is written.
    show: fn(&Settings) -> String,
}

/// The tag of `pop3.login-delay`.
const LOGIN_DELAY_TAG: u64 = 2;

/// Every setting.
static KEYS: [Key; 6] = [
    Key {
        tag: 1,
        name: "pop3.on-delete",
        values: "delete, keep, trash or off",
        apply: |settings, text| read(&mut settings.on_delete, text),
        show: |settings| settings.on_delete.text(),
    },
    Key {
        tag: LOGIN_DELAY_TAG,
        name: "pop3.login-delay",
        values: "a time of at most a day, such as 0s, 90s or 15m",
        apply: |settings, text| read(&mut settings.login_delay, text),
        show: |settings| settings.login_delay.text(),
    },
    Key {
        tag: 3,
        name: "language",
        values: "de or en",
        apply: |settings, text| read(&mut settings.language, text),
        show: |settings| settings.language.text(),
    },
    Key {
        tag: 4,
        name: "on-cleartext",
        values: "burn, grace or warn",
        apply: |settings, text| read(&mut settings.on_cleartext, text),
        show: |settings| settings.on_cleartext.text(),
    },
    Key {
        tag: 5,
        name: "main-password",
        values: "everywhere or not-for-mail",
        apply: |settings, text| read(&mut settings.main_password, text),
        show: |settings| settings.main_password.text(),
    },
    Key {
        tag: 6,
        name: "notices",
        values: "on or off",
        apply: |settings, text| read(&mut settings.notices, text),
        show: |settings| settings.notices.text(),
    },
];

fn read<T: SettingValue>(field: &mut T, text: &str) -> bool {
    let value = T::parse(text);
    if let Some(value) = value {
        *field = value;
    }
    value.is_some()
}

/// Why something is no setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// There is no `=`.
    #[error("`{0}` is not written as key=value")]
    Form(String),
    /// There is no setting of that name.
    #[error("there is no setting `{name}`; there are {known}")]
    Unknown {
        /// What was written.
        name: String,
        /// What there is.
        known: String,
    },
    /// The value is none of that setting's.
    #[error("{key} is {values}")]
    Value {
        /// The setting.
        key: &'static str,
        /// What it can be.
        values: &'static str,
    },
}

/// A setting that is to be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingChange {
    tag: u64,
    /// `None` takes it away: what stands behind it holds again.
    value: Option<String>,
}

impl SettingChange {
    /// Reads `key=value`, or `key=` for none any more.
    pub fn parse(text: &str) -> Result<Self, SettingError> {
        let (name, value) = text.split_once('=').ok_or_else(|| SettingError::Form(text.to_owned()))?;
        let (name, value) = (name.trim(), value.trim());
        let key = KEYS.iter().find(|key| key.name == name).ok_or_else(|| {
            let known: Vec<_> = KEYS.iter().map(|key| key.name).collect();
            SettingError::Unknown { name: name.to_owned(), known: known.join(", ") }
        })?;
        if value.is_empty() {
            return Ok(Self { tag: key.tag, value: None });
        }
        let mut settings = Settings::default();
        if !(key.apply)(&mut settings, value) {
            return Err(SettingError::Value { key: key.name, values: key.values });
        }
        Ok(Self { tag: key.tag, value: Some((key.show)(&settings)) })
    }
}

/// Who says what a setting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingSource {
    /// The account itself.
    Account,
    /// Its domain.
    Domain,
    /// The configuration file, or nobody.
    Server,
}

/// A setting as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingInfo {
    /// Its name.
    pub key: &'static str,
    /// Its value, as [`SettingChange::parse`] reads it.
    pub value: String,
    /// Who says so.
    pub source: SettingSource,
}

/// One over the other: those of the account, the domain, the server.
struct Layers {
    account: SettingsRow,
    domain: SettingsRow,
    server: Settings,
}

impl Layers {
    fn settings(&self) -> Settings {
        let mut settings = self.server;
        for row in [&self.domain, &self.account] {
            for key in &KEYS {
                if let Some(text) = row.get(key.tag) {
                    // What a later version wrote there and this one cannot read holds for that version only.
                    let _ = (key.apply)(&mut settings, text);
                }
            }
        }
        settings
    }

    fn infos(&self) -> Vec<SettingInfo> {
        let settings = self.settings();
        let source = |key: &Key| {
            let says = |row: &SettingsRow| row.get(key.tag).is_some();
            if says(&self.account) {
                SettingSource::Account
            } else if says(&self.domain) {
                SettingSource::Domain
            } else {
                SettingSource::Server
            }
        };
        KEYS.iter()
            .map(|key| SettingInfo { key: key.name, value: (key.show)(&settings), source: source(key) })
            .collect()
    }
}

impl Directory {
    /// What holds for those of whom nothing is known yet.
    pub fn server_settings(&self) -> Settings {
        self.options.settings
    }

    /// What holds for an account that is in use.
    pub async fn settings(&self, account: AccountId) -> Result<Settings, DirectoryError> {
        let row = self.account_row(account).await?.filter(|row| row.state == AccountState::Active);
        let row = row.ok_or(DirectoryError::NoSuchAccount)?;
        Ok(self.layers(account, row.address.domain()).await?.settings())
    }

    /// What holds for a domain's accounts where they say nothing themselves; for one that is none of ours, the server's.
    pub async fn domain_settings(&self, domain: &DomainName) -> Result<Settings, DirectoryError> {
        Ok(self.domain_layers(domain).await?.settings())
    }

    /// Every setting of an account, and who says so.
    pub async fn account_settings_show(&self, address: &Address) -> Result<Vec<SettingInfo>, DirectoryError> {
        let (account, row) = self.account_at(address).await?;
        Ok(self.layers(account, row.address.domain()).await?.infos())
    }

    /// Every setting of a domain, and who says so.
    pub async fn domain_settings_show(&self, domain: &DomainName) -> Result<Vec<SettingInfo>, DirectoryError> {
        if !self.is_ours(domain).await? {
            return Err(DirectoryError::NoSuchDomain);
        }
        Ok(self.domain_layers(domain).await?.infos())
    }

    /// Changes settings of an account, all at once. Sessions that are open keep those of their sign-in.
    pub async fn account_settings_change(
        &self,
        address: &Address,
        changes: &[SettingChange],
    ) -> Result<(), DirectoryError> {
        for _ in 0..ATTEMPTS {
            let entry = self.engine.get(&address_key(address)).await?;
            let (account, _) = self.account_at(address).await?;
            let mut batch = Batch::new(DIRECTORY);
            // So that nothing is left behind by an account that goes at the same time.
            batch.expect(address_key(address), entry);
            self.put_settings(&mut batch, keys::account_settings(account), changes).await?;
            if self.commit(batch).await? {
                return Ok(());
            }
        }
        Err(DirectoryError::Busy)
    }

    /// Changes settings of a domain, all at once.
    pub async fn domain_settings_change(
        &self,
        domain: &DomainName,
        changes: &[SettingChange],
    ) -> Result<(), DirectoryError> {
        for _ in 0..ATTEMPTS {
            let mut batch = Batch::new(DIRECTORY);
            self.domain_for_update(&mut batch, domain).await?;
            self.put_settings(&mut batch, keys::domain_settings(domain.as_str()), changes).await?;
            if self.commit(batch).await? {
                return Ok(());
            }
        }
        Err(DirectoryError::Busy)
    }

    /// Puts changed settings into a batch, which depends on what they were.
    async fn put_settings(
        &self,
        batch: &mut Batch,
        key: Bytes,
        changes: &[SettingChange],
    ) -> Result<(), DirectoryError> {
        let stored = self.engine.get(&key).await?;
        let mut row = match &stored {
            Some(stored) => SettingsRow::decode(stored).ok_or_else(damaged)?,
            None => SettingsRow::default(),
        };
        let before = row.clone();
        for change in changes {
            row.set(change.tag, change.value.as_deref());
        }
        self.put_longest_delay(batch, &key, (&before, &row)).await?;
        batch.expect(key.clone(), stored);
        match row.encode() {
            Some(row) => batch.put(key, row),
            None => batch.delete(key),
        }
        Ok(())
    }

    async fn layers(&self, account: AccountId, domain: &DomainName) -> Result<Layers, DirectoryError> {
        let account = get_parsed(&self.cache, keys::account_settings(account), SettingsRow::decode).await?;
        Ok(Layers { account: account.unwrap_or_default(), ..self.domain_layers(domain).await? })
    }

    async fn domain_layers(&self, domain: &DomainName) -> Result<Layers, DirectoryError> {
        let row = get_parsed(&self.cache, keys::domain_settings(domain.as_str()), SettingsRow::decode).await?;
        Ok(Layers { account: SettingsRow::default(), domain: row.unwrap_or_default(), server: self.options.settings })
    }
}

#[cfg(test)]
mod tests;
