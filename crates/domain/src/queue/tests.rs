use super::*;
use crate::{Found, Mail, MailOptions};
use store_kv::Memory;
use types::{AccountId, Address, ManualClock};

struct Place {
    engine: Arc<Memory>,
    clock: Arc<ManualClock>,
    mail: Arc<Mail>,
    traces: Arc<Traces>,
    queue: Arc<Queue>,
}

const START: Timestamp = Timestamp(1_700_000_000_000);

async fn open_at(engine: Arc<Memory>, now: Timestamp) -> Place {
    let clock = Arc::new(ManualClock::at(now));
    let mail = Mail::new(engine.clone(), clock.clone(), MailOptions::default());
    let traces = Traces::new(engine.clone(), clock.clone());
    let options = QueueOptions { items_max: 3, ..QueueOptions::default() };
    let queue = Queue::open(engine.clone(), clock.clone(), traces.clone(), options).await.unwrap();
    Place { engine, clock, mail, traces, queue }
}

async fn place() -> Place {
    open_at(Memory::new(), START).await
}

impl Place {
    async fn reopened(self) -> Self {
        // A restart takes time.
        let now = self.clock.now().after(Duration::from_millis(1));
        open_at(self.engine.reopen(), now).await
    }

    async fn staged(&self, text: &str) -> Staged {
        let mut staging = self.mail.stage(None).await.unwrap();
        staging.write(text.as_bytes()).await.unwrap();
        staging.finish().await.unwrap()
    }

    async fn put(&self, envelope: Envelope) -> TraceId {
        let trace = self.mail.new_trace();
        let staged = self.staged("Return-Path: <>\r\nSubject: x\r\n\r\nhello\r\n").await;
        self.queue.put(trace, envelope, &staged, 17).await.unwrap();
        trace
    }

    async fn lease(&self) -> Lease {
        self.queue.lease().await.unwrap().expect("something is due")
    }

    async fn assert_empty(&self) {
        assert_eq!((self.queue.count(), self.queue.next_due().await.unwrap()), (0, None));
        assert!(self.queue.list(None, 10).await.unwrap().is_empty());
        let page = self.engine.scan(&Scan::prefix(&keys::key(QUEUE, b'b', &[]))).await.unwrap();
        assert!(page.rows.is_empty(), "contents go too");
    }
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// From Ann to these.
fn envelope(to: &[&str]) -> Envelope {
    let recipients = to.iter().map(|to| EnvelopeRecipient::foreign(address(to))).collect();
    Envelope { reverse_path: Some(address("ann@example.org")), recipients, ..Envelope::default() }
}

fn sent() -> Outcome {
    Outcome::Delivered { host: Some("mx.example.com".into()), text: "250 ok".into() }
}

fn trouble() -> Trouble {
    Trouble { status: "4.4.1".into(), text: "no answer".into(), host: Some("mx.example.com".into()) }
}

fn minutes(n: u64) -> Duration {
    Duration::from_mins(n)
}

#[tokio::test]
async fn a_message_is_leased_once_and_leaves_when_all_have_it() {
    let place = place().await;
    let trace = place.put(envelope(&["x@example.com", "y@example.net"])).await;
    let lease = place.lease().await;
    assert_eq!((lease.item().trace, lease.item().waiting().count(), lease.report()), (trace, 2, None));
    assert!(place.queue.lease().await.unwrap().is_none(), "nobody else gets it");
    let content = place.queue.content(trace).await.unwrap();
    let body = place.queue.read_body(&content, content.return_path..u64::MAX).await.unwrap();
    assert_eq!(body, "Subject: x\r\n\r\nhello\r\n");
    let after = place.queue.settle(lease, &[(0, sent()), (1, Outcome::Deferred(trouble()))]).await.unwrap();
    let due = START.after(minutes(5));
    assert!(matches!(after, After::Later(at) if at == due));
    assert_eq!(place.queue.next_due().await.unwrap(), Some(due));
    place.clock.advance(Duration::from_millis(5 * 60_000 - 1));
    assert!(place.queue.lease().await.unwrap().is_none());
    place.clock.advance(Duration::from_millis(1));
    let lease = place.lease().await;
    let waiting: Vec<_> = lease.item().waiting().map(|(place, to)| (place, to.address.to_string())).collect();
    assert_eq!(waiting, [(1, "y@example.net".to_owned())]);
    assert!(matches!(place.queue.settle(lease, &[(1, sent())]).await.unwrap(), After::Done));
    place.assert_empty().await;
    assert!(place.queue.read_body(&content, 0..1).await.is_err(), "the body is gone");
    let Found::One(_, events) = place.traces.find(&trace.to_string()).await.unwrap() else { panic!("no trace") };
    let kinds: Vec<_> = events.iter().map(|event| event.kind.to_string()).collect();
    assert_eq!(kinds, ["queued", "sent", "deferred", "sent"]);
}

#[tokio::test]
async fn a_failure_is_reported_once_and_the_report_survives_a_crash() {
    let mut place = place().await;
    let trace = place.put(envelope(&["x@example.com", "y@example.net"])).await;
    let lease = place.lease().await;
    let failed = Outcome::Failed(Trouble { status: "5.1.1".into(), ..trouble() });
    let after = place.queue.settle(lease, &[(0, failed), (1, sent())]).await.unwrap();
    let After::Report(_, report) = after else { panic!("{after:?}") };
    assert_eq!(report, Report { kind: ReportKind::Failed, recipients: vec![0] });
    // The runner dies before it has written the letter.
    place = place.reopened().await;
    let lease = place.lease().await;
    assert_eq!(lease.report(), Some(report.clone()));
    let (letter, staged) = (place.mail.new_trace(), place.staged("Subject: failed\r\n\r\n").await);
    let to_ann = vec![EnvelopeRecipient::local(address("ann@example.org"), AccountId(16))];
    let bounce = Envelope { recipients: to_ann, ..Envelope::default() };
    let incoming = Incoming::new(letter, staged, 0);
    let after = place.queue.report(lease, &report, Some((bounce, incoming))).await.unwrap();
    assert!(matches!(after, After::Done));
    let left: Vec<_> = place.queue.list(None, 10).await.unwrap().iter().map(|item| item.trace).collect();
    assert_eq!((left, place.queue.count()), (vec![letter], 1));
    let Found::One(_, events) = place.traces.find(&trace.to_string()).await.unwrap() else { panic!("no trace") };
    let bounced = events.last().unwrap();
    assert_eq!((bounced.kind, bounced.text.to_string()), (EventKind::Bounced, letter.to_string()));
    // The letter itself fails: nobody is told.
    let lease = place.lease().await;
    let after = place.queue.settle(lease, &[(0, Outcome::Failed(trouble()))]).await.unwrap();
    assert!(matches!(after, After::Done));
    place.assert_empty().await;
}

#[tokio::test]
async fn whoever_wants_no_report_gets_none() {
    let place = place().await;
    let mut envelope = envelope(&["x@example.com"]);
    envelope.recipients[0].notify = Notify { success: false, failure: false, delay: false };
    place.put(envelope).await;
    let lease = place.lease().await;
    let after = place.queue.settle(lease, &[(0, Outcome::Failed(trouble()))]).await.unwrap();
    assert!(matches!(after, After::Done));
}

#[tokio::test]
async fn a_late_message_is_reported_once_and_given_up_in_the_end() {
    let place = place().await;
    place.put(envelope(&["x@example.com"])).await;
    let (mut delays, mut attempts) = (0, 0);
    loop {
        let due = place.queue.next_due().await.unwrap().unwrap();
        place.clock.advance(due.since(place.clock.now()));
        attempts += 1;
        let after = place.queue.settle(place.lease().await, &[(0, Outcome::Deferred(trouble()))]).await.unwrap();
        let After::Report(lease, report) = after else { continue };
        if report.kind == ReportKind::Failed {
            let last = lease.item().recipients[0].last.clone().unwrap();
            assert_eq!((&*last.status, &*last.text), ("5.4.7", "no answer"));
            break;
        }
        assert_eq!(place.clock.now().since(START), minutes(255), "the first attempt after four hours");
        let after = place.queue.report(lease, &report, None).await.unwrap();
        assert!(matches!(after, After::Later(_)));
        delays += 1;
    }
    assert_eq!((delays, attempts), (1, 22));
    assert_eq!(place.clock.now().since(START), Schedule::default().give_up_after);
}

#[tokio::test]
async fn a_fault_of_ours_never_bounces_mail() {
    let place = place().await;
    place.put(envelope(&["x@example.com"])).await;
    place.clock.advance(Duration::from_hours(24 * 30));
    let after = place.queue.settle(place.lease().await, &[(0, Outcome::Fault(trouble()))]).await.unwrap();
    let After::Report(lease, report) = after else { panic!("{after:?}") };
    assert_eq!(report.kind, ReportKind::Delayed, "late it is");
    let after = place.queue.report(lease, &report, None).await.unwrap();
    assert!(matches!(after, After::Later(at) if at > place.clock.now()));
}

#[tokio::test]
async fn a_lease_ends_by_time_or_with_its_process() {
    let mut place = place().await;
    place.put(envelope(&["x@example.com"])).await;
    let lost = place.lease().await;
    place.clock.advance(QueueOptions::default().lease);
    let mut second = place.lease().await;
    assert!(matches!(place.queue.settle(lost, &[(0, sent())]).await.unwrap(), After::Gone), "it is another's now");
    place.clock.advance(minutes(10));
    assert!(place.queue.renew(&mut second).await.unwrap());
    place.clock.advance(minutes(10));
    assert!(place.queue.lease().await.unwrap().is_none(), "renewed");
    place = place.reopened().await;
    assert_eq!(place.queue.count(), 1);
    let third = place.lease().await;
    assert!(!place.queue.renew(&mut second).await.unwrap());
    assert!(matches!(place.queue.settle(third, &[(0, sent())]).await.unwrap(), After::Done));
    place.assert_empty().await;
}

#[tokio::test]
async fn whoever_has_the_message_in_the_middle_of_an_attempt_is_not_tried_after_a_crash() {
    let mut place = place().await;
    let trace = place.put(envelope(&["x@example.com", "y@example.net", "z@example.net"])).await;
    let mut lease = place.lease().await;
    let so_far = [(0, sent()), (1, Outcome::Failed(trouble()))];
    assert!(place.queue.record(&mut lease, &so_far).await.unwrap());
    assert!(place.queue.record(&mut lease, &so_far).await.unwrap(), "it can be repeated");
    assert_eq!(lease.item().waiting().map(|(place, _)| place).collect::<Vec<_>>(), [1, 2]);
    place = place.reopened().await;
    assert!(!place.queue.record(&mut lease, &so_far).await.unwrap(), "the lease is void");
    let lease = place.lease().await;
    assert_eq!((lease.item().attempts, lease.report()), (0, None));
    assert_eq!(lease.item().waiting().map(|(place, _)| place).collect::<Vec<_>>(), [1, 2]);
    let after = place.queue.settle(lease, &[(0, sent()), (1, sent()), (2, sent())]).await.unwrap();
    assert!(matches!(after, After::Done));
    let Found::One(_, events) = place.traces.find(&trace.to_string()).await.unwrap() else { panic!("no trace") };
    let kinds: Vec<_> = events.iter().map(|event| event.kind.to_string()).collect();
    assert_eq!(kinds, ["queued", "sent", "sent", "sent"]);
}

#[tokio::test]
async fn what_is_put_off_comes_again_soon_and_was_no_attempt() {
    let place = place().await;
    let trace = place.put(envelope(&["x@example.com", "y@example.net"])).await;
    let after = place.queue.settle(place.lease().await, &[(0, Outcome::PutOff), (1, Outcome::PutOff)]).await.unwrap();
    assert!(matches!(after, After::Later(at) if at == START.after(PUT_OFF)));
    assert_eq!(place.queue.show(trace).await.unwrap().attempts, 0);
    place.clock.advance(PUT_OFF);
    let results = [(0, Outcome::PutOff), (1, Outcome::Deferred(trouble()))];
    let after = place.queue.settle(place.lease().await, &results).await.unwrap();
    assert!(matches!(after, After::Later(at) if at == START.after(2 * PUT_OFF)));
    assert_eq!(place.queue.show(trace).await.unwrap().attempts, 1);
}

#[tokio::test]
async fn due_times_that_lead_nowhere_are_cleared_away() {
    let place = place().await;
    let trace = place.put(envelope(&["x@example.com"])).await;
    let lease = place.lease().await;
    let mut batch = Batch::new(QUEUE);
    batch.put(keys::queue_due(START, trace), Bytes::new());
    batch.put(keys::queue_due(START, TraceId(7)), Bytes::new());
    place.engine.commit(batch).await.unwrap();
    assert!(place.queue.lease().await.unwrap().is_none());
    assert_eq!(place.queue.next_due().await.unwrap(), lease.item().leased_until, "nobody waits for the past");
}

#[tokio::test]
async fn the_operator_holds_releases_retries_and_drops() {
    let place = place().await;
    let trace = place.put(envelope(&["x@example.com"])).await;
    let queue = &place.queue;
    queue.hold(trace).await.unwrap();
    assert!(queue.lease().await.unwrap().is_none() && queue.show(trace).await.unwrap().held);
    assert_eq!(queue.next_due().await.unwrap(), None);
    queue.release(trace).await.unwrap();
    let lease = place.lease().await;
    assert!(matches!(queue.retry(trace).await, Err(QueueError::Busy)));
    queue.hold(trace).await.unwrap();
    let after = queue.settle(lease, &[(0, Outcome::Deferred(trouble()))]).await.unwrap();
    assert!(matches!(after, After::Later(NEVER)), "it was held meanwhile");
    queue.retry(trace).await.unwrap();
    let lease = place.lease().await;
    queue.drop_item(trace).await.unwrap();
    assert!(matches!(queue.settle(lease, &[(0, sent())]).await.unwrap(), After::Gone));
    assert!(matches!(queue.show(trace).await, Err(QueueError::NoSuchItem)));
    place.assert_empty().await;
}

#[tokio::test]
async fn limits_hold_at_the_limit_and_not_past_it() {
    let place = place().await;
    let staged = place.staged("x").await;
    let put = async |recipients: usize| {
        let to = EnvelopeRecipient::foreign(address("x@example.com"));
        let envelope = Envelope { recipients: vec![to; recipients], ..Envelope::default() };
        place.queue.put(place.mail.new_trace(), envelope, &staged, 0).await
    };
    assert!(matches!(put(0).await, Err(QueueError::Recipients)));
    assert!(matches!(put(RECIPIENTS_MAX + 1).await, Err(QueueError::Recipients)));
    put(RECIPIENTS_MAX).await.unwrap();
    put(1).await.unwrap();
    put(1).await.unwrap();
    assert!(matches!(put(1).await, Err(QueueError::Full)));
    let taken = place.queue.list(None, 1).await.unwrap()[0].trace;
    place.queue.drop_item(taken).await.unwrap();
    let again = place.queue.list(None, 1).await.unwrap()[0].trace;
    assert!(matches!(place.queue.put(again, envelope(&["x@example.com"]), &staged, 0).await, Err(QueueError::Exists)));
}

#[tokio::test]
async fn a_message_put_in_wakes_the_runner() {
    let place = place().await;
    place.put(envelope(&["x@example.com"])).await;
    tokio::time::timeout(Duration::from_secs(10), place.queue.changed()).await.unwrap();
}

/// Checks that items, contents, due times and the count are in step.
async fn assert_in_step(place: &Place) -> usize {
    let items = place.queue.list(None, 100).await.unwrap();
    let dues: Vec<_> = items.iter().map(|item| keys::queue_due(item.due, item.trace)).collect();
    let page = place.engine.scan(&Scan::prefix(&keys::queue_dues())).await.unwrap();
    let stored: Vec<_> = page.rows.into_iter().map(|(key, _)| key).collect();
    assert_eq!(
        {
            let mut sorted = dues;
            sorted.sort();
            sorted
        },
        stored
    );
    for item in &items {
        let content = place.queue.content(item.trace).await.unwrap();
        assert!(!place.queue.read_body(&content, 0..1).await.unwrap().is_empty());
        // All decided is possible: the last one was recorded, and not yet settled when the process ended.
        assert!(item.recipients.iter().any(|r| r.state != RecipientState::Reported));
    }
    assert_eq!(place.queue.count(), items.len());
    items.len()
}

#[tokio::test]
async fn random_work_with_crashes_keeps_everything_in_step() {
    let rounds: u64 = std::env::var("POSTAMT_QUEUE_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(8);
    for seed in 0..rounds {
        let mut random = store_kv::Seeded::new(seed);
        let mut place = place().await;
        let mut leases: Vec<Lease> = Vec::new();
        let mut reports: Vec<(Lease, Report)> = Vec::new();
        for _ in 0..150 {
            let known: Vec<_> = place.queue.list(None, 10).await.unwrap().iter().map(|item| item.trace).collect();
            let some = random.pick(&known).copied().unwrap_or(TraceId(1));
            match random.below(11) {
                0 | 1 if place.queue.count() < 3 => {
                    place.put(envelope(&["a@example.com", "b@example.com"])).await;
                }
                2 | 3 => leases.extend(place.queue.lease().await.unwrap()),
                4 | 5 if !leases.is_empty() => {
                    let lease = leases.swap_remove(random.index(leases.len()));
                    let outcomes = [
                        sent(),
                        Outcome::Deferred(trouble()),
                        Outcome::Failed(trouble()),
                        Outcome::Fault(trouble()),
                        Outcome::PutOff,
                    ];
                    let results: Vec<_> =
                        (0..2).filter_map(|place| Some((place, random.pick(&outcomes)?.clone()))).collect();
                    if let After::Report(lease, report) = place.queue.settle(lease, &results).await.unwrap() {
                        reports.push((lease, report));
                    }
                }
                6 if !reports.is_empty() && place.queue.count() < 3 => {
                    let (lease, report) = reports.swap_remove(0);
                    let recipients = envelope(&["ann@example.org"]).recipients;
                    let letter = (
                        Envelope { recipients, ..Envelope::default() },
                        Incoming::new(place.mail.new_trace(), place.staged("x").await, 0),
                    );
                    place.queue.report(lease, &report, Some(letter)).await.unwrap();
                }
                10 if !leases.is_empty() => {
                    let place_of_lease = random.index(leases.len());
                    place.queue.record(&mut leases[place_of_lease], &[(random.index(2), sent())]).await.unwrap();
                }
                7 => place.clock.advance(Duration::from_secs(random.below(4000))),
                8 => {
                    // Whatever the item's state, it says so or does it.
                    let _answer = match random.below(4) {
                        0 => place.queue.hold(some).await,
                        1 => place.queue.release(some).await,
                        2 => place.queue.retry(some).await,
                        _ => place.queue.drop_item(some).await,
                    };
                }
                9 if random.chance(1, 3) => {
                    place = place.reopened().await;
                    leases.clear();
                    reports.clear();
                }
                _ => {}
            }
            assert_in_step(&place).await;
        }
    }
}
