//! One connection from the greeting to its end.

use crate::dispatch::dispatch;
use crate::login;
use crate::maildrop::Maildrop;
use domain::{Account, InUse, LoginDelay, OnDelete};
use net::{Peer, ShutdownToken, Ticket, TlsInfo};
use proto_pop3::{Connection, Event, Mechanism, Policy, Rule, Tls};
use proto_sasl::{Protocol, Verdict};
use service_session::{Arrival, Attempt, Caller, Ending, Overheard, Revocation, Shared, Transport, Wire, now};
use std::io;
use std::sync::Arc;
use tokio::time::sleep_until;
use tracing::{Instrument as _, debug, debug_span};
use types::{CredentialRef, MailProtocol};

/// What all sessions share.
#[derive(Clone)]
pub struct Service {
    /// The server behind it.
    pub shared: Shared,
    /// What the machine says and allows.
    pub options: Arc<proto_pop3::Options>,
}

/// Who signed in, and the maildrop that was opened.
pub(crate) struct SignedIn {
    pub(crate) name: String,
    pub(crate) account: Account,
    pub(crate) credential: CredentialRef,
    pub(crate) revocation: Revocation,
    /// What QUIT does.
    pub(crate) on_delete: OnDelete,
    pub(crate) maildrop: Maildrop,
}

pub(crate) struct Session<S> {
    pub(crate) service: Arc<Service>,
    pub(crate) machine: Connection,
    /// `None` only while it is turned into a TLS one.
    pub(crate) wire: Option<Wire<S>>,
    peer: Peer,
    /// Its number, for the log.
    connection: u64,
    pub(crate) ticket: Ticket,
    pub(crate) attempt: Option<Attempt>,
    /// A sign-in that was refused in clear, of which more may come.
    pub(crate) overheard: Option<Overheard>,
    pub(crate) signed_in: Option<SignedIn>,
    /// Counts as a use of the password while the session lasts.
    pub(crate) in_use: Option<Box<InUse>>,
    shutdown: ShutdownToken,
}

/// Serves a connection to its end.
pub async fn run<S: Transport>(service: Arc<Service>, arrival: Arrival<S>) {
    let span = debug_span!("connection", id = arrival.id, peer = %arrival.peer, service = "pop3");
    let Arrival { stream, peer, ticket, shutdown, id: connection } = arrival;
    let policy = machine_policy(&service.shared, stream.tls().as_ref());
    let machine = Connection::new(Arc::clone(&service.options), policy, now());
    let wire = Some(Wire::new(stream));
    let (attempt, overheard, signed_in) = (None, None, None);
    let mut session = Session {
        service,
        machine,
        wire,
        peer,
        connection,
        ticket,
        attempt,
        overheard,
        signed_in,
        in_use: None,
        shutdown,
    };
    let served = async {
        session.announce().await;
        let served = session.serve().await;
        let wire = session.wire.take();
        match (served, wire) {
            (Ok(()), Some(wire)) => wire.close().await,
            (Err(error), wire) => {
                debug!(%error, "connection ended early");
                if let Some(wire) = wire {
                    wire.abandon().await;
                }
            }
            (Ok(()), None) => {}
        }
    };
    served.instrument(span).await;
}

/// The machine's word for a language.
pub(crate) fn language_of(language: domain::Language) -> proto_pop3::Language {
    match language {
        domain::Language::En => proto_pop3::Language::English,
        domain::Language::De => proto_pop3::Language::German,
    }
}

/// Fills the machine's policy from the one table.
fn machine_policy(shared: &Shared, tls: Option<&TlsInfo>) -> Policy {
    let table = service_session::policy(shared, Protocol::Pop3, tls);
    let rule = |verdict| match verdict {
        Verdict::Offered => Rule::Offered,
        Verdict::PrivacyRequired => Rule::RefusedInClear,
        Verdict::Off => Rule::Off,
    };
    let tls = match (tls, &shared.tls) {
        (Some(_), _) => Tls::Active,
        (None, Some(_)) => Tls::Offered,
        (None, None) => Tls::Unavailable,
    };
    let mechanisms = table.mechanisms().map(|(name, verdict)| Mechanism { name: name.to_owned(), rule: rule(verdict) });
    Policy { tls, password: rule(table.password_command()), mechanisms: mechanisms.collect() }
}

impl<S: Transport> Session<S> {
    /// Says what is known before anybody has signed in: what may hold for anyone (RFC 2449 §6.5).
    async fn announce(&mut self) {
        let directory = &self.service.shared.directory;
        self.machine.set_preferred_language(language_of(directory.server_settings().language));
        match directory.login_delay_longest().await {
            Ok(longest) if longest == LoginDelay::NONE => {}
            Ok(longest) => self.machine.set_login_delay(Some(proto_pop3::LoginDelay::AtMost(longest.get()))),
            Err(error) => debug!(%error, "the login delay is not announced"),
        }
    }

    /// What TLS was agreed.
    pub(crate) fn tls(&self) -> Option<TlsInfo> {
        self.wire.as_ref().and_then(|wire| wire.stream().tls())
    }

    /// Who is signed in; the machine hands out no such command before.
    pub(crate) fn signed_in(&self) -> io::Result<&SignedIn> {
        self.signed_in.as_ref().ok_or_else(|| io::Error::other("a command came before the sign-in"))
    }

    pub(crate) fn signed_in_mut(&mut self) -> io::Result<&mut SignedIn> {
        self.signed_in.as_mut().ok_or_else(|| io::Error::other("a command came before the sign-in"))
    }

    /// Who wants to sign in.
    pub(crate) fn caller(&self) -> Caller {
        let connection = self.connection;
        Caller { peer: self.peer.ip(), protocol: MailProtocol::Pop3, program: None, connection }
    }

    /// Whether account or password are gone since the sign-in.
    async fn ending(&self) -> Option<Ending> {
        let signed_in = self.signed_in.as_ref()?;
        self.service.shared.ending(signed_in.account.id(), signed_in.credential).await
    }

    /// Says why the session ends.
    fn end(&mut self, ending: Ending) {
        match ending {
            Ending::AccountRemoved => self.machine.err(None, "The account was removed"),
            Ending::PasswordReplaced => self.machine.err(None, "The password was changed, sign in again"),
        }
    }

    fn wire(&mut self) -> io::Result<&mut Wire<S>> {
        self.wire.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Sends what is written so far if it is much.
    pub(crate) async fn send_when_high(&mut self) -> io::Result<()> {
        let Self { machine, wire: Some(wire), .. } = self else { return Err(io::ErrorKind::NotConnected.into()) };
        wire.send_when_high(machine.output()).await
    }

    async fn send(&mut self) -> io::Result<()> {
        let Self { machine, wire: Some(wire), .. } = self else { return Err(io::ErrorKind::NotConnected.into()) };
        wire.send(machine.output()).await?;
        machine.flushed(now());
        Ok(())
    }

    async fn serve(&mut self) -> io::Result<()> {
        loop {
            while let Some(event) = self.machine.poll_event() {
                if let (Event::Command(_), Some(ending)) = (&event, self.ending().await) {
                    self.end(ending);
                    return self.send().await;
                }
                match event {
                    // Boxed, so that a connection that waits need not have room for the largest command.
                    Event::Command(command) => Box::pin(dispatch(self, command)).await?,
                    Event::AuthAborted => self.attempt = None,
                    Event::AuthRefused(mechanism) => login::refused(self, &mechanism).await,
                    Event::Uninvited(response) => login::uninvited(self, &response).await,
                    Event::StartTls => self.start_tls().await?,
                    Event::Closed(reason) => {
                        debug!(?reason, "closed");
                        return self.send().await;
                    }
                }
                self.send_when_high().await?;
            }
            if !self.machine.output().is_empty() {
                self.send().await?;
                continue;
            }
            if !self.wait().await? {
                return Ok(());
            }
        }
    }

    /// Waits for bytes, for the deadline or for the shutdown; false when it is over.
    async fn wait(&mut self) -> io::Result<bool> {
        let deadline = self.machine.next_deadline();
        let Self { machine, wire: Some(wire), shutdown, signed_in, .. } = self else { return Ok(false) };
        let timer = async {
            match deadline {
                Some(deadline) => sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        let moved = async {
            match signed_in {
                Some(signed_in) => signed_in.revocation.moved().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            received = wire.receive(|bytes| machine.receive(now(), bytes)) => Ok(received? > 0),
            () = timer => {
                self.machine.handle_timeout(now());
                Ok(true)
            }
            // Nothing can be said to a client that has not asked (RFC 1939 §3).
            () = moved => Ok(self.ending().await.is_none()),
            // Nothing is deleted without QUIT (RFC 1939 §3), so an end between commands is harmless.
            () = shutdown.requested() => Ok(false),
        }
    }

    async fn start_tls(&mut self) -> io::Result<()> {
        self.send().await?;
        let tls = self.service.shared.tls.clone().ok_or(io::ErrorKind::Unsupported)?;
        self.wire()?;
        let Some(wire) = self.wire.take() else { return Ok(()) };
        let stream = wire.into_stream().start_tls(&tls).await.map_err(io::Error::other)?;
        self.wire = Some(Wire::new(stream));
        (self.attempt, self.overheard) = (None, None);
        let policy = machine_policy(&self.service.shared, self.tls().as_ref());
        self.machine.tls_started(policy, now());
        Ok(())
    }
}
