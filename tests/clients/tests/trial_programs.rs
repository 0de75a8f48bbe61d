//! mbsync, getmail, fetchmail, swaks and msmtp against the trial, with what its text says and nothing else.

use anyhow::{Context as _, ensure};
use tests_clients::programs::{
    At, fetchmail, fetchmail_configure, getmail, getmail_configure, mbsync, mbsync_configure,
};
use tests_clients::{Directory, Program, Trial, files_in, letter, maildir};

/// Mail that the trial puts into each mailbox.
const SAMPLES: usize = 12;

#[test]
fn the_programs_work_with_what_the_text_says() -> anyhow::Result<()> {
    let trial = Trial::start(&[], "Events follow.")?;
    let (anna, ben) = (trial.account("anna")?, trial.account("ben")?);
    let (imaps, pop3s) = (trial.port("IMAP  localhost")?, trial.port("POP3  localhost")?);
    let submissions = trial.port("SMTP  localhost")?;
    let ca = trial.data().join("ca.pem");

    let device = Directory::new()?;
    mbsync_configure(&device, At { port: imaps, account: &anna, ca: &ca })?;
    mbsync(&device).succeed().context("mbsync")?;
    assert_eq!(maildir(&device.join("INBOX"))?.len(), SAMPLES);

    for (retriever, port) in [("SimpleIMAPSSLRetriever", imaps), ("SimplePOP3SSLRetriever", pop3s)] {
        let own = Directory::new()?;
        getmail_configure(&own, retriever, At { port, account: &anna, ca: &ca }, "delete = false")?;
        getmail(&own).succeed().context("getmail")?;
        assert_eq!(files_in(&own.join("mail"))?.len(), SAMPLES, "{retriever}");
    }

    let file = trial.path().join("letter.eml");
    std::fs::write(&file, letter("by swaks"))?;
    let sent = Program::new("swaks").args(["--server", "localhost", "--port", &submissions.to_string(), "--tlsc"]);
    let sent = sent.args(["--tls-verify", "--tls-ca-path"]).arg(&ca).args(["--from", &ben.address, "--to"]);
    let sent = sent.args([&anna.address, "--auth", "PLAIN", "--auth-user", &ben.address, "--auth-password"]);
    let sent = sent.args([&ben.password, "--data"]).arg(format!("@{}", file.display()));
    sent.succeed().context("swaks")?;
    mbsync(&device).succeed().context("mbsync again")?;
    assert_eq!(maildir(&device.join("INBOX"))?.len(), SAMPLES + 1);

    // Last, because it deletes: fetchmail takes it all away, and mbsync hears of it.
    let own = Directory::new()?;
    fetchmail_configure(&own, "protocol POP3", At { port: pop3s, account: &anna, ca: &ca }, "ssl")?;
    let fetched = fetchmail(&own).run()?;
    ensure!(fetched.code == 0, "{}", fetched.story());
    assert_eq!(files_in(&own.join("mail"))?.len(), SAMPLES + 1);
    mbsync(&device).succeed().context("mbsync at the end")?;
    assert_eq!(maildir(&device.join("INBOX"))?.len(), 0);
    Ok(())
}
