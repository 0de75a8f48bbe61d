//! TLS for servers: one configuration for all listeners, whose certificates can change while it runs.

mod certificates;
mod self_made;

pub use certificates::{CertificateFiles, Certificates, certificate_sha256};
pub use self_made::{SelfMade, self_made};

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::TlsAcceptor;

/// Tickets that a new TLS 1.3 session gets, so that a device that reconnects need not do it all again.
const TICKETS: usize = 1;

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

/// The server's side of TLS: 1.2 and 1.3, the library's own choice of suites (all of them with forward secrecy).
pub struct TlsServer {
    acceptor: TlsAcceptor,
    options: TlsOptions,
}

impl TlsServer {
    /// TLS with these certificates.
    pub fn new(certificates: Arc<Certificates>, options: TlsOptions) -> Result<Arc<Self>, TlsError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(certificates);
        // Tickets keep a session's state with the client: nothing to remember here, and resumption costs no signature.
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        config.send_tls13_tickets = TICKETS;
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        Ok(Arc::new(Self { acceptor: TlsAcceptor::from(Arc::new(config)), options }))
    }

    pub(crate) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    pub(crate) fn handshake_timeout(&self) -> Duration {
        self.options.handshake_timeout
    }

    pub(crate) fn write_buffer(&self) -> usize {
        self.options.write_buffer
    }
}

impl std::fmt::Debug for TlsServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsServer").field("options", &self.options).finish_non_exhaustive()
    }
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
