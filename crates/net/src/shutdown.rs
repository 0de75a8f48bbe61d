//! Stopping in order: no new connections, sessions are told, then a bounded wait, then the rest is dropped.

use std::time::Duration;
use tokio::sync::watch;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Running,
    /// Sessions end at the next good moment.
    Draining,
    /// Whoever is still there is dropped.
    Over,
}

/// Starts and awaits the end.
#[derive(Debug)]
pub struct Shutdown {
    phase: watch::Sender<Phase>,
    /// Counts the guards by its receivers.
    guards: watch::Sender<()>,
}

/// Tells a session or a loop that the end has begun. Cheap to copy.
#[derive(Clone, Debug)]
pub struct ShutdownToken(watch::Receiver<Phase>);

/// Something that the end waits for, as long as it lives.
#[derive(Debug)]
pub(crate) struct Guard(#[expect(dead_code, reason = "it is held, not read")] watch::Receiver<()>);

/// How a shutdown went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were dropped because they did not end in time.
    pub dropped: usize,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { phase: watch::channel(Phase::Running).0, guards: watch::channel(()).0 }
    }
}

impl Shutdown {
    /// Running.
    pub fn new() -> Self {
        Self::default()
    }

    /// A token for a loop or a session.
    pub fn token(&self) -> ShutdownToken {
        ShutdownToken(self.phase.subscribe())
    }

    /// Tells everybody; returns at once.
    pub fn begin(&self) {
        self.phase.send_if_modified(|phase| {
            let first = *phase == Phase::Running;
            if first {
                *phase = Phase::Draining;
            }
            first
        });
    }

    /// Tells everybody and waits until all connections are closed, at most so long; then drops the rest.
    pub async fn drain(&self, patience: Duration) -> Drained {
        self.begin();
        let ended = tokio::time::timeout(patience, self.guards.closed()).await;
        let dropped = if ended.is_ok() { 0 } else { self.guards.receiver_count() };
        self.phase.send_replace(Phase::Over);
        self.guards.closed().await;
        Drained { dropped }
    }

    pub(crate) fn guard(&self) -> Guard {
        Guard(self.guards.subscribe())
    }
}

impl ShutdownToken {
    /// A token that never fires, for tests.
    pub fn never() -> Self {
        // The sender is gone: nothing will ever be told.
        Self(watch::channel(Phase::Running).1)
    }

    /// Waits until the end begins.
    pub async fn requested(&mut self) {
        self.reached(Phase::Draining).await;
    }

    /// Whether it has begun.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow() >= Phase::Draining
    }

    /// Waits until patience is over.
    pub(crate) async fn over(&mut self) {
        self.reached(Phase::Over).await;
    }

    async fn reached(&mut self, wanted: Phase) {
        if self.0.wait_for(|phase| *phase >= wanted).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
