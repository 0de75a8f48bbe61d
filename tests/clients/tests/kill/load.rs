//! The load: deliveries, flags, moves, appends, deletes and compaction at once, each written into the ledger before it
//! is asked for and after it was answered.

use crate::check::{after, flags};
use crate::ledger::{Ledger, Place};
use crate::letters::{Dice, letter, name_in};
use anyhow::{Context as _, ensure};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tests_clients::{Account, Imap, Lmtp, Pop3, Server, control};

/// IMAP connections for each of the first two accounts; each works on the UIDs of its remainder.
pub(crate) const IMAP_WORKERS: u32 = 2;
/// Deliveries at once.
const LMTP_WORKERS: u64 = 3;
/// The account that POP3 empties.
pub(crate) const POP3_ACCOUNT: usize = 2;
/// Deliveries wait while an account has so many letters, so that a look at all of them stays short.
const LETTERS_MAX: usize = 250;
/// A worker deletes from its own mailbox down to none when it has so many.
const OWN_MAX: usize = 25;
/// How long all workers may take to sign in.
const SIGN_IN: Duration = Duration::from_mins(1);

/// The mailbox that one worker alone moves into.
pub(crate) fn own_mailbox(worker: u32) -> String {
    format!("Own{worker}")
}

/// The workers of one round.
pub(crate) struct Load {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<anyhow::Result<()>>>,
}

/// What every worker needs.
struct Worker {
    ledger: Ledger,
    dice: Dice,
    round: u64,
    over: Arc<AtomicBool>,
    made: u64,
    number: u64,
}

impl Load {
    /// Signs all in, then lets them go.
    pub(crate) fn start(
        server: &Server,
        accounts: &[Account],
        ledger: &Ledger,
        round: u64,
        dice: &mut Dice,
    ) -> anyhow::Result<Self> {
        let over = Arc::new(AtomicBool::new(false));
        let going = Arc::new(AtomicUsize::new(0));
        let mut numbers = 0..;
        let mut worker = || Worker {
            ledger: ledger.clone(),
            dice: Dice::new(dice.next()),
            round,
            over: Arc::clone(&over),
            made: 0,
            number: numbers.next().unwrap_or(0),
        };
        let mut jobs: Vec<Box<dyn FnOnce() -> anyhow::Result<()> + Send>> = Vec::new();
        for _ in 0..LMTP_WORKERS {
            let (worker, lmtp, to) = (worker(), server.lmtp()?, addresses(accounts));
            jobs.push(Box::new(move || worker.deliver(lmtp, &to)));
        }
        for (account, of) in accounts.iter().enumerate().take(POP3_ACCOUNT) {
            for remainder in 0..IMAP_WORKERS {
                let (worker, imap) = (worker(), server.imap(of)?);
                jobs.push(Box::new(move || worker.imap(imap, account, remainder)));
            }
        }
        for of in accounts.iter().skip(POP3_ACCOUNT) {
            let (worker, first, again) = (worker(), server.pop3(of)?, server.pop3_again(of));
            jobs.push(Box::new(move || worker.empty(first, &again)));
        }
        let (compactor, socket) = (worker(), server.control());
        jobs.push(Box::new(move || {
            while !compactor.over() {
                control(&socket, ["store", "compact"], "")?;
                std::thread::sleep(Duration::from_millis(60));
            }
            Ok(())
        }));
        let count = jobs.len();
        let threads = jobs
            .into_iter()
            .map(|job| {
                let (over, going) = (Arc::clone(&over), Arc::clone(&going));
                std::thread::spawn(move || {
                    going.fetch_add(1, Ordering::SeqCst);
                    match job() {
                        // The server is gone, as it should be.
                        Err(_) if over.load(Ordering::SeqCst) => Ok(()),
                        ended => ended,
                    }
                })
            })
            .collect();
        let begin = Instant::now();
        while going.load(Ordering::SeqCst) < count && begin.elapsed() < SIGN_IN {
            std::thread::yield_now();
        }
        Ok(Self { over, threads })
    }

    /// From now on a broken connection is no failure.
    pub(crate) fn expect_the_end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    /// The first failure of a worker, if there was one.
    pub(crate) fn join(self) -> anyhow::Result<()> {
        for thread in self.threads {
            thread.join().map_err(|_| anyhow::anyhow!("a worker panicked"))??;
        }
        Ok(())
    }
}

fn addresses(accounts: &[Account]) -> Vec<String> {
    accounts.iter().map(|account| account.address.clone()).collect()
}

impl Worker {
    fn over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    fn name(&mut self) -> String {
        self.made += 1;
        format!("r{}-w{}-n{}", self.round, self.number, self.made)
    }

    /// LMTP: one letter after the other, to one, two or all three.
    fn deliver(mut self, mut lmtp: Lmtp, to: &[String]) -> anyhow::Result<()> {
        while !self.over() {
            let wanted: &[usize] = match self.dice.below(6) {
                0 => &[0, 1],
                1 => &[0, 1, 2],
                2 => &[2],
                n if n % 2 == 0 => &[0],
                _ => &[1],
            };
            if wanted.iter().any(|account| self.ledger.living(*account) > LETTERS_MAX) {
                std::thread::sleep(Duration::from_millis(3));
                continue;
            }
            let name = self.name();
            let bytes = letter(&name);
            let addresses: Vec<&str> = wanted.iter().filter_map(|account| Some(to.get(*account)?.as_str())).collect();
            for account in wanted {
                self.ledger.arriving(*account, &name, "INBOX");
            }
            let by_data = self.dice.one_in(2);
            let ledger = &self.ledger;
            lmtp.each(&addresses, &bytes, by_data, |place, reply| {
                ensure!(reply.code == 250, "{name}: {reply:?}");
                ledger.arrived(*wanted.get(place).context("too many answers")?, &name, "INBOX", None)
            })?;
        }
        Ok(())
    }

    /// IMAP: flags, moves, appends and deletes on the letters of this worker.
    fn imap(mut self, mut imap: Imap, account: usize, remainder: u32) -> anyhow::Result<()> {
        let own = own_mailbox(remainder);
        imap.expect("ENABLE CONDSTORE")?;
        while !self.over() {
            let mine: Vec<_> = self
                .list(&mut imap, account, "INBOX", Some(remainder))?
                .into_iter()
                .filter(|(uid, _)| uid % IMAP_WORKERS == remainder)
                .collect();
            for (uid, name) in mine.into_iter().take(15) {
                match self.dice.below(10) {
                    0..=3 => self.flag(&mut imap, account, uid, &name)?,
                    4..=7 => self.relocate(&mut imap, account, uid, &name, &own)?,
                    8 => self.delete(&mut imap, account, &[(uid, name)])?,
                    _ => self.append(&mut imap, account, &own)?,
                }
            }
            let mut kept = self.list(&mut imap, account, &own, None)?;
            for (uid, name) in kept.iter().take(4) {
                self.flag(&mut imap, account, *uid, name)?;
            }
            if kept.len() > OWN_MAX {
                kept.truncate(OWN_MAX);
                self.delete(&mut imap, account, &kept)?;
            }
        }
        Ok(())
    }

    /// Selects a mailbox and reads which letters are in it; those of this worker are now known to be there.
    fn list(
        &self,
        imap: &mut Imap,
        account: usize,
        mailbox: &str,
        remainder: Option<u32>,
    ) -> anyhow::Result<Vec<(u32, String)>> {
        if imap.expect(&format!("SELECT {mailbox}"))?.number("EXISTS") == Some(0) {
            return Ok(Vec::new());
        }
        let answer = imap.expect("UID FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (X-KILL-ID)])")?;
        let mut found = Vec::new();
        for item in answer.fetched() {
            let uid: u32 = after(&String::from_utf8_lossy(item), "UID ").context("UID")?.parse()?;
            if remainder.is_some_and(|r| uid % IMAP_WORKERS != r) {
                continue;
            }
            let name = name_in(item).context("a letter without a name")?;
            self.ledger.seen(account, &name, mailbox, Some(uid))?;
            found.push((uid, name));
        }
        Ok(found)
    }

    fn flag(&mut self, imap: &mut Imap, account: usize, uid: u32, name: &str) -> anyhow::Result<()> {
        let all = ["\\Seen", "\\Flagged", "\\Answered", "\\Draft", "$Forwarded", "colour"];
        let chosen: Vec<&str> = all.into_iter().filter(|_| self.dice.one_in(2)).collect();
        let set = chosen.iter().map(|flag| (*flag).to_owned()).collect();
        self.ledger.begin(account, name, |place| with_flags(place, &set))?;
        let answer = imap.expect(&format!("UID STORE {uid} FLAGS ({})", chosen.join(" ")))?;
        // Flags that stood as they are need no answer; a change tells its MODSEQ (RFC 7162 §3.1.3).
        let told = answer.fetched().map(|item| String::from_utf8_lossy(item).into_owned());
        let told = told.filter(|item| after(item, "UID ") == Some(&uid.to_string())).last();
        if let Some(item) = &told {
            ensure!(flags(item) == Some(set), "{name}: asked for {chosen:?}, told {item}");
        }
        let seen = told.and_then(|item| after(&item, "MODSEQ (").and_then(|m| m.parse().ok())).unwrap_or(0);
        self.ledger.done(account, name, |place| {
            if let Place::In { modseq, .. } = place {
                *modseq = seen.max(*modseq);
            }
        })
    }

    fn relocate(&mut self, imap: &mut Imap, account: usize, uid: u32, name: &str, target: &str) -> anyhow::Result<()> {
        self.ledger.begin(account, name, |place| moved(place, target))?;
        let answer = imap.expect(&format!("UID MOVE {uid} {target}"))?;
        let told = answer.untagged.iter().map(|line| String::from_utf8_lossy(line).into_owned());
        let told = told.chain([answer.text.clone()]).find(|line| line.contains("[COPYUID "));
        let told = told.with_context(|| format!("{name}: MOVE without COPYUID: {}", answer.text))?;
        let code = told.split("[COPYUID ").nth(1).and_then(|rest| rest.split(']').next()).context("COPYUID")?;
        let new: u32 = code.rsplit(' ').next().context("COPYUID")?.parse()?;
        self.ledger.done(account, name, |place| {
            if let Place::In { uid, .. } = place {
                *uid = Some(new);
            }
        })
    }

    fn append(&mut self, imap: &mut Imap, account: usize, mailbox: &str) -> anyhow::Result<()> {
        let name = self.name();
        self.ledger.arriving(account, &name, mailbox);
        let answer = imap.append(mailbox, "", &letter(&name))?;
        ensure!(answer.ok, "APPEND: {}", answer.text);
        let code = answer.text.split("[APPENDUID ").nth(1).and_then(|rest| rest.split(']').next());
        let uid = code.and_then(|code| code.rsplit(' ').next()).context("APPENDUID")?.parse()?;
        self.ledger.arrived(account, &name, mailbox, Some(uid))
    }

    fn delete(&mut self, imap: &mut Imap, account: usize, letters: &[(u32, String)]) -> anyhow::Result<()> {
        let uids: Vec<String> = letters.iter().map(|(uid, _)| uid.to_string()).collect();
        let deleted = std::iter::once("\\Deleted".to_owned()).collect();
        for (_, name) in letters {
            self.ledger.begin(account, name, |place| with_flags(place, &deleted))?;
        }
        imap.expect(&format!("UID STORE {} FLAGS.SILENT (\\Deleted)", uids.join(",")))?;
        for (_, name) in letters {
            self.ledger.done(account, name, |_| ())?;
            self.ledger.begin(account, name, |_| Place::Nowhere)?;
        }
        imap.expect(&format!("UID EXPUNGE {}", uids.join(",")))?;
        letters.iter().try_for_each(|(_, name)| self.ledger.done(account, name, |_| ()))
    }

    /// POP3: some of what is there, again and again.
    fn empty(mut self, first: Pop3, again: &dyn Fn() -> anyhow::Result<Pop3>) -> anyhow::Result<()> {
        let mut pop3 = first;
        while !self.over() {
            let mut deleted = Vec::new();
            for number in 1..=pop3.count()?.min(30) {
                let name = name_in(&pop3.lines(&format!("TOP {number} 0"))?).context("a letter without a name")?;
                self.ledger.seen(POP3_ACCOUNT, &name, "INBOX", None)?;
                if self.dice.below(4) > 0 {
                    pop3.command(&format!("DELE {number}"))?;
                    deleted.push(name);
                }
            }
            for name in &deleted {
                self.ledger.begin(POP3_ACCOUNT, name, |_| Place::Nowhere)?;
            }
            pop3.command("QUIT")?;
            for name in &deleted {
                self.ledger.done(POP3_ACCOUNT, name, |_| ())?;
            }
            pop3 = again()?;
        }
        Ok(())
    }
}

fn with_flags(place: &Place, set: &std::collections::BTreeSet<String>) -> Place {
    let mut place = place.clone();
    if let Place::In { flags, .. } = &mut place {
        flags.clone_from(set);
    }
    place
}

fn moved(place: &Place, target: &str) -> Place {
    match place {
        Place::Nowhere => Place::Nowhere,
        Place::In { flags, modseq, .. } => {
            Place::In { mailbox: target.to_owned(), uid: None, flags: flags.clone(), modseq: *modseq }
        }
    }
}
