//! Certificates of clients: asking for one, and which count.
//!
//! A client that is asked may have none, or one for another purpose, which it shows to whoever asks (mail servers do). So
//! a certificate never breaks a handshake: the library proves that the client has its key, and what it is worth is found
//! out afterwards. Who is signed in with it is not decided here.

use super::TlsError;
use super::policy::provider;
use super::x509::Facts;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, UnixTime};
use std::sync::Arc;
use std::time::Duration;
use types::Timestamp;

/// Which certificates of clients count.
#[derive(Clone, Debug)]
pub(super) struct ClientCertificates {
    /// Those of these authorities; `None`: any that is valid now.
    authorities: Option<Arc<dyn ClientCertVerifier>>,
}

impl ClientCertificates {
    /// Any that is valid now.
    pub(super) fn any() -> Self {
        Self { authorities: None }
    }

    /// Those of the authorities in a PEM text, which came from `what`.
    pub(super) fn of(what: &str, pem: &[u8]) -> Result<Self, TlsError> {
        let broken = || TlsError::Pem { what: what.to_owned(), wanted: "certificate" };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| broken())?;
            roots.add(certificate).map_err(|cause| TlsError::Certificate { what: what.to_owned(), cause })?;
        }
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
        Ok(Self { authorities: Some(builder.build().map_err(|_| broken())?) })
    }

    /// What asks a client for its certificate.
    pub(super) fn request(&self) -> Arc<dyn ClientCertVerifier> {
        let authorities = self.authorities.as_ref().map(|verifier| verifier.root_hint_subjects().to_vec());
        Arc::new(Request { authorities: authorities.unwrap_or_default(), provider: provider() })
    }

    /// Whether a certificate, the first of a chain whose key the client has proved, counts at this time.
    pub(super) fn count(&self, chain: &[CertificateDer<'_>], now: Timestamp) -> bool {
        let Some((leaf, others)) = chain.split_first() else { return false };
        let Some(authorities) = &self.authorities else {
            return Facts::of(leaf).is_some_and(|facts| facts.holds(now));
        };
        let since_1970 = Duration::from_millis(u64::try_from(now.0).unwrap_or(0));
        authorities.verify_client_cert(leaf, others, UnixTime::since_unix_epoch(since_1970)).is_ok()
    }
}

/// Asks for a certificate, takes any and none.
#[derive(Debug)]
struct Request {
    /// The authorities that are named to the client, so that its program offers the right one.
    authorities: Vec<DistinguishedName>,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for Request {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.authorities
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
