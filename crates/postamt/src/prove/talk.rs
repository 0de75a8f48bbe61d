//! Lines to a server and back, bounded: what answers there may be anything.

use super::Protocol;
use anyhow::{Context as _, bail, ensure};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::time::timeout;

/// How long an answer may take. A server that burns a password checks it first.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest line that is read, in bytes.
const LINE_MAX: u64 = 16 << 10;
/// Most lines of one answer.
const LINES_MAX: usize = 200;

/// What an answer means for somebody who wants to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Yes.
    Accepted,
    /// Go on: it asks for more.
    Invited,
    /// No.
    Refused,
}

/// A connection.
pub(super) struct Talk<S> {
    stream: BufReader<S>,
    protocol: Protocol,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    pub(super) fn new(stream: S, protocol: Protocol) -> Self {
        Self { stream: BufReader::new(stream), protocol }
    }

    /// Gives the connection back for a handshake. What was read in clear and not looked at must be nothing.
    pub(super) fn into_stream(self) -> anyhow::Result<S> {
        ensure!(self.stream.buffer().is_empty(), "it said more than it was asked");
        Ok(self.stream.into_inner())
    }

    pub(super) async fn say(&mut self, bytes: &str) -> anyhow::Result<()> {
        timeout(PATIENCE, async {
            self.stream.write_all(bytes.as_bytes()).await?;
            self.stream.flush().await
        })
        .await
        .context("it reads nothing")??;
        Ok(())
    }

    /// The next line without its end; `None` when the server has closed.
    pub(super) async fn line(&mut self) -> anyhow::Result<Option<String>> {
        let mut line = Vec::new();
        let mut limited = (&mut self.stream).take(LINE_MAX);
        let read = timeout(PATIENCE, limited.read_until(b'\n', &mut line)).await.context("it does not answer")?;
        match read {
            Ok(0) | Err(_) => Ok(None),
            Ok(_) => Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned())),
        }
    }

    /// The lines of an answer; the last one ends it. None when the server has closed.
    pub(super) async fn answer(&mut self) -> anyhow::Result<Vec<String>> {
        let mut lines = Vec::new();
        while let Some(line) = self.line().await? {
            let ends = match self.protocol {
                Protocol::Imap => !line.starts_with("* ") || line.starts_with("* BAD"),
                Protocol::Pop3 => true,
                Protocol::Smtp => line.as_bytes().get(3) != Some(&b'-'),
            };
            lines.push(line);
            if ends {
                break;
            }
            if lines.len() >= LINES_MAX {
                bail!("an answer without an end");
            }
        }
        Ok(lines)
    }

    /// The line that ends an answer; empty when the server has closed.
    pub(super) async fn last(&mut self) -> anyhow::Result<String> {
        Ok(self.answer().await?.pop().unwrap_or_default())
    }

    pub(super) async fn ask(&mut self, line: &str) -> anyhow::Result<String> {
        self.say(line).await?;
        self.last().await
    }

    /// The greeting, and EHLO where there is one.
    pub(super) async fn greeting(&mut self) -> anyhow::Result<()> {
        let greeting = match self.protocol {
            Protocol::Imap => self.line().await?,
            Protocol::Pop3 | Protocol::Smtp => self.answer().await?.pop(),
        };
        ensure!(greeting.is_some(), "it closes without a greeting");
        self.hello().await
    }

    /// EHLO, in SMTP.
    pub(super) async fn hello(&mut self) -> anyhow::Result<()> {
        if self.protocol == Protocol::Smtp {
            self.ask("EHLO prove.invalid\r\n").await?;
        }
        Ok(())
    }

    /// What it announces: ways to sign in, as they are announced.
    pub(super) async fn announced(&mut self) -> anyhow::Result<Vec<String>> {
        match self.protocol {
            Protocol::Imap => {
                self.say("c CAPABILITY\r\n").await?;
                let lines = self.answer().await?;
                let listed = lines.iter().find(|line| line.to_uppercase().starts_with("* CAPABILITY"));
                let words: Vec<String> =
                    listed.context("it announces nothing at all")?.split(' ').map(str::to_uppercase).collect();
                let mut ways: Vec<String> = words.iter().filter(|word| word.starts_with("AUTH=")).cloned().collect();
                if !words.iter().any(|word| word == "LOGINDISABLED") {
                    ways.push("LOGIN".into());
                }
                Ok(ways)
            }
            Protocol::Pop3 => {
                let first = self.ask("CAPA\r\n").await?;
                ensure!(first.starts_with("+OK"), "CAPA: {first}");
                let mut ways = Vec::new();
                for _ in 0..LINES_MAX {
                    let Some(line) = self.line().await?.filter(|line| line != ".") else { break };
                    let line = line.to_uppercase();
                    if line == "USER" || line.starts_with("SASL") {
                        ways.push(line);
                    }
                }
                Ok(ways)
            }
            Protocol::Smtp => {
                self.say("EHLO prove.invalid\r\n").await?;
                let lines = self.answer().await?;
                let words = lines.iter().filter_map(|line| line.get(4..)).map(str::to_uppercase);
                Ok(words.filter(|words| words.starts_with("AUTH")).collect())
            }
        }
    }

    /// What an answer means.
    pub(super) fn meaning(&self, answer: &str) -> Meaning {
        let (accepted, invited) = match self.protocol {
            Protocol::Imap => {
                let word = answer.split(' ').nth(1).unwrap_or_default();
                (!answer.starts_with('+') && word.eq_ignore_ascii_case("OK"), answer.starts_with('+'))
            }
            Protocol::Pop3 => {
                let accepted = answer.get(..3).is_some_and(|word| word.eq_ignore_ascii_case("+OK"));
                (accepted, !accepted && answer.starts_with('+'))
            }
            Protocol::Smtp => (answer.starts_with('2'), answer.starts_with('3')),
        };
        match (accepted, invited) {
            (true, _) => Meaning::Accepted,
            (_, true) => Meaning::Invited,
            _ => Meaning::Refused,
        }
    }
}
