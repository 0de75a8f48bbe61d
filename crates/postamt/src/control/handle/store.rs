//! The store: verify, figures, compaction, backup.

use super::super::protocol::Failure;
use super::{Answer, Handler};
use serde_json::{Value, json};
use std::path::PathBuf;

fn failed(what: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(what, error.to_string(), "postamt status, then the log")
}

impl Handler {
    pub(super) async fn store_verify(&self) -> Answer {
        let verified = self.core.engine.verify().await.map_err(|e| failed("the store cannot be checked", &e))?;
        if verified.problems > 0 {
            return Err(Failure::new(
                format!("the store has {} problems", verified.problems),
                verified.listed.join("; "),
                "take a backup, stop the server, then: postamt store rebuild",
            ));
        }
        Ok(json!({
            "store": "good",
            "segments": verified.segments,
            "records": verified.records,
            "bodies": verified.bodies,
            "rows": verified.rows,
            "references": verified.references,
        }))
    }

    pub(super) fn store_stats(&self) -> Value {
        let s = self.core.engine.stats();
        json!({
            "commits": s.commits,
            "conflicts": s.conflicts,
            "syncs": s.syncs,
            "log bytes written": s.log_bytes,
            "body bytes": s.body_bytes,
            "body bytes stored": s.stored_body_bytes,
            "index commits": s.index_commits,
            "waiting for the index": s.overlay_bytes,
            "sealed segments": s.sealed_segments,
            "sealed bytes": s.sealed_bytes,
            "segments removed": s.segments_removed,
            "bytes relocated": s.relocated_bytes,
            "refused for lack of space": s.refused_full,
            "poisoned": s.poisoned,
        })
    }

    pub(super) async fn store_compact(&self) -> Answer {
        let compacted = self.core.engine.compact_now().await.map_err(|e| failed("the store was not compacted", &e))?;
        Ok(json!({"compacted": format!("{compacted:?}")}))
    }

    pub(super) async fn store_backup(&self, target: PathBuf) -> Answer {
        let shown = target.display().to_string();
        self.core.engine.backup(&target).await.map_err(|e| failed(&format!("no backup was made in {shown}"), &e))?;
        Ok(json!({"backup": shown}))
    }
}
