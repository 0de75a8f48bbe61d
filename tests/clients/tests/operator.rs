//! The operator's commands against the running server, as people type them.

use anyhow::ensure;
use tests_clients::{Account, DOMAIN, Program, Server, after_trace, control, letter, patience, postamt, same};

#[test]
fn a_new_password_counts_at_once() -> anyhow::Result<()> {
    let server = Server::start()?;
    let old = server.account("anna")?;
    server.imap(&old)?;
    let new = Account { password: "neu-und-anders-77".into(), ..old.clone() };
    let arguments = ["password", "set", &new.address, "--password-stdin"];
    control(&server.control(), arguments, &format!("{}\n", new.password))?;
    server.imap(&new)?;
    server.pop3(&new)?;
    ensure!(server.imap(&old).is_err(), "the old password still works");
    Ok(())
}

#[test]
fn aliases_tags_and_catch_all_deliver() -> anyhow::Result<()> {
    let server = Server::start()?;
    let (anna, ben) = (server.account("anna")?, server.account("ben")?);
    server.admin(["alias", "add", "info@example.test", "--to", "anna@example.test,ben@example.test"])?;
    server.admin(["alias", "add", "*@example.test", "--to", &ben.address])?;
    let mut lmtp = server.lmtp()?;
    for to in ["info@example.test", "anna+tag@example.test", "ANNA@Example.Test", "whoever@example.test"] {
        let replies = lmtp.data(&[to], &letter(to))?;
        ensure!(replies.iter().all(|reply| reply.code == 250), "{to}: {replies:?}");
    }
    for (account, expected) in [
        (&anna, vec!["info@example.test", "anna+tag@example.test", "ANNA@Example.Test"]),
        (&ben, vec!["info@example.test", "whoever@example.test"]),
    ] {
        let got = server.imap(account)?.messages("INBOX")?;
        same(got.iter().map(|(_, bytes)| after_trace(bytes)), expected.into_iter().map(letter))?;
    }
    let list = server.admin(["alias", "list"])?;
    assert!(list.contains("info@example.test") && list.contains("*@example.test"), "{list}");
    server.admin(["alias", "remove", "*@example.test"])?;
    ensure!(server.lmtp()?.data(&["whoever@example.test"], &letter("x")).is_err(), "the catch-all is still there");
    Ok(())
}

#[test]
fn accounts_are_listed_shown_and_removed_with_their_mail() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    server.account("ben")?;
    server.lmtp()?.data(&[&anna.address], &letter("x"))?;
    let list = server.admin(["account", "list"])?;
    assert!(list.contains("anna@example.test") && list.contains("ben@example.test"), "{list}");
    let shown: serde_json::Value =
        serde_json::from_str(&server.admin(["--json", "account", "show", &anna.address])?)?;
    assert!(shown.to_string().contains(&anna.address), "{shown}");
    let unasked = Program::new(postamt()?).arg("--control").arg(server.control());
    let unasked = unasked.args(["account", "remove", &anna.address]).run()?;
    ensure!(unasked.code == 1 && unasked.errors().contains("--yes"), "{}", unasked.story());
    server.admin(["account", "remove", &anna.address, "--yes"])?;
    ensure!(server.imap(&anna).is_err(), "a removed account signs in");
    // The same name again is another account.
    server.account("anna")?;
    assert_eq!(server.imap(&anna)?.count("INBOX")?, 0);
    Ok(())
}

#[test]
fn a_full_mailbox_refuses_mail_for_now_and_says_why() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    server.admin(["quota", "set", &anna.address, "2 kB"])?;
    let large = [letter("large"), vec![b'x'; 900], b"\r\n".to_vec(), vec![b'y'; 900], b"\r\n".to_vec()].concat();
    let first = server.lmtp()?.data(&[&anna.address], &large)?;
    assert_eq!(first[0].code, 250, "what fits is taken: {first:?}");
    let refused = server.lmtp()?.data(&[&anna.address], &letter("more"));
    let told = refused.map_or_else(|error| error.to_string(), |replies| format!("{replies:?}"));
    assert!(told.contains("452") || told.contains("552"), "{told}");
    let appended = server.imap(&anna)?.append("INBOX", "", &letter("more"))?;
    assert!(appended.text.starts_with("NO [OVERQUOTA]"), "{}", appended.text);
    server.admin(["quota", "set", &anna.address, "none"])?;
    assert_eq!(server.lmtp()?.data(&[&anna.address], &letter("more"))?[0].code, 250);
    Ok(())
}

#[test]
fn mail_for_elsewhere_waits_in_the_queue_and_can_be_dropped() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let file = server.path().join("letter.eml");
    std::fs::write(&file, letter("for elsewhere"))?;
    let sent = Program::new("curl").args(["-q", "-sS", "--cacert"]).arg(server.ca());
    let sent = sent.args(["-u", &format!("{}:{}", anna.address, anna.password), "--mail-from", &anna.address]);
    let sent = sent.args(["--mail-rcpt", "someone@elsewhere.example", "-T"]).arg(&file);
    sent.arg(format!("smtps://localhost:{}", server.ports().submissions)).succeed()?;
    let queue: serde_json::Value = serde_json::from_str(&server.admin(["--json", "queue", "list"])?)?;
    assert_eq!(queue.as_array().map(Vec::len), Some(1), "{queue}");
    assert!(queue.to_string().contains("elsewhere.example"), "{queue}");
    let id = queue[0]["id"].as_str().map(str::to_owned).unwrap_or_default();
    server.admin(["queue", "hold", &id])?;
    server.admin(["queue", "release", &id])?;
    server.admin(["queue", "drop", &id])?;
    assert_eq!(server.admin(["queue", "list"])?, "none\n");
    Ok(())
}

#[test]
fn what_went_wrong_says_what_why_and_what_next() -> anyhow::Result<()> {
    let server = Server::start()?;
    let run = |arguments: &[&str]| {
        Program::new(postamt()?).arg("--control").arg(server.control()).args(arguments).input("geheim-genug-12\n").run()
    };
    for arguments in [
        &["account", "show", "nobody@example.test"][..],
        &["account", "add", "anna@elsewhere.example", "--password-stdin"],
        &["domain", "add", DOMAIN],
        &["domain", "add", "not a domain"],
        &["queue", "show", "zzz"],
    ] {
        let ended = run(arguments)?;
        ensure!(ended.code == 1, "{arguments:?}: {}", ended.story());
        for part in ["error:", "why", "hint"] {
            assert!(ended.errors().contains(part), "{arguments:?} without {part}: {}", ended.story());
        }
    }
    let nowhere = Program::new(postamt()?).args(["--control", "/nonexistent/socket", "status"]).run()?;
    ensure!(nowhere.code == 1 && nowhere.errors().contains("postamt serve"), "{}", nowhere.story());
    let config = server.path().join("wrong.toml");
    std::fs::write(&config, "[server]\nhostnam = \"mail.example.test\"\n")?;
    let wrong = Program::new(postamt()?).args(["config", "check", "--config"]).arg(&config).run()?;
    ensure!(wrong.code == 1 && wrong.errors().contains("hostname"), "{}", wrong.story());
    assert!(wrong.errors().contains("wrong.toml:2"), "{}", wrong.story());
    Ok(())
}

#[test]
fn the_store_is_verified_backed_up_and_its_backup_serves() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    for number in 1..=20 {
        server.lmtp()?.data(&[&anna.address], &letter(&format!("letter {number}")))?;
    }
    let before = server.imap(&anna)?.messages("INBOX")?;
    server.admin(["store", "verify"])?;
    let target = server.path().join("backup");
    server.admin(["store", "backup", &target.display().to_string()])?;
    let mut second = server.with_data(&target)?;
    assert_eq!(second.imap(&anna)?.messages("INBOX")?, before);
    ensure!(second.terminate()?.success());
    Ok(())
}

#[test]
fn the_index_is_rebuilt_from_the_log() -> anyhow::Result<()> {
    let mut server = Server::start()?;
    let anna = server.account("anna")?;
    for number in 1..=20 {
        server.lmtp()?.data(&[&anna.address], &letter(&format!("letter {number}")))?;
    }
    let before = server.imap(&anna)?.messages("INBOX")?;
    server.kill()?;
    let config = server.path().join("postamt.toml");
    Program::new(postamt()?).args(["store", "rebuild", "--config"]).arg(config).succeed()?;
    server.boot()?;
    assert_eq!(server.imap(&anna)?.messages("INBOX")?, before);
    server.admin(["store", "verify"])?;
    Ok(())
}

#[test]
fn an_accounts_devices_are_shown_and_outlive_a_restart() -> anyhow::Result<()> {
    let mut server = Server::start()?;
    let anna = server.account("anna")?;
    server.admin(["account", "set", &anna.address, "notices=on"])?;
    let mut imap = server.imap(&anna)?;
    imap.expect("ID (\"name\" \"Tinte\" \"version\" \"7\")")?;
    drop(server.pop3(&anna)?.command("QUIT")?);
    let devices = |server: &Server| -> anyhow::Result<Vec<(String, String, bool)>> {
        let shown = server.admin(["account", "show", &anna.address, "--json"])?;
        let shown: serde_json::Value = serde_json::from_str(&shown)?;
        let row = |row: &serde_json::Value| {
            let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
            (text("protocol"), text("program"), row["open now"].as_u64() > Some(0))
        };
        Ok(shown["devices"].as_array().map(|rows| rows.iter().map(row).collect()).unwrap_or_default())
    };
    let row = |protocol: &str, program: &str, is_open| (protocol.to_owned(), program.to_owned(), is_open);
    assert_eq!(devices(&server)?, [row("IMAP", "Tinte 7", true), row("POP3", "", false)]);
    let text = server.admin(["account", "show", &anna.address])?;
    assert!(text.contains("POP3 and IMAP are both in use"), "{text}");
    drop(imap);
    server.terminate()?;
    server.boot()?;
    let mut after = devices(&server)?;
    after.sort();
    assert_eq!(after, [row("IMAP", "Tinte 7", false), row("POP3", "", false)]);
    // What was written at the stop has brought the one letter about it.
    let mut imap = server.imap(&anna)?;
    if imap.expect("SELECT INBOX")?.number("EXISTS") == Some(0) {
        imap.idle()?;
        imap.told("1 EXISTS", patience())?;
        imap.done()?;
    }
    let found = imap.messages("INBOX")?;
    let letter = found.first().map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
    assert!(found.len() == 1 && letter.contains("Auto-Submitted: auto-generated"), "{letter}");
    let status = server.admin(["status"])?;
    assert!(status.contains(&format!("read by POP3 and IMAP  {}", anna.address)), "{status}");
    Ok(())
}
