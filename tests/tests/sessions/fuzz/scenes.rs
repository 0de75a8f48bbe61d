//! The states in which sessions get hostile bytes, and the lines that mean something there.

use crate::server::{Listener, Server, Service};

/// A state.
pub(super) struct Scene {
    pub(super) name: &'static str,
    pub(super) service: Service,
    pub(super) listener: Listener,
    /// What is said to get there, and how the line begins that ends each answer.
    pub(super) prologue: &'static [(&'static str, &'static str)],
    /// Lines to say there.
    pub(super) lines: &'static [&'static str],
}

/// What parsers choke on.
pub(super) const HOSTILE: [&str; 24] = [
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
];

const IMAP_BEFORE: &[&str] = &[
    "a CAPABILITY\r\n",
    "a NOOP\r\n",
    "a ID (\"name\" \"x\" \"version\" NIL)\r\n",
    "a LOGIN anna@example.test wrong\r\n",
    "a LOGIN anna@example.test moos-lampe-fjord-17\r\n",
    "a LOGIN {17+}\r\nanna@example.test {19+}\r\nmoos-lampe-fjord-17\r\n",
    "a LOGIN {17}\r\nanna@example.test {5}\r\nwrong\r\n",
    "a AUTHENTICATE PLAIN AGFubmEAcGFzc3dvcmQ=\r\n",
    "a AUTHENTICATE PLAIN\r\n",
    "a AUTHENTICATE SCRAM-SHA-256 biwsbj1hbm5hLHI9YQ==\r\n",
    "a AUTHENTICATE LOGIN\r\n",
    "AGFubmEAcGFzc3dvcmQ=\r\n",
    "*\r\n",
    "a STARTTLS\r\n",
    "a SELECT INBOX\r\n",
    "a LOGOUT\r\n",
];

const IMAP_INSIDE: &[&str] = &[
    "a NOOP\r\n",
    "a SELECT INBOX\r\n",
    "a SELECT Work (CONDSTORE)\r\n",
    "a ENABLE QRESYNC\r\n",
    "a ENABLE UIDONLY\r\n",
    "a UIDBATCHES 500 1:2\r\n",
    "a UID SEARCH UIDAFTER 1 UIDBEFORE 9\r\n",
    "a SELECT Work (QRESYNC (1769904000 1 1:9 (1,2:3 1,2:3)))\r\n",
    "a UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)\r\n",
    "a EXAMINE INBOX\r\n",
    "a CREATE Work/Sub\r\n",
    "a CREATE Work\r\n",
    "a DELETE Work\r\n",
    "a RENAME Work Play\r\n",
    "a RENAME INBOX Old\r\n",
    "a SUBSCRIBE Work\r\n",
    "a UNSUBSCRIBE Work\r\n",
    "a LIST \"\" *\r\n",
    "a LIST (SPECIAL-USE) \"\" %\r\n",
    "a LSUB \"\" *\r\n",
    "a FETCH 1:* (EMAILID THREADID SAVEDATE PREVIEW (LAZY))\r\n",
    "a FETCH 1 (BINARY[] BINARY.PEEK[1]<1.5> BINARY.SIZE[1])\r\n",
    "a STATUS INBOX (MAILBOXID)\r\n",
    "a STATUS INBOX (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ)\r\n",
    "a APPEND INBOX (\\Seen $Label) \"01-Feb-2026 00:00:00 +0000\" {22+}\r\nSubject: x\r\n\r\nA body.\r\n",
    "a APPEND Work {5+}\r\nhello\r\n",
    "a APPEND INBOX {9}\r\n",
    "a APPEND INBOX {3+}\r\nabc (\\Flagged) ~{4+}\r\na\0bc UTF8 (~{1+}\r\nx)\r\n",
    "a APPEND INBOX CATENATE (URL \"/INBOX/;UID=1/;SECTION=TEXT/;PARTIAL=0.9\" TEXT {2+}\r\nxy URL ;UID=2)\r\n",
    "a UID REPLACE 1 INBOX CATENATE (TEXT {2+}\r\nxy URL {7+}\r\n;UID=1 )\r\n",
    "a REPLACE 1 Work (\\Draft) {5+}\r\nhello\r\n",
    "a SETACL INBOX ben@example.test +lrswi\r\n",
    "a SETACL Work -anyone \"\"\r\n",
    "a DELETEACL INBOX anyone\r\n",
    "a GETACL INBOX\r\n",
    "a LISTRIGHTS INBOX ben@example.test\r\n",
    "a MYRIGHTS \"Other Users/ben@example.test/INBOX\"\r\n",
    "a GETMETADATA (DEPTH infinity MAXSIZE 9) INBOX (/shared /private)\r\n",
    "a SETMETADATA INBOX (/private/comment {2+}\r\nab /shared/comment NIL /shared/x ~{1+}\r\n\0)\r\n",
    "a SETMETADATA \"\" (/private/comment \"x\")\r\n",
    "a GETQUOTA anna@example.test\r\n",
    "a GETQUOTAROOT Work\r\n",
    "a SETQUOTA anna@example.test (STORAGE 5 MESSAGE 6)\r\n",
    "a LIST \"\" * RETURN (MYRIGHTS METADATA (/shared/comment))\r\n",
    "a CHECK\r\n",
    "a CLOSE\r\n",
    "a UNSELECT\r\n",
    "a EXPUNGE\r\n",
    "a UID EXPUNGE 1:*\r\n",
    "a FETCH 1:* FULL\r\n",
    "a FETCH 1:* (FLAGS UID BODY.PEEK[] BODYSTRUCTURE MODSEQ) (CHANGEDSINCE 1)\r\n",
    "a UID FETCH 1:* (BODY[TEXT]<1.5> BODY[HEADER.FIELDS (Subject To)] BODY[1.MIME] RFC822)\r\n",
    "a STORE 1:* +FLAGS (\\Deleted)\r\n",
    "a STORE 1 (UNCHANGEDSINCE 2) FLAGS.SILENT (\\Seen a b c)\r\n",
    "a UID STORE 1:* -FLAGS ()\r\n",
    "a SEARCH OR (ALL UNSEEN) NOT (SUBJECT x TEXT y) 1:*\r\n",
    "a UID SEARCH CHARSET UTF-8 HEADER Subject {2+}\r\nxy MODSEQ 5\r\n",
    "a COPY 1:* Work\r\n",
    "a COPY 1 INBOX\r\n",
    "a MOVE 1 INBOX\r\n",
    "a UID MOVE 1:* Work\r\n",
    "a IDLE\r\n",
    "DONE\r\n",
    "a ENABLE CONDSTORE\r\n",
    "a NAMESPACE\r\n",
    "a LOGOUT\r\n",
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
    Scene { name, service, listener, prologue, lines }
}

pub(super) const SCENES: [Scene; 25] = {
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
