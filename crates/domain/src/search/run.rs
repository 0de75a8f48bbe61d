//! Running a search over a snapshot.

use super::Query;
use super::plan::Plan;
use super::texts::Reader;
use crate::MailError;
use crate::mail::Account;
use types::snapshot::{Entry, Snapshot};
use types::{EmailId, Uid};

/// How many contents are read at once.
const CONTENTS_AT_ONCE: usize = 256;
/// How many messages are looked at before other tasks have their turn.
const TURN: usize = 8192;

impl Account {
    /// The UIDs of the messages of a snapshot that fit, ascending. Messages whose content is gone fit nothing that
    /// asks for it.
    pub async fn search(&self, snapshot: &Snapshot, query: &Query) -> Result<Vec<Uid>, MailError> {
        let plan = Plan::new(query, snapshot);
        let (mut known, mut stack) = (Vec::new(), Vec::new());
        let mut fits: Vec<Uid> = Vec::new();
        let mut open: Vec<Entry> = Vec::new();
        let mut looked = 0;
        for (_, chunk) in snapshot.chunks() {
            for entry in chunk.entries() {
                plan.look(entry, &mut known);
                match plan.decide(&known, &mut stack) {
                    Some(true) => fits.push(entry.uid),
                    Some(false) => {}
                    None => open.push(*entry),
                }
            }
            looked += chunk.entries().len();
            if looked >= TURN {
                looked = 0;
                tokio::task::yield_now().await;
            }
        }
        if open.is_empty() || !plan.needs_contents() {
            return Ok(fits);
        }
        for entries in open.chunks(CONTENTS_AT_ONCE) {
            let emails: Vec<EmailId> = entries.iter().map(|entry| entry.email).collect();
            let contents = self.contents(&emails).await?;
            for (entry, content) in entries.iter().zip(contents) {
                let Some(content) = content else { continue };
                plan.look(entry, &mut known);
                plan.look_at_summary(&content.summary, &mut known);
                let mut decision = plan.decide(&known, &mut stack);
                let mut reader = Reader::new(self, &content, &plan);
                if decision.is_none() {
                    gone_is_none(reader.look_at_header(&plan, &mut known).await)?;
                    decision = plan.decide(&known, &mut stack);
                }
                if decision.is_none() {
                    gone_is_none(reader.look_at_text(&plan, &mut known).await)?;
                    decision = plan.decide(&known, &mut stack);
                }
                if decision == Some(true) {
                    fits.push(entry.uid);
                }
            }
            tokio::task::yield_now().await;
        }
        fits.sort_unstable();
        Ok(fits)
    }
}

/// A body that was swept in the meantime is no failure of the search.
fn gone_is_none(result: Result<(), MailError>) -> Result<(), MailError> {
    match result {
        Err(MailError::Gone) => Ok(()),
        other => other,
    }
}
