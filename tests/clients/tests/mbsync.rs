//! mbsync with two Maildirs as two devices: what one does the other sees, byte for byte (mbsync keeps mail without CR).

use anyhow::{Context as _, ensure};
use std::path::PathBuf;
use tests_clients::programs::{At, mbsync, mbsync_configure};
use tests_clients::{Account, Directory, Server, corpus, letter, maildir, same, with_crlf, without_cr};

/// A Maildir with its mbsync configuration.
struct Device {
    directory: Directory,
}

impl Device {
    fn new(server: &Server, account: &Account) -> anyhow::Result<Self> {
        let directory = Directory::new()?;
        let at = At { port: server.ports().imaps, account, ca: &server.ca() };
        mbsync_configure(&directory, at)?;
        Ok(Self { directory })
    }

    fn sync(&self) -> anyhow::Result<()> {
        mbsync(&self.directory).succeed().map(|_| ())
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The messages of a folder, without the line that mbsync leaves in what it wrote there.
    fn mail(&self, folder: &str) -> anyhow::Result<Vec<Vec<u8>>> {
        Ok(maildir(&self.folder(folder))?.into_iter().map(|(_, bytes)| without_mark(&bytes)).collect())
    }

    /// The path of the one message with this subject.
    fn find(&self, folder: &str, subject: &str) -> anyhow::Result<PathBuf> {
        let line = format!("Subject: {subject}\n");
        for part in ["cur", "new"] {
            for entry in std::fs::read_dir(self.folder(folder).join(part))? {
                let path = entry?.path();
                if String::from_utf8_lossy(&std::fs::read(&path)?).contains(&line) {
                    return Ok(path);
                }
            }
        }
        anyhow::bail!("no {subject} in {folder}")
    }

    fn has(&self, folder: &str, subject: &str) -> bool {
        self.find(folder, subject).is_ok()
    }

    /// Sets a message's flags as a mail program does: by its file's name.
    fn flag(&self, folder: &str, subject: &str, flags: &str) -> anyhow::Result<()> {
        let path = self.find(folder, subject)?;
        let name = path.file_name().and_then(|n| n.to_str()).context("a name")?;
        let stem = name.split(":2,").next().unwrap_or(name);
        std::fs::rename(&path, self.folder(folder).join("cur").join(format!("{stem}:2,{flags}")))?;
        Ok(())
    }

    /// Moves a message as a mail program does: a new name, without the UID that mbsync keeps in it.
    fn move_to(&self, folder: &str, subject: &str, target: &str) -> anyhow::Result<()> {
        let path = self.find(folder, subject)?;
        let flags = path.to_string_lossy().split(":2,").nth(1).unwrap_or_default().to_owned();
        let name = format!("1700000000.moved-{}.device:2,{flags}", subject.replace(' ', "-"));
        std::fs::rename(&path, self.folder(target).join("cur").join(name))?;
        Ok(())
    }

    fn flags(&self, folder: &str, subject: &str) -> anyhow::Result<String> {
        let path = self.find(folder, subject)?;
        Ok(path.to_string_lossy().split(":2,").nth(1).unwrap_or_default().to_owned())
    }
}

#[test]
fn what_it_says_is_compressed() -> anyhow::Result<()> {
    let server = Server::start()?;
    let account = server.account("anna")?;
    server.lmtp()?.data(&[&account.address], &letter("small"))?;
    let device = Device::new(&server, &account)?;
    let told = mbsync(&device.directory).arg("-Dn").succeed()?.text();
    let order: Vec<_> = ["AUTHENTICATE SCRAM-SHA-512", "COMPRESS DEFLATE", "UID FETCH"].map(|w| told.find(w)).into();
    assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{told}");
    assert!(device.has("INBOX", "small"));
    Ok(())
}

/// Without mbsync's own field, by which it finds a message again whose UID it was not told.
fn without_mark(message: &[u8]) -> Vec<u8> {
    let lines = message.split_inclusive(|b| *b == b'\n');
    lines.filter(|line| !line.starts_with(b"X-TUID: ")).collect::<Vec<_>>().concat()
}

/// mbsync leaves alone what has no empty line behind its header.
fn has_end_of_header(message: &[u8]) -> bool {
    let lines = without_cr(message);
    lines.starts_with(b"\n") || lines.windows(2).any(|pair| pair == b"\n\n")
}

#[test]
fn the_corpus_reaches_two_devices_unaltered() -> anyhow::Result<()> {
    let server = Server::start()?;
    let account = server.account("anna")?;
    let mut imap = server.imap(&account)?;
    let corpus: Vec<_> = corpus().into_iter().filter(|sample| has_end_of_header(&sample.bytes)).collect();
    for sample in &corpus {
        let answer = imap.append("INBOX", "", &sample.bytes)?;
        ensure!(answer.ok, "{}: {}", sample.name, answer.text);
    }
    let (a, b) = (Device::new(&server, &account)?, Device::new(&server, &account)?);
    a.sync()?;
    b.sync()?;
    for device in [&a, &b] {
        same(device.mail("INBOX")?, corpus.iter().map(|sample| without_cr(&sample.bytes)))?;
    }
    // Nothing came back to the server for it.
    assert_eq!(imap.count("INBOX")?, u32::try_from(corpus.len())?);
    Ok(())
}

#[test]
fn new_mail_flags_moves_and_deletions_cross_over_in_both_directions() -> anyhow::Result<()> {
    let server = Server::start()?;
    let account = server.account("anna")?;
    let (a, b) = (Device::new(&server, &account)?, Device::new(&server, &account)?);
    let mut lmtp = server.lmtp()?;
    for number in 1..=4 {
        lmtp.data(&[&account.address], &letter(&format!("letter {number}")))?;
    }
    a.sync()?;
    b.sync()?;
    let stored = server.imap(&account)?.messages("INBOX")?;
    for device in [&a, &b] {
        same(device.mail("INBOX")?, stored.iter().map(|(_, bytes)| without_cr(bytes)))?;
    }

    // New mail, written on either device.
    let mine = without_cr(&letter("from a"));
    std::fs::write(a.folder("INBOX").join("new/1700000001.a.device"), &mine)?;
    std::fs::write(b.folder("Drafts").join("cur/1700000001.b.device:2,DS"), without_cr(&letter("from b")))?;
    for device in [&a, &b, &a] {
        device.sync()?;
    }
    assert_eq!(without_mark(&std::fs::read(b.find("INBOX", "from a")?)?), mine);
    assert_eq!(without_mark(&std::fs::read(a.find("Drafts", "from b")?)?), without_cr(&letter("from b")));
    assert_eq!(a.flags("Drafts", "from b")?, "DS");
    let mut imap = server.imap(&account)?;
    let stored = imap.messages("Drafts")?;
    assert_eq!(stored.first().map(|(_, bytes)| without_mark(bytes)), Some(with_crlf(&letter("from b"))));

    // Flags, set and taken away, both ways.
    a.flag("INBOX", "letter 1", "FS")?;
    b.flag("INBOX", "letter 2", "RS")?;
    for device in [&a, &b, &a] {
        device.sync()?;
    }
    assert_eq!(b.flags("INBOX", "letter 1")?, "FS");
    assert_eq!(a.flags("INBOX", "letter 2")?, "RS");
    b.flag("INBOX", "letter 1", "S")?;
    b.sync()?;
    a.sync()?;
    assert_eq!(a.flags("INBOX", "letter 1")?, "S");

    // Moves, both ways.
    a.move_to("INBOX", "letter 1", "Archive")?;
    b.move_to("INBOX", "letter 2", "Junk")?;
    for device in [&a, &b, &a] {
        device.sync()?;
    }
    for device in [&a, &b] {
        assert!(device.has("Archive", "letter 1") && !device.has("INBOX", "letter 1"));
        assert!(device.has("Junk", "letter 2") && !device.has("INBOX", "letter 2"));
        assert_eq!(device.flags("Archive", "letter 1")?, "S");
    }

    // Deletions, both ways; one by a file that is gone, one by a flag.
    std::fs::remove_file(a.find("INBOX", "letter 3")?)?;
    b.flag("INBOX", "letter 4", "ST")?;
    for device in [&a, &b, &a] {
        device.sync()?;
    }
    for device in [&a, &b] {
        assert!(!device.has("INBOX", "letter 3") && !device.has("INBOX", "letter 4"));
        assert_eq!(device.mail("INBOX")?.len(), 1);
    }
    assert_eq!(imap.count("INBOX")?, 1);
    Ok(())
}

#[test]
fn a_folder_made_on_one_device_appears_on_the_other() -> anyhow::Result<()> {
    let server = Server::start()?;
    let account = server.account("anna")?;
    let (a, b) = (Device::new(&server, &account)?, Device::new(&server, &account)?);
    a.sync()?;
    // mbsync 1.4 writes names as they are: beyond ASCII they stand in modified UTF-7 on disk (RFC 3501 §5.1.3).
    let name = "Reisen/F&APY-hr";
    for part in ["cur", "new", "tmp"] {
        std::fs::create_dir_all(a.folder(name).join(part))?;
    }
    std::fs::write(a.folder(name).join("cur/1700000002.a.device:2,S"), without_cr(&letter("ferry")))?;
    a.sync()?;
    b.sync()?;
    assert!(b.has(name, "ferry"));
    Ok(())
}
