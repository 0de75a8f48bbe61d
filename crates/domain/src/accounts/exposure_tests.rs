//! App passwords, burnt passwords and their notices, on a clock that is told what time it is.

use super::credential::MainHash;
use super::tests::{HERE, Place, address, place, secret};
use super::*;
use crate::accounts::credential::Credential;
use crate::keys;
use store_kv::Batch;
use types::{CredentialId, CredentialRef, MailProtocol, Protocols, ScramHash, Timestamp};

const ANN: AccountId = AccountId(16);
const ALMOST_A_DAY: Duration = Duration::from_millis(24 * 60 * 60 * 1000 - 1);
const MOMENT: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_hours(24);

async fn sign_in(place: &Place, password: &str) -> Result<CredentialRef, SignInError> {
    let proof = secret(password);
    place.directory.sign_in("ann", Proof::Password(&proof), &HERE).await.map(|signed| signed.credential)
}

/// A password in clear, and all that comes of it.
async fn exposed(place: &Place, name: &str, password: &str) {
    let origin = Origin { peer: "192.0.2.7".parse().ok(), program: Some("Old Phone"), mechanism: "LOGIN", ..HERE };
    place.directory.exposed(name, &secret(password), &origin).await;
    place.directory.settled(None).await;
}

async fn new_app(place: &Place, name: &str, scope: Protocols) -> MadeAppPassword {
    let new = NewAppPassword { name: name.into(), scope, expires: None };
    place.directory.app_password_add(&address("ann@example.org"), new).await.unwrap()
}

async fn set(place: &Place, on_cleartext: &str) {
    let change = SettingChange::parse(&format!("on-cleartext={on_cleartext}")).unwrap();
    place.directory.account_settings_change(&address("ann@example.org"), &[change]).await.unwrap();
}

async fn notices(place: &Place) -> Vec<(NoticeId, AccountId, Notice)> {
    place.directory.notices_due(place.now(), 10).await.unwrap()
}

#[tokio::test]
async fn a_main_password_that_came_in_clear_is_good_for_its_grace_and_locked_then() {
    let place = place().await;
    let before = sign_in(&place, "tinte").await.unwrap();
    exposed(&place, "ann", "tinte").await;
    assert_eq!(sign_in(&place, "tinte").await.unwrap(), before);
    let told = notices(&place).await;
    let [(first, ANN, Notice::Exposed { name: None, exposed: how })] = &told[..] else { panic!("{told:?}") };
    assert_eq!((how.program.as_deref(), how.lock_at), (Some("Old Phone"), Some(place.now().after(3 * DAY))));
    place.directory.notice_done(*first).await.unwrap();
    place.advance(DAY + ALMOST_A_DAY);
    assert!(notices(&place).await.is_empty(), "the reminder comes a day before");
    place.advance(MOMENT);
    assert!(matches!(&notices(&place).await[..], [(_, ANN, Notice::ExposedReminder { .. })]));
    place.advance(ALMOST_A_DAY);
    assert!(sign_in(&place, "tinte").await.is_ok());
    place.advance(MOMENT);
    assert!(matches!(sign_in(&place, "tinte").await, Err(SignInError::Expired)));
    assert!(matches!(sign_in(&place, "wrong").await, Err(SignInError::Denied)));
    let proved = place.directory.sign_in("ann", Proof::Scram(Some(before)), &HERE).await;
    assert!(matches!(proved, Err(SignInError::Expired)), "every mechanism");
    assert_eq!(place.directory.standing(ANN, before).await.unwrap(), Standing::Good, "its sessions stay");
    let again = place.directory.password_set(&address("ann@example.org"), &secret("tinte")).await;
    assert!(matches!(again, Err(DirectoryError::SamePassword)));
    place.directory.password_set(&address("ann@example.org"), &secret("feder")).await.unwrap();
    assert!(sign_in(&place, "feder").await.is_ok());
    assert_eq!(place.directory.standing(ANN, before).await.unwrap(), Standing::PasswordReplaced);
    assert!(place.directory.exposed_list(9).await.unwrap().is_empty());
    let again = place.directory.password_set(&address("ann@example.org"), &secret("tinte")).await;
    assert!(matches!(again, Err(DirectoryError::SamePassword)), "nor later");
}

#[tokio::test]
async fn who_sets_a_new_password_is_not_reminded() {
    let place = place().await;
    exposed(&place, "ann", "tinte").await;
    place.directory.password_set(&address("ann@example.org"), &secret("feder")).await.unwrap();
    place.advance(3 * DAY);
    assert!(matches!(&notices(&place).await[..], [(_, _, Notice::Exposed { .. })]));
}

#[tokio::test]
async fn burn_locks_at_once_and_warn_never() {
    let place = place().await;
    set(&place, "warn").await;
    exposed(&place, "ann", "tinte").await;
    place.advance(30 * DAY);
    assert!(sign_in(&place, "tinte").await.is_ok());
    assert_eq!((notices(&place).await.len(), place.directory.exposed_count()), (1, 1));
    exposed(&place, "ann", "tinte").await;
    assert_eq!((notices(&place).await.len(), place.directory.exposed_count()), (1, 1), "it is known");
    set(&place, "burn").await;
    exposed(&place, "ann", "tinte").await;
    assert!(matches!(sign_in(&place, "tinte").await, Err(SignInError::Expired)));
    assert_eq!(notices(&place).await.len(), 2, "a lock is news");
}

#[tokio::test]
async fn a_second_time_neither_prolongs_nor_writes() {
    let place = place().await;
    exposed(&place, "ann", "tinte").await;
    place.advance(DAY);
    let row = place.row(ANN).await;
    exposed(&place, "ann", "tinte").await;
    assert_eq!(place.row(ANN).await, row);
    place.advance(2 * DAY);
    assert!(matches!(sign_in(&place, "tinte").await, Err(SignInError::Expired)));
}

#[tokio::test]
async fn what_is_wrong_in_clear_burns_nothing_and_guesses_end() {
    let place = place().await;
    let rows = place.all_rows().await;
    for name in ["ann", "nobody", "ann@x@y", "bob"] {
        for password in ["wrong", "", "abcd-abcd-abcd-abcd-abcd"] {
            exposed(&place, name, password).await;
        }
    }
    assert_eq!(place.all_rows().await, rows, "nothing but the secret is written");
    for _ in 0..20 {
        exposed(&place, "ann", "guess").await;
    }
    exposed(&place, "ann", "tinte").await;
    assert_eq!(place.directory.exposed_count(), 0, "a guesser is not heard any more");
    let here = Origin { peer: "192.0.2.7".parse().ok(), ..HERE };
    let owner = place.directory.sign_in("ann", Proof::Password(&secret("tinte")), &here).await;
    assert!(owner.is_ok(), "what came in clear slows down nobody inside TLS");
}

#[tokio::test]
async fn an_app_password_signs_in_where_it_may_and_costs_no_turn() {
    let place = place().await;
    let made = new_app(&place, "phone", Protocols::NONE.with(MailProtocol::Imap)).await;
    let turns = (place.directory.hasher.turn(None).await.unwrap(), place.directory.hasher.turn(None).await.unwrap());
    let signed = sign_in(&place, made.password.expose()).await.unwrap();
    assert_eq!((signed.id, made.credential), (CredentialId(1), CredentialId(1)));
    let pop3 = Origin { protocol: MailProtocol::Pop3, ..HERE };
    let refused = place.directory.sign_in("ann", Proof::Password(&made.password), &pop3).await;
    assert!(matches!(refused, Err(SignInError::NotPermitted)));
    drop(turns);
    let other = place.directory.sign_in("bob", Proof::Password(&made.password), &HERE).await;
    assert!(matches!(other, Err(SignInError::Denied)));
    let change = SettingChange::parse("main-password=not-for-mail").unwrap();
    place.directory.account_settings_change(&address("ann@example.org"), &[change]).await.unwrap();
    assert!(matches!(sign_in(&place, "tinte").await, Err(SignInError::NotPermitted)));
    let keys = place.directory.scram_keys("ann", ScramHash::Sha512, &HERE).await.unwrap();
    assert_eq!(keys.candidates.iter().map(|c| c.credential.id.0).collect::<Vec<_>>(), [0, 1]);
    let mut revocations = place.directory.revocations(ANN);
    place.directory.app_password_remove(&address("ann@example.org"), made.credential).await.unwrap();
    assert!(revocations.has_changed().unwrap());
    revocations.mark_unchanged();
    assert_eq!(place.directory.standing(ANN, signed).await.unwrap(), Standing::PasswordReplaced);
    assert!(matches!(sign_in(&place, made.password.expose()).await, Err(SignInError::Denied)));
    assert_eq!(new_app(&place, "phone", Protocols::ALL).await.credential, CredentialId(2), "no number twice");
}

#[tokio::test]
async fn an_app_password_that_came_in_clear_is_locked_at_once_and_the_others_are_not() {
    let place = place().await;
    set(&place, "warn").await;
    let (phone, desk) = (new_app(&place, "phone", Protocols::ALL).await, new_app(&place, "desk", Protocols::ALL).await);
    exposed(&place, "ann", phone.password.expose()).await;
    assert!(matches!(sign_in(&place, phone.password.expose()).await, Err(SignInError::Expired)));
    assert!(sign_in(&place, desk.password.expose()).await.is_ok() && sign_in(&place, "tinte").await.is_ok());
    let list = place.directory.exposed_list(9).await.unwrap();
    assert_eq!((list.len(), list[0].name.as_deref()), (1, Some("phone")));
    assert!(
        matches!(&notices(&place).await[..], [(_, _, Notice::Exposed { name: Some(name), .. })] if &**name == "phone")
    );
    place.directory.password_set(&address("ann@example.org"), &secret("feder")).await.unwrap();
    assert!(matches!(sign_in(&place, phone.password.expose()).await, Err(SignInError::Expired)), "it is removed only");
    place.directory.account_remove(&address("ann@example.org")).await.unwrap();
    assert!(place.directory.exposed_list(9).await.unwrap().is_empty());
}

#[tokio::test]
async fn app_passwords_end_have_names_and_are_so_many() {
    let place = place().await;
    let ann = address("ann@example.org");
    let new = |name: &str| NewAppPassword { name: name.into(), scope: Protocols::ALL, expires: None };
    let until = place.now().after(DAY);
    let made =
        place.directory.app_password_add(&ann, NewAppPassword { expires: Some(until), ..new("n0") }).await.unwrap();
    assert!(sign_in(&place, made.password.expose()).await.is_ok());
    place.advance(DAY);
    assert!(matches!(sign_in(&place, made.password.expose()).await, Err(SignInError::Expired)));
    for bad in ["", " ", "a\nb", &"x".repeat(APP_PASSWORD_NAME_MAX + 1)] {
        assert!(matches!(place.directory.app_password_add(&ann, new(bad)).await, Err(DirectoryError::PasswordName)));
    }
    assert!(matches!(place.directory.app_password_add(&ann, new("n0")).await, Err(DirectoryError::AlreadyExists)));
    for n in 1..APP_PASSWORDS_MAX {
        let longest = format!("{n:0>APP_PASSWORD_NAME_MAX$}");
        place.directory.app_password_add(&ann, new(&longest)).await.unwrap();
    }
    let over = place.directory.app_password_add(&ann, new("over")).await;
    assert!(matches!(over, Err(DirectoryError::TooManyPasswords)));
    assert_eq!(place.directory.password_list(&ann).await.unwrap().len(), 1 + APP_PASSWORDS_MAX);
    let keys = place.directory.scram_keys("ann", ScramHash::Sha1, &HERE).await.unwrap();
    assert_eq!(keys.candidates.len(), types::SCRAM_CANDIDATES_MAX);
}

#[tokio::test]
async fn a_row_of_the_first_format_keeps_its_salt_and_gets_its_keys_at_the_next_sign_in() {
    let place = place().await;
    let now = Credential::decode(&place.row(ANN).await.unwrap()).unwrap();
    let before = place.directory.scram_keys("ann", ScramHash::Sha1, &HERE).await.unwrap();
    let (salt, pair) = (now.salts.get(ScramHash::Sha256).unwrap(), now.main.keys.get(ScramHash::Sha256).unwrap());
    let mut batch = Batch::new(keys::DIRECTORY);
    let MainHash::Own(hash) = &now.main.hash else { panic!("it was made here") };
    batch.put(keys::credential(ANN), credential::row_of_format_one(7, hash, salt, pair));
    assert!(place.directory.commit(batch).await.unwrap());
    let old = place.directory.scram_keys("ann", ScramHash::Sha1, &HERE).await.unwrap();
    assert_eq!(old.salt, before.salt, "nobody sees that there are no keys yet");
    assert_ne!(old.candidates, before.candidates);
    let signed = sign_in(&place, "tinte").await.unwrap();
    assert_eq!(signed.version, 7);
    for hash in ScramHash::ALL {
        let keys = place.directory.scram_keys("ann", hash, &HERE).await.unwrap();
        assert_eq!(keys.candidates[0].credential, signed);
        assert_eq!(Some(&keys.candidates[0].stored_key), now.main.keys.get(hash).map(|pair| &pair.stored_key));
    }
    assert_eq!(
        place.directory.standing(ANN, signed).await.unwrap(),
        Standing::Good,
        "that was no change of the password"
    );
}

#[tokio::test]
async fn two_burns_are_one_and_a_new_password_is_not_burnt_for_the_old_one() {
    let place = place().await;
    let origin = Origin { mechanism: "LOGIN", ..HERE };
    let password = secret("tinte");
    let expose = || place.directory.exposed("ann", &password, &origin);
    tokio::join!(expose(), expose(), expose());
    place.directory.settled(None).await;
    assert_eq!((place.directory.exposed_count(), notices(&place).await.len()), (1, 1));
    let old = place.directory.credential(ANN).await.unwrap().unwrap().current(CredentialId::MAIN).unwrap();
    place.directory.password_set(&address("ann@example.org"), &secret("feder")).await.unwrap();
    let how = place.directory.exposed_list(1).await.unwrap();
    assert!(how.is_empty());
    let late = Exposed {
        at: Timestamp(0),
        peer: None,
        protocol: MailProtocol::Imap,
        program: None,
        mechanism: "LOGIN".into(),
        lock_at: None,
    };
    assert_eq!(place.directory.burn(ANN, old, late).await.unwrap(), None, "it was about the old one");
    assert!(sign_in(&place, "feder").await.is_ok());
    // At the same time: whichever is first, the password that stands was never sent in clear, or is known to have been.
    let (ann, feder, kreide) = (address("ann@example.org"), secret("feder"), secret("kreide"));
    let (set, ()) =
        tokio::join!(place.directory.password_set(&ann, &kreide), place.directory.exposed("ann", &feder, &origin));
    set.unwrap();
    place.directory.settled(None).await;
    assert!(sign_in(&place, "kreide").await.is_ok());
    assert!(place.directory.exposed_list(9).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_burnt_password_is_burnt_after_a_restart() {
    let place = place().await;
    set(&place, "burn").await;
    exposed(&place, "ann", "tinte").await;
    let place = place.reopened();
    assert!(matches!(sign_in(&place, "tinte").await, Err(SignInError::Expired)));
    assert_eq!((notices(&place).await.len(), place.directory.exposed_list(9).await.unwrap().len()), (1, 1));
}
