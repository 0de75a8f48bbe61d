//! `postamt prove no-cleartext` against a server that runs, and against one that lies.

use anyhow::ensure;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use tests_clients::{Program, Server, postamt};

fn prove(config: &std::path::Path, json: bool) -> anyhow::Result<Program> {
    let program = Program::new(postamt()?).args(["prove", "no-cleartext", "--config"]).arg(config);
    Ok(if json { program.arg("--json") } else { program })
}

#[test]
fn our_server_is_shown_to_take_no_password_in_clear() -> anyhow::Result<()> {
    let server = Server::start()?;
    let config = server.path().join("postamt.toml");
    let told = prove(&config, false)?.run()?;
    ensure!(told.code == 0, "{}", told.story());
    let text = told.text();
    ensure!(text.contains("No password in clear is announced, asked for or accepted"), "{text}");
    ensure!(text.contains("inside TLS there is AUTH=SCRAM-SHA-512-PLUS"), "{text}");
    let told = prove(&config, true)?.run()?;
    let report: serde_json::Value = serde_json::from_str(&told.text())?;
    ensure!(report["holds"] == true && report["listeners"].as_array().is_some_and(|all| all.len() == 7), "{report}");
    // What was made up burnt nothing, and whoever has an account signs in as before.
    let anna = server.account("anna")?;
    server.imap(&anna)?;
    Ok(())
}

#[test]
fn a_server_that_takes_one_is_found() -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    // Ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || cheat(&stream));
        }
    });
    let folder = Server::start()?;
    let config = folder.path().join("cheat.toml");
    let none = ["smtp", "submission", "submissions", "imaps", "pop3", "pop3s"].map(|name| format!("{name} = []\n"));
    let text = format!(
        "[server]\nhostname = \"mail.example.test\"\n[listen]\nimap = [\"127.0.0.1:{port}\"]\n{}",
        none.concat()
    );
    std::fs::write(&config, text)?;
    let told = prove(&config, false)?.run()?;
    ensure!(told.code == 1, "{}", told.story());
    let text = told.text();
    ensure!(text.contains("  NO  LOGIN: accepted: a OK welcome"), "{text}");
    ensure!(text.contains("  NO  ways to sign in that are announced: LOGIN"), "{text}");
    Ok(())
}

/// A server of the nineties.
fn cheat(stream: &std::net::TcpStream) -> Option<()> {
    let mut out = stream;
    out.write_all(b"* OK ready\r\n").ok()?;
    for line in BufReader::new(stream).lines() {
        let line = line.ok()?;
        let answer = match line.split(' ').nth(1) {
            Some("CAPABILITY") => "* CAPABILITY IMAP4rev1\r\nc OK done\r\n",
            Some("LOGIN") => "a OK welcome\r\n",
            _ => "a NO what?\r\n",
        };
        out.write_all(answer.as_bytes()).ok()?;
    }
    Some(())
}
