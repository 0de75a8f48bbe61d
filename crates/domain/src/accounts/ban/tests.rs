//! Bans as the operator and as guessers meet them.

use super::super::tests::{HERE, Place, address, place};
use super::*;
use crate::accounts::{AccountMark, Origin, Proof, SignInError};
use types::Secret;

const GUESSER: &str = "203.0.113.9";

fn range(text: &str) -> AddressRange {
    text.parse().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

async fn sign_in(place: &Place, from: &str, password: &str) -> Result<(), SignInError> {
    let origin = Origin { peer: from.parse().ok(), ..HERE };
    let password = Secret::new(password.to_owned());
    place.directory.sign_in("ann", Proof::Password(&password), &origin).await.map(|_| ())
}

async fn fail(place: &Place, from: &str, times: u32) {
    for _ in 0..times {
        assert!(sign_in(place, from, "guess").await.is_err());
    }
}

fn burst() -> u32 {
    BanOptions::default().after.unwrap().burst
}

#[tokio::test]
async fn a_ban_holds_for_its_time_and_over_a_restart() {
    let place = place().await;
    let hour = Duration::from_hours(1);
    place.directory.ban_add(range("203.0.113.0/24"), Some(hour), "scans", false).await.unwrap();
    place.directory.ban_add(range("2001:db8::/32"), None, "", false).await.unwrap();
    let place = place.reopened();
    assert!(!place.directory.is_banned(ip(GUESSER)), "not read yet");
    place.directory.bans_load().await.unwrap();
    assert!(place.directory.is_banned(ip(GUESSER)) && place.directory.is_banned(ip("::ffff:203.0.113.1")));
    assert!(!place.directory.is_banned(ip("203.0.114.1")) && place.directory.is_banned(ip("2001:db8:9::1")));
    assert_eq!(place.directory.ban_list().len(), 2);
    place.clock.advance(hour);
    // A reopened place has its own clock, at the same time as the first one's start.
    assert!(!place.directory.is_banned(ip(GUESSER)));
    assert_eq!((place.directory.ban_list().len(), place.directory.bans_count()), (1, 1));
    assert_eq!(place.directory.ban_why(ip(GUESSER)).bans.len(), 1, "it is remembered");
    place.clock.advance(BAN_REMEMBERED + hour);
    place.directory.bans_sweep().await.unwrap();
    assert_eq!(place.directory.ban_why(ip(GUESSER)).bans.len(), 0);
    assert!(place.directory.is_banned(ip("2001:db8::1")), "for ever");
    place.directory.ban_remove(range("2001:db8::/32")).await.unwrap();
    assert!(!place.directory.is_banned(ip("2001:db8::1")));
    let again = place.directory.ban_remove(range("2001:db8::/32")).await;
    assert!(matches!(again, Err(BanError::NotBanned)));
}

#[tokio::test]
async fn private_networks_and_the_operators_place_are_banned_by_force_only() {
    let place = place().await;
    let directory = &place.directory;
    for private in ["127.0.0.1", "10.0.0.0/8", "0.0.0.0/0", "::1"] {
        let banned = directory.ban_add(range(private), None, "", false).await;
        assert!(matches!(banned, Err(BanError::Private)), "{private}");
    }
    directory.ban_add(range("10.1.2.3"), None, "", true).await.unwrap();
    assert!(directory.is_banned(ip("10.1.2.3")));
    directory.mark_set(&address("ann@example.org"), AccountMark::Admin, true).await.unwrap();
    sign_in(&place, "198.51.100.7", "tinte").await.unwrap();
    let banned = directory.ban_add(range("198.51.100.0/24"), None, "", false).await;
    assert!(matches!(&banned, Err(BanError::Operator(who)) if who.to_string() == "ann@example.org"), "{banned:?}");
    directory.ban_add(range("198.51.100.8"), None, "", false).await.unwrap();
    // Also after a restart.
    let place = place.reopened();
    place.directory.bans_load().await.unwrap();
    let banned = place.directory.ban_add(range("198.51.100.7"), None, "", false).await;
    assert!(matches!(banned, Err(BanError::Operator(_))));
}

#[tokio::test]
async fn sustained_failures_ban_for_twice_as_long_each_time() {
    let place = place().await;
    fail(&place, GUESSER, burst()).await;
    assert!(!place.directory.is_banned(ip(GUESSER)), "at the limit");
    let why = place.directory.ban_why(ip(GUESSER));
    assert_eq!((why.failures, why.failures_max, why.is_trusted), (burst(), Some(burst()), false));
    let mut expected = BanOptions::default().first;
    for _ in 0..10 {
        fail(&place, GUESSER, burst() + 1).await;
        assert!(place.directory.is_banned(ip(GUESSER)), "one past it");
        let why = place.directory.ban_why(ip(GUESSER));
        let last = why.bans[0].history.last().unwrap().clone();
        assert_eq!(last.until.map(|until| until.since(last.since)), Some(expected));
        assert_eq!(last.by, BannedBy::Failures);
        place.clock.advance(expected);
        assert!(!place.directory.is_banned(ip(GUESSER)));
        expected = (2 * expected).min(BanOptions::default().longest);
    }
    assert!(!place.directory.is_banned(ip("203.0.113.10")), "the neighbour is not banned");
}

#[tokio::test]
async fn where_somebody_signs_in_from_is_slowed_down_but_not_banned() {
    let place = place().await;
    sign_in(&place, "198.51.100.7", "tinte").await.unwrap();
    fail(&place, "198.51.100.7", 3 * burst()).await;
    fail(&place, "192.168.1.5", 3 * burst()).await;
    for spared in ["198.51.100.7", "192.168.1.5"] {
        assert!(!place.directory.is_banned(ip(spared)), "{spared}");
    }
    assert!(place.directory.ban_why(ip("198.51.100.7")).is_trusted);
    assert_eq!(place.directory.bans_made(), 0);
}

#[tokio::test]
async fn a_reason_has_so_many_bytes_and_no_more() {
    let place = place().await;
    let reason = "x".repeat(BAN_REASON_MAX);
    place.directory.ban_add(range(GUESSER), None, &reason, false).await.unwrap();
    let longer = place.directory.ban_add(range(GUESSER), None, &format!("{reason}x"), false).await;
    assert!(matches!(longer, Err(BanError::Reason)));
}
