//! The look after a restart: every mailbox of every account, every letter's bytes, against the ledger.

use crate::ledger::{Found, Ledger};
use crate::letters;
use anyhow::{Context as _, ensure};
use std::collections::{BTreeMap, BTreeSet};
use tests_clients::{Account, Imap, Server, after_trace};

/// Compares all accounts, and settles in the ledger what was under way.
pub(crate) fn everything(server: &Server, accounts: &[Account], ledger: &Ledger) -> anyhow::Result<()> {
    for (number, account) in accounts.iter().enumerate() {
        let mut imap = server.imap(account)?;
        imap.expect("ENABLE CONDSTORE")?;
        let list = imap.expect("LIST \"\" *")?;
        let mut found = BTreeMap::new();
        for line in &list.untagged {
            let line = String::from_utf8_lossy(line).into_owned();
            let mailbox = line.rsplit(' ').next().context("a LIST line")?.trim_matches('"').to_owned();
            look(&mut imap, number, &mailbox, ledger, &mut found).with_context(|| format!("{number}: {mailbox}"))?;
        }
        ledger.settle(number, &found)?;
    }
    Ok(())
}

fn look(
    imap: &mut Imap,
    account: usize,
    mailbox: &str,
    ledger: &Ledger,
    found: &mut BTreeMap<String, Found>,
) -> anyhow::Result<()> {
    let selected = imap.expect(&format!("SELECT {mailbox}"))?;
    let code = |word: &str| selected.code(word).with_context(|| format!("SELECT without {word}"));
    ledger.look_at_mailbox(account, mailbox, [code("UIDVALIDITY")?, code("UIDNEXT")?, code("HIGHESTMODSEQ")?])?;
    if selected.number("EXISTS") == Some(0) {
        return Ok(());
    }
    let (validity, next) = (code("UIDVALIDITY")?, code("UIDNEXT")?);
    let items = imap.expect("UID FETCH 1:* (UID FLAGS MODSEQ)")?;
    let bodies: BTreeMap<u32, Vec<u8>> = imap.messages(mailbox)?.into_iter().collect();
    for item in items.fetched() {
        let item = String::from_utf8_lossy(item).into_owned();
        let uid: u32 = after(&item, "UID ").context("UID")?.parse()?;
        let modseq = after(&item, "MODSEQ (").context("MODSEQ")?.parse()?;
        ensure!(u64::from(uid) < next, "UID {uid} with UIDNEXT {next} (UIDVALIDITY {validity})");
        let bytes = bodies.get(&uid).with_context(|| format!("UID {uid} has no body"))?;
        let name = letters::name_in(bytes).with_context(|| format!("UID {uid} is no letter of ours"))?;
        ensure!(after_trace(bytes) == letters::letter(&name), "{name} was altered");
        let flags = flags(&item).context("FLAGS")?;
        let now = Found { mailbox: mailbox.to_owned(), uid, flags, modseq };
        if let Some(other) = found.insert(name.clone(), now) {
            anyhow::bail!("{name} is there twice: as UID {uid} here, and as {other:?}");
        }
    }
    Ok(())
}

/// The digits behind a word.
pub(crate) fn after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let rest = text.split_once(word)?.1;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..end)
}

/// The flags in a FETCH response, without `\Recent`, which is the session's.
pub(crate) fn flags(item: &str) -> Option<BTreeSet<String>> {
    let list = item.split_once("FLAGS (")?.1.split_once(')')?.0;
    Some(list.split(' ').filter(|flag| !flag.is_empty() && *flag != "\\Recent").map(str::to_owned).collect())
}
