use super::*;
use types::{Flags, ModSeq};

fn parse(text: &str) -> Result<SearchProgram, ParseError> {
    let mut cursor = Cursor::new(text.as_bytes());
    let program = SearchProgram::parse(&mut cursor)?;
    cursor.end()?;
    Ok(program)
}

/// The program in the form of the tests: operators before their operands.
fn shape(text: &str) -> String {
    let program = parse(text).unwrap();
    let nodes = program.nodes().iter().map(|node| match node {
        SearchNode::And { end } => format!("&{end}"),
        SearchNode::Or { end } => format!("|{end}"),
        SearchNode::Not { end } => format!("!{end}"),
        SearchNode::Key(key) => format!("{key:?}"),
    });
    nodes.collect::<Vec<_>>().join(" ")
}

#[test]
fn every_key_is_read() {
    for text in [
        "ALL",
        "ANSWERED",
        "BCC x",
        "BEFORE 1-Feb-1994",
        "BODY \"a b\"",
        "CC x",
        "DELETED",
        "DRAFT",
        "FLAGGED",
        "FROM \"Smith\"",
        "HEADER Message-ID \"\"",
        "KEYWORD $Junk",
        "LARGER 0",
        "NEW",
        "OLD",
        "ON \"1-Feb-1994\"",
        "RECENT",
        "SEEN",
        "SENTBEFORE 1-Feb-1994",
        "SENTON 1-Feb-1994",
        "SENTSINCE 1-Feb-1994",
        "SINCE 1-Feb-1994",
        "SMALLER 4294967295",
        "SUBJECT {3}\r\na)b",
        "TEXT ü",
        "TO x",
        "UID 1:*",
        "UNANSWERED",
        "UNDELETED",
        "UNDRAFT",
        "UNFLAGGED",
        "UNKEYWORD a",
        "UNSEEN",
        "1,3:5,*",
        "YOUNGER 1",
        "OLDER 4294967295",
        "SAVEDBEFORE 1-Feb-1994",
        "SAVEDON 1-Feb-1994",
        "SAVEDSINCE 1-Feb-1994",
        "SAVEDATESUPPORTED",
        "EMAILID M1-f",
        "THREADID a_b-9",
        "UIDAFTER 7",
        "UIDBEFORE 7",
        "$",
        "UID $",
        "MODSEQ 620162338",
        "MODSEQ \"/flags/\\\\draft\" all 620162338",
    ] {
        let text = text.replace("TEXT ü", "TEXT \"ü\"");
        let program = parse(&text).unwrap_or_else(|e| panic!("{text}: {e:?}"));
        assert_eq!(program.keys().count(), 1);
        assert!(parse(&text.replace("FROM", "from")).is_ok() && parse(&format!("{text} ")).is_ok());
        assert!(parse(&format!("NOT {text}")).is_ok() && parse(&format!("({text})")).is_ok());
    }
}

#[test]
fn what_is_no_key_is_refused() {
    for bad in [
        "",
        "X",
        "NOT",
        "NOT ",
        "OR ALL",
        "OR ALL ",
        "OR",
        "()",
        "(ALL",
        "ALL)",
        "( ALL)",
        "ALL  ALL",
        "(ALL )",
        "FROM",
        "FROM ",
        "HEADER a",
        "LARGER x",
        "LARGER 4294967296",
        "BEFORE 30-Feb-2000",
        "KEYWORD \"a\"",
        "UID",
        "MODSEQ",
        "MODSEQ \"/flags/\" all 1",
        "MODSEQ \"/other/x\" all 1",
        "MODSEQ \"/flags/x\" none 1",
        "SUBJECT \"a",
        "ANSWEREDX",
        "VERYLONGKEYNAME",
        "NOTALL",
        "YOUNGER 0",
        "OLDER 4294967296",
        "OLDER",
        "EMAILID",
        "EMAILID \"a\"",
        "EMAILID a.b",
        "UIDAFTER 0",
        "UIDBEFORE *",
        "SAVEDATESUPPORTED x",
        "$,1",
        "$$",
        "UID $,1",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
    let mut cursor = Cursor::new(b"FROM \"\xff\"");
    assert!(SearchProgram::parse(&mut cursor).is_err(), "text is UTF-8");
}

#[test]
fn operators_stand_before_their_operands() {
    assert_eq!(shape("ALL"), "&2 All");
    assert_eq!(shape("NEW OLD"), "&3 New Old");
    assert_eq!(shape("OR NEW NOT OLD"), "&5 |5 New !5 Old");
    assert_eq!(shape("NOT (NEW OLD) RECENT"), "&6 !5 &5 New Old Recent");
    assert_eq!(shape("OR (NEW OLD) (ALL)  ".trim_end()), "&7 |7 &5 New Old &7 All");
    assert_eq!(shape("NOT NOT OR OR NEW OLD ALL"), "&8 !8 !8 |8 |7 New Old All");
}

#[test]
fn a_search_is_nested_only_so_deep_and_has_only_so_many_keys() {
    for unit in ["NOT ", "("] {
        let nested = |n: usize| {
            let close = if unit == "(" { ")".repeat(n) } else { String::new() };
            parse(&format!("{}ALL{close}", unit.repeat(n)))
        };
        let deepest = nested(SEARCH_DEPTH_MAX).unwrap();
        assert_eq!(deepest.evaluate(|_| true), unit == "(" || SEARCH_DEPTH_MAX.is_multiple_of(2));
        assert!(nested(SEARCH_DEPTH_MAX + 1).is_err());
    }
    let many = |n: usize| parse(&vec!["ALL"; n].join(" "));
    assert!(many(SEARCH_NODES_MAX - 1).is_ok() && many(SEARCH_NODES_MAX).is_err());
}

#[test]
fn endless_nesting_is_refused_at_once() {
    for unit in ["(", "NOT ", "OR ALL ", "OR (", "ALL "] {
        assert!(parse(&unit.repeat(100_000)).is_err());
    }
}

#[test]
fn the_modseq_key_is_noticed() {
    assert!(parse("OR NEW NOT MODSEQ 0").unwrap().uses_modseq() && !parse("ALL").unwrap().uses_modseq());
    assert_eq!(parse("MODSEQ 7").unwrap().keys().next(), Some(&SearchKey::ModSeq(ModSeq(7))));
}

/// Evaluates by recursion: the plain meaning.
fn plain(nodes: &[SearchNode], at: &mut usize, test: &impl Fn(&SearchKey) -> bool) -> bool {
    let node = &nodes[*at];
    *at += 1;
    match node {
        SearchNode::Key(key) => test(key),
        SearchNode::Not { .. } => !plain(nodes, at, test),
        SearchNode::Or { .. } => {
            let (a, b) = (plain(nodes, at, test), plain(nodes, at, test));
            a || b
        }
        SearchNode::And { end } => {
            let mut all = true;
            while *at < *end {
                all &= plain(nodes, at, test);
            }
            all
        }
    }
}

#[test]
fn evaluation_agrees_with_the_plain_meaning_on_random_programs() {
    let mut seed = 42u64;
    let mut random = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for _ in 0..2_000 {
        let mut text = String::from("K");
        for _ in 0..random(12) {
            let part = ["NOT K", "OR K K", "(K K)", "K K", "(K)", "(K NOT K K)"][usize::try_from(random(6)).unwrap()];
            let places: Vec<_> = text.match_indices('K').map(|(at, _)| at).collect();
            let at = places[usize::try_from(random(places.len() as u64)).unwrap()];
            text.replace_range(at..=at, part);
        }
        let keys = ["SEEN", "ANSWERED", "FLAGGED", "DELETED", "DRAFT"];
        while let Some(at) = text.find('K') {
            text.replace_range(at..=at, keys[usize::try_from(random(5)).unwrap()]);
        }
        let text = text.to_ascii_uppercase();
        let program = parse(&text).unwrap_or_else(|e| panic!("{text}: {e:?}"));
        for bits in 0..32 {
            let fits = |key: &SearchKey| matches!(key, SearchKey::Flag(flag) if Flags(bits).contains(*flag));
            assert_eq!(program.evaluate(fits), plain(program.nodes(), &mut 0, &fits), "{text} {bits}");
        }
    }
}

#[test]
fn an_object_id_has_a_limited_length() {
    let id = |length: usize| parse(&format!("EMAILID {}", "a".repeat(length)));
    assert!(id(255).is_ok() && id(256).is_err());
}

#[test]
fn texts_are_read_in_their_charset() {
    let read = |bytes: &[u8]| SearchProgram::parse_with_charset(&mut Cursor::new(bytes));
    let program = read(b"CHARSET KOI8-R SUBJECT \"\xcd\xc1\xd4\xd8\"").unwrap();
    assert_eq!(program.keys().next(), Some(&SearchKey::Subject("мать".into())));
    assert!(program.charset_known());
    let unknown = read(b"CHARSET x-nobody (OR $ 1,3000:3021) TEXT {4}\r\nXX X").unwrap();
    assert!(!unknown.charset_known());
    assert!(
        read(b"CHARSET UTF-8 TEXT \"\xcd\"").is_err()
            && read(b"CHARSET utf-16 TEXT a").is_ok_and(|p| !p.charset_known())
    );
}
