//! What a session runs over: a stream that may become TLS.

use net::{HandshakeError, Stream, TlsInfo, TlsServer};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

/// A stream with what the session has to know of it.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + Send + Sized + 'static {
    /// What TLS was agreed; `None` in clear.
    fn tls(&self) -> Option<TlsInfo>;

    /// Shakes hands as the server.
    fn start_tls(self, tls: &TlsServer) -> impl Future<Output = Result<Self, HandshakeError>> + Send;
}

impl Transport for Stream {
    fn tls(&self) -> Option<TlsInfo> {
        Self::tls(self)
    }

    fn start_tls(self, tls: &TlsServer) -> impl Future<Output = Result<Self, HandshakeError>> + Send {
        Self::start_tls(self, tls)
    }
}

/// A stream in memory whose TLS is a flag, for tests of sessions. What would bind to it is always the same.
#[derive(Debug)]
pub struct Piped {
    stream: DuplexStream,
    tls: bool,
}

impl Piped {
    /// The channel binding `tls-exporter` of every such stream.
    pub const EXPORTER: [u8; 32] = [0x5a; 32];

    /// Over one end of a pipe.
    pub fn new(stream: DuplexStream, tls: bool) -> Self {
        Self { stream, tls }
    }
}

impl Transport for Piped {
    fn tls(&self) -> Option<TlsInfo> {
        self.tls.then(|| TlsInfo { exporter: Some(Self::EXPORTER), ..TlsInfo::plain() })
    }

    async fn start_tls(self, _: &TlsServer) -> Result<Self, HandshakeError> {
        Ok(Self { tls: true, ..self })
    }
}

impl AsyncRead for Piped {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Piped {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
