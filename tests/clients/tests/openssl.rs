//! What TLS the server agrees to, seen by OpenSSL's client: versions, suites, key exchange, resumption.

use anyhow::ensure;
use tests_clients::{Directory, Finished, Program, Server};

/// OpenSSL's client at a port, without the system's settings, which may be stricter than we have to show.
fn openssl(port: u16, starttls: Option<&str>, options: &[&str]) -> Program {
    let program = Program::new("openssl").env("OPENSSL_CONF", "/dev/null");
    let program = program.args(["s_client", "-connect", &format!("127.0.0.1:{port}")]).args(options);
    match starttls {
        Some(protocol) => program.args(["-starttls", protocol]),
        None => program,
    }
}

/// Connects to the IMAP port and signs off.
fn visit(server: &Server, options: &[&str]) -> anyhow::Result<Finished> {
    openssl(server.ports().imaps, None, options).arg("-ign_eof").input("a LOGOUT\r\n").run()
}

fn has(finished: &Finished, words: &[&str]) -> anyhow::Result<()> {
    let text = finished.text();
    ensure!(words.iter().all(|word| text.contains(word)), "not all of {words:?}: {}", finished.story());
    Ok(())
}

#[test]
fn versions_before_1_2_are_refused_with_an_alert_on_every_port() -> anyhow::Result<()> {
    let server = Server::start()?;
    let ports = server.ports();
    let doors = [
        (ports.imaps, None),
        (ports.pop3s, None),
        (ports.submissions, None),
        (ports.imap, Some("imap")),
        (ports.pop3, Some("pop3")),
        (ports.submission, Some("smtp")),
        (ports.smtp, Some("smtp")),
    ];
    for (port, starttls) in doors {
        for version in ["-tls1", "-tls1_1"] {
            let refused = openssl(port, starttls, &[version, "-cipher", "DEFAULT@SECLEVEL=0"]).run()?;
            let told = refused.errors().contains("SSL alert number");
            ensure!(told && refused.code != 0, "{version} {starttls:?}: {}", refused.story());
        }
        for version in ["-tls1_2", "-tls1_3"] {
            let taken = openssl(port, starttls, &[version]).run()?;
            has(&taken, &["Cipher is ", "-----BEGIN CERTIFICATE-----"])?;
        }
    }
    Ok(())
}

#[test]
fn only_suites_with_forward_secrecy_and_no_compression_are_agreed() -> anyhow::Result<()> {
    let server = Server::start()?;
    has(
        &visit(&server, &["-tls1_3"])?,
        &["New, TLSv1.3, Cipher is TLS_", "Server Temp Key: X25519", "Compression: NONE", "a OK LOGOUT"],
    )?;
    has(
        &visit(&server, &["-tls1_2"])?,
        &[
            "New, TLSv1.2, Cipher is ECDHE-ECDSA-AES256-GCM-SHA384",
            "Server Temp Key: X25519",
            "Compression: NONE",
            "Extended master secret: yes",
            "a OK LOGOUT",
        ],
    )?;
    has(&visit(&server, &["-tls1_3", "-groups", "P-256"])?, &["Server Temp Key: ECDH, prime256v1", "a OK LOGOUT"])?;
    let old = "ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-CCM:AES128-GCM-SHA256:AES128-SHA";
    let refused = visit(&server, &["-tls1_2", "-cipher", old])?;
    ensure!(refused.errors().contains("SSL alert number 40"), "{}", refused.story());
    Ok(())
}

#[test]
fn sessions_are_resumed_without_early_data() -> anyhow::Result<()> {
    let server = Server::start()?;
    let directory = Directory::new()?;
    let early = directory.write("early", "e NOOP\r\n")?;
    for (option, version) in [("-tls1_3", "TLSv1.3"), ("-tls1_2", "TLSv1.2")] {
        let session = directory.join(version);
        let session = session.to_string_lossy();
        has(&visit(&server, &[option, "-sess_out", &session])?, &[&format!("New, {version}"), "a OK LOGOUT"])?;
        has(&visit(&server, &[option, "-sess_in", &session])?, &[&format!("Reused, {version}"), "a OK LOGOUT"])?;
    }
    let (session, early) = (directory.join("TLSv1.3"), early.to_string_lossy());
    let resumed = visit(&server, &["-tls1_3", "-sess_in", &session.to_string_lossy(), "-early_data", &early])?;
    has(&resumed, &["Reused, TLSv1.3", "Early data was not sent", "Max Early Data: 0", "a OK LOGOUT"])?;
    ensure!(!resumed.text().contains("e OK"), "{}", resumed.story());
    Ok(())
}

#[test]
fn a_client_without_the_extended_master_secret_is_served() -> anyhow::Result<()> {
    let server = Server::start()?;
    let directory = Directory::new()?;
    let settings =
        "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nOptions = -ExtendedMasterSecret\n";
    let settings = directory.write("openssl.cnf", settings)?;
    let program = openssl(server.ports().imaps, None, &["-tls1_2", "-ign_eof"]).env("OPENSSL_CONF", settings);
    let visit = program.input("a CAPABILITY\r\nb LOGOUT\r\n").run()?;
    has(&visit, &["Extended master secret: no", "b OK LOGOUT"])
}
