//! What `imap-codec` makes of a command, as the same text.

use super::ours::show_flags;
use crate::codec::{Date, ListPattern, modified_utf7, write::write_astring};
use bytes::BytesMut;
use imap_codec::decode::Decoder;
use imap_codec::imap_types::command::{CommandBody, FetchModifier, SelectParameter, StoreModifier};
use imap_codec::imap_types::core::AString;
use imap_codec::imap_types::extensions::binary::LiteralOrLiteral8;
use imap_codec::imap_types::fetch::{MacroOrMessageDataItemNames, MessageDataItemName, Part, Section};
use imap_codec::imap_types::flag::{Flag, StoreResponse};
use imap_codec::imap_types::mailbox::{ListMailbox, Mailbox};
use imap_codec::imap_types::search::SearchKey;
use imap_codec::imap_types::sequence::{SeqOrUid, Sequence, SequenceSet};
use imap_codec::{CommandCodec, ResponseCodec};
use types::MailboxName;

/// The command, if there is one and its values are what our types take.
pub(super) fn parse(line: &str) -> Option<String> {
    let (rest, command) = CommandCodec::default().decode(line.as_bytes()).ok()?;
    // A second line in it is another command.
    rest.is_empty().then(|| show(&command.body))
}

/// Reads an answer of ours to its end.
pub(super) fn read_response(response: &BytesMut) {
    let text = String::from_utf8_lossy(response);
    let (rest, _) = ResponseCodec::default().decode(response).unwrap_or_else(|e| panic!("{text}: {e:?}"));
    assert!(rest.is_empty(), "{text}");
}

fn number(number: SeqOrUid) -> String {
    match number {
        SeqOrUid::Value(n) => n.to_string(),
        SeqOrUid::Asterisk => "*".to_owned(),
    }
}

fn sequence(set: &SequenceSet) -> String {
    let parts = set.0.as_ref().iter().map(|s| match s {
        Sequence::Single(n) => number(*n),
        Sequence::Range(a, b) if a == b => number(*a),
        Sequence::Range(a, b) => format!("{}:{}", number(*a), number(*b)),
    });
    parts.collect::<Vec<_>>().join(",")
}

fn messages(set: &SequenceSet, uid: bool) -> String {
    format!("{} {}", if uid { "uid" } else { "seq" }, sequence(set))
}

fn wire(mailbox: &Mailbox<'_>) -> Vec<u8> {
    match mailbox {
        Mailbox::Inbox => b"INBOX".to_vec(),
        Mailbox::Other(other) => other.as_ref().to_vec(),
    }
}

fn name(mailbox: &Mailbox<'_>) -> String {
    let wire = wire(mailbox);
    let name = modified_utf7::decode(&wire).ok().and_then(|text| MailboxName::parse(&text).ok());
    name.map_or_else(|| format!("no name {wire:?}"), |name| name.to_string())
}

fn name_to_create(mailbox: &Mailbox<'_>) -> String {
    let wire = wire(mailbox);
    let wire = wire.strip_suffix(b"/").unwrap_or(&wire);
    let name = modified_utf7::decode(wire).ok().and_then(|text| MailboxName::parse(&text).ok());
    name.map_or_else(|| format!("no name {wire:?}"), |name| name.to_string())
}

fn pattern(reference: &Mailbox<'_>, pattern: &ListMailbox<'_>, empty: &str) -> String {
    let pattern = match pattern {
        ListMailbox::Token(token) => token.as_ref().to_vec(),
        ListMailbox::String(string) => string.as_ref().to_vec(),
    };
    if pattern.is_empty() {
        return empty.to_owned();
    }
    // INBOX is no word of its own in a reference.
    let parsed = ListPattern::parse(&wire(reference), &pattern, crate::Enabled::default());
    parsed.map_or_else(|e| format!("{e:?}"), |p| p.as_str().to_owned())
}

fn flags(flags: &[Flag<'_>]) -> String {
    show_flags(flags.iter().map(|flag| flag.to_string().to_lowercase()).collect())
}

fn condstore(parameters: &[SelectParameter]) -> bool {
    parameters.iter().any(|p| matches!(p, SelectParameter::CondStore))
}

fn show(body: &CommandBody<'_>) -> String {
    match body {
        CommandBody::Select { mailbox, parameters } => format!("Select {} {}", name(mailbox), condstore(parameters)),
        CommandBody::Examine { mailbox, parameters } => format!("Examine {} {}", name(mailbox), condstore(parameters)),
        CommandBody::Create { mailbox } => format!("Create {}", name_to_create(mailbox)),
        CommandBody::Delete { mailbox } => format!("Delete {}", name(mailbox)),
        CommandBody::Subscribe { mailbox } => format!("Subscribe {}", name(mailbox)),
        CommandBody::Unsubscribe { mailbox } => format!("Unsubscribe {}", name(mailbox)),
        CommandBody::Rename { from, to } => format!("Rename {} {}", name(from), name_to_create(to)),
        CommandBody::List { reference, mailbox_wildcard } => {
            format!("List {}", pattern(reference, mailbox_wildcard, "-"))
        }
        CommandBody::Lsub { reference, mailbox_wildcard } => {
            format!("Lsub {}", pattern(reference, mailbox_wildcard, ""))
        }
        CommandBody::Status { mailbox, item_names } => {
            let mut names: Vec<String> = Vec::new();
            for item in item_names.iter().map(|item| format!("{item:?}")) {
                if !names.contains(&item) {
                    names.push(item);
                }
            }
            format!("Status {} {}", name(mailbox), names.join(" "))
        }
        CommandBody::Copy { sequence_set, mailbox, uid } => {
            format!("Copy {} {}", messages(sequence_set, *uid), name(mailbox))
        }
        CommandBody::Move { sequence_set, mailbox, uid } => {
            format!("Move {} {}", messages(sequence_set, *uid), name(mailbox))
        }
        CommandBody::Append { mailbox, flags: list, date, message } => {
            let size = match message {
                LiteralOrLiteral8::Literal(literal) => literal.as_ref().len(),
                LiteralOrLiteral8::Literal8(literal) => literal.data.len(),
            };
            let date = date.as_ref().map(|date| date.as_ref().timestamp());
            format!("Append {} {} {date:?} {size}", name(mailbox), flags(list))
        }
        CommandBody::Expunge => "Expunge ".to_owned(),
        CommandBody::ExpungeUid { sequence_set } => format!("Expunge {}", sequence(sequence_set)),
        CommandBody::Store { sequence_set, kind, response, flags: list, uid, modifiers } => {
            let since = modifiers.iter().map(|StoreModifier::UnchangedSince(since)| *since).next();
            let silent = *response == StoreResponse::Silent;
            format!("Store {} {since:?} {kind:?} silent={silent} {}", messages(sequence_set, *uid), flags(list))
        }
        CommandBody::Fetch { sequence_set, macro_or_item_names, uid, modifiers } => {
            let since = modifiers.iter().find_map(|m| match m {
                FetchModifier::ChangedSince(since) => Some(since.get()),
                FetchModifier::Vanished => None,
            });
            let items = items(macro_or_item_names, *uid, since.is_some());
            format!("Fetch {} {since:?} {}", messages(sequence_set, *uid), items.join(" "))
        }
        CommandBody::Search { criteria, uid, .. } => {
            let keys: Vec<_> = criteria.as_ref().iter().map(key).collect();
            format!("Search uid={uid} {}", all_of(keys))
        }
        other => format!("{other:?}"),
    }
}

fn items(named: &MacroOrMessageDataItemNames<'_>, uid: bool, modseq: bool) -> Vec<String> {
    let named = match named {
        MacroOrMessageDataItemNames::Macro(short) => short.expand(),
        MacroOrMessageDataItemNames::MessageDataItemNames(list) => list.clone(),
    };
    let mut items: Vec<String> = Vec::new();
    for item in named.iter().map(show_item) {
        // With and without PEEK it is one item to us, which sets `\Seen` if either does.
        let loud = |item: &str| {
            item.replacen("Section true ", "Section false ", 1).replacen("Binary true ", "Binary false ", 1)
        };
        match items.iter_mut().find(|known| loud(known) == loud(&item)) {
            Some(known) if *known != item => *known = loud(&item),
            Some(_) => {}
            None => items.push(item),
        }
    }
    for implied in [uid.then_some("Uid"), modseq.then_some("ModSeq")].into_iter().flatten() {
        if !items.iter().any(|item| item == implied) {
            items.insert(0, implied.to_owned());
        }
    }
    items
}

fn show_item(item: &MessageDataItemName<'_>) -> String {
    match item {
        MessageDataItemName::BodyExt { section, partial, peek } => {
            let partial = partial.map(|(offset, length)| (offset, length.get()));
            format!("Section {peek} {partial:?} [{}]", section.as_ref().map_or_else(String::new, show_section))
        }
        MessageDataItemName::Binary { section, partial, peek } => {
            let partial = partial.map(|(offset, length)| (offset, length.get()));
            format!("Binary {peek} {partial:?} {section:?}")
        }
        MessageDataItemName::BinarySize { section } => format!("BinarySize {section:?}"),
        other => format!("{other:?}"),
    }
}

fn show_section(section: &Section<'_>) -> String {
    let part = |part: &Part| part.0.as_ref().iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
    let before = |p: &Option<Part>| p.as_ref().map_or_else(String::new, |p| format!("{}.", part(p)));
    let names = |names: &[AString<'_>]| {
        let text = names.iter().map(|name| {
            let mut out = BytesMut::new();
            write_astring(&mut out, name.as_ref());
            String::from_utf8_lossy(&out).into_owned()
        });
        text.collect::<Vec<_>>().join(" ")
    };
    match section {
        Section::Part(p) => part(p),
        Section::Header(p) => format!("{}HEADER", before(p)),
        Section::HeaderFields(p, list) => format!("{}HEADER.FIELDS ({})", before(p), names(list.as_ref())),
        Section::HeaderFieldsNot(p, list) => format!("{}HEADER.FIELDS.NOT ({})", before(p), names(list.as_ref())),
        Section::Text(p) => format!("{}TEXT", before(p)),
        Section::Mime(p) => format!("{}.MIME", part(p)),
    }
}

fn all_of(mut keys: Vec<String>) -> String {
    if keys.len() == 1 { keys.remove(0) } else { format!("[and {}]", keys.join(" ")) }
}

fn key(key: &SearchKey<'_>) -> String {
    let text =
        |word: &str, text: &AString<'_>| format!("{word}({:?})", String::from_utf8_lossy(text.as_ref())).to_lowercase();
    let day = |word: &str, date: String| {
        let numbers: Vec<u16> = date.split('-').map(|n| n.parse().unwrap()).collect();
        let date = Date::new(numbers[0], u8::try_from(numbers[1]).unwrap(), u8::try_from(numbers[2]).unwrap()).unwrap();
        format!("{word}({date:?})").to_lowercase()
    };
    match key {
        SearchKey::And(keys) => all_of(keys.as_ref().iter().map(self::key).collect()),
        SearchKey::Not(of) => format!("[not {}]", self::key(of)),
        SearchKey::Or(a, b) => format!("[or {} {}]", self::key(a), self::key(b)),
        SearchKey::SequenceSet(set) => format!("seq {}", sequence(set)),
        SearchKey::Uid(set) => format!("uid {}", sequence(set)),
        SearchKey::Bcc(t) => text("bcc", t),
        SearchKey::Body(t) => text("body", t),
        SearchKey::Cc(t) => text("cc", t),
        SearchKey::From(t) => text("from", t),
        SearchKey::Subject(t) => text("subject", t),
        SearchKey::Text(t) => text("text", t),
        SearchKey::To(t) => text("to", t),
        SearchKey::Header(n, t) => {
            let [n, t] = [n, t].map(|t| String::from_utf8_lossy(t.as_ref()).into_owned());
            format!("header({n:?}, {t:?})").to_lowercase()
        }
        SearchKey::Before(d) => day("before", d.as_ref().to_string()),
        SearchKey::On(d) => day("on", d.as_ref().to_string()),
        SearchKey::Since(d) => day("since", d.as_ref().to_string()),
        SearchKey::SentBefore(d) => day("sentbefore", d.as_ref().to_string()),
        SearchKey::SentOn(d) => day("senton", d.as_ref().to_string()),
        SearchKey::SentSince(d) => day("sentsince", d.as_ref().to_string()),
        SearchKey::Keyword(atom) => format!("keyword {}", atom.as_ref()),
        SearchKey::Unkeyword(atom) => format!("unkeyword {}", atom.as_ref()),
        SearchKey::ModSequence { modseq, .. } => format!("modseq {modseq}"),
        other => format!("{other:?}").to_lowercase(),
    }
}
