//! Where an account is known to sign in from. Guesses from elsewhere, however many, never keep its owner out there.
//!
//! What is kept is the network around the address (IPv4 /24, IPv6 /48): a connection at home has another address every
//! day, and most of them in the same network. Of an operator the last address is kept too, which no ban may meet.

use super::cache::{damaged, get_parsed};
use super::{Directory, DirectoryError};
use crate::keys::{self, DIRECTORY};
use crate::row::{RowReader, RowWriter};
use bytes::Bytes;
use std::net::IpAddr;
use std::time::Duration;
use store_kv::{Batch, Scan};
use types::{AccountId, AddressRange, Timestamp};

const FORMAT: u8 = 1;
/// Networks that are kept of one account; past it the one that was seen the longest ago goes.
pub const FAMILIAR_MAX: usize = 16;
/// How long a network is known after the last sign-in from it.
pub const FAMILIAR_FOR: Duration = Duration::from_hours(90 * 24);
/// How old the time of the last sign-in may be before it is written anew.
const WRITTEN_EVERY: Duration = Duration::from_hours(7 * 24);

/// Where an account signs in from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Familiar {
    networks: Vec<(AddressRange, Timestamp)>,
    /// The last address of an operator.
    operator: Option<IpAddr>,
}

impl Familiar {
    fn knows(&self, address: IpAddr, now: Timestamp) -> bool {
        let network = AddressRange::network_of(address);
        self.networks.iter().any(|(known, seen)| *known == network && now.since(*seen) < FAMILIAR_FOR)
    }

    /// Takes note of a sign-in; `false` if there is nothing new.
    fn note(&mut self, address: IpAddr, is_operator: bool, now: Timestamp) -> bool {
        let (network, operator) = (AddressRange::network_of(address), is_operator.then_some(address));
        let is_fresh = |(known, seen): &(AddressRange, Timestamp)| {
            *known == network && now.since(*seen) < WRITTEN_EVERY && *seen <= now
        };
        if self.operator == operator && self.networks.iter().any(is_fresh) {
            return false;
        }
        self.operator = operator;
        self.networks.retain(|(known, seen)| *known != network && now.since(*seen) < FAMILIAR_FOR);
        self.networks.push((network, now));
        if self.networks.len() > FAMILIAR_MAX {
            // The oldest stand first.
            self.networks.remove(0);
        }
        true
    }

    fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(FORMAT, 128);
        row.byte(u8::from(self.operator.is_some()));
        if let Some(address) = self.operator {
            put_address(&mut row, address);
        }
        for (network, seen) in &self.networks {
            put_address(&mut row, network.base());
            row.byte(network.length());
            row.signed(seen.0);
        }
        row.finish()
    }

    fn decode(row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row, FORMAT)?;
        let operator = if row.byte()? == 0 { None } else { Some(read_address(&mut row)?) };
        let mut networks = Vec::new();
        while row.left() > 0 {
            let network = AddressRange::new(read_address(&mut row)?, row.byte()?)?;
            networks.push((network, Timestamp(row.signed()?)));
        }
        Some(Self { networks, operator })
    }
}

fn put_address(row: &mut RowWriter, address: IpAddr) {
    match address {
        IpAddr::V4(address) => row.bytes(&address.octets()),
        IpAddr::V6(address) => row.bytes(&address.octets()),
    }
}

fn read_address(row: &mut RowReader<'_>) -> Option<IpAddr> {
    let octets = row.bytes()?;
    let v4 = || <[u8; 4]>::try_from(octets).map(IpAddr::from).ok();
    v4().or_else(|| <[u8; 16]>::try_from(octets).map(IpAddr::from).ok())
}

impl Directory {
    /// Whether an account signed in from around this address in the last [`FAMILIAR_FOR`].
    pub async fn is_familiar(&self, account: AccountId, address: IpAddr) -> Result<bool, DirectoryError> {
        let known = get_parsed(&self.cache, keys::guard::familiar(account), Familiar::decode).await?;
        Ok(known.is_some_and(|known| known.knows(address, self.clock.now())))
    }

    /// Takes note of where somebody signed in from. That it fails is no reason to keep him out.
    pub(super) async fn note_sign_in(&self, account: AccountId, address: Option<IpAddr>) {
        let Some(address) = address else { return };
        if let Err(error) = self.note_place(account, address.to_canonical()).await {
            tracing::warn!(%account, error = &error as &dyn std::error::Error, "where somebody signed in from is not noted");
        }
    }

    async fn note_place(&self, account: AccountId, address: IpAddr) -> Result<(), DirectoryError> {
        let (key, now) = (keys::guard::familiar(account), self.clock.now());
        let Some(entry) = self.account_row(account).await? else { return Ok(()) };
        let stored = self.cache.get(key.clone()).await?;
        let mut known = match &stored {
            Some(row) => Familiar::decode(row).ok_or_else(damaged)?,
            None => Familiar::default(),
        };
        if !known.note(address, entry.marks.admin, now) {
            return Ok(());
        }
        let mut batch = Batch::new(DIRECTORY);
        // An account that is being removed does not come back by this.
        let credential = keys::credential(account);
        let Some(its) = self.engine.get(&credential).await? else { return Ok(()) };
        batch.expect(credential, Some(its));
        batch.expect(key.clone(), stored);
        batch.put(key, known.encode());
        // Whoever was faster wrote as much, or the next sign-in will.
        if self.commit(batch).await? {
            self.bans.trust(account, address, known.operator.is_some(), now);
        }
        Ok(())
    }

    /// Tells the bans whom they must spare, at the start.
    pub(super) async fn familiar_load(&self) -> Result<(), DirectoryError> {
        let mut next = Some(Scan::prefix(&keys::guard::all_familiar()));
        while let Some(scan) = next {
            let page = self.engine.scan(&scan).await?;
            for (key, row) in &page.rows {
                let known = keys::guard::familiar_of(key).zip(Familiar::decode(row));
                let (account, known) = known.ok_or_else(damaged)?;
                for (network, seen) in known.networks {
                    self.bans.trust(account, network.base(), false, seen);
                }
                if let Some(address) = known.operator {
                    self.bans.trust(account, address, true, self.clock.now());
                }
            }
            next = scan.after(&page);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_is_known_for_its_time_and_written_now_and_then() {
        let mut known = Familiar::default();
        let start = Timestamp(0);
        assert!(known.note(ip("192.0.2.1"), false, start));
        assert!(!known.note(ip("192.0.2.77"), false, start.after(6 * DAY)), "the same network, the same week");
        assert!(known.knows(ip("192.0.2.200"), start.after(89 * DAY)) && !known.knows(ip("192.0.3.1"), start));
        assert!(!known.knows(ip("192.0.2.1"), start.after(FAMILIAR_FOR)));
        assert!(known.note(ip("192.0.2.1"), false, start.after(7 * DAY)));
        assert!(known.knows(ip("192.0.2.1"), start.after(FAMILIAR_FOR)));
        assert!(known.note(ip("192.0.2.1"), false, start), "a clock that was set back");
        assert!(known.note(ip("192.0.2.1"), true, start) && known.operator.is_some());
        assert!(known.note(ip("192.0.2.2"), true, start) && !known.note(ip("192.0.2.2"), true, start));
        assert!(known.note(ip("192.0.2.2"), false, start) && known.operator.is_none());
    }

    #[test]
    fn so_many_networks_are_known_and_no_more() {
        let mut known = Familiar::default();
        for n in 0..=FAMILIAR_MAX {
            assert!(known.note(ip(&format!("192.0.{n}.1")), n == FAMILIAR_MAX, Timestamp(0)));
        }
        assert_eq!(known.networks.len(), FAMILIAR_MAX);
        assert!(!known.knows(ip("192.0.0.1"), Timestamp(0)) && known.knows(ip("192.0.1.1"), Timestamp(0)));
        assert!(known.note(ip("2001:db8::1"), true, Timestamp(5)));
        assert_eq!(Familiar::decode(&known.encode()), Some(known.clone()));
        let row = known.encode();
        for length in 0..row.len() {
            assert_ne!(Familiar::decode(&row[..length]), Some(known.clone()), "{length}");
        }
    }
}
