//! The server's own certificates: how they are, and reading them again.

use super::{Answer, Handler};
use crate::control::protocol::Failure;
use crate::server::certificates::{days_left, reload};
use serde_json::{Value, json};

impl Handler {
    /// One row each.
    pub(super) fn certificates(&self) -> Value {
        let now = self.core.shared.clock.now();
        let rows = self.core.certificates.status().into_iter().map(|status| {
            let days = days_left(&status, now);
            json!({"certificate": status.name, "days left": days, "trouble": status.trouble})
        });
        rows.collect()
    }

    /// Reads them again.
    pub(super) async fn reload(&self) -> Answer {
        let failed = reload(&self.core.certificates).await;
        if failed.is_empty() {
            return Ok(self.certificates());
        }
        let why: Vec<_> = failed.iter().map(ToString::to_string).collect();
        Err(Failure::new(
            "not every certificate could be read",
            why.join("; "),
            "what was read before stays in use; repair the file, then postamt reload",
        ))
    }
}
