//! Every transcript on every engine. `TRANSCRIPT=imap/move` plays only those whose path contains it.

mod server;

use server::{Server, Store};
use tests::{all_transcripts, play};

/// How many failures are shown in full.
const SHOWN: usize = 30;

fn play_all(store: fn() -> anyhow::Result<Store>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut failures = Vec::new();
    let transcripts = all_transcripts(&std::env::var("TRANSCRIPT").unwrap_or_default())?;
    for transcript in &transcripts {
        let server = runtime.block_on(Server::start(store()?))?;
        let played = runtime.block_on(play(transcript, &server));
        failures.extend(played.err().map(|failure| failure.to_string()));
    }
    let shown: Vec<&str> = failures.iter().take(SHOWN).map(String::as_str).collect();
    assert!(failures.is_empty(), "{} of {} do not hold:\n{}", failures.len(), transcripts.len(), shown.join("\n"));
    Ok(())
}

#[test]
fn every_transcript_holds_on_the_engine_in_memory() -> anyhow::Result<()> {
    play_all(Store::in_memory)
}

#[test]
fn every_transcript_holds_on_the_embedded_engine() -> anyhow::Result<()> {
    play_all(Store::embedded)
}
