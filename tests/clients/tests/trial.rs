//! `postamt trial`: what it prints works as printed, a password before TLS is refused, Ctrl-C leaves nothing behind.

use anyhow::{Context as _, ensure};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tests_clients::{Trial, Wire};

/// Tests run beside each other; which of them gets the first ports is all the same, but each looks for itself.
static STARTING: Mutex<()> = Mutex::new(());

fn started() -> anyhow::Result<Trial> {
    with(&[])
}

fn with(arguments: &[&str]) -> anyhow::Result<Trial> {
    let _turn = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    Trial::start(arguments, "Events follow.")
}

fn curl(trial: &Trial, with: &str) -> anyhow::Result<String> {
    let found = trial.commands("curl").into_iter().find(|command| command.contains(with));
    found.with_context(|| format!("no curl command with {with} in {}", trial.text()))
}

#[test]
fn the_text_is_there_within_a_second() -> anyhow::Result<()> {
    let mut trial = started()?;
    // A build without optimisation on a busy machine gets more; the time that the trial prints is its own.
    ensure!(trial.took() < Duration::from_secs(if cfg!(debug_assertions) { 5 } else { 1 }), "{:?}", trial.took());
    assert_eq!(trial.commands("curl").len(), 3, "{}", trial.text());
    assert_eq!(trial.commands("mutt").len(), 1, "{}", trial.text());
    let text = trial.text();
    for name in ["anna@example.test", "ben@example.test", "IMAP  localhost", "POP3  localhost", "SMTP  localhost"] {
        assert!(text.contains(name), "no {name} in {text}");
    }
    ensure!(trial.interrupt()?.success());
    Ok(())
}

#[test]
fn the_three_printed_curl_commands_list_fetch_and_send() -> anyhow::Result<()> {
    let trial = started()?;
    let listed = trial.shell(&curl(&trial, "imaps://")?).succeed()?.text();
    let lines: Vec<&str> = listed.lines().filter(|line| line.starts_with("* ") && line.contains(" FETCH ")).collect();
    assert_eq!(lines.len(), 12, "twelve samples: {listed}");
    assert!(lines.iter().all(|line| line.contains("FLAGS (") && line.contains("ENVELOPE (")), "{listed}");

    let maildrop = trial.shell(&curl(&trial, "pop3s://")?).succeed()?.text();
    let numbers: Vec<usize> =
        maildrop.lines().filter_map(|line| line.split(' ').next().and_then(|n| n.parse().ok())).collect();
    assert_eq!(numbers, (1..=12).collect::<Vec<_>>(), "{maildrop}");

    trial.shell(&curl(&trial, "smtps://")?).succeed()?;
    let fetch = curl(&trial, "imaps://")?
        .replace("/INBOX -X 'FETCH 1:* (FLAGS ENVELOPE)'", "/INBOX;MAILINDEX=13'")
        .replace(" imaps://", " 'imaps://");
    let arrived = trial.shell(&fetch).succeed()?.stdout;
    let sent = std::fs::read(trial.data().join("hello.eml"))?;
    let sent = tests_clients::with_crlf(&sent);
    assert!(arrived.ends_with(&sent), "{}", String::from_utf8_lossy(&arrived));
    assert!(arrived.starts_with(b"Return-Path: <ben@example.test>\r\n"), "{}", String::from_utf8_lossy(&arrived));
    Ok(())
}

#[test]
fn the_printed_look_inside_lists_both_mailboxes() -> anyhow::Result<()> {
    let trial = started()?;
    let text = trial.text();
    let line = text.lines().find_map(|line| line.trim().strip_prefix("Look inside")).context("no such line")?;
    let listed = trial.shell(line.trim()).succeed()?.text();
    assert_eq!(listed.lines().filter(|line| line.contains("@example.test")).count(), 2, "{listed}");
    Ok(())
}

#[test]
fn the_printed_mutt_command_opens_the_inbox() -> anyhow::Result<()> {
    let trial = started()?;
    let commands = trial.commands("mutt");
    let printed = commands.first().context("a mutt command")?;
    // NeoMutt takes the same arguments; what is pushed are keys: tag all, save the count, quit.
    let keys = "push '<tag-pattern>~A<enter><tag-prefix><pipe-message>cat >> all.txt<enter><exit>'";
    let command = printed.replacen("mutt", "neomutt", 1);
    let line = format!("{command} -e 'set wait_key=no pipe_split=yes confirmappend=no abort_key=\"^G\"' -e \"{keys}\"");
    trial.shell(&format!("script -qec '{}' /dev/null", line.replace('\'', "'\\''"))).succeed()?;
    let seen = std::fs::read_to_string(trial.path().join("all.txt"))?;
    for number in 1..=12 {
        let id = format!("<sample-{number:02}@example.test>");
        assert!(seen.contains(&id), "no {id}");
    }
    Ok(())
}

#[test]
fn a_password_before_tls_is_refused_on_every_port() -> anyhow::Result<()> {
    let trial = started()?;
    let [imap, pop3, submission] = trial.starttls_ports()?;
    let text = trial.text();
    let password = text.split("password  ").nth(1).and_then(|t| t.lines().next()).context("a password")?.trim();

    let mut wire = Wire::plain(imap)?;
    wire.line()?;
    wire.write(format!("a LOGIN anna@example.test {password}\r\n").as_bytes())?;
    let answer = wire.text()?;
    assert!(answer.starts_with("a NO [PRIVACYREQUIRED]"), "{answer}");

    let mut wire = Wire::plain(pop3)?;
    wire.line()?;
    wire.write(b"USER anna@example.test\r\n")?;
    let user = wire.text()?;
    wire.write(format!("PASS {password}\r\n").as_bytes())?;
    let pass = wire.text()?;
    assert!(user.starts_with("-ERR") && pass.starts_with("-ERR"), "{user} {pass}");

    let mut wire = Wire::plain(submission)?;
    wire.line()?;
    wire.write(b"AUTH PLAIN AGFubmEAeA==\r\n")?;
    let auth = wire.text()?;
    assert!(auth.starts_with('5'), "{auth}");

    // It is shown, and the account is not locked by it.
    let end = Instant::now() + Duration::from_secs(5);
    while !trial.text().lines().any(|line| line.contains("IMAP") && line.contains("refused")) {
        ensure!(Instant::now() < end, "the refusal is not shown");
        std::thread::sleep(Duration::from_millis(20));
    }
    trial.shell(&curl(&trial, "imaps://")?).succeed()?;
    Ok(())
}

#[test]
fn events_are_shown_as_they_happen() -> anyhow::Result<()> {
    let trial = started()?;
    trial.shell(&curl(&trial, "imaps://")?).succeed()?;
    trial.shell(&curl(&trial, "smtps://")?).succeed()?;
    let end = Instant::now() + Duration::from_secs(5);
    let shown = |words: [&str; 3]| trial.text().lines().any(|line| words.iter().all(|word| line.contains(word)));
    for words in [["anna", "IMAP", "signed in"], ["anna", "IMAP", "opened"], ["ben", "SMTP", "sent"]] {
        while !shown(words) {
            ensure!(Instant::now() < end, "no line with {words:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    Ok(())
}

#[test]
fn a_foreign_recipient_gets_nothing_and_the_sender_finds_it_in_outbox() -> anyhow::Result<()> {
    let trial = started()?;
    let send = curl(&trial, "smtps://")?.replace("anna@example.test", "someone@elsewhere.example");
    trial.shell(&send).succeed()?;
    let ben: String = send.split("-u ").nth(1).and_then(|t| t.split_whitespace().next()).context("-u")?.to_owned();
    let imaps = trial.port("IMAP  localhost")?;
    let look = format!("curl -s --cacert postamt-trial/ca.pem -u {ben} 'imaps://localhost:{imaps}/Outbox;MAILINDEX=1'");
    // It goes through the queue, as mail for elsewhere does.
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let looked = trial.shell(&look).run()?;
        if looked.code == 0 && looked.text().contains("Subject:") {
            return Ok(());
        }
        ensure!(Instant::now() < end, "{}", looked.story());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn ctrl_c_ends_it_and_deletes_its_directory() -> anyhow::Result<()> {
    let mut trial = started()?;
    assert!(trial.data().join("ca.pem").is_file());
    let imaps = trial.port("IMAP  localhost")?;
    let ended = trial.interrupt()?;
    ensure!(ended.success(), "{ended}");
    assert!(!trial.data().exists(), "the directory is still there");
    assert!(std::net::TcpStream::connect(("127.0.0.1", imaps)).is_err(), "the port still answers");
    let last = trial.text().lines().last().unwrap_or_default().to_owned();
    assert!(last.starts_with("Stopped"), "{last}");
    Ok(())
}

#[test]
fn keep_keeps_the_directory_and_its_mail() -> anyhow::Result<()> {
    let trial = with(&["--keep"])?;
    trial.shell(&curl(&trial, "smtps://")?).succeed()?;
    // The next one in the same directory finds the mail, and has passwords of its own.
    let mut trial = trial.again(&["--keep"], "Events follow.")?;
    let listed = trial.shell(&curl(&trial, "imaps://")?).succeed()?.text();
    assert_eq!(listed.lines().filter(|line| line.contains(" FETCH ")).count(), 13, "{listed}");
    ensure!(trial.interrupt()?.success());
    assert!(trial.data().join("ca.pem").is_file());
    assert!(trial.data().join("anna.muttrc").is_file());
    Ok(())
}

#[test]
fn a_directory_can_be_named() -> anyhow::Result<()> {
    let mut trial = with(&["--directory", "somewhere"])?;
    assert!(trial.path().join("somewhere/hello.eml").is_file());
    assert!(trial.text().contains("--cacert somewhere/ca.pem"), "{}", trial.text());
    ensure!(trial.interrupt()?.success());
    assert!(!trial.path().join("somewhere").exists());
    Ok(())
}

#[test]
fn json_holds_what_a_program_needs() -> anyhow::Result<()> {
    let mut trial = {
        let _turn = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        Trial::start(&["--json"], "{")?
    };
    let text = trial.text();
    let first = text.lines().next().context("a line")?;
    let facts: serde_json::Value = serde_json::from_str(first)?;
    for port in ["smtp", "submission", "submissions", "imap", "imaps", "pop3", "pop3s"] {
        let number = facts.pointer(&format!("/ports/{port}")).and_then(serde_json::Value::as_u64);
        assert!(number.is_some_and(|n| n > 1024), "{port} in {first}");
    }
    assert!(facts.to_string().contains("BEGIN CERTIFICATE"), "{first}");
    for name in ["anna@example.test", "ben@example.test"] {
        assert!(facts.to_string().contains(name), "{first}");
    }
    ensure!(trial.interrupt()?.success());
    for line in trial.text().lines() {
        serde_json::from_str::<serde_json::Value>(line).with_context(|| format!("no JSON: {line}"))?;
    }
    Ok(())
}

#[test]
fn two_trials_that_start_at_once_both_serve() -> anyhow::Result<()> {
    let _turn = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    let both = [(); 2].map(|()| std::thread::spawn(|| Trial::start(&[], "Events follow.")));
    for trial in both {
        let trial = trial.join().map_err(|_| anyhow::anyhow!("a panic"))??;
        trial.shell(&curl(&trial, "pop3s://")?).succeed()?;
    }
    Ok(())
}

#[test]
fn a_second_trial_takes_the_next_free_ports() -> anyhow::Result<()> {
    let (first, second) = (started()?, started()?);
    assert_ne!(first.port("IMAP  localhost")?, second.port("IMAP  localhost")?);
    second.shell(&curl(&second, "pop3s://")?).succeed()?;
    first.shell(&curl(&first, "pop3s://")?).succeed()?;
    Ok(())
}
