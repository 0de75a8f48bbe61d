//! Every command with every pair of rights: what RFC 4314 §4, RFC 5464 §3.3 and RFC 9208 §6 say is done, everything else
//! is refused, and without `l` nothing is there.

use crate::client::Client;
use crate::server::{ANNA, BEN, Listener, PASSWORD, Server, Service};
use store_kv::Memory;

const LETTERS: &str = "lrswipkxtea";

/// A command about a mailbox, `{}`; the rights that it needs, together or one of them.
const COMMANDS: [(&str, &str, &str); 17] = [
    ("MYRIGHTS {}/Box", "", "lrikxa"),
    ("SELECT {}/Box", "r", ""),
    ("EXAMINE {}/Box", "r", ""),
    ("UNSELECT", "", ""),
    ("STATUS {}/Box (MESSAGES)", "r", ""),
    ("GETQUOTAROOT {}/Box", "r", ""),
    ("APPEND {}/Box {{3+}}\r\nx\r\n", "i", ""),
    ("GETACL {}/Box", "a", ""),
    ("LISTRIGHTS {}/Box anyone", "a", ""),
    ("SETACL {}/Box -anyone c", "a", ""),
    ("DELETEACL {}/Box -anyone", "a", ""),
    ("GETMETADATA {}/Box /shared/comment", "", "rswip"),
    ("SETMETADATA {}/Box (/private/comment NIL)", "", "rswip"),
    ("CREATE {}/Box/New", "k", ""),
    ("RENAME {}/Old {}/Young", "kx", ""),
    ("DELETE {}/Gone", "x", ""),
    ("SUBSCRIBE {}/Box", "", ""),
];

/// A command in the open mailbox, which has one message, and the rights that it needs beside `r`.
const SELECTED: [(&str, &str, &str); 12] = [
    ("FETCH 1 (FLAGS UID)", "", ""),
    ("UID SEARCH ALL", "", ""),
    ("STORE 1 +FLAGS (\\Seen)", "s", ""),
    ("STORE 1 -FLAGS (\\Deleted)", "t", ""),
    ("STORE 1 +FLAGS (\\Flagged $Word)", "w", ""),
    ("STORE 1 FLAGS ()", "", "swt"),
    ("COPY 1 INBOX", "", ""),
    ("COPY 1 {}/Box", "i", ""),
    ("UID EXPUNGE 7", "e", ""),
    ("EXPUNGE", "e", ""),
    ("MOVE 1 INBOX", "te", ""),
    ("CLOSE", "", ""),
];

async fn signed_in(server: &Server, name: &str) -> Client {
    let mut client = server.connect(Service::Imap, Listener::Implicit, 1 << 16).0;
    client.greeting().await;
    assert!(client.ask(&format!("a LOGIN {name} {PASSWORD}\r\n")).await.starts_with("a OK"));
    client
}

async fn done(client: &mut Client, command: &str) {
    let answer = client.ask(&format!("a {command}\r\n")).await;
    assert!(answer.starts_with("a OK"), "{command}: {answer}");
}

fn has(rights: &str, all: &str, any: &str) -> bool {
    all.chars().all(|right| rights.contains(right))
        && (any.is_empty() || any.chars().any(|right| rights.contains(right)))
}

#[tokio::test]
async fn every_command_is_done_with_its_rights_and_with_no_others() {
    let server = Server::start(Memory::new()).await;
    let (mut anna, mut ben) = (signed_in(&server, ANNA).await, signed_in(&server, BEN).await);
    let pairs = LETTERS.char_indices().flat_map(|(place, one)| {
        LETTERS[place..].chars().map(move |other| if one == other { one.to_string() } else { format!("{one}{other}") })
    });
    for (number, rights) in pairs.enumerate() {
        let top = format!("Top{number}");
        done(&mut anna, &format!("CREATE {top}")).await;
        done(&mut anna, &format!("SETACL {top} {BEN} {rights}")).await;
        for name in ["Box", "Old", "Gone"] {
            done(&mut anna, &format!("CREATE {top}/{name}")).await;
        }
        let prefix = format!("\"Other Users/{ANNA}/{top}");
        for (command, all, any) in COMMANDS {
            let answer = ask(&mut ben, &prefix, command).await;
            if !command.contains("{}") || command.starts_with("SUBSCRIBE") {
                assert!(!answer.contains("NOPERM"), "{command} with {rights}: {answer}");
            } else if !rights.contains('l') {
                let is_nothing = answer.contains("[NONEXISTENT]") || answer.contains("[TRYCREATE]");
                assert!(is_nothing, "{command} with {rights}: {answer}");
            } else if has(&rights, all, any) {
                assert!(answer.starts_with("a OK"), "{command} with {rights}: {answer}");
            } else {
                assert!(answer.starts_with("a NO [NOPERM]"), "{command} with {rights}: {answer}");
            }
        }
    }
}

#[tokio::test]
async fn every_command_in_an_open_mailbox_is_done_with_its_rights_and_with_no_others() {
    let server = Server::start(Memory::new()).await;
    let (mut anna, mut ben) = (signed_in(&server, ANNA).await, signed_in(&server, BEN).await);
    let beside = LETTERS.replace(['l', 'r'], "");
    let pairs = beside.char_indices().flat_map(|(place, one)| {
        beside[place..].chars().map(move |other| if one == other { one.to_string() } else { format!("{one}{other}") })
    });
    let pairs: Vec<String> = pairs.collect();
    for (number, more) in pairs.iter().enumerate() {
        for (place, (command, all, any)) in SELECTED.into_iter().enumerate() {
            let (top, rights) = (format!("Top{number}x{place}"), format!("lr{more}"));
            done(&mut anna, &format!("CREATE {top}/Box")).await;
            done(&mut anna, &format!("APPEND {top}/Box (\\Deleted) {{3+}}\r\nx\r\n")).await;
            done(&mut anna, &format!("SETACL {top}/Box {BEN} {rights}")).await;
            let prefix = format!("\"Other Users/{ANNA}/{top}");
            let opened = ask(&mut ben, &prefix, "SELECT {}/Box").await;
            let mode = if has(more, "", "swtie") { "[READ-WRITE]" } else { "[READ-ONLY]" };
            assert!(opened.contains(mode), "with {rights}: {opened}");
            let answer = ask(&mut ben, &prefix, command).await;
            let expected = if has(more, all, any) { "a OK" } else { "a NO [NOPERM]" };
            assert!(answer.starts_with(expected), "{command} with {rights}: {answer}");
        }
    }
}

/// RFC 5465 §3.1: a mailbox that is named is watched with l and r, `\NoAccess` with l alone, and nothing is said of it without l.
#[tokio::test]
async fn notify_tells_what_the_rights_allow_and_nothing_else() {
    let server = Server::start(Memory::new()).await;
    let (mut anna, mut ben) = (signed_in(&server, ANNA).await, signed_in(&server, BEN).await);
    let pairs = LETTERS.char_indices().flat_map(|(place, one)| {
        LETTERS[place..].chars().map(move |other| if one == other { one.to_string() } else { format!("{one}{other}") })
    });
    let events = "(MessageNew MessageExpunge FlagChange MailboxMetadataChange)";
    for (number, rights) in pairs.enumerate() {
        let name = format!("Box{number}");
        done(&mut anna, &format!("CREATE {name}")).await;
        done(&mut anna, &format!("SETACL {name} {BEN} {rights}")).await;
        ben.send(&format!("a NOTIFY SET STATUS (MAILBOXES \"Other Users/{ANNA}/{name}\" {events})\r\n")).await;
        let answer = ben.answer().await;
        let told: Vec<&str> = answer.iter().map(|line| line.split(" (").next().unwrap()).collect();
        let status = format!("* STATUS \"Other Users/{ANNA}/{name}\"");
        match (rights.contains('l'), rights.contains('r')) {
            (true, true) => assert_eq!(told, [&status, "a OK NOTIFY completed"], "with {rights}"),
            (true, false) => {
                assert_eq!(told, ["* LIST", "a OK NOTIFY completed"], "with {rights}");
                assert!(answer[0].starts_with("* LIST (\\NoAccess \\HasNoChildren)"), "with {rights}");
            }
            (false, _) => assert_eq!(told, ["a OK NOTIFY completed"], "with {rights}"),
        }
        done(&mut anna, &format!("SETMETADATA {name} (/shared/comment \"x\")")).await;
        done(&mut anna, &format!("APPEND {name} {{3+}}\r\nx\r\n")).await;
        ben.send("b NOOP\r\n").await;
        let told = ben.answer().await.len() - 1;
        assert_eq!(told > 0, rights.contains('l') && rights.contains('r'), "with {rights}");
    }
}

/// The line that ends the answer to a command, with the mailbox put in.
async fn ask(client: &mut Client, prefix: &str, command: &str) -> String {
    let mut words = Vec::new();
    for word in command.split(' ') {
        words.push(match word.strip_prefix("{}") {
            Some(name) => format!("{prefix}{name}\""),
            None => word.replace("{{", "{").replace("}}", "}"),
        });
    }
    client.ask(&format!("a {}\r\n", words.join(" "))).await
}
