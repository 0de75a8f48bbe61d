//! What POP3 owes to people's mail: nothing goes without QUIT, wherever the connection breaks; sessions at once do not
//! harm each other; a huge maildrop is listed and deleted whole.

use crate::client::{Client, PATIENCE};
use crate::server::{ANNA, Listener, PASSWORD, Server, Service};
use std::collections::HashSet;
use store_kv::Memory;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

/// Room in each direction of a pipe.
const PIPE: usize = 64 << 10;

async fn sign_in(server: &Server) -> Client {
    let (mut client, _) = server.connect(Service::Pop3, Listener::Implicit, PIPE);
    client.greeting().await;
    client.ask(&format!("USER {ANNA}\r\n")).await;
    assert!(client.ask(&format!("PASS {PASSWORD}\r\n")).await.starts_with("+OK"));
    client
}

async fn count(server: &Server) -> u32 {
    let stat = sign_in(server).await.ask("STAT\r\n").await;
    stat.split(' ').nth(1).unwrap().parse().unwrap()
}

/// The lines of a list.
async fn list(client: &mut Client, command: &str) -> Vec<String> {
    assert!(client.ask(command).await.starts_with("+OK"));
    let mut lines = Vec::new();
    loop {
        match client.line().await.unwrap().as_str() {
            "." => return lines,
            line => lines.push(line.to_owned()),
        }
    }
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_end_of_quit_deletes_nothing() {
    let conversation = format!("USER {ANNA}\r\nPASS {PASSWORD}\r\nDELE 1\r\nRETR 2\r\nDELE 2\r\nQUIT\r\n");
    for policy in ["delete", "keep", "trash"] {
        let server = Server::start(Memory::new()).await;
        server.set(ANNA, &format!("pop3.on-delete={policy}")).await;
        server.fill_inbox(3).await;
        for cut in (0..conversation.len()).chain([conversation.len()]) {
            let (mut client, task) = server.connect(Service::Pop3, Listener::Implicit, PIPE);
            client.greeting().await;
            client.send(&conversation[..cut]).await;
            if cut % 2 == 0 && cut < conversation.len() {
                // Both directions are gone; else the answers can still be said.
                drop(client);
            } else {
                client.stream.get_mut().shutdown().await.unwrap();
                client.rest().await;
            }
            timeout(PATIENCE, task).await.unwrap().unwrap();
            let expected = if cut == conversation.len() { 1 } else { 3 };
            assert_eq!(count(&server).await, expected, "{policy}, cut at {cut}: {:?}", &conversation[..cut]);
        }
        let in_inbox = server.snapshot("INBOX").await.len();
        let in_trash = server.snapshot("Trash").await.len();
        let expected = match policy {
            "keep" => (3, 0),
            "trash" => (1, 2),
            _ => (1, 0),
        };
        assert_eq!((in_inbox, in_trash), expected, "{policy}");
    }
}

#[tokio::test]
async fn sessions_imap_and_deliveries_at_once_lose_nothing_that_nobody_deleted() {
    for policy in ["delete", "keep", "trash"] {
        let server = Server::start(Memory::new()).await;
        server.set(ANNA, &format!("pop3.on-delete={policy}")).await;
        server.fill_inbox(300).await;
        // Four programs see the same maildrop; their marks overlap.
        let mut clients = Vec::new();
        for _ in 0..4 {
            clients.push(sign_in(&server).await);
        }
        let sessions = clients.into_iter().enumerate().map(|(number, mut client)| async move {
            let first = 40 * number + 1;
            for message in first..first + 80 {
                assert!(client.ask(&format!("DELE {message}\r\n")).await.starts_with("+OK"));
            }
            assert!(client.ask("STAT\r\n").await.starts_with("+OK 220 "), "its own numbering stays");
            assert!(client.ask("QUIT\r\n").await.starts_with("+OK"));
        });
        let deliveries = async {
            for _ in 0..50 {
                server.deliver("INBOX").await;
            }
        };
        let expunge = async {
            // What IMAP takes at the same time: some that are marked, some that are not.
            let uids = (190..=210).map(|uid| types::Uid::new(uid).unwrap()).collect();
            server.remove("INBOX", uids).await;
        };
        tokio::join!(futures_join(sessions), deliveries, expunge);
        // 1 to 200 were deleted by programs, 201 to 210 by IMAP alone; 50 came.
        assert_eq!(count(&server).await, 300 - 210 + 50, "{policy}");
    }
}

/// Waits for all of them.
async fn futures_join(all: impl Iterator<Item = impl Future<Output = ()>>) {
    let mut all: Vec<_> = all.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        all.retain_mut(|one| one.as_mut().poll(context).is_pending());
        if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

#[tokio::test]
async fn a_huge_maildrop_is_listed_and_deleted_whole() {
    // More than one step of any verb.
    const MANY: u32 = 20_500;
    for policy in ["delete", "keep", "trash"] {
        let server = Server::start(Memory::new()).await;
        server.set(ANNA, &format!("pop3.on-delete={policy}")).await;
        server.fill_at_once(MANY).await;
        let mut client = sign_in(&server).await;
        let sizes = list(&mut client, "LIST\r\n").await;
        assert!(sizes.iter().enumerate().all(|(n, line)| *line == format!("{} 20", n + 1)));
        let ids = list(&mut client, "UIDL\r\n").await;
        let unique: HashSet<_> = ids.iter().map(|line| line.split(' ').nth(1).unwrap()).collect();
        assert_eq!((sizes.len(), unique.len()), (MANY as usize, MANY as usize));
        for message in (1..=MANY).rev().filter(|n| n % 2 == 0).chain((1..=MANY).filter(|n| n % 2 == 1)) {
            client.send(&format!("DELE {message}\r\n")).await;
            assert!(client.last().await.starts_with("+OK"));
        }
        assert_eq!(client.ask("STAT\r\n").await, "+OK 0 0");
        server.deliver("INBOX").await;
        assert!(client.ask("QUIT\r\n").await.starts_with("+OK"));
        assert_eq!(count(&server).await, 1, "{policy}");
    }
}

#[tokio::test]
async fn more_sessions_than_an_account_may_have_are_told_that_it_is_in_use() {
    let server = Server::start(Memory::new()).await;
    let mut open = Vec::new();
    for _ in 0..net::ConnectionLimits::default().per_account {
        open.push(sign_in(&server).await);
    }
    let (mut client, _) = server.connect(Service::Pop3, Listener::Implicit, PIPE);
    client.greeting().await;
    client.ask(&format!("USER {ANNA}\r\n")).await;
    let refused = client.ask(&format!("PASS {PASSWORD}\r\n")).await;
    assert_eq!(refused, "-ERR [IN-USE] Too many connections of this account", "RFC 2449 §8.1.2");
    open.pop().unwrap().ask("QUIT\r\n").await;
    assert_eq!(open.last_mut().unwrap().ask("NOOP\r\n").await, "+OK");
}
