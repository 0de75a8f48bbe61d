//! The server's certificates: where they come from, reading them again, and saying how they are.

use super::{CertificateSource, Options};
use anyhow::Context as _;
use net::{CertificateStatus, Certificates, ShutdownToken, TlsError};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use types::{Clock, Timestamp};

/// How often the files are looked at: who renews a certificate need not tell us.
const LOOK_EVERY: Duration = Duration::from_mins(1);
/// How long before its end a certificate is spoken of in the log. Those that renew themselves do it earlier.
const WARN_BEFORE: Duration = Duration::from_hours(14 * 24);
/// How often that is said.
const WARN_EVERY: Duration = Duration::from_hours(24);

/// The certificates of the options, or one made for this run.
pub(super) fn open(options: &Options, clock: &dyn Clock) -> anyhow::Result<Arc<Certificates>> {
    match &options.certificates {
        CertificateSource::Files { files, client_authorities } => {
            Certificates::load(files.clone(), client_authorities.clone()).context("cannot use the certificates")
        }
        CertificateSource::Pem { chain, key } => Ok(Certificates::from_pem(chain, key.expose())?),
        CertificateSource::SelfMade => {
            tracing::warn!("no certificate is configured: programs will not trust the one that was made for this run");
            let made = net::self_made(&[options.hostname.as_str(), "localhost"], clock.now())?;
            Ok(Certificates::from_pem(&made.chain_pem, made.key_pem.expose())?)
        }
    }
}

/// Reads all files again, without an open connection noticing; yields what could not be used.
pub(crate) async fn reload(certificates: &Arc<Certificates>) -> Vec<TlsError> {
    let certificates = Arc::clone(certificates);
    let failed = tokio::task::spawn_blocking(move || certificates.reload()).await.unwrap_or_default();
    tell(&failed);
    failed
}

fn tell(failed: &[TlsError]) {
    for error in failed {
        tracing::error!(error = error as &dyn Error, "a certificate cannot be used; the one before it stays in use");
    }
    if failed.is_empty() {
        tracing::info!("certificates read");
    }
}

/// Reads them when a file has changed, and warns of those that end soon, until the server stops.
pub(super) async fn watch(certificates: Arc<Certificates>, clock: Arc<dyn Clock>, mut token: ShutdownToken) {
    let mut warned: Option<Timestamp> = None;
    loop {
        let now = clock.now();
        if warned.is_none_or(|warned| now.since(warned) >= WARN_EVERY) {
            warned = Some(now);
            certificates.status().iter().for_each(|status| warn_of_the_end(status, now));
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = token.requested() => return,
        }
        let looked = Arc::clone(&certificates);
        let changed = tokio::task::spawn_blocking(move || looked.reload_if_changed()).await.unwrap_or_default();
        if let Some(failed) = changed {
            tell(&failed);
        }
    }
}

fn warn_of_the_end(status: &CertificateStatus, now: Timestamp) {
    match days_left(status, now) {
        Some(days) if days < 0 => tracing::error!(certificate = status.name, days, "a certificate has expired"),
        Some(_) if status.not_after.is_some_and(|end| end < now.after(WARN_BEFORE)) => {
            tracing::warn!(certificate = status.name, days = days_left(status, now), "a certificate expires soon");
        }
        _ => {}
    }
}

/// Whole days until the certificate in use expires; below zero once it has.
pub(crate) fn days_left(status: &CertificateStatus, now: Timestamp) -> Option<i64> {
    status.not_after.map(|end| (end.0 - now.0).div_euclid(86_400_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_down_to_the_end_and_past_it() {
        let day = Duration::from_hours(24);
        let end = Timestamp::from_unix_seconds(1_800_000_000);
        let status = CertificateStatus { name: "a.pem".into(), not_after: Some(end), trouble: None };
        assert_eq!(days_left(&status, end.before(90 * day)), Some(90));
        assert_eq!(days_left(&status, end.before(day / 2)), Some(0));
        assert_eq!(days_left(&status, end), Some(0));
        assert_eq!(days_left(&status, end.after(Duration::from_secs(1))), Some(-1));
        assert_eq!(days_left(&CertificateStatus { not_after: None, ..status }, end), None);
    }
}
