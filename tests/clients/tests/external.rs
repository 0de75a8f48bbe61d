//! Signing in with a certificate: EXTERNAL on all three protocols, with OpenSSL's client and curl (RFC 4422 appendix A).

use anyhow::ensure;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, date_time_ymd,
};
use tests_clients::{Account, Directory, Finished, Program, Server};

/// `anna@example.test` in Base64.
const ANNA: &str = "YW5uYUBleGFtcGxlLnRlc3Q=";
/// `ben@example.test` in Base64.
const BEN: &str = "YmVuQGV4YW1wbGUudGVzdA==";

/// An authority whose file is written, and what it signs.
struct Authority(Issuer<'static, KeyPair>);

impl Authority {
    fn new(directory: &Directory, name: &str) -> anyhow::Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        directory.write(name, params.self_signed(&key)?.pem())?;
        Ok(Self(Issuer::new(params, key)))
    }

    /// A certificate and its key in one file.
    fn sign(&self, directory: &Directory, file: &str, until: i32) -> anyhow::Result<()> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, file);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.not_after = date_time_ymd(until, 1, 1);
        let pem = params.signed_by(&key, &self.0)?.pem();
        directory.write(file, format!("{pem}{}", key.serialize_pem()))?;
        Ok(())
    }
}

/// Certificates for clients: a good one, one of another authority, one that has expired, one that nobody bound.
fn people(directory: &Directory) -> anyhow::Result<()> {
    let (ours, others) = (Authority::new(directory, "people.pem")?, Authority::new(directory, "others.pem")?);
    ours.sign(directory, "good.pem", 2090)?;
    ours.sign(directory, "unbound.pem", 2090)?;
    ours.sign(directory, "expired.pem", 2001)?;
    others.sign(directory, "foreign.pem", 2090)
}

/// Says this to the IMAP port with a certificate.
fn say(server: &Server, certificate: &str, version: &str, input: &str) -> anyhow::Result<Finished> {
    let file = server.path().join(certificate);
    let port = format!("127.0.0.1:{}", server.ports().imaps);
    let program = Program::new("openssl").env("OPENSSL_CONF", "/dev/null");
    let program = program.args(["s_client", "-connect", &port, version, "-ign_eof", "-cert"]).arg(&file);
    program.arg("-key").arg(&file).input(format!("{input}z LOGOUT\r\n")).run()
}

fn start(more: &str) -> anyhow::Result<(Server, Account)> {
    let server = Server::start_with_tls(|directory| {
        people(directory)?;
        Ok(more.replace("PEOPLE", &directory.join("people.pem").display().to_string()))
    })?;
    let anna = server.account("anna")?;
    server.account("ben")?;
    for file in ["good.pem", "expired.pem", "foreign.pem"] {
        let file = server.path().join(file).display().to_string();
        server.admin(["account", "certificate", "add", &anna.address, &file, "--name", "a device"])?;
    }
    Ok((server, anna))
}

#[test]
fn a_bound_certificate_signs_in_and_no_other_does() -> anyhow::Result<()> {
    for (settings, foreign_counts) in [("client-ca = \"PEOPLE\"\n", false), ("", true)] {
        let (server, _) = start(settings)?;
        for version in ["-tls1_3", "-tls1_2"] {
            let good = say(&server, "good.pem", version, &format!("a AUTHENTICATE EXTERNAL {ANNA}\r\n"))?;
            ensure!(good.text().contains("AUTH=EXTERNAL") && good.text().contains("a OK"), "{}", good.story());
            let empty = say(&server, "good.pem", version, "a AUTHENTICATE EXTERNAL =\r\nb SELECT INBOX\r\n")?;
            ensure!(empty.text().contains("a OK") && empty.text().contains("b OK"), "{}", empty.story());
            let other = say(&server, "good.pem", version, &format!("a AUTHENTICATE EXTERNAL {BEN}\r\n"))?;
            ensure!(other.text().contains("a NO [AUTHENTICATIONFAILED]"), "{}", other.story());
            let unbound = say(&server, "unbound.pem", version, "a AUTHENTICATE EXTERNAL =\r\n")?;
            ensure!(unbound.text().contains("a NO [AUTHENTICATIONFAILED]"), "{}", unbound.story());
            let foreign = say(&server, "foreign.pem", version, "a AUTHENTICATE EXTERNAL =\r\n")?;
            assert_eq!(foreign.text().contains("a OK"), foreign_counts, "{}", foreign.story());
            assert_eq!(foreign.text().contains("AUTH=EXTERNAL"), foreign_counts, "{}", foreign.story());
            let expired = say(&server, "expired.pem", version, "a AUTHENTICATE EXTERNAL =\r\n")?;
            ensure!(
                !expired.text().contains("AUTH=EXTERNAL") && !expired.text().contains("a OK"),
                "{}",
                expired.story()
            );
        }
    }
    Ok(())
}

#[test]
fn curl_reads_and_sends_with_a_certificate_and_no_password() -> anyhow::Result<()> {
    let (server, anna) = start("client-ca = \"PEOPLE\"\n")?;
    let ports = server.ports();
    let file = server.path().join("good.pem");
    let letter = "From: anna@example.test\r\nTo: anna@example.test\r\nSubject: by certificate\r\n\r\nbody\r\n";
    let curl = || {
        let program = Program::new("curl").args(["--silent", "--show-error", "--cacert"]).arg(server.ca());
        program.arg("--cert").arg(&file).args([
            "--login-options",
            "AUTH=EXTERNAL",
            "--user",
            &format!("{}:", anna.address),
        ])
    };
    let send = curl().arg(format!("smtps://localhost:{}/client.example", ports.submissions));
    let send = send.args(["--mail-from", &anna.address, "--mail-rcpt", &anna.address, "--upload-file", "-"]);
    send.input(letter).succeed()?;
    let listed = curl().arg(format!("imaps://localhost:{}/INBOX;MAILINDEX=1", ports.imaps)).succeed()?;
    ensure!(listed.text().contains("by certificate"), "{}", listed.story());
    let read = curl().arg(format!("pop3s://localhost:{}/1", ports.pop3s)).succeed()?;
    ensure!(read.text().contains("by certificate"), "{}", read.story());
    Ok(())
}

#[test]
fn a_removed_binding_ends_the_sessions_that_it_opened() -> anyhow::Result<()> {
    let (server, anna) = start("")?;
    let file = server.path().join("good.pem");
    let port = format!("127.0.0.1:{}", server.ports().imaps);
    let program = Program::new("openssl").env("OPENSSL_CONF", "/dev/null").args(["s_client", "-connect", &port]);
    let mut open = program.args(["-quiet", "-cert"]).arg(&file).arg("-key").arg(&file).start()?;
    open.ask("a AUTHENTICATE EXTERNAL =\r\n", "a OK")?;
    open.ask("b IDLE\r\n", "+ ")?;
    let path = file.display().to_string();
    let listed = server.admin(["account", "certificate", "list", &anna.address])?;
    ensure!(listed.contains("sha256:") && listed.contains("a device"), "{listed}");
    server.admin(["account", "certificate", "remove", &anna.address, &path])?;
    // It is told at once, in the middle of IDLE.
    open.wait_for("* BYE")?;
    let refused = say(&server, "good.pem", "-tls1_3", "a AUTHENTICATE EXTERNAL =\r\n")?;
    ensure!(!refused.text().contains("a OK"), "{}", refused.story());
    Ok(())
}

#[test]
fn nobody_is_asked_for_a_certificate_without_need() -> anyhow::Result<()> {
    let server = Server::start()?;
    let asked = |port: u16| -> anyhow::Result<bool> {
        let program = Program::new("openssl").env("OPENSSL_CONF", "/dev/null").args(["s_client", "-trace", "-connect"]);
        let program = program.arg(format!("127.0.0.1:{port}"));
        let program = if port == server.ports().smtp { program.args(["-starttls", "smtp"]) } else { program };
        let finished = program.succeed()?;
        Ok(finished.text().contains("CertificateRequest"))
    };
    ensure!(!asked(server.ports().imaps)?);
    let anna = server.account("anna")?;
    let certificate = "0a".repeat(32);
    server.admin(["account", "certificate", "add", &anna.address, &certificate])?;
    ensure!(
        asked(server.ports().imaps)? && !asked(server.ports().smtp)?,
        "people's programs are asked, servers are not"
    );
    server.admin(["account", "certificate", "remove", &anna.address, &format!("sha256:{certificate}")])?;
    ensure!(!asked(server.ports().imaps)?);
    Ok(())
}
