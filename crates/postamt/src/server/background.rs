//! What runs beside the sessions: the queue's runner, the sweep of the retention space, the control socket, metrics.

use super::{Exit, Kind, Listen, Options, certificates};
use crate::control::{self, Handler};
use crate::metrics;
use crate::server::letters::LetterWriter;
use crate::server::services::Core;
use jiff::tz::TimeZone;
use net::{Endpoint, ShutdownToken};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How often the retention space is swept.
const SWEEP_EVERY: Duration = Duration::from_mins(15);

/// How often it is written what passwords were last used for.
const WRITE_USES_EVERY: Duration = Duration::from_secs(30);

/// The tasks.
pub(crate) struct Background {
    tasks: Vec<JoinHandle<()>>,
    runner: JoinHandle<()>,
}

impl Background {
    /// Starts all of it.
    pub(crate) async fn start(core: &Core, network: &Arc<net::Server>, options: &Options) -> anyhow::Result<Self> {
        let token = network.shutdown().token();
        let mut tasks = vec![tokio::spawn(sweep(core.clone(), token.clone()))];
        let traces = Arc::clone(&core.traces);
        tasks.push(tokio::spawn(async move { traces.run().await }));
        let (watched, clock) = (Arc::clone(&core.certificates), Arc::clone(&core.shared.clock));
        tasks.push(tokio::spawn(certificates::watch(watched, clock, token.clone())));
        let letters = LetterWriter::new(core, options.letters.clone(), options.mail.retention, TimeZone::system());
        tasks.push(tokio::spawn(letters.run(token.clone())));
        tasks.push(tokio::spawn(write_uses(core.clone())));
        let runner = runner(core, options, token)?;
        let handler = Arc::new(Handler::new(core.clone(), Arc::clone(network)));
        tasks.push(control::serve(&options.control, handler)?);
        if let Some(address) = options.metrics {
            tasks.push(metrics::serve(address, core.clone(), Arc::clone(network)).await?);
        }
        Ok(Self { tasks, runner })
    }

    /// Ends the tasks; what they gathered is written.
    pub(crate) async fn stop(mut self, core: &Core) {
        // It ends by itself; the time beyond is for the store.
        if tokio::time::timeout(2 * service_outbound::STOP_PATIENCE, &mut self.runner).await.is_err() {
            self.runner.abort();
        }
        for task in self.tasks {
            task.abort();
            let _ = task.await;
        }
        if let Err(error) = core.shared.directory.write_uses().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the last uses of passwords were not written");
        }
        if let Err(error) = core.traces.flush().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the last trace events were not written");
        }
    }
}

fn runner(core: &Core, options: &Options, token: ShutdownToken) -> anyhow::Result<JoinHandle<()>> {
    let way = match &options.exit {
        Exit::Outbox => service_outbound::Way::Outbox,
        Exit::Network { resolver, routes, relay, .. } => {
            service_outbound::Way::Network(Box::new(service_outbound::Network::new(
                resolver.clone(),
                routes.clone(),
                relay.clone(),
                &authorities(relay.is_some()),
                options.hostname.clone(),
                listening(options),
            )?))
        }
    };
    let concurrency = match &options.exit {
        Exit::Network { concurrency, .. } => *concurrency,
        Exit::Outbox => 1,
    };
    let runner = service_outbound::Runner::new(
        core.shared.clone(),
        Arc::clone(&core.queue),
        Arc::clone(&core.delivery),
        way,
        concurrency,
    );
    Ok(tokio::spawn(runner.run(token)))
}

/// Where other servers bring mail.
fn listening(options: &Options) -> Vec<SocketAddr> {
    let of = |listen: &Listen| match (listen.kind, &listen.endpoint) {
        (Kind::Smtp, Endpoint::Tcp(address)) => Some(*address),
        _ => None,
    };
    options.listen.iter().filter_map(of).collect()
}

/// The system's certificate authorities, read only where a relay's certificate will be checked.
fn authorities(wanted: bool) -> String {
    const BUNDLES: [&str; 3] =
        ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];
    let read = || BUNDLES.iter().find_map(|path| std::fs::read_to_string(path).ok());
    if wanted { read().unwrap_or_default() } else { String::new() }
}

/// Writes now and then what passwords were last used for.
async fn write_uses(core: Core) {
    loop {
        tokio::time::sleep(WRITE_USES_EVERY).await;
        if let Err(error) = core.shared.directory.write_uses().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the last uses of passwords wait to be written");
        }
    }
}

async fn sweep(core: Core, mut token: ShutdownToken) {
    if let Err(error) = core.shared.mail.recover().await {
        tracing::error!(error = &error as &dyn std::error::Error, "what a crash left half done is finished later");
    }
    loop {
        tokio::select! {
            () = tokio::time::sleep(SWEEP_EVERY) => {}
            () = token.requested() => return,
        }
        // What a fault left half done, and what came into an account while it was removed.
        if let Err(error) = core.shared.directory.recover().await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "what was begun in the directory is not finished"
            );
        }
        if let Err(error) = core.shared.directory.bans_sweep().await {
            tracing::error!(error = &error as &dyn std::error::Error, "bans of long ago are not forgotten yet");
        }
        match core.shared.mail.sweep(core.shared.clock.now()).await {
            Ok(swept) if swept.messages > 0 => {
                tracing::info!(messages = swept.messages, bodies = swept.bodies, "retention swept");
            }
            Ok(_) => {}
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "the retention sweep failed"),
        }
    }
}
