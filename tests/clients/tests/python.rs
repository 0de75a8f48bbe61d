//! Python's imaplib, poplib and smtplib (`python/*.py`): every byte of the corpus, and a day's work.

use anyhow::{Context as _, ensure};
use tests_clients::{Account, Directory, Finished, Server, after_trace, corpus, letter, programs};

/// Runs a script of `python/`.
fn python(server: &Server, account: &Account, script: &str, more: &[(&str, &str)]) -> anyhow::Result<Finished> {
    programs::python(server, account, script, more).succeed().with_context(|| script.to_owned())
}

#[test]
fn imaplib_gets_every_byte_of_the_corpus() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let mut imap = server.imap(&anna)?;
    let corpus = corpus();
    for sample in &corpus {
        let answer = imap.append("INBOX", "", &sample.bytes)?;
        ensure!(answer.ok, "{}: {}", sample.name, answer.text);
    }
    let out = Directory::new()?;
    python(&server, &anna, "imap_fetch.py", &[("out", &out.path().to_string_lossy())])?;
    for (uid, sample) in (1..).zip(&corpus) {
        let got = std::fs::read(out.join(format!("{uid}")))?;
        assert!(got == sample.bytes, "{}: {} bytes, not {}", sample.name, got.len(), sample.bytes.len());
    }
    Ok(())
}

/// Lines that end in CR LF and no other way: what LMTP takes and what poplib can give back.
fn in_lines(bytes: &[u8]) -> bool {
    let lines = bytes.split_inclusive(|b| *b == b'\n');
    lines.map(|line| line.strip_suffix(b"\r\n")).all(|line| line.is_some_and(|line| !line.contains(&b'\r')))
}

#[test]
fn poplib_gets_every_byte_of_the_corpus_that_lmtp_brought() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let mut lmtp = server.lmtp()?;
    let samples = message::corpus::samples();
    let (good, bad): (Vec<_>, Vec<_>) = samples.into_iter().partition(|sample| in_lines(&sample.bytes));
    let mut kept = Vec::new();
    for sample in &good {
        let replies = lmtp.data(&[&anna.address], &sample.bytes).with_context(|| sample.name.clone())?;
        match replies.iter().map(|reply| reply.code).collect::<Vec<_>>()[..] {
            [250] => kept.push(sample),
            // What cannot be taken is refused for good and by name.
            [500..=599] => eprintln!("refused: {}: {replies:?}", sample.name),
            _ => anyhow::bail!("{}: {replies:?}", sample.name),
        }
    }
    ensure!(kept.len() + 10 > good.len(), "{} of {} were taken", kept.len(), good.len());
    // A bare CR or LF passes by no way that ends lines (RFC 5321 §2.3.8).
    for sample in bad.iter().filter(|sample| sample.bytes.len() < 20_000) {
        let bare = !in_lines(&[&sample.bytes[..], b"\r\n"].concat());
        let replies = lmtp.bdat(&[&anna.address], &sample.bytes).with_context(|| sample.name.clone())?;
        let taken = replies.iter().all(|reply| reply.code == 250);
        ensure!(taken != bare, "{}: {replies:?}", sample.name);
        if taken {
            kept.push(sample);
        }
    }
    let out = Directory::new()?;
    python(&server, &anna, "pop3_fetch.py", &[("out", &out.path().to_string_lossy())])?;
    for (number, sample) in (1..).zip(&kept) {
        let got = std::fs::read(out.join(format!("{number}")))?;
        let mut expected = sample.bytes.clone();
        if !expected.ends_with(b"\r\n") {
            expected.extend_from_slice(b"\r\n");
        }
        assert!(got.ends_with(&expected), "{number} {}: {:?}", sample.name, String::from_utf8_lossy(&got));
        let trace = &got[..got.len() - expected.len()];
        assert!(after_trace(trace).is_empty(), "{}: {:?}", sample.name, String::from_utf8_lossy(trace));
    }
    Ok(())
}

#[test]
fn imaplib_does_a_days_work() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    python(&server, &anna, "imap_work.py", &[])?;
    Ok(())
}

#[test]
fn pythons_zlib_understands_our_compression_and_is_understood() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    python(&server, &anna, "imap_compress.py", &[])?;
    Ok(())
}

#[test]
fn poplib_does_a_days_work() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let mut lmtp = server.lmtp()?;
    for number in 1..=3 {
        lmtp.data(&[&anna.address], &letter(&format!("letter {number}")))?;
    }
    python(&server, &anna, "pop3_work.py", &[])?;
    let left = server.imap(&anna)?.messages("INBOX")?;
    let left: Vec<&[u8]> = left.iter().map(|(_, bytes)| after_trace(bytes)).collect();
    assert_eq!(left, [letter("letter 1"), letter("letter 3")]);
    Ok(())
}

#[test]
fn smtplib_sends_in_every_way_and_is_refused_where_it_should_be() -> anyhow::Result<()> {
    let server = Server::start()?;
    let (anna, ben) = (server.account("anna")?, server.account("ben")?);
    python(&server, &anna, "smtp_send.py", &[("to", &ben.address)])?;
    let got = server.imap(&ben)?.messages("INBOX")?;
    let subjects: Vec<String> = got
        .iter()
        .map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned())
        .filter_map(|text| text.lines().find_map(|line| line.strip_prefix("Subject: ").map(str::to_owned)))
        .collect();
    let expected = ["smtplib tls", "smtplib grüße", "smtplib partly", "smtplib starttls", "smtplib mx", "smtplib lmtp"];
    assert_eq!(subjects, expected);
    for (_, bytes) in got.iter().filter(|(_, bytes)| !String::from_utf8_lossy(bytes).contains("grüße")) {
        assert!(bytes.ends_with(b"\r\n\r\n.dot\r\n..two\r\n\xc3\xbc\r\n"), "{}", String::from_utf8_lossy(bytes));
    }
    Ok(())
}
