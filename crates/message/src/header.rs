//! A raw header block: its fields one by one, and the selection that `HEADER.FIELDS` asks for.

use bytes::BufMut;

/// One field with its line break; the value may be folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// All its bytes, line break included.
    pub raw: &'a [u8],
    /// The name as written; empty for a line that is no field.
    pub name: &'a [u8],
    /// The raw value after the colon: folds as they came, white space around it taken off.
    pub value: &'a [u8],
}

impl Field<'_> {
    /// Whether it has this name, case aside.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value as text: unfolded, encoded words decoded (RFC 2047).
    pub fn text(&self) -> String {
        crate::encoded_word::decode(self.value)
    }
}

/// The fields of a header block in order; the empty line and what follows it are not looked at.
pub fn fields(block: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let mut rest = block;
    std::iter::from_fn(move || {
        if rest.is_empty() || rest.starts_with(b"\n") || rest.starts_with(b"\r\n") {
            return None;
        }
        let (raw, after) = rest.split_at_checked(field_length(rest))?;
        rest = after;
        Some(split(raw))
    })
}

/// The bytes of the first field: its line and those after it that begin with white space.
fn field_length(block: &[u8]) -> usize {
    for end in memchr::memchr_iter(b'\n', block) {
        let after = end.saturating_add(1);
        if !matches!(block.get(after), Some(b' ' | b'\t')) {
            return after;
        }
    }
    block.len()
}

fn split(raw: &[u8]) -> Field<'_> {
    let Some(colon) = memchr::memchr2(b':', b'\n', raw).filter(|at| raw.get(*at) == Some(&b':')) else {
        return Field { raw, name: &[], value: &[] };
    };
    let (name, value) = raw.split_at_checked(colon).unwrap_or_default();
    Field { raw, name: name.trim_ascii_end(), value: value.get(1..).unwrap_or_default().trim_ascii() }
}

/// Which fields a `HEADER.FIELDS` section wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// `HEADER.FIELDS`: those named.
    Only,
    /// `HEADER.FIELDS.NOT`: all others.
    Except,
}

/// Appends the fields of a header block that a section selects, and the block's empty line if it has one, as they
/// stand there (RFC 9051 §6.4.5.1). `block` is what `HEADER` locates.
pub fn select<N: AsRef<[u8]>>(block: &[u8], selection: Selection, names: &[N], out: &mut impl BufMut) {
    let wants_named = selection == Selection::Only;
    let mut length = 0usize;
    for field in fields(block) {
        length = length.saturating_add(field.raw.len());
        // A line that is no field has no name that could be asked for.
        let is_named = !field.name.is_empty() && names.iter().any(|n| n.as_ref().eq_ignore_ascii_case(field.name));
        if is_named == wants_named {
            out.put_slice(field.raw);
        }
    }
    let rest = block.get(length..).unwrap_or_default();
    out.put_slice(if rest.starts_with(b"\r\n") { b"\r\n" } else { rest.get(..1).unwrap_or_default() });
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: &[u8] =
        b"From: a\r\nSUBJECT : x\r\n  y\r\nno field\r\nTo:\r\nfrom: =?utf-8?Q?=C3=A4?=\r\n\r\nBody: no\r\n";

    #[test]
    fn fields_come_with_their_folds_and_end_at_the_empty_line() {
        let all: Vec<_> = fields(BLOCK).map(|f| (String::from_utf8_lossy(f.name).into_owned(), f.text())).collect();
        let want = [("From", "a"), ("SUBJECT", "x  y"), ("", ""), ("To", ""), ("from", "ä")];
        assert_eq!(all, want.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }

    #[test]
    fn a_selection_is_the_raw_fields_and_an_empty_line() {
        let select = |selection, names: &[&str]| {
            let mut out = Vec::new();
            select(BLOCK, selection, names, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(select(Selection::Only, &["FROM", "x"]), "From: a\r\nfrom: =?utf-8?Q?=C3=A4?=\r\n\r\n");
        assert_eq!(select(Selection::Except, &["from"]), "SUBJECT : x\r\n  y\r\nno field\r\nTo:\r\n\r\n");
        assert_eq!(select(Selection::Only, &[""]), "\r\n");
        let mut cut = Vec::new();
        super::select(b"To: a\r\nCc: b", Selection::Only, &["cc"], &mut cut);
        assert_eq!(cut, b"Cc: b", "no line is added that the message does not have");
    }
}
