//! The row of settings: numbers with texts. What this version does not know is kept as it is.

use super::LOGIN_DELAY_TAG;
use super::values::{LoginDelay, SettingValue as _};
use crate::row::{RowReader, RowWriter};
use bytes::Bytes;
use std::collections::BTreeMap;

const FORMAT: u8 = 1;
/// Most settings in a row; there are far fewer.
const SETTINGS_MAX: usize = 1000;

/// What an account or a domain says itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct SettingsRow(BTreeMap<u64, Box<str>>);

impl SettingsRow {
    pub(super) fn get(&self, tag: u64) -> Option<&str> {
        self.0.get(&tag).map(AsRef::as_ref)
    }

    pub(super) fn set(&mut self, tag: u64, value: Option<&str>) {
        match value {
            Some(value) => self.0.insert(tag, value.into()),
            None => self.0.remove(&tag),
        };
    }

    /// How long POP3 programs have to wait, if it is said here.
    pub(in super::super) fn login_delay(&self) -> Option<LoginDelay> {
        self.get(LOGIN_DELAY_TAG).and_then(LoginDelay::parse)
    }

    /// The row, or `None` if nothing is said.
    pub(super) fn encode(&self) -> Option<Bytes> {
        let mut row = RowWriter::new(FORMAT, self.0.len() * 16);
        for (tag, value) in &self.0 {
            row.number(*tag);
            row.bytes(value.as_bytes());
        }
        (!self.0.is_empty()).then(|| row.finish())
    }

    pub(in super::super) fn decode(row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row, FORMAT)?;
        let mut all = BTreeMap::new();
        while row.left() > 0 {
            let tag = row.number()?;
            all.insert(tag, row.text()?.into());
            if all.len() > SETTINGS_MAX {
                return None;
            }
        }
        Some(Self(all))
    }
}
