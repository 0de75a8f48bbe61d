//! LOGIN and AUTHENTICATE (RFC 3501 §6.2.2, §6.2.3), and what becomes of passwords that come in clear.

use crate::session::{Session, SignedIn};
use crate::status;
use domain::SignIn;
use net::TlsInfo;
use proto_imap::command::{Authenticate, Betrayed, Login};
use proto_imap::connection::{LoginPolicy, Tag};
use proto_imap::{Code, Policy, Status};
use proto_sasl::{Lookup, Protocol};
use service_session::{
    Attempt, Caller, Ending, Happening, Outcome, Overheard, Refused, Revocation, Shared, Transport, begin_use,
    happened, overhear_password, sign_in_with_password,
};
use types::{MailProtocol, Secret};

/// How often somebody may fail to sign in on one connection, as with POP3 and SMTP.
const SIGN_IN_FAILURES_MAX: u32 = 5;

impl<S: Transport> Session<S> {
    /// Who wants to sign in.
    pub(crate) fn caller(&self) -> Caller {
        let (peer, program) = (self.peer.ip(), self.program.clone());
        Caller { peer, protocol: MailProtocol::Imap, program, connection: self.connection }
    }
}

/// Fills the machine's policy from the one table.
pub(crate) fn machine_policy(shared: &Shared, tls: Option<&TlsInfo>) -> Policy {
    let table = service_session::policy(shared, Protocol::Imap, tls);
    Policy {
        login: if table.login_allowed() { LoginPolicy::Allowed } else { LoginPolicy::Disabled },
        mechanisms: table.announced().map(Into::into).collect(),
        starttls: tls.is_none() && shared.tls.is_some(),
    }
}

/// LOGIN.
pub(crate) async fn login<S: Transport>(session: &mut Session<S>, login: Login) -> Status {
    let (shared, caller) = (&session.service.shared, session.caller());
    match sign_in_with_password(shared, &caller.origin("LOGIN"), &login.user, &login.password).await {
        Ok(signed_in) => open(session, signed_in, "LOGIN").await,
        Err(refused) => refuse(session, refused),
    }
}

/// AUTHENTICATE; `None` while the exchange goes on.
pub(crate) async fn authenticate<S: Transport>(
    session: &mut Session<S>,
    tag: &Tag,
    command: Authenticate,
) -> Option<Status> {
    let (shared, tls) = (&session.service.shared, session.tls());
    let policy = service_session::policy(shared, Protocol::Imap, tls.as_ref());
    let Lookup::Accept(mechanism) = policy.mechanism(&command.mechanism) else { return Some(not_offered()) };
    let initial = command.initial_response.as_ref().map(|r| r.expose().as_slice());
    let (attempt, outcome) = Attempt::begin(shared, session.caller(), tls.as_ref(), mechanism, initial).await;
    session.attempt = Some(Box::new((tag.clone(), attempt)));
    settle(session, tag, outcome).await
}

/// The client's answer to a challenge.
pub(crate) async fn respond<S: Transport>(
    session: &mut Session<S>,
    tag: &Tag,
    message: Secret<Vec<u8>>,
) -> Option<Status> {
    let Some(attempt) = &mut session.attempt else { return Some(status::of_refused(Refused::Syntax)) };
    let outcome = attempt.1.respond(&session.service.shared, message.expose()).await;
    settle(session, tag, outcome).await
}

async fn settle<S: Transport>(session: &mut Session<S>, tag: &Tag, outcome: Outcome) -> Option<Status> {
    match outcome {
        Outcome::Challenge(challenge) => {
            session.machine.challenge(tag, &challenge);
            None
        }
        Outcome::SignedIn(signed_in) => {
            let mechanism = session.attempt.take().map_or("", |attempt| attempt.1.mechanism());
            Some(open(session, signed_in, mechanism).await)
        }
        Outcome::Refused(refused) => {
            session.attempt = None;
            Some(refuse(session, refused))
        }
    }
}

/// Counts a failure, unless it is ours or no password was tried.
fn refuse<S: Transport>(session: &mut Session<S>, refused: Refused) -> Status {
    if !matches!(refused, Refused::Fault | Refused::Syntax | Refused::Binding) {
        session.failures = session.failures.saturating_add(1);
    }
    status::of_refused(refused)
}

/// Hangs up on who has failed to sign in [`SIGN_IN_FAILURES_MAX`] times.
pub(crate) fn end_guessing<S: Transport>(session: &mut Session<S>) {
    if session.failures >= SIGN_IN_FAILURES_MAX {
        session.machine.bye(None, "Too many failed sign-ins");
    }
}

/// LOGIN in clear: refused, whether the password is right or not, and burnt if it is (RFC 5530 §3 PRIVACYREQUIRED).
pub(crate) async fn refused_login<S: Transport>(session: &mut Session<S>, tag: &Tag, login: &Login) {
    overhear_login(session, login).await;
    session.machine.finish(tag, &in_clear());
}

/// AUTHENTICATE with what is not offered now. In clear a password may have come along, or come unasked.
pub(crate) async fn refused_authenticate<S: Transport>(session: &mut Session<S>, tag: &Tag, command: &Authenticate) {
    let tls = session.tls();
    if tls.is_none() {
        overhear_authenticate(session, command).await;
    }
    let policy = service_session::policy(&session.service.shared, Protocol::Imap, tls.as_ref());
    let status = match policy.mechanism(&command.mechanism) {
        Lookup::PrivacyRequired => in_clear(),
        Lookup::Accept(_) | Lookup::Unknown => not_offered(),
    };
    session.machine.finish(tag, &status);
}

/// A response to that which nothing asked for.
pub(crate) async fn uninvited<S: Transport>(session: &mut Session<S>, response: &Secret<Vec<u8>>) {
    if let Some(overheard) = session.overheard.take() {
        let overheard = overheard.respond(&session.service.shared, &session.caller(), response.expose()).await;
        session.overheard = overheard.map(Box::new);
    }
}

/// The rest of a sign-in that nothing asked for.
pub(crate) async fn betrayed<S: Transport>(session: &mut Session<S>, betrayed: &Betrayed) {
    match betrayed {
        Betrayed::Login(login) => overhear_login(session, login).await,
        Betrayed::Authenticate(command) => overhear_authenticate(session, command).await,
    }
}

async fn overhear_login<S: Transport>(session: &Session<S>, login: &Login) {
    tell_exposed();
    overhear_password(&session.service.shared, &session.caller().origin("LOGIN"), &login.user, &login.password).await;
}

async fn overhear_authenticate<S: Transport>(session: &mut Session<S>, command: &Authenticate) {
    let initial = command.initial_response.as_ref().map(|r| r.expose().as_slice());
    if initial.is_some() {
        tell_exposed();
    }
    let overheard = Overheard::begin(&session.service.shared, &session.caller(), &command.mechanism, initial).await;
    session.overheard = overheard.map(Box::new);
}

fn tell_exposed() {
    happened(Happening { who: None, service: "IMAP", what: "refused", detail: &"a password was sent before TLS" });
}

fn in_clear() -> Status {
    Status::no(Code::PrivacyRequired, "Passwords are taken inside TLS only")
}

fn not_offered() -> Status {
    Status::no(Code::Cannot, "This mechanism is not offered")
}

/// Waits until it is time to look whether the session may go on; for ever before the sign-in.
pub(crate) async fn moved(signed_in: Option<&mut SignedIn>) {
    match signed_in {
        Some(signed_in) => signed_in.revocation.moved().await,
        None => std::future::pending().await,
    }
}

/// Ends the session if its account or its password are no more, whatever it waits for; true if it did.
pub(crate) async fn look<S: Transport>(session: &mut Session<S>) -> bool {
    let Some(signed_in) = &session.account else { return false };
    let ending = session.service.shared.ending(signed_in.account.id(), signed_in.credential).await;
    ending.map(|ending| end(session, ending)).is_some()
}

/// Says why a session that signed in ends.
fn end<S: Transport>(session: &mut Session<S>, ending: Ending) {
    match ending {
        Ending::AccountRemoved => session.machine.bye(None, "The account was removed"),
        Ending::PasswordReplaced => session.machine.bye(None, "The password was changed, sign in again"),
    }
}

async fn open<S: Transport>(session: &mut Session<S>, signed_in: SignIn, mechanism: &str) -> Status {
    let account = match session.service.shared.mail.account(signed_in.account).await {
        Ok(account) => account,
        Err(failure) => return status::of_mail(&failure),
    };
    if session.ticket.signed_in(signed_in.account).is_err() {
        return Status::no(Code::Limit, "Too many connections of this account");
    }
    let tls = session.tls();
    let version = tls.as_ref().map_or("no TLS", |tls| tls.version);
    let program = session.program.as_deref().map(|p| format!(", {p:?}")).unwrap_or_default();
    let detail = format!("{version}, {mechanism}{program}");
    let name = signed_in.address.to_string();
    happened(Happening { who: Some(&name), service: "IMAP", what: "signed in", detail: &detail });
    let in_use = begin_use(&session.service.shared, &session.caller(), mechanism, tls.as_ref(), &signed_in);
    let revocation = Revocation::of(&session.service.shared, signed_in.account);
    let (credential, in_use) = (signed_in.credential, Box::new(in_use));
    session.account = Some(SignedIn { name, account, credential, in_use, revocation });
    session.machine.authenticated();
    Status::ok("Signed in").with_code(Code::Capability(session.machine.capabilities()))
}
