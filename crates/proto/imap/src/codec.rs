//! The grammar's small words: atoms, strings, numbers, sets, dates, mailbox names; both ways.
//!
//! Parsers read a whole framed command in place and copy only what outlives it. No parser recurses.

pub mod chars;
mod cursor;
pub mod date;
mod literal;
pub mod modified_utf7;
mod object_id;
mod pattern;
mod sequence;
mod set_writer;
mod url;
pub mod write;

pub(crate) use cursor::UID_REQUIRED;
pub use cursor::{Cursor, ParseError};
pub use date::Date;
pub(crate) use literal::ANNOUNCEMENT_MAX;
pub use literal::{LiteralAnnouncement, literal_announced};
pub use object_id::{OBJECT_ID_MAX, ObjectId, ObjectKind, is_object_id};
pub use pattern::{LIST_PATTERN_MAX, ListPattern};
pub use sequence::{MessageSet, SEQUENCE_SET_RANGES_MAX, SequenceNumber, SequenceRange, SequenceSet};
pub use set_writer::SetWriter;
pub use url::{MessageUrl, URL_MAX, UrlBase, UrlPartial};
