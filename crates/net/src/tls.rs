//! TLS for servers: one configuration for all listeners, whose certificates can change while it runs.

mod certificates;
mod clients;
mod hello;
pub(crate) mod policy;
mod self_made;
mod stamp;
pub(crate) mod x509;

pub use certificates::{CertificateFiles, CertificateStatus, Certificates, certificate_sha256};
pub(crate) use certificates::{Entry, sha256};
pub use self_made::{SelfMade, self_made};

use hello::Overheard;
use rustls::server::Acceptor;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, StartHandshake};

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// Text that should be PEM has no certificate or no private key, or holds something broken.
    #[error("{what}: no usable {wanted} in PEM form")]
    Pem {
        /// Where it was looked for.
        what: String,
        /// What was looked for.
        wanted: &'static str,
    },
    /// Key and certificate do not fit, or are of a kind that is not supported.
    #[error("{what}: {cause}")]
    Certificate {
        /// Which.
        what: String,
        /// Why.
        #[source]
        cause: rustls::Error,
    },
    /// The file holds a certificate that is not valid now, and there is one in use that is.
    #[error("{what}: not valid now, and the one before it is")]
    NotValid {
        /// Which.
        what: String,
    },
    /// There is no certificate.
    #[error("there is no certificate")]
    None,
    /// A certificate cannot be made.
    #[error("cannot make a certificate")]
    Make(#[source] rcgen::Error),
    /// The TLS library refuses the settings.
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

/// Settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsOptions {
    /// Most time that a handshake may take.
    pub handshake_timeout: Duration,
    /// Most bytes of plaintext, and of ciphertext, that wait for a slow reader inside the TLS layer.
    pub write_buffer: usize,
}

impl Default for TlsOptions {
    fn default() -> Self {
        Self { handshake_timeout: Duration::from_secs(20), write_buffer: 64 << 10 }
    }
}

/// The server's side of TLS, by the rules of `policy.rs`.
pub struct TlsServer {
    certificates: Arc<Certificates>,
    options: TlsOptions,
    may_ask: bool,
}

/// What a handshake came to, besides the stream.
#[derive(Debug)]
pub(crate) struct Shaken {
    /// The certificate that the client was shown, now or in the session that this one resumes.
    pub(crate) shown: Arc<Entry>,
    /// Whether keying material binds this session and no other.
    pub(crate) is_unique: bool,
    /// Whether the client's certificate, if it showed one, counts.
    pub(crate) trusts_client: bool,
}

impl TlsServer {
    /// TLS with these certificates for peers that are not asked for theirs: other servers.
    pub fn for_servers(certificates: Arc<Certificates>, options: TlsOptions) -> Arc<Self> {
        Arc::new(Self { certificates, options, may_ask: false })
    }

    /// TLS for people, whose programs are asked for a certificate if the server's certificates say so.
    pub fn for_people(certificates: Arc<Certificates>, options: TlsOptions) -> Arc<Self> {
        Arc::new(Self { certificates, options, may_ask: true })
    }

    /// Shakes hands, without a limit of time.
    pub(crate) async fn accept<S>(&self, stream: S) -> io::Result<(TlsStream<S>, Shaken)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let start = LazyConfigAcceptor::new(Acceptor::default(), Overheard::new(stream)).await?;
        let chosen = self.certificates.choose(&start.client_hello());
        let shown = chosen.ok_or_else(|| io::Error::other(TlsError::None))?;
        let (stream, extended) = start.io.finish();
        let config = Arc::clone(shown.config(self.may_ask && self.certificates.asks_clients()));
        let accept = StartHandshake::from_parts(start.accepted, stream).into_stream_with(config, |connection| {
            connection.set_buffer_limit(Some(self.options.write_buffer));
        });
        let stream = accept.await?;
        let (_, connection) = stream.get_ref();
        let is_unique = extended || connection.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_3);
        let trusts_client = connection.peer_certificates().is_some_and(|chain| shown.trusts_client(chain));
        Ok((stream, Shaken { shown, is_unique, trusts_client }))
    }

    pub(crate) fn handshake_timeout(&self) -> Duration {
        self.options.handshake_timeout
    }
}

impl std::fmt::Debug for TlsServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsServer").field("options", &self.options).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
