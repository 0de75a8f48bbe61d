//! The runner against a server of a few lines, with transcripts that hold and transcripts that do not.

use super::*;
use crate::backend::{MessageLimit, Protocol, Stream};
use std::sync::Mutex;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

/// A server that knows four words.
#[derive(Default)]
struct Toy {
    waited: Mutex<Duration>,
    uids: Mutex<u32>,
}

impl Backend for Toy {
    fn engine(&self) -> &'static str {
        "toy"
    }

    async fn create_mailbox(&self, _: &str) -> anyhow::Result<()> {
        Ok(())
    }

    async fn mark(&self, _: &str, _: bool) -> anyhow::Result<()> {
        Ok(())
    }

    async fn set_quota(&self, _: u64) -> anyhow::Result<()> {
        Ok(())
    }

    async fn set(&self, _: &str, _: &[String]) -> anyhow::Result<()> {
        Ok(())
    }

    async fn add_alias(&self, _: &str, _: &[String]) -> anyhow::Result<()> {
        Ok(())
    }

    async fn tell_every_step(&self) -> anyhow::Result<()> {
        Ok(())
    }

    async fn limit_messages(&self, _: MessageLimit) -> anyhow::Result<()> {
        Ok(())
    }

    async fn undelete(&self) -> anyhow::Result<()> {
        Ok(())
    }

    async fn append(&self, _: &str, _: &[u8], _: &[String], _: Option<&str>) -> anyhow::Result<u32> {
        let mut uids = self.uids.lock().unwrap();
        *uids += 10;
        Ok(*uids)
    }

    async fn connect(&self, protocol: Protocol, tls: bool) -> anyhow::Result<Box<dyn Stream>> {
        assert_eq!(protocol, Protocol::Imap);
        let (client, server) = tokio::io::duplex(4096);
        tokio::spawn(serve(server, tls));
        Ok(Box::new(client))
    }

    async fn upgrade(&self, stream: Box<dyn Stream>) -> anyhow::Result<Box<dyn Stream>> {
        Ok(stream)
    }

    async fn advance(&self, by: Duration) -> anyhow::Result<()> {
        *self.waited.lock().unwrap() += by;
        Ok(())
    }
}

async fn serve(stream: tokio::io::DuplexStream, tls: bool) {
    let (input, mut output) = tokio::io::split(stream);
    let mut lines = BufReader::new(input).lines();
    output.write_all(if tls { b"* OK safe\r\n" } else { b"* OK plain\r\n" }).await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        let (tag, command) = line.split_once(' ').unwrap_or((&line, ""));
        let word = command.split(' ').next().unwrap_or_default();
        let answer = match word {
            "ECHO" => format!("* {command}\r\n{tag} OK\r\n"),
            "TWO" => format!("* one\r\n* two\r\n{tag} OK\r\n"),
            "TALK" => format!("{tag} OK\r\n* more\r\n"),
            "LOGIN" | "SELECT" => format!("* noise\r\n{tag} OK done\r\n"),
            "BYE" => {
                output.write_all(b"* BYE bye\r\n").await.unwrap();
                return;
            }
            _ => format!("{tag} BAD\r\n"),
        };
        output.write_all(answer.as_bytes()).await.unwrap();
    }
}

fn run(text: &str) -> Result<(), String> {
    let transcript = Transcript::parse("imap/toy/x.txt", text).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(play(&transcript, &Toy::default())).map_err(|failure| failure.to_string())
}

#[test]
fn a_transcript_that_holds_passes() {
    run("S: * OK safe\nC: a ECHO $anna\nS: * ECHO anna@example.test\nS: a OK\nC: b BYE\nS: * BYE ...\nS: ‹closed›\n")
        .unwrap();
    run("given: C in clear\nS: * OK plain\nC: ‹tls›\nC: a NIX\nS: a BAD\n").unwrap();
    run("wait: 3 days\nS: * OK ...\n").unwrap();
}

#[test]
fn what_is_given_is_not_in_the_transcript() {
    run("given: INBOX with 2 messages ($uid1 $uid2), selected by C and C2\nC: a ECHO $uid1,$uid2\nS: * ECHO 10,20\n\
         S: a OK\nC2: b ECHO $uid2\nS2: * ECHO 20\nS2: b OK\n")
    .unwrap();
}

#[test]
fn lines_may_come_in_any_order_or_be_skipped_where_the_transcript_says_so() {
    run("given: C greeted\nC: a TWO\nS*: * two\nS*: * one\nS: a OK\n").unwrap();
    run("given: C greeted\nC: a TWO\nS: ⋮\nS: a OK\n").unwrap();
    run("given: C greeted\nC: a BYE\nS: ⋮\nS: ‹closed›\n").unwrap();
    assert!(run("given: C greeted\nC: a TWO\nS: * two\nS: * one\nS: a OK\n").is_err());
}

#[test]
fn a_capture_keeps_its_value() {
    let text = "given: C greeted\nC: a ECHO 5\nS: * ECHO $x\nS: a OK\nC: b ECHO 6\nS: * ECHO $x\nS: b OK\n";
    assert!(run(text).is_err());
    run(&text.replace('6', "5")).unwrap();
}

#[test]
fn a_wrong_line_is_named_with_all_that_was_said() {
    let failure = run("S: * OK safe\nC: a ECHO x\nS: * ECHO y\n").unwrap_err();
    assert!(
        failure.starts_with("tests/transcripts/imap/toy/x.txt:3 (toy): I: not what was expected: `* ECHO x`\n"),
        "{failure}"
    );
    assert!(failure.ends_with("    S: * OK safe\n    C: a ECHO x\n    S: * ECHO x\n"), "{failure}");
}

#[test]
fn a_missing_line_a_line_too_many_and_a_silent_end_are_found() {
    assert!(run("given: C greeted\nC: a ECHO x\nS: * ECHO x\n").unwrap_err().contains("beyond the last line: `a OK`"));
    assert!(run("given: C greeted\nC: a NIX\nS: a BAD\nS: b BAD\n").unwrap_err().contains("no answer"));
    assert!(run("given: C greeted\nC: a TALK\nS: a OK\n").unwrap_err().contains("`* more`"));
    assert!(run("given: C greeted\nC: a BYE\nS: ‹closed›\n").unwrap_err().contains("expected the end"));
    assert!(run("given: C greeted\nC: a BYE\nS: * BYE bye\nS: a OK\n").unwrap_err().contains("ended the connection"));
}
