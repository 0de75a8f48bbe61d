//! The one place that says which TLS is spoken: versions, suites, key exchange, tickets. Servers and clients alike.
//!
//! - TLS 1.3 and 1.2; an older client gets an alert (RFC 8996).
//! - Suites with forward secrecy and authenticated encryption only (RFC 9325 §4.2).
//! - Key exchange: the hybrid of X25519 and ML-KEM-768 first, which stays secret even if a quantum computer comes to
//!   read what was recorded; X25519 and the NIST curves for those that do not know it.
//! - No compression, no renegotiation: the library has neither. No early data: what it carries can be replayed, and a
//!   command said twice is two commands (RFC 8446 §8).

use super::TlsError;
use rustls::crypto::aws_lc_rs::{self, cipher_suite as suite, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::server::ResolvesServerCert;
use rustls::server::danger::ClientCertVerifier;
use rustls::{
    CipherSuite, ClientConfig, ConfigBuilder, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion,
    WantsVerifier,
};
use std::sync::Arc;

/// The versions.
const VERSIONS: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

/// The suites, in the order in which we as a client offer them; as a server we take what the client likes best.
const SUITES: &[SupportedCipherSuite] = &[
    suite::TLS13_AES_256_GCM_SHA384,
    suite::TLS13_AES_128_GCM_SHA256,
    suite::TLS13_CHACHA20_POLY1305_SHA256,
    suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];

/// The key exchange groups, the one that we like best first.
const KEY_EXCHANGE: &[&dyn SupportedKxGroup] =
    &[kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1];

/// Tickets that a new TLS 1.3 session gets, so that a device that reconnects need not do it all again.
const TICKETS: usize = 1;

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        cipher_suites: SUITES.to_vec(),
        kx_groups: KEY_EXCHANGE.to_vec(),
        ..aws_lc_rs::default_provider()
    })
}

/// Whether we speak this suite with a certificate of an RSA key, or of another. TLS 1.3 keeps the two apart.
pub(super) fn suits(suite: CipherSuite, is_rsa: bool) -> bool {
    let is_ours = SUITES.iter().any(|ours| ours.suite() == suite);
    let name = suite.as_str().unwrap_or_default();
    is_ours && (name.starts_with("TLS13_") || name.starts_with("TLS_ECDHE_RSA_") == is_rsa)
}

/// A server that shows one certificate. Tickets are its own: a session resumes only under the certificate, and the
/// client's, that it began with.
pub(super) fn server(
    certificate: Arc<dyn ResolvesServerCert>,
    clients: Option<Arc<dyn ClientCertVerifier>>,
) -> Result<ServerConfig, TlsError> {
    let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(VERSIONS)?;
    let builder = match clients {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(certificate);
    // Tickets keep a session's state with the client: nothing to remember here, and resumption costs no signature.
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    config.send_tls13_tickets = TICKETS;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    config.max_early_data_size = 0;
    config.send_half_rtt_data = false;
    Ok(config)
}

/// The beginning of a client.
pub(crate) fn client() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, TlsError> {
    Ok(ClientConfig::builder_with_provider(provider()).with_protocol_versions(VERSIONS)?)
}
