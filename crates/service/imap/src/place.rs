//! Which account a mailbox name leads to: nobody else takes a name apart.
//!
//! One's own mailboxes have their plain names. Those of another account lie below `Other Users/` and its address, or below
//! `Shared/` and its address where the operator marked it as shared (RFC 2342; docs/adr/0008-others-mailboxes.md).

use crate::command::select::permanent_flags;
use crate::rights::{Action, require};
use crate::session::Session;
use domain::{Account, DirectoryError, MailError, MailboxInfo, Mailboxes};
use proto_imap::{Response, Status};
use service_session::Transport;
use std::fmt::Write as _;
use std::sync::Arc;
use types::{AccountId, Address, HIERARCHY_SEPARATOR, MailboxName, Rights};

/// The first level of names of other users' mailboxes.
pub(crate) const OTHER_USERS: &str = "Other Users";
/// The first level of names of mailboxes that are nobody's in particular.
pub(crate) const SHARED: &str = "Shared";

/// Whose a name is, whether there is such a mailbox or not.
pub(crate) struct Owner {
    /// The account in which the mailbox is or would be.
    pub(crate) account: Account,
    /// Its name there.
    pub(crate) name: MailboxName,
}

/// A mailbox that the session's user may know of.
pub(crate) struct Place {
    /// The account it is in.
    pub(crate) account: Account,
    /// What that account knows of it; its name is the one it has there.
    pub(crate) mailbox: MailboxInfo,
    /// What the session's user may do with it.
    pub(crate) rights: Rights,
}

impl Place {
    /// The place, if this may be done there.
    pub(crate) fn allowing(self, action: Action) -> Result<Self, MailError> {
        require(self.rights, action)?;
        Ok(self)
    }
}

/// Where a name leads.
enum Path<'a> {
    Own,
    /// A level above others' mailboxes.
    Level,
    /// Into the account of this address, among the accounts that are marked as shared or not.
    Other {
        address: Address,
        shared: bool,
        name: &'a str,
    },
    /// Into no account there could be.
    Nowhere,
}

impl<S: Transport> Session<S> {
    /// Who is asking.
    pub(crate) fn reader(&self) -> Result<AccountId, MailError> {
        Ok(self.account().map_err(|_| MailError::NoSuchMailbox)?.id())
    }

    /// Whose a name is, as this session's user writes it. Names below nobody's address are [`MailError::NoSuchMailbox`];
    /// levels above others' mailboxes are no names of mailboxes, [`MailError::CannotBeChanged`].
    pub(crate) async fn owner(&self, name: &MailboxName) -> Result<Owner, MailError> {
        let own = self.account().map_err(|_| MailError::NoSuchMailbox)?;
        let (address, shared, below) = match take_apart(name) {
            Path::Own => return Ok(Owner { account: own.clone(), name: name.clone() }),
            Path::Level => return Err(MailError::CannotBeChanged),
            Path::Nowhere => return Err(MailError::NoSuchMailbox),
            Path::Other { address, shared, name } => (address, shared, name),
        };
        let directory = &self.service.shared.directory;
        let id = match directory.account_find(&address).await {
            Ok(id) if id != own.id() => id,
            Ok(_) | Err(DirectoryError::NoSuchAccount) => return Err(MailError::NoSuchMailbox),
            Err(failure) => return Err(of_directory(failure)),
        };
        let named = directory.account_named(id).await.map_err(of_directory)?;
        // Each mailbox has one name: below its account's main address, in the namespace that its account is in.
        let is_its_name =
            named.is_some_and(|(main, marks)| level_of(&main) == level_of(&address) && marks.shared == shared);
        if !is_its_name {
            return Err(MailError::NoSuchMailbox);
        }
        let name = MailboxName::parse(below).map_err(MailError::NameInvalid)?;
        Ok(Owner { account: self.service.shared.mail.account(id).await?, name })
    }

    /// The mailbox of a name, as this session's user writes it, also one that cannot be selected. One that is not there,
    /// or that the user may not know of, is [`MailError::NoSuchMailbox`].
    pub(crate) async fn find_any(&self, name: &MailboxName) -> Result<Place, MailError> {
        let Owner { account, name } = match self.owner(name).await {
            Err(MailError::CannotBeChanged) => return Err(MailError::NoSuchMailbox),
            owner => owner?,
        };
        let mailboxes = account.mailboxes().await?;
        let mailbox = mailboxes.get(&name).ok_or(MailError::NoSuchMailbox)?.clone();
        let rights = mailbox.acl.rights(account.id(), self.reader()?);
        if !rights.contains(Rights::LOOKUP) {
            // RFC 4314 §6: the same answer as for one that is not there.
            return Err(MailError::NoSuchMailbox);
        }
        Ok(Place { account, mailbox, rights })
    }

    /// [`Session::find_any`] for one that can be selected.
    pub(crate) async fn find(&self, name: &MailboxName) -> Result<Place, MailError> {
        let place = self.find_any(name).await?;
        if place.mailbox.selectable { Ok(place) } else { Err(MailError::NoSuchMailbox) }
    }

    /// Looks what the user may do in the open mailbox now (RFC 4314 §5.1.1): a change holds from the next command on. False
    /// if he may not read it any more, which ends the connection.
    pub(crate) async fn look_at_rights(&mut self) -> bool {
        let (Some(selected), Ok(reader)) =
            (&mut self.selected, self.account.as_ref().map(|s| s.account.id()).ok_or(()))
        else {
            return true;
        };
        // If that cannot be found out now, the command itself will tell of the trouble.
        let Ok(mailboxes) = selected.account.mailboxes().await else { return true };
        let Some(mailbox) = mailboxes.by_id(selected.id) else { return true };
        let rights = mailbox.acl.rights(selected.account.id(), reader);
        if rights == selected.rights {
            return true;
        }
        selected.rights = rights;
        if !rights.contains(Rights::LOOKUP.union(Rights::READ)) {
            self.machine.bye(None, "The right to read this mailbox was taken away");
            return false;
        }
        let flags = permanent_flags(selected);
        self.machine.send(&Response::Flags(&selected.told.snapshot().keywords));
        self.machine.send(&Response::Status(&Status::ok("Flags that stay").with_code(flags)));
        true
    }

    /// Whether a mailbox of this name may be made: `k` in the nearest one above it that there is (RFC 4314 §4). In
    /// another's account there must be one.
    pub(crate) async fn may_create(&self, owner: &Owner) -> Result<(), MailError> {
        let mailboxes = owner.account.mailboxes().await?;
        let reader = self.reader()?;
        let mut above = owner.name.parent();
        while let Some(name) = above {
            if let Some(parent) = mailboxes.get(&name) {
                let rights = parent.acl.rights(owner.account.id(), reader);
                let is_seen = rights.contains(Rights::LOOKUP);
                return if is_seen { require(rights, Action::Create) } else { Err(MailError::NoSuchMailbox) };
            }
            above = name.parent();
        }
        if owner.account.id() == reader { Ok(()) } else { Err(MailError::NoSuchMailbox) }
    }

    /// All mailboxes that the session's user may know of, his own and others', with their names as he writes them.
    pub(crate) async fn all_mailboxes(&self) -> Result<Arc<Mailboxes>, MailError> {
        let account = self.account().map_err(|_| MailError::NoSuchMailbox)?;
        let own = account.mailboxes().await?;
        let shared = &self.service.shared;
        let mut others = Vec::new();
        for sharer in shared.directory.sharers(account.id()).await.map_err(of_directory)? {
            let Some((address, marks)) = shared.directory.account_named(sharer).await.map_err(of_directory)? else {
                continue;
            };
            let Some(root) = root_of(&address, marks.shared) else { continue };
            others.push((root, shared.mail.account(sharer).await?.mailboxes().await?));
        }
        Ok(if others.is_empty() { own } else { Arc::new(own.with_shared(&others, account.id())) })
    }

    /// The account of a mailbox in [`Session::all_mailboxes`].
    pub(crate) async fn account_of(&self, mailbox: &MailboxInfo) -> Result<Account, MailError> {
        self.service.shared.mail.account(mailbox.owner).await
    }
}

/// A failure of the directory, as one of mail: all that can come here is trouble of ours.
pub(crate) fn of_directory(failure: DirectoryError) -> MailError {
    match failure {
        DirectoryError::Mail(failure) => failure,
        DirectoryError::Store(failure) => failure.into(),
        _ => MailError::Busy,
    }
}

fn take_apart(name: &MailboxName) -> Path<'_> {
    let (first, rest) = name.as_str().split_once(HIERARCHY_SEPARATOR).unwrap_or((name.as_str(), ""));
    let shared = match first {
        OTHER_USERS => false,
        SHARED => true,
        _ => return Path::Own,
    };
    let Some((level, name)) = rest.split_once(HIERARCHY_SEPARATOR) else { return Path::Level };
    address_of(level).map_or(Path::Nowhere, |address| Path::Other { address, shared, name })
}

/// Whether a name is in the user's own namespace (RFC 2342).
pub(crate) fn is_own(name: &MailboxName) -> bool {
    matches!(take_apart(name), Path::Own)
}

/// The one spelling of a name in another's account.
pub(crate) fn spelled(name: &MailboxName) -> MailboxName {
    let Path::Other { address, shared, name: below } = take_apart(name) else { return name.clone() };
    let spelled = root_of(&address, shared).zip(MailboxName::parse(below).ok());
    let spelled =
        spelled.and_then(|(root, below)| MailboxName::parse(&format!("{root}{HIERARCHY_SEPARATOR}{below}")).ok());
    spelled.unwrap_or_else(|| name.clone())
}

/// The name above an account's mailboxes.
pub(crate) fn root_of(address: &Address, shared: bool) -> Option<MailboxName> {
    let first = if shared { SHARED } else { OTHER_USERS };
    MailboxName::parse(&format!("{first}{HIERARCHY_SEPARATOR}{}", level_of(address))).ok()
}

/// An address as a level of a name: what separates levels, what is a wildcard in LIST, and `=`, which escapes these, stand
/// as `=2F` and so on.
fn level_of(address: &Address) -> String {
    let mut level = String::new();
    for c in format!("{}@{}", address.canonical_local(), address.domain()).chars() {
        if matches!(c, HIERARCHY_SEPARATOR | '*' | '%' | '=' | '"' | '\\') {
            // Writing to a String does not fail.
            let _ = write!(level, "={:02X}", u32::from(c));
        } else {
            level.push(c);
        }
    }
    level
}

/// Reads [`level_of`].
fn address_of(level: &str) -> Option<Address> {
    let mut pieces = level.split('=');
    let mut text = pieces.next()?.to_owned();
    for piece in pieces {
        let (code, rest) = piece.split_at_checked(2)?;
        text.push(char::from(u8::from_str_radix(code, 16).ok()?));
        text.push_str(rest);
    }
    let (local, domain) = text.rsplit_once('@').filter(|(local, _)| !local.is_empty())?;
    Address::from_parts(local, domain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_a_level_and_back() {
        for text in ["ann@example.org", "\"a b/c%*=\\\"\"@example.org", "ü=x@bücher.example"] {
            let address = Address::parse(text).unwrap();
            let level = level_of(&address);
            assert!(!level.contains(['/', '*', '%']), "{level}");
            assert_eq!(level_of(&address_of(&level).unwrap()), level);
        }
        assert_eq!(level_of(&Address::parse("A/b@Example.org").unwrap()), "a=2Fb@example.org");
        for bad in ["ann", "a=@x.example", "a=zz@x.example", "a=2", "@x.example"] {
            assert!(address_of(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_mailbox_of_another_has_one_name() {
        let name = |text: &str| MailboxName::parse(text).unwrap();
        let told = "Other Users/ann@x.example/INBOX";
        assert_eq!(spelled(&name("Other Users/Ann@X.Example/inbox")), name(told));
        for same in [told, "Shared/nobody/a", "Other Users", "A/b"] {
            assert_eq!(spelled(&name(same)), name(same));
        }
        assert!(is_own(&name("A/b")) && !is_own(&name("Shared")) && !is_own(&name(told)));
    }

    #[test]
    fn names_lead_to_accounts() {
        let lead = |text: &str| match take_apart(&MailboxName::parse(text).unwrap()) {
            Path::Own => "own".to_owned(),
            Path::Level => "level".to_owned(),
            Path::Nowhere => "nowhere".to_owned(),
            Path::Other { address, shared, name } => format!("{address} {shared} {name}"),
        };
        assert_eq!(lead("Other Users/ann@x.example/INBOX"), "ann@x.example false INBOX");
        assert_eq!(lead("Shared/ann@x.example/a/b"), "ann@x.example true a/b");
        assert_eq!((lead("Shared"), lead("Other Users/ann@x.example")), ("level".into(), "level".into()));
        assert_eq!(
            (lead("Shared/x/y"), lead("shared/x/y"), lead("Shareds")),
            ("nowhere".into(), "own".into(), "own".into())
        );
    }
}
