//! The push parser: finds a message's header, parts and line ends while its bytes stream by.
//!
//! It keeps no body: only the fields that ENVELOPE, BODYSTRUCTURE and SEARCH need, an entry per part, and the first
//! bytes of the text for the preview. It never fails, for any bytes are a message, and its work grows with the bytes
//! alone: a line is compared with the open boundaries only when it begins with two dashes. What it makes of a header
//! stands in `describe.rs`, what it hands over in [`Summary`].

mod fields;

pub(crate) use fields::{Fields, Name};

use crate::describe::{self, Described, Pieces};
use crate::finish;
use crate::part::PartKind;
use crate::preview::Capture;
use crate::texts::Texts;
use crate::{Limits, Summary};
use memchr::memmem;
use std::ops::Range;

/// How much of a line is looked at as a whole: field names and boundary lines end before it.
const LINE_HELD_MAX: usize = 1024;

/// One part while it is being read, and after.
#[derive(Clone, Debug)]
pub(crate) struct Entity {
    pub(crate) depth: usize,
    pub(crate) is_message_root: bool,
    pub(crate) header: Range<u64>,
    pub(crate) body: Range<u64>,
    pub(crate) lines: u64,
    pub(crate) described: Described,
}

/// A part whose end has not been seen.
struct Open {
    entity: usize,
    /// Line feeds before its body.
    line_feeds: u64,
    /// Whether its parts are messages unless they say otherwise (RFC 2046 §5.1.5).
    is_digest: bool,
}

struct Boundary {
    /// How many parts are open when its multipart is the innermost.
    depth: usize,
    text: Box<[u8]>,
}

/// Where a part ends: the bytes and the line feeds before the line break that belongs to the boundary.
#[derive(Clone, Copy)]
struct End {
    offset: u64,
    line_feeds: u64,
}

/// Reads one message; see the module's words.
pub struct Scanner {
    limits: Limits,
    dashes: memmem::Finder<'static>,
    /// Bytes done with.
    offset: u64,
    line_feeds: u64,
    /// The last two of them.
    last: [u8; 2],
    /// The first bytes of a line that must be seen whole, not done with.
    held: Vec<u8>,
    is_mid_line: bool,
    is_in_header: bool,
    fields: Fields,
    pieces: Pieces,
    entities: Vec<Entity>,
    open: Vec<Open>,
    boundaries: Vec<Boundary>,
    capture: Capture,
    texts: Texts,
    is_limited: bool,
    /// Comparisons of a line with a boundary, for the tests that time is linear.
    work: u64,
}

impl Scanner {
    /// A scanner at the first byte of a message.
    pub fn new(limits: Limits) -> Self {
        let mut scanner = Self {
            limits,
            dashes: memmem::Finder::new(b"\n--"),
            offset: 0,
            line_feeds: 0,
            last: [0; 2],
            held: Vec::new(),
            is_mid_line: false,
            is_in_header: true,
            fields: Fields::new(limits),
            pieces: Pieces::default(),
            entities: Vec::new(),
            open: Vec::new(),
            boundaries: Vec::new(),
            capture: Capture::default(),
            texts: Texts::default(),
            is_limited: false,
            work: 0,
        };
        scanner.begin_part(true, 0);
        scanner
    }

    /// The summary of a message that is in memory.
    pub fn scan(message: &[u8]) -> Summary {
        let mut scanner = Self::new(Limits::default());
        scanner.push(message);
        scanner.finish()
    }

    /// Takes the next bytes, in pieces of any size.
    pub fn push(&mut self, mut input: &[u8]) {
        while !input.is_empty() {
            let used = if self.is_in_header {
                self.push_line(input)
            } else if self.boundaries.is_empty() {
                self.pass_body(input);
                input.len()
            } else if self.is_mid_line {
                self.push_body(input)
            } else {
                self.push_line_start(input)
            };
            input = input.get(used..).unwrap_or_default();
        }
    }

    /// Ends the message.
    pub fn finish(mut self) -> Summary {
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            self.line(&held, true, true);
        }
        let end = End { offset: self.offset, line_feeds: self.line_feeds };
        while self.is_in_header {
            self.end_header(end, self.offset);
        }
        self.close_down_to(0, end);
        finish::summary(&finish::Scanned {
            size: self.offset,
            lines: self.line_feeds,
            entities: &self.entities,
            pieces: &self.pieces,
            texts: &self.texts,
            capture: &self.capture,
            is_limited: self.is_limited || self.fields.is_limited(),
        })
    }

    /// How many comparisons with boundaries were made.
    #[cfg(test)]
    pub(crate) fn work(&self) -> u64 {
        self.work
    }

    /// In a header, or in a body at a line that begins with two dashes: takes up to the end of the line.
    fn push_line(&mut self, input: &[u8]) -> usize {
        let end = memchr::memchr(b'\n', input).map(|at| at.saturating_add(1));
        let piece = input.get(..end.unwrap_or(input.len())).unwrap_or_default();
        if self.is_mid_line {
            self.line(piece, false, end.is_some());
            return piece.len();
        }
        if self.held.is_empty() && end.is_some() {
            self.line(piece, true, true);
            return piece.len();
        }
        let room = (LINE_HELD_MAX + 1).saturating_sub(self.held.len());
        let taken = piece.get(..room).unwrap_or(piece);
        self.held.extend_from_slice(taken);
        let ends = end.is_some() && taken.len() == piece.len();
        if ends || self.held.len() > LINE_HELD_MAX {
            let mut held = std::mem::take(&mut self.held);
            self.line(&held, true, ends);
            held.clear();
            self.held = held;
        }
        taken.len()
    }

    /// In a body between boundaries, within a line: passes on to the next line that begins with two dashes.
    fn push_body(&mut self, input: &[u8]) -> usize {
        if let Some(at) = self.dashes.find(input) {
            let used = at.saturating_add(1);
            self.pass_body(input.get(..used).unwrap_or_default());
            self.is_mid_line = false;
            return used;
        }
        let body = input.strip_suffix(b"\n-").map_or(input, |rest| input.get(..=rest.len()).unwrap_or_default());
        self.pass_body(body);
        self.is_mid_line = !body.ends_with(b"\n");
        body.len()
    }

    /// In a body between boundaries, at the start of a line.
    fn push_line_start(&mut self, input: &[u8]) -> usize {
        let mut start = self.held.iter().chain(input);
        match (start.next(), start.next()) {
            (Some(b'-'), Some(b'-')) => self.push_line(input),
            (Some(b'-'), None) => {
                self.held.extend_from_slice(input);
                input.len()
            }
            _ => {
                let held = std::mem::take(&mut self.held);
                self.pass_body(&held);
                self.is_mid_line = true;
                0
            }
        }
    }

    /// A line, or its first or a further piece.
    fn line(&mut self, piece: &[u8], is_first: bool, is_last: bool) {
        let is_whole = is_first && is_last && piece.len() <= LINE_HELD_MAX;
        self.is_mid_line = !is_last;
        if is_whole
            && piece.starts_with(b"--")
            && let Some((boundary, closes)) = self.find_boundary(piece)
        {
            self.delimiter(piece, boundary, closes);
            return;
        }
        if !self.is_in_header {
            self.pass_body(piece);
            return;
        }
        self.pass(piece);
        if is_whole && matches!(piece, b"\n" | b"\r\n") {
            let end = End { offset: self.offset, line_feeds: self.line_feeds };
            self.end_header(end, self.offset);
        } else {
            let is_root = self.entities.last().is_some_and(|e| e.is_message_root);
            self.fields.line(piece, is_first, is_root);
        }
    }

    /// Which open boundary a line that begins with two dashes is, and whether it closes its multipart.
    ///
    /// `delimiter := CRLF "--" boundary transport-padding`, `close-delimiter := delimiter "--"` (RFC 2046 §5.1.1). The
    /// innermost boundary wins; one that fits without the two dashes at the end before one that fits with them.
    fn find_boundary(&mut self, line: &[u8]) -> Option<(usize, bool)> {
        let line = line.strip_prefix(b"--")?.trim_ascii_end();
        let stem = line.strip_suffix(b"--");
        let mut closing = None;
        for (index, boundary) in self.boundaries.iter().enumerate().rev() {
            self.work = self.work.wrapping_add(1);
            if *boundary.text == *line {
                return Some((index, false));
            }
            if closing.is_none() && stem.is_some_and(|stem| *boundary.text == *stem) {
                closing = Some((index, true));
            }
        }
        closing
    }

    /// A boundary line: ends what is open inside its multipart and begins the next part.
    fn delimiter(&mut self, line: &[u8], index: usize, closes: bool) {
        let line_break = match self.last {
            [b'\r', b'\n'] => 2,
            [_, b'\n'] => 1,
            _ => 0,
        };
        let end = End {
            offset: self.offset.saturating_sub(line_break),
            line_feeds: self.line_feeds.saturating_sub(line_break.min(1)),
        };
        while self.is_in_header {
            self.end_header(end, end.offset);
        }
        let depth = self.boundaries.get(index).map_or(0, |b| b.depth);
        self.close_down_to(depth, end);
        self.boundaries.truncate(index.saturating_add(usize::from(!closes)));
        self.pass(line);
        self.is_mid_line = false;
        // A boundary that the message ends within begins no part.
        if closes || !line.ends_with(b"\n") {
            return;
        }
        if self.is_full() {
            self.is_limited = true;
            self.boundaries.clear();
            return;
        }
        self.begin_part(false, self.offset);
        self.is_in_header = true;
    }

    fn begin_part(&mut self, is_message_root: bool, offset: u64) {
        self.open.push(Open { entity: self.entities.len(), line_feeds: 0, is_digest: false });
        self.entities.push(Entity {
            depth: self.open.len().saturating_sub(1),
            is_message_root,
            header: offset..offset,
            body: offset..offset,
            lines: 0,
            described: Described::default(),
        });
        self.fields.clear();
    }

    /// The header of the innermost part ends at `end`; its body begins at `body`.
    fn end_header(&mut self, end: End, body: u64) {
        self.is_in_header = false;
        let depth = self.open.len();
        let header = describe::Header {
            fields: &self.fields,
            is_message_root: self.entities.last().is_some_and(|e| e.is_message_root),
            parent_is_digest: self.open.iter().rev().nth(1).is_some_and(|o| o.is_digest),
            can_descend: depth < self.limits.depth && !self.is_full(),
            boundary_max: self.limits.boundary,
        };
        let about = header.describe(&mut self.pieces);
        if depth == 1 {
            self.texts = Texts::of(&self.fields);
        }
        self.is_limited |= about.is_limited;
        let Some(entity) = self.entities.last_mut() else { return };
        entity.header.end = end.offset.max(entity.header.start);
        let start = body.max(entity.header.end);
        entity.body = start..start;
        entity.described = about.described;
        if let Some(open) = self.open.last_mut() {
            open.line_feeds = end.line_feeds;
            open.is_digest = about.is_digest;
        }
        if let Some(text) = about.boundary {
            self.boundaries.push(Boundary { depth, text });
        }
        let described = about.described;
        if described.kind == PartKind::Message {
            self.begin_part(true, start);
            self.is_in_header = true;
        } else if described.kind == PartKind::Leaf && !described.is_attachment {
            let media_type = self.pieces.get(described.media_type);
            self.capture.begin(media_type, self.pieces.get(described.charset), described.encoding);
        }
    }

    /// Whether the limits allow no further part.
    fn is_full(&self) -> bool {
        let bytes_max = usize::try_from(self.limits.structure_bytes.0).unwrap_or(usize::MAX);
        self.entities.len() >= self.limits.parts || self.pieces.size() >= bytes_max
    }

    /// Ends the parts that are open beyond the first `depth`.
    fn close_down_to(&mut self, depth: usize, end: End) {
        for open in self.open.drain(depth.min(self.open.len())..) {
            if let Some(entity) = self.entities.get_mut(open.entity) {
                // The line break before a boundary belongs to it, even one that is the empty line after a header
                // (RFC 2046 §5.1.1 `body-part`).
                for place in [&mut entity.header, &mut entity.body] {
                    place.start = place.start.min(end.offset);
                    place.end = place.end.min(end.offset);
                }
                entity.body.end = end.offset;
                entity.lines = end.line_feeds.saturating_sub(open.line_feeds);
            }
        }
        self.capture.pause();
    }

    fn pass_body(&mut self, bytes: &[u8]) {
        self.pass(bytes);
        self.capture.take(bytes);
    }

    /// Is done with these bytes.
    fn pass(&mut self, bytes: &[u8]) {
        self.offset = self.offset.saturating_add(crate::varint::size(bytes.len()));
        let feeds = memchr::memchr_iter(b'\n', bytes).count();
        self.line_feeds = self.line_feeds.saturating_add(crate::varint::size(feeds));
        match bytes {
            [.., a, b] => self.last = [*a, *b],
            [b] => self.last = [self.last[1], *b],
            [] => {}
        }
    }
}

#[cfg(test)]
#[path = "scanner/tests.rs"]
mod tests;
