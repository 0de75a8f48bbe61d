//! Calendar dates and INTERNALDATE (RFC 3501 §9 `date`, `date-time`).

use super::{Cursor, ParseError};
use types::Timestamp;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const SECONDS_PER_DAY: i64 = 86_400;

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: i64,
    month: i64,
    day: i64,
}

impl Date {
    /// The day, if the calendar has it. Years have four digits.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let (year, month, day) = (i64::from(year), i64::from(month), i64::from(day));
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return None,
        };
        (year <= 9999 && (1..=days).contains(&day)).then_some(Self { year, month, day })
    }

    /// Days from 1970-01-01 to this one; negative before it.
    pub fn days_since_1970(self) -> i64 {
        // March is taken as the first month, so that the leap day is the last of its year.
        let year = if self.month <= 2 { self.year - 1 } else { self.year };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((self.month + 9) % 12) + 2) / 5 + self.day - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
    }

    /// The day that is so many days after 1970-01-01.
    pub fn from_days_since_1970(days: i64) -> Self {
        let days = days.saturating_add(719_468);
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        Self { year: year_of_era + era * 400 + i64::from(month <= 2), month, day }
    }

    /// The moment this day begins in UTC: what BEFORE, ON and SINCE compare INTERNALDATE with.
    pub fn start(self) -> Timestamp {
        Timestamp::from_unix_seconds(self.days_since_1970() * SECONDS_PER_DAY)
    }

    /// The moment the next day begins in UTC.
    pub fn end(self) -> Timestamp {
        Timestamp::from_unix_seconds((self.days_since_1970() + 1) * SECONDS_PER_DAY)
    }

    /// Reads a day as SEARCH has it.
    ///
    /// ```text
    /// date      = date-text / DQUOTE date-text DQUOTE
    /// date-text = date-day "-" date-month "-" date-year
    /// date-day  = 1*2DIGIT
    /// ```
    pub fn parse(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        let quoted = cursor.take_if(b'"');
        let day = digits(cursor, 1, 2)?;
        let date = parse_month_and_year(cursor, day)?;
        if quoted {
            cursor.expect(b'"', "A date is not closed")?;
        }
        Ok(date)
    }
}

fn broken() -> ParseError {
    ParseError::Syntax("A date is not well formed")
}

fn digits(cursor: &mut Cursor<'_>, least: usize, most: usize) -> Result<u16, ParseError> {
    let mut value = 0u16;
    let mut count = 0;
    while count < most {
        let Some(digit) = cursor.peek().filter(u8::is_ascii_digit) else { break };
        cursor.take_if(digit);
        value = value * 10 + u16::from(digit - b'0');
        count += 1;
    }
    if count < least { Err(broken()) } else { Ok(value) }
}

fn parse_month_and_year(cursor: &mut Cursor<'_>, day: u16) -> Result<Date, ParseError> {
    cursor.expect(b'-', "A date is not well formed")?;
    let month = MONTHS.iter().zip(1u8..).find(|(name, _)| cursor.take_word(name)).ok_or_else(broken)?.1;
    cursor.expect(b'-', "A date is not well formed")?;
    let year = digits(cursor, 4, 4)?;
    let day = u8::try_from(day).map_err(|_| broken())?;
    Date::new(year, month, day).ok_or(ParseError::Syntax("There is no such day"))
}

/// Reads the date of an APPEND.
///
/// ```text
/// date-time      = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
/// date-day-fixed = (SP DIGIT) / 2DIGIT
/// time           = 2DIGIT ":" 2DIGIT ":" 2DIGIT
/// zone           = ("+" / "-") 4DIGIT
/// ```
/// A leap second is read as the second after it. A day of one digit without the space before it is forgiven.
pub fn parse_date_time(cursor: &mut Cursor<'_>) -> Result<Timestamp, ParseError> {
    cursor.expect(b'"', "A date is not well formed")?;
    let day = if cursor.take_if(b' ') { digits(cursor, 1, 1)? } else { digits(cursor, 1, 2)? };
    let date = parse_month_and_year(cursor, day)?;
    cursor.space()?;
    let hour = digits(cursor, 2, 2)?;
    cursor.expect(b':', "A time is not well formed")?;
    let minute = digits(cursor, 2, 2)?;
    cursor.expect(b':', "A time is not well formed")?;
    let second = digits(cursor, 2, 2)?;
    cursor.space()?;
    let east = if cursor.take_if(b'+') {
        1
    } else {
        cursor.expect(b'-', "A time zone is missing")?;
        -1
    };
    let zone_hours = digits(cursor, 2, 2)?;
    let zone_minutes = digits(cursor, 2, 2)?;
    cursor.expect(b'"', "A date is not closed")?;
    if hour > 23 || minute > 59 || second > 60 || zone_hours > 23 || zone_minutes > 59 {
        return Err(ParseError::Syntax("There is no such time"));
    }
    let [hour, minute, second] = [hour, minute, second].map(i64::from);
    let zone = east * (i64::from(zone_hours) * 3600 + i64::from(zone_minutes) * 60);
    let seconds = date.days_since_1970() * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - zone;
    Ok(Timestamp::from_unix_seconds(seconds))
}

/// The moment in the form of INTERNALDATE, quotes included, in UTC. Moments outside the years 1 to 9999 are shown
/// as the first or the last second of them: the grammar has four digits.
pub fn encode_date_time(time: Timestamp) -> [u8; 28] {
    const FIRST: i64 = -62_135_596_800;
    const LAST: i64 = 253_402_300_799;
    let seconds = time.unix_seconds().clamp(FIRST, LAST);
    let date = Date::from_days_since_1970(seconds.div_euclid(SECONDS_PER_DAY));
    let of_day = seconds.rem_euclid(SECONDS_PER_DAY);
    let mut out = *b"\"01-Jan-1970 00:00:00 +0000\"";
    put(&mut out, 1, 2, date.day);
    if date.day < 10 {
        put_bytes(&mut out, 1, b" ");
    }
    let month = usize::try_from(date.month - 1).ok().and_then(|place| MONTHS.get(place));
    put_bytes(&mut out, 4, month.map_or(&b"Jan"[..], |name| name.as_bytes()));
    put(&mut out, 8, 4, date.year);
    put(&mut out, 13, 2, of_day / 3600);
    put(&mut out, 16, 2, of_day / 60 % 60);
    put(&mut out, 19, 2, of_day % 60);
    out
}

fn put(out: &mut [u8; 28], at: usize, width: usize, mut value: i64) {
    for slot in out.iter_mut().skip(at).take(width).rev() {
        *slot = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
    }
}

fn put_bytes(out: &mut [u8; 28], at: usize, text: &[u8]) {
    for (slot, byte) in out.iter_mut().skip(at).zip(text) {
        *slot = *byte;
    }
}

#[cfg(test)]
mod tests;
