//! What a server is started with: the configuration file's values in the owners' types.

use crate::config::Config;
use crate::config::schema::{Imap, Language, Listen as ListenConfig, OnCleartext, OnDelete, Tls, host_and_port};
use anyhow::Context as _;
use domain::{
    Allowance, BanOptions, LoginDelay, MailOptions, Notices, PasswordOptions, QueueOptions, Schedule, Settings,
};
use net::{CertificateFiles, ConnectionLimits, Endpoint, Resolver};
use service_imap::{MessageLimit, Unauthenticate};
use service_outbound::{HostPort, Relay, Routes};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use types::{DomainName, Secret};

/// What is spoken on a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Smtp,
    Submission,
    Submissions,
    Imap,
    Imaps,
    Pop3,
    Pop3s,
    Lmtp,
}

/// A listener to open.
#[derive(Clone, Debug)]
pub(crate) struct Listen {
    pub(crate) kind: Kind,
    pub(crate) endpoint: Endpoint,
}

/// Where the certificate comes from.
#[derive(Clone, Debug)]
pub(crate) enum CertificateSource {
    Files { files: Vec<CertificateFiles>, client_authorities: Option<PathBuf> },
    Pem { chain: String, key: Secret<String> },
    SelfMade,
}

/// Where mail for elsewhere goes.
#[derive(Clone)]
pub(crate) enum Exit {
    /// To other servers.
    Network { resolver: Resolver, routes: Routes, relay: Option<Relay>, concurrency: usize },
    /// Nowhere: into the sender's mailbox `Outbox` (the trial).
    Outbox,
}

/// Everything.
pub(crate) struct Options {
    pub(crate) hostname: DomainName,
    pub(crate) data: PathBuf,
    pub(crate) store: store_embedded::Options,
    pub(crate) control: PathBuf,
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) listen: Vec<Listen>,
    pub(crate) certificates: CertificateSource,
    pub(crate) connections: ConnectionLimits,
    pub(crate) recipients_max: usize,
    pub(crate) mail: MailOptions,
    pub(crate) unauthenticate: Unauthenticate,
    pub(crate) message_limit: MessageLimit,
    pub(crate) passwords: PasswordOptions,
    pub(crate) queue: QueueOptions,
    pub(crate) exit: Exit,
    pub(crate) letters: Letters,
}

/// How people are written to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Letters {
    /// What in, where neither account nor domain says so; `None` for every language.
    pub(crate) language: Option<advise::Language>,
    /// The address of the help page.
    pub(crate) help: Option<String>,
}

impl Options {
    /// Fills them from the configuration file.
    pub(crate) fn of_config(config: &Config) -> anyhow::Result<Self> {
        let hostname = DomainName::parse(&config.server.hostname)?;
        let limits = &config.limits;
        let message_max = limits.message_size.0;
        Ok(Self {
            hostname,
            data: config.server.data.clone(),
            store: store_embedded::Options::default(),
            control: config.control(),
            metrics: config.server.metrics,
            listen: listen(&config.listen)?,
            certificates: certificates(&config.tls),
            connections: ConnectionLimits {
                total: limits.connections,
                per_address: limits.connections_per_address,
                per_account: limits.connections_per_account,
            },
            recipients_max: limits.recipients,
            mail: MailOptions { retention: config.mail.retention.0, message_max, ..MailOptions::default() },
            unauthenticate: if config.imap.unauthenticate { Unauthenticate::Offered } else { Unauthenticate::Withheld },
            message_limit: message_limit(&config.imap),
            passwords: passwords(config),
            queue: queue(config),
            exit: exit(config)?,
            letters: letters(config),
        })
    }
}

fn certificates(tls: &Tls) -> CertificateSource {
    let first = tls.certificate.iter().zip(&tls.key);
    let others = tls.certificates.iter().map(|pair| (&pair.certificate, &pair.key));
    let pair = |(chain, key): (&PathBuf, &PathBuf)| CertificateFiles { chain: chain.clone(), key: key.clone() };
    let files: Vec<_> = first.chain(others).map(pair).collect();
    if files.is_empty() {
        return CertificateSource::SelfMade;
    }
    CertificateSource::Files { files, client_authorities: tls.client_ca.clone() }
}

fn message_limit(imap: &Imap) -> MessageLimit {
    match (imap.message_limit, imap.save_limit) {
        (Some(limit), _) => MessageLimit::Every(limit),
        (None, Some(limit)) => MessageLimit::Saving(limit),
        (None, None) => MessageLimit::None,
    }
}

fn letters(config: &Config) -> Letters {
    let language = config.server.language.map(|language| match language {
        Language::De => advise::Language::De,
        Language::En => advise::Language::En,
    });
    Letters { language, help: config.server.help.clone() }
}

fn passwords(config: &Config) -> PasswordOptions {
    let (limits, bans, defaults) = (&config.limits, &config.bans, PasswordOptions::default());
    let after = Allowance { burst: bans.after.get(), every: bans.forget.0 };
    let concurrent = limits.password_checks.and_then(|checks| usize::try_from(checks.get()).ok());
    PasswordOptions {
        settings: settings(config),
        grace: config.passwords.grace.0,
        concurrent: concurrent.unwrap_or(defaults.concurrent),
        waiting_max: limits.password_checks_waiting,
        bans: BanOptions {
            after: bans.automatic.then_some(after),
            first: bans.first.0,
            longest: bans.longest.0,
            ..BanOptions::default()
        },
        ..defaults
    }
}

/// What holds for those for whom nothing is set.
fn settings(config: &Config) -> Settings {
    let on_delete = match config.pop3.on_delete {
        OnDelete::Delete => domain::OnDelete::Delete,
        OnDelete::Keep => domain::OnDelete::Keep,
        OnDelete::Trash => domain::OnDelete::Trash,
        OnDelete::Off => domain::OnDelete::Off,
    };
    let login_delay = LoginDelay::new(config.pop3.login_delay.0).unwrap_or_default();
    let language = match config.server.language {
        Some(Language::De) => domain::Language::De,
        Some(Language::En) | None => domain::Language::En,
    };
    let notices = if config.server.notices { Notices::On } else { Notices::Off };
    let on_cleartext = match config.passwords.on_cleartext {
        OnCleartext::Burn => domain::OnCleartext::Burn,
        OnCleartext::Grace => domain::OnCleartext::Grace,
        OnCleartext::Warn => domain::OnCleartext::Warn,
    };
    Settings { on_delete, login_delay, language, notices, on_cleartext, ..Settings::default() }
}

fn queue(config: &Config) -> QueueOptions {
    let pauses = config.outbound.retry.iter().map(|span| span.0).collect();
    let schedule = Schedule { pauses, give_up_after: config.outbound.give_up_after.0, ..Schedule::default() };
    QueueOptions { schedule, ..QueueOptions::default() }
}

fn exit(config: &Config) -> anyhow::Result<Exit> {
    let outbound = &config.outbound;
    let way = |text: &str| -> anyhow::Result<HostPort> {
        let (host, port) = host_and_port(text).with_context(|| format!("`{text}` is not host:port"))?;
        let host = if host.contains(':') { format!("[ipv6:{host}]") } else { host };
        Ok(HostPort { host: DomainName::parse(&host)?, port })
    };
    let mut routes = Routes { port: outbound.port, ..Routes::default() };
    for (domain, to) in &outbound.routes {
        routes.domains.insert(DomainName::parse(domain)?, way(to)?);
    }
    routes.relay = outbound.relay.as_deref().map(way).transpose()?;
    let relay = match (&outbound.relay_user, &outbound.relay_password_file) {
        (Some(user), Some(path)) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            let password = Secret::new(text.lines().next().unwrap_or_default().to_owned());
            Some(Relay { user: user.clone(), password })
        }
        _ => None,
    };
    let resolver = Resolver::dns(outbound.resolver).context("cannot use the DNS server")?;
    Ok(Exit::Network { resolver, routes, relay, concurrency: outbound.concurrency })
}

fn listen(config: &ListenConfig) -> anyhow::Result<Vec<Listen>> {
    let kinds = [
        (Kind::Smtp, &config.smtp),
        (Kind::Submission, &config.submission),
        (Kind::Submissions, &config.submissions),
        (Kind::Imap, &config.imap),
        (Kind::Imaps, &config.imaps),
        (Kind::Pop3, &config.pop3),
        (Kind::Pop3s, &config.pop3s),
        (Kind::Lmtp, &config.lmtp),
    ];
    let mut all = Vec::new();
    for (kind, addresses) in kinds {
        for address in addresses {
            all.extend(endpoints(address)?.into_iter().map(|endpoint| Listen { kind, endpoint }));
        }
    }
    Ok(all)
}

/// `[::]:993` means every address, so IPv4 too.
fn endpoints(text: &str) -> anyhow::Result<Vec<Endpoint>> {
    if text.starts_with('/') {
        return Ok(vec![Endpoint::Unix { path: text.into(), mode: 0o660 }]);
    }
    let address: SocketAddr = text.parse().with_context(|| format!("`{text}` is not address:port"))?;
    let mut all = vec![Endpoint::Tcp(address)];
    if address.ip() == Ipv6Addr::UNSPECIFIED {
        all.push(Endpoint::Tcp(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port())));
    }
    Ok(all)
}
