//! NOTIFY (RFC 5465): what a client wants to be told at any time.

use super::Command;
use crate::codec::{Cursor, ParseError};
use crate::fetch::{FetchItem, parse_items};
use crate::response::Code;
use types::MailboxName;

/// Most event groups in one NOTIFY.
pub const NOTIFY_GROUPS_MAX: usize = 64;
/// Most mailbox names in one NOTIFY.
pub const NOTIFY_NAMES_MAX: usize = 1000;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notify {
    /// `NONE`: nothing is to be told.
    None,
    /// `SET`
    Set(NotifySet),
}

/// The events that are to be told from now on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotifySet {
    /// `STATUS`: where the watched mailboxes stand is told at once.
    pub status: bool,
    /// What is told of the open mailbox; `None` for nothing (RFC 5465 §3.1).
    pub selected: Option<SelectedEvents>,
    /// What is told of other mailboxes. One that several groups name gets the events of all.
    pub groups: Vec<EventGroup>,
}

/// What is told of the mailbox that is open at the time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectedEvents {
    /// `SELECTED-DELAYED`: an EXPUNGE waits for a command during which it may be told (RFC 5465 §6.1.2).
    pub delayed: bool,
    /// `FlagChange`.
    pub flags: bool,
    /// What is fetched of a new message.
    pub items: Vec<FetchItem>,
}

/// Some mailboxes and what is told of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventGroup {
    /// Which.
    pub filter: MailboxFilter,
    /// What.
    pub events: Events,
}

/// Which mailboxes (RFC 5465 §6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailboxFilter {
    /// Those that mail is delivered to.
    Inboxes,
    /// All of the user's own.
    Personal,
    /// The subscribed ones.
    Subscribed,
    /// These and all below them.
    Subtree(Vec<MailboxName>),
    /// These.
    Mailboxes(Vec<MailboxName>),
}

/// A set of events (RFC 5465 §5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Events(u8);

impl Events {
    /// `MessageNew`
    pub const MESSAGE_NEW: Self = Self(1);
    /// `MessageExpunge`
    pub const MESSAGE_EXPUNGE: Self = Self(2);
    /// `FlagChange`
    pub const FLAG_CHANGE: Self = Self(4);
    /// `MailboxName`
    pub const MAILBOX_NAME: Self = Self(8);
    /// `SubscriptionChange`
    pub const SUBSCRIPTION_CHANGE: Self = Self(16);
    /// `MailboxMetadataChange`
    pub const MAILBOX_METADATA: Self = Self(32);
    /// `ServerMetadataChange`
    pub const SERVER_METADATA: Self = Self(64);

    /// All but those of the server.
    pub const OF_MAILBOXES: Self = Self(1 | 2 | 4 | 8 | 16 | 32);
    /// Those that tell what is in a mailbox.
    pub const OF_CONTENT: Self = Self(1 | 2 | 4 | 32);

    const MESSAGE: Self = Self(1 | 2 | 4);
    const NEW_AND_EXPUNGE: Self = Self(1 | 2);

    /// What can be asked for.
    pub const NAMES: [(&str, Self); 7] = [
        ("MessageNew", Self::MESSAGE_NEW),
        ("MessageExpunge", Self::MESSAGE_EXPUNGE),
        ("FlagChange", Self::FLAG_CHANGE),
        ("MailboxName", Self::MAILBOX_NAME),
        ("SubscriptionChange", Self::SUBSCRIPTION_CHANGE),
        ("MailboxMetadataChange", Self::MAILBOX_METADATA),
        ("ServerMetadataChange", Self::SERVER_METADATA),
    ];

    /// Both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether any of the others is among them.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// A group as it is written.
struct Group {
    /// `None` for SELECTED and SELECTED-DELAYED, of which the flag says which.
    filter: Option<MailboxFilter>,
    delayed: bool,
    events: Events,
    items: Vec<FetchItem>,
}

/// What is known only when the command was read whole.
#[derive(Default)]
struct Seen {
    names: usize,
    unsupported: bool,
}

/// ```text
/// notify     = "NOTIFY" SP (notify-set / notify-none)
/// notify-set = "SET" [SP "STATUS"] SP event-groups
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let word = cursor.atom()?;
    if word.eq_ignore_ascii_case("NONE") {
        return Ok(Command::Notify(Notify::None));
    }
    if !word.eq_ignore_ascii_case("SET") {
        return Err(ParseError::Syntax("NOTIFY takes SET or NONE"));
    }
    let mut set = NotifySet { status: cursor.take_word(" STATUS"), ..NotifySet::default() };
    let mut seen = Seen::default();
    let (mut count, mut selected_named) = (0, false);
    while cursor.take_if(b' ') {
        let group = parse_group(cursor, &mut seen)?;
        count += 1;
        if count > NOTIFY_GROUPS_MAX || seen.names > NOTIFY_NAMES_MAX {
            return Err(ParseError::Refusal(Code::NotificationOverflow, "That is too much to watch"));
        }
        check(&group)?;
        match group.filter {
            Some(filter) => set.groups.push(EventGroup { filter, events: group.events }),
            None if selected_named => {
                return Err(ParseError::Syntax("SELECTED and SELECTED-DELAYED stand once and alone"));
            }
            None => {
                selected_named = true;
                set.selected = group.events.has(Events::MESSAGE).then_some(SelectedEvents {
                    delayed: group.delayed,
                    flags: group.events.has(Events::FLAG_CHANGE),
                    items: group.items,
                });
            }
        }
    }
    if count == 0 {
        return Err(ParseError::Syntax("NOTIFY SET takes at least one group of events"));
    }
    if seen.unsupported {
        // RFC 5465 §3.1: NO, not BAD.
        return Err(ParseError::Refusal(Code::BadEvent, "There is no such event here"));
    }
    Ok(Command::Notify(Notify::Set(set)))
}

/// RFC 5465 §5: which events need which, and §6.1: what can be told of the open mailbox.
fn check(group: &Group) -> Result<(), ParseError> {
    let events = group.events;
    if events.has(Events::MESSAGE) && events.union(Events::NEW_AND_EXPUNGE) != events {
        return Err(ParseError::Syntax(
            "MessageNew, MessageExpunge and FlagChange: the first two need each other, the last both",
        ));
    }
    if group.filter.is_none() && events.union(Events::MESSAGE) != Events::MESSAGE {
        return Err(ParseError::Syntax("SELECTED takes events of messages only"));
    }
    if group.filter.is_some() && !group.items.is_empty() {
        return Err(ParseError::Syntax("Only new messages of the open mailbox are fetched"));
    }
    Ok(())
}

/// ```text
/// event-group         = "(" filter-mailboxes SP events ")"
/// filter-mailboxes    = "selected" / "selected-delayed" / "inboxes" / "personal" / "subscribed" /
///                       ( "subtree" SP one-or-more-mailbox ) / ( "mailboxes" SP one-or-more-mailbox )
/// one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")"
/// ```
fn parse_group(cursor: &mut Cursor<'_>, seen: &mut Seen) -> Result<Group, ParseError> {
    cursor.expect(b'(', "A group of events is missing")?;
    let word = cursor.atom()?;
    let is = |name: &str| word.eq_ignore_ascii_case(name);
    let delayed = is("SELECTED-DELAYED");
    let filter = if delayed || is("SELECTED") {
        None
    } else if is("INBOXES") {
        Some(MailboxFilter::Inboxes)
    } else if is("PERSONAL") {
        Some(MailboxFilter::Personal)
    } else if is("SUBSCRIBED") {
        Some(MailboxFilter::Subscribed)
    } else if is("SUBTREE") {
        Some(MailboxFilter::Subtree(parse_names(cursor, seen)?))
    } else if is("MAILBOXES") {
        Some(MailboxFilter::Mailboxes(parse_names(cursor, seen)?))
    } else {
        return Err(ParseError::Syntax("There are no such mailboxes to watch"));
    };
    cursor.space()?;
    let mut group = Group { filter, delayed, events: Events::default(), items: Vec::new() };
    parse_events(cursor, &mut group, seen)?;
    cursor.expect(b')', "A group of events is not closed")?;
    Ok(group)
}

fn parse_names(cursor: &mut Cursor<'_>, seen: &mut Seen) -> Result<Vec<MailboxName>, ParseError> {
    cursor.space()?;
    let mut names = Vec::new();
    let many = cursor.take_if(b'(');
    loop {
        names.push(cursor.mailbox()?);
        if !many || cursor.take_if(b')') {
            break;
        }
        cursor.space()?;
    }
    seen.names += names.len();
    Ok(names)
}

/// ```text
/// events = ( "(" event *(SP event) ")" ) / "NONE"
/// ```
/// Events without parentheses, as the examples of RFC 5465 §3.1 have them, are taken too.
fn parse_events(cursor: &mut Cursor<'_>, group: &mut Group, seen: &mut Seen) -> Result<(), ParseError> {
    let closed = cursor.take_if(b'(');
    if !closed && cursor.take_word("NONE") {
        return Ok(());
    }
    loop {
        parse_event(cursor, group, seen)?;
        let more = cursor.take_if(b' ');
        if !more && closed {
            return cursor.expect(b')', "A list of events is not closed");
        }
        if !more {
            return Ok(());
        }
    }
}

/// ```text
/// message-event = ( "MessageNew" [SP "(" fetch-att *(SP fetch-att) ")" ] ) / "MessageExpunge" / "FlagChange" /
///                 "AnnotationChange"
/// mailbox-event = "MailboxName" / "SubscriptionChange" / "MailboxMetadataChange"
/// user-event    = "ServerMetadataChange"
/// event-ext     = atom
/// ```
fn parse_event(cursor: &mut Cursor<'_>, group: &mut Group, seen: &mut Seen) -> Result<(), ParseError> {
    let name = cursor.atom()?;
    let known = Events::NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    let Some((_, event)) = known else {
        seen.unsupported = true;
        return Ok(());
    };
    group.events = group.events.union(*event);
    if *event == Events::MESSAGE_NEW && cursor.rest().starts_with(b" (") {
        cursor.space()?;
        group.items = parse_items(cursor)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
