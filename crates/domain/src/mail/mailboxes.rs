//! The list of an account's mailboxes as it stood at one moment.

use super::acl::Acl;
use super::rows::MailboxRow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use types::{HIERARCHY_SEPARATOR, MailboxId, MailboxName, SpecialUse};

/// What LIST tells of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxInfo {
    /// Its id, which survives renaming.
    pub id: MailboxId,
    /// Its name.
    pub name: MailboxName,
    /// What it is for.
    pub special_use: Option<SpecialUse>,
    /// Whether it can be opened; a placeholder above others cannot (`\Noselect`).
    pub selectable: bool,
    /// Whether there are mailboxes below it.
    pub has_children: bool,
    /// Whether its name is subscribed.
    pub subscribed: bool,
    /// Who beside the owner has which rights in it (RFC 4314).
    pub acl: Arc<Acl>,
}

/// All mailboxes and subscriptions of an account, immutable.
#[derive(Clone, Debug, Default)]
pub struct Mailboxes {
    by_name: Vec<MailboxInfo>,
    places: HashMap<MailboxId, usize>,
    subscriptions: Vec<MailboxName>,
}

impl Mailboxes {
    pub(super) fn build(
        rows: &BTreeMap<MailboxId, Arc<MailboxRow>>,
        names: &BTreeMap<MailboxName, MailboxId>,
        subscriptions: &BTreeMap<MailboxName, u32>,
        acls: &BTreeMap<MailboxId, Arc<Acl>>,
    ) -> Self {
        let mut list = Self { subscriptions: subscriptions.keys().cloned().collect(), ..Self::default() };
        // Parents are marked from below: their children need not stand next to them in the order of names.
        let mut parents: HashSet<&str> = HashSet::new();
        for name in names.keys() {
            if let Some((parent, _)) = name.as_str().rsplit_once(HIERARCHY_SEPARATOR) {
                parents.insert(parent);
            }
        }
        for (name, id) in names {
            let Some(row) = rows.get(id) else { continue };
            list.places.insert(*id, list.by_name.len());
            list.by_name.push(MailboxInfo {
                id: *id,
                name: name.clone(),
                special_use: row.special_use,
                selectable: row.selectable,
                has_children: parents.contains(name.as_str()),
                subscribed: subscriptions.contains_key(name),
                acl: acls.get(id).cloned().unwrap_or_default(),
            });
        }
        list
    }

    /// All, by name.
    pub fn iter(&self) -> std::slice::Iter<'_, MailboxInfo> {
        self.by_name.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// The mailbox of this name.
    pub fn get(&self, name: &MailboxName) -> Option<&MailboxInfo> {
        let place = self.by_name.binary_search_by(|info| info.name.cmp(name)).ok()?;
        self.by_name.get(place)
    }

    /// The mailbox with this id.
    pub fn by_id(&self, id: MailboxId) -> Option<&MailboxInfo> {
        self.by_name.get(*self.places.get(&id)?)
    }

    /// The first mailbox that is for this.
    pub fn special(&self, special: SpecialUse) -> Option<&MailboxInfo> {
        self.by_name.iter().find(|info| info.special_use == Some(special))
    }

    /// All subscribed names, ascending; mailboxes of these names need not exist.
    pub fn subscriptions(&self) -> &[MailboxName] {
        &self.subscriptions
    }
}

impl<'a> IntoIterator for &'a Mailboxes {
    type Item = &'a MailboxInfo;
    type IntoIter = std::slice::Iter<'a, MailboxInfo>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
