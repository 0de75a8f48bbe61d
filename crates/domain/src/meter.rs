//! How far a long verb is, for whoever waits for it.

use tokio::sync::mpsc;

/// How far a verb is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeterStep {
    /// How many messages are done.
    pub done: u32,
    /// How many there are to do.
    pub total: u32,
}

/// Tells whoever waits for a verb how far it is. The default tells nobody.
#[derive(Clone, Debug, Default)]
pub struct Meter(Option<mpsc::Sender<MeterStep>>);

impl Meter {
    /// One, and what reads it. It holds one step, and the verb waits for the reader before the next: who takes a reader
    /// reads it until the verb has ended, or drops it.
    pub fn with_reader() -> (Self, mpsc::Receiver<MeterStep>) {
        let (sender, receiver) = mpsc::channel(1);
        (Self(Some(sender)), receiver)
    }

    pub(crate) async fn step(&self, done: usize, total: usize) {
        let Some(sender) = &self.0 else { return };
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        // Nobody may be listening any more.
        let _ = sender.send(MeterStep { done: count(done), total: count(total) }).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn steps_are_read_in_order_and_nobody_needs_to_read_them() {
        Meter::default().step(1, 2).await;
        let (meter, mut steps) = Meter::with_reader();
        let verb = async {
            for done in 1..=3 {
                meter.step(done, 3).await;
            }
        };
        let reader = async {
            let mut read = Vec::new();
            while read.len() < 3 {
                read.extend(steps.recv().await.map(|step| (step.done, step.total)));
            }
            read
        };
        let ((), read) = tokio::join!(verb, reader);
        assert_eq!(read, [(1, 3), (2, 3), (3, 3)]);
        drop(steps);
        meter.step(4, 4).await;
    }
}
