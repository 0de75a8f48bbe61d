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

/// Longest header that goes as a surrogate.
const HEADER_MAX: usize = 256 << 10;

/// A header of so many octets, its empty line included, with this subject.
fn header(subject: &str, length: usize) -> String {
    let mut header = format!("Subject: {subject}\r\n");
    while header.len() + 2 < length {
        let room = length - header.len() - 2;
        // No line of the filling is too short to be a field.
        let line = if room > 2000 { 1000 } else { room };
        header.push_str("X: ");
        header.push_str(&"y".repeat(line - 5));
        header.push_str("\r\n");
    }
    header + "\r\n"
}

async fn message(client: &mut Client, number: usize) -> String {
    list(client, &format!("RETR {number}\r\n")).await.join("\r\n") + "\r\n"
}

#[tokio::test]
async fn a_header_in_utf8_has_a_surrogate_up_to_its_limit() {
    let server = Server::start(Memory::new()).await;
    let fits = header("Gr\u{fc}\u{df}e", HEADER_MAX) + "x\r\n";
    let too_long = header("Gr\u{fc}\u{df}e", HEADER_MAX + 1) + "x\r\n";
    let ascii = header("hello", HEADER_MAX + 1) + "x\r\n";
    assert_eq!(fits.len(), HEADER_MAX + 3);
    for text in [&fits, &too_long, &ascii] {
        server.put_into_inbox(text.as_bytes(), 1).await;
    }
    let mut client = sign_in(&server).await;
    let surrogate = message(&mut client, 1).await;
    let rest = fits.split_once("\r\n").unwrap().1;
    assert!(surrogate == format!("Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n{rest}"), "{}", &surrogate[..100]);
    for command in ["RETR 2\r\n", "TOP 2 0\r\n"] {
        assert_eq!(client.ask(command).await, "-ERR [UTF8] This message can be had in UTF-8 only", "RFC 6856 §5");
    }
    assert!(message(&mut client, 3).await == ascii);
    let (mut client, _) = server.connect(Service::Pop3, Listener::Implicit, PIPE);
    client.greeting().await;
    client.ask("UTF8\r\n").await;
    client.ask(&format!("USER {ANNA}\r\n")).await;
    client.ask(&format!("PASS {PASSWORD}\r\n")).await;
    for (number, text) in [(1, &fits), (2, &too_long), (3, &ascii)] {
        assert!(message(&mut client, number).await == *text, "{number}");
    }
}

#[tokio::test]
async fn headers_of_parts_have_surrogates_wherever_they_lie_in_what_is_read_at_once() {
    let head = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=cut\r\n\r\n";
    let name = |name: &str| format!("Content-Disposition: attachment; filename=\"{name}\"\r\n\r\n");
    // What is read at once ends before, within and behind the second part's header.
    for pad in (HEADER_MAX - 200..HEADER_MAX + 10).step_by(7) {
        let server = Server::start(Memory::new()).await;
        let first = format!("--cut\r\n\r\nGr\u{fc}\u{df}e{}\r\n", "z".repeat(pad - head.len()));
        let end = "data\r\n--cut--\r\n";
        let text = format!("{head}{first}--cut\r\n{}{end}", name("\u{fc}.txt"));
        server.put_into_inbox(text.as_bytes(), 1).await;
        let got = message(&mut sign_in(&server).await, 1).await;
        let shown = "Content-Disposition: attachment;\r\n filename*=utf-8''%C3%BC.txt\r\n\r\n";
        assert!(got == format!("{head}{first}--cut\r\n{shown}{end}"), "pad {pad}");
    }
}
