//! Mail for other servers: recipients by domain, hosts by preference, addresses in turn.

use crate::destinations::{Destinations, Slot};
use crate::route::{self, Hop, NoRoute, Ourselves, Routes};
use crate::transmit::{BodySource, Manner, Sent, transmit};
use bytes::Bytes;
use domain::{BodyForm, MailError, Outcome, Queue, QueueContent, QueueError, QueueItem, Trouble};
use net::{Resolver, TlsClient, TlsError};
use proto_smtp::client::{Answer, ClientTls, Credentials, Envelope, Origin, Stage, Verdict};
use proto_smtp::{Body, ForwardPath, Reply, ReversePath};
use service_session::Shared;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::task::JoinSet;
use tracing::{debug, error};
use types::{Address, DomainName, Octets, Secret};

/// Most recipients of one transaction: what every server has to take (RFC 5321 §4.5.3.1.8).
pub(crate) const RECIPIENTS_AT_ONCE: usize = 100;
/// To how many domains one message is on its way at once.
const GROUPS_AT_ONCE: usize = 8;
/// The port of submission inside TLS from the first byte (RFC 8314 §3.3).
const SUBMISSIONS_PORT: u16 = 465;

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
    ourselves: Ourselves,
}

/// A message to be sent, and what is needed for it.
pub(crate) struct Errand {
    pub(crate) shared: Shared,
    pub(crate) queue: Arc<Queue>,
    pub(crate) destinations: Arc<Destinations>,
    pub(crate) item: QueueItem,
    pub(crate) content: QueueContent,
}

/// Recipients who are tried together: of one domain.
type Group = (DomainName, Vec<(usize, Address)>);

/// The attempts of one message, a bounded number at once. Dropped, they end.
pub(crate) struct Attempts {
    network: Arc<Network>,
    errand: Arc<Errand>,
    waiting: VecDeque<Group>,
    running: JoinSet<Vec<(usize, Outcome)>>,
}

impl Attempts {
    /// The outcomes of the next group that is done; `None` when all are. Can be dropped while it waits.
    pub(crate) async fn next(&mut self) -> Option<Vec<(usize, Outcome)>> {
        loop {
            while self.running.len() < GROUPS_AT_ONCE
                && let Some(group) = self.waiting.pop_front()
            {
                self.running.spawn(Arc::clone(&self.network).deliver(Arc::clone(&self.errand), group));
            }
            match self.running.join_next().await? {
                Ok(outcomes) => return Some(outcomes),
                // Its recipients wait on, without an outcome.
                Err(cause) => error!(error = &cause as &dyn std::error::Error, "a defect ended an attempt"),
            }
        }
    }

    /// Begins nothing more; what was begun goes on.
    pub(crate) fn hold_back(&mut self) {
        self.waiting.clear();
    }

    /// Whether nothing is left to wait for.
    pub(crate) fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }
}

/// The queue's copy of a message, without the Return-Path field (RFC 5321 §4.4).
struct QueuedBody<'a> {
    errand: &'a Errand,
    offset: u64,
}

impl BodySource for QueuedBody<'_> {
    async fn next(&mut self) -> Result<Bytes, MailError> {
        let content = &self.errand.content;
        let piece = self.errand.queue.read_body(content, self.offset..content.size.0).await;
        let piece = piece.map_err(|error| match error {
            QueueError::Mail(error) => error,
            _ => MailError::Gone,
        })?;
        self.offset = self.offset.saturating_add(u64::try_from(piece.len()).unwrap_or(0));
        Ok(piece)
    }

    fn rewind(&mut self) {
        self.offset = self.errand.content.return_path;
    }
}

impl Network {
    /// With these routes. `authorities` (PEM) are whom the relay's certificate must come from if it gets a password;
    /// `hello_name` is this server's name. `listening` is where this server takes mail from others: no mail for
    /// elsewhere goes there by DNS.
    pub fn new(
        resolver: Resolver,
        routes: Routes,
        relay: Option<Relay>,
        authorities: &str,
        hello_name: DomainName,
        listening: Vec<SocketAddr>,
    ) -> Result<Self, TlsError> {
        let verified = relay.is_some().then(|| TlsClient::verified(authorities)).transpose()?;
        let ourselves = Ourselves { hostname: hello_name, listening };
        Ok(Self { resolver, routes, relay, opportunistic: TlsClient::opportunistic()?, verified, ourselves })
    }

    /// Begins to try every recipient elsewhere that waits.
    pub(crate) fn start(self: &Arc<Self>, errand: Errand) -> Attempts {
        let mut domains: BTreeMap<&DomainName, Vec<(usize, Address)>> = BTreeMap::new();
        for (place, recipient) in errand.item.waiting().filter(|(_, r)| r.account.is_none()) {
            domains.entry(recipient.address.domain()).or_default().push((place, recipient.address.clone()));
        }
        let mut waiting = VecDeque::new();
        for (domain, recipients) in domains {
            let groups = recipients.chunks(RECIPIENTS_AT_ONCE);
            waiting.extend(groups.map(|group| (domain.clone(), group.to_vec())));
        }
        let network = Arc::clone(self);
        Attempts { network, errand: Arc::new(errand), waiting, running: JoinSet::new() }
    }

    async fn deliver(self: Arc<Self>, errand: Arc<Errand>, (domain, recipients): Group) -> Vec<(usize, Outcome)> {
        let to: Vec<_> = recipients.iter().map(|(_, to)| ForwardPath::Address(to.clone())).collect();
        let outcomes = self.try_domain(&errand, &domain, to).await;
        let places = recipients.iter().map(|(place, _)| *place);
        match outcomes {
            Ok(each) => places.zip(each).collect(),
            Err(all) => places.map(|place| (place, all.clone())).collect(),
        }
    }

    /// Yields an outcome for each recipient, or one for all.
    async fn try_domain(
        &self,
        errand: &Errand,
        domain: &DomainName,
        recipients: Vec<ForwardPath>,
    ) -> Result<Vec<Outcome>, Outcome> {
        let hops = self.hops(errand, domain).await?;
        let Some(first) = hops.first() else { return Err(no_way(&NoRoute::NoSuchDomain(domain.clone()))) };
        let Some(slot) = errand.destinations.enter(first.host.as_str()).await else { return Err(Outcome::PutOff) };
        let slot = Arc::new(slot);
        let envelope = envelope(&errand.item, &errand.content, recipients);
        let mut course = Course::default();
        for hop in &hops {
            for address in &hop.addresses {
                match self.try_address(hop, *address, &envelope, errand, &slot).await {
                    Sent::Answered(answers) => {
                        let is_busy =
                            answers.iter().all(|a| a.verdict == Verdict::Temporary && a.origin == Origin::Peer);
                        let outcomes = answers.iter().map(|answer| outcome(answer, hop)).collect();
                        if !is_busy {
                            return Ok(outcomes);
                        }
                        // Another host may have time (RFC 5321 §5.1); other addresses of this one lead to the same.
                        course.answered.get_or_insert(outcomes);
                        break;
                    }
                    Sent::Fault(fault) => return Err(ours("4.3.0", fault.to_string())),
                    failed => course.failed(hop, failed),
                }
            }
        }
        course.end()
    }

    /// The hosts; those that are ourselves are left out unless the domain is ours: then it is one that was not when the
    /// message was taken, and the way through our own door is as good as any.
    async fn hops(&self, errand: &Errand, domain: &DomainName) -> Result<Vec<Hop>, Outcome> {
        let is_ours = errand.shared.directory.is_ours(domain).await;
        let is_ours = is_ours.map_err(|error| ours("4.3.0", error.to_string()))?;
        let ourselves = Some(&self.ourselves).filter(|_| !is_ours);
        let hops = route::hops(&self.routes, &self.resolver, ourselves, domain).await;
        hops.map_err(|no_route| no_way(&no_route))
    }

    /// Tries one address. TLS that does not come about is tried without once more where nothing demands it (RFC 7435 §3).
    async fn try_address(
        &self,
        hop: &Hop,
        address: SocketAddr,
        envelope: &Envelope,
        errand: &Errand,
        slot: &Arc<Slot>,
    ) -> Sent {
        let mut body = QueuedBody { errand, offset: errand.content.return_path };
        let mut manners = self.manners(hop, address.port()).into_iter();
        let Some(first) = manners.next() else { return Sent::Unreached("there is no way to speak to it".into()) };
        let sent = transmit(address, &hop.host, &first, envelope, &mut body, slot).await;
        match (sent, manners.next()) {
            (Sent::NoTls(why), Some(second)) => {
                debug!(host = %hop.host, why, "no TLS");
                transmit(address, &hop.host, &second, envelope, &mut body, slot).await
            }
            (sent, _) => sent,
        }
    }

    /// How a host is spoken to: a relay that gets a password inside verified TLS or not at all; others in TLS if they can.
    fn manners(&self, hop: &Hop, port: u16) -> Vec<Manner> {
        let manner = |tls, tls_client: &Arc<TlsClient>, credentials| Manner {
            hello_name: self.ourselves.hostname.as_str().to_owned(),
            tls,
            tls_client: Arc::clone(tls_client),
            credentials,
        };
        let is_implicit = hop.is_relay && port == SUBMISSIONS_PORT;
        if let (true, Some(relay), Some(verified)) = (hop.is_relay, &self.relay, &self.verified) {
            let credentials = Credentials { user: relay.user.clone(), password: relay.password.clone() };
            let tls = if is_implicit { ClientTls::Active } else { ClientTls::Required };
            return vec![manner(tls, verified, Some(credentials))];
        }
        if is_implicit {
            return vec![manner(ClientTls::Active, &self.opportunistic, None)];
        }
        vec![
            manner(ClientTls::IfOffered, &self.opportunistic, None),
            manner(ClientTls::Never, &self.opportunistic, None),
        ]
    }
}

/// What came of the hosts so far.
#[derive(Default)]
struct Course {
    /// What the best host that spoke of the message said.
    answered: Option<Vec<Outcome>>,
    last: Option<Outcome>,
    /// Some host may yet take the message.
    has_hope: bool,
}

impl Course {
    fn failed(&mut self, hop: &Hop, sent: Sent) {
        let host = Some(Box::from(hop.host.as_str()));
        let (why, outcome) = match sent {
            Sent::Refused(Stage::Auth, reply) => {
                // Name and password are the operator's business, not the sender's.
                let text = format!("{} refuses our sign-in: {reply}", hop.host);
                (text.clone(), ours("4.7.8", text))
            }
            Sent::Refused(_, reply) => {
                let is_permanent = reply.is_permanent() && !hop.is_relay;
                self.has_hope |= !is_permanent;
                let class = if is_permanent { 5 } else { 4 };
                let trouble = Trouble { status: status(&reply, class), text: reply.to_string().into(), host };
                let outcome = if is_permanent { Outcome::Failed(trouble) } else { Outcome::Deferred(trouble) };
                (reply.to_string(), outcome)
            }
            Sent::NoTls(why) | Sent::Unreached(why) => {
                self.has_hope = true;
                let text = format!("{}: {why}", hop.host).into();
                (why, Outcome::Deferred(Trouble { status: "4.4.1".into(), text, host: None }))
            }
            Sent::Answered(_) | Sent::Fault(_) => return,
        };
        debug!(host = %hop.host, why, "no delivery there");
        self.last = Some(outcome);
    }

    /// Permanent only if every host said so.
    fn end(self) -> Result<Vec<Outcome>, Outcome> {
        if let Some(answered) = self.answered {
            return Ok(answered);
        }
        Err(match self.last {
            Some(Outcome::Failed(trouble)) if self.has_hope => {
                let status = format!("4.{}", trouble.status.get(2..).unwrap_or("0.0")).into();
                Outcome::Deferred(Trouble { status, ..trouble })
            }
            Some(last) => last,
            None => Outcome::Deferred(Trouble { status: "4.4.1".into(), text: "no host answers".into(), host: None }),
        })
    }
}

fn envelope(item: &QueueItem, content: &QueueContent, recipients: Vec<ForwardPath>) -> Envelope {
    Envelope {
        reverse_path: item.reverse_path.clone().map_or(ReversePath::Null, ReversePath::Address),
        recipients,
        size: Some(Octets(content.size.0.saturating_sub(content.return_path))),
        body: match item.body {
            BodyForm::SevenBit => Body::SevenBit,
            BodyForm::EightBitMime => Body::EightBitMime,
        },
        utf8: item.utf8,
    }
}

fn ours(status: &str, text: String) -> Outcome {
    Outcome::Fault(Trouble { status: status.into(), text: text.into(), host: None })
}

fn no_way(no_route: &NoRoute) -> Outcome {
    let trouble = |status: &str| Trouble { status: status.into(), text: no_route.to_string().into(), host: None };
    match no_route {
        NoRoute::NoSuchDomain(_) => Outcome::Failed(trouble("5.1.2")),
        NoRoute::NullMx(_) => Outcome::Failed(trouble("5.1.10")),
        NoRoute::Loop(_) => Outcome::Failed(trouble("5.4.6")),
        NoRoute::Temporary(_) => Outcome::Deferred(trouble("4.4.3")),
        NoRoute::Misconfigured(_) => Outcome::Fault(trouble("4.3.5")),
    }
}

/// The peer's enhanced code if it is of this class.
fn status(reply: &Reply, class: u8) -> Box<str> {
    let enhanced = reply.enhanced().filter(|enhanced| enhanced.class == class);
    enhanced.map_or_else(|| format!("{class}.0.0"), |enhanced| enhanced.to_string()).into()
}

/// The outcome of an answer. The reply prints with what is no printable ASCII escaped.
fn outcome(answer: &Answer, hop: &Hop) -> Outcome {
    let Answer { verdict, reply, origin } = answer;
    let is_peer = *origin == Origin::Peer;
    let host = is_peer.then(|| Box::from(hop.host.as_str()));
    let text: Box<str> =
        if is_peer { reply.to_string().into() } else { format!("{}: {}", hop.host, reply.text()).into() };
    // RFC 4954 §6: a relay that wants another sign-in tells the operator something, not the sender.
    let is_sign_in = hop.is_relay && matches!(reply.code(), 530 | 534 | 535 | 538);
    match verdict {
        Verdict::Accepted => Outcome::Delivered { host, text },
        Verdict::Permanent if is_sign_in => Outcome::Fault(Trouble { status: "4.7.8".into(), text, host }),
        Verdict::Temporary => Outcome::Deferred(Trouble { status: status(reply, 4), text, host }),
        Verdict::Permanent => Outcome::Failed(Trouble { status: status(reply, 5), text, host }),
    }
}
