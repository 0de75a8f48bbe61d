//! How fast somebody may guess passwords: token buckets by where he comes from, and by whose account it is.
//!
//! Only failures cost tokens. Those of one place (an address, an IPv6 /64, the network around it) are counted together
//! and for each name. Those at one account are counted over all places, but for the places that it is known to sign in
//! from (`familiar.rs`): however many addresses guess at it, they have a few dozen guesses a day, and nothing of that
//! touches its owner where he usually is. While an account is guessed at so, each strange address has a few guesses of
//! its own in a day, so that somebody who comes with the right password finds a token that others have not used up.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use types::{AddressPrefix, AddressRange, Timestamp};

/// How many failures are free at once, and how soon one more is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Failures at once.
    pub burst: u32,
    /// One more after each such time.
    pub every: Duration,
}

/// How fast somebody may guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleOptions {
    /// One name from one address prefix.
    pub per_name: Allowance,
    /// All names from one address prefix.
    pub per_prefix: Allowance,
    /// All names from one network (IPv4 /24, IPv6 /48).
    pub per_network: Allowance,
    /// One name from everywhere it is not known to sign in from.
    pub per_account: Allowance,
    /// One name from one strange address prefix, once half of `per_account` is used up.
    pub per_stranger: Allowance,
    /// Most buckets of each kind that are kept. Past it those that are the nearest to full go first.
    pub buckets_max: usize,
}

impl Default for ThrottleOptions {
    fn default() -> Self {
        Self {
            per_name: Allowance { burst: 10, every: Duration::from_secs(30) },
            per_prefix: Allowance { burst: 100, every: Duration::from_secs(3) },
            per_network: Allowance { burst: 300, every: Duration::from_secs(1) },
            per_account: Allowance { burst: 60, every: Duration::from_mins(15) },
            per_stranger: Allowance { burst: 3, every: Duration::from_hours(8) },
            buckets_max: 50_000,
        }
    }
}

/// Buckets by the time at which they are full again; one that is full is not kept.
pub(super) struct Buckets<K>(HashMap<K, Timestamp>);

impl<K: Copy + Eq + Hash> Buckets<K> {
    pub(super) fn new() -> Self {
        Self(HashMap::new())
    }

    /// How long to wait for a token; zero if there is one.
    pub(super) fn wait(&self, key: K, allowance: Allowance, now: Timestamp) -> Duration {
        let Some(full) = self.0.get(&key) else { return Duration::ZERO };
        let spent = full.since(now) + allowance.every;
        spent.saturating_sub(allowance.every.saturating_mul(allowance.burst))
    }

    /// How many tokens are gone.
    pub(super) fn spent(&self, key: K, allowance: Allowance, now: Timestamp) -> u32 {
        let Some(full) = self.0.get(&key) else { return 0 };
        let every = allowance.every.as_millis().max(1);
        u32::try_from(full.since(now).as_millis().div_ceil(every)).unwrap_or(u32::MAX)
    }

    pub(super) fn spend(&mut self, key: K, allowance: Allowance, now: Timestamp, max: usize) {
        if self.0.len() >= max && !self.0.contains_key(&key) {
            self.make_room(now, max);
        }
        let full = self.0.get(&key).copied().unwrap_or(now).max(now);
        self.0.insert(key, full.after(allowance.every));
    }

    pub(super) fn forget(&mut self, key: &K) {
        self.0.remove(key);
    }

    fn make_room(&mut self, now: Timestamp, max: usize) {
        self.0.retain(|_, full| *full > now);
        if self.0.len() >= max {
            let mut times: Vec<Timestamp> = self.0.values().copied().collect();
            times.sort_unstable();
            let middle = times.get(times.len() / 2).copied().unwrap_or(now);
            self.0.retain(|_, full| *full > middle);
        }
    }
}

struct State {
    names: Buckets<(AddressPrefix, u64)>,
    prefixes: Buckets<AddressPrefix>,
    networks: Buckets<AddressRange>,
    accounts: Buckets<u64>,
    strangers: Buckets<(AddressPrefix, u64)>,
}

pub(super) struct Throttle {
    options: ThrottleOptions,
    hasher: RandomState,
    state: Mutex<State>,
}

impl Throttle {
    pub(super) fn new(options: ThrottleOptions) -> Self {
        let state = State {
            names: Buckets::new(),
            prefixes: Buckets::new(),
            networks: Buckets::new(),
            accounts: Buckets::new(),
            strangers: Buckets::new(),
        };
        Self { options, hasher: RandomState::new(), state: Mutex::new(state) }
    }

    /// How long this peer has to wait before it may try this name, for what came from its own place; zero if it need
    /// not.
    pub(super) fn wait(&self, peer: Option<IpAddr>, name: &str, now: Timestamp) -> Duration {
        let Some(peer) = peer else { return Duration::ZERO };
        let (prefix, network) = (AddressPrefix::of(peer), AddressRange::network_of(peer));
        let state = self.lock();
        let by_name = state.names.wait((prefix, self.hasher.hash_one(name)), self.options.per_name, now);
        let by_prefix = state.prefixes.wait(prefix, self.options.per_prefix, now);
        by_name.max(by_prefix).max(state.networks.wait(network, self.options.per_network, now))
    }

    /// The same for what came from all strange places; not to be asked for one that the account knows.
    pub(super) fn wait_stranger(&self, peer: Option<IpAddr>, name: &str, now: Timestamp) -> Duration {
        let Some(peer) = peer else { return Duration::ZERO };
        let (name, options) = (self.hasher.hash_one(name), self.options);
        let state = self.lock();
        let wait = state.accounts.wait(name, options.per_account, now);
        if state.accounts.spent(name, options.per_account, now) <= options.per_account.burst / 2 {
            return wait;
        }
        wait.max(state.strangers.wait((AddressPrefix::of(peer), name), options.per_stranger, now))
    }

    /// Counts a failure.
    pub(super) fn failed(&self, peer: Option<IpAddr>, name: &str, is_familiar: bool, now: Timestamp) {
        let Some(peer) = peer else { return };
        let (options, name) = (self.options, self.hasher.hash_one(name));
        let (prefix, network, max) = (AddressPrefix::of(peer), AddressRange::network_of(peer), options.buckets_max);
        let mut state = self.lock();
        state.names.spend((prefix, name), options.per_name, now, max);
        state.prefixes.spend(prefix, options.per_prefix, now, max);
        state.networks.spend(network, options.per_network, now, max);
        if !is_familiar {
            state.accounts.spend(name, options.per_account, now, max);
            state.strangers.spend((prefix, name), options.per_stranger, now, max);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: ThrottleOptions = ThrottleOptions {
        per_name: Allowance { burst: 3, every: Duration::from_secs(10) },
        per_prefix: Allowance { burst: 5, every: Duration::from_secs(1) },
        per_network: Allowance { burst: 7, every: Duration::from_secs(1) },
        per_account: Allowance { burst: 6, every: Duration::from_secs(100) },
        per_stranger: Allowance { burst: 1, every: Duration::from_secs(1000) },
        buckets_max: 4,
    };

    fn peer(text: &str) -> Option<IpAddr> {
        text.parse().ok()
    }

    #[test]
    fn a_name_has_so_many_failures_and_no_more() {
        let throttle = Throttle::new(OPTIONS);
        let (here, there) = (peer("192.0.2.1"), peer("192.0.2.2"));
        for _ in 0..3 {
            assert_eq!(throttle.wait(here, "ann", Timestamp(0)), Duration::ZERO);
            throttle.failed(here, "ann", true, Timestamp(0));
        }
        assert_eq!(throttle.wait(here, "ann", Timestamp(0)), Duration::from_secs(10));
        assert_eq!(throttle.wait(here, "ann", Timestamp(9_999)), Duration::from_millis(1));
        assert_eq!(throttle.wait(here, "ann", Timestamp(10_000)), Duration::ZERO);
        assert_eq!(throttle.wait(here, "bob", Timestamp(0)), Duration::ZERO);
        assert_eq!(throttle.wait(there, "ann", Timestamp(0)), Duration::ZERO, "the owner is elsewhere");
    }

    #[test]
    fn many_names_from_one_place_are_throttled_together() {
        let throttle = Throttle::new(OPTIONS);
        for name in ["a", "b", "c", "d", "e"] {
            assert_eq!(throttle.wait(peer("2001:db8::1"), name, Timestamp(0)), Duration::ZERO);
            throttle.failed(peer("2001:db8::1"), name, true, Timestamp(0));
        }
        assert_eq!(throttle.wait(peer("2001:db8::ffff"), "f", Timestamp(0)), Duration::from_secs(1));
        assert_eq!(throttle.wait(None, "f", Timestamp(0)), Duration::ZERO);
        // The /64 beside it has the same /48: two more, and it is the network's turn to wait.
        let beside = peer("2001:db8:0:1::1");
        for name in ["g", "h"] {
            assert_eq!(throttle.wait(beside, name, Timestamp(0)), Duration::ZERO);
            throttle.failed(beside, name, true, Timestamp(0));
        }
        assert_eq!(throttle.wait(beside, "i", Timestamp(0)), Duration::from_secs(1));
        assert_eq!(throttle.wait(peer("2001:db8:1::1"), "i", Timestamp(0)), Duration::ZERO);
    }

    #[test]
    fn an_account_has_so_many_failures_from_strange_places_and_no_more() {
        let throttle = Throttle::new(ThrottleOptions { buckets_max: 100, ..OPTIONS });
        let stranger = |n: u8| peer(&format!("198.51.{n}.1"));
        for n in 0..6 {
            assert_eq!(throttle.wait_stranger(stranger(n), "ann", Timestamp(0)), Duration::ZERO);
            throttle.failed(stranger(n), "ann", false, Timestamp(0));
        }
        assert_eq!(throttle.wait_stranger(stranger(6), "ann", Timestamp(0)), Duration::from_secs(100));
        assert_eq!(throttle.wait_stranger(stranger(6), "bob", Timestamp(0)), Duration::ZERO);
        // A token later: those that had their guess do not have it.
        let later = Timestamp(100_000);
        assert_eq!(throttle.wait_stranger(stranger(6), "ann", later), Duration::ZERO);
        assert_eq!(throttle.wait_stranger(stranger(0), "ann", later), Duration::from_mins(15));
        // Where nobody guesses any more they are like all others.
        assert_eq!(throttle.wait_stranger(stranger(0), "ann", Timestamp(301_000)), Duration::ZERO);
    }

    #[test]
    fn failures_from_a_familiar_place_do_not_count_for_the_account() {
        let throttle = Throttle::new(OPTIONS);
        for _ in 0..100 {
            throttle.failed(peer("192.0.2.1"), "ann", true, Timestamp(0));
        }
        assert_eq!(throttle.wait_stranger(peer("198.51.100.1"), "ann", Timestamp(0)), Duration::ZERO);
    }

    #[test]
    fn the_number_of_buckets_is_bounded() {
        let throttle = Throttle::new(OPTIONS);
        for n in 0..100_u8 {
            throttle.failed(peer(&format!("192.0.{n}.1")), &format!("ann{n}"), false, Timestamp(0));
            let state = throttle.lock();
            assert!(state.names.0.len() <= 4 && state.prefixes.0.len() <= 4 && state.networks.0.len() <= 4);
            assert!(state.accounts.0.len() <= 4 && state.strangers.0.len() <= 4);
        }
    }
}
