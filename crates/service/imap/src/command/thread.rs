//! THREAD and UID THREAD (RFC 5256 §3)

use super::message_limit;
use super::search::find::{self, Extent, Work};
use super::search::query;
use crate::progress::Part;
use crate::session::Session;
use crate::status;
use domain::{Meter, ThreadAlgorithm};
use proto_imap::Status;
use proto_imap::command::Thread;
use proto_imap::command::thread as wire;
use proto_imap::response::{ThreadNode, ThreadResponse};
use service_session::Transport;
use std::io;
use std::sync::Arc;

/// How many nodes are written before the output is sent on.
const NODES_AT_ONCE: usize = 4096;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, thread: Thread) -> io::Result<Status> {
    if thread.program.uses_modseq() {
        session.enable_condstore();
    }
    if let Some(code) = message_limit::too_many_to_order(session, &thread.program)? {
        return Ok(message_limit::refused(code));
    }
    let selected = session.selected()?;
    let account = selected.account.clone();
    let query = match query::of(&thread.program, &selected.told, account.id(), None) {
        Ok(query) => query,
        Err(status) => return Ok(status),
    };
    let algorithm = match thread.algorithm {
        wire::ThreadAlgorithm::OrderedSubject => ThreadAlgorithm::OrderedSubject,
        wire::ThreadAlgorithm::References => ThreadAlgorithm::References,
        wire::ThreadAlgorithm::Refs => ThreadAlgorithm::Refs,
    };
    let snapshot = Arc::clone(selected.told.snapshot());
    let work = Work::new(&account, &snapshot, &query);
    session.progress.part = Part::FirstHalf;
    let nodes = match find::find(session, &work, Extent::All).await? {
        Ok(found) => {
            session.progress.part = Part::SecondHalf(snapshot.len());
            let found = find::uids(&snapshot, found.head());
            let (meter, steps) = Meter::with_reader();
            session.accompany(steps, account.thread_found(&snapshot, &found, algorithm, &meter)).await?
        }
        Err(failure) => Err(failure),
    };
    let nodes = match nodes {
        Ok(nodes) => nodes,
        Err(failure) => return Ok(status::of_mail(&failure)),
    };
    let mut response = ThreadResponse::begin(session.machine.output());
    for some in nodes.chunks(NODES_AT_ONCE) {
        for node in some {
            let told = &session.selected()?.told;
            let number = node.uid.and_then(|uid| if thread.uid { Some(uid.get()) } else { told.seq_of(uid) });
            let node = ThreadNode { number, depth: node.depth, children: node.children };
            response.node(session.machine.output(), node);
        }
        session.send_when_high().await?;
    }
    response.end(session.machine.output());
    Ok(Status::ok("THREAD completed"))
}
