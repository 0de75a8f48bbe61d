//! Mailboxes that come from Dovecot, with the hashes that its own tool and the system's crypt(3) made.

use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::fmt::Write as _;
use tests_clients::{Account, Program, Server, postamt};

const PASSWORD: &str = "Tinte und Feder 7";

/// Dovecot's schemes that are taken.
const SCHEMES: &[&str] = &[
    "SHA",
    "SSHA",
    "SHA256",
    "SSHA256",
    "SHA512",
    "SSHA512",
    "SSHA.hex",
    "SSHA512.b64",
    "SMD5",
    "LDAP-MD5",
    "PLAIN-MD5",
    "MD5-CRYPT",
    "SHA256-CRYPT",
    "SHA512-CRYPT",
    "SHA512-CRYPT.b64",
    "BLF-CRYPT",
    "CRYPT",
    "ARGON2I",
    "ARGON2ID",
    "PBKDF2",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "PLAIN",
    "PLAIN.b64",
];

/// What crypt(3) makes hashes with.
const SETTINGS: &[&str] = &[
    "$y$j9T$Zl3Kp9Q1.5mW7aB2cD4eF.$",
    "$y$j75$Zl3Kp9Q1.5mW7aB2cD4eF.$",
    "$y$j95.0$Zl3Kp9Q1.5mW7aB2cD4eF.$",
    "$y$j95/.$Zl3Kp9Q1.5mW7aB2cD4eF.$",
    "$y$jAT$kurz$",
    "$6$rounds=12345$einlangessalzdasabgeschnittenwird",
    "$5$kurz",
    "$2b$06$abcdefghijklmnopqrstuu",
    "$2a$04$abcdefghijklmnopqrstuu",
    "$1$salzig$",
];

fn of_dovecot(scheme: &str) -> anyhow::Result<String> {
    let doveadm = Program::new("doveadm").args(["-c", "/dev/null", "pw", "-s", scheme, "-p", PASSWORD]);
    Ok(doveadm.succeed()?.text().trim().to_owned())
}

fn of_crypt(setting: &str) -> anyhow::Result<String> {
    let perl = Program::new("perl").args(["-e", "print crypt($ARGV[0], $ARGV[1])", PASSWORD, setting]);
    Ok(perl.succeed()?.text().trim().to_owned())
}

fn import(server: &Server, file: &str, more: &[&str]) -> anyhow::Result<(i32, Value)> {
    let command = Program::new(postamt()?).arg("--control").arg(server.control()).args(["account", "import", file]);
    let finished = command.args(["--domain", "example.test", "--json"]).args(more).run()?;
    let report = serde_json::from_slice(&finished.stdout).with_context(|| finished.story())?;
    Ok((finished.code, report))
}

#[test]
fn whoever_comes_from_dovecot_signs_in_with_the_old_password() -> anyhow::Result<()> {
    let server = Server::start()?;
    let mut lines = String::from("# users of the old server\n\n");
    let mut names = Vec::new();
    for scheme in SCHEMES {
        let name = format!("d{}", names.len());
        writeln!(lines, "{name}:{}:1000:1000::/var/vmail/{name}::userdb_quota_rule=*:bytes=1G", of_dovecot(scheme)?)?;
        names.push((name, *scheme));
    }
    for setting in SETTINGS {
        let name = format!("c{}", names.len());
        writeln!(lines, "{name}@example.test {}", of_crypt(setting)?)?;
        names.push((name, *setting));
    }
    let bad = [
        "x1:{CRAM-MD5}00",
        "x2:$2b$31$abcdefghijklmnopqrstuuwyny0DA3Y5ZT4kHJ4nIFIFTYHz4K2Oy",
        "x3:",
        "x4@else.test:{SHA}MdbtwXFNPTgolkp+Y3yddppjtZA=",
    ];
    lines += &bad.join("\n");
    let file = server.path().join("users");
    std::fs::write(&file, &lines)?;
    let file = file.to_str().context("a path in UTF-8")?;

    let (_, would) = import(&server, file, &["--dry-run"])?;
    // That a domain is not ours is only known by the server.
    assert_eq!(
        (would["taken"].as_u64(), would["refused"].as_u64()),
        (Some(names.len() as u64 + 1), Some(3)),
        "{would}"
    );
    assert_eq!(server.admin(["account", "list"])?.trim(), "none");
    let (code, report) = import(&server, file, &[])?;
    assert_eq!(
        (code, report["taken"].as_u64(), report["refused"].as_u64()),
        (1, Some(names.len() as u64), Some(4)),
        "{report}"
    );
    let (_, again) = import(&server, file, &[])?;
    assert_eq!(again["taken"].as_u64(), Some(0), "what is there stays as it is");

    for (place, (name, what)) in names.into_iter().enumerate() {
        let right = Account { address: format!("{name}@example.test"), password: PASSWORD.into() };
        // Not for all: failures slow down who makes many.
        if place % 6 == 0 {
            let wrong = Account { password: "Tinte und Feder 8".into(), ..right.clone() };
            ensure!(server.pop3(&wrong).is_err(), "{what}");
        }
        // The second time it is our own hash.
        server.pop3(&right).with_context(|| what.to_owned())?;
        server.imap(&right).with_context(|| what.to_owned())?;
    }
    Ok(())
}
