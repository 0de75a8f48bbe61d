//! What is locked, burnt, set anew or over signs nobody in from then on, whatever is going on at the time.

use super::tests::{HERE, Place, address, options, place, secret};
use super::*;
use store_kv::Faulty;
use types::{CredentialRef, MailProtocol, Protocols, Timestamp};

const ANN: AccountId = AccountId(16);
const DAY: Duration = Duration::from_hours(24);
const MOMENT: Duration = Duration::from_millis(1);

async fn sign_in(place: &Place, password: &str) -> Result<CredentialRef, SignInError> {
    let proof = secret(password);
    place.directory.sign_in("ann", Proof::Password(&proof), &HERE).await.map(|signed| signed.credential)
}

async fn exposed(directory: &Arc<Directory>, password: &str) {
    let origin = Origin { mechanism: "LOGIN", ..HERE };
    directory.exposed("ann", &secret(password), &origin).await;
    directory.settled(None).await;
}

async fn set(place: &Place, on_cleartext: &str) {
    let change = SettingChange::parse(&format!("on-cleartext={on_cleartext}")).unwrap();
    place.directory.account_settings_change(&address("ann@example.org"), &[change]).await.unwrap();
}

/// Signs in, and lets something happen while that waits for its turn. The clock of these tests stands still, so nothing
/// but the turn is waited for.
async fn sign_in_while(place: &Place, happens: impl Future<Output = ()>) -> Result<CredentialRef, SignInError> {
    let hasher = &place.directory.hasher;
    let turns = (hasher.turn(None).await.unwrap(), hasher.turn(None).await.unwrap());
    let meanwhile = async {
        happens.await;
        drop(turns);
    };
    let (signed, ()) = tokio::join!(biased; sign_in(place, "tinte"), meanwhile);
    signed
}

#[tokio::test]
async fn what_is_locked_while_a_sign_in_waits_signs_nobody_in() {
    let place = place().await;
    let ann = address("ann@example.org");
    let locked = async { place.directory.password_lock(&ann, true).await.unwrap() };
    assert!(matches!(sign_in_while(&place, locked).await, Err(SignInError::Locked)));
    place.directory.password_lock(&ann, false).await.unwrap();
    assert!(sign_in(&place, "tinte").await.is_ok());
}

#[tokio::test]
async fn what_is_burnt_while_a_sign_in_waits_signs_nobody_in() {
    let place = place().await;
    set(&place, "burn").await;
    let main = place.directory.credential(ANN).await.unwrap().unwrap().current(types::CredentialId::MAIN).unwrap();
    let how = Exposed {
        at: place.now(),
        peer: None,
        protocol: MailProtocol::Imap,
        program: None,
        mechanism: "LOGIN".into(),
        lock_at: None,
    };
    let burnt = async { assert!(place.directory.burn(ANN, main, how).await.unwrap().is_some()) };
    assert!(matches!(sign_in_while(&place, burnt).await, Err(SignInError::Expired)));
}

#[tokio::test]
async fn a_nearly_full_disk_lets_passwords_be_burnt_locked_and_changed() {
    let place = place().await;
    set(&place, "burn").await;
    let engine = Faulty::new(Arc::clone(&place.engine));
    let directory = Directory::new(engine.clone(), place.clock.clone(), place.mail.clone(), options()).unwrap();
    let (ann, proof) = (address("ann@example.org"), secret("tinte"));
    assert!(directory.sign_in("ann", Proof::Password(&proof), &HERE).await.is_ok());
    engine.set_full(true);
    exposed(&directory, "tinte").await;
    let burnt = directory.sign_in("ann", Proof::Password(&proof), &HERE).await;
    assert!(matches!(burnt, Err(SignInError::Expired)));
    directory.password_lock(&ann, true).await.unwrap();
    directory.password_set(&ann, &secret("feder")).await.unwrap();
    assert!(directory.sign_in("ann", Proof::Password(&secret("feder")), &HERE).await.is_ok());
    let domain = directory.domain_add(&DomainName::parse("example.net").unwrap()).await;
    assert!(matches!(domain, Err(DirectoryError::Mail(MailError::StoreFull))), "other things wait");
}

#[tokio::test]
async fn an_earlier_lock_is_news_and_ends_the_reminder_of_the_later_one() {
    let place = place().await;
    exposed(&place.directory, "tinte").await;
    place.advance(DAY);
    set(&place, "burn").await;
    assert!(sign_in(&place, "tinte").await.is_ok(), "nothing came in clear since");
    exposed(&place.directory, "tinte").await;
    assert!(matches!(sign_in(&place, "tinte").await, Err(SignInError::Expired)));
    let list = place.directory.exposed_list(9).await.unwrap();
    assert_eq!((list.len(), list[0].exposed.lock_at), (1, Some(place.now())));
    set(&place, "grace").await;
    exposed(&place.directory, "tinte").await;
    assert_eq!(place.directory.exposed_list(9).await.unwrap(), list, "a later lock is none");
    place.advance(3 * DAY);
    let told = place.directory.notices_due(place.now(), 9).await.unwrap();
    assert!(matches!(&told[..], [(_, _, Notice::Exposed { .. }), (_, _, Notice::Exposed { .. })]), "{told:?}");
    place.directory.password_set(&address("ann@example.org"), &secret("feder")).await.unwrap();
    assert!(place.directory.exposed_list(9).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_burn_that_comes_late_is_no_news() {
    let place = place().await;
    let main = place.directory.credential(ANN).await.unwrap().unwrap().current(types::CredentialId::MAIN).unwrap();
    let how = |at: Timestamp| Exposed {
        at,
        peer: None,
        protocol: MailProtocol::Imap,
        program: None,
        mechanism: "LOGIN".into(),
        lock_at: None,
    };
    assert!(place.directory.burn(ANN, main, how(place.now())).await.unwrap().is_some());
    let before = how(place.now().before(MOMENT));
    assert_eq!(place.directory.burn(ANN, main, before).await.unwrap(), None);
}

#[tokio::test]
async fn a_session_ends_with_the_time_of_its_app_password() {
    let place = place().await;
    let new = NewAppPassword { name: "phone".into(), scope: Protocols::ALL, expires: Some(place.now().after(DAY)) };
    let made = place.directory.app_password_add(&address("ann@example.org"), new).await.unwrap();
    let signed = sign_in(&place, made.password.expose()).await.unwrap();
    place.advance(DAY.saturating_sub(MOMENT));
    assert_eq!(place.directory.standing(ANN, signed).await.unwrap(), Standing::Good);
    place.advance(MOMENT);
    assert_eq!(place.directory.standing(ANN, signed).await.unwrap(), Standing::PasswordReplaced);
}
