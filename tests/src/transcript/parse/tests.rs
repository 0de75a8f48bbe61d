//! Lines of transcripts and what they mean.

use super::*;

const C: Label = Label { protocol: Protocol::Imap, number: 1 };
const C2: Label = Label { protocol: Protocol::Imap, number: 2 };
const P: Label = Label { protocol: Protocol::Pop3, number: 1 };

fn actions(text: &str) -> Vec<Action> {
    parse("imap/noop/x.txt", text).unwrap().steps.into_iter().map(|step| step.action).collect()
}

fn refused(text: &str) -> String {
    format!("{:#}", parse("imap/noop/x.txt", text).unwrap_err())
}

fn line(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

#[test]
fn clients_and_servers_speak_on_their_connections() {
    let text = "# why\n\nC:  a NOOP\nS:  a OK ...\nC2: b NOOP\nS2: b OK ...\nP: STAT\nSP: +OK 1 2\n";
    assert_eq!(
        actions(text),
        [
            Action::Send(C, line("a NOOP")),
            Action::Expect(C, vec![line("a OK ...")]),
            Action::Send(C2, line("b NOOP")),
            Action::Expect(C2, vec![line("b OK ...")]),
            Action::Send(P, line("STAT")),
            Action::Expect(P, vec![line("+OK 1 2")]),
        ]
    );
}

#[test]
fn the_folder_names_the_protocol_and_its_letter_is_the_same_connection() {
    let steps = parse("pop3/stat/x.txt", "C: STAT\nP: STAT\nI: a NOOP\n").unwrap().steps;
    let labels: Vec<Label> = steps
        .iter()
        .filter_map(|step| match step.action {
            Action::Send(label, _) => Some(label),
            _ => None,
        })
        .collect();
    assert_eq!(labels, [P, P, C]);
    assert!(parse("gopher/x.txt", "").is_err());
}

#[test]
fn lines_in_any_order_are_one_step() {
    assert_eq!(
        actions("S*: one\nS*: two\nS: three\nS*: four\nS2*: five\n"),
        [
            Action::Expect(C, vec![line("one"), line("two")]),
            Action::Expect(C, vec![line("three")]),
            Action::Expect(C, vec![line("four")]),
            Action::Expect(C2, vec![line("five")]),
        ]
    );
}

#[test]
fn a_message_is_expected_line_by_line() {
    let found = actions("S: ($message(hello))\n");
    assert!(found.len() > 5);
    assert_eq!(found.last(), Some(&Action::Expect(C, vec![line(")")])));
}

#[test]
fn ends_handshakes_gaps_and_time() {
    assert_eq!(
        actions("C: ‹tls›\nS: ⋮\nwait: 31 minutes\nS: ‹closed›\nC2: ‹closed›\n"),
        [
            Action::Upgrade(C),
            Action::Skip(C),
            Action::Wait(Duration::from_mins(31)),
            Action::ExpectClosed(C),
            Action::Close(C2),
        ]
    );
}

#[test]
fn what_cannot_be_read_names_its_line() {
    assert_eq!(refused("\nX: a\n"), "line 2: X: a: nobody is called `X`");
    assert!(refused("hello\n").starts_with("line 1"));
    assert!(refused("wait: 3 weeks\n").contains("no unit"));
    assert!(refused("C: $message(gone)\n").contains("no message gone"));
    assert!(refused("C1: a\n").contains("nobody"));
    assert!(refused("given: the moon\n").contains("given"));
}
