//! What the server says to people, in German and in English: one source of rules and texts for letters, refusals, page and
//! commands, so that they never disagree.
//!
//! [`texts`] holds the words, each in both languages; [`letter()`] puts letters together. Whoever sends or shows them is
//! not this crate's business: it has no clock, no files and no sockets.

mod both_protocols;
mod exposed;
mod language;
mod layout;
mod letter;
mod moment;
mod quote;
pub mod texts;

pub use both_protocols::{BothProtocols, LastSeen, PopDeletes};
pub use exposed::{Exposed, Lock, Password};
pub use language::{Language, Languages, Text};
pub use letter::{Circumstances, Occasion, letter};
pub use moment::Moment;
pub use quote::{PROGRAM_SHOWN_MAX, program};
