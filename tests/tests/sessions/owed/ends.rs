//! How connections end.

use super::imap::sign_in;
use crate::client::PATIENCE;
use crate::server::{Listener, Server, Service};
use std::time::Duration;
use store_kv::Memory;
use tokio::time::timeout;

#[tokio::test]
async fn every_session_ends_when_the_server_stops_and_says_so() {
    let server = Server::start(Memory::new()).await;
    let mut sessions = Vec::new();
    for service in Service::ALL {
        let (mut client, task) = server.connect(service, Listener::StartTls, 4096);
        client.greeting().await;
        sessions.push((service, client, task));
    }
    let mut idle = sign_in(&server).await;
    assert!(idle.ask("a IDLE\r\n").await.starts_with("+ "));
    let mut receiving = sign_in(&server).await;
    assert!(receiving.ask("b APPEND INBOX {100}\r\n").await.starts_with("+ "));
    receiving.send("half of it").await;
    server.shutdown.begin();
    for (service, mut client, task) in sessions {
        let heard = client.rest().await;
        match service {
            Service::Imap => assert_eq!(heard, ["* BYE The server stops, come back soon"]),
            Service::Pop3 => assert!(heard.is_empty(), "RFC 1939 has no word for it"),
            Service::Submission | Service::Mx | Service::Lmtp => {
                assert_eq!(heard, ["421 4.3.2 The server stops, come back soon"]);
            }
        }
        drop(client);
        timeout(PATIENCE, task).await.unwrap().unwrap();
    }
    for client in [&mut idle, &mut receiving] {
        assert_eq!(client.rest().await, ["* BYE The server stops, come back soon"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_before_its_sign_in_loses_its_place() {
    let server = Server::start(Memory::new()).await;
    for service in Service::ALL {
        for listener in [Listener::StartTls, Listener::Implicit] {
            let (client, task) = server.connect(service, listener, 4096);
            let ended = timeout(Duration::from_mins(6), task).await;
            assert!(ended.is_ok(), "{service:?} {listener:?}");
            drop(client);
        }
    }
    assert_eq!(server.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_drips_bytes_before_its_sign_in_loses_its_place_too() {
    let server = Server::start(Memory::new()).await;
    for service in Service::ALL {
        let (mut client, task) = server.connect(service, Listener::Implicit, 4096);
        let drip = async {
            loop {
                client.send("x").await;
                tokio::time::sleep(Duration::from_secs(20)).await;
            }
        };
        tokio::select! {
            () = drip => {}
            ended = timeout(Duration::from_mins(30), task) => assert!(ended.is_ok(), "{service:?}"),
        }
    }
    assert_eq!(server.open(), 0);
}

#[tokio::test]
async fn the_last_answer_is_heard_by_a_client_that_is_still_speaking() {
    let server = Server::start(Memory::new()).await;
    let (mut client, task) = server.connect(Service::Mx, Listener::Bare, 1024);
    client.greeting().await;
    // Far more than the pipe holds: the session has to hear it out, or the client could not say it all.
    client.send(&("GET / HTTP/1.1\r\n".to_owned() + &"x".repeat(1 << 20))).await;
    let heard = client.rest().await;
    assert_eq!(heard, ["421 4.7.0 This is a mail server"]);
    drop(client);
    timeout(PATIENCE, task).await.unwrap().unwrap();
}
