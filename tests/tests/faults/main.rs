//! A fault of ours never bounces mail (docs/guarantees.md, G8): whole sessions of every protocol on a store that fails
//! at every step in every way.
//!
//! `script.rs` says what clients do. Each script is played once on a store that does not fail, for the answers and for
//! what is stored after each step; then again and again, with one fault at one step. There the answer must be the right
//! one or a temporary one; what is stored must be what was there before, or, where it was acknowledged, what belongs
//! there; and when the store is well again the same step must work, once.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "all of it is a test: a panic is its verdict"
)]

mod client;
mod fault;
mod script;
mod server;
mod state;

use client::{Answer, Client};
use fault::Fault;
use script::{Script, Step};
use server::Server;
use state::State;

/// The right answers of a script and what is stored after each of its steps.
struct Right {
    answers: Vec<Answer>,
    states: Vec<State>,
}

async fn right(script: &Script) -> Right {
    let mut right = Right { answers: Vec::new(), states: Vec::new() };
    let server = Server::start(script.on_delete).await;
    let mut client = server.connect(script.protocol).await;
    right.states.push(State::of(&server).await);
    for step in &script.steps {
        let answer = client.step(step).await;
        assert!(answer.is_whole(), "{}: {answer:?}", step.shown());
        right.answers.push(answer);
        right.states.push(State::of(&server).await);
    }
    right
}

/// Plays a script up to a step that meets a fault; false if nothing failed, because the step does less than that.
async fn meet(script: &Script, right: &Right, place: usize, fault: Fault) -> bool {
    let server = Server::start(script.on_delete).await;
    let mut client = server.connect(script.protocol).await;
    for step in &script.steps[..place] {
        client.step(step).await;
    }
    let step = &script.steps[place];
    let what = format!("{:?}, {} with {fault:?}", script.protocol, step.shown());
    let before = fault.inject(&server.engine);
    let answer = client.step(step).await;
    let met = fault.was_met(&server.engine, before);
    server.engine.heal();
    let (expected, state) = (&right.answers[place], State::of(&server).await);
    let (old, new) = (&right.states[place], &right.states[place + 1]);
    answer.check(expected, script.protocol, step, &what);
    state.check(old, new, &answer.acknowledged(expected, step), fault.may_have_done_it(), &what);
    let done_unsaid = state == *new && new != old && answer != *expected;
    if !client.is_closed() && !step.ends && !done_unsaid && answer != *expected {
        again(script, right, place, &mut client, &what).await;
        // Several answers are several commits: some were done the first time.
        if step.accounts.is_empty() && !step.streams {
            assert_eq!(State::of(&server).await, *new, "{what}, and again");
        }
    }
    met
}

/// What the client does when the store is well again: the same once more.
async fn again(script: &Script, right: &Right, place: usize, client: &mut Client, what: &str) {
    let from = script.steps[place].again_from.unwrap_or(place);
    if from != place && script.protocol.has_transactions() {
        let reset = client.step(&Step::new("RSET\r\n")).await;
        assert!(reset.first().starts_with("250"), "{what}, then RSET: {reset:?}");
    }
    for at in from..=place {
        let answer = client.step(&script.steps[at]).await;
        assert_eq!(answer, right.answers[at], "{what}, and again from {}", script.steps[at].shown());
    }
}

/// Plays a script with every fault at every step; at least so many single operations must have failed.
async fn play(script: Script, least: u64) {
    let right = right(&script).await;
    let mut failed = 0;
    for place in 0..script.steps.len() {
        for fault in Fault::everything() {
            meet(&script, &right, place, fault).await;
        }
        for at in Fault::EACH {
            let mut nth = 1;
            while meet(&script, &right, place, at(nth)).await {
                (nth, failed) = (nth + 1, failed + 1);
                assert!(nth < fault::NTH_MAX, "{} never ends", script.steps[place].shown());
            }
        }
    }
    assert!(failed >= least, "only {failed} operations failed");
}

#[tokio::test]
async fn imap_answers_every_fault_with_a_temporary_no() {
    play(script::imap(), 60).await;
}

#[tokio::test]
async fn imap_sign_ins_are_not_denied_for_a_fault() {
    play(script::imap_sign_in(), 10).await;
}

#[tokio::test]
async fn pop3_answers_every_fault_with_sys_temp() {
    play(script::pop3(), 15).await;
    play(script::pop3_sasl(), 6).await;
    play(script::pop3_quit("pop3.on-delete=keep"), 6).await;
    play(script::pop3_quit("pop3.on-delete=trash"), 6).await;
}

#[tokio::test]
async fn mx_answers_every_fault_with_a_temporary_code() {
    play(script::mx(), 35).await;
}

#[tokio::test]
async fn submission_answers_every_fault_with_a_temporary_code() {
    play(script::submission(), 16).await;
}

#[tokio::test]
async fn lmtp_answers_every_fault_with_a_temporary_code_for_whom_it_hit() {
    play(script::lmtp(), 32).await;
}

/// Nobody is locked out because the store failed: faults do not count as wrong passwords.
#[tokio::test]
async fn faults_at_the_sign_in_do_not_count_as_failures() {
    let server = Server::start(None).await;
    for _ in 0..30 {
        let mut client = server.connect(script::Protocol::Pop3).await;
        client.step(&Step::new("USER anna@example.test\r\n")).await;
        let before = Fault::AllReads.inject(&server.engine);
        let refused = client.step(&Step::new("PASS moos-lampe-fjord-17\r\n")).await;
        assert!(refused.first().starts_with("-ERR [SYS/TEMP]"), "{refused:?}");
        assert!(Fault::AllReads.was_met(&server.engine, before));
        server.engine.heal();
    }
    let mut client = server.connect(script::Protocol::Pop3).await;
    client.step(&Step::new("USER anna@example.test\r\n")).await;
    let welcome = client.step(&Step::new("PASS moos-lampe-fjord-17\r\n")).await;
    assert!(welcome.first().starts_with("+OK"), "{welcome:?}");
}
