//! SEARCH and THREAD by hand: examples, ids, steps, an index, texts that are too long to be kept.

use crate::world::{Store, World, stage, uid};
use domain::{
    AddressField, Candidates, MailError, NewMessage, Query, QueryKey, QueryNode, STEP_CONTENTS_MAX, TextIndex,
    TextQuestion, ThreadAlgorithm,
};
use std::sync::Arc;
use store_kv::BoxFuture;
use types::{AccountId, EmailId, ThreadId, Uid};

async fn put(world: &World, raw: &str) -> Uid {
    let inbox = world.id("INBOX").await;
    let staged = stage(&world.ann, raw.as_bytes()).await;
    world.ann.append(inbox, vec![NewMessage::new(staged)]).await.unwrap().uids[0]
}

async fn find(world: &World, key: QueryKey) -> Vec<u32> {
    let snapshot = world.open(world.id("INBOX").await).await.current();
    let query = Query::new(vec![QueryNode::Key(key)]).unwrap();
    world.ann.search(&snapshot, &query).await.unwrap().iter().map(|uid| uid.get()).collect()
}

/// The threads of the inbox as an answer would show them.
async fn threads(world: &World, algorithm: ThreadAlgorithm, among: QueryKey) -> String {
    let snapshot = world.open(world.id("INBOX").await).await.current();
    let query = Query::new(vec![QueryNode::Key(among)]).unwrap();
    let mut out = String::new();
    for node in world.ann.thread(&snapshot, &query, algorithm).await.unwrap() {
        let uid = node.uid.map_or("-".to_owned(), |uid| uid.to_string());
        out += &if node.depth == 0 { " ".to_owned() } else { ".".repeat(node.depth as usize) };
        out += &uid;
    }
    out.trim_start().to_owned()
}

#[tokio::test]
async fn threads_have_the_shapes_of_the_rfc() {
    for store in Store::all() {
        let world = World::new(store).await;
        // RFC 5256 §4: 2, and below 3 and 6 the two branches 4 23 and 44 7 96.
        for (id, references) in [
            ("2", ""),
            ("3", ""),
            ("6", "<3@x>"),
            ("4", "<3@x> <6@x>"),
            ("23", "<3@x> <\"6\"@x> <4@x>"),
            ("44", "<6@x>"),
            ("7", "<44@x>"),
            ("96", "<44@x> <7@x>"),
            ("8", "<gone@x>"),
            ("9", "<gone@x> <lost@x>"),
        ] {
            put(&world, &format!("Message-ID: <{id}@x>\r\nReferences: {references}\r\nSubject: {id}\r\n\r\n")).await;
        }
        for algorithm in [ThreadAlgorithm::References, ThreadAlgorithm::Refs] {
            let found = threads(&world, algorithm, QueryKey::All).await;
            assert_eq!(found, "1 2.3..4...5..6...7....8 -.9.10");
        }
        let found =
            threads(&world, ThreadAlgorithm::OrderedSubject, QueryKey::Header("References".into(), "6@".into()));
        assert_eq!(found.await, "4 6", "each subject is a thread");
    }
}

#[tokio::test]
async fn subjects_join_what_ids_do_not() {
    for store in Store::all() {
        let world = World::new(store).await;
        for (id, subject) in [("a", "Lunch"), ("b", "Re: lunch"), ("c", "LUNCH"), ("d", "Dinner"), ("e", "")] {
            put(&world, &format!("Message-ID: <{id}@x>\r\nSubject: {subject}\r\n\r\n")).await;
        }
        assert_eq!(threads(&world, ThreadAlgorithm::References, QueryKey::All).await, "-.1..2.3 4 5");
        assert_eq!(threads(&world, ThreadAlgorithm::Refs, QueryKey::All).await, "1 2 3 4 5");
        assert_eq!(threads(&world, ThreadAlgorithm::OrderedSubject, QueryKey::All).await, "1.2.3 4 5");
    }
}

#[tokio::test]
async fn ids_of_contents_and_threads_are_keys() {
    for store in Store::all() {
        let world = World::new(store).await;
        put(&world, "Message-ID: <a@x>\r\nSubject: s\r\n\r\n").await;
        put(&world, "Message-ID: <b@x>\r\nReferences: <a@x>\r\nSubject: Re: s\r\n\r\n").await;
        put(&world, "Message-ID: <c@x>\r\nSubject: s\r\n\r\n").await;
        let snapshot = world.open(world.id("INBOX").await).await.current();
        let email = snapshot.get(uid(2)).unwrap().email;
        let thread = world.ann.contents(&[email]).await.unwrap()[0].as_ref().unwrap().thread;
        assert_eq!(find(&world, QueryKey::EmailId(email)).await, [2]);
        assert_eq!(find(&world, QueryKey::ThreadId(thread)).await, [1, 2]);
        assert_eq!(find(&world, QueryKey::EmailId(EmailId(u64::MAX))).await, [0; 0]);
        assert_eq!(find(&world, QueryKey::ThreadId(ThreadId(u64::MAX))).await, [0; 0]);
    }
}

#[tokio::test]
async fn what_was_cut_off_is_found_all_the_same() {
    for store in Store::all() {
        let world = World::new(store).await;
        let many: Vec<String> = (0..2000).map(|number| format!("user{number}@example.org")).collect();
        let long = "word ".repeat(5000);
        put(&world, &format!("Subject: {long}the end\r\nTo: {}, last.one@example.org\r\n\r\n", many.join(",\r\n ")))
            .await;
        put(&world, "Subject: first\r\nSubject: second\r\nX: a\r\nX: b\r\n\r\n").await;
        let header = |name: &str, text: &str| QueryKey::Header(name.into(), text.into());
        for (key, expected) in [
            (QueryKey::Subject("word the end".into()), &[1][..]),
            (QueryKey::Address(AddressField::To, "last.one@".into()), &[1]),
            (QueryKey::Address(AddressField::To, "user1999@".into()), &[1]),
            (header("subject", "the END"), &[1]),
            (QueryKey::Subject("second".into()), &[2]),
            // ENVELOPE shows the last.
            (QueryKey::Subject("first".into()), &[]),
            (header("Subject", "first"), &[2]),
            (header("x", "B"), &[2]),
            (header("x", "a, b"), &[]),
            (header("x", ""), &[2]),
        ] {
            assert_eq!(find(&world, key.clone()).await, expected, "{key:?}");
        }
    }
}

#[tokio::test]
async fn a_search_goes_in_steps_that_tell_how_far_it_is() {
    let world = World::new(Store::memory()).await;
    let inbox = world.id("INBOX").await;
    let mut messages = Vec::new();
    for number in 0..=2 * STEP_CONTENTS_MAX {
        let raw = format!("Subject: {number}\r\n\r\n{}\r\n", if number % 3 == 0 { "three" } else { "other" });
        messages.push(NewMessage::new(stage(&world.ann, raw.as_bytes()).await));
    }
    world.ann.append(inbox, messages).await.unwrap();
    let snapshot = world.open(inbox).await.current();
    let query = Query::new(vec![QueryNode::Key(QueryKey::Body("THREE".into()))]).unwrap();
    let mut search = world.ann.begin_search(&snapshot, &query);
    let (mut found, mut done) = (Vec::new(), Vec::new());
    loop {
        let progress = search.step().await.unwrap();
        assert_eq!(progress.total, snapshot.len());
        done.push(progress.done as usize);
        let is_finished = progress.is_finished();
        found.extend(progress.found);
        if is_finished {
            break;
        }
    }
    assert_eq!(done, [STEP_CONTENTS_MAX, 2 * STEP_CONTENTS_MAX, 2 * STEP_CONTENTS_MAX + 1]);
    assert_eq!(found, world.ann.search(&snapshot, &query).await.unwrap());
    assert_eq!(found.len(), done[2].div_ceil(3));
    // Columns alone take one step.
    let all = Query::new(vec![QueryNode::Key(QueryKey::All)]).unwrap();
    assert!(world.ann.begin_search(&snapshot, &all).step().await.unwrap().is_finished());
}

/// An index that knows some contents.
struct Known(Candidates);

impl TextIndex for Known {
    fn candidates<'a>(
        &'a self,
        _: AccountId,
        question: TextQuestion<'a>,
    ) -> BoxFuture<'a, Result<Option<Candidates>, MailError>> {
        assert_eq!(question, TextQuestion { folded: "WORD", in_header: false });
        let known = self.0.clone();
        Box::pin(async move { Ok(Some(known)) })
    }
}

#[tokio::test]
async fn an_index_says_which_messages_need_be_read() {
    let world = World::new(Store::memory()).await;
    for text in ["word", "word", "other", "word", "other"] {
        put(&world, &format!("Subject: s\r\n\r\n{text}\r\n")).await;
    }
    let snapshot = world.open(world.id("INBOX").await).await.current();
    let email = |number: u32| snapshot.get(uid(number)).unwrap().email;
    let query = Query::new(vec![QueryNode::Key(QueryKey::Body("word".into()))]).unwrap();
    for (is_exact, expected) in [(false, [2, 4]), (true, [2, 4])] {
        // It says nothing of what came after the third, and has the first one wrong.
        let emails = [email(2)].into();
        let known = Candidates { indexed_up_to: Some(email(3)), emails, is_exact };
        let mut search = world.ann.begin_search(&snapshot, &query).with_index(Arc::new(Known(known)));
        let found = search.step().await.unwrap().found;
        assert_eq!(found, expected.map(uid));
    }
    let emails = [email(2), email(3)].into();
    let known = Candidates { indexed_up_to: Some(email(5)), emails, is_exact: true };
    let mut search = world.ann.begin_search(&snapshot, &query).with_index(Arc::new(Known(known)));
    assert_eq!(search.step().await.unwrap().found, [uid(2), uid(3)], "an exact one is believed");
}
