//! imapflow (`node/imapflow.js`), the IMAP library of Node.js: a day's work with all the extensions that it knows.

use anyhow::ensure;
use tests_clients::Server;
use tests_clients::programs::imapflow;

#[test]
fn imapflow_does_a_days_work() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let finished = imapflow(&server, &anna, "work", "")?.succeed()?;
    ensure!(finished.text().contains("enabled CONDSTORE IMAP4REV2 QRESYNC"), "{}", finished.story());
    let mut imap = server.imap(&anna)?;
    let subjects: Vec<String> = imap
        .messages("INBOX")?
        .iter()
        .filter_map(|(_, bytes)| String::from_utf8_lossy(bytes).lines().nth(1).map(str::to_owned))
        .collect();
    assert_eq!(subjects, ["Subject: imapflow 1", "Subject: imapflow 2"]);
    assert_eq!(imap.count("Archive")?, 1);
    Ok(())
}
