//! One mailbox, several protocols: what one does the others are told at once, and POP3 deletes only what it should.

use anyhow::ensure;
use std::time::Duration;
use tests_clients::{Server, after_trace, letter};

/// "At once" on a busy machine.
const SOON: Duration = Duration::from_secs(5);
/// Long enough to notice what should not come.
const A_WHILE: Duration = Duration::from_millis(400);

#[test]
fn a_delivery_is_pushed_to_an_idle_connection() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let mut imap = server.imap(&anna)?;
    imap.expect("SELECT INBOX")?;
    imap.idle()?;
    let mut lmtp = server.lmtp()?;
    for number in 1..=3 {
        let replies = lmtp.data(&[&anna.address], &letter(&format!("push {number}")))?;
        ensure!(replies.iter().all(|reply| reply.code == 250), "{replies:?}");
        imap.told(&format!("{number} EXISTS"), SOON)?;
    }
    imap.done()?;
    let messages = imap.messages("INBOX")?;
    assert_eq!(after_trace(&messages[1].1), letter("push 2"));
    Ok(())
}

#[test]
fn pop3_dele_and_quit_is_an_expunge_for_imap_at_once() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let mut lmtp = server.lmtp()?;
    for number in 1..=3 {
        lmtp.data(&[&anna.address], &letter(&format!("letter {number}")))?;
    }
    let mut imap = server.imap(&anna)?;
    imap.expect("SELECT INBOX")?;
    imap.idle()?;
    let mut pop3 = server.pop3(&anna)?;
    assert_eq!(pop3.count()?, 3);
    pop3.command("DELE 2")?;
    // RFC 1939 §6: nothing is removed before QUIT.
    ensure!(imap.not_told("EXPUNGE", A_WHILE), "expunged before QUIT");
    pop3.command("QUIT")?;
    imap.told("2 EXPUNGE", SOON)?;
    imap.done()?;
    let left: Vec<Vec<u8>> = imap.messages("INBOX")?.iter().map(|(_, bytes)| after_trace(bytes).to_vec()).collect();
    assert_eq!(left, [letter("letter 1"), letter("letter 3")]);
    Ok(())
}

#[test]
fn without_quit_nothing_is_deleted() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    server.lmtp()?.data(&[&anna.address], &letter("stays"))?;
    let mut imap = server.imap(&anna)?;
    imap.expect("SELECT INBOX")?;
    imap.idle()?;
    let mut pop3 = server.pop3(&anna)?;
    pop3.command("DELE 1")?;
    drop(pop3);
    ensure!(imap.not_told("EXPUNGE", A_WHILE), "a connection that broke deleted mail");
    imap.done()?;
    assert_eq!(imap.count("INBOX")?, 1);
    assert_eq!(server.pop3(&anna)?.count()?, 1);
    Ok(())
}

#[test]
fn a_pop3_session_keeps_its_numbers_while_others_deliver_and_expunge() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let mut lmtp = server.lmtp()?;
    for number in 1..=3 {
        lmtp.data(&[&anna.address], &letter(&format!("letter {number}")))?;
    }
    let mut pop3 = server.pop3(&anna)?;
    let uidls = pop3.lines("UIDL")?;
    let mut imap = server.imap(&anna)?;
    imap.expect("SELECT INBOX")?;
    imap.expect("STORE 1 +FLAGS (\\Deleted)")?;
    imap.expect("EXPUNGE")?;
    lmtp.data(&[&anna.address], &letter("later"))?;
    assert_eq!(pop3.lines("UIDL")?, uidls);
    assert_eq!(after_trace(&pop3.lines("RETR 3")?), letter("letter 3"));
    // Expunged meanwhile: the retention space still has it for a session that was promised it.
    assert_eq!(after_trace(&pop3.lines("RETR 1")?), letter("letter 1"));
    pop3.command("QUIT")?;
    assert_eq!(server.pop3(&anna)?.count()?, 3);
    Ok(())
}

#[test]
fn undelete_brings_back_what_pop3_took() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let mut lmtp = server.lmtp()?;
    for number in 1..=5 {
        lmtp.data(&[&anna.address], &letter(&format!("letter {number}")))?;
    }
    let mut imap = server.imap(&anna)?;
    imap.expect("SELECT INBOX")?;
    imap.expect("STORE 1 +FLAGS (\\Flagged)")?;
    let before = imap.messages("INBOX")?;
    let mut pop3 = server.pop3(&anna)?;
    let uidls = String::from_utf8(pop3.lines("UIDL")?)?;
    for number in 1..=4 {
        pop3.command(&format!("DELE {number}"))?;
    }
    pop3.command("QUIT")?;
    assert_eq!(imap.count("INBOX")?, 1);
    let list = server.admin(["undelete", "list", &anna.address])?;
    assert_eq!(list.matches(" by POP3").count(), 4, "{list}");

    imap.expect("NOOP")?;
    imap.idle()?;
    server.admin(["undelete", "restore", &anna.address, "--cause", "pop3", "--yes"])?;
    imap.told("5 EXISTS", SOON)?;
    imap.done()?;
    let after = imap.messages("INBOX")?;
    let bytes = |list: &[(u32, Vec<u8>)]| tests_clients::sorted(list.iter().map(|(_, bytes)| bytes.clone()));
    assert_eq!(bytes(&after), bytes(&before));
    // RFC 9051 §2.3.1.1: a UID is never used again.
    let highest = before.iter().map(|(uid, _)| *uid).max().unwrap_or(0);
    assert_eq!(after.iter().filter(|(uid, _)| *uid > highest).count(), 4);
    let flagged = imap.expect("UID SEARCH FLAGGED")?;
    assert_eq!(flagged.untagged.iter().filter(|line| line.len() > "SEARCH ".len()).count(), 1, "{flagged:?}");
    // A program that leaves mail on the server knows them again.
    let again = String::from_utf8(server.pop3(&anna)?.lines("UIDL")?)?;
    let names = |text: &str| {
        let mut names: Vec<String> = text.lines().filter_map(|l| l.split(' ').nth(1).map(str::to_owned)).collect();
        names.sort();
        names
    };
    assert_eq!(names(&again), names(&uidls));
    Ok(())
}

#[test]
fn one_delivery_to_two_people_is_answered_for_each_and_reaches_both() -> anyhow::Result<()> {
    let server = Server::start()?;
    let (anna, ben) = (server.account("anna")?, server.account("ben")?);
    let replies = server.lmtp()?.data(&[&anna.address, &ben.address], &letter("both"))?;
    assert_eq!(replies.iter().map(|reply| reply.code).collect::<Vec<_>>(), [250, 250]);
    for account in [&anna, &ben] {
        let messages = server.imap(account)?.messages("INBOX")?;
        assert_eq!(after_trace(&messages[0].1), letter("both"));
        assert_eq!(messages.len(), 1);
    }
    Ok(())
}
