//! What clients do, step by step.

pub(crate) use protocol::Protocol;

mod protocol;

/// Something that a client says and that is answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Step {
    pub(crate) says: String,
    /// POP3: the answer goes to a line with a dot.
    pub(crate) many_lines: bool,
    /// The answer is streamed: it may break off. `\Seen` may be set or not, for reading matters more.
    pub(crate) streams: bool,
    /// The server closes behind its answer, whatever it is.
    pub(crate) ends: bool,
    /// LMTP after the message: one answer for each of these accounts.
    pub(crate) accounts: Vec<&'static str>,
    /// Where a client begins anew after this failed; here, unless it says otherwise.
    pub(crate) again_from: Option<usize>,
}

impl Step {
    pub(crate) fn new(says: &str) -> Self {
        Self { says: says.to_owned(), ..Self::default() }
    }

    fn listed(says: &str) -> Self {
        Self { many_lines: true, ..Self::new(says) }
    }

    fn streamed(says: &str) -> Self {
        Self { many_lines: true, streams: true, ..Self::new(says) }
    }

    fn ending(says: &str) -> Self {
        Self { ends: true, ..Self::new(says) }
    }

    fn after(says: &str, again_from: usize) -> Self {
        Self { again_from: Some(again_from), ..Self::new(says) }
    }

    /// Its first line.
    pub(crate) fn shown(&self) -> &str {
        self.says.lines().next().unwrap_or_default()
    }
}

/// The steps of one connection.
pub(crate) struct Script {
    pub(crate) protocol: Protocol,
    /// What is set for Anna's account.
    pub(crate) on_delete: Option<&'static str>,
    pub(crate) steps: Vec<Step>,
}

const PLAIN: &str = "AGFubmFAZXhhbXBsZS50ZXN0AG1vb3MtbGFtcGUtZmpvcmQtMTc=";
/// `n,,n=anna@example.test,r=…`
const SCRAM_FIRST: &str = "biwsbj1hbm5hQGV4YW1wbGUudGVzdCxyPXJPcHJOR2Z3RWJlUldnYk5Fa3FP";
const LETTER: &str = "Subject: new\r\nFrom: carl@example.org\r\n\r\nA letter.\r\n";

/// Every command that touches the store.
pub(crate) fn imap() -> Script {
    let append = format!("a APPEND INBOX (\\Flagged) {{{}+}}\r\n{LETTER}\r\n", LETTER.len());
    let says = [
        "a LOGIN anna@example.test moos-lampe-fjord-17",
        "a LIST \"\" *",
        "a LSUB \"\" *",
        "a STATUS INBOX (MESSAGES UIDNEXT UNSEEN)",
        "a STATUS Nowhere (MESSAGES)",
        "a CREATE Work",
        "a CREATE Work",
        "a SUBSCRIBE Work",
        "a UNSUBSCRIBE Archive",
        "a RENAME Work Works",
        "a SELECT Nowhere",
        "a EXAMINE INBOX",
        "a SELECT INBOX",
        "a FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)",
        "a FETCH 1:* (ENVELOPE BODYSTRUCTURE)",
        "a STORE 1 +FLAGS (\\Answered $Label)",
        "a UID STORE 2 FLAGS.SILENT (\\Draft)",
        "a SEARCH SUBJECT two TEXT lines",
        "a COPY 1:2 Archive",
        "a COPY 1 Nowhere",
        "a MOVE 2 Works",
        &append,
        "a NOOP",
        "a CHECK",
        "a STORE 1 +FLAGS (\\Deleted)",
        "a EXPUNGE",
        "a UID STORE 1:* +FLAGS.SILENT (\\Deleted)",
        "a UNSELECT",
        "a SELECT INBOX",
        "a CLOSE",
        "a DELETE Archive",
        "a LOGOUT",
    ];
    let lines = |text: &str| if text.ends_with("\r\n") { text.to_owned() } else { format!("{text}\r\n") };
    let mut steps: Vec<Step> = says.into_iter().map(|text| Step::new(&lines(text))).collect();
    let streams =
        ["a FETCH 3 BODY[]\r\n", "a FETCH 1 (BODY.PEEK[HEADER.FIELDS (SUBJECT)] RFC822.TEXT)\r\n"].map(Step::streamed);
    let place = says.iter().position(|says| says.contains("ENVELOPE")).expect("it is there");
    steps.splice(place..place, streams);
    let announced = format!("a APPEND Archive {{{}}}\r\n", LETTER.len());
    let place = says.iter().position(|says| says.contains("NOOP")).expect("it is there") + 2;
    steps.splice(place..place, [Step::new(&announced), Step::after(&format!("{LETTER}\r\n"), place)]);
    Script { protocol: Protocol::Imap, steps, on_delete: None }
}

/// The ways in, the wrong ones too.
pub(crate) fn imap_sign_in() -> Script {
    let says = [
        "a LOGIN nobody@example.test moos-lampe-fjord-17\r\n".to_owned(),
        "a LOGIN anna@example.test wrong\r\n".to_owned(),
        format!("a AUTHENTICATE SCRAM-SHA-256 {SCRAM_FIRST}\r\n"),
        "*\r\n".to_owned(),
        format!("a AUTHENTICATE PLAIN {PLAIN}\r\n"),
    ];
    // Without a challenge there is nothing to be broken off.
    let steps = says.iter().map(|text| Step::new(text)).collect();
    Script { protocol: Protocol::Imap, steps, on_delete: None }
}

/// Every command of POP3.
pub(crate) fn pop3() -> Script {
    let steps = vec![
        Step::new("USER anna@example.test\r\n"),
        Step::after("PASS moos-lampe-fjord-17\r\n", 0),
        Step::new("STAT\r\n"),
        Step::listed("LIST\r\n"),
        Step::listed("UIDL\r\n"),
        Step::streamed("TOP 1 1\r\n"),
        Step::streamed("RETR 1\r\n"),
        Step::streamed("RETR 3\r\n"),
        Step::new("DELE 9\r\n"),
        Step::new("DELE 1\r\n"),
        Step::new("RSET\r\n"),
        Step::new("NOOP\r\n"),
        Step::new("DELE 2\r\n"),
        Step::ending("QUIT\r\n"),
    ];
    Script { protocol: Protocol::Pop3, steps, on_delete: None }
}

/// QUIT where something else than deleting is set.
pub(crate) fn pop3_quit(on_delete: &'static str) -> Script {
    let steps = vec![
        Step::new("USER anna@example.test\r\n"),
        Step::after("PASS moos-lampe-fjord-17\r\n", 0),
        Step::new("DELE 2\r\n"),
        Step::new("DELE 3\r\n"),
        Step::ending("QUIT\r\n"),
    ];
    Script { protocol: Protocol::Pop3, steps, on_delete: Some(on_delete) }
}

/// The other way into POP3.
pub(crate) fn pop3_sasl() -> Script {
    let steps = vec![
        Step::new(&format!("AUTH SCRAM-SHA-256 {SCRAM_FIRST}\r\n")),
        Step::new("*\r\n"),
        Step::new(&format!("AUTH PLAIN {PLAIN}\r\n")),
        Step::new("STAT\r\n"),
    ];
    Script { protocol: Protocol::Pop3, steps, on_delete: None }
}

/// A message to one, to several, to nobody, by DATA and by BDAT.
pub(crate) fn mx() -> Script {
    let message = format!("{LETTER}.\r\n");
    let chunk = format!("BDAT {} LAST\r\n{LETTER}", LETTER.len());
    let steps = vec![
        Step::new("EHLO mx.example.org\r\n"),
        Step::new("MAIL FROM:<carl@example.org>\r\n"),
        Step::new("RCPT TO:<nobody@example.test>\r\n"),
        Step::new("RCPT TO:<someone@elsewhere.example>\r\n"),
        Step::new("RCPT TO:<anna+tag@example.test>\r\n"),
        Step::after("DATA\r\n", 1),
        Step::after(&message, 1),
        Step::new("MAIL FROM:<carl@example.org> SIZE=1000\r\n"),
        Step::new("RCPT TO:<anna@example.test>\r\n"),
        Step::new("RCPT TO:<ben@example.test>\r\n"),
        Step::after("DATA\r\n", 7),
        Step::after(&message, 7),
        Step::new("MAIL FROM:<>\r\n"),
        Step::new("RCPT TO:<both@example.test>\r\n"),
        Step::after(&chunk, 12),
        Step::new("MAIL FROM:<carl@example.org>\r\n"),
        Step::new("RCPT TO:<Postmaster>\r\n"),
        Step::ending("QUIT\r\n"),
    ];
    Script { protocol: Protocol::Mx, steps, on_delete: None }
}

/// A message to somebody here and somebody elsewhere.
pub(crate) fn submission() -> Script {
    let message = format!("{LETTER}.\r\n");
    let steps = vec![
        Step::new("EHLO laptop.example.org\r\n"),
        Step::new(&format!("AUTH PLAIN {PLAIN}\r\n")),
        Step::new("MAIL FROM:<ben@example.test>\r\n"),
        Step::new("MAIL FROM:<anna@example.test>\r\n"),
        Step::new("RCPT TO:<nobody@example.test>\r\n"),
        Step::new("RCPT TO:<someone@elsewhere.example>\r\n"),
        Step::new("RCPT TO:<ben@example.test>\r\n"),
        Step::after("DATA\r\n", 3),
        Step::after(&message, 3),
        Step::ending("QUIT\r\n"),
    ];
    Script { protocol: Protocol::Submission, steps, on_delete: None }
}

/// Each recipient has an answer of its own (RFC 2033 §4.2).
pub(crate) fn lmtp() -> Script {
    let both = |says: String, again_from| Step { accounts: vec!["anna", "ben"], ..Step::after(&says, again_from) };
    let steps = vec![
        Step::new("LHLO filter.example.org\r\n"),
        Step::new("MAIL FROM:<carl@example.org>\r\n"),
        Step::new("RCPT TO:<anna@example.test>\r\n"),
        Step::new("RCPT TO:<nobody@example.test>\r\n"),
        Step::new("RCPT TO:<ben@example.test>\r\n"),
        Step::after("DATA\r\n", 1),
        both(format!("{LETTER}.\r\n"), 1),
        Step::new("MAIL FROM:<carl@example.org>\r\n"),
        Step::new("RCPT TO:<anna@example.test>\r\n"),
        Step::new("RCPT TO:<ben@example.test>\r\n"),
        both(format!("BDAT {} LAST\r\n{LETTER}", LETTER.len()), 7),
    ];
    Script { protocol: Protocol::Lmtp, steps, on_delete: None }
}
