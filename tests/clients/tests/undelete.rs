//! What a POP3 program took comes back with one command, while an IMAP program watches.

use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::time::Duration;
use tests_clients::programs::{At, fetchmail, fetchmail_configure, python};
use tests_clients::{Account, Directory, Imap, Server, letter};

/// How long an idle connection may wait for what it is told.
const SOON: Duration = Duration::from_mins(1);
/// More than one step of any verb, and more than one request of the command.
const MANY: usize = 12_000;

/// So many messages in INBOX, by copying one.
fn fill(imap: &mut Imap, count: usize) -> anyhow::Result<()> {
    ensure!(imap.append("INBOX", "(\\Flagged)", &letter("kept for years"))?.ok);
    imap.expect("SELECT INBOX")?;
    let mut there = 1;
    while there < count {
        let more = there.min(count - there);
        imap.expect(&format!("COPY 1:{more} INBOX"))?;
        there += more;
    }
    imap.expect("STORE 1:100 +FLAGS.SILENT (work)")?;
    Ok(())
}

fn found(imap: &mut Imap, what: &str) -> anyhow::Result<Option<u32>> {
    let answer = imap.expect(&format!("SEARCH RETURN (COUNT) {what}"))?;
    let text = answer.untagged.first().map(|line| String::from_utf8_lossy(line).into_owned()).unwrap_or_default();
    Ok(text.rsplit("COUNT ").next().and_then(|digits| digits.parse().ok()))
}

fn uidls(server: &Server, account: &Account) -> anyhow::Result<Vec<String>> {
    let text = String::from_utf8(server.pop3(account)?.lines("UIDL")?)?;
    let mut names: Vec<_> = text.lines().filter_map(|line| line.split(' ').nth(1)).map(str::to_owned).collect();
    names.sort();
    Ok(names)
}

fn json<'a>(server: &Server, arguments: impl IntoIterator<Item = &'a str>) -> anyhow::Result<Value> {
    let arguments: Vec<_> = arguments.into_iter().chain(["--json"]).collect();
    Ok(serde_json::from_str(&server.admin(arguments)?)?)
}

#[test]
fn twelve_thousand_messages_come_back_with_one_command_while_another_program_watches() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let mut imap = server.imap(&anna)?;
    fill(&mut imap, MANY)?;
    let before = uidls(&server, &anna)?;
    assert_eq!(before.len(), MANY);
    python(&server, &anna, "pop3_empty.py", &[]).succeed()?;
    imap.expect("NOOP")?;
    assert_eq!(imap.count("INBOX")?, 0);
    let mut watcher = server.imap(&anna)?;
    watcher.expect("SELECT INBOX")?;
    watcher.idle()?;

    let list = json(&server, ["undelete", "list", &anna.address, "--cause", "pop3", "--since", "1h"])?;
    let list = list.as_array().context("a list")?;
    assert_eq!(list.len(), MANY);
    assert!(
        list.iter().all(|row| row["by"] == "pop3" && row["mailbox"] == "INBOX" && row["subject"] == "kept for years")
    );
    let done = json(&server, ["undelete", "restore", &anna.address, "--cause", "pop3", "--yes"])?;
    assert_eq!((done["restored"].as_u64(), done["mailboxes"]["INBOX"].as_u64()), (Some(12_000), Some(12_000)));
    watcher.told("12000 EXISTS", SOON)?;
    watcher.done()?;

    let flagged = found(&mut watcher, "FLAGGED")?;
    assert_eq!((flagged, found(&mut watcher, "KEYWORD work")?), (Some(12_000), Some(100)));
    // Who leaves mail on the server is not given all of it again.
    assert_eq!(uidls(&server, &anna)?, before);
    let again = json(&server, ["undelete", "restore", &anna.address, "--cause", "pop3", "--yes"])?;
    assert_eq!(again["restored"].as_u64(), Some(0));
    Ok(())
}

#[test]
fn what_fetchmail_took_can_be_had_back_by_sender_or_one_by_one() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let mut imap = server.imap(&anna)?;
    for sender in ["chef@example.org", "bank@bank.example"] {
        for subject in ["one", "two"] {
            let text = format!("From: Somebody <{sender}>\r\nSubject: {subject}\r\n\r\nx\r\n");
            ensure!(imap.append("INBOX", "", text.as_bytes())?.ok);
        }
    }
    let directory = Directory::new()?;
    let at = At { port: server.ports().pop3s, account: &anna, ca: &server.ca() };
    fetchmail_configure(&directory, "protocol POP3", at, "ssl")?;
    fetchmail(&directory).succeed()?;
    assert_eq!(imap.count("INBOX")?, 0);

    let shown = server.admin(["undelete", "list", &anna.address, "--from", "CHEF@"])?;
    assert_eq!((shown.lines().count(), shown.matches(" by POP3").count()), (2, 2), "{shown}");
    server.admin(["undelete", "restore", &anna.address, "--from", "chef@", "--yes"])?;
    assert_eq!(imap.count("INBOX")?, 2);

    let rest = json(&server, ["undelete", "list", &anna.address])?;
    let id = rest[1]["id"].as_str().context("an id")?;
    assert_eq!(rest[1]["subject"], "two");
    server.admin(["undelete", "restore", &anna.address, id])?;
    assert_eq!(imap.count("INBOX")?, 3);
    // It is no longer among them, and a script is not asked: it says so.
    for refused in [vec![id], vec![]] {
        let arguments = ["undelete", "restore", anna.address.as_str()].into_iter().chain(refused);
        assert!(server.admin(arguments).is_err());
    }
    assert_eq!(imap.count("INBOX")?, 3);
    Ok(())
}

#[test]
fn a_deleted_mailbox_comes_back_with_its_mail() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let mut imap = server.imap(&anna)?;
    imap.expect("CREATE Bills/2026")?;
    ensure!(imap.append("Bills/2026", "(\\Seen)", &letter("bill"))?.ok);
    imap.expect("DELETE Bills/2026")?;
    imap.expect("DELETE Bills")?;
    let shown = server.admin(["undelete", "list", &anna.address, "--mailbox", "Bills/2026"])?;
    assert!(shown.trim_end().ends_with("with Bills/2026"), "{shown}");
    let told = server.admin(["undelete", "restore", &anna.address, "--mailbox", "Bills/2026", "--yes"])?;
    assert_eq!(told, "1 message is back: Bills/2026 1\n");
    assert_eq!(imap.count("Bills/2026")?, 1);
    Ok(())
}
