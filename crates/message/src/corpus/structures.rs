//! Messages that are special in their MIME structure.

use super::{Samples, lines};
use std::fmt::Write;

/// A multipart message with boundary `A` around this body.
fn multipart(subtype: &str, body: &[&str]) -> Vec<u8> {
    let head = format!("Content-Type: multipart/{subtype}; boundary=A");
    let mut all = vec!["From: a@example.org", "Subject: parts", "MIME-Version: 1.0", head.as_str(), ""];
    all.extend(body);
    lines(&all)
}

/// The lines of a table's text.
fn split(text: &str) -> Vec<&str> {
    if text.is_empty() { Vec::new() } else { text.split('|').collect() }
}

pub(super) fn add(all: &mut Samples) {
    boundaries(all);
    nested(all);
    messages(all);
    deep(all);
    attachments(all);
}

fn boundaries(all: &mut Samples) {
    let one: &[&str] =
        &["--A", "Content-Type: text/plain", "", "one", "--A", "Content-Type: text/html", "", "<p>two</p>", "--A--"];
    all.add("mixed", multipart("mixed", one));
    all.add("alternative", multipart("alternative", one));
    let mut unfinished = multipart("mixed", one);
    unfinished.truncate(unfinished.len().saturating_sub(2));
    all.add("close-without-newline", unfinished.clone());
    unfinished.truncate(unfinished.len().saturating_sub(2));
    all.add("cut-in-close", unfinished.clone());
    unfinished.truncate(unfinished.len().saturating_sub(1));
    all.add("cut-in-boundary", unfinished);
    for (name, body) in BOUNDARIES {
        all.add(*name, multipart("mixed", &split(body)));
    }
    let with_lf: Vec<u8> = multipart("mixed", one).into_iter().filter(|b| *b != b'\r').collect();
    all.add("multipart-lf-only", with_lf);
    for (number, parameter) in (1..).zip([
        "boundary=\"with space\"",
        "boundary=\"trailing \"",
        "boundary=\"--\"",
        "boundary=\"(par)+_,-./:=?'\"",
        "BOUNDARY=simple",
        "boundary=first; boundary=second",
        "boundary*0=join; boundary*1=ed",
        "boundary*=utf-8''ext",
        "boundary=----=_Part_1/2=3",
        "boundary=\"quo\\\"te\"",
    ]) {
        let text = [
            "with space",
            "trailing",
            "--",
            "(par)+_,-./:=?'",
            "simple",
            "first",
            "joined",
            "ext",
            "----=_Part_1/2=3",
            "quo\"te",
        ];
        let boundary = text.get(number - 1).copied().unwrap_or_default();
        let head = format!("Content-Type: multipart/mixed; {parameter}");
        let (open, close) = (format!("--{boundary}"), format!("--{boundary}--"));
        let message = [&*head, "", &*open, "", "one", &*open, "", "two", &*close];
        all.add(format!("boundary-parameter-{number}"), lines(&message));
    }
    for length in [70, 71, 100, 250] {
        let boundary = "b".repeat(length);
        let text = format!(
            "Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n--{boundary}\r\n\r\nx\r\n--{boundary}--\r\n"
        );
        all.add(format!("boundary-of-{length}"), text);
    }
}

fn nested(all: &mut Samples) {
    for (name, body) in NESTED {
        all.add(format!("nest-{name}"), multipart("mixed", &split(body)));
    }
    let digest: &[&str] = &[
        "--A",
        "",
        "From: b@example.org",
        "Subject: first",
        "",
        "one",
        "--A",
        "Content-Type: text/plain",
        "",
        "two",
        "--A",
        "Content-ID: <x>",
        "",
        "Subject: third",
        "",
        "three",
        "--A--",
    ];
    all.add("digest", multipart("digest", digest));
    all.add("digest-empty-part", multipart("digest", &["--A", "", "--A--"]));
    all.add("digest-no-blank-line", multipart("digest", &["--A", "Subject: x", "--A", "", "Subject: y", "--A--"]));
}

fn messages(all: &mut Samples) {
    let message = "Content-Type: message/rfc822";
    for (name, body) in MESSAGES {
        all.add(*name, multipart("mixed", &split(body)));
    }
    all.add("top-message", lines(&["Subject: outer", "MIME-Version: 1.0", message, "", "Subject: inner", "", "one"]));
    all.add(
        "top-message-with-parts",
        lines(&[
            "Subject: outer",
            message,
            "",
            "Subject: inner",
            "Content-Type: multipart/mixed; boundary=B",
            "",
            "--B",
            "",
            "one",
            "--B",
            "",
            "two",
            "--B--",
        ]),
    );
    all.add("top-message-empty", lines(&["Subject: outer", message, ""]));
    all.add("top-message-header-only", lines(&["Subject: outer", message]));
    all.add(
        "report",
        lines(&[
            "From: mailer-daemon@example.org",
            "Subject: Undelivered",
            "MIME-Version: 1.0",
            "Content-Type: multipart/report; report-type=delivery-status;",
            " boundary=\"A\"",
            "",
            "--A",
            "",
            "It failed.",
            "--A",
            "Content-Type: message/delivery-status",
            "",
            "Reporting-MTA: dns; x.example.org",
            "",
            "Final-Recipient: rfc822; a@example.org",
            "Action: failed",
            "Status: 5.1.1",
            "--A",
            "Content-Type: text/rfc822-headers",
            "",
            "Subject: original",
            "--A--",
        ]),
    );
}

fn deep(all: &mut Samples) {
    for depth in [10, 50] {
        let mut parts = String::from("Subject: deep multiparts\r\n");
        let mut close = String::new();
        for level in 0..depth {
            // Writing to a string does not fail.
            let _ = write!(parts, "Content-Type: multipart/mixed; boundary=L{level}x\r\n\r\n--L{level}x\r\n");
            close = format!("\r\n--L{level}x--\r\n{close}");
        }
        all.add(format!("deep-multipart-{depth}-unclosed"), format!("{parts}\r\nbottom\r\n"));
        all.add(format!("deep-multipart-{depth}"), format!("{parts}\r\nbottom{close}"));
        let messages = "Content-Type: message/rfc822\r\nSubject: deep messages\r\n\r\n".repeat(depth);
        all.add(format!("deep-message-{depth}"), format!("{messages}Subject: bottom\r\n\r\nbottom\r\n"));
        let mut both = String::new();
        for level in 0..depth / 2 {
            let _ = write!(
                both,
                "Content-Type: multipart/mixed; boundary=M{level}x\r\n\r\n--M{level}x\r\nContent-Type: message/rfc822\r\n\r\n"
            );
        }
        all.add(format!("deep-both-{depth}"), format!("{both}Subject: bottom\r\n\r\nbottom\r\n"));
    }
}

fn attachments(all: &mut Samples) {
    let body: &[&str] = &[
        "--A",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "Gr=C3=BC=C3=9Fe,=20",
        "soft=",
        "break",
        "--A",
        "Content-Type: image/png; name=\"a.png\"",
        "Content-Transfer-Encoding: base64",
        "Content-Disposition: attachment; filename=\"a.png\"",
        "Content-ID: <a.png@example.org>",
        "",
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=",
        "--A--",
    ];
    all.add("attachment", multipart("mixed", body));
    let html: &[&str] = &[
        "--A",
        "Content-Type: text/html; charset=iso-8859-1",
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "<html><head><style>p {x:y}</style></head><body><p>Gr=FC=DFe &amp; K=FCsse</p></body></html>",
        "--A",
        "Content-Type: image/gif",
        "Content-Disposition: inline",
        "Content-ID: <b@example.org>",
        "Content-Transfer-Encoding: base64",
        "",
        "R0lGODlhAQABAAAAACw=",
        "--A--",
    ];
    all.add("related", multipart("related", html));
    all.add(
        "base64-text",
        lines(&[
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: base64",
            "",
            "R3LDvMOfZSBhdXMgS8O2bG4=",
            "",
            "Zm9vdGVyIG9mIGEgbGlzdA",
        ]),
    );
}

/// Bodies of a multipart/mixed with boundary `A`; a bar stands for CR LF.
const BOUNDARIES: &[(&str, &str)] = &[
    ("preamble-and-epilogue", "preamble|--A||one|--A--|epilogue|more"),
    ("no-parts", "only text"),
    ("no-parts-closed", "--A--"),
    ("empty-multipart", ""),
    ("one-empty-part", "--A|--A--"),
    ("empty-parts", "--A||--A|||--A|--A--"),
    ("part-header-only", "--A|Content-Type: text/html|--A|Content-ID: <x>||--A--"),
    ("unclosed", "--A||one|--A||two"),
    ("unclosed-in-header", "--A||one|--A|Content-Type: text/html"),
    ("space-after-boundary", "--A ||one|--A\t ||two|--A-- |end"),
    ("reopened-after-close", "--A||one|--A--|--A||two|--A--"),
    ("longer-line-is-no-boundary", "--A||one|--AB||two|--A--"),
    ("shorter-line-is-no-boundary", "--A||one|--|-A|two|--A--"),
    ("other-boundary", "--A||one|--B||two|--B--|--A--"),
    ("boundary-in-preamble-text", "text --A| --A|x--A|--A||one|--A--"),
    ("close-with-text-after", "--A||one|--A-- text|--A||two|--A--"),
    ("boundary-with-text-after", "--A||one|--A text||two|--A--"),
    ("dashes-only", "--A||--|---|----|--A--"),
    ("close-first", "--A--|--A||one"),
    ("no-blank-line-before-body", "--A|one|--A|two words|three|--A--"),
    ("blank-before-boundary", "--A||one||--A||two|||--A--"),
    ("header-with-folds", "--A|Content-Type: text/plain;| charset=utf-8;|\tname=x||one|--A--"),
    ("part-with-message-fields", "--A|From: b@example.org|Subject: inner||one|--A--"),
    ("text-with-boundary-parameter", "--A|Content-Type: text/plain; boundary=B||--B||x|--A--"),
    (
        "base64-multipart",
        "--A|Content-Type: multipart/mixed; boundary=B|Content-Transfer-Encoding: base64||--B||x|--B--|--A--",
    ),
    ("part-type-broken", "--A|Content-Type: text||x|--A|Content-Type: /||y|--A--"),
    ("part-mime-version", "--A|MIME-Version: 2.0|Content-Type: text/html||x|--A--"),
    ("only-encoding-in-part", "--A|Content-Transfer-Encoding: base64||eA==|--A--"),
    ("lines-of-spaces", "--A| ||x|--A|| |--A--"),
    ("very-many-blank-lines", "|||--A|||||--A--|||"),
    ("capital-and-small", "--a||x|--A||y|--a--|--A--"),
];

/// The same, with multiparts inside.
const NESTED: &[(&str, &str)] = &[
    (
        "nested",
        "--A|Content-Type: multipart/alternative; boundary=B||--B||one|--B|Content-Type: text/html||two|--B--|--A||three|--A--",
    ),
    ("inner-unclosed", "--A|Content-Type: multipart/alternative; boundary=B||--B||one|--A||two|--A--"),
    (
        "inner-unclosed-in-header",
        "--A|Content-Type: multipart/alternative; boundary=B||--B|Content-ID: <x>|--A||two|--A--",
    ),
    ("inner-without-parts", "--A|Content-Type: multipart/alternative; boundary=B||text|--A||two|--A--"),
    ("inner-header-without-end", "--A|Content-Type: multipart/alternative; boundary=B|--A||two|--A--"),
    ("inner-epilogue", "--A|Content-Type: multipart/alternative; boundary=B||pre|--B||one|--B--|epi|--A||two|--A--"),
    ("same-boundary-inside", "--A|Content-Type: multipart/mixed; boundary=A||--A||one|--A--|--A||two|--A--"),
    ("inner-is-prefixed", "--A|Content-Type: multipart/mixed; boundary=AB||--AB||one|--AB--|--A||two|--A--"),
    ("inner-is-prefix", "--A|Content-Type: multipart/mixed; boundary=\"\u{41}\u{41}\"||--AA||one|--AA--|--A--"),
    ("inner-looks-like-close", "--A|Content-Type: multipart/mixed; boundary=\"A--\"||--A--||one|--A----|--A--"),
    (
        "inner-boundary-outside",
        "--A||one|--B||x|--A|Content-Type: multipart/alternative; boundary=B||--B||two|--B--|--B|--A--",
    ),
    ("inner-closes-late", "--A|Content-Type: multipart/alternative; boundary=B||--B||one|--A||two|--B--|--A--"),
];

/// The same, with messages inside.
const MESSAGES: &[(&str, &str)] = &[
    ("message", "--A|Content-Type: message/rfc822||From: b@example.org|To: c@example.org|Subject: inner||one|--A--"),
    (
        "message-with-parts",
        "--A|Content-Type: message/rfc822||Subject: inner|Content-Type: multipart/mixed; boundary=B||--B||one|--B|Content-Type: message/rfc822||Subject: innermost||two|--B--|--A||three|--A--",
    ),
    ("message-empty", "--A|Content-Type: message/rfc822||--A--"),
    ("message-empty-line", "--A|Content-Type: message/rfc822|||--A--"),
    ("message-header-only", "--A|Content-Type: message/rfc822||Subject: inner|--A--"),
    ("message-no-header", "--A|Content-Type: message/rfc822|||only text|--A--"),
    ("message-part-header-cut", "--A|Content-Type: message/rfc822|--A--"),
    ("message-unclosed", "--A|Content-Type: message/rfc822||Subject: inner||one"),
    (
        "message-inner-unclosed",
        "--A|Content-Type: message/rfc822||Content-Type: multipart/mixed; boundary=B||--B||one|--A||two|--A--",
    ),
    (
        "message-base64",
        "--A|Content-Type: message/rfc822|Content-Transfer-Encoding: base64||U3ViamVjdDogeA0KDQppbm5lcg0K|--A--",
    ),
    (
        "message-quoted-printable",
        "--A|Content-Type: message/rfc822|Content-Transfer-Encoding: quoted-printable||Subject=3A x||in=20ner|--A--",
    ),
    ("message-8bit", "--A|Content-Type: message/rfc822|Content-Transfer-Encoding: 8bit||Subject: inner||one|--A--"),
    (
        "message-capitals",
        "--A|Content-Type: MESSAGE/RFC822; name=\"x.eml\"|Content-Disposition: attachment; filename=x.eml||Subject: inner||one|--A--",
    ),
    (
        "message-in-message",
        "--A|Content-Type: message/rfc822||Subject: outer|Content-Type: message/rfc822||Subject: inner||one|--A--",
    ),
    ("message-global", "--A|Content-Type: message/global||Subject: inner||one|--A--"),
    (
        "message-not-mime",
        "--A|Content-Type: message/rfc822||Subject: inner|Content-Transfer-Encoding: base64||b25l|--A--",
    ),
    (
        "message-with-digest",
        "--A|Content-Type: message/rfc822||Content-Type: multipart/digest; boundary=B||--B||Subject: x||y|--B--|--A--",
    ),
];
