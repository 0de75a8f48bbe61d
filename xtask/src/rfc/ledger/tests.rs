//! A good ledger, and one fault at a time.

use super::*;

const LEDGER: &str = r#"
unread = [2033]
[protocol.imap]
title = "IMAP"
announced_in = ["registry.rs"]
commands = ["IDLE", "UID MOVE"]
words = ["ALERT"]
[[extension]]
protocol = "imap"
name = "IDLE"
rfc = [2177]
capability = "IDLE"
status = "whole"
room = "idle.rs"
tests = ["tests/transcripts/imap/idle", "idle_wakes"]
[[extension]]
protocol = "imap"
name = "QRESYNC"
rfc = [7162]
capability = "QRESYNC"
status = "planned"
"#;

const REGISTRY: &str =
    "row(\"IDLE\"); row(\"ALERT\"); row(\"Words of a text\");\n#[cfg(test)]\nmod tests { \"QRESYNC\" }";

fn problems(ledger: &str, registry: &str) -> Vec<String> {
    let there = ["idle.rs", "tests/transcripts/imap/idle", "tests/transcripts/imap/uid_move", "idle_wakes"];
    let sources = BTreeMap::from([("registry.rs", registry.to_owned())]);
    let found = Ledger::parse(ledger).unwrap().compare(&sources, &|name| there.contains(&name));
    found.into_iter().map(|problem| problem.text).collect()
}

#[test]
fn a_good_ledger_passes() {
    assert!(problems(LEDGER, REGISTRY).is_empty());
}

#[test]
fn what_is_announced_but_not_whole_is_found() {
    let found = problems(LEDGER, &format!("\"QRESYNC\" {REGISTRY}"));
    assert_eq!(found, ["imap QRESYNC: announced as QRESYNC but not whole"]);
}

#[test]
fn what_is_announced_but_not_in_the_ledger_is_found() {
    assert_eq!(problems(LEDGER, &format!("\"MOVE\" {REGISTRY}")), ["`MOVE` is not in docs/rfc.toml"]);
    assert_eq!(problems(LEDGER, &format!("\"AUTH={{x}} SASL-IR\" {REGISTRY}")).len(), 2);
}

#[test]
fn the_name_of_a_row_announces_nothing_where_rows_say_what_they_announce() {
    let silent = "row(\"IDLE\", parse); row(\"ALERT\", parse).announced(\"ALERT\")";
    assert_eq!(problems(LEDGER, silent), ["imap IDLE: whole, but IDLE is announced nowhere"]);
    assert!(problems(LEDGER, "row(\"IDLE\", parse).announced(\"IDLE\"); row(\"ALERT\")").is_empty());
    assert_eq!(
        problems(LEDGER, &format!("row(\"MOVE\"); x.announced(\"IDLE\"); {REGISTRY}")),
        ["`MOVE` is not in docs/rfc.toml"]
    );
}

#[test]
fn what_is_whole_but_not_announced_is_found() {
    assert_eq!(problems(LEDGER, "row(\"ALERT\")"), ["imap IDLE: whole, but IDLE is announced nowhere"]);
}

#[test]
fn a_missing_room_and_a_missing_test_are_found() {
    assert_eq!(problems(&LEDGER.replace("\"idle.rs\"", "\"gone.rs\""), REGISTRY).len(), 1);
    assert_eq!(problems(&LEDGER.replace("idle_wakes", "gone"), REGISTRY), ["imap IDLE: no test `gone`"]);
    let without = LEDGER.replace("tests = [\"tests/transcripts/imap/idle\", \"idle_wakes\"]", "");
    assert_eq!(problems(&without, REGISTRY), ["imap IDLE: whole without a test"]);
}

#[test]
fn a_command_without_transcripts_is_found() {
    assert_eq!(problems(&LEDGER.replace("\"UID MOVE\"", "\"NOOP\""), REGISTRY).len(), 1);
}

#[test]
fn a_row_of_no_protocol_and_an_unknown_field_are_found() {
    let stray = LEDGER.replacen("protocol = \"imap\"", "protocol = \"imaq\"", 1);
    assert_eq!(problems(&stray, REGISTRY), ["IDLE: no such protocol"]);
    assert!(Ledger::parse(&LEDGER.replace("room =", "rooms =")).is_err());
}

#[test]
fn words_that_look_like_capabilities() {
    for word in ["IDLE", "IMAP4rev1", "AUTH=PLAIN", "LITERAL+", "8BITMIME", "UTF8=ACCEPT"] {
        assert!(is_capability(word), "{word}");
    }
    for word in ["A", "Words", "", "text/plain", "NO."] {
        assert!(!is_capability(word), "{word}");
    }
}
