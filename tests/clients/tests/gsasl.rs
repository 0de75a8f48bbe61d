//! GNU SASL's client, as another implementation of every mechanism, channel bindings included: in IMAP over STARTTLS. (In
//! SMTP it says STARTTLS before EHLO, which no server takes, and POP3 it does not speak; the exchange is the same in all.)

use anyhow::ensure;
use tests_clients::{Account, Program, Server};

/// Signs in, and tells whether it could.
fn signs_in(server: &Server, account: &Account, mechanism: &str) -> anyhow::Result<(bool, String)> {
    let port = server.ports().imap;
    // With something to bind to it uses nothing but -PLUS.
    let unbound = if mechanism.ends_with("-PLUS") { None } else { Some("--no-cb") };
    let finished = Program::new("gsasl")
        .args(["--client", "--imap", "--starttls", "--mechanism", mechanism])
        .args(unbound)
        .arg(format!("--connect=localhost:{port}"))
        .arg("--x509-ca-file")
        .arg(server.ca())
        .args(["--authentication-id", &account.address, "--authorization-id", &account.address])
        .args(["--password", &account.password, "--hostname", "localhost", "--verbose"])
        .input("")
        .run()?;
    Ok((finished.code == 0, finished.story()))
}

/// What it knows and we do.
const MECHANISMS: [&str; 6] =
    ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"];

#[test]
fn every_mechanism_signs_in_with_the_right_password_and_not_with_a_wrong_one() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let wrong = Account { password: "moos-lampe-fjord-18".into(), ..anna.clone() };
    for mechanism in MECHANISMS {
        let (signed_in, story) = signs_in(&server, &anna, mechanism)?;
        ensure!(signed_in, "{mechanism}: {story}");
    }
    for mechanism in ["SCRAM-SHA-256-PLUS", "PLAIN"] {
        let (signed_in, story) = signs_in(&server, &wrong, mechanism)?;
        ensure!(!signed_in, "{mechanism}, a wrong password: {story}");
    }
    Ok(())
}
