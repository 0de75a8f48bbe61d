//! Access control lists (RFC 4314): who has which rights in a mailbox.
//!
//! Deviation: the owner of a mailbox always keeps `l` and `a` (RFC 4314 §2 lets an implementation tie rights so).
//! `\Seen` is shared by all who look at a mailbox, as RFC 4314 §4 allows.

use crate::row::{RowReader, RowWriter};
use bytes::Bytes;
use types::{AccountId, Rights};

/// Most entries of one list.
pub const ACL_ENTRIES_MAX: usize = 256;

const VERSION: u8 = 1;
/// Stands for everybody in rows and hints; nobody has this account.
pub(crate) const ANYONE: AccountId = AccountId(0);

/// Whom an entry speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grantee {
    /// Everybody who can sign in.
    Anyone,
    /// An account.
    Account(AccountId),
}

impl Grantee {
    /// As a number: [`ANYONE`] for everybody.
    pub(crate) fn id(self) -> AccountId {
        match self {
            Self::Anyone => ANYONE,
            Self::Account(account) => account,
        }
    }

    pub(crate) fn of_id(id: AccountId) -> Self {
        if id == ANYONE { Self::Anyone } else { Self::Account(id) }
    }
}

/// Whom an entry speaks of, and whether it gives or takes: `ann` or `-ann`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AclKey {
    /// Whom.
    pub grantee: Grantee,
    /// Whether these rights are taken away (RFC 4314 §2, negative rights).
    pub is_negative: bool,
}

impl AclKey {
    /// Rights that are given.
    pub fn grant(grantee: Grantee) -> Self {
        Self { grantee, is_negative: false }
    }
}

/// What SETACL does with the rights it names (RFC 4314 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AclChange {
    /// These and no others.
    Replace(Rights),
    /// These too.
    Add(Rights),
    /// Not these.
    Remove(Rights),
    /// DELETEACL: no entry any more.
    Delete,
}

/// One mailbox's list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acl {
    /// Ascending by key, each once.
    entries: Vec<(AclKey, Rights)>,
}

impl Acl {
    /// The entries. The owner has one only if his rights were changed.
    pub fn entries(&self) -> &[(AclKey, Rights)] {
        &self.entries
    }

    /// Whether nobody but the owner was ever mentioned.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What an account may do in a mailbox of `owner`: everything that it or everybody was given, without what it or
    /// everybody was denied.
    pub fn rights(&self, owner: AccountId, reader: AccountId) -> Rights {
        let of = |grantee, is_negative| self.entry(AclKey { grantee, is_negative });
        let me = Grantee::Account(reader);
        let is_owner = owner == reader;
        let own = of(me, false).unwrap_or(if is_owner { Rights::ALL } else { Rights::NONE });
        let given = own.union(of(Grantee::Anyone, false).unwrap_or_default());
        let denied = of(me, true).unwrap_or_default().union(of(Grantee::Anyone, true).unwrap_or_default());
        let rights = given.without(denied);
        if is_owner { rights.union(Self::owners()) } else { rights }
    }

    /// What an owner cannot lose.
    pub fn owners() -> Rights {
        Rights::LOOKUP.union(Rights::ADMINISTER)
    }

    /// Whether an entry gives this grantee something.
    pub(crate) fn grants(&self, grantee: Grantee) -> bool {
        self.entry(AclKey::grant(grantee)).is_some_and(|rights| !rights.is_empty())
    }

    fn entry(&self, key: AclKey) -> Option<Rights> {
        let place = self.entries.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        self.entries.get(place).map(|(_, rights)| *rights)
    }

    /// The list after a change; `None` if it would have too many entries.
    pub(crate) fn changed(&self, owner: AccountId, key: AclKey, change: AclChange) -> Option<Self> {
        let is_owners = key == AclKey::grant(Grantee::Account(owner));
        let before = self.entry(key).unwrap_or(if is_owners { Rights::ALL } else { Rights::NONE });
        let rights = match change {
            AclChange::Replace(rights) => rights,
            AclChange::Add(rights) => before.union(rights),
            AclChange::Remove(rights) => before.without(rights),
            AclChange::Delete => Rights::NONE,
        };
        let rights = if is_owners { rights.union(Self::owners()) } else { rights };
        let mut entries = self.entries.clone();
        // An entry without rights says nothing. One of the owner with all says what is so without it.
        let is_needed = if is_owners { rights != Rights::ALL } else { !rights.is_empty() };
        match (entries.binary_search_by_key(&key, |(key, _)| *key), is_needed) {
            (Ok(place), true) => {
                if let Some(entry) = entries.get_mut(place) {
                    entry.1 = rights;
                }
            }
            (Ok(place), false) => {
                entries.remove(place);
            }
            (Err(place), true) => entries.insert(place, (key, rights)),
            (Err(_), false) => {}
        }
        (entries.len() <= ACL_ENTRIES_MAX).then_some(Self { entries })
    }

    pub(crate) fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(VERSION, self.entries.len() * 8);
        for (key, rights) in &self.entries {
            row.number(key.grantee.id().0.into());
            row.byte(u8::from(key.is_negative));
            row.number(rights.bits().into());
        }
        row.finish()
    }

    pub(crate) fn decode(row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row, VERSION)?;
        let mut entries: Vec<(AclKey, Rights)> = Vec::new();
        while row.left() > 0 {
            let grantee = Grantee::of_id(AccountId(row.number32()?));
            let is_negative = match row.byte()? {
                0 => false,
                1 => true,
                _ => return None,
            };
            let rights = Rights::from_bits(row.number()?.try_into().ok()?)?;
            let key = AclKey { grantee, is_negative };
            if entries.last().is_some_and(|(last, _)| *last >= key) || entries.len() >= ACL_ENTRIES_MAX {
                return None;
            }
            entries.push((key, rights));
        }
        Some(Self { entries })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: AccountId = AccountId(16);
    const BOB: AccountId = AccountId(17);

    fn rights(text: &str) -> Rights {
        Rights::parse(text).unwrap()
    }

    fn set(acl: &Acl, grantee: Grantee, is_negative: bool, change: AclChange) -> Acl {
        acl.changed(OWNER, AclKey { grantee, is_negative }, change).unwrap()
    }

    #[test]
    fn rights_are_what_was_given_without_what_was_denied() {
        let bob = Grantee::Account(BOB);
        let acl = set(&Acl::default(), Grantee::Anyone, false, AclChange::Replace(rights("lr")));
        let acl = set(&acl, bob, false, AclChange::Add(rights("wi")));
        assert_eq!(acl.rights(OWNER, BOB), rights("lrwi"));
        let acl = set(&acl, bob, true, AclChange::Replace(rights("rw")));
        assert_eq!(acl.rights(OWNER, BOB), rights("li"));
        assert_eq!(acl.rights(OWNER, AccountId(18)), rights("lr"));
        let acl = set(&acl, bob, false, AclChange::Remove(rights("i")));
        assert_eq!((acl.rights(OWNER, BOB), acl.entries().len()), (rights("l"), 3));
        let acl = set(&acl, bob, true, AclChange::Delete);
        assert_eq!(acl.rights(OWNER, BOB), rights("lrw"));
        assert_eq!(Acl::decode(&acl.encode()), Some(acl));
    }

    #[test]
    fn the_owner_keeps_l_and_a_whatever_is_said() {
        let owner = Grantee::Account(OWNER);
        assert_eq!(Acl::default().rights(OWNER, OWNER), Rights::ALL);
        for change in [AclChange::Replace(Rights::NONE), AclChange::Remove(Rights::ALL), AclChange::Delete] {
            assert_eq!(set(&Acl::default(), owner, false, change).rights(OWNER, OWNER), rights("la"));
        }
        let acl = set(&Acl::default(), owner, true, AclChange::Replace(Rights::ALL));
        assert_eq!(acl.rights(OWNER, OWNER), rights("la"));
        let acl = set(&Acl::default(), owner, false, AclChange::Remove(rights("w")));
        assert_eq!(acl.rights(OWNER, OWNER), Rights::ALL.without(rights("w")));
        assert!(set(&acl, owner, false, AclChange::Add(rights("w"))).is_empty());
    }

    #[test]
    fn a_list_is_full_at_its_limit_and_not_before() {
        let mut acl = Acl::default();
        for n in 0..u32::try_from(ACL_ENTRIES_MAX).unwrap() {
            acl = set(&acl, Grantee::Account(AccountId(100 + n)), false, AclChange::Replace(rights("l")));
        }
        assert_eq!(Acl::decode(&acl.encode()), Some(acl.clone()));
        let one_more = AclKey::grant(Grantee::Account(AccountId(99)));
        assert_eq!(acl.changed(OWNER, one_more, AclChange::Add(rights("l"))), None);
        assert!(acl.changed(OWNER, one_more, AclChange::Delete).is_some());
    }

    #[test]
    fn lists_of_another_shape_are_none() {
        for bad in [&b""[..], &[2], &[1, 5], &[1, 5, 2, 1], &[1, 5, 0, 0xff, 0xff, 0x7f], &[1, 5, 0, 1, 5, 0, 1]] {
            assert_eq!(Acl::decode(bad), None, "{bad:?}");
        }
    }
}
