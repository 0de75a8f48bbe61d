//! mpop: fetch and delete, fetch and keep, into a Maildir.

use std::path::PathBuf;
use tests_clients::{Account, Directory, Program, Server, corpus, letter, maildir, same, without_cr};

struct Mpop {
    directory: Directory,
}

impl Mpop {
    /// Both ways of TLS; `keep` is `on` or `off`.
    fn new(server: &Server, account: &Account, keep: &str) -> anyhow::Result<Self> {
        let directory = Directory::new()?;
        for part in ["cur", "new", "tmp"] {
            std::fs::create_dir_all(directory.join("mail").join(part))?;
        }
        let path = directory.path().display();
        let common = format!(
            "host localhost\nuser {}\npassword {}\nauth user\ntls on\ntls_trust_file {}\nkeep {keep}\nreceived_header off\n\
             delivery maildir {path}/mail\nuidls_file {path}/uidls\n",
            account.address,
            account.password,
            server.ca().display()
        );
        let ports = server.ports();
        let rc = format!(
            "account tls\nport {}\ntls_starttls off\n{common}\naccount stls\nport {}\ntls_starttls on\n{common}",
            ports.pop3s, ports.pop3
        );
        directory.write("mpoprc", rc)?;
        Ok(Self { directory })
    }

    fn fetch(&self, way: &str) -> anyhow::Result<usize> {
        let before = self.mail()?.len();
        Program::new("mpop").arg("-C").arg(self.directory.join("mpoprc")).args(["-q", way]).succeed()?;
        Ok(self.mail()?.len() - before)
    }

    fn folder(&self) -> PathBuf {
        self.directory.join("mail")
    }

    fn mail(&self) -> anyhow::Result<Vec<Vec<u8>>> {
        Ok(maildir(&self.folder())?.into_iter().map(|(_, bytes)| bytes).collect())
    }
}

#[test]
fn mail_is_fetched_and_deleted() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let mut imap = server.imap(&anna)?;
    imap.append("INBOX", "", &letter("one"))?;
    imap.append("INBOX", "", &letter("two"))?;
    let mpop = Mpop::new(&server, &anna, "off")?;
    assert_eq!(mpop.fetch("tls")?, 2);
    assert_eq!(imap.count("INBOX")?, 0);
    imap.append("INBOX", "", &letter("three"))?;
    assert_eq!(mpop.fetch("stls")?, 1);
    same(mpop.mail()?, ["one", "two", "three"].map(|name| without_cr(&letter(name))))?;
    Ok(())
}

#[test]
fn kept_mail_is_fetched_once() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let mut imap = server.imap(&anna)?;
    imap.append("INBOX", "", &letter("one"))?;
    let mpop = Mpop::new(&server, &anna, "on")?;
    assert_eq!(mpop.fetch("tls")?, 1);
    assert_eq!(mpop.fetch("tls")?, 0);
    imap.append("INBOX", "", &letter("two"))?;
    assert_eq!(mpop.fetch("stls")?, 1);
    assert_eq!(imap.count("INBOX")?, 2);
    Ok(())
}

#[test]
fn the_corpus_is_fetched_unaltered() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let mut imap = server.imap(&anna)?;
    // mpop does not say UTF8: it gets headers in UTF-8 as surrogates (RFC 6856 §2.1), of which the tests of `message` speak.
    let goes_as_it_is = |bytes: &[u8]| {
        let summary = message::Scanner::scan(bytes);
        let block =
            |range: std::ops::Range<u64>| Some(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?);
        let mut headers = summary.parts().filter_map(|part| bytes.get(block(part.header)?));
        headers.all(|header| message::surrogate_header(header).is_none())
    };
    let chosen = corpus().into_iter().filter(|s| s.bytes.ends_with(b"\r\n") && goes_as_it_is(&s.bytes));
    let chosen: Vec<_> = chosen.collect();
    assert!(chosen.len() > 400);
    for sample in &chosen {
        imap.append("INBOX", "", &sample.bytes)?;
    }
    let mpop = Mpop::new(&server, &anna, "off")?;
    assert_eq!(mpop.fetch("tls")?, chosen.len());
    // CR LF becomes LF in the files.
    let lf = |bytes: &[u8]| {
        let mut out = Vec::with_capacity(bytes.len());
        for (place, byte) in bytes.iter().enumerate() {
            if !(*byte == b'\r' && bytes.get(place + 1) == Some(&b'\n')) {
                out.push(*byte);
            }
        }
        out
    };
    same(mpop.mail()?, chosen.iter().map(|sample| lf(&sample.bytes)))?;
    Ok(())
}
