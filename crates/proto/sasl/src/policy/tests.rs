use super::*;
use crate::mechanism::PREPARED;
use crate::registry::MECHANISMS;

const PROTOCOLS: [Protocol; 4] = [Protocol::Imap, Protocol::Pop3, Protocol::Submission, Protocol::Mx];
const STATES: [TlsState; 3] = [TlsState::Clear, TlsState::Active, TlsState::ClearForTests];

/// Everything that can be, and every combination of it.
fn all_circumstances() -> impl Iterator<Item = Circumstances> {
    (0..16).map(Circumstances)
}

fn every_policy() -> impl Iterator<Item = Policy> {
    all_circumstances().flat_map(|circumstances| {
        PROTOCOLS.into_iter().flat_map(move |protocol| STATES.map(|tls| Policy::of(protocol, tls, circumstances)))
    })
}

fn names() -> impl Iterator<Item = &'static str> {
    MECHANISMS.iter().chain(&PREPARED).map(|mechanism| mechanism.name)
}

#[test]
fn no_cell_of_the_table_takes_anything_in_clear() {
    for policy in every_policy().filter(|policy| policy.tls == TlsState::Clear) {
        assert_eq!(policy.announced().count(), 0, "{policy:?}");
        assert!(!policy.login_allowed() && !policy.offers_binding(), "{policy:?}");
        for name in names() {
            assert!(!matches!(policy.mechanism(name), Lookup::Accept(_)), "{policy:?} {name}");
        }
    }
}

#[test]
fn what_is_announced_is_what_is_accepted() {
    for policy in every_policy() {
        for known in names() {
            let announced = policy.announced().any(|name| name == known);
            let small = known.to_ascii_lowercase();
            for name in [known, &small] {
                let accepted = matches!(policy.mechanism(name), Lookup::Accept(m) if m.name == known);
                assert_eq!(announced, accepted, "{policy:?} {name}");
            }
        }
    }
}

#[test]
fn the_table_and_the_registry_have_the_same_mechanisms_in_the_same_order() {
    let policy = Policy::of(Protocol::Imap, TlsState::Active, Circumstances::default());
    let table: Vec<_> = policy.mechanisms().map(|(name, _)| name).collect();
    let ready = |name: &&str| MECHANISMS.iter().any(|mechanism| mechanism.name == *name);
    let (ready, waiting): (Vec<&str>, Vec<&str>) = table.into_iter().partition(ready);
    assert_eq!(ready, MECHANISMS.iter().map(|mechanism| mechanism.name).collect::<Vec<_>>());
    assert_eq!(waiting, PREPARED.iter().map(|mechanism| mechanism.name).collect::<Vec<_>>());
    assert!(waiting.iter().all(|name| Policy::need_of(name).is_some()), "it would be announced and not work");
}

#[test]
fn inside_tls_people_can_sign_in_where_they_should() {
    let announced =
        |protocol, circumstances| Policy::of(protocol, TlsState::Active, circumstances).announced().collect::<Vec<_>>();
    let plainly = ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"];
    for protocol in [Protocol::Imap, Protocol::Pop3, Protocol::Submission] {
        assert_eq!(announced(protocol, Circumstances::default()), plainly);
        for (need, names) in [
            (Need::ChannelBinding, &["SCRAM-SHA-512-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"][..]),
            (Need::Certificate, &["EXTERNAL"]),
            (Need::Oauth, &["OAUTHBEARER", "XOAUTH2"]),
            (Need::Digest, &["CRAM-MD5"]),
        ] {
            let more = announced(protocol, Circumstances::default().with(need, true));
            let more: Vec<_> = more.into_iter().filter(|name| !plainly.contains(name)).collect();
            assert_eq!(more, names, "{need:?}");
        }
    }
    for circumstances in all_circumstances() {
        assert!(announced(Protocol::Mx, circumstances).is_empty());
    }
    let login = |protocol| Policy::of(protocol, TlsState::Active, Circumstances::default()).login_allowed();
    assert!(login(Protocol::Imap) && login(Protocol::Pop3));
    assert!(!login(Protocol::Submission) && !login(Protocol::Mx));
}

#[test]
fn before_tls_the_refusal_says_why() {
    let policy = |protocol, tls| Policy::of(protocol, tls, Circumstances::default());
    for name in ["PLAIN", "login", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS"] {
        assert!(matches!(policy(Protocol::Imap, TlsState::Clear).mechanism(name), Lookup::PrivacyRequired));
        assert!(matches!(policy(Protocol::Mx, TlsState::Clear).mechanism(name), Lookup::Unknown));
    }
    for name in ["CRAM-MD5", "OAUTHBEARER", "EXTERNAL", "GSSAPI", ""] {
        for tls in STATES {
            assert!(matches!(policy(Protocol::Imap, tls).mechanism(name), Lookup::Unknown), "{name}");
        }
    }
    assert_eq!(policy(Protocol::Imap, TlsState::Clear).password_command(), Verdict::PrivacyRequired);
    assert_eq!(policy(Protocol::Submission, TlsState::Clear).password_command(), Verdict::Off);
}

#[test]
fn circumstances_hold_what_was_put_into_them() {
    for need in Need::ALL {
        let only = Circumstances::default().with(need, true);
        assert!(Need::ALL.iter().all(|other| only.meet(*other) == (*other == need)));
        assert_eq!(only.with(need, false), only);
    }
}

#[test]
fn the_switch_for_tests_works_on_the_loopback_only() {
    for peer in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
        assert_eq!(TlsState::clear_for_tests(peer.parse().unwrap()), TlsState::ClearForTests);
    }
    for peer in ["192.0.2.1", "2001:db8::1", "0.0.0.0", "::", "::ffff:192.0.2.1"] {
        assert_eq!(TlsState::clear_for_tests(peer.parse().unwrap()), TlsState::Clear);
    }
}
