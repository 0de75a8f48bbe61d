//! What may stand in `postamt.toml`, with its defaults. One field here, one in the owner's `Options`.

use super::bans::Bans;
use super::units::{Size, Span};
use domain::{LoginDelay, MailOptions};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;
use tracing_subscriber::EnvFilter;
use types::{DomainName, Octets};

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    pub(crate) server: Server,
    #[serde(default)]
    pub(crate) listen: Listen,
    #[serde(default)]
    pub(crate) tls: Tls,
    #[serde(default)]
    pub(crate) outbound: Outbound,
    #[serde(default)]
    pub(crate) limits: Limits,
    #[serde(default)]
    pub(crate) bans: Bans,
    #[serde(default)]
    pub(crate) mail: Mail,
    #[serde(default)]
    pub(crate) passwords: Passwords,
    #[serde(default)]
    pub(crate) imap: Imap,
    #[serde(default)]
    pub(crate) pop3: Pop3,
    #[serde(default)]
    pub(crate) log: Log,
}

/// Who we are and where our data is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Server {
    /// The name that the world knows this machine by: greeting, EHLO, Received, certificates.
    pub(crate) hostname: String,
    /// The data directory.
    #[serde(default = "default_data")]
    pub(crate) data: PathBuf,
    /// The control socket; by default `control.sock` in the data directory.
    pub(crate) control: Option<PathBuf>,
    /// Where `/metrics` answers, loopback only; absent: nowhere.
    pub(crate) metrics: Option<SocketAddr>,
    /// What letters to people are written in where nobody says otherwise; absent: in German and English.
    pub(crate) language: Option<Language>,
    /// The address of the help page, which letters and refusals name.
    pub(crate) help: Option<String>,
    /// Whether letters of advice are written.
    #[serde(default = "yes")]
    pub(crate) notices: bool,
}

fn yes() -> bool {
    true
}

/// See [`domain::Language`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Language {
    De,
    En,
}

/// Longest address of a help page.
const HELP_MAX: usize = 200;

impl Server {
    fn check(&self) -> Result<(), (&'static str, String)> {
        DomainName::parse(&self.hostname).map_err(|e| ("server.hostname", format!("`{}`: {e}", self.hostname)))?;
        if self.metrics.is_some_and(|address| !address.ip().is_loopback()) {
            return Err(("server.metrics", "metrics answer on loopback only; put a proxy before them".into()));
        }
        // It stands in protocol answers too, which are lines of ASCII.
        let is_link = |help: &str| {
            let rest = help.strip_prefix("https://").or_else(|| help.strip_prefix("http://"));
            rest.is_some_and(|rest| !rest.is_empty()) && help.bytes().all(|b| b.is_ascii_graphic())
        };
        match &self.help {
            Some(help) if help.len() > HELP_MAX || !is_link(help) => {
                let text = "write it as https://mail.example.org/help, without spaces and in ASCII";
                Err((
                    "server.help",
                    format!("`{help}` is no address of a page of at most {HELP_MAX} characters; {text}"),
                ))
            }
            _ => Ok(()),
        }
    }
}

fn default_data() -> PathBuf {
    "/var/lib/postamt".into()
}

/// Each listener's addresses (`address:port`, or an absolute path for a Unix socket); an empty list switches it off.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Listen {
    pub(crate) smtp: Vec<String>,
    pub(crate) submission: Vec<String>,
    pub(crate) submissions: Vec<String>,
    pub(crate) imap: Vec<String>,
    pub(crate) imaps: Vec<String>,
    pub(crate) pop3: Vec<String>,
    pub(crate) pop3s: Vec<String>,
    pub(crate) lmtp: Vec<String>,
}

impl Default for Listen {
    fn default() -> Self {
        let any = |port: u16| vec![format!("[::]:{port}")];
        Self {
            smtp: any(25),
            submission: any(587),
            submissions: any(465),
            imap: any(143),
            imaps: any(993),
            pop3: any(110),
            pop3s: any(995),
            lmtp: Vec::new(),
        }
    }
}

impl Listen {
    /// Every listener, by its setting.
    fn all(&self) -> [(&'static str, &[String]); 8] {
        [
            ("listen.smtp", &self.smtp),
            ("listen.submission", &self.submission),
            ("listen.submissions", &self.submissions),
            ("listen.imap", &self.imap),
            ("listen.imaps", &self.imaps),
            ("listen.pop3", &self.pop3),
            ("listen.pop3s", &self.pop3s),
            ("listen.lmtp", &self.lmtp),
        ]
    }
}

/// Certificate files (PEM). Without them the server makes a certificate of its own that no program trusts unasked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Tls {
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    /// More of them, for other names.
    pub(crate) certificates: Vec<CertificatePair>,
    /// The authorities whose certificates people may sign in with.
    pub(crate) client_ca: Option<PathBuf>,
}

/// A certificate and its key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct CertificatePair {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Tls {
    fn check(&self) -> Result<(), (&'static str, String)> {
        if self.certificate.is_some() != self.key.is_some() {
            return Err(("tls.certificate", "certificate and key belong together".into()));
        }
        if self.client_ca.is_some() && self.certificate.is_none() && self.certificates.is_empty() {
            return Err(("tls.client-ca", "the server needs a certificate of its own first".into()));
        }
        Ok(())
    }
}

/// How mail leaves.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Outbound {
    /// The DNS server; absent: the system's.
    pub(crate) resolver: Option<SocketAddr>,
    /// The port of other servers.
    pub(crate) port: u16,
    /// A relay (`host:port`) for everything without a route of its own.
    pub(crate) relay: Option<String>,
    /// User name at the relay.
    pub(crate) relay_user: Option<String>,
    /// File that holds the relay's password.
    pub(crate) relay_password_file: Option<PathBuf>,
    /// Domain → `host:port`, instead of its MX.
    pub(crate) routes: BTreeMap<String, String>,
    /// Waits between attempts; the last repeats until `give-up-after`.
    pub(crate) retry: Vec<Span>,
    /// When mail that cannot be delivered goes back.
    pub(crate) give_up_after: Span,
    /// Deliveries at once.
    pub(crate) concurrency: usize,
}

impl Default for Outbound {
    fn default() -> Self {
        let minutes = |m: u64| Span(Duration::from_mins(m));
        Self {
            resolver: None,
            port: 25,
            relay: None,
            relay_user: None,
            relay_password_file: None,
            routes: BTreeMap::new(),
            retry: [5, 10, 20, 40, 60, 120, 240, 480].map(minutes).to_vec(),
            give_up_after: minutes(5 * 24 * 60),
            concurrency: 50,
        }
    }
}

/// What one peer may take.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Limits {
    pub(crate) message_size: Size,
    pub(crate) connections: usize,
    pub(crate) connections_per_address: usize,
    pub(crate) connections_per_account: usize,
    pub(crate) recipients: usize,
    pub(crate) password_checks: Option<NonZeroU32>,
    pub(crate) password_checks_waiting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_size: Size(Octets(50_000_000)),
            connections: 20_000,
            connections_per_address: 200,
            connections_per_account: 100,
            recipients: 1000,
            password_checks: None,
            password_checks_waiting: 500,
        }
    }
}

/// How mail is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Mail {
    /// How long deleted mail can be had back.
    pub(crate) retention: Span,
}

impl Default for Mail {
    fn default() -> Self {
        Self { retention: Span(Duration::from_hours(30 * 24)) }
    }
}

/// What becomes of passwords.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Passwords {
    /// What becomes of a main password that came in clear, where neither account nor domain says otherwise.
    pub(crate) on_cleartext: OnCleartext,
    /// How long it is good after that with `grace`.
    pub(crate) grace: Span,
}

/// See [`domain::OnCleartext`].
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OnCleartext {
    Burn,
    Grace,
    Warn,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { on_cleartext: OnCleartext::Grace, grace: Span(Duration::from_hours(3 * 24)) }
    }
}

/// What IMAP offers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Imap {
    /// Whether a connection may sign out and serve another account.
    pub(crate) unauthenticate: bool,
    /// How many messages one command takes, whatever it does.
    pub(crate) message_limit: Option<NonZeroU32>,
    /// The same for COPY and APPEND only.
    pub(crate) save_limit: Option<NonZeroU32>,
}

impl Default for Imap {
    fn default() -> Self {
        Self { unauthenticate: true, message_limit: None, save_limit: None }
    }
}

impl Imap {
    /// RFC 9738 §3: fewer than a thousand would make programs that know of no limit useless. More are never copied at
    /// once.
    fn check(&self) -> Result<(), (&'static str, String)> {
        let possible = 1000..=u64::try_from(MailOptions::default().copy_max).unwrap_or(u64::MAX);
        for (key, limit) in [("imap.message-limit", self.message_limit), ("imap.save-limit", self.save_limit)] {
            if limit.is_some_and(|limit| !possible.contains(&u64::from(limit.get()))) {
                return Err((key, format!("it is between {} and {}", possible.start(), possible.end())));
            }
        }
        if self.message_limit.is_some() && self.save_limit.is_some() {
            return Err(("imap.save-limit", "message-limit is for COPY and APPEND too".into()));
        }
        Ok(())
    }
}

/// What POP3 does, where neither an account nor its domain says otherwise (`postamt account set`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Pop3 {
    /// What becomes of mail that a program deletes.
    pub(crate) on_delete: OnDelete,
    /// How long a program has to wait between two sign-ins.
    pub(crate) login_delay: Span,
}

/// See [`domain::OnDelete`].
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OnDelete {
    Delete,
    Keep,
    Trash,
    Off,
}

impl Default for Pop3 {
    fn default() -> Self {
        Self { on_delete: OnDelete::Delete, login_delay: Span(Duration::ZERO) }
    }
}

impl Pop3 {
    fn check(&self) -> Result<(), (&'static str, String)> {
        match LoginDelay::new(self.login_delay.0) {
            Some(_) => Ok(()),
            None => Err(("pop3.login-delay", "it is at most a day".into())),
        }
    }
}

/// The form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogForm {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The log, on standard error.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Log {
    pub(crate) form: LogForm,
    /// A filter such as `info` or `warn,service_imap=debug`.
    pub(crate) level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { form: LogForm::Text, level: "info".into() }
    }
}

impl Config {
    /// The control socket's path.
    pub(crate) fn control(&self) -> PathBuf {
        self.server.control.clone().unwrap_or_else(|| self.server.data.join("control.sock"))
    }

    /// Checks what the types cannot say; yields the key and the reason.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        self.server.check()?;
        for (key, addresses) in self.listen.all() {
            let bad = |text: &&String| !text.starts_with('/') && text.parse::<SocketAddr>().is_err();
            if let Some(bad) = addresses.iter().find(bad) {
                return Err((key, format!("`{bad}` is neither address:port nor the absolute path of a socket")));
            }
        }
        if self.outbound.relay_user.is_some() != self.outbound.relay_password_file.is_some() {
            return Err(("outbound.relay-user", "relay-user and relay-password-file belong together".into()));
        }
        self.tls.check()?;
        self.imap.check()?;
        self.pop3.check()?;
        EnvFilter::try_new(&self.log.level).map_err(|e| ("log.level", format!("`{}`: {e}", self.log.level)))?;
        for route in self.outbound.relay.iter().chain(self.outbound.routes.values()) {
            host_and_port(route).ok_or_else(|| ("outbound.relay", format!("`{route}` is not host:port")))?;
        }
        for domain in self.outbound.routes.keys() {
            DomainName::parse(domain).map_err(|e| ("outbound.routes", format!("`{domain}`: {e}")))?;
        }
        if self.outbound.retry.is_empty() {
            return Err(("outbound.retry", "there must be at least one wait".into()));
        }
        Ok(())
    }
}

/// Splits `host:port`.
pub(crate) fn host_and_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty()).then_some((host.to_owned(), port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::HELP_MAX;
    use crate::config::parse;

    #[test]
    fn what_the_types_cannot_say_is_checked() {
        let with = |rest: &str| parse(&format!("[server]\nhostname = \"mail.example.org\"\n{rest}"), "p.toml");
        assert!(with("metrics = \"127.0.0.1:9100\"\n").is_ok());
        assert!(with("metrics = \"0.0.0.0:9100\"\n").unwrap_err().to_string().contains("p.toml:3: server.metrics"));
        for (help, is_fine) in [
            ("https://mail.example.org/help", true),
            ("mail.example.org/help", false),
            ("https://", false),
            ("https://x y", false),
            ("https://hilfe.example/ä", false),
        ] {
            assert_eq!(with(&format!("help = \"{help}\"\n")).is_ok(), is_fine, "{help}");
        }
        for (length, is_fine) in [(HELP_MAX, true), (HELP_MAX + 1, false)] {
            let help = format!("https://{}", "x".repeat(length - "https://".len()));
            assert_eq!(with(&format!("help = \"{help}\"\n")).is_ok(), is_fine, "{length}");
        }
        assert!(with("language = \"de\"\n").is_ok() && with("language = \"fr\"\n").is_err());
        assert!(with("[tls]\ncertificate = \"c.pem\"\n").is_err());
        assert!(with("[tls]\nclient-ca = \"ca.pem\"\n").is_err());
        assert!(with("[tls]\ncertificates = [{ certificate = \"c.pem\" }]\n").is_err());
        assert!(
            with("[tls]\nclient-ca = \"ca.pem\"\ncertificates = [{ certificate = \"c.pem\", key = \"k\" }]\n").is_ok()
        );
        assert!(with("[outbound]\nrelay = \"nowhere\"\n").is_err());
        assert!(with("[outbound]\nrelay = \"[::1]:25\"\nretry = [\"1s\"]\n").is_ok());
        assert!(with("[outbound]\nretry = []\n").is_err());
        let error = with("[outbound]\nrelay-user = \"us\"\n").unwrap_err().to_string();
        assert!(error.contains("p.toml:4: outbound.relay-user"), "{error}");
        assert!(with("[listen]\nimaps = [\"/run/postamt/imaps\", \"[::1]:993\"]\n").is_ok());
        assert!(with("[listen]\nimaps = [\"993\"]\n").unwrap_err().to_string().contains("p.toml:4: listen.imaps"));
        assert!(with("[log]\nlevel = \"postamt=loud\"\n").unwrap_err().to_string().contains("p.toml:4: log.level"));
    }

    #[test]
    fn a_message_limit_is_neither_too_low_nor_beyond_what_is_copied_at_once() {
        let with = |rest: &str| parse(&format!("[server]\nhostname = \"mail.example.org\"\n[imap]\n{rest}"), "p.toml");
        for setting in ["message-limit", "save-limit"] {
            assert!(with(&format!("{setting} = 1000\n")).is_ok() && with(&format!("{setting} = 100000\n")).is_ok());
            for bad in [0, 999, 100_001] {
                assert!(with(&format!("{setting} = {bad}\n")).is_err(), "{setting} {bad}");
            }
        }
        let both = with("message-limit = 1000\nsave-limit = 1000\n").unwrap_err().to_string();
        assert!(both.contains("p.toml:5: imap.save-limit"), "{both}");
    }
}
