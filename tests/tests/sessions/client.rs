//! A client that says lines and hears lines.

use crate::server::Service;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::time::timeout;

/// How long an answer may take before the session counts as stuck.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Client {
    pub(crate) stream: BufReader<DuplexStream>,
    service: Service,
}

impl Client {
    pub(crate) fn new(stream: DuplexStream, service: Service) -> Self {
        Self { stream: BufReader::new(stream), service }
    }

    /// Sends bytes in one piece.
    pub(crate) async fn send(&mut self, bytes: &str) {
        // A session that has ended hears nothing; what it said is still to be read.
        let _ = self.stream.write_all(bytes.as_bytes()).await;
    }

    /// The next line without its end; `None` when the server has closed.
    pub(crate) async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let read = timeout(PATIENCE, self.stream.read_until(b'\n', &mut line)).await.expect("an answer in time");
        if read.unwrap() == 0 {
            return None;
        }
        let line = String::from_utf8(line).unwrap();
        Some(line.strip_suffix("\r\n").expect("lines end in CR LF").to_owned())
    }

    /// The lines of one answer, up to the one that ends it: a tagged one or a continuation in IMAP, the first in POP3,
    /// the last of its code in SMTP. At the end of the stream what came until then, and an empty line.
    pub(crate) async fn answer(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let Some(line) = self.line().await else {
                lines.push(String::new());
                return lines;
            };
            let ends = match self.service {
                // A line without a tag that could be read is answered without one.
                Service::Imap => !line.starts_with("* ") || line.starts_with("* BAD "),
                Service::Pop3 => true,
                Service::Submission | Service::Mx | Service::Lmtp => line.as_bytes().get(3) != Some(&b'-'),
            };
            lines.push(line);
            if ends {
                return lines;
            }
        }
    }

    /// The line that ends the next answer.
    pub(crate) async fn last(&mut self) -> String {
        self.answer().await.pop().unwrap_or_default()
    }

    /// Sends a command and takes the line that ends its answer.
    pub(crate) async fn ask(&mut self, command: &str) -> String {
        self.send(command).await;
        self.last().await
    }

    /// The greeting, which is an untagged line in IMAP.
    pub(crate) async fn greeting(&mut self) -> String {
        self.line().await.unwrap()
    }

    /// Whatever comes until the server closes.
    pub(crate) async fn rest(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = self.line().await {
            lines.push(line);
        }
        lines
    }
}
