//! Where connections come in: TCP ports and Unix sockets.

use crate::{Peer, Stream};
use rustix::net::sockopt;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream as BlockingUnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener};

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;
/// After so long without a byte the kernel asks whether the peer is still there: a phone that lost its network must not
/// hold its connection until the idle time-out.
const KEEPALIVE: Duration = Duration::from_mins(5);

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A TCP address and port; port 0 takes any free one. `[::]` is IPv6 alone: name `0.0.0.0` too if both are wanted.
    Tcp(SocketAddr),
    /// A Unix socket. One that is left over from a process that is gone is replaced.
    Unix {
        /// Where.
        path: PathBuf,
        /// Who may connect, as a file mode such as `0o660`.
        mode: u32,
    },
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix { path, .. } => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Why it cannot be listened there.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {endpoint}")]
pub struct BindError {
    /// Where.
    pub endpoint: Endpoint,
    /// Why.
    #[source]
    pub cause: io::Error,
}

/// An open listener.
#[derive(Debug)]
pub struct Listener(Socket);

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener, #[expect(dead_code, reason = "it is held, not read")] Removed),
}

/// Takes the socket's file away at the end.
#[derive(Debug)]
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        // If it is gone already, all the better.
        let _gone = std::fs::remove_file(&self.0);
    }
}

impl Listener {
    /// Opens it. To be called on a runtime.
    pub fn bind(endpoint: &Endpoint) -> Result<Self, BindError> {
        let opened = match endpoint {
            Endpoint::Tcp(address) => bind_tcp(*address),
            Endpoint::Unix { path, mode } => bind_unix(path, *mode),
        };
        opened.map(Self).map_err(|cause| BindError { endpoint: endpoint.clone(), cause })
    }

    /// The TCP address, with the port that was taken; `None` for a Unix socket.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match &self.0 {
            Socket::Tcp(listener) => listener.local_addr().ok(),
            Socket::Unix(..) => None,
        }
    }

    /// Takes the next connection. Safe to drop while it waits.
    pub(crate) async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match &self.0 {
            Socket::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                prepare(&stream);
                let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
                Ok((stream.into(), Peer::Tcp(peer)))
            }
            Socket::Unix(listener, _) => Ok((listener.accept().await?.0.into(), Peer::Unix)),
        }
    }
}

fn prepare(stream: &TcpStream) {
    // A peer that has gone already makes these fail; the first read tells.
    let _gone = stream.set_nodelay(true);
    let _gone = sockopt::set_socket_keepalive(stream, true).and_then(|()| sockopt::set_tcp_keepidle(stream, KEEPALIVE));
}

fn bind_tcp(address: SocketAddr) -> io::Result<Socket> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        let socket = TcpSocket::new_v6()?;
        sockopt::set_ipv6_v6only(&socket, true)?;
        socket
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(Socket::Tcp(socket.listen(BACKLOG)?))
}

fn bind_unix(path: &Path, mode: u32) -> io::Result<Socket> {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket());
    if is_socket && BlockingUnixStream::connect(path).is_err() {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    let removed = Removed(path.to_owned());
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    Ok(Socket::Unix(listener, removed))
}
