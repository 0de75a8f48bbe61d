//! `postamt ban`: who may not connect, and why.

use super::super::protocol::Failure;
use super::{Answer, Handler};
use domain::{Ban, BanError, BanInfo, BannedBy, Why};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::time::Duration;
use types::{AddressRange, Timestamp};

fn range(text: &str) -> Result<AddressRange, Failure> {
    text.parse().map_err(|error: types::AddressRangeError| {
        Failure::new(format!("`{text}` cannot be banned"), error.to_string(), "write it as 192.0.2.9 or 192.0.2.0/24")
    })
}

fn failed(what: String, error: &BanError) -> Failure {
    let hint = match error {
        BanError::Private => "see `postamt status`; --force bans it all the same",
        BanError::Operator(_) => "--force bans it all the same",
        BanError::Full => "ban a larger range in place of many addresses: 192.0.2.0/24",
        BanError::NotBanned => "postamt ban list",
        BanError::Reason => "say it in fewer words",
        BanError::Directory(_) => "try again; postamt status, then the log",
    };
    Failure::new(what, error.to_string(), hint)
}

fn time(at: Timestamp) -> String {
    let at = Timestamp::from_unix_seconds(at.unix_seconds());
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| at.0.to_string(), |at| at.to_string())
}

fn until(ban: &Ban) -> String {
    ban.until.map_or_else(|| "for ever".to_owned(), time)
}

fn by(ban: &Ban) -> &'static str {
    match ban.by {
        BannedBy::Operator => "operator",
        BannedBy::Failures => "failures",
    }
}

fn shown(range: AddressRange, ban: &Ban) -> Value {
    let (range, since) = (range.to_string(), time(ban.since));
    json!({ "address": range, "until": until(ban), "by": by(ban), "reason": ban.reason, "since": since })
}

/// One ban as a sentence.
fn told(range: AddressRange, ban: &Ban, now: Timestamp) -> String {
    let who = match ban.by {
        BannedBy::Operator => "by the operator",
        BannedBy::Failures => "by itself",
    };
    let reason = if ban.reason.is_empty() { "no reason given" } else { &ban.reason };
    let since = time(ban.since);
    if ban.holds(now) {
        let until = ban.until.map_or_else(|| "for ever".to_owned(), |until| format!("until {}", time(until)));
        return format!("{range} is banned {until}; banned {who} at {since}: {reason}");
    }
    let ended = match (ban.lifted, ban.until) {
        (Some(lifted), _) => format!("taken back or replaced at {}", time(lifted)),
        (None, Some(until)) => format!("over since {}", time(until)),
        (None, None) => "over".to_owned(),
    };
    format!("{range} was banned {who} at {since}, {ended}: {reason}")
}

/// What is known of an address, in plain words, the newest first.
fn why(address: IpAddr, why: &Why, now: Timestamp) -> Vec<String> {
    let mut bans: Vec<_> =
        why.bans.iter().flat_map(|BanInfo { range, history }| history.iter().map(|ban| (*range, ban))).collect();
    bans.sort_by_key(|(_, ban)| (!ban.holds(now), std::cmp::Reverse(ban.since)));
    let mut lines = Vec::new();
    if !bans.iter().any(|(_, ban)| ban.holds(now)) {
        lines.push(format!("{address} is not banned"));
    }
    lines.extend(bans.iter().map(|(range, ban)| told(*range, ban, now)));
    match why.failures_max {
        None => lines.push("failed sign-ins ban nobody: bans.automatic is off".to_owned()),
        Some(max) => {
            lines.push(format!("failed sign-ins that count against it now: {} (more than {max} ban)", why.failures));
        }
    }
    if why.is_trusted {
        lines.push("somebody signed in from its network lately, so failures slow it down but do not ban it".to_owned());
    }
    if AddressRange::single(address).meets_private() {
        lines.push("it is of this machine or a private network: failures do not ban it".to_owned());
    }
    lines
}

impl Handler {
    pub(super) fn ban_list(&self) -> Value {
        let all = self.core.shared.directory.ban_list();
        all.iter().filter_map(|info| Some(shown(info.range, info.history.last()?))).collect()
    }

    pub(super) async fn ban_add(&self, text: &str, seconds: Option<u64>, reason: &str, forced: bool) -> Answer {
        let range = range(text)?;
        let time = seconds.map(Duration::from_secs);
        let added = self.core.shared.directory.ban_add(range, time, reason, forced).await;
        let ban = added.map_err(|error| failed(format!("{range} is not banned"), &error))?;
        Ok(shown(range, &ban))
    }

    pub(super) async fn ban_remove(&self, text: &str) -> Answer {
        let range = range(text)?;
        let removed = self.core.shared.directory.ban_remove(range).await;
        removed.map_err(|error| failed(format!("no ban of {range} to take back"), &error))?;
        Ok(json!({ "no longer banned": range.to_string() }))
    }

    pub(super) fn ban_why(&self, text: &str) -> Answer {
        let address = range(text)?.base();
        let known = self.core.shared.directory.ban_why(address);
        Ok(why(address, &known, self.core.shared.clock.now()).into())
    }

    /// What `postamt status` says of where clients come from; null where all is well.
    pub(super) fn client_addresses(&self) -> Value {
        self.core.doorkeeper.gateway().map_or(Value::Null, |gateway| {
            let trouble = "every client comes from the private address";
            let hint = "a gateway (such as Docker's) hides where people are, so guessers and owners look alike";
            format!("{trouble} {gateway}: {hint}; let the server see real addresses").into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_tells_the_history_in_plain_words() {
        let address: IpAddr = "192.0.2.9".parse().unwrap();
        let ban = |since, until, by, reason: &str, lifted| Ban {
            since: Timestamp::from_unix_seconds(since),
            until: Some(Timestamp::from_unix_seconds(until)),
            by,
            reason: reason.into(),
            lifted,
        };
        let own = vec![
            ban(0, 600, BannedBy::Failures, "41 failed sign-ins", None),
            ban(3600, 4800, BannedBy::Failures, "41 failed sign-ins", None),
        ];
        let around = vec![ban(1000, 9000, BannedBy::Operator, "", Some(Timestamp::from_unix_seconds(1200)))];
        let info = |range: &str, history| BanInfo { range: range.parse().unwrap(), history };
        let bans = vec![info("192.0.2.0/24", around), info("192.0.2.9", own)];
        let known = Why { bans, failures: 3, failures_max: Some(40), is_trusted: false };
        let lines = why(address, &known, Timestamp::from_unix_seconds(4000));
        assert_eq!(
            lines,
            [
                "192.0.2.9 is banned until 1970-01-01T01:20:00Z; banned by itself at 1970-01-01T01:00:00Z: 41 failed sign-ins",
                "192.0.2.0/24 was banned by the operator at 1970-01-01T00:16:40Z, taken back or replaced at \
                 1970-01-01T00:20:00Z: no reason given",
                "192.0.2.9 was banned by itself at 1970-01-01T00:00:00Z, over since 1970-01-01T00:10:00Z: 41 failed sign-ins",
                "failed sign-ins that count against it now: 3 (more than 40 ban)",
            ]
        );
        let nothing = Why { bans: Vec::new(), failures: 0, failures_max: None, is_trusted: true };
        assert_eq!(why(address, &nothing, Timestamp(0)).len(), 3);
        assert_eq!(why(address, &nothing, Timestamp(0))[0], "192.0.2.9 is not banned");
    }
}
