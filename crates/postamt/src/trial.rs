//! `postamt trial`: a whole server for an afternoon. Loopback only, its own authority, two mailboxes, twelve messages;
//! nothing leaves the machine, nothing stays behind.

mod directory;
mod events;
mod ports;
mod samples;
mod text;
mod words;

use crate::cli;
use crate::print::say;
use crate::server::{CertificateSource, Exit, Kind, Letters, Options, Server, Signals};
use anyhow::Context as _;
use directory::TrialDirectory;
use domain::{DirectoryError, MailOptions, Notices, OnCleartext, PasswordOptions, QueueOptions, Settings};
use net::{ConnectionLimits, SelfMade, SystemClock};
use service_imap::{MessageLimit, Unauthenticate};
use std::time::Instant;
use text::{Facts, Person, Ports};
use types::{Address, Clock as _, DomainName, Octets, Secret};

/// The trial's domain; reserved for such use (RFC 2606 §2).
const DOMAIN: &str = "example.test";
/// How often ports are looked for anew.
const STARTS_MAX: u32 = 10;
/// Largest message.
const MESSAGE_MAX: Octets = Octets(50_000_000);

/// Runs a trial until it is told to stop.
pub(crate) fn run(options: &cli::Trial, json: bool) -> anyhow::Result<()> {
    let started = Instant::now();
    events::start(json)?;
    let directory = TrialDirectory::make(&options.directory)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let counted = runtime.block_on(serve(options, json, &directory, started));
    drop(runtime);
    if !options.keep {
        directory.remove()?;
    }
    let (mailboxes, messages) = counted?;
    if !json {
        let end = if options.keep { "kept" } else { "deleted" };
        say(&format!("Stopped. {mailboxes} mailboxes and {messages} messages {end}.\n"));
    }
    Ok(())
}

async fn serve(
    options: &cli::Trial,
    json: bool,
    directory: &TrialDirectory,
    started: Instant,
) -> anyhow::Result<(usize, u64)> {
    let signals = Signals::listen()?;
    let names = ["localhost", "127.0.0.1", "::1", &host_name()];
    let made = net::self_made(&names, SystemClock.now()).context("cannot make a certificate")?;
    let server = start(directory, &made).await?;
    let people = [person("anna")?, person("ben")?];
    populate(&server, &people).await?;
    let facts = facts(options, &server, people, &made, started)?;
    directory.write(&facts, &made)?;
    if json {
        say(&format!("{}\n", serde_json::to_string(&facts)?));
    } else {
        say(&facts.text());
    }
    signals.until_stop(&server.core.certificates).await;
    let counted = count(&server).await;
    server.stop().await;
    counted
}

/// Starts the server. Between the look for free ports and their taking another program may take one: then once more.
async fn start(directory: &TrialDirectory, made: &SelfMade) -> anyhow::Result<Server> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        match Server::start(server_options(directory, made)?).await {
            Err(error) if attempts < STARTS_MAX && error.chain().any(is_port_taken) => {}
            started => return started,
        }
    }
}

fn is_port_taken(cause: &(dyn std::error::Error + 'static)) -> bool {
    let io = cause.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
}

fn server_options(directory: &TrialDirectory, made: &SelfMade) -> anyhow::Result<Options> {
    // A try-out must not lock itself, and nobody in it needs advice.
    let settings = Settings { on_cleartext: OnCleartext::Warn, notices: Notices::Off, ..Settings::default() };
    Ok(Options {
        hostname: DomainName::parse("localhost")?,
        data: directory.data(),
        store: small_store(),
        control: directory.control(),
        metrics: None,
        listen: ports::find()?,
        certificates: CertificateSource::Pem { chain: made.chain_pem.clone(), key: made.key_pem.clone() },
        connections: ConnectionLimits::default(),
        recipients_max: 1000,
        mail: MailOptions { message_max: MESSAGE_MAX, ..MailOptions::default() },
        unauthenticate: Unauthenticate::Offered,
        message_limit: MessageLimit::None,
        passwords: PasswordOptions {
            default_domain: DomainName::parse(DOMAIN).ok(),
            settings,
            ..PasswordOptions::default()
        },
        queue: QueueOptions::default(),
        exit: Exit::Outbox,
        letters: Letters::default(),
    })
}

/// A store that takes little room from the disk: an afternoon's mail, not a company's.
fn small_store() -> store_embedded::Options {
    store_embedded::Options { segment_size: 16 << 20, reserve: 48 << 20, ..store_embedded::Options::default() }
}

fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if DomainName::parse(&name).is_ok() { name } else { "localhost".into() }
}

fn person(name: &'static str) -> anyhow::Result<Person> {
    let mut random = [0; 4];
    getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("the system gives no random bytes: {error}"))?;
    Ok(Person { name, address: format!("{name}@{DOMAIN}"), password: words::password(random) })
}

/// Makes domain and mailboxes, and fills them if they are new; those that a kept trial left get their new passwords.
async fn populate(server: &Server, people: &[Person]) -> anyhow::Result<()> {
    let shared = &server.core.shared;
    match shared.directory.domain_add(&DomainName::parse(DOMAIN)?).await {
        Ok(()) | Err(DirectoryError::AlreadyExists) => {}
        Err(error) => return Err(error.into()),
    }
    for person in people {
        let address = Address::parse(&person.address)?;
        let password = Secret::new(person.password.clone());
        match shared.directory.account_add(&address, &password, None).await {
            Ok(id) => samples::put(&shared.mail.account(id).await?, person.name, shared.clock.now()).await?,
            Err(DirectoryError::AlreadyExists) => shared.directory.password_set(&address, &password).await?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn facts(
    options: &cli::Trial,
    server: &Server,
    people: [Person; 2],
    made: &SelfMade,
    started: Instant,
) -> anyhow::Result<Facts> {
    let port = |kind| server.port(kind).context("a listener has no port");
    let shown = options.directory.display().to_string();
    Ok(Facts {
        version: env!("CARGO_PKG_VERSION"),
        program: std::env::args().next().unwrap_or_else(|| "postamt".into()),
        host: "localhost",
        ports: Ports {
            smtp: port(Kind::Smtp)?,
            submission: port(Kind::Submission)?,
            submissions: port(Kind::Submissions)?,
            imap: port(Kind::Imap)?,
            imaps: port(Kind::Imaps)?,
            pop3: port(Kind::Pop3)?,
            pop3s: port(Kind::Pop3s)?,
            lmtp: port(Kind::Lmtp)?,
        },
        people,
        control: format!("{shown}/control.sock"),
        directory: shown,
        ca_sha256: directory::fingerprint(&made.authority_pem)?,
        ca_pem: made.authority_pem.clone(),
        keep: options.keep,
        ready_ms: started.elapsed().as_millis(),
    })
}

async fn count(server: &Server) -> anyhow::Result<(usize, u64)> {
    let accounts = server.core.shared.directory.account_list(None, 100).await?;
    let mut messages = 0;
    for info in &accounts {
        messages += server.core.shared.mail.account(info.account).await?.usage().await?.messages;
    }
    Ok((accounts.len(), messages))
}
