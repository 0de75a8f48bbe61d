//! Who may connect at all: not from where it is banned. Also notices when all the world seems to come from one private
//! address, which is a gateway's (Docker's, say) that hides where people are: then neither throttling nor bans can tell
//! them apart.

use domain::Directory;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use types::AddressRange;

/// So many connections, all from one private address, are no chance any more.
const GATEWAY_AFTER: u64 = 20;

/// Stands before the listeners.
pub(crate) struct Doorkeeper {
    directory: Arc<Directory>,
    seen: Mutex<Seen>,
}

/// Where connections came from since the start; those of this machine itself do not count.
#[derive(Debug, Default)]
struct Seen {
    first: Option<IpAddr>,
    same: u64,
    others: u64,
}

impl Seen {
    fn note(&mut self, address: IpAddr) {
        if address.is_loopback() {
            return;
        }
        if *self.first.get_or_insert(address) == address {
            self.same = self.same.saturating_add(1);
        } else {
            self.others = self.others.saturating_add(1);
        }
    }

    fn gateway(&self) -> Option<IpAddr> {
        let is_private = |address: &IpAddr| AddressRange::single(*address).meets_private();
        self.first.filter(is_private).filter(|_| self.others == 0 && self.same >= GATEWAY_AFTER)
    }
}

impl Doorkeeper {
    /// With these bans.
    pub(crate) fn new(directory: Arc<Directory>) -> Arc<Self> {
        Arc::new(Self { directory, seen: Mutex::default() })
    }

    /// The private address that every connection has come from, if all of them have.
    pub(crate) fn gateway(&self) -> Option<IpAddr> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).gateway()
    }
}

impl net::Gate for Doorkeeper {
    fn admits(&self, address: IpAddr) -> bool {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).note(address.to_canonical());
        !self.directory.is_banned(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_one_private_address_and_nobody_else() {
        let ip = |text: &str| text.parse().unwrap();
        let mut seen = Seen::default();
        for _ in 1..GATEWAY_AFTER {
            seen.note(ip("172.17.0.1"));
            seen.note(ip("127.0.0.1"));
        }
        assert_eq!(seen.gateway(), None, "not often enough");
        seen.note(ip("172.17.0.1"));
        assert_eq!(seen.gateway(), Some(ip("172.17.0.1")));
        seen.note(ip("192.0.2.9"));
        assert_eq!(seen.gateway(), None);
        let mut public = Seen::default();
        (0..2 * GATEWAY_AFTER).for_each(|_| public.note(ip("192.0.2.9")));
        assert_eq!(public.gateway(), None, "one busy client");
    }
}
