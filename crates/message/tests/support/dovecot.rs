//! Asks Dovecot's IMAP server, run over pipes without any listener, what it makes of messages.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What one FETCH response said: item name in capitals (a section as sent) and raw value.
pub(crate) type Answers = BTreeMap<String, Vec<u8>>;

/// A directory of its own that goes when dropped.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("postamt-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Whether the server is installed.
pub(crate) fn is_installed() -> bool {
    Path::new("/usr/lib/dovecot/imap").exists() && Path::new("/usr/bin/doveadm").exists()
}

/// Puts the messages into a Maildir, in order, and writes the configuration.
pub(crate) fn prepare<'a>(directory: &Path, messages: impl Iterator<Item = &'a [u8]>) {
    for sub in ["Maildir/cur", "Maildir/new", "Maildir/tmp", "run", "state"] {
        std::fs::create_dir_all(directory.join(sub)).unwrap();
    }
    for (number, message) in (1_000_000_000..).zip(messages) {
        std::fs::write(directory.join(format!("Maildir/cur/{number}.m:2,S")), message).unwrap();
    }
    let at = directory.display();
    let configuration = format!(
        "mail_location = maildir:{at}/Maildir\nbase_dir = {at}/run\nstate_dir = {at}/state\nlog_path = {at}/log\n\
         ssl = no\nfirst_valid_uid = 0\nfirst_valid_gid = 0\nmail_vsize_bg_after_count = 0\n"
    );
    std::fs::write(directory.join("dovecot.conf"), configuration).unwrap();
    // It refuses to serve root.
    let _ = Command::new("chown").arg("-R").arg("65534:65534").arg(directory).status();
}

/// Runs one session with these commands (without tags) after SELECT; answers by message number.
#[expect(clippy::disallowed_types, reason = "the other program's errors go to a file")]
pub(crate) fn ask(directory: &Path, commands: &[String]) -> BTreeMap<u32, Answers> {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
    let mut command = if is_root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "doveadm"]);
        command
    } else {
        Command::new("doveadm")
    };
    let mut child = command
        .arg("-c")
        .arg(directory.join("dovecot.conf"))
        .args(["exec", "imap"])
        .env("HOME", directory)
        .env("USER", "nobody")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(directory.join("errors")).unwrap())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut script = "s SELECT INBOX\r\n".to_owned();
    for command in commands {
        script = script + "t " + command + "\r\n";
    }
    script.push_str("e LOGOUT\r\n");
    // The pipe stays open until it hangs up: it drops what it still has to say when its input ends first.
    let writer = std::thread::spawn(move || {
        let _ = input.write_all(script.as_bytes());
        input
    });
    let mut output = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut output).unwrap();
    let _ = writer.join();
    let status = child.wait().unwrap();
    let said = ["log", "errors"].map(|file| std::fs::read_to_string(directory.join(file)).unwrap_or_default());
    let end = output[output.len().saturating_sub(300)..].escape_ascii().to_string();
    assert!(output.windows(4).any(|w| w == b"e OK"), "Dovecot did not get to the end: {status}, {said:?}, {end}");
    parse(&output)
}

/// Reads the FETCH responses out of a session.
fn parse(mut output: &[u8]) -> BTreeMap<u32, Answers> {
    let mut all: BTreeMap<u32, Answers> = BTreeMap::new();
    while !output.is_empty() {
        let line_end = output.iter().position(|b| *b == b'\n').map_or(output.len(), |at| at + 1);
        let line = String::from_utf8_lossy(&output[..line_end]).into_owned();
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        let ["*", number, "FETCH", _] = words.as_slice() else {
            assert!(!line.contains(" BAD "), "{line}");
            output = &output[line_end..];
            continue;
        };
        let start = 2 + number.len() + " FETCH (".len();
        let answers = all.entry(number.parse().unwrap()).or_default();
        let mut rest = &output[start..];
        loop {
            if rest.first() == Some(&b' ') {
                rest = &rest[1..];
            }
            if rest.first() == Some(&b')') {
                break;
            }
            let name_end = name_length(rest);
            let name = String::from_utf8_lossy(&rest[..name_end]).into_owned();
            rest = &rest[name_end + 1..];
            let length = value_length(rest);
            answers.insert(name, rest[..length].to_vec());
            rest = &rest[length..];
        }
        output = &rest[1..];
        let line_end = output.iter().position(|b| *b == b'\n').map_or(output.len(), |at| at + 1);
        output = &output[line_end..];
    }
    all
}

/// An item name, with its section if it has one.
fn name_length(input: &[u8]) -> usize {
    let mut depth = 0;
    for (at, byte) in input.iter().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' => depth -= 1,
            b' ' if depth == 0 => return at,
            _ => {}
        }
    }
    input.len()
}

/// How many bytes the value at the start takes: an atom, a string, a literal or a list.
fn value_length(input: &[u8]) -> usize {
    let mut at = 0;
    let mut depth = 0;
    loop {
        match input.get(at) {
            Some(b'(') => {
                depth += 1;
                at += 1;
            }
            Some(b')') => {
                depth -= 1;
                at += 1;
            }
            Some(b' ') => at += 1,
            Some(b'"') => {
                at += 1;
                while input[at] != b'"' {
                    at += if input[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            Some(b'~') if input.get(at + 1) == Some(&b'{') => {
                at += 1;
                continue;
            }
            Some(b'{') => {
                let close = input[at..].iter().position(|b| *b == b'}').unwrap();
                let length: usize = std::str::from_utf8(&input[at + 1..at + close]).unwrap().parse().unwrap();
                at += close + 3 + length;
            }
            Some(_) => {
                while input.get(at).is_some_and(|b| !b" ()".contains(b)) {
                    at += 1;
                }
            }
            None => return at,
        }
        if depth == 0 {
            return at;
        }
    }
}

/// The bytes of a string value; `None` for NIL.
pub(crate) fn string_bytes(value: &[u8]) -> Option<Vec<u8>> {
    // A literal8 (RFC 3516 §4.3) is a literal.
    match value.first().filter(|b| **b != b'~').or(value.get(1)) {
        Some(b'{') => {
            let close = value.iter().position(|b| *b == b'}').unwrap();
            Some(value[close + 3..].to_vec())
        }
        Some(b'"') => {
            let mut out = Vec::new();
            let mut bytes = value[1..value.len() - 1].iter();
            while let Some(byte) = bytes.next() {
                out.push(if *byte == b'\\' { *bytes.next().unwrap() } else { *byte });
            }
            Some(out)
        }
        _ => None,
    }
}

/// The same data with every string as a literal: which form a server chooses is nobody's business.
pub(crate) fn with_literals(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    let mut at = 0;
    while at < data.len() {
        let length = match data[at] {
            b'"' => {
                let inside = &data[at + 1..];
                let mut length = 0;
                while inside[length] != b'"' {
                    length += if inside[length] == b'\\' { 2 } else { 1 };
                }
                let text = string_bytes(&data[at..at + length + 2]).unwrap();
                out.extend_from_slice(format!("{{{}}}\r\n", text.len()).as_bytes());
                out.extend_from_slice(&text);
                at += length + 2;
                continue;
            }
            b'{' => {
                let close = at + data[at..].iter().position(|b| *b == b'}').unwrap();
                let length: usize = std::str::from_utf8(&data[at + 1..close]).unwrap().parse().unwrap();
                close + b"}\r\n".len() + length - at
            }
            _ => 1,
        };
        out.extend_from_slice(&data[at..at + length]);
        at += length;
    }
    out
}
