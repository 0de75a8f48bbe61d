//! The directory's rows.

use crate::row::{RowReader, RowWriter};
use bytes::Bytes;
use types::{AccountId, Address, Octets, Timestamp};

const FORMAT: u8 = 1;

/// Where an account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountState {
    /// It is being made; nobody can use it yet.
    Making,
    /// In use.
    Active,
    /// Removed for good: its addresses are free again, its mail goes.
    Removed,
}

/// An account, as the directory sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AccountRow {
    /// Ascends with every change of its addresses: what was decided on an older row does not hold any more.
    pub(super) changes: u64,
    pub(super) state: AccountState,
    pub(super) created: Timestamp,
    /// Its main address.
    pub(super) address: Address,
    /// What it is besides.
    pub(super) marks: AccountMarks,
}

/// What an account is besides somebody's mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountMarks {
    /// Its owner is an operator: may change quotas and what is said of the server over IMAP.
    pub admin: bool,
    /// It is nobody's in particular: others see it below `Shared/`.
    pub shared: bool,
}

/// Rows of accounts without a mark: what the first version of this program wrote.
const WITHOUT_MARKS: u8 = 1;
/// With marks.
const WITH_MARKS: u8 = 2;
const ADMIN: u8 = 1;
const SHARED: u8 = 2;

/// A domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DomainRow {
    /// Ascends with every new address: what was decided on an older row does not hold any more.
    pub(super) changes: u64,
    pub(super) created: Timestamp,
    /// Who gets what is for nobody.
    pub(super) catch_all: Option<Address>,
    /// Who gets what is for postmaster, unless that is an address (RFC 5321 §4.5.1): the first account of the domain.
    pub(super) postmaster: Option<AccountId>,
}

/// What an address is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AddressRow {
    /// An account's.
    Account(AccountId),
    /// An alias of these.
    Alias(Vec<Address>),
}

/// A change under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IntentRow {
    /// Make the account's mailboxes, set the quota, then let it be used.
    Make { quota: Option<Octets> },
    /// Erase the mail of an account that was removed.
    Erase,
}

fn put_address(row: &mut RowWriter, address: &Address) {
    row.bytes(address.to_string().as_bytes());
}

fn read_address(row: &mut RowReader<'_>) -> Option<Address> {
    Address::parse(row.text()?).ok()
}

impl AccountRow {
    pub(super) fn encode(&self) -> Bytes {
        let marks = u8::from(self.marks.admin) * ADMIN + u8::from(self.marks.shared) * SHARED;
        let mut row = RowWriter::new(if marks == 0 { WITHOUT_MARKS } else { WITH_MARKS }, 64);
        row.byte(match self.state {
            AccountState::Making => 0,
            AccountState::Active => 1,
            AccountState::Removed => 2,
        });
        row.number(self.changes);
        row.signed(self.created.0);
        put_address(&mut row, &self.address);
        if marks != 0 {
            row.byte(marks);
        }
        row.finish()
    }

    pub(super) fn decode(row: &[u8]) -> Option<Self> {
        let is_plain = row.first() == Some(&WITHOUT_MARKS);
        let mut row = RowReader::new(row, if is_plain { WITHOUT_MARKS } else { WITH_MARKS })?;
        let state = match row.byte()? {
            0 => AccountState::Making,
            1 => AccountState::Active,
            2 => AccountState::Removed,
            _ => return None,
        };
        let (changes, created) = (row.number()?, Timestamp(row.signed()?));
        let address = read_address(&mut row)?;
        let marks = if is_plain { 0 } else { row.byte().filter(|marks| marks & !(ADMIN | SHARED) == 0)? };
        let marks = AccountMarks { admin: marks & ADMIN != 0, shared: marks & SHARED != 0 };
        row.end().map(|()| Self { changes, state, created, address, marks })
    }
}

impl DomainRow {
    pub(super) fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(FORMAT, 64);
        row.number(self.changes);
        row.signed(self.created.0);
        row.byte(u8::from(self.catch_all.is_some()));
        if let Some(catch_all) = &self.catch_all {
            put_address(&mut row, catch_all);
        }
        row.number(self.postmaster.map_or(0, |account| u64::from(account.0)));
        row.finish()
    }

    pub(super) fn decode(row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row, FORMAT)?;
        let (changes, created) = (row.number()?, Timestamp(row.signed()?));
        let catch_all = match row.byte()? {
            0 => None,
            _ => Some(read_address(&mut row)?),
        };
        // No person has account 0.
        let postmaster = Some(AccountId(row.number32()?)).filter(|account| account.0 != 0);
        row.end().map(|()| Self { changes, created, catch_all, postmaster })
    }
}

impl AddressRow {
    pub(super) fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(FORMAT, 64);
        match self {
            Self::Account(account) => {
                row.byte(0);
                row.number(u64::from(account.0));
            }
            Self::Alias(targets) => {
                row.byte(1);
                for target in targets {
                    put_address(&mut row, target);
                }
            }
        }
        row.finish()
    }

    pub(super) fn decode(row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row, FORMAT)?;
        match row.byte()? {
            0 => {
                let account = AccountId(row.number32()?);
                row.end().map(|()| Self::Account(account))
            }
            1 => {
                let mut targets = Vec::new();
                while row.left() > 0 {
                    targets.push(read_address(&mut row)?);
                }
                Some(Self::Alias(targets))
            }
            _ => None,
        }
    }
}

impl IntentRow {
    pub(super) fn encode(self) -> Bytes {
        let mut row = RowWriter::new(FORMAT, 16);
        match self {
            Self::Make { quota } => {
                row.byte(0);
                row.byte(u8::from(quota.is_some()));
                row.number(quota.map_or(0, |quota| quota.0));
            }
            Self::Erase => row.byte(1),
        }
        row.finish()
    }

    pub(super) fn decode(row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row, FORMAT)?;
        let intent = match row.byte()? {
            0 => {
                let limited = row.byte()? != 0;
                let quota = Octets(row.number()?);
                Self::Make { quota: limited.then_some(quota) }
            }
            1 => Self::Erase,
            _ => return None,
        };
        row.end().map(|()| intent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_read_back() {
        let address = |text| Address::parse(text).unwrap();
        let (state, address_row) = (AccountState::Removed, address("\"a b\"@x.example"));
        for (admin, shared) in [(false, false), (true, false), (false, true), (true, true)] {
            let (address, marks) = (address_row.clone(), AccountMarks { admin, shared });
            let account = AccountRow { changes: 300, state, created: Timestamp(-3), address, marks };
            assert_eq!(AccountRow::decode(&account.encode()), Some(account));
        }
        for (catch_all, postmaster) in [(None, None), (Some(address("ann@x.example")), Some(AccountId(16)))] {
            let domain = DomainRow { changes: 4, created: Timestamp(9), catch_all, postmaster };
            assert_eq!(DomainRow::decode(&domain.encode()), Some(domain));
        }
        let targets = vec![address("ü@x.example"), address("b@y.example")];
        for row in [AddressRow::Account(AccountId(7)), AddressRow::Alias(targets), AddressRow::Alias(vec![])] {
            assert_eq!(AddressRow::decode(&row.encode()), Some(row));
        }
        for quota in [None, Some(Octets(0)), Some(Octets(5))] {
            assert_eq!(IntentRow::decode(&IntentRow::Make { quota }.encode()), Some(IntentRow::Make { quota }));
        }
        assert_eq!(IntentRow::decode(&IntentRow::Erase.encode()), Some(IntentRow::Erase));
    }

    #[test]
    fn rows_of_another_shape_are_none() {
        for bad in [&b""[..], &[2], &[1], &[1, 9], &[1, 1, 0], &[1, 1, 200], &[1, 0]] {
            assert_eq!(AccountRow::decode(bad), None);
            assert_eq!(DomainRow::decode(bad), None);
            assert_eq!(AddressRow::decode(bad), None);
            assert_eq!(IntentRow::decode(bad), None);
        }
    }
}
