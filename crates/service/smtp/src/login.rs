//! AUTH (RFC 4954), and what becomes of passwords that come in clear.

use crate::session::Session;
use crate::status;
use proto_sasl::Lookup;
use proto_smtp::{AuthStart, Exposure, Reply};
use service_session::{Attempt, Happening, Outcome, Overheard, Refused, Revocation, Transport, begin_use, happened};
use types::Secret;

/// AUTH.
pub(crate) async fn auth<S: Transport>(session: &mut Session<S>, start: AuthStart) {
    let initial = start.initial_response.as_ref().map(|r| r.expose().as_slice());
    let shared = &session.service.shared;
    if start.exposure == Exposure::InClear {
        happened(Happening { who: None, service: "SMTP", what: "refused", detail: &"a password was sent before TLS" });
        session.overheard = Overheard::begin(shared, &session.caller(), &start.mechanism, initial).await;
    }
    let tls = session.tls_info();
    let mechanism = match session.table().mechanism(&start.mechanism) {
        Lookup::Accept(mechanism) => mechanism,
        Lookup::PrivacyRequired => {
            return session.machine.refuse(&Reply::new(538, 7, 11, "Passwords are taken inside TLS only"));
        }
        Lookup::Unknown if session.table().is_off() => {
            return session.machine.refuse(&Reply::new(502, 5, 1, "AUTH is not offered"));
        }
        Lookup::Unknown => return session.machine.refuse(&Reply::new(504, 5, 4, "This mechanism is not offered")),
    };
    let (attempt, outcome) = Attempt::begin(shared, session.caller(), tls.as_ref(), mechanism, initial).await;
    session.attempt = Some(attempt);
    settle(session, outcome);
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
    let Some(attempt) = &mut session.attempt else {
        return session.machine.refuse(&status::of_refused(Refused::Syntax));
    };
    let outcome = attempt.respond(&session.service.shared, message.expose()).await;
    settle(session, outcome);
}

fn settle<S: Transport>(session: &mut Session<S>, outcome: Outcome) {
    let signed_in = match outcome {
        Outcome::Challenge(challenge) => return session.machine.challenge(&challenge),
        Outcome::Refused(refused) => {
            session.attempt = None;
            return session.machine.refuse(&status::of_refused(refused));
        }
        Outcome::SignedIn(signed_in) => signed_in,
    };
    let mechanism = session.attempt.take().map_or("", |attempt| attempt.mechanism());
    if session.ticket.signed_in(signed_in.account).is_err() {
        return session.machine.refuse(&Reply::new(454, 7, 0, "Too many connections of this account"));
    }
    let tls = session.tls_info();
    let detail = format!("{}, {mechanism}", tls.as_ref().map_or("no TLS", |tls| tls.version));
    let name = signed_in.address.to_string();
    happened(Happening { who: Some(&name), service: "SMTP", what: "signed in", detail: &detail });
    let in_use = begin_use(&session.service.shared, &session.caller(), mechanism, tls.as_ref(), &signed_in);
    session.in_use = Some(Box::new(in_use));
    session.revocation = Some(Revocation::of(&session.service.shared, signed_in.account));
    session.signed_in = Some(signed_in);
    session.machine.accept();
}
