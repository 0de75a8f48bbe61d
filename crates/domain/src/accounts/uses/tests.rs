use super::*;
use crate::Proof;
use crate::accounts::tests::{Place, address, place, secret};
use crate::{FIRST_ACCOUNT, SettingChange};
use types::{Clock, Protocols};

const ANN: AccountId = FIRST_ACCOUNT;

fn origin(protocol: MailProtocol) -> Origin<'static> {
    Origin {
        peer: Some("203.0.113.7".parse().unwrap()),
        protocol,
        program: Some("Tinte 1.0"),
        mechanism: "PLAIN",
        connection: 0,
    }
}

impl Place {
    async fn use_of(&self, protocol: MailProtocol) -> InUse {
        let origin = origin(protocol);
        let password = secret("tinte");
        let signed_in = self.directory.sign_in("ann", Proof::Password(&password), &origin).await.unwrap();
        self.directory.begin_use(&signed_in, &origin, Some("TLS 1.3"))
    }

    /// A sign-in and the end of its session.
    async fn visit(&self, protocol: MailProtocol) {
        drop(self.use_of(protocol).await);
    }

    async fn notices(&self) -> usize {
        let due = self.directory.notices_due(Timestamp(i64::MAX), 100).await.unwrap();
        due.iter().filter(|(_, _, notice)| *notice == Notice::BothProtocols).count()
    }

    async fn set(&self, setting: &str) {
        let change = SettingChange::parse(setting).unwrap();
        self.directory.account_settings_change(&address("ann@example.org"), &[change]).await.unwrap();
    }
}

#[tokio::test]
async fn the_last_use_is_known_at_once_and_after_a_restart() {
    let mut place = place().await;
    let mut imap = place.use_of(MailProtocol::Imap).await;
    place.visit(MailProtocol::Smtp).await;
    place.clock.advance(Duration::from_mins(1));
    imap.set_program(&"ä".repeat(PROGRAM_MAX));
    let uses = place.directory.uses(ANN).await.unwrap();
    let short: Vec<_> = uses.iter().map(|u| (u.protocol, u.sessions, u.last.at.0 - place.clock.now().0)).collect();
    assert_eq!(short, [(MailProtocol::Imap, 1, -60_000), (MailProtocol::Smtp, 0, -60_000)]);
    assert_eq!(uses[0].last.program.as_deref().map(str::len), Some(PROGRAM_MAX));
    drop(imap);
    place.directory.write_uses().await.unwrap();
    let before = place.directory.uses(ANN).await.unwrap();
    assert_eq!((before[0].sessions, before[0].last.at), (0, place.clock.now()));
    let last = &before[1].last;
    assert_eq!(last.peer, Some("203.0.113.7".parse().unwrap()));
    assert_eq!((last.tls.as_deref(), &*last.mechanism), (Some("TLS 1.3"), "PLAIN"));
    assert_eq!(last.program.as_deref(), Some("Tinte 1.0"));
    place = place.reopened();
    assert_eq!(place.directory.uses(ANN).await.unwrap(), before);
    assert!(place.directory.uses(AccountId(ANN.0 + 1)).await.unwrap().is_empty());
}

#[test]
fn a_use_reads_back_from_its_row() {
    for peer in [None, Some("192.0.2.1"), Some("2001:db8::1")] {
        let peer = peer.map(|peer| peer.parse().unwrap());
        let last = LastUse { at: Timestamp(-5), peer, program: None, tls: None, mechanism: "USER".into() };
        let last = LastUse { program: peer.map(|_| "x".into()), tls: peer.map(|_| "TLS 1.2".into()), ..last };
        assert_eq!(LastUse::decode(&last.encode()), Some(last));
    }
    assert_eq!(LastUse::decode(&[]), None);
}

#[tokio::test]
async fn who_reads_by_both_protocols_is_told_once_ever() {
    let mut place = place().await;
    place.visit(MailProtocol::Imap).await;
    place.visit(MailProtocol::Smtp).await;
    place.directory.write_uses().await.unwrap();
    place.clock.advance(SIDE_BY_SIDE + Duration::from_secs(1));
    place.visit(MailProtocol::Pop3).await;
    place.directory.write_uses().await.unwrap();
    assert_eq!(place.notices().await, 0, "more than a week lies between");
    place.clock.advance(SIDE_BY_SIDE);
    place.visit(MailProtocol::Imap).await;
    place.directory.write_uses().await.unwrap();
    assert_eq!(place.notices().await, 1, "just a week");
    assert_eq!(place.directory.both_protocols(9).await.unwrap(), [address("ann@example.org")]);
    for (id, _, _) in place.directory.notices_due(place.clock.now(), 9).await.unwrap() {
        place.directory.notice_done(id).await.unwrap();
    }
    place.clock.advance(SIDE_BY_SIDE + Duration::from_secs(1));
    assert!(place.directory.both_protocols(9).await.unwrap().is_empty(), "no more");
    place = place.reopened();
    place.clock.advance(4 * SIDE_BY_SIDE);
    for protocol in [MailProtocol::Pop3, MailProtocol::Imap] {
        place.visit(protocol).await;
    }
    place.directory.write_uses().await.unwrap();
    assert_eq!(place.notices().await, 0);
}

#[tokio::test]
async fn a_login_delay_is_none_of_those_who_were_told() {
    let place = place().await;
    place.set("pop3.login-delay=30s").await;
    assert!(place.directory.both_protocols(10).await.unwrap().is_empty());
    place.visit(MailProtocol::Imap).await;
    place.visit(MailProtocol::Pop3).await;
    place.directory.write_uses().await.unwrap();
    assert_eq!(place.directory.both_protocols(10).await.unwrap(), [address("ann@example.org")]);
}

#[tokio::test]
async fn nobody_is_told_where_it_is_switched_off_or_nothing_is_taken_away() {
    let place = place().await;
    for setting in ["notices=off", "pop3.on-delete=keep", "pop3.on-delete=off"] {
        place.set(setting).await;
        for protocol in [MailProtocol::Imap, MailProtocol::Pop3] {
            // An operator may switch POP3 off while somebody is signed in.
            place.visit(protocol).await;
        }
        place.directory.write_uses().await.unwrap();
        assert_eq!(place.notices().await, 0, "{setting}");
        place.set("notices=").await;
    }
    place.set("pop3.on-delete=trash").await;
    place.visit(MailProtocol::Pop3).await;
    place.directory.write_uses().await.unwrap();
    assert_eq!(place.notices().await, 1, "from now on");
}

#[tokio::test]
async fn a_removed_password_and_a_removed_account_leave_no_use_behind() {
    let place = place().await;
    let ann = address("ann@example.org");
    let new = crate::NewAppPassword { name: "phone".to_owned(), scope: Protocols::ALL, expires: None };
    let made = place.directory.app_password_add(&ann, new).await.unwrap();
    let origin = origin(MailProtocol::Imap);
    let signed_in = place.directory.sign_in("ann", Proof::Password(&made.password), &origin).await.unwrap();
    drop(place.directory.begin_use(&signed_in, &origin, None));
    place.visit(MailProtocol::Imap).await;
    place.directory.write_uses().await.unwrap();
    assert_eq!(place.directory.uses(ANN).await.unwrap().len(), 2);
    place.directory.app_password_remove(&ann, made.credential).await.unwrap();
    place.visit(MailProtocol::Imap).await;
    place.directory.write_uses().await.unwrap();
    assert_eq!(place.directory.uses(ANN).await.unwrap().len(), 1);
    let session = place.use_of(MailProtocol::Imap).await;
    place.directory.account_remove(&ann).await.unwrap();
    drop(session);
    place.directory.write_uses().await.unwrap();
    assert_eq!(place.directory.uses(ANN).await.unwrap(), []);
}

#[test]
fn so_many_uses_wait_and_no_more() {
    let mut state = State::default();
    let last = |at| LastUse { at: Timestamp(at), peer: None, program: None, tls: None, mechanism: "x".into() };
    let key = |number| Key { account: AccountId(number), protocol: MailProtocol::Imap, credential: CredentialId::MAIN };
    let max = u32::try_from(USES_WAITING_MAX).unwrap();
    (0..=max).for_each(|number| state.remember(key(number), &last(5)));
    assert_eq!(state.waiting.len(), USES_WAITING_MAX);
    assert!(!state.waiting.contains_key(&key(max)));
    state.remember(key(0), &last(6));
    state.remember(key(0), &last(4));
    assert_eq!(state.waiting[&key(0)].at, Timestamp(6), "the latest stays");
}
