//! What has to come of each attempt.

use super::attempt::{self, Attempt, MadeUp};
use super::talk::{Meaning, Talk};
use super::{Begins, Door, Finding, Protocol, Reach};
use anyhow::ensure;

/// Everything about one listener.
pub(super) async fn judge<R: Reach>(reach: &R, door: &Door, made_up: &MadeUp) -> Vec<Finding> {
    let mut findings = Vec::new();
    if door.begins == Begins::Tls {
        findings.push(clear_text_to_tls(reach, door.protocol, made_up).await);
        return findings;
    }
    findings.push(announced_in_clear(reach, door.protocol).await);
    for attempt in attempt::all(door.protocol, made_up) {
        findings.push(refused_in_clear(reach, door.protocol, &attempt).await);
    }
    findings.push(injected(reach, door.protocol).await);
    findings
}

fn finding(tried: impl Into<String>, outcome: anyhow::Result<(bool, String)>) -> Finding {
    let (holds, heard) = outcome.unwrap_or_else(|error| (false, format!("{error:#}")));
    Finding { tried: tried.into(), heard, holds }
}

async fn greeted<R: Reach>(reach: &R, protocol: Protocol) -> anyhow::Result<Talk<R::Stream>> {
    let mut talk = Talk::new(reach.connect().await?, protocol);
    talk.greeting().await?;
    Ok(talk)
}

async fn announced_in_clear<R: Reach>(reach: &R, protocol: Protocol) -> Finding {
    let outcome = async {
        let ways = greeted(reach, protocol).await?.announced().await?;
        Ok((ways.is_empty(), if ways.is_empty() { "nothing".to_owned() } else { ways.join(", ") }))
    };
    finding("ways to sign in that are announced", outcome.await)
}

async fn refused_in_clear<R: Reach>(reach: &R, protocol: Protocol, attempt: &Attempt) -> Finding {
    let outcome = async {
        let mut talk = greeted(reach, protocol).await?;
        let mut first = None;
        for piece in &attempt.pieces {
            let answer = talk.ask(piece).await?;
            match talk.meaning(&answer) {
                Meaning::Accepted => return Ok((false, format!("accepted: {answer}"))),
                Meaning::Invited => return Ok((false, format!("asks for more: {answer}"))),
                Meaning::Refused => {}
            }
            if answer.is_empty() {
                return Ok((true, "it ends the connection".to_owned()));
            }
            first.get_or_insert(answer);
        }
        Ok((true, first.unwrap_or_default()))
    };
    finding(attempt.title.as_str(), outcome.await)
}

/// A port that begins with TLS must not understand a password in clear.
async fn clear_text_to_tls<R: Reach>(reach: &R, protocol: Protocol, made_up: &MadeUp) -> Finding {
    let outcome = async {
        let mut talk = Talk::new(reach.connect().await?, protocol);
        let all = attempt::all(protocol, made_up);
        for piece in all.iter().flat_map(|attempt| &attempt.pieces) {
            if talk.say(piece).await.is_err() {
                break;
            }
        }
        match talk.line().await? {
            Some(answer) if answer.is_ascii() && talk.meaning(&answer) != Meaning::Refused => {
                Ok((false, format!("it answers: {answer}")))
            }
            Some(answer)
                if !answer.is_empty() && answer.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') =>
            {
                Ok((false, format!("it speaks in clear: {answer}")))
            }
            _ => Ok((true, "it hears TLS only".to_owned())),
        }
    };
    finding("every way in clear, where TLS comes first", outcome.await)
}

/// What comes behind STARTTLS in the same packet, in clear, must not be answered inside TLS (RFC 3207 §4.2); and where
/// STARTTLS is to be had, it must work.
async fn injected<R: Reach>(reach: &R, protocol: Protocol) -> Finding {
    let (packet, probe) = match protocol {
        Protocol::Imap => ("s STARTTLS\r\nx NOSUCH\r\n", "y NOOP\r\n"),
        Protocol::Pop3 => ("STLS\r\nNOSUCH\r\n", "CAPA\r\n"),
        Protocol::Smtp => ("STARTTLS\r\nNOSUCH\r\n", "NOOP\r\n"),
    };
    let outcome = async {
        let mut talk = greeted(reach, protocol).await?;
        let answer = talk.ask(packet).await?;
        if talk.meaning(&answer) != Meaning::Accepted {
            return Ok((true, format!("STARTTLS is refused then: {answer}")));
        }
        let Ok(stream) = talk.into_stream() else { return Ok((false, "it answers in clear".to_owned())) };
        let Ok(stream) = reach.secure(stream).await else { return Ok((true, "it ends the connection".to_owned())) };
        let mut talk = Talk::new(stream, protocol);
        let Ok(()) = talk.say(probe).await else { return Ok((true, "it ends the connection".to_owned())) };
        let answer = talk.last().await?;
        let is_in_step = match protocol {
            Protocol::Imap => answer.starts_with("y "),
            Protocol::Pop3 | Protocol::Smtp => talk.meaning(&answer) == Meaning::Accepted,
        };
        Ok((is_in_step || answer.is_empty(), "thrown away".to_owned()))
    };
    let injected = finding("a command behind STARTTLS in the same packet", outcome.await);
    let works = async {
        let mut talk = greeted(reach, protocol).await?;
        let first = packet.split_inclusive('\n').next().unwrap_or_default();
        let answer = talk.ask(first).await?;
        ensure!(talk.meaning(&answer) == Meaning::Accepted, "{answer}");
        let mut talk = Talk::new(reach.secure(talk.into_stream()?).await?, protocol);
        talk.hello().await?;
        let ways = talk.announced().await?;
        anyhow::Ok(ways.join(", "))
    };
    match works.await {
        Ok(ways) if ways.is_empty() => {
            Finding { heard: format!("{}; inside TLS nobody signs in here", injected.heard), ..injected }
        }
        Ok(ways) => Finding { heard: format!("{}; inside TLS there is {ways}", injected.heard), ..injected },
        Err(_) => injected,
    }
}
