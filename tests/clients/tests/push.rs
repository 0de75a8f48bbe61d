//! A program in IDLE is told what another does, whatever the protocol of the other. How fast, the bench measures
//! (`docs/performance.md`). async-imap, offlineimap and neomutt in IDLE are in their own files.

use anyhow::ensure;
use tests_clients::programs::{At, imapflow, mbsync, mbsync_configure, python};
use tests_clients::{Directory, Server, letter, without_cr};

#[test]
fn imapflow_in_idle_is_told_of_delivery_flags_and_deletion_by_other_protocols() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let mut running = imapflow(&server, &anna, "idle", "")?.start()?;
    running.wait_for("waiting")?;
    server.lmtp()?.data(&[&anna.address], &letter("delivered"))?;
    running.wait_for("exists 0 1\n")?;
    let mut imap = server.imap(&anna)?;
    imap.expect("SELECT INBOX")?;
    imap.expect("STORE 1 +FLAGS (\\Flagged \\Seen)")?;
    running.wait_for("\\Flagged \\Seen\n")?;
    let mut pop3 = server.pop3(&anna)?;
    pop3.command("DELE 1")?;
    pop3.command("QUIT")?;
    // With QRESYNC the UID is told (RFC 7162 §3.2.10.2).
    running.wait_for("expunge uid 1\n")?;
    let finished = running.finish()?;
    ensure!(finished.code == 0, "{}", finished.story());
    Ok(())
}

#[test]
fn imaplib_in_idle_is_told_what_mbsync_uploads_flags_and_deletes() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let device = Directory::new()?;
    mbsync_configure(&device, At { port: server.ports().imaps, account: &anna, ca: &server.ca() })?;
    mbsync(&device).succeed()?;
    let mut running = python(&server, &anna, "imap_idle.py", &[]).start()?;
    running.wait_for("waiting")?;
    std::fs::write(device.join("INBOX/new/1700000001.a.device"), without_cr(&letter("uploaded")))?;
    mbsync(&device).succeed()?;
    running.wait_for("told 1 EXISTS")?;
    let name = |flags: &str| device.join(format!("INBOX/cur/1700000001.a.device,U=1:2,{flags}"));
    let stored = std::fs::read_dir(device.join("INBOX/new"))?.chain(std::fs::read_dir(device.join("INBOX/cur"))?);
    for entry in stored {
        std::fs::rename(entry?.path(), name("F"))?;
    }
    mbsync(&device).succeed()?;
    running.wait_for("\\Flagged")?;
    std::fs::remove_file(name("F"))?;
    mbsync(&device).succeed()?;
    running.wait_for("told 1 EXPUNGE")?;
    let finished = running.finish()?;
    ensure!(finished.code == 0, "{}", finished.story());
    Ok(())
}

#[test]
fn imaplib_in_idle_is_told_what_imapflow_does() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let mut running = python(&server, &anna, "imap_idle.py", &[]).start()?;
    running.wait_for("waiting")?;
    for (task, word) in [("add", "told 1 EXISTS"), ("flag", "\\Flagged"), ("remove", "told 1 EXPUNGE")] {
        imapflow(&server, &anna, task, "from imapflow")?.succeed()?;
        running.wait_for(word)?;
    }
    let finished = running.finish()?;
    ensure!(finished.code == 0, "{}", finished.story());
    Ok(())
}
