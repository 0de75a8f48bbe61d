//! What leaves for good: retained messages whose time is over, and what was remembered for long enough.

use crate::keys;
use crate::mail::rows::{ContentRow, DeletedRow, PlacementRow, RetainedRow, TombstoneRow};
use crate::mail::tx::{Stop, Tx};
use crate::mail::values::Swept;
use crate::mail::writer::Verb;
use crate::row::corrupt;
use bytes::Bytes;
use std::collections::{BTreeMap, HashSet};
use store_kv::{BodyChange, PageLimit, Scan, Space};
use types::{EmailId, MailboxId, ModSeq, Timestamp, TraceId, Uid};

/// How many rows of a kind one batch sweeps.
const STEP: usize = 500;

/// Sweeps one step of one account.
#[derive(Debug)]
pub(crate) struct Sweep {
    pub(crate) now: Timestamp,
}

impl Verb for Sweep {
    /// What was done, which contents went, and whether there is more.
    type Answer = (Swept, Vec<EmailId>, bool);

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Self::Answer, Stop> {
        let mut plan = Plan::default();
        self.expired(tx, &mut plan)?;
        self.deleted(tx, &mut plan)?;
        self.deliveries(tx, &mut plan)?;
        self.tombstones(tx, &mut plan)?;
        plan.last_ones(tx)?;
        if plan.is_empty() {
            return Ok((Swept::default(), Vec::new(), false));
        }
        tx.next_modseq();
        let swept = Swept {
            messages: u64::try_from(plan.leaving.len()).unwrap_or(u64::MAX),
            bodies: u64::try_from(plan.bodies.len()).unwrap_or(u64::MAX),
            accounts: 0,
        };
        for (mailbox, floor) in plan.floors {
            if let Some(mut row) = tx.any_mailbox(mailbox).cloned() {
                row.tombstone_floor = row.tombstone_floor.max(floor);
                tx.set_mailbox(mailbox, Some(row));
            }
        }
        plan.puts.into_iter().for_each(|(key, row)| tx.put(key, row));
        plan.deletes.into_iter().for_each(|key| tx.delete(key));
        plan.bodies.into_iter().for_each(|body| tx.body(body));
        Ok((swept, plan.last, plan.has_more))
    }

    fn space(&self) -> Space {
        Space::Frees
    }

    fn is_alone(&self) -> bool {
        true
    }
}

fn page(prefix: &[u8]) -> Scan {
    Scan { limit: PageLimit { rows: STEP, ..PageLimit::default() }, ..Scan::prefix(prefix) }
}

/// What one step does.
#[derive(Default)]
struct Plan {
    /// Placements that leave.
    leaving: Vec<(EmailId, MailboxId, Uid)>,
    deletes: Vec<Bytes>,
    puts: Vec<(Bytes, Bytes)>,
    bodies: Vec<BodyChange>,
    /// Contents that go.
    last: Vec<EmailId>,
    floors: BTreeMap<MailboxId, ModSeq>,
    has_more: bool,
}

impl Plan {
    fn is_empty(&self) -> bool {
        self.deletes.is_empty()
    }

    /// Finds the contents whose last placement leaves, which take their bodies along.
    fn last_ones(&mut self, tx: &Tx<'_>) -> Result<(), Stop> {
        let reverse = |(email, mailbox, uid): &(EmailId, MailboxId, Uid)| keys::reverse(tx.id, *email, *mailbox, *uid);
        let gone: HashSet<Bytes> = self.leaving.iter().map(reverse).collect();
        let emails: HashSet<EmailId> = self.leaving.iter().map(|(email, ..)| *email).collect();
        // One row more than leaves in this step tells whether one stays.
        let rows = self.leaving.len().saturating_add(1);
        let scan = |email: &EmailId| {
            let limit = PageLimit { rows, bytes: usize::MAX };
            Scan { limit, ..Scan::prefix(&keys::reverses(tx.id, *email)) }
        };
        tx.need_scans(emails.iter().map(scan))?;
        let mut last = Vec::new();
        for email in &emails {
            if tx.scan(&scan(email))?.iter().all(|(key, _)| gone.contains(key)) {
                last.push(*email);
            }
        }
        let contents = keys::contents(tx.id, &last);
        tx.need_keys(contents.iter().cloned())?;
        let mut rows = Vec::with_capacity(contents.len());
        for key in contents {
            if let Some(row) = tx.get(key.clone())? {
                let content = ContentRow::decode(&row).ok_or_else(|| corrupt("the row of a content"))?;
                rows.push((key, content));
            }
        }
        let links: Vec<u64> = rows.iter().flat_map(|(_, content)| content.links.iter().copied()).collect();
        for (key, row) in tx.leave_threads(&links)? {
            match row {
                Some(row) => self.puts.push((key, row)),
                None => self.deletes.push(key),
            }
        }
        for (key, content) in rows {
            self.bodies.push(BodyChange::Release(content.body));
            self.deletes.push(key);
        }
        self.deletes.extend(gone);
        self.last = last;
        Ok(())
    }
}

impl Sweep {
    /// Expunged messages.
    fn expired(&self, tx: &Tx<'_>, plan: &mut Plan) -> Result<(), Stop> {
        let rows = tx.scan(&page(&keys::all_retained(tx.id)))?;
        for (key, row) in rows {
            let (expiry, mailbox, uid) = keys::retained_of(key).ok_or_else(|| corrupt("a retained message"))?;
            if expiry > self.now {
                return Ok(());
            }
            let row = RetainedRow::decode(uid, row).ok_or_else(|| corrupt("a retained message"))?;
            plan.leaving.push((row.placement.entry.email, mailbox, uid));
            plan.deletes.push(key.clone());
        }
        plan.has_more |= rows.len() >= STEP;
        Ok(())
    }

    /// Deleted mailboxes, one a step, and their messages before them.
    fn deleted(&self, tx: &Tx<'_>, plan: &mut Plan) -> Result<(), Stop> {
        let rows = tx.scan(&page(&keys::deleted_mailboxes(tx.id)))?;
        for (key, row) in rows {
            let deleted = keys::mailbox_of(key).zip(DeletedRow::decode(row));
            let (mailbox, deleted) = deleted.ok_or_else(|| corrupt("the row of a deleted mailbox"))?;
            if deleted.expiry > self.now {
                continue;
            }
            let messages = tx.scan(&page(&keys::placements(tx.id, mailbox)))?;
            for (key, row) in messages {
                let placement = keys::placement_of(key).and_then(|uid| PlacementRow::decode(uid, row));
                let entry = placement.ok_or_else(|| corrupt("a message's row"))?.entry;
                plan.leaving.push((entry.email, mailbox, entry.uid));
                plan.deletes.push(key.clone());
            }
            // A page may be short because its rows are large, so only an empty one is the end.
            let mut is_last = messages.is_empty();
            for prefix in [keys::tombstones, keys::changes, keys::chunks, keys::all_hidden] {
                let rows = tx.scan(&page(&prefix(tx.id, mailbox)))?;
                plan.deletes.extend(rows.iter().map(|(key, _)| key.clone()));
                is_last &= rows.is_empty();
            }
            if is_last {
                plan.deletes.push(key.clone());
            }
            plan.has_more = true;
            return Ok(());
        }
        Ok(())
    }

    /// Deliveries that nobody will try again.
    fn deliveries(&self, tx: &Tx<'_>, plan: &mut Plan) -> Result<(), Stop> {
        let forgotten = TraceId::new(self.now.before(tx.shared.options.delivery_memory), [0; 10]);
        let first = keys::deliveries(tx.id, TraceId(0));
        let scan = Scan { end: keys::deliveries(tx.id, forgotten), start: first, ..page(b"") };
        if scan.start >= scan.end {
            return Ok(());
        }
        let rows = tx.scan(&scan)?;
        plan.deletes.extend(rows.iter().map(|(key, _)| key.clone()));
        plan.has_more |= rows.len() >= STEP;
        Ok(())
    }

    /// Tombstones that are older than anybody stays away.
    fn tombstones(&self, tx: &Tx<'_>, plan: &mut Plan) -> Result<(), Stop> {
        let oldest = self.now.before(tx.shared.options.tombstones);
        let living: Vec<_> = tx.names().values().copied().collect();
        tx.need_scans(living.iter().map(|id| page(&keys::tombstones(tx.id, *id))))?;
        for id in living {
            let rows = tx.scan(&page(&keys::tombstones(tx.id, id)))?;
            let mut count = 0;
            for (key, row) in rows {
                let tombstone = keys::tombstone_of(key).zip(TombstoneRow::decode(row));
                let (modseq, tombstone) = tombstone.ok_or_else(|| corrupt("a tombstone"))?;
                // Chunks that were not renewed since still have the messages that it took.
                let is_in_chunks =
                    tx.any_mailbox(id).is_none_or(|row| row.chunk_end == 0 || modseq <= row.chunk_modseq);
                if tombstone.at > oldest || !is_in_chunks {
                    break;
                }
                count += 1;
                plan.floors.insert(id, modseq);
                plan.deletes.push(key.clone());
            }
            plan.has_more |= count >= STEP;
        }
        Ok(())
    }
}
