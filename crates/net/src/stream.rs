//! A connection's bytes: TCP or a Unix socket, bare or inside TLS, and the step from bare to TLS.

use crate::client::TlsClient;
use crate::tls::{Shaken, TlsServer, x509};
use rustix::net::{SendFlags, send};
use rustls_pki_types::ServerName;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsStream;

/// Most bytes that one [`read_with`] hands over: a TLS record's content.
const READ_MAX: usize = 16 << 10;

/// The other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    /// Over TCP; an IPv4 address is never in its IPv6 form.
    Tcp(SocketAddr),
    /// A program on this machine, over a Unix socket.
    Unix,
}

impl Peer {
    /// Its address.
    pub fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Tcp(address) => Some(address.ip()),
            Self::Unix => None,
        }
    }

    /// Whether it is on this machine.
    pub fn is_local(self) -> bool {
        self.ip().is_none_or(|ip| ip.is_loopback())
    }
}

impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix => f.write_str("unix"),
        }
    }
}

/// What is known of a connection's TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsInfo {
    /// `TLS1.3` or `TLS1.2`, as Received writes it (RFC 8314 §7.4).
    pub version: &'static str,
    /// The cipher suite by its IANA name, such as `TLS_AES_128_GCM_SHA256`.
    pub cipher: &'static str,
    /// The name that the client asked for (SNI).
    pub server_name: Option<String>,
    /// The channel binding `tls-exporter` (RFC 9266): of TLS 1.3, and of TLS 1.2 with the extended master secret; on our
    /// own connections to other servers of TLS 1.3 only.
    pub exporter: Option<[u8; 32]>,
    /// The channel binding `tls-server-end-point` (RFC 5929 §4); `None` where it is undefined for the certificate.
    pub server_end_point: Option<Vec<u8>>,
    /// The certificate (DER) whose key the client has proved to have, if it showed one that is valid and of an authority that
    /// counts. Who that is, the directory knows.
    pub client_certificate: Option<Vec<u8>>,
}

impl TlsInfo {
    /// The SHA-256 of the client's certificate.
    pub fn client_fingerprint(&self) -> Option<[u8; 32]> {
        self.client_certificate.as_deref().map(crate::tls::sha256)
    }

    /// A session of which nothing is known that could bind to it, for tests.
    pub fn plain() -> Self {
        Self {
            version: "TLS1.3",
            cipher: "TLS_AES_128_GCM_SHA256",
            server_name: None,
            exporter: None,
            server_end_point: None,
            client_certificate: None,
        }
    }
}

/// RFC 9266 §2.
const CHANNEL_BINDING: &[u8] = b"EXPORTER-Channel-Binding";

/// Why TLS did not come about.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The peer took too long.
    #[error("the handshake took too long")]
    TimedOut,
    /// The peer broke it off, or spoke something else.
    #[error("the handshake failed: {0}")]
    Failed(#[source] io::Error),
    /// There is TLS on this connection already.
    #[error("the connection is inside TLS already")]
    Already,
}

/// A bare connection.
#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A connection. It keeps no plaintext of its own: after [`Stream::start_tls`] nothing is left of what came before but
/// what the caller keeps.
#[derive(Debug)]
pub struct Stream(Inner);

#[derive(Debug)]
enum Inner {
    Bare(Socket),
    // Boxed: the state of a TLS connection is large, and most of a session's future would be made of it.
    Tls(Box<Tls>),
}

#[derive(Debug)]
struct Tls {
    stream: TlsStream<Socket>,
    /// What we know as the server; `None` as the client.
    shaken: Option<Shaken>,
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Self {
        Self(Inner::Bare(Socket::Tcp(stream)))
    }
}

impl From<UnixStream> for Stream {
    fn from(stream: UnixStream) -> Self {
        Self(Inner::Bare(Socket::Unix(stream)))
    }
}

impl Stream {
    /// Shakes hands as the server, within the time that `tls` grants. The caller must have thrown away everything that
    /// it read before (RFC 3207 §4.2, RFC 9051 §6.2.1); what the peer sends early after this breaks the handshake.
    pub async fn start_tls(self, tls: &TlsServer) -> Result<Self, HandshakeError> {
        let Inner::Bare(socket) = self.0 else { return Err(HandshakeError::Already) };
        // Boxed, so that the session's future need not have room for a handshake.
        let accepted = tokio::time::timeout(tls.handshake_timeout(), Box::pin(tls.accept(socket))).await;
        let (stream, shaken) = accepted.map_err(|_| HandshakeError::TimedOut)?.map_err(HandshakeError::Failed)?;
        Ok(Self(Inner::Tls(Box::new(Tls { stream: stream.into(), shaken: Some(shaken) }))))
    }

    /// Shakes hands as the client, expecting a certificate for `name` if `tls` wants one at all.
    pub async fn connect_tls(self, tls: &TlsClient, name: ServerName<'static>) -> Result<Self, HandshakeError> {
        let Inner::Bare(socket) = self.0 else { return Err(HandshakeError::Already) };
        let connect = Box::pin(tls.connector().connect(name, socket));
        let stream = tokio::time::timeout(tls.handshake_timeout(), connect).await;
        let stream = stream.map_err(|_| HandshakeError::TimedOut)?.map_err(HandshakeError::Failed)?;
        Ok(Self(Inner::Tls(Box::new(Tls { stream: stream.into(), shaken: None }))))
    }

    /// Puts a few bytes into the kernel's buffer for a peer that is turned away, and closes. Never waits; whether they are
    /// heard is the peer's business.
    pub(crate) fn say_last(self, text: &[u8]) {
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        let _heard = match &self.0 {
            Inner::Bare(Socket::Tcp(stream)) => send(stream, text, flags),
            Inner::Bare(Socket::Unix(stream)) => send(stream, text, flags),
            Inner::Tls(_) => return,
        };
    }

    /// What is known of TLS; `None` in clear.
    pub fn tls(&self) -> Option<TlsInfo> {
        let Inner::Tls(tls) = &self.0 else { return None };
        let (_, common) = tls.stream.get_ref();
        let is_tls13 = common.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_3);
        let cipher = common.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
        let server_name = match &tls.stream {
            TlsStream::Server(server) => server.get_ref().1.server_name().map(str::to_owned),
            TlsStream::Client(_) => None,
        };
        let peer = common.peer_certificates().and_then(<[_]>::first);
        let is_unique = tls.shaken.as_ref().map_or(is_tls13, |shaken| shaken.is_unique);
        let (server_end_point, client_certificate) = match &tls.shaken {
            Some(shaken) => (
                shaken.shown.end_point().map(<[u8]>::to_vec),
                peer.filter(|_| shaken.trusts_client).map(|certificate| certificate.to_vec()),
            ),
            None => (peer.and_then(|certificate| x509::server_end_point(certificate)), None),
        };
        Some(TlsInfo {
            version: if is_tls13 { "TLS1.3" } else { "TLS1.2" },
            cipher: cipher.map_or("unknown", iana_name),
            server_name,
            exporter: tls.export(CHANNEL_BINDING).filter(|_| is_unique),
            server_end_point,
            client_certificate,
        })
    }
}

impl Tls {
    /// Keying material of this session (RFC 5705, RFC 8446 §7.5), of an empty context, which TLS 1.2 tells from none.
    fn export<const N: usize>(&self, label: &[u8]) -> Option<[u8; N]> {
        let exported = match &self.stream {
            TlsStream::Server(server) => server.get_ref().1.export_keying_material([0; N], label, Some(&[])),
            TlsStream::Client(client) => client.get_ref().1.export_keying_material([0; N], label, Some(&[])),
        };
        exported.ok()
    }
}

/// rustls spells `TLS13_AES_128_GCM_SHA256` what IANA calls `TLS_AES_128_GCM_SHA256`.
fn iana_name(name: &'static str) -> &'static str {
    match name {
        "TLS13_AES_128_GCM_SHA256" => "TLS_AES_128_GCM_SHA256",
        "TLS13_AES_256_GCM_SHA384" => "TLS_AES_256_GCM_SHA384",
        "TLS13_CHACHA20_POLY1305_SHA256" => "TLS_CHACHA20_POLY1305_SHA256",
        other => other,
    }
}

thread_local! {
    /// Where reads land before they are handed on: one per thread, not one per connection, so that a connection that
    /// waits holds no read buffer.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_MAX].into());
}

/// Waits for bytes and hands at most `max` of them (and 16 KiB) to `take`, without a buffer of the connection's own;
/// returns how many, 0 at the end of the stream. Safe to drop while it waits: nothing is lost.
pub async fn read_with<S>(stream: &mut S, max: usize, take: impl FnOnce(&[u8])) -> io::Result<usize>
where
    S: AsyncRead + Unpin + ?Sized,
{
    let mut take = Some(take);
    poll_fn(|context| {
        SCRATCH.with_borrow_mut(|scratch| {
            let size = max.min(scratch.len());
            let mut buffer = ReadBuf::new(scratch.get_mut(..size).unwrap_or_default());
            let read = Pin::new(&mut *stream).poll_read(context, &mut buffer);
            if let (Poll::Ready(Ok(())), Some(take)) = (&read, take.take_if(|_| !buffer.filled().is_empty())) {
                take(buffer.filled());
            }
            read.map_ok(|()| buffer.filled().len())
        })
    })
    .await
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Inner::Bare(socket) => Pin::new(socket).poll_read(cx, buffer),
            Inner::Tls(tls) => Pin::new(&mut tls.stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Inner::Bare(socket) => Pin::new(socket).poll_write(cx, bytes),
            Inner::Tls(tls) => Pin::new(&mut tls.stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Inner::Bare(socket) => Pin::new(socket).poll_write_vectored(cx, slices),
            Inner::Tls(tls) => Pin::new(&mut tls.stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.0 {
            Inner::Bare(socket) => socket.is_write_vectored(),
            Inner::Tls(tls) => tls.stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Inner::Bare(socket) => Pin::new(socket).poll_flush(cx),
            Inner::Tls(tls) => Pin::new(&mut tls.stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Inner::Bare(socket) => Pin::new(socket).poll_shutdown(cx),
            Inner::Tls(tls) => Pin::new(&mut tls.stream).poll_shutdown(cx),
        }
    }
}
