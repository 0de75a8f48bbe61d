//! The fields that are put before a message: Return-Path and Received (RFC 5321 §4.4).

use std::net::IpAddr;
use types::{Address, Timestamp, TraceId};

/// Longest HELO name that is repeated.
const HELO_MAX: usize = 255;

/// What a message came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// SMTP after HELO.
    Smtp,
    /// SMTP after EHLO.
    Esmtp,
    /// LMTP.
    Lmtp,
}

/// How a message came in: what Received tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Its trace id.
    pub trace: TraceId,
    /// When.
    pub at: Timestamp,
    /// The reverse-path; `None` is the null one.
    pub reverse_path: Option<Address>,
    /// The recipient, if there is just one: with several, none is named, so that none learns of the others
    /// (RFC 5321 §7.2).
    pub only_recipient: Option<Address>,
    /// The protocol.
    pub protocol: Protocol,
    /// Whether the envelope needs SMTPUTF8.
    pub utf8: bool,
    /// The name that the client gave, as it gave it.
    pub helo: Box<str>,
    /// The client's address; `None` for a Unix socket.
    pub peer: Option<IpAddr>,
    /// The client's name from DNS, if it was looked up and leads back.
    pub peer_name: Option<Box<str>>,
    /// TLS version and cipher suite (RFC 8314 §4.3), inside TLS.
    pub tls: Option<(Box<str>, Box<str>)>,
    /// Whether somebody has signed in.
    pub authenticated: bool,
}

impl Arrival {
    /// The protocol's registered name (RFC 3848, RFC 6531 §4.3).
    fn with(&self) -> String {
        let base = match (self.protocol, self.utf8) {
            (Protocol::Smtp, false) => "SMTP",
            (Protocol::Esmtp, false) => "ESMTP",
            (Protocol::Lmtp, false) => "LMTP",
            (Protocol::Smtp | Protocol::Esmtp, true) => "UTF8SMTP",
            (Protocol::Lmtp, true) => "UTF8LMTP",
        };
        let tls = if self.tls.is_some() { "S" } else { "" };
        let authenticated = if self.authenticated { "A" } else { "" };
        if self.protocol == Protocol::Smtp && !self.utf8 {
            // HELO has neither.
            return base.to_owned();
        }
        format!("{base}{tls}{authenticated}")
    }

    /// What the client calls itself, if that can stand there.
    fn name(&self) -> &str {
        let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        let fits = !self.helo.is_empty() && self.helo.len() <= HELO_MAX && self.helo.bytes().all(harmless);
        if fits { &self.helo } else { "unknown" }
    }

    fn client(&self) -> String {
        let Some(peer) = self.peer else { return format!("from {} (local)", self.name()) };
        let literal = match peer.to_canonical() {
            IpAddr::V4(v4) => format!("[{v4}]"),
            IpAddr::V6(v6) => format!("[IPv6:{v6}]"),
        };
        match &self.peer_name {
            Some(name) => format!("from {} ({name} {literal})", self.name()),
            None => format!("from {} ({literal})", self.name()),
        }
    }
}

/// The Return-Path field, with its line end.
pub(super) fn return_path(reverse_path: Option<&Address>) -> String {
    match reverse_path {
        Some(address) => format!("Return-Path: <{address}>\r\n"),
        None => "Return-Path: <>\r\n".to_owned(),
    }
}

/// The Received field, with its line end.
pub(super) fn received(arrival: &Arrival, hostname: &str) -> String {
    let for_clause = match &arrival.only_recipient {
        Some(address) => format!("\r\n\tfor <{address}>"),
        None => String::new(),
    };
    // `tls` is one of the additional clauses, which come after `for` (RFC 5321 §4.4, RFC 8314 §4.3).
    let (comment, clause) = match &arrival.tls {
        Some((version, cipher)) => (format!(" ({version})"), format!("\r\n\ttls {cipher}")),
        None => (String::new(), String::new()),
    };
    format!(
        "Received: {client}\r\n\tby {hostname} with {with}{comment} id {trace}{for_clause}{clause};\r\n\t{date}\r\n",
        client = arrival.client(),
        with = arrival.with(),
        trace = arrival.trace,
        date = message::date::format(arrival.at, 0),
    )
}

/// The same for the trace, in one line.
pub(super) fn summary(arrival: &Arrival) -> String {
    format!("{} with {}", arrival.client(), arrival.with())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrival() -> Arrival {
        Arrival {
            trace: TraceId(0),
            at: Timestamp::from_unix_seconds(1_700_000_000),
            reverse_path: None,
            only_recipient: Some(Address::parse("ann@example.org").unwrap()),
            protocol: Protocol::Esmtp,
            utf8: false,
            helo: "mx.example.com".into(),
            peer: Some("192.0.2.1".parse().unwrap()),
            peer_name: Some("mail.example.com".into()),
            tls: Some(("TLS1.3".into(), "TLS_AES_128_GCM_SHA256".into())),
            authenticated: false,
        }
    }

    #[test]
    fn received_tells_who_how_when_and_for_whom() {
        let expected = "Received: from mx.example.com (mail.example.com [192.0.2.1])\r\n\
            \tby mail.example.org with ESMTPS (TLS1.3) id 00000000000000000000000000\r\n\
            \tfor <ann@example.org>\r\n\
            \ttls TLS_AES_128_GCM_SHA256;\r\n\
            \tTue, 14 Nov 2023 22:13:20 +0000\r\n";
        assert_eq!(received(&arrival(), "mail.example.org"), expected);
    }

    #[test]
    fn the_protocol_has_its_registered_name() {
        let with = |protocol, utf8, tls: bool, authenticated| {
            let tls = arrival().tls.filter(|_| tls);
            Arrival { protocol, utf8, tls, authenticated, ..arrival() }.with()
        };
        assert_eq!(with(Protocol::Esmtp, false, true, true), "ESMTPSA");
        assert_eq!(with(Protocol::Esmtp, true, true, false), "UTF8SMTPS");
        assert_eq!(with(Protocol::Lmtp, false, false, false), "LMTP");
        assert_eq!(with(Protocol::Lmtp, true, true, true), "UTF8LMTPSA");
        assert_eq!(with(Protocol::Smtp, false, false, false), "SMTP");
    }

    #[test]
    fn what_a_client_calls_itself_cannot_break_the_field() {
        for bad in ["", "a b", "a\r\nB: c", "(", "ä", &"a".repeat(HELO_MAX + 1)] {
            let arrival = Arrival { helo: bad.into(), peer_name: None, peer: None, tls: None, ..arrival() };
            let field = received(&arrival, "h");
            assert!(field.starts_with("Received: from unknown (local)\r\n\tby h with ESMTP id 0"), "{field}");
        }
        let v6 = Arrival { peer: Some("2001:db8::1".parse().unwrap()), peer_name: None, ..arrival() };
        assert_eq!(summary(&v6), "from mx.example.com ([IPv6:2001:db8::1]) with ESMTPS");
    }

    #[test]
    fn return_path_holds_any_reverse_path() {
        assert_eq!(return_path(None), "Return-Path: <>\r\n");
        let address = Address::parse("\"a b\"@example.org").unwrap();
        assert_eq!(return_path(Some(&address)), "Return-Path: <\"a b\"@example.org>\r\n");
    }
}
