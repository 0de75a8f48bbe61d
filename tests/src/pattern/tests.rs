//! Lines that match and lines that do not.

use super::*;

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

fn found(text: &str, line: &[u8]) -> Option<Vec<(String, String)>> {
    let bound = Captures::from([("known".to_owned(), b"7".to_vec())]);
    let captures = pattern(text).matches(line, &bound)?;
    let new = captures.into_iter().filter(|(name, _)| name != "known");
    Some(new.map(|(name, value)| (name, String::from_utf8(value).unwrap())).collect())
}

#[test]
fn text_matches_itself_only() {
    assert!(found("a OK done", b"a OK done").is_some());
    assert!(found("a OK done", b"a OK done.").is_none());
    assert!(found("a OK done", b"a ok done").is_none());
    assert!(found("", b"").is_some());
}

#[test]
fn three_dots_match_any_run() {
    assert!(found("a OK ...", b"a OK Well done").is_some());
    assert!(found("a OK ...", b"a OK ").is_some());
    assert!(found("a ... done", b"a OK well done").is_some());
    assert!(found("a OK ...", b"a NO OK").is_none());
}

#[test]
fn an_open_capture_takes_a_word_and_a_bound_one_its_value() {
    let one = |name: &str, value: &str| Some(vec![(name.to_owned(), value.to_owned())]);
    assert_eq!(found("* OK [UIDNEXT $next] ...", b"* OK [UIDNEXT 12] Next"), one("next", "12"));
    assert_eq!(found("$a $a", b"x x"), one("a", "x"));
    assert_eq!(found("$a $a", b"x y"), None);
    assert_eq!(found("UID $known", b"UID 7"), Some(vec![]));
    assert_eq!(found("UID $known", b"UID 8"), None);
    assert_eq!(found("[$set]", b"[1:3,5]"), one("set", "1:3,5"));
    assert_eq!(found("$empty", b""), None);
}

#[test]
fn a_capital_after_the_sign_is_a_keyword() {
    assert!(found("FLAGS ($Forwarded)", b"FLAGS ($Forwarded)").is_some());
    assert!(found("$5", b"$5").is_some());
}

#[test]
fn raw_bytes_and_captures_are_sent() {
    let captures = Captures::from([("uid1".to_owned(), b"4".to_vec())]);
    assert_eq!(pattern("a ‹00 FF›$uid1,5").fill(&captures).unwrap(), b"a \x00\xff4,5");
    assert!(pattern("$uid2").fill(&captures).is_err());
    assert!(Pattern::parse("‹zz›").is_err());
    assert!(Pattern::parse("‹00").is_err());
    assert!(parse_sent("a ...").is_err());
}

#[test]
fn a_message_brings_its_lines_and_its_size() {
    let lines = pattern("{$size(hello)}‹0D 0A›$message(hello))").lines();
    let first = lines.first().unwrap().fill(&Captures::new()).unwrap();
    let size: usize = std::str::from_utf8(&first).unwrap().trim_matches(['{', '}']).parse().unwrap();
    assert_eq!(size, crate::messages::load("hello").unwrap().len());
    assert_eq!(lines.last().unwrap().fill(&Captures::new()).unwrap(), b")");
}

#[test]
fn unreadable_bytes_are_shown_as_a_transcript_writes_them() {
    assert_eq!(show(b"a\x00\xff\xc3\xa4"), "a‹00›‹FF›ä");
}
