//! Every way to sign in, in every spelling, in every state, with the right password: where it signs in, where it is
//! refused, and where it is burnt because it crossed in clear.

use super::exchange::{self, Outcome};
use super::ways::{self, Kind, Way};
use super::{PIPE, State, connect, document, hello, is_accepted, is_signed_in, starttls};
use crate::server::{Listener, PASSWORD, Server, Service};
use store_kv::Memory;

/// Where a way is gone: a column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// In clear; STARTTLS is to be had.
    Clear,
    /// In clear; there is no TLS.
    ClearWithoutTls,
    /// In clear, and STARTTLS behind it in the same packet.
    BeforeStartTls,
    /// Behind STARTTLS in the same packet, so in clear.
    BehindStartTls,
    /// After STARTTLS.
    Started,
    /// Inside TLS from the start.
    Implicit,
}

impl Place {
    pub(super) const ALL: [Self; 6] =
        [Self::Clear, Self::ClearWithoutTls, Self::BeforeStartTls, Self::BehindStartTls, Self::Started, Self::Implicit];

    fn is_tls(self) -> bool {
        matches!(self, Self::Started | Self::Implicit)
    }
}

/// What came of it: a cell of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    SignsIn,
    /// Refused; the password itself did not cross, or TLS hid it.
    Refused,
    /// Refused, and the password is burnt.
    Burnt,
    /// Never read.
    ThrownAway,
}

/// What has to come of a right password.
fn expected(service: Service, place: Place, way: &Way) -> Cell {
    let offered = !matches!(service, Service::Mx | Service::Lmtp) && way.kind != Kind::Unknown;
    let has_way = offered && !way.begin.is_in_vain();
    match place {
        Place::BehindStartTls => Cell::ThrownAway,
        _ if place.is_tls() && has_way => Cell::SignsIn,
        _ if place.is_tls() => Cell::Refused,
        _ if way.sends_password_unasked() => Cell::Burnt,
        _ => Cell::Refused,
    }
}

/// Whether a refusal says that TLS comes first.
fn says_privacy_required(service: Service, answer: &str) -> bool {
    match service {
        Service::Imap => answer.contains(" NO [PRIVACYREQUIRED] "),
        Service::Pop3 => answer.starts_with("-ERR [SYS/PERM] "),
        Service::Submission | Service::Mx | Service::Lmtp => answer.starts_with("538 5.7.11 "),
    }
}

/// Whether a refusal says that name or password are wrong.
fn says_denied(service: Service, answer: &str) -> bool {
    match service {
        Service::Imap => answer.contains(" NO [AUTHENTICATIONFAILED] "),
        Service::Pop3 => answer.starts_with("-ERR [AUTH] "),
        Service::Submission | Service::Mx | Service::Lmtp => answer.starts_with("535 5.7.8 "),
    }
}

const WRONG: &str = "moos-lampe-fjord-18";

/// Goes a way on a connection of its own, and looks whether somebody is signed in by it.
async fn go(server: &Server, service: Service, place: Place, way: &Way, password: &str) -> (Option<Outcome>, bool) {
    let state = match place {
        Place::Clear => State::Clear,
        Place::ClearWithoutTls => State::ClearWithoutTls,
        Place::Started => State::Started,
        Place::Implicit => State::Implicit,
        Place::BeforeStartTls | Place::BehindStartTls => {
            return (None, go_beside_starttls(server, service, place, way, password).await);
        }
    };
    let mut client = connect(server, service, state).await;
    let outcome = exchange::play(&mut client, service, way, password).await;
    (Some(outcome), is_signed_in(&mut client, service).await)
}

async fn go_beside_starttls(server: &Server, service: Service, place: Place, way: &Way, password: &str) -> bool {
    let (mut client, _) = server.connect(service, Listener::StartTls, PIPE);
    client.greeting().await;
    hello(&mut client, service).await;
    let opening = exchange::opening(service, way, password);
    let packet = match place {
        Place::BeforeStartTls => opening + starttls(service),
        _ => starttls(service).to_owned() + &opening,
    };
    client.send(&packet).await;
    loop {
        let Some(line) = client.line().await else { return false };
        assert!(!line.starts_with("235") && !line.starts_with("l OK"), "{service:?} {place:?} {way:?}: {line}");
        if line.starts_with("220 ") || line.starts_with("+OK Begin TLS") || line.starts_with("s OK") {
            break;
        }
    }
    hello(&mut client, service).await;
    is_signed_in(&mut client, service).await
}

async fn check(server: &Server, service: Service, place: Place, way: &Way, password: &str) -> Cell {
    let cell = format!("{service:?} {place:?} {way:?}");
    let wanted = expected(service, place, way);
    let burnt_before = server.burnt().await;
    if !place.is_tls() {
        // A wrong one first: the answers must be the same, and nothing burns.
        let (wrong, signed_in) = go(server, service, place, way, WRONG).await;
        assert!(!signed_in, "{cell}");
        assert_eq!(server.burnt().await, burnt_before, "{cell}: a wrong password burnt one");
        let (right, _) = go(server, service, place, way, password).await;
        assert_eq!(wrong.as_ref().map(|o| &o.answer), right.as_ref().map(|o| &o.answer), "{cell}: an oracle");
        if let Some(Outcome { answer, invited }) = right {
            assert!(!invited, "{cell}: the server asked for a secret in clear");
            assert!(!is_accepted(service, &answer), "{cell}: {answer}");
            if !matches!(service, Service::Mx | Service::Lmtp) && way.kind != Kind::Unknown {
                assert!(says_privacy_required(service, &answer), "{cell}: {answer}");
            }
        }
        let burnt = server.burnt().await - burnt_before;
        assert_eq!(burnt, u64::from(wanted == Cell::Burnt), "{cell}: burnt");
        return wanted;
    }
    let (outcome, signed_in) = go(server, service, place, way, password).await;
    let answer = outcome.unwrap().answer;
    assert_eq!(is_accepted(service, &answer), wanted == Cell::SignsIn, "{cell}: {answer}");
    assert_eq!(signed_in, wanted == Cell::SignsIn, "{cell}: afterwards");
    if wanted == Cell::SignsIn {
        let (outcome, signed_in) = go(server, service, place, way, WRONG).await;
        let answer = outcome.unwrap().answer;
        assert!(says_denied(service, &answer), "{cell}: wrong password: {answer}");
        assert!(!signed_in, "{cell}: after a wrong password");
    }
    assert_eq!(server.burnt().await, burnt_before, "{cell}: a password burnt inside TLS");
    wanted
}

#[tokio::test]
async fn a_password_signs_in_inside_tls_and_nowhere_else_and_is_burnt_where_it_crossed_in_clear() {
    let server = Server::start(Memory::new()).await;
    let mut password = PASSWORD.to_owned();
    let (mut cells, mut table) = (0_u32, document::Table::new());
    for service in Service::ALL {
        for way in ways::all(service) {
            for place in Place::ALL {
                let cell = check(&server, service, place, &way, &password).await;
                if cell == Cell::Burnt {
                    // The next one has to be a new one, to be seen to burn.
                    password = format!("moos-lampe-fjord-{}", 100 + cells);
                    server.change_password(&password).await;
                }
                document::enter(&mut table, service, &way, place, cell);
                cells += 1;
            }
        }
    }
    assert!(cells > 1500, "the matrix has {cells} cells only");
    document::check(&table);
}
