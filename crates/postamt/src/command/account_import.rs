//! Accounts from a list of another server. Each line is one account, made whole or not at all; the report says of each
//! which, and why.

use super::administer::socket;
use crate::cli::Common;
use crate::control::{self, Request};
use crate::print::say;
use anyhow::Context as _;
use domain::Imported;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use types::Address;

/// Longest list in bytes.
const FILE_MAX: u64 = 256 * 1024 * 1024;

/// What is imported.
pub(super) struct Source {
    pub(super) file: PathBuf,
    pub(super) domain: Option<String>,
    pub(super) scheme: String,
    pub(super) dry_run: bool,
}

/// One account of the list.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    address: String,
    hash: String,
}

/// Imports; the exit code is 1 if a line was not taken.
pub(super) fn run(source: &Source, common: &Common) -> anyhow::Result<ExitCode> {
    let path = source.file.display();
    let size = std::fs::metadata(&source.file).with_context(|| format!("cannot read {path}"))?.len();
    anyhow::ensure!(size <= FILE_MAX, "{path} is larger than {FILE_MAX} bytes: split it");
    let text = std::fs::read(&source.file).with_context(|| format!("cannot read {path}"))?;
    let socket = socket(common)?;
    if !source.dry_run {
        // A server that does not answer is said once, not for each line.
        control::ask(&socket, &Request::Status)?;
    }
    let mut report = Vec::new();
    let (mut taken, mut refused) = (0_usize, 0_usize);
    for (line, bytes) in (1_usize..).zip(text.split(|octet| *octet == b'\n')) {
        let Some((address, result)) = one(bytes, source, &socket) else { continue };
        let (result, scheme, why) = match result {
            Ok(scheme) => ("taken", scheme, Value::Null),
            Err(why) => ("refused", Value::Null, Value::String(why)),
        };
        let count = if why.is_null() { &mut taken } else { &mut refused };
        *count += 1;
        report.push(json!({"line": line, "address": address, "result": result, "scheme": scheme, "why": why}));
    }
    if common.json {
        let all = json!({"taken": taken, "refused": refused, "dry-run": source.dry_run, "lines": report});
        say(&format!("{all}\n"));
    } else {
        say(&control::render(&Value::Array(report)));
        let would = if source.dry_run { " (nothing was made)" } else { "" };
        say(&format!("{taken} taken, {refused} refused{would}\n"));
    }
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What comes of one line: its address and the scheme or the reason; `None` for one that is no account.
fn one(bytes: &[u8], source: &Source, socket: &Path) -> Option<(String, Result<Value, String>)> {
    let Ok(line) = std::str::from_utf8(bytes) else {
        return Some((String::new(), Err("it is not UTF-8".into())));
    };
    let entry = match parse(line, source.domain.as_deref(), &source.scheme) {
        Ok(None) => return None,
        Ok(Some(entry)) => entry,
        Err(why) => return Some((String::new(), Err(why))),
    };
    let Entry { address, hash } = entry;
    // Looked at here as well, so that a dry run says the same.
    let parsed = Address::parse(&address).map_err(|error| error.to_string());
    let scheme = parsed.and_then(|_| Imported::parse(&hash).map_err(|error| error.to_string()));
    let scheme = match scheme {
        Err(why) => return Some((address, Err(why))),
        Ok(Imported::Password(_)) => "PLAIN",
        Ok(Imported::Hash(hash)) => hash.name(),
    };
    if source.dry_run {
        return Some((address, Ok(scheme.into())));
    }
    let request = Request::AccountAddHashed { address: address.clone(), hash };
    let why = match control::ask(socket, &request) {
        Ok(_) => return Some((address, Ok(scheme.into()))),
        Err(failure) => failure.why,
    };
    Some((address, Err(why)))
}

/// `name:hash:…` as in a passwd-file, whose other fields are not taken, or `name hash`. Nothing for empty lines and
/// comments.
fn parse(line: &str, domain: Option<&str>, scheme: &str) -> Result<Option<Entry>, String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let blank = line.find([' ', '\t']).unwrap_or(line.len());
    let (name, hash) = match line.split_once(':') {
        Some((name, rest)) if name.len() < blank => (name, rest.split(':').next().unwrap_or_default()),
        _ => line.split_once([' ', '\t']).map(|(name, hash)| (name, hash.trim_start())).ok_or("it has no hash")?,
    };
    let hash = match hash {
        "" => return Err("it has no hash".into()),
        locked if locked.starts_with(['!', '*']) => return Err("it is locked".into()),
        said if said.starts_with('{') => said.to_owned(),
        bare => format!("{{{scheme}}}{bare}"),
    };
    let address = match domain {
        _ if name.contains('@') => name.to_owned(),
        Some(domain) => format!("{name}@{domain}"),
        None => return Err(format!("{name} has no domain: say --domain")),
    };
    Ok(Some(Entry { address, hash }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(line: &str) -> Result<Option<(String, String)>, String> {
        Ok(parse(line, Some("example.org"), "CRYPT")?.map(|entry| (entry.address, entry.hash)))
    }

    #[test]
    fn lines_of_several_servers_are_read() {
        let is = |address: &str, hash: &str| Ok(Some((address.to_owned(), hash.to_owned())));
        let crypt = "$6$salz$abc";
        assert_eq!(
            entry("anna:{SSHA}abc=:1000:1000::/home::userdb_quota_rule=*:bytes=1G"),
            is("anna@example.org", "{SSHA}abc=")
        );
        assert_eq!(entry("anna@example.com:$6$salz$abc"), is("anna@example.com", &format!("{{CRYPT}}{crypt}")));
        assert_eq!(entry("anna@example.com\t {PLAIN}a b:c "), is("anna@example.com", "{PLAIN}a b:c"));
        assert_eq!(entry("anna:{PLAIN}a b\r"), is("anna@example.org", "{PLAIN}a b"));
        assert_eq!(entry("# anna:x"), Ok(None));
        assert_eq!(entry("  "), Ok(None));
    }

    #[test]
    fn what_is_no_account_says_why() {
        assert_eq!(entry("anna"), Err("it has no hash".into()));
        assert_eq!(entry("anna::1000"), Err("it has no hash".into()));
        assert_eq!(entry("anna:!$6$salz$abc"), Err("it is locked".into()));
        assert!(parse("anna:{SSHA}abc=", None, "CRYPT").unwrap_err().contains("--domain"));
    }
}
