//! async-imap, the library that Rust programs use (over tokio and rustls): a day's work.

use anyhow::{Context as _, ensure};
use async_imap::types::{Fetch, Flag, NameAttribute};
use futures_util::TryStreamExt as _;
use rustls_pki_types::ServerName;
use std::fmt::Write as _;
use std::time::Duration;
use tests_clients::{Account, Server, letter, patience};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

type Session = async_imap::Session<TlsStream<TcpStream>>;

async fn sign_in(server: &Server, account: &Account) -> anyhow::Result<Session> {
    let tcp = TcpStream::connect(("127.0.0.1", server.ports().imaps)).await?;
    let tls = TlsConnector::from(server.trust()).connect(ServerName::try_from("localhost")?, tcp).await?;
    let mut client = async_imap::Client::new(tls);
    client.read_response().await?.context("a greeting")?;
    let session = client.login(&account.address, &account.password).await;
    session.map_err(|(error, _)| error.into())
}

/// Runs it with a bound on the whole.
fn within<F: Future<Output = anyhow::Result<()>>>(work: F) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { tokio::time::timeout(patience() * 2, work).await })?
}

async fn work(session: &mut Session) -> anyhow::Result<()> {
    let capabilities = session.capabilities().await?;
    for word in ["IMAP4rev1", "IDLE", "MOVE", "UIDPLUS", "CONDSTORE", "ID"] {
        ensure!(capabilities.has_str(word), "no {word}");
    }
    let told = session.id([("name", Some("async-imap"))]).await?.context("ID answers")?;
    ensure!(told.get("name").is_some_and(|name| name == "Postamt"), "{told:?}");
    let names: Vec<_> = session.list(None, Some("*")).await?.try_collect().await?;
    let sent = names.iter().find(|name| name.name() == "Sent").context("no Sent")?;
    ensure!(sent.attributes().contains(&NameAttribute::Sent), "{:?}", sent.attributes());
    session.create("Work").await?;
    for number in 1..=4 {
        let text = letter(&format!("letter {number}"));
        let date = "\"01-Jan-2026 12:00:00 +0100\"";
        session.append("Work", (number == 1).then_some("(\\Seen $Label)"), Some(date), text).await?;
    }
    let status = session.status("Work", "(MESSAGES UIDNEXT UNSEEN)").await?;
    assert_eq!((status.exists, status.uid_next, status.unseen), (4, Some(5), Some(3)));
    let selected = session.select_condstore("Work").await?;
    assert_eq!(selected.exists, 4);
    ensure!(selected.highest_modseq.is_some_and(|modseq| modseq > 1), "{selected:?}");
    let query = "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE MODSEQ BODY.PEEK[])";
    let fetched: Vec<_> = session.uid_fetch("1:*", query).await?.try_collect().await?;
    assert_eq!(fetched.len(), 4);
    for (number, item) in (1..).zip(&fetched) {
        let expected = letter(&format!("letter {number}"));
        assert_eq!((item.uid, item.body()), (Some(number), Some(&expected[..])));
        assert_eq!(item.size, u32::try_from(expected.len()).ok());
        let subject = item.envelope().and_then(|envelope| envelope.subject.as_deref());
        assert_eq!(subject, Some(format!("letter {number}").as_bytes()));
        ensure!(item.bodystructure().is_some() && item.modseq.is_some(), "{item:?}");
        ensure!(
            item.internal_date().is_some_and(|date| date.to_utc().to_string() == "2026-01-01 11:00:00 UTC"),
            "{item:?}"
        );
    }
    ensure!(fetched.iter().take(1).flat_map(Fetch::flags).any(|flag| flag == Flag::Seen), "\\Seen");
    let changed: Vec<_> = session.uid_store("2:3", "+FLAGS (\\Flagged)").await?.try_collect().await?;
    ensure!(changed.len() == 2 && changed.iter().all(|item| item.flags().any(|flag| flag == Flag::Flagged)));
    session.uid_copy("2", "Archive").await?;
    session.uid_mv("3", "Archive").await?;
    let _: Vec<_> = session.uid_store("4", "+FLAGS.SILENT (\\Deleted)").await?.try_collect().await?;
    let gone: Vec<u32> = session.uid_expunge("4").await?.try_collect().await?;
    assert_eq!(gone, [3]);
    let mut left: Vec<u32> = session.uid_search("ALL").await?.into_iter().collect();
    left.sort_unstable();
    assert_eq!(left, [1, 2]);
    session.close().await?;
    session.rename("Work", "Done").await?;
    session.delete("Done").await?;
    Ok(session.logout().await?)
}

#[test]
fn async_imap_does_a_days_work() -> anyhow::Result<()> {
    let server = Server::start()?;
    let anna = server.account("anna")?;
    within(async { work(&mut sign_in(&server, &anna).await?).await })?;
    assert_eq!(server.imap(&anna)?.count("Archive")?, 2);
    Ok(())
}

#[test]
fn async_imap_in_idle_is_told_what_imapflow_does() -> anyhow::Result<()> {
    use async_imap::extensions::idle::IdleResponse;
    use tests_clients::programs::imapflow;
    let server = Server::start()?;
    let anna = server.account("anna")?;
    within(async {
        let mut session = sign_in(&server, &anna).await?;
        session.select("INBOX").await?;
        for (task, expected) in [("add", "Exists(1)"), ("flag", "Flagged"), ("remove", "Expunge(1)")] {
            let mut idle = session.idle();
            idle.init().await?;
            // Runs to its end beside the waiting connection.
            let other = imapflow(&server, &anna, task, "from imapflow")?;
            let other = tokio::task::spawn_blocking(move || other.succeed());
            let mut seen = String::new();
            while !seen.contains(expected) {
                let (told, _stop) = idle.wait_with_timeout(patience() + Duration::from_secs(1));
                let IdleResponse::NewData(data) = told.await? else { anyhow::bail!("no {expected} in {seen}") };
                let _ = writeln!(seen, "{:?}", data.parsed());
            }
            session = idle.done().await?;
            other.await??;
        }
        Ok(session.logout().await?)
    })
}
