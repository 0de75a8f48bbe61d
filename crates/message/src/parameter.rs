//! Values with parameters: Content-Type and Content-Disposition (RFC 2045 §5.1, RFC 2183), with RFC 2231.

use crate::charset;
use crate::lexer::{Alphabet, Kind, Tokens};

/// How many parameters of one field are read.
pub const PARAMETERS_MAX: usize = 200;

/// Highest number of an RFC 2231 §3 continuation that is read.
const CONTINUATION_MAX: u32 = 9_999;

/// A parameter: raw bytes, unquoted. Continuations are joined (RFC 2231 §3); one that has a charset keeps the
/// asterisk at the end of its name and its percent escapes, as RFC 2231 §6 has IMAP servers show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// As written.
    pub name: Vec<u8>,
    /// Unquoted.
    pub value: Vec<u8>,
}

impl Parameter {
    /// The value as text: RFC 2231 §4 charset and escapes, else RFC 2047 words, which do not belong here but are met.
    pub fn decoded(&self) -> String {
        if self.name.last() == Some(&b'*') {
            return decode_extended(&self.value);
        }
        crate::encoded_word::decode(&self.value)
    }

    fn is(&self, name: &[u8]) -> bool {
        self.name.strip_suffix(b"*").unwrap_or(&self.name).eq_ignore_ascii_case(name)
    }
}

/// A value with its parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameterised {
    /// What stands before the first semicolon, comments taken off; for a media type the type.
    pub value: Vec<u8>,
    /// For a media type the subtype, else empty.
    pub subtype: Vec<u8>,
    /// In the order of the field, joined continuations at the end.
    pub parameters: Vec<Parameter>,
}

impl Parameterised {
    /// Reads a Content-Type; `None` if it does not begin with `type/subtype`.
    pub fn parse_content_type(value: &[u8]) -> Option<Self> {
        let mut tokens = Tokens::new(value, Alphabet::Token);
        let (value, subtype) = read_type(&mut tokens)?;
        Some(Self { value, subtype, parameters: read_parameters(&mut tokens) })
    }

    /// Reads a Content-Disposition, its value empty if it does not begin with a word; `None` if there are no parameters
    /// either.
    pub fn parse_disposition(value: &[u8]) -> Option<Self> {
        let mut tokens = Tokens::new(value, Alphabet::Token);
        let mut ahead = tokens.clone();
        let mut out = Self::default();
        if let Some(word) = ahead.significant().filter(|token| token.kind == Kind::Word) {
            out.value = word.text.to_vec();
            tokens = ahead;
        }
        out.parameters = read_parameters(&mut tokens);
        (out != Self::default()).then_some(out)
    }

    /// The first parameter of this name, given in small letters; RFC 2231 forms count.
    pub fn get(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|p| p.is(name.as_bytes()))
    }
}

/// `type "/" subtype`, and then nothing or a semicolon, which is left.
fn read_type(tokens: &mut Tokens<'_>) -> Option<(Vec<u8>, Vec<u8>)> {
    let kind = tokens.significant()?;
    let slash = tokens.significant()?;
    let subtype = tokens.significant()?;
    let ends = tokens.clone().significant().is_none_or(|token| token.is(b';'));
    let is_type = kind.kind == Kind::Word && slash.is(b'/') && subtype.kind == Kind::Word;
    (is_type && ends).then(|| (kind.text.to_vec(), subtype.text.to_vec()))
}

/// One piece of a continued parameter (RFC 2231 §3), or the whole of one that has a charset.
struct Piece {
    /// As written.
    full_name: Vec<u8>,
    /// Without number and asterisks.
    name: Vec<u8>,
    number: u32,
    is_extended: bool,
    value: Vec<u8>,
}

/// `*(";" parameter)`; what is no parameter is passed over up to the next semicolon.
fn read_parameters(tokens: &mut Tokens<'_>) -> Vec<Parameter> {
    let mut plain: Vec<Parameter> = Vec::new();
    let mut pieces: Vec<Piece> = Vec::new();
    while plain.len() + pieces.len() < PARAMETERS_MAX && tokens.any(|token| token.is(b';')) {
        let mut ahead = tokens.clone();
        let Some(parameter) = read_parameter(&mut ahead) else { continue };
        *tokens = ahead;
        match continuation(&parameter.name) {
            Some((stem, number, is_extended)) => {
                let name = stem.to_vec();
                let value = parameter.value;
                pieces.push(Piece { full_name: parameter.name, name, number, is_extended, value });
            }
            None => plain.push(parameter),
        }
    }
    join(&mut plain, pieces);
    plain
}

/// `attribute "=" value`; a value that is not quoted may hold tspecials, for many programs do not quote.
fn read_parameter(tokens: &mut Tokens<'_>) -> Option<Parameter> {
    let name = tokens.significant().filter(|token| token.kind == Kind::Word)?;
    tokens.significant().filter(|token| token.is(b'='))?;
    let mut value = Vec::new();
    tokens.parameter_value().put(&mut value);
    Some(Parameter { name: name.text.to_vec(), value })
}

/// `name*1` and `name*1*` are pieces; `name*` is the only one.
fn continuation(name: &[u8]) -> Option<(&[u8], u32, bool)> {
    let inner = name.strip_suffix(b"*");
    if let Some(stem) = inner.filter(|stem| !stem.is_empty() && !stem.contains(&b'*')) {
        return Some((stem, 0, true));
    }
    let (stem, digits) = split_last(inner.unwrap_or(name), b'*')?;
    if stem.is_empty() || digits.is_empty() || digits.len() > 4 {
        return None;
    }
    let number = digits.iter().try_fold(0u32, |sum, digit| {
        digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit.saturating_sub(b'0')))
    })?;
    (number <= CONTINUATION_MAX).then_some((stem, number, inner.is_some()))
}

fn split_last(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let position = text.iter().rposition(|b| *b == at)?;
    let (before, rest) = text.split_at_checked(position)?;
    Some((before, rest.get(1..)?))
}

/// Joins the pieces of each name by their numbers. Where one is missing or doubled they are left as they are.
fn join(plain: &mut Vec<Parameter>, mut pieces: Vec<Piece>) {
    pieces.sort_by(|a, b| a.name.to_ascii_lowercase().cmp(&b.name.to_ascii_lowercase()).then(a.number.cmp(&b.number)));
    for group in pieces.chunk_by(|a, b| a.name.eq_ignore_ascii_case(&b.name)) {
        let Some(first) = group.first() else { continue };
        if !group.iter().zip(0u32..).all(|(piece, number)| piece.number == number) {
            plain.extend(group.iter().map(|p| Parameter { name: p.full_name.clone(), value: p.value.clone() }));
            continue;
        }
        let is_extended = group.iter().any(|piece| piece.is_extended);
        let mut joined = Parameter { name: first.name.clone(), value: Vec::new() };
        if is_extended {
            joined.name.push(b'*');
            if !first.is_extended {
                joined.value.extend_from_slice(b"''");
            }
        }
        for piece in group {
            if is_extended && !piece.is_extended {
                escape(&piece.value, &mut joined.value);
            } else {
                joined.value.extend_from_slice(&piece.value);
            }
        }
        plain.push(joined);
    }
}

/// Percent-escapes what an extended value may not hold as it is (RFC 2231 §7 `attribute-char`).
fn escape(value: &[u8], out: &mut Vec<u8>) {
    for byte in value {
        if matches!(byte, 0..=b' ' | 0x7f.. | b'*' | b'\'' | b'%') || b"()<>@,;:\\\"/[]?=".contains(byte) {
            let digit = |nibble: u8| b"0123456789ABCDEF".get(usize::from(nibble)).copied().unwrap_or(b'0');
            out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
        } else {
            out.push(*byte);
        }
    }
}

/// `charset'language'percent-escaped` (RFC 2231 §4).
fn decode_extended(value: &[u8]) -> String {
    let mut parts = value.splitn(3, |b| *b == b'\'');
    let (charset, encoded) = match (parts.next(), parts.next(), parts.next()) {
        (Some(charset), Some(_), Some(encoded)) => (charset, encoded),
        _ => (&b""[..], value),
    };
    let hex = |byte: Option<&u8>| byte.and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match (byte, hex(after.first()), hex(after.get(1))) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(high << 4 | low);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => bytes.push(*byte),
        }
    }
    charset::decode(&bytes, std::str::from_utf8(charset).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str) -> String {
        let Some(parsed) = Parameterised::parse_content_type(value.as_bytes()) else { return "none".to_owned() };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut out = format!("{}/{}", text(&parsed.value), text(&parsed.subtype));
        for parameter in &parsed.parameters {
            out = format!("{out} {}={}", text(&parameter.name), text(&parameter.value));
        }
        out
    }

    #[test]
    fn content_types_are_read_as_written_and_as_met() {
        for (value, want) in [
            ("text/plain", "text/plain"),
            ("Text/HTML; Charset=UTF-8 (a comment); x=\"a\\\"b\"", "Text/HTML Charset=UTF-8 x=a\"b"),
            ("multipart/mixed; boundary=----=_Part/1?2=3", "multipart/mixed boundary=----=_Part/1?2=3"),
            ("text/plain;;; charset = x ;y", "text/plain charset=x"),
            ("text/plain; name=a b.txt; charset=x", "text/plain name=a charset=x"),
            ("text", "none"),
            ("text/", "none"),
            ("/plain", "none"),
            ("", "none"),
            ("text/plain (unclosed", "none"),
        ] {
            assert_eq!(shown(value), want, "{value}");
        }
    }

    #[test]
    fn continuations_are_joined_and_charsets_decoded() {
        let value = "a/b; f*1*=%20x; f*0*=utf-8'en'%e2%82%ac; f*2=\" (%)\"; g*1=c; g*0=b; h*2=no; i=1; i*=utf-8''2";
        assert_eq!(shown(value), "a/b i=1 f*=utf-8'en'%e2%82%ac%20x%20%28%25%29 g=bc h*2=no i*=utf-8''2");
        let parsed = Parameterised::parse_content_type(value.as_bytes()).unwrap();
        assert_eq!(parsed.get("f").unwrap().decoded(), "€ x (%)");
        assert_eq!(parsed.get("g").unwrap().decoded(), "bc");
    }

    #[test]
    fn parameters_past_the_limit_are_not_read() {
        let value = |count: usize| format!("a/b{}", "; x=y".repeat(count));
        let count = |text: String| Parameterised::parse_content_type(text.as_bytes()).unwrap().parameters.len();
        assert_eq!(count(value(PARAMETERS_MAX)), PARAMETERS_MAX);
        assert_eq!(count(value(PARAMETERS_MAX + 1)), PARAMETERS_MAX);
    }
}
