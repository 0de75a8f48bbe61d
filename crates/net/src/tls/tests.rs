//! Handshakes over a pair of sockets: what is agreed, what is resumed, which certificate is shown, whose is believed.

use super::*;
use crate::{Stream, SystemClock};
use aws_lc_rs::digest::{SHA256, digest};
use rustls::crypto::aws_lc_rs::kx_group;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio_rustls::{TlsConnector, client};
use types::Clock as _;

const NAME: &str = "mail.example.org";
const TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
const TLS13: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

/// What a server with this certificate is trusted by.
fn roots(authority_pem: &str) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority_pem.as_bytes()).unwrap()).unwrap();
    roots
}

fn client(authority_pem: &str, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(policy::provider()).with_protocol_versions(versions).unwrap();
    builder.with_root_certificates(roots(authority_pem)).with_no_client_auth()
}

/// Shakes hands and says a word each way, so that tickets arrive.
async fn shake(
    server: &TlsServer,
    config: &Arc<ClientConfig>,
    name: &'static str,
) -> Result<(Stream, client::TlsStream<UnixStream>), (Option<HandshakeFailure>, io::Error)> {
    let (near, far) = UnixStream::pair().unwrap();
    let connector = TlsConnector::from(Arc::clone(config));
    let connect = async { connector.connect(ServerName::try_from(name).unwrap(), far).await };
    let (ours, theirs) = tokio::join!(Stream::from(near).start_tls(server), connect);
    let (mut ours, mut theirs) = match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => (ours, theirs),
        (ours, Err(error)) => return Err((ours.err(), error)),
        (Err(failure), Ok(_)) => return Err((Some(failure), io::ErrorKind::ConnectionAborted.into())),
    };
    ours.write_all(b"+").await.unwrap();
    ours.flush().await.unwrap();
    theirs.read_exact(&mut [0]).await.unwrap();
    Ok((ours, theirs))
}

type HandshakeFailure = crate::HandshakeError;

fn made_server() -> (Arc<TlsServer>, SelfMade) {
    let made = self_made(&[NAME], SystemClock.now()).unwrap();
    let certificates = Certificates::from_pem(&made.chain_pem, made.key_pem.expose()).unwrap();
    (TlsServer::new(certificates, TlsOptions::default()).unwrap(), made)
}

#[tokio::test]
async fn both_ends_bind_to_the_same_in_both_versions_and_to_nothing_else() {
    let (server, made) = made_server();
    let mut seen = std::collections::BTreeSet::new();
    for versions in [TLS13, TLS12, TLS13, TLS12] {
        let config = Arc::new(client(&made.authority_pem, versions));
        let (ours, theirs) = shake(&server, &config, NAME).await.unwrap();
        let (_, connection) = theirs.get_ref();
        let expected = connection.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(&[])).unwrap();
        let info = ours.tls().unwrap();
        assert_eq!(info.exporter, Some(expected));
        assert!(seen.insert(expected), "each session has its own");
        let certificate = connection.peer_certificates().unwrap().first().unwrap();
        assert_eq!(info.server_end_point.as_deref(), Some(digest(&SHA256, certificate).as_ref()));
    }
}

#[tokio::test]
async fn sessions_are_resumed_in_both_versions_and_bind_anew_to_the_same_certificate() {
    let (server, made) = made_server();
    for versions in [TLS13, TLS12] {
        let config = Arc::new(client(&made.authority_pem, versions));
        let (first, theirs) = shake(&server, &config, NAME).await.unwrap();
        assert_ne!(theirs.get_ref().1.handshake_kind(), Some(HandshakeKind::Resumed));
        let (second, theirs) = shake(&server, &config, NAME).await.unwrap();
        assert_eq!(theirs.get_ref().1.handshake_kind(), Some(HandshakeKind::Resumed));
        let (first, second) = (first.tls().unwrap(), second.tls().unwrap());
        assert_eq!(first.server_end_point, second.server_end_point);
        assert!(second.exporter.is_some() && first.exporter != second.exporter);
    }
}

#[tokio::test]
async fn a_session_of_another_certificate_is_not_resumed() {
    let (first, made) = made_server();
    let config = Arc::new(client(&made.authority_pem, TLS13));
    shake(&first, &config, NAME).await.unwrap();
    let certificates = Certificates::from_pem(&made.chain_pem, made.key_pem.expose()).unwrap();
    let second = TlsServer::new(certificates, TlsOptions::default()).unwrap();
    let (_, theirs) = shake(&second, &config, NAME).await.unwrap();
    assert_eq!(theirs.get_ref().1.handshake_kind(), Some(HandshakeKind::Full));
}

#[tokio::test]
async fn the_hybrid_key_exchange_is_taken_by_those_who_know_it_and_the_others_lose_no_time() {
    let (server, made) = made_server();
    let groups: [(&[&'static dyn rustls::crypto::SupportedKxGroup], _); 3] = [
        (&[kx_group::X25519MLKEM768, kx_group::X25519], rustls::NamedGroup::X25519MLKEM768),
        (&[kx_group::X25519, kx_group::SECP256R1], rustls::NamedGroup::X25519),
        (&[kx_group::SECP256R1], rustls::NamedGroup::secp256r1),
    ];
    for (offered, expected) in groups {
        let mut provider = rustls::crypto::CryptoProvider::clone(&policy::provider());
        provider.kx_groups = offered.to_vec();
        let builder = ClientConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(TLS13).unwrap();
        let config = builder.with_root_certificates(roots(&made.authority_pem)).with_no_client_auth();
        let (_, theirs) = shake(&server, &Arc::new(config), NAME).await.unwrap();
        let (_, connection) = theirs.get_ref();
        assert_eq!(connection.negotiated_key_exchange_group().unwrap().name(), expected);
        assert_eq!(connection.handshake_kind(), Some(HandshakeKind::Full), "not asked to try again");
    }
}

#[tokio::test]
async fn no_ticket_allows_data_before_the_handshake_is_done() {
    let (server, made) = made_server();
    let mut config = client(&made.authority_pem, TLS13);
    config.enable_early_data = true;
    let config = Arc::new(config);
    shake(&server, &config, NAME).await.unwrap();
    let mut again = rustls::ClientConnection::new(config, ServerName::try_from(NAME).unwrap()).unwrap();
    assert!(again.early_data().is_none());
}
