//! Where other servers are: MX and addresses from DNS, or from a fixed zone in tests.

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use types::DomainName;

/// Most hosts of one domain that are looked at; a longer MX set is cut after its most preferred ones.
pub const MX_HOSTS_MAX: usize = 20;
/// Most addresses of one host that are looked at.
pub const ADDRESSES_MAX: usize = 20;

/// Who takes mail for a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailHosts {
    /// These, the most preferred first; hosts of one preference in the order DNS gave.
    Hosts(Vec<(u16, DomainName)>),
    /// The domain has no MX record: the domain itself, if it has an address (RFC 5321 §5.1).
    Implicit,
    /// The domain says that it takes no mail (RFC 7505).
    Nobody,
}

/// Why a name was not resolved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// There is no such name: permanent.
    #[error("{0} does not exist")]
    NoSuchName(DomainName),
    /// DNS did not answer or could not: try again later.
    #[error("DNS has no answer for {0} at present: {1}")]
    Temporary(DomainName, String),
}

/// What a fixed zone says of a name.
#[derive(Clone, Debug, Default)]
pub struct ZoneEntry {
    /// Its MX records.
    pub mx: Vec<(u16, String)>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

/// Asks DNS.
#[derive(Clone)]
pub struct Resolver(Source);

#[derive(Clone)]
enum Source {
    Dns(Box<TokioResolver>),
    Zone(HashMap<String, ZoneEntry>),
}

impl Resolver {
    /// The system's name servers, or the one at `server`. Answers are cached for their time to live.
    pub fn dns(server: Option<SocketAddr>) -> Result<Self, NetError> {
        let mut builder = match server {
            None => TokioResolver::builder_tokio()?,
            Some(server) => {
                let mut config = NameServerConfig::udp_and_tcp(server.ip());
                for connection in &mut config.connections {
                    connection.port = server.port();
                }
                let config = ResolverConfig::from_name_servers(vec![config]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        builder.options_mut().use_hosts_file = ResolveHosts::Always;
        Ok(Self(Source::Dns(Box::new(builder.build()?))))
    }

    /// A fixed zone, for tests: names that are not in it do not exist.
    pub fn zone(entries: impl IntoIterator<Item = (String, ZoneEntry)>) -> Self {
        Self(Source::Zone(entries.into_iter().collect()))
    }

    /// Who takes mail for `domain`.
    pub async fn mail_hosts(&self, domain: &DomainName) -> Result<MailHosts, ResolveError> {
        let mut records = match &self.0 {
            Source::Zone(zone) => {
                zone.get(domain.as_str()).ok_or_else(|| ResolveError::NoSuchName(domain.clone()))?.mx.clone()
            }
            Source::Dns(resolver) => match resolver.lookup(name(domain)?, RecordType::MX).await {
                Ok(lookup) => lookup.answers().iter().filter_map(|r| mx(&r.data)).collect(),
                Err(error) if error.is_no_records_found() && !error.is_nx_domain() => Vec::new(),
                Err(error) => return Err(resolve_error(domain, &error)),
            },
        };
        if records.is_empty() {
            return Ok(MailHosts::Implicit);
        }
        if let [(_, only)] = records.as_slice()
            && only.trim_end_matches('.').is_empty()
        {
            return Ok(MailHosts::Nobody);
        }
        records.sort_by_key(|(preference, _)| *preference);
        let hosts = records.iter().filter_map(|(p, host)| Some((*p, DomainName::parse(host).ok()?)));
        Ok(MailHosts::Hosts(hosts.take(MX_HOSTS_MAX).collect()))
    }

    /// The addresses of a host, IPv4 and IPv6.
    pub async fn addresses(&self, host: &DomainName) -> Result<Vec<IpAddr>, ResolveError> {
        if let Some(literal) = host.as_str().strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            let text = literal.strip_prefix("ipv6:").unwrap_or(literal);
            return text.parse().map(|ip| vec![ip]).map_err(|_| ResolveError::NoSuchName(host.clone()));
        }
        if let Ok(ip) = host.as_str().parse() {
            return Ok(vec![ip]);
        }
        let mut addresses: Vec<IpAddr> = match &self.0 {
            Source::Zone(zone) => zone.get(host.as_str()).map(|entry| entry.addresses.clone()).unwrap_or_default(),
            Source::Dns(resolver) => match resolver.lookup_ip(name(host)?).await {
                Ok(lookup) => lookup.iter().collect(),
                Err(error) => return Err(resolve_error(host, &error)),
            },
        };
        addresses.truncate(ADDRESSES_MAX);
        if addresses.is_empty() { Err(ResolveError::NoSuchName(host.clone())) } else { Ok(addresses) }
    }
}

/// A fully qualified name: no search list is to be tried.
fn name(domain: &DomainName) -> Result<Name, ResolveError> {
    let mut name = Name::from_ascii(domain.as_str()).map_err(|_| ResolveError::NoSuchName(domain.clone()))?;
    name.set_fqdn(true);
    Ok(name)
}

fn mx(data: &RData) -> Option<(u16, String)> {
    match data {
        RData::MX(mx) => Some((mx.preference, mx.exchange.to_ascii())),
        _ => None,
    }
}

fn resolve_error(domain: &DomainName, error: &NetError) -> ResolveError {
    if error.is_nx_domain() || error.is_no_records_found() {
        ResolveError::NoSuchName(domain.clone())
    } else {
        ResolveError::Temporary(domain.clone(), error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(text: &str) -> DomainName {
        DomainName::parse(text).unwrap()
    }

    fn entry(mx: &[(u16, &str)], addresses: &[&str]) -> ZoneEntry {
        ZoneEntry {
            mx: mx.iter().map(|(p, h)| (*p, (*h).to_owned())).collect(),
            addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
        }
    }

    #[tokio::test]
    async fn hosts_come_by_preference_and_a_null_mx_takes_nothing() {
        let resolver = Resolver::zone([
            ("a.example".to_owned(), entry(&[(20, "second.example."), (10, "first.example.")], &[])),
            ("null.example".to_owned(), entry(&[(0, ".")], &[])),
            ("plain.example".to_owned(), entry(&[], &["192.0.2.1"])),
        ]);
        let hosts = MailHosts::Hosts(vec![(10, domain("first.example")), (20, domain("second.example"))]);
        assert_eq!(resolver.mail_hosts(&domain("a.example")).await, Ok(hosts));
        assert_eq!(resolver.mail_hosts(&domain("null.example")).await, Ok(MailHosts::Nobody));
        assert_eq!(resolver.mail_hosts(&domain("plain.example")).await, Ok(MailHosts::Implicit));
        let missing = domain("missing.example");
        assert_eq!(resolver.mail_hosts(&missing).await, Err(ResolveError::NoSuchName(missing)));
    }

    #[tokio::test]
    async fn so_many_hosts_and_addresses_are_looked_at_and_no_more() {
        let zone = |count: usize| {
            let mx = (0..count).rev().map(|n| (u16::try_from(n).unwrap(), format!("h{n}.example"))).collect();
            let addresses = (0..count).map(|n| IpAddr::from([192, 0, 2, u8::try_from(n).unwrap()])).collect();
            Resolver::zone([("many.example".to_owned(), ZoneEntry { mx, addresses })])
        };
        let many = domain("many.example");
        for count in [MX_HOSTS_MAX, MX_HOSTS_MAX + 1] {
            let Ok(MailHosts::Hosts(hosts)) = zone(count).mail_hosts(&many).await else { panic!("there are hosts") };
            assert_eq!(hosts.len(), MX_HOSTS_MAX);
            assert_eq!(hosts.first(), Some(&(0, domain("h0.example"))), "the most preferred are kept");
        }
        for count in [ADDRESSES_MAX, ADDRESSES_MAX + 1] {
            assert_eq!(zone(count).addresses(&many).await.unwrap().len(), ADDRESSES_MAX);
        }
    }

    #[tokio::test]
    async fn address_literals_need_no_dns() {
        let resolver = Resolver::zone([]);
        assert_eq!(resolver.addresses(&domain("[192.0.2.7]")).await.unwrap(), ["192.0.2.7".parse::<IpAddr>().unwrap()]);
        assert_eq!(resolver.addresses(&domain("[IPv6:2001:db8::1]")).await.unwrap().len(), 1);
        assert!(resolver.addresses(&domain("nowhere.example")).await.is_err());
    }
}
