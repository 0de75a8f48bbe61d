//! The sign-in, and the opening of the maildrop that belongs to it.

use crate::maildrop::Maildrop;
use crate::session::{Session, SignedIn};
use crate::status;
use domain::{MailError, SignIn};
use proto_pop3::{AuthStart, Exposure, PasswordAttempt, ResponseCode};
use proto_sasl::Lookup;
use service_session::{Attempt, Happening, Outcome, Refused, Transport, happened, sign_in_with_password};
use types::{MailboxName, Secret};

/// USER and PASS.
pub(crate) async fn password<S: Transport>(session: &mut Session<S>, attempt: PasswordAttempt) {
    if attempt.exposure == Exposure::InClear {
        return exposed(session);
    }
    let shared = &session.service.shared;
    let result = sign_in_with_password(shared, session.ticket.prefix(), &attempt.user, &attempt.password).await;
    match result {
        Ok(signed_in) => open(session, signed_in, "USER").await,
        Err(refused) => refuse(session, refused),
    }
}

/// AUTH.
pub(crate) async fn auth<S: Transport>(session: &mut Session<S>, start: AuthStart) {
    if start.exposure == Exposure::InClear {
        return exposed(session);
    }
    let Lookup::Accept(mechanism) = session.policy().mechanism(&start.mechanism) else {
        return refuse(session, Refused::Syntax);
    };
    let initial = start.initial_response.as_ref().map(|r| r.expose().as_slice());
    let (attempt, outcome) = Attempt::begin(&session.service.shared, session.ticket.prefix(), mechanism, initial).await;
    session.attempt = Some((attempt, mechanism.name));
    settle(session, outcome).await;
}

/// The client's next word of an exchange.
pub(crate) async fn respond<S: Transport>(session: &mut Session<S>, message: Secret<Vec<u8>>) {
    let Some((attempt, _)) = &mut session.attempt else { return refuse(session, Refused::Syntax) };
    let outcome = attempt.respond(&session.service.shared, message.expose()).await;
    settle(session, outcome).await;
}

async fn settle<S: Transport>(session: &mut Session<S>, outcome: Outcome) {
    match outcome {
        Outcome::Challenge(challenge) => session.machine.challenge(&challenge),
        Outcome::SignedIn(signed_in) => {
            let mechanism = session.attempt.take().map_or("", |(_, name)| name);
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
    let detail = format_args!("a password was sent before TLS").to_string();
    happened(Happening { who: None, service: "POP3", what: "refused", detail: &detail });
    session.machine.login_failed(ResponseCode::SysPerm, "Passwords are taken inside TLS only; this one is known now");
}

async fn open<S: Transport>(session: &mut Session<S>, signed_in: SignIn, mechanism: &str) {
    match maildrop(session, &signed_in).await {
        Ok(opened) => {
            if let Err(refused) = session.ticket.signed_in(signed_in.account) {
                let (code, text) = status::of_no_place(refused);
                return session.machine.login_failed(code, text);
            }
            let count = opened.maildrop.count();
            let tls = session.wire.as_ref().and_then(|w| w.stream().tls()).map_or("no TLS", |t| t.version);
            let detail = format!("{tls}, {mechanism}, {count} messages");
            let name = signed_in.address.to_string();
            happened(Happening { who: Some(&name), service: "POP3", what: "signed in", detail: &detail });
            session.signed_in = Some(opened);
            session.machine.login_succeeded(&format!("{count} messages"));
        }
        Err(failure) => {
            let (_, text) = status::of_mail(&failure);
            session.machine.login_failed(ResponseCode::SysTemp, text);
        }
    }
}

async fn maildrop<S: Transport>(session: &Session<S>, signed_in: &SignIn) -> Result<SignedIn, MailError> {
    let account = session.service.shared.mail.account(signed_in.account).await?;
    let mailboxes = account.mailboxes().await?;
    let inbox = mailboxes.get(&MailboxName::inbox()).ok_or(MailError::NoSuchMailbox)?.id;
    let view = account.open(inbox).await?;
    let maildrop = Maildrop::open(&view);
    Ok(SignedIn { name: signed_in.address.to_string(), account, maildrop })
}
