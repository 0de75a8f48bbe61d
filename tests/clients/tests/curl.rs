//! curl: IMAP, POP3 and SMTP, by TLS and by STARTTLS.

use anyhow::ensure;
use tests_clients::{Account, Program, Server, after_trace, corpus, letter, with_crlf};

/// curl, quiet, with the test's authority and this sign-in.
fn curl(server: &Server, account: &Account) -> Program {
    let sign_in = format!("{}:{}", account.address, account.password);
    Program::new("curl").args(["-q", "-sS", "--max-time", "60", "--cacert"]).arg(server.ca()).args(["-u", &sign_in])
}

#[test]
fn imap_appends_lists_searches_and_fetches() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let secure = format!("imaps://localhost:{}", server.ports().imaps);
    let upgraded = format!("imap://localhost:{}", server.ports().imap);
    let file = server.path().join("letter.eml");
    for (number, ways) in [vec![secure.clone()], vec!["--ssl-reqd".into(), upgraded.clone()]].iter().enumerate() {
        std::fs::write(&file, letter(&format!("curl {number}")))?;
        let (url, options) = ways.split_last().expect("a URL");
        curl(&server, &anna).args(options).arg(format!("{url}/INBOX")).arg("-T").arg(&file).succeed()?;
    }
    for (number, ways) in [vec![secure.clone()], vec!["--ssl-reqd".into(), upgraded]].iter().enumerate() {
        let (url, options) = ways.split_last().expect("a URL");
        let at = |tail: &str| curl(&server, &anna).args(options).arg(format!("{url}/{tail}"));
        let index = number + 1;
        assert_eq!(at(&format!("INBOX;MAILINDEX={index}")).succeed()?.stdout, letter(&format!("curl {number}")));
        assert_eq!(at(&format!("INBOX;UID={index}")).succeed()?.stdout, letter(&format!("curl {number}")));
        let found = at(&format!("INBOX?SUBJECT%20%22curl%20{number}%22")).succeed()?.text();
        assert_eq!(found.trim(), format!("* SEARCH {index}"));
        let list = at("").succeed()?.text();
        assert!(["INBOX", "Drafts", "Sent", "Junk", "Trash", "Archive"].iter().all(|n| list.contains(n)), "{list}");
        let text = at("INBOX;MAILINDEX=1;SECTION=TEXT").succeed()?.stdout;
        assert!(letter("curl 0").ends_with(&text) && text.starts_with("Grüße".as_bytes()));
    }
    let moved = curl(&server, &anna).arg(format!("{secure}/INBOX")).args(["-X", "MOVE 1 Archive"]).succeed()?;
    eprintln!("{}", moved.story());
    assert_eq!(server.imap(&anna)?.count("Archive")?, 1);
    Ok(())
}

#[test]
fn imap_gets_every_byte_of_the_corpus() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let mut imap = server.imap(&anna)?;
    // curl ends when a literal of no bytes comes; one process fetches all, each into its own file.
    let corpus: Vec<_> = corpus().into_iter().filter(|sample| !sample.bytes.is_empty()).collect();
    for sample in &corpus {
        ensure!(imap.append("INBOX", "", &sample.bytes)?.ok, "{}", sample.name);
    }
    let out = server.path().join("out");
    std::fs::create_dir(&out)?;
    let url = format!("imaps://localhost:{}/INBOX;UID=[1-{}]", server.ports().imaps, corpus.len());
    curl(&server, &anna).arg(url).arg("-o").arg(out.join("#1")).succeed()?;
    for (uid, sample) in (1..).zip(&corpus) {
        let got = std::fs::read(out.join(format!("{uid}")))?;
        assert!(got == sample.bytes, "{uid} {}: {} bytes, not {}", sample.name, got.len(), sample.bytes.len());
    }
    Ok(())
}

#[test]
fn pop3_lists_retrieves_and_deletes() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let mut lmtp = server.lmtp()?;
    for number in 1..=3 {
        lmtp.data(&[&anna.address], &letter(&format!("letter {number}")))?;
    }
    let secure = vec![format!("pop3s://localhost:{}", server.ports().pop3s)];
    let upgraded = vec!["--ssl-reqd".into(), format!("pop3://localhost:{}", server.ports().pop3)];
    for ways in [secure.clone(), upgraded] {
        let (url, options) = ways.split_last().expect("a URL");
        let at = |tail: &str| curl(&server, &anna).args(options).arg(format!("{url}/{tail}"));
        assert_eq!(at("").succeed()?.text().lines().count(), 3);
        assert_eq!(after_trace(&at("2").succeed()?.stdout), letter("letter 2"));
        let names = at("").args(["-X", "UIDL"]).succeed()?.text();
        assert_eq!(names.lines().count(), 3, "{names}");
    }
    curl(&server, &anna).arg(format!("{}/2", secure[0])).args(["-l", "-X", "DELE"]).succeed()?;
    let left = server.imap(&anna)?.messages("INBOX")?;
    let left: Vec<&[u8]> = left.iter().map(|(_, bytes)| after_trace(bytes)).collect();
    assert_eq!(left, [letter("letter 1"), letter("letter 3")]);
    Ok(())
}

#[test]
fn smtp_sends_by_tls_and_starttls_and_not_without_signing_in() -> anyhow::Result<()> {
    let server = Server::start()?;
    let (anna, ben) = (server.account("anna")?, server.account("ben")?);
    let file = server.path().join("letter.eml");
    let envelope = ["--mail-from", &anna.address, "--mail-rcpt", &ben.address, "-T"];
    std::fs::write(&file, letter("tls"))?;
    let secure = format!("smtps://localhost:{}", server.ports().submissions);
    curl(&server, &anna).arg(&secure).args(envelope).arg(&file).succeed()?;
    std::fs::write(&file, letter("starttls"))?;
    let upgraded = format!("smtp://localhost:{}", server.ports().submission);
    curl(&server, &anna).arg("--ssl-reqd").arg(&upgraded).args(envelope).arg(&file).succeed()?;
    // Files of this machine end lines with LF; SMTP does not (`--crlf`, RFC 5321 §2.3.8).
    std::fs::write(&file, "Subject: lf\n\n.x\ny\n")?;
    let bare = curl(&server, &anna).arg("-v").arg(&secure).args(envelope).arg(&file).run()?;
    ensure!(bare.code != 0 && bare.errors().contains("550 5.6.11"), "{}", bare.story());
    curl(&server, &anna).arg("--crlf").arg(&secure).args(envelope).arg(&file).succeed()?;

    let nobody = Program::new("curl").args(["-q", "-sS", "--cacert"]).arg(server.ca());
    let refused = nobody.arg(&secure).args(envelope).arg(&file).run()?;
    ensure!(refused.code == 55, "{}", refused.story());
    let wrong = Account { password: "wrong".into(), ..anna.clone() };
    let refused = curl(&server, &wrong).arg(&secure).args(envelope).arg(&file).run()?;
    ensure!(refused.code == 67, "{}", refused.story());

    let got = server.imap(&ben)?.messages("INBOX")?;
    let got: Vec<&[u8]> = got.iter().map(|(_, bytes)| after_trace(bytes)).collect();
    assert_eq!(got, [letter("tls"), letter("starttls"), with_crlf(b"Subject: lf\n\n.x\ny\n")]);
    Ok(())
}
