//! One connection from the greeting to its end.

use crate::envelope::Transaction;
use crate::{envelope, login, message};
use domain::{Delivery, InUse, SignIn};
use net::{Peer, ShutdownToken, Ticket, TlsInfo};
use proto_sasl::{Protocol, Verdict};
use proto_smtp::{Event, Hello, MailNeeds, Mechanism, Policy, Reply, Role, Rule, Server, Tls};
use service_session::{Arrival, Attempt, Caller, Ending, Overheard, Revocation, Shared, Transport, Wire, now};
use std::io;
use std::sync::Arc;
use tokio::time::sleep_until;
use tracing::{Instrument as _, debug, debug_span};
use types::MailProtocol;

/// What all sessions of a listener share.
#[derive(Clone)]
pub struct Service {
    /// The server behind it.
    pub shared: Shared,
    /// Where mail goes.
    pub delivery: Arc<Delivery>,
    /// What the machine says and allows, the role included.
    pub options: Arc<proto_smtp::Options>,
}

pub(crate) struct Session<S> {
    pub(crate) service: Arc<Service>,
    pub(crate) machine: Server,
    /// `None` only while it is turned into a TLS one.
    pub(crate) wire: Option<Wire<S>>,
    pub(crate) peer: Peer,
    /// Its number, for the log.
    connection: u64,
    pub(crate) ticket: Ticket,
    pub(crate) hello: Option<Hello>,
    pub(crate) attempt: Option<Attempt>,
    /// A sign-in that was refused in clear, of which more may come.
    pub(crate) overheard: Option<Overheard>,
    pub(crate) signed_in: Option<SignIn>,
    /// Counts as a use of the password while the session lasts.
    pub(crate) in_use: Option<Box<InUse>>,
    pub(crate) revocation: Option<Revocation>,
    // Boxed: most of a connection's life there is none.
    pub(crate) transaction: Option<Box<Transaction>>,
    shutdown: ShutdownToken,
}

/// Serves a connection to its end.
pub async fn run<S: Transport>(service: Arc<Service>, arrival: Arrival<S>) {
    let role = service.options.role;
    let span = debug_span!("connection", id = arrival.id, peer = %arrival.peer, service = name(role));
    let Arrival { stream, peer, ticket, shutdown, id } = arrival;
    let policy = machine_policy(&service, stream.tls().as_ref());
    let mut machine = Server::new(Arc::clone(&service.options), policy, now());
    machine.greet("Postamt", now());
    let mut session = Session {
        service,
        machine,
        wire: Some(Wire::new(stream)),
        peer,
        connection: id,
        ticket,
        hello: None,
        attempt: None,
        overheard: None,
        signed_in: None,
        in_use: None,
        revocation: None,
        transaction: None,
        shutdown,
    };
    let served = async {
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

fn name(role: Role) -> &'static str {
    match role {
        Role::Mx => "smtp",
        Role::Submission => "submission",
        Role::Lmtp => "lmtp",
    }
}

fn table(service: &Service, tls: Option<&TlsInfo>) -> proto_sasl::Policy {
    let protocol = if service.options.role == Role::Submission { Protocol::Submission } else { Protocol::Mx };
    service_session::policy(&service.shared, protocol, tls)
}

/// Fills the machine's policy from the one table.
fn machine_policy(service: &Service, tls: Option<&TlsInfo>) -> Policy {
    let role = service.options.role;
    let ruling = |verdict| match verdict {
        Verdict::Offered => Rule::Offered,
        Verdict::PrivacyRequired => Rule::RefusedInClear,
        Verdict::Off => Rule::Off,
    };
    let mechanisms = table(service, tls).mechanisms().filter(|(_, verdict)| *verdict != Verdict::Off);
    let mechanisms = mechanisms.map(|(name, verdict)| Mechanism { name: name.to_owned(), rule: ruling(verdict) });
    Policy {
        tls: match (tls, &service.shared.tls) {
            (Some(_), _) => Tls::Active,
            (None, Some(_)) => Tls::Offered,
            (None, None) => Tls::Unavailable,
        },
        mechanisms: mechanisms.collect(),
        mail_needs: if role == Role::Submission { MailNeeds::SignIn } else { MailNeeds::Nothing },
    }
}

impl<S: Transport> Session<S> {
    /// The table's row for this connection.
    pub(crate) fn table(&self) -> proto_sasl::Policy {
        table(&self.service, self.tls_info().as_ref())
    }

    /// What the listener is for.
    pub(crate) fn role(&self) -> Role {
        self.service.options.role
    }

    /// What TLS was agreed.
    pub(crate) fn tls_info(&self) -> Option<TlsInfo> {
        self.wire.as_ref().and_then(|wire| wire.stream().tls())
    }

    /// Who wants to sign in.
    pub(crate) fn caller(&self) -> Caller {
        let program = self.hello.as_ref().map(|hello| hello.name.as_str().into());
        let connection = self.connection;
        Caller { peer: self.peer.ip(), protocol: MailProtocol::Smtp, program, connection }
    }

    /// Says why the session ends.
    fn end(&mut self, ending: Ending) {
        self.machine.shut_down(&match ending {
            Ending::AccountRemoved => Reply::new(421, 7, 0, "The account was removed"),
            Ending::PasswordReplaced => Reply::new(421, 7, 0, "The password was changed, sign in again"),
        });
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
                if let Event::Closed(reason) = event {
                    debug!(?reason, "closed");
                    return self.send().await;
                }
                // Boxed, so that a connection that waits need not have room for the largest command.
                Box::pin(self.handle(event)).await?;
            }
            if !self.machine.output().is_empty() {
                self.send().await?;
                continue;
            }
            self.wait().await?;
        }
    }

    async fn handle(&mut self, event: Event) -> io::Result<()> {
        if let (Event::Mail(_) | Event::Recipient(_) | Event::Data(_), Some(signed_in)) = (&event, &self.signed_in)
            && let Some(ending) = self.service.shared.ending(signed_in.account, signed_in.credential).await
        {
            self.end(ending);
            return Ok(());
        }
        match event {
            Event::Hello(hello) => {
                self.transaction = None;
                self.hello = Some(hello);
                self.machine.accept();
            }
            Event::Auth(start) => login::auth(self, start).await,
            Event::AuthResponse(response) => login::respond(self, response).await,
            Event::AuthAborted => self.attempt = None,
            Event::AuthRefused(mechanism) => login::refused(self, &mechanism).await,
            Event::Uninvited(response) => login::uninvited(self, &response).await,
            Event::Mail(mail) => envelope::mail(self, mail).await,
            Event::Recipient(recipient) => envelope::recipient(self, recipient).await,
            Event::Data(start) => message::begin(self, start).await,
            Event::DataChunk(piece) => message::chunk(self, &piece).await,
            Event::DataEnd { .. } => message::end(self).await,
            Event::DataAborted(failure) => {
                debug!(?failure, "message refused");
                self.transaction = None;
            }
            Event::Reset => self.transaction = None,
            Event::StartTls => self.start_tls().await?,
            Event::Closed(_) => {}
        }
        Ok(())
    }

    /// Waits for bytes, for the deadline or for the shutdown.
    async fn wait(&mut self) -> io::Result<()> {
        let deadline = self.machine.next_deadline();
        let Self { machine, wire: Some(wire), shutdown, revocation, .. } = self else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let timer = async {
            match deadline {
                Some(deadline) => sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        let moved = async {
            match revocation {
                Some(revocation) => revocation.moved().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            received = wire.receive(|bytes| machine.receive(now(), bytes)) => {
                if received? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            () = timer => self.machine.handle_timeout(now()),
            () = moved => {
                if let Some(signed_in) = &self.signed_in
                    && let Some(ending) = self.service.shared.ending(signed_in.account, signed_in.credential).await
                {
                    self.end(ending);
                }
            }
            // A transaction that is not whole was not acknowledged: the client tries again elsewhere or later.
            () = shutdown.requested() => {
                self.machine.shut_down(&Reply::new(421, 3, 2, "The server stops, come back soon"));
            }
        }
        Ok(())
    }

    async fn start_tls(&mut self) -> io::Result<()> {
        self.send().await?;
        let tls = self.service.shared.tls.clone().ok_or(io::ErrorKind::Unsupported)?;
        let Some(wire) = self.wire.take() else { return Ok(()) };
        let stream = wire.into_stream().start_tls(&tls).await.map_err(io::Error::other)?;
        self.wire = Some(Wire::new(stream));
        // RFC 3207 §4.2: nothing that was said before counts any more.
        (self.hello, self.attempt, self.overheard) = (None, None, None);
        (self.signed_in, self.in_use, self.transaction) = (None, None, None);
        self.revocation = None;
        let policy = machine_policy(&self.service, self.tls_info().as_ref());
        self.machine.tls_started(policy, now());
        Ok(())
    }
}
