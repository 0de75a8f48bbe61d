//! The workloads. Each takes the store as the one before left it and reports what it cost.

use crate::mail::{Account, Delivered, Pool, message_key, messages_prefix};
use crate::measure::{Latencies, Report, Usage, disk_mb, memory_mb};
use crate::{Plan, Store};
use bytes::Bytes;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store_kv::{Engine, PageLimit, Scan, Seeded};
use tokio::task::JoinSet;

/// Tasks that read at once.
const READERS: u64 = 4;
/// Of how many gets one is timed: the clock costs as much as a get.
const GETS_PER_TIMED: u64 = 8;
/// Messages that one batch deletes.
const DELETED_AT_ONCE: usize = 100;
/// Messages that one batch of the bulk load brings.
const LOADED_AT_ONCE: u32 = 2000;
/// Accounts of the bulk load.
const LOADED_ACCOUNTS: u32 = 20;
/// Small mailboxes that are opened.
const MAILBOXES: u64 = 5000;
/// First account of the bulk load, past all others.
const LOADED_FIRST: u32 = 10_000;

/// The accounts and messages that the workloads leave to one another.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) accounts: Vec<Account>,
    pub(crate) delivered: Vec<Delivered>,
    /// Bytes of the bodies delivered.
    pub(crate) payload: u64,
}

/// Runs tasks until their time is up; each returns how much it did and how long each took.
async fn run<T, F>(tasks: Vec<T>) -> Vec<F>
where
    T: Future<Output = F> + Send + 'static,
    F: Send + 'static,
{
    let mut running = JoinSet::new();
    for task in tasks {
        running.spawn(task);
    }
    running.join_all().await
}

async fn deliver_until(
    engine: Arc<dyn Engine>,
    pool: Arc<Pool>,
    mut account: Account,
    seed: u64,
    end: Instant,
) -> (Account, Vec<Delivered>, Latencies) {
    let mut random = Seeded::new(seed);
    let (mut delivered, mut latencies) = (Vec::new(), Latencies::default());
    while Instant::now() < end {
        let body = pool.pick(&mut random);
        let begun = Instant::now();
        delivered.push(account.deliver(&*engine, body).await);
        latencies.note(begun.elapsed());
    }
    (account, delivered, latencies)
}

impl World {
    fn take_accounts(&mut self, count: usize) -> Vec<Account> {
        while self.accounts.len() < count {
            self.accounts.push(Account::new(u32::try_from(self.accounts.len()).unwrap()));
        }
        self.accounts[..count].to_vec()
    }

    fn put_back(&mut self, account: Account) {
        let at = usize::try_from(account.id.0).unwrap();
        self.accounts[at] = account;
    }

    /// W1: durable deliveries by so many writers, each to its own account.
    pub(crate) async fn deliveries(&mut self, store: &Store, pool: &Arc<Pool>, plan: &Plan, writers: usize) -> Report {
        let end = Instant::now() + plan.time;
        let before = store.stats();
        let usage = Usage::now();
        let accounts = self.take_accounts(writers);
        let tasks = accounts.into_iter().map(|account| {
            let seed = u64::from(account.id.0) + writers as u64 * 1000;
            deliver_until(store.engine(), pool.clone(), account, seed, end)
        });
        let ended = run(tasks.collect()).await;
        let used = usage.used();
        let (mut latencies, mut count, mut bytes) = (Latencies::default(), 0_u64, 0_u64);
        for (account, delivered, own) in ended {
            self.put_back(account);
            count += delivered.len() as u64;
            bytes += delivered.iter().map(|message| message.len).sum::<u64>();
            self.delivered.extend(delivered);
            latencies.join(own);
        }
        self.payload += bytes;
        let after = store.stats();
        let mut report = Report::new(format!("W1 deliver x{writers}"));
        report.rate(count, used).latencies(&mut latencies);
        report.add("mb_per_s", bytes as f64 / 1e6 / used.seconds);
        report.add("written_per_byte", used.written as f64 / bytes.max(1) as f64);
        report.add("syncs_per_message", (after.syncs - before.syncs) as f64 / count.max(1) as f64);
        let stored = after.stored_body_bytes - before.stored_body_bytes;
        report.add("stored_per_byte", stored as f64 / bytes.max(1) as f64);
        report.add("memory_mb", memory_mb() - pool.memory_mb());
        report
    }

    /// W2: flag changes by 16 writers.
    pub(crate) async fn flags(&mut self, store: &Store, plan: &Plan) -> Report {
        let end = Instant::now() + plan.time;
        let accounts = self.take_accounts(16);
        let usage = Usage::now();
        let tasks = accounts.into_iter().map(|account| flag_until(store.engine(), account, end, None));
        let ended = run(tasks.collect()).await;
        let used = usage.used();
        let (mut latencies, mut count) = (Latencies::default(), 0);
        for (account, changes, own) in ended {
            self.put_back(account);
            count += changes;
            latencies.join(own);
        }
        let mut report = Report::new("W2 flags x16");
        report.rate(count, used).latencies(&mut latencies);
        report.add("cpu_us_each", used.cpu * 1e6 / count.max(1) as f64);
        report.add("written_each", used.written as f64 / count.max(1) as f64);
        report
    }

    /// W3 and W4: scans of a large mailbox and gets of its rows.
    pub(crate) async fn reads(&mut self, store: &Store, plan: &Plan) -> Vec<Report> {
        let mut account = Account::new(LOADED_FIRST - 1);
        let rows = plan.rows(200_000);
        let engine = store.engine();
        while account.uid < rows {
            account.load(&*engine, LOADED_AT_ONCE).await;
        }
        store.settle().await;
        let usage = Usage::now();
        let mut scanned = 0;
        let end = Instant::now() + plan.time;
        while Instant::now() < end {
            let mut next = Some(Scan::prefix(&messages_prefix(account.id)));
            while let Some(scan) = next {
                let page = engine.scan(&scan).await.unwrap();
                scanned += page.rows.len() as u64;
                next = scan.after(&page);
            }
        }
        let used = usage.used();
        let mut scans = Report::new("W3 scan warm");
        scans.rate(scanned, used);

        let end = Instant::now() + plan.time;
        let usage = Usage::now();
        let tasks = (0..READERS).map(|reader| get_until(store.engine(), account, reader, end));
        let ended = run(tasks.collect()).await;
        let used = usage.used();
        let (mut latencies, mut count) = (Latencies::default(), 0);
        for (gets, own) in ended {
            count += gets;
            latencies.join(own);
        }
        let mut gets = Report::new("W4 get x4");
        gets.rate(count, used).latencies(&mut latencies);
        gets.add("cpu_us_each", used.cpu * 1e6 / count.max(1) as f64);
        vec![scans, gets]
    }

    /// W5: whole bodies in random order.
    pub(crate) async fn body_reads(&mut self, store: &Store, plan: &Plan, name: &str) -> Report {
        let end = Instant::now() + plan.time;
        let usage = Usage::now();
        let delivered: Arc<[Delivered]> = self.delivered.clone().into();
        let tasks = (0..READERS).map(|reader| read_until(store.engine(), delivered.clone(), reader, end));
        let ended = run(tasks.collect()).await;
        let used = usage.used();
        let (mut latencies, mut count, mut bytes) = (Latencies::default(), 0, 0_u64);
        for (bodies, own_bytes, own) in ended {
            count += bodies;
            bytes += own_bytes;
            latencies.join(own);
        }
        let mut report = Report::new(name);
        report.rate(count, used).latencies(&mut latencies);
        report.add("mb_per_s", bytes as f64 / 1e6 / used.seconds);
        report
    }

    /// W7: 8 deliverers without a pause, 4 scanners, 4 who change flags.
    pub(crate) async fn mixed(&mut self, store: &Store, pool: &Arc<Pool>, plan: &Plan) -> Vec<Report> {
        let time = plan.time * 5 / 2;
        let end = Instant::now() + time;
        let accounts = self.take_accounts(16);
        let usage = Usage::now();
        let deliverers = accounts[..8].iter().map(|account| {
            tokio::spawn(deliver_until(store.engine(), pool.clone(), *account, u64::from(account.id.0) + 7, end))
        });
        let deliverers: Vec<_> = deliverers.collect();
        let flaggers = accounts[8..12]
            .iter()
            .map(|account| tokio::spawn(flag_until(store.engine(), *account, end, Some(Duration::from_millis(1)))));
        let flaggers: Vec<_> = flaggers.collect();
        let scanners = accounts[12..].iter().map(|account| tokio::spawn(scan_until(store.engine(), *account, end)));
        let scanners: Vec<_> = scanners.collect();

        let (mut deliver_times, mut flag_times, mut scan_times) = <(Latencies, Latencies, Latencies)>::default();
        let (mut delivered_count, mut flag_count, mut scan_count) = (0, 0, 0);
        for task in deliverers {
            let (account, delivered, own) = task.await.unwrap();
            self.put_back(account);
            delivered_count += delivered.len() as u64;
            self.payload += delivered.iter().map(|message| message.len).sum::<u64>();
            self.delivered.extend(delivered);
            deliver_times.join(own);
        }
        for task in flaggers {
            let (account, changes, own) = task.await.unwrap();
            self.put_back(account);
            flag_count += changes;
            flag_times.join(own);
        }
        for task in scanners {
            let (scans, own) = task.await.unwrap();
            scan_count += scans;
            scan_times.join(own);
        }
        let used = usage.used();
        let mut reports = Vec::new();
        let all = [
            ("W7 deliver", delivered_count, deliver_times),
            ("W7 flag", flag_count, flag_times),
            ("W7 scan of 1000", scan_count, scan_times),
        ];
        for (name, count, mut latencies) in all {
            let mut report = Report::new(name);
            report.add("per_s", count as f64 / used.seconds).latencies(&mut latencies);
            reports.push(report);
        }
        let mut whole = Report::new("W7 whole");
        whole.add("cpu_s_per_s", used.cpu / used.seconds).add("memory_mb", memory_mb() - pool.memory_mb());
        reports.push(whole);
        reports
    }

    /// W8: delete four of five messages, have the space back.
    pub(crate) async fn delete_and_compact(&mut self, store: &Store) -> Report {
        let engine = store.engine();
        store.settle().await;
        let (disk_before, sealed_before) = (disk_mb(store.dir()), store.stats().sealed_bytes);
        let mut doomed: Vec<Vec<Delivered>> = vec![Vec::new(); self.accounts.len()];
        let mut kept = Vec::new();
        for (n, message) in self.delivered.drain(..).enumerate() {
            if n % 5 == 0 { kept.push(message) } else { doomed[message.account.0 as usize].push(message) }
        }
        self.delivered = kept;
        let usage = Usage::now();
        let mut deleted = 0;
        for (account, doomed) in self.accounts.iter_mut().zip(doomed) {
            deleted += doomed.len() as u64;
            for messages in doomed.chunks(DELETED_AT_ONCE) {
                account.delete(&*engine, messages).await;
            }
        }
        let deleting = usage.used();
        let usage = Usage::now();
        store.compact().await;
        let compacting = usage.used();
        let live = self.delivered.iter().map(|message| message.len).sum::<u64>();
        let mut report = Report::new("W8 delete 80 %");
        report.add("deleted", deleted as f64).add("delete_s", deleting.seconds).add("delete_cpu_s", deleting.cpu);
        report.add("compact_s", compacting.seconds).add("compact_cpu_s", compacting.cpu);
        report.add("disk_before_mb", disk_before).add("disk_after_mb", disk_mb(store.dir()));
        // The segment in use and the spare one are set aside whole, so the sealed ones tell more.
        report.add("sealed_before_mb", sealed_before as f64 / 1e6);
        report.add("sealed_after_mb", store.stats().sealed_bytes as f64 / 1e6);
        report.add("live_body_mb", live as f64 / 1e6);
        report
    }
}

/// W6: a million rows without bodies over 20 accounts, then opening and small reads.
pub(crate) async fn bulk_load(store: &mut Store, plan: &Plan, pool_mb: f64) -> Vec<Report> {
    let (index_before, log_before) = (disk_mb(&store.index_dir()), store.stats().log_bytes);
    let mut accounts: Vec<Account> = (0..LOADED_ACCOUNTS).map(|n| Account::new(LOADED_FIRST + n)).collect();
    let rows = plan.rows(50_000);
    let engine = store.engine();
    let usage = Usage::now();
    let mut payload = 0;
    let mut peak = 0.0_f64;
    // Interleaved over the accounts.
    while accounts[0].uid < rows {
        for account in &mut accounts {
            payload += account.load(&*engine, LOADED_AT_ONCE.min(rows)).await;
        }
        peak = peak.max(memory_mb() - pool_mb);
    }
    drop(engine);
    store.settle().await;
    let used = usage.used();
    let mut load = Report::new("W6 load");
    load.rate(u64::from(accounts[0].uid) * u64::from(LOADED_ACCOUNTS), used);
    load.add("s", used.seconds).add("cpu_s", used.cpu);
    load.add("log_per_payload", (store.stats().log_bytes - log_before) as f64 / payload as f64);
    load.add("index_per_payload", (disk_mb(&store.index_dir()) - index_before) * 1e6 / payload as f64);
    load.add("memory_peak_mb", peak);

    let begun = Instant::now();
    store.reopen().await;
    let opened = begun.elapsed();
    let mut open = Report::new("W6 close and open");
    open.add("close_ms", opened.saturating_sub(store.opened_in()).as_secs_f64() * 1000.0);
    open.add("open_ms", store.opened_in().as_secs_f64() * 1000.0).add("memory_mb", memory_mb() - pool_mb);

    let engine = store.engine();
    let mut random = Seeded::new(6);
    let usage = Usage::now();
    for _ in 0..MAILBOXES {
        let account = accounts[random.index(accounts.len())];
        let first = u32::try_from(random.below(u64::from(rows))).unwrap();
        let scan = Scan::range(message_key(account.id, first), message_key(account.id, first + 20));
        engine.scan(&scan).await.unwrap();
    }
    let used = usage.used();
    let mut small = Report::new("W6 small mailboxes");
    small.rate(MAILBOXES, used).add("memory_mb", memory_mb() - pool_mb);
    vec![load, open, small]
}

async fn flag_until(
    engine: Arc<dyn Engine>,
    mut account: Account,
    end: Instant,
    pause: Option<Duration>,
) -> (Account, u64, Latencies) {
    let mut random = Seeded::new(u64::from(account.id.0) + 2);
    let (mut count, mut latencies) = (0, Latencies::default());
    while Instant::now() < end {
        let uid = 1 + u32::try_from(random.below(u64::from(account.uid.max(1)))).unwrap();
        let begun = Instant::now();
        account.flag(&*engine, uid).await;
        latencies.note(begun.elapsed());
        count += 1;
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
    }
    (account, count, latencies)
}

async fn get_until(engine: Arc<dyn Engine>, account: Account, reader: u64, end: Instant) -> (u64, Latencies) {
    let mut random = Seeded::new(reader);
    let (mut count, mut latencies) = (0, Latencies::default());
    let mut key =
        || -> Bytes { message_key(account.id, 1 + u32::try_from(random.below(u64::from(account.uid))).unwrap()) };
    loop {
        let timed = key();
        let begun = Instant::now();
        assert!(engine.get(&timed).await.unwrap().is_some(), "a row was lost");
        latencies.note(begun.elapsed());
        if begun >= end {
            return (count, latencies);
        }
        for _ in 1..GETS_PER_TIMED {
            assert!(engine.get(&key()).await.unwrap().is_some(), "a row was lost");
        }
        count += GETS_PER_TIMED;
        tokio::task::yield_now().await;
    }
}

async fn read_until(
    engine: Arc<dyn Engine>,
    delivered: Arc<[Delivered]>,
    reader: u64,
    end: Instant,
) -> (u64, u64, Latencies) {
    let mut random = Seeded::new(reader + 5);
    let (mut count, mut bytes, mut latencies) = (0, 0, Latencies::default());
    while Instant::now() < end && !delivered.is_empty() {
        let message = delivered[random.index(delivered.len())];
        let begun = Instant::now();
        let mut at = 0;
        while at < message.len {
            let piece = engine.read_body(message.body, at..message.len).await.unwrap();
            assert!(!piece.is_empty(), "a body was cut short");
            at += piece.len() as u64;
        }
        latencies.note(begun.elapsed());
        count += 1;
        bytes += at;
        tokio::task::yield_now().await;
    }
    (count, bytes, latencies)
}

/// Scans a thousand messages, then pauses for 5 ms.
async fn scan_until(engine: Arc<dyn Engine>, account: Account, end: Instant) -> (u64, Latencies) {
    let (mut count, mut latencies) = (0, Latencies::default());
    let mut scan = Scan::prefix(&messages_prefix(account.id));
    scan.limit = PageLimit { rows: 1000, ..PageLimit::default() };
    while Instant::now() < end {
        let begun = Instant::now();
        engine.scan(&scan).await.unwrap();
        latencies.note(begun.elapsed());
        count += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    (count, latencies)
}
