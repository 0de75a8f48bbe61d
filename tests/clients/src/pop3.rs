//! A small POP3 client (RFC 1939) that keeps every byte of a message.

use crate::{Account, Wire};
use anyhow::ensure;

/// A connection.
pub struct Pop3 {
    wire: Wire,
}

impl Pop3 {
    /// Reads the greeting and signs in.
    pub(crate) fn sign_in(wire: Wire, account: &Account) -> anyhow::Result<Self> {
        let mut pop3 = Self { wire };
        pop3.reply()?;
        pop3.command(&format!("USER {}", account.address))?;
        pop3.command(&format!("PASS {}", account.password))?;
        Ok(pop3)
    }

    /// A command with an answer of one line; -ERR is an error.
    pub fn command(&mut self, text: &str) -> anyhow::Result<String> {
        self.wire.write(format!("{text}\r\n").as_bytes())?;
        self.reply()
    }

    /// A command whose answer goes on to a line with one dot: those lines' bytes, dots undone.
    pub fn lines(&mut self, text: &str) -> anyhow::Result<Vec<u8>> {
        self.command(text)?;
        let mut out = Vec::new();
        let mut last_cr = true;
        loop {
            let line = self.wire.raw_line()?;
            // The dot ends it only behind a CR LF.
            if last_cr && line == b".\r\n" {
                return Ok(out);
            }
            let kept = if last_cr { line.strip_prefix(b".").unwrap_or(&line) } else { &line };
            out.extend_from_slice(kept);
            last_cr = line.ends_with(b"\r\n");
        }
    }

    /// How many messages there are.
    pub fn count(&mut self) -> anyhow::Result<usize> {
        let text = self.command("STAT")?;
        let word = text.split(' ').nth(1).unwrap_or_default();
        Ok(word.parse()?)
    }

    fn reply(&mut self) -> anyhow::Result<String> {
        let line = self.wire.text()?;
        ensure!(line.starts_with("+OK"), "POP3 answered {line:?}");
        Ok(line)
    }
}
