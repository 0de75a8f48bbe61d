//! A letter of the server to one of its people: from the postmaster of their domain, plain text, in their language.

use crate::exposed::Exposed;
use crate::layout::Body;
use crate::texts::frame;
use crate::{BothProtocols, Language, Languages, Moment};
use message::build::Builder;
use types::{Address, TraceId};

/// Between the languages of a letter.
const SEPARATOR: &str = "* * *";

/// Who writes to whom, and when.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// Whose mailbox it is about, and who gets it.
    pub to: &'a Address,
    /// The name of this server.
    pub hostname: &'a str,
    /// Where the help page is, if there is one.
    pub help: Option<&'a str>,
    /// What it is written in.
    pub languages: Languages,
    /// When.
    pub now: Moment,
    /// The letter's trace id.
    pub trace: TraceId,
}

/// What a letter is about.
#[derive(Clone, Copy, Debug)]
pub enum Occasion<'a> {
    /// A password came in clear.
    Exposed(Exposed<'a>),
    /// It was not changed, and will be locked soon.
    ExposedReminder(Exposed<'a>),
    /// Mail is read by POP3 and by IMAP.
    BothProtocols(BothProtocols<'a>),
}

/// Writes a letter: a whole message (RFC 5322), UTF-8, without HTML.
pub fn letter(circumstances: &Circumstances<'_>, occasion: &Occasion<'_>) -> Vec<u8> {
    let Circumstances { to, hostname, languages, now, trace, .. } = *circumstances;
    let subjects: Vec<_> = languages.each().map(|language| subject(language, circumstances, occasion)).collect();
    let postmaster = postmaster(to);
    Builder::new()
        .field("From", &format!("Postamt <{postmaster}>"))
        .address("To", None, to)
        .subject(&subjects.join(" / "))
        .date(now.at, now.offset_minutes)
        .message_id(&format!("{trace}@{hostname}"))
        // RFC 3834 §5: so that nobody's absence note answers.
        .field("Auto-Submitted", "auto-generated")
        .content(Builder::flowed(&text(circumstances, occasion)))
        .build()
}

/// Who answers for a mailbox (RFC 5321 §4.5.1).
fn postmaster(of: &Address) -> String {
    format!("postmaster@{}", of.domain())
}

fn subject(language: Language, circumstances: &Circumstances<'_>, occasion: &Occasion<'_>) -> String {
    match occasion {
        Occasion::Exposed(exposed) => exposed.subject(language, circumstances.now),
        Occasion::ExposedReminder(exposed) => exposed.reminder_subject(language, circumstances.now),
        Occasion::BothProtocols(_) => BothProtocols::subject(language),
    }
}

/// The whole text, each paragraph a line.
fn text(circumstances: &Circumstances<'_>, occasion: &Occasion<'_>) -> String {
    let mut parts = Vec::new();
    for language in circumstances.languages.each() {
        let mut body = Body::new(language);
        if circumstances.languages == Languages::All && language == Language::De {
            body.say(frame::OTHER_LANGUAGE_BELOW, &[]);
        }
        body.say(frame::GREETING, &[]);
        let address = circumstances.to.to_string();
        match occasion {
            Occasion::Exposed(exposed) => exposed.tell(language, &mut body, &address, circumstances.now),
            Occasion::ExposedReminder(exposed) => exposed.remind(language, &mut body, &address, circumstances.now),
            Occasion::BothProtocols(both) => both.tell(language, &mut body, &address),
        }
        if let Some(help) = circumstances.help {
            body.say(frame::HELP, &[("help", help)]);
        }
        body.say(frame::QUESTIONS, &[("postmaster", &postmaster(circumstances.to))]);
        body.say(frame::SIGNED, &[("hostname", circumstances.hostname)]);
        parts.push(body.finish());
    }
    parts.join(&format!("\n{SEPARATOR}\n\n"))
}

#[cfg(test)]
#[path = "letter/tests.rs"]
mod tests;
