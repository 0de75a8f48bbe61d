//! What a client hears while a change takes long (RFC 9585 §4).

use super::imap::{said, sign_in};
use crate::client::Client;
use crate::server::Server;
use bytes::Bytes;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use store_kv::{
    Batch, BodyId, BodyWriter, BoxFuture, CommitError, Committed, Engine, Memory, Page, Scan, StoreError, Watch,
};
use tokio::sync::watch;
use types::Octets;

/// An engine whose commits wait while they are held.
struct Held {
    memory: Arc<Memory>,
    is_held: watch::Sender<bool>,
}

impl Engine for Held {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>> {
        self.memory.get(key)
    }

    fn get_many<'a>(&'a self, keys: &'a [Bytes]) -> BoxFuture<'a, Result<Vec<Option<Bytes>>, StoreError>> {
        self.memory.get_many(keys)
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> BoxFuture<'a, Result<Page, StoreError>> {
        self.memory.scan(scan)
    }

    fn stage(&self, size_hint: Option<Octets>) -> BoxFuture<'_, Result<Box<dyn BodyWriter>, StoreError>> {
        self.memory.stage(size_hint)
    }

    fn read_body(&self, body: BodyId, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, StoreError>> {
        self.memory.read_body(body, range)
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, CommitError>> {
        let mut is_held = self.is_held.subscribe();
        Box::pin(async move {
            // The sender lives as long as the engine.
            let _ = is_held.wait_for(|is_held| !is_held).await;
            self.memory.commit(batch).await
        })
    }

    fn watch(&self, prefix: &[u8]) -> Watch {
        self.memory.watch(prefix)
    }
}

async fn ready(server: &Server) -> Client {
    let mut client = sign_in(server).await;
    for letter in ["one", "two", "three"] {
        let appended = client.ask(&format!("p APPEND INBOX {{{}+}}\r\n{letter}\r\n", letter.len())).await;
        assert!(appended.starts_with("p OK"), "{appended}");
    }
    assert!(client.ask("s SELECT INBOX\r\n").await.starts_with("s OK"));
    client
}

#[tokio::test]
async fn who_waits_for_a_large_change_hears_that_it_is_under_way() {
    let held = Arc::new(Held { memory: Memory::new(), is_held: watch::Sender::new(false) });
    let mut server = Server::start(Arc::clone(&held) as Arc<dyn Engine>).await;
    server.progress_every = Duration::from_millis(1);
    let mut client = ready(&server).await;
    for command in [
        "a1 STORE 1:2 +FLAGS (\\Deleted)\r\n",
        "a2 COPY 3 INBOX\r\n",
        "a3 EXPUNGE\r\n",
        "a4 MOVE 1 Archive\r\n",
        "a5 APPEND INBOX {4+}\r\nfour\r\n",
        "a6 REPLACE 1 INBOX {4+}\r\nfive\r\n",
    ] {
        held.is_held.send_replace(true);
        client.send(command).await;
        let tag = command.split(' ').next().unwrap();
        for _ in 0..2 {
            let line = client.line().await.unwrap();
            assert_eq!(line, format!("* OK [INPROGRESS (\"{tag}\" NIL NIL)] Still at work"), "{command}");
        }
        held.is_held.send_replace(false);
        let answer = said(&mut client, &format!("{tag}b NOOP\r\n")).await;
        let done = answer.iter().find(|line| line.starts_with(&format!("{tag} "))).unwrap();
        assert!(done.starts_with(&format!("{tag} OK ")) && !done.contains("INPROGRESS"), "{done}");
    }
}
