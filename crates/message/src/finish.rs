//! Puts the summary together when the message has ended.

use crate::describe::{self, Form, Pieces};
use crate::part::{self, PartEntry, PartKind};
use crate::preview::Capture;
use crate::scanner::Entity;
use crate::summary::Summary;
use crate::summary::row::{self, Fixed, Skip};
use crate::texts::Texts;
use crate::wire;
use bytes::Bytes;
use std::ops::Range;

/// What stands for the parts of a multipart without any, for the grammar wants one.
const EMPTY_PART: &[u8] = b"(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0";
const EMPTY_PART_EXTENSION: &[u8] = b" NIL NIL NIL NIL";

/// What the scanner found.
pub(crate) struct Scanned<'a> {
    pub(crate) size: u64,
    pub(crate) lines: u64,
    pub(crate) entities: &'a [Entity],
    pub(crate) pieces: &'a Pieces,
    pub(crate) texts: &'a Texts,
    pub(crate) capture: &'a Capture,
    pub(crate) is_limited: bool,
}

/// Makes the row.
pub(crate) fn summary(scanned: &Scanned<'_>) -> Summary {
    let pieces = scanned.pieces;
    let mut parts = Vec::with_capacity(scanned.entities.len().saturating_mul(16));
    let mut header_before = 0;
    for entity in scanned.entities {
        let about = &entity.described;
        let entry = PartEntry {
            depth: entity.depth,
            kind: about.kind,
            is_message_root: entity.is_message_root,
            header: entity.header.clone(),
            body: entity.body.clone(),
            lines: entity.lines,
            encoding: about.encoding,
            media_type: std::str::from_utf8(pieces.get(about.media_type)).unwrap_or("application/octet-stream"),
            charset: std::str::from_utf8(pieces.get(about.charset)).unwrap_or_default(),
            is_attachment: about.is_attachment,
        };
        part::put_part(&mut parts, &entry, header_before);
        header_before = entity.header.start;
    }
    let mut structure = Structure::default();
    structure.write(scanned.entities, pieces);
    let skips = structure.skips();
    let root = scanned.entities.first();
    let fixed = Fixed {
        size: scanned.size,
        lines: scanned.lines,
        header_size: root.map_or(0, |root| root.header.end),
        sent: scanned.texts.sent,
        has_attachment: scanned.entities.iter().any(|e| e.described.looks_attached),
        is_text_cut: scanned.texts.is_cut,
        is_limited: scanned.is_limited,
        is_subject_repeated: scanned.texts.is_subject_repeated,
    };
    let preview = scanned.capture.preview();
    let texts = scanned.texts;
    let [from, sender, reply_to, to, cc, bcc] = &texts.addresses;
    let row = row::write(
        &fixed,
        [
            root.map_or(&[], |root| pieces.get(root.described.envelope)),
            &structure.out,
            &skips,
            &parts,
            texts.message_id.as_bytes(),
            &texts.references,
            texts.subject.as_bytes(),
            from.as_bytes(),
            sender.as_bytes(),
            reply_to.as_bytes(),
            to.as_bytes(),
            cc.as_bytes(),
            bcc.as_bytes(),
            &texts.firsts,
            preview.as_bytes(),
        ],
    );
    Summary::of_row(Bytes::from(row))
}

/// BODYSTRUCTURE while it is written.
#[derive(Default)]
struct Structure {
    out: Vec<u8>,
    skips: Vec<(Range<usize>, Skip)>,
}

/// A part whose own parts are being written.
struct Unclosed<'a> {
    entity: &'a Entity,
    /// Where what makes it a message begins.
    message_start: usize,
    has_parts: bool,
}

impl Structure {
    /// Writes all parts, each before those it holds, with a stack of those not yet closed.
    fn write(&mut self, entities: &[Entity], pieces: &Pieces) {
        let mut stack: Vec<Unclosed<'_>> = Vec::new();
        let mut following = entities.iter().skip(1);
        for entity in entities {
            let next = following.next();
            while stack.len() > entity.depth {
                stack.pop().iter().for_each(|unclosed| self.close(unclosed, pieces));
            }
            if let Some(above) = stack.last_mut() {
                above.has_parts = true;
            }
            self.out.push(b'(');
            let form = entity.described.form;
            if form != Form::Multipart {
                self.out.extend_from_slice(pieces.get(entity.described.front));
                self.out.push(b' ');
                wire::put_number(&mut self.out, entity.body.end.saturating_sub(entity.body.start));
            }
            let message_start = self.out.len();
            match form {
                Form::Text => self.lines(entity),
                Form::Message | Form::Global => {
                    self.out.push(b' ');
                    let inner = next.filter(|_| entity.described.kind == PartKind::Message);
                    let envelope = inner.map_or(describe::nil_envelope(), |m| pieces.get(m.described.envelope));
                    self.out.extend_from_slice(envelope);
                    self.out.push(b' ');
                    if inner.is_none() {
                        self.empty_part();
                    }
                }
                Form::Basic | Form::Multipart => {}
            }
            let unclosed = Unclosed { entity, message_start, has_parts: false };
            if entity.described.kind == PartKind::Leaf {
                self.close(&unclosed, pieces);
            } else {
                stack.push(unclosed);
            }
        }
        while let Some(unclosed) = stack.pop() {
            self.close(&unclosed, pieces);
        }
    }

    fn close(&mut self, unclosed: &Unclosed<'_>, pieces: &Pieces) {
        let Unclosed { entity, message_start, has_parts } = *unclosed;
        match entity.described.form {
            Form::Multipart => {
                if !has_parts {
                    self.empty_part();
                }
                self.out.push(b' ');
                self.out.extend_from_slice(pieces.get(entity.described.front));
            }
            Form::Message => self.lines(entity),
            Form::Global => {
                self.lines(entity);
                self.skips.push((message_start..self.out.len(), Skip::Global));
            }
            Form::Text | Form::Basic => {}
        }
        self.extension(pieces.get(entity.described.extension));
        self.out.push(b')');
    }

    fn lines(&mut self, entity: &Entity) {
        self.out.push(b' ');
        wire::put_number(&mut self.out, entity.lines);
    }

    fn extension(&mut self, data: &[u8]) {
        let start = self.out.len();
        self.out.extend_from_slice(data);
        self.skips.push((start..self.out.len(), Skip::Extension));
    }

    fn empty_part(&mut self) {
        self.out.extend_from_slice(EMPTY_PART);
        self.extension(EMPTY_PART_EXTENSION);
        self.out.push(b')');
    }

    /// The stretches by start, in row form.
    fn skips(&mut self) -> Vec<u8> {
        self.skips.sort_by_key(|(stretch, _)| (stretch.start, std::cmp::Reverse(stretch.end)));
        let mut out = Vec::with_capacity(self.skips.len().saturating_mul(3));
        let mut before = 0;
        for (stretch, kind) in &self.skips {
            row::put_skip(&mut out, before, stretch, *kind);
            before = stretch.start;
        }
        out
    }
}
