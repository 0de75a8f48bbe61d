//! `neomutt`, driven by the keys that a person would press: read, flag, delete, move, send, keep a copy.

use anyhow::ensure;
use tests_clients::programs::{imapflow, on_terminal};
use tests_clients::{Account, Directory, Finished, Program, Server, after_trace, letter, with_crlf, without_cr};

struct Mutt {
    directory: Directory,
}

impl Mutt {
    fn new(server: &Server, account: &Account) -> anyhow::Result<Self> {
        Self::with(server, account, "")
    }

    /// With these lines more in its configuration.
    fn with(server: &Server, account: &Account, more: &str) -> anyhow::Result<Self> {
        let directory = Directory::new()?;
        let user = account.address.replace('@', "%40");
        let (ports, ca) = (server.ports(), server.ca());
        let rc = format!(
            "set from=\"{address}\" realname=\"Anna\" use_from=yes\n\
             set ssl_ca_certificates_file=\"{ca}\" ssl_force_tls=yes\n\
             set imap_user=\"{address}\" imap_pass=\"{password}\"\n\
             set folder=\"imaps://{user}@localhost:{imaps}/\" spoolfile=\"+INBOX\" record=\"+Sent\" postponed=\"+Drafts\"\n\
             set smtp_url=\"smtps://{user}@localhost:{submissions}/\" smtp_pass=\"{password}\"\n\
             set smtp_authenticators=\"plain\"\n\
             set header_cache=\"\" sort=date wait_key=no pipe_split=yes confirmappend=no confirmcreate=no\n\
             set delete=yes quit=yes mark_old=no copy=yes editor=\"/bin/sh write\"\n{more}\n",
            address = account.address,
            password = account.password,
            ca = ca.display(),
            imaps = ports.imaps,
            submissions = ports.submissions,
        );
        directory.write("muttrc", rc)?;
        Ok(Self { directory })
    }

    /// `neomutt` on a terminal that `script` makes, with these keys waiting for it.
    fn keys(&self, keys: &str) -> anyhow::Result<Finished> {
        let rc = std::fs::read_to_string(self.directory.join("muttrc"))?;
        self.directory.write("keysrc", format!("{rc}push '{keys}'\n"))?;
        on_terminal(&self.directory, "neomutt -n -d 2 -l trace -F keysrc").succeed()
    }

    /// What it said to the server and heard from it.
    fn trace(&self) -> anyhow::Result<String> {
        Ok(String::from_utf8_lossy(&std::fs::read(self.directory.join("trace0"))?).into_owned())
    }

    /// `neomutt` as a command that sends (`-s`), without a terminal.
    fn send(&self, to: &str, subject: &str, text: &str) -> anyhow::Result<Finished> {
        let program = Program::new("neomutt").args(["-n", "-F", "muttrc", "-s", subject, to]);
        program.home(self.directory.path()).input(text).succeed()
    }
}

#[test]
fn mail_is_read_flagged_moved_and_deleted() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let mut imap = server.imap(&anna)?;
    for number in 1..=4 {
        ensure!(imap.append("INBOX", "", &letter(&format!("letter {number}")))?.ok);
    }
    let mutt = Mutt::new(&server, &anna)?;
    // Read the first and pipe it as it is into a file; flag the second; move the third; delete the fourth; quit.
    let keys = "<first-entry><display-message><exit><pipe-message>cat > one.txt<enter>\
                <first-entry><next-entry><flag-message>\
                <search>letter 3<enter><save-message>=Archive<enter>\
                <search>letter 4<enter><delete-message><quit>";
    mutt.keys(keys)?;
    let piped = std::fs::read(mutt.directory.join("one.txt"))?;
    assert_eq!(piped, without_cr(&letter("letter 1")));
    imap.expect("SELECT INBOX")?;
    let flags = imap.expect("FETCH 1:* (FLAGS)")?;
    let flags: Vec<String> = flags.fetched().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    assert_eq!(flags.len(), 2, "{flags:?}");
    assert!(flags[0].contains("\\Seen") && !flags[0].contains("\\Flagged"), "{flags:?}");
    assert!(flags[1].contains("\\Flagged"), "{flags:?}");
    assert_eq!(imap.messages("Archive")?[0].1, letter("letter 3"));
    Ok(())
}

/// A text of this machine, as it must arrive.
const TEXT: &str = "Hallo Ben,\n\n.\nFrom hier\n";

#[test]
fn a_letter_is_written_sent_and_a_copy_kept() -> anyhow::Result<()> {
    let server = Server::start()?;
    let (anna, ben) = (server.account("anna")?, server.account("ben")?);
    let mutt = Mutt::new(&server, &anna)?;
    mutt.directory.write("text", TEXT)?;
    mutt.directory.write("write", "#!/bin/sh\nexec cat text > \"$1\"\n")?;
    mutt.keys(&format!("<mail>{}<enter>Fähre<enter><send-message><exit>", ben.address))?;
    let (got, kept) = (server.imap(&ben)?.messages("INBOX")?, server.imap(&anna)?.messages("Sent")?);
    assert_eq!((got.len(), kept.len()), (1, 1));
    for letter in [after_trace(&got[0].1), &kept[0].1] {
        let text = String::from_utf8_lossy(letter).into_owned();
        assert!(letter.ends_with(&with_crlf(format!("\n\n{TEXT}").as_bytes())), "{text}");
        assert!(text.contains("Subject: =?utf-8?"), "{text}");
    }
    Ok(())
}

#[test]
fn a_letter_is_sent_from_a_script() -> anyhow::Result<()> {
    let server = Server::start()?;
    let (anna, ben) = (server.account("anna")?, server.account("ben")?);
    Mutt::new(&server, &anna)?.send(&ben.address, "from a script", TEXT)?;
    let got = server.imap(&ben)?.messages("INBOX")?;
    assert_eq!(got.len(), 1);
    assert!(got[0].1.ends_with(&with_crlf(format!("\n\n{TEXT}").as_bytes())));
    Ok(())
}

#[test]
fn new_mail_shows_while_the_mailbox_is_open() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    server.lmtp()?.data(&[&anna.address], &letter("first"))?;
    let mutt = Mutt::new(&server, &anna)?;
    let before = letter("arrived meanwhile");
    std::fs::write(mutt.directory.join("new.eml"), &before)?;
    // What arrives through another program while it is open is there after the next look.
    let deliver = format!(
        "<shell-escape>curl -sS --url smtp://localhost:{} --mail-from x@elsewhere.example --mail-rcpt {} -T new.eml<enter>",
        server.ports().smtp,
        anna.address
    );
    mutt.keys(&format!("{deliver}<imap-fetch-mail><last-entry><pipe-message>cat > last.txt<enter><exit>"))?;
    let piped = std::fs::read(mutt.directory.join("last.txt"))?;
    assert_eq!(after_trace(&piped), without_cr(&before));
    Ok(())
}

#[test]
fn a_header_cache_is_brought_up_to_date_by_what_changed() -> anyhow::Result<()> {
    for (lines, word) in [
        ("set imap_condstore=yes imap_qresync=yes", " VANISHED)"),
        ("set imap_condstore=yes imap_qresync=no", "(CHANGEDSINCE "),
    ] {
        let server = Server::start()?;
        let anna = server.account("anna")?;
        let mut imap = server.imap(&anna)?;
        for number in 1..=5 {
            ensure!(imap.append("INBOX", "(\\Seen)", &letter(&format!("letter {number}")))?.ok);
        }
        let mutt = Mutt::with(&server, &anna, &format!("{lines} header_cache=\"cache\""))?;
        mutt.keys("<first-entry><exit>")?;
        // Meanwhile another device flags one, deletes one and adds one.
        imap.expect("SELECT INBOX")?;
        imap.expect("STORE 2 +FLAGS (\\Flagged)")?;
        imap.expect("STORE 3 +FLAGS (\\Deleted)")?;
        imap.expect("EXPUNGE")?;
        ensure!(imap.append("INBOX", "", &letter("letter 6"))?.ok);
        mutt.keys(
            "<limit>~F<enter><pipe-message>cat > flagged.txt<enter><limit>~A<enter>\
             <tag-pattern>~A<enter><tag-prefix><pipe-message>grep Subject: >> all.txt<enter><exit>",
        )?;
        assert_eq!(std::fs::read(mutt.directory.join("flagged.txt"))?, without_cr(&letter("letter 2")), "{word}");
        let all = String::from_utf8(std::fs::read(mutt.directory.join("all.txt"))?)?;
        let expected = ["letter 1", "letter 2", "letter 4", "letter 5", "letter 6"].map(|s| format!("Subject: {s}\n"));
        assert_eq!(all, expected.concat(), "{word}");
        let trace = mutt.trace()?;
        ensure!(trace.contains(word), "{trace}");
    }
    Ok(())
}

#[test]
fn neomutt_in_idle_shows_what_imapflow_adds() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    server.lmtp()?.data(&[&anna.address], &letter("first"))?;
    // It looks at its socket, which costs no question to the server, every second.
    let mutt = Mutt::with(&server, &anna, "set imap_idle=yes timeout=1 mail_check=1")?;
    let mut running = on_terminal(&mutt.directory, "neomutt -n -d 2 -l trace -F muttrc").start()?;
    running.wait_for("first")?;
    imapflow(&server, &anna, "add", "pushed")?.succeed()?;
    running.wait_for("pushed")?;
    running.say("x")?;
    running.finish()?;
    let trace = mutt.trace()?;
    ensure!(trace.contains(" IDLE"), "{trace}");
    Ok(())
}
