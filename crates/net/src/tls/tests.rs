//! Handshakes over a pair of sockets: what is agreed, what is resumed, which certificate is shown, whose is believed.

use super::*;
use crate::{Stream, SystemClock};
use aws_lc_rs::digest::{SHA256, digest};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, date_time_ymd,
};
use rustls::crypto::aws_lc_rs::kx_group;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
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
    (TlsServer::for_servers(certificates, TlsOptions::default()), made)
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
    let second = TlsServer::for_servers(certificates, TlsOptions::default());
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

/// An authority for people's certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate for a client that is valid for so many days from yesterday on.
    fn sign(&self, days: u32) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let (params, key) = person(days);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.der().clone(), PrivateKeyDer::try_from(key.serialize_der()).unwrap())
    }
}

fn person(days: u32) -> (CertificateParams, KeyPair) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, "Anna");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let yesterday = SystemClock.now().before(Duration::from_hours(24));
    params.not_before = date_time_ymd(1970, 1, 1) + Duration::from_millis(u64::try_from(yesterday.0).unwrap());
    params.not_after = params.not_before + Duration::from_hours(24) * days;
    (params, KeyPair::generate().unwrap())
}

fn with_certificate(
    authority_pem: &str,
    versions: &[&'static SupportedProtocolVersion],
    (certificate, key): (CertificateDer<'static>, PrivateKeyDer<'static>),
) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(policy::provider()).with_protocol_versions(versions).unwrap();
    let builder = builder.with_root_certificates(roots(authority_pem));
    Arc::new(builder.with_client_auth_cert(vec![certificate], key).unwrap())
}

#[tokio::test]
async fn a_certificate_of_a_client_counts_if_it_is_asked_for_valid_and_of_the_right_authority() {
    let (directory, made) = (std::env::temp_dir(), self_made(&[NAME], SystemClock.now()).unwrap());
    let file = |name: &str, text: &str| {
        let path = directory.join(format!("postamt-clients-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        path
    };
    let (ours, others) = (Authority::new("ours"), Authority::new("others"));
    let chain = file("chain.pem", &made.chain_pem);
    let files = CertificateFiles { chain, key: file("key.pem", made.key_pem.expose()) };
    let ca = file("ca.pem", &ours.pem);
    let any = Certificates::load(vec![files.clone()], None).unwrap();
    let strict = Certificates::load(vec![files.clone()], Some(ca.clone())).unwrap();
    for path in [files.chain, files.key, ca] {
        std::fs::remove_file(path).unwrap();
    }
    let self_signed = |days| {
        let (params, key) = person(days);
        (params.self_signed(&key).unwrap().der().clone(), PrivateKeyDer::try_from(key.serialize_der()).unwrap())
    };
    let people = |certificates| TlsServer::for_people(certificates, TlsOptions::default());
    let seen = async |server: &TlsServer, versions, shown: &(CertificateDer<'static>, PrivateKeyDer<'static>)| {
        let config = with_certificate(&made.authority_pem, versions, (shown.0.clone(), shown.1.clone_key()));
        let (first, _) = shake(server, &config, NAME).await.unwrap();
        let (again, theirs) = shake(server, &config, NAME).await.unwrap();
        assert_eq!(theirs.get_ref().1.handshake_kind(), Some(HandshakeKind::Resumed));
        let (first, again) = (first.tls().unwrap(), again.tls().unwrap());
        assert_eq!(first.client_certificate, again.client_certificate, "it is known again in a resumed session");
        first.client_certificate
    };
    for versions in [TLS13, TLS12] {
        let (good, expired, foreign) = (ours.sign(30), ours.sign(0), others.sign(30));
        let (own, own_expired) = (self_signed(30), self_signed(0));
        let (any, strict) = (people(Arc::clone(&any)), people(Arc::clone(&strict)));
        any.certificates.set_any_bound(false);
        assert_eq!(seen(&any, versions, &good).await, None, "nobody asked");
        any.certificates.set_any_bound(true);
        for (shown, counts, counts_strictly) in [
            (&good, true, true),
            (&expired, false, false),
            (&foreign, true, false),
            (&own, true, false),
            (&own_expired, false, false),
        ] {
            let der = |counts: bool| counts.then(|| shown.0.to_vec());
            assert_eq!(seen(&any, versions, shown).await, der(counts));
            assert_eq!(seen(&strict, versions, shown).await, der(counts_strictly));
        }
        let none = Arc::new(client(&made.authority_pem, versions));
        let (ours, _) = shake(&strict, &none, NAME).await.unwrap();
        assert_eq!(ours.tls().unwrap().client_certificate, None, "it is asked for, not wanted");
        let quiet = TlsServer::for_servers(Arc::clone(&strict.certificates), TlsOptions::default());
        assert_eq!(seen(&quiet, versions, &good).await, None, "other servers are not asked");
    }
}
