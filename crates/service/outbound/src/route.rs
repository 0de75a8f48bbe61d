//! Where a domain's mail is handed over: a configured route, the relay, or what DNS says.

use net::{MailHosts, ResolveError, Resolver};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use types::DomainName;

/// Most addresses that are tried for one domain in one attempt.
pub(crate) const ADDRESSES_TRIED_MAX: usize = 10;

/// Most addresses of one host, so that there is a turn left for the next one.
pub(crate) const ADDRESSES_PER_HOST_MAX: usize = 4;

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

/// What this server is to others.
#[derive(Clone, Debug)]
pub(crate) struct Ourselves {
    /// The name that it greets with.
    pub(crate) hostname: DomainName,
    /// Where it takes mail.
    pub(crate) listening: Vec<SocketAddr>,
}

impl Ourselves {
    /// Whether mail sent there would come back here.
    fn is_at(&self, address: SocketAddr) -> bool {
        let is_here = |listening: &SocketAddr| {
            let same_port = listening.port() == address.port();
            same_port && (listening.ip() == address.ip() || listening.ip().is_unspecified() && is_local(address.ip()))
        };
        self.listening.iter().any(is_here)
    }
}

/// Whether an address is one of this machine's: only such a one can be bound.
fn is_local(ip: IpAddr) -> bool {
    ip.is_loopback() || UdpSocket::bind(SocketAddr::new(ip, 0)).is_ok()
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
    /// The best host is this server, and the domain is none of ours (RFC 5321 §5.1): permanent, `5.4.6`.
    #[error("mail for {0} leads back to this server")]
    Loop(DomainName),
    /// DNS does not answer: temporary, `4.4.3`.
    #[error("{0}")]
    Temporary(ResolveError),
    /// The configured host has no address: ours to mend, and no reason to send mail back.
    #[error("the configured host {0} has no address")]
    Misconfigured(DomainName),
}

impl From<ResolveError> for NoRoute {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::NoSuchName(domain) => Self::NoSuchDomain(domain),
            temporary @ ResolveError::Temporary(..) => Self::Temporary(temporary),
        }
    }
}

/// The hosts of a domain, the most preferred first. Given who we are, those are left out that would lead back here, with
/// all that are not preferred to them (RFC 5321 §5.1).
pub(crate) async fn hops(
    routes: &Routes,
    resolver: &Resolver,
    ourselves: Option<&Ourselves>,
    domain: &DomainName,
) -> Result<Vec<Hop>, NoRoute> {
    if let Some(way) = routes.domains.get(domain) {
        return fixed(resolver, way, false).await;
    }
    if let Some(relay) = &routes.relay {
        return fixed(resolver, relay, true).await;
    }
    let hosts = if domain.is_literal() { MailHosts::Implicit } else { resolver.mail_hosts(domain).await? };
    let hosts = match hosts {
        MailHosts::Nobody => return Err(NoRoute::NullMx(domain.clone())),
        MailHosts::Implicit => vec![(0, domain.clone())],
        MailHosts::Hosts(hosts) => hosts,
    };
    let (mut hops, mut failure, mut left) = (Vec::new(), None, ADDRESSES_TRIED_MAX);
    // Our own preference, if we are among them.
    let mut own: Option<u16> = None;
    for (preference, host) in hosts {
        if own.is_some_and(|own| preference > own) {
            break;
        }
        if ourselves.is_some_and(|us| us.hostname == host) {
            own = Some(preference);
            continue;
        }
        match resolver.addresses(&host).await {
            Ok(found) => {
                let addresses = sockets(&found, routes.port, &mut left);
                if ourselves.is_some_and(|us| addresses.iter().any(|address| us.is_at(*address))) {
                    own = Some(preference);
                } else if !addresses.is_empty() {
                    hops.push((preference, Hop { host, addresses, is_relay: false }));
                }
            }
            // One host that is not there does not matter while there is another; a temporary failure may hide one.
            Err(error @ ResolveError::Temporary(..)) => failure = Some(error.into()),
            Err(error) => failure = failure.or_else(|| Some(error.into())),
        }
    }
    if let Some(own) = own {
        hops.retain(|(preference, _)| *preference < own);
        // A better host that DNS does not tell of just now may be there later.
        if hops.is_empty() && !matches!(failure, Some(NoRoute::Temporary(_))) {
            return Err(NoRoute::Loop(domain.clone()));
        }
    }
    let hops: Vec<_> = hops.into_iter().map(|(_, hop)| hop).collect();
    if hops.is_empty() { Err(failure.unwrap_or_else(|| NoRoute::NoSuchDomain(domain.clone()))) } else { Ok(hops) }
}

async fn fixed(resolver: &Resolver, way: &HostPort, is_relay: bool) -> Result<Vec<Hop>, NoRoute> {
    let found = resolver.addresses(&way.host).await.map_err(|error| match error {
        ResolveError::NoSuchName(host) => NoRoute::Misconfigured(host),
        temporary @ ResolveError::Temporary(..) => NoRoute::Temporary(temporary),
    })?;
    let addresses = sockets(&found, way.port, &mut ADDRESSES_TRIED_MAX.clone());
    Ok(vec![Hop { host: way.host.clone(), addresses, is_relay }])
}

fn sockets(addresses: &[IpAddr], port: u16, left: &mut usize) -> Vec<SocketAddr> {
    let taken: Vec<_> =
        addresses.iter().take(ADDRESSES_PER_HOST_MAX.min(*left)).map(|ip| SocketAddr::new(*ip, port)).collect();
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
        let hops = hops(&routes, &resolver(), None, &domain("two.example")).await.unwrap();
        let found: Vec<_> = hops.iter().map(|h| (h.host.as_str(), h.addresses.len())).collect();
        assert_eq!(found, [("a.example", 2), ("b.example", 1)]);
    }

    #[tokio::test]
    async fn what_takes_no_mail_is_permanent_and_a_missing_relay_is_not() {
        let routes = Routes { port: 25, ..Routes::default() };
        let null = hops(&routes, &resolver(), None, &domain("null.example")).await;
        assert_eq!(null, Err(NoRoute::NullMx(domain("null.example"))));
        let deaf = hops(&routes, &resolver(), None, &domain("deaf.example")).await;
        assert_eq!(deaf, Err(NoRoute::NoSuchDomain(domain("gone.example"))));
        let relay = Some(HostPort { host: domain("gone.example"), port: 587 });
        let routes = Routes { relay, ..routes };
        assert!(matches!(
            hops(&routes, &resolver(), None, &domain("two.example")).await,
            Err(NoRoute::Misconfigured(_))
        ));
    }

    #[tokio::test]
    async fn a_domain_s_own_route_goes_before_the_relay() {
        let to = |text: &str, port| HostPort { host: domain(text), port };
        let routes = Routes {
            domains: BTreeMap::from([(domain("two.example"), to("[127.0.0.1]", 2525))]),
            relay: Some(to("a.example", 587)),
            port: 25,
        };
        let own = hops(&routes, &resolver(), None, &domain("two.example")).await.unwrap();
        assert_eq!(own.first().map(|h| h.addresses.clone()), Some(vec!["127.0.0.1:2525".parse().unwrap()]));
        let other = hops(&routes, &resolver(), None, &domain("any.example")).await.unwrap();
        assert!(other.first().is_some_and(|h| h.is_relay));
    }

    #[tokio::test]
    async fn addresses_are_tried_up_to_their_limits() {
        let address = |n: usize| IpAddr::from([192, 0, 2, u8::try_from(n).unwrap()]);
        let hosts = (1..=4).map(|n| (n, format!("h{n}.example"))).collect();
        let mut zone = vec![("many.example".to_owned(), ZoneEntry { mx: hosts, addresses: vec![] })];
        for n in 1..=4 {
            let addresses = (0..=ADDRESSES_PER_HOST_MAX).map(|m| address(n * 10 + m)).collect();
            zone.push((format!("h{n}.example"), ZoneEntry { mx: vec![], addresses }));
        }
        let routes = Routes { port: 25, ..Routes::default() };
        let hops = hops(&routes, &Resolver::zone(zone), None, &domain("many.example")).await.unwrap();
        let counts: Vec<_> = hops.iter().map(|hop| hop.addresses.len()).collect();
        assert_eq!(counts, [ADDRESSES_PER_HOST_MAX, ADDRESSES_PER_HOST_MAX, 2]);
        assert_eq!(counts.iter().sum::<usize>(), ADDRESSES_TRIED_MAX);
    }

    #[tokio::test]
    async fn hosts_that_lead_back_here_are_left_out_with_those_behind_them() {
        let entry = |mx: &[(u16, &str)], addresses: &[&str]| ZoneEntry {
            mx: mx.iter().map(|(p, h)| (*p, (*h).to_owned())).collect(),
            addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
        };
        let zone = Resolver::zone([
            ("a.example".to_owned(), entry(&[], &["192.0.2.1"])),
            ("us.example".to_owned(), entry(&[], &["192.0.2.9"])),
            ("alias.example".to_owned(), entry(&[], &["192.0.2.9"])),
            ("backup.example".to_owned(), entry(&[(10, "a.example"), (20, "us.example"), (30, "alias.example")], &[])),
            ("name.example".to_owned(), entry(&[(10, "us.example"), (10, "a.example"), (20, "a.example")], &[])),
            ("address.example".to_owned(), entry(&[(10, "alias.example"), (20, "a.example")], &[])),
        ]);
        let us =
            |listening: &str| Ourselves { hostname: domain("us.example"), listening: vec![listening.parse().unwrap()] };
        let routes = Routes { port: 25, ..Routes::default() };
        let names = async |us: &Ourselves, to: &str| match hops(&routes, &zone, Some(us), &domain(to)).await {
            Ok(hops) => hops.iter().map(|hop| hop.host.to_string()).collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        };
        let here = us("192.0.2.9:25");
        assert_eq!(names(&here, "backup.example").await, "a.example");
        assert_eq!(names(&here, "name.example").await, "mail for name.example leads back to this server");
        assert_eq!(names(&here, "address.example").await, "mail for address.example leads back to this server");
        assert_eq!(names(&here, "[192.0.2.9]").await, "mail for [192.0.2.9] leads back to this server");
        assert_eq!(names(&us("192.0.2.9:2525"), "address.example").await, "alias.example a.example", "another port");
        let everywhere = us("0.0.0.0:25");
        assert_eq!(names(&everywhere, "[127.0.0.1]").await, "mail for [127.0.0.1] leads back to this server");
        assert_eq!(names(&everywhere, "address.example").await, "alias.example a.example", "not of this machine");
    }
}
