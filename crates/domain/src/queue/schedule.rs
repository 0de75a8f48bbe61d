//! When to try again: a pure function of attempts and time.

use std::time::Duration;
use types::Timestamp;

/// When to try again, and when to give up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The pause after the first, second, … attempt; the last one repeats.
    pub pauses: Vec<Duration>,
    /// How long it is tried (RFC 5321 §4.5.4.1 wants 4 to 5 days at least).
    pub give_up_after: Duration,
    /// After how long the sender is told that it is late; `None` for never.
    pub delay_notice_after: Option<Duration>,
}

impl Default for Schedule {
    fn default() -> Self {
        let pauses = [5, 10, 20, 40, 60, 120, 240, 480].map(Duration::from_mins).to_vec();
        let (give_up_after, delay_notice_after) = (Duration::from_hours(5 * 24), Some(Duration::from_hours(4)));
        Self { pauses, give_up_after, delay_notice_after }
    }
}

impl Schedule {
    /// When the attempt comes that follows `attempts` earlier ones. The last one comes exactly when it is given up.
    pub fn next_attempt(&self, created: Timestamp, attempts: u32, now: Timestamp) -> Timestamp {
        let place = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        let pause = self.pauses.get(place).or(self.pauses.last()).copied().unwrap_or(Duration::from_hours(1));
        let (next, end) = (now.after(pause), created.after(self.give_up_after));
        if now < end { next.min(end) } else { next }
    }

    /// Whether it is time to give up.
    pub fn is_over(&self, created: Timestamp, now: Timestamp) -> bool {
        now >= created.after(self.give_up_after)
    }

    /// Whether the sender is to be told that it is late.
    pub fn is_late(&self, created: Timestamp, now: Timestamp) -> bool {
        self.delay_notice_after.is_some_and(|after| now >= created.after(after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_the_last_attempt_comes_at_the_end() {
        let schedule = Schedule::default();
        let created = Timestamp(0);
        let (mut now, mut attempts, mut hours) = (created, 0, Vec::new());
        while !schedule.is_over(created, now) {
            attempts += 1;
            let next = schedule.next_attempt(created, attempts, now);
            assert!(next > now);
            now = next;
            hours.push(now.0 / 60_000);
        }
        assert_eq!(hours[..9], [5, 15, 35, 75, 135, 255, 495, 975, 1455], "minutes");
        assert_eq!(hours.last(), Some(&(5 * 24 * 60)));
        assert_eq!(schedule.next_attempt(created, attempts + 1, now), now.after(Duration::from_hours(8)));
    }

    #[test]
    fn a_delay_is_told_after_its_time_or_never() {
        let schedule = Schedule::default();
        let four_hours = Timestamp(4 * 3_600_000);
        assert!(schedule.is_late(Timestamp(0), four_hours) && !schedule.is_late(Timestamp(1), four_hours));
        let quiet = Schedule { delay_notice_after: None, ..schedule };
        assert!(!quiet.is_late(Timestamp(0), Timestamp(i64::MAX)));
    }
}
