//! Calendar days.

use types::Timestamp;

/// A day of the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i64);

impl Day {
    /// A day by year, month (from 1) and day of the month (from 1); `None` if there is no such day.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let length = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 => 28 + u8::from(is_leap),
            _ => return None,
        };
        if !(1..=length).contains(&day) {
            return None;
        }
        // Years that begin in March have their leap day at the end.
        let shifted = i64::from(year) - i64::from(month <= 2);
        let month_from_march = (i64::from(month) + 9) % 12;
        let in_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
        let leap_days = shifted.div_euclid(4) - shifted.div_euclid(100) + shifted.div_euclid(400);
        // 1970-01-01 is 719468 days after 0000-03-01.
        Some(Self(shifted * 365 + leap_days + in_year - 719_468))
    }

    /// The day on which a moment falls, in a zone so many minutes east of Greenwich.
    pub fn of(at: Timestamp, zone_minutes: i16) -> Self {
        Self(at.unix_seconds().saturating_add(i64::from(zone_minutes) * 60).div_euclid(86_400))
    }

    /// Days since 1970-01-01.
    pub(super) fn number(self) -> i64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_without_a_gap() {
        let mut expected = Day::new(1899, 12, 31).unwrap().number();
        for year in 1900..2101 {
            for month in 1..=12 {
                for day in 1..=31 {
                    if let Some(found) = Day::new(year, month, day) {
                        expected += 1;
                        assert_eq!(found.number(), expected, "{year}-{month}-{day}");
                    }
                }
            }
        }
        assert_eq!(Day::new(1970, 1, 1).unwrap().number(), 0);
        assert_eq!(Day::new(2024, 2, 29).unwrap().number(), 19_782);
        assert_eq!(Day::new(1900, 2, 29), None);
        assert_eq!(Day::new(2024, 13, 1), None);
        assert_eq!(Day::new(2024, 1, 0), None);
    }

    #[test]
    fn the_zone_decides_the_day() {
        let late = Timestamp::from_unix_seconds(86_400 - 60);
        assert_eq!((Day::of(late, 0).number(), Day::of(late, 1).number(), Day::of(late, -1440).number()), (0, 1, -1));
    }
}
