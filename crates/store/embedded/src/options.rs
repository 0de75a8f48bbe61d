//! What can be set, with defaults that suit a mail server.

use std::time::Duration;

/// Settings of the engine. Tests shrink everything; operators rarely touch any of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Bytes after which a log segment is sealed and the next one begun. A single larger batch makes a larger segment.
    pub segment_size: u64,
    /// Most bytes of waiting batches that are written in one go.
    pub group_bytes: usize,
    /// Most bytes that are written and not yet synced; the appender waits.
    pub unsynced_bytes: usize,
    /// Bytes of rows (with their bookkeeping) that stand in memory before the index has them: at half of it the index
    /// is written early, at all of it writers wait.
    pub overlay_bytes: usize,
    /// How long rows stand in memory before the index is written.
    pub index_interval: Duration,
    /// Bodies larger than this many bytes get a file of their own.
    pub inline_body_max: u64,
    /// Dead share of a segment, in percent, from which on it is rewritten.
    pub compact_percent: u8,
    /// How often the compactor looks for such segments; `None`: only when told.
    pub compact_interval: Option<Duration>,
    /// Free bytes below which batches that grow the store are refused.
    pub reserve: u64,
    /// Whether bodies are compressed.
    pub compression: Compression,
    /// Most files kept open for reading.
    pub open_files: usize,
    /// Most address space for the index, in bytes; its file grows only as it is filled.
    pub index_map: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_size: 256 << 20,
            group_bytes: 8 << 20,
            unsynced_bytes: 64 << 20,
            overlay_bytes: 64 << 20,
            index_interval: Duration::from_secs(1),
            inline_body_max: 1 << 20,
            compact_percent: 50,
            compact_interval: Some(Duration::from_secs(10)),
            reserve: 768 << 20,
            compression: Compression::default(),
            open_files: 512,
            index_map: 1 << 40,
        }
    }
}

/// Whether bodies are compressed (zstd, each block of 64 KiB by itself).
///
/// Measured on the machine that the targets are for: text compresses at 370 to 460 MB/s whatever the level, which is
/// 0.1 ms of CPU for 40 KB (a whole delivery is to cost less), and decompresses at 1.1 GB/s, seven times the cost of its
/// checksum; base64, most bytes of mail, shrinks by a quarter at best, at full price. So mail is stored as it comes and
/// read without a copy, and what the compactor has to write again anyway, old mail, is compressed then, in the
/// background, where a sample of a few KB says that it pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Never.
    Off,
    /// When the compactor writes a body again.
    WhenRewritten(Zstd),
    /// When a body comes in, too: for those who have more CPU than disk.
    Always(Zstd),
}

/// How to compress, and when it pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zstd {
    /// zstd's level.
    pub level: i32,
    /// Size of the compressed form in percent, up to which it pays.
    pub percent: u8,
}

impl Default for Zstd {
    fn default() -> Self {
        Self { level: 1, percent: 60 }
    }
}

impl Default for Compression {
    fn default() -> Self {
        Self::WhenRewritten(Zstd::default())
    }
}

impl Compression {
    /// How a body that comes in is compressed.
    pub(crate) fn arriving(self) -> Option<Zstd> {
        match self {
            Self::Always(zstd) => Some(zstd),
            Self::Off | Self::WhenRewritten(_) => None,
        }
    }

    /// How a body that is written again is compressed.
    pub(crate) fn rewritten(self) -> Option<Zstd> {
        match self {
            Self::Always(zstd) | Self::WhenRewritten(zstd) => Some(zstd),
            Self::Off => None,
        }
    }
}
