//! `postamt serve`: the server, until it is told to stop.

use crate::{config, logging, server};
use std::path::Path;

pub(super) fn run(path: &Path) -> anyhow::Result<()> {
    let config = config::load(path)?;
    logging::start(&config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let signals = server::Signals::listen()?;
        let running = server::Server::start(server::Options::of_config(&config)?).await?;
        tracing::info!(version = env!("CARGO_PKG_VERSION"), hostname = config.server.hostname, "ready");
        signals.until_stop(&running.core.certificates).await;
        running.stop().await;
        anyhow::Ok(())
    })
}
