//! Twelve messages to begin with: umlauts, a thread, an attachment, HTML, a forwarded message, a long one.

use anyhow::Context as _;
use domain::{Account, FlagNames, NewMessage};
use std::time::Duration;
use types::{Flags, MailboxName, SpecialUse, Timestamp};

/// A message, how many hours ago it came, and where it lies.
struct Sample {
    raw: &'static str,
    hours_ago: u64,
    seen: bool,
}

macro_rules! sample {
    ($file:literal, $hours:literal, $seen:literal) => {
        Sample { raw: include_str!(concat!("../../samples/", $file)), hours_ago: $hours, seen: $seen }
    };
}

const SAMPLES: [Sample; 12] = [
    sample!("12.eml", 400, true),
    sample!("10.eml", 300, true),
    sample!("09.eml", 220, true),
    sample!("08.eml", 170, true),
    sample!("07.eml", 120, false),
    sample!("06.eml", 96, true),
    sample!("11.eml", 72, true),
    sample!("02.eml", 50, false),
    sample!("03.eml", 30, true),
    sample!("04.eml", 29, true),
    sample!("05.eml", 28, false),
    sample!("01.eml", 0, false),
];

/// Puts the samples into the mailbox of one of the people: all into anna's INBOX; ben has the mails he sent in `Sent`.
pub(super) async fn put(account: &Account, name: &str, now: Timestamp) -> anyhow::Result<()> {
    let mailboxes = account.mailboxes().await?;
    let inbox = mailboxes.get(&MailboxName::inbox()).context("there is no INBOX")?.id;
    let sent = mailboxes.special(SpecialUse::Sent).map_or(inbox, |m| m.id);
    let mut messages = Vec::new();
    for sample in SAMPLES {
        let from_ben = sample.raw.contains("From: Ben Muster");
        if name == "ben" && !from_ben {
            continue;
        }
        let date = now.before(Duration::from_secs(sample.hours_ago * 3600));
        let mut staging = account.stage(None).await?;
        staging.write(dated(sample.raw, date).as_bytes()).await?;
        let mut message = NewMessage::new(staging.finish().await?);
        message.internal_date = Some(date);
        message.flags = FlagNames::system(if sample.seen || name == "ben" { Flags::SEEN } else { Flags::NONE });
        messages.push(message);
    }
    account.append(if name == "ben" { sent } else { inbox }, messages).await?;
    Ok(())
}

/// The message that the printed curl command sends.
pub(super) fn hello() -> String {
    let now = jiff::Timestamp::now().as_millisecond();
    dated(include_str!("../../samples/hello.eml"), Timestamp(now))
}

fn dated(raw: &str, date: Timestamp) -> String {
    raw.replacen("@DATE@", &message::date::format(date, 0), 1)
}
