//! The certificates: which one a client gets by the name it asks for, and their reload.

use super::{TlsError, provider};
use arc_swap::ArcSwap;
use rustls::client::verify_server_name;
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A certificate on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate and those that lead up to its authority, in PEM form, the server's own first.
    pub chain: PathBuf,
    /// Its private key in PEM form: PKCS #8, PKCS #1 or SEC 1.
    pub key: PathBuf,
}

/// The certificates in use. A client gets the first one that is valid for the name it asks for, else the very first.
#[derive(Debug)]
pub struct Certificates {
    files: Vec<CertificateFiles>,
    current: ArcSwap<Vec<Arc<CertifiedKey>>>,
}

impl Certificates {
    /// Reads them from files. Blocks for the time that takes.
    pub fn load(files: Vec<CertificateFiles>) -> Result<Arc<Self>, TlsError> {
        let current = ArcSwap::from_pointee(read_all(&files)?);
        Ok(Arc::new(Self { files, current }))
    }

    /// One certificate out of memory.
    pub fn from_pem(chain: &str, key: &str) -> Result<Arc<Self>, TlsError> {
        let certificate = parse("the certificate", chain.as_bytes(), "the key", key.as_bytes())?;
        Ok(Arc::new(Self { files: Vec::new(), current: ArcSwap::from_pointee(vec![Arc::new(certificate)]) }))
    }

    /// Reads the files again. After an error the old ones stay in use, whole. Blocks for the time that takes.
    pub fn reload(&self) -> Result<(), TlsError> {
        if !self.files.is_empty() {
            self.current.store(Arc::new(read_all(&self.files)?));
        }
        Ok(())
    }

    /// The certificate for a name: linear in their number, a microsecond each, next to nothing beside a handshake.
    fn choose(&self, name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.load();
        let wanted = name.and_then(|name| ServerName::try_from(name).ok());
        let fitting = wanted.and_then(|name| current.iter().find(|key| is_for(key, &name)));
        fitting.or_else(|| current.first()).cloned()
    }
}

/// The SHA-256 of the first certificate of a PEM text, as people compare it; `None` if there is none.
pub fn certificate_sha256(pem: &str) -> Option<[u8; 32]> {
    let certificate = CertificateDer::pem_slice_iter(pem.as_bytes()).next()?.ok()?;
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &certificate).as_ref().try_into().ok()
}

fn is_for(key: &CertifiedKey, name: &ServerName<'_>) -> bool {
    let parsed = key.end_entity_cert().and_then(ParsedCertificate::try_from);
    parsed.is_ok_and(|certificate| verify_server_name(&certificate, name).is_ok())
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.choose(hello.server_name())
    }
}

fn read_all(files: &[CertificateFiles]) -> Result<Vec<Arc<CertifiedKey>>, TlsError> {
    if files.is_empty() {
        return Err(TlsError::None);
    }
    files.iter().map(|pair| read_pair(pair).map(Arc::new)).collect()
}

fn read_pair(files: &CertificateFiles) -> Result<CertifiedKey, TlsError> {
    let read = |path: &Path| std::fs::read(path).map_err(|cause| TlsError::Read { path: path.to_owned(), cause });
    let name = |path: &Path| path.display().to_string();
    let key = types::Secret::new(read(&files.key)?);
    parse(&name(&files.chain), &read(&files.chain)?, &name(&files.key), key.expose())
}

fn parse(chain_name: &str, chain: &[u8], key_name: &str, key: &[u8]) -> Result<CertifiedKey, TlsError> {
    let pem = |what: &str, wanted| TlsError::Pem { what: what.to_owned(), wanted };
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(chain).collect::<Result<_, _>>().map_err(|_| pem(chain_name, "certificate"))?;
    if chain.is_empty() {
        return Err(pem(chain_name, "certificate"));
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| pem(key_name, "private key"))?;
    CertifiedKey::from_der(chain, key, &provider())
        .map_err(|cause| TlsError::Certificate { what: chain_name.to_owned(), cause })
}
