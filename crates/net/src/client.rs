//! Connecting to other servers: TCP, and the client's side of TLS.

use crate::tls::TlsError;
use crate::tls::policy::{self, provider};
use crate::{Peer, Stream};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpSocket;
use tokio_rustls::TlsConnector;

/// Most time that a handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing answered in time.
    #[error("no answer from {0} in time")]
    TimedOut(SocketAddr),
    /// Refused, or no way there.
    #[error("cannot connect to {peer}")]
    Failed {
        /// Where to.
        peer: SocketAddr,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// Connects over TCP within `patience`, from `source` if one is given.
pub async fn connect(
    peer: SocketAddr,
    source: Option<IpAddr>,
    patience: Duration,
) -> Result<(Stream, Peer), ConnectError> {
    let failed = |cause| ConnectError::Failed { peer, cause };
    let socket = if peer.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(failed)?;
    socket.set_nodelay(true).map_err(failed)?;
    if let Some(source) = source {
        socket.bind(SocketAddr::new(source, 0)).map_err(failed)?;
    }
    let connected = tokio::time::timeout(patience, socket.connect(peer)).await;
    let stream = connected.map_err(|_| ConnectError::TimedOut(peer))?.map_err(failed)?;
    Ok((stream.into(), Peer::Tcp(peer)))
}

/// The client's side of TLS.
pub struct TlsClient {
    connector: TlsConnector,
}

impl TlsClient {
    /// Wants a certificate for the server's name from one of these authorities (PEM, any number).
    pub fn verified(authorities_pem: &str) -> Result<Arc<Self>, TlsError> {
        let broken = || TlsError::Pem { what: "the authorities".into(), wanted: "certificate" };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(authorities_pem.as_bytes()) {
            // One that the library does not understand must not cost the others.
            let _unusable = roots.add(certificate.map_err(|_| broken())?);
        }
        if roots.is_empty() {
            return Err(broken());
        }
        let config = policy::client()?.with_root_certificates(roots).with_no_client_auth();
        Ok(Self::of(config))
    }

    /// Takes any certificate (RFC 7435, opportunistic security): what a server of mail does that would otherwise have to
    /// send in clear (RFC 3207 §4.1). Never for one's own passwords.
    pub fn opportunistic() -> Result<Arc<Self>, TlsError> {
        let verifier = Arc::new(AnyCertificate(provider()));
        let config = policy::client()?.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        Ok(Self::of(config))
    }

    fn of(config: ClientConfig) -> Arc<Self> {
        Arc::new(Self { connector: TlsConnector::from(Arc::new(config)) })
    }

    pub(crate) fn connector(&self) -> &TlsConnector {
        &self.connector
    }

    #[expect(clippy::unused_self, reason = "the same shape as the server's side")]
    pub(crate) fn handshake_timeout(&self) -> Duration {
        HANDSHAKE_TIMEOUT
    }
}

impl std::fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsClient")
    }
}

/// Believes every certificate, but still wants proof that the server has its key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
