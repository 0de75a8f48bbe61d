//! FETCH: the items a client names, and the encoder that writes what it gets straight into the output.

mod binary;
mod encode;
mod item;
mod section;

pub use binary::BinarySection;
pub use encode::FetchResponse;
pub(crate) use item::parse_items;
pub use item::{BodySection, FETCH_ITEMS_MAX, FetchItem, Partial};
pub use section::{HEADER_FIELDS_MAX, PART_DEPTH_MAX, Section, SectionText};
