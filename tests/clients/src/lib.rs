//! End-to-end tests: the real server, as one process, with the mail programs that people have (Debian's), over TLS.
//!
//! A test starts a [`Server`] (or a [`Trial`]), makes accounts and runs a [`Program`] with a bounded wait; what it
//! expects it checks through small clients of its own ([`Imap`], [`Pop3`], [`Lmtp`]), which hand out bytes as they came.
//! Each process is ended by its pid, each file is in a directory of its own that goes with the test. The library holds
//! only what several test files need; `docs/interop.md` lists what was tried.

mod binary;
mod certificate;
mod directory;
mod imap;
mod lmtp;
mod mail;
mod pop3;
mod program;
pub mod programs;
mod running;
mod server;
mod trial;
mod wire;

pub use binary::postamt;
pub use directory::Directory;
pub use imap::{Answer, Imap};
pub use lmtp::{Lmtp, Reply};
pub use mail::{after_trace, corpus, files_in, letter, maildir, same, sorted, with_crlf, without_cr};
pub use pop3::Pop3;
pub use program::{Finished, Program};
pub use running::Running;
pub use server::{Account, DOMAIN, Ports, Server, control};
pub use trial::Trial;
pub use wire::{Wire, patience};
