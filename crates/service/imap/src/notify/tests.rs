use super::*;

fn told(messages: u32, next: u32) -> Told {
    Told { messages, uid_next: Uid::new(next), uid_validity: UidValidity::new(7), ..Told::NOTHING }
}

#[test]
fn a_difference_is_told_if_an_event_asks_for_it() {
    let counts = Events::MESSAGE_NEW.union(Events::MESSAGE_EXPUNGE);
    let flags = counts.union(Events::FLAG_CHANGE);
    let (before, more) = (told(3, 5), told(4, 6));
    let seen = Told { unseen: 1, highest_modseq: ModSeq(9), ..before };
    let moved = Told { highest_modseq: ModSeq(9), ..before };
    assert_eq!(difference(counts, before, before, true), None);
    let answer = difference(counts, before, more, false).unwrap();
    assert_eq!((answer.messages, answer.uid_next, answer.highest_modseq), (Some(4), Uid::new(6), None));
    assert_eq!(difference(counts, before, seen, true), None, "no flags were asked for");
    assert_eq!(difference(flags, before, seen, false).unwrap().unseen, Some(1));
    assert_eq!(difference(flags, before, moved, false), None, "without CONDSTORE there is nothing to see");
    assert_eq!(difference(flags, before, moved, true).unwrap().highest_modseq, Some(ModSeq(9)));
    let other = Told { uid_validity: UidValidity::new(8), ..before };
    assert_eq!(difference(counts, before, other, false).unwrap().uid_validity, UidValidity::new(8));
}

#[test]
fn what_the_session_added_explains_exactly_that() {
    let id = MailboxId(1);
    let own = Own { names: Vec::new(), messages: vec![(id, 1), (id, 2), (MailboxId(2), 9)] };
    assert!(own.explains(id, told(3, 5), told(6, 8)));
    assert!(!own.explains(id, told(3, 5), told(7, 9)), "somebody else added one too");
    assert!(!own.explains(id, told(3, 5), told(5, 8)), "one left too");
    assert!(!own.explains(MailboxId(3), told(3, 5), told(3, 5)));
}

#[test]
fn a_name_is_below_only_whole_levels() {
    let name = |text: &str| MailboxName::parse(text).unwrap();
    assert!(
        is_below(&name("a/b"), &name("a")) && !is_below(&name("ab"), &name("a")) && !is_below(&name("a"), &name("a"))
    );
    let roots = [name("a"), name("b/c")];
    assert!(["a", "a/x/y", "b/c", "b/c/d"].into_iter().all(|n| is_in_subtree(&name(n), &roots)));
    assert!(["b", "ab", "b/cd", "c"].into_iter().all(|n| !is_in_subtree(&name(n), &roots)));
}
