//! offlineimap3: a Maildir kept in step with the account, compressed, and told at once by IDLE.

use anyhow::{Context as _, ensure};
use std::path::PathBuf;
use std::time::Instant;
use tests_clients::programs::{At, imapflow, offlineimap, offlineimap_configure};
use tests_clients::{Account, Directory, Server, corpus, letter, maildir, patience, same, with_crlf, without_cr};

fn device(server: &Server, account: &Account, more: &str) -> anyhow::Result<Directory> {
    let directory = Directory::new()?;
    offlineimap_configure(&directory, At { port: server.ports().imaps, account, ca: &server.ca() }, more)?;
    Ok(directory)
}

fn sync(device: &Directory) -> anyhow::Result<()> {
    offlineimap(device, &["-o"]).succeed().map(|_| ())
}

/// The path of the one message that has this subject, and its flags.
fn find(device: &Directory, folder: &str, subject: &str) -> anyhow::Result<Option<(PathBuf, String)>> {
    let line = format!("Subject: {subject}\n");
    for part in ["cur", "new"] {
        for entry in std::fs::read_dir(device.join("mail").join(folder).join(part))? {
            let path = entry?.path();
            if String::from_utf8_lossy(&std::fs::read(&path)?).contains(&line) {
                let flags = path.to_string_lossy().split(":2,").nth(1).unwrap_or_default().to_owned();
                return Ok(Some((path, flags)));
            }
        }
    }
    Ok(None)
}

/// Its flags, or nothing if it is not there.
fn flags(device: &Directory, folder: &str, subject: &str) -> anyhow::Result<Option<String>> {
    Ok(find(device, folder, subject)?.map(|(_, flags)| flags))
}

/// Sets its flags as a mail program does, by its file's name.
fn flag(device: &Directory, folder: &str, subject: &str, flags: &str) -> anyhow::Result<()> {
    let (path, _) = find(device, folder, subject)?.with_context(|| format!("no {subject} in {folder}"))?;
    let name = path.file_name().and_then(|name| name.to_str()).context("a name")?;
    let stem = name.split(":2,").next().unwrap_or(name);
    let target = device.join("mail").join(folder).join("cur").join(format!("{stem}:2,{flags}"));
    Ok(std::fs::rename(&path, target)?)
}

#[test]
fn new_mail_flags_moves_and_deletions_cross_over_in_both_directions() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let mut imap = server.imap(&anna)?;
    for number in 1..=4 {
        imap.append("INBOX", if number == 1 { "(\\Seen)" } else { "" }, &letter(&format!("letter {number}")))?;
    }
    imap.expect("CREATE Reisen")?;
    let device = device(&server, &anna, "usecompression = yes\n")?;
    sync(&device)?;
    assert_eq!(flags(&device, "INBOX", "letter 1")?.as_deref(), Some("S"));
    let got = maildir(&device.join("mail/INBOX"))?;
    same(got.into_iter().map(|(_, bytes)| bytes), (1..=4).map(|n| without_cr(&letter(&format!("letter {n}")))))?;

    // The device flags one, moves one, deletes one and writes one; the server's side flags another and deletes another.
    flag(&device, "INBOX", "letter 1", "FRS")?;
    let (moved, _) = find(&device, "INBOX", "letter 2")?.context("letter 2")?;
    std::fs::rename(moved, device.join("mail/Reisen/cur/1700000000.moved.device:2,S"))?;
    std::fs::remove_file(find(&device, "INBOX", "letter 3")?.context("letter 3")?.0)?;
    std::fs::write(device.join("mail/Drafts/cur/1700000001.draft.device:2,DS"), without_cr(&letter("a draft")))?;
    imap.append("INBOX", "", &letter("letter 5"))?;
    imap.expect("SELECT INBOX")?;
    imap.expect("STORE 4 +FLAGS.SILENT (\\Flagged)")?;
    sync(&device)?;
    sync(&device)?;
    assert_eq!(flags(&device, "INBOX", "letter 4")?.as_deref(), Some("F"));
    assert_eq!(flags(&device, "INBOX", "letter 5")?.as_deref(), Some(""));
    imap.expect("NOOP")?;
    let seen = imap.expect("UID SEARCH ANSWERED FLAGGED SEEN")?;
    assert_eq!(seen.untagged, [b"SEARCH 1"]);
    assert_eq!(imap.expect("UID SEARCH ALL")?.untagged, [b"SEARCH 1 4 5"]);
    assert_eq!(with_crlf(&imap.messages("Reisen")?[0].1), letter("letter 2"));
    assert_eq!(with_crlf(&imap.messages("Drafts")?[0].1), letter("a draft"));

    imap.expect("SELECT INBOX")?;
    imap.expect("UID STORE 4 +FLAGS.SILENT (\\Deleted)")?;
    imap.expect("EXPUNGE")?;
    sync(&device)?;
    ensure!(find(&device, "INBOX", "letter 4")?.is_none(), "letter 4 is still there");
    Ok(())
}

#[test]
fn offlineimap_in_idle_fetches_what_imapflow_adds() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let device = device(&server, &anna, "usecompression = yes\nidlefolders = ['INBOX']\n")?;
    let mut running = offlineimap(&device, &["-d", "imap"]).start()?;
    // The debug output goes to standard output.
    running.wait_for("IDLE started")?;
    imapflow(&server, &anna, "add", "pushed")?.succeed()?;
    let end = Instant::now() + patience();
    while find(&device, "INBOX", "pushed")?.is_none() {
        ensure!(Instant::now() < end, "it was not told");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    Ok(())
}

#[test]
fn the_corpus_arrives() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let mut imap = server.imap(&anna)?;
    let corpus = corpus();
    for sample in &corpus {
        ensure!(imap.append("INBOX", "", &sample.bytes)?.ok, "{}", sample.name);
    }
    // Not compressed: then its library stops listening at about 32 KB (docs/interop.md).
    let device = device(&server, &anna, "")?;
    sync(&device)?;
    assert_eq!(maildir(&device.join("mail/INBOX"))?.len(), corpus.len());
    Ok(())
}
