//! msmtp: submission by TLS and by STARTTLS, from a configuration file as people write it.

use anyhow::ensure;
use tests_clients::{Account, Program, Server, after_trace, corpus, letter, with_crlf, without_cr};

fn configure(server: &Server, account: &Account) -> anyhow::Result<()> {
    let (ports, ca) = (server.ports(), server.ca());
    let Account { address, password } = account;
    let common = format!(
        "host localhost\nfrom {address}\nauth plain\nuser {address}\npassword {password}\ntls on\ntls_trust_file {}\n\
         set_date_header off\nset_msgid_header off\nset_from_header off\n",
        ca.display()
    );
    let rc = format!(
        "account tls\nport {}\ntls_starttls off\n{common}\naccount starttls\nport {}\ntls_starttls on\n{common}",
        ports.submissions, ports.submission
    );
    let path = server.path().join("msmtprc");
    std::fs::write(&path, rc)?;
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(())
}

fn msmtp(server: &Server, way: &str) -> Program {
    Program::new("msmtp").arg("-C").arg(server.path().join("msmtprc")).args(["-a", way])
}

#[test]
fn a_letter_is_sent_by_tls_and_by_starttls() -> anyhow::Result<()> {
    let server = Server::start()?;
    let (anna, ben) = (server.account("anna")?, server.account("ben")?);
    configure(&server, &anna)?;
    for way in ["tls", "starttls"] {
        // As a program hands it over: LF, recipients from the header.
        msmtp(&server, way).arg("-t").input(without_cr(&letter(way))).succeed()?;
    }
    let got = server.imap(&ben)?.messages("INBOX")?;
    let got: Vec<&[u8]> = got.iter().map(|(_, bytes)| after_trace(bytes)).collect();
    assert_eq!(got, [letter("tls"), letter("starttls")]);
    Ok(())
}

#[test]
fn the_corpus_goes_through_unaltered() -> anyhow::Result<()> {
    let server = Server::start()?;
    let (anna, ben) = (server.account("anna")?, server.account("ben")?);
    configure(&server, &anna)?;
    // Each takes a sign-in of its own, so a sixteenth of the corpus; the whole goes through LMTP in `python.rs`.
    let chosen = corpus().into_iter().filter(|s| s.bytes.ends_with(b"\r\n") && s.bytes.len() < 50_000).step_by(16);
    let mut expected = Vec::new();
    for sample in chosen {
        let lines = without_cr(&sample.bytes);
        let sent = msmtp(&server, "tls").args(["--", &ben.address]).input(lines.clone()).run()?;
        ensure!(sent.code == 0, "{}: {}", sample.name, sent.story());
        expected.push((sample.name, with_crlf(&lines)));
    }
    let got = server.imap(&ben)?.messages("INBOX")?;
    assert_eq!(got.len(), expected.len());
    for ((_, got), (name, expected)) in got.iter().zip(&expected) {
        let text = || (String::from_utf8_lossy(got).into_owned(), String::from_utf8_lossy(expected).into_owned());
        assert!(got.ends_with(expected), "{name}: {:?}", text());
        assert!(after_trace(&got[..got.len() - expected.len()]).is_empty(), "{name}: {:?}", text());
    }
    Ok(())
}

#[test]
fn a_recipient_that_is_not_there_is_told_as_such() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    configure(&server, &anna)?;
    let sent = msmtp(&server, "tls").args(["--", "nobody@example.test"]).input("Subject: x\n\nx\n").run()?;
    // EX_DATAERR of sysexits.h.
    ensure!(sent.code == 65 && sent.errors().contains("550"), "{}", sent.story());
    Ok(())
}
