//! Delivery status notifications (RFC 3464 in RFC 6522's multipart/report; RFC 6533 where an address needs UTF-8).

use crate::build::Builder;
use crate::date;
use types::{Address, Timestamp};

/// What became of one recipient (RFC 3464 §2.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It will not be delivered.
    Failed,
    /// Not yet; more attempts follow.
    Delayed,
    /// It was delivered.
    Delivered,
    /// It went to a server that reports nothing.
    Relayed,
    /// It went on to other recipients.
    Expanded,
}

impl Action {
    fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Relayed => "relayed",
            Self::Expanded => "expanded",
        }
    }
}

/// The report on one recipient (RFC 3464 §2.3).
#[derive(Clone, Debug)]
pub struct RecipientReport {
    /// The recipient as this server knows it.
    pub recipient: Address,
    /// ORCPT of the transaction, `type;address`, decoded (RFC 3461 §4.2).
    pub original_recipient: Option<String>,
    /// What happened.
    pub action: Action,
    /// Enhanced status code, such as `5.1.1` (RFC 3463).
    pub status: String,
    /// Which server answered.
    pub remote_mta: Option<String>,
    /// What it answered, its reply code first.
    pub diagnostic: Option<String>,
    /// When this was last tried.
    pub last_attempt: Option<Timestamp>,
    /// Until when it will be tried.
    pub will_retry_until: Option<Timestamp>,
}

/// How much of the message comes back (RFC 3461 §4.3).
#[derive(Clone, Copy, Debug)]
pub enum Returned<'a> {
    /// Its header block.
    Header(&'a [u8]),
    /// All of it.
    Message(&'a [u8]),
}

/// A delivery status notification.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// The name of this server.
    pub reporting_mta: &'a str,
    /// ENVID of the transaction, decoded (RFC 3461 §4.4).
    pub envelope_id: Option<&'a str>,
    /// When the message came.
    pub arrival: Option<Timestamp>,
    /// One group of fields for each.
    pub recipients: &'a [RecipientReport],
    /// The words for people.
    pub text: &'a str,
    /// What comes back.
    pub returned: Returned<'a>,
}

impl Report<'_> {
    /// The multipart/report to put under the fields of a message with [`Builder::content`].
    pub fn content(&self) -> Builder {
        let needs_utf8 = self.recipients.iter().any(|r| r.recipient.needs_utf8());
        let status_type = if needs_utf8 { "message/global-delivery-status" } else { "message/delivery-status" };
        let is_ascii = |bytes: &[u8]| bytes.is_ascii();
        let returned = match self.returned {
            Returned::Header(block) if is_ascii(block) => Builder::raw("text/rfc822-headers", block),
            Returned::Header(block) => Builder::raw("message/global-headers", block),
            Returned::Message(message) => Builder::raw("message/rfc822", message),
        };
        let parts = [Builder::text(self.text), Builder::raw(status_type, self.fields().as_bytes()), returned];
        Builder::multipart("report; report-type=delivery-status", &parts)
    }

    /// The machine's part (RFC 3464 §2.1).
    fn fields(&self) -> String {
        let mut out = String::new();
        put(&mut out, "Reporting-MTA", &format!("dns; {}", self.reporting_mta));
        if let Some(id) = self.envelope_id {
            put(&mut out, "Original-Envelope-Id", id);
        }
        if let Some(at) = self.arrival {
            put(&mut out, "Arrival-Date", &date::format(at, 0));
        }
        for recipient in self.recipients {
            out.push_str("\r\n");
            if let Some(original) = &recipient.original_recipient {
                put(&mut out, "Original-Recipient", &original.replacen(';', "; ", 1));
            }
            let kind = if recipient.recipient.needs_utf8() { "utf-8" } else { "rfc822" };
            put(&mut out, "Final-Recipient", &format!("{kind}; {}", recipient.recipient));
            put(&mut out, "Action", recipient.action.as_str());
            put(&mut out, "Status", &recipient.status);
            if let Some(mta) = &recipient.remote_mta {
                put(&mut out, "Remote-MTA", &format!("dns; {mta}"));
            }
            if let Some(diagnostic) = &recipient.diagnostic {
                put(&mut out, "Diagnostic-Code", &format!("smtp; {diagnostic}"));
            }
            if let Some(at) = recipient.last_attempt {
                put(&mut out, "Last-Attempt-Date", &date::format(at, 0));
            }
            if let Some(at) = recipient.will_retry_until {
                put(&mut out, "Will-Retry-Until", &date::format(at, 0));
            }
        }
        out
    }
}

/// Longest value that is passed on, in bytes: a peer's reply may be long, a line may not.
const VALUE_MAX: usize = 900;

/// Adds a field; what a peer wrote cannot add another.
fn put(out: &mut String, name: &str, value: &str) {
    let cut = value.get(..value.floor_char_boundary(VALUE_MAX)).unwrap_or_default();
    out.push_str(name);
    out.push_str(": ");
    out.extend(cut.chars().map(|c| if c.is_control() { ' ' } else { c }));
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scanner;

    fn recipient(address: &str) -> RecipientReport {
        RecipientReport {
            recipient: Address::parse(address).unwrap(),
            original_recipient: Some("rfc822;Old@example.org".to_owned()),
            action: Action::Failed,
            status: "5.1.1".to_owned(),
            remote_mta: Some("mx.example.org".to_owned()),
            diagnostic: Some("550 5.1.1 no such user\r\nAction: delivered".to_owned()),
            last_attempt: Some(Timestamp::from_unix_seconds(1_795_524_292)),
            will_retry_until: None,
        }
    }

    #[test]
    fn a_bounce_has_the_fields_of_rfc_3464() {
        let recipients = [recipient("ben@example.org")];
        let report = Report {
            reporting_mta: "mail.example.net",
            envelope_id: Some("QQ314159"),
            arrival: Some(Timestamp::from_unix_seconds(1_795_524_000)),
            recipients: &recipients,
            text: "It could not be delivered.\n",
            returned: Returned::Header(b"Subject: lost\r\n"),
        };
        let message = Builder::new().subject("Undelivered").content(report.content()).build();
        let text = String::from_utf8(message.clone()).unwrap();
        assert!(text.contains(
            "Content-Type: message/delivery-status\r\nContent-Transfer-Encoding: 7bit\r\n\r\n\
             Reporting-MTA: dns; mail.example.net\r\nOriginal-Envelope-Id: QQ314159\r\n\
             Arrival-Date: Tue, 24 Nov 2026 12:40:00 +0000\r\n\r\n\
             Original-Recipient: rfc822; Old@example.org\r\nFinal-Recipient: rfc822; ben@example.org\r\n\
             Action: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mx.example.org\r\n\
             Diagnostic-Code: smtp; 550 5.1.1 no such user  Action: delivered\r\n\
             Last-Attempt-Date: Tue, 24 Nov 2026 12:44:52 +0000\r\n"
        ));
        let types: Vec<_> = Scanner::scan(&message).parts().map(|p| p.media_type.to_owned()).collect();
        assert_eq!(types, ["multipart/report", "text/plain", "message/delivery-status", "text/rfc822-headers"]);
    }

    #[test]
    fn an_address_in_utf8_is_reported_in_utf8() {
        let recipients = [recipient("jörg@example.org")];
        let report = Report {
            reporting_mta: "mail.example.net",
            envelope_id: None,
            arrival: None,
            recipients: &recipients,
            text: "x",
            returned: Returned::Message(b"Subject: x\r\n\r\ny\r\n"),
        };
        let message = Builder::new().content(report.content()).build();
        let text = String::from_utf8(message).unwrap();
        assert!(text.contains("message/global-delivery-status") && text.contains("utf-8; jörg@example.org"));
    }
}
