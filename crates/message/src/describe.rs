//! What a header says of its part, written down at once in the form BODYSTRUCTURE and ENVELOPE will have, so that the
//! header itself need not be kept (RFC 9051 §7.5.2).

use crate::address::AddressEntry;
use crate::lexer::{Alphabet, Kind, Tokens};
use crate::parameter::{Parameter, Parameterised};
use crate::part::{PartKind, TransferEncoding};
use crate::scanner::{Fields, Name};
use crate::wire;

/// Ten fields that are not there.
const NIL_ENVELOPE: &[u8] = b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)";

/// A stretch of [`Pieces`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span(u32, u32);

/// The texts of all parts, one after another.
#[derive(Default)]
pub(crate) struct Pieces(Vec<u8>);

impl Pieces {
    pub(crate) fn size(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn get(&self, span: Span) -> &[u8] {
        let place = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
        self.0.get(place(span.0)..place(span.1)).unwrap_or_default()
    }

    fn here(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// Appends what `put` writes.
    fn add(&mut self, put: impl FnOnce(&mut Vec<u8>)) -> Span {
        let start = self.here();
        put(&mut self.0);
        Span(start, self.here())
    }
}

/// How a part's own BODYSTRUCTURE reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// `body-type-text`: with lines.
    Text,
    /// `body-type-basic`
    #[default]
    Basic,
    /// `body-type-mpart`
    Multipart,
    /// `body-type-msg` of a message/rfc822
    Message,
    /// `body-type-msg` of a message/global, which `IMAP4rev1` does not know
    Global,
}

/// What is known of a part from its header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Described {
    pub(crate) kind: PartKind,
    pub(crate) form: Form,
    pub(crate) encoding: TransferEncoding,
    pub(crate) is_attachment: bool,
    /// Whether a reader would look for it beside the text.
    pub(crate) looks_attached: bool,
    /// In small letters, `type/subtype`.
    pub(crate) media_type: Span,
    /// In small letters.
    pub(crate) charset: Span,
    /// Up to the size; for a multipart the subtype.
    pub(crate) front: Span,
    /// Extension data, with the space before it.
    pub(crate) extension: Span,
    /// For a message.
    pub(crate) envelope: Span,
}

impl Default for Described {
    fn default() -> Self {
        Self {
            kind: PartKind::Leaf,
            form: Form::Basic,
            encoding: TransferEncoding::Identity,
            is_attachment: false,
            looks_attached: false,
            media_type: Span::default(),
            charset: Span::default(),
            front: Span::default(),
            extension: Span::default(),
            envelope: Span::default(),
        }
    }
}

/// What the scanner learns from a header.
#[derive(Default)]
pub(crate) struct About {
    pub(crate) described: Described,
    pub(crate) boundary: Option<Box<[u8]>>,
    pub(crate) is_digest: bool,
    pub(crate) is_limited: bool,
}

/// A header at its end.
pub(crate) struct Header<'a> {
    pub(crate) fields: &'a Fields,
    pub(crate) is_message_root: bool,
    pub(crate) parent_is_digest: bool,
    /// Whether the limits allow parts inside this one.
    pub(crate) can_descend: bool,
    pub(crate) boundary_max: usize,
}

impl Header<'_> {
    /// Writes down what the header says.
    pub(crate) fn describe(&self, pieces: &mut Pieces) -> About {
        // Without MIME-Version or Content-Type a message is no MIME message, whatever else it says (RFC 2045 §4).
        let is_mime = !self.is_message_root
            || self.fields.first(Name::ContentType).is_some()
            || self.fields.first(Name::MimeVersion).is_some();
        let field = |name| self.fields.first(name).filter(|_| is_mime);
        let declared = field(Name::ContentType).map(Parameterised::parse_content_type);
        // A type that cannot be read is that of RFC 2045 §5.2; in a digest only one that is absent is a message.
        let content_type = match declared {
            Some(Some(parsed)) => parsed,
            None if self.parent_is_digest => media("message", "rfc822"),
            Some(None) | None => media("text", "plain"),
        };
        let encoding_name = field(Name::ContentTransferEncoding).and_then(encoding_name);
        let encoding = TransferEncoding::parse(encoding_name.as_deref().unwrap_or_default());
        let disposition = field(Name::ContentDisposition).and_then(Parameterised::parse_disposition);
        let (mut about, content_type) = self.classify(content_type, encoding, pieces);
        let form = about.described.form;
        let described = &mut about.described;
        described.encoding = encoding;
        described.is_attachment = disposition.as_ref().is_some_and(|d| d.value.eq_ignore_ascii_case(b"attachment"));
        described.looks_attached = looks_attached(&content_type, disposition.as_ref(), form);
        described.charset = pieces.add(|out| {
            if let Some(charset) = content_type.get("charset") {
                out.extend(charset.decoded().to_ascii_lowercase().bytes());
            }
        });
        described.front = pieces.add(|out| {
            if form == Form::Multipart {
                wire::put_string(out, &content_type.subtype);
                return;
            }
            if form == Form::Message {
                out.extend_from_slice(b"\"message\" \"rfc822\"");
            } else {
                wire::put_string(out, &content_type.value);
                out.push(b' ');
                wire::put_string(out, &content_type.subtype);
            }
            out.push(b' ');
            put_parameters(out, &content_type.parameters, form == Form::Text);
            for name in [Name::ContentId, Name::ContentDescription] {
                out.push(b' ');
                wire::put_unfolded(out, field(name));
            }
            out.push(b' ');
            wire::put_string(out, encoding_name.as_deref().unwrap_or(b"7bit"));
        });
        described.extension = pieces.add(|out| {
            out.push(b' ');
            if form == Form::Multipart {
                put_parameters(out, &content_type.parameters, false);
            } else {
                wire::put_unfolded(out, field(Name::ContentMd5));
            }
            put_common_extension(out, disposition.as_ref(), field(Name::ContentLanguage));
            out.push(b' ');
            wire::put_unfolded(out, field(Name::ContentLocation));
        });
        if self.is_message_root {
            described.envelope = pieces.add(|out| put_envelope(out, self.fields));
        }
        about
    }

    /// Decides what the part is, within the limits.
    fn classify(
        &self,
        mut content_type: Parameterised,
        encoding: TransferEncoding,
        pieces: &mut Pieces,
    ) -> (About, Parameterised) {
        let mut about = About::default();
        let is = |a: &[u8], b: &str| a.eq_ignore_ascii_case(b.as_bytes());
        let is_encoded = encoding != TransferEncoding::Identity;
        let form = if is(&content_type.value, "multipart") {
            Form::Multipart
        } else if is(&content_type.value, "text") {
            Form::Text
        } else if is(&content_type.value, "message") && is(&content_type.subtype, "rfc822") {
            Form::Message
        } else if is(&content_type.value, "message") && is(&content_type.subtype, "global") {
            Form::Global
        } else {
            Form::Basic
        };
        let boundary: Option<Box<[u8]>> = content_type.get("boundary").map(|b| b.value.trim_ascii_end().into());
        let is_too_long = form == Form::Multipart && boundary.as_ref().is_some_and(|b| b.len() > self.boundary_max);
        let holds_parts = matches!(form, Form::Multipart | Form::Message | Form::Global);
        if is_too_long || (holds_parts && !self.can_descend) {
            // What is not looked into must not look like something with parts (RFC 2046 §4.5.1 is what is left).
            about.is_limited = true;
            let plain = media("application", "octet-stream");
            (content_type.value, content_type.subtype) = (plain.value, plain.subtype);
            about.described.form = Form::Basic;
        } else {
            about.described.form = form;
            about.described.kind = match form {
                Form::Multipart => PartKind::Multipart,
                // RFC 2046 §5.2.1 forbids to encode a message; who does so all the same sends a leaf.
                Form::Message | Form::Global if !is_encoded => PartKind::Message,
                _ => PartKind::Leaf,
            };
            if form == Form::Multipart {
                about.boundary = boundary.filter(|b| !b.is_empty());
                about.is_digest = is(&content_type.subtype, "digest");
            }
        }
        about.described.media_type = pieces.add(|out| {
            out.extend(content_type.value.iter().map(u8::to_ascii_lowercase));
            out.push(b'/');
            out.extend(content_type.subtype.iter().map(u8::to_ascii_lowercase));
        });
        (about, content_type)
    }
}

fn media(value: &str, subtype: &str) -> Parameterised {
    Parameterised { value: value.into(), subtype: subtype.into(), parameters: Vec::new() }
}

/// The one word of a Content-Transfer-Encoding; `None` if there is more, or none.
fn encoding_name(value: &[u8]) -> Option<Vec<u8>> {
    let mut tokens = Tokens::new(value, Alphabet::Token);
    let word = tokens.significant().filter(|token| token.kind == Kind::Word)?;
    tokens.significant().is_none().then(|| word.text.to_vec())
}

/// Whether a part is one that a mail program lists as attached (RFC 8621 §4.1.4 in short).
fn looks_attached(content_type: &Parameterised, disposition: Option<&Parameterised>, form: Form) -> bool {
    if form == Form::Multipart {
        return false;
    }
    let is = |a: &[u8], b: &str| a.eq_ignore_ascii_case(b.as_bytes());
    if let Some(disposition) = disposition {
        if is(&disposition.value, "attachment") {
            return true;
        }
        if is(&disposition.value, "inline") && form != Form::Text {
            return false;
        }
    }
    let is_signature = [
        ("application", "pgp-signature"),
        ("application", "pkcs7-signature"),
        ("application", "x-pkcs7-signature"),
        ("application", "pgp-encrypted"),
        ("message", "delivery-status"),
        ("message", "disposition-notification"),
    ]
    .iter()
    .any(|(kind, sub)| is(&content_type.value, kind) && is(&content_type.subtype, sub));
    form != Form::Text && !is_signature
}

fn put_parameters(out: &mut Vec<u8>, parameters: &[Parameter], is_text: bool) {
    // A text without charset is US-ASCII (RFC 2045 §5.2); clients expect to be told.
    let needs_charset = is_text && !parameters.iter().any(|p| p.name.eq_ignore_ascii_case(b"charset"));
    if parameters.is_empty() && !needs_charset {
        out.extend_from_slice(b"NIL");
        return;
    }
    let mut separator = b'(';
    for parameter in parameters {
        out.push(separator);
        separator = b' ';
        wire::put_string(out, &parameter.name);
        out.push(b' ');
        wire::put_string(out, &parameter.value);
    }
    if needs_charset {
        out.push(separator);
        out.extend_from_slice(b"\"charset\" \"us-ascii\"");
    }
    out.push(b')');
}

/// `body-fld-dsp SP body-fld-lang`, each with the space before it.
fn put_common_extension(out: &mut Vec<u8>, disposition: Option<&Parameterised>, language: Option<&[u8]>) {
    out.push(b' ');
    match disposition {
        Some(disposition) => {
            out.push(b'(');
            wire::put_string(out, &disposition.value);
            out.push(b' ');
            put_parameters(out, &disposition.parameters, false);
            out.push(b')');
        }
        None => out.extend_from_slice(b"NIL"),
    }
    out.push(b' ');
    let mut separator = b'(';
    let mut tokens = Tokens::new(language.unwrap_or_default(), Alphabet::Token);
    while let Some(tag) = tokens.significant().filter(|token| token.kind == Kind::Word) {
        out.push(separator);
        separator = b' ';
        wire::put_string(out, tag.text);
        if !tokens.significant().is_some_and(|token| token.is(b',')) {
            break;
        }
    }
    out.extend_from_slice(if separator == b'(' { b"NIL" } else { b")" });
}

/// `envelope` (RFC 9051 §9). Of fields that may stand once the last counts; addresses of all fields are shown, so that
/// nobody hides behind a second From.
fn put_envelope(out: &mut Vec<u8>, fields: &Fields) {
    out.push(b'(');
    wire::put_unfolded(out, fields.last(Name::Date));
    out.push(b' ');
    match fields.last(Name::Subject) {
        Some(subject) => wire::put_text(out, subject),
        None => out.extend_from_slice(b"NIL"),
    }
    out.push(b' ');
    let start = out.len();
    put_addresses(out, fields, Name::From);
    let from = out.get(start..).unwrap_or_default().to_vec();
    for name in [Name::Sender, Name::ReplyTo] {
        out.push(b' ');
        // Absent or empty, they are those of From (RFC 9051 §7.5.2).
        if !put_addresses(out, fields, name) {
            out.truncate(out.len().saturating_sub(3));
            out.extend_from_slice(&from);
        }
    }
    for name in [Name::To, Name::Cc, Name::Bcc] {
        out.push(b' ');
        put_addresses(out, fields, name);
    }
    for name in [Name::InReplyTo, Name::MessageId] {
        out.push(b' ');
        wire::put_unfolded(out, fields.last(name));
    }
    out.push(b')');
}

/// How many bytes of wire form are written of the addresses of one field name. A field of commas would else become
/// many times its size.
pub(crate) const ADDRESSES_MAX: usize = 256 << 10;

/// Appends a list of addresses, or NIL; tells which. Past [`ADDRESSES_MAX`] the rest is left out.
fn put_addresses(out: &mut Vec<u8>, fields: &Fields, name: Name) -> bool {
    let mut has_any = false;
    let mut in_group = false;
    let end = out.len().saturating_add(ADDRESSES_MAX);
    for value in fields.all(name) {
        crate::address::parse_list(value, |address| {
            if out.len() >= end {
                return;
            }
            in_group = address.domain.is_none() && address.mailbox.is_some() || in_group && address.domain.is_some();
            out.extend_from_slice(if has_any { b"(" } else { b"((" });
            has_any = true;
            put_address(out, &address);
        });
    }
    if in_group {
        out.push(b'(');
        put_address(out, &AddressEntry::default());
    }
    out.extend_from_slice(if has_any { b")" } else { b"NIL" });
    has_any
}

/// `address`, after its opening parenthesis.
fn put_address(out: &mut Vec<u8>, address: &AddressEntry) {
    match &address.name {
        Some(name) => wire::put_text(out, name),
        None => out.extend_from_slice(b"NIL"),
    }
    for part in [&address.route, &address.mailbox, &address.domain] {
        out.push(b' ');
        wire::put_nstring(out, part.as_deref());
    }
    out.push(b')');
}

/// The envelope of a message that could not be looked into.
pub(crate) fn nil_envelope() -> &'static [u8] {
    NIL_ENVELOPE
}
