//! Accounts whose password hash another server made.

use super::credential::MainHash;
use super::tests::{HERE, Place, address, place};
use super::*;
use std::fmt::Write as _;
use types::{CredentialId, ScramHash, Secret};

/// Of `Tinte und Feder 7`.
const HASH: &str = "{SSHA}w6qRDiSrqrQTcjCCwNaj6ZyiDpFJxQ+t";

fn imported(text: &str) -> ImportedHash {
    match Imported::parse(text) {
        Ok(Imported::Hash(hash)) => hash,
        other => panic!("{other:?}"),
    }
}

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.into())
}

async fn enters(place: &Place, name: &str, password: &str) -> bool {
    match place.directory.sign_in(name, Proof::Password(&secret(password)), &HERE).await {
        Ok(_) => true,
        Err(SignInError::Denied) => false,
        Err(other) => panic!("{other}"),
    }
}

async fn is_imported(place: &Place, account: AccountId) -> bool {
    let credential = place.directory.credential(account).await.unwrap().unwrap();
    matches!(credential.main.hash, MainHash::Imported(_))
}

#[tokio::test]
async fn the_first_right_password_makes_our_hash_and_keys() {
    let place = place().await;
    let dora = address("dora@example.org");
    let account = place.directory.account_add_hashed(&dora, imported(HASH), None).await.unwrap();
    let unknown = place.directory.scram_keys("dora@example.org", ScramHash::Sha256, &HERE).await.unwrap();
    assert!(!enters(&place, "dora", "Tinte und Feder 8").await);
    assert!(is_imported(&place, account).await);
    let sign_in = place.directory.sign_in("dora", Proof::Password(&secret("Tinte und Feder 7")), &HERE).await.unwrap();
    assert!(!is_imported(&place, account).await);
    let standing = place.directory.standing(account, sign_in.credential).await.unwrap();
    assert_eq!(standing, Standing::Good, "it is no change of the password");
    // The keys are real now, with the salt that strangers were told before.
    let keys = place.directory.scram_keys("dora@example.org", ScramHash::Sha256, &HERE).await.unwrap();
    assert_eq!((&keys.salt, keys.iterations), (&unknown.salt, unknown.iterations));
    assert_ne!(keys.candidates.first(), unknown.candidates.first());
    let place = place.reopened();
    assert!(enters(&place, "dora", "Tinte und Feder 7").await && !enters(&place, "dora", "Tinte und Feder 8").await);
}

#[tokio::test]
async fn until_then_scram_fails_like_a_wrong_password() {
    let place = place().await;
    place.directory.account_add_hashed(&address("dora@example.org"), imported(HASH), None).await.unwrap();
    let proved = place.directory.scram_keys("dora", ScramHash::Sha256, &HERE).await.unwrap();
    let unknown = place.directory.scram_keys("nobody", ScramHash::Sha256, &HERE).await.unwrap();
    let form = |keys: &types::ScramKeys| (keys.salt.len(), keys.iterations, keys.candidates.len());
    assert_eq!(form(&proved), form(&unknown));
    let denied = place.directory.sign_in("dora", Proof::Scram(None), &HERE).await;
    assert!(matches!(denied, Err(SignInError::Denied)));
}

#[tokio::test]
async fn a_password_is_checked_as_it_was_sent_and_kept_as_it_is_prepared() {
    let place = place().await;
    // Of `cafe` with a combining accent: the other server did not compose it.
    let mut hash = String::from("{SHA.hex}");
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, "cafe\u{301}".as_bytes());
    digest.as_ref().iter().for_each(|octet| write!(hash, "{octet:02x}").unwrap());
    place.directory.account_add_hashed(&address("dora@example.org"), imported(&hash), None).await.unwrap();
    assert!(!enters(&place, "dora", "caf\u{e9}").await);
    assert!(enters(&place, "dora", "cafe\u{301}").await);
    assert!(enters(&place, "dora", "caf\u{e9}").await, "one password now, however it is spelt");
}

#[tokio::test]
async fn a_hash_that_is_set_replaces_the_password_and_ends_its_sessions() {
    let place = place().await;
    let ann = address("ann@example.org");
    let before = place.directory.sign_in("ann", Proof::Password(&secret("tinte")), &HERE).await.unwrap();
    place.directory.password_set_hash(&ann, &imported(HASH)).await.unwrap();
    let standing = place.directory.standing(before.account, before.credential).await.unwrap();
    assert_eq!(standing, Standing::PasswordReplaced);
    assert!(!enters(&place, "ann", "tinte").await);
    assert!(enters(&place, "ann", "Tinte und Feder 7").await);
}

#[tokio::test]
async fn no_hash_is_set_where_the_password_was_sent_in_clear() {
    let place = place().await;
    let bob = address("bob@example.org");
    place.directory.exposed("bob", &secret("tinte"), &HERE).await;
    place.directory.settled(None).await;
    let refused = place.directory.password_set_hash(&bob, &imported(HASH)).await;
    assert!(matches!(refused, Err(DirectoryError::HashOfBurnt)));
    place.directory.password_set(&bob, &secret("feder")).await.unwrap();
    let refused = place.directory.password_set_hash(&bob, &imported(HASH)).await;
    assert!(matches!(refused, Err(DirectoryError::HashOfBurnt)), "the burnt one could come back");
}

#[tokio::test]
async fn an_imported_password_that_comes_in_clear_is_burnt_like_any_other() {
    let place = place().await;
    place.directory.account_add_hashed(&address("dora@example.org"), imported(HASH), None).await.unwrap();
    place.directory.exposed("dora", &secret("Tinte und Feder 7"), &HERE).await;
    place.directory.settled(None).await;
    let all = place.directory.exposed_list(10).await.unwrap();
    assert_eq!(all.iter().map(|info| info.credential).collect::<Vec<_>>(), [CredentialId::MAIN]);
    let same = place.directory.password_set(&address("dora@example.org"), &secret("Tinte und Feder 7")).await;
    assert!(matches!(same, Err(DirectoryError::SamePassword)));
}

#[tokio::test]
async fn a_hash_that_needs_more_memory_than_all_turns_is_checked_alone() {
    let place = place().await;
    let argon = "$argon2i$v=19$m=32768,t=4,p=1$hqlmI1UkGh6WVwFEAEMGJw$5Brsw/WAAffIdEDsoIpT9maGIvPTVqKLKEmL37OPheQ";
    place.directory.account_add_hashed(&address("dora@example.org"), imported(argon), None).await.unwrap();
    let held = place.directory.hasher.turn(None).await.unwrap();
    let directory = Arc::clone(&place.directory);
    let signing_in = tokio::spawn(async move {
        let password = secret("Tinte und Feder 7");
        directory.sign_in("dora", Proof::Password(&password), &HERE).await.is_ok()
    });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!signing_in.is_finished());
    drop(held);
    assert!(signing_in.await.unwrap());
}
