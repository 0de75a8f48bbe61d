//! How much of a message is looked at. Past a limit the rest is one opaque body: no limit ever refuses a message.

use types::Octets;

/// How deep parts may nest before what lies deeper is a leaf (RFC 2046 names no limit).
pub const DEPTH_MAX: usize = 100;

/// How many parts one message may have before the rest stays one leaf.
pub const PARTS_MAX: usize = 10_000;

/// How many fields of one header block are looked at.
pub const HEADER_FIELDS_MAX: usize = 200_000;

/// How many bytes of the fields that matter are kept from one header block.
pub const HEADER_BYTES_MAX: Octets = Octets::kib(256);

/// How many bytes ENVELOPE and BODYSTRUCTURE pieces may take together before no further part is split off.
pub const STRUCTURE_BYTES_MAX: Octets = Octets::mib(2);

/// Longest boundary in bytes; RFC 2046 §5.1.1 allows 70, some programs write more.
pub const BOUNDARY_MAX: usize = 256;

/// What a [`Scanner`](crate::Scanner) looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Nesting of multipart and message parts; see [`DEPTH_MAX`].
    pub depth: usize,
    /// Parts in the whole message, all kinds counted; see [`PARTS_MAX`].
    pub parts: usize,
    /// Fields looked at in one header block; see [`HEADER_FIELDS_MAX`].
    pub header_fields: usize,
    /// Bytes kept of one header block; see [`HEADER_BYTES_MAX`].
    pub header_bytes: Octets,
    /// Bytes of structure kept of the whole message; see [`STRUCTURE_BYTES_MAX`].
    pub structure_bytes: Octets,
    /// Length of a boundary; a multipart with a longer one is a leaf; see [`BOUNDARY_MAX`].
    pub boundary: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: DEPTH_MAX,
            parts: PARTS_MAX,
            header_fields: HEADER_FIELDS_MAX,
            header_bytes: HEADER_BYTES_MAX,
            structure_bytes: STRUCTURE_BYTES_MAX,
            boundary: BOUNDARY_MAX,
        }
    }
}
