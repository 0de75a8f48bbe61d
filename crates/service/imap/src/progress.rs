//! INPROGRESS (RFC 9585): what a client hears while a command takes long.
//!
//! A command that looks at many messages says how many are done; one that waits for a single large change says what it
//! said last, so that the client knows that the server lives.

use crate::session::Session;
use domain::MeterStep;
use proto_imap::connection::Tag;
use proto_imap::response::CommandProgress;
use proto_imap::{Code, Response, Status};
use service_session::Transport;
use std::io;
use std::num::NonZeroU32;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// How often a client is told how far a command is (RFC 9585 §4 speaks of 10 to 15 seconds).
pub const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// Which part of its command's work the steps are that are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it.
    Whole,
    /// The first half: a message counts half.
    FirstHalf,
    /// The second half, of so many messages in all.
    SecondHalf(u32),
    /// One of many parts; so many messages came before it, and nobody knows how many will come.
    After(u32),
}

/// How far the command is that runs.
#[derive(Debug)]
pub(crate) struct Progress {
    /// Zero: with each step, and at no other time.
    every: Duration,
    tag: Option<Box<str>>,
    tell_at: Instant,
    pub(crate) part: Part,
    /// How far it is known to be.
    known: CommandProgress,
}

impl Progress {
    /// Nothing runs.
    pub(crate) fn new(every: Duration) -> Self {
        Self { every, tag: None, tell_at: Instant::now(), part: Part::Whole, known: CommandProgress::Unknown }
    }

    /// A command begins.
    pub(crate) fn begin(&mut self, tag: &Tag) {
        *self = Self { tag: Some(tag.as_str().into()), tell_at: Instant::now() + self.every, ..Self::new(self.every) };
    }

    /// So much of the part is done; yields what to tell, if it is time to.
    fn step(&mut self, now: Instant, step: MeterStep) -> Option<Code> {
        let known = self.part.of_all(step);
        // RFC 9585 §4: it should not go back, though a command may look at some messages twice.
        self.known = if known.goal() == self.known.goal() { self.known.max(known) } else { known };
        // That is the tagged answer.
        let is_at_its_end = matches!(self.known, CommandProgress::Of(done, goal) if done >= goal.get());
        if is_at_its_end || now < self.tell_at { None } else { self.tell(now) }
    }

    /// What to tell, if it is time to though nothing more is known.
    fn still(&mut self, now: Instant) -> Option<Code> {
        if self.every.is_zero() || now < self.tell_at { None } else { self.tell(now) }
    }

    fn tell(&mut self, now: Instant) -> Option<Code> {
        self.tell_at = now + self.every;
        let progress = match self.known {
            CommandProgress::Of(done, goal) => CommandProgress::Of(done.min(goal.get() - 1), goal),
            known => known,
        };
        Some(Code::InProgress { tag: self.tag.clone()?, progress })
    }
}

impl Part {
    /// How far the command is with a step of this part.
    fn of_all(self, MeterStep { done, total }: MeterStep) -> CommandProgress {
        let (done, goal) = match self {
            Self::Whole => (done, total),
            Self::FirstHalf => (done / 2, total),
            Self::SecondHalf(goal) => {
                let first = goal / 2;
                let second = u64::from(goal - first) * u64::from(done) / u64::from(total.max(1));
                (first.saturating_add(u32::try_from(second).unwrap_or(u32::MAX)), goal)
            }
            Self::After(before) => return CommandProgress::Counting(before.saturating_add(done)),
        };
        NonZeroU32::new(goal).map_or(CommandProgress::Unknown, |goal| CommandProgress::Of(done, goal))
    }
}

impl<S: Transport> Session<S> {
    /// So many messages of this part of the command are done; tells it if it is time to.
    pub(crate) async fn tell_progress(&mut self, step: MeterStep) -> io::Result<()> {
        let code = self.progress.step(Instant::now(), step);
        self.say_progress(code).await
    }

    async fn say_progress(&mut self, code: Option<Code>) -> io::Result<()> {
        let Some(code) = code else { return Ok(()) };
        self.machine.send(&Response::Status(&Status::ok("Still at work").with_code(code)));
        self.send().await
    }

    /// Waits for a verb that tells its steps, and tells them.
    pub(crate) async fn accompany<T>(
        &mut self,
        mut steps: mpsc::Receiver<MeterStep>,
        verb: impl Future<Output = T>,
    ) -> io::Result<T> {
        let mut verb = pin!(verb);
        loop {
            let still_at = self.progress.tell_at;
            tokio::select! {
                biased;
                Some(step) = steps.recv() => self.tell_progress(step).await?,
                done = &mut verb => {
                    if let Ok(step) = steps.try_recv() {
                        self.tell_progress(step).await?;
                    }
                    return Ok(done);
                }
                () = sleep_until(still_at), if !self.progress.every.is_zero() => {
                    let code = self.progress.still(Instant::now());
                    self.say_progress(code).await?;
                }
            }
        }
    }

    /// Waits for a verb that is one step.
    pub(crate) async fn await_verb<T>(&mut self, verb: impl Future<Output = T>) -> io::Result<T> {
        let (_, steps) = domain::Meter::with_reader();
        self.accompany(steps, verb).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn step(done: u32, total: u32) -> MeterStep {
        MeterStep { done, total }
    }

    fn of(done: u32, goal: u32) -> CommandProgress {
        CommandProgress::Of(done, NonZeroU32::new(goal).unwrap())
    }

    /// Progress of a command that began at that time.
    fn begun(every: Duration) -> (Progress, Instant) {
        let mut progress = Progress::new(every);
        progress.tag = Some("A1".into());
        let begin = Instant::now();
        progress.tell_at = begin + every;
        (progress, begin)
    }

    fn told(code: Option<Code>) -> Option<CommandProgress> {
        code.map(|code| match code {
            Code::InProgress { tag, progress } if &*tag == "A1" => progress,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn progress_is_told_now_and_then_and_not_at_the_end() {
        let (mut progress, begin) = begun(PROGRESS_EVERY);
        let mut at = |after: Duration, done| told(progress.step(begin + after, step(done, 10)));
        assert_eq!(at(Duration::ZERO, 0), None);
        assert_eq!(at(PROGRESS_EVERY, 1), Some(of(1, 10)));
        assert_eq!(at(PROGRESS_EVERY + SECOND, 2), None, "not so soon");
        assert_eq!(at(3 * PROGRESS_EVERY, 1), Some(of(2, 10)), "never back");
        assert_eq!(at(5 * PROGRESS_EVERY, 10), None, "that is the tagged answer");
        assert_eq!(told(progress.still(begin + 5 * PROGRESS_EVERY)), Some(of(9, 10)));
    }

    #[test]
    fn who_waits_for_one_large_change_hears_that_the_server_lives() {
        let (mut progress, begin) = begun(PROGRESS_EVERY);
        assert_eq!(told(progress.still(begin + SECOND)), None);
        assert_eq!(told(progress.still(begin + PROGRESS_EVERY)), Some(CommandProgress::Unknown));
        assert_eq!(told(progress.still(begin + PROGRESS_EVERY + SECOND)), None);
        let (mut progress, begin) = begun(Duration::ZERO);
        assert_eq!(told(progress.still(begin + SECOND)), None);
        assert_eq!(told(progress.step(begin, step(1, 2))), Some(of(1, 2)));
    }

    #[test]
    fn parts_make_one_whole() {
        assert_eq!(Part::Whole.of_all(step(3, 9)), of(3, 9));
        assert_eq!(Part::FirstHalf.of_all(step(3, 9)), of(1, 9));
        assert_eq!(Part::FirstHalf.of_all(step(9, 9)), of(4, 9));
        assert_eq!(Part::SecondHalf(9).of_all(step(0, 4)), of(4, 9));
        assert_eq!(Part::SecondHalf(9).of_all(step(2, 4)), of(6, 9));
        assert_eq!(Part::SecondHalf(9).of_all(step(4, 4)), of(9, 9));
        assert_eq!(Part::After(100).of_all(step(3, 9)), CommandProgress::Counting(103));
        assert_eq!(Part::Whole.of_all(step(0, 0)), CommandProgress::Unknown);
        assert_eq!(Part::SecondHalf(u32::MAX).of_all(step(u32::MAX, u32::MAX)), of(u32::MAX, u32::MAX));
    }
}
