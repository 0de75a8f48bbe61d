//! MAIL and RCPT: who may send, and to whom. Only people who signed in may send elsewhere: there is no open relay.

use crate::session::Session;
use crate::status;
use domain::{DeliveryStaging, DirectoryError, EnvelopeRecipient, Recipient as Account, Refusal, Target};
use proto_smtp::{ForwardPath, Mail, Recipient, Reply, ReversePath, Role};
use service_session::{Happening, Transport, happened};
use types::{Address, TraceId};

/// Someone whom the message is for, as the session took him.
pub(crate) struct Accepted {
    /// As the client wrote it.
    pub(crate) address: Address,
    /// The accounts here; none for a recipient elsewhere.
    pub(crate) accounts: Vec<Account>,
}

/// From MAIL to the end of the message.
pub(crate) struct Transaction {
    pub(crate) mail: Mail,
    pub(crate) trace: TraceId,
    pub(crate) recipients: Vec<Accepted>,
    /// The message, once it has begun.
    pub(crate) staging: Option<DeliveryStaging>,
    /// Why the message will be refused at its end.
    pub(crate) refused: Option<Refusal>,
}

impl Transaction {
    /// The recipients as the delivery wants them.
    pub(crate) fn envelope_recipients(&self) -> Vec<EnvelopeRecipient> {
        let mut all = Vec::new();
        for recipient in &self.recipients {
            if recipient.accounts.is_empty() {
                all.push(EnvelopeRecipient::foreign(recipient.address.clone()));
            }
            all.extend(recipient.accounts.iter().cloned().map(EnvelopeRecipient::from));
        }
        all
    }

    /// The sender; none for the null reverse-path.
    pub(crate) fn reverse_path(&self) -> Option<Address> {
        match &self.mail.reverse_path {
            ReversePath::Null => None,
            ReversePath::Address(address) => Some(address.clone()),
        }
    }
}

/// MAIL.
pub(crate) async fn mail<S: Transport>(session: &mut Session<S>, mail: Mail) {
    if let Err(reply) = may_send(session, &mail.reverse_path).await {
        return session.machine.refuse(&reply);
    }
    let trace = session.service.shared.mail.new_trace();
    session.transaction =
        Some(Box::new(Transaction { mail, trace, recipients: Vec::new(), staging: None, refused: None }));
    session.machine.accept();
}

/// Who signed in may send under his own addresses only (RFC 6409 §6.1).
async fn may_send<S: Transport>(session: &Session<S>, from: &ReversePath) -> Result<(), Reply> {
    let (Some(signed_in), ReversePath::Address(address)) = (&session.signed_in, from) else { return Ok(()) };
    match session.service.shared.directory.may_send_as(signed_in.account, address).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Reply::new(553, 7, 1, "This is not an address of yours")),
        Err(error) => Err(fault(&error)),
    }
}

fn fault(error: &DirectoryError) -> Reply {
    tracing::error!(error = error as &dyn std::error::Error, "cannot look an address up");
    status::unavailable()
}

/// RCPT.
pub(crate) async fn recipient<S: Transport>(session: &mut Session<S>, recipient: Recipient) {
    match look(session, &recipient.forward_path).await {
        Ok(accepted) => {
            if let Some(transaction) = &mut session.transaction {
                transaction.recipients.push(accepted);
            }
            session.machine.accept();
        }
        Err(reply) => session.machine.refuse(&reply),
    }
}

async fn look<S: Transport>(session: &Session<S>, path: &ForwardPath) -> Result<Accepted, Reply> {
    let address = match path {
        ForwardPath::Address(address) => address.clone(),
        ForwardPath::Postmaster => postmaster(session).await?,
    };
    let size = session.transaction.as_ref().and_then(|t| t.mail.size);
    match session.service.delivery.check(&address, size).await {
        Ok(Target::Local(accounts)) => Ok(Accepted { address, accounts }),
        Ok(Target::Foreign) if session.signed_in.is_some() && session.role() == Role::Submission => {
            Ok(Accepted { address, accounts: Vec::new() })
        }
        Ok(Target::Foreign) => {
            let detail = format!("mail for {address} from outside; it is not ours");
            happened(Happening { who: None, service: "SMTP", what: "refused", detail: &detail });
            Err(Reply::new(550, 7, 1, "We do not relay for you"))
        }
        Err(refusal) => Err(status::of_refusal(&refusal)),
    }
}

/// `<Postmaster>` without a domain is the postmaster of our first domain (RFC 5321 §4.5.1).
async fn postmaster<S: Transport>(session: &Session<S>) -> Result<Address, Reply> {
    let domains = session.service.shared.directory.domain_list().await.map_err(|error| fault(&error))?;
    let first = domains.first().map(|d| format!("postmaster@{}", d.domain));
    let address = first.and_then(|text| Address::parse(&text).ok());
    address.ok_or_else(|| status::of_refusal(&Refusal::NoSuchUser))
}
