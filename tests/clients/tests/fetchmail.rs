//! fetchmail: by default it deletes what it fetched; with `keep` and `uidl` a second run fetches nothing.

use anyhow::ensure;
use tests_clients::programs::{At, fetchmail, fetchmail_configure};
use tests_clients::{Account, Directory, Finished, Server, files_in, letter, same, sorted, without_cr};

struct Fetchmail {
    directory: Directory,
}

/// Exit code of a run that found no new mail.
const NOTHING: i32 = 1;

impl Fetchmail {
    fn new(server: &Server, account: &Account, poll: &str, port: u16, options: &str) -> anyhow::Result<Self> {
        let directory = Directory::new()?;
        let at = At { port, account, ca: &server.ca() };
        fetchmail_configure(&directory, poll, at, options)?;
        Ok(Self { directory })
    }

    fn run(&self) -> anyhow::Result<Finished> {
        fetchmail(&self.directory).run()
    }

    fn fetch(&self) -> anyhow::Result<()> {
        let run = self.run()?;
        ensure!(run.code == 0, "{}", run.story());
        Ok(())
    }

    fn mail(&self) -> anyhow::Result<Vec<Vec<u8>>> {
        files_in(&self.directory.join("mail"))
    }
}

fn appended(server: &Server, account: &Account, names: &[&str]) -> anyhow::Result<()> {
    let mut imap = server.imap(account)?;
    for name in names {
        ensure!(imap.append("INBOX", "", &letter(name))?.ok);
    }
    Ok(())
}

fn files(names: &[&str]) -> Vec<Vec<u8>> {
    sorted(names.iter().map(|name| without_cr(&letter(name))))
}

#[test]
fn pop3_mail_is_fetched_and_deleted() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    appended(&server, &anna, &["one", "two", "three"])?;
    let port = server.ports().pop3s;
    let fetchmail = Fetchmail::new(&server, &anna, "protocol POP3", port, "ssl")?;
    fetchmail.fetch()?;
    same(fetchmail.mail()?, files(&["one", "two", "three"]))?;
    assert_eq!(server.imap(&anna)?.count("INBOX")?, 0);
    assert_eq!(fetchmail.run()?.code, NOTHING);
    Ok(())
}

#[test]
fn kept_pop3_mail_is_fetched_once() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    appended(&server, &anna, &["one", "two"])?;
    let port = server.ports().pop3s;
    let fetchmail = Fetchmail::new(&server, &anna, "protocol POP3 uidl", port, "ssl keep")?;
    fetchmail.fetch()?;
    let second = fetchmail.run()?;
    assert_eq!(second.code, NOTHING, "{}", second.story());
    same(fetchmail.mail()?, files(&["one", "two"]))?;
    appended(&server, &anna, &["three"])?;
    fetchmail.fetch()?;
    same(fetchmail.mail()?, files(&["one", "two", "three"]))?;
    assert_eq!(server.imap(&anna)?.count("INBOX")?, 3);
    Ok(())
}

#[test]
fn stls_and_starttls_are_used() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    appended(&server, &anna, &["by POP3"])?;
    let port = server.ports().pop3;
    let pop3 = Fetchmail::new(&server, &anna, "protocol POP3", port, "sslproto \"TLS1.2+\"")?;
    pop3.fetch()?;
    same(pop3.mail()?, files(&["by POP3"]))?;
    appended(&server, &anna, &["by IMAP"])?;
    let port = server.ports().imap;
    let imap = Fetchmail::new(&server, &anna, "protocol IMAP", port, "sslproto \"TLS1.2+\"")?;
    imap.fetch()?;
    same(imap.mail()?, files(&["by IMAP"]))?;
    Ok(())
}

#[test]
fn imap_mail_is_fetched_and_deleted() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    appended(&server, &anna, &["one", "two"])?;
    let port = server.ports().imaps;
    let fetchmail = Fetchmail::new(&server, &anna, "protocol IMAP", port, "ssl")?;
    fetchmail.fetch()?;
    same(fetchmail.mail()?, files(&["one", "two"]))?;
    assert_eq!(server.imap(&anna)?.count("INBOX")?, 0);
    Ok(())
}
