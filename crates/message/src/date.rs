//! Dates of header fields (RFC 5322 §3.3, obsolete forms of §4.3), read and written.

use crate::lexer::{Alphabet, Kind, Tokens};
use crate::summary::SentDate;
use types::Timestamp;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// How many bytes of a date are looked at.
const DATE_MAX: usize = 128;

/// A calendar day with a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Civil {
    year: i64,
    /// 1 to 12.
    month: i64,
    day: i64,
    /// Seconds since midnight.
    second: i64,
}

/// Days since 1970-01-01 of a day in the proleptic Gregorian calendar, from the count of days in 400-year cycles that
/// begin in March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let cycle = year.div_euclid(400);
    let year_of_cycle = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_cycle = year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year;
    cycle * 146_097 + day_of_cycle - 719_468
}

/// The day that many days after 1970-01-01: year, month, day.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let cycle = days.div_euclid(146_097);
    let day_of_cycle = days.rem_euclid(146_097);
    let year_of_cycle = (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_cycle + cycle * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// Reads a Date field. `None` if there is no day, month and year in it. A zone that is not known is taken for UTC
/// (RFC 5322 §4.3), and so is a time that cannot be read: for midnight (RFC 5256 §2.2).
pub fn parse(value: &[u8]) -> Option<SentDate> {
    let mut words = Words(Tokens::new(value.get(..DATE_MAX).unwrap_or(value), Alphabet::Date));
    let mut first = words.next()?;
    if !first.first()?.is_ascii_digit() {
        // A day of the week.
        first = words.next()?;
    }
    // `1-Jan-2026` is met too.
    let (day, month, year) = match first.split(|b| *b == b'-').collect::<Vec<_>>().as_slice() {
        [day, month, year] => (day.to_vec(), month.to_vec(), year.to_vec()),
        _ => (first, words.next()?, words.next()?),
    };
    let month = MONTHS
        .iter()
        .zip(1..)
        .find(|(name, _)| month.get(..3).is_some_and(|m| m.eq_ignore_ascii_case(name.as_bytes())))?;
    let day = number(&day, 2)?;
    let year = full_year(&year)?;
    if !(1..=days_in_month(year, month.1)).contains(&day) {
        return None;
    }
    let time = words.next().and_then(|time| time_of_day(&time));
    let (second, offset) = match time {
        Some(second) => (second, words.next().map_or(0, |zone| zone_minutes(&zone))),
        None => (0, 0),
    };
    let civil = Civil { year, month: month.1, day, second };
    let seconds = days_from_civil(civil.year, civil.month, civil.day) * 86_400 + civil.second - i64::from(offset) * 60;
    Some(SentDate { at: Timestamp::from_unix_seconds(seconds), offset_minutes: offset })
}

/// Words between white space, comments and commas.
struct Words<'a>(Tokens<'a>);

impl Words<'_> {
    fn next(&mut self) -> Option<Vec<u8>> {
        let token = self.0.find(|token| token.kind != Kind::Comment && !token.is(b','))?;
        (token.kind == Kind::Word).then(|| token.text.to_vec())
    }
}

fn number(digits: &[u8], length_max: usize) -> Option<i64> {
    if digits.is_empty() || digits.len() > length_max {
        return None;
    }
    digits
        .iter()
        .try_fold(0i64, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit.saturating_sub(b'0'))))
}

/// Two and three digits count from 1900, two below 50 from 2000 (RFC 5322 §4.3).
fn full_year(digits: &[u8]) -> Option<i64> {
    let year = number(digits, 4)?;
    Some(match (digits.len(), year) {
        (1 | 2, 0..50) => year + 2000,
        (1..=3, _) => year + 1900,
        _ => year,
    })
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// `hour ":" minute [":" second]`; dots for colons are met. A leap second is the one before it.
fn time_of_day(text: &[u8]) -> Option<i64> {
    let mut fields = text.split(|b| matches!(b, b':' | b'.'));
    let hour = number(fields.next()?, 2).filter(|h| *h < 24)?;
    let minute = number(fields.next()?, 2).filter(|m| *m < 60)?;
    let second = fields.next().map_or(Some(0), |s| number(s, 2)).filter(|s| *s <= 60)?;
    Some(hour * 3600 + minute * 60 + second.min(59))
}

/// Minutes east of Greenwich.
fn zone_minutes(zone: &[u8]) -> i16 {
    let (sign, digits) = match zone.split_first() {
        Some((b'+', digits)) => (1, digits),
        Some((b'-', digits)) => (-1, digits),
        _ => {
            const NAMES: [(&str, i16); 10] = [
                ("EST", -300),
                ("EDT", -240),
                ("CST", -360),
                ("CDT", -300),
                ("MST", -420),
                ("MDT", -360),
                ("PST", -480),
                ("PDT", -420),
                ("UT", 0),
                ("GMT", 0),
            ];
            let named = NAMES.iter().find(|(name, _)| zone.eq_ignore_ascii_case(name.as_bytes()));
            return named.map_or(0, |(_, minutes)| *minutes);
        }
    };
    let Some(value) = number(digits, 4).filter(|_| digits.len() == 4) else { return 0 };
    let minutes = (value / 100) * 60 + value % 100;
    i16::try_from(minutes).ok().filter(|m| *m < 24 * 60).unwrap_or(0) * sign
}

/// A time as calendar and clock show it somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// From 1 to 9999.
    pub year: u16,
    /// From 1 to 12.
    pub month: u8,
    /// From 1 to 31.
    pub day: u8,
    /// From 0 to 23.
    pub hour: u8,
    /// From 0 to 59.
    pub minute: u8,
    /// From 0 to 59.
    pub second: u8,
}

/// What calendar and clock show so many minutes east of Greenwich. Times beyond the years 1 to 9999 are shown on the nearest
/// day within.
pub fn local(at: Timestamp, offset_minutes: i16) -> LocalTime {
    let local = at.unix_seconds().saturating_add(i64::from(offset_minutes) * 60);
    let second = local.rem_euclid(86_400);
    let (year, month, day) = civil_from_days(local.div_euclid(86_400).clamp(-719_162, 2_932_896));
    let small = |number: i64| u8::try_from(number).unwrap_or(0);
    LocalTime {
        year: u16::try_from(year).unwrap_or(0),
        month: small(month),
        day: small(day),
        hour: small(second / 3600),
        minute: small(second / 60 % 60),
        second: small(second % 60),
    }
}

/// Writes a date as header fields have it: `Tue, 24 Nov 2026 13:44:52 +0100` (RFC 5322 §3.3).
pub fn format(at: Timestamp, offset_minutes: i16) -> String {
    let LocalTime { year, month, day, hour, minute, second } = local(at, offset_minutes);
    let days = at.unix_seconds().saturating_add(i64::from(offset_minutes) * 60).div_euclid(86_400);
    // 1970-01-01 was a Thursday.
    let weekday = usize::try_from((days + 3).rem_euclid(7)).ok().and_then(|d| DAYS.get(d)).unwrap_or(&"Mon");
    let month = usize::from(month).checked_sub(1).and_then(|m| MONTHS.get(m)).unwrap_or(&"Jan");
    let sign = if offset_minutes < 0 { '-' } else { '+' };
    let offset = offset_minutes.unsigned_abs();
    format!(
        "{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} {sign}{:02}{:02}",
        offset / 60,
        offset % 60
    )
}

impl SentDate {
    /// The day as written, without its zone: days since 1970-01-01. SENTSINCE and its like compare this.
    pub fn day(self) -> i64 {
        self.at.unix_seconds().saturating_add(i64::from(self.offset_minutes) * 60).div_euclid(86_400)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_all_their_forms() {
        for (text, seconds, offset) in [
            ("Tue, 24 Nov 2026 13:44:52 +0100", 1_795_524_292, 60),
            ("24 Nov 2026 13:44 +0100 (CET)", 1_795_524_240, 60),
            ("Tue (x), 24 (y) nov 26 13:44:52 EST", 1_795_545_892, -300),
            ("Thu, 1 Jan 70 00:00:00 Z", 0, 0),
            ("Thu, 1 Jan 1970 00:00:00 -0000", 0, 0),
            ("Fri, 31 Dec 1999 23:59:60 GMT", 946_684_799, 0),
            ("1-Jan-2026 12.30 +0000", 1_767_270_600, 0),
            ("Mon, 29 Feb 2024 00:00:00 +1400", 1_709_114_400, 840),
            ("Sat, 1 Jan 100 00:00:00 junk", 946_684_800, 0),
            ("1 Jan 2026", 1_767_225_600, 0),
            ("1 Jan 2026 24:00 +0100", 1_767_225_600, 0),
            ("1 Jan 2026 noon -0800", 1_767_225_600, 0),
        ] {
            let want = SentDate { at: Timestamp::from_unix_seconds(seconds), offset_minutes: offset };
            assert_eq!(parse(text.as_bytes()), Some(want), "{text}");
        }
        for bad in ["", "Tue", "30 Feb 2026 00:00 +0000", "1 Foo 2026 00:00", "1 Jan", "(((("] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for (seconds, offset) in [(0, 0), (1_795_524_292, 60), (-86_401, -690), (4_102_444_800, 840), (951_782_400, 0)]
        {
            let at = Timestamp::from_unix_seconds(seconds);
            let text = format(at, offset);
            assert_eq!(parse(text.as_bytes()), Some(SentDate { at, offset_minutes: offset }), "{text}");
        }
        assert_eq!(format(Timestamp::from_unix_seconds(1_795_524_292), 60), "Tue, 24 Nov 2026 13:44:52 +0100");
    }

    #[test]
    fn the_day_is_that_of_the_writer() {
        assert_eq!(parse(b"1 Jan 1970 23:30:00 -0800").unwrap().day(), 0);
        assert_eq!(parse(b"2 Jan 1970 00:30:00 +0800").unwrap().day(), 1);
    }
}
