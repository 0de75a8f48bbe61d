//! The sign-in, and the opening of the maildrop that belongs to it.

use crate::command::messages;
use crate::maildrop::Maildrop;
use crate::session::{Session, SignedIn, language_of};
use crate::status;
use domain::{LoginDelay, MailError, OnDelete, Settings, SignIn};
use proto_pop3::{AuthStart, Exposure, PasswordAttempt, ResponseCode};
use proto_sasl::{Lookup, Protocol};
use service_session::{
    Attempt, Happening, Outcome, Overheard, Refused, Revocation, Transport, begin_use, happened, overhear_password,
    sign_in_with_password,
};
use std::error::Error;
use std::sync::Arc;
use tracing::error;
use types::{MailboxName, Secret};

/// USER and PASS.
pub(crate) async fn password<S: Transport>(session: &mut Session<S>, attempt: PasswordAttempt) {
    let (shared, caller) = (&session.service.shared, session.caller());
    let PasswordAttempt { user, password, exposure } = &attempt;
    if *exposure == Exposure::InClear {
        overhear_password(shared, &caller.origin("USER"), user, password).await;
        return exposed(session);
    }
    match sign_in_with_password(shared, &caller.origin("USER"), user, password).await {
        Ok(signed_in) => open(session, signed_in, "USER").await,
        Err(refused) => refuse(session, refused),
    }
}

/// AUTH.
pub(crate) async fn auth<S: Transport>(session: &mut Session<S>, start: AuthStart) {
    let (shared, tls) = (&session.service.shared, session.tls());
    let initial = start.initial_response.as_ref().map(|r| r.expose().as_slice());
    if start.exposure == Exposure::InClear {
        session.overheard = Overheard::begin(shared, &session.caller(), &start.mechanism, initial).await;
        return exposed(session);
    }
    let policy = service_session::policy(shared, Protocol::Pop3, tls.as_ref());
    let Lookup::Accept(mechanism) = policy.mechanism(&start.mechanism) else {
        return refuse(session, Refused::Syntax);
    };
    let (attempt, outcome) = Attempt::begin(shared, session.caller(), tls.as_ref(), mechanism, initial).await;
    session.attempt = Some(attempt);
    settle(session, outcome).await;
}

/// AUTH was refused in clear before it had brought anything, which may come all the same.
pub(crate) async fn refused<S: Transport>(session: &mut Session<S>, mechanism: &str) {
    session.overheard = Overheard::begin(&session.service.shared, &session.caller(), mechanism, None).await;
}

/// A response to that which nothing asked for.
pub(crate) async fn uninvited<S: Transport>(session: &mut Session<S>, response: &Secret<Vec<u8>>) {
    if let Some(overheard) = session.overheard.take() {
        session.overheard = overheard.respond(&session.service.shared, &session.caller(), response.expose()).await;
    }
}

/// The client's next word of an exchange.
pub(crate) async fn respond<S: Transport>(session: &mut Session<S>, message: Secret<Vec<u8>>) {
    let Some(attempt) = &mut session.attempt else { return refuse(session, Refused::Syntax) };
    let outcome = attempt.respond(&session.service.shared, message.expose()).await;
    settle(session, outcome).await;
}

async fn settle<S: Transport>(session: &mut Session<S>, outcome: Outcome) {
    match outcome {
        Outcome::Challenge(challenge) => session.machine.challenge(&challenge),
        Outcome::SignedIn(signed_in) => {
            let mechanism = session.attempt.take().map_or("", |attempt| attempt.mechanism());
            open(session, signed_in, mechanism).await;
        }
        Outcome::Refused(refused) => {
            session.attempt = None;
            refuse(session, refused);
        }
    }
}

fn refuse<S: Transport>(session: &mut Session<S>, refused: Refused) {
    let (code, text) = status::of_refused(refused);
    session.machine.login_failed(code, text);
}

/// A secret that came in clear is refused, whether it is right or not.
fn exposed<S: Transport>(session: &mut Session<S>) {
    happened(Happening { who: None, service: "POP3", what: "refused", detail: &"a password was sent before TLS" });
    session.machine.login_failed(ResponseCode::SysPerm, "Passwords are taken inside TLS only; this one is known now");
}

/// Opens the maildrop of who has proved who he is.
async fn open<S: Transport>(session: &mut Session<S>, signed_in: SignIn, mechanism: &str) {
    match maildrop(session, &signed_in).await {
        Ok((opened, settings)) => {
            let count = opened.maildrop.count();
            let tls = session.tls();
            let version = tls.as_ref().map_or("no TLS", |tls| tls.version);
            let detail = format!("{version}, {mechanism}, {}", messages(count.into()));
            let name = signed_in.address.to_string();
            happened(Happening { who: Some(&name), service: "POP3", what: "signed in", detail: &detail });
            let in_use = begin_use(&session.service.shared, &session.caller(), mechanism, tls.as_ref(), &signed_in);
            session.in_use = Some(Box::new(in_use));
            session.signed_in = Some(opened);
            if session.service.shared.directory.login_delay_longest().await.is_ok_and(|l| l != LoginDelay::NONE) {
                let delay = settings.login_delay.get();
                session.machine.set_login_delay(Some(proto_pop3::LoginDelay::Everyone(delay)));
            }
            session.machine.set_preferred_language(language_of(settings.language));
            session.machine.login_succeeded("The maildrop is open");
        }
        Err((code, text)) => session.machine.login_failed(code, text),
    }
}

/// What stands between a right password and an open maildrop.
async fn maildrop<S: Transport>(
    session: &mut Session<S>,
    signed_in: &SignIn,
) -> Result<(SignedIn, Settings), (ResponseCode, &'static str)> {
    let directory = Arc::clone(&session.service.shared.directory);
    let settings = directory.settings(signed_in.account).await.map_err(|error| {
        error!(error = &error as &dyn Error, "the settings of an account cannot be read");
        (ResponseCode::SysTemp, "The server cannot do that now, try again later")
    })?;
    if settings.on_delete == OnDelete::Off {
        // RFC 3206 §4: trying again does not help, and the password is not to blame.
        return Err((ResponseCode::SysPerm, "POP3 is switched off for this account, use IMAP"));
    }
    session.ticket.signed_in(signed_in.account).map_err(status::of_no_place)?;
    // RFC 2449 §8.1.1: only who knows the password is told that somebody signed in.
    let too_early = (ResponseCode::LoginDelay, "The last sign-in was too short a time ago");
    directory.pop3_admit(signed_in.account, settings.login_delay).map_err(|_| too_early)?;
    let opened = open_inbox(session, signed_in, settings.on_delete).await.map_err(|failure| {
        directory.pop3_forget(signed_in.account);
        (ResponseCode::SysTemp, status::of_mail(&failure).1)
    })?;
    Ok((opened, settings))
}

async fn open_inbox<S: Transport>(
    session: &Session<S>,
    signed_in: &SignIn,
    on_delete: OnDelete,
) -> Result<SignedIn, MailError> {
    let account = session.service.shared.mail.account(signed_in.account).await?;
    let mailboxes = account.mailboxes().await?;
    let inbox = mailboxes.get(&MailboxName::inbox()).ok_or(MailError::NoSuchMailbox)?.id;
    let snapshot = account.open(inbox).await?.current();
    // Whatever the policy is now: what was hidden once is not downloaded again.
    let maildrop = Maildrop::open(snapshot, &account.hidden_from_pop3(inbox).await?);
    let revocation = Revocation::of(&session.service.shared, signed_in.account);
    let (name, credential) = (signed_in.address.to_string(), signed_in.credential);
    Ok(SignedIn { name, account, credential, revocation, on_delete, maildrop })
}
