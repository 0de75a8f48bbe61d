//! This server: an engine in memory, the domain `example.org` with Ann and Bob, and a way out that a test lays.

use domain::{
    Accepted, Arrival, Delivery, DeliveryOptions, Directory, Envelope, EnvelopeRecipient, Mail, MailOptions,
    PasswordOptions, Protocol, Queue, QueueOptions, Target, Traces,
};
use net::{Resolver, ZoneEntry};
use service_outbound::{Network, Relay, Routes, Runner, Way};
use service_session::Shared;
use std::net::SocketAddr;
use std::sync::Arc;
use store_kv::{Engine, Faulty, Memory};
use types::{Address, Clock, DomainName, MailboxName, ManualClock, Secret, Timestamp, TraceId};

pub(crate) const MESSAGE: &str = "From: ann@example.org\r\nSubject: hello\r\n\r\nhow are you?\r\n.dot\r\n";

/// The way out.
#[derive(Clone, Default)]
pub(crate) struct Setting {
    pub(crate) zone: Vec<(String, ZoneEntry)>,
    /// Instead of the zone.
    pub(crate) resolver: Option<Resolver>,
    pub(crate) routes: Routes,
    pub(crate) relay: Option<Relay>,
    pub(crate) authorities: String,
    pub(crate) listening: Vec<SocketAddr>,
}

impl Setting {
    /// MX hosts are spoken to at this port.
    pub(crate) fn at_port(port: u16) -> Self {
        Self { routes: Routes { port, ..Routes::default() }, ..Self::default() }
    }

    pub(crate) fn mx(mut self, domain: &str, hosts: &[(u16, &str)]) -> Self {
        let mx = hosts.iter().map(|(preference, host)| (*preference, (*host).to_owned())).collect();
        self.zone.push((domain.into(), ZoneEntry { mx, addresses: vec![] }));
        self
    }

    pub(crate) fn host(mut self, name: &str, addresses: &[&str]) -> Self {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        self.zone.push((name.into(), ZoneEntry { mx: vec![], addresses }));
        self
    }
}

pub(crate) struct World {
    pub(crate) engine: Arc<Faulty<Memory>>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) shared: Shared,
    pub(crate) queue: Arc<Queue>,
    pub(crate) delivery: Arc<Delivery>,
    pub(crate) setting: Setting,
}

impl World {
    pub(crate) async fn new(setting: Setting) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix_seconds(1_700_000_000)));
        let world = Self::open(Memory::new(), clock, setting).await;
        let directory = &world.shared.directory;
        directory.domain_add(&DomainName::parse("example.org").unwrap()).await.unwrap();
        for person in ["ann@example.org", "bob@example.org"] {
            directory.account_add(&address(person), &Secret::new("tinte".into()), None).await.unwrap();
        }
        world
    }

    async fn open(memory: Arc<Memory>, clock: Arc<ManualClock>, setting: Setting) -> Self {
        let faulty = Faulty::new(memory);
        let engine: Arc<dyn Engine> = faulty.clone();
        let mail = Mail::new(engine.clone(), clock.clone(), MailOptions::default());
        let passwords = PasswordOptions::for_tests();
        let directory = Directory::new(engine.clone(), clock.clone(), mail.clone(), passwords).unwrap();
        let traces = Traces::new(engine.clone(), clock.clone());
        let queue = Queue::open(engine, clock.clone(), traces.clone(), QueueOptions::default()).await.unwrap();
        let hostname = DomainName::parse("mail.example.org").unwrap();
        let options = DeliveryOptions { hostname: hostname.as_str().into(), received_max: 100 };
        let delivery = Delivery::new(mail.clone(), directory.clone(), queue.clone(), traces, options);
        let shared = Shared { mail, directory, clock: clock.clone(), hostname, tls: None };
        Self { engine: faulty, clock, shared, queue, delivery, setting }
    }

    /// After a crash.
    pub(crate) async fn reopened(self) -> Self {
        self.clock.advance(std::time::Duration::from_millis(1));
        Self::open(self.engine.inner().reopen(), self.clock, self.setting).await
    }

    pub(crate) fn runner(&self) -> Runner {
        let setting = self.setting.clone();
        let resolver = setting.resolver.unwrap_or_else(|| Resolver::zone(setting.zone));
        let hostname = self.shared.hostname.clone();
        let network =
            Network::new(resolver, setting.routes, setting.relay, &setting.authorities, hostname, setting.listening);
        self.runner_by(Way::Network(Box::new(network.unwrap())))
    }

    pub(crate) fn runner_by(&self, way: Way) -> Runner {
        Runner::new(self.shared.clone(), self.queue.clone(), self.delivery.clone(), way, 10)
    }

    /// Tries what is due; how many attempts that were.
    pub(crate) async fn run(&self) -> usize {
        self.runner().run_due().await.unwrap()
    }

    /// Sends a message as a session would.
    pub(crate) async fn send(&self, from: Option<&str>, to: &[&str], message: &str) -> TraceId {
        self.send_as(Envelope { reverse_path: from.map(address), ..Envelope::default() }, to, message).await
    }

    pub(crate) async fn send_as(&self, mut envelope: Envelope, to: &[&str], message: &str) -> TraceId {
        for to in to {
            match self.delivery.check(&address(to), None).await.unwrap() {
                Target::Local(accounts) => envelope.recipients.extend(accounts.into_iter().map(Into::into)),
                Target::Foreign => envelope.recipients.push(EnvelopeRecipient::foreign(address(to))),
            }
        }
        let arrival = Arrival {
            trace: self.shared.mail.new_trace(),
            at: self.clock.now(),
            reverse_path: envelope.reverse_path.clone(),
            only_recipient: None,
            protocol: Protocol::Esmtp,
            utf8: envelope.utf8,
            helo: "laptop".into(),
            peer: None,
            peer_name: None,
            tls: None,
            authenticated: true,
        };
        let mut staging = self.delivery.stage(&arrival, None).await.unwrap();
        staging.write(message.as_bytes()).await.unwrap();
        let incoming = staging.finish().await.unwrap();
        assert_eq!(self.delivery.accept(envelope, &incoming).await.unwrap(), Accepted::Queued);
        incoming.trace()
    }

    /// The messages of somebody's mailbox.
    pub(crate) async fn mailbox(&self, person: &str, name: &str) -> Vec<String> {
        let id = self.shared.directory.account_find(&address(person)).await.unwrap();
        let account = self.shared.mail.account(id).await.unwrap();
        let name = MailboxName::parse(name).unwrap();
        let Some(mailbox) = account.mailboxes().await.unwrap().get(&name).map(|info| info.id) else { return vec![] };
        let snapshot = account.open(mailbox).await.unwrap().current();
        let emails: Vec<_> = snapshot.iter().map(|entry| entry.email).collect();
        let mut messages = Vec::new();
        for content in account.contents(&emails).await.unwrap() {
            let body = account.read_body(&content.unwrap(), 0..u64::MAX).await.unwrap();
            messages.push(String::from_utf8_lossy(&body).into_owned());
        }
        messages
    }

    pub(crate) async fn inbox(&self, person: &str) -> Vec<String> {
        self.mailbox(person, "INBOX").await
    }

    /// The only message of Ann's INBOX.
    pub(crate) async fn bounce(&self) -> String {
        let inbox = self.inbox("ann@example.org").await;
        assert_eq!(inbox.len(), 1, "{inbox:?}");
        inbox.into_iter().next().unwrap()
    }

    /// Moves the clock on to when the next item is due.
    pub(crate) async fn until_due(&self) {
        let due = self.queue.next_due().await.unwrap().unwrap();
        self.clock.advance(due.since(self.clock.now()));
    }
}

pub(crate) fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}
