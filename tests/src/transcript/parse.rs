//! Reads the lines of a transcript.

use super::{Action, Given, Label, Step, Transcript};
use crate::backend::Protocol;
use crate::pattern::{Pattern, parse_sent};
use anyhow::{Context, bail};
use std::time::Duration;

/// Any number of lines.
const SKIP: &str = "⋮";
/// The end of the connection.
const CLOSED: &str = "‹closed›";
/// The client's TLS handshake.
const TLS: &str = "‹tls›";

/// The client compresses from here on.
const DEFLATE: &str = "‹deflate›";

/// Who speaks in a line.
enum Speaker {
    Client(Label),
    Server(Label),
    /// One of several lines in any order.
    ServerAnyOrder(Label),
}

pub(super) fn parse(path: &str, text: &str) -> anyhow::Result<Transcript> {
    let folder = path.split('/').next().unwrap_or_default();
    let home = Protocol::by_folder(folder).with_context(|| format!("no protocol is called {folder}"))?;
    let mut steps: Vec<Step> = Vec::new();
    let mut in_group = None;
    for (index, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let number = index + 1;
        let read = || -> anyhow::Result<(Vec<Action>, Option<Label>)> {
            let (prefix, rest) = line.split_once(':').context("`WHO: what`")?;
            let rest = rest.trim_start();
            match prefix {
                "given" => Ok((Given::parse(home, rest)?.into_iter().map(Action::Given).collect(), None)),
                "admin" if rest == "undelete" => Ok((vec![Action::Undelete], None)),
                "admin" if rest.starts_with("set ") => {
                    let mut words = rest.split(' ').skip(1).map(str::to_owned);
                    let address = words.next().context("for whom?")?;
                    Ok((vec![Action::Set(address, words.collect())], None))
                }
                "admin" => bail!("`{rest}` is nothing that the operator can do"),
                "wait" => Ok((vec![Action::Wait(parse_wait(rest)?)], None)),
                _ => speech(&speaker(home, prefix)?, rest),
            }
        };
        let (actions, group) = read().with_context(|| format!("line {number}: {line}"))?;
        for action in actions {
            add(&mut steps, number, action, group.is_some() && group == in_group);
        }
        in_group = group;
    }
    Ok(Transcript { path: path.to_owned(), steps })
}

/// Adds a step, or a further line to the group before it.
fn add(steps: &mut Vec<Step>, line: usize, action: Action, same_group: bool) {
    if let (true, Action::Expect(_, more), Some(Step { action: Action::Expect(_, lines), .. })) =
        (same_group, &action, steps.last_mut())
    {
        lines.extend(more.iter().cloned());
        return;
    }
    steps.push(Step { line, action });
}

/// `C`, `C2`, `S2`, `SP`, `S*`.
fn speaker(home: Protocol, prefix: &str) -> anyhow::Result<Speaker> {
    if let Some(label) = label(home, prefix) {
        return Ok(Speaker::Client(label));
    }
    let (rest, any_order) = prefix.strip_suffix('*').map_or((prefix, false), |rest| (rest, true));
    let of = rest.strip_prefix('S').with_context(|| format!("nobody is called `{prefix}`"))?;
    let named = if of.starts_with(|c: char| c.is_ascii_uppercase()) { of.to_owned() } else { format!("C{of}") };
    let label = label(home, &named).with_context(|| format!("nobody is called `{prefix}`"))?;
    Ok(if any_order { Speaker::ServerAnyOrder(label) } else { Speaker::Server(label) })
}

/// A connection by its name.
pub(super) fn label(home: Protocol, name: &str) -> Option<Label> {
    let mut chars = name.chars();
    let protocol = match chars.next()? {
        'C' => home,
        letter => Protocol::by_letter(letter)?,
    };
    let number = match chars.as_str() {
        "" => 1,
        digit => digit.parse().ok().filter(|number| (2..=9).contains(number))?,
    };
    Some(Label { protocol, number })
}

/// What a line means, and the group of lines in any order that it belongs to.
fn speech(speaker: &Speaker, text: &str) -> anyhow::Result<(Vec<Action>, Option<Label>)> {
    let actions = match (speaker, text) {
        (Speaker::Client(label), TLS) => vec![Action::Upgrade(*label)],
        (Speaker::Client(label), DEFLATE) => vec![Action::Compress(*label)],
        (Speaker::Client(label), CLOSED) => vec![Action::Close(*label)],
        (Speaker::Client(label), _) => vec![Action::Send(*label, parse_sent(text)?)],
        (Speaker::Server(label), SKIP) => vec![Action::Skip(*label)],
        (Speaker::Server(label), CLOSED) => vec![Action::ExpectClosed(*label)],
        (Speaker::Server(label), _) => {
            Pattern::parse(text)?.lines().into_iter().map(|line| Action::Expect(*label, vec![line])).collect()
        }
        (Speaker::ServerAnyOrder(label), _) => {
            return Ok((vec![Action::Expect(*label, vec![Pattern::parse(text)?])], Some(*label)));
        }
    };
    Ok((actions, None))
}

/// `31 minutes`
fn parse_wait(text: &str) -> anyhow::Result<Duration> {
    let (count, unit) = text.split_once(' ').context("`wait: 31 minutes`")?;
    let seconds = match unit.trim_end_matches('s') {
        "second" => 1,
        "minute" => 60,
        "hour" => 60 * 60,
        "day" => 24 * 60 * 60,
        _ => bail!("`{unit}` is no unit of time"),
    };
    Ok(Duration::from_secs(count.parse::<u64>().context("a number")? * seconds))
}

#[cfg(test)]
#[path = "parse/tests.rs"]
mod tests;
