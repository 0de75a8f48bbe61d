//! A whole server over pipes in memory: the real services over the real domain on an engine.

use anyhow::Context;
use domain::{
    AccountMark, Delivery, DeliveryOptions, Directory, FlagNames, Mail, MailOptions, NewMessage, PasswordOptions,
    Queue, QueueOptions, SettingChange, Traces,
};
use net::{Admission, Certificates, ConnectionLimits, Peer, ShutdownToken, TlsOptions, TlsServer, self_made};
use proto_imap::codec::{Cursor, date, modified_utf7};
use proto_smtp::Role;
use service_session::{Arrival, Piped, Shared};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use store_embedded::Embedded;
use store_kv::{Engine, Memory};
use tests::{ANNA, BEN, Backend, DOMAIN, MessageLimit, PASSWORD, Protocol, Stream};
use types::{AccountId, Address, DomainName, Flags, Keyword, MailboxName, ManualClock, Octets, Secret, Timestamp};

/// 2026-02-01T00:00:00Z: after the dates of all messages.
const NOW: Timestamp = Timestamp(1_769_904_000_000);
/// Room in each direction of a pipe; larger than any message of the transcripts.
const PIPE: usize = 256 << 10;
/// The segments of a store that lives for one transcript.
const SEGMENT: u64 = 1 << 20;
/// More messages than a transcript deletes.
const RETAINED_MAX: usize = 100;
const HOSTNAME: &str = "mail.example.test";

/// An engine, and what goes with it when the transcript is over.
pub(crate) struct Store {
    name: &'static str,
    engine: Arc<dyn Engine>,
    folder: Option<PathBuf>,
}

impl Store {
    #[expect(clippy::unnecessary_wraps, reason = "the same form as the other engine")]
    pub(crate) fn in_memory() -> anyhow::Result<Self> {
        Ok(Self { name: "memory", engine: Memory::new(), folder: None })
    }

    pub(crate) fn embedded() -> anyhow::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("postamt-transcripts-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let options = store_embedded::Options { segment_size: SEGMENT, ..store_embedded::Options::default() };
        let engine = Embedded::open(&folder, options)?;
        Ok(Self { name: "embedded", engine, folder: Some(folder) })
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            // The system clears its folder of temporary files too.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// A server with Anna and Ben.
pub(crate) struct Server {
    store: Store,
    clock: Arc<ManualClock>,
    shared: Shared,
    delivery: Arc<Delivery>,
    admission: Arc<Admission>,
    anna: AccountId,
    next_port: AtomicU16,
    message_limit: Mutex<proto_imap::MessageLimit>,
    every_step: AtomicBool,
}

impl Server {
    pub(crate) async fn start(store: Store) -> anyhow::Result<Self> {
        let clock = Arc::new(ManualClock::at(NOW));
        let engine = Arc::clone(&store.engine);
        let mail = Mail::new(Arc::clone(&engine), clock.clone(), MailOptions::default());
        let passwords = PasswordOptions::for_tests();
        let directory = Directory::new(Arc::clone(&engine), clock.clone(), Arc::clone(&mail), passwords)?;
        directory.domain_add(&DomainName::parse(DOMAIN)?).await?;
        let password = Secret::new(PASSWORD.to_owned());
        let anna = directory.account_add(&Address::parse(ANNA)?, &password, None).await?;
        directory.account_add(&Address::parse(BEN)?, &password, None).await?;
        let traces = Traces::new(Arc::clone(&engine), clock.clone());
        let queue = Queue::open(engine, clock.clone(), Arc::clone(&traces), QueueOptions::default()).await?;
        let options = DeliveryOptions { hostname: HOSTNAME.into(), received_max: 100 };
        let delivery = Delivery::new(Arc::clone(&mail), Arc::clone(&directory), queue, traces, options);
        let hostname = DomainName::parse(HOSTNAME)?;
        let shared = Shared { mail, directory, clock: clock.clone(), hostname, tls: Some(tls()?) };
        let admission = Admission::new(ConnectionLimits::default());
        let next_port = AtomicU16::new(40_000);
        let (message_limit, every_step) = Default::default();
        Ok(Self { store, clock, shared, delivery, admission, anna, next_port, message_limit, every_step })
    }

    fn arrival(&self, stream: tokio::io::DuplexStream, tls: bool) -> anyhow::Result<Arrival<Piped>> {
        let port = self.next_port.fetch_add(1, Ordering::Relaxed);
        let peer = Peer::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let ticket = self.admission.admit(peer)?;
        let shutdown = ShutdownToken::never();
        Ok(Arrival { stream: Piped::new(stream, tls), peer, ticket, shutdown, id: u64::from(port) })
    }

    fn smtp(&self, role: Role) -> Arc<service_smtp::Service> {
        Arc::new(service_smtp::Service {
            shared: self.shared.clone(),
            delivery: Arc::clone(&self.delivery),
            options: Arc::new(proto_smtp::Options::new(role, HOSTNAME)),
        })
    }
}

/// Made once: a pipe's TLS is a flag, and only has to be there.
fn tls() -> anyhow::Result<Arc<TlsServer>> {
    static TLS: OnceLock<Arc<TlsServer>> = OnceLock::new();
    if let Some(made) = TLS.get() {
        return Ok(Arc::clone(made));
    }
    let made = self_made(&[HOSTNAME], NOW)?;
    let certificates = Certificates::from_pem(&made.chain_pem, made.key_pem.expose())?;
    let server = TlsServer::for_servers(certificates, TlsOptions::default());
    Ok(Arc::clone(TLS.get_or_init(|| server)))
}

impl Backend for Server {
    fn engine(&self) -> &'static str {
        self.store.name
    }

    async fn create_mailbox(&self, mailbox: &str) -> anyhow::Result<()> {
        let account = self.shared.mail.account(self.anna).await?;
        account.create(&mailbox_name(mailbox)?, None).await?;
        Ok(())
    }

    async fn set_quota(&self, octets: u64) -> anyhow::Result<()> {
        let anna = Address::parse(ANNA)?;
        Ok(self.shared.directory.quota_set(&anna, Some(Octets(octets))).await?)
    }

    async fn mark(&self, address: &str, shared: bool) -> anyhow::Result<()> {
        let mark = if shared { AccountMark::Shared } else { AccountMark::Admin };
        Ok(self.shared.directory.mark_set(&Address::parse(address)?, mark, true).await?)
    }

    async fn set(&self, address: &str, settings: &[String]) -> anyhow::Result<()> {
        let changes = settings.iter().map(|text| SettingChange::parse(text)).collect::<Result<Vec<_>, _>>()?;
        Ok(self.shared.directory.account_settings_change(&Address::parse(address)?, &changes).await?)
    }

    async fn add_alias(&self, alias: &str, targets: &[String]) -> anyhow::Result<()> {
        let targets = targets.iter().map(|target| Address::parse(target)).collect::<Result<Vec<_>, _>>()?;
        Ok(self.shared.directory.alias_add(&Address::parse(alias)?, &targets, false).await?)
    }

    async fn limit_messages(&self, limit: MessageLimit) -> anyhow::Result<()> {
        let limit = match limit {
            MessageLimit::Every(limit) => proto_imap::MessageLimit::Every(limit),
            MessageLimit::Saving(limit) => proto_imap::MessageLimit::Saving(limit),
        };
        *self.message_limit.lock().map_err(|_| anyhow::anyhow!("a step failed"))? = limit;
        Ok(())
    }

    async fn tell_every_step(&self) -> anyhow::Result<()> {
        self.every_step.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn undelete(&self) -> anyhow::Result<()> {
        let account = self.shared.mail.account(self.anna).await?;
        let retained = account.retained(None, RETAINED_MAX).await?;
        let ids: Vec<_> = retained.messages.iter().map(|message| message.id).collect();
        account.restore(&ids).await?;
        Ok(())
    }

    async fn append(&self, mailbox: &str, message: &[u8], flags: &[String], date: Option<&str>) -> anyhow::Result<u32> {
        let account = self.shared.mail.account(self.anna).await?;
        let mailboxes = account.mailboxes().await?;
        let id = mailboxes.get(&mailbox_name(mailbox)?).context("there is no such mailbox")?.id;
        let mut staging = account.stage(None).await?;
        staging.write(message).await?;
        let mut new = NewMessage::new(staging.finish().await?);
        new.flags = flag_names(flags)?;
        if let Some(date) = date {
            let quoted = format!("\"{date:>26}\"");
            let parsed = date::parse_date_time(&mut Cursor::new(quoted.as_bytes()));
            new.internal_date = Some(parsed.ok().context("no date-time")?);
        }
        let appended = account.append(id, vec![new]).await?;
        Ok(appended.uids.first().context("one UID")?.get())
    }

    async fn connect(&self, protocol: Protocol, tls: bool) -> anyhow::Result<Box<dyn Stream>> {
        let (client, server) = tokio::io::duplex(PIPE);
        let arrival = self.arrival(server, tls)?;
        let shared = self.shared.clone();
        match protocol {
            Protocol::Imap => {
                let message_limit = *self.message_limit.lock().map_err(|_| anyhow::anyhow!("a step failed"))?;
                let limits = proto_imap::Limits { message_limit, ..proto_imap::Limits::default() };
                let mut options = service_imap::Options { limits, ..service_imap::Options::default() };
                if self.every_step.load(Ordering::Relaxed) {
                    options.progress_every = Duration::ZERO;
                }
                let service = service_imap::Service { shared, options };
                tokio::spawn(service_imap::run(Arc::new(service), arrival));
            }
            Protocol::Pop3 => {
                let service = service_pop3::Service { shared, options: Arc::default() };
                tokio::spawn(service_pop3::run(Arc::new(service), arrival));
            }
            Protocol::Smtp => drop(tokio::spawn(service_smtp::run(self.smtp(Role::Mx), arrival))),
            Protocol::Submission => drop(tokio::spawn(service_smtp::run(self.smtp(Role::Submission), arrival))),
            Protocol::Lmtp => drop(tokio::spawn(service_smtp::run(self.smtp(Role::Lmtp), arrival))),
        }
        Ok(Box::new(client))
    }

    async fn upgrade(&self, stream: Box<dyn Stream>) -> anyhow::Result<Box<dyn Stream>> {
        Ok(stream)
    }

    async fn advance(&self, by: Duration) -> anyhow::Result<()> {
        self.clock.advance(by);
        Ok(())
    }
}

/// As a transcript writes it: in modified UTF-7, as it is sent.
fn mailbox_name(wire: &str) -> anyhow::Result<MailboxName> {
    let name = modified_utf7::decode(wire.as_bytes()).ok().context("not modified UTF-7")?;
    Ok(MailboxName::parse(&name)?)
}

fn flag_names(names: &[String]) -> anyhow::Result<FlagNames> {
    let mut flags = FlagNames::default();
    for name in names {
        match Flags::SYSTEM_NAMES.iter().find(|(_, system)| system == name) {
            Some((flag, _)) => flags.system = flags.system.union(*flag),
            None => flags.keywords.push(Keyword::parse(name)?),
        }
    }
    Ok(flags)
}
