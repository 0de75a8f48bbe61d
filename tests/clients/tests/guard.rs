//! Guessers: what the log says of them, what fail2ban makes of that, and what the operator can do.

use anyhow::{Context as _, ensure};
use std::path::Path;
use tests_clients::{Account, Directory, Finished, Program, Server, control};

fn filter() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/fail2ban/postamt.conf")
}

/// Asks fail2ban how many lines of a log the shipped filter finds.
fn fail2ban(log: &Path) -> anyhow::Result<Finished> {
    Program::new("fail2ban-regex").arg(log).arg(filter()).run()
}

fn finds(log: &str, found: usize) -> anyhow::Result<()> {
    let directory = Directory::new()?;
    let path = directory.write("log", log)?;
    let said = fail2ban(&path)?;
    let wanted = format!(" {found} matched");
    ensure!(said.text().contains(&wanted), "{wanted}: {}", said.story());
    Ok(())
}

/// Anna's name with a wrong password.
fn guess_over_smtp(server: &Server) -> anyhow::Result<()> {
    let mut wire = server.tls(server.ports().submissions)?;
    wire.text()?;
    wire.write(b"EHLO guesser.example\r\n")?;
    while wire.text()?.starts_with("250-") {}
    wire.write(b"AUTH PLAIN AGFubmFAZXhhbXBsZS50ZXN0AGdlcmF0ZW4=\r\n")?;
    let answer = wire.text()?;
    ensure!(answer.starts_with("535 "), "{answer}");
    Ok(())
}

#[test]
fn fail2ban_finds_a_line_for_each_failed_sign_in_over_each_protocol() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let wrong = Account { password: "geraten".into(), ..anna.clone() };
    ensure!(server.imap(&wrong).is_err() && server.pop3(&wrong).is_err());
    guess_over_smtp(&server)?;
    server.imap(&anna)?;
    let log = server.log();
    for proto in ["imap", "pop3", "smtp"] {
        let line = format!("auth failure proto={proto} rip=127.0.0.1 user={} reason=password trace=", anna.address);
        ensure!(log.matches(&line).count() == 1, "{line}: {log}");
    }
    finds(&log, 3)
}

#[test]
fn fail2ban_reads_the_log_as_text_and_as_json_and_is_not_fooled_by_a_name() -> anyhow::Result<()> {
    let line = |rip: &str, user: &str, reason: &str| {
        format!("auth failure proto=imap rip={rip} user={user} reason={reason} trace=17")
    };
    let text = |rest: String| format!("2026-11-24T22:00:00.000001Z  WARN postamt::auth: {rest}\n");
    let json = |rest: String| {
        format!(
            "{{\"timestamp\":\"2026-11-24T22:00:00.000001Z\",\"level\":\"WARN\",\"message\":\"{rest}\",\"target\":\"postamt::auth\"}}\n"
        )
    };
    let mut log = String::new();
    for form in [text as fn(String) -> String, json] {
        log += &form(line("192.0.2.9", "anna@example.org", "password"));
        log += &form(line("2001:db8::9", "-", "throttled"));
        log += &form(line("192.0.2.9", "anna@example.org", "locked"));
        log += &form(line("-", "anna@example.org", "password"));
        // What a client that names another address in its user name comes to.
        log += &form(line("192.0.2.9", "x%20rip%3D198.51.100.1", "password"));
    }
    finds(&log, 6)?;
    let directory = Directory::new()?;
    let said =
        Program::new("fail2ban-regex").args(["--out", "ip"]).arg(directory.write("log", &log)?).arg(filter()).run()?;
    ensure!(!said.text().contains("198.51.100.1"), "{}", said.story());
    Ok(())
}

#[test]
fn an_operator_bans_asks_why_and_takes_it_back() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let refused = control(&server.control(), ["ban", "add", "127.0.0.1"], "");
    ensure!(refused.is_err(), "this machine is banned");
    server.admin(["ban", "add", "203.0.113.0/24", "--for", "1d", "--reason", "scans all night"])?;
    let list = server.admin(["ban", "list"])?;
    ensure!(list.contains("203.0.113.0/24") && list.contains("scans all night"), "{list}");
    let why = server.admin(["ban", "why", "203.0.113.9"])?;
    ensure!(why.contains("203.0.113.0/24 is banned until ") && why.contains("by the operator"), "{why}");
    // By force also this machine, which is how a test sees what a banned one does.
    server.admin(["ban", "add", "127.0.0.0/8", "--force"])?;
    ensure!(server.imap(&anna).is_err() && server.pop3(&anna).is_err(), "a banned address signs in");
    let status: serde_json::Value = serde_json::from_str(&server.admin(["--json", "status"])?)?;
    ensure!(status.get("banned").and_then(serde_json::Value::as_u64) == Some(2), "{status}");
    let away = status.get("turned away by bans").and_then(serde_json::Value::as_u64).context("no count")?;
    ensure!(away >= 2, "{status}");
    server.admin(["ban", "remove", "127.0.0.0/8"])?;
    server.imap(&anna)?;
    let why = server.admin(["ban", "why", "127.0.0.1"])?;
    ensure!(why.contains("127.0.0.1 is not banned") && why.contains("127.0.0.0/8 was banned by the operator"), "{why}");
    Ok(())
}
