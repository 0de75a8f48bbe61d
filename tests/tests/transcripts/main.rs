//! Every transcript on every engine. `TRANSCRIPT=imap/move` plays only those whose path contains it.

mod server;

use server::{Server, Store};
use tests::{Transcript, all_transcripts, play};

/// How many failures are shown in full.
const SHOWN: usize = 30;

fn chosen() -> Vec<Transcript> {
    all_transcripts(&std::env::var("TRANSCRIPT").unwrap_or_default()).unwrap()
}

fn play_all(store: fn() -> Store) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut failures = Vec::new();
    let transcripts = chosen();
    for transcript in &transcripts {
        let played = runtime.block_on(async {
            let server = Server::start(store()).await;
            play(transcript, &server).await
        });
        failures.extend(played.err().map(|failure| failure.to_string()));
    }
    let shown: Vec<&str> = failures.iter().take(SHOWN).map(String::as_str).collect();
    assert!(failures.is_empty(), "{} of {} do not hold:\n{}", failures.len(), transcripts.len(), shown.join("\n"));
}

#[test]
fn every_transcript_holds_on_the_engine_in_memory() {
    play_all(Store::in_memory);
}

#[test]
fn every_transcript_holds_on_the_embedded_engine() {
    play_all(Store::embedded);
}
