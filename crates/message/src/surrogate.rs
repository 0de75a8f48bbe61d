//! Headers in UTF-8 (RFC 6532) for programs that know only ASCII: a surrogate, as RFC 6858 describes it.
//!
//! Only fields that are UTF-8 and not ASCII change. Bytes above 127 that are no UTF-8 were there before there were
//! internationalised headers, and every program has its way with them: they stay as they are.

use crate::address::{AddressEntry, parse_list};
use crate::build;
use crate::encoded_word;
use crate::header::{self, Field};
use crate::parameter::Parameterised;

/// The address of who has one that cannot be shown; it is nobody's (RFC 6858 §2.1, RFC 2606 §2).
const NOBODY: &str = "invalid@internationalized-address.invalid";

/// The fields that hold addresses (RFC 6858 §2.1).
const ADDRESSES: [&str; 12] = [
    "Bcc",
    "Cc",
    "From",
    "Reply-To",
    "Resent-Bcc",
    "Resent-Cc",
    "Resent-From",
    "Resent-Sender",
    "Resent-To",
    "Return-Path",
    "Sender",
    "To",
];

/// Fields of text for people. RFC 6858 §2.3 names Subject only; the others have the same grammar.
const TEXTS: [&str; 3] = ["Subject", "Comments", "Content-Description"];

/// The header block in ASCII; `None` if it can go as it is. What cannot be shown at all is left out (RFC 6858 §2.4).
///
/// Deviation: RFC 6858 §2.2 leaves out MIME parameters that are not ASCII; here they have the form of RFC 2231, so that an
/// attachment keeps its name.
pub fn surrogate_header(block: &[u8]) -> Option<Vec<u8>> {
    if block.is_ascii() {
        return None;
    }
    let mut out = Vec::with_capacity(block.len().saturating_add(block.len() / 2));
    let (mut length, mut is_changed) = (0_usize, false);
    for field in header::fields(block) {
        length = length.saturating_add(field.raw.len());
        if field.raw.is_ascii() || std::str::from_utf8(field.raw).is_err() {
            out.extend_from_slice(field.raw);
            continue;
        }
        is_changed = true;
        if let Some(value) = surrogate_value(&field) {
            out.extend_from_slice(field.name);
            out.extend_from_slice(b": ");
            out.extend_from_slice(value.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
    out.extend_from_slice(block.get(length..).unwrap_or_default());
    is_changed.then_some(out)
}

fn surrogate_value(field: &Field<'_>) -> Option<String> {
    if !field.name.is_ascii() {
        return None;
    }
    let is_one_of = |names: &[&str]| names.iter().any(|name| field.is(name));
    if is_one_of(&ADDRESSES) {
        return Some(addresses(field.value));
    }
    if is_one_of(&TEXTS) {
        return Some(text(field.value));
    }
    if field.is("Content-Type") {
        return Parameterised::parse_content_type(field.value).and_then(|value| parameterised(&value));
    }
    if field.is("Content-Disposition") {
        return Parameterised::parse_disposition(field.value).and_then(|value| parameterised(&value));
    }
    None
}

/// Text, unfolded, in encoded words.
fn text(value: &[u8]) -> String {
    encoded_word::encode(&one_line(&encoded_word::decode(value)))
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn addresses(value: &[u8]) -> String {
    let mut out = String::new();
    // Whether an address came since the start or the begin of the group.
    let mut is_apart = false;
    parse_list(value, |entry| {
        let ends_group = entry.domain.is_none() && entry.mailbox.is_none();
        if is_apart && !ends_group {
            out.push_str(",\r\n ");
        }
        if ends_group {
            out.push(';');
        } else if let (None, Some(name)) = (&entry.domain, &entry.mailbox) {
            out.push_str(&phrase(name));
            out.push(':');
        } else {
            if out.ends_with(':') {
                out.push(' ');
            }
            out.push_str(&address(&entry));
        }
        is_apart = ends_group || entry.domain.is_some();
    });
    out
}

/// A display name or a group's: atoms as they are, encoded words among them, else quoted or encoded.
fn phrase(raw: &[u8]) -> String {
    let is_atom = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~ ".contains(b);
    match std::str::from_utf8(raw) {
        Ok(name) if !name.is_empty() && raw.iter().all(is_atom) => name.to_owned(),
        Ok(name) if name.is_ascii() => quoted(name),
        _ => text(raw),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", one_line(text).replace('\\', "\\\\").replace('"', "\\\""))
}

/// An address; one that is not ASCII becomes nobody's, with what it was for a name.
fn address(entry: &AddressEntry) -> String {
    let part = |part: &Option<Vec<u8>>| part.as_deref().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
    let (local, domain) = (part(&entry.mailbox), part(&entry.domain));
    let name = entry.name.as_deref().filter(|name| !name.is_empty());
    if local.is_ascii() && domain.is_ascii() {
        let is_dot_atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        let local = if local.chars().all(is_dot_atom) { local } else { quoted(&local) };
        return match name {
            Some(name) => format!("{} <{local}@{domain}>", phrase(name)),
            None => format!("<{local}@{domain}>"),
        };
    }
    let shown = match name {
        Some(name) => format!("{} ({local}@{domain})", encoded_word::decode(name)),
        None => format!("{local}@{domain}"),
    };
    format!("{}\r\n <{NOBODY}>", encoded_word::encode(&one_line(&shown)))
}

fn parameterised(field: &Parameterised) -> Option<String> {
    let is_token = |bytes: &[u8]| !bytes.is_empty() && bytes.iter().all(|b| b.is_ascii_graphic() && !is_special(*b));
    let mut out = String::from_utf8(field.value.clone()).ok().filter(|_| is_token(&field.value))?;
    if !field.subtype.is_empty() {
        out.push('/');
        out.push_str(std::str::from_utf8(&field.subtype).ok().filter(|_| is_token(&field.subtype))?);
    }
    for parameter in &field.parameters {
        let Some(name) = std::str::from_utf8(&parameter.name).ok().filter(|_| is_token(&parameter.name)) else {
            continue;
        };
        out.push_str(";\r\n ");
        if name.ends_with('*') && parameter.value.is_ascii() {
            out.push_str(name);
            out.push('=');
            out.push_str(&String::from_utf8_lossy(&parameter.value));
        } else {
            out.push_str(&build::parameter(name.trim_end_matches('*'), &one_line(&parameter.decoded())));
        }
    }
    Some(out)
}

/// `tspecials` (RFC 2045 §5.1).
fn is_special(byte: u8) -> bool {
    b"()<>@,;:\\\"/[]?=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(block: &str) -> String {
        let out = surrogate_header(block.as_bytes()).map(|out| String::from_utf8(out).unwrap());
        out.unwrap_or_else(|| panic!("changes nothing: {block}"))
    }

    #[test]
    fn what_is_ascii_or_no_utf8_goes_as_it_is() {
        assert_eq!(surrogate_header(b"Subject: =?utf-8?Q?=C3=BC?=\r\n\r\n"), None);
        assert_eq!(surrogate_header(b"Subject: caf\xe9\r\n\r\n"), None);
        let both = b"Subject: caf\xe9\r\nComments: \xc3\xbc\r\n\r\n";
        let expected = b"Subject: caf\xe9\r\nComments: =?utf-8?Q?=C3=BC?=\r\n\r\n";
        assert_eq!(surrogate_header(both).unwrap(), expected);
    }

    #[test]
    fn an_address_that_is_not_ascii_is_nobodys_and_says_what_it_was() {
        let out = shown("From: J\u{f6}rg <j\u{f6}rg@m\u{fc}ller.example>\r\nTo: ann@x.example\r\n\r\n");
        assert!(out.is_ascii(), "{out}");
        let field = header::fields(out.as_bytes()).next().unwrap();
        let mut entries = Vec::new();
        parse_list(field.value, |entry| entries.push(entry));
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].domain.as_deref(), Some(&b"internationalized-address.invalid"[..]));
        let name = encoded_word::decode(entries[0].name.as_deref().unwrap());
        assert_eq!(name, "J\u{f6}rg (j\u{f6}rg@m\u{fc}ller.example)");
        assert!(out.ends_with("\r\nTo: ann@x.example\r\n\r\n"));
    }

    #[test]
    fn names_groups_and_ascii_addresses_survive_beside_it() {
        let list =
            "To: \"Doe, J.\" <j@x.example>, \u{dc}ber: a@x, =?utf-8?Q?=C3=BC?= <\"a b\"@x>;, J\u{fc} <k@y>\r\n\r\n";
        let expected = "To: \"Doe, J.\" <j@x.example>,\r\n =?utf-8?Q?=C3=9Cber?=: <a@x>,\r\n =?utf-8?Q?=C3=BC?= <\"a b\"@x>;,\r\n \
                        =?utf-8?Q?J=C3=BC?= <k@y>\r\n\r\n";
        assert_eq!(shown(list), expected);
    }

    #[test]
    fn attachments_keep_their_names_and_their_boundaries() {
        let block = "Content-Type: multipart/mixed; boundary=\"a b\"; name=\"\u{e4} 1.txt\"; x*=utf-8''%C3%BC\r\n\
                     Content-Disposition: attachment; filename=\"\u{e4}.txt\"\r\n\r\n";
        let expected = "Content-Type: multipart/mixed;\r\n boundary=\"a b\";\r\n name*=utf-8''%C3%A4%201.txt;\r\n \
                        x*=utf-8''%C3%BC\r\nContent-Disposition: attachment;\r\n filename*=utf-8''%C3%A4.txt\r\n\r\n";
        assert_eq!(shown(block), expected);
    }

    #[test]
    fn what_cannot_be_shown_is_left_out() {
        let block =
            "Received: from \u{fc}.example\r\n by x\r\nSubject: \u{fc}\r\n x\r\nX-\u{fc}: a\r\nno field \u{fc}\r\n";
        assert_eq!(shown(block), "Subject: =?utf-8?Q?=C3=BC_x?=\r\n");
    }

    #[test]
    fn any_bytes_make_a_block_without_utf8() {
        let seed = "From: \u{fc} <\u{fc}@x>, g: \"\\\u{fc}\" <a@\u{fc}>;\r\nContent-Type: a/b; c=\"\u{fc}\r\n\u{fc}\"; d*0*=\u{fc}\r\n\
                    Subject: \r\n \u{fc}=?utf-8?b?/w==?=\u{2028}\r\n\r\n";
        let mut state = 7_u64;
        for _ in 0..20_000 {
            let mut bytes = seed.as_bytes().to_vec();
            for _ in 0..6 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let place = usize::try_from(state >> 33).unwrap() % bytes.len();
                bytes[place] = b"\r\n:;,<>@\"\\=*?\xc3\xbc a"[usize::try_from(state >> 20 & 15).unwrap()];
            }
            let Some(out) = surrogate_header(&bytes) else { continue };
            for field in header::fields(&out) {
                assert!(field.raw.is_ascii() || std::str::from_utf8(field.raw).is_err(), "{bytes:?}");
            }
        }
    }
}
