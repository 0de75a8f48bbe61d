//! LOGIN and AUTHENTICATE (RFC 3501 §6.2.2, §6.2.3).

use crate::session::{Session, SignedIn};
use crate::status;
use domain::SignIn;
use proto_imap::command::{Authenticate, Login};
use proto_imap::connection::Tag;
use proto_imap::{Code, Status};
use proto_sasl::Lookup;
use service_session::{Attempt, Ending, Happening, Outcome, Refused, Transport, happened, sign_in_with_password};
use types::Secret;

/// LOGIN.
pub(crate) async fn login<S: Transport>(session: &mut Session<S>, login: Login) -> Status {
    let shared = &session.service.shared;
    let caller = session.caller();
    match sign_in_with_password(shared, &caller.origin("LOGIN"), &login.user, &login.password).await {
        Ok(signed_in) => open(session, signed_in, "LOGIN").await,
        Err(refused) => status::of_refused(refused),
    }
}

/// AUTHENTICATE; `None` while the exchange goes on.
pub(crate) async fn authenticate<S: Transport>(
    session: &mut Session<S>,
    tag: &Tag,
    command: Authenticate,
) -> Option<Status> {
    let Lookup::Accept(mechanism) = session.policy().mechanism(&command.mechanism) else {
        return Some(Status::no(Code::Cannot, "This mechanism is not offered"));
    };
    let initial = command.initial_response.as_ref().map(|r| r.expose().as_slice());
    let (attempt, outcome) = Attempt::begin(&session.service.shared, session.caller(), mechanism, initial).await;
    session.attempt = Some((tag.clone(), attempt, mechanism.name));
    settle(session, tag, outcome).await
}

/// The client's answer to a challenge.
pub(crate) async fn respond<S: Transport>(
    session: &mut Session<S>,
    tag: &Tag,
    message: Secret<Vec<u8>>,
) -> Option<Status> {
    let Some((_, attempt, _)) = &mut session.attempt else { return Some(status::of_refused(Refused::Syntax)) };
    let outcome = attempt.respond(&session.service.shared, message.expose()).await;
    settle(session, tag, outcome).await
}

async fn settle<S: Transport>(session: &mut Session<S>, tag: &Tag, outcome: Outcome) -> Option<Status> {
    match outcome {
        Outcome::Challenge(challenge) => {
            session.machine.challenge(tag, &challenge);
            None
        }
        Outcome::SignedIn(signed_in) => {
            let mechanism = session.attempt.take().map_or("", |(_, _, name)| name);
            Some(open(session, signed_in, mechanism).await)
        }
        Outcome::Refused(refused) => {
            session.attempt = None;
            Some(status::of_refused(refused))
        }
    }
}

/// A secret that came in clear is refused, whether it is right or not (RFC 5530 §3 PRIVACYREQUIRED).
pub(crate) fn refused_in_clear(had_secret: bool) -> Status {
    if had_secret {
        happened(Happening { who: None, service: "IMAP", what: "refused", detail: &"a password was sent before TLS" });
    }
    Status::no(Code::PrivacyRequired, "Passwords are taken inside TLS only")
}

/// Says why a session that signed in ends.
pub(crate) fn end<S: Transport>(session: &mut Session<S>, ending: Ending) {
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
    let tls = session.wire.as_ref().and_then(|w| w.stream().tls()).map_or("no TLS", |t| t.version);
    let program = session.program.as_deref().map(|p| format!(", {p:?}")).unwrap_or_default();
    let detail = format!("{tls}, {mechanism}{program}");
    let name = signed_in.address.to_string();
    happened(Happening { who: Some(&name), service: "IMAP", what: "signed in", detail: &detail });
    session.account = Some(SignedIn { name, account, credential: signed_in.credential });
    session.machine.authenticated();
    Status::ok("Signed in").with_code(Code::Capability(session.machine.capabilities()))
}
