//! Measures the mail verbs on the embedded engine: `cargo run --release -p domain --example mail_speed [messages]`.
//!
//! Figures are of this machine, with every answer durable.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

use domain::{
    Account, Cause, Day, Expunge, FlagNames, Mail, MailOptions, NewMessage, Query, QueryKey, QueryNode, Staged,
};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store_embedded::{Embedded, Options};
use types::{AccountId, Clock, FlagChange, Flags, MailboxId, MailboxName, Timestamp, Uid, UidSet};

struct Wall;

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp(i64::try_from(since.as_millis()).unwrap())
    }
}

const ACCOUNT: AccountId = AccountId(9);

async fn open(dir: &Path) -> (Arc<Embedded>, Account, MailboxId) {
    let engine = Embedded::open(dir, Options::default()).unwrap();
    let mail = Mail::new(engine.clone(), Arc::new(Wall), MailOptions::default());
    mail.create_account_mail(ACCOUNT).await.unwrap();
    let account = mail.account(ACCOUNT).await.unwrap();
    let inbox = account.mailboxes().await.unwrap().get(&MailboxName::inbox()).unwrap().id;
    (engine, account, inbox)
}

fn report(what: &str, count: usize, took: Duration) {
    let each = took.as_secs_f64() * 1e6 / f64::from(u32::try_from(count.max(1)).unwrap());
    println!("{what:<40} {count:>8} {:>10.3} ms {each:>10.3} us each", took.as_secs_f64() * 1e3);
}

async fn stage(account: &Account, number: usize) -> Staged {
    let mut staging = account.stage(None).await.unwrap();
    let text = format!(
        "From: Ann <ann{number}@example.org>\r\nTo: bob@example.net\r\nSubject: letter {number}\r\n\
         Date: Tue, 24 Nov 2026 13:44:52 +0100\r\nMessage-ID: <{number}@example.org>\r\n\r\nHello {number}\r\n"
    );
    staging.write(text.as_bytes()).await.unwrap();
    staging.finish().await.unwrap()
}

async fn deliver(account: &Account, inbox: MailboxId, count: usize, at_once: usize) {
    let started = Instant::now();
    let tasks: Vec<_> = (0..at_once)
        .map(|task| {
            let account = account.clone();
            tokio::spawn(async move {
                for number in 0..count / at_once {
                    let staged = stage(&account, task * count + number).await;
                    account.append(inbox, vec![NewMessage::new(staged)]).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    report(&format!("append, {at_once} at once"), count, started.elapsed());
}

/// Copies to another mailbox: in INBOX every further copy would have a UIDL of its own.
async fn fill(account: &Account, inbox: MailboxId, total: u32) -> MailboxId {
    let large = account.mailboxes().await.unwrap().get(&MailboxName::parse("Archive").unwrap()).unwrap().id;
    loop {
        let have = account.status(large).await.unwrap().messages;
        if have >= total {
            return large;
        }
        account.copy(inbox, &UidSet::from_ranges([1..=total - have]), large).await.unwrap();
    }
}

async fn search(account: &Account, inbox: MailboxId, what: &str, key: QueryKey) {
    let snapshot = account.open(inbox).await.unwrap().current();
    let query = Query::new(vec![QueryNode::Key(key)]).unwrap();
    let started = Instant::now();
    let found = account.search(&snapshot, &query).await.unwrap().len();
    report(&format!("search {what}, {found} found"), snapshot.len() as usize, started.elapsed());
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let total: u32 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let dir = std::env::temp_dir().join(format!("mail-speed-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let (engine, account, inbox) = open(&dir).await;
    deliver(&account, inbox, 500, 1).await;
    deliver(&account, inbox, 10_000, 10).await;
    let started = Instant::now();
    let inbox = fill(&account, inbox, total).await;
    report("copy", total as usize, started.elapsed());
    let all = UidSet::from_ranges([1..=u32::MAX]);
    let seen = FlagNames::system(Flags::SEEN);
    let started = Instant::now();
    account.store_flags(inbox, &UidSet::from_ranges([1..=10_000]), FlagChange::Add, &seen, None).await.unwrap();
    report("store flags of 10,000 in one", 10_000, started.elapsed());
    let started = Instant::now();
    for n in 1..=500 {
        let one = UidSet::from_uids([Uid::new(20_000.min(total / 2) + n).unwrap()]);
        account.store_flags(inbox, &one, FlagChange::Add, &seen, None).await.unwrap();
    }
    report("store one flag, 500 times", 500, started.elapsed());
    let emails: Vec<_> = account.open(inbox).await.unwrap().current().iter().map(|e| e.email).take(10_000).collect();
    let started = Instant::now();
    assert!(account.contents(&emails).await.unwrap().iter().all(Option::is_some));
    report("contents of 10,000 in one", emails.len(), started.elapsed());
    search(&account, inbox, "flags", QueryKey::NoFlag(Flags::SEEN)).await;
    search(&account, inbox, "dates", QueryKey::Since(Day::new(2027, 1, 1).unwrap())).await;
    search(&account, inbox, "subject", QueryKey::Subject("letter 77".into())).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    drop(account);
    engine.close().await.unwrap();
    let (engine, account, _) = open(&dir).await;
    for what in ["open after a restart", "open again"] {
        let started = Instant::now();
        let view = account.open(inbox).await.unwrap();
        report(what, view.current().len() as usize, started.elapsed());
    }
    let mut best = Duration::MAX;
    for _ in 0..10 {
        let mail = Mail::new(engine.clone(), Arc::new(Wall), MailOptions::default());
        let started = Instant::now();
        mail.account(ACCOUNT).await.unwrap().open(inbox).await.unwrap();
        best = best.min(started.elapsed());
    }
    report("open with nothing in memory, best of ten", total as usize, best);
    let started = Instant::now();
    let gone = account.expunge(inbox, Expunge::These(all), Cause::Admin).await.unwrap().len();
    report("expunge all", usize::try_from(gone).unwrap(), started.elapsed());
    engine.close().await.unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
}
