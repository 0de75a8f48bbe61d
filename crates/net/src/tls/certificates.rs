//! The certificates: which one a client gets by the name it asks for, their reload, and how long they are valid.

use super::clients::ClientCertificates;
use super::policy::{self, provider};
use super::x509::{self, Facts};
use super::{TlsError, stamp::Stamp};
use crate::SystemClock;
use arc_swap::ArcSwap;
use rustls::client::verify_server_name;
use rustls::server::{ClientHello, ParsedCertificate};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, SignatureAlgorithm};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use types::{Clock, Secret, Timestamp};

/// What a certificate that does not come from a file is called.
const IN_MEMORY: &str = "the certificate made for this run";

/// A certificate on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate and those that lead up to its authority, in PEM form, the server's own first.
    pub chain: PathBuf,
    /// Its private key in PEM form: PKCS #8, PKCS #1 or SEC 1.
    pub key: PathBuf,
}

/// A certificate's state, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateStatus {
    /// Its file.
    pub name: String,
    /// The last moment at which the one in use is valid; `None` if it does not say so in a way that we read.
    pub not_after: Option<Timestamp>,
    /// Why the file's present content is not in use, and the one before it still is.
    pub trouble: Option<String>,
}

/// The certificates in use.
///
/// A client gets the first that its program can check, is for the name that it asks for and is valid now; what fails is
/// given up in the opposite order. So a client that asks for no name, or for one that nobody knows, gets the first, and
/// an expired certificate is shown only where there is no better one.
#[derive(Debug)]
pub struct Certificates {
    files: Vec<CertificateFiles>,
    client_authorities: Option<PathBuf>,
    /// Whether clients have certificates that somebody bound to an account.
    any_bound: AtomicBool,
    current: ArcSwap<Loaded>,
    /// What the files looked like when they were read last. Held while they are read: one reload at a time.
    seen: Mutex<Vec<Stamp>>,
}

#[derive(Debug)]
struct Loaded {
    /// In the order of the files; never empty.
    entries: Vec<Arc<Entry>>,
    troubles: Vec<Option<String>>,
    clients: Arc<Clients>,
}

/// Which certificates of clients count, and the file that says so.
#[derive(Debug)]
struct Clients {
    pem: Vec<u8>,
    certificates: ClientCertificates,
}

/// One certificate with all that a handshake needs.
#[derive(Debug)]
pub(crate) struct Entry {
    key: Arc<CertifiedKey>,
    facts: Option<Facts>,
    end_point: Option<Vec<u8>>,
    clients: Arc<Clients>,
    /// A server that does not ask for the client's certificate, and one that does.
    quiet: Arc<ServerConfig>,
    asking: Arc<ServerConfig>,
}

impl Certificates {
    /// Reads them from files, and the authorities whose certificates clients may show: without a file, clients are asked
    /// only once a certificate is bound to an account, and any that is valid counts. Blocks for the time that takes.
    pub fn load(files: Vec<CertificateFiles>, client_authorities: Option<PathBuf>) -> Result<Arc<Self>, TlsError> {
        if files.is_empty() {
            return Err(TlsError::None);
        }
        let seen = Mutex::new(stamps(&files, client_authorities.as_deref()));
        let clients = Arc::new(Clients::read(client_authorities.as_deref())?);
        let read = |pair| read_pair(pair).and_then(|key| Entry::new(key, Arc::clone(&clients)).map(Arc::new));
        let entries = files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let troubles = vec![None; files.len()];
        let current = ArcSwap::from_pointee(Loaded { entries, troubles, clients });
        Ok(Arc::new(Self { files, client_authorities, any_bound: AtomicBool::new(false), current, seen }))
    }

    /// One certificate out of memory.
    pub fn from_pem(chain: &str, key: &str) -> Result<Arc<Self>, TlsError> {
        let key = parse(IN_MEMORY, chain.as_bytes(), "its key", key.as_bytes())?;
        let clients = Arc::new(Clients { pem: Vec::new(), certificates: ClientCertificates::any() });
        let entries = vec![Arc::new(Entry::new(key, Arc::clone(&clients))?)];
        let current = ArcSwap::from_pointee(Loaded { entries, troubles: vec![None], clients });
        let (any_bound, seen) = (AtomicBool::new(false), Mutex::new(Vec::new()));
        Ok(Arc::new(Self { files: Vec::new(), client_authorities: None, any_bound, current, seen }))
    }

    /// Reads the files again. What cannot be used is yielded, and stays as it was: each certificate for itself. Connections
    /// keep what they have. Blocks for the time that takes.
    pub fn reload(&self) -> Vec<TlsError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = stamps(&self.files, self.client_authorities.as_deref());
        self.read_again()
    }

    /// The same if a file looks different than when it was read last; `None` if none does.
    pub fn reload_if_changed(&self) -> Option<Vec<TlsError>> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamps(&self.files, self.client_authorities.as_deref());
        if *seen == now {
            return None;
        }
        *seen = now;
        Some(self.read_again())
    }

    fn read_again(&self) -> Vec<TlsError> {
        let mut failed = Vec::new();
        let old = self.current.load_full();
        let clients = match Clients::read(self.client_authorities.as_deref()) {
            Ok(clients) if clients.pem == old.clients.pem => Arc::clone(&old.clients),
            Ok(clients) => Arc::new(clients),
            Err(error) => {
                failed.push(error);
                Arc::clone(&old.clients)
            }
        };
        let (mut entries, mut troubles) = (Vec::new(), Vec::new());
        for (at, old) in old.entries.iter().enumerate() {
            let new = match self.files.get(at) {
                Some(pair) => read_pair(pair).and_then(|key| old.replaced_by(pair, key, &clients)),
                None => Ok(Arc::clone(old)),
            };
            let (entry, trouble) = match new {
                Ok(entry) => (entry, None),
                Err(error) => {
                    let trouble = error.to_string();
                    failed.push(error);
                    (Arc::clone(old), Some(trouble))
                }
            };
            entries.push(entry);
            troubles.push(trouble);
        }
        self.current.store(Arc::new(Loaded { entries, troubles, clients }));
        failed
    }

    /// Says whether certificates of clients are bound to accounts, so that clients are worth asking for theirs.
    pub fn set_any_bound(&self, any: bool) {
        self.any_bound.store(any, Ordering::Relaxed);
    }

    /// Whether clients are asked for a certificate. Not without need: mail programs may put the question to a person.
    pub(super) fn asks_clients(&self) -> bool {
        self.client_authorities.is_some() || self.any_bound.load(Ordering::Relaxed)
    }

    /// All of them, in order.
    pub fn status(&self) -> Vec<CertificateStatus> {
        let current = self.current.load();
        let name = |at: usize| {
            self.files.get(at).map_or_else(|| IN_MEMORY.to_owned(), |pair| pair.chain.display().to_string())
        };
        let each = current.entries.iter().zip(&current.troubles).enumerate();
        each.map(|(at, (entry, trouble))| CertificateStatus {
            name: name(at),
            not_after: entry.facts.map(|facts| facts.not_after),
            trouble: trouble.clone(),
        })
        .collect()
    }

    /// The one for a client: linear in their number, a microsecond each, next to nothing beside a handshake.
    pub(super) fn choose(&self, hello: &ClientHello<'_>) -> Option<Arc<Entry>> {
        self.choose_for(hello.server_name(), |entry| entry.suits(hello), SystemClock.now())
    }

    fn choose_for(&self, name: Option<&str>, suits: impl Fn(&Entry) -> bool, now: Timestamp) -> Option<Arc<Entry>> {
        let current = self.current.load();
        if let [only] = &current.entries[..] {
            return Some(Arc::clone(only));
        }
        let name = name.and_then(|name| ServerName::try_from(name).ok());
        let merits = |entry: &Entry| {
            let is_valid = entry.facts.is_none_or(|facts| facts.holds(now));
            (suits(entry), name.as_ref().is_some_and(|name| entry.is_for(name)), is_valid)
        };
        // The last of the greatest: from the back, that is the first.
        current.entries.iter().rev().max_by_key(|entry| merits(entry)).cloned()
    }
}

impl Clients {
    fn read(file: Option<&Path>) -> Result<Self, TlsError> {
        let Some(file) = file else { return Ok(Self { pem: Vec::new(), certificates: ClientCertificates::any() }) };
        let pem = read_file(file)?;
        let certificates = ClientCertificates::of(&file.display().to_string(), &pem)?;
        Ok(Self { pem, certificates })
    }
}

impl Entry {
    fn new(key: CertifiedKey, clients: Arc<Clients>) -> Result<Self, TlsError> {
        let leaf = key.end_entity_cert()?;
        let (facts, end_point) = (Facts::of(leaf), x509::server_end_point(leaf));
        let key = Arc::new(key);
        let single = Arc::new(SingleCertAndKey::from(Arc::clone(&key)));
        let quiet = Arc::new(policy::server(single.clone(), None)?);
        let asking = Arc::new(policy::server(single, Some(clients.certificates.request()))?);
        Ok(Self { key, facts, end_point, clients, quiet, asking })
    }

    /// What takes its place now that its file holds `key`: itself if nothing is new, so that sessions can be resumed.
    fn replaced_by(
        self: &Arc<Self>,
        files: &CertificateFiles,
        key: CertifiedKey,
        clients: &Arc<Clients>,
    ) -> Result<Arc<Self>, TlsError> {
        if self.key.cert == key.cert && Arc::ptr_eq(&self.clients, clients) {
            return Ok(Arc::clone(self));
        }
        let (new, now) = (Self::new(key, Arc::clone(clients))?, SystemClock.now());
        let holds = |entry: &Self| entry.facts.is_none_or(|facts| facts.holds(now));
        if holds(self) && !holds(&new) {
            return Err(TlsError::NotValid { what: files.chain.display().to_string() });
        }
        Ok(Arc::new(new))
    }

    /// How it is spoken with a client: with or without asking for the client's certificate.
    pub(super) fn config(&self, asks: bool) -> &Arc<ServerConfig> {
        if asks { &self.asking } else { &self.quiet }
    }

    /// The channel binding `tls-server-end-point` (RFC 5929 §4).
    pub(crate) fn end_point(&self) -> Option<&[u8]> {
        self.end_point.as_deref()
    }

    /// Whether a client's certificate, the first of the chain that it showed, counts now.
    pub(super) fn trusts_client(&self, chain: &[CertificateDer<'_>]) -> bool {
        self.clients.certificates.count(chain, SystemClock.now())
    }

    fn is_for(&self, name: &ServerName<'_>) -> bool {
        let parsed = self.key.end_entity_cert().and_then(ParsedCertificate::try_from);
        parsed.is_ok_and(|certificate| verify_server_name(&certificate, name).is_ok())
    }

    /// Whether the client can check it. In TLS 1.2 the suite names the kind of key, too (RFC 5246 §7.4.2).
    fn suits(&self, hello: &ClientHello<'_>) -> bool {
        let is_rsa = self.key.key.algorithm() == SignatureAlgorithm::RSA;
        self.key.key.choose_scheme(hello.signature_schemes()).is_some()
            && hello.cipher_suites().iter().any(|suite| policy::suits(*suite, is_rsa))
    }
}

/// The SHA-256 of the first certificate of a PEM text, as people compare it; `None` if there is none.
pub fn certificate_sha256(pem: &str) -> Option<[u8; 32]> {
    let certificate = CertificateDer::pem_slice_iter(pem.as_bytes()).next()?.ok()?;
    Some(sha256(&certificate))
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let mut out = [0; 32];
    out.copy_from_slice(digest.as_ref());
    out
}

fn stamps(files: &[CertificateFiles], client_authorities: Option<&Path>) -> Vec<Stamp> {
    let pairs = files.iter().flat_map(|pair| [pair.chain.as_path(), pair.key.as_path()]);
    pairs.chain(client_authorities).map(Stamp::of).collect()
}

fn read_file(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|cause| TlsError::Read { path: path.to_owned(), cause })
}

fn read_pair(files: &CertificateFiles) -> Result<CertifiedKey, TlsError> {
    let name = |path: &Path| path.display().to_string();
    let key = Secret::new(read_file(&files.key)?);
    parse(&name(&files.chain), &read_file(&files.chain)?, &name(&files.key), key.expose())
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

#[cfg(test)]
mod tests;
