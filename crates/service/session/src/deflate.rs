//! DEFLATE (RFC 1951) on one connection, raw and in both directions, as IMAP's COMPRESS wants it (RFC 4978).
//!
//! What it costs while nothing moves is small. Our own compressor is dropped between two answers: behind a flush the next
//! one may begin anew, which the peer does not notice. The peer's stream may refer to the last 32 KiB of what it said, so
//! these stay, but the tables that decode it are dropped between two of its blocks.

use bytes::{Buf as _, BytesMut};
use miniz_oxide::deflate::core::{CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY};
use miniz_oxide::inflate::core::{BlockBoundaryState, DecompressorOxide, decompress};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How far back a stream may refer (RFC 1951 §2), and so the most that is decoded at once.
pub(crate) const WINDOW: usize = 32 << 10;
/// The least effort: it takes IMAP's answers and headers to a third, and more costs more than it saves (RFC 4978 §4).
const LEVEL: i32 = 1;

/// How many connections keep a compressor, of about 350 KB, from one answer to the next while they are busy. Those beyond
/// get a new one for each answer, and compress a little worse.
pub(crate) const COMPRESSORS_KEPT_MAX: usize = 256;

/// How many there are.
static COMPRESSORS: AtomicUsize = AtomicUsize::new(0);

/// A compressor that is counted.
struct Compressor(Box<CompressorOxide>);

impl Compressor {
    fn new() -> Self {
        COMPRESSORS.fetch_add(1, Ordering::Relaxed);
        // No window bits: no zlib header either (RFC 4978 §4).
        Self(Box::new(CompressorOxide::new(create_comp_flags_from_zip_params(LEVEL, 0, 0))))
    }
}

impl Drop for Compressor {
    fn drop(&mut self) {
        COMPRESSORS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The peer's stream is no DEFLATE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokenDeflate;

impl std::fmt::Display for BrokenDeflate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the compressed stream is broken")
    }
}

impl std::error::Error for BrokenDeflate {}

impl BrokenDeflate {
    /// Whether that is what a read failed of.
    pub fn is_cause_of(error: &io::Error) -> bool {
        error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Self>)
    }
}

impl From<BrokenDeflate> for io::Error {
    fn from(broken: BrokenDeflate) -> Self {
        Self::new(io::ErrorKind::InvalidData, broken)
    }
}

/// Both directions.
#[derive(Default)]
pub(crate) struct Deflate {
    pub(crate) inflater: Inflater,
    pub(crate) deflater: Deflater,
}

impl Deflate {
    /// Drops what can be had again later.
    pub(crate) fn rest(&mut self) {
        self.inflater.rest();
        self.deflater.rest();
    }

    /// Whether there is nothing to drop.
    pub(crate) fn is_resting(&self) -> bool {
        self.inflater.is_resting() && self.deflater.compressor.is_none()
    }
}

/// What comes next of what the peer said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Some bytes, at most [`WINDOW`].
    Bytes(&'a [u8]),
    /// Nothing before more is read.
    NeedsInput,
    /// Nothing ever: the peer has ended its stream.
    Ended,
}

/// The peer's stream.
#[derive(Default)]
pub(crate) struct Inflater {
    /// Read and not decoded.
    input: BytesMut,
    /// There may be output although there is no input.
    is_full: bool,
    is_ended: bool,
    state: State,
}

enum State {
    Working(Box<Working>),
    /// Between two blocks: the bits that belong to the next one, and what it may refer to.
    Resting(BlockBoundaryState, Box<[u8]>),
}

impl Default for State {
    fn default() -> Self {
        Self::Resting(BlockBoundaryState::default(), Box::default())
    }
}

struct Working {
    decompressor: DecompressorOxide,
    /// A ring.
    window: Box<[u8]>,
    /// Where it goes on in the ring.
    position: usize,
    /// Whether it went round.
    wrapped: bool,
    /// Nothing of a block was read since the last one ended.
    at_boundary: bool,
}

impl Working {
    fn new(boundary: &BlockBoundaryState, history: &[u8]) -> Self {
        let mut window = vec![0; WINDOW].into_boxed_slice();
        if let Some(front) = window.get_mut(..history.len()) {
            front.copy_from_slice(history);
        }
        Self {
            decompressor: DecompressorOxide::from_block_boundary_state(boundary),
            window,
            position: history.len() % WINDOW,
            wrapped: history.len() == WINDOW,
            at_boundary: true,
        }
    }

    /// What later blocks may refer to, in order.
    fn history(&self) -> Box<[u8]> {
        let (new, old) = self.window.split_at_checked(self.position).unwrap_or_default();
        if self.wrapped { [old, new].concat().into() } else { new.into() }
    }
}

impl Inflater {
    /// Takes what was read.
    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    /// Ends the stream: what was read behind the empty block of the flush that ends it.
    pub(crate) fn into_rest(mut self) -> BytesMut {
        if let State::Working(working) = &mut self.state
            && !self.input.is_empty()
        {
            let flags = TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY;
            let start = working.position;
            let (_, read, _) = decompress(&mut working.decompressor, &self.input, &mut working.window, start, flags);
            self.input.advance(read.min(self.input.len()));
        }
        self.input
    }

    /// Decodes the next piece.
    pub(crate) fn next(&mut self) -> Result<Piece<'_>, BrokenDeflate> {
        let Self { input, is_full, is_ended, state } = self;
        if *is_ended {
            return Ok(Piece::Ended);
        }
        if input.is_empty() && !*is_full {
            return Ok(Piece::NeedsInput);
        }
        if let State::Resting(boundary, history) = state {
            *state = State::Working(Box::new(Working::new(boundary, history)));
        }
        let State::Working(working) = state else { return Err(BrokenDeflate) };
        loop {
            let start = working.position;
            let flags = TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY;
            let (status, read, written) =
                decompress(&mut working.decompressor, input, &mut working.window, start, flags);
            input.advance(read.min(input.len()));
            if input.is_empty() {
                *input = BytesMut::new();
            }
            working.at_boundary = status == TINFLStatus::BlockBoundary;
            *is_full = status == TINFLStatus::HasMoreOutput;
            *is_ended = status == TINFLStatus::Done;
            match status {
                TINFLStatus::NeedsMoreInput if read == 0 && written == 0 && !input.is_empty() => {
                    return Err(BrokenDeflate);
                }
                TINFLStatus::NeedsMoreInput
                | TINFLStatus::HasMoreOutput
                | TINFLStatus::BlockBoundary
                | TINFLStatus::Done => {}
                _ => return Err(BrokenDeflate),
            }
            let end = start + written;
            working.wrapped |= end >= WINDOW;
            working.position = end % WINDOW;
            if written > 0 {
                return Ok(Piece::Bytes(working.window.get(start..end).unwrap_or_default()));
            }
            if *is_ended {
                return Ok(Piece::Ended);
            }
            if input.is_empty() && !*is_full {
                return Ok(Piece::NeedsInput);
            }
        }
    }

    fn is_resting(&self) -> bool {
        matches!(self.state, State::Resting(..))
    }

    /// Drops the tables, if the stream stands between two blocks, as it does behind every flush.
    fn rest(&mut self) {
        let State::Working(working) = &self.state else { return };
        if !working.at_boundary || self.is_full || !self.input.is_empty() {
            return;
        }
        if let Some(boundary) = working.decompressor.block_boundary_state() {
            self.state = State::Resting(boundary, working.history());
        }
    }
}

/// Our stream.
#[derive(Default)]
pub(crate) struct Deflater {
    compressor: Option<Compressor>,
    /// Something was compressed that the peer may not see whole yet.
    is_unflushed: bool,
}

impl Deflater {
    /// Compresses; not all of it need come out before the next [`Self::flush`].
    pub(crate) fn compress(&mut self, plain: &[u8], out: &mut BytesMut) {
        self.is_unflushed |= !plain.is_empty();
        self.run(plain, TDEFLFlush::None, out);
    }

    /// Makes the peer see all that was compressed.
    pub(crate) fn flush(&mut self, out: &mut BytesMut) {
        if std::mem::take(&mut self.is_unflushed) {
            self.run(&[], TDEFLFlush::Sync, out);
        }
        if COMPRESSORS.load(Ordering::Relaxed) > COMPRESSORS_KEPT_MAX {
            self.rest();
        }
    }

    fn run(&mut self, plain: &[u8], flush: TDEFLFlush, out: &mut BytesMut) {
        let Compressor(compressor) = self.compressor.get_or_insert_with(Compressor::new);
        let _ = compress_to_output(compressor, plain, flush, |piece| {
            out.extend_from_slice(piece);
            true
        });
    }

    /// Drops the compressor: behind a flush all bits are out, and a new one refers to nothing before it.
    fn rest(&mut self) {
        if !self.is_unflushed {
            self.compressor = None;
        }
    }
}

#[cfg(test)]
mod tests;
