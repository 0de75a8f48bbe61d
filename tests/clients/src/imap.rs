//! A small IMAP client that keeps every byte of an answer.

use crate::{Account, Wire};
use anyhow::{Context as _, bail, ensure};
use std::time::{Duration, Instant};

/// A connection.
pub struct Imap {
    wire: Wire,
    tag: u32,
}

/// What a command was answered.
#[derive(Debug, Default)]
pub struct Answer {
    /// The untagged responses, without `* `, with their literals in place (`{3}` CR LF and the bytes).
    pub untagged: Vec<Vec<u8>>,
    /// Whether the tagged response was OK.
    pub ok: bool,
    /// The tagged response without its tag: `OK [COPYUID 1 2 3] Done`.
    pub text: String,
}

impl Imap {
    /// Reads the greeting and signs in.
    pub(crate) fn sign_in(wire: Wire, account: &Account) -> anyhow::Result<Self> {
        let mut imap = Self::greeted(wire)?;
        imap.expect(&format!("LOGIN \"{}\" \"{}\"", account.address, account.password))?;
        Ok(imap)
    }

    /// Reads the greeting and nothing else.
    pub fn greeted(mut wire: Wire) -> anyhow::Result<Self> {
        let greeting = wire.text()?;
        ensure!(greeting.starts_with("* OK"), "greeting {greeting:?}");
        Ok(Self { wire, tag: 0 })
    }

    /// Sends a command and reads to its end; NO and BAD are answers, not errors.
    pub fn command(&mut self, text: &str) -> anyhow::Result<Answer> {
        let tag = self.send(text.as_bytes())?;
        self.finish(&tag)
    }

    /// Like [`Imap::command`], where anything but OK is an error.
    pub fn expect(&mut self, text: &str) -> anyhow::Result<Answer> {
        let answer = self.command(text)?;
        ensure!(answer.ok, "{text}: {}", answer.text);
        Ok(answer)
    }

    /// APPEND with flags such as `(\Seen)` or none.
    pub fn append(&mut self, mailbox: &str, flags: &str, message: &[u8]) -> anyhow::Result<Answer> {
        let space = if flags.is_empty() { "" } else { " " };
        let tag = self.send(format!("APPEND {mailbox}{space}{flags} {{{}}}", message.len()).as_bytes())?;
        let mut answer = Answer::default();
        while !self.read_into(&mut answer, &tag)? {
            if answer.text == "+" {
                answer.text.clear();
                self.wire.write(message)?;
                self.wire.write(b"\r\n")?;
            }
        }
        Ok(answer)
    }

    /// All messages of a mailbox with their UIDs, in order, flags untouched. The mailbox stays selected.
    pub fn messages(&mut self, mailbox: &str) -> anyhow::Result<Vec<(u32, Vec<u8>)>> {
        let selected = self.expect(&format!("SELECT {mailbox}"))?;
        if selected.number("EXISTS") == Some(0) {
            return Ok(Vec::new());
        }
        let answer = self.expect("UID FETCH 1:* (UID BODY.PEEK[])")?;
        answer.fetched().map(|item| Ok((uid(item)?, body(item)?.to_vec()))).collect()
    }

    /// How many messages a mailbox holds.
    pub fn count(&mut self, mailbox: &str) -> anyhow::Result<u32> {
        let answer = self.expect(&format!("STATUS {mailbox} (MESSAGES)"))?;
        let text = answer.untagged.first().map(|b| String::from_utf8_lossy(b).into_owned()).unwrap_or_default();
        let digits = text.rsplit("MESSAGES ").next().unwrap_or_default().trim_end_matches(')');
        digits.parse().with_context(|| format!("STATUS answered {text:?}"))
    }

    /// IDLE, until the server waits.
    pub fn idle(&mut self) -> anyhow::Result<()> {
        self.send(b"IDLE")?;
        let line = self.wire.text()?;
        ensure!(line.starts_with('+'), "IDLE: {line}");
        Ok(())
    }

    /// What an idle connection is told, until a line ends with this word: how long that took. Answers that came before
    /// are passed over.
    pub fn told(&mut self, word: &str, patience: Duration) -> anyhow::Result<Duration> {
        let begin = Instant::now();
        while begin.elapsed() < patience {
            let line = self.wire.line_within(patience.saturating_sub(begin.elapsed()))?;
            if line.is_some_and(|line| String::from_utf8_lossy(&line).ends_with(word)) {
                return Ok(begin.elapsed());
            }
        }
        bail!("no {word} within {patience:?}")
    }

    /// The next line, whatever it is; `None` if none has begun within this time.
    pub fn line(&mut self, patience: Duration) -> anyhow::Result<Option<String>> {
        Ok(self.wire.line_within(patience)?.map(|line| String::from_utf8_lossy(&line).into_owned()))
    }

    /// Whether an idle connection is told nothing that ends with this word for so long.
    pub fn not_told(&mut self, word: &str, time: Duration) -> bool {
        self.told(word, time).is_err()
    }

    /// Ends IDLE.
    pub fn done(&mut self) -> anyhow::Result<()> {
        self.wire.write(b"DONE\r\n")?;
        let tag = format!("t{}", self.tag);
        ensure!(self.finish(&tag)?.ok, "IDLE did not end well");
        Ok(())
    }

    fn send(&mut self, text: &[u8]) -> anyhow::Result<String> {
        self.tag += 1;
        let tag = format!("t{}", self.tag);
        self.wire.write(&[tag.as_bytes(), b" ", text, b"\r\n"].concat())?;
        Ok(tag)
    }

    fn finish(&mut self, tag: &str) -> anyhow::Result<Answer> {
        let mut answer = Answer::default();
        while !self.read_into(&mut answer, tag)? {
            ensure!(answer.text != "+", "a continuation that nobody asked for");
        }
        Ok(answer)
    }

    /// Reads one response; true when it was the tagged one. A continuation leaves `+` as text.
    fn read_into(&mut self, answer: &mut Answer, tag: &str) -> anyhow::Result<bool> {
        let mut response = self.wire.line()?;
        while let Some(size) = literal(&response) {
            let bytes = self.wire.exactly(size)?;
            response.extend_from_slice(b"\r\n");
            response.extend_from_slice(&bytes);
            response.extend_from_slice(&self.wire.line()?);
        }
        if response.starts_with(b"+") {
            "+".clone_into(&mut answer.text);
        } else if let Some(rest) = response.strip_prefix(b"* ") {
            ensure!(!rest.starts_with(b"BYE") || tag.is_empty(), "the server says {}", String::from_utf8_lossy(rest));
            answer.untagged.push(rest.to_vec());
        } else {
            let text = String::from_utf8_lossy(&response).into_owned();
            let rest = text.strip_prefix(tag).with_context(|| format!("waiting for {tag}, got {text:?}"))?;
            rest.trim_start().clone_into(&mut answer.text);
            answer.ok = answer.text.starts_with("OK");
            return Ok(true);
        }
        Ok(false)
    }
}

impl Answer {
    /// The FETCH responses.
    pub fn fetched(&self) -> impl Iterator<Item = &[u8]> {
        self.untagged.iter().map(Vec::as_slice).filter(|line| {
            let mut words = line.splitn(3, |b| *b == b' ');
            words.next().is_some_and(|w| w.iter().all(u8::is_ascii_digit)) && words.next() == Some(b"FETCH")
        })
    }

    /// The number before this word in the last untagged response that is only that: `12 EXISTS`.
    pub fn number(&self, word: &str) -> Option<u32> {
        let lines = self.untagged.iter().rev().map(|line| String::from_utf8_lossy(line));
        lines.into_iter().find_map(|line| line.strip_suffix(word)?.trim().parse().ok())
    }

    /// The number behind this word in a response code: `[UIDNEXT 7]`.
    pub fn code(&self, word: &str) -> Option<u64> {
        let start = format!("OK [{word} ");
        let lines = self.untagged.iter().map(|line| String::from_utf8_lossy(line));
        lines.into_iter().find_map(|line| line.strip_prefix(&start)?.split(']').next()?.parse().ok())
    }
}

/// The size that a line's end announces.
fn literal(line: &[u8]) -> Option<usize> {
    let inner = line.strip_suffix(b"}")?;
    let brace = inner.iter().rposition(|b| *b == b'{')?;
    std::str::from_utf8(inner.get(brace + 1..)?).ok()?.parse().ok()
}

/// The UID of a FETCH response.
fn uid(item: &[u8]) -> anyhow::Result<u32> {
    let text = String::from_utf8_lossy(item.get(..item.len().min(200)).unwrap_or_default()).into_owned();
    let rest = text.split("UID ").nth(1).with_context(|| format!("no UID in {text}"))?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Ok(digits.parse()?)
}

/// The first literal or quoted string after `BODY[] ` in a FETCH response.
fn body(item: &[u8]) -> anyhow::Result<&[u8]> {
    let mark = b"BODY[] ";
    let place = item.windows(mark.len()).position(|w| w == mark).context("no BODY[]")? + mark.len();
    let rest = item.get(place..).unwrap_or_default();
    if rest.starts_with(b"\"\"") {
        return Ok(b"");
    }
    let end = rest.windows(2).position(|w| w == b"\r\n").context("no literal")?;
    let size = literal(rest.get(..end).unwrap_or_default()).context("no literal")?;
    rest.get(end + 2..end + 2 + size).context("a literal cut short")
}
