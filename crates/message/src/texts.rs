//! What is kept of a message's own header for SEARCH, SORT and THREAD.

use crate::address::{First, ListText};
use crate::scanner::{Fields, Name};
use crate::summary::SentDate;
use crate::{date, encoded_word, varint};

/// How many bytes of decoded text are kept of one field, all its repetitions together.
pub const SEARCH_TEXT_MAX: usize = 16 << 10;

/// How many ids of References are kept: the first, which names the thread, and the last ones.
pub const REFERENCES_MAX: usize = 100;

/// Longest message id that is kept, in bytes; a longer one is no id.
pub const MESSAGE_ID_MAX: usize = 998;

const ADDRESSES: [Name; 6] = [Name::From, Name::Sender, Name::ReplyTo, Name::To, Name::Cc, Name::Bcc];

/// The texts of one message.
#[derive(Default)]
pub(crate) struct Texts {
    pub(crate) sent: Option<SentDate>,
    pub(crate) message_id: String,
    /// Ids with their lengths before them.
    pub(crate) references: Vec<u8>,
    /// Of several the last, as ENVELOPE shows it.
    pub(crate) subject: String,
    /// From, Sender, Reply-To, To, Cc, Bcc: all addresses of all such fields.
    pub(crate) addresses: [String; 6],
    /// What stands first in From, To and Cc: four numbers each.
    pub(crate) firsts: Vec<u8>,
    pub(crate) is_cut: bool,
    pub(crate) is_subject_repeated: bool,
}

impl Texts {
    /// Takes them from a header at its end.
    pub(crate) fn of(fields: &Fields) -> Self {
        let mut texts = Self { sent: fields.last(Name::Date).and_then(date::parse), ..Self::default() };
        // What was left out of the header was left out of the texts too.
        texts.is_cut = fields.is_limited();
        texts.message_id = fields.last(Name::MessageId).and_then(|value| ids(value).next()).unwrap_or_default();
        let mut references: Vec<String> = fields.all(Name::References).flat_map(ids).collect();
        if references.is_empty() {
            references.extend(fields.all(Name::InReplyTo).flat_map(ids).take(1));
        }
        let surplus = references.len().saturating_sub(REFERENCES_MAX);
        if surplus > 0 {
            references.drain(1..=surplus);
        }
        for id in references {
            varint::put_bytes(&mut texts.references, id.as_bytes());
        }
        texts.is_subject_repeated = fields.all(Name::Subject).nth(1).is_some();
        if let Some(subject) = fields.last(Name::Subject) {
            texts.subject = encoded_word::decode(subject.trim_ascii());
            texts.is_cut |= cut(&mut texts.subject);
        }
        for (place, name) in texts.addresses.iter_mut().zip(ADDRESSES) {
            let mut list = ListText::default();
            for value in fields.all(name) {
                // Decoding may cost a few times the bytes, but not more than the header that is kept.
                list.add(value);
                if list.text.len() > SEARCH_TEXT_MAX {
                    break;
                }
            }
            texts.is_cut |= cut(&mut list.text);
            if matches!(name, Name::From | Name::To | Name::Cc) {
                put_first(list.first, list.text.len(), &mut texts.firsts);
            }
            *place = list.text;
        }
        texts
    }
}

/// Tells whether it was too long.
fn cut(text: &mut String) -> bool {
    let is_long = text.len() > SEARCH_TEXT_MAX;
    text.truncate(text.floor_char_boundary(SEARCH_TEXT_MAX));
    is_long
}

fn put_first(first: First, length: usize, out: &mut Vec<u8>) {
    for at in [first.name_end, first.mailbox_start, first.mailbox_end, first.address_end] {
        varint::put(out, varint::size(at.min(length)));
    }
}

/// The ids of a field in their normal form: what stands between angle brackets and is a `msg-id` (RFC 5322 §3.6.4)
/// without white space.
fn ids(value: &[u8]) -> impl Iterator<Item = String> {
    let mut rest = value;
    std::iter::from_fn(move || {
        loop {
            let start = memchr::memchr(b'<', rest)?;
            let inner = rest.get(start.saturating_add(1)..)?;
            let end = memchr::memchr(b'>', inner)?;
            let (id, after) = inner.split_at_checked(end)?;
            rest = after;
            // A bracket that does not close is passed over with what follows it.
            let id = id.rsplit(|b| *b == b'<').next().unwrap_or(id).trim_ascii();
            if id.len() <= MESSAGE_ID_MAX && !id.iter().any(u8::is_ascii_whitespace) && is_id(id) {
                return Some(normal(id));
            }
        }
    })
}

/// `id-left "@" id-right`
fn is_id(id: &[u8]) -> bool {
    let at = memchr::memrchr(b'@', id).unwrap_or(0);
    at > 0 && at + 1 < id.len()
}

/// Quotes that need not be there say nothing (RFC 5256 §3): they go, and so do the backslashes of quoted pairs.
fn normal(id: &[u8]) -> String {
    if memchr::memchr2(b'"', b'\\', id).is_none() {
        return String::from_utf8_lossy(id).into_owned();
    }
    let mut out = Vec::with_capacity(id.len());
    let mut bytes = id.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => {}
            b'\\' => out.extend(bytes.next()),
            other => out.push(*other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_among_what_else_stands_there() {
        let found = |value: &str| ids(value.as_bytes()).collect::<Vec<_>>().join(" ");
        assert_eq!(found("<a@b> (comment) <c@d>\r\n\t<e@f>junk"), "a@b c@d e@f");
        assert_eq!(found("Your message of <x <a@b> <> <a b> <open"), "a@b");
        assert_eq!(found("<no.at> <@b> <a@> <a@b>"), "a@b");
        let long = |length: usize| format!("<a@{}>", "i".repeat(length - 2));
        assert_eq!(found(&(long(MESSAGE_ID_MAX) + &long(MESSAGE_ID_MAX + 1))).len(), 998);
    }

    #[test]
    fn an_id_is_the_same_however_it_is_quoted() {
        let found = |value: &str| ids(value.as_bytes()).next();
        for same in ["<01KF8@x.example>", "<\"01KF8\"@x.example>", "<\"01\\KF8\"@x.example>"] {
            assert_eq!(found(same).as_deref(), Some("01KF8@x.example"));
        }
        assert_eq!(found("<\"a\\\"b\"@x>").as_deref(), Some("a\"b@x"));
    }
}
