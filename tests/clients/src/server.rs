//! `postamt serve` as a process: started on free ports, killed, ended in order, started again, administered.

use crate::program::{Program, pid, wait};
use crate::{Directory, Imap, Lmtp, Pop3, Wire, certificate, postamt};
use anyhow::{Context as _, bail, ensure};
use rustix::process::{Signal, kill_process};
use rustls::ClientConfig;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The domain of all test accounts.
pub const DOMAIN: &str = "example.test";

/// How long a start or an orderly end may take.
const PATIENCE: Duration = Duration::from_secs(40);
/// Between two looks at a server that starts.
const STEP: Duration = Duration::from_millis(10);
/// Other programs may take a port between our look and the server's.
const ATTEMPTS: u32 = 4;

/// The ports of a server on the loopback address.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ports {
    /// Mail from other servers.
    pub smtp: u16,
    /// Mail from people, STARTTLS.
    pub submission: u16,
    /// Mail from people, TLS.
    pub submissions: u16,
    /// STARTTLS.
    pub imap: u16,
    /// TLS.
    pub imaps: u16,
    /// STLS.
    pub pop3: u16,
    /// TLS.
    pub pop3s: u16,
    /// Mail from another program of this machine; the trial has none (0).
    pub lmtp: u16,
}

/// A mailbox and its password.
#[derive(Clone, Debug)]
pub struct Account {
    /// The whole address, which is the user name too.
    pub address: String,
    /// The password.
    pub password: String,
}

/// A server. It is killed when this is dropped, and what it logged goes to the test's output.
pub struct Server {
    directory: Directory,
    child: Option<Child>,
    ports: Ports,
    trust: Arc<ClientConfig>,
    /// More lines of its section `[tls]`.
    tls: String,
}

impl Server {
    /// Starts one, with a domain and no accounts.
    pub fn start() -> anyhow::Result<Self> {
        Self::start_with_tls(|_| Ok(String::new()))
    }

    /// The same with more lines in the section `[tls]` of its configuration, and the files they name: `prepare` is shown
    /// its directory.
    pub fn start_with_tls(prepare: impl FnOnce(&Directory) -> anyhow::Result<String>) -> anyhow::Result<Self> {
        let directory = Directory::new()?;
        let tls = prepare(&directory)?;
        let made = certificate::make()?;
        let ca = directory.write("ca.pem", made.ca)?;
        directory.write("certificate.pem", made.certificate)?;
        directory.write("key.pem", made.key)?;
        let trust = certificate::trust(&ca)?;
        let mut server = Self { directory, child: None, ports: Ports::default(), trust, tls };
        for attempt in 1.. {
            server.ports = free_ports()?;
            server.directory.write("postamt.toml", server.config())?;
            match server.boot() {
                Ok(()) => break,
                Err(error) if attempt == ATTEMPTS || !server.log().to_lowercase().contains("in use") => {
                    return Err(error.context("the server does not start"));
                }
                Err(_) => {}
            }
        }
        server.admin(["domain", "add", DOMAIN])?;
        Ok(server)
    }

    /// Another server, with ports of its own, on this data directory, which nobody else may use.
    pub fn with_data(&self, data: &Path) -> anyhow::Result<Self> {
        let directory = Directory::new()?;
        for name in ["ca.pem", "certificate.pem", "key.pem"] {
            directory.write(name, std::fs::read(self.directory.join(name))?)?;
        }
        std::fs::rename(data, directory.join("data"))?;
        let (trust, tls) = (Arc::clone(&self.trust), String::new());
        let mut server = Self { directory, child: None, ports: free_ports()?, trust, tls };
        server.directory.write("postamt.toml", server.config())?;
        server.boot()?;
        Ok(server)
    }

    fn config(&self) -> String {
        let Ports { smtp, submission, submissions, imap, imaps, pop3, pop3s, lmtp } = self.ports;
        let directory = self.directory.path().display();
        let tls = &self.tls;
        let ports = [
            ("smtp", smtp),
            ("submission", submission),
            ("submissions", submissions),
            ("imap", imap),
            ("imaps", imaps),
            ("pop3", pop3),
            ("pop3s", pop3s),
        ];
        let mut listen = String::new();
        for (name, port) in ports {
            listen.push_str(name);
            listen.push_str(" = [\"127.0.0.1:");
            listen.push_str(&port.to_string());
            listen.push_str("\"]\n");
        }
        // Nothing leaves: the relay is a port where nobody listens. No letter of advice comes between what a test counts.
        format!(
            "[server]\nhostname = \"mail.example.test\"\ndata = \"{directory}/data\"\ncontrol = \"{directory}/control\"\n\
             notices = false\n\n\
             [listen]\n{listen}lmtp = [\"127.0.0.1:{lmtp}\", \"{directory}/lmtp\"]\n\n\
             [tls]\ncertificate = \"{directory}/certificate.pem\"\nkey = \"{directory}/key.pem\"\n{tls}\n\
             [outbound]\nresolver = \"127.0.0.1:9\"\nrelay = \"127.0.0.1:9\"\nretry = [\"1h\"]\n\n\
             [limits]\nconnections-per-address = 500\n\n[log]\nlevel = \"warn\"\n"
        )
    }

    /// Starts the process, which must not run, on the data that is there.
    pub fn boot(&mut self) -> anyhow::Result<()> {
        ensure!(self.child.is_none(), "the server runs already");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.directory.join("log"))?;
        let child = Command::new(postamt()?)
            .args(["serve", "--config"])
            .arg(self.directory.join("postamt.toml"))
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        self.child = Some(child);
        let end = Instant::now() + PATIENCE;
        while !self.answers() {
            if let Some(status) = self.child.as_mut().map(Child::try_wait).transpose()?.flatten() {
                self.child = None;
                bail!("the server ended with {status}:\n{}", self.log());
            }
            ensure!(Instant::now() < end, "the server does not answer after {PATIENCE:?}:\n{}", self.log());
            std::thread::sleep(STEP);
        }
        Ok(())
    }

    fn answers(&self) -> bool {
        let open = |port: u16| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
        let Ports { smtp, imaps, pop3s, lmtp, .. } = self.ports;
        UnixStream::connect(self.control()).is_ok() && [smtp, imaps, pop3s, lmtp].into_iter().all(open)
    }

    /// SIGKILL, as if the process had never been asked.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        let mut child = self.child.take().context("the server does not run")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// SIGTERM, and how the process ended.
    pub fn terminate(&mut self) -> anyhow::Result<ExitStatus> {
        let mut child = self.child.take().context("the server does not run")?;
        kill_process(pid(&child).context("no pid")?, Signal::TERM)?;
        if let Some(status) = wait(&mut child, PATIENCE)? {
            return Ok(status);
        }
        child.kill()?;
        child.wait()?;
        bail!("the server did not end within {PATIENCE:?} of SIGTERM:\n{}", self.log())
    }

    /// SIGHUP.
    pub fn hang_up(&self) -> anyhow::Result<()> {
        let child = self.child.as_ref().context("the server does not run")?;
        Ok(kill_process(pid(child).context("no pid")?, Signal::HUP)?)
    }

    /// Where its ports are.
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// The server's own directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The certificate authority's file.
    pub fn ca(&self) -> PathBuf {
        self.directory.join("ca.pem")
    }

    /// The control socket.
    pub fn control(&self) -> PathBuf {
        self.directory.join("control")
    }

    /// The Unix socket that takes LMTP.
    pub fn lmtp_socket(&self) -> PathBuf {
        self.directory.join("lmtp")
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read(self.directory.join("log")).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default()
    }

    /// Runs a command of the operator; its text.
    pub fn admin<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> anyhow::Result<String> {
        control(&self.control(), arguments, "")
    }

    /// A new mailbox.
    pub fn account(&self, name: &str) -> anyhow::Result<Account> {
        let account = Account { address: format!("{name}@{DOMAIN}"), password: format!("tinte-{name}-grau-41") };
        let arguments = ["account", "add", &account.address, "--password-stdin"];
        control(&self.control(), arguments, &format!("{}\n", account.password))?;
        Ok(account)
    }

    /// An IMAP connection, signed in.
    pub fn imap(&self, account: &Account) -> anyhow::Result<Imap> {
        Imap::sign_in(Wire::tls(self.ports.imaps, Arc::clone(&self.trust))?, account)
    }

    /// A POP3 connection, signed in.
    pub fn pop3(&self, account: &Account) -> anyhow::Result<Pop3> {
        Pop3::sign_in(Wire::tls(self.ports.pop3s, Arc::clone(&self.trust))?, account)
    }

    /// A function that makes such connections, for a thread that outlives the borrow of this server.
    pub fn pop3_again(&self, account: &Account) -> impl Fn() -> anyhow::Result<Pop3> + Send + 'static {
        let (port, trust, account) = (self.ports.pop3s, Arc::clone(&self.trust), account.clone());
        move || Pop3::sign_in(Wire::tls(port, Arc::clone(&trust))?, &account)
    }

    /// A connection inside TLS on which nothing was said yet.
    pub fn tls(&self, port: u16) -> anyhow::Result<Wire> {
        Wire::tls(port, Arc::clone(&self.trust))
    }

    /// A client's side of TLS that trusts this server's authority.
    pub fn trust(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.trust)
    }

    /// The process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// An LMTP connection.
    pub fn lmtp(&self) -> anyhow::Result<Lmtp> {
        Lmtp::hello(Wire::plain(self.ports.lmtp)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let log = self.log();
        let tail: Vec<&str> = log.lines().rev().take(25).collect();
        eprintln!("--- the end of the server's log");
        tail.iter().rev().for_each(|line| eprintln!("{line}"));
    }
}

/// Runs `postamt --control SOCKET ARGUMENTS…` with this input; its standard output.
pub fn control<'a>(socket: &Path, arguments: impl IntoIterator<Item = &'a str>, input: &str) -> anyhow::Result<String> {
    let command = Program::new(postamt()?).arg("--control").arg(socket).args(arguments).input(input);
    Ok(command.succeed()?.text())
}

fn free_ports() -> anyhow::Result<Ports> {
    let any = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    // All at once, so that they differ.
    let held = [any()?, any()?, any()?, any()?, any()?, any()?, any()?, any()?];
    let mut ports = [0; 8];
    for (port, listener) in ports.iter_mut().zip(&held) {
        *port = listener.local_addr()?.port();
    }
    let [smtp, submission, submissions, imap, imaps, pop3, pop3s, lmtp] = ports;
    Ok(Ports { smtp, submission, submissions, imap, imaps, pop3, pop3s, lmtp })
}
