//! alpine, driven by keys on a terminal; each key waits for the screen that belongs to it.

use anyhow::ensure;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tests_clients::programs::on_terminal;
use tests_clients::{Account, Directory, Running, Server, letter, patience};

/// alpine with the INBOX open.
fn open(server: &Server, account: &Account, directory: &Directory) -> anyhow::Result<Running> {
    let place = format!("{{localhost:{}/ssl/user=\"{}\"}}", server.ports().imaps, account.address);
    let rc = format!(
        "personal-name=Anna\nuser-domain=example.test\ninbox-path={place}INBOX\nfolder-collections=Mail {place}[]\n\
         default-fcc=\npostponed-folder=Drafts\nlast-version-used=6.26\n\
         feature-list=disable-password-file-saving,quit-without-confirm,expunge-without-confirm,\
         expunge-without-confirm-everywhere,enable-flag-cmd,enable-unix-pipe-cmd,save-will-not-delete\n"
    );
    directory.write("pinerc", rc)?;
    let program = on_terminal(directory, "stty rows 30 cols 100; exec alpine -d 0,imap=4,debugfile=trace -p pinerc -i");
    let mut alpine = program.env("SSL_CERT_FILE", server.ca()).start()?;
    alpine.wait_for("PASSWORD:")?;
    alpine.ask(&format!("{}\r", account.password), "Folder: INBOX")?;
    Ok(alpine)
}

/// Waits for this to be so.
fn until(mut is_so: impl FnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let end = Instant::now() + patience();
    while !is_so()? {
        ensure!(Instant::now() < end, "it does not come about");
        sleep(Duration::from_millis(20));
    }
    Ok(())
}

#[test]
fn mail_is_read_copied_flagged_deleted_and_written() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let mut imap = server.imap(&anna)?;
    for number in 1..=3 {
        imap.append("INBOX", "(\\Seen)", &letter(&format!("letter {number}")))?;
    }
    let directory = Directory::new()?;
    let mut alpine = open(&server, &anna, &directory)?;
    // It opens at the last message. Read it, copy it, flag it.
    alpine.ask("\r", "Grüße, letter 3.")?;
    alpine.ask("s", "SAVE Msg #3 to folder")?;
    alpine.say("Archive\r")?;
    // What its last line says may be gone before it is drawn: the server tells whether a thing is done.
    until(|| Ok(imap.count("Archive")? == 1))?;
    alpine.ask("*", "Flag New, Deleted")?;
    alpine.say("*")?;
    imap.expect("SELECT INBOX")?;
    until(|| Ok(imap.expect("SEARCH FLAGGED")?.untagged.iter().any(|line| line.ends_with(b"SEARCH 3"))))?;
    // Delete the one before, for good.
    alpine.ask("<", "letter 1")?;
    alpine.say("pd")?;
    alpine.say("x")?;
    until(|| Ok(imap.count("INBOX")? == 2))?;
    // A draft.
    alpine.ask("c", "Attchmnt")?;
    alpine.say("ben@example.test\r\r\rfrom alpine\r")?;
    alpine.say("\u{f}")?;
    until(|| Ok(imap.count("Drafts")? == 1))?;
    alpine.say("q")?;
    alpine.finish()?;
    imap.expect("SELECT INBOX")?;
    let flags: Vec<String> = imap
        .expect("FETCH 1:* (UID FLAGS)")?
        .fetched()
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    assert_eq!(flags.len(), 2, "{flags:?}");
    assert!(flags[1].contains("UID 3") && flags[1].contains("\\Flagged"), "{flags:?}");
    assert_eq!(imap.messages("Archive")?[0].1, letter("letter 3"));
    let draft = String::from_utf8_lossy(&imap.messages("Drafts")?[0].1).into_owned();
    assert!(draft.contains("Subject: from alpine\r\n"), "{draft}");
    Ok(())
}

#[test]
fn what_others_do_shows_at_the_next_look() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let mut imap = server.imap(&anna)?;
    imap.append("INBOX", "", &letter("first"))?;
    imap.append("INBOX", "", &letter("second"))?;
    let directory = Directory::new()?;
    let mut alpine = open(&server, &anna, &directory)?;
    // alpine has no IDLE: Ctrl-L is a NOOP.
    server.lmtp()?.data(&[&anna.address], &letter("third"))?;
    alpine.ask("\u{c}", "third")?;
    imap.expect("SELECT INBOX")?;
    imap.expect("STORE 1 +FLAGS (\\Deleted)")?;
    imap.expect("EXPUNGE")?;
    alpine.ask("\u{c}", "of 2")?;
    alpine.say("q")?;
    alpine.finish()?;
    Ok(())
}
