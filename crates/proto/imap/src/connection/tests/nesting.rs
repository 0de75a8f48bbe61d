//! What is nested without end is refused, in time that grows with its length and no faster: a parser that looks at what it
//! has read again and again, or that recurses, does not come back from these.

use super::harness::{Driver, inside_tls};
use crate::connection::State;
use crate::limits::Limits;
use crate::registry::{COMMANDS, Spec, Stage};
use types::Octets;

const LEVELS: usize = 100_000;
const TOO_LONG: &str = "a BAD The command is too long\r\n";

/// Limits that let everything here come to the parsers.
fn wide() -> Limits {
    let wide = Octets::mib(8);
    Limits { command_before_login_max: wide, command_max: wide, literal_before_login_max: wide, ..Limits::default() }
}

/// A connection on which the command is legal.
fn driver(stage: Stage, limits: Limits) -> Driver {
    let mut driver = Driver::with_limits(limits, inside_tls());
    if stage != Stage::NotAuthenticated {
        driver.login();
        driver.connection.selected();
        assert_eq!(driver.connection.state(), State::Selected);
    }
    driver
}

/// The answer to a command that is refused.
fn refused(stage: Stage, limits: Limits, command: &str) -> String {
    let mut driver = driver(stage, limits);
    for piece in command.as_bytes().chunks(16 << 10) {
        driver.connection.receive(piece);
        let event = driver.poll();
        assert_eq!(event, None, "{} is not refused", &command[..command.len().min(60)]);
    }
    driver.output()
}

/// Refuses it as a whole when it is too long, and by its parser when it is not.
fn is_refused(stage: Stage, begin: &str, nested: &str, end: &str) {
    let command = format!("a {begin}{nested}{end}\r\n");
    let shown = &command[..command.len().min(60)];
    let answer = refused(stage, wide(), &command);
    assert!(answer.starts_with("a BAD ") || answer.starts_with("a NO ["), "{shown}: {answer}");
    assert!(!answer.contains(TOO_LONG), "{shown}: {answer}");
    let answer = refused(stage, Limits::default(), &command);
    assert!(answer.starts_with(TOO_LONG), "{shown}: {answer}");
}

/// Where lists, or what else nests, may stand, and what is nested there; `…` is where.
const PLACES: &[&str] = &[
    "SEARCH …",
    "SEARCH CHARSET UTF-8 …",
    "SEARCH RETURN …",
    "SEARCH RETURN (PARTIAL …",
    "SEARCH RETURN (UPDATE …",
    "SEARCH NOT …",
    "SEARCH OR ALL …",
    "SEARCH HEADER …",
    "SEARCH MODSEQ …",
    "UID SEARCH UID …",
    "SORT …",
    "SORT RETURN …",
    "SORT (SUBJECT) UTF-8 …",
    "THREAD REFS UTF-8 …",
    "ESEARCH IN …",
    "ESEARCH IN (mailboxes …",
    "ESEARCH IN (subtree (x …",
    "ESEARCH IN (personal …",
    "ESEARCH IN (personal) RETURN …",
    "ESEARCH IN (personal) …",
    "CANCELUPDATE …",
    "FETCH 1 …",
    "FETCH 1 (FLAGS …",
    "FETCH 1 BODY[…",
    "FETCH 1 BODY[HEADER.FIELDS …",
    "FETCH 1 BODY.PEEK[1.HEADER.FIELDS.NOT (x …",
    "FETCH 1 BINARY[…",
    "FETCH 1 (FLAGS) …",
    "FETCH 1 (FLAGS) (CHANGEDSINCE …",
    "FETCH 1 (FLAGS) (PARTIAL …",
    "STORE 1 …",
    "STORE 1 FLAGS …",
    "STORE 1 FLAGS (\\Seen …",
    "STORE 1 (UNCHANGEDSINCE …",
    "COPY 1 …",
    "MOVE 1 …",
    "LIST …",
    "LIST (SUBSCRIBED …",
    "LIST \"\" …",
    "LIST \"\" (x …",
    "LIST \"\" x RETURN …",
    "LIST \"\" x RETURN (STATUS …",
    "LIST \"\" x RETURN (METADATA …",
    "LSUB \"\" …",
    "STATUS x …",
    "STATUS x (MESSAGES …",
    "SELECT x …",
    "SELECT x (QRESYNC …",
    "SELECT x (QRESYNC (1 2 3 …",
    "CREATE x …",
    "CREATE x (USE …",
    "NOTIFY SET …",
    "NOTIFY SET (selected …",
    "NOTIFY SET (selected (MessageNew …",
    "NOTIFY SET (mailboxes …",
    "NOTIFY SET (subtree (x …",
    "GETMETADATA …",
    "GETMETADATA (DEPTH …",
    "GETMETADATA x …",
    "GETMETADATA x (/private …",
    "SETMETADATA x …",
    "SETMETADATA x (/private/comment …",
    "SETACL x …",
    "SETACL x anyone …",
    "LISTRIGHTS x …",
    "SETQUOTA x …",
    "SETQUOTA x (STORAGE …",
    "ID …",
    "ID (\"name\" …",
    "APPEND x …",
    "APPEND x (\\Seen …",
    "APPEND x CATENATE …",
    "APPEND x CATENATE (URL …",
    "APPEND x UTF8 …",
    "REPLACE 1 x …",
    "UID REPLACE 1 x CATENATE …",
    "UIDBATCHES …",
    "EXPUNGE …",
    "ENABLE …",
    "LANGUAGE …",
    "COMPARATOR …",
];

/// What is nested, and what closes it.
const NESTS: [(&str, &str); 5] = [("(", ""), ("(", ")"), ("((x) ", ""), ("(x (", "))"), ("\"\\\"", "")];
/// The same where a section may stand.
const BRACKETS: [(&str, &str); 3] = [("[", "]"), ("<", ">"), ("BODY[", "]")];

#[test]
fn lists_without_end_are_refused_wherever_one_may_stand() {
    for place in PLACES {
        let brackets = BRACKETS.iter().filter(|_| place.starts_with("FETCH"));
        for (open, close) in NESTS.iter().chain(brackets) {
            let (begin, end) = place.split_once('…').unwrap();
            is_refused(Stage::Selected, begin, &open.repeat(LEVELS), &format!("x{}{end}", close.repeat(LEVELS)));
        }
    }
}

#[test]
fn no_command_of_the_registry_takes_lists_without_end() {
    for Spec { name, stage, uid, .. } in COMMANDS {
        for front in ["", "1 ", "x ", "x y ", "\"\" ", "1 x "] {
            for uid in if *uid { &["", "UID "][..] } else { &[""] } {
                is_refused(*stage, &format!("{uid}{name} {front}"), &"(".repeat(LEVELS), &")".repeat(LEVELS));
            }
        }
    }
}

#[test]
fn operators_of_searches_without_end_are_refused() {
    for unit in ["NOT ", "OR ", "OR ALL ", "NOT OR ", "NOT (", "OR (ALL) ("] {
        for place in [
            "SEARCH ",
            "UID SEARCH RETURN (MIN) ",
            "SORT (SUBJECT) UTF-8 ",
            "THREAD REFS UTF-8 ",
            "ESEARCH IN (personal) ",
        ] {
            is_refused(Stage::Selected, place, &unit.repeat(LEVELS), "ALL");
        }
    }
}

/// What is not nested but long: it is taken or refused, in time.
#[test]
fn what_goes_on_without_end_comes_to_one() {
    for (begin, unit, end) in [
        ("FETCH ", "1,", "1 FLAGS"),
        ("FETCH ", "3:1,", "1 FLAGS"),
        ("FETCH ", "*:1,", "1 FLAGS"),
        ("FETCH ", "1:", "1 FLAGS"),
        ("UID EXPUNGE ", "5,3,", "1"),
        ("SEARCH ", "1,", "1"),
        ("SEARCH ", "ALL ", "ALL"),
        ("SEARCH ", "KEYWORD a ", "ALL"),
        ("FETCH 1 (", "FLAGS ", "FLAGS)"),
        ("FETCH 1 BODY[", "1.", "1]"),
        ("FETCH 1 BODY[HEADER.FIELDS (", "a ", "a)]"),
        ("STORE 1 FLAGS (", "$a ", "$a)"),
        ("LIST \"\" ", "%*", "x"),
        ("LIST \"\" (", "* ", "*)"),
        ("LIST \"\" x RETURN (", "CHILDREN ", "CHILDREN)"),
        ("SELECT ", "a/", "a"),
        ("SELECT x (QRESYNC (1 2 ", "1,", "1))"),
        ("CREATE ", "&AOQ-", "x"),
        ("STATUS x (", "MESSAGES ", "MESSAGES)"),
        ("NOTIFY SET (", "personal ", "personal)"),
        ("ESEARCH IN (", "personal ", "personal) ALL"),
        ("GETMETADATA x (", "/private/a ", "/private/a)"),
        ("SETMETADATA x (", "/private/a NIL ", "/private/a NIL)"),
        ("SETQUOTA x (", "STORAGE 1 ", "STORAGE 1)"),
        ("ID (", "\"a\" NIL ", "\"a\" NIL)"),
        ("SORT (", "REVERSE ", "SUBJECT) UTF-8 ALL"),
        ("SORT (", "SUBJECT ", "SUBJECT) UTF-8 ALL"),
        ("ENABLE ", "CONDSTORE ", "CONDSTORE"),
        ("LANGUAGE ", "de ", "de"),
        ("CANCELUPDATE ", "\"a\" ", "\"a\""),
        ("APPEND x CATENATE (", "URL /x/;UID=1 ", "URL y)"),
        ("APPEND x (", "\\Seen ", "\\Seen) {4+}"),
    ] {
        for limits in [wide(), Limits::default()] {
            let mut driver = driver(Stage::Selected, limits);
            let command = format!("a {begin}{}{end}\r\n", unit.repeat(LEVELS));
            for piece in command.as_bytes().chunks(16 << 10) {
                driver.connection.receive(piece);
                while driver.poll().is_some() {
                    driver.connection.accept_append();
                    if driver.connection.is_answer_due() {
                        driver.ok("a");
                    }
                }
            }
        }
    }
}
