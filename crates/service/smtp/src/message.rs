//! The message itself: streamed into the store while it arrives, answered when it is durable.

use crate::envelope::Transaction;
use crate::session::Session;
use crate::status;
use domain::{Accepted, Arrival, BodyForm, Envelope, Incoming, Protocol, Returns};
use proto_smtp::{Body, DataStart, HelloVerb, Reply, Role};
use service_session::{Happening, Transport, happened};
use std::time::Instant;

/// DATA, or the first BDAT.
pub(crate) async fn begin<S: Transport>(session: &mut Session<S>, start: DataStart) {
    let Some(transaction) = &session.transaction else { return session.machine.refuse(&status::unavailable()) };
    let arrival = arrival(session, transaction);
    let staged = session.service.delivery.stage(&arrival, start.size).await;
    match (staged, &mut session.transaction) {
        (Ok(staging), Some(transaction)) => {
            transaction.staging = Some(staging);
            session.machine.accept();
        }
        (Err(refusal), _) => session.machine.refuse(&status::of_refusal(&refusal)),
        (Ok(_), None) => session.machine.refuse(&status::unavailable()),
    }
}

/// What Received tells of the message.
fn arrival<S: Transport>(session: &Session<S>, transaction: &Transaction) -> Arrival {
    let hello = session.hello.as_ref();
    let protocol = match hello.map(|h| h.verb) {
        Some(HelloVerb::Lhlo) => Protocol::Lmtp,
        Some(HelloVerb::Ehlo) => Protocol::Esmtp,
        Some(HelloVerb::Helo) | None => Protocol::Smtp,
    };
    let only_recipient = match transaction.recipients.as_slice() {
        [only] => Some(only.address.clone()),
        _ => None,
    };
    Arrival {
        trace: transaction.trace,
        at: session.service.shared.clock.now(),
        reverse_path: transaction.reverse_path(),
        only_recipient,
        protocol,
        utf8: transaction.mail.utf8,
        helo: hello.map(|h| h.name.as_str()).unwrap_or_default().into(),
        peer: session.peer.ip(),
        peer_name: None,
        tls: session.tls_info().map(|tls| (tls.version.into(), tls.cipher.into())),
        authenticated: session.signed_in.is_some(),
    }
}

/// A piece of the message. What it is refused for is said at its end: SMTP has no earlier place.
pub(crate) async fn chunk<S: Transport>(session: &mut Session<S>, piece: &[u8]) {
    let Some(transaction) = &mut session.transaction else { return };
    let Some(staging) = &mut transaction.staging else { return };
    if let Err(refusal) = staging.write(piece).await {
        transaction.staging = None;
        transaction.refused = Some(refusal);
    }
}

/// The message is whole.
pub(crate) async fn end<S: Transport>(session: &mut Session<S>) {
    let began = Instant::now();
    let Some(mut transaction) = session.transaction.take() else {
        return refuse_all(session, &status::unavailable());
    };
    let incoming = match (transaction.staging.take(), transaction.refused.take()) {
        (Some(staging), None) => staging.finish().await,
        (_, Some(refusal)) => Err(refusal),
        (None, None) => return refuse_all(session, &status::unavailable()),
    };
    let incoming = match incoming {
        Ok(incoming) => incoming,
        Err(refusal) => return refuse_all(session, &status::of_refusal(&refusal)),
    };
    if session.role() == Role::Lmtp {
        return end_lmtp(session, &transaction, &incoming).await;
    }
    let envelope = envelope(&transaction, true);
    let to: Vec<String> = transaction.recipients.iter().map(|r| r.address.to_string()).collect();
    match session.service.delivery.accept(envelope, &incoming).await {
        Ok(accepted) => {
            let what = if session.signed_in.is_some() { "sent" } else { "received" };
            let done = if accepted == Accepted::Delivered { "delivered" } else { "on its way" };
            tell(
                session,
                what,
                &format!("to {}, {done} in {} ms", to.join(", "), began.elapsed().as_millis()),
                &incoming,
            );
            session.machine.accept_with(&format!("Accepted; trace {}", incoming.trace()));
        }
        Err(refusal) => session.machine.refuse(&status::of_refusal(&refusal)),
    }
}

/// RFC 2033 §4.2: one answer for each recipient, in their order.
async fn end_lmtp<S: Transport>(session: &mut Session<S>, transaction: &Transaction, incoming: &Incoming) {
    let accounts: Vec<_> = transaction.recipients.iter().map(|r| r.accounts.clone()).collect();
    let answers = session.service.delivery.accept_each(&envelope(transaction, false), &accounts, incoming).await;
    for (recipient, answer) in transaction.recipients.iter().zip(answers) {
        match answer {
            Ok(_) => {
                tell(session, "delivered", &format!("to {}", recipient.address), incoming);
                session.machine.accept_with(&format!("{} has it; trace {}", recipient.address, incoming.trace()));
            }
            Err(refusal) => session.machine.refuse(&status::of_refusal(&refusal)),
        }
    }
}

fn tell<S: Transport>(session: &Session<S>, what: &str, detail: &str, incoming: &Incoming) {
    let who = session.signed_in.as_ref().map(|s| s.address.to_string());
    let service = if session.role() == Role::Lmtp { "LMTP" } else { "SMTP" };
    let trace = incoming.trace();
    let detail = format!("{detail}, {} octets   (postamt trace {trace})", incoming.staged().size());
    happened(Happening { who: who.as_deref(), service, what, detail: &detail });
}

fn envelope(transaction: &Transaction, with_recipients: bool) -> Envelope {
    Envelope {
        reverse_path: transaction.reverse_path(),
        recipients: if with_recipients { transaction.envelope_recipients() } else { Vec::new() },
        utf8: transaction.mail.utf8,
        body: match transaction.mail.body {
            Body::SevenBit => BodyForm::SevenBit,
            Body::EightBitMime => BodyForm::EightBitMime,
        },
        envelope_id: None,
        returns: Returns::Header,
    }
}

/// Refuses the message for all its recipients: one answer, or in LMTP as many as are owed.
fn refuse_all<S: Transport>(session: &mut Session<S>, reply: &Reply) {
    for _ in 0..session.machine.answers_owed() {
        session.machine.refuse(reply);
    }
}
