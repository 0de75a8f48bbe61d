//! `/metrics` on loopback: figures of the server in Prometheus' text form.

use crate::server::certificates::days_left;
use crate::server::services::Core;
use anyhow::Context as _;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use net::CertificateStatus;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How long a client may take over its request's header.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves until the task is ended.
pub(crate) async fn serve(
    address: SocketAddr,
    core: Core,
    network: Arc<net::Server>,
) -> anyhow::Result<JoinHandle<()>> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    Ok(tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let (core, network) = (core.clone(), Arc::clone(&network));
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let (core, network) = (core.clone(), Arc::clone(&network));
                    async move { Ok::<_, Infallible>(answer(&request, &core, &network)) }
                });
                let mut connection = http1::Builder::new();
                connection.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).keep_alive(false);
                if let Err(error) = connection.serve_connection(TokioIo::new(stream), service).await {
                    tracing::debug!(%error, "metrics connection failed");
                }
            });
        }
    }))
}

fn answer(request: &Request<Incoming>, core: &Core, network: &net::Server) -> Response<Full<Bytes>> {
    if request.method() != Method::GET || request.uri().path() != "/metrics" {
        let mut response = Response::new(Full::from("only GET /metrics is served here\n"));
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    }
    let mut response = Response::new(Full::from(render(core, network)));
    let kind = hyper::header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn render(core: &Core, network: &net::Server) -> String {
    let counters = network.counters();
    let stats = core.engine.stats();
    let directory = &core.shared.directory;
    let checks = directory.password_checks();
    let figures = [
        ("connections_open", "gauge", "Open connections", network.admission().open() as u64),
        ("connections_accepted_total", "counter", "Connections let in", counters.accepted.load(Ordering::Relaxed)),
        ("connections_banned_total", "counter", "Connections closed by a ban", counters.banned.load(Ordering::Relaxed)),
        ("bans", "gauge", "Ranges of addresses that are banned", directory.bans_count() as u64),
        ("bans_automatic_total", "counter", "Bans made by failures", directory.bans_made()),
        ("password_checks_running", "gauge", "Passwords being checked", u64::from(checks.running)),
        ("password_checks_waiting", "gauge", "Passwords waiting to be checked", checks.waiting as u64),
        ("password_checks_memory_bytes", "gauge", "Memory of the checks that run", checks.memory.0),
        ("password_checks_total", "counter", "Passwords checked", checks.total),
        ("password_checks_refused_total", "counter", "Sign-ins put off for lack of a turn", checks.refused),
        ("connections_refused_total", "counter", "Connections turned away", counters.refused.load(Ordering::Relaxed)),
        (
            "tls_handshakes_failed_total",
            "counter",
            "Failed handshakes",
            counters.handshakes_failed.load(Ordering::Relaxed),
        ),
        ("panics_total", "counter", "Connections ended by a defect", counters.panics.load(Ordering::Relaxed)),
        (
            "passwords_exposed_total",
            "counter",
            "Right passwords that came in clear and were burnt or reported",
            core.shared.directory.exposed_count(),
        ),
        ("store_commits_total", "counter", "Batches made durable", stats.commits),
        ("store_conflicts_total", "counter", "Batches refused by a precondition", stats.conflicts),
        ("store_syncs_total", "counter", "Syncs of the log", stats.syncs),
        ("store_log_bytes_total", "counter", "Bytes written to the log", stats.log_bytes),
        ("store_index_commits_total", "counter", "Commits of the index", stats.index_commits),
        ("store_overlay_bytes", "gauge", "Bytes waiting for the index", stats.overlay_bytes),
        ("store_refused_full_total", "counter", "Batches refused for lack of space", stats.refused_full),
        ("store_poisoned", "gauge", "1 after a failed write: restart needed", u64::from(stats.poisoned.is_some())),
        (
            "passwords_exposed_total",
            "counter",
            "Right passwords that came in clear",
            core.shared.directory.exposed_count(),
        ),
        ("queue_messages", "gauge", "Messages on their way out", core.queue.count() as u64),
    ];
    let mut out = String::new();
    for (name, kind, help, value) in figures {
        let _ = writeln!(out, "# HELP postamt_{name} {help}\n# TYPE postamt_{name} {kind}\npostamt_{name} {value}");
    }
    certificates(&mut out, core);
    out
}

fn certificates(out: &mut String, core: &Core) {
    let (now, all) = (core.shared.clock.now(), core.certificates.status());
    let mut family = |name: &str, help: &str, value: &dyn Fn(&CertificateStatus) -> Option<i64>| {
        let _ = writeln!(out, "# HELP postamt_{name} {help}\n# TYPE postamt_{name} gauge");
        for (status, value) in all.iter().filter_map(|status| Some((status, value(status)?))) {
            let file = status.name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = writeln!(out, "postamt_{name}{{certificate=\"{file}\"}} {value}");
        }
    };
    family("certificate_days_left", "Whole days until a certificate expires", &|status| days_left(status, now));
    family("certificate_stale", "1 where its file cannot be used and an older one is", &|status| {
        Some(i64::from(status.trouble.is_some()))
    });
}
