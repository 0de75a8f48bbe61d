//! Brings a connection to where its transcript begins.

use super::connection::Connection;
use crate::backend::{ANNA, Backend, PASSWORD, Protocol};
use crate::pattern::show;
use crate::transcript::{Label, Readiness};
use anyhow::{Context, bail};

/// Opens a connection and says what is needed.
pub(super) async fn connect<B: Backend>(
    backend: &B,
    label: Label,
    readiness: &Readiness,
) -> anyhow::Result<Connection> {
    let tls = *readiness != Readiness::InClear;
    let stream = backend.connect(label.protocol, tls).await?;
    let mut connection = Connection::new(stream, Vec::new());
    let user = match readiness {
        Readiness::InClear => return Ok(connection),
        Readiness::Greeted => None,
        Readiness::SignedIn(user) => Some(*user),
        Readiness::Opened { .. } => Some(ANNA),
    };
    greet(&mut connection, label.protocol).await?;
    if let Some(user) = user {
        sign_in(&mut connection, label.protocol, user).await?;
    }
    if let Readiness::Opened { mailbox, read_only } = readiness {
        let command = if *read_only { "EXAMINE" } else { "SELECT" };
        ask(&mut connection, &format!("given {command} {mailbox}"), "given OK ").await?;
    }
    Ok(connection)
}

async fn greet(connection: &mut Connection, protocol: Protocol) -> anyhow::Result<()> {
    match protocol {
        Protocol::Imap => until(connection, "* OK ").await,
        Protocol::Pop3 => until(connection, "+OK").await,
        Protocol::Smtp | Protocol::Submission => {
            until(connection, "220 ").await?;
            ask(connection, "EHLO client.example.test", "250 ").await
        }
        Protocol::Lmtp => {
            until(connection, "220 ").await?;
            ask(connection, "LHLO client.example.test", "250 ").await
        }
    }
}

async fn sign_in(connection: &mut Connection, protocol: Protocol, user: &str) -> anyhow::Result<()> {
    match protocol {
        Protocol::Imap => ask(connection, &format!("given LOGIN {user} {PASSWORD}"), "given OK ").await,
        Protocol::Pop3 => {
            ask(connection, &format!("USER {user}"), "+OK").await?;
            ask(connection, &format!("PASS {PASSWORD}"), "+OK").await
        }
        Protocol::Submission => {
            if user != ANNA {
                bail!("only Anna signs in to send");
            }
            let plain = super::known().remove("plain").context("known")?;
            ask(connection, &format!("AUTH PLAIN {}", show(&plain)), "235 ").await
        }
        Protocol::Smtp | Protocol::Lmtp => bail!("nobody signs in there"),
    }
}

async fn ask(connection: &mut Connection, line: &str, answer: &str) -> anyhow::Result<()> {
    connection.send(line.as_bytes()).await?;
    until(connection, answer).await
}

/// Reads up to the line that begins so; what refuses ends it.
async fn until(connection: &mut Connection, answer: &str) -> anyhow::Result<()> {
    loop {
        let line = connection.receive().await?.context("the server ended the connection")?;
        if line.starts_with(answer.as_bytes()) {
            return Ok(());
        }
        let refused = [&b"given NO"[..], b"given BAD", b"* BYE", b"-ERR", b"4", b"5"];
        if refused.iter().any(|start| line.starts_with(start)) {
            bail!("what is given is refused: `{}`", show(&line));
        }
    }
}
