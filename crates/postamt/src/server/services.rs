//! From a listener to the service behind it: one arm per protocol.

use super::doorkeeper::Doorkeeper;
use super::{Kind, Options};
use domain::{Delivery, Queue, Traces};
use net::{Certificates, Connection, Listener, TlsOptions, TlsServer};
use proto_smtp::Role;
use service_session::Shared;
use std::net::SocketAddr;
use std::sync::Arc;
use store_embedded::Embedded;

/// What everything is made of.
#[derive(Clone)]
pub(crate) struct Core {
    pub(crate) shared: Shared,
    pub(crate) queue: Arc<Queue>,
    pub(crate) traces: Arc<Traces>,
    pub(crate) delivery: Arc<Delivery>,
    pub(crate) engine: Arc<Embedded>,
    pub(crate) certificates: Arc<Certificates>,
    pub(crate) doorkeeper: Arc<Doorkeeper>,
}

/// Serves every listener; yields their addresses.
pub(crate) fn listen(
    network: &Arc<net::Server>,
    core: &Core,
    options: &Options,
    listeners: Vec<(Kind, Listener)>,
) -> Vec<(Kind, SocketAddr)> {
    let imap = Arc::new(service_imap::Service {
        shared: core.shared.clone(),
        options: service_imap::Options {
            limits: service_imap::Limits { message_limit: options.message_limit, ..service_imap::Limits::default() },
            unauthenticate: options.unauthenticate,
            ..service_imap::Options::default()
        },
    });
    let pop3 = Arc::new(service_pop3::Service {
        shared: core.shared.clone(),
        options: Arc::new(service_pop3::Options {
            greeting: format!("{} POP3 ready", options.hostname),
            ..service_pop3::Options::default()
        }),
    });
    let smtp = |role| {
        let mut machine = service_smtp::Options::new(role, options.hostname.as_str());
        machine.limits.message_max = core.delivery.message_max();
        machine.limits.recipients_max = options.recipients_max;
        let mut shared = core.shared.clone();
        if !matches!(role, Role::Submission) {
            // Other servers are not asked for certificates.
            shared.tls = Some(TlsServer::for_servers(Arc::clone(&core.certificates), TlsOptions::default()));
        }
        Arc::new(service_smtp::Service { shared, delivery: Arc::clone(&core.delivery), options: Arc::new(machine) })
    };
    let (mx, submission, lmtp) = (smtp(Role::Mx), smtp(Role::Submission), smtp(Role::Lmtp));
    let mut bound = Vec::new();
    for (kind, listener) in listeners {
        bound.extend(listener.local_addr().map(|address| (kind, address)));
        let service = describe(kind, &core.shared);
        match kind {
            Kind::Imap | Kind::Imaps => {
                let imap = Arc::clone(&imap);
                network.serve(listener, service, move |c: Connection| service_imap::run(Arc::clone(&imap), c.into()))
            }
            Kind::Pop3 | Kind::Pop3s => {
                let pop3 = Arc::clone(&pop3);
                network.serve(listener, service, move |c: Connection| service_pop3::run(Arc::clone(&pop3), c.into()))
            }
            Kind::Smtp | Kind::Submission | Kind::Submissions | Kind::Lmtp => {
                let smtp = Arc::clone(match kind {
                    Kind::Smtp => &mx,
                    Kind::Lmtp => &lmtp,
                    _ => &submission,
                });
                network.serve(listener, service, move |c: Connection| service_smtp::run(Arc::clone(&smtp), c.into()))
            }
        };
    }
    bound
}

fn describe(kind: Kind, shared: &Shared) -> net::Service {
    let (name, implicit, refusal): (_, _, &'static [u8]) = match kind {
        Kind::Smtp => ("smtp", false, b"421 4.7.0 Too many connections\r\n"),
        Kind::Submission => ("submission", false, b"421 4.7.0 Too many connections\r\n"),
        Kind::Submissions => ("submissions", true, b""),
        Kind::Lmtp => ("lmtp", false, b"421 4.7.0 Too many connections\r\n"),
        Kind::Imap => ("imap", false, b"* BYE Too many connections\r\n"),
        Kind::Imaps => ("imaps", true, b""),
        Kind::Pop3 => ("pop3", false, b"-ERR [SYS/TEMP] Too many connections\r\n"),
        Kind::Pop3s => ("pop3s", true, b""),
    };
    net::Service { name, implicit_tls: shared.tls.clone().filter(|_| implicit), refusal }
}
