//! Messages: RFC 5322 headers and MIME structure, read once at delivery into a [`Summary`] that answers what IMAP
//! asks; header and body text for search; and the building of the few messages a server writes itself.
//!
//! Any bytes are a message: nothing here fails on what a peer sent, everything has a limit ([`Limits`]), and time
//! grows with the input alone. No I/O, no clock. Start at [`Scanner`], then [`Summary`].

pub mod address;
mod base_subject;
mod binary;
pub mod body_text;
pub mod build;
pub mod casefold;
pub mod charset;
#[cfg(feature = "corpus")]
pub mod corpus;
pub mod date;
mod describe;
pub mod encoded_word;
mod finish;
pub mod header;
pub mod html;
mod lexer;
mod limits;
mod parameter;
mod part;
mod preview;
pub mod report;
mod scanner;
mod summary;
mod surrogate;
mod texts;
pub mod transfer;
mod varint;
mod wire;

pub use base_subject::{BaseSubject, base_subject};
pub use binary::{BinaryDecoder, UnknownEncoding};
pub use limits::{
    BOUNDARY_MAX, DEPTH_MAX, HEADER_BYTES_MAX, HEADER_FIELDS_MAX, Limits, PARTS_MAX, STRUCTURE_BYTES_MAX,
};
pub use parameter::{PARAMETERS_MAX, Parameter, Parameterised};
pub use part::{Part, PartKind, PartPath, Parts, TransferEncoding};
pub use preview::PREVIEW_MAX;
pub use scanner::Scanner;
pub use summary::{FirstAddress, FirstOf, ImapRevision, SectionText, SentDate, Summary, SummaryError};
pub use surrogate::surrogate_header;
pub use texts::{MESSAGE_ID_MAX, REFERENCES_MAX, SEARCH_TEXT_MAX};
