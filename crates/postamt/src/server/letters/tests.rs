use super::*;
use domain::{
    DeliveryOptions, Mail, MailOptions, NewAppPassword, OnCleartext, Origin, PasswordOptions, Proof, Queue,
    QueueOptions, SettingChange, Settings, SignIn,
};
use store_kv::{CommitFault, Engine, Faulty, Memory};
use types::{Clock, CredentialId, DomainName, MailboxName, ManualClock, Protocols, Secret};

pub(super) const ANNA: &str = "anna@example.test";
pub(super) const PASSWORD: &str = "tinte-hafen-grau-41";
/// 2026-11-24 12:44:52 UTC.
const NOW: Timestamp = Timestamp(1_795_524_292_000);

/// A directory with mail, without sockets, on an engine that fails when told to.
pub(super) struct World {
    pub(super) engine: Arc<Faulty<Memory>>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) writer: LetterWriter,
    pub(super) anna: AccountId,
}

impl World {
    async fn on(engine: Arc<Faulty<Memory>>, clock: Arc<ManualClock>, anna: AccountId) -> Self {
        let store: Arc<dyn Engine> = engine.clone();
        let mail = Mail::new(Arc::clone(&store), clock.clone(), MailOptions::default());
        let passwords = PasswordOptions::for_tests();
        let directory = Directory::new(Arc::clone(&store), clock.clone(), Arc::clone(&mail), passwords).unwrap();
        let traces = Traces::new(Arc::clone(&store), clock.clone());
        let queue = Queue::open(store, clock.clone(), Arc::clone(&traces), QueueOptions::default()).await.unwrap();
        let options = DeliveryOptions { hostname: "mail.example.test".into(), received_max: 100 };
        let delivery = Delivery::new(Arc::clone(&mail), Arc::clone(&directory), queue, Arc::clone(&traces), options);
        let hostname = DomainName::parse("mail.example.test").unwrap();
        let shared = Shared { mail, directory, clock: clock.clone(), hostname, tls: None };
        let options = Letters { language: Some(advise::Language::En), help: Some("https://help.example.test".into()) };
        let retention = MailOptions::default().retention;
        let writer = LetterWriter { shared, delivery, traces, options, retention, zone: TimeZone::UTC };
        Self { engine, clock, writer, anna }
    }

    pub(super) async fn new() -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        let mut world = Self::on(Faulty::new(Memory::new()), clock, AccountId(0)).await;
        let directory = world.writer.directory();
        directory.domain_add(&DomainName::parse("example.test").unwrap()).await.unwrap();
        let password = Secret::new(PASSWORD.to_owned());
        world.anna = directory.account_add(&anna(), &password, None).await.unwrap();
        world
    }

    /// The process dies, and another one finds what it left.
    async fn crashed(self) -> Self {
        let engine = Faulty::new(self.engine.inner().reopen());
        Self::on(engine, self.clock, self.anna).await
    }

    pub(super) fn directory(&self) -> &Arc<Directory> {
        self.writer.directory()
    }

    /// The letters in the INBOX, whole.
    pub(super) async fn letters(&self) -> Vec<String> {
        let account = self.writer.shared.mail.account(self.anna).await.unwrap();
        let inbox = account.mailboxes().await.unwrap().get(&MailboxName::inbox()).unwrap().id;
        let snapshot = account.open(inbox).await.unwrap().current();
        let emails: Vec<_> = snapshot.iter().map(|entry| entry.email).collect();
        let mut letters = Vec::new();
        for content in account.contents(&emails).await.unwrap() {
            let body = account.read_body(&content.unwrap(), 0..u64::MAX).await.unwrap();
            letters.push(String::from_utf8(body.to_vec()).unwrap());
        }
        letters
    }

    pub(super) async fn subjects(&self) -> Vec<String> {
        let subject = |letter: &String| {
            let mut lines = letter.lines();
            let line = lines.find_map(|line| line.strip_prefix("Subject: ")).unwrap_or_default();
            line.to_owned()
        };
        self.letters().await.iter().map(subject).collect()
    }

    /// A program sends a password before TLS.
    async fn send_in_clear(&self, password: &str) {
        let origin = origin(MailProtocol::Pop3);
        self.directory().exposed(ANNA, &Secret::new(password.to_owned()), &origin).await;
        self.directory().settled(None).await;
    }

    async fn sign_in(&self, password: &str, protocol: MailProtocol) -> SignIn {
        let password = Secret::new(password.to_owned());
        self.directory().sign_in(ANNA, Proof::Password(&password), &origin(protocol)).await.unwrap()
    }

    async fn set(&self, setting: &str) {
        let change = SettingChange::parse(setting).unwrap();
        self.directory().account_settings_change(&anna(), &[change]).await.unwrap();
    }
}

pub(super) fn anna() -> Address {
    Address::parse(ANNA).unwrap()
}

fn origin(protocol: MailProtocol) -> Origin<'static> {
    Origin {
        peer: Some("203.0.113.7".parse().unwrap()),
        protocol,
        program: Some("Old Mail 1.0"),
        mechanism: "USER",
        connection: 0,
    }
}

#[tokio::test]
async fn an_exposed_password_is_told_at_once_and_again_before_it_is_locked() {
    let world = World::new().await;
    assert!(world.writer.write_due().await.unwrap());
    assert!(world.letters().await.is_empty());
    world.send_in_clear("wrong").await;
    world.send_in_clear(PASSWORD).await;
    world.send_in_clear(PASSWORD).await;
    for _ in 0..2 {
        assert!(world.writer.write_due().await.unwrap());
        let told = ["Your password could be read on its way: please change it by 27 November"];
        assert_eq!(world.subjects().await, told, "once");
    }
    let letter = &world.letters().await[0];
    for part in [
        "Return-Path: <>\r\n",
        "From: Postamt <postmaster@example.test>\r\n",
        "Sent from: 203.0.113.7\r\n",
        "By way of: POP3\r\n",
        "App: Old Mail 1.0\r\n",
        "Help, step by step: https://help.example.test\r\n",
    ] {
        assert!(letter.contains(part), "{part}\n---\n{letter}");
    }
    world.clock.advance(Duration::from_hours(47));
    world.writer.write_due().await.unwrap();
    assert_eq!(world.letters().await.len(), 1);
    world.clock.advance(Duration::from_hours(1));
    world.writer.write_due().await.unwrap();
    assert_eq!(world.subjects().await[1..], ["Reminder: your password is only valid until 27 November"]);
    assert_eq!(world.directory().notices_due(Timestamp(i64::MAX), 9).await.unwrap().len(), 0);
}

#[tokio::test]
async fn nobody_is_reminded_of_a_password_that_was_changed() {
    let world = World::new().await;
    world.send_in_clear(PASSWORD).await;
    world.directory().password_set(&anna(), &Secret::new("moos-lampe".to_owned())).await.unwrap();
    world.clock.advance(Duration::from_hours(72));
    world.writer.write_due().await.unwrap();
    assert_eq!(world.letters().await.len(), 1, "that it happened is told");
}

#[tokio::test]
async fn a_crash_neither_loses_nor_doubles_a_letter() {
    for fault in [CommitFault::PoisonedBefore, CommitFault::PoisonedAfter] {
        // The letter's delivery, and its notice's end.
        for nth in 1..=2 {
            let world = World::new().await;
            world.send_in_clear(PASSWORD).await;
            world.engine.fail_commit(nth, fault);
            let is_all = world.writer.write_due().await;
            assert!(!matches!(is_all, Ok(true)), "{fault:?} {nth}");
            let world = world.crashed().await;
            for _ in 0..2 {
                assert!(world.writer.write_due().await.unwrap());
                assert_eq!(world.letters().await.len(), 1, "{fault:?} {nth}");
            }
        }
    }
}

#[tokio::test]
async fn what_cannot_be_written_now_does_not_keep_others_from_their_letters() {
    let world = World::new().await;
    let ben = Address::parse("ben@example.test").unwrap();
    world.directory().account_add(&ben, &Secret::new(PASSWORD.to_owned()), None).await.unwrap();
    world.send_in_clear(PASSWORD).await;
    world.clock.advance(Duration::from_secs(1));
    world.directory().exposed("ben@example.test", &Secret::new(PASSWORD.to_owned()), &origin(MailProtocol::Imap)).await;
    world.directory().settled(None).await;
    // Anna's delivery finds the disk full.
    world.engine.fail_commit(1, CommitFault::Full);
    assert!(!world.writer.write_due().await.unwrap());
    assert_eq!(
        (world.letters().await.len(), world.directory().notices_due(world.clock.now(), 9).await.unwrap().len()),
        (0, 1)
    );
    assert!(world.writer.write_due().await.unwrap());
    assert_eq!(world.letters().await.len(), 1);
}

#[tokio::test]
async fn an_app_password_is_named_and_locked_at_once() {
    let world = World::new().await;
    let new = NewAppPassword { name: "alter Rechner".to_owned(), scope: Protocols::ALL, expires: None };
    let made = world.directory().app_password_add(&anna(), new).await.unwrap();
    world.send_in_clear(made.password.expose()).await;
    world.set("language=de").await;
    world.writer.write_due().await.unwrap();
    assert_eq!(world.subjects().await, ["Ein App-Passwort war unterwegs lesbar und gilt nicht mehr"]);
    assert!(world.letters().await[0].contains("alter Rechner"), "by its name");
    let again = world.directory().sign_in(ANNA, Proof::Password(&made.password), &origin(MailProtocol::Imap)).await;
    assert!(matches!(again, Err(domain::SignInError::Expired)), "{again:?}");
    world.sign_in(PASSWORD, MailProtocol::Imap).await;
}

#[tokio::test]
async fn letters_are_in_every_language_where_nobody_says_which() {
    let mut world = World::new().await;
    world.writer.options.language = None;
    world.set("on-cleartext=warn").await;
    world.send_in_clear(PASSWORD).await;
    world.writer.write_due().await.unwrap();
    let letter = &world.letters().await[0];
    assert!(letter.contains("Guten Tag,") && letter.contains("Hello,"), "{letter}");
    assert_eq!(
        world.directory().settings(world.anna).await.unwrap(),
        Settings { on_cleartext: OnCleartext::Warn, ..Settings::default() }
    );
}

#[tokio::test]
async fn who_reads_by_both_protocols_is_told_what_pop3_took() {
    let world = World::new().await;
    let account = world.writer.shared.mail.account(world.anna).await.unwrap();
    let inbox = account.mailboxes().await.unwrap().get(&MailboxName::inbox()).unwrap().id;
    for number in 0..3 {
        let mut staging = account.stage(None).await.unwrap();
        staging.write(format!("Subject: {number}\r\n\r\nx\r\n").as_bytes()).await.unwrap();
        let message = domain::NewMessage::new(staging.finish().await.unwrap());
        account.append(inbox, vec![message]).await.unwrap();
    }
    let all = types::UidSet::from_ranges([1..=2]);
    account.expunge(inbox, domain::Expunge::These(all), Cause::Pop3).await.unwrap();
    for protocol in [MailProtocol::Imap, MailProtocol::Pop3] {
        let signed_in = world.sign_in(PASSWORD, protocol).await;
        assert_eq!(signed_in.credential.id, CredentialId::MAIN);
        drop(world.directory().begin_use(&signed_in, &origin(protocol), Some("TLS 1.3")));
    }
    for _ in 0..2 {
        world.directory().write_uses().await.unwrap();
        assert!(world.writer.write_due().await.unwrap());
        assert_eq!(world.subjects().await[1..], ["Your mail is read by POP3 and by IMAP"]);
    }
    let letter = world.letters().await[1].replace("=\r\n", "").replace(" \r\n", " ");
    assert!(letter.contains("is kept for 30 days; at the moment: 2 messages."), "{letter}");
    assert!(letter.contains("Last by POP3: 24 November 2026, 12:44 (UTC), 203.0.113.7, Old Mail 1.0\r\n"), "{letter}");
}

#[tokio::test]
async fn a_removed_account_gets_no_letters() {
    let world = World::new().await;
    world.send_in_clear(PASSWORD).await;
    world.directory().account_remove(&anna()).await.unwrap();
    assert!(world.writer.write_due().await.unwrap());
    assert!(world.directory().notices_due(Timestamp(i64::MAX), 9).await.unwrap().len() <= 1);
}
