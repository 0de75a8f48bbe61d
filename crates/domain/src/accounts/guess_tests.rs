//! Guessing, as long days of a simulated clock.

use super::tests::{HERE, Place, place};
use super::*;
use types::{CredentialId, Protocols, ScramHash, Secret};

const DAY: Duration = Duration::from_hours(24);
const HOME: &str = "198.51.100.7";

fn origin(peer: &str) -> Origin<'static> {
    Origin { peer: peer.parse().ok(), ..HERE }
}

async fn sign_in(place: &Place, from: &str, password: &str) -> Result<SignIn, SignInError> {
    let password = Secret::new(password.to_owned());
    place.directory.sign_in("ann", Proof::Password(&password), &origin(from)).await
}

/// The `n`th address of a botnet: each in a network of its own.
fn bot(n: u32) -> String {
    std::net::Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) | (u128::from(n) << 80)).to_string()
}

/// How often somebody with many addresses may really guess at Ann's password in so long, trying all the time.
async fn guesses(place: &Place, bots: u32, time: Duration) -> u32 {
    let (step, mut guessed) = (Duration::from_mins(1), 0);
    for minute in 0..u32::try_from(time.as_secs() / 60).unwrap() {
        for n in 0..3 {
            match sign_in(place, &bot((3 * minute + n) % bots), "guess").await {
                Err(SignInError::Denied) => guessed += 1,
                Err(SignInError::Throttled { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
        place.clock.advance(step);
    }
    guessed
}

fn a_day() -> u32 {
    let per_account = ThrottleOptions::default().per_account;
    per_account.burst + u32::try_from(DAY.as_secs() / per_account.every.as_secs()).unwrap()
}

#[tokio::test]
async fn a_distributed_guesser_has_few_guesses_a_day_and_the_owner_at_home_does_not_notice() {
    let place = place().await;
    sign_in(&place, HOME, "tinte").await.unwrap();
    assert!(place.directory.is_familiar(AccountId(16), HOME.parse().unwrap()).await.unwrap());
    let guessed = guesses(&place, 100_000, DAY).await;
    assert!((a_day() / 2..=a_day()).contains(&guessed), "{guessed} guesses in a day, at most {} may be", a_day());
    for neighbour in [HOME, "198.51.100.200"] {
        sign_in(&place, neighbour, "tinte").await.unwrap();
    }
    // A mistake of his own costs him nothing that others could have used up.
    assert!(matches!(sign_in(&place, HOME, "tinnte").await, Err(SignInError::Denied)));
    sign_in(&place, HOME, "tinte").await.unwrap();
    // The second day has no burst any more.
    let guessed = guesses(&place, 100_000, DAY).await;
    assert!(guessed <= a_day() - ThrottleOptions::default().per_account.burst + 1, "{guessed}");
    assert!(sign_in(&place, HOME, "tinte").await.is_ok());
}

#[tokio::test]
async fn a_new_device_gets_through_a_guesser_with_few_addresses() {
    let place = place().await;
    sign_in(&place, HOME, "tinte").await.unwrap();
    // Once half of what there is for all is gone, they have used up what there is for each of them.
    guesses(&place, 10, Duration::from_hours(1)).await;
    sign_in(&place, "203.0.113.5", "tinte").await.unwrap();
}

#[tokio::test]
async fn an_app_password_gets_through_always() {
    let place = place().await;
    let new = NewAppPassword { name: "phone".into(), scope: Protocols::ALL, expires: None };
    let made = place.directory.app_password_add(&super::tests::address("ann@example.org"), new).await.unwrap();
    guesses(&place, 100_000, Duration::from_hours(2)).await;
    while !matches!(sign_in(&place, &bot(50_000), "guess").await, Err(SignInError::Throttled { .. })) {}
    let strange = "203.0.113.5";
    let refused = sign_in(&place, strange, "tinte").await;
    assert!(matches!(refused, Err(SignInError::Throttled { .. })), "a right password is told no more than a wrong one");
    let signed_in = sign_in(&place, strange, made.password.expose()).await.unwrap();
    assert_ne!(signed_in.credential.id, CredentialId::MAIN);
    // From then on he is known there, with every password.
    sign_in(&place, strange, "tinte").await.unwrap();
    // SCRAM's keys of the main password are not given out, so that its proof fails.
    let keys = place.directory.scram_keys("ann", ScramHash::Sha256, &origin("203.0.114.5")).await.unwrap();
    assert!(
        keys.candidates.iter().all(|candidate| candidate.credential.id != CredentialId::MAIN || !is_known(candidate))
    );
}

/// Whether a candidate is one of those that stand in the directory.
fn is_known(candidate: &types::ScramCandidate) -> bool {
    candidate.credential.version != 0
}

#[tokio::test]
async fn an_account_that_is_guessed_at_is_like_a_name_that_does_not_exist() {
    let place = place().await;
    let try_at = async |name: &str, n: u32| {
        let password = Secret::new("guess".to_owned());
        let tried = place.directory.sign_in(name, Proof::Password(&password), &origin(&bot(n))).await;
        matches!(tried, Err(SignInError::Throttled { .. }))
    };
    for n in 0..200 {
        assert_eq!(try_at("ann", n).await, try_at("nobody", n).await, "{n}");
    }
}

#[tokio::test]
async fn what_is_known_outlives_a_restart_and_goes_with_the_account() {
    let place = place().await;
    sign_in(&place, HOME, "tinte").await.unwrap();
    let place = place.reopened();
    let home = HOME.parse().unwrap();
    assert!(place.directory.is_familiar(AccountId(16), home).await.unwrap());
    place.directory.account_remove(&super::tests::address("ann@example.org")).await.unwrap();
    assert!(!place.directory.is_familiar(AccountId(16), home).await.unwrap());
}
