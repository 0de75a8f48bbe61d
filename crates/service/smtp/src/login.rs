//! AUTH (RFC 4954).

use crate::session::Session;
use crate::status;
use proto_sasl::Lookup;
use proto_smtp::{AuthStart, Exposure, Reply};
use service_session::{Attempt, Happening, Outcome, Refused, Transport, happened};
use types::Secret;

/// AUTH.
pub(crate) async fn auth<S: Transport>(session: &mut Session<S>, start: AuthStart) {
    if start.exposure == Exposure::InClear {
        happened(Happening { who: None, service: "SMTP", what: "refused", detail: &"a password was sent before TLS" });
        return session.machine.refuse(&Reply::new(538, 7, 11, "Passwords are taken inside TLS only"));
    }
    let Lookup::Accept(mechanism) = session.table().mechanism(&start.mechanism) else {
        return session.machine.refuse(&Reply::new(504, 5, 4, "This mechanism is not offered"));
    };
    let initial = start.initial_response.as_ref().map(|r| r.expose().as_slice());
    let (attempt, outcome) = Attempt::begin(&session.service.shared, session.caller(), mechanism, initial).await;
    session.attempt = Some((attempt, mechanism.name));
    settle(session, outcome);
}

/// The client's next word of an exchange.
pub(crate) async fn respond<S: Transport>(session: &mut Session<S>, message: Secret<Vec<u8>>) {
    let Some((attempt, _)) = &mut session.attempt else {
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
    let mechanism = session.attempt.take().map_or("", |(_, name)| name);
    if session.ticket.signed_in(signed_in.account).is_err() {
        return session.machine.refuse(&Reply::new(454, 7, 0, "Too many connections of this account"));
    }
    let tls = session.tls_info().map_or("no TLS", |t| t.version);
    let detail = format!("{tls}, {mechanism}");
    let name = signed_in.address.to_string();
    happened(Happening { who: Some(&name), service: "SMTP", what: "signed in", detail: &detail });
    session.signed_in = Some(signed_in);
    session.machine.accept();
}
