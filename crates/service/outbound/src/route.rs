//! Where a domain's mail is handed over: a configured route, the relay, or what DNS says.

use net::{MailHosts, ResolveError, Resolver};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use types::DomainName;

/// Most addresses that are tried for one domain in one attempt.
pub(crate) const ADDRESSES_TRIED_MAX: usize = 10;

/// A host with its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// The host: a name, or an address.
    pub host: DomainName,
    /// The port.
    pub port: u16,
}

/// Where mail goes.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// Domains that have a way of their own.
    pub domains: BTreeMap<DomainName, HostPort>,
    /// Where everything else goes; `None`: by DNS.
    pub relay: Option<HostPort>,
    /// The port of MX hosts.
    pub port: u16,
}

/// A host to hand mail to, and its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hop {
    pub(crate) host: DomainName,
    pub(crate) addresses: Vec<SocketAddr>,
    /// It is the relay: its name is to be proved by its certificate, and it may want a sign-in.
    pub(crate) is_relay: bool,
}

/// Why there is no way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoRoute {
    /// The domain does not exist, or has no host: permanent, `5.1.2`.
    #[error("the domain {0} does not exist or takes no mail")]
    NoSuchDomain(DomainName),
    /// The domain says it takes no mail (RFC 7505 §4.2): permanent, `5.1.10`.
    #[error("the domain {0} takes no mail")]
    NullMx(DomainName),
    /// DNS does not answer: temporary, `4.4.3`.
    #[error("{0}")]
    Temporary(ResolveError),
}

impl From<ResolveError> for NoRoute {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::NoSuchName(domain) => Self::NoSuchDomain(domain),
            temporary @ ResolveError::Temporary(..) => Self::Temporary(temporary),
        }
    }
}

/// The hosts of a domain, the most preferred first.
pub(crate) async fn hops(routes: &Routes, resolver: &Resolver, domain: &DomainName) -> Result<Vec<Hop>, NoRoute> {
    if let Some(way) = routes.domains.get(domain) {
        return fixed(resolver, way, false).await;
    }
    if let Some(relay) = &routes.relay {
        return fixed(resolver, relay, true).await;
    }
    let hosts = if domain.is_literal() { MailHosts::Implicit } else { resolver.mail_hosts(domain).await? };
    let hosts = match hosts {
        MailHosts::Nobody => return Err(NoRoute::NullMx(domain.clone())),
        MailHosts::Implicit => vec![domain.clone()],
        MailHosts::Hosts(hosts) => hosts.into_iter().map(|(_, host)| host).collect(),
    };
    let (mut hops, mut failure, mut left) = (Vec::new(), None, ADDRESSES_TRIED_MAX);
    for host in hosts {
        match resolver.addresses(&host).await {
            Ok(found) => {
                let addresses = sockets(&found, routes.port, &mut left);
                if !addresses.is_empty() {
                    hops.push(Hop { host, addresses, is_relay: false });
                }
            }
            // One host that is not there does not matter while there is another; a temporary failure may hide one.
            Err(error @ ResolveError::Temporary(..)) => failure = Some(error.into()),
            Err(error) => failure = failure.or_else(|| Some(error.into())),
        }
    }
    if hops.is_empty() { Err(failure.unwrap_or_else(|| NoRoute::NoSuchDomain(domain.clone()))) } else { Ok(hops) }
}

async fn fixed(resolver: &Resolver, way: &HostPort, is_relay: bool) -> Result<Vec<Hop>, NoRoute> {
    // The operator named the host: if it is not there, that is ours to mend, and no reason to send mail back.
    let found = resolver.addresses(&way.host).await.map_err(|error| match error {
        ResolveError::NoSuchName(host) => {
            NoRoute::Temporary(ResolveError::Temporary(host, "the configured host has no address".into()))
        }
        temporary @ ResolveError::Temporary(..) => NoRoute::Temporary(temporary),
    })?;
    let addresses = sockets(&found, way.port, &mut ADDRESSES_TRIED_MAX.clone());
    Ok(vec![Hop { host: way.host.clone(), addresses, is_relay }])
}

fn sockets(addresses: &[IpAddr], port: u16, left: &mut usize) -> Vec<SocketAddr> {
    let taken: Vec<_> = addresses.iter().take(*left).map(|ip| SocketAddr::new(*ip, port)).collect();
    *left -= taken.len();
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use net::ZoneEntry;

    fn domain(text: &str) -> DomainName {
        DomainName::parse(text).unwrap()
    }

    fn resolver() -> Resolver {
        let entry = |mx: &[(u16, &str)], addresses: &[&str]| ZoneEntry {
            mx: mx.iter().map(|(p, h)| (*p, (*h).to_owned())).collect(),
            addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
        };
        Resolver::zone([
            ("two.example".to_owned(), entry(&[(20, "b.example"), (10, "a.example"), (5, "gone.example")], &[])),
            ("a.example".to_owned(), entry(&[], &["192.0.2.1", "2001:db8::1"])),
            ("b.example".to_owned(), entry(&[], &["192.0.2.2"])),
            ("null.example".to_owned(), entry(&[(0, ".")], &[])),
            ("deaf.example".to_owned(), entry(&[(10, "gone.example")], &[])),
        ])
    }

    #[tokio::test]
    async fn hosts_are_tried_by_preference_and_missing_ones_passed_over() {
        let routes = Routes { port: 25, ..Routes::default() };
        let hops = hops(&routes, &resolver(), &domain("two.example")).await.unwrap();
        let found: Vec<_> = hops.iter().map(|h| (h.host.as_str(), h.addresses.len())).collect();
        assert_eq!(found, [("a.example", 2), ("b.example", 1)]);
    }

    #[tokio::test]
    async fn what_takes_no_mail_is_permanent_and_a_missing_relay_is_not() {
        let routes = Routes { port: 25, ..Routes::default() };
        let null = hops(&routes, &resolver(), &domain("null.example")).await;
        assert_eq!(null, Err(NoRoute::NullMx(domain("null.example"))));
        let deaf = hops(&routes, &resolver(), &domain("deaf.example")).await;
        assert_eq!(deaf, Err(NoRoute::NoSuchDomain(domain("gone.example"))));
        let relay = Some(HostPort { host: domain("gone.example"), port: 587 });
        let routes = Routes { relay, ..routes };
        assert!(matches!(hops(&routes, &resolver(), &domain("two.example")).await, Err(NoRoute::Temporary(_))));
    }

    #[tokio::test]
    async fn a_domain_s_own_route_goes_before_the_relay() {
        let to = |text: &str, port| HostPort { host: domain(text), port };
        let routes = Routes {
            domains: BTreeMap::from([(domain("two.example"), to("[127.0.0.1]", 2525))]),
            relay: Some(to("a.example", 587)),
            port: 25,
        };
        let own = hops(&routes, &resolver(), &domain("two.example")).await.unwrap();
        assert_eq!(own.first().map(|h| h.addresses.clone()), Some(vec!["127.0.0.1:2525".parse().unwrap()]));
        let other = hops(&routes, &resolver(), &domain("any.example")).await.unwrap();
        assert!(other.first().is_some_and(|h| h.is_relay));
    }
}
