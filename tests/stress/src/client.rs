//! One connection: gives commands, and checks every answer against what it believes.

use crate::facts::Facts;
use crate::random::Random;
use crate::response::{self, Node, Response, Status, set, shown};
use crate::view::{Expunges, FlagSet, Memory, View, fetch_items, flag_set};
use anyhow::{Context as _, bail, ensure};
use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tests_clients::Wire;

/// How many lines of a conversation are kept to be shown with a complaint.
const LOG_LINES: usize = 60;

/// What is told between SELECT and its end to a client that remembers the mailbox (RFC 7162 §3.2.5).
#[derive(Debug, Default)]
struct Resync {
    memory: Memory,
    /// Sequence numbers that were told with their UIDs.
    numbered: Vec<(u32, u32)>,
    /// The client named the messages it knows: it is told nothing of others (RFC 7162 §3.2.5.1).
    is_limited: bool,
    /// How many messages there were when it was opened.
    exists: Option<usize>,
}

/// What an answer brought besides what the view took in.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: Option<Status>,
    /// Numbers of SEARCH.
    pub(crate) found: Vec<u32>,
    /// Sequence numbers of FETCH, with the UIDs as far as they were known.
    pub(crate) fetched: Vec<(u32, Option<u32>)>,
    /// Flags by sequence number, as told.
    pub(crate) flags: Vec<(u32, FlagSet)>,
}

impl Answer {
    pub(crate) fn is_ok(&self) -> bool {
        self.status.as_ref().is_some_and(Status::is_ok)
    }

    /// What stands in the brackets of the last line.
    pub(crate) fn code(&self) -> &[Node] {
        self.status.as_ref().map_or(&[], |status| &status.code)
    }
}

/// A connection.
pub(crate) struct Client {
    wire: Wire,
    pub(crate) who: usize,
    tag: u32,
    pub(crate) random: Random,
    pub(crate) facts: Arc<Facts>,
    pub(crate) capabilities: Vec<String>,
    pub(crate) qresync: bool,
    pub(crate) stores_tell_all: bool,
    pub(crate) view: Option<View>,
    pub(crate) read_only: bool,
    pub(crate) memories: HashMap<String, Memory>,
    resync: Option<Resync>,
    /// Where messages of a MOVE go, while it runs.
    pub(crate) moving_to: Option<String>,
    log: VecDeque<String>,
    /// The last SELECT or EXAMINE.
    opening: String,
}

impl Client {
    /// Signs in.
    pub(crate) fn sign_in(
        mut wire: Wire,
        who: usize,
        (user, password): (&str, &str),
        random: Random,
        facts: Arc<Facts>,
    ) -> anyhow::Result<Self> {
        let greeting = wire.text()?;
        ensure!(greeting.starts_with("* OK"), "greeting {greeting:?}");
        let mut client = Self {
            wire,
            who,
            tag: 0,
            random,
            facts,
            capabilities: Vec::new(),
            qresync: false,
            stores_tell_all: false,
            view: None,
            read_only: false,
            memories: HashMap::new(),
            resync: None,
            moving_to: None,
            log: VecDeque::new(),
            opening: String::new(),
        };
        client.expect(&format!("LOGIN \"{user}\" \"{password}\""), Expunges::Allowed)?;
        client.expect("CAPABILITY", Expunges::Allowed)?;
        Ok(client)
    }

    pub(crate) fn has(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|c| c == capability)
    }

    /// The end of the conversation, for people.
    pub(crate) fn conversation(&self) -> String {
        let opening = format!("the mailbox was opened by: {}\n", self.opening);
        self.log.iter().fold(opening, |all, line| all + line + "\n")
    }

    fn note(&mut self, line: String) {
        if self.log.len() == LOG_LINES {
            self.log.pop_front();
        }
        self.log.push_back(line);
    }

    pub(crate) fn open(&self) -> anyhow::Result<&View> {
        self.view.as_ref().context("no mailbox is open")
    }

    pub(crate) fn open_mut(&mut self) -> anyhow::Result<&mut View> {
        self.view.as_mut().context("no mailbox is open")
    }

    /// Gives a command; BAD is a complaint.
    pub(crate) fn command(&mut self, text: &str, expunges: Expunges) -> anyhow::Result<Answer> {
        self.begin(text)?;
        self.finish(expunges)
    }

    /// Gives a command that must succeed.
    pub(crate) fn expect(&mut self, text: &str, expunges: Expunges) -> anyhow::Result<Answer> {
        let answer = self.command(text, expunges)?;
        ensure!(answer.is_ok(), "{text} was answered {:?}", answer.status);
        Ok(answer)
    }

    fn begin(&mut self, text: &str) -> anyhow::Result<()> {
        self.tag += 1;
        let line = format!("{}.{} {text}\r\n", self.who, self.tag);
        if ["SELECT", "EXAMINE"].iter().any(|verb| text.starts_with(verb)) {
            line.trim_end().clone_into(&mut self.opening);
        }
        self.note(format!("C{}: {}", self.who, line.trim_end()));
        self.wire.write(line.as_bytes())
    }

    fn finish(&mut self, expunges: Expunges) -> anyhow::Result<Answer> {
        let mut answer = Answer::default();
        while answer.status.is_none() {
            let response = response::read(&mut self.wire)?;
            self.hear(response, expunges, &mut answer)?;
        }
        Ok(answer)
    }

    /// APPEND of a message with these arguments before it.
    pub(crate) fn append(&mut self, arguments: &str, message: &[u8]) -> anyhow::Result<Answer> {
        let plus = self.has("LITERAL+") && self.random.once_in(2);
        let sign = if plus { "+" } else { "" };
        self.begin(&format!("APPEND {arguments} {{{}{sign}}}", message.len()))?;
        let mut answer = Answer::default();
        if !plus {
            loop {
                match response::read(&mut self.wire)? {
                    Response::Continuation => break,
                    other => self.hear(other, Expunges::Allowed, &mut answer)?,
                }
                if answer.status.is_some() {
                    return Ok(answer);
                }
            }
        }
        self.wire.write(message)?;
        self.wire.write(b"\r\n")?;
        self.finish(Expunges::Allowed)
    }

    /// IDLE for this long.
    pub(crate) fn idle(&mut self, time: Duration) -> anyhow::Result<()> {
        self.begin("IDLE")?;
        let mut answer = Answer::default();
        loop {
            match response::read(&mut self.wire)? {
                Response::Continuation => break,
                other => self.hear(other, Expunges::Allowed, &mut answer)?,
            }
        }
        while let Some(response) = response::read_within(&mut self.wire, time)? {
            self.hear(response, Expunges::Allowed, &mut answer)?;
        }
        self.note(format!("C{}: DONE", self.who));
        self.wire.write(b"DONE\r\n")?;
        ensure!(self.finish(Expunges::Allowed)?.is_ok(), "IDLE did not end well");
        Ok(())
    }

    fn hear(&mut self, response: Response, expunges: Expunges, answer: &mut Answer) -> anyhow::Result<()> {
        self.note(format!("S{}: {}", self.who, shown(format!("{response:?}").as_bytes())));
        match response {
            Response::Continuation => bail!("a continuation that nobody waits for"),
            Response::Status(tag, status) if tag == "*" => self.hear_untagged_status(&status),
            Response::Status(tag, status) => {
                ensure!(tag == format!("{}.{}", self.who, self.tag), "an answer to {tag}");
                ensure!(status.kind != "BAD", "{}", status.line);
                answer.status = Some(status);
                Ok(())
            }
            Response::Numbered(number, name, data) => self.hear_numbered(number, &name, &data, expunges, answer),
            Response::Data(name, data) => self.hear_data(&name, &data, expunges, answer),
        }
    }

    fn hear_untagged_status(&mut self, status: &Status) -> anyhow::Result<()> {
        ensure!(status.kind != "BYE" && status.kind != "BAD", "{}", status.line);
        if status.has_code("COPYUID")
            && let Some(target) = self.moving_to.clone()
        {
            return self.learn_copies(&target, &status.code);
        }
        let Some(view) = &mut self.view else { return Ok(()) };
        let number = status.code.get(1).and_then(Node::number::<u64>);
        match (status.code.first().and_then(Node::atom), number) {
            (Some("UIDVALIDITY"), Some(number)) => {
                view.validity = u32::try_from(number)?;
                self.facts.mailbox(&view.mailbox, view.validity, None)
            }
            (Some("UIDNEXT"), Some(number)) => {
                view.uid_next = u32::try_from(number)?;
                Ok(())
            }
            (Some("HIGHESTMODSEQ"), Some(number)) if view.opened_at == 0 => {
                view.opened_at = number;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn hear_numbered(
        &mut self,
        number: u32,
        name: &str,
        data: &[Node],
        expunges: Expunges,
        answer: &mut Answer,
    ) -> anyhow::Result<()> {
        let view = self.view.as_mut().with_context(|| format!("{name} while no mailbox is open"))?;
        match name {
            "EXISTS" => {
                if let Some(resync) = &mut self.resync {
                    // What is told later in the same answer came while the mailbox was opened.
                    resync.exists.get_or_insert(usize::try_from(number)?);
                }
                view.told_exists(number)
            }
            "RECENT" => Ok(()),
            "EXPUNGE" => {
                ensure!(!self.qresync, "EXPUNGE where VANISHED was agreed on");
                view.told_expunge(number, expunges)
            }
            "FETCH" => self.hear_fetch(number, data, answer),
            _ => bail!("nobody knows what {name} means"),
        }
    }

    fn hear_fetch(&mut self, seq: u32, data: &[Node], answer: &mut Answer) -> anyhow::Result<()> {
        let items = fetch_items(data)?;
        let view = self.view.as_mut().context("FETCH while no mailbox is open")?;
        let flags = items.iter().find(|(name, _)| name == "FLAGS").map(|(_, node)| flag_set(node)).transpose()?;
        if let Some(resync) = &mut self.resync {
            let uid = items.iter().find(|(name, _)| name == "UID").and_then(|(_, node)| node.number());
            let uid: u32 = uid.context("FETCH without a UID while a mailbox is resynchronised")?;
            match flags {
                Some(mut flags) => {
                    flags.remove("\\Recent");
                    resync.memory.messages.insert(uid, Some(flags));
                }
                // A MODSEQ alone is told of a message whose flags the client knows.
                None => ensure!(resync.memory.messages.contains_key(&uid), "nobody told the flags of UID {uid}"),
            }
            resync.numbered.push((seq, uid));
            return Ok(());
        }
        let uid = view.told_fetch(seq, &items)?;
        answer.fetched.push((seq, uid));
        answer.flags.extend(flags.map(|flags| (seq, flags)));
        if let Some(uid) = uid {
            let place = (view.mailbox.clone(), view.validity, uid);
            self.facts.fetched(&place, &items)?;
        }
        Ok(())
    }

    fn hear_data(&mut self, name: &str, data: &[Node], expunges: Expunges, answer: &mut Answer) -> anyhow::Result<()> {
        match name {
            "CAPABILITY" => {
                self.capabilities = data.iter().filter_map(|node| node.atom().map(str::to_owned)).collect();
            }
            "FLAGS" => self.open_mut()?.told_flags(data)?,
            "SEARCH" => answer.found.extend(data.iter().filter_map(Node::number::<u32>)),
            "VANISHED" => {
                ensure!(self.qresync, "VANISHED where nobody agreed on it");
                let uids = data.last().and_then(Node::atom).context("VANISHED without UIDs")?.to_owned();
                if data.len() == 1 {
                    self.open_mut()?.told_vanished(&uids, expunges)?;
                } else if let Some(resync) = &mut self.resync {
                    let gone = set(&uids).context("VANISHED without UIDs")?;
                    for uid in &gone {
                        resync.memory.messages.remove(uid);
                    }
                }
            }
            "STATUS" | "LIST" | "ENABLED" | "ESEARCH" | "ID" => {}
            _ => bail!("nobody knows what {name} means"),
        }
        Ok(())
    }

    /// SELECT or EXAMINE, by the difference if the mailbox is remembered and the server can tell it.
    pub(crate) fn select(&mut self, mailbox: &str, read_only: bool) -> anyhow::Result<()> {
        self.unselected();
        let memory = self.memories.remove(mailbox).filter(|_| self.qresync && self.random.below(4) > 0);
        let verb = if read_only { "EXAMINE" } else { "SELECT" };
        let mut command = format!("{verb} {mailbox}");
        if let Some(memory) = memory.filter(|memory| memory.modseq > 0) {
            write!(command, " (QRESYNC ({} {}", memory.validity, memory.modseq)?;
            let uids: Vec<String> = memory.messages.keys().map(u32::to_string).collect();
            let is_limited = !uids.is_empty() && self.random.once_in(2);
            if is_limited {
                write!(command, " {}", uids.join(","))?;
            }
            command.push_str("))");
            self.resync = Some(Resync { memory, is_limited, ..Resync::default() });
        }
        self.view = Some(View { mailbox: mailbox.to_owned(), ..View::default() });
        self.read_only = read_only;
        self.expect(&command, Expunges::Forbidden)?;
        let Some(Resync { memory, numbered, is_limited, exists }) = self.resync.take() else { return Ok(()) };
        let view = self.view.as_mut().context("no mailbox is open")?;
        let (known, exists) = (memory.messages.len(), exists.context("SELECT without EXISTS")?);
        ensure!(
            known == exists || (is_limited && known < exists),
            "after the difference {known} messages are known in {mailbox}, but there are {exists}"
        );
        if is_limited {
            // Between those it named others may lie, of which it is told now.
            return Ok(());
        }
        for (message, (uid, flags)) in view.messages.iter_mut().zip(memory.messages) {
            (message.uid, message.flags) = (Some(uid), flags);
        }
        for (seq, uid) in numbered {
            let found = view.seq_of(uid);
            ensure!(found == usize::try_from(seq).ok(), "UID {uid} was told as {seq} and is {found:?}");
        }
        Ok(())
    }

    /// Forgets the open mailbox, but for what helps to open it again.
    pub(crate) fn unselected(&mut self) {
        if let Some(view) = self.view.take() {
            self.memories.insert(view.mailbox.clone(), view.remember());
        }
    }

    /// Learns from a COPYUID code what lies where now.
    pub(crate) fn learn_copies(&self, target: &str, code: &[Node]) -> anyhow::Result<()> {
        let view = self.open()?;
        let [_, validity, from, to] = code else { bail!("COPYUID has three arguments, not {code:?}") };
        let validity: u32 = validity.number().context("COPYUID without UIDVALIDITY")?;
        let from = from.atom().and_then(set).context("COPYUID without sources")?;
        let to = to.atom().and_then(set).context("COPYUID without targets")?;
        ensure!(from.len() == to.len(), "COPYUID with {} sources and {} targets", from.len(), to.len());
        for (from, to) in from.iter().zip(to) {
            self.facts.assigned(target, validity, to, 0)?;
            if let Some(number) = self.facts.number(&(view.mailbox.clone(), view.validity, *from)) {
                self.facts.lies(&(target.to_owned(), validity, to), number)?;
            }
        }
        Ok(())
    }
}
