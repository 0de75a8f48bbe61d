//! A range of network addresses that begin alike: what is banned, and where somebody is known to be.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Leading bits of an IPv4 neighbourhood.
const NETWORK_BITS_V4: u8 = 24;
/// Leading bits of an IPv6 neighbourhood: what one site is given at most.
const NETWORK_BITS_V6: u8 = 48;

/// All addresses that have their first `length` bits in common. IPv4 mapped into IPv6 is IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange {
    base: IpAddr,
    length: u8,
}

/// Why a text is no range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no address and no prefix such as 192.0.2.0/24 or 2001:db8::/32")]
pub struct AddressRangeError;

impl AddressRange {
    /// The range of this length around an address; `None` if no address has so many bits.
    pub fn new(address: IpAddr, length: u8) -> Option<Self> {
        let base = match address.to_canonical() {
            IpAddr::V4(v4) => {
                let host = u32::MAX.checked_shr(u32::from(length)).unwrap_or(0);
                (length <= 32).then(|| IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & !host)))?
            }
            IpAddr::V6(v6) => {
                let host = u128::MAX.checked_shr(u32::from(length)).unwrap_or(0);
                (length <= 128).then(|| IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !host)))?
            }
        };
        Some(Self { base, length })
    }

    /// One address.
    pub fn single(address: IpAddr) -> Self {
        let base = address.to_canonical();
        Self { base, length: width(base) }
    }

    /// The neighbourhood of an address: the /24 of an IPv4 one, the /48 of an IPv6 one.
    pub fn network_of(address: IpAddr) -> Self {
        let length = if address.to_canonical().is_ipv4() { NETWORK_BITS_V4 } else { NETWORK_BITS_V6 };
        Self::new(address, length).unwrap_or_else(|| Self::single(address))
    }

    /// Its first address.
    pub fn base(self) -> IpAddr {
        self.base
    }

    /// How many bits its addresses have in common.
    pub fn length(self) -> u8 {
        self.length
    }

    /// Whether an address is in it.
    pub fn contains(self, address: IpAddr) -> bool {
        Self::new(address, self.length) == Some(self)
    }

    /// Whether the two have an address in common.
    pub fn meets(self, other: Self) -> bool {
        self.contains(other.base) || other.contains(self.base)
    }

    /// Whether an address in it is this machine's, a private network's, or one that stands for none: nobody on the
    /// Internet, and perhaps everybody behind one gateway.
    pub fn meets_private(self) -> bool {
        PRIVATE.iter().filter_map(|text| text.parse().ok()).any(|private: Self| self.meets(private))
    }
}

/// Those of IANA's registries of special addresses that stand for one machine or one network.
const PRIVATE: [&str; 10] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "::/127",
    "fc00::/7",
    "fe80::/10",
];

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl FromStr for AddressRange {
    type Err = AddressRangeError;

    /// `192.0.2.9`, `192.0.2.0/24`, `2001:db8::/32`; bits past the length are dropped.
    fn from_str(text: &str) -> Result<Self, AddressRangeError> {
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().map_err(|_| AddressRangeError)?;
        match length {
            None => Ok(Self::single(address)),
            Some(length) => {
                let digits = length.bytes().all(|byte| byte.is_ascii_digit());
                let length = length.parse().ok().filter(|_| digits).ok_or(AddressRangeError)?;
                Self::new(address, length).ok_or(AddressRangeError)
            }
        }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.base)?;
        if self.length == width(self.base) { Ok(()) } else { write!(f, "/{}", self.length) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> AddressRange {
        text.parse().unwrap()
    }

    #[test]
    fn a_range_is_written_as_it_is_read() {
        for text in ["192.0.2.9", "192.0.2.0/24", "0.0.0.0/0", "2001:db8::/32", "2001:db8::1", "::/0"] {
            assert_eq!(range(text).to_string(), text);
        }
        assert_eq!(range("192.0.2.9/24").to_string(), "192.0.2.0/24");
        assert_eq!(range("::ffff:192.0.2.9").to_string(), "192.0.2.9");
        for bad in ["", "192.0.2", "192.0.2.0/33", "::/129", "192.0.2.0/", "192.0.2.0/+8", "a/8", "192.0.2.0/8/8"] {
            assert_eq!(bad.parse::<AddressRange>(), Err(AddressRangeError), "{bad}");
        }
    }

    #[test]
    fn a_range_has_what_begins_like_it() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(range("192.0.2.0/24").contains(ip("192.0.2.255")) && !range("192.0.2.0/24").contains(ip("192.0.3.0")));
        assert!(range("192.0.2.0/24").contains(ip("::ffff:192.0.2.1")));
        assert!(range("::/0").contains(ip("2001:db8::1")) && !range("::/0").contains(ip("192.0.2.1")));
        assert_eq!(AddressRange::network_of(ip("192.0.2.9")).to_string(), "192.0.2.0/24");
        assert_eq!(AddressRange::network_of(ip("2001:db8:1:2::3")).to_string(), "2001:db8:1::/48");
    }

    #[test]
    fn private_networks_are_known_also_as_a_part_of_more() {
        for private in
            ["10.1.2.3", "172.17.0.1", "192.168.0.0/24", "127.0.0.1", "::1", "fd00::1", "fe80::1", "0.0.0.0/0"]
        {
            assert!(range(private).meets_private(), "{private}");
        }
        for public in ["192.0.2.9", "172.32.0.1", "11.0.0.0/8", "2001:db8::/32"] {
            assert!(!range(public).meets_private(), "{public}");
        }
    }
}
