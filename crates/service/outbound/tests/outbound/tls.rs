//! TLS where it can be had, and what a relay must prove before it gets a password.

use crate::sink::{Script, Secure, Sink};
use crate::world::{MESSAGE, Setting, World};
use service_outbound::{HostPort, Relay, Routes};
use std::time::Duration;
use types::{DomainName, Secret};

const ANN: Option<&str> = Some("ann@example.org");

fn far(port: u16) -> Setting {
    Setting::at_port(port).mx("far.example", &[(10, "mx.far.example")]).host("mx.far.example", &["127.0.0.1"])
}

/// Everything goes to `relay.example`, with this password.
fn relay(sink: &Sink, authorities: String, password: &str) -> Setting {
    let to = HostPort { host: DomainName::parse("relay.example").unwrap(), port: sink.port() };
    let relay = Relay { user: "us".into(), password: Secret::new(password.into()) };
    let routes = Routes { relay: Some(to), port: 1, ..Routes::default() };
    Setting { routes, relay: Some(relay), authorities, ..Setting::default() }.host("relay.example", &["127.0.0.1"])
}

fn guarded() -> Script {
    Script { user: Some(("us".into(), "geheim".into())), ..Script::default() }
}

#[tokio::test]
async fn tls_is_used_where_it_is_offered_whatever_the_certificate() {
    let (script, _) = Script::default().with_tls(&["somebody.else.example"]);
    let sink = Sink::new(script).await;
    let world = World::new(far(sink.port())).await;
    world.send(ANN, &["x@far.example"], MESSAGE).await;
    world.run().await;
    let letters = sink.letters();
    assert!(letters.len() == 1 && letters[0].is_tls && letters[0].text().ends_with(MESSAGE));
}

#[tokio::test]
async fn where_tls_is_broken_mail_goes_without_it() {
    let sink = Sink::new(Script { tls: Some(Secure::Broken), ..Script::default() }).await;
    let world = World::new(far(sink.port())).await;
    world.send(ANN, &["x@far.example"], MESSAGE).await;
    assert_eq!(world.run().await, 1);
    let letters = sink.letters();
    assert!(letters.len() == 1 && !letters[0].is_tls);
    assert_eq!((sink.connections(), world.queue.count()), (2, 0));
}

#[tokio::test]
async fn a_relay_gets_the_password_inside_tls_that_proves_its_name() {
    let (script, authority) = guarded().with_tls(&["relay.example"]);
    let sink = Sink::new(script).await;
    let world = World::new(relay(&sink, authority, "geheim")).await;
    world.send(ANN, &["x@far.example", "y@near.example"], MESSAGE).await;
    world.run().await;
    let letters = sink.letters();
    assert!(letters.iter().all(|letter| letter.is_tls && letter.user.as_deref() == Some("us")));
    assert_eq!((sink.reached(), world.queue.count()), (vec!["x@far.example".into(), "y@near.example".into()], 0));
    assert!(sink.sign_ins().iter().all(|(_, is_tls)| *is_tls));
}

#[tokio::test]
async fn a_relay_that_does_not_prove_its_name_gets_neither_password_nor_mail() {
    let (_, stranger) = guarded().with_tls(&["relay.example"]);
    let (other_name, authority) = guarded().with_tls(&["other.example"]);
    let (unknown, _) = guarded().with_tls(&["relay.example"]);
    let broken = Script { tls: Some(Secure::Broken), ..guarded() };
    for (script, authority) in
        [(other_name, authority.clone()), (unknown, stranger), (broken, authority.clone()), (guarded(), authority)]
    {
        let sink = Sink::new(script).await;
        let world = World::new(relay(&sink, authority, "geheim")).await;
        let trace = world.send(ANN, &["x@far.example"], MESSAGE).await;
        assert_eq!(world.run().await, 1);
        assert!(sink.letters().is_empty() && sink.sign_ins().is_empty());
        assert_eq!(sink.connections(), 1, "it is not tried in clear");
        let item = world.queue.show(trace).await.unwrap();
        let last = item.recipients[0].last.clone().unwrap();
        assert_eq!((&*last.status, last.host, item.attempts), ("4.4.1", None, 1));
        assert!(last.text.starts_with("relay.example: "), "{}", last.text);
        assert!(world.inbox("ann@example.org").await.is_empty());
    }
}

#[tokio::test]
async fn a_relay_that_refuses_our_password_is_our_trouble_and_bounces_nothing() {
    let (script, authority) = guarded().with_tls(&["relay.example"]);
    let sink = Sink::new(script).await;
    let world = World::new(relay(&sink, authority, "wrong")).await;
    let trace = world.send(ANN, &["x@far.example"], MESSAGE).await;
    world.clock.advance(Duration::from_hours(24 * 30));
    world.run().await;
    assert_eq!((sink.letters().len(), sink.sign_ins().len()), (0, 1));
    let item = world.queue.show(trace).await.unwrap();
    assert_eq!(&*item.recipients[0].last.clone().unwrap().status, "4.7.8");
    let told = world.bounce().await;
    assert!(told.contains("Action: delayed") && !told.contains("Action: failed"), "{told}");
}
