//! What is kept of a message's own header for SEARCH, SORT and THREAD.

use crate::scanner::{Fields, Name};
use crate::summary::SentDate;
use crate::{date, encoded_word, varint};

/// How many bytes of decoded text are kept of one field, all its repetitions together.
pub const SEARCH_TEXT_MAX: usize = 16 << 10;

/// How many ids of References are kept: the first, which names the thread, and the last ones.
pub const REFERENCES_MAX: usize = 100;

/// Longest message id that is kept, in bytes; a longer one is no id.
pub const MESSAGE_ID_MAX: usize = 998;

const SEARCHABLE: [Name; 7] = [Name::Subject, Name::From, Name::Sender, Name::ReplyTo, Name::To, Name::Cc, Name::Bcc];

/// The texts of one message.
#[derive(Default)]
pub(crate) struct Texts {
    pub(crate) sent: Option<SentDate>,
    pub(crate) message_id: String,
    /// Ids with their lengths before them.
    pub(crate) references: Vec<u8>,
    /// Subject, From, Sender, Reply-To, To, Cc, Bcc.
    pub(crate) searchable: [String; 7],
    pub(crate) is_cut: bool,
}

impl Texts {
    /// Takes them from a header at its end.
    pub(crate) fn of(fields: &Fields) -> Self {
        let mut texts = Self { sent: fields.last(Name::Date).and_then(date::parse), ..Self::default() };
        let id = fields.last(Name::MessageId).and_then(|value| ids(value).next());
        texts.message_id = id.map(text).unwrap_or_default();
        let mut references: Vec<&[u8]> = fields.all(Name::References).flat_map(ids).collect();
        if references.is_empty() {
            references.extend(fields.all(Name::InReplyTo).flat_map(ids).take(1));
        }
        let surplus = references.len().saturating_sub(REFERENCES_MAX);
        if surplus > 0 {
            references.drain(1..=surplus);
        }
        for id in references {
            varint::put_bytes(&mut texts.references, text(id).as_bytes());
        }
        for (place, name) in texts.searchable.iter_mut().zip(SEARCHABLE) {
            for value in fields.all(name) {
                if !place.is_empty() {
                    place.push_str(", ");
                }
                // Decoding may cost a few times the bytes, but not more than the header that is kept.
                place.push_str(&encoded_word::decode(value));
                if place.len() > SEARCH_TEXT_MAX {
                    texts.is_cut = true;
                    place.truncate(place.floor_char_boundary(SEARCH_TEXT_MAX));
                    break;
                }
            }
        }
        texts
    }
}

fn text(id: &[u8]) -> String {
    String::from_utf8_lossy(id).into_owned()
}

/// The ids of a field: what stands between angle brackets (RFC 5322 §3.6.4), white space taken out of none.
fn ids(value: &[u8]) -> impl Iterator<Item = &[u8]> {
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
            if !id.is_empty() && id.len() <= MESSAGE_ID_MAX && !id.iter().any(u8::is_ascii_whitespace) {
                return Some(id);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_among_what_else_stands_there() {
        let found = |value: &str| ids(value.as_bytes()).map(text).collect::<Vec<_>>().join(" ");
        assert_eq!(found("<a@b> (comment) <c@d>\r\n\t<e@f>junk"), "a@b c@d e@f");
        assert_eq!(found("Your message of <x <a@b> <> <a b> <open"), "a@b");
        assert_eq!(found(&format!("<{}> <{}>", "i".repeat(MESSAGE_ID_MAX), "i".repeat(MESSAGE_ID_MAX + 1))).len(), 998);
    }
}
