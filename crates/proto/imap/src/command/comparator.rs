//! COMPARATOR (RFC 5255 §4.7).

use super::Command;
use super::language::parse_words;
use crate::codec::{Cursor, ParseError};

/// Most collations of one command.
pub const COMPARATORS_MAX: usize = 32;

/// The collation by which SEARCH, SORT and THREAD compare; there is no other (RFC 5255 §4.4 asks for it alone).
pub const COMPARATOR: &str = "i;unicode-casemap";

/// Which collation to use; without an order the active one is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparator {
    /// Collations in the order of preference, perhaps with wildcards (RFC 4790 §3.2).
    pub order: Vec<Box<str>>,
}

impl Comparator {
    /// Whether one of them is [`COMPARATOR`]: `default`, its name, or a name with `*` for any run of characters
    /// (RFC 4790 §3.2), in linear time: each piece between wildcards is found as far left as it can be.
    pub fn is_known(&self) -> bool {
        self.order.iter().any(|wanted| wanted.eq_ignore_ascii_case("default") || fits(wanted, COMPARATOR))
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        let Some((_, behind)) = rest.split_once(piece) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

/// ```text
/// comparator-cmd = "COMPARATOR" *(SP comp-order-quoted)
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    let order = parse_words(cursor, COMPARATORS_MAX, "There are too many comparators")?;
    Ok(Command::Comparator(Comparator { order }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collation_is_known_by_its_name_or_a_wildcard() {
        for (pattern, expected) in [
            ("i;unicode-casemap", true),
            ("DEFAULT", true),
            ("*", true),
            ("i;*", true),
            ("i;*case*", true),
            ("*casemap", true),
            ("i;*x*", false),
            ("i;octet", false),
            ("i;unicode-casemap*map", false),
            ("", false),
        ] {
            assert_eq!(Comparator { order: vec![pattern.into()] }.is_known(), expected, "{pattern}");
        }
        assert!(Comparator { order: vec!["cz;*".into(), "i;*".into()] }.is_known());
    }
}
