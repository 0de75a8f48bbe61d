//! Where messages go, and that they arrive as they were.

use crate::sink::{End, Script, Sink};
use crate::world::{MESSAGE, Setting, World, address};
use domain::{BodyForm, Envelope};
use proto_smtp::Reply;
use service_outbound::Way;

const ANN: Option<&str> = Some("ann@example.org");

/// `far.example` by one host at 127.0.0.1.
fn far(port: u16) -> Setting {
    Setting::at_port(port).mx("far.example", &[(10, "mx.far.example")]).host("mx.far.example", &["127.0.0.1"])
}

#[tokio::test]
async fn a_message_goes_to_the_host_of_its_domain_without_its_return_path() {
    let sink = Sink::new(Script::default()).await;
    let world = World::new(far(sink.port())).await;
    let trace = world.send(ANN, &["x@far.example"], MESSAGE).await;
    assert_eq!(world.run().await, 1);
    let letters = sink.letters();
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!((letter.from.as_str(), letter.to.as_slice()), ("ann@example.org", &["x@far.example".to_owned()][..]));
    let text = letter.text();
    assert!(text.starts_with("Received: from laptop (local)\r\n") && text.ends_with(MESSAGE), "{text}");
    assert!(text.contains(&trace.to_string()) && !text.contains("Return-Path"), "{text}");
    assert_eq!(letter.size, Some(letter.body.len() as u64));
    assert!(!letter.is_utf8 && !letter.is_eight_bit);
    assert_eq!((world.queue.count(), world.run().await), (0, 0));
}

#[tokio::test]
async fn the_second_host_gets_what_the_first_does_not_take() {
    let hosts: &[(u16, &str)] = &[(20, "second.example"), (10, "first.example")];
    let busy = || Reply::new(451, 3, 2, "Busy");
    let firsts = [
        None,
        Some(Script { greeting: Some(Reply::new(421, 3, 2, "Busy")), ..Script::default() }),
        Some(Script { greeting: Some(Reply::new(554, 7, 1, "Not you")), ..Script::default() }),
        Some(Script { mail: std::sync::Mutex::new([busy()].into()), ..Script::default() }),
        Some(Script::default().answers("x@far.example", [busy()])),
        Some(Script::default().ends([End::Say(busy())])),
    ];
    for first in firsts {
        let second = Sink::new(Script::default()).await;
        let first = match first {
            Some(script) => Some(second.beside("127.0.0.2", script).await),
            None => None,
        };
        let setting = Setting::at_port(second.port())
            .mx("far.example", hosts)
            .host("first.example", &["127.0.0.2"])
            .host("second.example", &["127.0.0.1"]);
        let world = World::new(setting).await;
        world.send(ANN, &["x@far.example"], MESSAGE).await;
        assert_eq!(world.run().await, 1);
        assert_eq!((second.letters().len(), world.queue.count()), (1, 0));
        assert_eq!(first.map_or(0, |first| first.letters().len()), 0);
    }
}

#[tokio::test]
async fn the_best_host_s_permanent_word_counts_and_the_others_are_not_asked() {
    let gone = Reply::new(550, 1, 1, "Nobody");
    let first = Sink::new(Script::default().answers("x@far.example", [gone])).await;
    let second = first.beside("127.0.0.2", Script::default()).await;
    let setting = Setting::at_port(first.port())
        .mx("far.example", &[(10, "first.example"), (20, "second.example")])
        .host("first.example", &["127.0.0.1"])
        .host("second.example", &["127.0.0.2"]);
    let world = World::new(setting).await;
    world.send(ANN, &["x@far.example"], MESSAGE).await;
    world.run().await;
    assert_eq!(second.connections(), 0);
    assert!(world.bounce().await.contains("Remote-MTA: dns; first.example"));
}

#[tokio::test]
async fn a_host_is_tried_at_each_of_its_addresses() {
    let sink = Sink::new(Script::default()).await;
    let setting = Setting::at_port(sink.port()).host("plain.example", &["127.0.0.9", "127.0.0.8", "127.0.0.1"]);
    let world = World::new(setting).await;
    world.send(ANN, &["x@plain.example", "y@[127.0.0.1]"], MESSAGE).await;
    assert_eq!(world.run().await, 1);
    assert_eq!(sink.reached(), ["x@plain.example", "y@[127.0.0.1]"]);
}

#[tokio::test]
async fn one_message_reaches_people_here_and_in_several_domains_once() {
    let far = Sink::new(Script::default()).await;
    let near = far.beside("127.0.0.2", Script::default()).await;
    let setting = Setting::at_port(far.port()).host("far.example", &["127.0.0.1"]).host("near.example", &["127.0.0.2"]);
    let world = World::new(setting).await;
    let to = ["x@far.example", "bob@example.org", "y@near.example", "z@far.example"];
    world.send(ANN, &to, MESSAGE).await;
    assert_eq!(world.run().await, 1);
    assert_eq!(far.reached(), ["x@far.example", "z@far.example"]);
    assert_eq!((far.letters().len(), near.reached()), (1, vec!["y@near.example".to_owned()]));
    let inbox = world.inbox("bob@example.org").await;
    assert_eq!((inbox.len(), world.queue.count()), (1, 0));
    assert!(inbox[0].starts_with("Return-Path: <ann@example.org>\r\n"));
}

#[tokio::test]
async fn a_transaction_has_at_most_a_hundred_recipients() {
    for (count, letters) in [(100, 1), (101, 2)] {
        let sink = Sink::new(Script::default()).await;
        let world = World::new(far(sink.port())).await;
        let to: Vec<String> = (0..count).map(|n| format!("x{n}@far.example")).collect();
        let to: Vec<&str> = to.iter().map(String::as_str).collect();
        world.send(ANN, &to, MESSAGE).await;
        assert_eq!(world.run().await, 1);
        assert_eq!((sink.letters().len(), sink.reached().len(), world.queue.count()), (letters, count, 0));
    }
}

#[tokio::test]
async fn eight_bits_and_utf8_go_where_they_are_taken() {
    let envelope =
        Envelope { reverse_path: ANN.map(address), utf8: true, body: BodyForm::EightBitMime, ..Envelope::default() };
    let message = "Subject: Grüße\r\n\r\nGrüße\r\n";
    let sink = Sink::new(Script::default()).await;
    let world = World::new(far(sink.port())).await;
    world.send_as(envelope.clone(), &["jürgen@far.example"], message).await;
    world.run().await;
    let letters = sink.letters();
    assert!(letters[0].is_utf8 && letters[0].is_eight_bit && letters[0].text().ends_with(message));
    assert_eq!(letters[0].to, ["jürgen@far.example"]);

    let sink = Sink::new(Script { hidden: vec!["SMTPUTF8"], ..Script::default() }).await;
    let world = World::new(far(sink.port())).await;
    world.send_as(envelope.clone(), &["jürgen@far.example"], message).await;
    world.run().await;
    assert!(sink.letters().is_empty());
    let bounce = world.bounce().await;
    assert!(
        bounce.contains("Final-Recipient: utf-8; jürgen@far.example\r\nAction: failed\r\nStatus: 5.6.7"),
        "{bounce}"
    );
    assert!(!bounce.contains("Remote-MTA"), "these are our words");

    let sink = Sink::new(Script { hidden: vec!["8BITMIME"], ..Script::default() }).await;
    let world = World::new(far(sink.port())).await;
    world.send_as(Envelope { utf8: false, ..envelope }, &["x@far.example"], message).await;
    world.run().await;
    assert!(!sink.letters()[0].is_eight_bit && sink.letters()[0].text().ends_with(message), "sent as it is");
}

#[tokio::test]
async fn a_large_message_arrives_byte_for_byte() {
    let sink = Sink::new(Script::default()).await;
    let world = World::new(far(sink.port())).await;
    let mut lines = String::new();
    for n in 0..60_000 {
        let dot = if n % 7 == 0 { "." } else { "" };
        lines.extend([dot, "line ", &n.to_string(), " of many, some of which begin with a dot\r\n"]);
    }
    let message = format!("Subject: large\r\n\r\n{lines}");
    world.send(ANN, &["x@far.example"], &message).await;
    world.run().await;
    let text = sink.letters()[0].text();
    assert!(text.len() > 3_000_000 && text.ends_with(&message));
}

#[tokio::test]
async fn a_route_of_its_own_goes_before_the_relay_and_the_relay_before_dns() {
    use service_outbound::{HostPort, Routes};
    let (own, relay) = (Sink::new(Script::default()).await, Sink::new(Script::default()).await);
    let to = |sink: &Sink| HostPort { host: types::DomainName::parse("[127.0.0.1]").unwrap(), port: sink.port() };
    let domains = [(types::DomainName::parse("own.example").unwrap(), to(&own))].into();
    let routes = Routes { domains, relay: Some(to(&relay)), port: 1 };
    let world = World::new(Setting { routes, ..Setting::default() }).await;
    world.send(ANN, &["x@own.example", "y@far.example"], MESSAGE).await;
    world.run().await;
    assert_eq!((own.reached(), relay.reached()), (vec!["x@own.example".into()], vec!["y@far.example".into()]));
}

#[tokio::test]
async fn in_a_trial_nothing_leaves_and_the_sender_keeps_it() {
    let world = World::new(Setting::default()).await;
    world.send(ANN, &["ann@example.org", "x@far.example"], MESSAGE).await;
    world.runner_by(Way::Outbox).run_due().await.unwrap();
    assert_eq!(world.queue.count(), 0);
    let (inbox, outbox) = (world.inbox("ann@example.org").await, world.mailbox("ann@example.org", "Outbox").await);
    assert_eq!((inbox.len(), outbox.len()), (1, 1));
    assert!(outbox[0].ends_with(MESSAGE));
}
