//! The states in which sessions get hostile bytes, and the lines that mean something there.

mod imap;

use crate::server::{Listener, Server, Service};
use imap::{IMAP_BEFORE, IMAP_INSIDE};

/// A state.
pub(super) struct Scene {
    pub(super) name: &'static str,
    pub(super) service: Service,
    pub(super) listener: Listener,
    /// What is said to get there, and how the line begins that ends each answer.
    pub(super) prologue: &'static [(&'static str, &'static str)],
    /// Lines to say there.
    pub(super) lines: &'static [&'static str],
    /// Whether the prologue ends with COMPRESS.
    pub(super) is_compressed: bool,
}

/// What parsers choke on.
pub(super) const HOSTILE: [&str; 38] = [
    "{99999999999999999999}\r\n",
    "{18446744073709551615+}\r\n",
    "{4294967296+}\r\n",
    "{100000+}\r\n",
    "{0+}\r\n",
    "\0",
    "\r",
    "\n",
    "\r\n.\r\n",
    "\n.\n",
    "\"",
    "\\",
    "((((((((((((((((((((((((((((((((",
    "NOT NOT NOT NOT NOT NOT NOT NOT ",
    "1:*,1:*,1:*,1:*,1:*,1:*",
    "4294967295",
    "4294967296",
    "18446744073709551616",
    "*",
    "%%%%%%%%%*********",
    "&AOQ-",
    "\u{fffd}\u{10ffff}",
    "BDAT 18446744073709551615 LAST\r\n",
    "a.b@[IPv6:::1]",
    "~{18446744073709551615}\r\n",
    "~{3+}\r\n",
    "UTF8 (~{1+}\r\nx",
    "CATENATE (",
    "URL \"/INBOX/;UID=1/;SECTION=1/;PARTIAL=18446744073709551615.1\"",
    "$",
    "RETURN (",
    "PARTIAL -4294967295:-1",
    "(QRESYNC (1 9223372036854775807 1:4294967295 (1:4294967295 1:4294967295)))",
    "1:4294967295",
    "BINARY[",
    "BINARY.SIZE[1.1.1.1.1.1.1.1.1.1]",
    "UID ",
    "a COMPRESS DEFLATE\r\n",
];

const POP3: &[&str] = &[
    "CAPA\r\n",
    "USER anna@example.test\r\n",
    "PASS wrong\r\n",
    "PASS moos-lampe-fjord-17\r\n",
    "AUTH PLAIN AGFubmEAcGFzc3dvcmQ=\r\n",
    "AUTH PLAIN\r\n",
    "AUTH SCRAM-SHA-256 biwsbj1hbm5hLHI9YQ==\r\n",
    "AGFubmEAcGFzc3dvcmQ=\r\n",
    "*\r\n",
    "STLS\r\n",
    "STAT\r\n",
    "LIST\r\n",
    "LIST 1\r\n",
    "UIDL\r\n",
    "UIDL 2\r\n",
    "RETR 1\r\n",
    "TOP 1 0\r\n",
    "TOP 2 10\r\n",
    "DELE 1\r\n",
    "DELE 2\r\n",
    "RSET\r\n",
    "NOOP\r\n",
    "QUIT\r\n",
];

const SMTP: &[&str] = &[
    "EHLO client.example\r\n",
    "HELO client.example\r\n",
    "LHLO client.example\r\n",
    "STARTTLS\r\n",
    "AUTH PLAIN AGFubmEAcGFzc3dvcmQ=\r\n",
    "AUTH LOGIN\r\n",
    "AUTH SCRAM-SHA-256 biwsbj1hbm5hLHI9YQ==\r\n",
    "AGFubmEAcGFzc3dvcmQ=\r\n",
    "*\r\n",
    "MAIL FROM:<anna@example.test> SIZE=100 BODY=8BITMIME SMTPUTF8\r\n",
    "MAIL FROM:<>\r\n",
    "RCPT TO:<ben@example.test>\r\n",
    "RCPT TO:<anna@example.test>\r\n",
    "RCPT TO:<nobody@example.test>\r\n",
    "RCPT TO:<x@elsewhere.example>\r\n",
    "RCPT TO:<Postmaster>\r\n",
    "DATA\r\n",
    "Subject: x\r\n\r\nA body.\r\n.\r\n",
    "A line without its end\n.\r\n",
    "BDAT 5\r\nhello",
    "BDAT 7 LAST\r\nhello\r\n",
    "BDAT 0 LAST\r\n",
    "RSET\r\n",
    "NOOP\r\n",
    "VRFY anna\r\n",
    "HELP\r\n",
    "QUIT\r\n",
];

const LOGIN: (&str, &str) = ("i LOGIN anna@example.test moos-lampe-fjord-17\r\n", "i OK");
const SELECT: (&str, &str) = ("i SELECT INBOX\r\n", "i OK");
const EVERYTHING: (&str, &str) = ("i ENABLE IMAP4rev2 UTF8=ACCEPT QRESYNC UIDONLY\r\n", "i OK");
const SAVE: (&str, &str) = ("i UID SEARCH RETURN (SAVE) NOT SUBJECT 7\r\n", "i OK");
const NOTIFY: (&str, &str) = (
    "i NOTIFY SET (SELECTED (MessageNew (UID FLAGS) MessageExpunge FlagChange)) (PERSONAL (MailboxName MessageNew MessageExpunge))\r\n",
    "i OK",
);
const COMPRESS: (&str, &str) = ("i COMPRESS DEFLATE\r\n", "i OK");
const ONE: (&str, &str) = ("i APPEND INBOX {5+}\r\nhello\r\n", "i OK");
const PART: (&str, &str) = ("i APPEND INBOX CATENATE (TEXT {70000}\r\n", "+ ");
const EHLO: (&str, &str) = ("EHLO client.example\r\n", "250 ");
const LHLO: (&str, &str) = ("LHLO client.example\r\n", "250 ");
const MAIL: (&str, &str) = ("MAIL FROM:<anna@example.test>\r\n", "250 ");
const RCPT: (&str, &str) = ("RCPT TO:<ben@example.test>\r\n", "250 ");
const AUTH: (&str, &str) = ("AUTH PLAIN AGFubmFAZXhhbXBsZS50ZXN0AG1vb3MtbGFtcGUtZmpvcmQtMTc=\r\n", "235 ");

const fn scene(
    name: &'static str,
    (service, listener): (Service, Listener),
    prologue: &'static [(&'static str, &'static str)],
    lines: &'static [&'static str],
) -> Scene {
    Scene { name, service, listener, prologue, lines, is_compressed: false }
}

const fn compressed(name: &'static str, prologue: &'static [(&'static str, &'static str)]) -> Scene {
    Scene { is_compressed: true, ..scene(name, (Service::Imap, Listener::Implicit), prologue, IMAP_INSIDE) }
}

pub(super) const SCENES: [Scene; 35] = {
    use Listener::{Bare, Implicit, StartTls};
    use Service::{Imap, Lmtp, Mx, Pop3, Submission};
    let (i, p) = ((Imap, Implicit), (Pop3, Implicit));
    [
        scene("IMAP in clear", (Imap, StartTls), &[], IMAP_BEFORE),
        scene("IMAP in clear, no TLS", (Imap, Bare), &[], IMAP_BEFORE),
        scene("IMAP in TLS", i, &[], IMAP_BEFORE),
        scene("IMAP in a literal", i, &[("i LOGIN {4}\r\n", "+ ")], IMAP_BEFORE),
        scene("IMAP in an exchange", i, &[("i AUTHENTICATE LOGIN\r\n", "+ ")], IMAP_BEFORE),
        scene("IMAP signed in", i, &[LOGIN], IMAP_INSIDE),
        scene("IMAP selected", i, &[LOGIN, SELECT], IMAP_INSIDE),
        scene("IMAP examined", i, &[LOGIN, ("i EXAMINE Work (CONDSTORE)\r\n", "i ")], IMAP_INSIDE),
        scene("IMAP idle", i, &[LOGIN, SELECT, ("i IDLE\r\n", "+ ")], IMAP_INSIDE),
        scene("IMAP4rev2", i, &[LOGIN, ("i ENABLE IMAP4rev2\r\n", "i OK"), SELECT], IMAP_INSIDE),
        scene("IMAP with UIDONLY", i, &[LOGIN, ("i ENABLE UIDONLY\r\n", "i OK"), SELECT], IMAP_INSIDE),
        scene("IMAP with QRESYNC", i, &[LOGIN, ("i ENABLE QRESYNC\r\n", "i OK"), SELECT], IMAP_INSIDE),
        scene("IMAP with everything", i, &[LOGIN, EVERYTHING, SELECT, SAVE], IMAP_INSIDE),
        scene("IMAP with NOTIFY", i, &[LOGIN, SELECT, NOTIFY], IMAP_INSIDE),
        compressed("IMAP compressed", &[LOGIN, COMPRESS]),
        compressed("IMAP compressed, selected", &[LOGIN, SELECT, SAVE, COMPRESS]),
        compressed("IMAP compressed, with everything", &[LOGIN, EVERYTHING, SELECT, NOTIFY, COMPRESS]),
        scene("IMAP in a part of a message", i, &[LOGIN, PART], IMAP_INSIDE),
        scene("IMAP in a replacement", i, &[LOGIN, ONE, SELECT, ("i REPLACE * INBOX {70000}\r\n", "+ ")], IMAP_INSIDE),
        scene("IMAP in a message", i, &[LOGIN, ("i APPEND INBOX {70000}\r\n", "+ ")], IMAP_INSIDE),
        scene("POP3 in clear", (Pop3, StartTls), &[], POP3),
        scene("POP3 in clear, no TLS", (Pop3, Bare), &[], POP3),
        scene("POP3 in TLS", p, &[], POP3),
        scene("POP3 in an exchange", p, &[("AUTH LOGIN\r\n", "+ ")], POP3),
        scene(
            "POP3 signed in",
            p,
            &[("USER anna@example.test\r\n", "+OK"), ("PASS moos-lampe-fjord-17\r\n", "+OK")],
            POP3,
        ),
        scene("MX", (Mx, StartTls), &[], SMTP),
        scene("MX greeted", (Mx, StartTls), &[EHLO], SMTP),
        scene("MX with a recipient", (Mx, Implicit), &[EHLO, MAIL, RCPT], SMTP),
        scene("MX in a message", (Mx, Bare), &[EHLO, MAIL, RCPT, ("DATA\r\n", "354 ")], SMTP),
        scene("MX between chunks", (Mx, Bare), &[EHLO, MAIL, RCPT, ("BDAT 4\r\nhall", "250 ")], SMTP),
        scene("submission in clear", (Submission, StartTls), &[EHLO], SMTP),
        scene("submission in an exchange", (Submission, Implicit), &[EHLO, ("AUTH LOGIN\r\n", "334 ")], SMTP),
        scene("submission signed in", (Submission, Implicit), &[EHLO, AUTH], SMTP),
        scene("LMTP greeted", (Lmtp, Bare), &[LHLO], SMTP),
        scene("LMTP in a message", (Lmtp, Bare), &[LHLO, MAIL, RCPT, RCPT, ("DATA\r\n", "354 ")], SMTP),
    ]
};

/// Puts some mail into a fresh server, and a mailbox beside INBOX.
pub(super) async fn furnish(server: &Server) {
    let (mut client, task) = server.connect(Service::Imap, Listener::Implicit, 64 << 10);
    client.greeting().await;
    assert!(client.ask(LOGIN.0).await.starts_with("i OK"));
    assert!(client.ask("c CREATE Work\r\n").await.starts_with("c OK"));
    for number in 0..20 {
        let text = format!(
            "Subject: {number}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n\
             --b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\n.dot\0\u{e4}\r\n--b--\r\n"
        );
        let command = format!("p APPEND INBOX {{{}+}}\r\n{text}\r\n", text.len());
        assert!(client.ask(&command).await.starts_with("p OK"));
    }
    client.send("x LOGOUT\r\n").await;
    client.rest().await;
    drop(client);
    task.await.unwrap();
}
