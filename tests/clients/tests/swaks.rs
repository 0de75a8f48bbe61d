//! swaks: submission on 465 and 587 with AUTH PLAIN and LOGIN, relay refusal, LMTP over TCP and over a Unix socket.

use anyhow::ensure;
use tests_clients::{Account, Program, Server, after_trace, letter, same};

/// swaks with this letter, which it sends as it is.
fn swaks(server: &Server, to: &str, letter: &[u8]) -> anyhow::Result<Program> {
    let file = server.path().join("letter.eml");
    // It ends the data with a line end of its own, whatever is there.
    std::fs::write(&file, letter.strip_suffix(b"\r\n").unwrap_or(letter))?;
    let program = Program::new("swaks").args(["--to", to, "--timeout", "30", "--silent", "1", "--no-strip-from"]);
    Ok(program.args(["--suppress-data", "--data"]).arg(format!("@{}", file.display())))
}

fn signed_in(program: Program, server: &Server, account: &Account, mechanism: &str) -> Program {
    program
        .args(["--from", &account.address, "--auth", mechanism, "--auth-user", &account.address])
        .args(["--auth-password", &account.password, "--tls-verify", "--tls-ca-path"])
        .arg(server.ca())
}

#[test]
fn submission_takes_plain_and_login_inside_tls() -> anyhow::Result<()> {
    let server = Server::start()?;
    let (anna, ben) = (server.account("anna")?, server.account("ben")?);
    let mut expected = Vec::new();
    for (name, tls, port) in
        [("465", "--tls-on-connect", server.ports().submissions), ("587", "--tls", server.ports().submission)]
    {
        for mechanism in ["PLAIN", "LOGIN"] {
            let letter = letter(&format!("{name} {mechanism}"));
            let program = swaks(&server, &ben.address, &letter)?;
            let program = program.args(["--server", "localhost", "--port", &port.to_string(), tls]);
            signed_in(program, &server, &anna, mechanism).succeed()?;
            expected.push(letter);
        }
    }
    let got = server.imap(&ben)?.messages("INBOX")?;
    same(got.iter().map(|(_, bytes)| after_trace(bytes)), expected)?;
    Ok(())
}

#[test]
fn a_password_before_tls_and_a_wrong_one_are_refused() -> anyhow::Result<()> {
    let server = Server::start()?;
    let (anna, ben) = (server.account("anna")?, server.account("ben")?);
    let port = server.ports().submission.to_string();
    let plain = swaks(&server, &ben.address, &letter("x"))?.args(["--server", "localhost", "--port", &port]);
    let refused = signed_in(plain, &server, &anna, "PLAIN").run()?;
    // 28: no mechanism to sign in with was offered.
    ensure!(refused.code == 28, "{}", refused.story());
    let wrong = Account { password: "wrong".into(), ..anna };
    let inside = swaks(&server, &ben.address, &letter("x"))?.args(["--server", "localhost", "--port", &port, "--tls"]);
    let refused = signed_in(inside, &server, &wrong, "PLAIN").run()?;
    ensure!(refused.code == 28 && refused.story().contains("535"), "{}", refused.story());
    assert_eq!(server.imap(&ben)?.count("INBOX")?, 0);
    Ok(())
}

#[test]
fn the_port_for_other_servers_takes_mail_for_us_and_relays_none() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let port = server.ports().smtp.to_string();
    let from = ["--server", "localhost", "--from", "x@elsewhere.example", "--port", &port];
    swaks(&server, &anna.address, &letter("from outside"))?.args(from).succeed()?;
    swaks(&server, &anna.address, &letter("by STARTTLS"))?.args(from).arg("--tls").succeed()?;
    for to in ["y@elsewhere.example", "nobody@example.test", "anna%elsewhere.example@example.test"] {
        let refused = swaks(&server, to, &letter("relayed"))?.args(from).run()?;
        // 24: no recipient was accepted.
        ensure!(refused.code == 24 && refused.story().contains(" 550 "), "{to}: {}", refused.story());
    }
    let got = server.imap(&anna)?.messages("INBOX")?;
    same(got.iter().map(|(_, bytes)| after_trace(bytes)), [letter("from outside"), letter("by STARTTLS")])?;
    Ok(())
}

#[test]
fn lmtp_delivers_over_tcp_and_over_a_unix_socket() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let from = ["--protocol", "LMTP", "--from", "x@elsewhere.example"];
    let tcp = swaks(&server, &anna.address, &letter("tcp"))?.args(from);
    tcp.args(["--server", "localhost", "--port", &server.ports().lmtp.to_string()]).succeed()?;
    swaks(&server, &anna.address, &letter("unix"))?.args(from).arg("--socket").arg(server.lmtp_socket()).succeed()?;
    let got = server.imap(&anna)?.messages("INBOX")?;
    same(got.iter().map(|(_, bytes)| after_trace(bytes)), [letter("tcp"), letter("unix")])?;
    Ok(())
}
