//! A small LMTP client (RFC 2033): one connection, many messages, one answer per recipient.

use crate::Wire;
use anyhow::{Context as _, ensure};

/// A connection.
pub struct Lmtp {
    wire: Wire,
}

/// An answer's code and the text of its last line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Three digits.
    pub code: u16,
    /// The text of the last line.
    pub text: String,
}

impl Lmtp {
    /// Reads the greeting and says LHLO.
    pub(crate) fn hello(wire: Wire) -> anyhow::Result<Self> {
        let mut lmtp = Self { wire };
        let greeting = lmtp.reply()?;
        ensure!(greeting.code == 220, "greeting {greeting:?}");
        lmtp.wire.write(b"LHLO client.example.test\r\n")?;
        let hello = lmtp.reply()?;
        ensure!(hello.code == 250, "LHLO: {hello:?}");
        Ok(lmtp)
    }

    /// Delivers by DATA, with dots doubled and a line end added where there was none; one answer per recipient.
    pub fn data(&mut self, to: &[&str], message: &[u8]) -> anyhow::Result<Vec<Reply>> {
        self.send(to, message, true)?;
        to.iter().map(|_| self.reply()).collect()
    }

    /// Delivers by one BDAT (RFC 3030), which takes every byte as it is; one answer per recipient.
    pub fn bdat(&mut self, to: &[&str], message: &[u8]) -> anyhow::Result<Vec<Reply>> {
        self.send(to, message, false)?;
        to.iter().map(|_| self.reply()).collect()
    }

    /// Delivers either way, and hands out each recipient's answer, by its place in the list, as soon as it is there.
    pub fn each(
        &mut self,
        to: &[&str],
        message: &[u8],
        by_data: bool,
        mut answered: impl FnMut(usize, &Reply) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.send(to, message, by_data)?;
        for place in 0..to.len() {
            let reply = self.reply()?;
            answered(place, &reply)?;
        }
        Ok(())
    }

    fn send(&mut self, to: &[&str], message: &[u8], by_data: bool) -> anyhow::Result<()> {
        self.envelope(to)?;
        if by_data {
            self.wire.write(b"DATA\r\n")?;
            let go = self.reply()?;
            ensure!(go.code == 354, "DATA: {go:?}");
            return self.wire.write(&stuffed(message));
        }
        self.wire.write(format!("BDAT {} LAST\r\n", message.len()).as_bytes())?;
        self.wire.write(message)
    }

    fn envelope(&mut self, to: &[&str]) -> anyhow::Result<()> {
        let mut text = "MAIL FROM:<sender@example.org> BODY=8BITMIME\r\n".to_owned();
        for address in to {
            text.push_str("RCPT TO:<");
            text.push_str(address);
            text.push_str(">\r\n");
        }
        self.wire.write(text.as_bytes())?;
        for _ in 0..=to.len() {
            let reply = self.reply()?;
            ensure!(reply.code == 250, "the envelope: {reply:?}");
        }
        Ok(())
    }

    fn reply(&mut self) -> anyhow::Result<Reply> {
        loop {
            let line = self.wire.text()?;
            let code = line.get(..3).and_then(|d| d.parse().ok()).with_context(|| format!("no reply: {line:?}"))?;
            if line.get(3..4) != Some("-") {
                return Ok(Reply { code, text: line.get(4..).unwrap_or_default().to_owned() });
            }
        }
    }
}

/// RFC 5321 §4.5.2.
fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 64);
    for line in message.split_inclusive(|b| *b == b'\n') {
        if line.starts_with(b".") {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    if !out.is_empty() && !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}
