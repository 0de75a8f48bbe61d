//! The row of a range's bans.

use super::{BAN_HISTORY_MAX, Ban, BanInfo, BannedBy};
use crate::row::{RowReader, RowWriter};
use bytes::Bytes;
use types::{AddressRange, Timestamp};

const FORMAT: u8 = 1;
/// Stands for no time.
const NEVER: i64 = i64::MAX;

/// The bans of a range, the last one last, at most [`BAN_HISTORY_MAX`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct BanRow(Vec<Ban>);

impl BanRow {
    pub(super) fn holds(&self, now: Timestamp) -> bool {
        self.0.last().is_some_and(|ban| ban.holds(now))
    }

    /// Whether all of it ended before a time.
    pub(super) fn is_over(&self, before: Timestamp) -> bool {
        self.0.iter().all(|ban| ban.end().is_some_and(|end| end < before))
    }

    /// A new ban takes the place of one that holds.
    pub(super) fn add(&mut self, ban: Ban) {
        if let Some(last) = self.0.last_mut().filter(|last| last.holds(ban.since)) {
            last.lifted = Some(ban.since);
        }
        self.0.push(ban);
        if self.0.len() > BAN_HISTORY_MAX {
            self.0.remove(0);
        }
    }

    pub(super) fn lift(&mut self, now: Timestamp) {
        if let Some(last) = self.0.last_mut() {
            last.lifted = Some(now);
        }
    }

    /// Bans by failures that ended after a time, and were not taken back.
    pub(super) fn strikes(&self, after: Timestamp) -> u32 {
        let counts = |ban: &&Ban| {
            ban.by == BannedBy::Failures && ban.lifted.is_none() && ban.end().is_none_or(|end| end > after)
        };
        u32::try_from(self.0.iter().filter(counts).count()).unwrap_or(u32::MAX)
    }

    pub(super) fn info(&self, range: AddressRange) -> BanInfo {
        BanInfo { range, history: self.0.clone() }
    }

    pub(super) fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(FORMAT, 64);
        for ban in &self.0 {
            row.signed(ban.since.0);
            put_time(&mut row, ban.until);
            row.byte(match ban.by {
                BannedBy::Operator => 0,
                BannedBy::Failures => 1,
            });
            row.bytes(ban.reason.as_bytes());
            put_time(&mut row, ban.lifted);
        }
        row.finish()
    }

    pub(super) fn decode(row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row, FORMAT)?;
        let mut bans = Vec::new();
        while row.left() > 0 {
            let (since, until) = (Timestamp(row.signed()?), time_of(row.signed()?));
            let by = match row.byte()? {
                0 => BannedBy::Operator,
                1 => BannedBy::Failures,
                _ => return None,
            };
            let reason = row.text()?.into();
            bans.push(Ban { since, until, by, reason, lifted: time_of(row.signed()?) });
        }
        Some(Self(bans))
    }
}

fn put_time(row: &mut RowWriter, time: Option<Timestamp>) {
    row.signed(time.map_or(NEVER, |time| time.0));
}

/// Reads [`put_time`].
fn time_of(written: i64) -> Option<Timestamp> {
    (written != NEVER).then_some(Timestamp(written))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ban(since: i64, until: Option<i64>, by: BannedBy) -> Ban {
        Ban { since: Timestamp(since), until: until.map(Timestamp), by, reason: "scan".into(), lifted: None }
    }

    #[test]
    fn a_row_reads_back_and_keeps_so_many() {
        let mut row = BanRow::default();
        for n in 0..=i64::try_from(BAN_HISTORY_MAX).unwrap() {
            row.add(ban(n, Some(n + 1), BannedBy::Failures));
        }
        assert_eq!(row.0.len(), BAN_HISTORY_MAX);
        assert_eq!(row.0[0].since, Timestamp(1));
        row.add(ban(50, None, BannedBy::Operator));
        row.lift(Timestamp(60));
        assert_eq!(BanRow::decode(&row.encode()), Some(row.clone()));
        assert_eq!(BanRow::decode(&[FORMAT, 1]), None);
        assert_eq!(BanRow::decode(&[FORMAT + 1]), None);
    }

    #[test]
    fn a_new_ban_takes_the_place_of_the_old_one() {
        let mut row = BanRow::default();
        row.add(ban(0, None, BannedBy::Operator));
        assert!(row.holds(Timestamp(1_000_000)) && !row.is_over(Timestamp(1_000_000)));
        row.add(ban(10, Some(20), BannedBy::Operator));
        assert!(row.holds(Timestamp(19)) && !row.holds(Timestamp(20)));
        assert!(row.is_over(Timestamp(21)) && !row.is_over(Timestamp(20)));
    }
}
