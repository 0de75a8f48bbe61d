//! `postamt undelete`: what was deleted is listed as it comes, and brought back in steps.

use super::administer::ask;
use crate::cli::{Common, Undelete, WhichDeleted};
use crate::config::units::parse_span;
use crate::control::{Deleted, Request, escaped, shown_time};
use crate::print::say;
use anyhow::{Context as _, bail, ensure};
use jiff::civil;
use rustix::termios::isatty;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, Write as _, stderr, stdin};

/// How many characters of a sender and of a subject are shown.
const FROM_SHOWN: usize = 30;
const SUBJECT_SHOWN: usize = 32;
/// Most messages that one command names: what has more is said with words such as `--since`.
const IDS_MAX: usize = 1000;

pub(super) fn run(command: Undelete, common: &Common) -> anyhow::Result<()> {
    match command {
        Undelete::List { address, which } => list(&address, &deleted(which, Vec::new())?, common),
        Undelete::Restore { address, ids, which, yes } => {
            ensure!(
                ids.len() <= IDS_MAX,
                "one command names at most {IDS_MAX} messages; choose with --since, --from, --cause"
            );
            restore(&address, &deleted(which, ids)?, yes, common)
        }
    }
}

fn deleted(which: WhichDeleted, ids: Vec<String>) -> anyhow::Result<Deleted> {
    let WhichDeleted { since, from, cause, mailbox } = which;
    let since = since.as_deref().map(|text| moment(text, &jiff::ZonedDateTime::now())).transpose()?;
    Ok(Deleted { since, from, cause, mailbox, ids })
}

/// Milliseconds since 1970 of `3d` (ago), a day, or a day with a time, where the command is typed.
fn moment(text: &str, now: &jiff::ZonedDateTime) -> anyhow::Result<i64> {
    if let Some(ago) = parse_span(text) {
        let ago = i64::try_from(ago.as_millis()).context("that is longer ago than anything")?;
        return Ok(now.timestamp().as_millisecond().saturating_sub(ago));
    }
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(at.as_millisecond());
    }
    let local = text
        .parse::<civil::DateTime>()
        .with_context(|| format!("`{text}` is no time; write for example 3d, 12h, 2026-11-20 or 2026-11-20T18:00"))?;
    Ok(local.to_zoned_datetime(now.time_zone().clone())?.timestamp().as_millisecond())
}

fn list(address: &str, deleted: &Deleted, common: &Common) -> anyhow::Result<()> {
    let (mut cursor, mut count) = (None, 0_u64);
    if common.json {
        say("[");
    }
    loop {
        let request = Request::UndeleteList { address: address.into(), deleted: deleted.clone(), cursor };
        let answer = ask(&request, common)?;
        for row in answer.get("messages").and_then(Value::as_array).into_iter().flatten() {
            if common.json {
                say(&format!("{}{row}", if count == 0 { "\n" } else { ",\n" }));
            } else {
                say(&line(row, &jiff::ZonedDateTime::now()));
            }
            count += 1;
        }
        cursor = next(&answer);
        if cursor.is_none() {
            break;
        }
    }
    if common.json {
        say("\n]\n");
    } else if count == 0 {
        say("none\n");
    } else {
        let _ = writeln!(
            stderr(),
            "Restore: postamt undelete restore {address} ID …      all of these: the same options and --yes"
        );
    }
    Ok(())
}

fn next(answer: &Value) -> Option<String> {
    answer.get("next").and_then(Value::as_str).map(str::to_owned)
}

/// ` 1.17  23 Nov 09:12  chef@example.org  "Protokoll"  deleted 23 Nov 09:40 by IMAP`
fn line(row: &Value, now: &jiff::ZonedDateTime) -> String {
    let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
    let when = |key: &str| shown_time(text(key), now);
    let (removed, mailbox) = (when("deleted"), escaped(text("mailbox")));
    let what = match text("by") {
        "pop3" => format!("fetched {removed} by POP3"),
        "rule" => format!("removed {removed} by a rule"),
        "admin" => format!("removed {removed} by the operator"),
        _ if row.get("with mailbox") == Some(&json!(true)) => format!("deleted {removed} with {mailbox}"),
        _ => format!("deleted {removed} by IMAP"),
    };
    let place = match mailbox.as_str() {
        "" | "INBOX" => String::new(),
        _ if what.ends_with(&format!(" with {mailbox}")) => String::new(),
        name => format!(" from {name}"),
    };
    let from = shortened(text("from"), FROM_SHOWN);
    let subject = format!("\"{}\"", shortened(text("subject"), SUBJECT_SHOWN));
    let (id, received) = (text("id"), when("received"));
    let subject_width = SUBJECT_SHOWN + 2;
    format!("{id:>8}  {received:12}  {from:FROM_SHOWN$}  {subject:subject_width$}  {what}{place}\n")
}

fn shortened(text: &str, max: usize) -> String {
    let text = escaped(text);
    if text.chars().count() <= max {
        return text;
    }
    text.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}

fn restore(address: &str, deleted: &Deleted, yes: bool, common: &Common) -> anyhow::Result<()> {
    // Whoever names messages has seen them.
    if deleted.ids.is_empty() && !yes && !confirmed(address, deleted, common)? {
        bail!("nothing was restored");
    }
    let (mut cursor, mut restored, mut found) = (None, 0_u64, Vec::new());
    let mut mailboxes: BTreeMap<String, u64> = BTreeMap::new();
    loop {
        let request = Request::UndeleteRestore { address: address.into(), deleted: deleted.clone(), cursor };
        let answer = ask(&request, common)?;
        restored += answer.get("restored").and_then(Value::as_u64).unwrap_or(0);
        for (name, count) in answer.get("mailboxes").and_then(Value::as_object).into_iter().flatten() {
            *mailboxes.entry(name.clone()).or_default() += count.as_u64().unwrap_or(0);
        }
        let ids = answer.get("ids").and_then(Value::as_array).into_iter().flatten();
        found.extend(ids.filter_map(Value::as_str).map(str::to_owned));
        cursor = next(&answer);
        let is_all = !deleted.ids.is_empty() && deleted.ids.iter().all(|id| found.contains(id));
        if cursor.is_none() || is_all {
            break;
        }
        if !common.json && restored > 0 {
            let _ = writeln!(stderr(), "{restored} …");
        }
    }
    let missing: Vec<&String> = deleted.ids.iter().filter(|id| !found.contains(id)).collect();
    if common.json {
        say(&format!("{}\n", json!({"restored": restored, "mailboxes": mailboxes, "not found": missing})));
    } else {
        say(&told(restored, &mailboxes));
    }
    if !missing.is_empty() {
        let names: Vec<_> = missing.into_iter().map(|id| escaped(id)).collect();
        bail!("not among what can be had back: {}\n  hint  postamt undelete list {address}", names.join(" "));
    }
    Ok(())
}

fn told(restored: u64, mailboxes: &BTreeMap<String, u64>) -> String {
    let mut text = match restored {
        0 => return "nothing to restore\n".into(),
        1 => "1 message is back".to_owned(),
        many => format!("{many} messages are back"),
    };
    for (place, (name, count)) in mailboxes.iter().enumerate() {
        let before = if place == 0 { ": " } else { ", " };
        let _ = write!(text, "{before}{} {count}", escaped(name));
    }
    text + "\n"
}

/// Asks on a terminal whether what is meant is to come back.
fn confirmed(address: &str, deleted: &Deleted, common: &Common) -> anyhow::Result<bool> {
    let (mut cursor, mut count) = (None, 0_u64);
    loop {
        let request = Request::UndeleteCount { address: address.into(), deleted: deleted.clone(), cursor };
        let answer = ask(&request, common)?;
        count += answer.get("messages").and_then(Value::as_u64).unwrap_or(0);
        cursor = next(&answer);
        if cursor.is_none() {
            break;
        }
    }
    if count == 0 {
        return Ok(true);
    }
    ensure!(isatty(stdin()), "this brings {count} messages back to {address}; say so with --yes");
    write!(stderr(), "Bring {count} messages back to {address}? [y/N] ")?;
    let mut answer = String::new();
    stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "j" | "ja"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> jiff::ZonedDateTime {
        "2026-11-24T12:00:00[UTC]".parse().unwrap()
    }

    #[test]
    fn a_time_is_said_as_people_say_it() {
        let at = |text: &str| moment(text, &now()).unwrap();
        let noon = now().timestamp().as_millisecond();
        assert_eq!(at("3d"), noon - 3 * 86_400_000);
        assert_eq!(at("2026-11-24"), noon - 12 * 3_600_000);
        assert_eq!(at("2026-11-24T11:00"), noon - 3_600_000);
        assert_eq!(at("2026-11-24T11:00:00+01:00"), noon - 2 * 3_600_000);
        for bad in ["", "yesterday", "3", "2026-13-01"] {
            assert!(moment(bad, &now()).unwrap_err().to_string().contains("is no time"), "{bad}");
        }
    }

    #[test]
    fn a_line_tells_what_happened_to_a_message() {
        let row = |by: &str, mailbox: &str, whole: bool| {
            json!({"id": "1.17", "received": "2026-11-23T09:12:00Z", "from": "chef@example.org", "subject": "Protokoll",
                "octets": 7, "mailbox": mailbox, "with mailbox": whole, "deleted": "2025-12-24T09:40:00Z", "by": by})
        };
        let told = |by: &str, mailbox: &str, whole: bool| {
            let line = line(&row(by, mailbox, whole), &now());
            line.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let before = "1.17 23 Nov 09:12 chef@example.org \"Protokoll\"";
        assert_eq!(told("pop3", "INBOX", false), format!("{before} fetched 24 Dec 2025 by POP3"));
        assert_eq!(told("imap", "Archive", false), format!("{before} deleted 24 Dec 2025 by IMAP from Archive"));
        assert_eq!(told("imap", "Archive", true), format!("{before} deleted 24 Dec 2025 with Archive"));
        let nasty = json!({"from": "\u{1b}[2J".repeat(20), "subject": "x\r\ny"});
        assert!(!line(&nasty, &now()).trim_end().contains(char::is_control));
    }

    #[test]
    fn what_came_back_is_told_by_mailbox() {
        let mailboxes = BTreeMap::from([("INBOX".to_owned(), 2), ("Archive".to_owned(), 1)]);
        assert_eq!(told(3, &mailboxes), "3 messages are back: Archive 1, INBOX 2\n");
        assert_eq!(told(0, &BTreeMap::new()), "nothing to restore\n");
    }
}
