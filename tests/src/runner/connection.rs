//! The client's end of a pipe: sends lines, reads lines, remembers both.

use crate::backend::Stream;
use crate::pattern::show;
use anyhow::{Context, bail};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How long a server may take for a line before the transcript fails: only ever waited for when something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);

/// One connection.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    /// Read and not yet looked at.
    input: Vec<u8>,
    said: Vec<String>,
    closed: bool,
}

impl Connection {
    pub(crate) fn new(stream: Box<dyn Stream>, said: Vec<String>) -> Self {
        Self { stream, input: Vec::new(), said, closed: false }
    }

    /// The lines of both sides so far.
    pub(crate) fn said(&self) -> &[String] {
        &self.said
    }

    /// Gives the pipe back for a TLS handshake; the server may not have said more than was read.
    pub(crate) fn into_stream(self) -> anyhow::Result<(Box<dyn Stream>, Vec<String>)> {
        if self.input.is_empty() { Ok((self.stream, self.said)) } else { bail!("unread: `{}`", show(&self.input)) }
    }

    pub(crate) async fn send(&mut self, line: &[u8]) -> anyhow::Result<()> {
        self.said.push(format!("C: {}", show(line)));
        let mut bytes = line.to_vec();
        bytes.extend_from_slice(b"\r\n");
        let written = async {
            self.stream.write_all(&bytes).await?;
            self.stream.flush().await
        };
        tokio::time::timeout(PATIENCE, written).await.context("the server reads no more")?.context("cannot send")
    }

    /// The next line without its CRLF; `None` at the end of the connection.
    pub(crate) async fn receive(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        loop {
            if let Some(end) = self.input.windows(2).position(|pair| pair == b"\r\n") {
                let rest = self.input.split_off(end + 2);
                let mut line = std::mem::replace(&mut self.input, rest);
                line.truncate(end);
                self.said.push(format!("S: {}", show(&line)));
                return Ok(Some(line));
            }
            let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.input)).await;
            let count = read.with_context(|| format!("no answer, only `{}`", show(&self.input)))?;
            match count {
                Ok(0) if self.input.is_empty() => {
                    self.said.push("S: ‹closed›".to_owned());
                    return Ok(None);
                }
                Ok(0) => bail!("ended within a line: `{}`", show(&self.input)),
                Ok(_) => {}
                Err(error) => return Err(error).context("cannot read"),
            }
        }
    }

    /// Says that no more is sent.
    pub(crate) async fn close(&mut self) -> anyhow::Result<()> {
        if !self.closed {
            self.closed = true;
            self.said.push("C: ‹closed›".to_owned());
            // The server may have gone first.
            let _ = self.stream.shutdown().await;
        }
        Ok(())
    }
}
