//! The server's certificates: which one is shown by name, and new ones without a connection ending.

use anyhow::ensure;
use rcgen::{CertificateParams, DnType, KeyPair};
use tests_clients::{Directory, Imap, Program, Server, patience};

/// Writes a certificate of its own authority for these names, whose subject is the first.
fn write(directory: &Directory, file: &str, names: &[&str]) -> anyhow::Result<()> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())?;
    params.distinguished_name.push(DnType::CommonName, names.first().copied().unwrap_or_default());
    directory.write(format!("{file}.pem"), params.self_signed(&key)?.pem())?;
    directory.write(format!("{file}.key"), key.serialize_pem())?;
    Ok(())
}

/// A server with three certificates: its own for `localhost`, and two more.
fn start() -> anyhow::Result<Server> {
    Server::start_with_tls(|directory| {
        write(directory, "b", &["b.example", "mail.b.example"])?;
        write(directory, "c", &["*.c.example"])?;
        let at = directory.path().display();
        let pair = |file: &str| format!("{{ certificate = \"{at}/{file}.pem\", key = \"{at}/{file}.key\" }}");
        Ok(format!("certificates = [{}, {}]\n", pair("b"), pair("c")))
    })
}

/// The subject of the certificate that a client gets that asks for this name, and its serial number.
fn shown(server: &Server, name: Option<&str>) -> anyhow::Result<(String, String)> {
    let program = Program::new("openssl").env("OPENSSL_CONF", "/dev/null").args(["s_client", "-connect"]);
    let program = program.arg(format!("127.0.0.1:{}", server.ports().imaps));
    let program = match name {
        Some(name) => program.args(["-servername", name]),
        None => program.arg("-noservername"),
    };
    let pem = program.succeed()?.text();
    let described =
        Program::new("openssl").args(["x509", "-noout", "-subject", "-serial"]).input(pem).succeed()?.text();
    let (subject, serial) = described.trim().split_once('\n').unwrap_or_default();
    Ok((subject.rsplit("CN = ").next().unwrap_or_default().to_owned(), serial.to_owned()))
}

#[test]
fn the_certificate_is_that_of_the_name_asked_for_else_the_first() -> anyhow::Result<()> {
    let server = start()?;
    for (name, expected) in [
        (Some("b.example"), "b.example"),
        (Some("mail.b.example"), "b.example"),
        (Some("imap.c.example"), "*.c.example"),
        (Some("localhost"), "localhost"),
        (Some("c.example"), "localhost"),
        (Some("elsewhere.example"), "localhost"),
        (None, "localhost"),
    ] {
        assert_eq!(shown(&server, name)?.0, expected, "{name:?}");
    }
    Ok(())
}

#[test]
fn new_certificates_are_read_without_a_connection_ending_and_broken_ones_are_not() -> anyhow::Result<()> {
    let server = start()?;
    let mut open = Imap::greeted(server.tls(server.ports().imaps)?)?;
    let of_b = || shown(&server, Some("b.example")).map(|(_, serial)| serial);
    let first = of_b()?;
    let directory = Directory::new()?;
    let renew = || -> anyhow::Result<()> {
        write(&directory, "b", &["b.example"])?;
        for file in ["b.pem", "b.key"] {
            std::fs::copy(directory.join(file), server.path().join(file))?;
        }
        Ok(())
    };
    renew()?;
    server.admin(["reload"])?;
    let second = of_b()?;
    assert_ne!(first, second);

    renew()?;
    server.hang_up()?;
    let end = std::time::Instant::now() + patience();
    while of_b()? == second {
        ensure!(std::time::Instant::now() < end, "SIGHUP changes nothing");
    }
    let third = of_b()?;

    std::fs::write(server.path().join("b.key"), "rubbish")?;
    let refused = server.admin(["reload"]).unwrap_err().to_string();
    assert!(refused.contains("b.key: no usable private key"), "{refused}");
    assert_eq!(of_b()?, third, "the old one stays in use");
    let status = server.admin(["status"])?;
    assert!(status.contains("days left") && status.contains("b.key: no usable private key"), "{status}");
    assert!(server.log().contains("a certificate cannot be used"), "{}", server.log());
    renew()?;
    server.admin(["reload"])?;
    assert!(!server.admin(["status"])?.contains("no usable"));
    open.expect("NOOP")?;
    Ok(())
}
