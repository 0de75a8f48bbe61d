//! What an account shares with others and says of its mailboxes: rights and annotations.

use super::account::Account;
use super::acl::{AclChange, AclKey, Grantee};
use super::annotations::holder;
use super::verb::annotate::Annotate;
use super::verb::share::SetAcl;
use crate::{MailError, keys};
use bytes::Bytes;
use types::{AccountId, EntryName, MailboxId, MailboxName, ModSeq, Octets};

/// Stands for the account itself where a mailbox is named.
const WHOLE_ACCOUNT: MailboxId = MailboxId(0);

/// An annotation that has a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnotationInfo {
    /// Its name.
    pub name: EntryName,
    /// How large its value is.
    pub size: Octets,
}

/// Annotations that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnotationsChanged {
    /// Which mailbox they belong to; `None` for the account itself.
    pub mailbox: Option<(MailboxId, MailboxName)>,
    /// Which, each with its last change.
    pub names: Vec<(EntryName, ModSeq)>,
}

impl Account {
    /// Changes one entry of a mailbox's access control list. The directory's `acl_set` does so and remembers whom to
    /// tell of the mailbox.
    pub(crate) async fn change_acl(&self, id: MailboxId, key: AclKey, change: AclChange) -> Result<(), MailError> {
        self.live.submit(SetAcl { mailbox: id, key, change }).await
    }

    /// Whether any mailbox's list gives this grantee something.
    pub(crate) async fn grants(&self, grantee: Grantee) -> Result<bool, MailError> {
        self.live.ready().await?;
        Ok(self.live.read().acls.values().any(|acl| acl.grants(grantee)))
    }

    /// The annotations of a mailbox, or of the account itself, that a reader sees, by name; of none of its mailboxes
    /// they are none.
    pub async fn annotations(
        &self,
        mailbox: Option<MailboxId>,
        reader: AccountId,
    ) -> Result<Vec<AnnotationInfo>, MailError> {
        self.live.ready().await?;
        let core = self.live.read();
        let index = core.annotations.get(&mailbox.unwrap_or(WHOLE_ACCOUNT));
        let seen = index.into_iter().flat_map(|index| index.seen_by(reader));
        let mut all: Vec<_> =
            seen.map(|(name, size)| AnnotationInfo { name: name.clone(), size: Octets(size.into()) }).collect();
        all.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    /// The values of annotations, in the order asked, in one read; `None` where there is none.
    pub async fn annotation_values(
        &self,
        mailbox: Option<MailboxId>,
        reader: AccountId,
        names: &[EntryName],
    ) -> Result<Vec<Option<Bytes>>, MailError> {
        let mailbox = mailbox.unwrap_or(WHOLE_ACCOUNT);
        let key = |name| keys::annotation(self.live.id, mailbox, holder(reader, name), name);
        let keys: Vec<_> = names.iter().map(key).collect();
        Ok(self.live.shared.engine.get_many(&keys).await?)
    }

    /// Sets annotations of a mailbox, or of the account itself, all or none; `None` removes one. Private ones are the
    /// reader's. Returns the change, `None` if nothing was to be changed.
    pub async fn annotate(
        &self,
        mailbox: Option<MailboxId>,
        reader: AccountId,
        values: Vec<(EntryName, Option<Bytes>)>,
    ) -> Result<Option<ModSeq>, MailError> {
        self.live.submit(Annotate { mailbox: mailbox.unwrap_or(WHOLE_ACCOUNT), reader, values }).await
    }

    /// Which annotations changed after `since`, as far as a reader sees them; of removals only the latest are
    /// remembered. Also tells the change up to which this speaks.
    pub async fn annotations_changed(
        &self,
        since: ModSeq,
        reader: AccountId,
    ) -> Result<(Vec<AnnotationsChanged>, ModSeq), MailError> {
        self.live.ready().await?;
        let core = self.live.read();
        let mut changed = Vec::new();
        for (id, index) in &core.annotations {
            let names: Vec<_> =
                index.changed_since(since, reader).map(|(name, modseq)| (name.clone(), modseq)).collect();
            if names.is_empty() {
                continue;
            }
            let mailbox = match core.mailboxes.get(id) {
                Some(row) => Some((*id, row.name.clone())),
                None if *id == WHOLE_ACCOUNT => None,
                None => continue,
            };
            changed.push(AnnotationsChanged { mailbox, names });
        }
        Ok((changed, core.account.counter))
    }
}
