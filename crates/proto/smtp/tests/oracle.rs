//! What we read of MAIL, RCPT, DATA, EHLO and replies, compared with an independent implementation.
#![expect(clippy::unwrap_used, reason = "functions of a test")]

use proptest::prelude::*;
use proto_smtp::{
    Body, Client, ClientEvent, ClientOptions, DataEncoder, Event, ForwardPath, MailNeeds, Options, Policy, ReversePath,
    Role, Server, Tls,
};
use smtp_proto::request::receiver::DataReceiver;
use smtp_proto::{EhloResponse, MAIL_BODY_8BITMIME, MAIL_SMTPUTF8, Request};
use std::time::Instant;
use types::{Address, DomainName};

/// A server that has said yes to EHLO, and what it said.
fn server() -> (Server, Vec<u8>) {
    let policy = Policy { tls: Tls::Offered, mechanisms: Vec::new(), mail_needs: MailNeeds::Nothing };
    let mut server = Server::new(Options::new(Role::Mx, "mx.example"), policy, Instant::now());
    server.greet("ready", Instant::now());
    server.take_output();
    assert!(matches!(say(&mut server, b"EHLO us.example\r\n"), Some(Event::Hello(_))));
    server.accept();
    let ehlo = server.take_output().to_vec();
    (server, ehlo)
}

fn say(server: &mut Server, bytes: &[u8]) -> Option<Event> {
    assert_eq!(server.receive(Instant::now(), bytes), bytes.len());
    server.poll_event()
}

/// The oracle leaves a mailbox unquoted and as it was written.
fn canonical(mailbox: &str) -> String {
    let (local, domain) = mailbox.rsplit_once('@').unwrap();
    format!("{local}@{}", DomainName::parse(domain).unwrap())
}

fn unquoted(address: &Address) -> String {
    format!("{}@{}", address.local(), address.domain())
}

/// Whatever we accept, the oracle accepts with the same meaning. (We are stricter: parameters that we do not offer,
/// domains that are none.)
fn compare(line: &str) -> Result<bool, TestCaseError> {
    let (mut server, _) = server();
    if line.to_ascii_uppercase().starts_with("RCPT") {
        say(&mut server, b"MAIL FROM:<> SMTPUTF8\r\n");
        server.accept();
    }
    let ours = say(&mut server, format!("{line}\r\n").as_bytes());
    if line.contains("@[") && ours.is_some() {
        return Ok(true); // the oracle has no address literals (RFC 5321 §4.1.3)
    }
    let wire = format!("{line}\r\n");
    let theirs = Request::parse(&mut wire.as_bytes().iter());
    match ours {
        Some(Event::Mail(mail)) => {
            let Ok(Request::Mail { from }) = theirs else {
                return Err(TestCaseError::fail(format!("{line}: {theirs:?}")));
            };
            match &mail.reverse_path {
                ReversePath::Null => prop_assert_eq!(from.address.as_ref(), ""),
                ReversePath::Address(address) => prop_assert_eq!(canonical(&from.address), unquoted(address)),
            }
            prop_assert_eq!(from.size as u64, mail.size.map_or(0, |size| size.0));
            prop_assert_eq!(from.flags & MAIL_BODY_8BITMIME != 0, mail.body == Body::EightBitMime);
            prop_assert_eq!(from.flags & MAIL_SMTPUTF8 != 0, mail.utf8);
            Ok(true)
        }
        Some(Event::Recipient(recipient)) => {
            let Ok(Request::Rcpt { to }) = theirs else {
                return Err(TestCaseError::fail(format!("{line}: {theirs:?}")));
            };
            match &recipient.forward_path {
                ForwardPath::Postmaster => prop_assert_eq!(to.address.as_ref(), ""),
                ForwardPath::Address(address) => prop_assert_eq!(canonical(&to.address), unquoted(address)),
            }
            Ok(true)
        }
        None => Ok(false),
        other => Err(TestCaseError::fail(format!("{line}: {other:?}"))),
    }
}

const PATHS: [&str; 9] = [
    "<anna@example.org>",
    "<Anna.B+tag@EXAMPLE.org>",
    "<\"a b\"@example.org>",
    "<\"a>b,c:d@e\"@example.org>",
    "<x@[192.0.2.1]>",
    "<x@[IPv6:2001:db8::1]>",
    "<@a.example,@b.example:x@example.org>",
    "<j\u{f6}rg@example.org>",
    "<!#$%&'*+-/=?^_`{|}~@x-y.example>",
];
const PARAMETERS: [&str; 6] =
    [" SIZE=1000", " BODY=8BITMIME", " BODY=7BIT", " SMTPUTF8", " AUTH=<>", " AUTH=a+40b.example"];

#[test]
fn proper_lines_are_accepted_and_mean_the_same() {
    for path in PATHS {
        assert!(compare(&format!("MAIL FROM:{path} SMTPUTF8")).unwrap(), "{path}");
        assert!(compare(&format!("rcpt to:{path}")).unwrap(), "{path}");
        for parameter in PARAMETERS.iter().filter(|parameter| **parameter != " SMTPUTF8") {
            assert!(compare(&format!("MAIL FROM:{path} SMTPUTF8{parameter}")).unwrap(), "{path}{parameter}");
        }
    }
    assert!(compare("MAIL FROM:<>").unwrap());
    assert!(compare("RCPT TO:<postmaster>").unwrap());
}

#[test]
fn our_ehlo_is_understood() {
    let (_, ehlo) = server();
    let understood = EhloResponse::parse(&mut ehlo.iter()).unwrap();
    let text = String::from_utf8(ehlo).unwrap();
    assert_eq!(understood.hostname(), "mx.example");
    for (capability, line) in [
        (smtp_proto::EXT_PIPELINING, "PIPELINING"),
        (smtp_proto::EXT_8BIT_MIME, "8BITMIME"),
        (smtp_proto::EXT_SMTP_UTF8, "SMTPUTF8"),
        (smtp_proto::EXT_CHUNKING, "CHUNKING"),
        (smtp_proto::EXT_ENHANCED_STATUS_CODES, "ENHANCEDSTATUSCODES"),
        (smtp_proto::EXT_START_TLS, "STARTTLS"),
        (smtp_proto::EXT_SIZE, "SIZE"),
    ] {
        assert!(understood.has_capability(capability) && text.contains(line), "{line}");
    }
    assert!(!understood.has_capability(smtp_proto::EXT_BINARY_MIME | smtp_proto::EXT_DSN));
}

#[test]
fn our_client_understands_what_the_oracle_offers() {
    let mut theirs = EhloResponse::new("them.example");
    theirs.capabilities =
        smtp_proto::EXT_PIPELINING | smtp_proto::EXT_SIZE | smtp_proto::EXT_SMTP_UTF8 | smtp_proto::EXT_AUTH;
    theirs.size = 1234;
    theirs.auth_mechanisms = smtp_proto::AUTH_PLAIN | smtp_proto::AUTH_LOGIN;
    let mut wire = b"220 them\r\n".to_vec();
    theirs.write(&mut wire).unwrap();
    let now = Instant::now();
    let mut client = Client::new(ClientOptions::new("us.example"), now);
    assert_eq!(client.receive(now, &wire), wire.len());
    assert_eq!(client.poll_event(), Some(ClientEvent::Ready));
    let ours = client.capabilities();
    assert!(ours.pipelining && ours.smtputf8 && !ours.eight_bit_mime && !ours.starttls);
    assert_eq!(ours.size_max, Some(types::Octets(1234)));
    assert!(ours.auth.contains(&"PLAIN".to_owned()) && ours.auth.contains(&"LOGIN".to_owned()));
}

proptest! {
    #[test]
    fn mutated_lines_mean_the_same_where_we_accept_them(
        rcpt: bool,
        path in prop::sample::select(PATHS.to_vec()),
        parameters in prop::collection::vec(prop::sample::select(PARAMETERS.to_vec()), 0..3),
        changes in prop::collection::vec((0usize..200, prop::sample::select(b" <>@:,.\"\\[]=+aZ9-".to_vec())), 0..3),
    ) {
        let line = if rcpt { format!("RCPT TO:{path}") } else { format!("MAIL FROM:{path}{}", parameters.concat()) };
        let mut line = line.into_bytes();
        for (place, byte) in changes {
            let place = "MAIL FROM:".len() + place % (line.len() - "MAIL FROM:".len());
            if line[place].is_ascii() {
                line[place] = byte;
            }
        }
        compare(&String::from_utf8(line).unwrap())?;
    }

    #[test]
    fn what_we_encode_the_oracle_decodes(pieces in prop::collection::vec(prop::sample::select(vec!["\r\n", ".", "ab", "\r\n..", "\0"]), 0..40)) {
        // The oracle leaves a dot doubled in the very first line (RFC 5321 §4.5.2 says every line), so none begins with one.
        let mut content = format!("A{}", pieces.concat());
        let mut wire = bytes::BytesMut::new();
        let mut encoder = DataEncoder::new();
        encoder.push(content.as_bytes(), &mut wire);
        encoder.finish(&mut wire);
        let mut decoded = Vec::new();
        prop_assert!(DataReceiver::new().ingest(&mut wire.iter(), &mut decoded));
        if !content.ends_with("\r\n") {
            content.push_str("\r\n");
        }
        prop_assert_eq!(String::from_utf8(decoded).unwrap(), content);
    }
}
