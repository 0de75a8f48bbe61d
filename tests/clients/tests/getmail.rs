//! getmail6: its IMAP and POP3 retrievers, keeping and deleting.

use anyhow::Context as _;
use tests_clients::programs::{At, getmail, getmail_configure};
use tests_clients::{Account, Directory, Server, files_in, letter, same, sorted, without_cr};

struct Getmail {
    directory: Directory,
}

impl Getmail {
    fn new(server: &Server, account: &Account, retriever: &str, port: u16, options: &str) -> anyhow::Result<Self> {
        let directory = Directory::new()?;
        let at = At { port, account, ca: &server.ca() };
        getmail_configure(&directory, retriever, at, options)?;
        Ok(Self { directory })
    }

    fn fetch(&self) -> anyhow::Result<Vec<Vec<u8>>> {
        let path = self.directory.path();
        getmail(&self.directory).succeed()?;
        // What its IMAP retriever adds to say where a letter was.
        let mark: &[u8] = b"X-getmail-retrieved-from-mailbox: INBOX\n";
        let without = |letter: Vec<u8>| -> Vec<u8> {
            letter.split_inclusive(|b| *b == b'\n').filter(|line| *line != mark).collect::<Vec<_>>().concat()
        };
        Ok(files_in(&path.join("mail"))?.into_iter().map(without).collect())
    }
}

/// getmail puts a Return-Path before a letter that has none.
fn files(names: &[&str]) -> Vec<Vec<u8>> {
    let with = |name| [b"Return-Path: <unknown>\n".to_vec(), without_cr(&letter(name))].concat();
    sorted(names.iter().copied().map(with))
}

fn keeps_then_deletes(retriever: &str, port: impl Fn(&Server) -> u16) -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let mut imap = server.imap(&anna)?;
    for name in ["one", "two"] {
        imap.append("INBOX", "", &letter(name))?;
    }
    let keeping = Getmail::new(&server, &anna, retriever, port(&server), "read_all = false\ndelete = false")?;
    same(keeping.fetch()?, files(&["one", "two"]))?;
    same(keeping.fetch()?, files(&["one", "two"])).context("what was fetched once is not fetched again")?;
    imap.append("INBOX", "", &letter("three"))?;
    same(keeping.fetch()?, files(&["one", "two", "three"]))?;
    assert_eq!(imap.count("INBOX")?, 3);

    let deleting = Getmail::new(&server, &anna, retriever, port(&server), "read_all = true\ndelete = true")?;
    same(deleting.fetch()?, files(&["one", "two", "three"]))?;
    assert_eq!(imap.count("INBOX")?, 0);
    Ok(())
}

#[test]
fn the_imap_retriever_keeps_then_deletes() -> anyhow::Result<()> {
    keeps_then_deletes("SimpleIMAPSSLRetriever", |server| server.ports().imaps)
}

#[test]
fn the_pop3_retriever_keeps_then_deletes() -> anyhow::Result<()> {
    keeps_then_deletes("SimplePOP3SSLRetriever", |server| server.ports().pop3s)
}
