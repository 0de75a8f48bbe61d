//! Servers that cheat, each in its own way, over pipes in memory: whatever it is, it is found.

use super::judge::judge;
use super::*;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream};

/// Answers a line; an answer may have several lines, or be nothing.
type Script = fn(&str) -> &'static str;

/// A server that answers by a script; its TLS is that it goes on.
struct Fake {
    greeting: &'static str,
    script: Script,
}

impl Reach for Fake {
    type Stream = DuplexStream;

    async fn connect(&self) -> anyhow::Result<DuplexStream> {
        let (near, far) = tokio::io::duplex(1 << 16);
        let (greeting, script) = (self.greeting, self.script);
        tokio::spawn(async move {
            let mut far = BufReader::new(far);
            let _ = far.write_all(greeting.as_bytes()).await;
            let mut line = String::new();
            while far.read_line(&mut line).await.is_ok_and(|read| read > 0) {
                if line.to_uppercase().contains("STARTTLS") || line.starts_with("STLS") {
                    let behind = far.buffer().len();
                    if script("keeps what is behind STARTTLS").is_empty() {
                        far.consume(behind);
                    }
                }
                let _ = far.write_all(script(line.trim_end()).as_bytes()).await;
                line.clear();
            }
        });
        Ok(near)
    }

    async fn secure(&self, stream: DuplexStream) -> anyhow::Result<DuplexStream> {
        Ok(stream)
    }
}

fn made_up() -> MadeUp {
    MadeUp::new("mail.example.test").unwrap()
}

async fn wrong(protocol: Protocol, begins: Begins, greeting: &'static str, script: Script) -> Vec<String> {
    let door = Door { listener: "test", address: String::new(), protocol, begins };
    let findings = judge(&Fake { greeting, script }, &door, &made_up()).await;
    assert!(findings.len() > 10 || begins == Begins::Tls, "{findings:?}");
    findings.into_iter().filter(|finding| !finding.holds).map(|finding| finding.tried).collect()
}

fn honest_imap(line: &str) -> &'static str {
    match line {
        "c CAPABILITY" => "* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\nc OK done\r\n",
        "s STARTTLS" => "s OK begin\r\n",
        "y NOOP" => "y OK\r\n",
        "keeps what is behind STARTTLS" => "",
        _ if line.starts_with("x ") => "x BAD unknown\r\n",
        _ if line.starts_with("a ") => "a NO [PRIVACYREQUIRED] inside TLS only\r\n",
        _ => "* BAD what?\r\n",
    }
}

fn honest_pop3(line: &str) -> &'static str {
    match line {
        "CAPA" => "+OK\r\nTOP\r\nSTLS\r\n.\r\n",
        "STLS" => "+OK begin\r\n",
        "keeps what is behind STARTTLS" => "",
        _ => "-ERR inside TLS only\r\n",
    }
}

fn honest_smtp(line: &str) -> &'static str {
    match line {
        "EHLO prove.invalid" => "250-mail.example.test\r\n250 STARTTLS\r\n",
        "STARTTLS" => "220 begin\r\n",
        "NOOP" => "250 fine\r\n",
        "keeps what is behind STARTTLS" => "",
        _ => "538 5.7.11 inside TLS only\r\n",
    }
}

const IMAP: &str = "* OK ready\r\n";
const POP3: &str = "+OK ready\r\n";
const SMTP: &str = "220 ready\r\n";

#[tokio::test]
async fn an_honest_server_is_found_honest() {
    for (protocol, greeting, script) in [
        (Protocol::Imap, IMAP, honest_imap as Script),
        (Protocol::Pop3, POP3, honest_pop3),
        (Protocol::Smtp, SMTP, honest_smtp),
    ] {
        assert!(wrong(protocol, Begins::Clear, greeting, script).await.is_empty(), "{protocol:?}");
    }
}

#[tokio::test]
async fn what_is_announced_in_clear_is_found() {
    let announced = ["ways to sign in that are announced"];
    let imap: Script = |line| match line {
        "c CAPABILITY" => "* CAPABILITY IMAP4rev1 AUTH=PLAIN LOGINDISABLED\r\nc OK done\r\n",
        _ => honest_imap(line),
    };
    assert_eq!(wrong(Protocol::Imap, Begins::Clear, IMAP, imap).await, announced);
    let no_login_disabled: Script = |line| match line {
        "c CAPABILITY" => "* CAPABILITY IMAP4rev1 STARTTLS\r\nc OK done\r\n",
        _ => honest_imap(line),
    };
    assert_eq!(wrong(Protocol::Imap, Begins::Clear, IMAP, no_login_disabled).await, announced);
    let user: Script = |line| if line == "CAPA" { "+OK\r\nUSER\r\n.\r\n" } else { honest_pop3(line) };
    let sasl: Script = |line| if line == "CAPA" { "+OK\r\nSASL PLAIN\r\n.\r\n" } else { honest_pop3(line) };
    for pop3 in [user, sasl] {
        assert_eq!(wrong(Protocol::Pop3, Begins::Clear, POP3, pop3).await, announced);
    }
    let smtp: Script = |line| match line {
        "EHLO prove.invalid" => "250-mail.example.test\r\n250 AUTH PLAIN LOGIN\r\n",
        _ => honest_smtp(line),
    };
    assert_eq!(wrong(Protocol::Smtp, Begins::Clear, SMTP, smtp).await, announced);
}

#[tokio::test]
async fn who_accepts_a_password_in_clear_is_found() {
    let imap: Script = |line| if line.starts_with("a LOGIN nobody") { "a OK welcome\r\n" } else { honest_imap(line) };
    let found = wrong(Protocol::Imap, Begins::Clear, IMAP, imap).await;
    assert!(found.contains(&"LOGIN".to_owned()), "{found:?}");
    let pop3: Script = |line| if line.starts_with("PASS") { "+OK welcome\r\n" } else { honest_pop3(line) };
    assert_eq!(wrong(Protocol::Pop3, Begins::Clear, POP3, pop3).await, ["USER, then PASS", "PASS"]);
    let smtp: Script = |line| if line.starts_with("AUTH PLAIN ") { "235 welcome\r\n" } else { honest_smtp(line) };
    assert_eq!(wrong(Protocol::Smtp, Begins::Clear, SMTP, smtp).await, ["PLAIN with the password"]);
    let small: Script = |line| if line.starts_with("auth plain ") { "235 welcome\r\n" } else { honest_smtp(line) };
    let found = wrong(Protocol::Smtp, Begins::Clear, SMTP, small).await;
    assert_eq!(found, ["plain, in small letters, with the password"]);
}

#[tokio::test]
async fn who_asks_for_a_password_in_clear_is_found() {
    let imap: Script = |line| if line == "a AUTHENTICATE PLAIN" { "+ \r\n" } else { honest_imap(line) };
    let found = wrong(Protocol::Imap, Begins::Clear, IMAP, imap).await;
    assert_eq!(found, ["PLAIN, and wait to be asked", "PLAIN, then the password though nobody asked"]);
    let literal: Script =
        |line| if line.ends_with('}') && !line.ends_with("+}") { "+ go on\r\n" } else { honest_imap(line) };
    let found = wrong(Protocol::Imap, Begins::Clear, IMAP, literal).await;
    assert_eq!(found.len(), 2, "{found:?}");
    let pop3: Script = |line| if line.starts_with("USER") { "+OK password, please\r\n" } else { honest_pop3(line) };
    assert_eq!(wrong(Protocol::Pop3, Begins::Clear, POP3, pop3).await, ["USER, then PASS"]);
    let smtp: Script = |line| if line == "AUTH CRAM-MD5" { "334 PDFAeD4=\r\n" } else { honest_smtp(line) };
    assert_eq!(wrong(Protocol::Smtp, Begins::Clear, SMTP, smtp).await, ["CRAM-MD5, and wait to be asked"]);
}

#[tokio::test]
async fn who_answers_inside_tls_what_came_in_clear_is_found() {
    let injected = ["a command behind STARTTLS in the same packet"];
    let imap: Script = |line| if line == "keeps what is behind STARTTLS" { "yes" } else { honest_imap(line) };
    assert_eq!(wrong(Protocol::Imap, Begins::Clear, IMAP, imap).await, injected);
    let smtp: Script = |line| if line == "keeps what is behind STARTTLS" { "yes" } else { honest_smtp(line) };
    assert_eq!(wrong(Protocol::Smtp, Begins::Clear, SMTP, smtp).await, injected);
}

#[tokio::test]
async fn a_port_for_tls_that_speaks_in_clear_is_found() {
    let found = wrong(Protocol::Imap, Begins::Tls, IMAP, honest_imap).await;
    assert_eq!(found, ["every way in clear, where TLS comes first"]);
    // A TLS alert, and the end.
    let alert: Script = |_| "\u{15}\u{3}\u{3}\u{0}\u{2}\u{2}\n";
    assert!(wrong(Protocol::Imap, Begins::Tls, "", alert).await.is_empty());
}

#[tokio::test]
async fn every_listener_of_a_configuration_is_looked_at() {
    let listen = Listen::default();
    let all: Vec<_> = doors(&listen).into_iter().map(|door| (door.listener, door.begins)).collect();
    assert_eq!(all.len(), 7);
    assert!(all.contains(&("submission", Begins::Clear)) && all.contains(&("imaps", Begins::Tls)));
    // One that does not answer is no evidence.
    let nobody =
        Door { listener: "imap", address: "127.0.0.1:1".into(), protocol: Protocol::Imap, begins: Begins::Clear };
    let verdicts = look(&[nobody], &made_up()).await.unwrap();
    assert!(!verdicts[0].findings[0].holds);
}
