//! The loop: leases what is due, tries it, settles it, tells the sender.

use crate::destinations::Destinations;
use crate::network::{Errand, Network};
use crate::{letter, outbox};
use domain::{After, Delivery, Lease, Outcome, Queue, QueueError, QueueItem, Report};
use net::ShutdownToken;
use service_session::{Happening, Shared, happened};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tracing::{error, info, warn};

/// How long the runner sleeps at most before it looks again: other nodes change the queue without waking it.
const LOOK_EVERY: Duration = Duration::from_mins(1);
/// How long it waits when something is due that it could not lease: another process was faster, or it is held up.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long it rests after the store failed.
const REST: Duration = Duration::from_secs(5);
/// How often a lease is renewed while a message is on its way.
const RENEW_EVERY: Duration = Duration::from_mins(5);
/// How often it is tried to record what came of an attempt: what is not recorded is sent again.
const SETTLE_TRIES: usize = 3;
/// How many messages are leased for each connection that there may be: most of them wait for their destination.
const LEASED_PER_CONNECTION: usize = 4;
/// How long messages that are on their way may take to arrive when the server stops.
pub const STOP_PATIENCE: Duration = Duration::from_secs(8);

/// Where mail for elsewhere goes.
pub enum Way {
    /// To other servers.
    Network(Box<Network>),
    /// Nowhere: the trial.
    Outbox,
}

/// The same, shared by the messages that are on their way.
enum Exit {
    Network(Arc<Network>),
    Outbox,
}

/// The queue's runner.
pub struct Runner(Arc<Inner>);

struct Inner {
    shared: Shared,
    queue: Arc<Queue>,
    delivery: Arc<Delivery>,
    exit: Exit,
    destinations: Arc<Destinations>,
    leased_max: usize,
}

impl Runner {
    /// For a queue; there are at most `concurrency` connections at once, and four times as many messages leased.
    pub fn new(shared: Shared, queue: Arc<Queue>, delivery: Arc<Delivery>, way: Way, concurrency: usize) -> Self {
        let concurrency = concurrency.max(1);
        let exit = match way {
            Way::Network(network) => Exit::Network(Arc::from(network)),
            Way::Outbox => Exit::Outbox,
        };
        let destinations = Arc::new(Destinations::new(concurrency));
        let leased_max = concurrency.saturating_mul(LEASED_PER_CONNECTION);
        Self(Arc::new(Inner { shared, queue, delivery, exit, destinations, leased_max }))
    }

    /// Runs until the shutdown begins, then waits [`STOP_PATIENCE`] at most for what is on its way. What does not arrive
    /// in that time is tried again after the next start.
    pub async fn run(self, mut token: ShutdownToken) {
        let mut running = JoinSet::new();
        while !token.is_requested() {
            let is_faulty = match self.0.lease_all(&mut running, || token.is_requested()).await {
                Ok(_) => false,
                Err(cause) => {
                    error!(error = &cause as &dyn std::error::Error, "the queue cannot be read");
                    true
                }
            };
            let has_room = running.len() < self.0.leased_max;
            tokio::select! {
                () = token.requested() => break,
                Some(ended) = running.join_next(), if !running.is_empty() => tell_defect(ended),
                () = sleep(REST), if is_faulty => {}
                () = self.0.until_due(), if has_room && !is_faulty => {}
            }
        }
        let all = async {
            while let Some(ended) = running.join_next().await {
                tell_defect(ended);
            }
        };
        if timeout(STOP_PATIENCE, all).await.is_err() {
            info!(messages = running.len(), "messages on their way are tried again after the next start");
        }
    }

    /// Tries everything that is due now, and what becomes due by that; how many attempts that were.
    pub async fn run_due(&self) -> Result<usize, QueueError> {
        let (mut running, mut attempts) = (JoinSet::new(), 0);
        loop {
            attempts += self.0.lease_all(&mut running, || false).await?;
            match running.join_next().await {
                Some(ended) => tell_defect(ended),
                None => return Ok(attempts),
            }
        }
    }
}

/// A panic in one attempt; its message is leased until the lease runs out, and then tried again.
fn tell_defect(ended: Result<(), JoinError>) {
    if let Err(cause) = ended {
        error!(error = &cause as &dyn std::error::Error, "a defect ended an attempt");
    }
}

impl Inner {
    /// Leases what is due and sends it on its way, as far as there is room.
    async fn lease_all(
        self: &Arc<Self>,
        running: &mut JoinSet<()>,
        is_over: impl Fn() -> bool,
    ) -> Result<usize, QueueError> {
        let mut count = 0;
        while running.len() < self.leased_max && !is_over() {
            let Some(lease) = self.queue.lease().await? else { break };
            let inner = Arc::clone(self);
            running.spawn(async move { inner.carry(lease).await });
            count += 1;
            while let Some(ended) = running.try_join_next() {
                tell_defect(ended);
            }
        }
        Ok(count)
    }

    /// Waits until something may be due.
    async fn until_due(&self) {
        let due = self.queue.next_due().await.ok().flatten();
        let wait = due.map_or(LOOK_EVERY, |due| due.since(self.shared.clock.now()).min(LOOK_EVERY));
        // A due item that cannot be leased must not make this a busy loop. One that was put in meanwhile wakes it.
        let wait = if wait.is_zero() { LOOK_AGAIN } else { wait };
        let _ = timeout(wait, self.queue.changed()).await;
    }

    async fn carry(&self, lease: Lease) {
        let trace = lease.item().trace;
        if let Err(cause) = self.attempt(lease).await {
            warn!(%trace, error = &cause as &dyn std::error::Error, "an attempt was not recorded");
        }
    }

    /// One attempt: recipients here, recipients elsewhere, then what follows from it.
    async fn attempt(&self, mut lease: Lease) -> Result<(), QueueError> {
        // What a runner before this one did not get to tell comes first.
        if let Some(report) = lease.report() {
            return self.tell(lease, report).await;
        }
        let mut outcomes = self.delivery.deliver_leased(&lease).await?;
        // If the store takes nothing, nothing is sent: it could not be recorded, and would be sent again.
        let is_faulty = outcomes.iter().any(|(_, outcome)| matches!(outcome, Outcome::Fault(_)));
        if is_faulty && !self.queue.renew(&mut lease).await? {
            return Ok(());
        }
        if lease.item().waiting().any(|(_, recipient)| recipient.account.is_none()) {
            let Some(elsewhere) = self.send(&mut lease).await? else { return Ok(()) };
            outcomes.extend(elsewhere);
        }
        log(lease.item(), &outcomes);
        match self.settle(lease, &outcomes).await? {
            After::Report(lease, report) => self.tell(lease, report).await,
            After::Done | After::Later(_) | After::Gone => Ok(()),
        }
    }

    async fn settle(&self, lease: Lease, outcomes: &[(usize, Outcome)]) -> Result<After, QueueError> {
        for _ in 1..SETTLE_TRIES {
            match self.queue.settle(lease.clone(), outcomes).await {
                Ok(after) => return Ok(after),
                Err(cause) => warn!(error = &cause as &dyn std::error::Error, "an attempt cannot be recorded"),
            }
        }
        self.queue.settle(lease, outcomes).await
    }

    /// The recipients elsewhere; `None` if the lease was lost, and another has the message now.
    async fn send(&self, lease: &mut Lease) -> Result<Option<Vec<(usize, Outcome)>>, QueueError> {
        let item = lease.item().clone();
        let content = self.queue.content(item.trace).await?;
        let network = match &self.exit {
            Exit::Network(network) => network,
            Exit::Outbox => return Ok(Some(outbox::deliver(&self.shared, &self.queue, &item, &content).await)),
        };
        let mut attempts = network.start(Errand {
            shared: self.shared.clone(),
            queue: Arc::clone(&self.queue),
            destinations: Arc::clone(&self.destinations),
            item,
            content,
        });
        let mut all = Vec::new();
        loop {
            let is_held = match timeout(RENEW_EVERY, attempts.next()).await {
                Ok(None) => return Ok(Some(all)),
                Ok(Some(outcomes)) => {
                    // The last ones are settled at once, all others are recorded now: the rest may take long.
                    let recorded =
                        if attempts.is_done() { Ok(true) } else { self.queue.record(lease, &outcomes).await };
                    all.extend(outcomes);
                    recorded
                }
                Err(_) => self.queue.renew(lease).await,
            };
            let is_held = is_held.unwrap_or_else(|cause| {
                // What is under way is not broken off: it may have been taken there, and is settled in the end.
                warn!(error = &cause as &dyn std::error::Error, "the queue takes nothing: no more is begun");
                attempts.hold_back();
                true
            });
            if !is_held {
                return Ok(None);
            }
        }
    }

    /// Tells the sender, and goes on telling while there is something left to tell.
    async fn tell(&self, mut lease: Lease, mut report: Report) -> Result<(), QueueError> {
        loop {
            let letter = letter::write(&self.shared, &self.delivery, &self.queue, lease.item(), &report).await?;
            match self.queue.report(lease, &report, letter).await? {
                After::Report(next_lease, next_report) => (lease, report) = (next_lease, next_report),
                After::Done | After::Later(_) | After::Gone => return Ok(()),
            }
        }
    }
}

fn log(item: &QueueItem, outcomes: &[(usize, Outcome)]) {
    let who = item.reverse_path.as_ref().map(ToString::to_string);
    for (place, outcome) in outcomes {
        let Some(recipient) = item.recipients.get(*place) else { continue };
        let to = &recipient.envelope.address;
        let (what, text) = match outcome {
            Outcome::Delivered { host: Some(host), text } => ("handed over", format!("{host}: {text}")),
            Outcome::Delivered { host: None, .. } | Outcome::PutOff => continue,
            Outcome::Deferred(trouble) => ("deferred", trouble.text.to_string()),
            Outcome::Failed(trouble) => ("failed", trouble.text.to_string()),
            Outcome::Fault(trouble) => ("fault", trouble.text.to_string()),
        };
        // What a peer said was escaped when it became an outcome.
        let detail = format!("to {to}: {text}   (postamt trace {})", item.trace);
        happened(Happening { who: who.as_deref(), service: "SMTP", what, detail: &detail });
    }
}
