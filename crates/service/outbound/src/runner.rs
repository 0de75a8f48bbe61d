//! The loop: leases what is due, tries it, settles it, tells the sender.

use crate::network::Network;
use crate::{letter, outbox};
use domain::{After, Delivery, Lease, Outcome, Queue, QueueError, Report};
use net::ShutdownToken;
use service_session::{Happening, Shared, happened};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{error, warn};

/// How long the runner sleeps at most before it looks again: other nodes change the queue without waking it.
const LOOK_EVERY: Duration = Duration::from_mins(1);
/// How long it rests after the store failed.
const REST: Duration = Duration::from_secs(5);
/// How often a lease is renewed while a message is on its way.
const RENEW_EVERY: Duration = Duration::from_mins(5);

/// Where mail for elsewhere goes.
pub enum Way {
    /// To other servers.
    Network(Box<Network>),
    /// Nowhere: the trial.
    Outbox,
}

/// The queue's runner.
pub struct Runner(Arc<Inner>);

struct Inner {
    shared: Shared,
    queue: Arc<Queue>,
    delivery: Arc<Delivery>,
    way: Way,
    concurrency: usize,
}

impl Runner {
    /// For a queue; `concurrency` messages are on their way at once.
    pub fn new(shared: Shared, queue: Arc<Queue>, delivery: Arc<Delivery>, way: Way, concurrency: usize) -> Self {
        Self(Arc::new(Inner { shared, queue, delivery, way, concurrency: concurrency.max(1) }))
    }

    /// Runs until the shutdown begins. What was on its way is tried again after the next start.
    pub async fn run(self, mut token: ShutdownToken) {
        let mut running = JoinSet::new();
        loop {
            while running.try_join_next().is_some() {}
            let next = if running.len() >= self.0.concurrency { Ok(None) } else { self.0.queue.lease().await };
            match next {
                Ok(Some(lease)) => {
                    let inner = Arc::clone(&self.0);
                    running.spawn(async move { inner.carry(lease).await });
                    continue;
                }
                Ok(None) => {}
                Err(cause) => {
                    error!(error = &cause as &dyn std::error::Error, "the queue cannot be read");
                    sleep(REST).await;
                }
            }
            let full = running.len() >= self.0.concurrency;
            tokio::select! {
                () = token.requested() => return,
                _ = running.join_next(), if !running.is_empty() => {}
                () = self.0.until_due(), if !full => {}
            }
        }
    }
}

impl Inner {
    /// Waits until something may be due.
    async fn until_due(&self) {
        let due = self.queue.next_due().await.ok().flatten();
        let wait = due.map_or(LOOK_EVERY, |due| due.since(self.shared.clock.now()).min(LOOK_EVERY));
        // A due item that cannot be leased, because another holds it, must not make this a busy loop.
        let _ = timeout(wait.max(Duration::from_millis(20)), self.queue.changed()).await;
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
        let content = self.queue.content(lease.item().trace).await?;
        let elsewhere = {
            let item = lease.item().clone();
            let content = &content;
            let sending = async move {
                match &self.way {
                    Way::Network(network) => network.deliver(&self.queue, &item, content).await,
                    Way::Outbox => outbox::deliver(&self.shared, &self.queue, &item, content).await,
                }
            };
            let mut sending = std::pin::pin!(sending);
            loop {
                match timeout(RENEW_EVERY, &mut sending).await {
                    Ok(outcomes) => break outcomes,
                    Err(_) => {
                        if !self.queue.renew(&mut lease).await? {
                            return Ok(());
                        }
                    }
                }
            }
        };
        outcomes.extend(elsewhere);
        log(&lease, &outcomes);
        match self.queue.settle(lease, &outcomes).await? {
            After::Report(lease, report) => self.tell(lease, report).await,
            After::Done | After::Later(_) | After::Gone => Ok(()),
        }
    }

    /// Tells the sender, and goes on telling while there is something left to tell.
    async fn tell(&self, mut lease: Lease, mut report: Report) -> Result<(), QueueError> {
        loop {
            let letter = letter::write(&self.shared, &self.queue, lease.item(), &report).await?;
            match self.queue.report(lease, &report, letter).await? {
                After::Report(next_lease, next_report) => (lease, report) = (next_lease, next_report),
                After::Done | After::Later(_) | After::Gone => return Ok(()),
            }
        }
    }
}

fn log(lease: &Lease, outcomes: &[(usize, Outcome)]) {
    let item = lease.item();
    let who = item.reverse_path.as_ref().map(ToString::to_string);
    for (place, outcome) in outcomes {
        let Some(recipient) = item.recipients.get(*place) else { continue };
        let to = &recipient.envelope.address;
        let (what, text) = match outcome {
            Outcome::Delivered { host: Some(host), text } => ("handed over", format!("{host}: {text}")),
            Outcome::Delivered { host: None, .. } => continue,
            Outcome::Deferred(trouble) => ("deferred", trouble.text.to_string()),
            Outcome::Failed(trouble) => ("failed", trouble.text.to_string()),
            Outcome::Fault(trouble) => ("fault", trouble.text.to_string()),
        };
        let detail = format!("to {to}: {}   (postamt trace {})", text.escape_default(), item.trace);
        happened(Happening { who: who.as_deref(), service: "SMTP", what, detail: &detail });
    }
}
