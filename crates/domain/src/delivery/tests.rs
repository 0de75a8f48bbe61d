use super::*;
use crate::{After, MailOptions, PasswordOptions, QueueOptions};
use store_kv::{Engine, Memory};
use types::{Clock, DomainName, ManualClock, Secret, Timestamp};

struct Place {
    engine: Arc<Memory>,
    clock: Arc<ManualClock>,
    mail: Arc<Mail>,
    directory: Arc<Directory>,
    queue: Arc<Queue>,
    delivery: Arc<Delivery>,
}

async fn open(memory: Arc<Memory>) -> Place {
    let clock = Arc::new(ManualClock::at(Timestamp::from_unix_seconds(1_700_000_000)));
    let engine: Arc<dyn Engine> = memory.clone();
    let mail = Mail::new(engine.clone(), clock.clone(), MailOptions::default());
    let traces = Traces::new(engine.clone(), clock.clone());
    let queue = Queue::open(engine.clone(), clock.clone(), traces.clone(), QueueOptions::default()).await.unwrap();
    let directory = Directory::new(engine, clock.clone(), mail.clone(), PasswordOptions::for_tests()).unwrap();
    let options = DeliveryOptions { hostname: "mail.example.org".into(), received_max: 3 };
    let delivery = Delivery::new(mail.clone(), directory.clone(), queue.clone(), traces, options);
    Place { engine: memory, clock, mail, directory, queue, delivery }
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// Ann and Bob in example.org, and both as `all`.
async fn place() -> Place {
    let place = open(Memory::new()).await;
    place.directory.domain_add(&DomainName::parse("example.org").unwrap()).await.unwrap();
    let people = ["ann@example.org", "bob@example.org"].map(address);
    for person in &people {
        place.directory.account_add(person, &Secret::new("tinte".into()), Some(Octets(2000))).await.unwrap();
    }
    place.directory.alias_add(&address("all@example.org"), &people, false).await.unwrap();
    place
}

const MESSAGE: &str = "From: x@example.com\r\nSubject: hello\r\n\r\nhello\r\n";

impl Place {
    fn arrival(&self) -> Arrival {
        Arrival {
            trace: self.mail.new_trace(),
            at: self.clock.now(),
            reverse_path: Some(address("x@example.com")),
            only_recipient: None,
            protocol: Protocol::Esmtp,
            utf8: false,
            helo: "mx.example.com".into(),
            peer: Some("192.0.2.1".parse().unwrap()),
            peer_name: None,
            tls: None,
            authenticated: false,
        }
    }

    async fn take(&self, message: &str) -> Result<Incoming, Refusal> {
        let mut staging = self.delivery.stage(&self.arrival(), None).await?;
        for piece in message.as_bytes().chunks(7) {
            staging.write(piece).await?;
        }
        staging.finish().await
    }

    async fn target(&self, to: &str) -> Vec<Recipient> {
        match self.delivery.check(&address(to), None).await.unwrap() {
            Target::Local(recipients) => recipients,
            Target::Foreign => panic!("{to} is ours"),
        }
    }

    async fn envelope(&self, to: &[&str]) -> Envelope {
        let mut envelope = Envelope { reverse_path: Some(address("x@example.com")), ..Envelope::default() };
        for to in to {
            envelope.recipients.extend(self.target(to).await.into_iter().map(EnvelopeRecipient::from));
        }
        envelope
    }

    /// The messages in somebody's INBOX, whole.
    async fn inbox(&self, person: &str) -> Vec<String> {
        let id = self.directory.account_find(&address(person)).await.unwrap();
        let account = self.mail.account(id).await.unwrap();
        let inbox = account.mailboxes().await.unwrap().get(&MailboxName::inbox()).unwrap().id;
        let snapshot = account.open(inbox).await.unwrap().current();
        let emails: Vec<_> = snapshot.iter().map(|entry| entry.email).collect();
        let mut messages = Vec::new();
        for content in account.contents(&emails).await.unwrap() {
            let body = account.read_body(&content.unwrap(), 0..u64::MAX).await.unwrap();
            messages.push(String::from_utf8(body.to_vec()).unwrap());
        }
        messages
    }
}

#[tokio::test]
async fn mail_for_one_is_in_the_mailbox_when_it_is_accepted() {
    let place = place().await;
    let mail = place.take(MESSAGE).await.unwrap();
    let envelope = place.envelope(&["Ann+shop@example.org"]).await;
    for _ in 0..2 {
        assert_eq!(place.delivery.accept(envelope.clone(), &mail).await.unwrap(), Accepted::Delivered);
    }
    let expected = format!(
        "Return-Path: <x@example.com>\r\nReceived: from mx.example.com ([192.0.2.1])\r\n\
        \tby mail.example.org with ESMTP id {};\r\n\tTue, 14 Nov 2023 22:13:20 +0000\r\n{MESSAGE}",
        mail.trace()
    );
    assert_eq!(place.inbox("ann@example.org").await, [expected], "once, however often it is accepted");
    assert_eq!(place.queue.count(), 0);
}

#[tokio::test]
async fn mail_for_several_is_delivered_once_even_if_the_runner_dies_on_the_way() {
    let mut place = place().await;
    let mail = place.take(MESSAGE).await.unwrap();
    let envelope = place.envelope(&["all@example.org", "ann+x@example.org"]).await;
    assert_eq!(envelope.recipients.len(), 3);
    assert_eq!(place.delivery.accept(envelope, &mail).await.unwrap(), Accepted::Queued);
    drop(mail);
    place = open(place.engine.reopen()).await;
    let lease = place.queue.lease().await.unwrap().unwrap();
    let results = place.delivery.deliver_leased(&lease).await.unwrap();
    assert_eq!(results.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [0, 1, 2]);
    // It dies before it has settled: another one does it all again.
    place = open(place.engine.reopen()).await;
    let lease = place.queue.lease().await.unwrap().unwrap();
    let results = place.delivery.deliver_leased(&lease).await.unwrap();
    assert!(results.iter().all(|(_, outcome)| matches!(outcome, Outcome::Delivered { host: None, .. })), "{results:?}");
    assert!(matches!(place.queue.settle(lease, &results).await.unwrap(), After::Done));
    assert_eq!(place.queue.count(), 0);
    assert_eq!(place.inbox("ann@example.org").await.len(), 2, "to two addresses of hers");
    assert_eq!(place.inbox("bob@example.org").await.len(), 1);
    place = open(place.engine.reopen()).await;
    assert!(place.inbox("bob@example.org").await[0].ends_with(MESSAGE), "the body outlives its item");
}

#[tokio::test]
async fn lmtp_answers_for_each_recipient() {
    let place = place().await;
    let mail = place.take(MESSAGE).await.unwrap();
    let mut recipients = Vec::new();
    for to in ["ann@example.org", "all@example.org", "bob@example.org"] {
        recipients.push(place.target(to).await);
    }
    place.directory.account_remove(&address("bob@example.org")).await.unwrap();
    let answers = place.delivery.accept_each(&Envelope::default(), &recipients, &mail).await;
    assert!(
        matches!(answers.as_slice(), [Ok(Accepted::Delivered), Ok(Accepted::Queued), Err(Refusal::Fault(_))]),
        "{answers:?}"
    );
    assert_eq!(place.inbox("ann@example.org").await.len(), 1);
    let lease = place.queue.lease().await.unwrap().unwrap();
    let results = place.delivery.deliver_leased(&lease).await.unwrap();
    let gone = |outcome: &Outcome| matches!(outcome, Outcome::Failed(trouble) if &*trouble.status == "5.1.1");
    assert!(gone(&results[1].1) && !gone(&results[0].1), "{results:?}");
    assert_eq!(place.inbox("ann@example.org").await.len(), 2);
}

#[tokio::test]
async fn mail_for_elsewhere_waits_in_the_queue_without_its_return_path() {
    let place = place().await;
    assert_eq!(place.delivery.check(&address("y@example.net"), None).await.unwrap(), Target::Foreign);
    let mail = place.take(MESSAGE).await.unwrap();
    let recipients = vec![EnvelopeRecipient::foreign(address("y@example.net"))];
    let envelope = Envelope { recipients, reverse_path: Some(address("ann@example.org")), ..Envelope::default() };
    assert_eq!(place.delivery.accept(envelope, &mail).await.unwrap(), Accepted::Queued);
    let lease = place.queue.lease().await.unwrap().unwrap();
    assert!(place.delivery.deliver_leased(&lease).await.unwrap().is_empty(), "none is here");
    let content = place.queue.content(mail.trace()).await.unwrap();
    let outgoing = place.queue.read_body(&content, content.return_path..u64::MAX).await.unwrap();
    assert!(outgoing.starts_with(b"Received: ") && outgoing.ends_with(MESSAGE.as_bytes()));
}

#[tokio::test]
async fn unknown_users_and_full_mailboxes_are_refused_at_rcpt() {
    let place = place().await;
    let check = async |to: &str, size| place.delivery.check(&address(to), size).await;
    assert!(matches!(check("nobody@example.org", None).await, Err(Refusal::NoSuchUser)));
    assert!(matches!(check("ann@example.org", Some(Octets(2001))).await, Err(Refusal::MailboxFull)));
    assert!(check("ann@example.org", Some(Octets(2000))).await.is_ok());
    // What was accepted is delivered, even past the quota.
    let envelope = place.envelope(&["ann@example.org"]).await;
    let large = format!("{MESSAGE}{}", "x".repeat(3000));
    let mail = place.take(&large).await.unwrap();
    assert_eq!(place.delivery.accept(envelope, &mail).await.unwrap(), Accepted::Delivered);
    assert!(matches!(check("ann@example.org", None).await, Err(Refusal::MailboxFull)));
    assert!(check("all@example.org", None).await.is_ok(), "one of them has room");
}

#[tokio::test]
async fn what_goes_in_circles_or_is_too_large_is_refused() {
    let place = place().await;
    let hops = |count: usize| format!("{}{MESSAGE}", "Received: from a by b; now\r\n".repeat(count));
    assert!(place.take(&hops(3)).await.is_ok());
    assert!(matches!(place.take(&hops(4)).await, Err(Refusal::Loop)));
    let max = place.delivery.message_max();
    let arrival = place.arrival();
    assert!(place.delivery.stage(&arrival, Some(max)).await.is_ok());
    let refused = place.delivery.stage(&arrival, Some(Octets(max.0 + 1))).await;
    assert!(matches!(refused, Err(Refusal::TooLarge { .. })));
    let mut staging = place.delivery.stage(&arrival, None).await.unwrap();
    let piece = vec![b'x'; 1 << 20];
    let mut left = max.0;
    while left > 0 {
        let now = usize::try_from(left).unwrap().min(piece.len());
        staging.write(&piece[..now]).await.unwrap();
        left -= now as u64;
    }
    assert!(matches!(staging.write(b"x").await, Err(Refusal::TooLarge { .. })));
}
