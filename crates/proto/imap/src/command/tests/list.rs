//! LIST, LSUB and STATUS.

use super::*;
use crate::command::list::LIST_PATTERNS_MAX;

fn list(text: &str) -> List {
    match parse(text) {
        Ok(Command::List(list)) => list,
        other => panic!("{text}: {other:?}"),
    }
}

fn patterns(text: &str) -> Vec<String> {
    list(text).patterns.expect("patterns").iter().map(|p| p.as_str().to_owned()).collect()
}

#[test]
fn list_takes_one_pattern_or_several() {
    assert_eq!(patterns("LIST a/ %"), ["a/%"]);
    assert_eq!(patterns("LIST a/ (% b \"/c d\")"), ["a/%", "a/b", "c d"]);
    assert_eq!(list("LIST \"\" \"\"").patterns, None);
    assert!(!list("LIST \"\" *").extended);
    for extended in ["LIST () \"\" *", "LIST \"\" (*)", "LIST \"\" * RETURN ()"] {
        assert!(list(extended).extended, "{extended}");
    }
    let many = |n: usize| format!("LIST \"\" ({})", vec!["a"; n].join(" "));
    assert_eq!(patterns(&many(LIST_PATTERNS_MAX)).len(), LIST_PATTERNS_MAX);
    assert!(matches!(parse(&many(LIST_PATTERNS_MAX + 1)), Err(ParseError::Refusal(Code::Limit, _))));
}

#[test]
fn an_extended_list_ignores_empty_and_broken_patterns() {
    assert_eq!(patterns("LIST \"\" (\"\" a)"), ["a"]);
    assert_eq!(patterns("LIST () \"\" \"\""), [""; 0]);
    assert_eq!(patterns("LIST \"\" (& a)"), ["a"]);
    assert!(matches!(parse("LIST \"\" &"), Err(ParseError::Refusal(Code::Cannot, _))));
}

#[test]
fn list_takes_each_option_once() {
    use SelectOption::{RecursiveMatch, Remote, SpecialUse, Subscribed};
    let all = list("LIST (SPECIAL-USE remote SUBSCRIBED RECURSIVEMATCH subscribed) \"\" *");
    assert_eq!(all.select, [SpecialUse, Remote, Subscribed, RecursiveMatch]);
    assert!(all.tells_subscriptions());
    let returns = list("LIST \"\" * RETURN (CHILDREN SUBSCRIBED STATUS (MESSAGES size) children SPECIAL-USE)");
    assert!(returns.tells_subscriptions());
    assert_eq!(returns.status_items(), Some([StatusItem::Messages, StatusItem::Size].as_slice()));
    assert_eq!(returns.returns.len(), 4);
    assert!(!list("LIST () \"\" *").tells_subscriptions());
}

#[test]
fn list_and_lsub_refuse_what_they_do_not_know() {
    let Ok(Command::Lsub(lsub)) = parse("LSUB \"\" \"*\"") else { panic!("LSUB takes a pattern") };
    assert_eq!(lsub.pattern.as_str(), "*");
    all_bad(&[
        "LIST",
        "LIST \"\"",
        "LIST \"\" * RETURN",
        "LIST \"\" * RETURN (STATUS)",
        "LIST \"\" * RETURN (STATUS ())",
        "LIST \"\" * RETURN (STATUS (WEATHER))",
        "LIST \"\" * RETURN (REMOTE)",
        "LIST (RECURSIVEMATCH) \"\" *",
        "LIST (RECURSIVEMATCH REMOTE) \"\" *",
        "LIST (RECURSIVEMATCH SPECIAL-USE) \"\" *",
        "LIST (CHILDREN) \"\" *",
        "LIST (SUBSCRIBED \"\" *",
        "LIST ( SUBSCRIBED) \"\" *",
        "LIST \"\" ()",
        "LIST \"\" (a b",
        "LIST \"\" (a) b",
        "LSUB \"\"",
        "LSUB \"\" * RETURN (CHILDREN)",
        "LSUB \"\" (a b)",
    ]);
}

#[test]
fn status_takes_each_value_once() {
    use StatusItem::{Deleted, HighestModSeq, Messages, Recent, Size, UidNext, UidValidity, Unseen};
    let items = vec![Messages, Recent, UidNext, UidValidity, Unseen, HighestModSeq, Size, Deleted];
    let text = "STATUS a (MESSAGES RECENT UIDNEXT uidvalidity UNSEEN MESSAGES HIGHESTMODSEQ SIZE DELETED)";
    assert_eq!(parse(text), Ok(Command::Status(Status { mailbox: name("a"), items })));
    all_bad(&[
        "STATUS a",
        "STATUS a ()",
        "STATUS a MESSAGES",
        "STATUS a (WEATHER)",
        "STATUS a (MESSAGES",
        "STATUS (MESSAGES)",
    ]);
}

#[test]
fn xlist_takes_a_reference_and_a_pattern() {
    let all = list("XLIST \"\" \"*\"");
    assert!(all.xlist && !all.extended);
    assert_eq!(all.patterns.unwrap()[0].as_str(), "*");
    all_bad(&["XLIST", "XLIST \"\"", "XLIST \"\" (a b)", "XLIST \"\" * RETURN ()", "XLIST (SUBSCRIBED) \"\" *"]);
}

#[test]
fn imap4rev2_has_no_recent() {
    let mut rev2 = crate::Enabled::default();
    rev2.enable(Extension::Imap4Rev2);
    let status =
        |text: &'static str| crate::command::status::parse(&mut Cursor::new(text.as_bytes()).with(rev2), false);
    assert!(status(" a (MESSAGES)").is_ok());
    assert!(matches!(status(" a (MESSAGES RECENT)"), Err(ParseError::Syntax(_))));
}
