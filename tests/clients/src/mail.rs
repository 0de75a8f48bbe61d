//! Messages: the ones that tests send, and how what came back is compared.

use anyhow::Context as _;
use message::corpus::Sample;
use std::path::Path;

/// The corpus's messages that IMAP can take by APPEND: a literal holds no NUL (RFC 9051 §9, `CHAR8`).
pub fn corpus() -> Vec<Sample> {
    message::corpus::samples().into_iter().filter(|sample| !sample.bytes.contains(&0)).collect()
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
        let folded = in_trace && rest.starts_with(b" ") || rest.starts_with(b"\t") && in_trace;
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
