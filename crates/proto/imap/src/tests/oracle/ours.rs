//! What we make of a command, as text that both sides can be brought to.

use crate::codec::ListPattern;
use crate::command::{AppendLiteral, AppendMessage, FlagList, StatusItem};
use crate::fetch::{FetchItem, FetchResponse};
use crate::response::{Child, Existence, ListEntry, MailboxStatus, Namespaces};
use crate::search::{SearchKey, SearchNode};
use crate::{Code, Command, Connection, Event, Limits, MessageSet, Policy, Response, SequenceSet, State, Status, Tag};
use bytes::BytesMut;
use std::fmt::Write as _;
use std::time::Duration;
use types::{Flags, Keyword, Keywords, MailboxName, ModSeq, SpecialUse, Timestamp, Uid, UidSet, UidValidity};

/// What an APPEND says that the other parser does not know: further messages (RFC 3502), parts (RFC 4469).
pub(super) const EXTENDED: &str = " and more";

/// The command, or the answer if there is none.
pub(super) fn parse(line: &str) -> Result<String, String> {
    let policy = Policy { login: crate::connection::LoginPolicy::Allowed, mechanisms: vec![], starttls: false };
    let mut connection = Connection::new(Limits::default(), policy, Duration::ZERO);
    connection.authenticated();
    connection.selected();
    assert_eq!(connection.state(), State::Selected);
    connection.receive(line.as_bytes());
    let event = connection.poll_event(Duration::ZERO);
    let output = connection.take_output();
    // Continuations are not what this is about.
    let answer = String::from_utf8_lossy(&output).replace("+ OK\r\n", "");
    match event {
        Some(Event::Command { command: Command::Search(search), .. }) if !search.program.charset_known() => {
            Err("t NO [BADCHARSET (US-ASCII UTF-8)] as the session answers".to_owned())
        }
        Some(Event::Command { tag, command }) if answer.is_empty() => {
            more_than_one(&mut connection, &tag)?;
            Ok(show(&command))
        }
        Some(Event::AppendStart { tag, append }) if answer.is_empty() => {
            let mut said = format!("Append {}", append.mailbox);
            let mut messages = 0;
            connection.accept_append();
            while let Some(event) = connection.poll_event(Duration::ZERO) {
                match event {
                    Event::AppendMessage(AppendMessage { flags: list, date, is_catenated }) => {
                        messages += 1;
                        if is_catenated || messages > 1 {
                            said.push_str(EXTENDED);
                        }
                        let _ = write!(said, " {} {:?}", flags(&list), date.map(Timestamp::unix_seconds));
                    }
                    Event::AppendLiteral(AppendLiteral { size, .. }) => {
                        let _ = write!(said, " {size}");
                    }
                    _ => {}
                }
                connection.accept_append();
            }
            if !connection.is_answer_due() {
                return Err("t BAD The message does not end".to_owned());
            }
            more_than_one(&mut connection, &tag)?;
            Ok(said)
        }
        other => Err(format!("{answer}{other:?}")),
    }
}

/// An error if something follows the command.
fn more_than_one(connection: &mut Connection, tag: &Tag) -> Result<(), String> {
    connection.finish(tag, &Status::ok("done"));
    connection.take_output();
    let more = connection.poll_event(Duration::ZERO).is_some() || !connection.take_output().is_empty();
    if more { Err("t BAD More than one command".to_owned()) } else { Ok(()) }
}

fn messages(set: &MessageSet) -> String {
    match set {
        MessageSet::Seq(set) => format!("seq {}", sequence(set)),
        MessageSet::Uid(set) => format!("uid {}", sequence(set)),
        MessageSet::Saved { uid } => format!("saved {uid}"),
    }
}

fn sequence(set: &SequenceSet) -> String {
    set.to_string()
}

/// As both show flags: system flags sorted, then keywords, each once.
pub(super) fn show_flags(mut names: Vec<String>) -> String {
    names.sort();
    names.dedup();
    names.join(" ")
}

fn flags(list: &FlagList) -> String {
    let system = Flags::SYSTEM_NAMES.iter().filter(|(f, _)| list.system.contains(*f)).map(|(_, n)| n.to_lowercase());
    show_flags(system.chain(list.keywords.iter().map(|k| k.as_str().to_lowercase())).collect())
}

fn show(command: &Command) -> String {
    match command {
        Command::Select(select) => format!("Select {} {}", select.mailbox, select.condstore),
        Command::Examine(select) => format!("Examine {} {}", select.mailbox, select.condstore),
        Command::Create(c) => format!("Create {}", c.mailbox),
        Command::Delete(c) => format!("Delete {}", c.mailbox),
        Command::Subscribe(c) => format!("Subscribe {}", c.mailbox),
        Command::Unsubscribe(c) => format!("Unsubscribe {}", c.mailbox),
        Command::Rename(c) => format!("Rename {} {}", c.from, c.to),
        Command::List(c) => {
            let patterns = c.patterns.iter().flatten().map(ListPattern::as_str);
            let patterns = patterns.collect::<Vec<_>>().join(" ");
            format!("List {}", if c.patterns.is_none() { "-" } else { &patterns })
        }
        Command::Lsub(c) => format!("Lsub {}", c.pattern.as_str()),
        Command::Status(c) => {
            let names = c.items.iter().map(|item| match item {
                StatusItem::HighestModSeq => "HighestModSeq".to_owned(),
                other => format!("{other:?}"),
            });
            format!("Status {} {}", c.mailbox, names.collect::<Vec<_>>().join(" "))
        }
        Command::Copy(c) => format!("Copy {} {}", messages(&c.messages), c.mailbox),
        Command::Move(c) => format!("Move {} {}", messages(&c.messages), c.mailbox),
        Command::Expunge(c) => {
            format!("Expunge {}", c.uids.as_ref().map_or_else(String::new, |set| messages(set).replace("uid ", "")))
        }
        Command::Store(c) => format!(
            "Store {} {:?} {:?} silent={} {}",
            messages(&c.messages),
            c.unchanged_since.map(|m| m.0),
            c.change,
            c.silent,
            flags(&c.flags)
        ),
        Command::Fetch(c) => {
            let items: Vec<_> = c.items.iter().map(item).collect();
            format!("Fetch {} {:?} {}", messages(&c.messages), c.changed_since.map(|m| m.0), items.join(" "))
        }
        // What the other parser does not know is not compared.
        Command::Sort(_) | Command::Thread(_) | Command::Esearch(_) | Command::CancelUpdate(_) => EXTENDED.to_owned(),
        Command::Search(c) => format!("Search uid={} {}", c.uid, nodes(c.program.nodes(), &mut 0)),
        other => format!("{other:?}"),
    }
}

fn item(item: &FetchItem) -> String {
    match item {
        FetchItem::Section(body) => {
            let mut out = BytesMut::new();
            body.section.write(&mut out);
            let partial = body.partial.map(|p| (p.offset, p.length.get()));
            format!("Section {} {partial:?} {}", body.peek, String::from_utf8_lossy(&out))
        }
        FetchItem::Binary(body) => {
            let partial = body.partial.map(|p| (p.offset, p.length.get()));
            format!("Binary {} {partial:?} {:?}", body.peek, body.part)
        }
        FetchItem::BinarySize(part) => format!("BinarySize {part:?}"),
        other => format!("{other:?}"),
    }
}

/// The tree in brackets.
fn nodes(all: &[SearchNode], at: &mut usize) -> String {
    let node = &all[*at];
    *at += 1;
    match node {
        SearchNode::Key(key) => show_key(key),
        SearchNode::Not { .. } => format!("[not {}]", nodes(all, at)),
        SearchNode::Or { .. } => format!("[or {} {}]", nodes(all, at), nodes(all, at)),
        SearchNode::And { end } => {
            let mut parts = Vec::new();
            while *at < *end {
                parts.push(nodes(all, at));
            }
            // One key in parentheses is that key.
            if parts.len() == 1 { parts.remove(0) } else { format!("[and {}]", parts.join(" ")) }
        }
    }
}

fn show_key(key: &SearchKey) -> String {
    match key {
        SearchKey::Flag(flags) | SearchKey::NoFlag(flags) => {
            let name = Flags::SYSTEM_NAMES.iter().find(|(f, _)| f == flags).unwrap().1;
            let prefix = if matches!(key, SearchKey::Flag(_)) { "" } else { "Un" };
            format!("{prefix}{}", name[1..].to_lowercase()).to_lowercase()
        }
        SearchKey::Sequence(set) => format!("seq {}", sequence(set)),
        SearchKey::Uid(set) => format!("uid {}", sequence(set)),
        SearchKey::ModSeq(modseq) => format!("modseq {}", modseq.0),
        SearchKey::Keyword(keyword) => format!("keyword {}", keyword.as_str()),
        SearchKey::NoKeyword(keyword) => format!("unkeyword {}", keyword.as_str()),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// One of each answer that the other parser knows.
pub(super) fn responses() -> Vec<BytesMut> {
    let (keywords, junk) = Keywords::default().with(&Keyword::parse("$Junk").unwrap()).unwrap();
    let inbox = MailboxName::inbox();
    let validity = UidValidity::new(7).unwrap();
    let uids = UidSet::from_ranges([1..=3, 7..=7]);
    let status = MailboxStatus {
        messages: Some(1),
        recent: Some(0),
        uid_next: Uid::new(9),
        uid_validity: Some(validity),
        unseen: Some(0),
        highest_modseq: Some(ModSeq(1)),
        ..MailboxStatus::default()
    };
    let names = ["INBOX", "Entwürfe & mehr", "a \"b\"", "x]"];
    let lists: Vec<_> = names
        .iter()
        .map(|name| ListEntry {
            existence: Existence::Level,
            children: Child::Has,
            special_uses: &[SpecialUse::Sent],
            ..ListEntry::new(name)
        })
        .collect();
    let mut responses = vec![
        Response::ListDelimiter,
        Response::MailboxStatus(&inbox, &status),
        Response::Search(&[], None),
        Response::Search(&[1, 5], None),
        Response::Flags(&keywords),
        Response::Exists(3),
        Response::Recent(1),
        Response::Expunge(2),
        Response::Namespace(&Namespaces { personal: &[""], other_users: &["Other Users/"], shared: &["Shared/"] }),
        Response::Id(&[("name", Some("Postamt")), ("x", None)]),
        Response::Id(&[]),
    ];
    for entry in &lists {
        responses.extend([Response::List(entry), Response::Lsub(entry)]);
    }
    let codes = [
        Code::Alert,
        Code::BadCharset,
        Code::ReadOnly,
        Code::ReadWrite,
        Code::TryCreate,
        Code::UidNext(Uid::new(4)),
        Code::UidValidity(validity),
        Code::Unseen(1),
        Code::AppendUid(validity, UidSet::from_ranges([4..=4])),
        Code::CopyUid(validity, uids.clone(), uids.clone()),
        Code::HighestModSeq(ModSeq(1)),
        Code::NoModSeq,
        Code::Modified(uids),
        Code::Unavailable,
        Code::PermanentFlags { flags: Flags::SYSTEM.union(junk), keywords: keywords.clone(), new_keywords: true },
        Code::PermanentFlags { flags: Flags::NONE, keywords: keywords.clone(), new_keywords: false },
    ];
    let statuses: Vec<_> = codes.into_iter().map(|code| Status::ok("text").with_code(code)).collect();
    responses.extend(statuses.iter().map(Response::Status));
    let encode = |response: &Response<'_>| {
        let mut out = BytesMut::new();
        response.encode(&mut out, crate::Enabled::default());
        out
    };
    let mut all: Vec<_> = responses.iter().map(encode).collect();
    all.push(fetch(&keywords, junk));
    all
}

fn fetch(keywords: &Keywords, junk: Flags) -> BytesMut {
    let mut out = BytesMut::new();
    let mut fetch = FetchResponse::begin(&mut out, 12);
    fetch.uid(&mut out, Uid::MAX);
    fetch.flags(&mut out, Flags::SYSTEM.union(junk), keywords, true);
    fetch.internal_date(&mut out, Timestamp(837_596_665_000));
    fetch.size(&mut out, 0);
    fetch.modseq(&mut out, ModSeq(5));
    fetch.literal_item(&mut out, &FetchItem::Rfc822, 3);
    fetch.literal(&mut out, b"a\r\n");
    fetch.end(&mut out);
    out
}
