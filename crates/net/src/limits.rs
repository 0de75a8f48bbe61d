//! How many connections there may be: in all, per address before sign-in, per account after it.
//!
//! Every map entry stands for at least one open connection, so the maps are as bounded as the connections.

use crate::Peer;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use types::{AccountId, AddressPrefix};

/// The limits. Shared by all listeners of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Open connections in all.
    pub total: usize,
    /// Connections from one address (an IPv6 /64 is one) that nobody has signed in on.
    pub per_address: usize,
    /// Signed-in connections of one account, over all protocols.
    pub per_account: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self { total: 20_000, per_address: 50, per_account: 100 }
    }
}

/// Why a connection, or a sign-in on it, is refused. Temporary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// [`ConnectionLimits::total`].
    #[error("too many connections")]
    Total,
    /// [`ConnectionLimits::per_address`].
    #[error("too many connections from this address")]
    Address,
    /// [`ConnectionLimits::per_account`].
    #[error("too many connections of this account")]
    Account,
}

/// Counts open connections.
#[derive(Debug)]
pub struct Admission {
    limits: ConnectionLimits,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    addresses: HashMap<AddressPrefix, usize>,
    accounts: HashMap<AccountId, usize>,
}

/// What a connection is counted under now.
#[derive(Clone, Copy, Debug)]
enum Held {
    Address(AddressPrefix),
    Account(AccountId),
    /// A Unix socket: in the total only.
    Nothing,
}

/// A connection's place; dropped, it is free again.
#[derive(Debug)]
pub struct Ticket {
    admission: Arc<Admission>,
    held: Held,
    peer: Option<AddressPrefix>,
}

impl Admission {
    /// Nothing open.
    pub fn new(limits: ConnectionLimits) -> Arc<Self> {
        Arc::new(Self { limits, counts: Mutex::default() })
    }

    /// Takes a place for a new connection.
    pub fn admit(self: &Arc<Self>, peer: Peer) -> Result<Ticket, Refused> {
        let mut counts = self.counts();
        if counts.total >= self.limits.total {
            return Err(Refused::Total);
        }
        let peer = peer.ip().map(AddressPrefix::of);
        let held = match peer {
            Some(prefix) if !take(&mut counts.addresses, prefix, self.limits.per_address) => {
                return Err(Refused::Address);
            }
            Some(prefix) => Held::Address(prefix),
            None => Held::Nothing,
        };
        counts.total += 1;
        Ok(Ticket { admission: Arc::clone(self), held, peer })
    }

    /// Open connections.
    pub fn open(&self) -> usize {
        self.counts().total
    }

    /// Open connections that this account is signed in on.
    pub fn open_of(&self, account: AccountId) -> usize {
        self.counts().accounts.get(&account).copied().unwrap_or(0)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn take<K: Eq + Hash>(map: &mut HashMap<K, usize>, key: K, max: usize) -> bool {
    let count = map.get(&key).copied().unwrap_or(0);
    if count >= max {
        return false;
    }
    map.insert(key, count + 1);
    true
}

fn give_back<K: Eq + Hash>(map: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = map.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            map.remove(key);
        }
    }
}

impl Counts {
    fn release(&mut self, held: Held) {
        match held {
            Held::Address(prefix) => give_back(&mut self.addresses, &prefix),
            Held::Account(account) => give_back(&mut self.accounts, &account),
            Held::Nothing => {}
        }
    }
}

impl Ticket {
    /// Counts the connection under the account from now on, no longer under its address. Refused, it stays where it was.
    pub fn signed_in(&mut self, account: AccountId) -> Result<(), Refused> {
        let mut counts = self.admission.counts();
        if !take(&mut counts.accounts, account, self.admission.limits.per_account) {
            return Err(Refused::Account);
        }
        counts.release(self.held);
        self.held = Held::Account(account);
        Ok(())
    }

    /// The peer's address as failures are counted under; none for a Unix socket.
    pub fn prefix(&self) -> Option<AddressPrefix> {
        self.peer
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut counts = self.admission.counts();
        counts.release(self.held);
        counts.total = counts.total.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ConnectionLimits = ConnectionLimits { total: 4, per_address: 2, per_account: 1 };
    const ANN: AccountId = AccountId(7);

    fn peer(text: &str) -> Peer {
        Peer::Tcp(text.parse().unwrap())
    }

    #[test]
    fn an_address_has_so_many_places_and_no_more() {
        let admission = Admission::new(LIMITS);
        let first = admission.admit(peer("[2001:db8::1]:1")).unwrap();
        let _second = admission.admit(peer("[2001:db8::2]:2")).unwrap();
        assert_eq!(admission.admit(peer("[2001:db8::3]:3")).map(|_| ()), Err(Refused::Address), "one /64 is one");
        let _elsewhere = admission.admit(peer("[2001:db8:0:1::1]:1")).unwrap();
        drop(first);
        let _third = admission.admit(peer("[2001:db8::3]:3")).unwrap();
        assert_eq!(admission.open(), 3);
    }

    #[test]
    fn the_total_holds_at_the_limit_and_not_past_it() {
        let admission = Admission::new(LIMITS);
        let tickets: Vec<_> = (0..4).map(|_| admission.admit(Peer::Unix).unwrap()).collect();
        assert_eq!(admission.admit(Peer::Unix).map(|_| ()), Err(Refused::Total));
        drop(tickets);
        assert_eq!(admission.open(), 0);
    }

    #[test]
    fn a_sign_in_moves_the_connection_to_its_account() {
        let admission = Admission::new(LIMITS);
        let mut tickets: Vec<_> = (0..2).map(|_| admission.admit(peer("192.0.2.1:9")).unwrap()).collect();
        assert_eq!(tickets[0].signed_in(ANN), Ok(()));
        assert_eq!(tickets[1].signed_in(ANN), Err(Refused::Account));
        assert_eq!(admission.open_of(ANN), 1);
        let _freed = admission.admit(peer("192.0.2.1:9")).unwrap();
        assert_eq!(admission.admit(peer("192.0.2.1:9")).map(|_| ()), Err(Refused::Address));
        tickets.clear();
        assert_eq!((admission.open_of(ANN), admission.open()), (0, 1));
    }
}
