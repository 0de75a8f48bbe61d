//! The evidence that no password in clear is ever asked for or accepted (G6), taken from outside: over the listeners of a
//! server that runs, as a program would come, with a made-up name and a made-up password. What a right password would
//! do, the matrix of the tests shows (docs/passwords.md); here is seen that this very server is set up so.
//!
//! [`attempt`] is what is said, [`talk`] how it is said and heard, [`judge`] what has to come of it.

pub(crate) mod attempt;
mod judge;
mod talk;

use crate::config::schema::Listen;
use anyhow::Context as _;
use net::{Stream, TlsClient};
use rustls_pki_types::ServerName;
use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

pub(crate) use attempt::MadeUp;

/// How long a listener may take to let us in.
const PATIENCE: Duration = Duration::from_secs(10);

/// A protocol, or the role of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Imap,
    Pop3,
    /// SMTP, of people's programs or of other servers: AUTH is asked for in the same words.
    Smtp,
}

/// Whether TLS comes before the first word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begins {
    Clear,
    Tls,
}

/// A listener to look at.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    /// Its setting.
    pub(crate) listener: &'static str,
    /// Where, as it is set.
    pub(crate) address: String,
    pub(crate) protocol: Protocol,
    pub(crate) begins: Begins,
}

/// The listeners of a configuration. LMTP is left out: nobody signs in there, and it is for this machine.
pub(crate) fn doors(listen: &Listen) -> Vec<Door> {
    use Begins::{Clear, Tls};
    use Protocol::{Imap, Pop3, Smtp};
    let all = [
        ("imap", &listen.imap, Imap, Clear),
        ("imaps", &listen.imaps, Imap, Tls),
        ("pop3", &listen.pop3, Pop3, Clear),
        ("pop3s", &listen.pop3s, Pop3, Tls),
        ("submission", &listen.submission, Smtp, Clear),
        ("submissions", &listen.submissions, Smtp, Tls),
        ("smtp", &listen.smtp, Smtp, Clear),
    ];
    let doors = all.into_iter().flat_map(|(listener, addresses, protocol, begins)| {
        addresses.iter().map(move |address| Door { listener, address: address.clone(), protocol, begins })
    });
    doors.collect()
}

/// A piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What was tried.
    pub(crate) tried: String,
    /// What came of it.
    pub(crate) heard: String,
    /// Whether that is as it must be.
    pub(crate) holds: bool,
}

/// What came of a listener.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) listener: &'static str,
    pub(crate) address: String,
    pub(crate) findings: Vec<Finding>,
}

/// A way to a listener; a test has its own.
pub(crate) trait Reach {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin;
    /// Opens one.
    async fn connect(&self) -> anyhow::Result<Self::Stream>;
    /// The client's handshake.
    async fn secure(&self, stream: Self::Stream) -> anyhow::Result<Self::Stream>;
}

/// Over TCP.
struct Tcp {
    address: SocketAddr,
    tls: Arc<TlsClient>,
}

impl Reach for Tcp {
    type Stream = Stream;

    async fn connect(&self) -> anyhow::Result<Stream> {
        Ok(net::connect(self.address, None, PATIENCE).await?.0)
    }

    async fn secure(&self, stream: Stream) -> anyhow::Result<Stream> {
        Ok(stream.connect_tls(&self.tls, ServerName::from(self.address.ip())).await?)
    }
}

/// Looks at all of them.
pub(crate) async fn look(doors: &[Door], made_up: &MadeUp) -> anyhow::Result<Vec<Verdict>> {
    // Which certificate it is, is not the question here, and the password is nobody's.
    let tls = TlsClient::opportunistic().context("cannot speak TLS")?;
    let mut verdicts = Vec::new();
    for door in doors {
        let findings = match reachable(&door.address).await {
            Some(address) => judge::judge(&Tcp { address, tls: Arc::clone(&tls) }, door, made_up).await,
            None => vec![Finding { tried: "connect".into(), heard: "nothing answers there".into(), holds: false }],
        };
        verdicts.push(Verdict { listener: door.listener, address: door.address.clone(), findings });
    }
    Ok(verdicts)
}

/// Where a listener can be reached from this machine: one for all addresses on the loopback.
async fn reachable(address: &str) -> Option<SocketAddr> {
    let address: SocketAddr = address.parse().ok()?;
    let loopbacks = match address.ip() {
        IpAddr::V6(ip) if ip.is_unspecified() => vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()],
        IpAddr::V4(ip) if ip.is_unspecified() => vec![Ipv4Addr::LOCALHOST.into()],
        ip => vec![ip],
    };
    for ip in loopbacks {
        let there = SocketAddr::new(ip, address.port());
        if net::connect(there, None, PATIENCE).await.is_ok() {
            return Some(there);
        }
    }
    None
}

#[cfg(test)]
mod tests;
