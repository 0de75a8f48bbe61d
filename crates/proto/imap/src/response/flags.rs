//! Flag lists on the wire.

use bytes::BytesMut;
use types::{Flags, Keywords};

/// Every combination of the five system flags in wire order, so that a FETCH copies one string.
const SYSTEM: [&str; 32] = [
    "",
    "\\Seen",
    "\\Answered",
    "\\Answered \\Seen",
    "\\Flagged",
    "\\Flagged \\Seen",
    "\\Answered \\Flagged",
    "\\Answered \\Flagged \\Seen",
    "\\Deleted",
    "\\Deleted \\Seen",
    "\\Answered \\Deleted",
    "\\Answered \\Deleted \\Seen",
    "\\Flagged \\Deleted",
    "\\Flagged \\Deleted \\Seen",
    "\\Answered \\Flagged \\Deleted",
    "\\Answered \\Flagged \\Deleted \\Seen",
    "\\Draft",
    "\\Seen \\Draft",
    "\\Answered \\Draft",
    "\\Answered \\Seen \\Draft",
    "\\Flagged \\Draft",
    "\\Flagged \\Seen \\Draft",
    "\\Answered \\Flagged \\Draft",
    "\\Answered \\Flagged \\Seen \\Draft",
    "\\Deleted \\Draft",
    "\\Deleted \\Seen \\Draft",
    "\\Answered \\Deleted \\Draft",
    "\\Answered \\Deleted \\Seen \\Draft",
    "\\Flagged \\Deleted \\Draft",
    "\\Flagged \\Deleted \\Seen \\Draft",
    "\\Answered \\Flagged \\Deleted \\Draft",
    "\\Answered \\Flagged \\Deleted \\Seen \\Draft",
];

/// Writes flags with spaces between, without parentheses. Bits without a keyword are left out.
pub fn write_flags(out: &mut BytesMut, flags: Flags, keywords: &Keywords, recent: bool) {
    let system = usize::try_from(flags.system().0).ok().and_then(|place| SYSTEM.get(place)).copied().unwrap_or("");
    out.extend_from_slice(system.as_bytes());
    let mut gap = !system.is_empty();
    let mut write = |name: &str| {
        if gap {
            out.extend_from_slice(b" ");
        }
        gap = true;
        out.extend_from_slice(name.as_bytes());
    };
    if recent {
        write("\\Recent");
    }
    for keyword in flags.keyword_indexes().filter_map(|index| keywords.get(index)) {
        write(keyword.as_str());
    }
}

/// Writes the system flags and all these keywords in parentheses.
pub fn write_flag_list(out: &mut BytesMut, keywords: &Keywords) {
    out.extend_from_slice(b"(");
    write_flags(out, Flags::SYSTEM, keywords, false);
    for keyword in keywords {
        out.extend_from_slice(b" ");
        out.extend_from_slice(keyword.as_str().as_bytes());
    }
    out.extend_from_slice(b")");
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::Keyword;

    #[test]
    fn every_combination_of_system_flags_is_spelled_as_the_table_of_flags_says() {
        for bits in 0..32 {
            let expected = Flags::SYSTEM_NAMES.iter().filter(|(f, _)| Flags(bits).contains(*f)).map(|(_, n)| *n);
            let mut out = BytesMut::new();
            write_flags(&mut out, Flags(bits), &Keywords::default(), false);
            assert_eq!(out, expected.collect::<Vec<_>>().join(" ").as_bytes());
        }
    }

    #[test]
    fn recent_and_keywords_follow_and_unknown_bits_are_left_out() {
        let (table, junk) = Keywords::default().with(&Keyword::parse("$Junk").unwrap()).unwrap();
        let mut out = BytesMut::new();
        write_flags(&mut out, Flags::SEEN.union(junk).union(Flags(1 << 40)), &table, true);
        assert_eq!(&out[..], b"\\Seen \\Recent $Junk");
        out.clear();
        write_flag_list(&mut out, &table);
        assert_eq!(&out[..], b"(\\Answered \\Flagged \\Deleted \\Seen \\Draft $Junk)");
    }
}
