use super::credential::{Credential, MainHash, PerHash};
use super::rows::IntentRow;
use super::*;
use crate::{MailOptions, keys};
use store_kv::{Engine, Memory};
use types::{Address, MailProtocol, ManualClock, Octets, ScramHash, Secret, Timestamp};

/// A mail program on this machine.
pub(super) const HERE: Origin<'static> =
    Origin { peer: None, protocol: MailProtocol::Imap, program: None, mechanism: "PLAIN", connection: 0 };

pub(super) struct Place {
    pub(super) engine: Arc<Memory>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) mail: Arc<Mail>,
    pub(super) directory: Arc<Directory>,
}

pub(super) fn options() -> PasswordOptions {
    PasswordOptions { default_domain: Some(domain("example.org")), concurrent: 2, ..PasswordOptions::for_tests() }
}

fn open(engine: Arc<Memory>) -> Place {
    let clock = Arc::new(ManualClock::at(Timestamp(1_700_000_000_000)));
    let mail = Mail::new(engine.clone(), clock.clone(), MailOptions::default());
    let directory = Directory::new(engine.clone(), clock.clone(), mail.clone(), options()).unwrap();
    Place { engine, clock, mail, directory }
}

impl Place {
    pub(super) fn reopened(self) -> Self {
        open(self.engine.reopen())
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// The row of somebody's passwords.
    pub(super) async fn row(&self, account: AccountId) -> Option<bytes::Bytes> {
        self.engine.get(&keys::credential(account)).await.unwrap()
    }

    /// All rows of the directory.
    pub(super) async fn all_rows(&self) -> Vec<store_kv::Row> {
        let prefix = store_kv::account_prefix(keys::DIRECTORY);
        self.engine.scan(&store_kv::Scan::prefix(&prefix)).await.unwrap().rows
    }
}

/// What `account_add` makes of the password `tinte`.
async fn credential(directory: &Directory, address: &Address) -> Credential {
    let salts = directory.complete_salts(&PerHash::of(|_| None), address).await.unwrap();
    let (hash, keys) = directory.hasher.make(secret("tinte"), salts.clone()).await.unwrap();
    Credential::new(MainHash::Own(hash), keys, salts)
}

pub(super) fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn domain(text: &str) -> DomainName {
    DomainName::parse(text).unwrap()
}

pub(super) fn secret(text: &str) -> Secret<String> {
    Secret::new(text.into())
}

/// Ann, Bob and Carol in example.org.
pub(super) async fn place() -> Place {
    let place = open(Memory::new());
    let directory = &place.directory;
    directory.domain_add(&domain("example.org")).await.unwrap();
    for name in ["ann", "bob", "carol"] {
        let address = address(&format!("{name}@example.org"));
        directory.account_add(&address, &secret("tinte"), None).await.unwrap();
    }
    place
}

async fn accounts(directory: &Directory, to: &str) -> Vec<u32> {
    match directory.resolve(&address(to)).await.unwrap() {
        Resolution::Local(all) => all.into_iter().map(|recipient| recipient.account.0).collect(),
        Resolution::NoSuchUser => vec![],
        Resolution::NotOurs => vec![u32::MAX],
    }
}

#[tokio::test]
async fn an_address_is_found_in_any_spelling() {
    let place = place().await;
    let directory = &place.directory;
    for to in ["ann@example.org", "ANN@Example.ORG", "ann+shop@example.org", "Ann+a+b@example.org."] {
        assert_eq!(accounts(directory, to).await, [16], "{to}");
    }
    assert_eq!(accounts(directory, "nobody@example.org").await, []);
    assert_eq!(accounts(directory, "+ann@example.org").await, []);
    assert_eq!(accounts(directory, "ann@example.com").await, [u32::MAX]);
    let ours = Resolution::Local(vec![Recipient { account: AccountId(16), address: address("ann+x@example.org") }]);
    assert_eq!(directory.resolve(&address("ann+x@example.org")).await.unwrap(), ours);
    directory.domain_add(&domain("bücher.example")).await.unwrap();
    directory.address_add(&address("ann@example.org"), &address("Käthe@xn--bcher-kva.example")).await.unwrap();
    assert_eq!(accounts(directory, "ka\u{308}the@Bücher.example").await, [16]);
}

#[tokio::test]
async fn aliases_reach_each_account_once_and_end() {
    let place = place().await;
    let directory = &place.directory;
    let add = async |alias: &str, targets: &[&str], replace| {
        let targets: Vec<_> = targets.iter().map(|t| address(t)).collect();
        directory.alias_add(&address(alias), &targets, replace).await
    };
    add("all@example.org", &["ann@example.org", "bob@example.org"], false).await.unwrap();
    add("team@example.org", &["all@example.org", "bob@example.org", "carol@example.org"], false).await.unwrap();
    assert_eq!(accounts(directory, "Team@example.org").await, [16, 17, 18]);
    assert_eq!(accounts(directory, "team+x@example.org").await, [16, 17, 18]);
    let refused = add("all@example.org", &["team@example.org"], true).await;
    assert!(matches!(refused, Err(DirectoryError::AliasLoop)));
    let refused = add("me@example.org", &["me@example.org"], false).await;
    assert!(matches!(refused, Err(DirectoryError::AliasLoop)));
    assert!(matches!(add("x@example.org", &[], false).await, Err(DirectoryError::Targets)));
    assert!(matches!(add("x@example.org", &["no@example.org"], false).await, Err(DirectoryError::NoSuchAddress)));
    assert!(matches!(add("all@example.org", &["ann@example.org"], false).await, Err(DirectoryError::AlreadyExists)));
    assert!(matches!(add("ann@example.org", &["bob@example.org"], true).await, Err(DirectoryError::AlreadyExists)));
    add("all@example.org", &["carol@example.org"], true).await.unwrap();
    assert_eq!(accounts(directory, "all@example.org").await, [18]);
    assert_eq!(directory.alias_list_all().await.unwrap().len(), 2);
    directory.alias_remove(&address("all@example.org")).await.unwrap();
    assert_eq!(accounts(directory, "team@example.org").await, [17, 18]);
}

#[tokio::test]
async fn a_ladder_of_aliases_ends_at_its_depth() {
    let place = place().await;
    let directory = &place.directory;
    let mut below = address("ann@example.org");
    for step in 0..=ALIAS_DEPTH_MAX {
        let alias = address(&format!("step{step}@example.org"));
        directory.alias_add(&alias, &[below], false).await.unwrap();
        below = alias;
    }
    assert_eq!(accounts(directory, &format!("step{}@example.org", ALIAS_DEPTH_MAX - 1)).await, [16]);
    assert_eq!(accounts(directory, &format!("step{ALIAS_DEPTH_MAX}@example.org")).await, []);
}

#[tokio::test]
async fn what_is_for_nobody_goes_to_the_catch_all_and_postmaster_to_the_first_account() {
    let place = place().await;
    let directory = &place.directory;
    assert_eq!(accounts(directory, "Postmaster@example.org").await, [16]);
    let bob = address("bob@example.org");
    directory.catch_all_set(&domain("example.org"), Some(&bob)).await.unwrap();
    assert_eq!(accounts(directory, "whoever@example.org").await, [17]);
    assert_eq!(accounts(directory, "ann@example.org").await, [16]);
    directory.account_remove(&bob).await.unwrap();
    assert_eq!(accounts(directory, "whoever@example.org").await, [], "the catch-all went with its account");
    directory.account_remove(&address("ann@example.org")).await.unwrap();
    assert_eq!(accounts(directory, "postmaster@example.org").await, []);
}

#[tokio::test]
async fn an_account_sends_as_those_whose_mail_it_gets() {
    let place = place().await;
    let directory = &place.directory;
    directory.alias_add(&address("info@example.org"), &[address("bob@example.org")], false).await.unwrap();
    let may = async |account, from: &str| directory.may_send_as(AccountId(account), &address(from)).await.unwrap();
    assert!(
        may(17, "bob@example.org").await && may(17, "bob+x@example.org").await && may(17, "info@example.org").await
    );
    assert!(!may(16, "bob@example.org").await && !may(16, "info@example.org").await && !may(16, "x@example.com").await);
}

#[tokio::test]
async fn a_removed_account_frees_its_address_and_never_its_number() {
    let place = place().await;
    let directory = &place.directory;
    let ann = address("ann@example.org");
    let again = directory.account_add(&ann, &secret("x"), None).await;
    assert!(matches!(again, Err(DirectoryError::AlreadyExists)));
    assert_eq!(directory.account_remove(&ann).await.unwrap(), AccountId(16));
    let denied = directory.sign_in("ann", Proof::Password(&secret("tinte")), &HERE).await;
    assert!(matches!(denied, Err(SignInError::Denied)));
    assert_eq!(directory.account_add(&ann, &secret("feder"), Some(Octets(5))).await.unwrap(), AccountId(19));
    let info = directory.account_show(&ann).await.unwrap();
    assert_eq!((info.addresses, info.usage.quota, info.locked), (vec![ann], Some(Octets(5)), false));
    let states: Vec<_> =
        directory.account_list(None, 10).await.unwrap().iter().map(|a| (a.account.0, a.state)).collect();
    let active = AccountState::Active;
    assert_eq!(states, [(16, AccountState::Removed), (17, active), (18, active), (19, active)]);
    assert_eq!(directory.account_list(Some(AccountId(17)), 1).await.unwrap()[0].account, AccountId(18));
}

/// Rows of an account's own.
async fn rows_of(place: &Place, account: AccountId) -> usize {
    let prefix = store_kv::account_prefix(account);
    place.engine.scan(&store_kv::Scan::prefix(&prefix)).await.unwrap().rows.len()
}

#[tokio::test]
async fn a_removal_is_finished_after_a_crash_at_any_step() {
    for steps in 0..=2 {
        let place = place().await;
        let (ann, account) = (address("ann@example.org"), place.mail.account(AccountId(16)).await.unwrap());
        let inbox = account.mailboxes().await.unwrap().get(&types::MailboxName::inbox()).unwrap().id;
        let mut staging = account.stage(None).await.unwrap();
        staging.write(b"Subject: x\r\n\r\nx\r\n").await.unwrap();
        let staged = staging.finish().await.unwrap();
        let body = staged.body();
        account.append(inbox, vec![crate::NewMessage::new(staged)]).await.unwrap();
        match steps {
            0 => assert_eq!(place.directory.begin_removal(&ann).await.unwrap(), AccountId(16)),
            1 => {
                place.directory.begin_removal(&ann).await.unwrap();
                place.mail.erase_account_mail(AccountId(16)).await.unwrap();
            }
            _ => {
                let view = account.open(inbox).await.unwrap();
                assert_eq!(place.directory.account_remove(&ann).await.unwrap(), AccountId(16));
                assert!(view.is_deleted(), "open sessions see it");
                // A command that was under way.
                account.create(&types::MailboxName::parse("late").unwrap(), None).await.unwrap();
            }
        }
        assert!(!place.directory.is_active(AccountId(16)).await.unwrap());
        let denied = place.directory.sign_in("ann", Proof::Password(&secret("tinte")), &HERE).await;
        assert!(matches!(denied, Err(SignInError::Denied)));
        assert_eq!(accounts(&place.directory, "ann@example.org").await, []);
        assert!(matches!(place.directory.account_remove(&ann).await, Err(DirectoryError::NoSuchAccount)));
        drop(account);
        let place = place.reopened();
        assert_eq!(place.directory.recover().await.unwrap(), 1, "{steps} steps");
        assert_eq!(place.directory.recover().await.unwrap(), 0);
        assert_eq!(rows_of(&place, AccountId(16)).await, 1, "its counters");
        assert!(place.engine.read_body(body, 0..1).await.is_err(), "the body is gone");
        let again = place.directory.account_add(&ann, &secret("feder"), None).await.unwrap();
        assert_eq!(again, AccountId(19));
    }
}

#[tokio::test]
async fn a_fault_does_not_keep_the_mail_of_a_removed_account() {
    let memory = Memory::new();
    let faulty = store_kv::Faulty::new(memory.clone());
    let clock = Arc::new(ManualClock::at(Timestamp(1_700_000_000_000)));
    let mail = Mail::new(faulty.clone(), clock.clone(), MailOptions::default());
    let directory = Directory::new(faulty.clone(), clock, mail, PasswordOptions::for_tests()).unwrap();
    let ann = address("ann@example.org");
    directory.domain_add(&domain("example.org")).await.unwrap();
    directory.account_add(&ann, &secret("tinte"), None).await.unwrap();
    faulty.fail_commit(2, store_kv::CommitFault::PoisonedBefore);
    assert_eq!(directory.account_remove(&ann).await.unwrap(), AccountId(16));
    assert!(directory.recover().await.is_err(), "the engine takes nothing");
    let place = open(memory.reopen());
    assert!(rows_of(&place, AccountId(16)).await > 1);
    assert_eq!(place.directory.recover().await.unwrap(), 1);
    assert_eq!(rows_of(&place, AccountId(16)).await, 1);
}

#[tokio::test]
async fn an_account_that_is_being_made_is_not_removed() {
    let place = place().await;
    let dora = address("dora@example.org");
    let credential = credential(&place.directory, &dora).await;
    place.directory.begin_account(&dora, &credential, IntentRow::Make { quota: None }).await.unwrap();
    assert!(matches!(place.directory.account_remove(&dora).await, Err(DirectoryError::Busy)));
    assert_eq!(place.directory.recover().await.unwrap(), 1);
    place.directory.account_remove(&dora).await.unwrap();
    // Whoever was making it comes late.
    place.directory.open_account(AccountId(19)).await.unwrap();
    assert!(!place.directory.is_active(AccountId(19)).await.unwrap());
    assert_eq!(place.directory.recover().await.unwrap(), 1, "the removal's intent is still there");
}

#[tokio::test]
async fn a_domain_with_addresses_stays() {
    let place = place().await;
    let directory = &place.directory;
    let (ours, other) = (domain("example.org"), domain("example.com"));
    assert!(matches!(directory.domain_remove(&ours).await, Err(DirectoryError::InUse)));
    assert!(matches!(directory.domain_add(&ours).await, Err(DirectoryError::AlreadyExists)));
    assert!(matches!(directory.domain_remove(&other).await, Err(DirectoryError::NoSuchDomain)));
    let nowhere = directory.account_add(&address("x@example.com"), &secret("x"), None).await;
    assert!(matches!(nowhere, Err(DirectoryError::NoSuchDomain)));
    directory.domain_add(&other).await.unwrap();
    directory.address_add(&address("ann@example.org"), &address("ann@example.com")).await.unwrap();
    assert!(matches!(directory.domain_remove(&other).await, Err(DirectoryError::InUse)));
    directory.address_remove(&address("ann@example.com")).await.unwrap();
    assert!(matches!(directory.address_remove(&address("ann@example.org")).await, Err(DirectoryError::InUse)));
    directory.domain_remove(&other).await.unwrap();
    assert!(!directory.is_ours(&other).await.unwrap() && directory.is_ours(&ours).await.unwrap());
}

#[tokio::test]
async fn an_account_is_finished_after_a_crash_at_any_step() {
    for steps in 0..=3 {
        let place = open(Memory::new());
        let ann = address("ann@example.org");
        place.directory.domain_add(&domain("example.org")).await.unwrap();
        let (directory, quota) = (&place.directory, Some(Octets(1000)));
        let credential = credential(directory, &ann).await;
        let mut made = None;
        if steps >= 1 {
            made = Some(directory.begin_account(&ann, &credential, IntentRow::Make { quota }).await.unwrap());
            assert!(matches!(directory.resolve(&ann).await, Err(DirectoryError::Busy)), "not yet, but soon");
            let early = directory.sign_in("ann", Proof::Password(&secret("tinte")), &HERE).await;
            assert!(matches!(early, Err(SignInError::Denied)));
        }
        if let Some(account) = made.filter(|_| steps >= 2) {
            directory.make_mailboxes(account, quota).await.unwrap();
        }
        if let Some(account) = made.filter(|_| steps >= 3) {
            directory.open_account(account).await.unwrap();
        }
        let place = place.reopened();
        assert_eq!(place.directory.recover().await.unwrap(), usize::from(matches!(steps, 1 | 2)), "{steps} steps");
        assert_eq!(place.directory.recover().await.unwrap(), 0);
        if made.is_none() {
            assert_eq!(accounts(&place.directory, "ann@example.org").await, []);
            continue;
        }
        let signed = place.directory.sign_in("ann", Proof::Password(&secret("tinte")), &HERE).await.unwrap();
        assert_eq!((signed.account, signed.address), (AccountId(16), ann));
        let account = place.mail.account(AccountId(16)).await.unwrap();
        assert_eq!(account.mailboxes().await.unwrap().len(), 6);
        assert_eq!(account.usage().await.unwrap().quota, quota);
    }
}

#[tokio::test]
async fn a_password_signs_in_until_it_is_changed_or_locked() {
    let place = place().await;
    let directory = &place.directory;
    let ann = address("ann@example.org");
    let sign_in = async |name: &str, password: &str| {
        directory.sign_in(name, Proof::Password(&secret(password)), &HERE).await.map(|signed| signed.account.0)
    };
    for name in ["ann", "Ann@EXAMPLE.org", "ANN"] {
        assert_eq!(sign_in(name, "tinte").await.unwrap(), 16);
    }
    for (name, password) in [("ann", "Tinte"), ("ann", ""), ("nobody", "tinte"), ("", "tinte"), ("ann@x@y", "tinte")] {
        assert!(matches!(sign_in(name, password).await, Err(SignInError::Denied)), "{name} {password}");
    }
    directory.password_lock(&ann, true).await.unwrap();
    assert!(matches!(sign_in("ann", "tinte").await, Err(SignInError::Locked)), "what was remembered does not count");
    assert!(matches!(sign_in("ann", "wrong").await, Err(SignInError::Denied)));
    directory.password_set(&ann, &secret("feder")).await.unwrap();
    assert_eq!(sign_in("ann", "feder").await.unwrap(), 16);
    assert!(matches!(sign_in("ann", "tinte").await, Err(SignInError::Denied)));
    let place = place.reopened();
    let signed = place.directory.sign_in("ann", Proof::Password(&secret("feder")), &HERE).await.unwrap();
    assert_eq!(signed.account, AccountId(16));
}

#[tokio::test]
async fn scram_keys_are_stable_also_for_nobody() {
    let place = place().await;
    let keys = async |directory: &Directory, name| directory.scram_keys(name, ScramHash::Sha256, &HERE).await.unwrap();
    let (ann, nobody) = (keys(&place.directory, "ann").await, keys(&place.directory, "nobody@example.org").await);
    assert_eq!(ann, keys(&place.directory, "ANN@example.org").await);
    assert_eq!(nobody, keys(&place.directory, "Nobody").await);
    assert_eq!((nobody.salt.len(), nobody.iterations), (ann.salt.len(), ann.iterations));
    let place = place.reopened();
    assert_eq!(nobody, keys(&place.directory, "nobody").await);
    let directory = &place.directory;
    let main = ann.candidates[0].credential;
    assert_eq!(directory.sign_in("ann", Proof::Scram(Some(main)), &HERE).await.unwrap().account, AccountId(16));
    assert!(matches!(directory.sign_in("ann", Proof::Scram(None), &HERE).await, Err(SignInError::Denied)));
    assert!(matches!(directory.sign_in("nobody", Proof::Scram(Some(main)), &HERE).await, Err(SignInError::Denied)));
    directory.password_set(&address("ann@example.org"), &secret("tinte")).await.unwrap();
    let late = directory.sign_in("ann", Proof::Scram(Some(main)), &HERE).await;
    assert!(matches!(late, Err(SignInError::Denied)), "proved with keys that are none any more");
}

#[tokio::test]
async fn a_guesser_waits_and_the_owner_elsewhere_does_not() {
    let place = place().await;
    let directory = &place.directory;
    let [here, there] = ["192.0.2.1", "192.0.2.2"].map(|ip| Origin { peer: ip.parse().ok(), ..HERE });
    let burst = PasswordOptions::default().throttle.per_name.burst;
    for _ in 0..burst {
        let denied = directory.sign_in("ann", Proof::Password(&secret("guess")), &here).await;
        assert!(matches!(denied, Err(SignInError::Denied)));
    }
    let right = secret("tinte");
    let waits = directory.sign_in("ann", Proof::Password(&right), &here).await;
    assert!(matches!(waits, Err(SignInError::Throttled { .. })), "{waits:?}");
    assert!(directory.scram_keys("ann", ScramHash::Sha256, &here).await.is_err());
    assert!(directory.sign_in("ann", Proof::Password(&right), &there).await.is_ok());
    // What is remembered as right tells a guesser nothing either.
    let waits = directory.sign_in("ann", Proof::Password(&right), &here).await;
    assert!(matches!(waits, Err(SignInError::Throttled { .. })));
    place.clock.advance(PasswordOptions::default().throttle.per_name.every);
    assert!(directory.sign_in("ann", Proof::Password(&right), &here).await.is_ok());
    for _ in 0..3 * burst {
        assert!(directory.sign_in("ann", Proof::Password(&right), &there).await.is_ok(), "success costs nothing");
    }
}

#[tokio::test]
async fn a_change_by_another_process_is_seen() {
    let place = place().await;
    let other_mail = Mail::new(place.engine.clone(), place.clock.clone(), MailOptions::default());
    let options = PasswordOptions::for_tests();
    let other = Directory::new(place.engine.clone(), place.clock.clone(), other_mail, options).unwrap();
    assert_eq!(accounts(&place.directory, "new@example.org").await, []);
    other.alias_add(&address("new@example.org"), &[address("bob@example.org")], false).await.unwrap();
    assert_eq!(accounts(&place.directory, "new@example.org").await, [17]);
}

#[tokio::test]
async fn a_device_that_comes_again_costs_no_hash() {
    let place = place().await;
    let directory = &place.directory;
    let password = secret("tinte");
    directory.sign_in("ann", Proof::Password(&password), &HERE).await.unwrap();
    // All turns are taken: whoever needs one waits.
    let _turns = (directory.hasher.turn(None).await.unwrap(), directory.hasher.turn(None).await.unwrap());
    assert!(directory.sign_in("ann", Proof::Password(&password), &HERE).await.is_ok());
    let wait = Duration::from_millis(20);
    let other = directory.sign_in("bob", Proof::Password(&password), &HERE);
    assert!(tokio::time::timeout(wait, other).await.is_err(), "a first sign-in needs a turn");
    let nobody = directory.sign_in("nobody", Proof::Password(&password), &HERE);
    assert!(tokio::time::timeout(wait, nobody).await.is_err(), "so does somebody who does not exist");
    place.clock.advance(PasswordOptions::default().remember);
    let again = directory.sign_in("ann", Proof::Password(&password), &HERE);
    assert!(tokio::time::timeout(wait, again).await.is_err(), "it is not remembered for ever");
}

#[tokio::test]
async fn a_domain_is_not_removed_under_a_new_address() {
    let place = place().await;
    let (directory, other) = (&place.directory, domain("example.com"));
    directory.domain_add(&other).await.unwrap();
    // What a removal that has looked for addresses goes by...
    let before = place.engine.get(&keys::domain("example.com")).await.unwrap();
    directory.alias_add(&address("x@example.com"), &[address("ann@example.org")], false).await.unwrap();
    // ...does not stand any more.
    assert_ne!(place.engine.get(&keys::domain("example.com")).await.unwrap(), before);
    let ann = keys::account_entry(AccountId(16));
    let before = place.engine.get(&ann).await.unwrap();
    directory.address_add(&address("ann@example.org"), &address("ann@example.com")).await.unwrap();
    assert_ne!(place.engine.get(&ann).await.unwrap(), before);
}
