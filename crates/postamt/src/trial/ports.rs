//! The trial's ports: `10` before the usual number, or the next free one.

use crate::server::{Kind, Listen};
use anyhow::bail;
use net::Endpoint;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

/// How many ports are tried for each listener.
const TRIED_MAX: u16 = 200;

const WANTED: [(Kind, u16); 8] = [
    (Kind::Smtp, 10025),
    (Kind::Submission, 10587),
    (Kind::Submissions, 10465),
    (Kind::Imap, 10143),
    (Kind::Imaps, 10993),
    (Kind::Pop3, 10110),
    (Kind::Pop3s, 10995),
    (Kind::Lmtp, 10024),
];

/// A listener on IPv4's and, where there is one, IPv6's loopback for each kind, on the same port.
pub(super) fn find() -> anyhow::Result<Vec<Listen>> {
    let v4 = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let v6 = IpAddr::V6(Ipv6Addr::LOCALHOST);
    let has_v6 = TcpListener::bind((v6, 0)).is_ok();
    let addresses = if has_v6 { vec![v4, v6] } else { vec![v4] };
    let mut all: Vec<Listen> = Vec::new();
    for (kind, wanted) in WANTED {
        let taken =
            |port: u16| WANTED.iter().any(|(k, p)| *k != kind && *p == port) || all.iter().any(|l| has(l, port));
        let free = |port: u16| addresses.iter().all(|ip| TcpListener::bind((*ip, port)).is_ok());
        let mut tried = wanted..wanted.saturating_add(TRIED_MAX);
        let Some(port) = tried.find(|port| !taken(*port) && free(*port)) else {
            bail!("no port from {wanted} on is free");
        };
        let listen = |ip: &IpAddr| Listen { kind, endpoint: Endpoint::Tcp(SocketAddr::new(*ip, port)) };
        all.extend(addresses.iter().map(listen));
    }
    Ok(all)
}

fn has(listen: &Listen, port: u16) -> bool {
    matches!(listen.endpoint, Endpoint::Tcp(address) if address.port() == port)
}
