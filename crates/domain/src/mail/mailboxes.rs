//! The list of an account's mailboxes as it stood at one moment.

use super::acl::Acl;
use super::rows::MailboxRow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use types::{AccountId, HIERARCHY_SEPARATOR, MailboxId, MailboxName, Rights, SpecialUse};

/// What LIST tells of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxInfo {
    /// Whose it is.
    pub owner: AccountId,
    /// Its id, which survives renaming; 0 of a level above others' mailboxes, which is no mailbox.
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
    /// Whose list it is; `None` of nobody's, which is empty.
    owner: Option<AccountId>,
    by_name: Vec<MailboxInfo>,
    /// Where each mailbox stands; levels above others' mailboxes are none.
    places: HashMap<(AccountId, MailboxId), usize>,
    subscriptions: Vec<MailboxName>,
}

impl Mailboxes {
    pub(super) fn build(
        owner: AccountId,
        rows: &BTreeMap<MailboxId, Arc<MailboxRow>>,
        names: &BTreeMap<MailboxName, MailboxId>,
        subscriptions: &BTreeMap<MailboxName, u32>,
        acls: &BTreeMap<MailboxId, Arc<Acl>>,
    ) -> Self {
        let mut list =
            Self { owner: Some(owner), subscriptions: subscriptions.keys().cloned().collect(), ..Self::default() };
        let parents = parents(names.keys());
        for (name, id) in names {
            let Some(row) = rows.get(id) else { continue };
            list.places.insert((owner, *id), list.by_name.len());
            list.by_name.push(MailboxInfo {
                owner,
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

    /// This list with those mailboxes of others, below a name for each of them, that `reader` may see (RFC 4314 §4).
    /// Levels above them that are no mailboxes, or that he may not see, are placeholders. What others use a mailbox for is
    /// left out, and names that are too long together are no names.
    #[must_use]
    pub fn with_shared(&self, others: &[(MailboxName, Arc<Self>)], reader: AccountId) -> Self {
        let subscribed: HashSet<&MailboxName> = self.subscriptions.iter().collect();
        let mut all: BTreeMap<MailboxName, MailboxInfo> = BTreeMap::new();
        for (root, list) in others {
            for info in list.iter().filter(|info| info.acl.rights(info.owner, reader).contains(Rights::LOOKUP)) {
                let name = MailboxName::parse(&format!("{root}{HIERARCHY_SEPARATOR}{}", info.name));
                let Ok(name) = name else { continue };
                let mut above = name.parent();
                while let Some(level) = above.filter(|level| !all.contains_key(level)) {
                    above = level.parent();
                    let acl = Arc::default();
                    let (owner, id, selectable) = (info.owner, MailboxId(0), false);
                    let (special_use, has_children, subscribed) = (None, true, subscribed.contains(&level));
                    let level_info = MailboxInfo {
                        owner,
                        id,
                        name: level.clone(),
                        special_use,
                        selectable,
                        has_children,
                        subscribed,
                        acl,
                    };
                    all.insert(level, level_info);
                }
                let subscribed = subscribed.contains(&name);
                let shown = MailboxInfo { name: name.clone(), special_use: None, subscribed, ..info.clone() };
                all.insert(name, shown);
            }
        }
        let parents = parents(all.keys());
        let parents: HashSet<String> = parents.into_iter().map(str::to_owned).collect();
        for info in all.values_mut() {
            info.has_children = parents.contains(info.name.as_str());
        }
        let mut by_name = self.by_name.clone();
        by_name.extend(all.into_values());
        by_name.sort_by(|a, b| a.name.cmp(&b.name));
        let mailboxes = by_name.iter().enumerate().filter(|(_, info)| info.id != MailboxId(0));
        let places = mailboxes.map(|(place, info)| ((info.owner, info.id), place)).collect();
        Self { owner: self.owner, by_name, places, subscriptions: self.subscriptions.clone() }
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

    /// The owner's mailbox with this id.
    pub fn by_id(&self, id: MailboxId) -> Option<&MailboxInfo> {
        self.of(self.owner?, id)
    }

    /// An account's mailbox with this id; of others' only if it is in the list.
    pub fn of(&self, owner: AccountId, id: MailboxId) -> Option<&MailboxInfo> {
        self.by_name.get(*self.places.get(&(owner, id))?)
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

/// The names right above others. They are found from below: children need not stand next to their parent in the order of
/// names.
fn parents<'a>(names: impl Iterator<Item = &'a MailboxName>) -> HashSet<&'a str> {
    names.filter_map(|name| name.as_str().rsplit_once(HIERARCHY_SEPARATOR)).map(|(parent, _)| parent).collect()
}

impl<'a> IntoIterator for &'a Mailboxes {
    type Item = &'a MailboxInfo;
    type IntoIter = std::slice::Iter<'a, MailboxInfo>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
