//! A client: says a step, hears its answers, judges them.

use crate::script::{Protocol, Step};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::time::timeout;

/// Only ever waited for when something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);

/// The words that decide of each answer to a step: tag and condition, `+OK`, the codes. The texts that follow are for
/// people. `None`: the server closed instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer(Vec<Option<String>>);

impl Answer {
    pub(crate) fn first(&self) -> &str {
        self.0.first().and_then(Option::as_deref).unwrap_or_default()
    }

    /// Whether nothing is missing of it.
    pub(crate) fn is_whole(&self) -> bool {
        self.0.iter().all(Option::is_some)
    }

    /// Each answer is the expected one or a temporary one. Only what streams may break off: half a message must not
    /// look like a whole one.
    pub(crate) fn check(&self, expected: &Self, protocol: Protocol, step: &Step, what: &str) {
        for (got, right) in self.0.iter().zip(&expected.0) {
            match got {
                got if got == right => {}
                Some(got) => assert!(protocol.is_temporary(got), "{what}: `{got}` is not temporary"),
                None => assert!(step.streams, "{what}: closed without an answer"),
            }
        }
        assert_eq!(self.0.len(), expected.0.len(), "{what}: {self:?}");
    }

    /// Whose mail was acknowledged: all, if the step has one answer.
    pub(crate) fn acknowledged<'a>(&self, expected: &Self, step: &'a Step) -> Acknowledged<'a> {
        if step.streams {
            return Acknowledged::Read;
        }
        if step.accounts.is_empty() {
            return if self == expected { Acknowledged::All } else { Acknowledged::None };
        }
        let right = self.0.iter().zip(&expected.0).map(|(got, right)| got == right);
        Acknowledged::These(step.accounts.iter().copied().zip(right).collect())
    }
}

/// What a step's answers say is done.
pub(crate) enum Acknowledged<'a> {
    All,
    None,
    /// Nothing to speak of: something was read, and perhaps marked so.
    Read,
    /// By account.
    These(Vec<(&'a str, bool)>),
}

/// A connection.
pub(crate) struct Client {
    stream: BufReader<DuplexStream>,
    protocol: Protocol,
    closed: bool,
}

impl Client {
    pub(crate) async fn greeted(stream: DuplexStream, protocol: Protocol) -> Self {
        let mut client = Self { stream: BufReader::new(stream), protocol, closed: false };
        client.line().await.expect("a greeting");
        client
    }

    /// Whether the server has ended it.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Says something and hears its answers.
    pub(crate) async fn step(&mut self, step: &Step) -> Answer {
        // A server that has gone hears nothing.
        let _ = self.stream.write_all(step.says.as_bytes()).await;
        let mut answers = Vec::new();
        for _ in 0..step.accounts.len().max(1) {
            answers.push(self.answer(step).await);
        }
        Answer(answers)
    }

    async fn answer(&mut self, step: &Step) -> Option<String> {
        loop {
            let line = self.line().await?;
            if !self.protocol.ends_answer(&line) {
                continue;
            }
            if step.many_lines && line.starts_with("+OK") {
                while self.line().await? != "." {}
            }
            return Some(self.protocol.decisive(&line));
        }
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let read = timeout(PATIENCE, self.stream.read_until(b'\n', &mut line)).await.expect("an answer in time");
        if read.unwrap_or(0) == 0 || !line.ends_with(b"\r\n") {
            self.closed = true;
            return None;
        }
        Some(String::from_utf8_lossy(&line).trim_end().to_owned())
    }
}
