//! Plays a transcript against a [`Backend`] and compares every line that the server says, to the last.

mod connection;
mod deflate;
mod prepare;

use crate::backend::{ANNA, BEN, Backend, PASSWORD};
use crate::messages;
use crate::pattern::{Captures, Pattern, show};
use crate::transcript::{Action, Given, Label, Step, Transcript};
use anyhow::{Context, bail};
use connection::Connection;
use std::collections::BTreeMap;
use std::fmt;

/// A transcript that does not hold.
#[derive(Debug)]
pub struct Failure {
    place: String,
    reason: String,
    /// What was said on the connection where it went wrong.
    said: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}: {}", self.place, self.reason)?;
        self.said.iter().try_for_each(|line| writeln!(out, "    {line}"))
    }
}

/// Plays a transcript on a fresh server.
///
/// # Errors
///
/// The first line that does not hold, or what the server says beyond the last.
pub async fn play<B: Backend>(transcript: &Transcript, backend: &B) -> Result<(), Failure> {
    let mut player = Player { backend, connections: BTreeMap::new(), captures: known(), skipping: None };
    let mut line = 0;
    for step in &transcript.steps {
        line = step.line;
        if let Err(error) = player.step(step).await {
            return Err(player.failure(transcript, line, label_of(&step.action), &error));
        }
    }
    let labels: Vec<Label> = player.connections.keys().copied().collect();
    for label in labels {
        if let Err(error) = player.finish(label).await {
            return Err(player.failure(transcript, line, Some(label), &error));
        }
    }
    Ok(())
}

/// What every transcript may send: names, password, and the initial response of SASL PLAIN.
fn known() -> Captures {
    // RFC 4616 §2: NUL, authentication identity, NUL, password; here for Anna, in base64.
    const PLAIN: &str = "AGFubmFAZXhhbXBsZS50ZXN0AG1vb3MtbGFtcGUtZmpvcmQtMTc=";
    let pairs = [("anna", ANNA), ("ben", BEN), ("password", PASSWORD), ("plain", PLAIN)];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).collect()
}

fn label_of(action: &Action) -> Option<Label> {
    match action {
        Action::Send(label, _)
        | Action::Close(label)
        | Action::Upgrade(label)
        | Action::Compress(label)
        | Action::Expect(label, _)
        | Action::Skip(label)
        | Action::ExpectClosed(label)
        | Action::Given(Given::Connection(label, _)) => Some(*label),
        Action::Given(_) | Action::Wait(_) | Action::Undelete | Action::Set(..) => None,
    }
}

struct Player<'a, B> {
    backend: &'a B,
    connections: BTreeMap<Label, Connection>,
    captures: Captures,
    /// The connection whose lines are skipped until one matches.
    skipping: Option<Label>,
}

impl<B: Backend> Player<'_, B> {
    async fn step(&mut self, step: &Step) -> anyhow::Result<()> {
        match &step.action {
            Action::Given(given) => self.prepare(given).await,
            Action::Wait(time) => self.backend.advance(*time).await,
            Action::Undelete => self.backend.undelete().await,
            Action::Set(address, settings) => self.backend.set(address, settings).await,
            Action::Send(label, pattern) => {
                let line = pattern.fill(&self.captures)?;
                self.connection(*label).await?.send(&line).await
            }
            Action::Close(label) => self.connection(*label).await?.close().await,
            Action::Upgrade(label) => {
                let plain = self.connections.remove(label).context("nothing was said on this connection yet")?;
                let (stream, said) = plain.into_stream()?;
                let upgraded = self.backend.upgrade(stream).await?;
                self.connections.insert(*label, Connection::new(upgraded, said));
                Ok(())
            }
            Action::Compress(label) => {
                let plain = self.connections.remove(label).context("nothing was said on this connection yet")?;
                let (stream, said) = plain.into_stream()?;
                self.connections.insert(*label, Connection::new(deflate::compressed(stream), said));
                Ok(())
            }
            Action::Skip(label) => {
                self.skipping = Some(*label);
                Ok(())
            }
            Action::Expect(label, patterns) => self.expect(*label, patterns.clone()).await,
            Action::ExpectClosed(label) => self.expect_closed(*label).await,
        }
    }

    /// Reads a line for each pattern; several patterns may come in any order.
    async fn expect(&mut self, label: Label, mut patterns: Vec<Pattern>) -> anyhow::Result<()> {
        let mut skipping = self.skipping.take() == Some(label);
        while !patterns.is_empty() {
            let line = self.connection(label).await?.receive().await?.context("the server ended the connection")?;
            let hit = patterns
                .iter()
                .enumerate()
                .find_map(|(at, pattern)| Some((at, pattern.matches(&line, &self.captures)?)));
            match hit {
                Some((at, captures)) => {
                    patterns.remove(at);
                    self.captures = captures;
                    skipping = false;
                }
                None if skipping => {}
                None => bail!("not what was expected: `{}`", show(&line)),
            }
        }
        Ok(())
    }

    async fn expect_closed(&mut self, label: Label) -> anyhow::Result<()> {
        let skipping = self.skipping.take() == Some(label);
        while let Some(line) = self.connection(label).await?.receive().await? {
            if !skipping {
                bail!("expected the end of the connection, got `{}`", show(&line));
            }
        }
        Ok(())
    }

    /// The connection, opened inside TLS if nothing was given about it.
    async fn connection(&mut self, label: Label) -> anyhow::Result<&mut Connection> {
        if !self.connections.contains_key(&label) {
            let stream = self.backend.connect(label.protocol, true).await?;
            self.connections.insert(label, Connection::new(stream, Vec::new()));
        }
        self.connections.get_mut(&label).context("just made")
    }

    /// Ends a connection: nothing may be left but a farewell.
    async fn finish(&mut self, label: Label) -> anyhow::Result<()> {
        let skipping = self.skipping == Some(label);
        let connection = self.connection(label).await?;
        connection.close().await?;
        while let Some(line) = connection.receive().await? {
            let farewell = line.starts_with(b"* BYE ") || line.starts_with(b"421 ");
            if !farewell && !skipping {
                bail!("said beyond the last line: `{}`", show(&line));
            }
        }
        Ok(())
    }

    async fn prepare(&mut self, given: &Given) -> anyhow::Result<()> {
        match given {
            Given::Mailbox(name) => self.backend.create_mailbox(name).await,
            Given::Quota(octets) => self.backend.set_quota(*octets).await,
            Given::MessageLimit(limit) => self.backend.limit_messages(*limit).await,
            Given::EveryStep => self.backend.tell_every_step().await,
            Given::Mark { address, shared } => self.backend.mark(address, *shared).await,
            Given::Set { address, settings } => self.backend.set(address, settings).await,
            Given::Alias { alias, targets } => self.backend.add_alias(alias, targets).await,
            Given::Messages { mailbox, count, captures } => {
                for number in 1..=*count {
                    let uid = self.backend.append(mailbox, &messages::numbered(number), &[], None).await?;
                    let name = usize::try_from(number - 1).ok().and_then(|at| captures.get(at));
                    self.bind(name, uid);
                }
                Ok(())
            }
            Given::Message { file, capture, mailbox, flags, date } => {
                let uid = self.backend.append(mailbox, &messages::load(file)?, flags, date.as_deref()).await?;
                self.bind(capture.as_ref(), uid);
                Ok(())
            }
            Given::Connection(label, readiness) => {
                let connection = prepare::connect(self.backend, *label, readiness).await?;
                self.connections.insert(*label, connection);
                Ok(())
            }
        }
    }

    fn bind(&mut self, name: Option<&String>, uid: u32) {
        if let Some(name) = name {
            self.captures.insert(name.clone(), uid.to_string().into_bytes());
        }
    }

    fn failure(&self, transcript: &Transcript, line: usize, label: Option<Label>, error: &anyhow::Error) -> Failure {
        let connection = label.and_then(|label| self.connections.get(&label));
        Failure {
            place: format!("tests/transcripts/{}:{line} ({})", transcript.path, self.backend.engine()),
            reason: match label {
                Some(label) => format!("{label}: {error:#}"),
                None => format!("{error:#}"),
            },
            said: connection.map(|connection| connection.said().to_vec()).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
#[path = "runner/tests.rs"]
mod tests;
