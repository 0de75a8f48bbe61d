//! The first addresses of fields, as SORT compares them.

use super::Summary;
use super::row::Slot;
use crate::varint;

/// Parts of the first entry of an address field; texts are decoded, and empty where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FirstAddress<'a> {
    /// `addr-mailbox` (RFC 5256 §3): for a group that stands first its name.
    pub mailbox: &'a str,
    /// The display name, or the address where there is none (RFC 5957 §3).
    pub display: &'a str,
}

/// Fields whose first address is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstOf {
    /// From
    From,
    /// To
    To,
    /// Cc
    Cc,
}

impl Summary {
    /// The first entry of an address field. At most [`SEARCH_TEXT_MAX`](crate::SEARCH_TEXT_MAX) bytes of it.
    pub fn first_address(&self, of: FirstOf) -> FirstAddress<'_> {
        let (place, text) = match of {
            FirstOf::From => (0, self.from()),
            FirstOf::To => (1, self.to()),
            FirstOf::Cc => (2, self.cc()),
        };
        let mut numbers = self.slot(Slot::Firsts);
        let mut next = || varint::take(&mut numbers).and_then(|at| usize::try_from(at).ok()).unwrap_or(0);
        for _ in 0..place {
            let _ = [next(), next(), next(), next()];
        }
        let [name_end, mailbox_start, mailbox_end, address_end] = [next(), next(), next(), next()];
        let part = |range| text.get(range).unwrap_or_default();
        let name = part(0..name_end);
        let display = if name.is_empty() { part(mailbox_start..address_end) } else { name };
        FirstAddress { mailbox: part(mailbox_start..mailbox_end), display }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scanner;

    #[test]
    fn first_addresses_are_those_of_envelope() {
        let summary = Scanner::scan(
            b"From: =?utf-8?q?J=C3=B6rg?= <j@example.org>, k@x\r\nTo:\r\nTo: group: a@b;\r\nCc: <@r:c@d>\r\n\r\n",
        );
        let first = |of| {
            let FirstAddress { mailbox, display } = summary.first_address(of);
            (mailbox, display)
        };
        assert_eq!(first(FirstOf::From), ("j", "Jörg"));
        assert_eq!(first(FirstOf::To), ("group", "group"));
        assert_eq!(first(FirstOf::Cc), ("c", "c@d"));
        assert_eq!(Scanner::scan(b"\r\n").first_address(FirstOf::From), FirstAddress::default());
    }
}
