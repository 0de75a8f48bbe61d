//! What is tried again, what comes back, and what never does.

use crate::sink::{Script, Sink};
use crate::world::{MESSAGE, Setting, World, address};
use domain::Outcome;
use net::Resolver;
use proto_smtp::Reply;
use service_outbound::{HostPort, Routes};
use std::time::Duration;
use tokio::net::UdpSocket;
use types::{Clock, DomainName};

const ANN: Option<&str> = Some("ann@example.org");

fn far(port: u16) -> Setting {
    Setting::at_port(port).mx("far.example", &[(10, "mx.far.example")]).host("mx.far.example", &["127.0.0.1"])
}

fn later() -> Reply {
    Reply::new(450, 2, 1, "Not now")
}

fn never() -> Reply {
    Reply::new(550, 1, 1, "No \"such\" person")
}

#[tokio::test]
async fn who_is_not_taken_now_is_tried_again_on_schedule_and_the_others_are_not() {
    let sink = Sink::new(Script::default().answers("y@far.example", [later(), later()])).await;
    let world = World::new(far(sink.port())).await;
    let start = world.clock.now();
    let trace = world.send(ANN, &["x@far.example", "y@far.example"], MESSAGE).await;
    assert_eq!(world.run().await, 1);
    assert_eq!((sink.reached(), world.run().await), (vec!["x@far.example".to_owned()], 0));
    let item = world.queue.show(trace).await.unwrap();
    let last = item.recipients[1].last.clone().unwrap();
    assert_eq!((&*last.status, last.host.as_deref()), ("4.2.1", Some("mx.far.example")));
    assert_eq!(item.due, start.after(Duration::from_mins(5)));
    world.clock.advance(Duration::from_millis(5 * 60_000 - 1));
    assert_eq!(world.run().await, 0);
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(world.run().await, 1);
    world.clock.advance(Duration::from_mins(10));
    assert_eq!(world.run().await, 1);
    assert_eq!((sink.reached(), world.queue.count()), (vec!["x@far.example".into(), "y@far.example".into()], 0));
    assert!(world.inbox("ann@example.org").await.is_empty());
}

#[tokio::test]
async fn who_is_never_taken_is_named_in_one_bounce_and_the_others_get_it_once() {
    let script = Script::default().answers("bad@far.example", [never()]).answers("worse@far.example", [never()]);
    let sink = Sink::new(script).await;
    let world = World::new(far(sink.port())).await;
    let to = ["x@far.example", "bad@far.example", "bob@example.org", "worse@far.example"];
    world.send(ANN, &to, MESSAGE).await;
    world.run().await;
    assert_eq!((sink.reached(), world.queue.count()), (vec!["x@far.example".to_owned()], 0));
    assert_eq!(world.inbox("bob@example.org").await.len(), 1);
    let bounce = world.bounce().await;
    assert!(bounce.starts_with("Return-Path: <>\r\nFrom: Postamt <postmaster@mail.example.org>\r\n"), "{bounce}");
    assert!(bounce.contains("To: ann@example.org\r\n") || bounce.contains("To: <ann@example.org>\r\n"), "{bounce}");
    for part in [
        "Auto-Submitted: auto-replied\r\n",
        "report-type=delivery-status",
        "Reporting-MTA: dns; mail.example.org\r\n",
        "Final-Recipient: rfc822; bad@far.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\
            Remote-MTA: dns; mx.far.example\r\nDiagnostic-Code: smtp; 550 5.1.1 No \\\"such\\\" person\r\n",
        "Final-Recipient: rfc822; worse@far.example\r\n",
        "Content-Type: text/rfc822-headers\r\n",
        "Subject: hello\r\n",
    ] {
        assert!(bounce.contains(part), "{part} is missing in {bounce}");
    }
    for part in ["x@far.example", "bob@example.org", "how are you", "Return-Path: <ann"] {
        assert!(!bounce.contains(part), "{part} is none of its business: {bounce}");
    }
}

#[tokio::test]
async fn nothing_comes_back_to_the_null_reverse_path() {
    let sink = Sink::new(Script::default().answers("x@far.example", [never()])).await;
    let world = World::new(far(sink.port())).await;
    world.send(None, &["x@far.example"], MESSAGE).await;
    world.run().await;
    assert_eq!((world.queue.count(), sink.letters().len()), (0, 0));
    assert!(world.inbox("ann@example.org").await.is_empty());
}

#[tokio::test]
async fn a_bounce_for_somebody_elsewhere_goes_there_once_and_is_never_answered() {
    for reply in [None, Some(never())] {
        let sink = Sink::new(Script::default().answers("x@far.example", reply.clone())).await;
        let world = World::new(far(sink.port())).await;
        world.send(Some("x@far.example"), &["x@gone.example", "bob@example.org"], MESSAGE).await;
        world.run().await;
        assert_eq!((world.queue.count(), sink.letters().len()), (0, usize::from(reply.is_none())));
        for letter in sink.letters() {
            assert_eq!((letter.from.as_str(), letter.to.as_slice()), ("", &["x@far.example".to_owned()][..]));
            assert!(letter.text().starts_with("From: Postamt"), "no Return-Path goes out: {}", letter.text());
        }
    }
}

#[tokio::test]
async fn what_is_late_is_told_once_and_given_up_in_the_end() {
    let world = World::new(far(1)).await;
    let start = world.clock.now();
    world.send(ANN, &["x@far.example"], MESSAGE).await;
    while world.queue.count() > 0 {
        world.until_due().await;
        world.run().await;
    }
    assert_eq!(world.clock.now().since(start), Duration::from_hours(5 * 24));
    let inbox = world.inbox("ann@example.org").await;
    assert_eq!(inbox.len(), 2, "{inbox:?}");
    assert!(inbox[0].contains("Action: delayed") && inbox[0].contains("Will-Retry-Until: "), "{}", inbox[0]);
    assert!(inbox[1].contains("Action: failed\r\nStatus: 5.4.7"), "{}", inbox[1]);
    assert!(inbox.iter().all(|letter| letter.starts_with("Return-Path: <>\r\n")));
}

#[tokio::test]
async fn a_full_disk_or_a_wrong_setting_bounces_nothing_and_loses_nothing() {
    let sink = Sink::new(Script::default()).await;
    // The disk.
    let world = World::new(far(sink.port())).await;
    world.send(ANN, &["bob@example.org", "ann@example.org", "x@far.example"], MESSAGE).await;
    world.engine.set_full(true);
    world.clock.advance(Duration::from_hours(24 * 10));
    assert_eq!(world.run().await, 1);
    assert_eq!((sink.letters().len(), world.queue.count()), (1, 1), "what leaves makes room");
    world.engine.set_full(false);
    world.clock.advance(Duration::from_hours(24));
    while world.queue.count() > 0 {
        world.until_due().await;
        world.run().await;
    }
    let inbox = world.inbox("ann@example.org").await;
    assert!(inbox.iter().all(|letter| !letter.contains("Action: failed")), "{inbox:?}");
    assert_eq!(inbox.iter().filter(|letter| letter.ends_with(MESSAGE)).count(), 1);
    assert_eq!((world.inbox("bob@example.org").await.len(), sink.letters().len()), (1, 1));
    // The relay's name.
    let relay = Some(HostPort { host: DomainName::parse("nowhere.example").unwrap(), port: 25 });
    let routes = Routes { relay, port: 25, ..Routes::default() };
    let world = World::new(Setting { routes, ..Setting::default() }).await;
    let trace = world.send(ANN, &["x@far.example"], MESSAGE).await;
    world.clock.advance(Duration::from_hours(24 * 10));
    world.run().await;
    let last = world.queue.show(trace).await.unwrap().recipients[0].last.clone().unwrap();
    assert_eq!(&*last.status, "4.3.5");
    assert!(!world.bounce().await.contains("Action: failed"));
}

#[tokio::test]
async fn a_body_that_cannot_be_read_bounces_nothing() {
    let sink = Sink::new(Script::default()).await;
    let world = World::new(far(sink.port())).await;
    let trace = world.send(ANN, &["x@far.example"], MESSAGE).await;
    world.clock.advance(Duration::from_hours(24 * 10));
    let mut nth = 0;
    // Whichever read fails, the message is there afterwards or has arrived whole.
    while world.queue.count() > 0 {
        nth += 1;
        assert!(nth < 50);
        world.engine.fail_read(nth, store_kv::StoreError::Unavailable("gone".into()));
        let _ = world.runner().run_due().await;
        world.engine.heal();
        if let Ok(item) = world.queue.show(trace).await {
            assert!(item.waiting().count() == 1);
        }
        world.clock.advance(Duration::from_hours(9));
    }
    let letters = sink.letters();
    assert!(letters.len() == 1 && letters[0].text().ends_with(MESSAGE), "{letters:?}");
    let inbox = world.inbox("ann@example.org").await;
    assert!(inbox.iter().all(|letter| !letter.contains("Action: failed")), "{inbox:?}");
}

#[tokio::test]
async fn domains_that_take_no_mail_bounce_at_once_with_their_reason() {
    let listening = vec!["127.0.0.3:25".parse().unwrap()];
    let setting = Setting { listening, ..Setting::at_port(25) }
        .mx("null.example", &[(0, ".")])
        .mx("named.example", &[(10, "mail.example.org"), (20, "backup.example")])
        .mx("here.example", &[(10, "alias.example")])
        .host("alias.example", &["127.0.0.3"])
        .host("backup.example", &["127.0.0.9"]);
    let world = World::new(setting).await;
    let cases = [
        ("x@null.example", "5.1.10"),
        ("x@gone.example", "5.1.2"),
        ("x@named.example", "5.4.6"),
        ("x@here.example", "5.4.6"),
    ];
    let to: Vec<_> = cases.iter().map(|(to, _)| *to).collect();
    world.send(ANN, &to, MESSAGE).await;
    world.run().await;
    assert_eq!(world.queue.count(), 0);
    let bounce = world.bounce().await;
    for (to, status) in cases {
        let expected = format!("Final-Recipient: rfc822; {to}\r\nAction: failed\r\nStatus: {status}\r\n");
        assert!(bounce.contains(&expected), "{expected} is missing in {bounce}");
    }
}

#[tokio::test]
async fn a_domain_that_became_ours_is_reached_through_our_own_door() {
    let sink = Sink::new(Script::default()).await;
    let setting = Setting { listening: vec![sink.address], ..Setting::at_port(sink.port()) };
    let world = World::new(setting.mx("far.example", &[(10, "mx.example")]).host("mx.example", &["127.0.0.1"])).await;
    world.send(ANN, &["x@far.example"], MESSAGE).await;
    world.shared.directory.domain_add(&DomainName::parse("far.example").unwrap()).await.unwrap();
    world.run().await;
    assert_eq!((sink.reached(), world.queue.count()), (vec!["x@far.example".to_owned()], 0));
}

/// A name server that always answers SERVFAIL (RFC 1035 §4.1.1).
async fn broken_dns() -> Resolver {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut packet = [0; 1024];
        while let Ok((len, from)) = socket.recv_from(&mut packet).await {
            packet[2] |= 0x80;
            packet[3] = 2;
            let _ = socket.send_to(&packet[..len], from).await;
        }
    });
    Resolver::dns(Some(address)).unwrap()
}

#[tokio::test]
async fn what_dns_cannot_say_now_is_asked_again_later() {
    let setting = Setting { resolver: Some(broken_dns().await), ..Setting::at_port(25) };
    let world = World::new(setting).await;
    let trace = world.send(ANN, &["x@far.example"], MESSAGE).await;
    world.run().await;
    let item = world.queue.show(trace).await.unwrap();
    let last = item.recipients[0].last.clone().unwrap();
    assert_eq!((&*last.status, item.attempts), ("4.4.3", 1));
    assert!(world.inbox("ann@example.org").await.is_empty());
}

#[tokio::test]
async fn mail_for_a_removed_account_comes_back_and_reports_to_one_go_nowhere() {
    let world = World::new(far(1)).await;
    world.send(ANN, &["bob@example.org", "ann@example.org"], MESSAGE).await;
    world.shared.directory.account_remove(&address("bob@example.org")).await.unwrap();
    world.run().await;
    let inbox = world.inbox("ann@example.org").await;
    assert_eq!((inbox.len(), world.queue.count()), (2, 0));
    let report = inbox.iter().find(|letter| letter.contains("Action: failed")).unwrap();
    assert!(report.contains("bob@example.org\r\nAction: failed\r\nStatus: 5.1.1"), "{report}");

    world.send(ANN, &["x@gone.example"], MESSAGE).await;
    world.shared.directory.account_remove(&address("ann@example.org")).await.unwrap();
    world.run().await;
    assert_eq!(world.queue.count(), 0, "there is nobody to tell");
}

#[tokio::test]
async fn too_much_for_one_place_is_put_off_without_an_attempt() {
    let world = World::new(far(1)).await;
    let trace = world.send(ANN, &["x@far.example"], MESSAGE).await;
    let lease = world.queue.lease().await.unwrap().unwrap();
    world.queue.settle(lease, &[(0, Outcome::PutOff)]).await.unwrap();
    let item = world.queue.show(trace).await.unwrap();
    assert_eq!((item.attempts, item.due), (0, world.clock.now().after(Duration::from_secs(30))));
}
