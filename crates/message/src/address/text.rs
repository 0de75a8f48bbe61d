//! An address list as SEARCH and SORT see it: the parts that ENVELOPE shows, decoded, in one text.

use super::{AddressEntry, parse_list};
use crate::encoded_word;

/// Where the parts of a list's first entry lie in its text, for SORT (RFC 5256 §3, RFC 5957 §3). Offsets in bytes; all
/// are zero where there is no entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct First {
    /// Behind the display name, which stands first.
    pub(crate) name_end: usize,
    /// Where the mailbox begins; for a group its name.
    pub(crate) mailbox_start: usize,
    /// Where it ends.
    pub(crate) mailbox_end: usize,
    /// Behind the host, which follows the mailbox after an at sign.
    pub(crate) address_end: usize,
}

/// Reads a list of addresses as text: `name <mailbox@host>, group: mailbox@host;`.
#[derive(Debug, Default)]
pub(crate) struct ListText {
    /// The text so far.
    pub(crate) text: String,
    /// What stands first in it.
    pub(crate) first: First,
    has_any: bool,
    is_after_group: bool,
}

impl ListText {
    /// Appends a field's value.
    pub(crate) fn add(&mut self, value: &[u8]) {
        parse_list(value, |entry| self.entry(&entry));
    }

    fn entry(&mut self, entry: &AddressEntry) {
        let Some(mailbox) = entry.mailbox.as_deref() else {
            self.text.push(';');
            self.is_after_group = false;
            return;
        };
        if self.has_any {
            self.text.push_str(if self.is_after_group { " " } else { ", " });
        }
        let name = entry.name.as_deref().map(spaced).unwrap_or_default();
        self.text.push_str(&name);
        let mut first = First { name_end: self.text.len(), ..First::default() };
        if !name.is_empty() {
            self.text.push_str(" <");
        }
        if let Some(route) = &entry.route {
            self.text.push_str(&encoded_word::decode(route));
            self.text.push(':');
        }
        first.mailbox_start = self.text.len();
        self.text.push_str(&encoded_word::decode(mailbox));
        first.mailbox_end = self.text.len();
        self.is_after_group = entry.domain.is_none();
        if let Some(domain) = &entry.domain {
            self.text.push('@');
            self.text.push_str(&encoded_word::decode(domain));
            first.address_end = self.text.len();
        } else {
            first.address_end = self.text.len();
            self.text.push(':');
        }
        if !name.is_empty() {
            self.text.push('>');
        }
        if !self.has_any {
            self.first = first;
        }
        self.has_any = true;
    }
}

/// The text of an address list as SEARCH looks at it: what ENVELOPE shows, decoded (RFC 9051 §6.4.4).
pub fn list_text(value: &[u8]) -> String {
    let mut list = ListText::default();
    list.add(value);
    list.text
}

/// A display name decoded, its white space as ENVELOPE shows it.
fn spaced(name: &[u8]) -> String {
    let decoded = encoded_word::decode(name);
    let mut out = String::with_capacity(decoded.len());
    for word in decoded.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_reads_as_envelope_shows_it() {
        for (value, text) in [
            ("user-from (comment)@ (comment) example.org", "comment <user-from@example.org>"),
            ("a@example.org (Anna)", "Anna <a@example.org>"),
            ("=?utf-8?q?J=C3=B6rg?=\r\n  \"M, \\\"x\\\"\" <\"j\"@example.org>", "Jörg M, \"x\" <j@example.org>"),
            ("one: a@b, \"B\" <c@d>;, two:;, e@f", "one: a@b, B <c@d>;, two:;, e@f"),
            ("<@r.example:a@b>", "@r.example:a@b"),
            ("", ""),
            ("bob", "bob@"),
        ] {
            assert_eq!(list_text(value.as_bytes()), text);
        }
    }

    #[test]
    fn the_parts_of_the_first_entry_are_known() {
        let parts = |value: &str| {
            let mut list = ListText::default();
            list.add(value.as_bytes());
            let First { name_end, mailbox_start, mailbox_end, address_end } = list.first;
            [0..name_end, mailbox_start..mailbox_end, mailbox_start..address_end].map(|r| list.text[r].to_owned())
        };
        assert_eq!(parts("Ann <a@b>, c@d"), ["Ann", "a", "a@b"]);
        assert_eq!(parts("<@x:a@b>, c@d"), ["", "a", "a@b"]);
        assert_eq!(parts("group: a@b;"), ["", "group", "group"]);
        assert_eq!(parts(""), ["", "", ""]);
    }
}
