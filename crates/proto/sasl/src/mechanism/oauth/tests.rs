use super::super::testing::unbound;
use super::*;
use crate::limits::TOKEN_MESSAGE_MAX;

const TOKEN: &str = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";

fn need(name: Option<&str>, token: &str) -> Step {
    Step::NeedToken { name: name.map(str::to_owned), token: Secret::new(token.to_owned()) }
}

#[test]
fn the_example_of_the_rfc_is_understood() {
    // RFC 7628 §4.1
    let message =
        format!("n,a=user@example.com,\u{1}host=server.example.com\u{1}port=143\u{1}auth=Bearer {TOKEN}\u{1}\u{1}");
    let mut bearer = unbound("OAUTHBEARER");
    assert_eq!(bearer.start(None), Step::Challenge(vec![]));
    assert_eq!(bearer.step(message.as_bytes()), need(Some("user@example.com"), TOKEN));
    let xoauth2 = format!("user=someuser@example.com\u{1}auth=Bearer {TOKEN}\u{1}\u{1}");
    assert_eq!(unbound("XOAUTH2").start(Some(xoauth2.as_bytes())), need(Some("someuser@example.com"), TOKEN));
}

#[test]
fn names_may_be_left_to_the_token_and_are_unescaped() {
    for (message, name) in [
        ("n,,\u{1}auth=Bearer t\u{1}\u{1}", None),
        ("y,,\u{1}auth=bearer  t\u{1}\u{1}", None),
        ("n,a=a=2Cb=3D,\u{1}x=1\u{1}auth=Bearer t\u{1}\u{1}", Some("a,b=")),
        ("n,a=ann,\u{1}user=Ann\u{1}auth=Bearer t\u{1}\u{1}", Some("ann")),
    ] {
        assert_eq!(unbound("OAUTHBEARER").start(Some(message.as_bytes())), need(name, "t"), "{message:?}");
    }
}

#[test]
fn a_refusal_is_told_and_acknowledged_before_it_ends() {
    let why = TokenRefusal {
        scope: Some("mail \"all\"\\\n"),
        openid_configuration: Some("https://id.example/.well-known/openid-configuration"),
    };
    let json = concat!(
        r#"{"status":"invalid_token","scope":"mail \"all\"\\\u000a","#,
        r#""openid-configuration":"https://id.example/.well-known/openid-configuration"}"#
    );
    // RFC 7628 §4.3: the client asks with an empty authorization.
    let mut bearer = unbound("OAUTHBEARER");
    assert_eq!(bearer.start(Some(b"n,a=ann,\x01auth=\x01\x01")), need(Some("ann"), ""));
    assert_eq!(bearer.token_refused(why), Step::Challenge(json.into()));
    assert_eq!(bearer.step(b"\x01"), Step::Failed(Failure::Denied));
    assert_eq!(bearer.step(b"\x01"), Step::Failed(Failure::Syntax));
    let mut xoauth2 = unbound("XOAUTH2");
    assert_eq!(xoauth2.start(Some(b"user=ann\x01auth=Bearer t\x01\x01")), need(Some("ann"), "t"));
    let why = TokenRefusal { scope: Some("mail"), openid_configuration: None };
    let json = r#"{"status":"401","schemes":"bearer","scope":"mail"}"#;
    assert_eq!(xoauth2.token_refused(why), Step::Challenge(json.into()));
    assert_eq!(xoauth2.step(b""), Step::Failed(Failure::Denied));
}

#[test]
fn a_second_token_is_not_taken_for_the_answer_to_a_refusal() {
    let why = TokenRefusal { scope: None, openid_configuration: None };
    let message = b"n,,\x01auth=Bearer t\x01\x01";
    let mut bearer = unbound("OAUTHBEARER");
    bearer.start(Some(message));
    assert_eq!(bearer.token_refused(why), Step::Challenge(br#"{"status":"invalid_token"}"#.to_vec()));
    assert_eq!(bearer.step(message), Step::Failed(Failure::Denied));
    let mut early = unbound("OAUTHBEARER");
    assert_eq!(early.token_refused(why), Step::Failed(Failure::Denied));
    assert_eq!(early.step(message), Step::Failed(Failure::Syntax));
}

#[test]
fn what_is_no_message_is_refused() {
    for bad in [
        "",
        "\u{1}",
        "n,,",
        "n,,\u{1}",
        "n,,\u{1}\u{1}",
        "n,,\u{1}auth=Bearer t\u{1}",
        "n,,\u{1}auth=Bearer t",
        "n,,\u{1}auth=Bearer t\u{1}\u{1}\u{1}",
        "n,,\u{1}auth=Bearer\u{1}\u{1}",
        "n,,\u{1}auth=Bearer \u{1}\u{1}",
        "n,,\u{1}auth=Bearer ==\u{1}\u{1}",
        "n,,\u{1}auth=Bearer a b\u{1}\u{1}",
        "n,,\u{1}auth=Basic dA==\u{1}\u{1}",
        "n,,\u{1}auth=Bearer t\u{1}auth=Bearer u\u{1}\u{1}",
        "n,,\u{1}=x\u{1}auth=Bearer t\u{1}\u{1}",
        "n,,\u{1}a-b=x\u{1}auth=Bearer t\u{1}\u{1}",
        "n,x,\u{1}auth=Bearer t\u{1}\u{1}",
        "n,a=,\u{1}auth=Bearer t\u{1}\u{1}",
        "n,user=someuser@example.com,\u{1}auth=Bearer t\u{1}\u{1}",
        "n,,x\u{1}auth=Bearer t\u{1}\u{1}",
        "q,,\u{1}auth=Bearer t\u{1}\u{1}",
    ] {
        assert_eq!(unbound("OAUTHBEARER").start(Some(bad.as_bytes())), Step::Failed(Failure::Syntax), "{bad:?}");
    }
    for bad in ["", "\u{1}", "user=ann\u{1}\u{1}", "auth=Bearer t\u{1}\u{1}", "user=\u{1}auth=Bearer t\u{1}\u{1}"] {
        assert_eq!(unbound("XOAUTH2").start(Some(bad.as_bytes())), Step::Failed(Failure::Syntax), "{bad:?}");
    }
    let bound = unbound("OAUTHBEARER").start(Some(b"p=tls-exporter,,\x01auth=Bearer t\x01\x01"));
    assert_eq!(bound, Step::Failed(Failure::Binding));
    let other = unbound("OAUTHBEARER").start(Some(b"n,a=ann,\x01user=bob\x01auth=Bearer t\x01\x01"));
    assert_eq!(other, Step::Failed(Failure::Denied));
}

#[test]
fn tokens_hold_at_the_limit_and_not_past_it() {
    let message = |len: usize| {
        let frame = "n,,\u{1}auth=Bearer \u{1}\u{1}".len();
        format!("n,,\u{1}auth=Bearer {}\u{1}\u{1}", "t".repeat(len - frame))
    };
    let step = |len| unbound("OAUTHBEARER").start(Some(message(len).as_bytes()));
    assert!(matches!(step(TOKEN_MESSAGE_MAX), Step::NeedToken { .. }));
    assert_eq!(step(TOKEN_MESSAGE_MAX + 1), Step::Failed(Failure::Syntax));
}
