//! Messages: the ones that tests send, and how what came back is compared.

use anyhow::{Context as _, bail};
use message::corpus::Sample;
use std::path::Path;

/// The corpus's messages that IMAP can take by APPEND: a literal holds no NUL (RFC 9051 §9, `CHAR8`), and an empty one
/// takes the command back (RFC 3502 §6.3.11).
pub fn corpus() -> Vec<Sample> {
    let fits = |sample: &Sample| !sample.bytes.is_empty() && !sample.bytes.contains(&0);
    message::corpus::samples().into_iter().filter(fits).collect()
}

/// A well-formed letter with this subject.
pub fn letter(subject: &str) -> Vec<u8> {
    format!(
        "From: Anna <anna@example.test>\r\nTo: Ben <ben@example.test>\r\nSubject: {subject}\r\n\
         Date: Tue, 24 Nov 2026 12:00:00 +0000\r\nMessage-ID: <{}@letters.example.test>\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
         Grüße, {subject}.\r\n.\r\n..dots\r\n\r\nFrom here on\r\n",
        subject.replace(|c: char| !c.is_ascii_alphanumeric(), "-")
    )
    .into_bytes()
}

/// What follows the trace fields (Return-Path, Received) that a delivery puts before a message.
pub fn after_trace(delivered: &[u8]) -> &[u8] {
    let mut rest = delivered;
    let mut in_trace = false;
    loop {
        let folded = in_trace && (rest.starts_with(b" ") || rest.starts_with(b"\t"));
        if !(folded || rest.starts_with(b"Return-Path:") || rest.starts_with(b"Received:")) {
            return rest;
        }
        in_trace = true;
        let end = rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |place| place + 1);
        rest = rest.get(end..).unwrap_or_default();
    }
}

/// Every file of a Maildir folder's `cur` and `new`, sorted by content: the file's name, its bytes.
pub fn maildir(folder: &Path) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    for part in ["new", "cur"] {
        let path = folder.join(part);
        for entry in std::fs::read_dir(&path).with_context(|| format!("reading {}", path.display()))? {
            let entry = entry?;
            found.push((entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path())?));
        }
    }
    found.sort_by(|(_, a), (_, b)| a.cmp(b));
    Ok(found)
}

/// The bytes of every file of a folder, sorted.
pub fn files_in(folder: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut found = entries.map(|entry| Ok(std::fs::read(entry?.path())?)).collect::<anyhow::Result<Vec<_>>>()?;
    found.sort();
    Ok(found)
}

/// Compares two heaps of messages, whatever their order; what differs is shown as text.
pub fn same<A: AsRef<[u8]>, B: AsRef<[u8]>>(
    got: impl IntoIterator<Item = A>,
    expected: impl IntoIterator<Item = B>,
) -> anyhow::Result<()> {
    let got = sorted(got.into_iter().map(|message| message.as_ref().to_vec()));
    let expected = sorted(expected.into_iter().map(|message| message.as_ref().to_vec()));
    if got == expected {
        return Ok(());
    }
    let only = |these: &[Vec<u8>], those: &[Vec<u8>]| -> Vec<String> {
        let rest = these.iter().filter(|message| those.binary_search(message).is_err()).take(SHOWN);
        rest.map(|message| String::from_utf8_lossy(message).chars().take(SHOWN_LENGTH).collect()).collect()
    };
    let (more, fewer) = (only(&got, &expected), only(&expected, &got));
    bail!("{} messages, not {}; unexpected: {more:#?}; missing: {fewer:#?}", got.len(), expected.len())
}

/// How many messages, and how much of each, a failed comparison shows.
const SHOWN: usize = 5;
const SHOWN_LENGTH: usize = 700;

/// In order, so that two heaps can be compared.
pub fn sorted(messages: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    let mut messages: Vec<_> = messages.into_iter().collect();
    messages.sort();
    messages
}

/// Without any CR: what programs keep in files that use LF.
pub fn without_cr(message: &[u8]) -> Vec<u8> {
    message.iter().copied().filter(|b| *b != b'\r').collect()
}

/// Each LF behind a CR: what such programs send.
pub fn with_crlf(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len());
    for byte in without_cr(message) {
        if byte == b'\n' {
            out.push(b'\r');
        }
        out.push(byte);
    }
    out
}
