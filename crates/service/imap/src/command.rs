//! One room per command.

pub(crate) mod append;
pub(crate) mod capability;
pub(crate) mod close;
pub(crate) mod comparator;
pub(crate) mod compress;
pub(crate) mod copy;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod enable;
pub(crate) mod expunge;
pub(crate) mod fetch;
pub(crate) mod id;
pub(crate) mod language;
pub(crate) mod list;
pub(crate) mod lsub;
pub(crate) mod mailbox_status;
pub(crate) mod r#move;
pub(crate) mod namespace;
pub(crate) mod rename;
mod resync;
pub(crate) mod search;
pub(crate) mod select;
pub(crate) mod sort;
pub(crate) mod store;
pub(crate) mod subscribe;
pub(crate) mod thread;
pub(crate) mod unauthenticate;
