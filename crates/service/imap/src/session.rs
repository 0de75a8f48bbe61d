//! One connection from the greeting to its end.

use crate::annotation_news::AnnotationNews;
use crate::command::append::{self, Appending};
use crate::command::fetch;
use crate::dispatch::dispatch;
use crate::login;
use crate::notify::Notify;
use crate::progress::{PROGRESS_EVERY, Progress};
use crate::selected::Selected;
use crate::status;
use domain::{Account, InUse};
use net::{Peer, ShutdownToken, Ticket, TlsInfo};
use proto_imap::command::Extension;
use proto_imap::connection::Tag;
use proto_imap::view::{EXPUNGES_HELD_MAX, Expunges, UpdateForm};
use proto_imap::{Code, Connection, Event, Limits, MessageLimit, Response, Status};
use service_session::{Arrival, Attempt, BrokenDeflate, OUTPUT_HIGH, Overheard, Revocation, Shared, Transport, Wire};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tracing::{Instrument as _, debug, debug_span};
use types::{CredentialRef, Secret, UidSet};

/// What the sessions of a listener do.
#[derive(Clone, Debug)]
pub struct Options {
    /// What a connection may cost.
    pub limits: Limits,
    /// Whether a connection may sign out and serve the next account; behind a proxy that judges sign-ins it should not
    /// (RFC 8437 §8).
    pub unauthenticate: Unauthenticate,
    /// How often a client hears of a command that takes long (RFC 9585); zero: with each step of it, and only then.
    pub progress_every: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let (limits, unauthenticate) = (Limits::default(), Unauthenticate::default());
        Self { limits, unauthenticate, progress_every: PROGRESS_EVERY }
    }
}

/// Whether UNAUTHENTICATE is offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unauthenticate {
    /// It is.
    #[default]
    Offered,
    /// It is an unknown command.
    Withheld,
}

/// What all sessions share.
#[derive(Clone)]
pub struct Service {
    /// The server behind it.
    pub shared: Shared,
    /// The options.
    pub options: Options,
}

/// Who signed in.
pub(crate) struct SignedIn {
    pub(crate) name: String,
    pub(crate) account: Account,
    pub(crate) credential: CredentialRef,
    /// Counts as a use of the password.
    pub(crate) in_use: Box<InUse>,
    pub(crate) revocation: Revocation,
}

pub(crate) struct Session<S> {
    pub(crate) service: Arc<Service>,
    pub(crate) machine: Connection,
    /// `None` only while it is turned into a TLS one.
    pub(crate) wire: Option<Wire<S>>,
    pub(crate) peer: Peer,
    /// Its number, for the log.
    pub(crate) connection: u64,
    pub(crate) ticket: Ticket,
    // Boxed, like what else is there for a short while.
    pub(crate) attempt: Option<Box<(Tag, Attempt)>>,
    /// A sign-in that was refused in clear, of which more may come.
    pub(crate) overheard: Option<Box<Overheard>>,
    /// How often somebody failed to sign in here.
    pub(crate) failures: u32,
    pub(crate) account: Option<SignedIn>,
    // Boxed: a connection that idles without a mailbox, or before its sign-in, should not carry them.
    pub(crate) selected: Option<Box<Selected>>,
    pub(crate) appending: Option<Box<Appending>>,
    /// What was told of annotations, where the client wants to hear of them.
    pub(crate) annotation_news: Option<Box<AnnotationNews>>,
    /// The program, by its ID command.
    pub(crate) program: Option<Box<str>>,
    /// What NOTIFY asked for. Boxed: few ask.
    pub(crate) notify: Option<Box<Notify>>,
    pub(crate) progress: Progress,
    idling: Option<Tag>,
    shutdown: ShutdownToken,
    started: Instant,
}

/// Serves a connection to its end.
pub async fn run<S: Transport>(service: Arc<Service>, arrival: Arrival<S>) {
    let span = debug_span!("connection", id = arrival.id, peer = %arrival.peer, service = "imap");
    let Arrival { stream, peer, ticket, shutdown, id } = arrival;
    let policy = login::machine_policy(&service.shared, stream.tls().as_ref());
    let limits = Limits { message_max: service.shared.mail.message_max(), ..service.options.limits.clone() };
    let mut machine = Connection::new(limits, policy, Duration::ZERO);
    if service.options.unauthenticate == Unauthenticate::Withheld {
        machine.withhold("UNAUTHENTICATE");
    }
    machine.greet("Postamt IMAP ready");
    let progress = Progress::new(service.options.progress_every);
    let mut session = Session {
        service,
        machine,
        wire: Some(Wire::new(stream)),
        peer,
        connection: id,
        ticket,
        attempt: None,
        overheard: None,
        failures: 0,
        account: None,
        selected: None,
        appending: None,
        annotation_news: None,
        program: None,
        notify: None,
        progress,
        idling: None,
        shutdown,
        started: Instant::now(),
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

impl<S: Transport> Session<S> {
    /// What TLS was agreed.
    pub(crate) fn tls(&self) -> Option<TlsInfo> {
        self.wire.as_ref().and_then(|wire| wire.stream().tls())
    }

    /// Whose account it is; the machine hands out no such command before the sign-in.
    pub(crate) fn account(&self) -> io::Result<&Account> {
        let signed_in = self.account.as_ref();
        signed_in.map(|s| &s.account).ok_or_else(|| io::Error::other("a command came before the sign-in"))
    }

    /// How many messages a command may take.
    pub(crate) fn message_limit(&self) -> MessageLimit {
        self.service.options.limits.message_limit
    }

    /// Who is signed in.
    pub(crate) fn name(&self) -> Option<&str> {
        self.account.as_ref().map(|s| s.name.as_str())
    }

    /// The open mailbox; the machine hands out no such command without one.
    pub(crate) fn selected(&self) -> io::Result<&Selected> {
        self.selected.as_deref().ok_or_else(|| io::Error::other("a command came without a mailbox"))
    }

    pub(crate) fn selected_mut(&mut self) -> io::Result<&mut Selected> {
        self.selected.as_deref_mut().ok_or_else(|| io::Error::other("a command came without a mailbox"))
    }

    /// Forgets the open mailbox.
    pub(crate) fn deselect(&mut self) {
        self.selected = None;
        self.machine.deselected();
    }

    /// Forgets who is signed in and all that is kept for the account (RFC 8437 §3). Without `..`: who adds a field
    /// decides here whose it is.
    pub(crate) fn forget_account(&mut self) {
        let Self {
            account,
            selected,
            attempt,
            overheard,
            annotation_news,
            appending,
            notify,
            idling,
            machine,
            // The connection's.
            progress: _,
            service: _,
            wire: _,
            peer: _,
            connection: _,
            failures: _,
            ticket: _,
            program: _,
            shutdown: _,
            started: _,
        } = self;
        (*account, *selected, *attempt, *annotation_news) = (None, None, None, None);
        (*appending, *notify, *idling, *overheard) = (None, None, None, None);
        machine.unauthenticated();
    }

    /// From now on changes are told with their MODSEQ. The first time, an open mailbox's highest is told too
    /// (RFC 7162 §3.1).
    pub(crate) fn enable_condstore(&mut self) {
        self.enable(Extension::CondStore);
    }

    /// Enables an extension; yields whether it was not yet.
    pub(crate) fn enable(&mut self, extension: Extension) -> bool {
        let before = self.machine.enabled();
        let is_new = self.machine.enable(extension);
        let enabled = self.machine.enabled();
        let Some(selected) = &mut self.selected else { return is_new };
        selected.told.set_enabled(enabled);
        if enabled.condstore() && !before.condstore() {
            let highest = Code::HighestModSeq(selected.told.snapshot().highest_modseq);
            self.machine.send(&Response::Status(&Status::ok("Highest").with_code(highest)));
        }
        is_new
    }

    /// A command's answer with HIGHESTMODSEQ, for a client with CONDSTORE, if the command removed messages: so that
    /// it need not ask what its own EXPUNGE or MOVE did to it (RFC 7162 §3.2.7, RFC 6851 §4.4). Tell everything first.
    pub(crate) fn with_highest(&self, status: Status, removed: bool) -> io::Result<Status> {
        let told = &self.selected()?.told;
        let highest = told.snapshot().highest_modseq;
        let tell = removed && told.enabled().condstore() && told.expunges_held() == 0;
        Ok(if tell { status.with_code(Code::HighestModSeq(highest)) } else { status })
    }

    /// Tells what happened in the open mailbox, however much it is. One that was deleted, or a session that never lets
    /// itself be told, ends the connection.
    pub(crate) async fn tell(&mut self, expunges: Expunges, form: UpdateForm) -> io::Result<()> {
        self.tell_annotations_now().await;
        let Some(selected) = &mut self.selected else { return Ok(()) };
        // RFC 5465 §5.1: who is told of flags by NOTIFY is told whose.
        let form = if self.notify.is_some() { UpdateForm::WithUid } else { form };
        let (known, own) = (selected.told.end(), std::mem::take(&mut selected.own));
        let current = selected.view.current();
        let rest = self.tell_removed(&current).await?;
        let selected = self.selected_mut()?;
        let updates = selected.told.sync(&current, expunges);
        // RFC 9051 §7.5.2: a FETCH response that nobody asked for has the UID.
        let form = if self.machine.enabled().rev2() { UpdateForm::WithUid } else { form };
        let mut line = Some(0);
        while let Some(from) = line {
            let out = self.machine.output();
            line = updates.encode_some(from, OUTPUT_HIGH, out, &current.keywords, form);
            self.send_when_high().await?;
        }
        let first = known.filter(|_| updates.exists.is_some());
        Box::pin(fetch::tell_new(self, first, UidSet::from_uids(own), rest)).await?;
        let selected = self.selected()?;
        if selected.view.is_deleted() {
            self.machine.bye(None, "The mailbox was deleted");
        } else if selected.told.expunges_held() > EXPUNGES_HELD_MAX {
            self.machine.bye(None, "Too much happened that could not be told");
        }
        Ok(())
    }

    /// Sends what is written so far if it is much.
    pub(crate) async fn send_when_high(&mut self) -> io::Result<()> {
        let Self { machine, wire: Some(wire), .. } = self else { return Err(io::ErrorKind::NotConnected.into()) };
        wire.send_when_high(machine.output()).await
    }

    /// Sends everything that is written.
    pub(crate) async fn send(&mut self) -> io::Result<()> {
        let Self { machine, wire: Some(wire), .. } = self else { return Err(io::ErrorKind::NotConnected.into()) };
        wire.send(machine.output()).await
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    async fn serve(&mut self) -> io::Result<()> {
        loop {
            while let Some(event) = self.machine.poll_event(self.now()) {
                // Boxed, so that a connection that waits need not have room for the largest command.
                Box::pin(self.handle(event)).await?;
                login::end_guessing(self);
                self.send_when_high().await?;
            }
            self.send().await?;
            if self.machine.is_closed() {
                return Ok(());
            }
            self.machine.release_buffers();
            if !self.wait().await? {
                return Ok(());
            }
        }
    }

    async fn handle(&mut self, event: Event) -> io::Result<()> {
        if matches!(event, Event::Command { .. } | Event::AppendStart { .. }) && login::look(self).await {
            return Ok(());
        }
        if matches!(event, Event::Command { .. } | Event::AppendStart { .. } | Event::IdleDone)
            && !self.look_at_rights().await
        {
            return Ok(());
        }
        match event {
            Event::Command { tag, command } => dispatch(self, tag, command).await?,
            Event::RefusedLogin { tag, login } => login::refused_login(self, &tag, &login).await,
            Event::RefusedAuthenticate { tag, authenticate } => {
                login::refused_authenticate(self, &tag, &authenticate).await;
            }
            Event::Uninvited(response) => login::uninvited(self, &response).await,
            Event::Betrayed(betrayed) => login::betrayed(self, &betrayed).await,
            Event::SaslResponse(response) => self.sasl_response(response).await,
            Event::IdleDone => {
                if let Some(tag) = self.idling.take() {
                    self.tell(self.expunges(Expunges::Told), UpdateForm::Plain).await?;
                    self.tell_others_now().await?;
                    self.machine.finish(&tag, &Status::ok("IDLE completed"));
                }
            }
            Event::AppendStart { tag, append } => append::start(self, tag, &append).await?,
            Event::AppendMessage(message) => append::message(self, message).await?,
            Event::AppendLiteral(literal) => append::literal(self, literal).await?,
            Event::AppendUrl(url) => append::url(self, &url).await?,
            Event::AppendChunk(piece) => append::chunk(self, piece).await?,
            Event::AppendEnd => append::end(self).await?,
            Event::Aborted => (self.attempt, self.idling, self.appending) = (None, None, None),
        }
        Ok(())
    }

    async fn sasl_response(&mut self, response: Secret<Vec<u8>>) {
        let Some(tag) = self.attempt.as_ref().map(|attempt| attempt.0.clone()) else { return };
        if let Some(status) = login::respond(self, &tag, response).await {
            self.machine.finish(&tag, &status);
        }
    }

    /// IDLE (RFC 2177): from now on news are told as they come.
    pub(crate) async fn begin_idle(&mut self, tag: Tag) -> io::Result<()> {
        self.machine.idle(&tag);
        self.idling = Some(tag);
        self.tell(self.expunges(Expunges::Told), UpdateForm::Plain).await?;
        self.tell_others_now().await
    }

    /// Whether IDLE runs.
    pub(crate) fn is_idling(&self) -> bool {
        self.idling.is_some()
    }

    /// Waits for bytes, news, the deadline or the shutdown; false when it is over.
    async fn wait(&mut self) -> io::Result<bool> {
        let deadline = self.machine.next_deadline().and_then(|deadline| self.started.checked_add(deadline));
        let Self {
            machine,
            wire: Some(wire),
            shutdown,
            selected,
            idling,
            notify,
            annotation_news,
            appending,
            account,
            ..
        } = self
        else {
            return Ok(false);
        };
        let timer = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        let is_idle = idling.is_some();
        // NOTIFY hears of annotations at any time, together with everything else, if it asks for them; others in IDLE.
        let (with_notify, alone) = match &notify {
            Some(notify) => (annotation_news.as_mut().filter(|_| notify.wants_annotations()), None),
            None => (None, annotation_news.as_mut()),
        };
        let news = async {
            match (selected, notify) {
                // A command that runs is answered first. Boxed, since few have NOTIFY.
                (_, Some(_)) if appending.is_some() => std::future::pending().await,
                (selected, Some(notify)) => {
                    Box::pin(notify.woken(selected.as_deref_mut(), with_notify.map(|news| &mut **news))).await;
                }
                (Some(selected), None) if is_idle => selected.view.changed().await,
                _ => std::future::pending().await,
            }
        };
        let of_annotations = async {
            match alone {
                Some(news) if is_idle => Box::pin(news.changed()).await,
                _ => std::future::pending().await,
            }
        };
        let take = |bytes: &[u8]| {
            machine.receive(bytes);
            bytes.len()
        };
        tokio::select! {
            received = wire.receive(take) => match received {
                Ok(received) => return Ok(received > 0),
                Err(error) if BrokenDeflate::is_cause_of(&error) => {
                    self.machine.bye(Some(Code::ClientBug), "The compressed stream is broken");
                }
                Err(error) => return Err(error),
            },
            () = news => {
                if self.look_at_rights().await {
                    Box::pin(self.tell_unasked()).await?;
                }
            }
            () = login::moved(account.as_mut()) => {
                login::look(self).await;
            }
            () = of_annotations => self.tell_annotations_now().await,
            () = timer => self.machine.handle_timeout(self.started.elapsed()),
            () = shutdown.requested() => self.machine.bye(None, "The server stops, come back soon"),
        }
        Ok(true)
    }

    /// COMPRESS (RFC 4978 §3): its OK is the last that goes out as it is.
    pub(crate) async fn start_compression(&mut self, tag: &Tag) -> io::Result<()> {
        let compressed = self.machine.begin_compression(tag);
        self.send().await?;
        if let Some(wire) = &mut self.wire {
            wire.start_deflate(&compressed);
        }
        Ok(())
    }

    /// Ends that, if it was begun, behind what was answered last (RFC 8437 §4.1).
    pub(crate) async fn stop_compression(&mut self) -> io::Result<()> {
        if self.wire.as_ref().is_some_and(Wire::is_deflated) {
            self.send().await?;
            if let Some(wire) = &mut self.wire {
                wire.stop_deflate();
            }
        }
        Ok(())
    }

    /// STARTTLS (RFC 3501 §6.2.1).
    pub(crate) async fn start_tls(&mut self, tag: &Tag) -> io::Result<()> {
        let Some(tls) = self.service.shared.tls.clone().filter(|_| self.machine.policy().starttls) else {
            self.machine.finish(tag, &Status::bad("STARTTLS is not offered here"));
            return Ok(());
        };
        if self.machine.begin_tls(tag).is_err() {
            return Ok(());
        }
        self.send().await?;
        let Some(wire) = self.wire.take() else { return Ok(()) };
        let stream = wire.into_stream().start_tls(&tls).await.map_err(io::Error::other)?;
        self.wire = Some(Wire::new(stream));
        (self.attempt, self.overheard, self.program) = (None, None, None);
        let policy = login::machine_policy(&self.service.shared, self.tls().as_ref());
        let now = self.now();
        if self.machine.tls_established(policy, now).is_err() {
            debug!("something was sent between STARTTLS and TLS");
        }
        Ok(())
    }
}

/// What a fault in the middle of an answer ends the connection with: the rest of the answer would be read as part of
/// what was promised.
pub(crate) fn broken_off(failure: &domain::MailError) -> io::Error {
    status::of_mail(failure);
    io::Error::other("an answer cannot be finished")
}
