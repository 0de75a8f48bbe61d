//! The whole key layout on one page; nobody else builds a key.
//!
//! Every key is `a`, the account (u32), a kind, and what is listed here. Numbers are big-endian, so that they sort.
//!
//! | kind | rest of the key | row |
//! |---|---|---|
//! | `A` | | the account: change counter, next ids, usage, quota |
//! | `M` | mailbox u32 | a mailbox: name, UIDVALIDITY, next UID, highest MODSEQ, counts, special use, keywords |
//! | `S` | number u32 | a subscription: the name (which may be longer than a key) |
//! | `P` | mailbox u32, UID u32 | a placement: email, flags, modseq, size, dates, UIDL |
//! | `C` | mailbox u32, chunk u32 | placements in columns, a copy for quick loading |
//! | `K` | mailbox u32, block u32 | which of 65,536 UIDs POP3 does not show any more |
//! | `L` | mailbox u32, modseq u64 | a change of flags since the chunks were written: the UIDs |
//! | `E` | email u64 | a content: body, hash, trace id, thread, summary |
//! | `H` | hash u64 | a message id with a base subject: the thread, and how many contents name it |
//! | `R` | email u64, mailbox u32, UID u32 | a placement's reverse key, retained ones included; no value |
//! | `T` | mailbox u32, modseq u64 | a tombstone: the UIDs that left with that change |
//! | `X` | expiry i64, mailbox u32, UID u32 | an expunged placement in the retention space |
//! | `D` | mailbox u32 | a deleted mailbox, whose placements stay until its retention ends |
//! | `V` | trace u128, recipient | a delivery that was made: where the message went |
//! | `G` | mailbox u32 | an access control list; there is none where only the owner has rights |
//! | `N` | mailbox u32 | which annotations a mailbox has, 0 for the account: names, sizes, changes |
//! | `I` | change u64 | how something ends that took more than one batch and is not finished |
//! | `O` | mailbox u32, reader u32, entry name | an annotation's value; reader 0 where all share it |
//!
//! The system accounts have kinds of their own, in small letters: see their sections.

mod certificates;
pub(crate) mod guard;
mod queue;
mod uses;

pub(crate) use certificates::{
    account_certificate, account_certificate_of, account_certificates, certificate, certificates,
};
pub(crate) use queue::{
    QUEUE, all_events, event, event_of, events, queue_content, queue_due, queue_due_of, queue_dues, queue_item,
    queue_item_of, queue_items,
};
pub(crate) use uses::{all_told_of_both, last_use, last_use_of, last_uses, told_of_both};

use crate::accounts::NoticeId;
use bytes::Bytes;
use store_kv::account_prefix;
use types::{AccountId, CredentialId, EmailId, EntryName, MailboxId, ModSeq, Timestamp, TraceId, Uid};

/// Bytes before what a kind adds: space, account, kind.
pub(crate) const HEAD: usize = 6;

/// Builds a key of a kind from its parts.
pub(crate) fn key(account: AccountId, kind: u8, parts: &[&[u8]]) -> Bytes {
    let mut out = Vec::with_capacity(HEAD + parts.iter().map(|p| p.len()).sum::<usize>());
    out.extend_from_slice(&account_prefix(account));
    out.push(kind);
    for part in parts {
        out.extend_from_slice(part);
    }
    out.into()
}

/// What a key has after its kind; empty if it is no such key.
pub(crate) fn rest(key: &[u8]) -> &[u8] {
    key.get(HEAD..).unwrap_or_default()
}

/// A time as eight bytes that sort like it.
pub(crate) fn time_bytes(time: Timestamp) -> [u8; 8] {
    (u64::from_be_bytes(time.0.to_be_bytes()) ^ (1 << 63)).to_be_bytes()
}

/// Reads [`time_bytes`].
pub(crate) fn time_of(bytes: [u8; 8]) -> Timestamp {
    Timestamp(i64::from_be_bytes((u64::from_be_bytes(bytes) ^ (1 << 63)).to_be_bytes()))
}

// ---- Mail: every account of a person ----------------------------------------------------------------------------------

/// The account's own row.
pub(crate) fn account(account: AccountId) -> Bytes {
    key(account, b'A', &[])
}

/// A mailbox.
pub(crate) fn mailbox(account: AccountId, mailbox: MailboxId) -> Bytes {
    key(account, b'M', &[&mailbox.0.to_be_bytes()])
}

/// All mailboxes.
pub(crate) fn mailboxes(account: AccountId) -> Bytes {
    key(account, b'M', &[])
}

/// Reads the mailbox off a key of [`mailbox`] or [`deleted_mailbox`].
pub(crate) fn mailbox_of(key: &[u8]) -> Option<MailboxId> {
    Some(MailboxId(u32::from_be_bytes(rest(key).try_into().ok()?)))
}

/// A subscription.
pub(crate) fn subscription(account: AccountId, number: u32) -> Bytes {
    key(account, b'S', &[&number.to_be_bytes()])
}

/// All subscriptions.
pub(crate) fn subscriptions(account: AccountId) -> Bytes {
    key(account, b'S', &[])
}

/// Reads the number off a key of [`subscription`].
pub(crate) fn subscription_of(key: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(rest(key).try_into().ok()?))
}

/// A placement.
pub(crate) fn placement(account: AccountId, mailbox: MailboxId, uid: Uid) -> Bytes {
    key(account, b'P', &[&mailbox.0.to_be_bytes(), &uid.get().to_be_bytes()])
}

/// All placements of a mailbox.
pub(crate) fn placements(account: AccountId, mailbox: MailboxId) -> Bytes {
    key(account, b'P', &[&mailbox.0.to_be_bytes()])
}

/// Reads the UID off a key of [`placement`].
pub(crate) fn placement_of(key: &[u8]) -> Option<Uid> {
    Uid::new(u32::from_be_bytes(*rest(key).get(4..)?.first_chunk()?))
}

/// Reads the mailbox off a key of [`placement`].
pub(crate) fn placement_mailbox_of(key: &[u8]) -> Option<MailboxId> {
    Some(MailboxId(u32::from_be_bytes(*rest(key).first_chunk()?)))
}

/// A content.
pub(crate) fn content(account: AccountId, email: EmailId) -> Bytes {
    key(account, b'E', &[&email.0.to_be_bytes()])
}

/// Many contents; their keys share one allocation.
pub(crate) fn contents(account: AccountId, emails: &[EmailId]) -> Vec<Bytes> {
    const LENGTH: usize = HEAD + 8;
    let mut all = Vec::with_capacity(emails.len().saturating_mul(LENGTH));
    for email in emails {
        all.extend_from_slice(&account_prefix(account));
        all.push(b'E');
        all.extend_from_slice(&email.0.to_be_bytes());
    }
    let mut all = Bytes::from(all);
    emails.iter().map(|_| all.split_to(LENGTH)).collect()
}

/// What leads from a message id to its thread.
pub(crate) fn thread_link(account: AccountId, hash: u64) -> Bytes {
    key(account, b'H', &[&hash.to_be_bytes()])
}

/// A reverse key.
pub(crate) fn reverse(account: AccountId, email: EmailId, mailbox: MailboxId, uid: Uid) -> Bytes {
    key(account, b'R', &[&email.0.to_be_bytes(), &mailbox.0.to_be_bytes(), &uid.get().to_be_bytes()])
}

/// All reverse keys of a content.
pub(crate) fn reverses(account: AccountId, email: EmailId) -> Bytes {
    key(account, b'R', &[&email.0.to_be_bytes()])
}

/// A tombstone.
pub(crate) fn tombstone(account: AccountId, mailbox: MailboxId, modseq: ModSeq) -> Bytes {
    key(account, b'T', &[&mailbox.0.to_be_bytes(), &modseq.0.to_be_bytes()])
}

/// All tombstones of a mailbox.
pub(crate) fn tombstones(account: AccountId, mailbox: MailboxId) -> Bytes {
    key(account, b'T', &[&mailbox.0.to_be_bytes()])
}

/// A chunk of placements.
pub(crate) fn chunk(account: AccountId, mailbox: MailboxId, index: u32) -> Bytes {
    key(account, b'C', &[&mailbox.0.to_be_bytes(), &index.to_be_bytes()])
}

/// Reads the place off a key of [`chunk`] or [`hidden`].
pub(crate) fn chunk_of(key: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(rest(key).get(4..)?.try_into().ok()?))
}

/// All chunks of a mailbox.
pub(crate) fn chunks(account: AccountId, mailbox: MailboxId) -> Bytes {
    key(account, b'C', &[&mailbox.0.to_be_bytes()])
}

/// Which UIDs of a block POP3 does not show.
pub(crate) fn hidden(account: AccountId, mailbox: MailboxId, block: u32) -> Bytes {
    key(account, b'K', &[&mailbox.0.to_be_bytes(), &block.to_be_bytes()])
}

/// All such blocks of a mailbox.
pub(crate) fn all_hidden(account: AccountId, mailbox: MailboxId) -> Bytes {
    key(account, b'K', &[&mailbox.0.to_be_bytes()])
}

/// A change of messages that are in chunks.
pub(crate) fn change(account: AccountId, mailbox: MailboxId, modseq: ModSeq) -> Bytes {
    key(account, b'L', &[&mailbox.0.to_be_bytes(), &modseq.0.to_be_bytes()])
}

/// All such changes of a mailbox.
pub(crate) fn changes(account: AccountId, mailbox: MailboxId) -> Bytes {
    key(account, b'L', &[&mailbox.0.to_be_bytes()])
}

/// Whether a key is one of [`change`].
pub(crate) fn is_change(key: &[u8]) -> bool {
    key.get(HEAD - 1) == Some(&b'L')
}

/// Reads the change off a key of [`change`] or [`tombstone`].
pub(crate) fn change_of(key: &[u8]) -> Option<ModSeq> {
    tombstone_of(key)
}

/// Reads the change off a key of [`tombstone`].
pub(crate) fn tombstone_of(key: &[u8]) -> Option<ModSeq> {
    Some(ModSeq(u64::from_be_bytes(*rest(key).get(4..)?.first_chunk()?)))
}

/// A retained placement.
pub(crate) fn retained(account: AccountId, expiry: Timestamp, mailbox: MailboxId, uid: Uid) -> Bytes {
    key(account, b'X', &[&time_bytes(expiry), &mailbox.0.to_be_bytes(), &uid.get().to_be_bytes()])
}

/// All retained placements, the first to go first.
pub(crate) fn all_retained(account: AccountId) -> Bytes {
    key(account, b'X', &[])
}

/// Whether a key is one of [`retained`].
pub(crate) fn is_retained(key: &[u8]) -> bool {
    key.get(HEAD - 1) == Some(&b'X')
}

/// Reads expiry, mailbox and UID off a key of [`retained`].
pub(crate) fn retained_of(key: &[u8]) -> Option<(Timestamp, MailboxId, Uid)> {
    let (expiry, rest) = rest(key).split_first_chunk::<8>()?;
    let (mailbox, rest) = rest.split_first_chunk::<4>()?;
    let uid = Uid::new(u32::from_be_bytes(rest.try_into().ok()?))?;
    Some((time_of(*expiry), MailboxId(u32::from_be_bytes(*mailbox)), uid))
}

/// A deleted mailbox.
pub(crate) fn deleted_mailbox(account: AccountId, mailbox: MailboxId) -> Bytes {
    key(account, b'D', &[&mailbox.0.to_be_bytes()])
}

/// All deleted mailboxes.
pub(crate) fn deleted_mailboxes(account: AccountId) -> Bytes {
    key(account, b'D', &[])
}

/// A delivery that was made. A recipient's address has at most 320 bytes (RFC 5321 §4.5.3.1), so the key fits.
pub(crate) fn delivered(account: AccountId, trace: TraceId, recipient: &str) -> Bytes {
    key(account, b'V', &[&trace.0.to_be_bytes(), recipient.as_bytes()])
}

/// All deliveries of one message.
pub(crate) fn deliveries(account: AccountId, trace: TraceId) -> Bytes {
    key(account, b'V', &[&trace.0.to_be_bytes()])
}

/// A mailbox's access control list.
pub(crate) fn acl(account: AccountId, mailbox: MailboxId) -> Bytes {
    key(account, b'G', &[&mailbox.0.to_be_bytes()])
}

/// All access control lists.
pub(crate) fn acls(account: AccountId) -> Bytes {
    key(account, b'G', &[])
}

/// The list of a mailbox's annotations.
pub(crate) fn annotations(account: AccountId, mailbox: MailboxId) -> Bytes {
    key(account, b'N', &[&mailbox.0.to_be_bytes()])
}

/// What is not finished, by the change it stands in.
pub(crate) fn unfinished(account: AccountId, change: u64) -> Bytes {
    key(account, b'I', &[&change.to_be_bytes()])
}

/// All that is not finished.
pub(crate) fn all_unfinished(account: AccountId) -> Bytes {
    key(account, b'I', &[])
}

/// Reads the change off a key of [`unfinished`].
pub(crate) fn unfinished_of(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(rest(key).try_into().ok()?))
}

/// The lists of all mailboxes' annotations.
pub(crate) fn all_annotations(account: AccountId) -> Bytes {
    key(account, b'N', &[])
}

/// An annotation's value. An entry name has at most 255 bytes, so the key fits.
pub(crate) fn annotation(account: AccountId, mailbox: MailboxId, reader: AccountId, name: &EntryName) -> Bytes {
    key(account, b'O', &[&mailbox.0.to_be_bytes(), &reader.0.to_be_bytes(), name.as_str().as_bytes()])
}

// ---- Directory: the system account 0; more kinds in keys/certificates.rs, keys/guard.rs and keys/uses.rs ----------------
//
// | kind | rest of the key | row |
// |---|---|---|
// | `d` | domain | a domain of ours |
// | `n` | domain, 0, local part | an address: an account's, or an alias |
// | `a` | account u32 | an account |
// | `c` | account u32 | its credential |
// | `o` | account u32, domain, 0, local part | an address of the account; no value |
// | `j` | account u32 | a change that is under way and finished after a crash |
// | `g` | grantee u32, owner u32 | a hint: the owner may have given the grantee rights; grantee 0 for anyone; no value |
// | `h` | owner u32, grantee u32 | the same hint from the other side; no value |
// | `e` | account u32 | what is set for the account |
// | `f` | domain | what is set for the domain |
// | `m` | due i64, account u32, password u32, kind u8 | a notice: what somebody is to be told by a letter |
// | `x` | account u32, password u32 | the password was sent in clear; no value |
// | `i` | | the next account id |
// | `l` | | the longest POP3 login delay that is set for anybody, and for how many |
// | `s` | | the secret that makes up SCRAM keys for names that do not exist |

/// The account that holds the directory.
pub(crate) const DIRECTORY: AccountId = AccountId(0);

/// A domain.
pub(crate) fn domain(domain: &str) -> Bytes {
    key(DIRECTORY, b'd', &[domain.as_bytes()])
}

/// All domains.
pub(crate) fn domains() -> Bytes {
    key(DIRECTORY, b'd', &[])
}

/// An address, its local part in canonical form. A local part may grow threefold when it is put into small letters, so
/// the longest one has 192 bytes: the key fits.
pub(crate) fn address(domain: &str, local: &str) -> Bytes {
    key(DIRECTORY, b'n', &[domain.as_bytes(), b"\0", local.as_bytes()])
}

/// All addresses of a domain.
pub(crate) fn addresses(domain: &str) -> Bytes {
    key(DIRECTORY, b'n', &[domain.as_bytes(), b"\0"])
}

/// An account's directory row.
pub(crate) fn account_entry(account: AccountId) -> Bytes {
    key(DIRECTORY, b'a', &[&account.0.to_be_bytes()])
}

/// All accounts' directory rows.
pub(crate) fn account_entries() -> Bytes {
    key(DIRECTORY, b'a', &[])
}

/// Reads the account off a key of [`account_entry`], [`intent`] or [`told_of_both`].
pub(crate) fn account_entry_of(key: &[u8]) -> Option<AccountId> {
    Some(AccountId(u32::from_be_bytes(rest(key).try_into().ok()?)))
}

/// An account's credential.
pub(crate) fn credential(account: AccountId) -> Bytes {
    key(DIRECTORY, b'c', &[&account.0.to_be_bytes()])
}

/// That an address is an account's.
pub(crate) fn owned(account: AccountId, domain: &str, local: &str) -> Bytes {
    key(DIRECTORY, b'o', &[&account.0.to_be_bytes(), domain.as_bytes(), b"\0", local.as_bytes()])
}

/// All addresses of an account.
pub(crate) fn all_owned(account: AccountId) -> Bytes {
    key(DIRECTORY, b'o', &[&account.0.to_be_bytes()])
}

/// Reads domain and local part off a key of [`owned`].
pub(crate) fn owned_of(key: &[u8]) -> Option<(&str, &str)> {
    std::str::from_utf8(rest(key).get(4..)?).ok()?.split_once('\0')
}

/// A change under way.
pub(crate) fn intent(account: AccountId) -> Bytes {
    key(DIRECTORY, b'j', &[&account.0.to_be_bytes()])
}

/// All changes under way.
pub(crate) fn intents() -> Bytes {
    key(DIRECTORY, b'j', &[])
}

/// A hint that somebody gave rights to somebody.
pub(crate) fn grant_hint(grantee: AccountId, owner: AccountId) -> Bytes {
    key(DIRECTORY, b'g', &[&grantee.0.to_be_bytes(), &owner.0.to_be_bytes()])
}

/// All hints for a grantee.
pub(crate) fn grant_hints(grantee: AccountId) -> Bytes {
    key(DIRECTORY, b'g', &[&grantee.0.to_be_bytes()])
}

/// The same hint, by its owner.
pub(crate) fn owner_hint(owner: AccountId, grantee: AccountId) -> Bytes {
    key(DIRECTORY, b'h', &[&owner.0.to_be_bytes(), &grantee.0.to_be_bytes()])
}

/// All hints of an owner.
pub(crate) fn owner_hints(owner: AccountId) -> Bytes {
    key(DIRECTORY, b'h', &[&owner.0.to_be_bytes()])
}

/// Reads the second account off a key of [`grant_hint`] or [`owner_hint`].
pub(crate) fn hint_of(key: &[u8]) -> Option<AccountId> {
    Some(AccountId(u32::from_be_bytes(rest(key).get(4..)?.try_into().ok()?)))
}

/// What is set for an account.
pub(crate) fn account_settings(account: AccountId) -> Bytes {
    key(DIRECTORY, b'e', &[&account.0.to_be_bytes()])
}

/// What is set for a domain.
pub(crate) fn domain_settings(domain: &str) -> Bytes {
    key(DIRECTORY, b'f', &[domain.as_bytes()])
}

/// All that is set for accounts, and for domains.
pub(crate) fn all_settings() -> [Bytes; 2] {
    [b'e', b'f'].map(|kind| key(DIRECTORY, kind, &[]))
}

/// The longest login delay that is set.
pub(crate) fn longest_login_delay() -> Bytes {
    key(DIRECTORY, b'l', &[])
}

/// A notice.
pub(crate) fn notice(id: NoticeId) -> Bytes {
    key(DIRECTORY, b'm', &[&id.bytes()])
}

/// All notices, the first to be due first.
pub(crate) fn notices() -> Bytes {
    key(DIRECTORY, b'm', &[])
}

/// Reads the id off a key of [`notice`].
pub(crate) fn notice_of(key: &[u8]) -> Option<NoticeId> {
    let (due, rest) = rest(key).split_first_chunk::<8>()?;
    let (account, rest) = rest.split_first_chunk::<4>()?;
    let (credential, rest) = rest.split_first_chunk::<4>()?;
    let [kind] = rest.try_into().ok()?;
    let (account, credential) =
        (AccountId(u32::from_be_bytes(*account)), CredentialId(u32::from_be_bytes(*credential)));
    Some(NoticeId { due: time_of(*due), account, credential, kind })
}

/// That a password was sent in clear.
pub(crate) fn exposed(account: AccountId, credential: CredentialId) -> Bytes {
    key(DIRECTORY, b'x', &[&account.0.to_be_bytes(), &credential.0.to_be_bytes()])
}

/// All passwords that were sent in clear.
pub(crate) fn all_exposed() -> Bytes {
    key(DIRECTORY, b'x', &[])
}

/// Reads account and password off a key of [`exposed`].
pub(crate) fn exposed_of(key: &[u8]) -> Option<(AccountId, CredentialId)> {
    let (account, rest) = rest(key).split_first_chunk::<4>()?;
    let credential = CredentialId(u32::from_be_bytes(rest.try_into().ok()?));
    Some((AccountId(u32::from_be_bytes(*account)), credential))
}

/// The next account id.
pub(crate) fn next_account() -> Bytes {
    key(DIRECTORY, b'i', &[])
}

/// The directory's secret.
pub(crate) fn directory_secret() -> Bytes {
    key(DIRECTORY, b's', &[])
}

// Queue and traces, the system account 1: see keys/queue.rs.

// ---- The server itself: the system account 2, laid out like a person's, with annotations and nothing else -------------

/// The account that holds what is said of the server as a whole.
pub(crate) const SERVER: AccountId = AccountId(2);

#[cfg(test)]
#[path = "keys/tests.rs"]
mod tests;
