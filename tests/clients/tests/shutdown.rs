//! SIGTERM: everybody who is connected is told, the process ends with 0, and the next one goes on where it was.

use anyhow::ensure;
use std::time::{Duration, Instant};
use tests_clients::{Server, Wire, letter};

const SOON: Duration = Duration::from_secs(5);

#[test]
fn idle_connections_are_told_goodbye() -> anyhow::Result<()> {
    let mut server = Server::start()?;
    let anna = server.account("anna")?;
    let (mut idle, mut waiting) = (server.imap(&anna)?, server.imap(&anna)?);
    idle.expect("SELECT INBOX")?;
    idle.idle()?;
    let mut smtp = Wire::plain(server.ports().smtp)?;
    smtp.line()?;
    let mut pop3 = Wire::plain(server.ports().pop3)?;
    pop3.line()?;
    let begin = Instant::now();
    let status = server.terminate()?;
    ensure!(status.success(), "SIGTERM ended it with {status}");
    ensure!(begin.elapsed() < SOON, "that took {:?}", begin.elapsed());
    // RFC 9051 §7.1.5, RFC 5321 §3.8.
    for connection in [&mut idle, &mut waiting] {
        let line = connection.line(SOON)?.unwrap_or_default();
        assert!(line.starts_with("* BYE"), "{line:?}");
    }
    let line = smtp.text()?;
    assert!(line.starts_with("421 "), "{line:?}");
    // RFC 1939 has no word for it: the connection ends.
    assert!(pop3.line().is_err());
    Ok(())
}

#[test]
fn what_was_there_is_there_after_a_restart() -> anyhow::Result<()> {
    let mut server = Server::start()?;
    let anna = server.account("anna")?;
    server.lmtp()?.data(&[&anna.address], &letter("stays"))?;
    let mut imap = server.imap(&anna)?;
    let before = imap.messages("INBOX")?;
    imap.expect("CREATE Work")?;
    imap.expect("SUBSCRIBE Work")?;
    imap.expect("STORE 1 +FLAGS (\\Flagged)")?;
    ensure!(server.terminate()?.success());
    let begin = Instant::now();
    server.boot()?;
    ensure!(begin.elapsed() < SOON, "the start took {:?}", begin.elapsed());
    let mut imap = server.imap(&anna)?;
    assert_eq!(imap.messages("INBOX")?, before);
    let flags = imap.expect("FETCH 1 (FLAGS)")?;
    assert!(flags.fetched().any(|item| String::from_utf8_lossy(item).contains("\\Flagged")));
    let subscribed = imap.expect("LSUB \"\" Work")?;
    assert_eq!(subscribed.untagged.len(), 1, "{subscribed:?}");
    Ok(())
}

#[test]
fn a_second_server_on_the_same_data_says_why_it_cannot_start() -> anyhow::Result<()> {
    let server = Server::start()?;
    let config = std::fs::read_to_string(server.path().join("postamt.toml"))?;
    // Its own control socket and no ports: only the data directory is the same.
    let listeners = ["smtp", "submission", "submissions", "imap", "imaps", "pop3", "pop3s", "lmtp"];
    let without = |line: &str| match listeners.iter().find(|name| line.starts_with(&format!("{name} = "))) {
        Some(name) => format!("{name} = []"),
        None => line.replace("/control\"", "/second\""),
    };
    let second: Vec<String> = config.lines().map(without).collect();
    let path = server.path().join("second.toml");
    std::fs::write(&path, second.join("\n"))?;
    let ended = tests_clients::Program::new(tests_clients::postamt()?).args(["serve", "--config"]).arg(path).run()?;
    assert_eq!(ended.code, 1, "{}", ended.story());
    assert!(ended.errors().contains("error:"), "{}", ended.story());
    server.admin(["status"])?;
    Ok(())
}
