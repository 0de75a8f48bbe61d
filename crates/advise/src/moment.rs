//! Times and numbers as people read them.

use crate::Language;
use crate::texts::numbers;
use message::date::{self, LocalTime};
use std::time::Duration;
use types::Timestamp;

/// A time, with the distance from UTC that holds then where its reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The time.
    pub at: Timestamp,
    /// How many minutes the clocks there are ahead of UTC.
    pub offset_minutes: i16,
}

const MONTHS_DE: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];
const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl Moment {
    fn local(self) -> LocalTime {
        date::local(self.at, self.offset_minutes)
    }

    /// The day without its year: `27. November`, `27 November`.
    pub fn day(self, language: Language) -> String {
        let LocalTime { month, day, .. } = self.local();
        let name = |names: [&'static str; 12]| usize::from(month).checked_sub(1).and_then(|m| names.get(m).copied());
        match language {
            Language::De => format!("{day}. {}", name(MONTHS_DE).unwrap_or_default()),
            Language::En => format!("{day} {}", name(MONTHS_EN).unwrap_or_default()),
        }
    }

    /// The whole of it: `27. November 2026, 18:04 Uhr (UTC+1)`.
    pub fn full(self, language: Language) -> String {
        let LocalTime { year, hour, minute, .. } = self.local();
        let day = self.day(language);
        let clock = match language {
            Language::De => " Uhr",
            Language::En => "",
        };
        format!("{day} {year}, {hour:02}:{minute:02}{clock} ({})", self.zone())
    }

    fn zone(self) -> String {
        let ahead = self.offset_minutes.unsigned_abs();
        let sign = if self.offset_minutes < 0 { '-' } else { '+' };
        match (ahead / 60, ahead % 60) {
            (0, 0) => "UTC".to_owned(),
            (hours, 0) => format!("UTC{sign}{hours}"),
            (hours, minutes) => format!("UTC{sign}{hours}:{minutes:02}"),
        }
    }
}

/// A long time, in whole days or, below two, in hours; at least one.
pub(crate) fn span(language: Language, duration: Duration) -> String {
    let hours = duration.as_secs() / 3600;
    let (count, one, many) = if hours >= 48 {
        (hours / 24, numbers::DAY, numbers::DAYS)
    } else {
        (hours.max(1), numbers::HOUR, numbers::HOURS)
    };
    let text = if count == 1 { one } else { many };
    text.with(language, &[("count", &count.to_string())])
}

/// So many messages.
pub(crate) fn messages(language: Language, count: u64) -> String {
    let text = if count == 1 { numbers::MESSAGE } else { numbers::MESSAGES };
    text.with(language, &[("count", &count.to_string())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_each_language_does() {
        let moment = |offset_minutes| Moment { at: Timestamp::from_unix_seconds(1_795_524_292), offset_minutes };
        assert_eq!(moment(60).full(Language::De), "24. November 2026, 13:44 Uhr (UTC+1)");
        assert_eq!(moment(0).full(Language::En), "24 November 2026, 12:44 (UTC)");
        assert_eq!(moment(-210).full(Language::En), "24 November 2026, 09:14 (UTC-3:30)");
        assert_eq!(moment(720).day(Language::De), "25. November");
    }

    #[test]
    fn numbers_have_their_plural() {
        let hours = |h| span(Language::De, Duration::from_hours(h));
        assert_eq!([0, 1, 47, 48, 720].map(hours), ["1 Stunde", "1 Stunde", "47 Stunden", "2 Tage", "30 Tage"]);
        assert_eq!(span(Language::En, Duration::from_hours(720)), "30 days");
        assert_eq!([1, 2].map(|n| messages(Language::En, n)), ["1 message", "2 messages"]);
        assert_eq!([1, 0].map(|n| messages(Language::De, n)), ["1 Nachricht", "0 Nachrichten"]);
    }
}
