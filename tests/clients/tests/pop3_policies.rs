//! What becomes of mail that real POP3 programs delete, or leave, under each policy of the account.

use anyhow::ensure;
use tests_clients::programs::{At, fetchmail, fetchmail_configure, getmail, getmail_configure, on_terminal, python};
use tests_clients::{Account, DOMAIN, Directory, Program, Server, files_in, letter, same, sorted, without_cr};

fn appended(server: &Server, account: &Account, names: &[&str]) -> anyhow::Result<()> {
    let mut imap = server.imap(account)?;
    for name in names {
        ensure!(imap.append("INBOX", "", &letter(name))?.ok);
    }
    Ok(())
}

fn with_policy(policy: &str, names: &[&str]) -> anyhow::Result<(Server, Account)> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let shown = server.admin(["account", "set", &anna.address, &format!("pop3.on-delete={policy}")])?;
    ensure!(shown.contains(policy) && shown.contains("this account"), "{shown}");
    appended(&server, &anna, names)?;
    Ok((server, anna))
}

/// A directory with fetchmail's configuration.
fn fetchmail_at(server: &Server, account: &Account, poll: &str, options: &str) -> anyhow::Result<Directory> {
    let directory = Directory::new()?;
    let at = At { port: server.ports().pop3s, account, ca: &server.ca() };
    fetchmail_configure(&directory, poll, at, options)?;
    Ok(directory)
}

/// Exit code of a fetchmail that found no new mail.
const NOTHING: i32 = 1;

#[test]
fn fetchmail_deletes_and_imap_keeps_it() -> anyhow::Result<()> {
    let (server, anna) = with_policy("keep", &["one", "two"])?;
    let here = fetchmail_at(&server, &anna, "protocol POP3", "ssl")?;
    fetchmail(&here).succeed()?;
    let again = fetchmail(&here).run()?;
    assert_eq!(again.code, NOTHING, "{}", again.story());
    assert_eq!(server.imap(&anna)?.count("INBOX")?, 2);
    // Another computer, which knows nothing, is not given it either; what is new comes.
    appended(&server, &anna, &["three"])?;
    let there = fetchmail_at(&server, &anna, "protocol POP3 uidl", "ssl keep")?;
    fetchmail(&there).succeed()?;
    same(files_in(&there.join("mail"))?, [without_cr(&letter("three"))])?;
    assert_eq!(server.imap(&anna)?.count("INBOX")?, 3);
    Ok(())
}

#[test]
fn fetchmail_leaves_mail_on_the_server_and_fetches_it_once() -> anyhow::Result<()> {
    let (server, anna) = with_policy("keep", &["one", "two"])?;
    let here = fetchmail_at(&server, &anna, "protocol POP3 uidl", "ssl keep")?;
    fetchmail(&here).succeed()?;
    assert_eq!(fetchmail(&here).run()?.code, NOTHING);
    same(files_in(&here.join("mail"))?, sorted(["one", "two"].map(|name| without_cr(&letter(name)))))?;
    assert_eq!(server.pop3(&anna)?.count()?, 2, "what was not deleted is still shown");
    Ok(())
}

#[test]
fn getmail_deletes_and_the_trash_has_it() -> anyhow::Result<()> {
    let (server, anna) = with_policy("trash", &["one", "two"])?;
    server.imap(&anna)?.expect("DELETE Trash")?;
    let directory = Directory::new()?;
    let at = At { port: server.ports().pop3s, account: &anna, ca: &server.ca() };
    getmail_configure(&directory, "SimplePOP3SSLRetriever", at, "read_all = true\ndelete = true")?;
    getmail(&directory).succeed()?;
    assert_eq!(files_in(&directory.join("mail"))?.len(), 2);
    let mut imap = server.imap(&anna)?;
    assert_eq!((imap.count("INBOX")?, imap.count("Trash")?), (0, 2));
    Ok(())
}

#[test]
fn curl_is_told_why_pop3_is_off_and_not_let_in() -> anyhow::Result<()> {
    let (server, anna) = with_policy("off", &["one"])?;
    let url = format!("pop3s://localhost:{}/", server.ports().pop3s);
    let curl = |password: &str| {
        let sign_in = format!("{}:{password}", anna.address);
        Program::new("curl").args(["-q", "-sSv", "--cacert"]).arg(server.ca()).args(["-u", &sign_in, &url]).run()
    };
    let refused = curl(&anna.password)?;
    ensure!(
        refused.code == 67 && refused.errors().contains("-ERR [SYS/PERM] POP3 is switched off"),
        "{}",
        refused.story()
    );
    let wrong = curl("wrong")?;
    ensure!(wrong.code == 67 && !wrong.errors().contains("SYS/PERM"), "{}", wrong.story());
    Ok(())
}

#[test]
fn a_domain_says_it_for_all_and_an_account_for_itself() -> anyhow::Result<()> {
    let server = Server::start()?;
    let (anna, ben) = (server.account("anna")?, server.account("ben")?);
    server.admin(["domain", "set", DOMAIN, "pop3.on-delete=off", "language=de"])?;
    ensure!(server.pop3(&anna).is_err() && server.pop3(&ben).is_err());
    server.admin(["account", "set", &ben.address, "pop3.on-delete=delete"])?;
    ensure!(server.pop3(&anna).is_err());
    server.pop3(&ben)?;
    let shown = server.admin(["account", "show", &ben.address])?;
    ensure!(shown.contains("this account") && shown.contains("its domain"), "{shown}");
    server.admin(["account", "set", &ben.address, "pop3.on-delete="])?;
    ensure!(server.pop3(&ben).is_err());
    let bad = server.admin(["account", "set", &ben.address, "pop3.on-delete=sometimes"]);
    ensure!(bad.is_err_and(|error| format!("{error:#}").contains("delete, keep, trash or off")));
    Ok(())
}

#[test]
fn neomutt_and_mutt_read_and_delete_by_pop3() -> anyhow::Result<()> {
    for (program, policy, in_inbox) in [("neomutt", "delete", 1), ("mutt", "keep", 2)] {
        let (server, anna) = with_policy(policy, &["one", "two"])?;
        let directory = Directory::new()?;
        // Neomutt of Debian 12 takes a -PLUS mechanism without being able to bind (docs/interop.md).
        let rc = format!(
            "set pop_authenticators=\"user\"\n\
             set ssl_ca_certificates_file=\"{}\" ssl_force_tls=yes pop_user=\"{}\" pop_pass=\"{}\" pop_delete=yes\n\
             set folder=\".\" spoolfile=\"\" pop_checkinterval=0 wait_key=no delete=yes quit=yes sort=mailbox-order header_cache=\"\"\n\
             push '<first-entry><pipe-message>cat > one.txt<enter><delete-message><sync-mailbox><exit>'\n",
            server.ca().display(),
            anna.address,
            anna.password,
        );
        directory.write("muttrc", rc)?;
        let mailbox = format!("pops://localhost:{}/", server.ports().pop3s);
        on_terminal(&directory, &format!("{program} -n -F muttrc -f {mailbox}")).succeed()?;
        assert_eq!(std::fs::read(directory.join("one.txt"))?, without_cr(&letter("one")), "{policy}");
        assert_eq!(server.imap(&anna)?.count("INBOX")?, in_inbox, "{policy}");
        assert_eq!(server.pop3(&anna)?.count()?, 1, "{policy}");
    }
    Ok(())
}

#[test]
fn poplib_asks_for_utf8_and_german() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let text = "From: Jörg <jörg@müller.example>\r\nSubject: Grüße\r\n\r\nHallo\r\n";
    ensure!(server.imap(&anna)?.append("INBOX", "", text.as_bytes())?.ok);
    python(&server, &anna, "pop3_utf8.py", &[]).succeed()?;
    Ok(())
}
