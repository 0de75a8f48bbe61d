//! What may carry a password where (G6): every protocol in every TLS state, every way to sign in in every spelling, and
//! every place in a pipeline around STARTTLS where one could be slipped in.
//!
//! `ways.rs` makes the ways, `exchange.rs` plays one, `announced.rs` reads what a server announces. `matrix.rs` plays
//! every way everywhere, and `document.rs` makes the table in docs/passwords.md of what came of it.

mod announced;
mod document;
mod exchange;
mod injection;
mod matrix;
mod scram;
mod split;
mod ways;

use crate::client::Client;
use crate::server::{Listener, PASSWORD, Server, Service};
use announced::Announced;
use exchange::Outcome;
use store_kv::Memory;
use ways::Kind;

/// Room in each direction of a pipe.
pub(super) const PIPE: usize = 64 << 10;

/// Where a connection is with TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In clear; STARTTLS is to be had.
    Clear,
    /// In clear; there is no TLS.
    ClearWithoutTls,
    /// After STARTTLS.
    Started,
    /// Inside TLS from the start.
    Implicit,
}

impl State {
    const ALL: [Self; 4] = [Self::Clear, Self::ClearWithoutTls, Self::Started, Self::Implicit];
}

/// A connection in a state, greeted, behind EHLO where there is one.
async fn connect(server: &Server, service: Service, state: State) -> Client {
    let listener = match state {
        State::Clear | State::Started => Listener::StartTls,
        State::ClearWithoutTls => Listener::Bare,
        State::Implicit => Listener::Implicit,
    };
    let (mut client, _) = server.connect(service, listener, PIPE);
    client.greeting().await;
    hello(&mut client, service).await;
    if state == State::Started {
        let answer = client.ask(starttls(service)).await;
        assert!(is_accepted(service, &answer) || answer.starts_with("220 "), "{service:?}: {answer}");
        hello(&mut client, service).await;
    }
    client
}

/// EHLO or LHLO, where the protocol has it.
async fn hello(client: &mut Client, service: Service) {
    if let Some(hello) = hello_of(service) {
        let answer = client.ask(hello).await;
        assert!(answer.starts_with("250 "), "{answer}");
    }
}

fn hello_of(service: Service) -> Option<&'static str> {
    match service {
        Service::Imap | Service::Pop3 => None,
        Service::Submission | Service::Mx => Some("EHLO client.example\r\n"),
        Service::Lmtp => Some("LHLO client.example\r\n"),
    }
}

fn starttls(service: Service) -> &'static str {
    match service {
        Service::Imap => "s STARTTLS\r\n",
        Service::Pop3 => "STLS\r\n",
        Service::Submission | Service::Mx | Service::Lmtp => "STARTTLS\r\n",
    }
}

/// Whether an answer says that somebody is signed in now.
fn is_accepted(service: Service, answer: &str) -> bool {
    match service {
        Service::Imap => answer.split(' ').nth(1) == Some("OK"),
        Service::Pop3 => answer.starts_with("+OK"),
        Service::Submission | Service::Mx | Service::Lmtp => answer.starts_with("235"),
    }
}

/// Whether somebody is signed in, by what only then can be done.
async fn is_signed_in(client: &mut Client, service: Service) -> bool {
    let answer = match service {
        Service::Imap => client.ask("z SELECT INBOX\r\n").await,
        Service::Pop3 => client.ask("STAT\r\n").await,
        Service::Submission | Service::Mx | Service::Lmtp => {
            // Only who signed in is told that it is too late to do it again.
            let answer = client.ask("AUTH PLAIN AGFubmEAcGFzc3dvcmQ=\r\n").await;
            return answer == "503 5.5.1 It is too late for AUTH";
        }
    };
    is_accepted(service, &answer)
}

#[tokio::test]
async fn what_is_announced_is_what_signs_in() {
    let server = Server::start(Memory::new()).await;
    for service in Service::ALL {
        for state in State::ALL {
            let announced = Announced::by(&mut connect(&server, service, state).await, service).await;
            assert_eq!(announced.starttls, state == State::Clear, "{service:?} {state:?}");
            let mut works = Vec::new();
            let mut password_command = false;
            for way in ways::plainly_spelt(service) {
                let mut client = connect(&server, service, state).await;
                let Outcome { answer, .. } = exchange::play(&mut client, service, &way, PASSWORD).await;
                match (is_accepted(service, &answer), way.kind) {
                    (true, Kind::PasswordCommand) => password_command = true,
                    (true, Kind::Sasl | Kind::Unknown) => works.push(way.mechanism.to_owned()),
                    (false, _) => {}
                }
            }
            assert_eq!(announced.mechanisms, works, "{service:?} {state:?}");
            assert_eq!(announced.password_command, password_command, "{service:?} {state:?}");
        }
    }
}
