use super::*;
use crate::{LastSeen, Lock, Password, PopDeletes};
use message::{Scanner, Summary};
use std::time::Duration;
use types::Timestamp;

/// 2026-11-24 12:44:52 UTC.
const NOW: Moment = Moment { at: Timestamp(1_795_524_292_000), offset_minutes: 60 };

fn later(days: u64) -> Moment {
    Moment { at: NOW.at.after(Duration::from_hours(24 * days)), ..NOW }
}

fn anna() -> Address {
    Address::parse("anna@example.org").unwrap()
}

fn write(languages: Languages, occasion: &Occasion<'_>) -> (Summary, String) {
    let to = anna();
    let circumstances = Circumstances {
        to: &to,
        hostname: "mail.example.org",
        help: Some("https://mail.example.org/help"),
        languages,
        now: NOW,
        trace: TraceId(7),
    };
    let raw = letter(&circumstances, occasion);
    assert!(raw.is_ascii(), "a letter goes through any program");
    let text = String::from_utf8(raw.clone()).unwrap();
    assert!(text.split_inclusive("\r\n").all(|line| line.len() <= 998 && line.ends_with("\r\n")));
    let summary = Scanner::scan(&raw);
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    (summary, unquoted(body))
}

/// Undoes quoted-printable.
fn unquoted(body: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = body.replace("=\r\n", "");
    while let Some((before, after)) = rest.clone().split_once('=') {
        bytes.extend_from_slice(before.as_bytes());
        bytes.push(u8::from_str_radix(&after[..2], 16).unwrap());
        after[2..].clone_into(&mut rest);
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).unwrap()
}

/// Undoes format=flowed (RFC 3676 §4.1), as a program that knows it does.
fn paragraphs(body: &str) -> String {
    body.replace(" \r\n", " ").replace("\r\n", "\n")
}

fn exposed(lock: Lock) -> Exposed<'static> {
    Exposed {
        password: Password::Main,
        at: NOW,
        peer: Some("::ffff:203.0.113.50".parse().unwrap()),
        protocol: "POP3",
        program: Some("Old Mail 1.0\r\nBcc: x@evil.example"),
        lock,
    }
}

#[test]
fn an_exposed_password_is_told_in_the_readers_language() {
    let occasion = Occasion::Exposed(exposed(Lock::From(later(3))));
    let (summary, body) = write(Languages::Only(Language::De), &occasion);
    assert_eq!(summary.subject(), "Ihr Passwort war unterwegs lesbar: bitte bis 27. November ändern");
    assert_eq!(summary.from(), "Postamt <postmaster@example.org>");
    assert_eq!(summary.to(), "anna@example.org");
    let text = paragraphs(&body);
    for part in [
        "Guten Tag,\n\nein E-Mail-Programm hat das Passwort Ihres Postfachs anna@example.org ohne",
        "\nWann: 24. November 2026, 13:44 Uhr (UTC+1)\nVon der Adresse: 203.0.113.50\nAuf dem Weg: POP3\n\
         Programm: Old Mail 1.0 Bcc x evil example\n",
        "\nDieses Passwort gilt noch bis 27. November 2026, 13:44 Uhr (UTC+1). Danach",
        "\n1. Stellen Sie in diesem Programm",
        "\n3. Benutzen Sie dasselbe Passwort",
        "\nHilfe, Schritt für Schritt: https://mail.example.org/help\n",
        "\nGeschrieben vom Server mail.example.org\n",
    ] {
        assert!(text.contains(part), "{part}\n---\n{text}");
    }
    assert!(!text.contains("Hello"));
    // Lines are short for programs that know nothing of flowing text, and no link is broken.
    assert!(body.lines().all(|line| line.chars().count() <= 78), "{body}");
}

#[test]
fn whose_language_nobody_knows_reads_both() {
    let (summary, body) = write(Languages::All, &Occasion::Exposed(exposed(Lock::From(NOW))));
    let subject = "Ihr Passwort war unterwegs lesbar und gilt nicht mehr / \
                   Your password could be read on its way and is no longer valid";
    assert_eq!(summary.subject(), subject);
    let text = paragraphs(&body);
    let (german, english) = text.split_once("\n* * *\n\n").unwrap();
    assert!(german.starts_with("(English below)\n\nGuten Tag,"), "{german}");
    assert!(english.starts_with("Hello,\n\nA mail app has sent") && english.contains("13:44 (UTC+1)"), "{english}");
}

#[test]
fn what_becomes_of_each_password_is_said() {
    let subjects = |password, lock| {
        let exposed = Exposed { password, ..exposed(lock) };
        let of = |occasion: Occasion<'_>| write(Languages::Only(Language::En), &occasion).0.subject().to_owned();
        [of(Occasion::Exposed(exposed)), of(Occasion::ExposedReminder(exposed))]
    };
    let until = Lock::From(later(1));
    assert_eq!(subjects(Password::Main, until)[1], "Reminder: your password is only valid until 25 November");
    // The server was off when the reminder was due.
    assert!(subjects(Password::Main, Lock::From(NOW))[1].ends_with("is no longer valid"));
    assert_eq!(subjects(Password::Main, Lock::Never)[0], "Your password could be read on its way: please change it");
    let app = Password::App("alter Rechner");
    assert_eq!(subjects(app, Lock::From(NOW))[0], "An app password could be read on its way and is no longer valid");
    assert!(subjects(app, Lock::Never)[0].ends_with("please replace it"));
    assert!(subjects(app, until)[0].ends_with("please replace it by 25 November"));
    let occasion = Occasion::Exposed(Exposed { password: app, program: None, peer: None, ..exposed(Lock::From(NOW)) });
    let text = paragraphs(&write(Languages::Only(Language::En), &occasion).1);
    for part in
        ["app password “alter Rechner” of", "\nApp: did not give its name\n", "\nSent from: the server itself\n"]
    {
        assert!(text.contains(part), "{part}\n---\n{text}");
    }
    let reminder = Occasion::ExposedReminder(exposed(until));
    let text = paragraphs(&write(Languages::Only(Language::De), &reminder).1);
    assert!(text.contains("\nam 24. November hat ein E-Mail-Programm"), "{text}");
}

#[test]
fn pop3_and_imap_are_explained_with_what_can_be_had_back() {
    let seen = |program| LastSeen { at: NOW, peer: Some("2001:db8::7".parse().unwrap()), program };
    let both = |deletes| BothProtocols { imap: seen(Some("Handy")), pop3: seen(None), deletes };
    let text = |deletes| paragraphs(&write(Languages::Only(Language::De), &Occasion::BothProtocols(both(deletes))).1);
    let retention = Duration::from_hours(720);
    let told = text(PopDeletes::ForGood { retention, deleted: 312 });
    for part in [
        "\nZuletzt mit IMAP: 24. November 2026, 13:44 Uhr (UTC+1), 2001:db8::7, Handy\n",
        "\nZuletzt mit POP3: 24. November 2026, 13:44 Uhr (UTC+1), 2001:db8::7\n",
        "bewahren wir 30 Tage lang auf; jetzt gerade: 312 Nachrichten.",
        "Diesen Brief schreiben wir nur einmal.",
    ] {
        assert!(told.contains(part), "{part}\n---\n{told}");
    }
    assert!(text(PopDeletes::ForGood { retention, deleted: 0 }).contains("Bisher hat POP3 hier nichts gelöscht"));
    assert!(text(PopDeletes::ToTrash).contains("im Papierkorb Ihres Postfachs"));
}

#[test]
fn a_letter_is_marked_as_written_by_a_machine() {
    let to = anna();
    let circumstances = Circumstances {
        to: &to,
        hostname: "mail.example.org",
        help: None,
        languages: Languages::All,
        now: NOW,
        trace: TraceId(7),
    };
    let raw = String::from_utf8(letter(&circumstances, &Occasion::Exposed(exposed(Lock::Never)))).unwrap();
    for field in [
        "\r\nAuto-Submitted: auto-generated\r\n",
        "\r\nDate: Tue, 24 Nov 2026 13:44:52 +0100\r\n",
        "\r\nMessage-ID: <00000000000000000000000007@mail.example.org>\r\n",
        "\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8; format=flowed\r\n",
    ] {
        assert!(raw.contains(field), "{field}\n---\n{raw}");
    }
    assert!(!raw.contains("http"), "no help page, no link");
}
