//! A server with one account, and connections to it over pipes in memory.

use crate::client::Client;
use domain::{
    AclChange, AclKey, Delivery, DeliveryOptions, Directory, Grantee, Mail, MailOptions, NewMessage, PasswordOptions,
    Queue, QueueOptions, SettingChange, Traces,
};
use net::{Admission, Certificates, ConnectionLimits, Peer, Shutdown, Stream, TlsOptions, TlsServer, self_made};
use proto_smtp::Role;
use service_session::{Arrival, Piped, Shared, Transport};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use store_kv::Engine;
use tokio::net::UnixStream;
use tokio::task::JoinHandle;
use types::{AccountId, Address, DomainName, MailboxName, ManualClock, Rights, Secret, Timestamp};

/// 2026-02-01T00:00:00Z
const NOW: Timestamp = Timestamp(1_769_904_000_000);
const HOSTNAME: &str = "mail.example.test";
const DOMAIN: &str = "example.test";
/// The account.
pub(crate) const ANNA: &str = "anna@example.test";
/// The other account.
pub(crate) const BEN: &str = "ben@example.test";
/// Its password: one that a quoted string, an atom and a literal can all carry.
pub(crate) const PASSWORD: &str = "moos-lampe-fjord-17";

/// A listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Imap,
    Pop3,
    Submission,
    Mx,
    Lmtp,
}

impl Service {
    pub(crate) const ALL: [Self; 5] = [Self::Imap, Self::Pop3, Self::Submission, Self::Mx, Self::Lmtp];

    fn role(self) -> Option<Role> {
        match self {
            Self::Imap | Self::Pop3 => None,
            Self::Submission => Some(Role::Submission),
            Self::Mx => Some(Role::Mx),
            Self::Lmtp => Some(Role::Lmtp),
        }
    }
}

/// How a listener treats TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listener {
    /// In clear, and TLS may be started.
    StartTls,
    /// In clear for ever.
    Bare,
    /// Inside TLS from the first byte.
    Implicit,
}

pub(crate) struct Server {
    shared: Shared,
    delivery: Arc<Delivery>,
    admission: Arc<Admission>,
    /// Tells the sessions that the server stops.
    pub(crate) shutdown: Shutdown,
    /// How often IMAP sessions say that they are at work.
    pub(crate) progress_every: Duration,
    anna: AccountId,
    next: AtomicU32,
}

impl Server {
    pub(crate) async fn start(engine: Arc<dyn Engine>) -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        let mail = Mail::new(Arc::clone(&engine), clock.clone(), MailOptions::default());
        let passwords = PasswordOptions::for_tests();
        let directory = Directory::new(Arc::clone(&engine), clock.clone(), Arc::clone(&mail), passwords).unwrap();
        directory.domain_add(&DomainName::parse(DOMAIN).unwrap()).await.unwrap();
        let password = Secret::new(PASSWORD.to_owned());
        let anna = directory.account_add(&Address::parse(ANNA).unwrap(), &password, None).await.unwrap();
        directory.account_add(&Address::parse(BEN).unwrap(), &password, None).await.unwrap();
        let traces = Traces::new(Arc::clone(&engine), clock.clone());
        let queue = Queue::open(engine, clock.clone(), Arc::clone(&traces), QueueOptions::default()).await.unwrap();
        let options = DeliveryOptions { hostname: HOSTNAME.into(), received_max: 100 };
        let delivery = Delivery::new(Arc::clone(&mail), Arc::clone(&directory), queue, traces, options);
        let shared =
            Shared { mail, directory, clock, hostname: DomainName::parse(HOSTNAME).unwrap(), tls: Some(tls()) };
        let admission = Admission::new(ConnectionLimits::default());
        let (shutdown, progress_every) = (Shutdown::new(), service_imap::PROGRESS_EVERY);
        Self { shared, delivery, admission, shutdown, progress_every, anna, next: AtomicU32::new(0) }
    }

    /// A connection and the task that serves it. Each comes from an address of its own, so that failures do not add up.
    pub(crate) fn connect(&self, service: Service, listener: Listener, pipe: usize) -> (Client, JoinHandle<()>) {
        let (client, stream) = tokio::io::duplex(pipe);
        let stream = Piped::new(stream, listener == Listener::Implicit);
        (Client::new(client, service), self.serve(service, listener, stream))
    }

    /// The same over a socket, whose TLS is real and can be started.
    pub(crate) fn connect_socket(&self, service: Service) -> (Stream, JoinHandle<()>) {
        let (client, stream) = UnixStream::pair().unwrap();
        (client.into(), self.serve(service, Listener::StartTls, Stream::from(stream)))
    }

    fn serve<S: Transport + Sync>(&self, service: Service, listener: Listener, stream: S) -> JoinHandle<()> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let [_, a, b, c] = number.to_be_bytes();
        let peer = Peer::Tcp(SocketAddr::from((Ipv4Addr::new(10, a, b, c), 40_000)));
        let ticket = self.admission.admit(peer).unwrap();
        let arrival = Arrival { stream, peer, ticket, shutdown: self.shutdown.token(), id: u64::from(number) };
        let mut shared = self.shared.clone();
        if listener == Listener::Bare {
            shared.tls = None;
        }
        match service.role() {
            Some(role) => {
                let options = Arc::new(proto_smtp::Options::new(role, HOSTNAME));
                let delivery = Arc::clone(&self.delivery);
                tokio::spawn(service_smtp::run(Arc::new(service_smtp::Service { shared, delivery, options }), arrival))
            }
            None if service == Service::Imap => {
                let progress_every = self.progress_every;
                let options = service_imap::Options { progress_every, ..service_imap::Options::default() };
                let service = service_imap::Service { shared, options };
                tokio::spawn(service_imap::run(Arc::new(service), arrival))
            }
            None => {
                let service = service_pop3::Service { shared, options: Arc::default() };
                tokio::spawn(service_pop3::run(Arc::new(service), arrival))
            }
        }
    }

    /// Makes mailboxes of the account.
    pub(crate) async fn create(&self, names: impl IntoIterator<Item = String>) {
        let account = self.shared.mail.account(self.anna).await.unwrap();
        for name in names {
            account.create(&MailboxName::parse(&name).unwrap(), None).await.unwrap();
        }
    }

    /// Makes another account whose INBOX everybody may read.
    pub(crate) async fn add_sharer(&self, address: &str) {
        let Shared { mail, directory, .. } = &self.shared;
        let password = Secret::new(PASSWORD.to_owned());
        let id = directory.account_add(&Address::parse(address).unwrap(), &password, None).await.unwrap();
        let account = mail.account(id).await.unwrap();
        let inbox = account.mailboxes().await.unwrap().get(&MailboxName::inbox()).unwrap().id;
        let (key, rights) = (AclKey::grant(Grantee::Anyone), Rights::parse("lr").unwrap());
        directory.acl_set(&account, inbox, key, AclChange::Replace(rights)).await.unwrap();
    }

    /// How many mailboxes the account has.
    pub(crate) async fn mailboxes(&self) -> usize {
        self.shared.mail.account(self.anna).await.unwrap().mailboxes().await.unwrap().len()
    }

    /// Puts so many copies of a small message into the account's INBOX.
    pub(crate) async fn fill_inbox(&self, count: u32) {
        self.put_into_inbox(b"Subject: x\r\n\r\nbody\r\n", count).await;
    }

    /// Puts so many copies of a message into the account's INBOX, byte for byte.
    pub(crate) async fn put_into_inbox(&self, raw: &[u8], count: u32) {
        let account = self.shared.mail.account(self.anna).await.unwrap();
        let inbox = account.mailboxes().await.unwrap().get(&MailboxName::inbox()).unwrap().id;
        let mut staging = account.stage(None).await.unwrap();
        for piece in raw.chunks(64 << 10) {
            staging.write(piece).await.unwrap();
        }
        let staged = staging.finish().await.unwrap();
        for _ in 0..count {
            account.append(inbox, vec![NewMessage::new(staged.clone())]).await.unwrap();
        }
    }

    /// Puts so many copies of a message of 20 bytes into INBOX, many in one change.
    pub(crate) async fn fill_at_once(&self, count: u32) {
        let (account, inbox) = self.account("INBOX").await;
        let mut staging = account.stage(None).await.unwrap();
        staging.write(b"Subject: x\r\n\r\nbody\r\n").await.unwrap();
        let staged = staging.finish().await.unwrap();
        let all = (0..count).map(|_| NewMessage::new(staged.clone())).collect();
        account.append(inbox, all).await.unwrap();
    }

    /// Sets how things are for an account.
    pub(crate) async fn set(&self, address: &str, setting: &str) {
        let (address, change) = (Address::parse(address).unwrap(), SettingChange::parse(setting).unwrap());
        self.shared.directory.account_settings_change(&address, &[change]).await.unwrap();
    }

    async fn account(&self, mailbox: &str) -> (domain::Account, types::MailboxId) {
        let account = self.shared.mail.account(self.anna).await.unwrap();
        let id = account.mailboxes().await.unwrap().get(&MailboxName::parse(mailbox).unwrap()).unwrap().id;
        (account, id)
    }

    /// What is in a mailbox of the account.
    pub(crate) async fn snapshot(&self, mailbox: &str) -> Arc<types::snapshot::Snapshot> {
        let (account, id) = self.account(mailbox).await;
        account.open(id).await.unwrap().current()
    }

    /// Puts a small message into a mailbox of the account, as a delivery does.
    pub(crate) async fn deliver(&self, mailbox: &str) {
        let (account, id) = self.account(mailbox).await;
        let mut staging = account.stage(None).await.unwrap();
        staging.write(b"Subject: x\r\n\r\nbody\r\n").await.unwrap();
        account.append(id, vec![NewMessage::new(staging.finish().await.unwrap())]).await.unwrap();
    }

    /// Removes messages from a mailbox of the account, as POP3 does.
    pub(crate) async fn remove(&self, mailbox: &str, uids: Vec<types::Uid>) {
        let (account, id) = self.account(mailbox).await;
        let which = domain::Expunge::These(types::UidSet::from_uids(uids));
        account.expunge(id, which, domain::Cause::Pop3).await.unwrap();
    }

    /// Gives Anna another password.
    pub(crate) async fn change_password(&self, password: &str) {
        let password = Secret::new(password.to_owned());
        self.shared.directory.password_set(&Address::parse(ANNA).unwrap(), &password).await.unwrap();
    }

    /// How many passwords were burnt since the start.
    pub(crate) async fn burnt(&self) -> u64 {
        self.shared.directory.settled(None).await;
        self.shared.directory.exposed_count()
    }

    /// Connections that are counted as open.
    pub(crate) fn open(&self) -> usize {
        self.admission.open()
    }
}

/// Made once: a pipe's TLS is a flag, and only has to be there.
fn tls() -> Arc<TlsServer> {
    static TLS: OnceLock<Arc<TlsServer>> = OnceLock::new();
    Arc::clone(TLS.get_or_init(|| {
        let made = self_made(&[HOSTNAME], NOW).unwrap();
        let certificates = Certificates::from_pem(&made.chain_pem, made.key_pem.expose()).unwrap();
        TlsServer::for_servers(certificates, TlsOptions::default())
    }))
}
