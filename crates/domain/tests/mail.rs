//! The mail verbs, on every engine: what each does, what random ones do compared with a plain model, what many at once
//! and several processes do, and what is left when the store fails.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests: a panic is their verdict")]

#[path = "mail/across.rs"]
mod across;
#[path = "mail/annotations.rs"]
mod annotations;
#[path = "mail/chunks.rs"]
mod chunks;
#[path = "mail/cluster.rs"]
mod cluster;
#[path = "mail/concurrent.rs"]
mod concurrent;
#[path = "mail/content.rs"]
mod content;
#[path = "mail/faults.rs"]
mod faults;
#[path = "mail/find.rs"]
mod find;
#[path = "mail/flags.rs"]
mod flags;
#[path = "mail/found.rs"]
mod found;
#[path = "mail/hidden.rs"]
mod hidden;
#[path = "mail/letters.rs"]
mod letters;
#[path = "mail/mailboxes.rs"]
mod mailboxes;
#[path = "mail/meanwhile.rs"]
mod meanwhile;
#[path = "mail/messages.rs"]
mod messages;
#[path = "mail/model.rs"]
mod model;
#[path = "mail/plain.rs"]
mod plain;
#[path = "mail/plain_threads.rs"]
mod plain_threads;
#[path = "mail/quota.rs"]
mod quota;
#[path = "mail/replace.rs"]
mod replace;
#[path = "mail/retention.rs"]
mod retention;
#[path = "mail/search.rs"]
mod search;
#[path = "mail/sharing.rs"]
mod sharing;
#[path = "mail/threads.rs"]
mod threads;
#[path = "mail/unfinished.rs"]
mod unfinished;
#[path = "mail/world.rs"]
mod world;
