//! Mail for other servers: recipients by domain, hosts by preference, addresses in turn.

use crate::route::{self, Hop, NoRoute, Routes};
use crate::transmit::{BodySource, Manner, Sent, transmit};
use bytes::Bytes;
use domain::{BodyForm, MailError, Outcome, Queue, QueueContent, QueueError, QueueItem, Trouble};
use net::{Resolver, TlsClient, TlsError};
use proto_smtp::client::{Answer, ClientTls, Credentials, Envelope, Verdict};
use proto_smtp::{Body, ForwardPath, ReversePath};
use std::collections::BTreeMap;
use std::sync::Arc;
use tracing::debug;
use types::{Address, DomainName, Octets, Secret};

/// Name and password at the relay.
#[derive(Clone, Debug)]
pub struct Relay {
    /// The name.
    pub user: String,
    /// The password.
    pub password: Secret<String>,
}

/// The way to other servers.
pub struct Network {
    resolver: Resolver,
    routes: Routes,
    relay: Option<Relay>,
    /// Takes any certificate: an MX without one that fits is still better than clear text (RFC 7435).
    opportunistic: Arc<TlsClient>,
    /// For the relay, which gets a password.
    verified: Option<Arc<TlsClient>>,
    hello_name: DomainName,
}

/// The queue's copy of a message, without the Return-Path field (RFC 5321 §4.4).
struct QueuedBody<'a> {
    queue: &'a Queue,
    content: &'a QueueContent,
    offset: u64,
}

impl BodySource for QueuedBody<'_> {
    async fn next(&mut self) -> Result<Bytes, MailError> {
        let piece = self.queue.read_body(self.content, self.offset..self.content.size.0).await;
        let piece = piece.map_err(|error| match error {
            QueueError::Mail(error) => error,
            _ => MailError::Gone,
        })?;
        self.offset = self.offset.saturating_add(u64::try_from(piece.len()).unwrap_or(0));
        Ok(piece)
    }

    fn rewind(&mut self) {
        self.offset = self.content.return_path;
    }
}

impl Network {
    /// With these routes. `authorities` (PEM) are whom the relay's certificate must come from if it gets a password.
    pub fn new(
        resolver: Resolver,
        routes: Routes,
        relay: Option<Relay>,
        authorities: &str,
        hello_name: DomainName,
    ) -> Result<Self, TlsError> {
        let verified = relay.is_some().then(|| TlsClient::verified(authorities)).transpose()?;
        Ok(Self { resolver, routes, relay, opportunistic: TlsClient::opportunistic()?, verified, hello_name })
    }

    /// Tries every recipient elsewhere that waits; an outcome for each.
    pub(crate) async fn deliver(
        &self,
        queue: &Queue,
        item: &QueueItem,
        content: &QueueContent,
    ) -> Vec<(usize, Outcome)> {
        let mut domains: BTreeMap<&DomainName, Vec<(usize, &Address)>> = BTreeMap::new();
        for (place, recipient) in item.waiting().filter(|(_, r)| r.account.is_none()) {
            domains.entry(recipient.address.domain()).or_default().push((place, &recipient.address));
        }
        let mut outcomes = Vec::new();
        for (domain, recipients) in domains {
            let mut body = QueuedBody { queue, content, offset: content.return_path };
            let result = self.deliver_domain(item, content, domain, &recipients, &mut body).await;
            outcomes.extend(recipients.iter().map(|(place, _)| *place).zip(result));
        }
        outcomes
    }

    async fn deliver_domain(
        &self,
        item: &QueueItem,
        content: &QueueContent,
        domain: &DomainName,
        recipients: &[(usize, &Address)],
        body: &mut QueuedBody<'_>,
    ) -> Vec<Outcome> {
        let same = |outcome: Outcome| recipients.iter().map(|_| outcome.clone()).collect();
        let hops = match route::hops(&self.routes, &self.resolver, domain).await {
            Ok(hops) => hops,
            Err(no_route) => return same(no_way(&no_route)),
        };
        let envelope = Envelope {
            reverse_path: item.reverse_path.clone().map_or(ReversePath::Null, ReversePath::Address),
            recipients: recipients.iter().map(|(_, to)| ForwardPath::Address((*to).clone())).collect(),
            size: Some(Octets(content.size.0.saturating_sub(content.return_path))),
            body: match item.body {
                BodyForm::SevenBit => Body::SevenBit,
                BodyForm::EightBitMime => Body::EightBitMime,
            },
            utf8: item.utf8,
        };
        let mut last = Trouble { status: "4.4.1".into(), text: "no host answers".into(), host: None };
        for hop in &hops {
            for sent in self.try_host(hop, &envelope, body).await {
                match sent {
                    Sent::Answered(answers) => {
                        return answers.iter().map(|answer| outcome(answer, &hop.host)).collect();
                    }
                    Sent::Unreached(why) => {
                        debug!(host = %hop.host, why, "no delivery there");
                        last =
                            Trouble { status: "4.4.1".into(), text: why.into(), host: Some(hop.host.as_str().into()) };
                    }
                    Sent::Fault(fault) => {
                        let text = fault.to_string().into();
                        return same(Outcome::Fault(Trouble { status: "4.3.0".into(), text, host: None }));
                    }
                }
            }
        }
        same(Outcome::Deferred(last))
    }

    /// Tries a host's addresses until one answers about the message. TLS that does not come about is tried without once
    /// more where nothing demands it (RFC 7435 §3).
    async fn try_host(&self, hop: &Hop, envelope: &Envelope, body: &mut QueuedBody<'_>) -> Vec<Sent> {
        let mut tried = Vec::new();
        for address in &hop.addresses {
            for manner in self.manners(hop) {
                let sent = transmit(*address, &hop.host, &manner, envelope, body).await;
                let is_over = !matches!(sent, Sent::Unreached(_));
                tried.push(sent);
                if is_over {
                    return tried;
                }
            }
        }
        tried
    }

    /// How a host is spoken to: a relay that gets a password inside verified TLS or not at all; others in TLS if they can.
    fn manners(&self, hop: &Hop) -> Vec<Manner> {
        let manner = |tls, tls_client: &Arc<TlsClient>, credentials| Manner {
            hello_name: self.hello_name.as_str().to_owned(),
            tls,
            tls_client: Arc::clone(tls_client),
            credentials,
        };
        if let (true, Some(relay), Some(verified)) = (hop.is_relay, &self.relay, &self.verified) {
            let credentials = Credentials { user: relay.user.clone(), password: relay.password.clone() };
            return vec![manner(ClientTls::Required, verified, Some(credentials))];
        }
        vec![
            manner(ClientTls::IfOffered, &self.opportunistic, None),
            manner(ClientTls::Never, &self.opportunistic, None),
        ]
    }
}

fn no_way(no_route: &NoRoute) -> Outcome {
    let trouble = |status: &str| Trouble { status: status.into(), text: no_route.to_string().into(), host: None };
    match no_route {
        NoRoute::NoSuchDomain(_) => Outcome::Failed(trouble("5.1.2")),
        NoRoute::NullMx(_) => Outcome::Failed(trouble("5.1.10")),
        NoRoute::Temporary(_) => Outcome::Deferred(trouble("4.4.3")),
    }
}

fn outcome(answer: &Answer, host: &DomainName) -> Outcome {
    let host = Some(Box::from(host.as_str()));
    let class = if answer.verdict == Verdict::Permanent { 5 } else { 4 };
    let status = answer.reply.enhanced().filter(|e| e.class == class);
    let status = status.map_or_else(|| format!("{class}.0.0"), |e| e.to_string()).into();
    let text: Box<str> = answer.reply.to_string().into();
    match answer.verdict {
        Verdict::Accepted => Outcome::Delivered { host, text },
        Verdict::Temporary => Outcome::Deferred(Trouble { status, text, host }),
        Verdict::Permanent => Outcome::Failed(Trouble { status, text, host }),
    }
}
