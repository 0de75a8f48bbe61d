//! What a very large mailbox costs in time and memory, on the embedded engine:
//! `cargo run -p domain --example mail_million [messages]`.
//!
//! Peak memory is that of the whole process, with what the index maps left out (anonymous memory), after each step;
//! what a step needs for a moment is in it.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

use domain::{Account, Mail, MailOptions, NewMessage, Query, QueryKey, QueryNode, Staged, ThreadAlgorithm};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use store_embedded::{Embedded, Options};
use types::{AccountId, Clock, Flags, MailboxId, MailboxName, ModSeq, SortCriterion, SortKey, Timestamp, UidSet};

struct Wall;

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp(i64::try_from(since.as_millis()).unwrap())
    }
}

const ACCOUNT: AccountId = AccountId(9);
/// Messages that differ; the mailbox holds copies of them.
const DIFFERENT: u32 = 10_000;

/// A line of `/proc/self/status`, in MiB.
fn mebibytes(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    let kib: u64 = line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap();
    kib >> 10
}

/// Lets the peak begin anew.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

struct Step(&'static str, Instant, u64);

impl Step {
    fn begin(what: &'static str) -> Self {
        forget_peak();
        Self(what, Instant::now(), mebibytes("RssAnon"))
    }

    fn end(self, result: usize) {
        let Self(what, started, before) = self;
        let took = started.elapsed().as_secs_f64() * 1e3;
        let peak = mebibytes("VmHWM").saturating_sub(mebibytes("RssFile"));
        println!("{what:<44} {took:>11.1} ms   {before:>5} MiB before, {peak:>5} MiB at most   {result}");
    }
}

async fn stage(account: &Account, number: u32) -> Staged {
    let mut staging = account.stage(None).await.unwrap();
    // Threads of ten: each answers the one before it.
    let answers = if number.is_multiple_of(10) {
        String::new()
    } else {
        format!("References: <{}@example.org> <{}@example.org>\r\n", number - number % 10, number - 1)
    };
    let text = format!(
        "From: Ann <ann{number}@example.org>\r\nTo: bob@example.net\r\nSubject: Re: letter {}\r\n{answers}\
         Date: Tue, 24 Nov 2026 13:44:52 +0100\r\nMessage-ID: <{number}@example.org>\r\n\r\nHello {number}\r\n",
        number / 10
    );
    staging.write(text.as_bytes()).await.unwrap();
    staging.finish().await.unwrap()
}

async fn account(engine: Arc<Embedded>) -> Account {
    let mail = Mail::new(engine, Arc::new(Wall), MailOptions::default());
    mail.account(ACCOUNT).await.unwrap()
}

/// Copies to another mailbox: in INBOX every further copy would have a UIDL of its own.
async fn fill(dir: &Path, total: u32) -> MailboxId {
    let engine = Embedded::open(dir, Options::default()).unwrap();
    let mail = Mail::new(engine.clone(), Arc::new(Wall), MailOptions::default());
    mail.create_account_mail(ACCOUNT).await.unwrap();
    let account = mail.account(ACCOUNT).await.unwrap();
    let list = account.mailboxes().await.unwrap();
    let inbox = list.get(&MailboxName::inbox()).unwrap().id;
    let large = list.get(&MailboxName::parse("Archive").unwrap()).unwrap().id;
    for from in (0..DIFFERENT.min(total)).step_by(500) {
        let mut messages = Vec::new();
        for number in from..from + 500 {
            messages.push(NewMessage::new(stage(&account, number).await));
        }
        account.append(inbox, messages).await.unwrap();
    }
    loop {
        let have = account.status(large).await.unwrap().messages;
        if have >= total {
            break;
        }
        account.copy(inbox, &UidSet::from_ranges([1..=total - have]), large).await.unwrap();
    }
    drop(account);
    drop(mail);
    engine.close().await.unwrap();
    large
}

async fn search(account: &Account, id: MailboxId, what: &'static str, key: QueryKey) {
    let snapshot = account.open(id).await.unwrap().current();
    let query = Query::new(vec![QueryNode::Key(key)]).unwrap();
    let step = Step::begin(what);
    step.end(account.search(&snapshot, &query).await.unwrap().len());
}

async fn orders(account: &Account, id: MailboxId) {
    let snapshot = account.open(id).await.unwrap().current();
    let all = Query::new(vec![QueryNode::Key(QueryKey::All)]).unwrap();
    for (what, key) in [("SORT (ARRIVAL)", SortKey::Arrival), ("SORT (SUBJECT)", SortKey::Subject)] {
        let step = Step::begin(what);
        let criteria = [SortCriterion { key, is_reverse: false }];
        step.end(account.sort(&snapshot, &all, &criteria).await.unwrap().len());
    }
    let step = Step::begin("THREAD REFERENCES");
    step.end(account.thread(&snapshot, &all, ThreadAlgorithm::References).await.unwrap().len());
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let total: u32 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let dir = std::env::temp_dir().join(format!("mail-million-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let step = Step::begin("filling it");
    let large = fill(&dir, total).await;
    step.end(usize::try_from(total).unwrap());
    // Nothing of it is in memory from here on.
    let engine = Embedded::open(&dir, Options::default()).unwrap();
    let account = account(engine.clone()).await;
    let step = Step::begin("STATUS after a restart");
    step.end(usize::try_from(account.status(large).await.unwrap().messages).unwrap());
    let step = Step::begin("STATUS again");
    step.end(usize::try_from(account.status(large).await.unwrap().messages).unwrap());
    let step = Step::begin("SELECT, first");
    let view = account.open(large).await.unwrap();
    step.end(usize::try_from(view.current().len()).unwrap());
    let step = Step::begin("SELECT of a second session");
    let second = account.open(large).await.unwrap();
    step.end(usize::try_from(second.current().len()).unwrap());
    let step = Step::begin("looking at all flags (FETCH 1:* FLAGS)");
    step.end(view.current().iter().filter(|entry| entry.flags.contains(Flags::SEEN)).count());
    search(&account, large, "SEARCH UNSEEN", QueryKey::NoFlag(Flags::SEEN)).await;
    search(&account, large, "SEARCH SUBJECT", QueryKey::Subject("letter 77".into())).await;
    orders(&account, large).await;
    let highest = view.current().highest_modseq;
    let step = Step::begin("QRESYNC, nothing new");
    step.end(account.vanished_since(large, highest, 100_000).await.unwrap().uids.ranges().len());
    let step = Step::begin("QRESYNC, since the beginning");
    step.end(account.vanished_since(large, ModSeq(1), 100_000).await.unwrap().uids.ranges().len());
    drop((view, second, account));
    engine.close().await.unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
}
