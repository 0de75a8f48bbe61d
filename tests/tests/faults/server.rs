//! A server with Anna, Ben and some mail, on a store that can be told to fail.

use crate::client::Client;
use crate::script::Protocol;
use domain::{
    Delivery, DeliveryOptions, Directory, Mail, MailOptions, NewMessage, PasswordOptions, Queue, QueueOptions,
    SettingChange, ThrottleOptions, Traces,
};
use net::{Admission, ConnectionLimits, Peer, ShutdownToken};
use proto_smtp::Role;
use service_session::{Arrival, Piped, Shared};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use store_kv::{Engine, Faulty, Memory};
use types::{AccountId, Address, DomainName, MailboxName, ManualClock, Secret, Timestamp};

/// 2026-02-01T00:00:00Z
const NOW: Timestamp = Timestamp(1_769_904_000_000);
const HOSTNAME: &str = "mail.example.test";
/// Room in each direction of a pipe.
const PIPE: usize = 64 << 10;
/// Lines of the long message: enough that its body is read in several pieces.
const LONG: usize = 60_000;

/// Everything on one engine; [`Node::on`] the engine below is what a restart finds.
pub(crate) struct Node {
    pub(crate) mail: Arc<Mail>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) traces: Arc<Traces>,
}

impl Node {
    pub(crate) async fn on(engine: Arc<dyn Engine>) -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        let mail = Mail::new(Arc::clone(&engine), clock.clone(), MailOptions::default());
        let passwords = PasswordOptions { throttle: ThrottleOptions::default(), ..PasswordOptions::for_tests() };
        let directory = Directory::new(Arc::clone(&engine), clock.clone(), Arc::clone(&mail), passwords).unwrap();
        let traces = Traces::new(Arc::clone(&engine), clock.clone());
        let queue = Queue::open(engine, clock, Arc::clone(&traces), QueueOptions::default()).await.unwrap();
        Self { mail, directory, queue, traces }
    }
}

pub(crate) struct Server {
    pub(crate) engine: Arc<Faulty<Memory>>,
    pub(crate) anna: AccountId,
    pub(crate) ben: AccountId,
    shared: Shared,
    delivery: Arc<Delivery>,
    admission: Arc<Admission>,
}

impl Server {
    pub(crate) async fn start(setting: Option<&str>) -> Self {
        let engine = Faulty::new(Memory::new());
        let inner: Arc<dyn Engine> = Arc::<Memory>::clone(engine.inner());
        let node = Node::on(inner).await;
        let (anna, ben) = furnish(&node).await;
        if let Some(setting) = setting {
            let (address, change) =
                (Address::parse("anna@example.test").unwrap(), SettingChange::parse(setting).unwrap());
            node.directory.account_settings_change(&address, &[change]).await.unwrap();
        }
        // The one that serves knows nothing yet: what it needs it has to read.
        let node = Node::on(Arc::<Faulty<Memory>>::clone(&engine)).await;
        let options = DeliveryOptions { hostname: HOSTNAME.into(), received_max: 100 };
        let (mail, directory) = (Arc::clone(&node.mail), Arc::clone(&node.directory));
        let delivery = Delivery::new(Arc::clone(&mail), Arc::clone(&directory), node.queue, node.traces, options);
        let clock = Arc::new(ManualClock::at(NOW));
        let shared = Shared { mail, directory, clock, hostname: DomainName::parse(HOSTNAME).unwrap(), tls: None };
        Self { engine, anna, ben, shared, delivery, admission: Admission::new(ConnectionLimits::default()) }
    }

    /// What a restart would find.
    pub(crate) async fn restarted(&self) -> Node {
        Node::on(Arc::<Memory>::clone(self.engine.inner())).await
    }

    /// A connection inside TLS, after its greeting.
    pub(crate) async fn connect(&self, protocol: Protocol) -> Client {
        let (client, stream) = tokio::io::duplex(PIPE);
        let peer = Peer::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000)));
        let ticket = self.admission.admit(peer).unwrap();
        let arrival =
            Arrival { stream: Piped::new(stream, true), peer, ticket, shutdown: ShutdownToken::never(), id: 1 };
        let shared = self.shared.clone();
        let smtp = |role| {
            let (delivery, options) = (Arc::clone(&self.delivery), proto_smtp::Options::new(role, HOSTNAME));
            Arc::new(service_smtp::Service { shared: shared.clone(), delivery, options: Arc::new(options) })
        };
        match protocol {
            Protocol::Imap => {
                let service = service_imap::Service { shared, options: service_imap::Options::default() };
                tokio::spawn(service_imap::run(Arc::new(service), arrival));
            }
            Protocol::Pop3 => {
                let service = service_pop3::Service { shared, options: Arc::default() };
                tokio::spawn(service_pop3::run(Arc::new(service), arrival));
            }
            Protocol::Mx => drop(tokio::spawn(service_smtp::run(smtp(Role::Mx), arrival))),
            Protocol::Submission => drop(tokio::spawn(service_smtp::run(smtp(Role::Submission), arrival))),
            Protocol::Lmtp => drop(tokio::spawn(service_smtp::run(smtp(Role::Lmtp), arrival))),
        }
        Client::greeted(client, protocol).await
    }
}

async fn furnish(node: &Node) -> (AccountId, AccountId) {
    node.directory.domain_add(&DomainName::parse("example.test").unwrap()).await.unwrap();
    let password = Secret::new("moos-lampe-fjord-17".to_owned());
    let addresses = ["anna@example.test", "ben@example.test"].map(|text| Address::parse(text).unwrap());
    let [anna, ben] = &addresses;
    let ids = (
        node.directory.account_add(anna, &password, None).await.unwrap(),
        node.directory.account_add(ben, &password, None).await.unwrap(),
    );
    node.directory.alias_add(&Address::parse("both@example.test").unwrap(), &addresses, false).await.unwrap();
    let account = node.mail.account(ids.0).await.unwrap();
    let inbox = account.mailboxes().await.unwrap().get(&MailboxName::inbox()).unwrap().id;
    for (subject, lines) in [("one", 2), ("two", 3), ("three", LONG)] {
        let mut staging = account.stage(None).await.unwrap();
        let text = format!("Subject: {subject}\r\nFrom: dora@example.org\r\n\r\n{}", "some lines\r\n".repeat(lines));
        staging.write(text.as_bytes()).await.unwrap();
        account.append(inbox, vec![NewMessage::new(staging.finish().await.unwrap())]).await.unwrap();
    }
    ids
}
