//! What the compactor asks the appender to write again.

use crate::block::Descriptor;
use bytes::Bytes;

/// One thing that the compactor found alive in a segment.
#[derive(Clone, Debug)]
pub(crate) enum Move {
    /// A row that stands there: written again with the value it has.
    Row(Bytes),
    /// A deleted key: said again, as long as nobody has put the key anew.
    Delete(Bytes),
    /// A body whose row stands there, with its blocks' stored bytes; `None` if they are in a file of their own, which
    /// stays.
    Body(Descriptor, Option<Bytes>),
}
