//! Another server: the receiving machine on a loopback port, with answers by script.

use bytes::BytesMut;
use net::{Certificates, Stream, TlsOptions, TlsServer};
use proto_smtp::{
    Body, Event, ForwardPath, MailNeeds, Mechanism, Options, Policy, Reply, ReversePath, Role, Rule, Server, Tls,
};
use service_session::Wire;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How the end of a message is answered.
pub(crate) enum End {
    Say(Reply),
    /// The message is kept, and the connection breaks before anybody hears of it.
    Cut,
    /// Nothing is said, ever.
    Silence,
}

pub(crate) enum Secure {
    Works(Arc<TlsServer>),
    /// STARTTLS is answered, and what follows is no TLS.
    Broken,
}

/// What it does that is not taking all mail.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) greeting: Option<Reply>,
    pub(crate) mail: Mutex<VecDeque<Reply>>,
    /// The next answers to RCPT, by address.
    pub(crate) recipients: Mutex<HashMap<String, VecDeque<Reply>>>,
    pub(crate) end: Mutex<VecDeque<End>>,
    pub(crate) tls: Option<Secure>,
    /// Name and password that it wants.
    pub(crate) user: Option<(String, String)>,
    /// Words of EHLO that it does not say.
    pub(crate) hidden: Vec<&'static str>,
}

/// A message that it took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Letter {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) body: Vec<u8>,
    pub(crate) is_tls: bool,
    pub(crate) user: Option<String>,
    pub(crate) is_utf8: bool,
    pub(crate) is_eight_bit: bool,
    pub(crate) size: Option<u64>,
}

impl Letter {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

#[derive(Default)]
struct Log {
    letters: Vec<Letter>,
    connections: usize,
    /// Passwords that were offered, with whether that was inside TLS.
    sign_ins: Vec<(String, bool)>,
}

struct Inner {
    script: Script,
    log: Mutex<Log>,
    changed: watch::Sender<()>,
}

pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    inner: Arc<Inner>,
    task: JoinHandle<()>,
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Script {
    pub(crate) fn answers(self, to: &str, replies: impl IntoIterator<Item = Reply>) -> Self {
        self.recipients.lock().unwrap().insert(to.into(), replies.into_iter().collect());
        self
    }

    pub(crate) fn ends(self, ends: impl IntoIterator<Item = End>) -> Self {
        self.end.lock().unwrap().extend(ends);
        self
    }

    /// With a certificate for these names; the second is whom to trust for it.
    pub(crate) fn with_tls(mut self, names: &[&str]) -> (Self, String) {
        let made = net::self_made(names, types::Clock::now(&net::SystemClock)).unwrap();
        let certificates = Certificates::from_pem(&made.chain_pem, made.key_pem.expose()).unwrap();
        self.tls = Some(Secure::Works(TlsServer::for_servers(certificates, TlsOptions::default())));
        (self, made.authority_pem)
    }
}

impl Sink {
    /// At 127.0.0.1, on a port that is free.
    pub(crate) async fn new(script: Script) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), script).await
    }

    /// At another loopback address, on the same port.
    pub(crate) async fn beside(&self, ip: &str, script: Script) -> Self {
        Self::at(SocketAddr::new(ip.parse().unwrap(), self.address.port()), script).await
    }

    async fn at(address: SocketAddr, script: Script) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner { script, log: Mutex::default(), changed: watch::channel(()).0 });
        let task = tokio::spawn(listen(listener, Arc::clone(&inner)));
        Self { address, inner, task }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn letters(&self) -> Vec<Letter> {
        self.inner.log.lock().unwrap().letters.clone()
    }

    /// The recipients of all letters, sorted.
    pub(crate) fn reached(&self) -> Vec<String> {
        let mut all: Vec<String> = self.letters().into_iter().flat_map(|letter| letter.to).collect();
        all.sort();
        all
    }

    pub(crate) fn connections(&self) -> usize {
        self.inner.log.lock().unwrap().connections
    }

    pub(crate) fn sign_ins(&self) -> Vec<(String, bool)> {
        self.inner.log.lock().unwrap().sign_ins.clone()
    }

    /// Waits until it has so many letters.
    pub(crate) async fn until_letters(&self, count: usize) {
        let mut changed = self.inner.changed.subscribe();
        while self.letters().len() < count {
            changed.changed().await.unwrap();
        }
    }
}

async fn listen(listener: TcpListener, inner: Arc<Inner>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        inner.log.lock().unwrap().connections += 1;
        // A connection that ends early is the script's doing, or the peer's right.
        connections.spawn(Connection::new(stream.into(), Arc::clone(&inner)).run());
    }
}

struct Connection {
    wire: Option<Wire<Stream>>,
    server: Server,
    inner: Arc<Inner>,
    letter: Letter,
}

fn policy(script: &Script, is_tls: bool) -> Policy {
    let tls = match (&script.tls, is_tls) {
        (_, true) => Tls::Active,
        (Some(_), false) => Tls::Offered,
        (None, false) => Tls::Unavailable,
    };
    let plain = Mechanism { name: "PLAIN".into(), rule: if is_tls { Rule::Offered } else { Rule::RefusedInClear } };
    let mechanisms = if script.user.is_some() { vec![plain] } else { Vec::new() };
    let mail_needs = if script.user.is_some() { MailNeeds::SignIn } else { MailNeeds::Nothing };
    Policy { tls, mechanisms, mail_needs }
}

impl Connection {
    fn new(stream: Stream, inner: Arc<Inner>) -> Self {
        let role = if inner.script.user.is_some() { Role::Submission } else { Role::Mx };
        let server = Server::new(Options::new(role, "sink.example"), policy(&inner.script, false), Instant::now());
        Self { wire: Some(Wire::new(stream)), server, inner, letter: Letter::default() }
    }

    async fn run(mut self) -> Option<()> {
        match &self.inner.script.greeting {
            Some(reply) => self.server.turn_away(reply),
            None => self.server.greet("", Instant::now()),
        }
        loop {
            let mut is_over = false;
            while let Some(event) = self.server.poll_event() {
                is_over |= matches!(event, Event::Closed(_));
                self.handle(event).await?;
            }
            let output = String::from_utf8(self.server.take_output().to_vec()).unwrap();
            if !output.is_empty() {
                let output = self.inner.script.hidden.iter().fold(output, |text, word| text.replace(word, "X-HIDDEN"));
                self.wire.as_mut()?.send(&mut BytesMut::from(output.as_bytes())).await.ok()?;
                self.server.flushed(Instant::now());
            } else if !is_over {
                let Self { wire, server, .. } = &mut self;
                let received = wire.as_mut()?.receive(|bytes| server.receive(Instant::now(), bytes)).await.ok()?;
                (received > 0).then_some(())?;
            }
            if is_over {
                return Some(());
            }
        }
    }

    async fn handle(&mut self, event: Event) -> Option<()> {
        match event {
            Event::Auth(start) => {
                let given = String::from_utf8_lossy(start.initial_response.as_ref()?.expose()).into_owned();
                let is_tls = self.wire.as_ref()?.stream().tls().is_some();
                self.inner.log.lock().unwrap().sign_ins.push((given.clone(), is_tls));
                let (user, password) = self.inner.script.user.clone()?;
                if given == format!("\0{user}\0{password}") {
                    self.letter.user = Some(user);
                    self.server.accept();
                } else {
                    self.server.refuse(&Reply::new(535, 7, 8, "Wrong"));
                }
            }
            Event::Mail(mail) => {
                self.letter.from = match mail.reverse_path {
                    ReversePath::Null => String::new(),
                    ReversePath::Address(address) => address.to_string(),
                };
                (self.letter.is_utf8, self.letter.is_eight_bit) = (mail.utf8, mail.body == Body::EightBitMime);
                (self.letter.size, self.letter.to, self.letter.body) = (mail.size.map(|s| s.0), vec![], vec![]);
                let refusal = self.inner.script.mail.lock().unwrap().pop_front();
                self.answer(refusal);
            }
            Event::Recipient(recipient) => {
                let ForwardPath::Address(address) = recipient.forward_path else { return None };
                let to = address.to_string();
                let refusal = self.inner.script.recipients.lock().unwrap().get_mut(&to).and_then(VecDeque::pop_front);
                if refusal.is_none() {
                    self.letter.to.push(to);
                }
                self.answer(refusal);
            }
            Event::DataChunk(piece) => self.letter.body.extend_from_slice(&piece),
            Event::DataEnd { .. } => self.end().await?,
            Event::StartTls => self.start_tls().await?,
            Event::Hello(_) | Event::Data(_) => self.server.accept(),
            Event::AuthResponse(_)
            | Event::AuthAborted
            | Event::AuthRefused(_)
            | Event::Uninvited(_)
            | Event::DataAborted(_)
            | Event::Reset
            | Event::Closed(_) => {}
        }
        Some(())
    }

    fn answer(&mut self, refusal: Option<Reply>) {
        match refusal {
            Some(reply) => self.server.refuse(&reply),
            None => self.server.accept(),
        }
    }

    async fn end(&mut self) -> Option<()> {
        let end = self.inner.script.end.lock().unwrap().pop_front();
        let mut letter = self.letter.clone();
        letter.is_tls = self.wire.as_ref()?.stream().tls().is_some();
        match end {
            Some(End::Say(reply)) => {
                self.server.refuse(&reply);
                return Some(());
            }
            Some(End::Silence) => return std::future::pending().await,
            Some(End::Cut) => {
                self.took(letter);
                return None;
            }
            None => self.took(letter),
        }
        self.server.accept_with("Taken");
        Some(())
    }

    fn took(&self, letter: Letter) {
        self.inner.log.lock().unwrap().letters.push(letter);
        self.inner.changed.send_replace(());
    }

    async fn start_tls(&mut self) -> Option<()> {
        let output = self.server.take_output();
        let mut wire = self.wire.take()?;
        wire.send(&mut BytesMut::from(&output[..])).await.ok()?;
        match self.inner.script.tls.as_ref()? {
            Secure::Broken => {
                wire.send(&mut BytesMut::from(&b"What do you mean?\r\n"[..])).await.ok()?;
                None
            }
            Secure::Works(tls) => {
                let stream = wire.into_stream().start_tls(tls).await.ok()?;
                self.wire = Some(Wire::new(stream));
                let policy = policy(&self.inner.script, true);
                self.server.tls_started(policy, Instant::now());
                Some(())
            }
        }
    }
}
