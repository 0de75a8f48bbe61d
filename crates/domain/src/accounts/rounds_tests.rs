//! The rounds of SCRAM keys, when the server's are others than they were.

use super::credential::Credential;
use super::tests::{HERE, Place, address, options, place, secret};
use super::*;
use std::num::NonZeroU32;
use types::{Protocols, ScramHash};

const ANN: AccountId = AccountId(16);
const MORE: NonZeroU32 = NonZeroU32::new(3).unwrap();

/// The same directory with other rounds.
fn with_rounds(place: &Place, scram_iterations: NonZeroU32) -> Arc<Directory> {
    let options = PasswordOptions { scram_iterations, ..options() };
    Directory::new(place.engine.clone(), place.clock.clone(), place.mail.clone(), options).unwrap()
}

async fn keys(directory: &Directory, name: &str) -> types::ScramKeys {
    directory.scram_keys(name, ScramHash::Sha512, &HERE).await.unwrap()
}

/// What the keys of a password are with the salt that a client is told.
async fn made(directory: &Directory, password: &str) -> Credential {
    let stored = directory.credential(ANN).await.unwrap().unwrap();
    let made = directory.hasher.make_keys(secret(password), stored.salts.clone()).await.unwrap();
    Credential { main: credential::Main { keys: made, ..stored.main.clone() }, ..stored }
}

#[tokio::test]
async fn a_new_password_takes_the_rounds_of_today_and_keeps_its_salt() {
    let place = place().await;
    let (directory, ann) = (with_rounds(&place, MORE), address("ann@example.org"));
    let before = keys(&directory, "ann").await;
    assert_eq!(before.iterations, NonZeroU32::MIN, "those that its keys were made with");
    directory.password_set(&ann, &secret("feder")).await.unwrap();
    let after = keys(&directory, "ann").await;
    assert_eq!((&after.salt, after.iterations), (&before.salt, MORE));
    assert_eq!(after.iterations, keys(&directory, "nobody").await.iterations, "as of a name that does not exist");
    assert_eq!(after.candidates, made(&directory, "feder").await.candidates(ScramHash::Sha512));
}

#[tokio::test]
async fn rounds_stay_where_an_app_password_depends_on_them() {
    let place = place().await;
    let (directory, ann) = (with_rounds(&place, MORE), address("ann@example.org"));
    let new = NewAppPassword { name: "phone".into(), scope: Protocols::ALL, expires: None };
    let phone = directory.app_password_add(&ann, new).await.unwrap();
    let app = keys(&directory, "ann").await.candidates[1].clone();
    directory.password_set(&ann, &secret("feder")).await.unwrap();
    let after = keys(&directory, "ann").await;
    assert_eq!((after.iterations, &after.candidates[1]), (NonZeroU32::MIN, &app));
    assert_eq!(after.candidates, made(&directory, "feder").await.candidates(ScramHash::Sha512));
    directory.app_password_remove(&ann, phone.credential).await.unwrap();
    directory.password_set(&ann, &secret("kreide")).await.unwrap();
    assert_eq!(keys(&directory, "ann").await.iterations, MORE);
}

#[tokio::test]
async fn an_app_password_that_is_made_while_the_main_one_is_set_has_keys_for_the_salts_that_stand() {
    let place = place().await;
    let (directory, ann) = (with_rounds(&place, MORE), address("ann@example.org"));
    let new = NewAppPassword { name: "phone".into(), scope: Protocols::ALL, expires: None };
    let (feder, phone) = (secret("feder"), directory.app_password_add(&ann, new));
    let (set, phone) = tokio::join!(directory.password_set(&ann, &feder), phone);
    set.unwrap();
    let stands = keys(&directory, "ann").await;
    let of = async |password: &str| made(&directory, password).await.candidates(ScramHash::Sha512)[0].clone();
    let (main, app) = (of("feder").await, of(phone.unwrap().password.expose()).await);
    assert_eq!(
        (&stands.candidates[0].stored_key, &stands.candidates[1].stored_key),
        (&main.stored_key, &app.stored_key)
    );
}

#[tokio::test]
async fn the_list_says_what_scram_has_keys_for() {
    let place = place().await;
    let (directory, ann) = (&place.directory, address("ann@example.org"));
    assert_eq!(directory.password_list(&ann).await.unwrap()[0].scram, ScramHash::ALL);
    let imported = Imported::parse("{SSHA}w6qRDiSrqrQTcjCCwNaj6ZyiDpFJxQ+t");
    let Ok(Imported::Hash(hash)) = imported else { panic!("{imported:?}") };
    directory.password_set_hash(&ann, &hash).await.unwrap();
    assert_eq!(directory.password_list(&ann).await.unwrap()[0].scram, []);
}
