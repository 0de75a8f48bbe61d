//! How fast somebody may guess passwords: token buckets per address prefix, and per prefix and name.
//!
//! Only failures cost tokens, and none is taken from an account as a whole: whoever guesses from elsewhere cannot lock
//! the owner out.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use types::{AddressPrefix, Timestamp};

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
    /// Most buckets of each kind that are kept. Past it those that are the nearest to full go first.
    pub buckets_max: usize,
}

impl Default for ThrottleOptions {
    fn default() -> Self {
        Self {
            per_name: Allowance { burst: 10, every: Duration::from_secs(30) },
            per_prefix: Allowance { burst: 100, every: Duration::from_secs(3) },
            buckets_max: 50_000,
        }
    }
}

/// Buckets by the time at which they are full again; one that is full is not kept.
struct Buckets<K>(HashMap<K, Timestamp>);

impl<K: Copy + Eq + Hash> Buckets<K> {
    /// How long to wait for a token; zero if there is one.
    fn wait(&self, key: K, allowance: Allowance, now: Timestamp) -> Duration {
        let Some(full) = self.0.get(&key) else { return Duration::ZERO };
        let spent = full.since(now) + allowance.every;
        spent.saturating_sub(allowance.every.saturating_mul(allowance.burst))
    }

    fn spend(&mut self, key: K, allowance: Allowance, now: Timestamp, max: usize) {
        if self.0.len() >= max && !self.0.contains_key(&key) {
            self.make_room(now, max);
        }
        let full = self.0.get(&key).copied().unwrap_or(now).max(now);
        self.0.insert(key, full.after(allowance.every));
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
}

pub(super) struct Throttle {
    options: ThrottleOptions,
    hasher: RandomState,
    state: Mutex<State>,
}

impl Throttle {
    pub(super) fn new(options: ThrottleOptions) -> Self {
        let state = State { names: Buckets(HashMap::new()), prefixes: Buckets(HashMap::new()) };
        Self { options, hasher: RandomState::new(), state: Mutex::new(state) }
    }

    /// How long this peer has to wait before it may try this name; zero if it need not.
    pub(super) fn wait(&self, peer: Option<AddressPrefix>, name: &str, now: Timestamp) -> Duration {
        let Some(peer) = peer else { return Duration::ZERO };
        let state = self.lock();
        let by_name = state.names.wait((peer, self.hasher.hash_one(name)), self.options.per_name, now);
        by_name.max(state.prefixes.wait(peer, self.options.per_prefix, now))
    }

    /// Counts a failure.
    pub(super) fn failed(&self, peer: Option<AddressPrefix>, name: &str, now: Timestamp) {
        let Some(peer) = peer else { return };
        let (options, name) = (self.options, self.hasher.hash_one(name));
        let mut state = self.lock();
        state.names.spend((peer, name), options.per_name, now, options.buckets_max);
        state.prefixes.spend(peer, options.per_prefix, now, options.buckets_max);
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
        buckets_max: 4,
    };

    fn peer(text: &str) -> Option<AddressPrefix> {
        text.parse().ok().map(AddressPrefix::of)
    }

    #[test]
    fn a_name_has_so_many_failures_and_no_more() {
        let throttle = Throttle::new(OPTIONS);
        let (here, there) = (peer("192.0.2.1"), peer("192.0.2.2"));
        for _ in 0..3 {
            assert_eq!(throttle.wait(here, "ann", Timestamp(0)), Duration::ZERO);
            throttle.failed(here, "ann", Timestamp(0));
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
            throttle.failed(peer("2001:db8::1"), name, Timestamp(0));
        }
        assert_eq!(throttle.wait(peer("2001:db8::ffff"), "f", Timestamp(0)), Duration::from_secs(1));
        assert_eq!(throttle.wait(None, "f", Timestamp(0)), Duration::ZERO);
    }

    #[test]
    fn the_number_of_buckets_is_bounded() {
        let throttle = Throttle::new(OPTIONS);
        for n in 0..100_u8 {
            throttle.failed(peer(&format!("192.0.2.{n}")), "ann", Timestamp(0));
            assert!(throttle.lock().names.0.len() <= 4 && throttle.lock().prefixes.0.len() <= 4);
        }
    }
}
