//! The running server: engine, domain, services, listeners and background work, put together and taken apart.

pub(crate) mod background;
pub(crate) mod certificates;
pub(crate) mod doorkeeper;
mod letters;
mod options;
pub(crate) mod services;

pub(crate) use options::{CertificateSource, Exit, Kind, Letters, Listen, Options};

use crate::engines;
use anyhow::Context as _;
use background::Background;
use domain::{Delivery, DeliveryOptions, Directory, Mail, Queue, RECEIVED_MAX, Traces};
use doorkeeper::Doorkeeper;
use net::{Admission, Certificates, Listener, SystemClock, TlsOptions, TlsServer};
use service_session::Shared;
use services::Core;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use store_embedded::Embedded;
use tokio::signal::unix::{Signal, SignalKind, signal};
use types::Clock;

/// How long sessions may take to end when the server stops.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server that runs.
pub(crate) struct Server {
    pub(crate) core: Core,
    engine: Arc<Embedded>,
    network: Arc<net::Server>,
    background: Background,
    /// Where it listens, with the ports that were taken.
    pub(crate) bound: Vec<(Kind, SocketAddr)>,
}

impl Server {
    /// Opens the store, finishes what a crash left over, binds and serves.
    pub(crate) async fn start(options: Options) -> anyhow::Result<Self> {
        // First, because it is what fails most, and leaves nothing behind then. Who connects early waits a moment.
        let listeners = bind(&options)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let engine = {
            let (data, store) = (options.data.clone(), options.store.clone());
            tokio::task::spawn_blocking(move || engines::open(&data, store)).await??
        };
        let mail = Mail::new(engine.clone(), Arc::clone(&clock), options.mail.clone());
        let directory =
            Directory::new(engine.clone(), Arc::clone(&clock), Arc::clone(&mail), options.passwords.clone())?;
        directory.recover().await.context("cannot finish what was begun before the last stop")?;
        directory.bans_load().await.context("cannot read the bans")?;
        let traces = Traces::new(engine.clone(), Arc::clone(&clock));
        let queue = Queue::open(engine.clone(), Arc::clone(&clock), Arc::clone(&traces), options.queue.clone()).await?;
        let delivery = Delivery::new(
            Arc::clone(&mail),
            Arc::clone(&directory),
            Arc::clone(&queue),
            Arc::clone(&traces),
            DeliveryOptions { hostname: options.hostname.as_str().into(), received_max: RECEIVED_MAX },
        );
        let certificates = certificates::open(&options, clock.as_ref())?;
        certificates.set_any_bound(directory.has_certificates().await?);
        let tls = TlsServer::for_people(Arc::clone(&certificates), TlsOptions::default());
        let shared = Shared {
            mail: Arc::clone(&mail),
            directory: Arc::clone(&directory),
            clock,
            hostname: options.hostname.clone(),
            tls: Some(tls),
        };
        let doorkeeper = Doorkeeper::new(Arc::clone(&directory));
        let gate: Arc<dyn net::Gate> = doorkeeper.clone();
        let network = net::Server::gated(Admission::new(options.connections), Some(gate));
        let core = Core { shared, queue, traces, delivery, engine: engine.clone(), certificates, doorkeeper };
        let bound = services::listen(&network, &core, &options, listeners);
        let background = Background::start(&core, &network, &options).await?;
        Ok(Self { core, engine, network, background, bound })
    }

    /// Stops in order: no new connections, sessions end, what is in memory is written.
    pub(crate) async fn stop(self) {
        let drained = self.network.shutdown().drain(PATIENCE).await;
        if drained.dropped > 0 {
            tracing::warn!(connections = drained.dropped, "connections were dropped at the stop");
        }
        self.core.shared.directory.settled(None).await;
        self.background.stop(&self.core).await;
        if let Err(error) = self.engine.close().await {
            tracing::error!(error = &error as &dyn std::error::Error, "the store did not close cleanly");
        }
    }

    /// The port that a kind of listener got.
    pub(crate) fn port(&self, kind: Kind) -> Option<u16> {
        self.bound.iter().find(|(k, _)| *k == kind).map(|(_, address)| address.port())
    }
}

/// Opens every listener of the options. All or none: a server that misses a port would be looked for there.
fn bind(options: &Options) -> anyhow::Result<Vec<(Kind, Listener)>> {
    let mut listeners = Vec::new();
    for listen in &options.listen {
        let listener = Listener::bind(&listen.endpoint).map_err(|error| {
            let hint = "another program has it, or it takes more rights: see listen.* in the configuration";
            anyhow::Error::from(error).context(format!("cannot listen on {}\n  hint  {hint}", listen.endpoint))
        })?;
        listeners.push((listen.kind, listener));
    }
    Ok(listeners)
}

/// The signals that a server listens to. Made before it says that it is ready: whoever then tells it to stop is heard.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    /// From now on signals are kept, not obeyed by dying.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for SIGINT or SIGTERM; SIGHUP reads the certificates anew.
    pub(crate) async fn until_stop(mut self, certificates: &Arc<Certificates>) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hangup.recv() => {
                    certificates::reload(certificates).await;
                }
            }
        }
    }
}
