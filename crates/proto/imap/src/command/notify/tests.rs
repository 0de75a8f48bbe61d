use super::*;

fn parse(text: &str) -> Result<Notify, ParseError> {
    let text = format!(" {text}");
    let mut cursor = Cursor::new(text.as_bytes());
    let Command::Notify(notify) = super::parse(&mut cursor, false)? else { unreachable!("it is a NOTIFY") };
    cursor.end()?;
    Ok(notify)
}

fn set(text: &str) -> NotifySet {
    match parse(text) {
        Ok(Notify::Set(set)) => set,
        other => panic!("{text}: {other:?}"),
    }
}

fn name(text: &str) -> MailboxName {
    MailboxName::parse(text).unwrap()
}

const METADATA: Events = Events::MAILBOX_METADATA.union(Events::SERVER_METADATA);
const MESSAGES: Events = Events::MESSAGE_NEW.union(Events::MESSAGE_EXPUNGE);

#[test]
fn all_that_the_grammar_has_is_read_in_any_case() {
    assert_eq!(parse("none"), Ok(Notify::None));
    let all = set(
        "set status (selected (MESSAGENEW (uid body.peek[header.fields (from)]) messageexpunge flagchange)) \
         (inboxes none) (personal (mailboxname MailboxMetadataChange serverMetadataChange)) (Subscribed (SubscriptionChange)) \
         (subtree (Lists \"a b\") (MessageExpunge MessageNew)) (mailboxes misc (MessageNew MessageExpunge FlagChange))",
    );
    assert!(all.status);
    let selected = all.selected.unwrap();
    assert!(selected.flags && !selected.delayed && selected.items.len() == 2);
    let group = |filter, events| EventGroup { filter, events };
    assert_eq!(
        all.groups,
        [
            group(MailboxFilter::Inboxes, Events::default()),
            group(MailboxFilter::Personal, Events::MAILBOX_NAME.union(METADATA)),
            group(MailboxFilter::Subscribed, Events::SUBSCRIPTION_CHANGE),
            group(MailboxFilter::Subtree(vec![name("Lists"), name("a b")]), MESSAGES),
            group(MailboxFilter::Mailboxes(vec![name("misc")]), MESSAGES.union(Events::FLAG_CHANGE)),
        ]
    );
    let delayed = set("SET (SELECTED-DELAYED (MessageNew MessageExpunge))");
    assert_eq!(delayed.selected, Some(SelectedEvents { delayed: true, flags: false, items: vec![] }));
    assert_eq!(set("SET (SELECTED NONE)"), NotifySet::default());
    // As the examples of RFC 5465 §3.1 have it.
    let bare = set("SET (selected MessageNew (uid) MessageExpunge) (subtree Lists MessageNew MessageExpunge)");
    assert_eq!((bare.selected.unwrap().items.len(), bare.groups[0].events), (1, MESSAGES));
}

#[test]
fn what_breaks_a_rule_is_a_syntax_error_and_what_is_not_known_a_refusal() {
    for text in [
        "",
        "SET",
        "SET STATUS",
        "SOME",
        "SET (PERSONAL)",
        "SET (PERSONAL ())",
        "SET (PERSONAL NONE",
        "SET (PERSONAL (MessageNew))",
        "SET (PERSONAL (MessageExpunge))",
        "SET (PERSONAL (MessageNew FlagChange))",
        "SET (PERSONAL (MessageNew (UID) MessageExpunge))",
        "SET (SELECTED (MailboxName))",
        "SET (SELECTED (MessageNew MessageExpunge SubscriptionChange))",
        "SET (SELECTED NONE) (SELECTED NONE)",
        "SET (SUBTREE () NONE)",
        "SET (MAILBOXES NONE)",
        "SET (SELECTED (MessageNew () MessageExpunge))",
        "NONE x",
        "SET (PERSONAL NONE)(PERSONAL NONE)",
    ] {
        assert!(matches!(parse(text), Err(ParseError::Syntax(_))), "{text}: {:?}", parse(text));
    }
    for text in ["SET (PERSONAL (AnnotationChange))", "SET (PERSONAL (MessageNew MessageExpunge x-new))"] {
        assert!(matches!(parse(text), Err(ParseError::Refusal(Code::BadEvent, _))), "{text}");
    }
}

#[test]
fn groups_and_names_are_counted() {
    let groups = |count: usize| format!("SET{}", " (PERSONAL NONE)".repeat(count));
    assert_eq!(set(&groups(NOTIFY_GROUPS_MAX)).groups.len(), NOTIFY_GROUPS_MAX);
    let too_much = |text: &str| matches!(parse(text), Err(ParseError::Refusal(Code::NotificationOverflow, _)));
    assert!(too_much(&groups(NOTIFY_GROUPS_MAX + 1)));
    let names = |count: usize| format!("SET (MAILBOXES (x{}) NONE) (SUBTREE y NONE)", " x".repeat(count - 2));
    assert_eq!(set(&names(NOTIFY_NAMES_MAX)).groups.len(), 2);
    assert!(too_much(&names(NOTIFY_NAMES_MAX + 1)));
}
