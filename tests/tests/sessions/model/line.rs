//! Untagged answers, read apart.

use std::collections::BTreeSet;

/// What one line says about the open mailbox.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Exists(usize),
    Expunge(usize),
    Vanished {
        earlier: bool,
        uids: Vec<(u32, u32)>,
    },
    Fetch(Fetched),
    /// `UIDFETCH`; its UID stands in front.
    UidFetch(Fetched),
    Search(Vec<u32>),
    HighestModSeq(u64),
    UidValidity(u32),
    Closed,
    Bye,
    Other,
}

/// A FETCH answer; `number` is the sequence number, or the UID of a UIDFETCH.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fetched {
    pub(super) number: u32,
    pub(super) uid: Option<u32>,
    pub(super) flags: Option<BTreeSet<String>>,
    pub(super) modseq: Option<u64>,
}

pub(super) fn read(line: &str) -> Said {
    let rest = line.strip_prefix("* ").expect("an untagged line");
    if let Some(code) = code(rest) {
        return match code.split_once(' ').unwrap_or((code, "")) {
            ("HIGHESTMODSEQ", number) => Said::HighestModSeq(number.parse().unwrap()),
            ("UIDVALIDITY", number) => Said::UidValidity(number.parse().unwrap()),
            ("CLOSED", _) => Said::Closed,
            _ => Said::Other,
        };
    }
    if let Some(found) = rest.strip_prefix("SEARCH") {
        let numbers = found.split('(').next().unwrap().split_whitespace();
        return Said::Search(numbers.map(|number| number.parse().unwrap()).collect());
    }
    if let Some(gone) = rest.strip_prefix("VANISHED ") {
        let earlier = gone.strip_prefix("(EARLIER) ");
        return Said::Vanished { earlier: earlier.is_some(), uids: set(earlier.unwrap_or(gone)) };
    }
    let Some((number, what)) = rest.split_once(' ') else { return Said::Other };
    let Ok(number) = number.parse::<u32>() else {
        return if number == "BYE" { Said::Bye } else { Said::Other };
    };
    match what.split_once(' ').unwrap_or((what, "")) {
        ("EXISTS", _) => Said::Exists(number as usize),
        ("EXPUNGE", _) => Said::Expunge(number as usize),
        ("FETCH", items) => Said::Fetch(fetched(number, items)),
        ("UIDFETCH", items) => Said::UidFetch(Fetched { uid: Some(number), ..fetched(number, items) }),
        _ => Said::Other,
    }
}

/// The code in brackets of a status, without its tag.
pub(super) fn code(status: &str) -> Option<&str> {
    let (kind, rest) = status.split_once(' ')?;
    let is_status = ["OK", "NO", "BAD"].contains(&kind);
    is_status.then(|| rest.strip_prefix('[')?.split(']').next()).flatten()
}

/// A set of UIDs, as ranges.
pub(super) fn set(text: &str) -> Vec<(u32, u32)> {
    let range = |range: &str| {
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        (first.parse().unwrap(), last.parse().unwrap())
    };
    text.split(',').map(range).collect()
}

fn fetched(number: u32, items: &str) -> Fetched {
    let behind = |name: &str, end: char| items.split_once(name).and_then(|(_, rest)| rest.split(end).next());
    let uid = behind("UID ", ' ').map(|text| text.trim_end_matches(')').parse().unwrap());
    let modseq = behind("MODSEQ (", ')').map(|text| text.parse().unwrap());
    // \Recent is another session's matter.
    let words = |text: &str| text.split(' ').filter(|f| !f.is_empty() && *f != "\\Recent").map(str::to_owned).collect();
    let flags = behind("FLAGS (", ')').map(words);
    Fetched { number, uid, flags, modseq }
}

#[test]
fn lines_are_read_apart() {
    let flags = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    let whole = Fetched { number: 3, uid: Some(9), flags: flags(&["\\Seen", "$a"]), modseq: Some(12) };
    assert_eq!(read("* 3 FETCH (UID 9 MODSEQ (12) FLAGS (\\Seen $a \\Recent))"), Said::Fetch(whole));
    let bare = Fetched { number: 9, uid: Some(9), flags: flags(&[]), modseq: None };
    assert_eq!(read("* 9 UIDFETCH (FLAGS ())"), Said::UidFetch(bare));
    assert_eq!(read("* 3 FETCH (UID 9)"), Said::Fetch(Fetched { number: 3, uid: Some(9), ..Fetched::default() }));
    assert_eq!(read("* VANISHED (EARLIER) 1,3:4"), Said::Vanished { earlier: true, uids: vec![(1, 1), (3, 4)] });
    assert_eq!(read("* OK [HIGHESTMODSEQ 7] x"), Said::HighestModSeq(7));
    assert_eq!(read("* SEARCH 1 4 (MODSEQ 9)"), Said::Search(vec![1, 4]));
    assert_eq!(read("* 4 EXPUNGE"), Said::Expunge(4));
    assert_eq!(read("* FLAGS (\\Seen)"), Said::Other);
}
